"""ETag, If-None-Match and If-Match (RFC 9110, 8.8.3 and 13.1)."""

import time

import pytest

from harness.client import Client
from harness.events import all_events
from harness.load import walk
from harness.wire import (CLOCKS_AGREE_MS, check_error, check_not_modified, check_session, etag,
                          milliseconds, without_access)

OTHERS = ['"0"', '"2"', '"11"', '"01"', '"abc"', '""', '"1 "', '"+1"', '"18446744073709551617"']


@pytest.fixture
def made(client):
    return check_session(client.create({"gkc_agentId": "a"}))


# The entity tag


def test_every_answer_has_its_version_as_a_strong_tag(client):
    created = client.create()
    session = check_session(created)["sessionId"]  # check_session compares tag and version
    assert created.field("ETag") == '"1"'
    assert client.associate(session, {"gkc_agentId": "a"}).field("ETag") == '"2"'
    assert client.associate(session, {"gkc_agentId": "a"}).field("ETag") == '"2"'
    assert client.get(session).field("ETag") == '"2"'
    assert client.head(session).field("ETag") == '"2"'
    assert client.associate(session, body={"attributes": {"a": 1}}).field("ETag") == '"3"'
    assert client.end(session).field("ETag") == '"3"'
    assert client.get(session).field("ETag") == '"1"'  # a new one
    assert client.head(session).field("ETag") is None


def test_a_touch_keeps_the_tag(start_server, tenant):
    client = Client(start_server("sessions.touch_interval=0s").address, tenant)
    info = check_session(client.create())
    while check_session(client.get(info["sessionId"]))["expiresAt"] == info["expiresAt"]:
        pass
    assert client.head(info["sessionId"]).field("ETag") == etag(info)
    client.close()


# If-None-Match


