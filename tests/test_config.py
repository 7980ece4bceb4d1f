"""Options and the command: where they come from, who wins, and what a mistake is told."""

import re

import pytest

from harness.client import Client
from harness.server import READY, DidNotStart, run
from harness.stores import embedded_only
from harness.wire import check_error, check_session, milliseconds


def lifetime_ms(server, tenant):
    """How long a new session lasts: it shows which idle time is in force."""
    client = Client(server.address, tenant)
    info = check_session(client.create())
    client.close()
    return milliseconds(info["expiresAt"]) - milliseconds(info["createdAt"])


def refusal(start_server, *settings, **options):
    """What the server says as it refuses to start: an exit code that is none of success's and none
    of a crash's, nothing on standard output."""
    with pytest.raises(DidNotStart) as failure:
        start_server(*settings, **options)
    assert failure.value.code > 0, f"exit code {failure.value.code}"
    assert failure.value.stdout == ""
    return failure.value.stderr


@pytest.fixture
def config_file(tmp_path):
    def write(text):
        path = tmp_path / "sojourn-test.toml"
        path.write_text(text)
        return path
    return write


# Sources


def test_a_file_sets_options(start_server, config_file, tenant):
    config = config_file('# a comment\n[sessions]\nidle_timeout = "11s"\n\n[http]\nthreads = 1\n')
    assert lifetime_ms(start_server(config=config), tenant) == 11_000


def test_the_environment_sets_options(start_server, tenant):
    server = start_server(env={"SOJOURN_SESSIONS__IDLE_TIMEOUT": "2s"})
    assert lifetime_ms(server, tenant) == 2_000


def test_a_flag_wins_over_the_environment_and_that_over_the_file(start_server, config_file, tenant):
    config = config_file('[sessions]\nidle_timeout = "11s"\nmax_lifetime = "33s"\n')
    env = {"SOJOURN_SESSIONS__IDLE_TIMEOUT": "22s"}
    assert lifetime_ms(start_server(config=config), tenant) == 11_000
    assert lifetime_ms(start_server(config=config, env=env), tenant) == 22_000
    assert lifetime_ms(start_server("sessions.idle_timeout=23s", config=config, env=env),
                       tenant) == 23_000
    # An option that only the file names stays in force beside the others.
    assert lifetime_ms(start_server("sessions.idle_timeout=44s", config=config), tenant) == 33_000


def test_the_last_of_equal_flags_wins(start_server, tenant):
    server = start_server("sessions.idle_timeout=3s", "sessions.idle_timeout=4s")
    assert lifetime_ms(server, tenant) == 4_000


@pytest.mark.parametrize("text, expected", [
    ("2500ms", 2_500), ("2s", 2_000), ("30m", 1_800_000), ("24h", 86_400_000), ("14d", 1_209_600_000),
    ('"5s"', 5_000),
])
def test_durations_have_units(start_server, tenant, text, expected):
    server = start_server(f"sessions.idle_timeout={text}", "sessions.max_lifetime=30d")
    assert lifetime_ms(server, tenant) == expected


def test_flags_name_addresses_and_data_over_the_file(start_server, config_file, tenant, tmp_path):
    config = config_file('[http]\nlisten = "127.0.0.1:1"\n[admin]\nlisten = "127.0.0.1:1"\n'
                         '[store.lmdb]\npath = "/nonexistent/data"\n')
    data = tmp_path / "data"
    server = start_server(config=config, store=["--data", data])  # the harness gives --listen and --admin-listen
    assert server.store_path == str(data)
    assert data.is_dir()
    assert lifetime_ms(server, tenant) == 1_800_000


@pytest.mark.parametrize("setting, allowed", [("http.base_paths=[\"/x\"]", "/x"),
                                              ("http.base_paths=['/x/y', '/']", "/x/y")])
def test_a_setting_is_toml(start_server, tenant, setting, allowed):
    client = Client(start_server(setting).address, tenant, base=allowed)
    check_session(client.create())
    client.close()


# Mistakes


FILE_MISTAKES = {
    "an unknown key": ('[sessions]\nmax_lifetime = "1h"\nidle_timeot = "2s"\n', 3, "idle_timeot",
                       "idle_timeout"),
    "an unknown section": ('[http]\nthreads = 1\n\n[sesions]\nidle_timeout = "2s"\n', (4, 5), "sesions",
                           "sessions"),
    "a number for a duration": ('[sessions]\nidle_timeout = 30\n', 2, "sessions.idle_timeout",
                                r"30m|2s|250ms"),
    "a duration without a unit": ('\n\n[sessions]\nidle_timeout = "30"\n', 4,
                                  "sessions.idle_timeout", r"30m|2s|250ms"),
    "text for a number": ('[http]\nthreads = "many"\n', 2, "http.threads", r"number|integer"),
    "text for a bool": ('[http]\nmirror_session_id = "yes"\n', 2, "http.mirror_session_id",
                        r"true|false"),
    "a number for a size": ('[http]\nmax_body_bytes = "64 parsecs"\n', 2, "http.max_body_bytes",
                            r"KiB"),
    "no such choice": ('[sessions]\non_unknown_id = "panic"\n', 2, "sessions.on_unknown_id",
                       r"create.*not_found|not_found.*create"),
    "no idle time": ('[sessions]\nidle_timeout = "0s"\n', 2, "sessions.idle_timeout", r"at least 1 ?ms"),
    "a negative duration": ('[sessions]\nmax_lifetime = "-5m"\n', 2, "sessions.max_lifetime",
                            r"30m|2s|250ms"),
    "too long a duration": ('[sessions]\nmax_lifetime = "99999999999999999999d"\n', 2,
                            "sessions.max_lifetime", r"3650d|10 years"),
    "fewer than no threads": ('[http]\nthreads = -1\n', 2, "http.threads", r"number|integer"),
    "no connections": ('[http]\nmax_connections = 0\n', 2, "http.max_connections", r"from 1|at least 1"),
    "no such store": ('[store]\nkind = "oracle"\n', 2, "store.kind", "lmdb"),
    "broken TOML": ('[sessions]\nidle_timeout = \n', 2, "", r"\w"),
    "a key given twice": ('[http]\nthreads = 1\nthreads = 2\n', 3, "threads", r"\w"),
    "a section that is a value": ('sessions = 5\n', 1, "sessions", r"\w"),
}


