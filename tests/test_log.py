"""The log: every line is one JSON object with known members, shows no secret, and holds nobody up."""

import json
import os
import re
import signal

import pytest

from harness.client import Client, Closed, Connection, request_bytes
from harness.metrics import metrics
from harness.processes import wait_for
from harness.server import Server, run
from harness.stores import no_cluster, with_room
from harness.wire import TIME

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ACCESS = {"time", "level", "event", "method", "route", "status", "error", "duration_us", "bytes", "scheme",
          "tenant", "session", "client", "key", "trace_id", "parent_id"}
REFUSED = {"time", "level", "event", "message", "code", "count", "since"}
CANARY = "canary"  # stands in whatever no line may show


def no_duplicates(pairs):
    assert len(pairs) == len(dict(pairs)), pairs
    return dict(pairs)


def parsed(text):
    """Whole lines, each one JSON object on a line of printable text."""
    lines = []
    for line in text.split("\n")[:-1]:
        one = json.loads(line, object_pairs_hook=no_duplicates)
        assert type(one) is dict and TIME.fullmatch(one["time"]), line
        assert one["level"] in ("info", "warning", "error") and re.fullmatch(r"[a-z]+\.[a-z_]+", one["event"]), line
        assert line.isprintable(), ascii(line)
        lines.append(one)
    return lines


def of(server, event):
    return [line for line in parsed(server.stderr()) if line["event"] == event]


def accesses(server, count):
    return wait_for(lambda: (lines := of(server, "http.access")) and len(lines) >= count and lines,
                    f"{count} access lines")


@pytest.fixture
def own(start_server, tenant):
    """own(settings...): a server and a client of it."""
    clients = []

    def start(*settings, **options):
        server = start_server("http.threads=1", *settings, **options)
        clients.append(Client(server.address, tenant))
        return server, clients[-1]
    yield start
    for one in clients:
        one.close()


def reload(server, path, text):
    before = server.stderr().count('"config.reloaded"')
    path.write_text(text)
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.stderr().count('"config.reloaded"') > before, "the reload is logged")


# The access log


def test_what_a_line_says(own, tenant):
    server, client = own("log.access=all")
    answer = client.create([("traceparent", TRACEPARENT)])
    session = answer.json()["sessionId"]
    client.get(session)
    client.end(session)
    client.end(session)
    client.request("GET", "/nowhere")
    lines = accesses(server, 5)
    assert len(lines) == 5 and all(set(line) <= ACCESS and line["level"] == "info" for line in lines)
    created, got, ended, again, nowhere = lines
    assert (created["method"], created["route"], created["status"]) == ("PUT", "/sessions/new", 200)
    assert (created["trace_id"], created["parent_id"]) == (TRACE, PARENT)
    assert created["tenant"] == tenant and created["scheme"] == "http" and created["client"] == "127.0.0.1"
    assert created["bytes"] > len(answer.body) and created["duration_us"] > 0
    assert "session" not in created and "error" not in created and "key" not in created
    assert got["route"] == "/sessions/{sessionId}" and got["session"] == session[:10]
    assert "trace_id" not in got
    assert (ended["method"], ended["status"]) == ("DELETE", 200)
    assert (again["status"], again["error"]) == (404, "SESSION_NOT_FOUND")
    assert (nowhere["status"], nowhere["error"]) == (404, "ROUTE_NOT_FOUND") and "route" not in nowhere
    assert session[10:] not in server.stderr()


def test_a_wrong_or_repeated_traceparent_is_ignored(own):
    server, client = own("log.access=all")
    wrong = [[TRACEPARENT.upper()], [TRACEPARENT + "-x"], [TRACEPARENT, TRACEPARENT], ["ff" + TRACEPARENT[2:]],
             ["01" + TRACEPARENT[2:] + "-new"]]
    for values in wrong:
        client.get("x", [("traceparent", value) for value in values])
    lines = accesses(server, len(wrong))
    assert [line.get("trace_id") for line in lines] == [None] * 4 + [TRACE]


def test_it_is_off_unless_asked_for(own):
    server, client = own()
    client.create()
    server.stop()
    assert of(server, "server.stopped") and not of(server, "http.access")


def test_a_sample_is_every_manieth(own):
    server, client = own("log.access=1/7")
    for number in range(70):
        client.request("GET" if number % 7 == 6 else "HEAD", client.target("x"))
    server.stop()
    assert [line["method"] for line in of(server, "http.access")] == ["GET"] * 10


