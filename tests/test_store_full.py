"""A full store refuses what it cannot keep, keeps what it has, and goes on once it has room."""

import pytest

from harness.client import Client
from harness.events import all_events, fold, without_time
from harness.load import walk
from harness.processes import wait_for
from harness.stores import no_cluster, with_room
from harness.wire import check_error, check_session, without_access

pytestmark = no_cluster

TOO_MANY = 100_000  # sessions that can never fit 1 MiB


@pytest.fixture
def start_small(start_server, tmp_path):
    """start_small(MiB, settings...): a server whose store has little room, on the same data each time."""
    def start(mib, *settings):
        data = tmp_path / "data"
        return start_server(*with_room(data, mib), *settings, data=data)
    return start


def fill(client, session="new"):
    """Creates until the store is full: the sessions that were answered, and the refusal. By a POST
    when `session` is an unknown id."""
    made = []
    for number in range(TOO_MANY):
        response = client.call("PUT" if session == "new" else "POST", session,
                               {"gkc_agentId": f"agent-{number}"}, {"visitId": "v" * 200})
        if response.status != 200:
            return made, response
        made.append(check_session(response))
    raise AssertionError("1 MiB was never full")


def check_all(client, made):
    for one in made:
        got = check_session(client.get(one["sessionId"]))
        assert got["isNew"] is False
        assert without_access(got) == without_access(one)


def test_a_full_store_says_so_and_keeps_what_it_has(start_small, tenant):
    server = start_small(1)
    client = Client(server.address, tenant)
    made, refusal = fill(client)
    assert len(made) > 50
    check_error(refusal, 503, "STORE_FULL")
    check_all(client, made)

    # Asked again, whatever still finds room is kept, and the rest is refused as before: an
    # automatic create too, for the id it would answer with would be a lie.
    for session in ("new", "x", "new", "x"):
        more, refusal = fill(client, session)
        made += more
        check_error(refusal, 503, "STORE_FULL")
    check_all(client, made)
    client.close()
    server.stop()

    # The same size again: still full, still readable.
    server = start_small(1)
    client = Client(server.address, tenant)
    check_all(client, made)
    client.close()
    server.stop()

    server = start_small(16)
    client = Client(server.address, tenant)
    check_all(client, made)
    more = [check_session(client.create({"gkc_agentId": "after"})) for _ in range(200)]
    after = check_session(client.associate(made[0]["sessionId"], {"gkc_customerId": "bob"}))
    assert after["version"] == made[0]["version"] + 1
    check_all(client, more + made[1:])
    client.close()


def test_a_refused_change_leaves_the_session_as_it_was(start_small, tenant):
    client = Client(start_small(1).address, tenant)
    made, _ = fill(client)
    refused = 0
    for one in made:
        response = client.associate(one["sessionId"], {"gkc_agentId": "x" * 256},
                                    {"globalVisitId": "g" * 256})
        got = check_session(client.get(one["sessionId"]))
        if response.status == 200:
            assert without_access(got) == without_access(check_session(response))
        else:
            check_error(response, 503, "STORE_FULL")
            refused += 1
            assert without_access(got) == without_access(one)
    assert refused > 0
    client.close()


def test_in_a_full_store_every_session_can_end(start_small, tenant):
    """The events of it find room, too; whether there is any left then, is another matter."""
    client = Client(start_small(1).address, tenant)
    made, refusal = fill(client)
    check_error(refusal, 503, "STORE_FULL")
    for one in made:
        check_session(client.end(one["sessionId"]))
    assert walk(client) == []
    assert fold(all_events(client)) == {}
    client.close()


def test_in_a_full_store_ends_make_room(start_small, tenant):
    client = Client(start_small(1, "events.retention=0s").address, tenant)
    made, refusal = fill(client)
    check_error(refusal, 503, "STORE_FULL")
    for one in made[:len(made) // 2]:
        check_session(client.end(one["sessionId"]))
    check_all(client, made[len(made) // 2:])
    for _ in range(len(made) // 4):
        check_session(client.create({"gkc_agentId": "after"}))
    client.close()


def test_in_a_full_store_sessions_expire_and_make_room(start_small, tenant):
    server = start_small(1, "sessions.idle_timeout=5s", "events.retention=5s")
    client = Client(server.address, tenant)
    check_error(fill(client)[1], 503, "STORE_FULL")
    wait_for(lambda: client.create().status == 200, "there is room again", 20)
    check_error(fill(client)[1], 503, "STORE_FULL")
    wait_for(lambda: walk(client) == [], "all expire", 20)
    wait_for(lambda: client.create().status == 200, "there is room once more", 20)
    client.close()


def test_a_full_log_tells_the_truth(start_small, tenant):
    """What was refused is not told, and what was answered is."""
    client = Client(start_small(1).address, tenant)
    made, _ = fill(client)
    for one in made[:200]:
        response = client.associate(one["sessionId"], {"gkc_customerId": "c" * 256})
        assert response.status in (200, 503), response
    assert fold(all_events(client)) == without_time(walk(client))
    client.close()
