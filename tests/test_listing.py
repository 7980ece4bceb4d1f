"""GET /sessions: the live sessions of a tenant, newest first, in pages."""

import statistics
import time

import pytest

from harness.check import check_store
from harness.client import Client
from harness.load import Crowd, create_many, walk
from harness.scale import size
from harness.server import DidNotStart
from harness.stores import EMBEDDED
from harness.wire import (CLOCKS_AGREE_MS, check_ended, check_error, check_listing, check_session, milliseconds,
                          without_access)

WALK = size("SOJOURN_WALK_SESSIONS", 5_000, 100_000)


def make(client, count, headers=(), body=None):
    return [check_session(client.create(headers, body)) for _ in range(count)]


def ids(infos):
    return [info["sessionId"] for info in infos]


def newest_first(infos):
    return sorted(ids(infos), reverse=True)


def test_an_unknown_tenant_has_no_sessions(client):
    assert check_listing(client.list()) == ([], None)
    assert check_listing(client.list(customerId="bob")) == ([], None)


def test_sessions_are_listed_whole_and_newest_first(client):
    made = make(client, 3, {"gkc_customerId": "bob"}, {"visitId": "v", "attributes": {"a": [1, None]}})
    listed, cursor = check_listing(client.list())
    assert cursor is None
    assert [without_access(info) for info in listed] == [
        without_access(info) for info in sorted(made, key=lambda info: info["sessionId"], reverse=True)]


def test_pages_of_any_size_add_up(client):
    made = make(client, 23)
    for limit in (1, 5, 22, 23, 24, 200):
        assert ids(walk(client, limit)) == newest_first(made)


def test_a_page_has_50_unless_told(client):
    made = make(client, 53)
    first, cursor = check_listing(client.list())
    assert ids(first) == newest_first(made)[:50]
    rest, end = check_listing(client.list(cursor=cursor))
    assert ids(rest) == newest_first(made)[50:]
    assert end is None


def test_a_page_ends_at_about_a_mebibyte(client):
    made = make(client, 160, {"gkc_agentId": "a"}, {"attributes": {"a": "x" * 8_000}})
    for parameters in ({}, {"agentId": "a"}):
        page = client.list(limit=200, **parameters)
        first, cursor = check_listing(page)
        assert 1_000_000 < len(page.body) < 1_100_000
        assert ids(first) == newest_first(made)[:len(first)] and cursor == ids(first)[-1]
        assert ids(walk(client, **parameters)) == newest_first(made)
    assert check_ended(client.end_all(agentId="a")) == len(made)


def test_ended_sessions_are_not_listed(client):
    made = make(client, 6, {"gkc_agentId": "a"})
    for info in made[::2]:
        check_session(client.end(info["sessionId"]))
    assert ids(walk(client)) == ids(walk(client, agentId="a")) == newest_first(made[1::2])


def test_expired_sessions_are_not_listed(start_server, tenant):
    client = Client(start_server("sessions.idle_timeout=400ms").address, tenant)
    make(client, 5, {"gkc_agentId": "a"})
    end = milliseconds(make(client, 1, {"gkc_agentId": "a"})[0]["expiresAt"])
    while True:
        before = time.time() * 1000 - CLOCKS_AGREE_MS
        listed, _ = check_listing(client.list(agentId="a"))
        assert all(milliseconds(info["expiresAt"]) > before for info in listed)
        if before >= end:
            break
    assert walk(client) == walk(client, agentId="a") == []
    client.close()


def test_a_list_touches_nothing(start_server, tenant):
    client = Client(start_server("sessions.touch_interval=0s").address, tenant)
    made = make(client, 2, {"gkc_customerId": "bob"})
    start = milliseconds(made[-1]["lastAccessedAt"])
    while time.time() * 1000 < start + 20:
        for listed in (walk(client), walk(client, customerId="bob")):
            assert {info["sessionId"]: info["expiresAt"] for info in listed} == {
                info["sessionId"]: info["expiresAt"] for info in made}
    client.close()


