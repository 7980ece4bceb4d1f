"""No log of the proxies has a session id whole, however a request spells its path and whatever goes
wrong: it is the secret by which a visitor is known."""

import contextlib

import pytest

from harness.client import Client, Closed, Connection, request_bytes
from harness.processes import wait_for
from harness.proxies import KINDS, Application, Provider, create
from harness.server import Server

SPELLINGS = [
    "/sessions/ID", "/%73essions/ID", "/%2573essions/ID", "/sessions%2fID", "/sessions/%ID", "//sessions/ID",
    "/./sessions/ID", "/x/../sessions/ID", "/sessions//ID", "/sessions/./ID", "/sessions/ID/", "/sessions/ID%0a",
    "/sessions/ID/rotate", "/sessions/ID;x", "/sessions;ID", "/SESSIONS/ID", "/Sessions/ID", "/sessions/ID?x=1",
    "/sessions?id=ID", "/sessions/new?id=ID", "/sessions/x?ID", "/gks-server/v1/sessions/ID",
    "/gks-server/v1/%73essions/ID", "/gks-server/v1//sessions/ID", "/GKS-SERVER/v1/sessions/ID", "/events/ID",
    "/sessions/xID", "/sessions/new/ID", "/ID", "/sessions/ID ID", "http://localhost/sessions/ID",
    "http://ID/sessions/x", "/sessions/ID%", "/sessions/ID%00", "/sessions/\xff/ID", "*/sessions/ID", "ID"]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("node") / "data") as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def proxy(request, node, in_front, tmp_path_factory):
    with Application() as application:
        provider = Provider(tmp_path_factory.mktemp("provider"))
        yield in_front(request.param, node, application=application, provider=provider)


def ask(address, tls, target, session, method="GET"):
    headers = [("Referer", f"https://www.example.com/{session}"), ("Cookie", f"session={session}"),
               ("User-Agent", session), ("X-Request-Id", session)]
    with Connection(address, tls=tls) as connection:
        connection.send(request_bytes(method, target.replace("ID", session), headers))
        with contextlib.suppress(Closed, ConnectionError):
            return connection.read().status


def all_logged(proxy):
    return proxy.log() + proxy.said()


def test_no_session_id_is_in_a_log_however_it_is_spelled(proxy, node, tls):
    with contextlib.closing(Client(proxy.applications, "1", tls=tls)) as client:
        session = create(client)["sessionId"]
    lower = session.lower()
    escaped = "".join(f"%{ord(letter):02x}" for letter in session)
    for address in (proxy.applications, proxy.browsers):
        for target in SPELLINGS:
            ask(address, tls, target, session)
        ask(address, tls, "/sessions/ID", lower)
        ask(address, tls, "/sessions/ID", escaped)
        ask(address, tls, "/sessions/ID", session, method=session)
    with contextlib.closing(Client(proxy.applications, "last", tls=tls)) as client:
        client.list(customerId="bob@example.com")
    wait_for(lambda: '"/sessions"' in proxy.log(), "logged")
    for secret in (session[10:], lower[10:], escaped[30:], escaped[30:].upper(), "bob"):
        assert secret not in all_logged(proxy), [line for line in all_logged(proxy).splitlines() if secret in line]
    # Where a path is one of the API's, operators find it by the part that is time.
    assert f'"/sessions/{session[:10]}..."' in proxy.log()
    assert f'"/gks-server/v1/sessions/{session[:10]}..."' in proxy.log()


@pytest.mark.parametrize("kind", KINDS)
def test_nor_when_sojourn_cannot_be_reached_or_a_request_is_too_large(kind, in_front, start_server, tls,
                                                                     tmp_path):
    away = start_server()
    with Application() as application:
        proxy = in_front(kind, away, application=application, provider=Provider(tmp_path))
        with contextlib.closing(Client(proxy.applications, "1", tls=tls)) as client:
            session = create(client)["sessionId"]
        away.kill()
        for address in (proxy.applications, proxy.browsers):
            assert ask(address, tls, "/sessions/ID", session) in (502, 503)
            ask(address, tls, "/sessions/ID?" + "x" * 20_000, session)
            large = request_bytes("POST", f"/sessions/{session}", body=b"x" * 2_000_000)
            with Connection(address, tls=tls) as connection, contextlib.suppress(OSError):
                connection.send(large)
                connection.read()
        proxy.application = None
    assert ask(proxy.browsers, tls, "/sessions/ID", session) in (500, 502, 503)  # nobody to ask who it is
    wait_for(lambda: proxy.log().count(session[:10]) >= 3, "logged")
    assert session[10:] not in all_logged(proxy)