def test_the_name_of_the_key(own, tmp_path):
    file = tmp_path / "keys"
    code, key, stderr = run("key", "new", "--name", "checkout", "--tenants", "*", "--scopes", "read,write", "--file", file)
    assert code == 0, stderr
    server, client = own("log.access=all", f"security.key_file={file}")
    client.get("x", [("Authorization", f"Bearer {key.strip()}")])
    client.get("x", [("Authorization", f"Bearer {CANARY}")])
    known, unknown = accesses(server, 2)
    assert known["key"] == "checkout" and "key" not in unknown
    assert key.strip() not in server.stderr() and CANARY not in server.stderr()


# Reload


def test_sighup_switches_it_and_the_level(own, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text("")
    server, client = own(config=config)
    client.get("x")
    reload(server, config, '[log]\naccess = "all"\n')
    client.get("x")
    accesses(server, 1)
    reload(server, config, '[log]\naccess = "off"\n')
    client.get("x")
    # What says that the reload is done is left out at this level.
    config.write_text('[log]\naccess = "all"\nlevel = "error"\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: metrics(server).sum("sojourn_config_reloads_total", result="good") == 3, "the third reload")
    client.get("x")
    server.stop()
    assert len(of(server, "http.access")) == 1
    assert len(of(server, "config.reloaded")) == 2 and not of(server, "server.stopped")


# Nothing that is sent shows, or forges


def test_hostile_requests_make_no_line_of_their_own(own, tenant):
    server, client = own("log.access=all")
    server.await_words("server.started")
    before = len(parsed(server.stderr()))  # among them what a store says of itself
    session = client.create().json()["sessionId"]
    forged = '\n{"time":"2026-01-01T00:00:00.000Z","level":"error","event":"forged.line"}\n'
    tenants = [forged, '","event":"forged.line","x":"', "a\u2028b\u2029c\u202ed", "\\", "\x00", "\x7f", "\x9b31m", "x" * 128]
    client.tenant = None
    for one in tenants:
        client.tenant = one
        client.create()
    client.tenant = tenant
    for target in ("/sessions/%0A%22" + CANARY, f"/sessions/{session[:-1]}{CANARY}", f"/{CANARY}?tenantId=%FF{CANARY}",
                   f"/sessions?tenantId=a&customerId={CANARY}&tenantId={CANARY}", f"/sessions?tenantId=%C0%8A{CANARY}",
                   f"/sessions?tenantId={tenant}&visitId={CANARY}", f"/sessions?tenantId=%zz{CANARY}"):
        client.request("GET", target)
    client.create([("Authorization", f"Bearer {CANARY}"), ("Idempotency-Key", CANARY), ("gkc_customerId", CANARY),
                   ("traceparent", f"00-{CANARY}"), ("Cookie", CANARY), ("User-Agent", CANARY)],
                  {"attributes": {CANARY: CANARY}, "visitId": CANARY})
    client.associate(session, [("If-Match", f'"{CANARY}"')])
    client.request("PUT", client.target(), [("Content-Type", "application/json")], b"{" + CANARY.encode())
    for raw in (b"GET /" + CANARY.encode() + b" HTTP/9.9\r\n\r\n", b"\x16\x03\x01" + CANARY.encode() + b"\r\n\r\n",
                request_bytes(CANARY.upper(), "/sessions"),
                request_bytes("GET", "/sessions", [("x", b"\x00" + CANARY.encode())]),
                b"GET / HTTP/1.1\r\nHost: a\r\n{\"event\":\"" + CANARY.encode() + b"\"}\r\n\r\n"):
        with Connection(server.address) as connection:
            connection.send(raw)
            try:
                connection.read()
            except (Closed, ConnectionResetError):
                pass
    server.stop()
    lines = parsed(server.stderr())[before:]
    assert "requests.refused" in {line["event"] for line in lines}
    for line in lines:
        if line["event"] == "http.access":
            assert set(line) <= ACCESS, line
        elif line["event"] == "requests.refused":
            assert set(line) == REFUSED, line
        else:
            assert line["event"].startswith("server."), line
    assert CANARY not in server.stderr().lower() and session[10:] not in server.stderr()
    # A tenant's name with control characters is none.
    shown = {line.get("tenant") for line in lines} - {None}
    assert shown == {'","event":"forged.line","x":"', "a\u2028b\u2029c\u202ed", "\\", "x" * 128, tenant}


# Refusals


def test_refusals_are_told_in_sums(own):
    server, client = own()

    def refused(times):
        for _ in range(times):
            with Connection(server.address) as connection:
                connection.send(b"NONSENSE\r\n\r\n")
                connection.read()
    refused(293)
    client.end("x")  # 404: normal
    wait_for(lambda: of(server, "requests.refused"), "the first line")
    refused(7)  # whose line is not due yet when the server ends
    server.stop()
    lines = of(server, "requests.refused")
    assert 1 <= len(lines) <= 10 and {line["code"] for line in lines} == {"BAD_REQUEST"}, lines
    assert sum(line["count"] for line in lines) == 300 and all(set(line) == REFUSED for line in lines)
    assert all(line["level"] == "warning" and line["since"] <= line["time"] for line in lines)


@no_cluster
def test_faults_lead_into_a_trace(own, tmp_path):
    data = tmp_path / "data"
    server, client = own(*with_room(data, 1), data=data)
    filler = {"attributes": {"fill": "x" * 7000}}

    def is_full():
        return client.create([("traceparent", TRACEPARENT)], filler).json().get("code") == "STORE_FULL"
    wait_for(is_full, "the store is full", 60)
    line = wait_for(lambda: of(server, "requests.failed"), "the fault is logged")[0]
    assert (line["level"], line["code"], line["count"]) == ("error", "STORE_FULL", line["count"])
    assert (line["method"], line["route"]) == ("PUT", "/sessions/new")
    assert (line["trace_id"], line["parent_id"]) == (TRACE, PARENT)


# A reader who does not read


class Unread(Server):
    """Its standard error is a pipe."""

    def start(self):
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        self._stderr.parent.mkdir(parents=True, exist_ok=True)
        link = f"/proc/self/fd/{writing}"
        self._stderr.unlink(missing_ok=True)
        self._stderr.symlink_to(link)
        try:
            return super().start()
        finally:
            os.close(writing)
            self._stderr.unlink()

    def drain(self):
        text = b""
        try:
            while data := os.read(self.reading, 65536):
                text += data
        except BlockingIOError:
            pass
        return text.decode()


@pytest.fixture
def unread(tmp_path):
    with Unread(tmp_path / "data", ["http.threads=1", "log.access=all", "http.drain_timeout=10ms"]) as server:
        yield server
    os.close(server.reading)


REQUESTS = 12_000
BATCH = 100


def answered(server, count):
    with Connection(server.address) as connection:
        for _ in range(count // BATCH):
            connection.send(request_bytes("GET", "/nowhere") * BATCH)
            for _ in range(BATCH):
                assert connection.read().status == 404


def dropped(server):
    return metrics(server).sum("sojourn_log_lines_dropped_total")


def test_nobody_waits_for_a_reader_who_does_not_read(unread):
    answered(unread, REQUESTS)
    lost = dropped(unread)
    assert 0 < lost < REQUESTS

    text = ""

    def all_there():
        nonlocal text
        text += unread.drain()
        return text.count('"http.access"') + dropped(unread) == REQUESTS
    wait_for(all_there, "every line is read or was counted as lost")
    assert dropped(unread) >= lost
    parsed(text)
    answered(unread, BATCH)
    wait_for(lambda: unread.drain().count('"http.access"') > 0, "the log goes on")


@pytest.mark.parametrize("cut", [False, True])
def test_its_end_does_not_wait_for_a_reader_either(unread, cut):
    answered(unread, REQUESTS)
    connection = Connection(unread.address)
    if cut:  # in the middle of a request, which http.drain_timeout cuts
        connection.send(b"PUT /sessions/new?tenantId=a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        wait_for(lambda: metrics(unread).sum("sojourn_connections", listener="public") == 1, "it is there")
    unread.stop()
    connection.close()


def test_what_was_cut_is_told_although_the_process_ends_at_once(own):
    server, _ = own("http.drain_timeout=10ms")
    with Connection(server.address) as connection:
        connection.send(b"PUT /sessions/new?tenantId=a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        wait_for(lambda: metrics(server).sum("sojourn_connections", listener="public") == 1, "it is there")
        server.stop()
    stopped = of(server, "server.stopped")
    assert [line["level"] for line in stopped] == ["warning"]