@pytest.mark.parametrize("name", ["customerId", "agentId"])
def test_a_list_by_value_has_just_those(client, name):
    mine, longer = (make(client, 3, {"gkc_" + name: value}) for value in ("bob", "bob2"))
    make(client, 1)
    assert ids(walk(client, 2, **{name: "bob"})) == newest_first(mine)
    assert ids(walk(client, **{name: "bob2"})) == newest_first(longer)
    assert walk(client, **{name: "bo"}) == walk(client, **{name: "Bob"}) == []


def test_a_list_by_value_follows_associations(client):
    made = make(client, 4, {"gkc_agentId": "old"})
    for info in made[:2]:
        check_session(client.associate(info["sessionId"], {"gkc_agentId": "new"}))
    assert ids(walk(client, agentId="new")) == newest_first(made[:2])
    assert ids(walk(client, agentId="old")) == newest_first(made[2:])


def test_values_may_be_any_utf8(client):
    value = "Zoë & 李/+?=%\U0001f600"
    made = make(client, 1, {"gkc_customerId": value})
    assert ids(walk(client, customerId=value)) == ids(made)


def test_tenants_are_listed_apart(server, client, tenant):
    mine = make(client, 2, {"gkc_customerId": "bob"})
    for name in (tenant + "-other", tenant[:-1]):
        other = Client(server.address, name)
        theirs = make(other, 1, {"gkc_customerId": "bob"})
        assert ids(walk(other)) == ids(walk(other, customerId="bob")) == ids(theirs)
        other.close()
    assert ids(walk(client)) == ids(walk(client, customerId="bob")) == newest_first(mine)


# sessions.index


@pytest.mark.parametrize("name", ["visitId", "globalVisitId"])
def test_what_is_not_indexed_cannot_be_searched(client, name):
    make(client, 1, body={name: "v"})
    description = check_error(client.list(**{name: "v"}), 400, "INVALID_PARAMETER")
    assert "sessions.index" in description


@pytest.mark.parametrize("name", ["visitId", "globalVisitId"])
def test_visits_are_indexed_by_option(start_server, tenant, name):
    settings = f'sessions.index=["customerId", "agentId", "{name}"]'
    client = Client(start_server(settings).address, tenant)
    mine, other = (make(client, 3, body={name: value}) for value in ("v", "w"))
    check_session(client.associate(other[0]["sessionId"], body={name: "v"}))
    assert ids(walk(client, 2, **{name: "v"})) == newest_first(mine + other[:1])
    assert ids(walk(client, **{name: "w"})) == newest_first(other[1:])
    other_name = {"visitId": "globalVisitId", "globalVisitId": "visitId"}[name]
    description = check_error(client.list(**{other_name: "v"}), 400, "INVALID_PARAMETER")
    assert "sessions.index" in description
    client.close()


def test_an_index_that_is_changed_finds_what_was_there_before(start_server, tenant):
    """The index is made anew at the start, also of what changed while it was not kept."""
    with_visits = 'sessions.index=["customerId", "agentId", "visitId"]'
    server = start_server()
    client = Client(server.address, tenant)
    made = make(client, 20, {"gkc_customerId": "bob"}, {"visitId": "old"})
    client.close()
    for turn, (settings, indexed) in enumerate([([with_visits], True), ([], False),
                                                ([with_visits], True)]):
        server.stop()
        server.settings = settings
        server.start()
        client = Client(server.address, tenant)
        assert ids(walk(client, customerId="bob")) == newest_first(made)
        if indexed:
            assert ids(walk(client, 7, visitId="old")) == newest_first(made[turn:])
            assert ids(walk(client, visitId="new")) == newest_first(made[:turn])
        else:
            check_error(client.list(visitId="old"), 400, "INVALID_PARAMETER")
        check_session(client.associate(made[turn]["sessionId"], body={"visitId": "new"}))
        client.close()
    server.stop()
    if EMBEDDED:
        rows = check_store(server.data)
        assert (rows["sessions"], rows["index"]) == (20, 40)


def test_what_is_not_indexed_can_be_neither_listed_nor_ended_by(start_server, tenant):
    client = Client(start_server('sessions.index=["visitId"]').address, tenant)
    made = check_session(client.create({"gkc_agentId": "a"}, {"visitId": "v"}))
    assert [one["sessionId"] for one in walk(client, visitId="v")] == [made["sessionId"]]
    for response in (client.list(agentId="a"), client.end_all(agentId="a")):
        assert "sessions.index" in check_error(response, 400, "INVALID_PARAMETER")
    assert not check_session(client.get(made["sessionId"]))["isNew"]
    client.close()


