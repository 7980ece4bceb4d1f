"""The embedded store on a disk that does not answer, or fails: nobody waits for it without an end, and
nothing is shown that it does not have."""

import ctypes
import json
import mmap
import os
import shutil
import signal
import subprocess

import pytest

from harness.check import check_store
from harness.client import Client, Connection, request_bytes
from harness.disk import Disk
from harness.load import walk
from harness.metrics import metrics
from harness.processes import exit_code, spawn, wait_for
from harness.server import DidNotStart, environment
from harness.stores import embedded_only
from harness.wire import check_error, check_session

pytestmark = embedded_only

DID_NOT_FINISH = 74
# Every GET is a touch, so each shows what becomes of it.
SETTINGS = ["store.lmdb.commit_timeout=300ms", "sessions.touch_interval=0"]


@pytest.fixture
def disk(tmp_path):
    one = Disk(tmp_path / "disk")
    yield one
    one.answer()
    one.recover()


def readiness(server):
    client = Client(server.admin_address)
    response = client.request("GET", "/readyz")
    client.close()
    return response.status, response.json()


def stopped_lines(server):
    lines = [json.loads(line) for line in server.stderr().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "server.stopped"]


# A disk that does not answer


def test_nobody_waits_for_a_disk_that_does_not_answer(start_server, tenant, disk):
    server = start_server(*SETTINGS, env=disk.env)
    client = Client(server.address, tenant)
    made = check_session(client.create({"gkc_agentId": "before"}))
    seen = check_session(client.get(made["sessionId"]))

    disk.hang()
    late = client.create({"gkc_agentId": "late"})
    check_error(late, 503, "STORE_UNAVAILABLE")
    assert "may still be made" in late.json()["description"]
    assert int(late.field("Retry-After")) >= 1
    status, ready = wait_for(lambda: readiness(server)[0] == 503 and readiness(server), "not ready")
    assert status == 503 and ready["status"] == "store_unavailable", ready
    assert "does not answer" in ready["reason"], ready
    assert metrics(server).sum("sojourn_store_healthy") == 0
    # From now on changes are refused at once, and reads go on with what is stored.
    refused = client.create()
    check_error(refused, 503, "STORE_UNAVAILABLE")
    assert "may still be made" not in refused.json()["description"]
    check_error(client.associate(made["sessionId"], {"gkc_agentId": "x"}), 503, "STORE_UNAVAILABLE")
    check_error(client.end(made["sessionId"]), 503, "STORE_UNAVAILABLE")
    shown = check_session(client.get(made["sessionId"]))
    assert shown["expiresAt"] == seen["expiresAt"] and shown["agentId"] == "before"
    check_error(client.get("x"), 503, "STORE_UNAVAILABLE")  # never a session that is not stored

    disk.answer()
    wait_for(lambda: readiness(server) == (200, {"status": "ready"}), "ready again")
    check_session(client.create({"gkc_agentId": "after"}))
    agents = sorted(one["agentId"] for one in walk(client))
    assert agents == ["after", "before", "late"], "the late one was made, the refused ones were not"
    now = metrics(server)
    assert now.sum("sojourn_store_commits_timed_out_total") >= 1
    assert now.sum("sojourn_store_healthy") == 1
    server.await_words("store.stalled", "store.recovered")
    client.close()
    server.stop()
    assert check_store(server.data)["sessions"] == 3


@pytest.mark.parametrize("requests", ["waiting", "given up"])
def test_it_ends_in_time_although_the_disk_does_not_answer(start_server, tenant, disk, requests):
    # The requests wait for longer than the drain, or left before it.
    server = start_server("store.lmdb.commit_timeout=1m", "http.drain_timeout=300ms", env=disk.env)
    client = Client(server.address, tenant)
    made = [check_session(client.create({"gkc_agentId": f"a{number}"})) for number in range(20)]
    disk.hang()
    waiting = Connection(server.address)
    waiting.send(request_bytes("PUT", client.target()))
    disk.await_held()
    if requests == "given up":
        waiting.close()
    server.process.send_signal(signal.SIGTERM)
    assert exit_code(server.process, 15) == DID_NOT_FINISH
    server.process.stdout.close()
    waiting.close()
    client.close()
    stopped, = stopped_lines(server)
    assert stopped["level"] == "error" and stopped["exit_status"] == DID_NOT_FINISH, stopped

    disk.answer()
    server.start()
    client = Client(server.address, tenant)
    there = {one["sessionId"] for one in walk(client)}
    assert {one["sessionId"] for one in made} <= there
    client.close()
    server.stop()
    check_store(server.data)


