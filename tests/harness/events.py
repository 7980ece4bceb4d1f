"""The event log as a caller sees it: what an event looks like, pages, the stream, and the fold that
makes sessions of events."""

import json
import re
import time
from datetime import datetime

from harness.client import Client, Closed, Connection, request_bytes
from harness.wire import SESSION_ID, check_answer

IDENTITY = ("agentId", "customerId", "visitId", "globalVisitId")
NOTHING = {name: None for name in IDENTITY} | {"attributes": {}}
CAUSES = {"session.created": ("requested", "automatic"), "session.identified": ("requested",),
          "session.updated": ("requested",), "session.ended": ("ended", "ended_all"),
          "session.expired": ("expired_idle", "expired_lifetime")}
CURSOR = re.compile("0|[1-9][0-9]*")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def check_event(event, tenant):
    """A CloudEvent 1.0 of this server, whatever it tells."""
    assert set(event) == {"specversion", "id", "source", "type", "subject", "time",
                          "datacontenttype", "data"}, event
    assert event["specversion"] == "1.0" and event["datacontenttype"] == "application/json"
    assert CURSOR.fullmatch(event["id"]), event
    assert type(event["source"]) is str and event["source"]
    assert SESSION_ID.fullmatch(event["subject"]), event
    assert TIME.fullmatch(event["time"]), event
    datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    data = event["data"]
    assert set(data) == {"sessionId", "tenantId", "version", "cause", "from", "to"}, event
    assert data["sessionId"] == event["subject"] and data["tenantId"] == tenant, event
    assert type(data["version"]) is int and data["version"] >= 1
    assert event["type"] in CAUSES, event
    assert data["cause"] in CAUSES[event["type"]], event
    if event["type"] in ("session.expired", "session.ended"):
        assert data["to"] is None, event
    else:
        assert type(data["to"]) is dict, event
        assert data["from"] is None or type(data["from"]) is dict, event
        for members in (data["from"] or {}, data["to"]):
            assert set(members) <= set(NOTHING), event


def check_events(response, tenant, gap=False):
    """A page of events: they, and where to go on, which is always there. `gap`: the page must say that
    events are missing before it; otherwise it must not."""
    page = check_answer(response, {"events", "nextCursor"} | ({"gap"} if gap else set()))
    assert not gap or page["gap"] is True, page
    assert CURSOR.fullmatch(page["nextCursor"]), page
    for event in page["events"]:
        check_event(event, tenant)
    if page["events"]:
        assert page["nextCursor"] == page["events"][-1]["id"]
    return page["events"], page["nextCursor"]


def all_events(client, after=None, limit=500):
    """Every event of the client's tenant after a cursor; without: every one that is kept."""
    events = []
    while True:
        page, after = check_events(client.events(after=after, limit=limit), client.tenant)
        events += page
        if not page:
            ids = [int(event["id"]) for event in events]
            assert ids == sorted(set(ids)), "an event twice, or out of order"
            return events


def told_alive(events):
    """The sessions that live as far as these events tell, which need not begin with the first."""
    alive = set()
    for event in events:
        if event["type"] in ("session.expired", "session.ended"):
            alive.discard(event["subject"])
        else:
            alive.add(event["subject"])
    return alive


def fold(events):
    """The sessions that the events leave: id -> members as an answer shows them, with the version.
    Fails when an event does not begin where the one before it ended."""
    sessions = {}
    for event in events:
        session, data, kind = event["subject"], event["data"], event["type"]
        before = data["from"] or {}
        if kind == "session.created":
            assert session not in sessions, f"created twice: {event}"
            assert all(NOTHING[name] == value or value is None for name, value in before.items()), event
            assert data["version"] == 1, event
            sessions[session] = NOTHING | data["to"] | {"version": 1}
            if sessions[session]["attributes"] is None:
                sessions[session]["attributes"] = {}
            continue
        assert session in sessions, f"of a session that was never created or is over: {event}"
        state = sessions[session]
        for name, value in before.items():
            assert (value or None) == (state[name] or None), f"{name} was {state[name]}: {event}"
        if kind in ("session.expired", "session.ended"):
            assert {n: v for n, v in state.items() if v and n != "version"} == {
                n: v for n, v in before.items() if v}, f"not all that was known, {state}: {event}"
            assert data["version"] == state["version"], event
            del sessions[session]
        else:
            assert data["version"] == state["version"] + 1, f"after {state}: {event}"
            assert set(before) == set(data["to"]), event
            changed = {n for n, v in data["to"].items() if v != before[n]}
            assert changed == set(data["to"]) and changed, f"more than changed: {event}"
            identified = changed & set(IDENTITY)
            assert kind == ("session.identified" if identified else "session.updated"), event
            state |= data["to"] | {"version": data["version"]}
    return sessions


