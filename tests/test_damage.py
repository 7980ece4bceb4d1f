"""A damaged data file: whatever was done to its bytes, no command dies without a word, no answer is wrong, nothing
that is there is said not to be, and `sojourn check` finds what the server met."""

import collections
import json
import os
import signal
import subprocess

import pytest

from harness.client import Client
from harness.damage import Truth, Wrong, compare, damage
from harness.processes import exit_code, wait_for
from harness.scale import size
from harness.server import BINARY, DidNotStart, Server, environment
from harness.stores import embedded_only
from harness.wire import check_error, check_session

pytestmark = embedded_only

GROUPS = 4
DAMAGES = size("SOJOURN_DAMAGES", 24, 2_000)
SESSIONS = size("SOJOURN_DAMAGED_SESSIONS", 800, 3_000)
# Reads that write nothing: no touch, no automatic session.
SETTINGS = ("sessions.idle_timeout=24h", "sessions.touch_interval=23h", "sessions.on_unknown_id=not_found",
            "http.threads=1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a store, and what it shows."""
    server = Server(tmp_path_factory.mktemp("whole") / "data", SETTINGS).start()
    truth = Truth(server, SESSIONS)
    assert compare(server, truth) == 0
    server.stop()
    return (server.data / "data.mdb").read_bytes(), truth


def command(*arguments):
    """(exit code, stdout, stderr), of which the last ends a death with its line."""
    done = subprocess.run([BINARY, *map(str, arguments)], env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False)
    check_ending(done.returncode, done.stderr)
    return done.returncode, done.stdout, done.stderr


def check_ending(code, stderr):
    """0; or 1 with a reason; or a death that says what it was of."""
    if code == 0:
        return
    last = stderr.rstrip("\n").rsplit("\n", 1)[-1]
    assert last.startswith("sojourn: "), f"exit code {code} without a word: {stderr!r}"
    if code != 1:
        assert code == 74 or code < 0, (code, stderr)
        assert "ended by SIG" in stderr and "sojourn check" in stderr, stderr


class Outcome:
    """What became of one damage."""

    def __init__(self, check, serve, export, backup):
        self.check, self.serve, self.export, self.backup = check, serve, export, backup

    def harmless(self):
        return (self.serve, self.export, self.backup) == ("right", "right", "right")


def serve(data, truth):
    server = Server(data, SETTINGS)
    try:
        server.start()
    except DidNotStart as failure:
        check_ending(failure.code, failure.stderr)
        return "refused" if failure.code == 1 else "died"
    try:
        refused = compare(server, truth)
    except OSError:
        code = exit_code(server.process, 10)
        server.process.stdout.close()
        check_ending(code, server.stderr())
        assert code != 0
        return "died"
    except Wrong:
        server.kill()
        raise
    server.stop()
    return "503" if refused else "right"


def export(data, truth, output):
    code, _, _ = command("export", "--data", data, "--output", output)
    if code != 0:
        assert not output.exists()
        return "refused" if code == 1 else "died"
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert {(one["session"]["tenantId"], one["session"]["sessionId"]) for one in lines if "session" in one} == set(
        truth.sessions)
    assert sum("idempotencyKey" in one for one in lines) == 15
    return "right"


def backup(data, truth, target):
    code, stdout, _ = command("backup", "--data", data, target)
    if code != 0:
        assert not (target / "data.mdb").exists()
        return "refused" if code == 1 else "died"
    assert f"sessions {len(truth.sessions)}\n" in stdout, stdout
    return "right"


def try_damage(directory, bytes_of, truth):
    data = directory / "data"
    data.mkdir(parents=True)
    (data / "data.mdb").write_bytes(bytes_of)
    code, stdout, stderr = command("check", "--data", data)
    check = "clean" if code == 0 else "found" if code == 1 else "died"
    assert code == 0 or "problem: " in stdout or stderr.count("\n") == 1
    # Another copy, which the server may change.
    served = directory / "served"
    served.mkdir()
    (served / "data.mdb").write_bytes(bytes_of)
    outcome = Outcome(check, serve(served, truth), export(data, truth, directory / "export"),
                      backup(data, truth, directory / "backup"))
    assert check == "found" or outcome.harmless(), vars(outcome)
    return outcome


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_damage(whole, tmp_path, group):
    bytes_of, truth = whole
    outcomes = collections.Counter()
    for seed in range(group, DAMAGES, GROUPS):
        damaged, what = damage(bytes_of, seed)
        try:
            outcome = try_damage(tmp_path / str(seed), damaged, truth)
        except AssertionError as failure:
            raise AssertionError(f"damage {seed}, {what}: {failure}") from failure
        outcomes[f"check {outcome.check}, serve {outcome.serve}, export {outcome.export}, "
                 f"backup {outcome.backup}"] += 1
        subprocess.run(["rm", "-r", tmp_path / str(seed)], check=True)
    for line, count in sorted(outcomes.items()):
        print(f"{count:5} {line}")


def test_check_survives_what_ends_its_reader(whole, tmp_path):
    """A disk that cannot read is a signal. Here it is sent, to the process that reads. (A sanitizer's own
    handler of it may never end.)"""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.mdb").write_bytes(whole[0])
    for _ in range(50):
        check = subprocess.Popen([BINARY, "check", "--data", tmp_path / "data"], text=True,
                                 env=environment({"ASAN_OPTIONS": "handle_sigbus=0"}),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        children = f"/proc/{check.pid}/task/{check.pid}/children"
        child = wait_for(lambda: check.poll() is not None or open(children).read(), "it reads")
        if child is not True:
            os.kill(int(child), signal.SIGBUS)
        stdout, stderr = check.communicate(timeout=60)
        if check.returncode != 0:
            break
    assert check.returncode == 1, (check.returncode, stdout, stderr)
    assert "reading it ended the process\n" in stdout and stdout.startswith("problem: "), stdout
    assert "ended by SIGBUS" in stderr and "keep a copy of the directory" in stderr, stderr


# What happens to the file while it is served


def readiness(server):
    client = Client(server.admin_address)
    response = client.request("GET", "/readyz")
    client.close()
    return response.status, response.json()["status"]


@pytest.fixture
def served(whole, tmp_path):
    """A server on a copy of the store that no test shares."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.mdb").write_bytes(whole[0])
    server = Server(tmp_path / "data", SETTINGS).start()
    yield server
    if server.running():
        server.kill()


def test_a_file_that_is_cut_while_it_is_served_ends_the_server_with_a_line(served, whole):
    os.truncate(served.data / "data.mdb", 3 * 4096)
    with pytest.raises(OSError):
        compare(served, whole[1])
    assert exit_code(served.process, 10) == 74
    served.process.stdout.close()
    line = served.stderr().rstrip("\n").rsplit("\n", 1)[-1]
    assert line.startswith("sojourn: ended by SIGBUS: ") and "data.mdb cannot be read at byte" in line, line
    assert f'sojourn check --data {served.data}"' in line and "restore a backup" in line


def free_list_root(data):
    """The number of the first page of the list of free pages, as the newest head has it."""
    heads = [data[4096 * number + 16:4096 * number + 152] for number in (0, 1)]
    newest = max(heads, key=lambda head: int.from_bytes(head[128:136], "little"))
    return int.from_bytes(newest[64:72], "little")


def test_a_damaged_list_of_free_pages_is_found(whole, tmp_path):
    damaged = bytearray(whole[0])
    root = free_list_root(damaged)
    damaged[root * 4096 + 10] ^= 2  # no leaf any longer
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.mdb").write_bytes(damaged)
    code, stdout, _ = command("check", "--data", tmp_path / "data")
    assert code == 1 and f"problem: free: page {root} is not a leaf\n" in stdout, stdout
    with pytest.raises(DidNotStart) as failure:
        Server(tmp_path / "data", SETTINGS).start()
    assert failure.value.code == 1 and "data.mdb is damaged" in failure.value.stderr
    # The sessions can still be had.
    code, _, _ = command("export", "--data", tmp_path / "data", "--output", tmp_path / "export")
    assert code == 0


def test_when_no_write_succeeds_the_server_is_not_ready(served, tenant):
    client = Client(served.address, tenant)
    session = check_session(client.create())["sessionId"]
    data = (served.data / "data.mdb").read_bytes()
    root = free_list_root(data)
    with open(served.data / "data.mdb", "r+b") as file:
        file.seek(root * 4096)
        file.write(bytes(16))
    check_error(client.create(), 503, "STORE_UNAVAILABLE")
    wait_for(lambda: readiness(served) == (503, "store_failing"), "not ready")
    check_session(client.get(session))
    served.await_words('"store.page_damaged"', '"store.not_writable"')
    with open(served.data / "data.mdb", "r+b") as file:
        file.seek(root * 4096)
        file.write(data[root * 4096:root * 4096 + 16])
    wait_for(lambda: readiness(served) == (200, "ready"), "ready by itself")
    check_session(client.create())
    client.close()
