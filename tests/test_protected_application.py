"""packaging/nginx/protected-application.conf: an application that only visitors with a live session of
Sojourn reach, and that learns from the proxy who they are."""

import contextlib

import pytest

from harness.client import Client
from harness.metrics import metrics
from harness.processes import wait_for
from harness.proxies import Recorder, create
from harness.server import run
from harness.wire import check_session

SETTINGS = ["sessions.touch_interval=1ms"]


@pytest.fixture(scope="module")
def application():
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(server, application, in_front):
    return in_front("protected", server, application=application)


@pytest.fixture
def direct(server):
    with contextlib.closing(Client(server.address, "1")) as client:
        yield client


@pytest.fixture
def visit(proxy, tls):
    def ask(session=None, cookie=None, method="GET", headers=(), body=None, at=proxy):
        """The answer to a visitor with this session, or this cookie."""
        cookie = cookie if session is None else f"a=b; __Host-session={session}; c=d"
        sent = ([] if cookie is None else [("Cookie", cookie)]) + list(headers)
        with contextlib.closing(Client(at.browsers, tls=tls)) as client:
            return client.request(method, "/page?x=1", sent, body)
    return ask


def sessions(server):
    return metrics(server).sum("sojourn_sessions")


BOGUS = [None, "", "a=b", "__Host-session=", "__Host-session=" + "0" * 36, "__Host-session=new",
         "__Host-session=../events", "__Host-session=x%3f", "__Host-session=" + "0" * 35,
         "__Host-session=" + "0" * 37, "__Host-session=" + "0" * 35 + "/", "x__Host-session=ID",
         "__host-session=ID"]


@pytest.mark.parametrize("cookie", BOGUS, ids=str)
def test_without_a_live_session_nobody_gets_in_and_no_session_is_made(server, application, direct, visit, cookie):
    session, before = create(direct)["sessionId"], len(application.requests)
    count = sessions(server)
    for method, body in (("GET", None), ("POST", b"{}"), ("HEAD", None)):
        refused = visit(cookie=cookie and cookie.replace("ID", session), method=method, body=body)
        assert refused.status == 401, (method, refused)
    assert len(application.requests) == before and sessions(server) == count


def test_of_two_cookies_the_first_counts(direct, visit):
    live = create(direct)["sessionId"]
    for cookies, status in ((("0" * 36, live), 401), ((live, "0" * 36), 200)):
        cookie = "; ".join(f"__Host-session={one}" for one in cookies)
        assert visit(cookie=cookie).status == status


@pytest.mark.parametrize("name", [None, "bob@example.com", "bøb €"])
def test_a_live_session_lets_in_and_says_who_it_is(application, direct, visit, name):
    session = create(direct, {"gkc_customerId": name} if name else {})["sessionId"]
    smuggled = [(header, "eve") for header in ("X-Customer-Id", "x-customer-id", "X_Customer_Id", "Forwarded")]
    answer = visit(session, method="POST", headers=[*smuggled, ("If-None-Match", '"1"')], body=b"hello")
    assert answer.status == 200
    request = application.requests[-1]
    assert (request.method, request.target, request.body) == ("POST", "/page?x=1", b"hello")
    headers = [(key.lower().replace("_", "-"), value) for key, value in request.headers]
    said = [value.encode("latin-1").decode() for key, value in headers if key == "x-customer-id"]
    assert said == ([name] if name else [])
    assert "forwarded" not in dict(headers) and dict(headers)["x-forwarded-for"] == "127.0.0.1"


def test_a_visit_counts_as_an_access(direct, visit):
    made = create(direct)
    wait_for(lambda: visit(made["sessionId"]).status == 200 and
             direct.list().json()["response"]["sessions"][0]["expiresAt"] > made["expiresAt"], "touched")


def test_an_ended_and_an_expired_session_let_nobody_in(start_server, application, in_front, visit):
    server = start_server("sessions.idle_timeout=200ms")
    proxy = in_front("protected", server, application=application)
    with contextlib.closing(Client(server.address, "1")) as direct:
        ended, expiring = (create(direct)["sessionId"] for _ in range(2))
        direct.end(ended)
        assert visit(ended, at=proxy).status == 401
        wait_for(lambda: not direct.list().json()["response"]["sessions"], "expired")
        assert visit(expiring, at=proxy).status == 401


def test_when_nobody_can_say_it_is_503(start_server, application, in_front, visit, tmp_path):
    keys = tmp_path / "keys.toml"
    code, key, stderr = run("key", "new", "--name", "nginx", "--tenants", "1", "--scopes", "read", "--file", keys)
    assert code == 0, stderr
    server = start_server(f"security.key_file={keys}")
    without_key = in_front("protected", server, application=application)
    assert visit("0" * 36, at=without_key).status == 503  # not the visitor's fault
    proxy = in_front("protected", server, application=application, key=key.strip())
    assert visit("0" * 36, at=proxy).status == 401
    server.kill()
    before = len(application.requests)
    refused = visit("0" * 36, at=proxy)
    assert (refused.status, refused.field("Retry-After")) == (503, "1")
    assert visit(at=proxy).status == 401  # no cookie: no need to ask
    assert len(application.requests) == before


def test_what_the_application_answers_passes_unchanged(server, direct, in_front, visit):
    session = create(direct)["sessionId"]
    with Recorder() as broken:
        for status in (500, 404, 401, 302):
            broken.status = status
            assert visit(session, at=in_front("protected", server, application=broken)).status == status


def test_no_session_id_is_in_a_log(proxy, direct, visit, start_server, application, in_front):
    session = check_session(direct.create())["sessionId"]
    assert visit(session).status == 200
    away = start_server()
    other = in_front("protected", away, application=application)
    away.kill()
    assert visit(session, at=other).status == 503
    for one in (proxy, other):
        wait_for(lambda one=one: "/page" in one.log(), "logged")
        assert session[10:] not in one.log() + one.said()
