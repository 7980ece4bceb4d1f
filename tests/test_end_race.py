"""Ended is final, whoever races: many writers and enders on the same sessions, and kill -9.

Each client notes what it was answered and when, by one monotonic clock; the judge then looks for a
session that was answered as alive to a request sent after the answer to its end."""

import itertools
import random
import threading
import time

from harness.client import Client
from harness.events import all_events, fold
from harness.load import Crowd, walk
from harness.scale import size
from harness.wire import check_ended, check_session

OPERATIONS = size("SOJOURN_RACE_OPERATIONS", 5_000, 200_000)
KILLS = size("SOJOURN_RACE_KILLS", 5, 20)
WRITERS, ENDERS, POOL, CUSTOMERS = 16, 8, 60, 10


class Notes:
    """What was answered, by whom is of no matter; times are (sent, answered)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.pool = []  # the sessions everyone works on
        self.alive = []  # (session, sent): shown with isNew false
        self.known = {}  # session -> (customer, answered): first shown with that customer
        self.ended = {}  # session -> answered: the answer to its DELETE
        self.ends_of_all = []  # (customer, except, sent, answered, count)
        self.complaints = []

    def shown(self, asked, info, sent, answered):
        session, customer = info["sessionId"], info["customerId"]
        with self.lock:
            if info["isNew"]:
                if session == asked:
                    self.complaints.append(f"{session}: an id that was asked for was adopted")
                self.pool.append(session)
                del self.pool[:-POOL]
            else:
                if session != asked:
                    self.complaints.append(f"{asked}: answered with {session}, which is not new")
                self.alive.append((session, sent))
            if customer is not None:
                before = self.known.setdefault(session, (customer, answered))
                if before[0] != customer:
                    self.complaints.append(f"{session}: customer {before[0]}, then {customer}")

    def gone(self, session, answered):
        with self.lock:
            if session in self.ended:
                self.complaints.append(f"{session}: ended twice")
            self.ended[session] = answered

    def broken(self):
        """Every broken promise, as sentences."""
        broken = list(self.complaints)
        over = dict(self.ended)  # session -> when it was certainly over
        for customer, kept, sent, answered, _ in self.ends_of_all:
            for session, (of, since) in self.known.items():
                if of == customer and session != kept and since < sent:
                    over[session] = min(over.get(session, answered), answered)
        for session, sent in self.alive:
            if session in over and sent > over[session]:
                broken.append(f"{session}: alive {(sent - over[session]) * 1000:.2f} ms after its end")
        self.over = over
        return broken


def writer(notes, name):
    chance = random.Random(name)
    numbers = itertools.count()

    def step(client):
        with notes.lock:
            session = chance.choice(notes.pool) if notes.pool else "x"
        kind, number = chance.random(), next(numbers)
        sent = time.monotonic()
        if kind < 0.1:
            session = "new"
            response = client.create({"gkc_customerId": f"c{chance.randrange(CUSTOMERS)}"})
        elif kind < 0.4:
            response = client.get(session)
        elif kind < 0.8:
            response = client.associate(session, body={"attributes": {f"{name}": number}})
        else:
            response = client.associate(session, {"gkc_customerId": f"c{chance.randrange(CUSTOMERS)}"})
        answered = time.monotonic()
        if response.status != 409:
            notes.shown(session, check_session(response), sent, answered)

    return step


def ender(notes, name):
    chance = random.Random(name)

    def step(client):
        with notes.lock:
            session = chance.choice(notes.pool) if notes.pool else "x"
        if chance.random() < 0.85:
            response = client.end(session)
            answered = time.monotonic()
            assert response.status in (200, 404), response
            if response.status == 200:
                assert check_session(response)["sessionId"] == session
                notes.gone(session, answered)
            return
        customer = f"c{chance.randrange(CUSTOMERS)}"
        kept = session if chance.random() < 0.5 and session != "x" else None
        sent = time.monotonic()
        count = check_ended(client.end_all(customerId=customer, **{"except": kept}))
        with notes.lock:
            notes.ends_of_all.append((customer, kept, sent, time.monotonic(), count))

    return step


def steps(notes, cycle):
    return ([writer(notes, f"w{number}-{cycle}") for number in range(WRITERS)]
            + [ender(notes, f"e{number}-{cycle}") for number in range(ENDERS)])


def test_no_session_is_alive_after_its_end(start_server, tenant, record_property):
    notes, chance = Notes(), random.Random(3)
    server = start_server()
    for cycle in range(KILLS + 1):
        with Crowd(server.address, tenant, steps(notes, cycle)) as crowd:
            crowd.await_steps(OPERATIONS // (KILLS + 1) + chance.randint(0, 50), 600)
            if cycle < KILLS:
                server.kill()
                crowd.await_loss()
                server.start()
            else:
                crowd.stop()
    broken = notes.broken()
    assert not broken, f"{len(broken)} broken promises: {broken[:5]}"
    assert len(notes.ended) > OPERATIONS // 100
    assert sum(count for *_, count in notes.ends_of_all) > 0

    # What is still there, and what the log says of the rest.
    client = Client(server.address, tenant)
    listed = {info["sessionId"] for info in walk(client)}
    revived = listed & set(notes.over)
    assert not revived, f"listed although it is over: {revived}"
    for session in itertools.islice(notes.ended, 500):
        assert client.head(session).status == 404
    events = all_events(client)
    assert set(fold(events)) == listed
    ended = [event["subject"] for event in events if event["type"] == "session.ended"]
    assert len(ended) == len(set(ended)), "a session ended twice"
    missed = set(notes.ended) - set(ended)
    assert not missed, f"the end was answered and is not in the log: {missed}"
    client.close()
    summary = (f"{len(notes.alive)} sightings, {len(notes.ended)} ends, {len(notes.ends_of_all)} ends "
               f"of all, {KILLS} kills")
    record_property("summary", summary)
    print(summary)


def test_the_judge_finds_what_was_revived():
    """A check that cannot fail is none."""
    def notes_of(**given):
        notes = Notes()
        for name, value in given.items():
            setattr(notes, name, value)
        return notes.broken()

    assert notes_of(alive=[("s", 1.0)], ended={"s": 2.0}) == []
    assert len(notes_of(alive=[("s", 3.0)], ended={"s": 2.0})) == 1
    of_all = {"known": {"s": ("bob", 1.0)}, "ends_of_all": [("bob", None, 2.0, 3.0, 1)]}
    assert notes_of(alive=[("s", 2.5)], **of_all) == []
    assert len(notes_of(alive=[("s", 3.5)], **of_all)) == 1
    assert notes_of(alive=[("s", 3.5)], known={"s": ("bob", 2.5)},
                    ends_of_all=of_all["ends_of_all"]) == []
    assert notes_of(alive=[("s", 3.5)], known=of_all["known"],
                    ends_of_all=[("bob", "s", 2.0, 3.0, 1)]) == []
    notes = Notes()
    notes.gone("s", 1.0)
    notes.gone("s", 2.0)
    notes.shown("x", {"sessionId": "y", "customerId": None, "isNew": False}, 1.0, 2.0)
    notes.shown("x", {"sessionId": "x", "customerId": None, "isNew": True}, 1.0, 2.0)
    assert len(notes.broken()) == 3
