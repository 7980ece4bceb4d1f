"""Probes at the edge of expiresAt: clients that ask for sessions just before and just after their time,
and a judge of what they were answered.

All clients are in one thread, so everything has one order and one clock. A *probe* is one request for a
session that is close to its expiresAt, or over already. Its answer says that the session is alive or that
it is over. The judge holds each answer against all others about the same session:

  revived   was alive for a request sent after somebody had the answer that it is over
  early     was over before an expiresAt that was shown (and nobody had ended it)
  late      was alive for a request sent at or after the expiresAt that the answer shows, or was touched at or
            after the expiresAt that it had
"""

import heapq
import itertools
import json
import random
import select
import socket
import time
from collections import Counter, deque

from harness.wire import milliseconds

_HEAD_END = b"\r\n\r\n"
_EXPIRES, _ACCESSED, _CREATED = b'"expiresAt":"', b'"lastAccessedAt":"', b'"createdAt":"'
_minutes = {}


def _time(body, name):
    """The time that stands behind `name`, in Unix ms; the dates of a minute are worked out once."""
    begin = body.index(name) + len(name)
    minute = body[begin:begin + 17]
    if minute not in _minutes:
        _minutes[minute] = milliseconds(minute.decode() + "00.000Z")
    return _minutes[minute] + int(body[begin + 17:begin + 19]) * 1000 + int(body[begin + 20:begin + 23])


def _id(body):
    begin = body.index(b'"sessionId":"') + 13
    return body[begin:begin + 36].decode()


class Clock:
    """What the servers' clocks show: `now()` of ours plus an offset between `low` and `high`, in ms.
    Each new session narrows it down: its createdAt lies between its request and its answer."""

    APART = 50  # clocks that differ, or change, by more are a fault of their own

    def __init__(self):
        self.low, self.high = float("-inf"), float("inf")

    @staticmethod
    def now():
        return time.monotonic() * 1000

    def learn(self, created, sent, received):
        self.low = max(self.low, created - received)
        self.high = min(self.high, created + 1 - sent)

    def check(self):
        """`low` and `high` are right for all servers and all the time then; what they leave open is the error."""
        self.low, self.high = sorted((self.low, self.high))
        assert self.high - self.low < Clock.APART, f"the clocks ran apart: offset {self.low} to {self.high}"


class Session:
    """What was answered about one session."""

    __slots__ = ("id", "customer", "key", "over_at", "ended", "expires", "accesses")

    def __init__(self, body, customer, key):
        """`body`: the answer that made it."""
        self.id, self.customer, self.key = _id(body), customer, key
        self.over_at = None   # our time when somebody first had the answer that it is over
        self.ended = False    # by a client
        self.expires = _time(body, _EXPIRES)  # the last that was shown
        created = _time(body, _CREATED)
        self.accesses = {(created, created)}  # when at the earliest and at the latest, by the server's clock


class Judge:
    def __init__(self, idle_ms):
        self.clock = Clock()
        self.counts = Counter()
        self.revived = []  # sentences
        self._revived_sessions = set()
        self.idle = idle_ms
        self._margins = {"early": [], "late": []}  # (ms to be compared with the clock's offset, sentence)

    def alive(self, session, verb, sent, received, expires=None, accessed=None):
        self.counts["alive"] += 1
        if session.over_at is not None and sent > session.over_at:
            self._revived_sessions.add(session.id)
            self.revived.append(f"{session.id}: over since {sent - session.over_at:.1f} ms before {verb}")
        if expires is None:
            session.accesses.add((sent + self.clock.low, received + self.clock.high))
            return
        if expires - sent < self.clock.low + Clock.APART:  # the clocks' offset is known well only at the end
            self._margins["late"].append((expires - sent, f"{session.id}: {verb} was sent after its expiresAt"))
        session.accesses.add((accessed, accessed))
        session.expires = max(session.expires, expires)

    def over(self, session, received):
        self.counts["over"] += 1
        if session.over_at is None:
            session.over_at = received

    def retire(self, session):
        """Nothing more is asked about it: what its answers say together."""
        if session.over_at is not None and not session.ended and session.id not in self._revived_sessions:
            margin = session.expires - session.over_at
            if margin > self.clock.high - Clock.APART:
                self._margins["early"].append((margin, f"{session.id}: over before the expiresAt that was shown"))
        (_, last), *others = sorted(session.accesses)
        for earliest, latest in others:
            if earliest >= last + self.idle:
                self._margins["late"].append((float("-inf"), f"{session.id}: touched when it was over"))
            last = max(last, latest)

    def verdict(self):
        """(counts, what was wrong as sentences)."""
        self.clock.check()
        late = [text for margin, text in self._margins["late"] if margin < self.clock.low]
        early = [text for margin, text in self._margins["early"] if margin > self.clock.high]
        self.counts.update(revived=len(self._revived_sessions), late=len(late), early=len(early))
        return self.counts, self.revived + late + early


