"""Header fields as RFC 9110 reads them: several fields of one name, lists, weights, what may be sent
once; and what a body says of itself."""

import gzip
import json

import pytest

from harness.client import Connection, request_bytes
from harness.events import all_events, check_events
from harness.load import walk
from harness.wire import check_error, check_session

JSON = ("Content-Type", "application/json")
STREAM = "text/event-stream"


# Accept


@pytest.mark.parametrize("fields", [
    [STREAM], ["TEXT/Event-Stream"], [f"{STREAM};charset=utf-8"], [f"{STREAM} ; q=0.5"], [f"application/json, {STREAM}"],
    ["application/json", STREAM], [f"{STREAM}, */*"], ["text/*"], ["text/*;q=0.2, application/json;q=0.1"],
    [f"application/json;q=0.5,{STREAM};q=0.6"], [f', {STREAM} ,"x'], [f"*/*;q=0, {STREAM}"],
], ids=repr)
def test_a_client_that_wants_a_stream_gets_one(server, client, fields):
    with Connection(server.address) as connection:
        connection.send(request_bytes("GET", client.path("/events"), [("Accept", value) for value in fields]))
        assert connection.read_head().field("Content-Type") == STREAM


@pytest.mark.parametrize("fields", [
    [], [""], ["*/*"], ["application/json"], [f"{STREAM};q=0"], [f"{STREAM};Q=0.000, */*"], ["text/*, */*"],
    [f"application/json, {STREAM};q=0.9"], [f"x/y;a=\",{STREAM}\""], [f"x-{STREAM}"], [f"{STREAM}s"], ["text/html"],
    [f"{STREAM};q=2"], [f"{STREAM};q=0", "*/*"],
], ids=repr)
def test_any_other_client_gets_a_page(client, fields):
    response = client.request("GET", client.path("/events"), [("Accept", value) for value in fields])
    check_events(response, client.tenant)


# Last-Event-ID


def test_two_last_event_ids_are_refused(client):
    response = client.request("GET", client.path("/events"), [
        ("Accept", STREAM), ("Last-Event-ID", "0"), ("last-event-id", "0")])
    assert "Last-Event-ID" in check_error(response, 400, "INVALID_HEADER")


def test_a_page_goes_by_after_alone(client):
    for _ in range(3):
        check_session(client.create())
    first, second, third = (event["id"] for event in all_events(client))
    response = client.request("GET", client.path("/events", {"after": first}), {"Last-Event-ID": third})
    assert [event["id"] for event in check_events(response, client.tenant)[0]] == [second, third]


# Conditions where there is no entity tag


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "if-match"])
@pytest.mark.parametrize("method, path, parameters", [
    ("GET", "/sessions", {}), ("HEAD", "/sessions", {}), ("DELETE", "/sessions", {"customerId": "bob"}),
    ("GET", "/events", {}),
])
def test_a_condition_on_many_is_refused(client, method, path, parameters, name):
    check_session(client.create({"gkc_customerId": "bob"}))
    response = client.request(method, client.path(path, parameters), [(name, '"1"')])
    if method == "HEAD":
        assert (response.status, response.body) == (400, b"")
    else:
        assert name.lower() in check_error(response, 400, "INVALID_HEADER").lower()
    assert len(walk(client)) == 1


def test_a_condition_of_time_does_not_count(client):
    made = check_session(client.create())
    past = "Thu, 01 Jan 1970 00:00:00 GMT"
    for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range"):
        assert check_session(client.get(made["sessionId"], {name: past}))["version"] == 1
        assert client.request("GET", client.path("/sessions"), {name: past}).status == 200
    check_session(client.end(made["sessionId"], {"If-Unmodified-Since": past}))


# What the body is


@pytest.mark.parametrize("second", ["application/json", "text/plain", ""])
@pytest.mark.parametrize("body", [b"{}", b""])
def test_two_content_types_are_refused(client, second, body):
    response = client.request("PUT", client.target(), [JSON, ("content-type", second)], body)
    assert "Content-Type" in check_error(response, 400, "INVALID_HEADER")
    assert walk(client) == []


