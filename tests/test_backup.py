"""`sojourn backup` beside a server, `sojourn restore` elsewhere: one moment of the data, whole or
nothing."""

import json
import os
import pty
import shutil
import signal
import subprocess
import time

import pytest

from harness.check import check_store
from harness.client import Client, Connection, request_bytes
from harness.events import all_events, check_events
from harness.ledger import Writers
from harness.load import create_many
from harness.processes import exit_code, spawn, wait_for
from harness.server import BINARY, DidNotStart, environment, run
from harness.stores import embedded_only
from harness.wire import check_session

pytestmark = embedded_only

WRITERS = 6


def backup(data, target, seconds=120):
    code, stdout, stderr = run("backup", "--data", str(data), str(target), seconds=seconds)
    assert code == 0, stderr
    assert stderr == ""
    return {name: int(count) for name, count in (line.split() for line in stdout.splitlines())}


def restore(target, data):
    code, stdout, stderr = run("restore", str(target), "--data", str(data))
    assert code == 0, stderr
    return stdout


def refused(*arguments):
    code, stdout, stderr = run(*[str(argument) for argument in arguments])
    assert (code, stdout) == (1, ""), (code, stdout, stderr)
    return stderr


def kill_at(file, command):
    """kill -9 once `file` is there; whether that was before the command had ended."""
    process = spawn([BINARY, *command], env=environment(), stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
    wait_for(lambda: file.exists() or process.poll() is not None, f"{file} or the end")
    process.kill()
    return exit_code(process, 10) == -signal.SIGKILL


# One moment


class Operation:
    def __init__(self, writer, sent_after, line):
        self.writer, self.sent_after, self.agent = writer, sent_after, line["agent"]
        self.session = line["session"]
        self.answered = self.version = None  # when, and with which version


def operations(directory):
    """All of the ledger in the order of each writer. An operation was sent after the answer to the
    one before it, by the clock of the machine."""
    found = []
    for path in sorted(directory.glob("*.jsonl")):
        at = float("-inf")
        for line in map(json.loads, path.read_text().splitlines()):
            if "do" in line:
                found.append(Operation(path.name, at, line))
                continue
            at = line["at"]
            if line["answer"] == "ok":
                assert not line["new"] or found[-1].session is None
                found[-1].session, found[-1].version = line["session"], line["version"]
                found[-1].answered = at
    return found


def states(address, tenant, sessions):
    """{session: (version, agent)} of those that are there."""
    there = {}
    sessions = sorted(sessions)
    with Connection(address, seconds=30) as connection:
        for begin in range(0, len(sessions), 100):
            batch = sessions[begin:begin + 100]
            connection.send(b"".join(request_bytes("GET", f"/sessions/{session}?tenantId={tenant}")
                                     for session in batch))
            for session in batch:
                answer = connection.read()
                assert answer.status in (200, 404), answer
                if answer.status == 200:
                    info = answer.json()["response"]
                    there[session] = (info["version"], info["agentId"])
    return there


def assert_one_moment(all_operations, there, begin, end):
    """What is there is what was acknowledged at some moment from `begin` to `end`."""
    answered = [one for one in all_operations if one.answered is not None]
    for one in answered:
        if (there.get(one.session) or (0,))[0] == one.version:
            assert there[one.session][1] == one.agent, "another value than that version has"
    included = [one for one in answered if there.get(one.session, (0,))[0] >= one.version]
    excluded = [one for one in answered if there.get(one.session, (0,))[0] < one.version]
    assert all(one.answered > begin for one in excluded), "acknowledged before, and not there"
    assert all(one.sent_after < end for one in included), "sent after the end, and there"
    first_excluded = min((one.answered for one in excluded), default=float("inf"))
    assert all(one.sent_after <= first_excluded for one in included), (
        "something is there that began after something that is not was answered")
    return included, excluded


def test_a_backup_under_write_load_is_one_moment(start_server, tenant, tmp_path):
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    server = start_server()
    create_many(server.address, "others", 3000)
    with Writers(ledger, tenant, WRITERS) as writers:
        writers.run_until(server.address, answers=300)
        begin = time.monotonic()
        rows = backup(server.data, tmp_path / "backup")
        end = time.monotonic()
        before = len(operations(ledger))
        wait_for(lambda: len(operations(ledger)) > before + 100, "the writers go on")
        server.kill()
        writers.await_stop()
    shutil.rmtree(server.data)

    restore(tmp_path / "backup", tmp_path / "elsewhere")
    assert check_store(tmp_path / "elsewhere")["sessions"] == rows["sessions"] > 3000
    restored = start_server("sessions.on_unknown_id=not_found", data=tmp_path / "elsewhere")
    done = operations(ledger)
    there = states(restored.address, tenant, {one.session for one in done if one.session})
    included, excluded = assert_one_moment(done, there, begin, end)
    assert len(included) >= 300 and len(excluded) > 50
    print(f"{len(included)} operations in the backup, {len(excluded)} after it, "
          f"{end - begin:.2f} s, {rows}")
    # And it is a store like any other.
    client = Client(restored.address, tenant)
    assert client.create().status == 200
    client.close()
    restored.stop()
    check_store(tmp_path / "elsewhere")


def test_the_judgement_of_one_moment_can_fail():
    def done(writer, sent_after, answered, session, version):
        one = Operation(writer, sent_after, {"agent": f"{session}{version}", "session": session})
        one.answered, one.version = answered, version
        return one
    ops = [done("a", 0, 1, "s", 1), done("a", 1, 5, "s", 2), done("b", 0, 2, "t", 1),
           done("b", 6, 7, "t", 2)]
    assert_one_moment(ops, {"s": (1, "s1"), "t": (1, "t1")}, 3, 4)
    for there, end in (({"s": (1, "s1")}, 4),  # lost
                       ({"s": (2, "s1"), "t": (1, "t1")}, 4),  # mixed
                       ({"s": (2, "s2"), "t": (2, "t2")}, 4),  # from after the end
                       ({"s": (1, "s1"), "t": (2, "t2")}, 6.5)):  # no moment has both
        with pytest.raises(AssertionError):
            assert_one_moment(ops, there, 3, end)


# What a backup is


@pytest.fixture
def filled(start_server, tmp_path):
    """A stopped server's directory with some thousands of sessions."""
    server = start_server()
    create_many(server.address, "some", 4000, lambda number: {"gkc_customerId": f"c{number}"})
    server.stop()
    return server.data


def files_of(directory):
    return {path.name for path in directory.iterdir()}


def test_a_backup_of_a_stopped_server_restores_to_the_same(filled, tmp_path):
    rows = backup(filled, tmp_path / "b")
    assert files_of(tmp_path / "b") - {"sojourn.lock"} == {"data.mdb", "sojourn-backup"}
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "b" / "data.mdb").stat().st_mode & 0o777 == 0o600
    assert rows.pop("bytes") == (tmp_path / "b" / "data.mdb").stat().st_size
    assert rows == check_store(filled)
    # Into a directory that is there and empty, such as a mount point.
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "lost+found").mkdir()
    inode = (tmp_path / "mounted").stat().st_ino
    restore(tmp_path / "b", tmp_path / "mounted")
    assert check_store(tmp_path / "mounted") == rows
    assert (tmp_path / "mounted").stat().st_ino == inode
    # A backup stays one, and can be checked.
    assert check_store(tmp_path / "b") == rows
    restore(tmp_path / "b", tmp_path / "again")