@pytest.mark.parametrize("index", ['["customerId", "agentId", "agentId"]',
                                   '["customerId", "agentId", "color"]', '"customerId"', "[1]"])
def test_an_index_that_cannot_be_one_stops_the_start(start_server, index):
    with pytest.raises(DidNotStart) as failure:
        start_server(f"sessions.index={index}")
    assert failure.value.code > 0
    for word in ("sessions.index", "customerId", "agentId", "globalVisitId"):
        assert word in failure.value.stderr, failure.value.stderr


# Errors


@pytest.mark.parametrize("parameters, named", [
    ({"limit": "0"}, "limit"), ({"limit": "201"}, "limit"), ({"limit": "-1"}, "limit"),
    ({"limit": "ten"}, "limit"), ({"limit": "1.0"}, "limit"), ({"limit": ""}, "limit"),
    ({"limit": "99999999999999999999"}, "limit"), ({"limit": "+5"}, "limit"),
    ({"cursor": "x"}, "cursor"), ({"cursor": "0" * 35}, "cursor"), ({"cursor": "U" * 36}, "cursor"),
    ({"cursor": ""}, "cursor"),
    ({"customerId": "a", "agentId": "b"}, None), ({"customerId": ""}, "customerId"),
    ({"agentId": "x" * 257}, "agentId"),
])
def test_a_parameter_that_cannot_be_one_is_named(client, parameters, named):
    description = check_error(client.list(**parameters), 400, "INVALID_PARAMETER")
    assert named is None or named in description


@pytest.mark.parametrize("query", ["limit=1&limit=2", "cursor=x&cursor=y", "customerId=%ff",
                                   "agentId=a&agentId=b"])
def test_a_query_that_is_unclear_is_refused(client, tenant, query):
    response = client.request("GET", f"/sessions?tenantId={tenant}&{query}")
    check_error(response, 400, "INVALID_PARAMETER")


def test_the_tenant_is_required(client):
    check_error(client.request("GET", "/sessions?customerId=a"), 400, "TENANT_ID_REQUIRED")


def test_other_methods_are_told_those_there_are(client):
    response = client.request("PUT", client.path("/sessions"))
    check_error(response, 405, "METHOD_NOT_ALLOWED")
    assert {"GET", "DELETE"} <= set(response.field("Allow").replace(" ", "").split(","))


# The walk


def test_a_walk_finds_whoever_lived_through_it_exactly_once(server, client, tenant, record_property):
    kept = {info["sessionId"] for info in create_many(
        server.address, tenant, WALK, lambda number: {"gkc_agentId": f"a{number % 7}"})}
    assert len(kept) == WALK

    def come_and_go(one):
        session = check_session(one.create())["sessionId"]
        check_session(one.associate(session, {"gkc_agentId": "guest"}))
        check_session(one.end(session))

    def change_a_kept_one(one):
        session = min(kept)
        check_session(one.associate(session, body={"attributes": {"n": time.monotonic_ns()}}))

    found, costs, cursor = [], [], None
    with Crowd(server.address, tenant, [come_and_go] * 3 + [change_a_kept_one]) as crowd:
        crowd.await_steps(20)
        while True:
            begin = time.perf_counter()
            response = client.list(limit=200, cursor=cursor)
            costs.append(time.perf_counter() - begin)
            page, cursor = check_listing(response)
            found += ids(page)
            if cursor is None:
                break
        crowd.stop()
    assert len(found) == len(set(found)), "a session twice"
    assert kept <= set(found), f"{len(kept - set(found))} that lived through the walk were not found"
    assert found == sorted(found, reverse=True)
    assert ids(walk(client, agentId="guest")) == []
    summary = (f"{WALK} sessions, {len(costs)} pages of 200: the median of the first 10 "
               f"is {statistics.median(costs[:10]) * 1000:.2f} ms, of the last 10 "
               f"{statistics.median(costs[-10:]) * 1000:.2f} ms")
    record_property("summary", summary)
    print(summary)
