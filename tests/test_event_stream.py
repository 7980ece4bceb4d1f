"""GET /events as a stream: live, resumed without loss or repeat, and never in the way of others."""

import threading
import time

import pytest

from harness.client import Client, Connection
from harness.events import Stream, all_events, check_events
from harness.load import Crowd, random_step, run_steps
from harness.metrics import metrics
from harness.processes import wait_for
from harness.wire import check_error, check_session


def test_a_stream_begins_with_what_was_and_goes_on_live(server, client, tenant):
    made = [check_session(client.create())["sessionId"] for _ in range(3)]
    with Stream(server.address, tenant) as stream:
        assert [event["subject"] for event in stream.take(3)] == made
        for number in range(5):
            session = check_session(client.create({"gkc_agentId": f"a{number}"}))["sessionId"]
            event = stream.take(1)[0]
            assert (event["subject"], event["type"]) == (session, "session.created")
            check_session(client.end(session))
            assert stream.take(1)[0]["type"] == "session.ended"
    assert len(all_events(client)) == 13


def test_a_stream_shows_what_pages_show(server, client, tenant):
    run_steps(server.address, tenant, [random_step(seed, []) for seed in range(3)], 100)
    events = all_events(client)
    with Stream(server.address, tenant) as stream:
        assert stream.take(len(events)) == events
    with Stream(server.address, tenant, after=events[40]["id"]) as stream:
        assert stream.take(len(events) - 41) == events[41:]
    with Stream(server.address, tenant, parameters={"after": events[40]["id"]}) as stream:
        assert stream.take(1) == events[41:42]


def test_many_readers_see_the_same(server, client, tenant):
    streams = [Stream(server.address, tenant).__enter__() for _ in range(20)]
    made = [check_session(client.create())["sessionId"] for _ in range(50)]
    for stream in streams:
        assert [event["subject"] for event in stream.take(50)] == made
        stream.close()


def test_a_stream_shows_only_its_tenant(server, client, tenant):
    other = Client(server.address, tenant + "-other")
    with Stream(server.address, tenant) as stream:
        for _ in range(5):
            check_session(other.create())
        mine = check_session(client.create())["sessionId"]
        assert stream.take(1)[0]["subject"] == mine
    other.close()


def test_a_quiet_stream_has_a_heartbeat(server, tenant):
    with Stream(server.address, tenant) as stream:
        for _ in range(2):
            lines = stream.block(seconds=20)  # the 15 s that are promised, and some for a busy machine
            assert lines and all(line.startswith(":") for line in lines), lines


@pytest.mark.parametrize("after", ["no cursor", "9" * 200])
def test_a_stream_from_what_is_no_cursor_is_refused(client, after):
    response = client.request("GET", client.path("/events"), {
        "Accept": "text/event-stream", "Last-Event-ID": after})
    check_error(response, 400, ("INVALID_HEADER", "INVALID_PARAMETER"))


# Gaps


def test_a_stream_from_a_cursor_whose_events_were_removed_begins_with_a_gap(start_server, tenant):
    server = start_server("events.retention=1s")
    client = Client(server.address, tenant)

    def one_more(after, parameters=(), gap=None):
        """The id of a new event, which such a stream shows, behind a gap from one place to another; it is
        removed then."""
        with Stream(server.address, tenant, after, parameters=parameters) as stream:
            if gap:
                assert stream.message() == {"gap": dict(zip(("after", "nextCursor"), gap))}
            session = check_session(client.create())["sessionId"]
            event = stream.take(1)[0]
            assert event["subject"] == session
        wait_for(lambda: check_events(client.events(), tenant)[0] == [], "it is removed", 20)
        return event["id"]

    first = one_more(None)
    last = one_more(first)
    last = one_more(first, gap=(first, last))
    last = one_more(None, {"after": first}, gap=(first, last))
    one_more(last)  # the end of the log stays good
    client.close()


def test_a_stream_from_a_cursor_of_another_log_begins_with_a_gap(server, client, tenant):
    ids = [check_session(client.create()) and all_events(client)[-1]["id"] for _ in range(2)]
    ahead, between = str(int(ids[1]) + 5_000_000), str(int(ids[0]) + 1)
    with Stream(server.address, tenant, between) as stream:
        assert stream.message() == {"gap": {"after": between, "nextCursor": ids[0]}}
        assert stream.take(1)[0]["id"] == ids[1]
    with Stream(server.address, tenant, ahead) as stream:
        assert stream.message() == {"gap": {"after": ahead, "nextCursor": ids[1]}}
        session = check_session(client.create())["sessionId"]
        assert stream.take(1)[0]["subject"] == session


def test_a_slow_reader_is_told_what_it_missed(start_server, tenant):
    """It does not read while events are removed that it was about to get."""
    server = start_server("events.retention=1s", "http.header_timeout=60s")
    client = Client(server.address, tenant)
    body = {"attributes": {"a": "x" * 8_000}}
    slow = Stream(server.address, tenant, receive_buffer=4096, seconds=30).__enter__()
    made = [check_session(client.create(body=body))["sessionId"] for _ in range(800)]
    wait_for(lambda: check_events(client.events(), tenant)[0] == [], "all are removed", 20)
    made.append(check_session(client.create())["sessionId"])
    seen, gaps = [], []
    while not seen or seen[-1]["subject"] != made[-1]:
        message = slow.message()
        (gaps if "gap" in message else seen).append(message)
    assert len(gaps) == 1 and 0 < len(seen) < len(made)
    assert [event["subject"] for event in seen] == made[:len(seen) - 1] + made[-1:]
    assert gaps[0]["gap"]["after"] == seen[-2]["id"]
    slow.close()
    client.close()


