"""HTTP/1.1 as clients and proxies use it: kept connections, pipelines, limits, the graceful end."""

import random
import signal
import socket
import time

import pytest

from harness.client import Client, Closed, Connection, request_bytes
from harness.processes import wait_for
from harness.server import DidNotStart
from harness.stores import embedded_only
from harness.wire import check_error, check_session


def target(tenant, session="new"):
    return f"/sessions/{session}?tenantId={tenant}"


def create_bytes(tenant, agent="a"):
    return request_bytes("PUT", target(tenant), {"gkc_agentId": agent})


def pipeline_of(tenant, count):
    """`count` creates of each form of body, and the agents they name in order."""
    parts = []
    for number in range(count):
        headers = [("gkc_agentId", f"agent-{number}"), ("Content-Type", "application/json")]
        if number % 3 == 0:
            parts.append(request_bytes("PUT", target(tenant), headers))
        elif number % 3 == 1:
            parts.append(request_bytes("PUT", target(tenant), headers, b'{"visitId":"v"}'))
        else:
            parts.append(request_bytes("POST", target(tenant, "x"),
                                       headers + [("Transfer-Encoding", "chunked")])
                         + b'5;ext=1\r\n{"vis\r\nA\r\nitId":"v"}\r\n0\r\n\r\n')
    return b"".join(parts)


def check_pipeline(connection, count):
    for number in range(count):
        info = check_session(connection.read())
        assert info["agentId"] == f"agent-{number}"
        assert info["visitId"] == (None if number % 3 == 0 else "v")
    assert not connection.readable(), "more answers than requests"


# Connections


def test_a_connection_is_kept_for_many_requests(connect, tenant):
    connection = connect()
    for number in range(100):
        response = connection.send(create_bytes(tenant, f"a{number}")).read()
        assert check_session(response)["agentId"] == f"a{number}"
        assert response.field("Connection") in (None, "keep-alive")


def test_twenty_pipelined_requests_in_one_segment_are_answered_in_order(connect, tenant):
    check_pipeline(connect().send(pipeline_of(tenant, 20)), 20)


@pytest.mark.parametrize("seed", range(4))
def test_pipelined_requests_in_odd_pieces_are_answered_in_order(connect, tenant, seed):
    chance = random.Random(seed)
    data = pipeline_of(tenant, 20)
    cuts = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(120))})
    connection = connect()
    for begin, end in zip(cuts, cuts[1:]):
        connection.send(data[begin:end])
        if chance.random() < 0.5:
            time.sleep(0.001)  # makes it a segment of its own
    check_pipeline(connection, 20)


def test_one_request_byte_by_byte(connect, tenant):
    connection = connect()
    for byte in pipeline_of(tenant, 3):
        connection.send(bytes([byte]))
    check_pipeline(connection, 3)


