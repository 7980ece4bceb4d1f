"""Where the process meets the machine: descriptors that are closed or few, signals, outputs that take
nothing."""

import itertools
import json
import os
import re
import resource
import signal
import subprocess

import pytest

from harness.check import check_store
from harness.client import Client, Connection, request_bytes
from harness.metrics import metrics
from harness.nginx import free_port
from harness.processes import exit_code, spawn, wait_for
from harness.server import BINARY, SANITIZED, DidNotStart, environment, run
from harness.stores import embedded_only
from harness.wire import check_error, check_session

FULL = "/dev/full"
exhausts_descriptors = pytest.mark.skipif(
    SANITIZED, reason="the sanitizer opens a pipe to look at an object, and takes none for a fault")


def closing(descriptors):
    """For spawn(): closes these before the command begins."""
    return lambda: [os.close(one) for one in descriptors]


def with_files(count):
    """For spawn(): a hard limit of open files."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def answers(port):
    try:
        client = Client(("127.0.0.1", port))
        status = client.request("GET", "/nowhere").status
        client.close()
        return status == 404
    except OSError:
        return False


# Closed standard descriptors

SUBSETS = [subset for count in (1, 2, 3) for subset in itertools.combinations(range(3), count)]


@embedded_only
@pytest.mark.parametrize("closed", SUBSETS, ids=lambda subset: "".join(map(str, subset)))
def test_the_log_never_lands_in_the_store(start_server, tmp_path, tenant, closed):
    data, port = tmp_path / "data", free_port()
    process = spawn([BINARY, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", "--admin-listen", "",
                     "--set", "log.access=all"], prepare=closing(closed), env=environment(),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: answers(port), "it serves", 15)
    client = Client(("127.0.0.1", port), tenant)
    made = [check_session(client.create())["sessionId"] for _ in range(20)]
    client.close()
    for number in closed:
        assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
    process.send_signal(signal.SIGTERM)
    assert exit_code(process, 15) == 0
    assert check_store(data)["sessions"] == 20
    client = Client(start_server("sessions.on_unknown_id=not_found", data=data).address, tenant)
    assert [client.get(one).status for one in made] == [200] * 20
    client.close()


@pytest.fixture
def stored(start_server, tenant):
    """The directory of a stopped server with three sessions and a key of an idempotent create."""
    server = start_server(store=None)
    client = Client(server.address, tenant)
    client.create({"Idempotency-Key": "k"})
    client.create({"gkc_customerId": "c"})
    client.create()
    client.close()
    server.stop()
    return server.data


def commands(stored, directory):
    """Every command that ends by itself, and prints something, as {name: arguments}."""
    code, _, stderr = run("export", "--data", stored, "--output", directory / "exported")
    assert code == 0, stderr
    code, _, stderr = run("backup", "--data", stored, directory / "backed-up")
    assert code == 0, stderr
    return {
        "version": ["version"],
        "help": ["--help"],
        "help of serve": ["serve", "--help"],
        "config show": ["config", "show"],
        "config check": ["config", "check"],
        "check": ["check", "--data", stored],
        "backup": ["backup", "--data", stored, directory / "new-backup"],
        "restore": ["restore", directory / "backed-up", "--data", directory / "restored"],
        "export": ["export", "--data", stored],
        "export to a file": ["export", "--data", stored, "--output", directory / "new-export"],
        "import": ["import", directory / "exported", "--data", directory / "imported"],
        "key new": ["key", "new", "--name", "a", "--tenants", "1", "--scopes", "read"],
        "key new into a file": ["key", "new", "--name", "a", "--tenants", "1", "--scopes", "read", "--file",
                                directory / "keys"],
    }


@embedded_only
def test_no_command_writes_into_the_store_what_it_says(stored, tmp_path):
    before = (stored / "data.mdb").read_bytes()
    for name, arguments in commands(stored, tmp_path).items():
        process = spawn([BINARY, *arguments], prepare=closing((0, 1, 2)), env=environment())
        assert exit_code(process, 20) == 1, f"{name}: what it prints is lost, so it has failed"
        assert (stored / "data.mdb").read_bytes() == before, name
    check_store(stored)
    check_store(tmp_path / "restored")
    check_store(tmp_path / "imported")
    assert len((tmp_path / "keys").read_text().splitlines()) == 1


@embedded_only
def test_a_closed_standard_input_holds_no_export(tmp_path):
    process = spawn([BINARY, "import", "--data", tmp_path / "data"], prepare=closing((0,)), env=environment(),
                    stderr=subprocess.PIPE, text=True)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1 and "line 1 cannot be read: Bad file descriptor" in stderr
    assert not (tmp_path / "data").exists()


# Outputs that take nothing


@embedded_only
@pytest.mark.parametrize("output, reason", [(FULL, "No space left on device"), (None, "Broken pipe")],
                         ids=["a full disk", "a closed pipe"])
def test_a_result_that_is_lost_is_a_failure(stored, tmp_path, output, reason):
    for name, arguments in commands(stored, tmp_path).items():
        if output is None:
            reading, descriptor = os.pipe()
            os.close(reading)
        else:
            descriptor = os.open(output, os.O_WRONLY)
        process = spawn([BINARY, *arguments], env=environment(), stdin=subprocess.DEVNULL, stdout=descriptor,
                        stderr=subprocess.PIPE, text=True)
        os.close(descriptor)
        _, stderr = process.communicate(timeout=20)
        assert process.returncode == 1, f"{name} ended with {process.returncode}: {stderr}"
        assert reason in stderr, f"{name}: {stderr}"


@embedded_only
def test_a_complaint_that_is_lost_changes_no_result(stored, tmp_path):
    """Standard error takes nothing: warnings and progress are lost, the rest is as ever."""
    for name, arguments in commands(stored, tmp_path).items():
        if name == "export":
            continue  # its counts go to standard error, and that they are lost is a failure
        with open(FULL, "wb") as full:
            done = subprocess.run([BINARY, *arguments], env=environment(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=full, timeout=20, check=False)
        assert done.returncode == 0, name
        assert done.stdout != b"", name
    with open(FULL, "wb") as full:
        done = subprocess.run([BINARY, "serve", "--set", "http.threads=0"], env=environment(), stderr=full,
                              stdin=subprocess.DEVNULL, timeout=20, check=False)
    assert done.returncode == 2


def full_pipe():
    """Both ends of a pipe that takes nothing more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (65536, 1):
        try:
            while os.write(writing, b"x" * size):
                pass
        except BlockingIOError:
            pass
    os.set_blocking(writing, True)
    return reading, writing


