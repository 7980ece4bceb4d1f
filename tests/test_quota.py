"""The quota of live sessions of a tenant: exact however many begin at once, and none is ended for it."""

import signal

import pytest

from harness.client import Client
from harness.load import at_once, walk
from harness.processes import wait_for
from harness.wire import check_error, check_session

QUOTA = 50


def check_exceeded(response):
    check_error(response, 429, "QUOTA_EXCEEDED")
    assert int(response.field("Retry-After")) >= 1


def live(client):
    return {one["sessionId"] for one in walk(client)}


@pytest.mark.parametrize("first", [0, QUOTA - 7])
def test_of_two_hundred_at_once_exactly_as_many_begin_as_there_is_room_for(start_server, tenant, first):
    server = start_server(f"sessions.max_sessions={QUOTA}", "http.threads=4")
    client = Client(server.address, tenant)
    made = {check_session(client.create())["sessionId"] for _ in range(first)}
    answers = at_once(server.address, tenant, [lambda one: one.create()] * 200)
    for answer in answers:
        if answer.status == 200:
            made.add(check_session(answer)["sessionId"])
        else:
            check_exceeded(answer)
    assert len(made) == QUOTA
    assert live(client) == made, "none was ended to make room"
    # One ends, one fits; an automatic creation is one, too.
    gone = made.pop()
    check_session(client.end(gone))
    assert check_session(client.get(gone))["isNew"]
    check_exceeded(client.create())
    check_exceeded(client.get(gone))
    check_exceeded(client.associate(gone, {"gkc_customerId": "bob"}))
    # What lives goes on.
    kept = made.pop()
    check_session(client.get(kept))
    check_session(client.associate(kept, {"gkc_customerId": "bob"}))
    client.close()


def test_expiry_makes_room(start_server, tenant):
    server = start_server("sessions.max_sessions=3", "sessions.idle_timeout=500ms")
    client = Client(server.address, tenant)
    for _ in range(3):
        check_session(client.create())
    check_exceeded(client.create())
    wait_for(lambda: client.create().status == 200, "a session expires and makes room")
    client.close()


def test_it_holds_with_the_log_of_events_off(start_server, tenant):
    client = Client(start_server("sessions.max_sessions=3", "events.retention=0").address, tenant)
    made = [check_session(client.create())["sessionId"] for _ in range(3)]
    for _ in range(3):
        check_exceeded(client.create())
    check_session(client.associate(made[0], {"gkc_customerId": "bob"}))
    check_exceeded(client.create())
    check_session(client.end(made[0]))
    check_session(client.create())
    check_exceeded(client.create())
    client.close()


def test_a_policy_and_a_reload_change_it(start_server, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text('[sessions]\nmax_sessions = 1\n[tenants.policy."big"]\nmax_sessions = 0\n')
    server = start_server(config=config)
    small, big = Client(server.address, "small"), Client(server.address, "big")
    for _ in range(5):
        check_session(big.create())
    check_session(small.create())
    check_exceeded(small.create())
    config.write_text('[sessions]\nmax_sessions = 2\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: small.create().status == 200, "the larger quota is in force")
    check_exceeded(small.create())
    check_exceeded(big.create())  # a lower quota ends nothing, but lets none begin
    assert len(live(big)) == 5
    small.close()
    big.close()
