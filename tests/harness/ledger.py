"""The ledger: writers that note every operation before they send it and after its answer, each in a
file of its own that is on disk before the writer goes on; and the judge that compares what a server
shows with what it promised.

The writers are a process of their own, so they share no fate with the server or the tests:

    python3 -m harness.ledger DIRECTORY TENANT WRITERS

On stdin it reads "run HOST:PORT COUNT": the writers work against that server, "reached" is printed
once COUNT operations were answered, and they go on until the server is gone, then "stopped" is
printed. "keep HOST:PORT COUNT" is the same for a service that must survive faults: a writer whose
connection dies opens another, and they go on until "halt" is read. "end" ends it.

A line of a ledger file is one JSON object. Before sending: {"op": N, "do": "create"|"associate",
"session": id or null, "agent": value, "customer": value or absent}. After: {"op": N, "answer":
"ok", "session": id, "version": V} or "refused" with the status, or "unknown" when the connection
died; "at" is the monotonic clock. A sent line without an answer line counts as unknown.
"""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from harness.client import Client, Connection, request_bytes
from harness.processes import exit_code, spawn

_TESTS = Path(__file__).resolve().parents[1]


# The writers


class Writer:
    """One thread, one connection, one file; the sessions it made are touched by no other."""

    def __init__(self, path, tenant, name):
        self._file = open(path, "ab", buffering=0)
        self._tenant, self._name = tenant, name
        self._chance = random.Random(name)
        self._sessions = []
        self._number = 0

    def _note(self, **line):
        self._file.write(json.dumps(line).encode() + b"\n")
        os.fsync(self._file.fileno())

    def keep_running(self, address, answered, stopping):
        """Works until `stopping` is set, whatever the server does."""
        while not stopping.is_set():
            try:
                self.run(address, answered, stopping)
            except OSError:
                pass  # no connection; not even a request was lost
            stopping.wait(0.02)

    def run(self, address, answered, stopping=threading.Event()):
        """Works until the server is gone. Calls `answered` after every answer."""
        client = Client(address, self._tenant)
        try:
            while not stopping.is_set():
                self._step(client)
                answered()
        except OSError:
            pass  # noted as unknown already
        finally:
            client.close()

    def _step(self, client):
        self._number += 1
        operation = self._number
        agent = f"{self._name}-{operation}"
        session, headers = None, {"gkc_agentId": agent}
        do = "create"
        if self._sessions and self._chance.random() < 0.5:
            do, session = "associate", self._chance.choice(self._sessions[-50:])
        customer = None
        if do == "create" and self._chance.random() < 0.5:
            customer = headers["gkc_customerId"] = f"customer-{agent}"
        self._note(op=operation, do=do, session=session, agent=agent, customer=customer)
        try:
            response = client.create(headers) if do == "create" else client.associate(session, headers)
            answer = response.json() if response.status == 200 else None
        except OSError:
            self._note(op=operation, answer="unknown", at=time.monotonic())
            raise
        if answer is None:
            self._note(op=operation, answer="refused", status=response.status,
                       retry_after=response.field("Retry-After"), at=time.monotonic())
            return
        info = answer["response"]
        self._note(op=operation, answer="ok", session=info["sessionId"], version=info["version"],
                   agent=info["agentId"], new=info["isNew"], at=time.monotonic())
        if do == "create":
            self._sessions.append(info["sessionId"])


def _work(directory, tenant, count):
    writers = [Writer(Path(directory) / f"{number}.jsonl", tenant, f"w{number}")
               for number in range(count)]
    lock = threading.Lock()
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "end":
            return
        host, port = rest[0].rsplit(":", 1)
        left = int(rest[1])

        def answered():
            nonlocal left
            with lock:
                left -= 1
                if left == 0:
                    print("reached", flush=True)

        stopping = threading.Event()
        run = Writer.keep_running if word == "keep" else Writer.run
        threads = [threading.Thread(target=run, args=(writer, (host, int(port)), answered, stopping))
                   for writer in writers]
        for thread in threads:
            thread.start()
        if word == "keep":
            sys.stdin.readline()  # "halt", or the end of whoever started us
            stopping.set()
        for thread in threads:
            thread.join()
        print("stopped", flush=True)