@pytest.mark.parametrize("fields", [["gzip"], ["identity", "br"], ["identity, gzip"], ["GZIP"], ["x"], ["aes128gcm"]],
                         ids=repr)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_encoded_body_is_refused(client, method, fields):
    body = gzip.compress(json.dumps({"visitId": "v"}).encode())
    for data in (body, b"{}"):
        response = client.request(method, client.target("new" if method == "PUT" else "x"),
                                  [JSON, *(("Content-Encoding", value) for value in fields)], data)
        assert "Content-Encoding" in check_error(response, 415, "UNSUPPORTED_MEDIA_TYPE")
        assert response.field("Accept-Encoding") == "identity" and response.field("Accept") is None
    assert walk(client) == []


@pytest.mark.parametrize("fields", [["identity"], ["Identity", "identity"], ["identity, ,identity"], [""]], ids=repr)
def test_a_body_that_is_not_encoded_may_say_so(client, fields):
    headers = [JSON, *(("Content-Encoding", value) for value in fields)]
    info = check_session(client.request("PUT", client.target(), headers, b'{"visitId":"v"}'))
    assert info["visitId"] == "v"


def test_another_media_type_is_told_which_one_is_accepted(client):
    response = client.request("PUT", client.target(), [("Content-Type", "text/plain")], b"{}")
    check_error(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.field("Accept") == "application/json"
    assert response.field("Accept-Encoding") is None  # RFC 7694 3: it would name the coding as the cause


# Identity in the body


@pytest.mark.parametrize("name", ["agentId", "customerId"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_body_may_name_agent_and_customer(client, method, name):
    session = "new" if method == "PUT" else check_session(client.create())["sessionId"]
    info = check_session(client.call(method, session, (), {name: "  Bj\u00f8rn \U0001f600\t", "visitId": " v "}))
    assert (info[name], info["visitId"]) == ("Bj\u00f8rn \U0001f600", "v")
    if name == "customerId":
        response = client.call("POST", info["sessionId"], (), {name: "eve"})
        check_error(response, 409, "CUSTOMER_CONFLICT")


@pytest.mark.parametrize("name", ["agentId", "customerId"])
def test_a_header_that_says_otherwise_is_refused(client, name):
    for header in (f"gkc_{name}", f"gkc-{name}"):
        response = client.create({header: "bob"}, {name: "Bob"})
        assert name in check_error(response, 400, "INVALID_HEADER")
        assert check_session(client.create({header: " bob"}, {name: "bob "}))[name] == "bob"
        for absent in (None, "", " "):
            assert check_session(client.create({header: "bob"}, {name: absent}))[name] == "bob"
        for absent in ("", " "):
            assert check_session(client.create({header: absent}, {name: "bob"}))[name] == "bob"


def test_what_an_answer_shows_can_be_sent_back(client):
    made = check_session(client.create({"gkc_customerId": "bob"}, {"attributes": {"a": 1}}))
    again = check_session(client.associate(made["sessionId"], (), made))
    assert again["version"] == made["version"]


@pytest.mark.parametrize("name", ["agentId", "customerId", "visitId", "globalVisitId"])
@pytest.mark.parametrize("value", ["a\nb", "\0", "a\x7f", "\x85", "b\r", "\x1b[0m", "x" * 257, 7, True, [], {}], ids=repr)
def test_a_member_that_can_be_nobody_is_refused(client, name, value):
    assert name in check_error(client.create((), {name: value}), 400, "INVALID_BODY")
    assert walk(client) == []


@pytest.mark.parametrize("name", ["agentId", "customerId", "visitId", "globalVisitId"])
def test_a_member_is_trimmed_before_it_is_measured(client, name):
    longest = "\u00e9" * 128
    assert check_session(client.create((), {name: f" {longest}\t"}))[name] == longest
    for absent in (None, "", "  \t"):
        info = check_session(client.create((), {name: absent}))
        assert info[name] is None and info["anonymous"] is True
