"""The three operations of the published API: create, retrieve, associate."""

import time

import pytest

from harness.client import Client
from harness.wire import (CLOCKS_AGREE_MS, check_error, check_session, milliseconds, time_of_id,
                          without_access)

SOMEONE = {"gkc_agentId": "agent-7", "gkc_customerId": "bob@example.com"}
SOMEWHERE = {"visitId": "visit-1", "globalVisitId": "global-1"}


def identity(info):
    return tuple(info[name] for name in ("agentId", "customerId", "visitId", "globalVisitId"))


# Create


def test_create_without_identity_makes_an_anonymous_session(client, tenant):
    info = check_session(client.create())
    assert identity(info) == (None, None, None, None)
    assert info["anonymous"] is True
    assert info["isNew"] is True
    assert info["version"] == 1
    assert info["tenantId"] == tenant


def test_create_takes_all_four_attributes(client):
    info = check_session(client.create(SOMEONE, SOMEWHERE))
    assert identity(info) == ("agent-7", "bob@example.com", "visit-1", "global-1")
    assert info["anonymous"] is False
    assert info["version"] == 1


@pytest.mark.parametrize("headers, body, anonymous", [
    ({"gkc_agentId": "a"}, None, False),
    ({"gkc_customerId": "c"}, None, False),
    ({}, {"visitId": "v"}, False),
    ({}, {"globalVisitId": "g"}, True),  # a global visit names nobody
    ({}, {}, True),
])
def test_agent_customer_or_visit_name_a_session(client, headers, body, anonymous):
    info = check_session(client.create(headers, body))
    assert info["anonymous"] is anonymous


def test_the_default_times_are_half_an_hour_and_the_id_begins_with_the_time(client):
    before = time.time() * 1000 - CLOCKS_AGREE_MS
    info = check_session(client.create())
    created = milliseconds(info["createdAt"])
    assert before <= created <= time.time() * 1000 + CLOCKS_AGREE_MS
    assert milliseconds(info["expiresAt"]) == created + 30 * 60 * 1000
    assert abs(time_of_id(info["sessionId"]) - created) <= 1000


@pytest.mark.parametrize("name", ["gkc_customerId", "gkc-customerId", "GKC_CUSTOMERID",
                                  "gkc-customerid"])
def test_the_customer_header_has_two_spellings_and_no_case(client, name):
    assert check_session(client.create({name: "bob"}))["customerId"] == "bob"


@pytest.mark.parametrize("name", ["gkc_agentId", "gkc-agentId", "Gkc-Agentid"])
def test_the_agent_header_has_two_spellings_and_no_case(client, name):
    assert check_session(client.create({name: "eve"}))["agentId"] == "eve"


def test_header_values_are_trimmed_and_may_be_any_utf8(client):
    info = check_session(client.create({"gkc_customerId": "  \t Zoë 李 \t ", "gkc_agentId": "   "}))
    assert info["customerId"] == "Zoë 李"
    assert info["agentId"] is None


def test_values_with_quotes_and_markup_come_back_unchanged(client):
    text = 'a"b\\c</script>\u2028 \U0001f600'
    info = check_session(client.create({"gkc_customerId": text}, {"visitId": text}))
    assert info["customerId"] == info["visitId"] == text


@pytest.mark.parametrize("empty", [None, ""])
def test_null_and_empty_visits_mean_absent(client, empty):
    info = check_session(client.create(body={"visitId": empty, "globalVisitId": empty}))
    assert identity(info) == (None, None, None, None)
    made = check_session(client.create(body=SOMEWHERE))
    after = check_session(client.associate(made["sessionId"], body={"visitId": empty}))
    assert after["visitId"] == "visit-1" and after["version"] == 1


def test_unknown_members_are_ignored(client):
    body = {"visitId": "v", "tenantId": "not here", "sessionId": "mine", "other": [1, {"a": None}]}
    info = check_session(client.create(body=body))
    assert identity(info) == (None, None, "v", None)
    assert info["sessionId"] != "mine"


def test_unknown_query_parameters_are_ignored(client, tenant):
    response = client.request("PUT", f"/sessions/new?x=1&tenantId={tenant}&&y&z=%20")
    assert check_session(response)["tenantId"] == tenant


@pytest.mark.parametrize("text, tenant_id", [
    ("caf%C3%A9", "café"), ("a%26b%3Dc", "a&b=c"), ("a+b", "a b"), ("a%2Bb", "a+b"), ("%41", "A"),
    ("x" * 128, "x" * 128), ("%F0%9F%98%80" * 32, "\U0001f600" * 32), ("a%2Fb%20c", "a/b c"),
])
def test_tenants_are_opaque_percent_encoded_text(client, text, tenant_id):
    response = client.request("PUT", f"/sessions/new?tenantId={text}")
    assert check_session(response)["tenantId"] == tenant_id


def test_an_identity_of_256_bytes_is_kept_whole(client):
    long = "é" * 128
    info = check_session(client.create({"gkc_agentId": long, "gkc_customerId": long},
                                       {"visitId": long, "globalVisitId": long}))
    assert identity(info) == (long, long, long, long)


