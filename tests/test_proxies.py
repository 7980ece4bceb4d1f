"""Behind nginx and HAProxy with the configurations of packaging/, and TLS to the outside: what
applications say arrives, nothing is lost, repeated or changed on the way. Browsers:
test_proxy_browsers.py."""

import contextlib
import re
import ssl
import subprocess
import threading

import pytest

from harness.certificates import tls_settings
from harness.client import Client, Closed, Connection, request_bytes
from harness.events import Stream
from harness.nginx import free_port
from harness.processes import wait_for
from harness.proxies import KINDS, Mute, create, replaced, session_of
from harness.server import REPOSITORY, Server
from harness.wire import check_error, check_session, without_access

@pytest.fixture(scope="module", params=KINDS)
def proxy(request, server, in_front):
    """Each proxy in turn before the shared server."""
    return in_front(request.param, server)


@pytest.fixture
def through(proxy, tenant, tls):
    """A client of the applications' site."""
    client = Client(proxy.applications, tenant, tls=tls)
    yield client
    client.close()


# For applications: what they say arrives


@pytest.mark.parametrize("names", [("gkc_customerId", "gkc_agentId"), ("gkc-customerId", "gkc-agentId"),
                                   ("GKC_CUSTOMERID", "Gkc-AgentId")])
def test_both_spellings_of_the_identity_arrive(through, names):
    info = create(through, {names[0]: "Bøb", names[1]: "a"}, {"visitId": "v"})
    assert (info["customerId"], info["agentId"], info["visitId"]) == ("Bøb", "a", "v")


def test_all_operations_work(through, client):
    made = create(through)
    for number in range(20):
        changed = session_of(through.associate(made["sessionId"], {"gkc_agentId": f"a{number}"}))
        got = session_of(through.get(made["sessionId"]))
        assert changed["agentId"] == f"a{number}" and without_access(got) == without_access(changed)
    assert through.get(made["sessionId"], {"If-None-Match": '"21"'}).status == 304
    assert through.associate(made["sessionId"], {"If-Match": '"3"'}).status == 412
    assert through.head(made["sessionId"]).status == 200
    assert through.head("x").status == 404
    assert through.list().json()["response"]["sessions"][0]["sessionId"] == made["sessionId"]
    assert session_of(through.end(made["sessionId"]))["sessionId"] == made["sessionId"]
    check_error(client.end(made["sessionId"]), 404, "SESSION_NOT_FOUND")


def test_an_idempotency_key_arrives(through):
    first, again = (create(through, {"Idempotency-Key": "k"}) for _ in range(2))
    assert first["sessionId"] == again["sessionId"]


def test_the_first_generation_of_clients_may_go_on(proxy, tenant, tls):
    client = Client(proxy.applications, tenant, "/gks-server/v1", tls)
    made = create(client, {"Idempotency-Key": "k", "gkc_customerId": "bob"})
    assert session_of(client.get(made["sessionId"]))["customerId"] == "bob"
    with Stream(proxy.applications, tenant, tls=tls) as stream:
        assert stream.take(1)[0]["subject"] == made["sessionId"]
    client.close()


def test_http_2_to_the_outside(proxy, authority, tenant):
    answer = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", authority.path, "-w", "\n%{http_version}", "-X", "PUT",
         "-H", "gkc_customerId: bob", "-H", "Idempotency-Key: k",
         "https://localhost:%d/sessions/new?tenantId=%s" % (proxy.applications[1], tenant)],
        capture_output=True, text=True, timeout=20, check=True).stdout
    assert '"customerId":"bob"' in answer and answer.endswith("\n2"), answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_address_of_the_client_arrives_and_is_not_what_it_says_itself(kind, start_server, in_front,
                                                                          authority):
    node = start_server('http.trusted_proxies=["127.0.0.1"]', "limits.client_requests=1/h burst 1")
    proxy = in_front(kind, node)

    def ask(address):
        return subprocess.run(
            ["curl", "-sS", "--interface", address, "--cacert", authority.path, "-o", "/dev/null",
             "-w", "%{http_code}", "-H", "X-Forwarded-For: 192.0.2.1", "-H", "Forwarded: for=192.0.2.1",
             "https://localhost:%d/sessions?tenantId=1" % proxy.applications[1]],
            capture_output=True, text=True, timeout=20, check=True).stdout
    assert [ask(f"127.0.0.{last}") for last in (2, 2, 3, 3)] == ["200", "429", "200", "429"]