def test_a_long_pipeline_that_is_read_late_is_answered_whole(connect, tenant):
    connection = connect()
    count = 2000
    connection.socket.settimeout(20)
    for _ in range(count // 100):
        connection.send(create_bytes(tenant) * 100)
    for _ in range(count):
        check_session(connection.read())


def test_errors_of_the_application_keep_the_connection(connect, tenant):
    connection = connect()
    connection.send(request_bytes("GET", "/nope") + create_bytes(tenant)
                    + request_bytes("PUT", "/sessions/new", [("Content-Type", "text/plain")], b"{}")
                    + create_bytes(tenant))
    check_error(connection.read(), 404, "ROUTE_NOT_FOUND")
    check_session(connection.read())
    assert connection.read().status in (400, 415)
    check_session(connection.read())


def test_connection_close_is_honoured(connect, tenant):
    request = request_bytes("PUT", target(tenant), {"Connection": "close"})
    connection = connect().send(request + create_bytes(tenant))
    response = connection.read()
    check_session(response)
    assert response.field("Connection") == "close"
    assert connection.closed()


@pytest.mark.parametrize("first, second", [("close", "keep-alive"), ("keep-alive", "close"), ("x", "close;timeout=5")])
def test_close_is_honoured_in_any_connection_field(connect, tenant, first, second):
    request = request_bytes("PUT", target(tenant), [("Connection", first), ("Connection", second)])
    connection = connect().send(request + create_bytes(tenant))
    check_session(connection.read())
    assert connection.closed()


@pytest.mark.parametrize("value", ["keep-alive;timeout=5", 'x;a="b, c"', '"x y"', "", ";", "a b"])
def test_any_other_connection_field_keeps_the_connection(connect, tenant, value):
    connection = connect()
    for _ in range(2):
        check_session(connection.send(request_bytes("PUT", target(tenant), {"Connection": value})).read())


def test_an_empty_line_before_a_request_is_skipped(connect, tenant):
    connection = connect().send(create_bytes(tenant) + b"\r\n" + create_bytes(tenant))
    check_session(connection.read())
    check_session(connection.read())  # RFC 9112 2.2


def test_empty_lines_after_bodies_are_no_reason_to_close(connect, tenant):
    connection = connect()
    for _ in range(12):  # more than the empty lines that one request may have before it
        connection.send(request_bytes("PUT", target(tenant), [("Content-Type", "application/json")], b"{}") + b"\r\n")
        check_session(connection.read())


def test_http_1_0_is_answered_and_closed(connect, tenant):
    connection = connect().send(f"PUT {target(tenant)} HTTP/1.0\r\ngkc-agentId: a\r\n\r\n".encode())
    assert check_session(connection.read())["agentId"] == "a"
    assert connection.closed()


def test_http_1_0_with_a_body(connect, tenant):
    connection = connect().send(
        f"PUT {target(tenant)} HTTP/1.0\r\nContent-Type: application/json\r\n"
        'Content-Length: 15\r\n\r\n{"visitId":"v"}'.encode())
    assert check_session(connection.read())["visitId"] == "v"
    assert connection.closed()


def test_a_half_closed_client_still_gets_its_answers(connect, tenant):
    connection = connect().send(create_bytes(tenant) * 3)
    connection.socket.shutdown(socket.SHUT_WR)
    for _ in range(3):
        check_session(connection.read())
    assert connection.closed()


def test_an_idle_connection_is_closed_without_a_word(start_server, tenant):
    server = start_server("http.idle_timeout=300ms")
    with Connection(server.address) as connection:
        check_session(connection.send(create_bytes(tenant)).read())
        begin = time.monotonic()
        assert connection.closed()
        assert time.monotonic() - begin > 0.2


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"\r", b"\r\n\r\n\r"], ids=repr)
def test_a_connection_without_a_request_is_closed_without_a_word(start_server, begun):
    server = start_server("http.idle_timeout=700ms", "http.header_timeout=100ms")
    with Connection(server.address) as connection:
        begin = time.monotonic()
        assert connection.send(begun).closed()
        assert time.monotonic() - begin > 0.5, "it was timed out like a request"


def test_a_request_that_began_is_timed_out_as_such(start_server):
    server = start_server("http.idle_timeout=1h", "http.header_timeout=100ms")
    with Connection(server.address) as connection:
        check_error(connection.send(b"\r\nG").read(), 408, "REQUEST_TIMEOUT")
        assert connection.closed()


# Forms of a request