def test_a_start_that_waits_for_the_disk_can_be_ended(start_server, tenant, disk, tmp_path):
    server = start_server("http.drain_timeout=300ms", env=disk.env)
    server.stop()
    disk.hang()
    with open(tmp_path / "words", "wb") as words:
        process = spawn(server.command(), env=environment(disk.env), stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE, stderr=words)
    disk.await_held()
    process.send_signal(signal.SIGTERM)
    assert exit_code(process, 15) == DID_NOT_FINISH
    assert process.stdout.read() == b"", "it was never ready"
    process.stdout.close()
    line, = (tmp_path / "words").read_text().splitlines()
    assert json.loads(line)["event"] == "server.stopped"


# A disk that fails


def test_reads_go_on_when_the_disk_has_failed(start_server, tenant, disk):
    server = start_server(*SETTINGS, env=disk.env)
    client = Client(server.address, tenant)
    made = check_session(client.create())
    disk.fail()
    check_error(client.associate(made["sessionId"], {"gkc_agentId": "lost"}), 503, "STORE_UNAVAILABLE")
    disk.recover()
    for _ in range(3):
        shown = check_session(client.get(made["sessionId"]))
        assert shown["expiresAt"] == made["expiresAt"] and shown["agentId"] is None
    check_error(client.create(), 503, "STORE_UNAVAILABLE")
    status, ready = readiness(server)
    assert status == 503 and "restart" in ready["reason"], ready
    client.close()


# What a start finds


def cached_pages(path):
    """How many pages of a file the page cache has."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        pages = (len(mapped) + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        there = (ctypes.c_ubyte * pages)()
        begin = ctypes.c_char.from_buffer(mapped)
        result = libc.mincore(ctypes.c_void_p(ctypes.addressof(begin)), ctypes.c_size_t(len(mapped)), there)
        del begin
    assert result == 0
    return sum(page & 1 for page in there)


def on_tmpfs(path):
    return subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True,
                          check=True).stdout.strip() == "tmpfs"


def write_without_sync(start_server, tenant):
    """A directory that a killed process left, whose last changes no sync has seen."""
    server = start_server("store.lmdb.durability=interval:1m")
    client = Client(server.address, tenant)
    made = check_session(client.create())
    client.close()
    server.kill()
    return server.data, made


@pytest.mark.parametrize("how", ["killed", "copied"])
def test_what_a_start_finds_is_synced_before_it_is_shown(start_server, tenant, disk, tmp_path, how):
    data, made = write_without_sync(start_server, tenant)
    if how == "copied":
        shutil.copytree(data, tmp_path / "copy")
        data = tmp_path / "copy"
    server = start_server(data=data, env=disk.env)  # returns with the ready line
    syncs = disk.syncs()
    assert ("fdatasync", str(data / "data.mdb")) in syncs
    assert ("fsync", str(data)) in syncs and ("fsync", str(data.parent)) in syncs
    client = Client(server.address, tenant)
    assert check_session(client.get(made["sessionId"]))["isNew"] is False
    client.close()


def test_a_start_on_a_disk_that_fails_is_refused(start_server, tenant, disk):
    data, made = write_without_sync(start_server, tenant)
    os.sync()
    disk.fail()
    with pytest.raises(DidNotStart) as failure:
        start_server(data=data, env=disk.env)
    assert failure.value.code == 1
    assert "the disk does not confirm data.mdb" in failure.value.stderr, failure.value.stderr
    # The page cache is not believed: the next start reads what the disk has.
    assert cached_pages(data / "data.mdb") == 0 or on_tmpfs(data)
    disk.recover()
    client = Client(start_server(data=data, env=disk.env).address, tenant)
    assert check_session(client.get(made["sessionId"]))["isNew"] is False
    client.close()
