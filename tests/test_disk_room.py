"""The embedded store on a small real disk that is full: what does not fit is refused with a sentence,
nothing dies, what there is stays readable, and all goes on once there is room."""

import os

import pytest

from harness.check import check_store
from harness.client import Client
from harness.disks import Disk
from harness.metrics import metrics
from harness.processes import exit_code, wait_for
from harness.server import DidNotStart, run
from harness.stores import embedded_only
from harness.wire import check_error, check_session

pytestmark = embedded_only

KINDS = ("tmpfs", "ext4", "btrfs")
MIB = {"tmpfs": 8, "ext4": 16, "btrfs": 128}


@pytest.fixture(params=KINDS)
def disk(request, tmp_path):
    one = Disk(tmp_path / "disk", request.param, MIB[request.param])
    one.kind = request.param
    yield one
    one.unmount()


def readiness(server):
    client = Client(server.admin_address)
    response = client.request("GET", "/readyz")
    client.close()
    return response.status, response.json()["status"]


def test_a_first_start_without_room_leaves_nothing(disk, start_server, tenant):
    data = disk.directory("data")
    disk.fill()
    for _ in range(2):
        with pytest.raises(DidNotStart) as failure:
            start_server(data=data)
        assert failure.value.code == 1, failure.value
        assert "room on the disk" in failure.value.stderr or "No space left" in failure.value.stderr
    disk.empty()
    server = start_server(data=data)
    client = Client(server.address, tenant)
    check_session(client.create())
    client.close()
    server.stop()
    assert {path.name for path in data.iterdir()} == {"data.mdb", "lock.mdb", "sojourn.lock"}
    check_store(data)


def fill_store(client, disk, first=200):
    """Creates until the disk is full: what was answered, and the refusal. `first` of them find room."""
    made = [check_session(client.create({"gkc_customerId": "bob"}, {"attributes": {"a": "x" * 4000}}))
            for _ in range(first)]
    disk.fill()
    for _ in range(100_000):
        response = client.create({"gkc_customerId": "bob"}, {"attributes": {"a": "x" * 4000}})
        if response.status != 200:
            return made, response
        made.append(check_session(response))
    raise AssertionError("the disk was never full")


def test_a_full_disk_ends_nothing_and_is_said(disk, start_server, tenant):
    server = start_server(data=disk.directory("data"))
    assert readiness(server) == (200, "ready")
    client = Client(server.address, tenant)
    try:
        made, refusal = fill_store(client, disk)
    except ConnectionError:
        # Older kernels cannot write a mapped page of a full btrfs, whatever was allocated.
        assert disk.kind == "btrfs" and exit_code(server.process, 10) == 74
        assert "lock.mdb cannot be written: the disk is full" in server.stderr()
        pytest.skip("this kernel's btrfs")
    check_error(refusal, 503, "STORE_FULL")
    wait_for(lambda: readiness(server) == (503, "store_full"), "not ready")
    seen = metrics(server)
    assert seen.sum("sojourn_store_healthy") == 0
    used, room = seen.sum("sojourn_store_used_bytes"), seen.sum("sojourn_store_room_bytes")
    assert used / (used + room) > 0.8, (used, room)  # SojournStoreNearlyFull
    os.sync()  # what is mapped is clean now, and is written again
    for one in made:
        assert check_session(client.get(one["sessionId"]))["isNew"] is False
    code, _, stderr = run("check", "--data", str(server.data))
    assert code == 0, stderr
    # A restart needs no room.
    client.close()
    server.stop()
    server = start_server("sessions.on_unknown_id=not_found", data=server.data)
    client = Client(server.address, tenant)
    check_session(client.get(made[0]["sessionId"]))
    again, refusal = fill_store(client, disk, 0)
    made += again
    check_error(refusal, 503, "STORE_FULL")
    wait_for(lambda: readiness(server) == (503, "store_full"), "not ready")

    disk.empty()
    wait_for(lambda: readiness(server) == (200, "ready"), "ready by itself")
    more = [check_session(client.create()) for _ in range(50)]
    client.close()
    server.stop()
    assert check_store(server.data)["sessions"] == len(made) + len(more)


def test_a_start_on_a_full_disk_needs_room_for_the_table_of_readers(tmp_path, start_server, tenant):
    disk = Disk(tmp_path / "disk", "ext4", MIB["ext4"])
    try:
        server = start_server(data=disk.directory("data"))
        client = Client(server.address, tenant)
        session = check_session(client.create())
        client.close()
        server.stop()
        (server.data / "lock.mdb").unlink()
        disk.fill()
        for command in ("serve", "check", "export"):
            code, _, stderr = run(command, "--data", str(server.data))
            assert code == 1 and "no room on the disk for lock.mdb" in stderr, (command, code, stderr)
        disk.empty()
        server = start_server("sessions.on_unknown_id=not_found", data=server.data)
        client = Client(server.address, tenant)
        check_session(client.get(session["sessionId"]))
        client.close()
        server.stop()
    finally:
        disk.unmount()


def test_a_limit_of_file_size_is_a_full_disk(start_server, tenant, tmp_path):
    """RLIMIT_FSIZE, which shells and container engines set: raised again, the server goes on."""
    import resource
    server = start_server(data=tmp_path / "data")
    pid = server.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    size = (server.data / "data.mdb").stat().st_size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    client = Client(server.address, tenant)
    check_error(client.create({}, {"attributes": {"a": "x" * 8000}}), 503, "STORE_FULL")
    wait_for(lambda: readiness(server) == (503, "store_full"), "not ready")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    wait_for(lambda: readiness(server) == (200, "ready"), "ready by itself")
    check_session(client.create({}, {"attributes": {"a": "x" * 8000}}))
    client.close()


def test_no_file_is_lost_when_the_process_dies_of_a_full_disk(tmp_path, start_server):
    """SIGBUS in the table of readers, which only an unlucky file system still gives: made by cutting it."""
    server = start_server(data=tmp_path / "data")
    os.truncate(server.data / "lock.mdb", 0)
    client = Client(server.address, "t")
    with pytest.raises(ConnectionError):
        for _ in range(100):
            client.get("0" * 36)
    assert exit_code(server.process, 10) == 74
    server.process.stdout.close()
    assert "lock.mdb cannot be written: the disk is full or fails." in server.stderr()