# Ids


def test_ids_are_unique_and_in_time_order(client):
    by_time = {}
    for _ in range(10_000):
        info = check_session(client.create())
        by_time.setdefault(milliseconds(info["createdAt"]), []).append(info["sessionId"])
        if len(by_time) == 20:
            break
    assert len(by_time) == 20
    ids = [session for several in by_time.values() for session in sorted(several)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_an_id_is_read_in_either_case_and_written_in_upper_case(client):
    made = check_session(client.create(SOMEONE))
    got = check_session(client.get(made["sessionId"].lower()))
    assert got["sessionId"] == made["sessionId"]
    assert got["isNew"] is False
    changed = check_session(client.associate(made["sessionId"].swapcase(), body={"visitId": "v"}))
    assert changed["sessionId"] == made["sessionId"]


def test_two_tenants_never_meet(server, client, tenant):
    mine = check_session(client.create(SOMEONE, SOMEWHERE))
    other = Client(server.address, tenant + "-other")
    seen = check_session(other.get(mine["sessionId"]))
    assert seen["sessionId"] != mine["sessionId"]
    assert seen["tenantId"] == tenant + "-other"
    assert identity(seen) == (None, None, None, None)
    check_session(other.associate(mine["sessionId"], {"gkc_agentId": "intruder"}))
    assert other.head(mine["sessionId"]).status == 404
    other.close()
    assert without_access(check_session(client.get(mine["sessionId"]))) == without_access(mine)


# Retrieve


def test_get_shows_the_session_as_it_was_made(client):
    made = check_session(client.create(SOMEONE, SOMEWHERE))
    got = check_session(client.get(made["sessionId"]))
    assert got["isNew"] is False
    assert got["createdAt"] == made["createdAt"]
    assert without_access(got) == without_access(made)


def test_get_ignores_identity_headers_on_a_live_session(client):
    made = check_session(client.create({"gkc_customerId": "bob"}))
    got = check_session(client.get(made["sessionId"], {"gkc_customerId": "eve", "gkc_agentId": "x"}))
    assert without_access(got) == without_access(made)


UNKNOWN = ["0" * 36, "1" + "Z" * 35, "8" + "Z" * 35, "x", "new", "null", "undefined", "%00", "%zz", "%",
           "a%2Fb", "%FF", "..", ".", "*", "0" * 35, "0" * 37, "U" * 36, "00000000-0000-0000-0000-0000000000",
           "y" * 2000]


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_get_of_an_unknown_id_creates_a_session_with_an_id_of_its_own(client, unknown):
    made = check_session(client.get(unknown, SOMEONE))
    assert made["isNew"] is True
    assert made["sessionId"] != unknown
    assert identity(made) == ("agent-7", "bob@example.com", None, None)
    again = check_session(client.get(made["sessionId"]))
    assert again["isNew"] is False
    assert check_session(client.get(unknown))["sessionId"] != made["sessionId"]


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_post_to_an_unknown_id_creates_a_session_with_the_given_identity(client, unknown):
    made = check_session(client.associate(unknown, SOMEONE, SOMEWHERE))
    assert made["isNew"] is True
    assert made["version"] == 1
    assert made["sessionId"] != unknown
    assert identity(made) == ("agent-7", "bob@example.com", "visit-1", "global-1")
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(made)


def test_head_answers_as_get_does_but_without_a_body(client):
    made = check_session(client.create(SOMEONE, SOMEWHERE))
    got = client.get(made["sessionId"])
    head = client.head(made["sessionId"])
    assert head.status == 200 and head.body == b""

    def fields(response):
        return sorted((name, value) for name, value in response.fields if name != "Date")

    assert fields(head) == fields(got)
    assert int(head.field("Content-Length")) == len(got.body)


def test_get_and_head_name_the_customer_and_the_agent_in_header_fields(client):
    """For proxies that see no body."""
    def named(response):
        return response.field("gkc-customerId"), response.field("gkc-agentId")

    session = check_session(client.create())["sessionId"]
    assert named(client.get(session)) == named(client.head(session)) == (None, None)
    client.associate(session, {"gkc_customerId": "bøb €"})
    assert named(client.get(session)) == named(client.head(session)) == ("bøb €", None)
    client.associate(session, {"gkc_agentId": "a"})
    assert named(client.head(session)) == ("bøb €", "a")


@pytest.mark.parametrize("unknown", ["0" * 36, "x", "%zz"])
def test_head_never_creates(client, unknown):
    head = client.head(unknown, SOMEONE)
    assert head.status == 404 and head.body == b""
    assert head.field("Content-Type") == "application/json"
    check_session(client.create())  # the connection is still in step


# Associate


def test_associate_by_headers_names_an_anonymous_session(client):
    made = check_session(client.create())
    after = check_session(client.associate(made["sessionId"], SOMEONE))
    assert after["sessionId"] == made["sessionId"]
    assert after["isNew"] is False
    assert after["version"] == 2
    assert identity(after) == ("agent-7", "bob@example.com", None, None)
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(after)


def test_associate_by_body_names_an_anonymous_session(client):
    made = check_session(client.create())
    after = check_session(client.associate(made["sessionId"], body=SOMEWHERE))
    assert after["version"] == 2
    assert identity(after) == (None, None, "visit-1", "global-1")
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(after)


def test_associate_keeps_what_is_not_given(client):
    session = check_session(client.create(SOMEONE, SOMEWHERE))["sessionId"]
    after = check_session(client.associate(session, body={"visitId": "visit-2"}))
    assert identity(after) == ("agent-7", "bob@example.com", "visit-2", "global-1")
    after = check_session(client.associate(session, {"gkc_agentId": "agent-8"},
                                           {"globalVisitId": "global-2"}))
    assert identity(after) == ("agent-8", "bob@example.com", "visit-2", "global-2")
    assert after["version"] == 3


@pytest.mark.parametrize("headers, body", [
    (SOMEONE, SOMEWHERE), (SOMEONE, None), ({}, SOMEWHERE), ({}, {}), ({}, None),
    ({"gkc-customerId": "bob@example.com"}, {"other": 1}),
])
def test_repeating_an_association_changes_nothing(client, headers, body):
    made = check_session(client.create(SOMEONE, SOMEWHERE))
    for _ in range(3):
        after = check_session(client.associate(made["sessionId"], headers, body))
        assert after["isNew"] is False
        assert without_access(after) == without_access(made)


def test_another_customer_is_a_conflict_and_nothing_changes(client):
    made = check_session(client.create(SOMEONE, SOMEWHERE))
    response = client.associate(made["sessionId"], {"gkc_customerId": "eve", "gkc_agentId": "agent-9"},
                                {"visitId": "visit-9", "globalVisitId": "global-9"})
    check_error(response, 409, "CUSTOMER_CONFLICT")
    assert "bob" not in response.body.decode()
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(made)


def test_customers_are_compared_byte_by_byte(client):
    made = check_session(client.create({"gkc_customerId": "bob"}))
    check_error(client.associate(made["sessionId"], {"gkc_customerId": "Bob"}), 409,
                "CUSTOMER_CONFLICT")


def test_the_replace_option_lets_another_customer_take_over(start_server, tenant):
    client = Client(start_server("sessions.on_customer_conflict=replace").address, tenant)
    made = check_session(client.create(SOMEONE))
    after = check_session(client.associate(made["sessionId"], {"gkc_customerId": "eve"}))
    assert identity(after) == ("agent-7", "eve", None, None)
    assert after["version"] == 2
    client.close()


# Options and mounts


def test_without_the_mirror_the_payload_stands_alone(start_server, tenant):
    client = Client(start_server("http.mirror_session_id=false").address, tenant)
    envelope = client.create().json()
    assert set(envelope) == {"statusCode", "response"}
    envelope = client.get(envelope["response"]["sessionId"]).json()
    assert set(envelope) == {"statusCode", "response"}
    client.close()


def test_with_not_found_an_unknown_id_is_404_and_creates_nothing(start_server, tenant):
    server = start_server("sessions.on_unknown_id=not_found")
    client = Client(server.address, tenant)
    for unknown in UNKNOWN:
        check_error(client.get(unknown, SOMEONE), 404, "SESSION_NOT_FOUND")
        check_error(client.associate(unknown, SOMEONE, SOMEWHERE), 404, "SESSION_NOT_FOUND")
    made = check_session(client.create())
    assert check_session(client.get(made["sessionId"]))["isNew"] is False
    other = Client(server.address, tenant + "-other")
    hidden = other.get(made["sessionId"])
    never = other.get("0" * 36)
    check_error(hidden, 404, "SESSION_NOT_FOUND")
    assert hidden.body == never.body  # no hint that it exists elsewhere
    client.close()
    other.close()


@pytest.mark.parametrize("here, there", [("", "/gks-server/v1"), ("/gks-server/v1", "")])
def test_both_mounts_show_the_same_sessions(client, here, there):
    client.base = here
    made = check_session(client.create(SOMEONE))
    client.base = there
    after = check_session(client.associate(made["sessionId"], body={"visitId": "v"}))
    assert after["version"] == 2
    client.base = here
    assert without_access(check_session(client.get(made["sessionId"]))) == without_access(after)


def test_base_paths_can_be_chosen(start_server, tenant):
    client = Client(start_server('http.base_paths=["/api"]').address, tenant)
    check_error(client.create(), 404, "ROUTE_NOT_FOUND")
    client.base = "/gks-server/v1"
    check_error(client.create(), 404, "ROUTE_NOT_FOUND")
    client.base = "/api"
    check_session(client.create())
    client.close()


@pytest.mark.parametrize("session", ["0" * 36, "x", "NEW", "news"])
def test_put_on_any_other_id_is_refused(client, session):
    response = client.call("PUT", session, SOMEONE)
    check_error(response, 405, "METHOD_NOT_ALLOWED")
    allowed = {method.strip() for method in response.field("Allow").split(",")}
    assert {"GET", "HEAD", "POST"} <= allowed and "PUT" not in allowed
