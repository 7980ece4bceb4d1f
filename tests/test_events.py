"""The event log: every change is one event, in order, in pages; the fold of all is the sessions."""

import random
import signal
import time

import pytest

from harness.check import check_store
from harness.client import Client
from harness.events import all_events, check_events, fold, told_alive, without_time
from harness.load import Crowd, create_many, random_step, run_steps, walk
from harness.metrics import metrics
from harness.processes import wait_for
from harness.scale import size
from harness.stores import EMBEDDED
from harness.wire import check_error, check_session, milliseconds

LOAD = size("SOJOURN_EVENT_LOAD", 1_000, 20_000)  # random operations before a fold
KILLS = size("SOJOURN_EVENT_KILLS", 5, 20)
NOBODY = {"agentId": None, "customerId": None, "visitId": None, "globalVisitId": None}


def only(client):
    """The one event of a tenant."""
    events = all_events(client)
    assert len(events) == 1, events
    return events[0]


def new_events(client, cursor):
    return check_events(client.events(after=cursor), client.tenant)


def known(members):
    """What an event says of the members that are known."""
    return {name: value for name, value in (members or {}).items() if value}


# Each kind


def test_a_created_session_is_told_with_all_that_was_given(client):
    info = check_session(client.create(
        {"gkc_agentId": "a", "gkc_customerId": "c"},
        {"visitId": "v", "globalVisitId": "g", "attributes": {"x": {"y": 1}}}))
    event = only(client)
    assert event["type"] == "session.created"
    assert event["subject"] == info["sessionId"]
    assert event["time"] == info["createdAt"]
    data = event["data"]
    assert (data["version"], data["cause"], known(data["from"])) == (1, "requested", {})
    assert known(data["to"]) == {"agentId": "a", "customerId": "c", "visitId": "v",
                                 "globalVisitId": "g", "attributes": {"x": {"y": 1}}}


def test_an_anonymous_session_is_told_too(client):
    check_session(client.create())
    data = only(client)["data"]
    assert (data["cause"], known(data["from"]), known(data["to"])) == ("requested", {}, {})


@pytest.mark.parametrize("method", ["get", "associate"])
def test_an_automatic_creation_says_so(client, method):
    info = check_session(getattr(client, method)("x", {"gkc_agentId": "a"}))
    event = only(client)
    assert (event["type"], event["subject"]) == ("session.created", info["sessionId"])
    assert (event["data"]["cause"], known(event["data"]["to"])) == ("automatic", {"agentId": "a"})


def test_an_association_is_told_with_what_changed_and_nothing_else(client):
    made = check_session(client.create({"gkc_agentId": "a"}, {"visitId": "v"}))
    _, cursor = new_events(client, None)
    after = check_session(client.associate(
        made["sessionId"], {"gkc_agentId": "a", "gkc_customerId": "bob"}, {"visitId": "w"}))
    (event,), _ = new_events(client, cursor)
    assert event["type"] == "session.identified"
    assert event["subject"] == made["sessionId"]
    assert event["data"]["version"] == after["version"] == 2
    assert event["data"]["cause"] == "requested"
    assert event["data"]["from"] == {"customerId": None, "visitId": "v"}
    assert event["data"]["to"] == {"customerId": "bob", "visitId": "w"}
    assert abs(milliseconds(event["time"]) - time.time() * 1000) < 60_000


def test_a_patch_is_told_as_an_update(client):
    made = check_session(client.create(body={"attributes": {"a": 1}}))
    _, cursor = new_events(client, None)
    check_session(client.associate(made["sessionId"], body={"attributes": {"a": None, "b": "x"}}))
    check_session(client.associate(made["sessionId"], body={"attributes": {"b": None}}))
    (first, second), _ = new_events(client, cursor)
    assert first["type"] == second["type"] == "session.updated"
    assert (first["data"]["from"], first["data"]["to"]) == (
        {"attributes": {"a": 1}}, {"attributes": {"b": "x"}})
    assert (second["data"]["from"], second["data"]["to"]) == (
        {"attributes": {"b": "x"}}, {"attributes": {}})


