"""Bad framing: bytes that are not HTTP, or that two readers could understand in two ways. They get
one clear answer, then the connection ends, so that nothing behind them is taken for a request."""

import time

import pytest

from harness.client import Client, Connection, request_bytes
from harness.wire import check_error, check_session

SETTINGS = ["http.header_timeout=1s"]
SMUGGLED = b"PUT /sessions/new?tenantId=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def put(fields, body=b"", line=b"PUT /sessions/new?tenantId=t HTTP/1.1"):
    return line + b"\r\nHost: x\r\n" + fields + b"\r\n" + body


CHUNKED = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"

AMBIGUOUS = {
    "length and chunks": put(CHUNKED + b"Content-Length: 12\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks and length": put(b"Content-Length: 3\r\n" + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"),
    "two lengths": put(b"Content-Length: 0\r\nContent-Length: 2\r\n", b"{}"),
    "the same length twice": put(b"Content-Type: application/json\r\nContent-Length: 2\r\n"
                                 b"Content-Length: 2\r\n", b"{}"),
    "a list of lengths": put(b"Content-Length: 2, 2\r\n", b"{}"),
    "a negative length": put(b"Content-Length: -1\r\n"),
    "a length with a plus": put(b"Content-Length: +2\r\n", b"{}"),
    "a length in hexadecimal": put(b"Content-Length: 0x2\r\n", b"{}"),
    "an empty length": put(b"Content-Length: \r\n"),
    "bare LF after a chunk size": put(CHUNKED, b"2\n{}\r\n0\r\n\r\n"),
    "bare LF after a chunk extension": put(CHUNKED, b"2;a=b\n{}\r\n0\r\n\r\n"),
    "bare LF after a chunk": put(CHUNKED, b"2\r\n{}\n0\r\n\r\n"),
    "bare LF after the last chunk": put(CHUNKED, b"2\r\n{}\r\n0\n\r\n"),
    "a chunk size that is none": put(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with a sign": put(CHUNKED, b"+2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with 0x": put(CHUNKED, b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": put(CHUNKED, b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": put(CHUNKED, b"1\r\n{}\r\n0\r\n\r\n"),
    "obs-fold": put(b"X-Other: a\r\n b\r\n"),
    "obs-fold with a tab": put(b"X-Other: a\r\n\tb\r\n"),
    "a fold in the first field": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "a space before the colon": put(b"Content-Length : 0\r\n"),
    "a field without a colon": put(b"X-Other\r\n"),
    "a field without a name": put(b": x\r\n"),
    "a bare LF after a field": put(b"X-Other: a\nX-More: b\r\n"),
    "a bare CR in a field": put(b"X-Other: a\rb\r\n"),
    "an unknown transfer coding": put(b"Transfer-Encoding: gzip\r\n"),
    "a coding after chunked": put(b"Transfer-Encoding: chunked, gzip\r\n"),
    "chunked misspelt": put(b"Transfer-Encoding: xchunked\r\n"),
    "a vertical tab before chunked": put(b"Transfer-Encoding: \x0bchunked\r\n"),
    "chunks in HTTP/1.0": put(CHUNKED, b"2\r\n{}\r\n0\r\n\r\n",
                              b"PUT /sessions/new?tenantId=t HTTP/1.0"),
    "no host": b"PUT /sessions/new?tenantId=t HTTP/1.1\r\n\r\n",
    "two hosts": put(b"Host: y\r\n"),
} | {
    f"host {host!r}": b"PUT /sessions/new?tenantId=t HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    for host in (b"", b":80", b"x:80a", b"x:-1", b"x:80:80", b"u@x", b"x/", b"x?", b"a, b", b"::1", b"[::1", b"[::g]",
                 b"[::1]x", b"[127.0.0.1]", b"x%", b"x%4", b"x y", b"\xc3\xa9")
} | {
    f"target {target!r}": b"PUT http://" + target + b"/sessions/new?tenantId=t HTTP/1.1\r\nHost: x\r\n\r\n"
    for target in (b"", b":80", b"u:p@x", b"x:80a", b"[::g]", b"::1")
}

NOT_HTTP = {
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "words": b"HELLO\r\n\r\n",
    "an SMTP greeting": b"EHLO example.com\r\n\r\n",
    "zeros": bytes(200),
    "high bytes": b"\xff" * 200 + b"\r\n\r\n",
    "no version": b"GET /sessions/x?tenantId=t\r\n\r\n",
    "HTTP/2 prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/3.0": b"GET / HTTP/3.0\r\nHost: x\r\n\r\n",
    "http in lower case": b"GET / http/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": b"GET /sessions/a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character in the target": b"GET /sessions/\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method that is no token": b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": b"GET sessions/x HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture(autouse=True)
def the_server_goes_on(server, tenant):
    yield
    assert server.running()
    other = Client(server.address, tenant)
    check_session(other.create())
    other.close()


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_ambiguous_framing_is_refused_and_the_connection_closed(connect, data):
    connection = connect().send(data + SMUGGLED)
    check_error(connection.read(), 400, "BAD_REQUEST")
    assert connection.closed()


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_not_http_is_refused_and_the_connection_closed(connect, data):
    connection = connect().send(data)
    check_error(connection.read(), 400, "BAD_REQUEST")
    assert connection.closed()


@pytest.mark.parametrize("data", [b"\xff" * 200, b"\xff", b"G(", b"A" * 33], ids=repr)
def test_what_cannot_begin_a_request_is_refused_without_waiting_for_more(connect, data):
    connection = connect().send(data)
    check_error(connection.read(), 400, "BAD_REQUEST")
    assert connection.closed()


@pytest.mark.parametrize("data", [
    b" / HTTP/1.1\r\n\r\n", b" / HTTP/3.0\r\nHost: x\r\n\r\n", b"  / HTTP/1.1\r\nHost: x\r\n\r\n", b" /\r\n\r\n",
    b" / HTTP/1.1\nHost: x\r\n\r\n", b" / HTTP/1.1\r\nHost: u@x\r\n\r\n", b" / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
    b" / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n", b" / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    b" / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz", b" /" + b"x" * 20_000,
    b" / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", b" /slow",
], ids=lambda data: repr(data[:50]))
def test_no_answer_to_head_has_a_body(connect, data):
    connection = connect().send(b"HEAD" + data)
    response = connection.read(head=True)
    assert response.status in (400, 408, 413, 431) and int(response.field("Content-Length")) > 0
    assert connection.closed()  # without another byte


@pytest.mark.parametrize("data", [b"HELLO", b"GET /\xff"], ids=repr)
def test_what_never_becomes_a_line_does_not_hold_its_connection(connect, data):
    connection = connect().send(data)
    check_error(connection.read(), 408, "REQUEST_TIMEOUT")
    assert connection.closed()


def test_requests_before_the_bad_one_are_answered_and_none_after_it(connect, tenant):
    good = request_bytes("PUT", f"/sessions/new?tenantId={tenant}", {"gkc_agentId": "first"})
    connection = connect().send(good + good + AMBIGUOUS["two lengths"] + SMUGGLED)
    for _ in range(2):
        assert check_session(connection.read())["agentId"] == "first"
    check_error(connection.read(), 400, "BAD_REQUEST")
    assert connection.closed()


@pytest.mark.parametrize("data", [
    put(b"X-Long: " + b"x" * 20_000 + b"\r\n"),
    put(b"X-Many: 1\r\n" * 2000),
    put(b"", line=b"GET /sessions/" + b"x" * 20_000 + b"?tenantId=t HTTP/1.1"),
    b"GET /" + b"x" * 20_000,  # never ends
    put(b"Cookie: " + b"c" * 17_000),
], ids=["one long field", "many fields", "a long target", "no end of the line", "no end of the fields"])
def test_header_bytes_beyond_the_limit_are_431(connect, data):
    connection = connect().send(data)
    check_error(connection.read(), 431, "HEADERS_TOO_LARGE")
    assert connection.closed()


def test_header_bytes_within_the_limit_are_fine(connect):
    check_session(connect().send(put(b"X-Long: " + b"x" * 15_000 + b"\r\n")).read())


def test_the_limit_of_header_bytes_is_an_option(start_server, connect):
    server = start_server("http.max_header_bytes=2KiB")
    check_session(connect(server.address).send(put(b"X: " + b"x" * 1500 + b"\r\n")).read())
    response = connect(server.address).send(put(b"X: " + b"x" * 2500 + b"\r\n")).read()
    check_error(response, 431, "HEADERS_TOO_LARGE")


def test_the_limit_of_body_bytes_is_an_option(start_server, connect):
    server = start_server("http.max_body_bytes=1KiB")
    headers = b"Content-Type: application/json\r\nContent-Length: %d\r\n"
    data = put(headers % 1024, b"{}" + b" " * 1022)
    check_session(connect(server.address).send(data).read())
    response = connect(server.address).send(put(headers % 1025)).read()
    check_error(response, 413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("start", [
    b"", put(b"Content-Type: application/json\r\nContent-Length: 1000\r\n", b"{"),
    put(CHUNKED, b"2\r\n{}\r\n"),
], ids=["in the fields", "in the body", "in the chunks"])
def test_a_client_that_sends_a_byte_now_and_then_is_timed_out(connect, start):
    connection = connect()
    connection.send(start or b"PUT /sessions/new?tenantId=t HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    begin = time.monotonic()
    byte = b" " if b"Content-Length" in start else b"1"
    while not connection.readable(0.2):  # the pace of the slow client
        connection.send(byte)
        assert time.monotonic() - begin < 5, "the slow client is still being waited for"
    assert time.monotonic() - begin > 0.9, "timed out before its time"
    check_error(connection.read(), 408, "REQUEST_TIMEOUT")
    assert connection.closed()


def test_a_slow_client_does_not_delay_the_others(connect, server, tenant):
    slow = [connect().send(b"GET /sess") for _ in range(50)]
    other = Client(server.address, tenant)
    begin = time.monotonic()
    check_session(other.create())
    assert time.monotonic() - begin < 0.9  # none of the slow ones has timed out by now
    other.close()
    assert not slow[-1].readable()


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(server, tenant):
    for data in (b"", b"P", put(CHUNKED, b"2\r\n{"), SMUGGLED, SMUGGLED * 50):
        for _ in range(5):
            Connection(server.address).send(data).close()
    other = Client(server.address, tenant)
    check_session(other.create())
    other.close()
