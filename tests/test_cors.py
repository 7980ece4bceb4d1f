"""Pages of other origins: preflights, answers they may read, and errors they may read too. What a
real browser makes of it is in test_browser.py."""

import json
import signal

import pytest

from harness.client import Client, Connection, request_bytes
from harness.processes import wait_for
from harness.server import DidNotStart
from harness.wire import check_error, check_session

SHOP = "https://shop.example"
ORIGIN = [("Origin", SHOP)]
SETTINGS = [f'cors.allowed_origins=["{SHOP}"]']


def preflight(client, origin=SHOP, method="POST", target="/sessions/x?tenantId=1"):
    return client.request("OPTIONS", target, [
        ("Origin", origin), ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "gkc_customerid")])


def names(text):
    return {name.strip().lower() for name in text.split(",")}


def test_a_preflight_allows_all_that_the_api_has(client):
    answer = preflight(client)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.field("Access-Control-Allow-Origin") == SHOP
    assert {"get", "put", "post", "delete"} <= names(answer.field("Access-Control-Allow-Methods"))
    assert {"gkc_agentid", "gkc_customerid", "gkc-agentid", "gkc-customerid", "content-type", "if-match",
            "if-none-match", "idempotency-key", "authorization", "last-event-id", "x-requested-with", "cache-control",
            "traceparent", "tracestate", "baggage"} <= names(answer.field("Access-Control-Allow-Headers"))
    assert int(answer.field("Access-Control-Max-Age")) > 0
    assert "origin" in names(answer.field("Vary"))
    assert answer.all("Access-Control-Allow-Credentials") == []


@pytest.mark.parametrize("base", ["", "/gks-server/v1"])
def test_an_allowed_origin_may_read_answers_with_their_etag(client, base):
    answer = client.request("PUT", f"{base}/sessions/new?tenantId=1", ORIGIN)
    check_session(answer)
    assert answer.all("Access-Control-Allow-Origin") == [SHOP]
    assert {"etag", "retry-after"} <= names(answer.field("Access-Control-Expose-Headers"))
    assert answer.field("ETag")


def test_errors_may_be_read_too(client):
    for answer, status, code in (
            (client.request("GET", "/sessions/x", ORIGIN), 400, "TENANT_ID_REQUIRED"),
            (client.request("GET", "/nothing", ORIGIN), 404, "ROUTE_NOT_FOUND"),
            (client.request("PUT", "/sessions/x?tenantId=1", ORIGIN), 405, "METHOD_NOT_ALLOWED")):
        check_error(answer, status, code)
        assert answer.field("Access-Control-Allow-Origin") == SHOP


OWN = {"authorization", "content-type", "gkc_agentid", "gkc_customerid", "gkc-agentid", "gkc-customerid", "if-match",
       "if-none-match", "idempotency-key", "last-event-id"}


@pytest.mark.parametrize("more", [[], ["X-Page"], ["x-page", "traceparent"], ["*"]])
def test_pages_may_send_the_headers_of_the_api_and_those_that_are_named(start_server, tenant, more):
    client = Client(start_server(*SETTINGS, f"cors.allowed_headers={json.dumps(more)}").address, tenant)
    assert names(preflight(client).field("Access-Control-Allow-Headers")) == OWN | {name.lower() for name in more}
    client.close()


@pytest.mark.parametrize("bad", ['[""]', '["X-Page:"]', '["a b"]', '["a,b"]', '["é"]', '["a\\r\\nb"]', "true", '"X-Page"', "[1]"])
def test_what_is_no_header_name_stops_the_start(start_server, bad):
    with pytest.raises(DidNotStart) as failure:
        start_server(*SETTINGS, f"cors.allowed_headers={bad}")
    assert failure.value.code > 0 and "cors.allowed_headers" in failure.value.stderr


def test_another_origin_gets_nothing_to_read_by(client):
    check_error(preflight(client, "https://evil.example"), 403, "FORBIDDEN")
    for origin in ("https://evil.example", SHOP.upper(), SHOP + ".evil.example", "null"):
        answer = client.request("PUT", "/sessions/new?tenantId=1", [("Origin", origin)])
        assert answer.all("Access-Control-Allow-Origin") == [], origin
        assert "origin" in names(answer.field("Vary"))


def test_an_event_stream_may_be_read(server, client):
    with Connection(server.address) as connection:
        connection.send(request_bytes("GET", client.path("/events"),
                                      {"Origin": SHOP, "Accept": "text/event-stream"}.items()))
        head = connection.read_head()
        assert head.field("Content-Type") == "text/event-stream"
        assert head.field("Access-Control-Allow-Origin") == SHOP


def test_without_the_option_nothing_is_said_of_origins(start_server, tenant):
    client = Client(start_server().address, tenant)
    answer = client.request("PUT", client.target("new"), ORIGIN)
    assert answer.all("Access-Control-Allow-Origin") == answer.all("Vary") == []
    check_error(preflight(client), 405, "METHOD_NOT_ALLOWED")
    client.close()


def test_a_preflight_needs_no_key_and_a_refusal_for_want_of_one_may_be_read(start_server, tmp_path, tenant):
    keys = tmp_path / "keys.toml"
    keys.write_text("")
    client = Client(start_server(*SETTINGS, f"security.key_file={keys}").address, tenant)
    assert preflight(client).status == 204
    answer = client.request("PUT", client.target("new"), ORIGIN)
    check_error(answer, 401, "UNAUTHENTICATED")
    assert answer.field("Access-Control-Allow-Origin") == SHOP
    client.close()


def test_a_star_allows_everyone_and_says_so_in_refusals_of_bad_requests(start_server, connect, tenant):
    server = start_server('cors.allowed_origins=["*"]')
    client = Client(server.address, tenant)
    answer = client.request("PUT", client.target("new"), [("Origin", "null")])
    assert answer.field("Access-Control-Allow-Origin") == "*"
    client.close()
    connection = connect(server.address)
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
    refusal = connection.read()
    assert refusal.status == 400 and refusal.field("Access-Control-Allow-Origin") == "*"


def test_two_origins_are_none(client):
    answer = client.request("PUT", "/sessions/new?tenantId=1", ORIGIN + ORIGIN)
    assert check_session(answer) and answer.all("Access-Control-Allow-Origin") == []


def test_origins_are_loaded_anew_at_sighup(start_server, tmp_path, tenant):
    config = tmp_path / "sojourn.toml"
    config.write_text('[cors]\nallowed_origins = []\n')
    server = start_server(config=config)
    client = Client(server.address, tenant)
    assert preflight(client).status == 405
    config.write_text(f'[cors]\nallowed_origins = ["{SHOP}"]\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: preflight(client).status == 204, "the origin is allowed")
    client.close()