def test_an_end_is_told_with_all_that_was_known(client):
    made = check_session(client.create({"gkc_customerId": "bob"}, {"attributes": {"a": 1}}))
    _, cursor = new_events(client, None)
    check_session(client.end(made["sessionId"]))
    (event,), _ = new_events(client, cursor)
    assert (event["type"], event["subject"]) == ("session.ended", made["sessionId"])
    data = event["data"]
    assert (data["cause"], data["to"], data["version"]) == ("ended", None, 1)
    assert known(data["from"]) == {"customerId": "bob", "attributes": {"a": 1}}


def test_the_end_of_all_is_one_event_a_session(client):
    made = [check_session(client.create({"gkc_customerId": "bob"}))["sessionId"] for _ in range(5)]
    _, cursor = new_events(client, None)
    client.end_all(customerId="bob", **{"except": made[0]})
    events, _ = new_events(client, cursor)
    assert {(event["type"], event["data"]["cause"]) for event in events} == {("session.ended", "ended_all")}
    assert sorted(event["subject"] for event in events) == sorted(made[1:])


@pytest.mark.parametrize("limit,cause", [("idle_timeout", "expired_idle"), ("max_lifetime", "expired_lifetime")])
def test_an_expiry_is_told_with_its_cause_and_the_time_it_was_due(start_server, tenant, limit, cause):
    client = Client(start_server(f"sessions.{limit}=300ms").address, tenant)
    made = check_session(client.create({"gkc_agentId": "a"}, {"attributes": {"a": 1}}))
    _, cursor = new_events(client, None)
    (event,), _ = wait_for(lambda: (page := new_events(client, cursor))[0] and page, "it expires")
    assert (event["type"], event["subject"]) == ("session.expired", made["sessionId"])
    assert event["time"] == made["expiresAt"]
    data = event["data"]
    assert (data["cause"], data["to"], data["version"]) == (cause, None, 1)
    assert known(data["from"]) == {"agentId": "a", "attributes": {"a": 1}}
    client.close()


def test_what_changes_nothing_is_no_event(client):
    made = check_session(client.create({"gkc_customerId": "bob"}, {"attributes": {"a": 1}}))
    session = made["sessionId"]
    check_session(client.get(session))
    client.head(session)
    check_session(client.associate(session, {"gkc_customerId": "bob"}, {"attributes": {"a": 1}}))
    check_error(client.associate(session, {"gkc_customerId": "eve"}), 409, "CUSTOMER_CONFLICT")
    check_error(client.end("x"), 404, "SESSION_NOT_FOUND")
    walk(client)
    assert only(client)["type"] == "session.created"


def test_a_touch_is_no_event(start_server, tenant):
    client = Client(start_server("sessions.touch_interval=0s").address, tenant)
    made = check_session(client.create())
    while check_session(client.get(made["sessionId"]))["expiresAt"] == made["expiresAt"]:
        pass
    assert only(client)["type"] == "session.created"
    client.close()


# Pages


def test_events_come_oldest_first_in_pages_that_go_on(client):
    made = [check_session(client.create())["sessionId"] for _ in range(12)]
    for session in made[:3]:
        check_session(client.end(session))
    wanted = [("session.created", session) for session in made] + [
        ("session.ended", session) for session in made[:3]]
    for limit in (1, 4, 15, 16, 500):
        events = all_events(client, limit=limit)
        assert [(event["type"], event["subject"]) for event in events] == wanted
    for place in (0, 7, 14):
        after = all_events(client)[place]["id"]
        assert all_events(client, after=after) == all_events(client)[place + 1:]


def test_a_page_has_100_unless_told(server, client, tenant):
    create_many(server.address, tenant, 150)
    events, cursor = check_events(client.events(), tenant)
    assert len(events) == 100
    assert len(check_events(client.events(after=cursor), tenant)[0]) == 50


