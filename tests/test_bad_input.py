"""Bad input: what the rules on tenants, identity headers and bodies refuse, with which words."""

import json
import re

import pytest

from harness.client import Client, request_bytes
from harness.wire import check_error, check_session

JSON = ("Content-Type", "application/json")


@pytest.fixture(autouse=True)
def the_server_goes_on(server, tenant):
    """After whatever a test has sent, the next caller is served."""
    yield
    assert server.running()
    other = Client(server.address, tenant)
    check_session(other.create())
    other.close()


def put(client, *headers, body=None):
    return client.request("PUT", client.target(), headers, body)


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


# Tenants


@pytest.mark.parametrize("query", ["", "?", "?tenantId=", "?tenantId", "?tenantid=a", "?x=tenantId",
                                   "?tenantId=&x=1"])
@pytest.mark.parametrize("method, session", [("PUT", "new"), ("GET", "0" * 36), ("POST", "x")])
def test_a_missing_or_empty_tenant_is_named(client, method, session, query):
    response = client.request(method, f"/sessions/{session}{query}")
    assert "tenantId" in check_error(response, 400, "TENANT_ID_REQUIRED")


@pytest.mark.parametrize("query", [
    "tenantId=a&tenantId=b", "tenantId=a&tenantId=a", "tenantId=a&x=1&tenantId=",
    "tenantId=%", "tenantId=%4", "tenantId=%zz", "tenantId=a%4", "tenantId=%%41",
    "tenantId=%ff", "tenantId=%C3", "tenantId=%C0%80", "tenantId=%ED%A0%80",
    "tenantId=%F4%90%80%80", "tenantId=%00", "tenantId=a%0Ab", "tenantId=%1F", "tenantId=%7F",
    "tenantId=%C2%85", "tenantId=" + "x" * 129, "tenantId=" + "%C3%A9" * 65,
])
def test_a_tenant_that_cannot_be_one_is_refused(client, query):
    response = client.request("PUT", "/sessions/new?" + query)
    assert "tenantId" in check_error(response, 400, "INVALID_PARAMETER")


# Identity headers


@pytest.mark.parametrize("name", ["gkc_agentId", "gkc_customerId", "gkc-agentId", "gkc-customerId"])
@pytest.mark.parametrize("value", [
    b"x" * 257, "é".encode() * 129, b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"a\tb",
    b"a\xc2\x85b",
], ids=lambda value: repr(value[:6]) + f" {len(value)}")
def test_an_identity_header_that_cannot_be_one_is_refused(client, name, value):
    description = check_error(put(client, (name, value)), 400, "INVALID_HEADER")
    assert name.replace("-", "_") in description.replace("-", "_")


@pytest.mark.parametrize("value", [b"a\x01b", b"a\x00b", b"a\x7fb", b"a\x1b[0m"], ids=repr)
def test_a_control_character_in_any_header_is_refused(connect, client, value):
    for name in ("gkc_agentId", "X-Other"):
        data = request_bytes("PUT", client.target(), [(name, value)])
        response = connect().send(data).read()
        check_error(response, 400, ("INVALID_HEADER", "BAD_REQUEST"))


@pytest.mark.parametrize("first, second", [
    ("gkc_customerId", "gkc_customerId"), ("gkc_customerId", "GKC_CUSTOMERID"),
    ("gkc_customerId", "gkc-customerId"), ("gkc-agentId", "gkc_agentId"),
    ("gkc-agentId", "Gkc-AgentId"),
])
def test_an_identity_header_given_twice_must_say_the_same(client, first, second):
    check_error(put(client, (first, "bob"), (second, "eve")), 400, "INVALID_HEADER")
    check_error(put(client, (first, "bob"), (second, "Bob")), 400, "INVALID_HEADER")
    info = check_session(put(client, (first, "bob"), ("X-Other", "x"), (second, "  bob ")))
    assert "bob" in (info["customerId"], info["agentId"])


def test_a_bad_identity_header_changes_nothing(client):
    made = check_session(client.create({"gkc_agentId": "a"}))
    response = client.associate(made["sessionId"], {"gkc_agentId": "b" * 257, "gkc_customerId": "c"})
    check_error(response, 400, "INVALID_HEADER")
    info = check_session(client.get(made["sessionId"]))
    assert (info["agentId"], info["customerId"], info["version"]) == ("a", None, 1)


