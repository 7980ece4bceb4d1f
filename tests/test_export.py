"""`sojourn export` beside a server and `sojourn import` elsewhere: the same sessions, or nothing."""

import json
import signal
import subprocess

import pytest

from harness.check import check_store
from harness.client import Client
from harness.load import create_many, run_steps, random_step
from harness.processes import exit_code, wait_for
from harness.server import BINARY, DidNotStart, environment, run
from harness.stores import embedded_only

pytestmark = embedded_only


def export(data):
    """The lines of an export: the first, those between, the last."""
    code, stdout, stderr = run("export", "--data", str(data))
    assert code == 0, stderr
    head, *lines, end = stdout.splitlines()
    return json.loads(head), lines, json.loads(end)


def write(path, head, lines, end):
    path.write_text("\n".join([json.dumps(head), *lines, json.dumps(end)]) + "\n")
    return path


def import_file(path, data):
    code, stdout, stderr = run("import", str(path), "--data", str(data))
    assert code == 0, stderr
    return {name: int(count) for name, count in (line.split() for line in stdout.splitlines())}


def fill(client, number=0):
    """Some of everything that a session can have."""
    odd = 'quote " back \\ slash \u00fcml\u00e4ut \U0001f600'
    made = [
        client.create(),
        client.create({"gkc_agentId": "a", "gkc_customerId": f"customer {number}"}),
        client.create(body={"visitId": odd, "globalVisitId": "g" * 256}),
        client.create(body={"attributes": {odd: [1, 1.0, 12345678901234567890, None, {"x": []}],
                                           "big": "x" * 4000}}),
        client.create({"Idempotency-Key": f"key-{number}"}, {"visitId": "idem"}),
    ]
    ids = [answer.json()["response"]["sessionId"] for answer in made]
    assert client.associate(ids[0], {"gkc_customerId": "later"}, {"attributes": {"n": 1.50}}).status == 200
    ended = client.create().json()["response"]["sessionId"]
    assert client.end(ended).status == 200
    return ids, ended


# The same on the other side