def test_a_log_that_is_off_is_a_gap_that_is_told_now_and_then(start_server, tenant):
    server = start_server("events.retention=0")
    client = Client(server.address, tenant)
    with Stream(server.address, tenant) as stream:
        check_session(client.create())
        assert set(stream.message()) == {"gap"}
        for _ in range(100):
            check_session(client.create())
        with pytest.raises(OSError):
            stream.message(seconds=1)
    assert metrics(server).sum("sojourn_event_gaps_total") == 1
    client.close()


def test_the_expiry_is_streamed(start_server, tenant):
    server = start_server("sessions.idle_timeout=300ms")
    client = Client(server.address, tenant)
    with Stream(server.address, tenant) as stream:
        session = check_session(client.create())["sessionId"]
        assert [(event["type"], event["subject"]) for event in stream.take(2)] == [
            ("session.created", session), ("session.expired", session)]
    client.close()


def test_the_graceful_end_ends_streams_in_order(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    streams = [Stream(server.address, tenant).__enter__() for _ in range(3)]
    session = check_session(client.create())["sessionId"]
    for stream in streams:
        assert stream.take(1)[0]["subject"] == session
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 5, "the streams held up the end until the drain timeout"
    for stream in streams:
        assert stream.next() is None
        stream.close()
    client.close()


def follow(server_address, tenant, seen):
    """Reads a stream to its end into `seen`, resuming after the last event there."""
    last = seen[-1]["id"] if seen else None
    with Stream(server_address, tenant, after=last, seconds=20) as stream:
        try:
            while (event := stream.next()) is not None:
                seen.append(event)
        except OSError:
            pass  # cut off in the middle; what came whole counts


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_reader_that_resumes_misses_nothing_and_sees_nothing_twice(start_server, tenant, how):
    server = start_server()
    seen, sessions = [], []
    for cycle in range(3):
        steps = [random_step(f"{cycle}-{number}", sessions) for number in range(4)]
        reader = threading.Thread(target=follow, args=(server.address, tenant, seen))
        reader.start()
        before = len(seen)
        with Crowd(server.address, tenant, steps) as crowd:
            crowd.await_steps(100)
            wait_for(lambda: len(seen) > before + 20, "the reader sees events")
            getattr(server, how)()
            crowd.await_loss()
        reader.join(30)
        assert not reader.is_alive()
        server.start()
    client = Client(server.address, tenant)
    events = all_events(client)
    assert seen == events[:len(seen)], "lost, repeated or out of order"
    with Stream(server.address, tenant, after=seen[-1]["id"]) as stream:
        if len(seen) < len(events):
            assert stream.take(len(events) - len(seen)) == events[len(seen):]
        session = check_session(client.create())["sessionId"]
        assert stream.take(1)[0]["subject"] == session
    client.close()


def test_a_reader_that_does_not_read_is_cut_off_and_the_server_goes_on(start_server, tenant):
    server = start_server("http.header_timeout=1s")
    slow = Stream(server.address, tenant, receive_buffer=4096).__enter__()
    client = Client(server.address, tenant)
    quick = Stream(server.address, tenant).__enter__()
    made = 0
    body = {"attributes": {"a": "x" * 8000}}

    def cut_off():
        nonlocal made
        sessions = [check_session(client.create(body=body))["sessionId"] for _ in range(25)]
        made += len(sessions)
        # Whoever reads is not held up.
        assert [event["subject"] for event in quick.take(len(sessions))] == sessions
        return connections_of(server) == 2

    wait_for(cut_off, "the slow reader is cut off", 60)
    received = slow.rest()
    assert len(received) < made
    slow.close()
    # It may come again, and go on where it was.
    last = received[-1]["id"] if received else None
    with Stream(server.address, tenant, after=last) as again:
        assert again.take(1)[0]["id"] == all_events(client)[len(received)]["id"]
    quick.close()
    client.close()


def connections_of(server):
    """The connections that a server holds on its public port, by the kernel's table."""
    port = f":{server.address[1]:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    # 01: established, 08: closed by the client only; of a socket that its process has closed the
    # inode is 0.
    return sum(row[1].endswith(port) and row[3] in ("01", "08") and row[9] != "0" for row in rows)


def test_streams_beside_requests_on_their_connections(server, client, tenant):
    """A connection that streamed cannot be used again; one that asked pages before may stream."""
    session = check_session(client.create())["sessionId"]
    with Connection(server.address) as connection:
        target = client.path("/events")
        connection.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        events, _ = check_events(connection.read(), tenant)
        assert [event["subject"] for event in events] == [session]
        connection.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n"
                        "Accept: text/event-stream\r\n\r\n".encode())
        assert connection.read_head().field("Content-Type").startswith("text/event-stream")


def test_readers_that_leave_are_forgotten(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    for _ in range(200):
        Stream(server.address, tenant).__enter__().close()
    wait_for(lambda: (check_session(client.create()), connections_of(server) == 1)[1],
             "the server has closed what its clients have", 30)
    client.close()