@pytest.mark.parametrize("output", ["full disk", "closed pipe", "full pipe", "full pipe for the log too"])
def test_nobody_needs_to_read_the_ready_line(tmp_path, tenant, output):
    port = free_port()
    reading = None
    if output == "full disk":
        writing = os.open(FULL, os.O_WRONLY)
    elif output == "closed pipe":
        reading, writing = os.pipe()
        os.close(reading)
        reading = None
    else:
        reading, writing = full_pipe()
    with open(tmp_path / "log", "wb") as log:
        process = spawn([BINARY, "serve", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}",
                         "--admin-listen", "", "--set", "log.access=all"], env=environment(),
                        stdin=subprocess.DEVNULL, stdout=writing, stderr=writing if "log" in output else log)
    os.close(writing)
    wait_for(lambda: answers(port), "it serves", 15)
    client = Client(("127.0.0.1", port), tenant)
    for _ in range(200):
        assert client.create().status == 200
    client.close()
    if "log" not in output:
        wait_for(lambda: "server.ready_unprinted" in (tmp_path / "log").read_text(), "the log says so")
    process.send_signal(signal.SIGTERM)
    assert exit_code(process, 15) == 0
    if reading is not None:
        os.close(reading)


# Signals


def in_flight(server):
    """A connection with a request that never ends, which a drain waits for."""
    connection = Connection(server.address)
    connection.send(b"GET /sessions/x HTTP/1.1\r\n")
    wait_for(lambda: metrics(server).sum("sojourn_connections", listener="public") == 1, "it is there")
    return connection


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT),
                                           (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_ends_the_drain_at_once(start_server, tenant, first, second):
    server = start_server("http.drain_timeout=1h", "http.header_timeout=1h")
    client = Client(server.address, tenant)
    session = check_session(client.create())["sessionId"]
    client.close()
    with in_flight(server):
        server.process.send_signal(first)
        server.await_words("server.draining")
        server.process.send_signal(signal.SIGHUP)  # means nothing any more
        assert server.running()
        server.process.send_signal(second)
        server.await_exit()
    last = json.loads(server.stderr().splitlines()[-1])
    assert (last["event"], last["level"]) == ("server.stopped", "warning"), last
    assert second.name.removeprefix("SIG") in last["message"]
    client = Client(start_server(data=server.data).address, tenant)
    assert client.get(session).json()["response"]["isNew"] is False
    client.close()


MEANINGLESS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGPIPE,
               signal.SIGIO, signal.SIGPWR, signal.SIGSTKFLT, signal.SIGXFSZ, signal.SIGRTMIN, signal.SIGRTMAX]