@pytest.mark.parametrize("tags", ['"1"', 'W/"1"', "*", '"7", "1"', '"7","abc" , W/"1"', ' "1" ',
                                  ', "1",', '"a,b", "1"'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_caller_has_is_not_sent_again(client, made, method, tags):
    response = client.call(method, made["sessionId"], {"If-None-Match": tags})
    check_not_modified(response, '"1"')
    check_session(client.get(made["sessionId"]))  # the connection is in step


@pytest.mark.parametrize("tags", OTHERS + ['"7", "8"', 'W/"2"'])
def test_what_the_caller_has_not_is_sent(client, made, tags):
    info = check_session(client.get(made["sessionId"], {"If-None-Match": tags}))
    assert without_access(info) == without_access(made)


def test_several_fields_are_one_list(client, made):
    headers = [("If-None-Match", '"8"'), ("if-none-match", '"1"')]
    check_not_modified(client.get(made["sessionId"], headers), '"1"')


def test_not_modified_follows_the_version(client, made):
    check_session(client.associate(made["sessionId"], {"gkc_agentId": "b"}))
    now = check_session(client.get(made["sessionId"], {"If-None-Match": etag(made)}))
    assert now["agentId"] == "b"
    check_not_modified(client.get(made["sessionId"], {"If-None-Match": etag(now)}), '"2"')


def test_not_modified_is_an_access_like_any_other(start_server, tenant):
    client = Client(start_server("sessions.touch_interval=0s").address, tenant)
    info = check_session(client.create())
    start = milliseconds(info["createdAt"])
    while time.time() * 1000 < start + 5 + CLOCKS_AGREE_MS:
        pass
    check_not_modified(client.get(info["sessionId"], {"If-None-Match": '"1"'}), '"1"')
    listed = walk(client)[0]
    assert milliseconds(listed["expiresAt"]) >= milliseconds(info["expiresAt"]) + 5
    client.close()


@pytest.mark.parametrize("tags", ['"1"', "*"])
def test_an_unknown_id_is_answered_with_a_new_session_whatever_the_caller_has(client, tags):
    assert check_session(client.get("x", {"If-None-Match": tags}))["isNew"] is True


@pytest.mark.parametrize("tags", ['"1"', 'W/"1"', "*", '"7", "1"'])
@pytest.mark.parametrize("change", ["associate", "end"])
def test_a_change_unless_a_version_is_there_is_refused(client, made, change, tags):
    response = getattr(client, change)(made["sessionId"], {"gkc_customerId": "bob", "If-None-Match": tags})
    assert "If-None-Match" in check_error(response, 412, "VERSION_MISMATCH")
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(made)
    assert len(all_events(client)) == 1


@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"x"'])
def test_a_change_unless_another_version_is_there_is_made(client, made, tags):
    headers = {"gkc_customerId": "bob", "If-None-Match": tags}
    assert check_session(client.associate(made["sessionId"], headers))["version"] == 2
    check_session(client.end(made["sessionId"], {"If-None-Match": '"1"'}))


@pytest.mark.parametrize("unknown", ["0" * 36, "x"])
@pytest.mark.parametrize("tags", ['"1"', "*"])
@pytest.mark.parametrize("change", ["associate", "end"])
def test_a_condition_on_an_unknown_id_that_holds_creates_nothing_either(client, change, tags, unknown):
    response = getattr(client, change)(unknown, {"gkc_agentId": "a", "If-None-Match": tags})
    check_error(response, 404, "SESSION_NOT_FOUND")
    assert walk(client) == []


# If-Match


@pytest.mark.parametrize("tags", ['"1"', "*", '"7", "1"'])
def test_a_session_of_the_version_is_read(client, made, tags):
    headers = {"If-Match": tags}
    assert without_access(check_session(client.get(made["sessionId"], headers))) == without_access(made)
    assert client.head(made["sessionId"], headers).status == 200
    check_not_modified(client.get(made["sessionId"], headers | {"If-None-Match": '"1"'}), '"1"')


@pytest.mark.parametrize("tags", OTHERS + ['W/"1"'])
def test_a_session_of_another_version_is_not_read(client, made, tags):
    headers = {"If-Match": tags, "If-None-Match": '"1"'}  # If-Match goes first, RFC 9110 13.2.2
    assert "If-Match" in check_error(client.get(made["sessionId"], headers), 412, "VERSION_MISMATCH")
    head = client.head(made["sessionId"], headers)
    assert (head.status, head.body) == (412, b"")


@pytest.mark.parametrize("tags", ['"1"', "*"])
def test_a_conditional_read_of_an_unknown_id_creates_nothing(client, tags):
    check_error(client.get("x", {"If-Match": tags}), 412, "VERSION_MISMATCH")
    assert client.head("x", {"If-Match": tags}).status == 412
    assert walk(client) == []


def test_a_read_that_is_refused_is_no_access(start_server, tenant):
    client = Client(start_server("sessions.touch_interval=0s").address, tenant)
    info = check_session(client.create())
    start = milliseconds(info["createdAt"])
    while time.time() * 1000 < start + 5 + CLOCKS_AGREE_MS:
        pass
    check_error(client.get(info["sessionId"], {"If-Match": '"7"'}), 412, "VERSION_MISMATCH")
    assert walk(client)[0]["expiresAt"] == info["expiresAt"]
    client.close()


@pytest.mark.parametrize("call", ["get", "associate", "end"])
def test_a_weakened_tag_is_explained(client, made, call):
    response = getattr(client, call)(made["sessionId"], {"If-Match": 'W/"1"'})
    assert "proxy" in check_error(response, 412, "VERSION_MISMATCH")
    response = getattr(client, call)(made["sessionId"], {"If-Match": '"7"'})
    assert "proxy" not in check_error(response, 412, "VERSION_MISMATCH")


@pytest.mark.parametrize("tags", ['"1"', "*"])
def test_there_is_never_a_session_at_new(client, tags):
    check_error(client.create({"If-Match": tags}), 412, "VERSION_MISMATCH")
    assert walk(client) == []
    check_session(client.create({"If-None-Match": tags}))
    check_error(client.create({"If-None-Match": "1"}), 400, "INVALID_HEADER")


@pytest.mark.parametrize("tags", ['"1"', "*", '"7", "1"', '"7","abc" , "1"', ' "1" ', ', "1",'])
def test_a_change_of_the_version_that_is_there_is_made(client, made, tags):
    after = check_session(client.associate(made["sessionId"], {"gkc_customerId": "bob",
                                                               "If-Match": tags}))
    assert (after["customerId"], after["version"]) == ("bob", 2)


@pytest.mark.parametrize("tags", OTHERS + ['"7", "8"', 'W/"1"'])
@pytest.mark.parametrize("change", ["associate", "end"])
def test_a_change_of_another_version_is_refused_and_changes_nothing(client, made, change, tags):
    response = getattr(client, change)(made["sessionId"], {"gkc_customerId": "bob", "If-Match": tags})
    check_error(response, 412, "VERSION_MISMATCH")
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(made)
    assert len(all_events(client)) == 1


def test_a_lost_update_is_noticed(client, made):
    one = check_session(client.associate(made["sessionId"], {"gkc_agentId": "b", "If-Match": '"1"'}))
    other = client.associate(made["sessionId"], {"gkc_agentId": "c", "If-Match": '"1"'})
    check_error(other, 412, "VERSION_MISMATCH")
    assert check_session(client.get(made["sessionId"]))["agentId"] == one["agentId"] == "b"


@pytest.mark.parametrize("unknown", ["0" * 36, "x", "ended"])
@pytest.mark.parametrize("tags", ['"1"', "*"])
@pytest.mark.parametrize("change", ["associate", "end"])
def test_a_conditional_change_of_an_unknown_id_creates_nothing(client, made, change, tags, unknown):
    check_session(client.end(made["sessionId"]))
    session = made["sessionId"] if unknown == "ended" else unknown
    response = getattr(client, change)(session, {"gkc_agentId": "a", "If-Match": tags})
    check_error(response, 412, "VERSION_MISMATCH")
    assert walk(client) == []
    assert len(all_events(client)) == 2


def test_a_conditional_change_under_another_tenant_finds_nothing(server, client, made, tenant):
    other = Client(server.address, tenant + "-other")
    check_error(other.end(made["sessionId"], {"If-Match": "*"}), 412, "VERSION_MISMATCH")
    other.close()
    assert client.head(made["sessionId"]).status == 200


def test_the_version_is_looked_at_before_the_customer(client):
    made = check_session(client.create({"gkc_customerId": "bob"}))
    response = client.associate(made["sessionId"], {"gkc_customerId": "eve", "If-Match": '"7"'})
    check_error(response, 412, "VERSION_MISMATCH")
    response = client.associate(made["sessionId"], {"gkc_customerId": "eve", "If-Match": '"1"'})
    check_error(response, 409, "CUSTOMER_CONFLICT")


@pytest.mark.parametrize("first, second", [("*", '"1"'), ('"1"', "*"), ("*", "*"), ('"1"', "1"), ('"1"', "")])
def test_several_fields_are_a_list_as_one_is(client, made, first, second):
    for name in ("If-Match", "If-None-Match"):
        response = client.get(made["sessionId"], [(name, first), (name, second)])
        assert name in check_error(response, 400, "INVALID_HEADER")


@pytest.mark.parametrize("tags", ["1", "abc", '"1', '1"', "'1'", '"1" "2"', '*, "1"', '"1", *',
                                  'w/"1"', 'W/1', '"a"b"'])
@pytest.mark.parametrize("change", ["associate", "end"])
def test_a_condition_that_is_no_list_of_tags_is_refused(client, made, change, tags):
    response = getattr(client, change)(made["sessionId"], {"gkc_customerId": "bob", "If-Match": tags})
    assert "If-Match" in check_error(response, 400, "INVALID_HEADER")
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(made)
