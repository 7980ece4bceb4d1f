"""A data directory that is not what a server takes it for: lost, emptied, or taken away while it serves."""

import os
import shutil
import signal

import pytest

from harness.check import check_store
from harness.client import Client
from harness.metrics import metrics
from harness.processes import spawn, wait_for
from harness.server import BINARY, DidNotStart, environment, run
from harness.stores import embedded_only
from harness.wire import check_error, check_session

pytestmark = embedded_only


def readiness(server):
    client = Client(server.admin_address)
    response = client.request("GET", "/readyz")
    client.close()
    return response.status, response.json()["status"]


@pytest.fixture
def used(start_server, tenant):
    """The directory of a server that has ended, with a session."""
    server = start_server()
    client = Client(server.address, tenant)
    check_session(client.create())
    client.close()
    server.stop()
    return server.data


def refusal(start_server, data):
    with pytest.raises(DidNotStart) as failure:
        start_server(data=data)
    assert failure.value.code == 1 and failure.value.stdout == ""
    line = failure.value.stderr.rstrip("\n").rsplit("\n", 1)[-1]
    assert line.startswith("sojourn: The store "), failure.value.stderr
    return line


def test_a_lost_store_is_not_begun_again_without_a_word(used, start_server):
    os.truncate(used / "data.mdb", 0)
    said = refusal(start_server, used)
    assert "data.mdb is empty" in said and "restore a backup" in said
    for command in (["check"], ["export"], ["backup", str(used) + ".backup"]):
        code, stdout, stderr = run(command[0], "--data", str(used), *command[1:])
        assert code == 1 and "data.mdb is empty" in stderr, (command, stdout, stderr)
    (used / "data.mdb").unlink()
    said = refusal(start_server, used)
    assert "data.mdb is missing" in said and "remove lock.mdb" in said
    # As it says.
    (used / "lock.mdb").unlink()
    start_server(data=used).stop()
    assert check_store(used)["sessions"] == 0


@pytest.mark.parametrize("size", [1, 4096, 8192, 8193, "half", "one page less"])
def test_a_cut_file_is_refused_with_a_sentence(used, start_server, size):
    whole = (used / "data.mdb").stat().st_size
    size = {"half": whole // 2, "one page less": whole - 4096}.get(size, size)
    os.truncate(used / "data.mdb", size)
    said = refusal(start_server, used)
    assert "data.mdb is cut" in said or "damaged" in said
    for command in (["check"], ["export"], ["backup", str(used) + ".backup"]):
        code, stdout, stderr = run(command[0], "--data", str(used), *command[1:])
        assert code == 1 and stdout == "" and stderr.count("\n") == 1, (command, code, stdout, stderr)
        assert "data.mdb is cut" in stderr or "damaged" in stderr


def test_a_first_start_can_be_killed_at_any_moment(tmp_path, start_server):
    """The unit tests kill it at every write; this one goes by the clock."""
    for number in range(12):
        data = tmp_path / f"data{number}"
        process = spawn([BINARY, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "", "--data", data],
                        env=environment(), stdout=-3, stderr=-3)
        for _ in range(number * 3):
            wait_for(lambda: True, "a moment")
            if (data / "data.mdb").exists():
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        start_server(data=data).stop()
        check_store(data)


def test_a_removed_directory_is_noticed(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    session = check_session(client.create())["sessionId"]
    shutil.rmtree(server.data)
    # From that moment on nothing is acknowledged, whether or not it was noticed already.
    check_error(client.create(), 503, "STORE_UNAVAILABLE")
    wait_for(lambda: readiness(server) == (503, "store_gone"), "not ready")
    server.await_words('"store.gone"')
    assert metrics(server).sum("sojourn_store_healthy") == 0
    check_session(client.get(session))  # what was read before can still be

    second = start_server(data=server.data)
    assert readiness(second) == (200, "ready")
    assert readiness(server) == (503, "store_gone")
    check_error(client.create(), 503, "STORE_UNAVAILABLE")
    client.close()
    second.stop()
    server.stop()
    assert check_store(second.data)["sessions"] == 0


def test_a_file_that_comes_back_is_taken_again(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    check_session(client.create())
    (server.data / "data.mdb").rename(server.data / "elsewhere")
    wait_for(lambda: readiness(server) == (503, "store_gone"), "not ready, though nothing is written")
    (server.data / "data.mdb").touch()
    check_error(client.create(), 503, "STORE_UNAVAILABLE")
    (server.data / "elsewhere").rename(server.data / "data.mdb")
    wait_for(lambda: readiness(server) == (200, "ready"), "ready again")
    check_session(client.create())
    client.close()