def test_signals_without_a_meaning_end_nothing(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    for one in MEANINGLESS:
        server.process.send_signal(one)
        assert client.create().status == 200, one
    client.close()
    server.stop()  # asserts that it still runs, and ends in order


# Few descriptors


@exhausts_descriptors
def test_too_few_descriptors_are_refused_with_a_sentence(start_server, tmp_path):
    """Whatever the limit is, the server says what it needs, or serves."""
    needed = None
    for count in (5, 8, 12, 17, 21, 26, 31, 40, 50):
        with pytest.raises(DidNotStart) as failure:
            start_server("http.threads=2", prepare=with_files(count))
        assert failure.value.code in (1, 127), failure.value.stderr  # 127: the loader found no library
        if failure.value.code == 1:
            said = re.search(r"The limit of open files is (\d+), and with http\.threads = 2 at least (\d+) are "
                             r"needed: raise it \(LimitNOFILE", failure.value.stderr)
            assert said and int(said[1]) == count, failure.value.stderr
            needed = int(said[2])
    server = start_server("http.threads=2", prepare=with_files(needed))
    check_error(Client(server.address).create(), 400, "TENANT_ID_REQUIRED")


def test_with_few_descriptors_more_clients_are_refused_and_none_waits(start_server, tmp_path, tenant):
    keys = tmp_path / "keys.toml"
    keys.write_text("")
    config = tmp_path / "sojourn.toml"
    config.write_text("# nothing\n")
    server = start_server("http.threads=2", prepare=with_files(64), config=config)
    server.await_words("config.warning", "The limit of open files is 64, so at most")
    most = metrics(server).sum("sojourn_connections_max", listener="public")
    assert 8 <= most < 64
    connections = [Connection(server.address) for _ in range(60)]
    for one in connections:
        one.send(request_bytes("PUT", f"/sessions/new?tenantId={tenant}"))
    statuses = []
    for one in connections:
        try:
            statuses.append(one.read().status)
        except OSError:
            statuses.append(None)  # closed without an answer
    assert statuses.count(200) == most, statuses
    assert set(statuses) <= {200, 503, None}
    # What is served stays served, and there is room for health, and to read files at a reload.
    seen = metrics(server)
    assert seen.sum("process_open_fds") < seen.sum("process_max_fds") == 64
    assert seen.sum("sojourn_connections_turned_away_total") >= 60 - most
    assert seen.sum("sojourn_accept_failures_total") == 0
    config.write_text(f'[security]\nkey_file = "{keys}"\n')
    server.process.send_signal(signal.SIGHUP)
    server.await_words("config.reloaded")
    answered = connections[statuses.index(200)]
    answered.send(request_bytes("PUT", f"/sessions/new?tenantId={tenant}"))
    check_error(answered.read(), 401, "UNAUTHENTICATED")
    for one in connections:
        one.close()
    client = Client(server.address, tenant)
    wait_for(lambda: client.create().status == 401, "there is room again")
    client.close()


@exhausts_descriptors
def test_a_client_without_a_descriptor_is_closed_and_counted(start_server, tenant):
    """Something else than connections takes the descriptors: here a limit that is lowered meanwhile."""
    server = start_server("http.threads=2")
    pid = server.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(one) for one in os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, hard))
    refused = []
    for _ in range(40):  # some may find a free place below the highest
        connection = Connection(server.address)
        connection.send(request_bytes("GET", "/nowhere"))
        refused.append(connection)
    ended = 0
    for one in refused:
        try:
            assert one.read().status == 404
        except OSError:
            ended += 1
    assert ended > 20, "each is answered or closed; none waits"
    server.await_words("connections.not_accepted", "Too many open files")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    for one in refused:
        one.close()
    client = Client(server.address, tenant)
    check_session(client.create())
    client.close()
    seen = metrics(server)
    failures = seen.sum("sojourn_accept_failures_total", listener="public")
    assert failures >= ended
    server.stop()
    told = [json.loads(line) for line in server.stderr().splitlines()]
    told = [line for line in told if line["event"] == "connections.not_accepted"]
    assert sum(line["count"] for line in told) == failures and {line["listener"] for line in told} == {"public"}