def test_a_reader_of_events_is_told_that_the_store_was_restored(start_server, tenant, tmp_path):
    server = start_server()
    client = Client(server.address, tenant)
    check_session(client.create())
    _, in_backup = check_events(client.events(), tenant)
    backup(server.data, tmp_path / "b")
    lost = [check_session(client.create()) and all_events(client)[-1]["id"] for _ in range(2)]
    client.close()
    server.stop()
    restore(tmp_path / "b", tmp_path / "restored")
    client = Client(start_server(data=tmp_path / "restored").address, tenant)
    for cursor in lost:  # ahead of the log
        assert check_events(client.events(after=cursor), tenant, gap=True) == ([], in_backup)
    assert check_events(client.events(after=in_backup), tenant) == ([], in_backup)
    made = check_session(client.create())["sessionId"]
    for cursor in lost:  # and behind its end, once it goes on
        (event,), _ = check_events(client.events(after=cursor), tenant, gap=True)
        assert event["subject"] == made and event["id"] not in lost
    (event,), _ = check_events(client.events(after=in_backup), tenant)
    assert event["subject"] == made
    client.close()


def test_nothing_is_written_over(filled, tmp_path):
    backup(filled, tmp_path / "b")
    before = (tmp_path / "b" / "data.mdb").read_bytes()
    assert "has a store already" in refused("backup", "--data", filled, tmp_path / "b")
    assert (tmp_path / "b" / "data.mdb").read_bytes() == before
    assert "has a store already" in refused("restore", tmp_path / "b", "--data", filled)
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter").write_text("mine")
    assert "letter" in refused("backup", "--data", filled, other)
    assert "letter" in refused("restore", tmp_path / "b", "--data", other)
    assert files_of(other) == {"letter"}
    refused("backup", "--data", filled, tmp_path / "no" / "parent")
    refused("backup", "--data", tmp_path / "nothing", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_directory_in_use_is_not_restored_into(filled, tmp_path, start_server):
    backup(filled, tmp_path / "b")
    server = start_server()
    assert "has a store already" in refused("restore", tmp_path / "b", "--data", server.data)
    client = Client(server.address, "t")
    assert client.create().status == 200
    client.close()


@pytest.mark.parametrize("how", ["cut", "flipped", "longer", "no list", "other list"])
def test_a_damaged_backup_is_found_out(filled, tmp_path, how):
    backup(filled, tmp_path / "b")
    data, listed = tmp_path / "b" / "data.mdb", tmp_path / "b" / "sojourn-backup"
    size = data.stat().st_size
    if how == "cut":
        os.truncate(data, size // 2)
    elif how == "flipped":
        with open(data, "r+b") as file:
            file.seek(size // 2)
            byte = file.read(1)
            file.seek(size // 2)
            file.write(bytes([byte[0] ^ 1]))
    elif how == "longer":
        os.truncate(data, size + 4096)
    elif how == "no list":
        listed.unlink()
    else:
        listed.write_text(listed.read_text().replace("bytes", "Bytes"))
    said = refused("restore", tmp_path / "b", "--data", tmp_path / "r")
    assert "damaged" in said or "no whole backup" in said
    assert not (tmp_path / "r").exists()


# Interruptions


def test_kill_9_during_a_backup_leaves_nothing_that_looks_whole(filled, tmp_path, start_server):
    for number in range(20):
        target = tmp_path / f"b{number}"
        killed = kill_at(target / "sojourn.partial" / "data.mdb", ["backup", "--data", filled, target])
        if killed and not (target / "data.mdb").exists():
            break
    else:
        pytest.fail("never in the middle of it")
    assert "no whole backup" in refused("restore", target, "--data", tmp_path / "r")
    assert "cannot be opened" in refused("check", "--data", target)
    with pytest.raises(DidNotStart) as failure:
        start_server(data=target)
    assert "not finished" in failure.value.stderr
    # The next one begins anew at the same place.
    rows = backup(filled, target)
    assert rows["sessions"] == 4000
    assert "sojourn.partial" not in files_of(target)


def test_kill_9_during_a_restore_leaves_no_data_directory(filled, tmp_path, start_server):
    backup(filled, tmp_path / "b")
    for number in range(20):
        data = tmp_path / f"r{number}"
        killed = kill_at(data / "sojourn.partial" / "data.mdb", ["restore", tmp_path / "b", "--data", data])
        if killed and not (data / "data.mdb").exists():
            break
    else:
        pytest.fail("never in the middle of it")
    with pytest.raises(DidNotStart) as failure:
        start_server(data=data)
    assert "not finished" in failure.value.stderr
    restore(tmp_path / "b", data)
    assert check_store(data)["sessions"] == 4000


# Who looks on


def test_a_terminal_sees_how_far_it_is(filled, tmp_path):
    ours, theirs = pty.openpty()
    done = subprocess.run([BINARY, "backup", "--data", filled, tmp_path / "b"], stderr=theirs,
                          stdout=subprocess.PIPE, env=environment(), check=True, timeout=60)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass  # how Linux tells of the end
    os.close(ours)
    assert b"Copying [" in seen and b"%" in seen
    assert done.stdout.startswith(b"bytes ")
