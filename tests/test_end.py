"""DELETE: the end of one session and of all of a customer's or an agent's. Ended is final."""

import threading

import pytest

from harness.client import Client
from harness.events import all_events
from harness.load import Crowd, at_once, walk
from harness.wire import (check_ended, check_error, check_listing, check_session, etag,
                          without_access)

UNKNOWN = ["0" * 36, "x", "new", "01KAR8KE6MVWH2E5D3QBZM4G08XR5SJ9NT7A"]


def make(client, count, **headers):
    return [check_session(client.create({"gkc_" + name: value for name, value in headers.items()}))
            ["sessionId"] for _ in range(count)]


def live(client, **parameters):
    return {info["sessionId"] for info in walk(client, **parameters)}


# One


def test_the_end_shows_the_session_as_it_was_last(client):
    made = check_session(client.create({"gkc_customerId": "bob"}, {"attributes": {"a": 1}}))
    last = check_session(client.associate(made["sessionId"], body={"visitId": "v"}))
    final = check_session(client.end(made["sessionId"]))
    assert final["isNew"] is False
    assert without_access(final) == without_access(last)


def test_an_ended_session_is_gone_for_every_method(client):
    session = make(client, 1, customerId="bob")[0]
    check_session(client.end(session))
    assert client.head(session).status == 404
    check_error(client.end(session), 404, "SESSION_NOT_FOUND")
    got = check_session(client.get(session, {"gkc_agentId": "a"}))
    assert got["isNew"] is True and got["sessionId"] != session
    assert (got["agentId"], got["customerId"]) == ("a", None)
    posted = check_session(client.associate(session, {"gkc_customerId": "eve"}))
    assert posted["isNew"] is True and posted["sessionId"] not in (session, got["sessionId"])
    assert live(client) == {got["sessionId"], posted["sessionId"]}
    assert client.head(session).status == 404


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_the_end_of_an_unknown_id_is_404_and_creates_nothing(client, unknown):
    check_error(client.end(unknown), 404, "SESSION_NOT_FOUND")
    assert live(client) == set()
    assert all_events(client) == []


def test_an_id_to_end_is_read_in_either_case(client):
    session = make(client, 1)[0]
    assert check_session(client.end(session.lower()))["sessionId"] == session


def test_another_tenant_can_end_nothing(server, client, tenant):
    session = make(client, 1, customerId="bob")[0]
    other = Client(server.address, tenant + "-other")
    check_error(other.end(session), 404, "SESSION_NOT_FOUND")
    assert check_ended(other.end_all(customerId="bob")) == 0
    other.close()
    assert client.head(session).status == 200


def test_an_end_may_demand_a_version(client):
    made = check_session(client.create())
    now = check_session(client.associate(made["sessionId"], {"gkc_agentId": "a"}))
    check_error(client.end(made["sessionId"], {"If-Match": etag(made)}), 412, "VERSION_MISMATCH")
    assert client.head(made["sessionId"]).status == 200
    assert check_session(client.end(made["sessionId"], {"If-Match": etag(now)}))["version"] == 2
    check_error(client.end(made["sessionId"], {"If-Match": etag(now)}), 412, "VERSION_MISMATCH")


def test_of_many_ends_at_once_exactly_one_succeeds(server, client, tenant):
    session = make(client, 1)[0]
    answers = at_once(server.address, tenant, [lambda one: one.end(session)] * 32)
    assert len([check_session(answer) for answer in answers if answer.status == 200]) == 1
    for answer in answers:
        if answer.status != 200:
            check_error(answer, 404, "SESSION_NOT_FOUND")
    assert [event["type"] for event in all_events(client)] == ["session.created", "session.ended"]


def test_the_tenant_is_required(client):
    check_error(client.request("DELETE", "/sessions/x"), 400, "TENANT_ID_REQUIRED")
    check_error(client.request("DELETE", "/sessions?customerId=bob"), 400, "TENANT_ID_REQUIRED")


def test_both_mounts_end_sessions(client, server, tenant):
    session = make(client, 1, customerId="bob")[0]
    make(client, 2, customerId="bob")
    mounted = Client(server.address, tenant, base="/gks-server/v1")
    check_session(mounted.end(session))
    assert check_ended(mounted.end_all(customerId="bob")) == 2
    mounted.close()


# All