class _Client:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.job = None

    def send(self, job, data):
        self.job, self.buffer = job, b""
        job.sent = Clock.now()
        assert self.socket.send(data) == len(data)

    def answer(self):
        """(status, body) once all of it is there."""
        data = self.socket.recv(1 << 20)
        assert data, "the server hung up"
        self.buffer += data
        end = self.buffer.find(_HEAD_END)
        if end < 0:
            return None
        head, body = self.buffer[:end], self.buffer[end + 4:]
        length = head.lower().find(b"content-length:")
        expected = 0 if self.job.verb == "head" or length < 0 else int(head[length + 15:].split(b"\r\n", 1)[0])
        return (int(head[9:12]), body) if len(body) >= expected else None


class _Job:
    __slots__ = ("verb", "slot", "session", "sent", "customer", "key")

    def __init__(self, verb, slot, session, customer=None, key=None):
        self.verb, self.slot, self.session, self.customer, self.key = verb, slot, session, customer, key


class _Slot:
    """A place for one session after the other."""

    def __init__(self, tenant, keyed):
        self.tenant, self.keyed = tenant, keyed
        self.session = self.successor = None
        self.planned = None  # the order of the one plan that counts
        self.under_way = 0
        self.checks = 0  # answers since it was over


# What is asked before the session's time, after it, and once it is over, and how often.
_BEFORE = {"get": 14, "post": 3, "head": 2, "if_none_match": 1}
_AFTER = {"get": 9, "post": 2, "head": 2, "if_match": 2, "delete": 1, "list": 3, "end_all": 1, "put": 3}
_CHECKS = 3


