"""Commands that read the store beside a server and do not come to their end: the store forgets those that
died, at once, and bounds and shows those that stall. What they keep is the room of freed pages."""

import itertools
import json
import re
import signal
import subprocess

import pytest

from harness.load import create_many, run_steps
from harness.metrics import metrics
from harness.processes import spawn, wait_for
from harness.scale import FULL
from harness.server import BINARY, environment, run
from harness.stores import embedded_only
from harness.wire import check_session

pytestmark = embedded_only

KILLED_EXPORTS = 1800
SHOWN = 60
SESSIONS = 1500
UPDATES = 400  # each frees some pages: far more than there is room for if none is used again
MIB = 1 << 20


class Store:
    """A server with room for little more than what is in it, and clients that change that."""

    def __init__(self, start_server, tenant):
        self.server = start_server("store.lmdb.map_size=16MiB", "events.retention=0")
        self._tenant = tenant
        self._ids = [one["sessionId"] for one in create_many(
            self.server.address, tenant, SESSIONS, lambda number: {"gkc_agentId": "a" * 200})]
        self._numbers = itertools.count()
        self.update()

    def update(self, count=UPDATES):
        """Changes, one transaction each, every one of them answered 200."""
        def step(client):
            number = next(self._numbers)
            answer = client.associate(self._ids[number % SESSIONS], {"gkc_agentId": f"agent-{number}"})
            assert answer.status == 200, answer
        run_steps(self.server.address, self._tenant, [step], count)

    def size(self):
        return (self.server.data / "data.mdb").stat().st_size

    def reading(self):
        """How many other processes read."""
        return metrics(self.server).sum("sojourn_store_other_readers")

    def command(self, *arguments, stderr=subprocess.PIPE):
        return spawn([BINARY, *arguments, "--data", self.server.data], env=environment(),
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)

    def stuck_export(self, *arguments, **options):
        """An export whose output nobody reads: it has begun, and waits."""
        export = self.command("export", *arguments, **options)
        assert export.stdout.read(1) == b"{"
        return export


@pytest.fixture
def store(start_server, tenant):
    return Store(start_server, tenant)