class Writers:
    """The process of the writers, seen from the test."""

    def __init__(self, directory, tenant, count):
        self.directory = Path(directory)
        self._process = spawn([sys.executable, "-m", "harness.ledger", directory, tenant, str(count)],
                              cwd=_TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run_until(self, address, answers):
        """Returns once `answers` operations were answered; the writers go on meanwhile."""
        self._say("run %s:%d %d" % (*address, answers))
        self._expect("reached")

    def keep_until(self, address, answers):
        """As run_until, but the writers go on through every fault until halt()."""
        self._say("keep %s:%d %d" % (*address, answers))
        self._expect("reached")

    def halt(self):
        self._say("halt")
        self._expect("stopped")

    def await_stop(self):
        """Returns once every writer has noticed that the server is gone."""
        self._expect("stopped")

    def _say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _expect(self, word):
        alarm = threading.Timer(20, self._process.kill)  # bounds the read below
        alarm.start()
        line = self._process.stdout.readline()
        alarm.cancel()
        assert line == word + "\n", f"the ledger said {line!r} instead of {word!r}"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self._say("end")
            exit_code(self._process, 10)
        else:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


# The judge


class Promise:
    """What one session must look like by the ledger."""

    def __init__(self, agent, customer):
        self.customer = customer
        self.agents = {agent}  # the last value answered, and later ones that may have been written
        self.at_least = self.at_most = 1  # the version


class Judge:
    """Reads the ledger files as they grow and knows what was promised."""

    def __init__(self, directory, may_refuse=False):
        """`may_refuse`: faults are going on, so 503 with Retry-After is a fair answer (what was asked
        may be done or not), and an acknowledged write may be lost: see losses()."""
        self._directory = Path(directory)
        self._may_refuse = may_refuse
        self._offsets = {}
        self._pending = {}
        self.promises = {}
        self.counts = {"create": 0, "associate": 0, "unknown": 0, "refused": 0}
        self.complaints = []  # what was wrong in the answers themselves
        self.answered = []  # (when, whether it was a 200), with may_refuse
        self._replaced = set()  # sessions that an answer took for unknown, with may_refuse

    def read(self):
        """Reads what is new; call while no writer works. Returns the ids it is about."""
        touched = set()
        for path in sorted(self._directory.glob("*.jsonl")):
            with open(path, "rb") as file:
                file.seek(self._offsets.get(path, 0))
                for line in file:
                    self._line(path, json.loads(line), touched)
                self._offsets[path] = file.tell()
        for key in list(self._pending):
            self._settle(self._pending.pop(key), {"answer": "unknown"}, touched)
        return touched

    def _line(self, path, line, touched):
        key = (path, line["op"])
        if "do" in line:
            self._pending[key] = line
        else:
            self._settle(self._pending.pop(key), line, touched)

    def _settle(self, sent, answer, touched):
        session, agent = sent["session"], sent["agent"]
        if self._may_refuse and "at" in answer:
            self.answered.append((answer["at"], answer["answer"] == "ok"))
        if (self._may_refuse and answer["answer"] == "refused" and answer["status"] == 503
                and answer["retry_after"]):
            answer = {"answer": "unknown"}
        if answer["answer"] == "refused":
            self.counts["refused"] += 1
            self.complaints.append(f"refused: {sent} {answer}")
        elif answer["answer"] == "unknown":
            self.counts["unknown"] += 1
            if session is not None:
                promise = self.promises[session]
                promise.agents.add(agent)
                promise.at_most += 1
                touched.add(session)
        elif sent["do"] == "create":
            self.counts["create"] += 1
            session = answer["session"]
            self.promises[session] = Promise(agent, sent["customer"])
            touched.add(session)
        else:
            self.counts["associate"] += 1
            if answer["session"] != session or answer["new"]:
                if self._may_refuse:
                    self._replaced.add(session)
                    return
                self.complaints.append(f"lost: {sent} was answered with a new session")
                return
            promise = self.promises[session]
            promise.agents = {agent}
            promise.at_least += 1
            promise.at_most += 1
            touched.add(session)
        if answer["answer"] == "ok" and answer["agent"] != agent:
            self.complaints.append(f"answered before it was done: {sent} {answer}")

    def losses(self, address, tenant):
        """Once all faults are over: what must never be (a list of sentences), and the acknowledged
        writes that are gone (a list of sessions). A session that an answer took for unknown although
        it is still there was no loss but a lie."""
        wrong = list(self.complaints)
        broken = self._broken(address, tenant, self.promises)
        wrong += [f"{session}: was answered as unknown, and is there" for session in self._replaced
                  if f"{session}: lost" not in broken.get(session, [])]
        return wrong, sorted(broken)

    def verdict(self, address, tenant, sessions):
        """Asks the server for each of `sessions`; a list of broken promises."""
        broken = self._broken(address, tenant, sessions)
        return self.complaints + [one for complaints in broken.values() for one in complaints]

    def _broken(self, address, tenant, sessions):
        """{session: its broken promises}, without those that were kept."""
        broken = {}
        sessions = list(sessions)
        with Connection(address, seconds=30) as connection:
            for begin in range(0, len(sessions), 100):
                batch = sessions[begin:begin + 100]
                connection.send(b"".join(
                    request_bytes("GET", f"/sessions/{session}?tenantId={tenant}")
                    for session in batch))
                for session in batch:
                    if complaints := self._compare(session, connection.read()):
                        broken[session] = complaints
        return broken

    def _compare(self, session, response):
        if response.status != 200:
            return [f"{session}: {response}"]
        info, promise = response.json()["response"], self.promises[session]
        if info["sessionId"] != session or info["isNew"]:
            return [f"{session}: lost"]
        broken = []
        if info["agentId"] not in promise.agents:
            broken.append(f"{session}: agentId {info['agentId']}, promised {promise.agents}")
        if info["customerId"] != promise.customer:
            broken.append(f"{session}: customerId {info['customerId']}, promised {promise.customer}")
        if not promise.at_least <= info["version"] <= promise.at_most:
            broken.append(f"{session}: version {info['version']}, promised "
                          f"{promise.at_least} to {promise.at_most}")
        return broken


if __name__ == "__main__":
    socket.setdefaulttimeout(20)
    _work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