def test_the_end_of_the_log_can_be_asked_again_later(client):
    nothing, start = check_events(client.events(), client.tenant)
    assert nothing == []
    check_session(client.create())
    first, cursor = check_events(client.events(after=start or None), client.tenant)
    assert len(first) == 1
    for _ in range(3):
        assert check_events(client.events(after=cursor), client.tenant) == ([], cursor)
    check_session(client.create())
    second, _ = check_events(client.events(after=cursor), client.tenant)
    assert len(second) == 1 and second != first


def test_a_page_ends_at_about_a_mebibyte(client, tenant):
    large = {"attributes": {"a": "x" * 8_000}}
    made = [check_session(client.create(body=large)) for _ in range(160)]
    page = client.events(limit=500)
    events, cursor = check_events(page, tenant)
    assert 1_000_000 < len(page.body) < 1_100_000 and len(events) < len(made)
    rest, end = check_events(client.events(after=cursor, limit=500), tenant)
    assert {event["subject"] for event in events + rest} == {info["sessionId"] for info in made}
    assert check_events(client.events(after=end), tenant) == ([], end)


def test_ids_are_time_and_tell_nothing_of_other_tenants(server, client, tenant):
    for _ in range(3):
        before = time.time()
        check_session(client.create())
        event = all_events(client)[-1]
        # The server's clock may differ from this one by the while since it was set.
        assert before - 60 < int(event["id"]) / 1e6 < time.time() + 60
        create_many(server.address, tenant + "-other", 50)


def test_last_event_id_is_for_streams_only(client, tenant):
    for _ in range(3):
        check_session(client.create())
    ids = [event["id"] for event in all_events(client)]
    target = client.path("/events", {"after": ids[0]})
    page, _ = check_events(client.request("GET", target, {"Last-Event-ID": ids[2]}), tenant)
    assert [event["id"] for event in page] == ids[1:]
    page, _ = check_events(client.request("GET", client.path("/events"), {"Last-Event-ID": ids[2]}), tenant)
    assert [event["id"] for event in page] == ids


def test_tenants_have_logs_of_their_own(server, client, tenant):
    mine = check_session(client.create())["sessionId"]
    other = Client(server.address, tenant + "-other")
    theirs = check_session(other.create())["sessionId"]
    check_session(client.end(mine))
    assert [event["subject"] for event in all_events(client)] == [mine, mine]
    assert [event["subject"] for event in all_events(other)] == [theirs]
    other.close()


def test_both_mounts_have_the_log(server, client, tenant):
    check_session(client.create())
    mounted = Client(server.address, tenant, base="/gks-server/v1")
    assert all_events(mounted) == all_events(client) != []
    mounted.close()


@pytest.mark.parametrize("parameters, named", [
    ({"limit": "0"}, "limit"), ({"limit": "501"}, "limit"), ({"limit": "x"}, "limit"),
    ({"after": "no cursor"}, "cursor"), ({"after": "é"}, "cursor"), ({"after": "9" * 200}, "cursor"),
])
def test_a_parameter_that_cannot_be_one_is_named(client, parameters, named):
    assert named in check_error(client.events(**parameters), 400, "INVALID_PARAMETER")


def test_the_tenant_is_required(client):
    check_error(client.request("GET", "/events"), 400, "TENANT_ID_REQUIRED")
    response = client.request("GET", "/events", {"Accept": "text/event-stream"})
    check_error(response, 400, "TENANT_ID_REQUIRED")


@pytest.mark.parametrize("nothing", ["0", "0s"])
def test_without_retention_there_is_no_log(start_server, tenant, nothing):
    client = Client(start_server(f"events.retention={nothing}").address, tenant)
    made = check_session(client.create())
    check_session(client.end(made["sessionId"]))
    assert check_events(client.events(), tenant)[0] == []
    client.close()


def test_events_are_kept_for_the_retention_and_no_longer(start_server, tenant):
    server = start_server("events.retention=2s")
    client = Client(server.address, tenant)
    old = check_session(client.create())["sessionId"]
    assert [event["subject"] for event in all_events(client)] == [old]
    wait_for(lambda: all_events(client) == [], "the event is forgotten", 20)
    new = check_session(client.create())["sessionId"]
    assert [event["subject"] for event in all_events(client)] == [new]
    assert client.head(old).status == 200  # the log is not the session
    client.close()