class Prober:
    """Clients of the servers at `addresses`, and sessions of `tenants`, whose idle_timeout is `idle_ms`."""

    def __init__(self, addresses, tenants, idle_ms, clients=16, slots_a_client=8, seed=1):
        self._chance = random.Random(seed)
        self._judge = Judge(idle_ms)
        self._clients = [_Client(addresses[number % len(addresses)]) for number in range(clients)]
        self._free = deque(self._clients)  # in turns, so that no connection is idle for long
        self._names = itertools.count()
        self._pace = 3  # how many ms an answer takes, of late: a slow server is asked earlier
        self._edges, self._rest = [], []  # what is planned: (when, order, slot); the edges go first
        self._order = itertools.count()
        self._slots = [_Slot(tenants[number % len(tenants)], number // len(tenants) % 3 == 0)
                       for number in range(clients * slots_a_client)]
        # How many of them have sessions: as many as can be asked in time, on a machine as busy as it is.
        self._most, self._used, self._resting = clients, 0, []
        for slot in self._slots:
            self._rest_or_begin(slot)

    def run(self, probes):
        judge = self._judge
        poll = select.epoll()
        by_socket = {client.socket.fileno(): client for client in self._clients}
        for number in by_socket:
            poll.register(number, select.EPOLLIN)
        while judge.counts["probes"] < probes or len(self._free) < len(self._clients):
            now = judge.clock.now()
            for planned, kept in self._plans() if judge.counts["probes"] < probes else ():
                while len(self._free) > kept and planned and planned[0][0] <= now:
                    when, order, slot = heapq.heappop(planned)
                    if order == slot.planned:
                        slot.planned = None
                        if planned is self._edges:
                            self._adapt(now - when)
                        self._start(slot)
            wait = min([30_000, *(planned[0][0] - now for planned, kept in self._plans()
                                  if planned and len(self._free) > kept)])
            ready = poll.poll(max(0, wait) / 1000)
            assert ready or wait < 30_000, "nothing was answered for half a minute"
            for number, _ in ready:
                client = by_socket[number]
                answer = client.answer()
                if answer is not None:
                    job, client.job = client.job, None
                    self._free.append(client)
                    self._take(job, *answer, judge.clock.now())
        for client in self._clients:
            client.socket.close()
        for slot in self._slots:
            if slot.session is not None:
                judge.retire(slot.session)
        return judge.verdict()

    def _plans(self):
        """What is planned, and how many clients are kept free when something of it is begun."""
        return (self._edges, 0), (self._rest, len(self._clients) // 2)

    def _adapt(self, late):
        """`late`: how many ms after its time an edge is asked for."""
        if late > 5:
            self._most = max(len(self._clients) // 2, self._most - 1)
        elif self._most < len(self._slots):
            self._most += 0.1
            if self._used < int(self._most) and self._resting:
                self._rest_or_begin(self._resting.pop())

    def _rest_or_begin(self, slot):
        slot.session = slot.successor = None
        if self._used < int(self._most):
            self._used += 1
            self._plan(self._rest, slot, self._judge.clock.now() + self._chance.uniform(0, self._judge.idle / 2))
        else:
            self._resting.append(slot)

    def _plan(self, planned, slot, when):
        slot.planned = next(self._order)
        heapq.heappush(planned, (when, slot.planned, slot))

    def _start(self, slot):
        session = slot.session
        customer = f"c{next(self._names)}"
        if session is None:
            key = f"key-{customer}" if slot.keyed else None
            return self._send(_Job("create", slot, None, customer, key), "PUT", "/new", customer=customer, key=key)
        offset = self._judge.clock.high
        left = session.expires - offset - self._judge.clock.now()
        verbs = _BEFORE if left > 0 and session.over_at is None else _AFTER
        verb = self._chance.choices(list(verbs), list(verbs.values()))[0]
        if verb == "put" and session.key is None:
            verb = "get"
        job = _Job(verb, slot, session, customer)
        slot.under_way += 1
        self._judge.counts["probes"] += 1
        self._judge.counts[verb] += 1
        path = "/" + session.id
        if verb == "get":
            self._send(job, "GET", path, customer=customer)
        elif verb == "head":
            self._send(job, "HEAD", path)
        elif verb == "if_none_match":
            self._send(job, "GET", path, more="If-None-Match: *\r\n")
        elif verb == "post":
            self._send(job, "POST", path, customer=session.customer)
        elif verb == "if_match":
            self._send(job, "POST", path, customer=session.customer, more="If-Match: *\r\n")
        elif verb == "delete":
            self._send(job, "DELETE", path)
        elif verb == "put":
            self._send(job, "PUT", "/new", customer=session.customer, key=session.key)
        else:
            self._send(job, "GET" if verb == "list" else "DELETE", "", query=f"&customerId={session.customer}")
        # Others come after it, until its time is over for sure.
        if session.over_at is None and left > -3 * self._pace:
            self._plan(self._edges, slot, self._judge.clock.now() + self._chance.uniform(0, self._pace))

    def _send(self, job, method, path, customer=None, key=None, query="", more=""):
        if customer:
            more += f"gkc_customerId: {customer}\r\n"
        if key:
            more += f"Idempotency-Key: {key}\r\n"
        self._free.popleft().send(job, (f"{method} /sessions{path}?tenantId={job.slot.tenant}{query} HTTP/1.1\r\n"
                                    f"Host: x\r\n{more}\r\n").encode())

    def _take(self, job, status, body, received):
        judge, slot, session = self._judge, job.slot, job.session
        self._pace += (min(max(received - job.sent, 1), judge.idle / 5) - self._pace) / 100
        if job.verb == "create":
            assert status == 200, (status, body)
            judge.clock.learn(_time(body, _CREATED), job.sent, received)
            return self._begin(slot, Session(body, job.customer, job.key))
        slot.under_way -= 1
        known = session.expires
        self._judged(job, status, body, received)
        if session is not slot.session:
            return None
        if session.over_at is None:
            if session.expires > known:
                self._plan_edge(slot)
            elif slot.under_way == 0 and slot.planned is None:
                self._plan(self._edges, slot, received + self._chance.uniform(0, self._pace))
            return None
        slot.checks += 1
        if slot.checks <= _CHECKS:
            return self._plan(self._rest, slot, received + self._chance.uniform(0, 20))
        if slot.under_way == 0:
            judge.retire(session)
            if slot.successor is not None and slot.successor.expires - judge.clock.high > received + 10:
                return self._begin(slot, slot.successor)
            self._used -= 1
            self._rest_or_begin(slot)
        return None

    def _begin(self, slot, session):
        slot.session, slot.successor, slot.checks = session, None, 0
        self._plan_edge(slot)

    def _plan_edge(self, slot):
        edge = slot.session.expires - self._judge.clock.high
        self._plan(self._edges, slot, edge - self._chance.uniform(-1, 2 * self._pace))

    def _judged(self, job, status, body, received):
        """Tells the judge what the answer says."""
        judge, session, verb = self._judge, job.session, job.verb
        if verb == "list":
            assert status == 200, (status, body)
            listed = [one for one in json.loads(body)["response"]["sessions"] if one["sessionId"] == session.id]
            if listed:
                judge.alive(session, verb, job.sent, received, milliseconds(listed[0]["expiresAt"]),
                            milliseconds(listed[0]["lastAccessedAt"]))
            else:
                judge.over(session, received)
        elif verb == "end_all":
            assert status == 200, (status, body)
            session.ended = session.ended or b'"ended":0' not in body
            judge.over(session, received)
        elif status == 304 or (verb == "head" and status == 200):
            judge.alive(session, verb, job.sent, received)
        elif status == 404 or (verb == "if_match" and status == 412):
            judge.over(session, received)
        else:
            assert status == 200, (verb, status, body)
            expires = _time(body, _EXPIRES)
            if _id(body) == session.id:
                judge.alive(session, verb, job.sent, received, expires, _time(body, _ACCESSED))
                if verb == "delete":
                    session.ended = True
                    judge.over(session, received)
            else:
                assert b'"isNew":true' in body and verb in ("get", "post", "if_none_match"), (verb, body)
                judge.clock.learn(_time(body, _CREATED), job.sent, received)
                judge.over(session, received)
                if verb == "get":
                    job.slot.successor = Session(body, job.customer, None)