@pytest.mark.parametrize("method, path, status, code", [
    ("PUT", "/sessions/x", 405, "METHOD_NOT_ALLOWED"), ("GET", "/nowhere", 404, "ROUTE_NOT_FOUND"),
    ("GET", "/sessions?limit=x", 400, ("INVALID_PARAMETER", "TENANT_ID_REQUIRED"))])
def test_errors_pass_unchanged(through, client, method, path, status, code):
    here, there = client.request(method, path), through.request(method, path)
    check_error(here, status, code)
    assert (there.status, there.body) == (here.status, here.body)
    for name in ("Content-Type", "Allow", "Cache-Control"):
        assert there.field(name) == here.field(name)


def test_a_large_body_arrives_and_a_larger_one_is_refused_by_sojourn(through):
    body = {"visitId": "v", "ignored": "x" * 60_000}
    assert create(through, body=body)["visitId"] == "v"
    response = through.create(body=body | {"ignored": "x" * 200_000})
    assert response.status == 413 and response.json()["code"] == "BODY_TOO_LARGE"


def test_connections_to_sojourn_are_kept(proxy, server, through):
    before = sockets_with(server.address[1])
    made = create(through)
    for _ in range(100):
        session_of(through.get(made["sessionId"]))
    assert sockets_with(server.address[1]) - before < 20


def sockets_with(port):
    """The kernel's TCP sockets with this port at either end, those that wait after their end too."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(address.endswith(f":{port:04X}") for row in rows for address in row[1:3])


def test_events_are_streamed_one_by_one_and_resumed(proxy, client, tenant, tls):
    with Stream(proxy.applications, tenant, tls=tls) as stream:
        for _ in range(5):  # each arrives before there is another
            made = create(client)["sessionId"]
            last = stream.take(1)[0]
            assert last["subject"] == made
    missed = [create(client)["sessionId"] for _ in range(3)]
    with Stream(proxy.applications, tenant, after=last["id"], tls=tls) as stream:
        assert [event["subject"] for event in stream.take(3)] == missed


def test_a_quiet_stream_stays_open(proxy, tenant, tls):
    with Stream(proxy.applications, tenant, tls=tls) as stream:
        lines = stream.block(seconds=25)
        assert lines and all(line.startswith(":") for line in lines)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(proxy, authority, version):
    for address in (proxy.applications, proxy.browsers):
        with Connection(address, tls=authority.client(version=version)) as connection:
            assert connection.socket.version() == version.name.replace("_", ".")


def test_older_versions_are_not(proxy):
    for address in (proxy.applications, proxy.browsers):
        said = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % address, "-tls1_1",
                               "-cipher", "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False)
        assert "alert protocol version" in said.stdout + said.stderr


# What may have been done is not done again


@pytest.fixture(params=KINDS)
def before_the_mute(request, in_front, tls):
    with Mute() as one, Mute() as other:
        client = Client(in_front(request.param, one, other).applications, "1", tls=tls)
        yield client, lambda: one.requests + other.requests
        client.close()


@pytest.mark.parametrize("method, session, headers, repeated", [
    ("PUT", "new", {}, False), ("PUT", "new", {"Idempotency-Key": "k"}, True),
    ("POST", "x", {}, False), ("POST", "x", {"Idempotency-Key": "k"}, False), ("GET", "x", {}, True)])
def test_only_what_does_no_harm_is_repeated(before_the_mute, method, session, headers, repeated):
    client, requests = before_the_mute
    assert client.call(method, session, headers).status == 502
    assert {one.method for one in requests()} == {method}
    assert (len(requests()) > 1) is repeated, requests()


# Nodes that come and go


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_is_away_is_passed_over(in_front, start_server, tenant, tls, kind):
    away, there = start_server(), start_server()
    proxy = in_front(kind, away, there)
    away.kill()
    for number in range(6):
        client = Client(proxy.applications, tenant, tls=tls)
        made = create(client, {"Idempotency-Key": f"k{number}"})
        assert session_of(client.associate(made["sessionId"], {"gkc_agentId": "a"}))["isNew"] is False
        assert session_of(client.end(made["sessionId"]))["agentId"] == "a"
        if kind == "haproxy":  # nginx cannot tell whether a node was reached
            create(client)
        client.close()


def test_haproxy_takes_a_draining_node_out(in_front, start_server, tenant, tls):
    leaving, staying = start_server(), start_server()
    proxy = in_front("haproxy", leaving, staying)
    client = Client(proxy.applications, tenant, tls=tls)
    slow = Client(leaving.address, tenant)
    # A request that is under way keeps the node draining: its body comes later.
    whole = request_bytes("PUT", client.target(), {"Content-Type": "application/json"}, b"{ }")
    with Connection(leaving.address) as connection:
        connection.send(whole[:-1])
        create(slow)  # what was sent before is being read
        leaving.process.terminate()
        wait_for(lambda: re.search(r"sojourn/node1 is DOWN.*code: 503", proxy.log()), "node1 is out")
        made = [create(client)["sessionId"] for _ in range(20)]
        connection.send(whole[-1:])
        check_session(connection.read())
    leaving.await_exit()
    direct = Client(staying.address, tenant)
    listed = {info["sessionId"] for info in direct.list().json()["response"]["sessions"]}
    assert set(made) <= listed
    for one in (client, slow, direct):
        one.close()


def again_when_closed(ask):
    """What HTTP clients do when a kept connection is closed instead of an answer, for requests that
    may be repeated (RFC 9110 section 9.2.2). HAProxy passes this on when a node's connection breaks."""
    for _ in range(3):
        try:
            return ask()
        except (Closed, ConnectionError):
            pass
    return ask()