@pytest.mark.parametrize("name", ["customerId", "agentId"])
def test_the_end_of_all_takes_those_of_one_value_and_counts_them(client, name):
    mine, other = make(client, 3, **{name: "bob"}), make(client, 2, **{name: "bob2"})
    anonymous = make(client, 1)
    assert check_ended(client.end_all(**{name: "bob"})) == 3
    assert live(client) == set(other + anonymous)
    assert all(client.head(session).status == 404 for session in mine)
    assert check_ended(client.end_all(**{name: "bob"})) == 0


def test_an_agent_is_no_customer(client):
    agent, customer = make(client, 1, agentId="x")[0], make(client, 1, customerId="x")[0]
    assert check_ended(client.end_all(agentId="x")) == 1
    assert (client.head(agent).status, client.head(customer).status) == (404, 200)


def test_the_end_of_all_keeps_the_one_excepted(client):
    mine = make(client, 3, customerId="bob")
    assert check_ended(client.end_all(customerId="bob", **{"except": mine[1]})) == 2
    assert live(client) == {mine[1]}
    # One that is not the customer's keeps nothing more; nor does one in lower case less.
    assert check_ended(client.end_all(customerId="bob", **{"except": mine[1].lower()})) == 0
    assert check_ended(client.end_all(customerId="bob", **{"except": mine[0]})) == 1


def test_the_end_of_all_takes_one_that_was_associated_and_not_one_that_was_replaced(client):
    session = make(client, 1, agentId="old")[0]
    check_session(client.associate(session, {"gkc_agentId": "new", "gkc_customerId": "bob"}))
    assert check_ended(client.end_all(agentId="old")) == 0
    assert client.head(session).status == 200
    assert check_ended(client.end_all(agentId="new")) == 1
    assert check_ended(client.end_all(customerId="bob")) == 0


def test_values_are_percent_decoded_and_compared_byte_by_byte(client):
    value = "Zoë & 李/+?=%"
    make(client, 1, customerId=value)
    assert check_ended(client.end_all(customerId=value.lower())) == 0
    assert check_ended(client.end_all(customerId=value)) == 1


def test_more_than_any_page_are_ended_at_once(client):
    make(client, 450, customerId="bob")
    assert check_ended(client.end_all(customerId="bob")) == 450
    assert live(client) == set()


@pytest.mark.parametrize("parameters", [
    {}, {"visitId": "v"}, {"except": "0" * 36}, {"customerId": ""}, {"customerId": "x" * 257},
    {"customerId": "a", "agentId": "b"},
])
def test_what_to_end_must_be_named(client, parameters):
    make(client, 1, customerId="a", agentId="b")
    check_error(client.end_all(**parameters), 400, "INVALID_PARAMETER")
    assert len(live(client)) == 1


def test_a_value_given_twice_ends_nothing(client, tenant):
    make(client, 1, customerId="a")
    response = client.request("DELETE", f"/sessions?tenantId={tenant}&customerId=a&customerId=b")
    check_error(response, 400, "INVALID_PARAMETER")
    assert len(live(client)) == 1


def test_an_exception_that_is_no_id_ends_nothing(client):
    """A caller that mistypes the session to keep must not lose it."""
    session = make(client, 1, customerId="bob")[0]
    check_error(client.end_all(customerId="bob", **{"except": session[:-1]}), 400,
                "INVALID_PARAMETER")
    assert client.head(session).status == 200


def test_the_end_of_all_covers_every_session_whose_create_was_answered_before(server, client, tenant):
    answered, lock = [], threading.Lock()

    def create(one):
        session = check_session(one.create({"gkc_customerId": "bob"}))["sessionId"]
        with lock:
            answered.append(session)

    def associate(one):
        session = check_session(one.create())["sessionId"]
        check_session(one.associate(session, {"gkc_customerId": "bob"}))
        with lock:
            answered.append(session)

    total = 0
    with Crowd(server.address, tenant, [create] * 6 + [associate] * 2) as crowd:
        for turn in range(1, 41):
            crowd.await_steps(turn * 10)
            with lock:
                before = list(answered)
            total += check_ended(client.end_all(customerId="bob"))
            alive = live(client, customerId="bob")
            assert not alive & set(before), "answered before the end of all, and alive after it"
        crowd.stop()
    total += check_ended(client.end_all(customerId="bob"))
    assert total == len(answered) >= 400
    assert check_listing(client.list(customerId="bob")) == ([], None)