def test_a_cursor_outlives_the_events_it_came_from(start_server, tenant):
    client = Client(start_server("events.retention=2s").address, tenant)
    check_session(client.create())
    _, cursor = check_events(client.events(), tenant)
    wait_for(lambda: all_events(client) == [], "the event is forgotten", 20)
    assert check_events(client.events(after=cursor), tenant)[0] == []
    new = check_session(client.create())["sessionId"]
    assert [event["subject"] for event in all_events(client, after=cursor)] == [new]
    client.close()


# Gaps: nothing is lost silently


def check_gap(client, after, wanted):
    """A page after the cursor says that events are missing, and has those of `wanted`; its nextCursor
    has no gap. Returns that."""
    events, cursor = check_events(client.events(after=after), client.tenant, gap=True)
    assert [event["id"] for event in events] == wanted
    assert check_events(client.events(after=cursor), client.tenant) == ([], cursor)
    return cursor


def test_a_cursor_from_before_what_was_removed_is_told(start_server, tenant):
    server = start_server("events.retention=2s")
    client = Client(server.address, tenant)
    first, second = [check_session(client.create()) and all_events(client)[-1]["id"] for _ in range(2)]
    assert check_events(client.events(after="0"), tenant)[1] == second
    assert check_events(client.events(after=first), tenant)[1] == second
    wait_for(lambda: check_events(client.events(), tenant)[0] == [], "both are removed", 20)
    assert check_gap(client, first, []) == check_gap(client, "0", []) == second
    assert check_events(client.events(after=second), tenant) == ([], second)
    assert check_events(client.events(), tenant) == ([], second)
    made = check_session(client.create())["sessionId"]
    (event,), _ = new_events(client, second)
    assert event["subject"] == made
    check_gap(client, first, [event["id"]])
    assert metrics(server).sum("sojourn_event_gaps_total") == 3
    client.close()


def test_a_cursor_of_another_log_is_told(client, tenant):
    for _ in range(3):
        check_session(client.create())
    ids = [event["id"] for event in all_events(client)]
    assert check_gap(client, str(int(ids[-1]) + 1), []) == ids[-1]
    check_gap(client, str(2 ** 64 - 1), [])
    check_gap(client, str(int(ids[0]) + 1), ids[1:])
    check_gap(client, "1", ids)
    nobody = Client(client.address, tenant + "-nobody")
    assert check_gap(nobody, ids[0], []) == "0"
    nobody.close()


def test_a_log_that_is_turned_off_is_emptied(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    create_many(server.address, tenant, 600)
    session = check_session(client.create())["sessionId"]
    cursor = all_events(client)[-1]["id"]
    client.close()
    server.stop()

    server = start_server("events.retention=0", data=server.data)
    client = Client(server.address, tenant)
    wait_for(lambda: check_events(client.events(), tenant)[0] == [], "the events are removed", 20)
    assert check_events(client.events(after=cursor), tenant) == ([], cursor), "nothing happened since"
    check_session(client.end(session))
    check_gap(client, cursor, [])
    wait_for(lambda: metrics(server).sum("sojourn_reaper_removed_total", what="event") >= 600, "so says the reaper")
    client.close()
    server.stop()
    if EMBEDDED:
        rows = check_store(server.data)
        assert (rows["events"], rows["logs"]) == (0, 1)


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_log_that_was_off_shows_no_session_that_is_over(start_server, tenant, tmp_path, how):
    """It may be off so shortly that nobody has removed its events."""
    config = tmp_path / "sojourn.toml"
    on, off = '[events]\nretention = "14d"\n', '[events]\nretention = "0"\n'
    config.write_text(on)
    server = start_server(config=config)
    client = Client(server.address, tenant)

    def turn(text):
        nonlocal client
        config.write_text(text)
        if how == "reload":
            loads = metrics(server).sum("sojourn_config_reloads_total", result="good")
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: metrics(server).sum("sojourn_config_reloads_total", result="good") > loads, "it is loaded")
        else:
            client.close()
            server.kill()
            server.start()
            client = Client(server.address, tenant)

    create_many(server.address, tenant, 300)
    over, kept, changed = [check_session(client.create())["sessionId"] for _ in range(3)]
    cursor = all_events(client)[-1]["id"]
    turn(off)
    check_session(client.end(over))
    turn(on)
    check_session(client.associate(changed, {"gkc_agentId": "a"}))
    made = check_session(client.create())["sessionId"]
    live = {info["sessionId"] for info in walk(client)}
    assert over not in live and {kept, changed, made} <= live
    events = all_events(client)
    assert told_alive(events) <= live
    assert [event["subject"] for event in events] == [changed, made]
    check_gap(client, cursor, [event["id"] for event in events])
    check_gap(client, "0", [event["id"] for event in events])
    client.close()