def test_a_restart_behind_haproxy_loses_no_idempotent_request(in_front, tmp_path, tenant, tls):
    ports = free_port(), free_port()
    node = Server(tmp_path / "data", listen=f"127.0.0.1:{ports[0]}", admin_listen=f"127.0.0.1:{ports[1]}")
    with node:
        proxy = in_front("haproxy", node)
        failures, sessions, over = [], [], threading.Event()

        def work(number):
            client, count = Client(proxy.applications, tenant, tls=tls), 0
            try:
                while not over.is_set():
                    count += 1
                    key = {"Idempotency-Key": f"{number}-{count}"}
                    made = session_of(again_when_closed(lambda: client.create(key)))
                    got = session_of(again_when_closed(lambda: client.get(made["sessionId"])))
                    assert got["isNew"] is False
                    sessions.append(made["sessionId"])
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)
            client.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = len(sessions)
            wait_for(lambda: failures or len(sessions) > before + 50, "sessions are made")
            node.stop()
            node.start()
        before = len(sessions)
        wait_for(lambda: failures or len(sessions) > before + 50, "sessions are made")
        over.set()
        for thread in threads:
            thread.join(30)
        assert not failures and len(set(sessions)) == len(sessions)


# TLS to Sojourn, as the manual has it


def documented_lines(language):
    """The only block of this language in the manual."""
    text = (REPOSITORY / "docs/operating/behind-a-proxy.md").read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return found[0]


def with_tls_to_sojourn(kind, authority):
    if kind == "nginx":
        lines = replaced(documented_lines("nginx"), [("/etc/ssl/sojourn/ca.pem", authority.path)])
        return [("http://sojourn;", "https://sojourn;"), ("    listen ", lines + "    listen ")]
    lines = replaced(documented_lines("haproxy"), [("/etc/haproxy/sojourn-ca.pem", authority.path)])
    return [("    server node1", f"    {lines}    server node1")]


@pytest.mark.parametrize("kind", KINDS)
def test_tls_to_sojourn_and_only_to_the_right_one(in_front, start_server, authority, tenant, tls, kind):
    right, wrong = (start_server(*tls_settings(certificate), *tls_settings(certificate, listener="admin"))
                    for certificate in (authority.issue("node", "sojourn.internal"),
                                        authority.issue("other", "other.internal")))
    changes = with_tls_to_sojourn(kind, authority)
    with contextlib.closing(Client(in_front(kind, right, changes=changes).applications, tenant, tls=tls)) \
            as client:
        made = create(client, {"gkc_customerId": "bob"})
        assert session_of(client.get(made["sessionId"]))["customerId"] == "bob"
    with contextlib.closing(Client(in_front(kind, wrong, changes=changes).applications, tenant, tls=tls)) \
            as client:
        assert client.create().status in (502, 503)


# Each important line is needed


def test_without_its_line_nginx_drops_the_underscores(in_front, server, tenant, tls):
    proxy = in_front("nginx", server, changes=[("underscores_in_headers on;", "")])
    client = Client(proxy.applications, tenant, tls=tls)
    info = create(client, {"gkc_customerId": "bob", "gkc-agentId": "a"})
    assert (info["customerId"], info["agentId"]) == (None, "a")
    client.close()