def test_options_of_the_server_say_what_it_can(connect, tenant):
    connection = connect().send(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + create_bytes(tenant))
    response = connection.read()
    assert (response.status, response.body) == (204, b"")
    assert set(response.field("Allow").split(", ")) == {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"}
    check_session(connection.read())


@pytest.mark.parametrize("host", ["x:443", "[::1]:80", "127.0.0.1:9092"])
def test_connect_is_refused_with_what_is_allowed(connect, host):
    connection = connect().send(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n\x16\x03\x01".encode())
    response = connection.read()
    assert "proxy" in check_error(response, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in response.field("Allow") and "CONNECT" not in response.field("Allow")
    assert connection.closed()  # what follows is meant for a tunnel


@pytest.mark.parametrize("host", ["x", "sojourn.example:9092", "x:", "127.0.0.1:80", "[::1]:9092", "[2001:db8::1]",
                                  "xn--bcher-kva.example", "a%20b", "_x~!$&'()*+;="])
def test_a_host_may_be_any_that_a_uri_may_have(connect, tenant, host):
    check_session(connect().send(f"PUT {target(tenant)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).read())


def test_the_host_of_an_absolute_target_wins(connect, tenant):
    line = f"PUT http://sojourn.test{target(tenant)} HTTP/1.1\r\nHost: other.test:1\r\n\r\n"
    check_session(connect().send(line.encode()).read())


def test_the_absolute_form_of_a_target(connect, tenant):
    line = f"PUT http://sojourn.test:80{target(tenant)} HTTP/1.1\r\nHost: sojourn.test\r\n\r\n"
    assert check_session(connect().send(line.encode()).read())["tenantId"] == tenant


def test_field_names_have_no_case_and_values_need_no_space(connect, tenant):
    data = (f"PUT {target(tenant)} HTTP/1.1\r\nhOST:x\r\nCONTENT-TYPE:application/json\r\n"
            'content-LENGTH:15\r\nGKC-agentid:a\r\n\r\n{"visitId":"v"}').encode()
    info = check_session(connect().send(data).read())
    assert (info["agentId"], info["visitId"]) == ("a", "v")


@pytest.mark.parametrize("chunks", [
    b'f\r\n{"visitId":"v"}\r\n0\r\n\r\n',
    b'F\r\n{"visitId":"v"}\r\n0\r\n\r\n',
    b'00f;a=b;c="d"\r\n{"visitId":"v"}\r\n000\r\n\r\n',
    b'1\r\n{\r\nd\r\n"visitId":"v"\r\n1\r\n}\r\n0\r\n\r\n',
    b'f\r\n{"visitId":"v"}\r\n0\r\nX-Trailer: x\r\ngkc_agentId: late\r\n\r\n',
], ids=range(5))
def test_a_chunked_body_works_like_any_other(connect, tenant, chunks):
    head = request_bytes("PUT", target(tenant), [("Content-Type", "application/json"),
                                                 ("Transfer-Encoding", "chunked")])
    connection = connect().send(head + chunks + create_bytes(tenant, "next"))
    info = check_session(connection.read())
    assert info["visitId"] == "v"
    assert info["agentId"] is None  # a trailer is no header
    assert check_session(connection.read())["agentId"] == "next"


def test_an_empty_chunked_body_is_an_empty_body(connect, tenant):
    head = request_bytes("PUT", target(tenant), [("Transfer-Encoding", "chunked")])
    check_session(connect().send(head + b"0\r\n\r\n").read())


@pytest.mark.parametrize("framing, body", [
    (("Content-Length", "15"), b'{"visitId":"v"}'),
    (("Transfer-Encoding", "chunked"), b'f\r\n{"visitId":"v"}\r\n0\r\n\r\n'),
])
def test_expect_100_continue_is_answered_before_the_body(connect, tenant, framing, body):
    head = request_bytes("PUT", target(tenant), [("Content-Type", "application/json"),
                                                 ("Expect", "100-continue"), framing])
    connection = connect().send(head)
    assert connection.read().status == 100
    assert check_session(connection.send(body).read())["visitId"] == "v"
    check_session(connection.send(create_bytes(tenant)).read())


@pytest.mark.parametrize("expect", [["100-continue, x"], ["x", "100-Continue"], ['a="b, c", 100-continue;q=1']])
def test_expect_100_continue_is_found_among_others(connect, tenant, expect):
    head = request_bytes("PUT", target(tenant), [("Content-Type", "application/json"), ("Content-Length", "15"),
                                                 *(("Expect", value) for value in expect)])
    connection = connect().send(head)
    assert connection.read().status == 100
    assert check_session(connection.send(b'{"visitId":"v"}').read())["visitId"] == "v"


def test_expect_100_continue_of_too_large_a_body_is_refused_at_once(connect, tenant):
    head = request_bytes("PUT", target(tenant), [("Content-Type", "application/json"),
                                                 ("Expect", "100-continue"),
                                                 ("Content-Length", "70000")])
    check_error(connect().send(head).read(), 413, "BODY_TOO_LARGE")


def test_a_get_with_a_body_keeps_the_connection_in_step(connect, tenant):
    made = check_session(connect().send(create_bytes(tenant)).read())
    get = request_bytes("GET", target(tenant, made["sessionId"]),
                        [("Content-Type", "application/json")], b'{"visitId":"ignored"}')
    connection = connect().send(get + create_bytes(tenant, "next"))
    assert check_session(connection.read())["visitId"] is None
    assert check_session(connection.read())["agentId"] == "next"


# Limits


def test_one_connection_too_many_is_told_so(start_server, tenant):
    server = start_server("http.max_connections=4", "http.threads=2")
    held = [Connection(server.address) for _ in range(4)]
    for connection in held:
        check_session(connection.send(create_bytes(tenant)).read())
    with Connection(server.address) as silent:  # waits for its request before it is told
        assert not silent.readable(0.1)
        assert silent.closed()
    for method in ("PUT", "HEAD") * 40:  # more than are told so at once
        with Connection(server.address) as extra:
            response = extra.send(request_bytes(method, target(tenant))).read(head=method == "HEAD")
            assert response.status == 503
            if method == "PUT":
                check_error(response, 503, "OVERLOADED")
            assert extra.closed()
    for connection in held:  # those inside are served on
        check_session(connection.send(create_bytes(tenant)).read())
    held.pop().close()

    def served():
        with Connection(server.address) as one:
            return one.send(create_bytes(tenant)).read().status == 200

    wait_for(served, "a place became free")
    for connection in held:
        connection.close()


# The end


def refused(address):
    try:
        Connection(address, seconds=2).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_finished_before_the_end(start_server, tenant, how):
    server = start_server()
    idle = Connection(server.address)
    check_session(idle.send(create_bytes(tenant)).read())
    head = request_bytes("PUT", target(tenant), [("Content-Type", "application/json"),
                                                 ("Expect", "100-continue"),
                                                 ("Content-Length", "15")])
    flying = Connection(server.address).send(head)
    assert flying.read().status == 100  # the server is in the middle of this request
    flying.send(b'{"visit')
    server.process.send_signal(how)
    wait_for(lambda: refused(server.address), "no new connections")
    assert idle.closed()
    response = flying.send(b'Id":"v"}').read()
    info = check_session(response)
    assert info["visitId"] == "v"
    assert response.field("Connection") == "close"
    assert flying.closed()
    server.await_exit(seconds=5)

    client = Client(start_server(data=server.data).address, tenant)
    assert check_session(client.get(info["sessionId"]))["visitId"] == "v"
    client.close()
    idle.close()
    flying.close()


def test_a_request_that_never_ends_does_not_hold_up_the_end(start_server, tenant):
    server = start_server("http.drain_timeout=500ms")
    with Connection(server.address) as hanging:
        hanging.send(request_bytes("PUT", target(tenant), {"Expect": "100-continue",
                                                           "Content-Length": "15"}))
        assert hanging.read().status == 100
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.await_exit(seconds=4)
        assert time.monotonic() - begin > 0.4, "it was not given its time"
        try:
            assert hanging.read().status in (408, 503)  # if it is told anything, then this
        except (Closed, ConnectionResetError):
            pass


def test_the_port_and_the_data_are_free_after_the_end(start_server, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    made = check_session(client.create())
    server.stop()
    client.close()
    again = start_server(data=server.data, listen="%s:%d" % server.address)
    assert again.address == server.address
    client = Client(again.address, tenant)
    assert check_session(client.get(made["sessionId"]))["isNew"] is False
    client.close()


def test_a_second_server_on_the_same_port_says_so(start_server):
    server = start_server()
    with pytest.raises(DidNotStart) as failure:
        start_server(listen="%s:%d" % server.address)
    assert failure.value.code not in (0, None) and failure.value.code > 0
    assert failure.value.stdout == ""
    assert "%s:%d" % server.address in failure.value.stderr


@embedded_only
def test_a_second_server_on_the_same_data_says_so(start_server, tenant):
    server = start_server()
    with pytest.raises(DidNotStart) as failure:
        start_server(data=server.data)
    assert failure.value.code > 0
    assert failure.value.stdout == ""
    assert str(server.data) in failure.value.stderr
    client = Client(server.address, tenant)
    check_session(client.create())  # the first one is not disturbed
    client.close()