# The fold: the events make the sessions


def check_fold(client):
    """The fold of all events is what the list shows, in all that an event can tell."""
    sessions = fold(all_events(client))
    assert sessions == without_time(walk(client))
    return sessions


def test_the_fold_of_all_events_is_what_is_listed(server, client, tenant):
    sessions = []
    run_steps(server.address, tenant, [random_step(seed, sessions) for seed in range(8)], LOAD)
    assert len(check_fold(client)) > 0
    kinds = {event["type"] for event in all_events(client)}
    assert kinds == {"session.created", "session.identified", "session.updated", "session.ended"}


def test_the_fold_is_what_is_listed_after_kill_9(start_server, tenant):
    chance = random.Random(7)
    sessions, events = [], []
    server = start_server()
    for cycle in range(KILLS):
        steps = [random_step(f"{cycle}-{number}", sessions) for number in range(8)]
        with Crowd(server.address, tenant, steps) as crowd:
            crowd.await_steps(chance.randint(50, 400))
            server.kill()
            crowd.await_loss()
        server.start()
        client = Client(server.address, tenant)
        check_fold(client)
        now = all_events(client)
        assert now[:len(events)] == events, "what was told before is told otherwise"
        events = now
        client.close()
    assert len(events) > KILLS * 25


def test_the_fold_is_what_is_listed_while_sessions_expire(start_server, tenant):
    server = start_server("sessions.idle_timeout=500ms")
    client = Client(server.address, tenant)
    run_steps(server.address, tenant, [random_step(seed, []) for seed in range(4)], 600)
    wait_for(lambda: walk(client) == [] and fold(all_events(client)) == {}, "all are over", 20)
    kinds = [event["type"] for event in all_events(client)]
    assert kinds.count("session.expired") > 0
    assert kinds.count("session.created") == (kinds.count("session.expired")
                                              + kinds.count("session.ended"))
    client.close()


def test_the_fold_finds_what_does_not_fit():
    """A check that cannot fail is none."""
    def event(kind, version, before, after):
        return {"type": "session." + kind, "subject": "s",
                "data": {"version": version, "from": before, "to": after}}

    created = event("created", 1, None, {"agentId": "a"})
    renamed = event("identified", 2, {"agentId": "a"}, {"agentId": "b"})
    patched = event("updated", 3, {"attributes": {}}, {"attributes": {"x": 1}})
    ended = event("ended", 3, {"agentId": "b", "attributes": {"x": 1}}, None)
    assert fold([created, renamed, patched])["s"] == NOBODY | {
        "agentId": "b", "attributes": {"x": 1}, "version": 3}
    assert fold([created, renamed, patched, ended]) == {}
    for wrong in (
            [created, created], [renamed], [created, patched], [created, renamed, renamed],
            [created, renamed, ended], [created, renamed, patched, ended, ended],
            [created, event("updated", 2, {"agentId": "a"}, {"agentId": "b"})],
            [created, event("identified", 2, {"agentId": "z"}, {"agentId": "b"})],
            [created, event("identified", 2, {"agentId": "a"}, {"agentId": "a"})],
            [created, event("ended", 1, {}, None)]):
        with pytest.raises(AssertionError):
            fold(wrong)