# Bodies


@pytest.mark.parametrize("method, session", [("PUT", "new"), ("POST", "0" * 36)])
@pytest.mark.parametrize("body", [
    b"{", b"{}}", b'{"visitId":}', b'{"visitId" "a"}', b"{visitId:1}", b"{'visitId':'a'}",
    b'{"visitId":"a",}', b'{"visitId":"\n"}', b'{"visitId":"\\x"}', b'{"a":01}', b'{"a":NaN}',
    b"nonsense", b'{"a":1}/**/', b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}", b" ", b"\x00",
], ids=repr)
def test_broken_json_is_refused_with_its_offset(client, method, session, body):
    response = client.request(method, client.target(session), [JSON], body)
    assert numbers(check_error(response, 400, "INVALID_BODY")), "no byte offset"


@pytest.mark.parametrize("body", [b"[]", b"null", b"true", b"1", b'"text"', b'[{"visitId":"a"}]'])
def test_a_body_that_is_no_object_is_refused(client, body):
    assert "object" in check_error(put(client, JSON, body=body), 400, "INVALID_BODY")


@pytest.mark.parametrize("name", ["visitId", "globalVisitId"])
@pytest.mark.parametrize("value", ["1", "1.5", "true", "false", "[]", '["a"]', "{}", '{"a":1}'])
def test_a_member_of_the_wrong_type_is_named(client, name, value):
    body = f'{{"other":1,"{name}":{value}}}'.encode()
    assert name in check_error(put(client, JSON, body=body), 400, "INVALID_BODY")


@pytest.mark.parametrize("name", ["visitId", "globalVisitId"])
@pytest.mark.parametrize("value", ["x" * 257, "é" * 129, "\U0001f600" * 65])
def test_a_member_of_more_than_256_bytes_is_named(client, name, value):
    for body in (json.dumps({name: value}), json.dumps({name: value}, ensure_ascii=False)):
        response = put(client, JSON, body=body.encode())
        assert name in check_error(response, 400, "INVALID_BODY")


@pytest.mark.parametrize("body, member", [
    (b'{"visitId":"a","visitId":"b"}', "visitId"),
    (b'{"visitId":"a","visitId":"a"}', "visitId"),
    (b'{"visitId":null,"visitId":"a"}', "visitId"),
    (b'{"visitId":"a","visit\\u0049d":"b"}', "visitId"),
    (b'{"surprise":1,"surprise":2}', "surprise"),
    (b'{"a":{"surprise":1,"b":{},"surprise":2}}', "surprise"),
    (b'{"a":[0,{"surprise":1,"surprise":2}]}', "surprise"),
])
def test_a_duplicate_member_is_named(client, body, member):
    assert member in check_error(put(client, JSON, body=body), 400, "INVALID_BODY")


def test_equal_names_in_different_objects_are_no_duplicates(client):
    check_session(put(client, JSON, body=b'{"a":{"x":1},"b":{"x":1},"x":[{"x":1},{"x":2}]}'))


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_ends_at_32(client, opening, closing):
    def nested(depth):  # the outer object is the first level
        return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"

    check_session(put(client, JSON, body=nested(32)))
    for depth in (33, 34, 5000):
        description = check_error(put(client, JSON, body=nested(depth)), 400, "INVALID_BODY")
        assert "32" in description


@pytest.mark.parametrize("tail", [b" {}", b"x", b" \n\t,", b"\x00", b"]"], ids=repr)
def test_anything_after_the_object_is_refused_with_its_offset(client, tail):
    body = b'{"visitId":"0123456789"}'
    description = check_error(put(client, JSON, body=body + tail), 400, "INVALID_BODY")
    assert any(len(body) <= number <= len(body + tail) for number in numbers(description)), description


def test_spaces_around_the_object_are_fine(client):
    assert check_session(put(client, JSON, body=b' \r\n\t{"visitId": "v"} \r\n\t'))["visitId"] == "v"