def test_export_then_import_is_equal(start_server, tmp_path, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    other = Client(server.address, 'other " tenant')
    ids, ended = fill(client)
    fill(other, 1)
    run_steps(server.address, "random", [random_step(seed, []) for seed in range(4)], 300)
    create_many(server.address, "many", 2500)
    before = {one: client.get(one).json()["response"] for one in ids}

    head, lines, end = export(server.data)  # beside the running server
    assert head["format"] == "sojourn-export" and head["version"] == 1
    rows = check_store(server.data)
    assert end["end"] == {"sessions": rows["sessions"], "idempotencyKeys": 2}
    assert ended not in "".join(lines)

    assert import_file(write(tmp_path / "e.jsonl", head, lines, end), tmp_path / "there") == {
        "sessions": rows["sessions"], "idempotency": 2}
    imported = check_store(tmp_path / "there")
    assert {table: imported[table] for table in ("sessions", "index", "expiry", "counts", "idempotency")} == {
        table: rows[table] for table in ("sessions", "index", "expiry", "counts", "idempotency")}
    assert imported["events"] == rows["sessions"]
    assert export(tmp_path / "there")[1:] == (lines, end), "byte for byte, but for the time"

    there = start_server("sessions.on_unknown_id=not_found", data=tmp_path / "there")
    client_there = Client(there.address, tenant)
    for one, info in before.items():
        assert client_there.get(one).json()["response"] == info
    assert client_there.get(ended).status == 404
    again = client_there.create({"Idempotency-Key": "key-0"}, {"visitId": "idem"})
    assert again.json()["response"]["sessionId"] == ids[4], "the key is kept"
    assert client_there.create({"Idempotency-Key": "key-0"}, {"visitId": "x"}).status == 422
    # The new event log begins with each session as it is.
    events = client_there.events(limit=500).json()["response"]["events"]
    assert {event["type"] for event in events} == {"session.created"}
    assert {event["data"]["sessionId"] if "sessionId" in event["data"] else event["subject"]
            for event in events} == set(ids)
    for one in (client, other, client_there):
        one.close()


def test_pipes_are_fine_and_files_are_their_owners_alone(start_server, tmp_path, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    fill(client)
    client.close()
    exported = subprocess.run([BINARY, "export", "--data", server.data], env=environment(),
                              capture_output=True, check=True, timeout=30)
    subprocess.run([BINARY, "import", "--data", tmp_path / "there"], input=exported.stdout,
                   env=environment(), check=True, timeout=30)
    assert check_store(tmp_path / "there")["sessions"] == 5
    code, stdout, _ = run("export", "--data", str(server.data), "--output", str(tmp_path / "e"))
    assert (code, stdout) == (0, "sessions 5\nidempotency 1\n")
    assert (tmp_path / "e").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "e.partial").exists()
    assert (tmp_path / "e").read_bytes().split(b"\n")[1:] == exported.stdout.split(b"\n")[1:]


def test_what_is_over_is_not_exported(start_server, tenant):
    server = start_server("sessions.idle_timeout=1ms", "sessions.touch_interval=0")
    client = Client(server.address, tenant)
    client.create()
    client.close()
    server.kill()  # before the reaper was there, or after: it is over in any case
    assert export(server.data)[2]["end"]["sessions"] == 0


# What is refused


@pytest.fixture
def exported(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    fill(client)
    client.close()
    server.stop()
    return export(server.data)


def changed(line, **members):
    inner = json.loads(line)
    name = next(iter(inner))
    inner[name] |= members
    return json.dumps(inner)


MISTAKES = {
    "no JSON": (lambda lines: lines.__setitem__(1, "{"), 3, "not a JSON object"),
    "another object": (lambda lines: lines.__setitem__(1, '{"x": {}}'), 3, "is wanted"),
    "a bad id": (lambda lines: lines.__setitem__(0, changed(lines[0], sessionId="x")), 2, '"sessionId"'),
    "a bad tenant": (lambda lines: lines.__setitem__(0, changed(lines[0], tenantId="a\n")), 2, '"tenantId"'),
    "a bad time": (lambda lines: lines.__setitem__(0, changed(lines[0], createdAt="2026-02-30T00:00:00.000Z")),
                   2, '"createdAt"'),
    "no version": (lambda lines: lines.__setitem__(0, changed(lines[0], version=0)), 2, '"version"'),
    "too long a value": (lambda lines: lines.__setitem__(0, changed(lines[0], agentId="x" * 257)), 2, '"agentId"'),
    "attributes that are none": (lambda lines: lines.__setitem__(0, changed(lines[0], attributes="[1]")), 2,
                                 '"attributes"'),
    "an unknown member": (lambda lines: lines.__setitem__(0, changed(lines[0], extra=1)), 2, "unknown member"),
    "too long a line": (lambda lines: lines.insert(2, " " * 70_000), 4, "longer than"),
    "a session twice": (lambda lines: lines.insert(0, lines[0]), 3, "line before"),
    "a missing session": (lambda lines: lines.pop(0), 7, "there are 4 sessions and 1 keys"),
    "a missing key": (lambda lines: lines.pop(), 7, "there are 5 sessions and 0 keys"),
    "a key with two spaces": (lambda lines: lines.__setitem__(-1, changed(lines[-1], key="a b c")), 7, '"key"'),
    "a bad fingerprint": (lambda lines: lines.__setitem__(-1, changed(lines[-1], fingerprint="g" * 32)), 7,
                          '"fingerprint"'),
}


@pytest.mark.parametrize("change, line, says", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_bad_line_is_named_by_its_number_and_nothing_is_imported(exported, tmp_path, change, line, says):
    head, lines, end = exported
    change(lines)
    if says == "line before":
        end["end"]["sessions"] += 1
    code, stdout, stderr = run("import", str(write(tmp_path / "e", head, lines, end)), "--data",
                               str(tmp_path / "there"))
    assert (code, stdout) == (1, "")
    assert f"line {line}: " in stderr and says in stderr, stderr
    assert not (tmp_path / "there").exists()


def test_a_file_that_is_cut_or_of_another_kind_is_refused(exported, tmp_path):
    head, lines, end = exported

    def said(text):
        (tmp_path / "e").write_text(text)
        code, _, stderr = run("import", str(tmp_path / "e"), "--data", str(tmp_path / "there"))
        assert code == 1 and not (tmp_path / "there").exists()
        return stderr
    whole = (write(tmp_path / "e", head, lines, end)).read_text()
    assert "not whole" in said("\n".join(whole.splitlines()[:-1]) + "\n")
    assert "line 1" in said("\n".join(whole.splitlines()[1:]) + "\n")
    assert "version is 2" in said(whole.replace('"version": 1', '"version": 2', 1))
    assert "after the line" in said(whole + "\n")
    assert "not whole" in said("")


def test_import_only_where_nothing_is(exported, tmp_path, start_server):
    path = write(tmp_path / "e", *exported)
    import_file(path, tmp_path / "there")
    before = (tmp_path / "there" / "data.mdb").read_bytes()
    code, _, stderr = run("import", str(path), "--data", str(tmp_path / "there"))
    assert code == 1 and "has a store already" in stderr
    assert (tmp_path / "there" / "data.mdb").read_bytes() == before


def test_kill_9_during_an_import_leaves_no_data_directory(exported, tmp_path, start_server):
    path = write(tmp_path / "e", *exported)
    data = tmp_path / "there"
    with open(path, "rb") as whole, subprocess.Popen(
            [BINARY, "import", "--data", data], stdin=subprocess.PIPE, env=environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        process.stdin.write(b"".join(whole.readlines()[:-1]))
        process.stdin.flush()
        wait_for((data / "sojourn.partial" / "data.mdb").exists, "it is importing")
        process.send_signal(signal.SIGKILL)
        exit_code(process, 10)
    with pytest.raises(DidNotStart) as failure:
        start_server(data=data)
    assert "not finished" in failure.value.stderr
    import_file(path, data)
    assert check_store(data)["sessions"] == 5