# Names of paths


@pytest.mark.parametrize("arguments", [
    ("serve", "--config", ""), ("config", "check", "--config", ""), ("serve", "--data", ""), ("check", "--data", ""),
    ("backup", ""), ("restore", "", "--data", "x"), ("restore", "x", "--data", ""), ("export", "--output", ""),
    ("import", "", "--data", "x"), ("import", "--data", ""),
    ("key", "new", "--name", "a", "--tenants", "1", "--scopes", "read", "--file", ""),
], ids=" ".join)
def test_a_path_that_is_empty_is_refused(arguments, tmp_path):
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert "a path is expected, and it is empty" in stderr


@embedded_only
@pytest.mark.parametrize("kind", ["directory", "missing"])
def test_an_import_of_what_is_no_file_says_why(tmp_path, kind):
    path = tmp_path / "exported"
    if kind == "directory":
        path.mkdir()
    code, stdout, stderr = run("import", path, "--data", tmp_path / "data")
    assert (code, stdout) == (1, "")
    assert ("Is a directory" if kind == "directory" else "No such file or directory") in stderr
    assert not (tmp_path / "data").exists()


# Option files that read as nothing


def test_an_option_file_is_a_file(tmp_path):
    directory = tmp_path / "sojourn.toml"
    directory.mkdir()
    for command in (("serve", "--data", tmp_path / "data"), ("config", "check"), ("config", "show")):
        code, stdout, stderr = run(*command, "--config", directory)
        assert (code, stdout) == (2, "")
        assert stderr == f"sojourn: {directory}: cannot read the options: it is a directory\n"
        assert "it is not a regular file" in run(*command, "--config", "/dev/null")[2]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "it is not a regular file" in run("config", "check", "--config", pipe)[2]


def test_a_file_that_may_not_be_read_is_named_with_the_reason(tmp_path):
    file = tmp_path / "sojourn.toml"
    file.write_text("[http]\n")
    file.chmod(0)
    os.chmod(tmp_path, 0o755)
    nobody = {} if os.geteuid() else {"user": 65534, "group": 65534, "extra_groups": []}
    done = subprocess.run([BINARY, "config", "check", "--config", os.path.relpath(file, tmp_path)], env=environment(),
                          cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False, **nobody)
    assert done.returncode == 2
    assert done.stderr == "sojourn: sojourn.toml: cannot read the options: Permission denied\n"


def test_an_empty_option_file_starts_with_a_warning(start_server, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text("\n")
    server = start_server(config=config)
    server.await_words("config.warning", f"{config} is empty")
    assert f"warning: {config} is empty" in run("config", "check", "--config", config)[2]


# Variables


def test_a_variable_that_was_meant_as_an_option_is_refused(start_server):
    for name in ("SOJOURN_SECURITY_KEY_FILE", "SOJOURN_SECURITY__KEYFILE", "SOJOURN_SECURTY_KEY_FILE"):
        with pytest.raises(DidNotStart) as failure:
            start_server(env={name: "/etc/sojourn/keys.toml"})
        assert failure.value.code == 2
        assert name in failure.value.stderr and "did you mean SOJOURN_SECURITY__KEY_FILE?" in failure.value.stderr
        assert "SOJOURN_SECURITY__KEY_FILE" in run("config", "check", env={name: "x"})[2]


def test_any_other_variable_is_a_warning_that_names_it(start_server):
    env = {"SOJOURN_PORT": "tcp://10.0.0.1:9092", "SOJOURN_SERVICE_HOST": "10.0.0.1"}  # as Kubernetes sets them
    server = start_server(env=env)
    server.await_words("config.warning", "SOJOURN_PORT", "SOJOURN_SERVICE_HOST")
    code, stdout, stderr = run("config", "check", env=env)
    assert (code, stdout) == (0, "OK\n")
    assert "warning: Environment variables that are no options are ignored: SOJOURN_" in stderr
    assert "tcp://" not in stderr, "names, not values"