def without_time(infos):
    """SessionInfos of a list as fold() tells them."""
    return {info["sessionId"]: {name: info[name] for name in (*NOTHING, "version")} for info in infos}


class Stream:
    """GET /events as a stream of server-sent events, as a context manager. `after`: the
    Last-Event-ID."""

    def __init__(self, address, tenant, after=None, seconds=10, receive_buffer=None, parameters=(),
                 tls=None):
        headers = [("Accept", "text/event-stream")]
        if after is not None:
            headers.append(("Last-Event-ID", after))
        self.tenant = tenant
        self._connection = Connection(address, seconds, receive_buffer, tls)
        self._seconds = seconds
        self._text = b""
        self._ended = False
        target = Client(address, tenant).path("/events", parameters)
        self._connection.send(request_bytes("GET", target, headers))
        self.response = self._connection.read_head()
        self._chunked = (self.response.field("Transfer-Encoding") or "").lower() == "chunked"

    def check_head(self):
        assert self.response.status == 200, self.response
        assert self.response.field("Content-Type").split(";")[0] == "text/event-stream"
        assert self.response.field("Cache-Control") == "no-store"
        assert self.response.field("Content-Length") is None
        return self

    def _more(self, seconds):
        """Some more text of the stream, b"" at its end."""
        if self._ended:
            return b""
        data = self._connection.read_chunk(seconds) if self._chunked else \
            self._connection.read_some(seconds)
        self._ended = not data
        return data

    def block(self, seconds=None):
        """The next lines up to an empty one, comments too; None at the orderly end of the stream."""
        deadline = time.monotonic() + (seconds or self._seconds)
        while b"\n\n" not in self._text:
            data = self._more(deadline - time.monotonic())
            if not data:
                assert not self._text.strip(b"\n"), f"cut in a message: {self._text!r}"
                return None
            self._text += data.replace(b"\r\n", b"\n")
        block, self._text = self._text.split(b"\n\n", 1)
        return [line for line in block.decode("utf-8").split("\n") if line]

    def next(self, seconds=None):
        """The next event; None at the end of the stream. There must be no gap before it."""
        message = self.message(seconds)
        assert message is None or "gap" not in message, message
        return message

    def message(self, seconds=None):
        """The next event, or {"gap": ...} where some are missing; None at the end of the stream."""
        deadline = time.monotonic() + (seconds or self._seconds)
        while True:
            lines = self.block(max(0.01, deadline - time.monotonic()))
            if lines is None:
                return None
            lines = [line for line in lines if not line.startswith(":")]
            if lines and any(line.startswith("data:") for line in lines):
                return self._event(lines)

    def _event(self, lines):
        fields = [line.partition(": ")[::2] for line in lines]
        assert sorted(name for name, _ in fields) == ["data", "event", "id"], lines
        fields = dict(fields)
        event = json.loads(fields["data"])
        if fields["event"] == "gap":
            assert set(event) == {"after", "nextCursor"} and fields["id"] == event["nextCursor"], lines
            return {"gap": event}
        check_event(event, self.tenant)
        assert (fields["id"], fields["event"]) == (event["id"], event["type"]), lines
        return event

    def take(self, count):
        """The next `count` events."""
        events = [self.next() for _ in range(count)]
        assert None not in events, "the stream ended"
        return events

    def rest(self):
        """The events until the server is gone or ends the stream."""
        events = []
        try:
            while (event := self.next()) is not None:
                events.append(event)
        except (Closed, ConnectionError):
            pass
        return events

    def close(self):
        self._connection.close()

    def __enter__(self):
        return self.check_head()

    def __exit__(self, *_):
        self.close()