@pytest.mark.parametrize("text", [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"],
                         ids=repr)
@pytest.mark.parametrize("body", [b'{"visitId":"%s"}', b'{"other":"%s"}', b'{"%s":1}',
                                  b'{"a":["%s"]}'])
def test_bad_utf8_anywhere_in_the_body_is_refused(client, text, body):
    check_error(put(client, JSON, body=body % text), 400, "INVALID_BODY")


def test_a_refused_body_changes_nothing(client):
    made = check_session(client.create())
    response = client.request("POST", client.target(made["sessionId"]),
                              [JSON, ("gkc_customerId", "bob")], b'{"visitId":"v","globalVisitId":1}')
    check_error(response, 400, "INVALID_BODY")
    info = check_session(client.get(made["sessionId"]))
    assert (info["customerId"], info["visitId"], info["version"]) == (None, None, 1)


# Size and media type


def body_of(size):
    return b'{"x":"' + b"y" * (size - 8) + b'"}'


def test_a_body_of_64_kib_is_taken_and_one_more_byte_is_not(client):
    check_session(put(client, JSON, body=body_of(65536)))
    response = put(client, JSON, body=body_of(65537))
    assert "65536" in check_error(response, 413, "BODY_TOO_LARGE").replace("64 KiB", "65536") \
        .replace("64KiB", "65536")


def test_a_length_that_is_too_large_is_refused_before_the_body_comes(connect, client):
    for length in ("65537", "1000000000", "18446744073709551615"):
        head = request_bytes("PUT", client.target(), [JSON, ("Content-Length", length)])
        connection = connect()
        check_error(connection.send(head).read(), 413, "BODY_TOO_LARGE")
        assert connection.closed()


def test_chunks_that_grow_too_large_are_refused(connect, client):
    head = request_bytes("PUT", client.target(), [JSON, ("Transfer-Encoding", "chunked")])
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    check_session(connect().send(head + b"2\r\n{}\r\n" + chunk * 15 + b"0\r\n\r\n").read())
    check_error(connect().send(head + b"2\r\n{}\r\n" + chunk * 16).read(), 413, "BODY_TOO_LARGE")
    check_error(connect().send(head + b"7fffffff\r\n").read(), 413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("media_type", [
    None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json5",
    "text/json", "json", "application/merge-patch+json", "", "application/json, text/plain",
])
def test_a_body_of_another_media_type_is_refused(client, media_type):
    headers = [] if media_type is None else [("Content-Type", media_type)]
    description = check_error(put(client, *headers, body=b"{}"), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert "application/json" in description
    check_session(put(client, *headers, body=b""))  # nothing has no type
    check_session(put(client, *headers))


@pytest.mark.parametrize("media_type", [
    "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8;x=y",
    "Application/JSON", "application/json ; profile=\"a;b\"",
])
def test_the_media_type_may_have_parameters_and_any_case(client, media_type):
    info = check_session(put(client, ("Content-Type", media_type), body=b'{"visitId":"v"}'))
    assert info["visitId"] == "v"


# Routes and methods


@pytest.mark.parametrize("path", ["/", "/nope", "/session/new", "/sessions/", "/sessions/a/b",
                                  "/sessions//new", "/gks-server", "/gks-server/v1", "/gks-server/v2/sessions/new",
                                  "/gks-server/v1/gks-server/v1/sessions/new", "/SESSIONS/new"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_an_unknown_route_is_404(client, method, path):
    check_error(client.request(method, path + "?tenantId=t"), 404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize("base", ["", "/gks-server/v1"])
@pytest.mark.parametrize("method", ["PATCH", "TRACE", "LINK", "get", "CONNECTED"])
def test_another_method_is_refused_with_those_allowed(client, base, method):
    for session, wanted in (("new", {"PUT"}), ("0" * 36, {"GET", "HEAD", "POST"})):
        response = client.request(method, f"{base}/sessions/{session}?tenantId=t")
        check_error(response, 405, "METHOD_NOT_ALLOWED")
        allowed = {name.strip() for name in response.field("Allow").split(",")}
        assert wanted <= allowed and method not in allowed


def test_errors_name_nothing_of_the_inside(client):
    for response in (put(client, JSON, body=b"{"), client.request("GET", "/nope"),
                     client.request("PUT", "/sessions/new")):
        text = response.body.decode().lower()
        for word in ("boost", "beast", "lmdb", "mdb_", "exception", ".cc", "std::", "src/"):
            assert word not in text
