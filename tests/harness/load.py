"""Many clients at once: calls let go together, crowds that go on until told, and bulk creation."""

import itertools
import random
import threading

from harness.client import Client, Connection, request_bytes
from harness.processes import wait_for
from harness.wire import check_listing


def at_once(address, tenant, calls, seconds=60):
    """Runs each of `calls` on a thread and a connection of its own, all let go together. Returns
    their answers in order."""
    barrier = threading.Barrier(len(calls))
    answers, failures = [None] * len(calls), []

    def run(number):
        client = Client(address, tenant)
        try:
            client.head("x")  # the connection is open before the start
            barrier.wait(20)
            answers[number] = calls[number](client)
        except Exception as failure:  # shown by the main thread
            failures.append(failure)
            barrier.abort()
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not failures, failures[:3]
    assert not any(thread.is_alive() for thread in threads)
    return answers


class Crowd:
    """Each of `steps` (callables that take a client) is repeated on a thread and a connection of
    its own, until stop() or until the server is gone."""

    def __init__(self, address, tenant, steps, tls=None):
        self._address, self._tenant, self._tls = address, tenant, tls
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._done = 0
        self._failures = []  # anything but the loss of the connection
        self._losses = []
        self._threads = [threading.Thread(target=self._run, args=(step,)) for step in steps]

    def _run(self, step):
        client = Client(self._address, self._tenant, tls=self._tls)
        try:
            while not self._stopping.is_set():
                step(client)
                with self._lock:
                    self._done += 1
        except OSError as loss:
            self._losses.append(loss)
        except Exception as failure:
            self._failures.append(failure)
        finally:
            client.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def await_steps(self, count, seconds=60):
        """Returns once `count` steps are done in all."""
        wait_for(lambda: self._done >= count or self._failures or self._losses,
                 f"{count} steps; {self._done} are done", seconds)
        assert not self._failures and not self._losses, (self._failures + self._losses)[:3]

    def stop(self):
        """Returns once all have finished their step. That no server was there is a failure."""
        self._join()
        assert not self._losses, self._losses[:3]

    def await_loss(self):
        """After a kill: returns once all have noticed."""
        self._join()

    def _join(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads)
        assert not self._failures, self._failures[:3]

    def __exit__(self, kind, value, trace):
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(30)


def run_steps(address, tenant, steps, count):
    """`steps` are repeated side by side until `count` are done in all."""
    with Crowd(address, tenant, steps) as crowd:
        crowd.await_steps(count)
        crowd.stop()


def create_many(address, tenant, count, headers_of=lambda number: {}, made=None, connections=32,
                at_a_time=20):
    """Creates `count` sessions on some connections with pipelined requests, and returns (or adds
    to `made`, as they are answered) their SessionInfos. `headers_of` gives the headers of the
    number-th. Ends early when the server is gone: then some more may have been made."""
    made = [] if made is None else made
    numbers = itertools.count()
    failures = []

    def run():
        target = Client(address, tenant).target()
        try:
            with Connection(address, seconds=30) as connection:
                while batch := [n for n in itertools.islice(numbers, at_a_time) if n < count]:
                    connection.send(b"".join(request_bytes("PUT", target, headers_of(number))
                                             for number in batch))
                    for _ in batch:
                        response = connection.read()
                        assert response.status == 200, response
                        made.append(response.json()["response"])
        except OSError as loss:
            failures.append(loss)
        except AssertionError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = [failure for failure in failures if not isinstance(failure, OSError)]
    assert not wrong, wrong[:3]
    return made


def walk(client, limit=200, **parameters):
    """All pages of a list: the SessionInfos in the order of their coming."""
    sessions, cursor = [], None
    while True:
        page, cursor = check_listing(client.list(limit=limit, cursor=cursor, **parameters))
        assert len(page) <= limit
        sessions += page
        if cursor is None:
            return sessions


def random_step(seed, sessions, customers=20):
    """A step for a Crowd: one random change of a session. `sessions`: a list of ids that all steps
    share and that may hold some that are over."""
    chance = random.Random(seed)
    numbers = itertools.count()

    def step(client):
        number = next(numbers)
        known = sessions[chance.randrange(len(sessions))] if sessions else "x"
        agent = {"gkc_agentId": f"agent-{seed}-{number}"}
        customer = {"gkc_customerId": f"customer-{chance.randrange(customers)}"}
        kind = chance.random()
        if kind < 0.35 or not sessions:
            response = client.create(chance.choice([{}, agent, customer]), chance.choice(
                [None, {"visitId": f"v{number}"}, {"attributes": {"a": {"b": number}, "c": [1]}}]))
        elif kind < 0.5:
            response = client.associate(known, chance.choice([agent, customer]))
        elif kind < 0.7:
            patch = {"attributes": {f"k{chance.randrange(5)}": chance.choice([None, number, {"x": 1}]),
                                    "a": {"b": None, "c": number}}}
            response = client.associate(known, chance.choice([{}, agent]), patch)
        elif kind < 0.8:
            response = client.get(known, agent)
        elif kind < 0.97:
            response = client.end(known)
        else:
            name = customer["gkc_customerId"]
            response = client.end_all(customerId=name)
        assert response.status in (200, 404, 409), response
        answer = response.json()
        if response.status == 200 and answer["response"].get("isNew"):
            sessions.append(answer["response"]["sessionId"])

    return step
