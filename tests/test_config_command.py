"""`sojourn config check` and `sojourn config show`: what serve would run with, without serving."""

import re
import tomllib

import pytest

from harness.server import REPOSITORY, run


@pytest.fixture
def config(tmp_path):
    """config(text) writes a configuration file."""
    def write(text):
        path = tmp_path / "sojourn-test.toml"
        path.write_text(text)
        return str(path)
    return write


def shown(*arguments, **options):
    code, stdout, stderr = run("config", "show", *arguments, **options)
    assert (code, stderr) == (0, ""), stderr
    return stdout


# check


def test_what_serve_would_take_is_ok(config, tmp_path):
    keys = tmp_path / "keys.toml"
    keys.write_text("")
    assert run("config", "check", "--set", f"security.key_file={keys}") == (0, "OK\n", "")
    text = f'[sessions]\nidle_timeout = "9m"\n[security]\nkey_file = "{keys}"\n'
    assert run("config", "check", "--config", config(text), "--set", "http.threads=2") == (0, "OK\n", "")


@pytest.mark.parametrize("text, says", [
    ('[sessions]\nidle_timeot = "9m"\n', r"sojourn-test\.toml:2: unknown option sessions\.idle_timeot"),
    ('[http]\nthreads = "many"\n', r"sojourn-test\.toml:2: bad value for http\.threads"),
    ("[http\n", r"sojourn-test\.toml:1: "),
    ('[security]\nkey_file = "/nonexistent/keys"\n', "/nonexistent/keys"),
    ('[http.tls]\ncertificate = "/nonexistent/c.pem"\nkey = "/nonexistent/k.pem"\n', "/nonexistent/"),
    ('[http]\nlisten = "0.0.0.0:9092"\n', r"security\.allow_insecure"),
    ('[admin]\nlisten = "nowhere"\n', r'admin\.listen: "nowhere" is not an address: write HOST:PORT'),
    ('[store]\nkind = "redis"\nredis.password_file = "/nonexistent/p"\n', "/nonexistent/p: No such file"),
    ('[store]\nkind = "redis"\nredis.password_file = "/"\n', "/: it is a directory"),
    ('[store]\nkind = "redis"\nredis.url = "rediss://a"\nredis.tls.ca = "/"\n', "store.redis.tls.ca: it is a dir"),
    ('[store]\nkind = "redis"\nredis.tls.ca = "/nonexistent/ca"\n', "begin it with rediss://"),
    ('[http.tls]\ncertificate = "/"\nkey = "/"\n', "certificate /: it is a directory"),
    ('[security]\nkey_file = "/"\n', "/: cannot read the key file: it is a directory"),
])
def test_what_serve_would_refuse_is_told_the_same_way(config, text, says):
    path = config(text)
    code, stdout, stderr = run("config", "check", "--config", path)
    assert (code, stdout) == (2, "")
    assert re.search(says, stderr), stderr
    assert run("serve", "--config", path, "--data", "/nonexistent/x/y")[2] == stderr


def test_a_wrong_flag_and_a_wrong_variable_are_named():
    assert "--set" in run("config", "check", "--set", "http.threads=0")[2]
    assert "SOJOURN_HTTP__THREADS" in run("config", "check", env={"SOJOURN_HTTP__THREADS": "0"})[2]
    assert run("config")[0] == 2


def test_what_is_allowed_and_unsafe_is_warned_of():
    code, stdout, stderr = run("config", "check", "--set", "http.listen=0.0.0.0:0", "--set",
                               "security.allow_insecure=true")
    assert (code, stdout) == (0, "OK\n")
    assert "warning: http.listen is 0.0.0.0:0" in stderr
    assert "warning: No API keys are asked for" in run("config", "check")[2]


def test_check_touches_no_data(tmp_path):
    run("config", "check", "--data", str(tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


# show


def test_every_option_is_shown_set_or_as_a_comment():
    keys = re.findall(r"^ +([a-z][\w.]*\.\w+) = ", run("serve", "--help")[1], re.MULTILINE)
    section, found = None, []
    for line in shown().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            found.append(f"{section}.{line.removeprefix('# ').split(' ')[0]}")
    assert sorted(found) == sorted(keys)


def test_what_is_shown_can_be_used_again(config):
    text = """
[http]
base_paths = ["/x"]
idle_timeout = "90s"
max_body_bytes = "1025B"
[sessions]
touch_interval = "0"
index = ["visitId"]
[store.lmdb]
durability = "interval:100ms"
path = '/tmp/a "b" \\ c'
[tenants.policy."a.b \\"c\\""]
on_unknown_id = "not_found"
[tenants.policy.7]
"""
    first = shown("--config", config(text))
    values = tomllib.loads(first)
    assert values["http"]["base_paths"] == ["/x"]
    assert values["store"]["lmdb"]["path"] == '/tmp/a "b" \\ c'
    assert values["tenants"]["policy"]['a.b "c"']["on_unknown_id"] == "not_found"
    assert shown("--config", config(first)) == first


def test_flags_and_environment_are_in_it_and_defaults_are_marked():
    text = shown("--set", "sessions.idle_timeout=9m", "--data", "/x",
                 env={"SOJOURN_HTTP__THREADS": "3"})
    assert 'idle_timeout = "9m"\n' in text and "threads = 3\n" in text and 'path = "/x"\n' in text
    assert 'max_lifetime = "1d"  # default\n' in text


def test_what_is_wrong_is_not_shown(config):
    code, stdout, stderr = run("config", "show", "--config", config("[http]\nx = 1\n"))
    assert (code, stdout) == (2, "") and "http.x" in stderr