def memory_of(pid):
    """What a process holds beside files, in KiB."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^RssAnon:\s+(\d+) kB", status.read(), re.MULTILINE).group(1))


def words_of(process):
    """Its exit code, and the rest of what it said."""
    output, words = process.communicate(timeout=20)
    return process.returncode, output, (words or b"").decode()


# Those that die


def test_a_pipe_that_is_closed_ends_an_export_and_its_reading(store):
    shell = subprocess.run(["bash", "-c", '"$0" export --data "$1" | head -1; echo "${PIPESTATUS[0]}"',
                            BINARY, store.server.data], env=environment(), capture_output=True, text=True,
                           timeout=20, check=True)
    head, status = shell.stdout.splitlines()
    assert json.loads(head)["format"] == "sojourn-export"
    assert status == "1" and "Broken pipe" in shell.stderr
    store.update()
    assert metrics(store.server).sum("sojourn_store_dead_readers_total") == 0, "it let go by itself"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_export_and_its_reading(store, tmp_path, how):
    export = store.stuck_export()
    export.send_signal(how)
    code, _, words = words_of(export)
    assert (code, words) == (-how, "")
    store.update()
    assert metrics(store.server).sum("sojourn_store_dead_readers_total") == 0, "it let go by itself"

    # To a file: nothing is left of it.
    export = store.command("export", "--output", tmp_path / "out.jsonl")
    export.send_signal(how)
    words_of(export)
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("out")} <= {"out.jsonl"}


def test_killed_readers_keep_nothing(store):
    """Each of them reads a moment of its own."""
    exports = [store.stuck_export() for _ in range(5)]
    for export in exports:
        store.update(20)
        export.kill()
        words_of(export)
    wait_for(lambda: metrics(store.server).sum("sojourn_store_dead_readers_total") == len(exports),
             "all are cleared")
    assert store.reading() == 0
    before = store.size()
    store.update(2 * UPDATES)
    assert store.size() - before < MIB, "freed room is used"
    assert run("check", "--data", str(store.server.data))[0] == 0


@pytest.mark.skipif(not FULL, reason="takes half an hour: SOJOURN_TEST_SCALE=full")
def test_with_export_after_export_killed_file_and_memory_stay_as_they_are(start_server, tenant, record_property):
    """Clients that open, change, read and end sessions, and an export killed after every 300 of these
    steps; the whole of it takes half an hour."""
    server = start_server("store.lmdb.map_size=256MiB", "events.retention=1s")
    create_many(server.address, tenant, SESSIONS, lambda number: {"gkc_agentId": "a" * 200})
    data = server.data / "data.mdb"

    def visit(client):
        session = check_session(client.create({"gkc_agentId": "a" * 200}))["sessionId"]
        assert client.associate(session, {"gkc_customerId": "c"}, {"attributes": {"k": "v" * 500}}).status == 200
        assert client.get(session).status == 200
        assert client.end(session).status == 200

    seen = []
    for number in range(KILLED_EXPORTS):
        export = spawn([BINARY, "export", "--data", server.data], env=environment(), stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE)
        assert export.stdout.read(1) == b"{"
        run_steps(server.address, tenant, [visit] * 4, 75)
        export.kill()
        export.communicate(timeout=20)
        seen.append((data.stat().st_size, memory_of(server.process.pid)))
        if number % SHOWN == SHOWN - 1:
            print(f"{number + 1} exports killed: data.mdb {seen[-1][0] / MIB:.2f} MiB, memory {seen[-1][1]} KiB")
    first, rest = seen[:len(seen) // 2], seen[len(seen) // 2:]
    record_property("summary", f"{len(seen)} exports killed: {first[-1]} then {rest[-1]}")
    # The most that was ever kept between two exports decides the length. Were one export not forgotten,
    # the store would be full in a minute.
    assert max(length for length, _ in rest) <= 1.5 * max(length for length, _ in first)
    assert max(memory for _, memory in rest) <= max(memory for _, memory in first) + 1024
    wait_for(lambda: metrics(server).sum("sojourn_store_other_readers") == 0, "none is left")


# Those that stall


def test_an_export_that_nobody_reads_gives_up(store, tmp_path):
    export = store.stuck_export("--stall-timeout", "200ms")
    assert export.wait(20) == 1
    _, output, words = words_of(export)
    assert "The export was given up" in words and "is not whole" in words, words
    assert b'"end"' not in output
    wait_for(lambda: store.reading() == 0, "its reading is over")
    # What it wrote is no export.
    (tmp_path / "part").write_bytes(b"{" + output)
    code, _, words = run("import", str(tmp_path / "part"), "--data", str(tmp_path / "new"))
    assert code == 1 and "nothing was imported" in words
    store.update(2 * UPDATES)


def test_it_gives_up_though_nobody_reads_that_it_does(store):
    """As `export 2>&1 | less`: the sentence finds no room in the pipe either."""
    export = store.stuck_export("--stall-timeout", "200ms", stderr=subprocess.STDOUT)
    assert export.wait(20) == 1
    words_of(export)
    wait_for(lambda: store.reading() == 0, "its reading is over")


@pytest.mark.parametrize("wrong", ["0", "5", "-1s", "soon", ""])
def test_a_stall_timeout_is_a_duration(tmp_path, wrong):
    for command in (["export"], ["backup", tmp_path / "b"]):
        code, _, words = run(*map(str, command), "--data", str(tmp_path), f"--stall-timeout={wrong}")
        assert code == 2 and "--stall-timeout" in words, words


def test_a_stopped_reader_is_shown(store):
    """Nobody can take away what a living process reads, so the operator is told."""
    export = store.stuck_export()
    export.send_signal(signal.SIGSTOP)
    wait_for(lambda: store.reading() == 1, "it is seen")
    store.update(20)
    age = lambda: metrics(store.server).sum("sojourn_store_oldest_reader_seconds")  # noqa: E731
    wait_for(lambda: age() > 0, "its age")
    export.kill()
    words_of(export)
    wait_for(lambda: store.reading() == 0 and age() == 0, "it is gone")
    store.update()
