"""Clients that do not read, and one that holds many connections. What holds for every kind of answer:
src/http/slow_clients_test.cc."""

import contextlib

import pytest

from harness.client import Client, Connection, request_bytes
from harness.events import check_events
from harness.metrics import metrics
from harness.processes import wait_for
from harness.server import SANITIZED
from harness.wire import check_error, check_session

PAGE = "/events?limit=100"
measures_memory = pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps memory that was freed")


def slow(server):
    return Connection(server.address, receive_buffer=16384)


@pytest.fixture
def full_log(tenant):
    """full_log(server) makes a page of events that is most of a MiB."""
    def make(server):
        with contextlib.closing(Client(server.address, tenant)) as client:
            for number in range(100):
                check_session(client.create(body={"attributes": {"a": "x" * 7000}}))
            return len(client.events(limit=100).body)
    return make


def page_request(tenant):
    return request_bytes("GET", f"{PAGE}&tenantId={tenant}")


def public(server, name, **labels):
    return metrics(server).sum(name, listener="public", **labels)


def test_pages_that_nobody_reads_have_a_budget(start_server, tenant, full_log):
    server = start_server("http.max_unsent_bytes=1MiB", "http.header_timeout=1h")
    page = full_log(server)
    assert public(server, "sojourn_unsent_max_bytes") == 1 << 20
    first = slow(server).send(page_request(tenant))
    wait_for(lambda: public(server, "sojourn_unsent_bytes") >= page, "the page waits")

    with Connection(server.address) as extra:
        refused = extra.send(page_request(tenant) * 2).read()
        check_error(refused, 503, "OVERLOADED")
        assert refused.field("Retry-After") == "1"
        assert extra.closed()
    with Connection(server.address) as second:  # all else goes on
        made = check_session(second.send(request_bytes("PUT", f"/sessions/new?tenantId={tenant}")).read())
        with contextlib.closing(Client(server.address, tenant)) as other:
            check_session(other.get(made["sessionId"]))
        assert Client(server.admin_address).request("GET", "/healthz").status == 200
        assert public(server, "sojourn_unsent_refusals_total") == 1
        assert metrics(server).sum("sojourn_refusals_total", code="OVERLOADED") == 1

        whole = first.read()  # who waited gets the whole
        assert len(check_events(whole, tenant)[0]) == 100
        first.close()
        wait_for(lambda: public(server, "sojourn_unsent_bytes") == 0, "its memory is free")
        check_events(second.send(page_request(tenant)).read(), tenant)


def memory_of(server):
    """Bytes of a server's own memory, without the store's map."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))


@measures_memory
def test_many_who_do_not_read_cost_little(start_server, tenant, full_log):
    server = start_server("http.max_unsent_bytes=4MiB", "http.header_timeout=1h")
    page = full_log(server)
    before = memory_of(server)
    crowd = [slow(server).send(page_request(tenant) * 50) for _ in range(100)]
    wait_for(lambda: public(server, "sojourn_unsent_refusals_total") >= 90, "they were all answered")
    grown = memory_of(server) - before
    print(f"100 clients that do not read 50 pages of {page} bytes each: {grown >> 10} KiB")
    assert public(server, "sojourn_unsent_bytes") <= (4 << 20) + 100 * (128 << 10)
    assert grown < 32 << 20
    for connection in crowd:
        connection.close()
    wait_for(lambda: public(server, "sojourn_unsent_bytes") == 0, "nothing waits any longer")


@measures_memory
def test_an_idle_connection_keeps_no_page(start_server, tenant, full_log):
    """A client that read a page, and keeps the connection, costs no more than any other."""
    server = start_server("http.threads=1")
    full_log(server)
    crowd = []
    before = None
    for number in range(60):
        crowd.append(Connection(server.address))
        check_events(crowd[-1].send(page_request(tenant)).read(), tenant)
        if number == 9:
            before = memory_of(server)
    assert memory_of(server) - before < 16 << 20
    for connection in crowd:
        connection.close()


@pytest.mark.parametrize("limit", [5, 100], ids=["in the kernel", "in the server"])
def test_an_answer_that_is_not_read_is_not_held_for_the_idle_time(start_server, tenant, full_log, limit):
    server = start_server("http.header_timeout=500ms", "http.idle_timeout=1h")
    full_log(server)
    with slow(server) as connection:
        connection.send(request_bytes("GET", f"/events?limit={limit}&tenantId={tenant}"))
        wait_for(lambda: public(server, "sojourn_connections_stalled_total") == 1, "it is given up")
        wait_for(lambda: public(server, "sojourn_connections") == 0, "it is closed")


def test_one_client_may_hold_so_many_connections(start_server, tenant):
    server = start_server("http.max_connections_per_client=2", "http.threads=2")
    held = [Connection(server.address) for _ in range(2)]
    create = request_bytes("PUT", f"/sessions/new?tenantId={tenant}")
    for connection in held:
        check_session(connection.send(create).read())
    for _ in range(3):
        with Connection(server.address) as extra:
            check_error(extra.send(create).read(), 503, "OVERLOADED")
            assert extra.closed()
    with Connection(server.address, source="127.0.0.2") as other:
        check_session(other.send(create).read())
    reasons = {reason: public(server, "sojourn_connections_turned_away_total", reason=reason)
               for reason in ("max_connections", "max_connections_per_client")}
    assert reasons == {"max_connections": 0, "max_connections_per_client": 3}
    # Health is another listener's, and has no such limit.
    watchers = [Connection(server.admin_address) for _ in range(5)]
    for watcher in watchers:
        assert watcher.send(request_bytes("GET", "/healthz")).read().status == 200
    held.pop().close()

    def served():
        with Connection(server.address) as one:
            return one.send(create).read().status == 200
    wait_for(served, "a place became free")
    for connection in held + watchers:
        connection.close()


def test_a_trusted_proxy_is_not_one_client(start_server, tenant):
    server = start_server("http.max_connections_per_client=1", 'http.trusted_proxies=["127.0.0.1"]')
    create = request_bytes("PUT", f"/sessions/new?tenantId={tenant}", [("X-Forwarded-For", "192.0.2.1")])
    held = [Connection(server.address) for _ in range(3)]
    for connection in held:
        check_session(connection.send(create).read())
        check_session(connection.send(create).read())
    for connection in held:
        connection.close()