@pytest.mark.parametrize("text, line, key, right", FILE_MISTAKES.values(), ids=FILE_MISTAKES.keys())
def test_a_mistake_in_the_file_is_named_with_its_line_and_what_would_be_right(
        start_server, config_file, text, line, key, right):
    said = refusal(start_server, config=config_file(text))
    lines = line if isinstance(line, tuple) else (line,)
    assert any(re.search(rf"sojourn-test\.toml(:| line |, line ){number}\b", said)
               for number in lines), said
    assert key in said
    assert re.search(right, said), said


def test_a_touch_interval_beyond_the_idle_time_is_impossible(start_server):
    said = refusal(start_server, "sessions.idle_timeout=1s", "sessions.touch_interval=2s")
    assert "sessions.touch_interval" in said and "idle_timeout" in said


@pytest.mark.parametrize("setting, key, right", [
    ("sessions.idle_timeot=2s", "sessions.idle_timeot", "sessions.idle_timeout"),
    ("nonsense.key=1", "nonsense", r"\w"),
    ("sessions.idle_timeout=soon", "sessions.idle_timeout", r"30m|2s|250ms"),
    ("http.threads=1.5", "http.threads", r"number|integer"),
    ("http.threads", "http.threads", r"SECTION\.KEY=VALUE|="),
    ("http.base_paths=[", "http.base_paths", r"\w"),
    ("http.max_connections=0", "http.max_connections", r"from 1|at least 1"),
])
def test_a_mistake_in_a_flag_is_named(start_server, setting, key, right):
    said = refusal(start_server, setting)
    assert "--set" in said and key in said
    assert re.search(right, said), said


@pytest.mark.parametrize("name, value, right", [
    ("SOJOURN_SESSIONS__IDLE_TIMEOT", "2s", "idle_timeout"),
    ("SOJOURN_SESSIONS__IDLE_TIMEOUT", "soon", r"30m|2s|250ms"),
    ("SOJOURN_HTTP__THREADS", "many", r"number|integer"),
])
def test_a_mistake_in_the_environment_is_named(start_server, name, value, right):
    said = refusal(start_server, env={name: value})
    assert name in said
    assert re.search(right, said, re.IGNORECASE), said


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:x", ":", ""])
def test_an_address_that_cannot_be_one_is_named(start_server, listen):
    said = refusal(start_server, listen=listen)
    assert listen in said
    assert re.search(r"HOST:PORT|127\.0\.0\.1:\d+", said), said


def test_a_file_that_is_not_there_is_named(start_server, tmp_path):
    assert "absent.toml" in refusal(start_server, config=tmp_path / "absent.toml")


@embedded_only
def test_a_data_directory_that_is_a_file_is_named(start_server, tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("not a directory")
    assert str(blocked) in refusal(start_server, data=blocked)


# The command


def test_the_ready_line_and_nothing_else_is_printed(start_server, tenant):
    server = start_server()
    assert READY.fullmatch(server.ready_line)
    client = Client(server.address, tenant)
    check_session(client.create())
    check_error(client.request("GET", "/nope"), 404, "ROUTE_NOT_FOUND")
    client.close()
    server.stop()  # asserts that nothing followed


def test_no_id_and_no_body_is_in_the_log(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    made = check_session(client.create({"gkc_customerId": "secret-customer"},
                                       {"visitId": "secret-visit"}))
    client.request("PUT", client.target(), [("Content-Type", "application/json")], b'{"secret-body')
    client.close()
    server.stop()
    said = server.stderr()
    assert made["sessionId"] not in said
    assert "secret" not in said


def test_version_says_which_one(tmp_path):
    code, stdout, stderr = run("version")
    assert (code, stderr) == (0, "")
    assert re.fullmatch(r"sojourn \d+\.\d+\.\d+.*\n", stdout)


def test_help_names_the_subcommands():
    code, stdout, stderr = run("--help")
    assert (code, stderr) == (0, "")
    assert "serve" in stdout and "version" in stdout


def test_help_of_serve_names_its_flags():
    code, stdout, stderr = run("serve", "--help")
    assert (code, stderr) == (0, "")
    for flag in ("--config", "--listen", "--admin-listen", "--data", "--set"):
        assert flag in stdout


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("serve", "--nonsense"), ("serve", "extra"),
                                       ("serve", "--listen")])
def test_a_mistake_on_the_command_line_is_refused(arguments):
    code, stdout, stderr = run(*arguments)
    assert code > 0
    assert stdout == "" and stderr != ""
