"""kill -9 at any moment takes back nothing that was answered, and the next start is quick."""

import os
import random
import statistics

from harness.client import Client
from harness.ledger import Judge, Writers
from harness.wire import check_session

CYCLES = int(os.environ.get("SOJOURN_KILL_CYCLES", "50"))
WRITERS = 8


def test_what_was_answered_survives_kill_9(start_server, tenant, tmp_path, record_property):
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    judge = Judge(ledger)
    chance = random.Random(9)
    starts = []
    server = start_server()
    with Writers(ledger, tenant, WRITERS) as writers:
        for cycle in range(CYCLES):
            writers.run_until(server.address, answers=chance.randint(WRITERS, 300))
            server.kill()
            writers.await_stop()
            touched = judge.read()
            server.start()
            starts.append(server.start_seconds)
            assert server.start_seconds < 1, f"start {cycle} took {server.start_seconds} s"
            assert touched, "a cycle without a promise"
            broken = judge.verdict(server.address, tenant, touched)
            assert not broken, f"cycle {cycle}: {len(broken)} of {len(touched)}: {broken[:5]}"
    broken = judge.verdict(server.address, tenant, judge.promises)
    assert not broken, f"at the end: {len(broken)} of {len(judge.promises)}: {broken[:5]}"

    assert judge.counts["create"] > CYCLES and judge.counts["associate"] > CYCLES
    assert judge.counts["refused"] == 0
    summary = (f"{CYCLES} kills, {judge.counts}, start median "
               f"{statistics.median(starts) * 1000:.0f} ms, slowest {max(starts) * 1000:.0f} ms")
    record_property("summary", summary)
    print(summary)


def test_what_was_answered_survives_a_graceful_stop(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    made = [check_session(client.create({"gkc_agentId": f"a{number}"})) for number in range(200)]
    client.close()
    server.stop()
    client = Client(start_server(data=server.data).address, tenant)
    for one in made:
        again = check_session(client.get(one["sessionId"]))
        assert (again["isNew"], again["agentId"]) == (False, one["agentId"])
    client.close()


def test_what_a_concurrent_reader_saw_survives_kill_9(start_server, tenant):
    """Nothing is shown before it is on disk, to whomever: what a GET has shown is still there."""
    server = start_server()
    for number in range(5):
        writer, reader = Client(server.address, tenant), Client(server.address, tenant)
        session = check_session(writer.create())["sessionId"]
        check_session(writer.associate(session, {"gkc_customerId": f"c{number}"}))
        seen = check_session(reader.get(session))
        server.kill()
        writer.close()
        reader.close()
        server.start()
        with_again = Client(server.address, tenant)
        again = check_session(with_again.get(session))
        with_again.close()
        assert (again["customerId"], again["version"]) == (seen["customerId"], seen["version"])


def test_the_judge_finds_what_was_lost(server, client, tenant, tmp_path):
    """A check that cannot fail is none: ledgers that promise what the server does not hold."""
    real = check_session(client.create({"gkc_agentId": "real"}))["sessionId"]

    def verdict(name, *lines):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "0.jsonl").write_text("".join(lines))
        judge = Judge(directory)
        return judge.verdict(server.address, tenant, judge.read())

    def created(session, agent="real", customer="null"):
        return (f'{{"op":1,"do":"create","session":null,"agent":"{agent}","customer":{customer}}}\n'
                f'{{"op":1,"answer":"ok","session":"{session}","version":1,"agent":"{agent}","new":true}}\n')

    sent = f'{{"op":2,"do":"associate","session":"{real}","agent":"later","customer":null}}\n'
    answered = f'{{"op":2,"answer":"ok","session":"{real}","version":2,"agent":"later","new":false}}\n'
    assert verdict("kept", created(real)) == []
    assert verdict("maybe", created(real), sent) == []
    assert verdict("lost session", created("0" * 36)) == ["0" * 36 + ": lost"]
    assert len(verdict("lost associate", created(real), sent, answered)) == 2  # value and version
    assert len(verdict("other agent", created(real, agent="other"))) == 1
    assert len(verdict("lost customer", created(real, customer='"bob"'))) == 1
    assert len(verdict("refused", created(real), sent, '{"op":2,"answer":"refused","status":503}\n')) == 1
