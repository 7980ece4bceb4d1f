"""The reaper: what is over leaves every table, whether asked for or not, and each is told once."""

import threading
import time

from harness.check import check_store
from harness.client import Client
from harness.events import all_events, check_events, fold
from harness.load import create_many, walk
from harness.processes import wait_for
from harness.scale import size
from harness.stores import EMBEDDED
from harness.wire import check_session, milliseconds

SESSIONS = size("SOJOURN_EXPIRING_SESSIONS", 4_000, 200_000)
IDLE_MS = 2_000


class Log:
    """The events of a tenant as they come: who was created and who expired."""

    def __init__(self, tenant):
        self.tenant, self.cursor = tenant, None
        self.created, self.expired = [], []

    def read(self, address):
        client = Client(address, self.tenant)
        while True:
            events, self.cursor = check_events(client.events(after=self.cursor, limit=500), self.tenant)
            for event in events:
                kind = event["type"].removeprefix("session.")
                assert kind in ("created", "expired"), event
                getattr(self, kind).append(event["subject"])
            if not events:
                break
        client.close()
        return self


def test_all_that_is_over_leaves_every_table_and_is_told_once(start_server, tenant, record_property):
    settings = ["sessions.idle_timeout=2s"]
    customers = max(1, SESSIONS // 100)

    def headers_of(number):
        return {"gkc_customerId": f"customer-{number % customers}"} if number % 2 else {}

    server = start_server(*settings)
    log, made = Log(tenant), []

    # The first kill: while they are made.
    maker = threading.Thread(target=create_many,
                             args=(server.address, tenant, SESSIONS, headers_of, made))
    maker.start()
    wait_for(lambda: len(made) >= SESSIONS // 2, "half of the sessions", 300)
    server.kill()
    maker.join()
    assert len(made) < SESSIONS, "the kill came too late"
    server.start()
    create_many(server.address, tenant, SESSIONS - len(made), headers_of, made)

    # The second: while they expire.
    wait_for(lambda: log.read(server.address).expired, "the first expiry")
    server.kill()
    server.start()

    last = max(milliseconds(info["expiresAt"]) for info in made)
    limit = last + 10_000
    while len(log.read(server.address).expired) < len(log.created):
        assert time.time() * 1000 < limit, (
            f"10 s after the last expiry {len(log.expired)} of {len(log.created)} have expired")
        time.sleep(0.02)  # one core may be all that the server has
    took = time.time() * 1000 - last

    answered = {info["sessionId"] for info in made}
    assert len(log.created) == len(set(log.created)) and len(log.expired) == len(set(log.expired))
    assert set(log.created) == set(log.expired)
    assert answered <= set(log.expired)
    client = Client(server.address, tenant)
    assert walk(client) == []
    client.close()
    server.stop()
    if EMBEDDED:
        rows = check_store(server.data)
        empty = ("sessions", "index", "expiry", "counts", "logs", "idempotency")
        assert [rows[table] for table in empty] == [0] * 6
        assert rows["events"] == len(log.created) * 2
    summary = f"{len(log.expired)} sessions expired, the last {took / 1000:.1f} s after its time"
    record_property("summary", summary)
    print(summary)


def test_only_what_is_over_expires(start_server, tenant):
    """Sessions that are used outlive those that are not, over and over."""
    server = start_server("sessions.idle_timeout=1500ms", "sessions.touch_interval=50ms")
    client = Client(server.address, tenant)
    used = check_session(client.create({"gkc_customerId": "bob"}))["sessionId"]
    idle = {check_session(client.create({"gkc_customerId": "bob"}))["sessionId"] for _ in range(20)}

    def all_idle_expired():
        assert check_session(client.get(used))["isNew"] is False, "expired while it was used"
        expired = {event["subject"] for event in all_events(client)
                   if event["type"] == "session.expired"}
        return expired == idle

    wait_for(all_idle_expired, "the idle ones expire")
    assert [info["sessionId"] for info in walk(client, customerId="bob")] == [used]
    client.close()
    server.stop()
    if EMBEDDED:
        rows = check_store(server.data)
        assert (rows["sessions"], rows["index"], rows["expiry"], rows["counts"]) == (1, 1, 1, 1)


def test_what_expired_while_the_server_was_down_expires_at_its_start(start_server, tenant):
    server = start_server("sessions.idle_timeout=300ms")
    client = Client(server.address, tenant)
    made = [check_session(client.create())["sessionId"] for _ in range(50)]
    client.close()
    server.stop()
    if EMBEDDED:
        assert check_store(server.data)["events"] >= 50
    server.start()
    client = Client(server.address, tenant)
    wait_for(lambda: {event["subject"] for event in all_events(client)
                      if event["type"] == "session.expired"} == set(made), "all expire")
    client.close()


def test_a_busy_store_is_whole_after_kill_9(start_server, tenant):
    server = start_server()
    made = []
    maker = threading.Thread(target=create_many, args=(
        server.address, tenant, 100_000, lambda number: {"gkc_customerId": f"c{number % 50}"}, made))
    maker.start()
    wait_for(lambda: len(made) >= 1_000, "a thousand sessions")
    server.kill()
    maker.join()
    if EMBEDDED:
        rows = check_store(server.data)
        assert rows["sessions"] >= len(made)
        assert rows["sessions"] == rows["index"] == rows["events"] == rows["expiry"]
        assert rows["counts"] == 1
    server.start()
    client = Client(server.address, tenant)
    stored = {one["sessionId"] for one in walk(client, 100)}
    assert stored >= {one["sessionId"] for one in made}
    assert stored == set(fold(all_events(client)))
    assert stored == {one["sessionId"] for number in range(50)
                      for one in walk(client, 100, customerId=f"c{number}")}
    client.close()
