"""The browsers' sites of packaging/nginx and packaging/haproxy, as an attacker sees them: the proxy says
who the visitor is, and nothing that a browser sends says otherwise."""

import contextlib

import pytest

from harness.client import Client, Connection, request_bytes
from harness.proxies import KINDS, Application, Provider, Recorder, create, session_of
from harness.server import Server, run

SITE = Provider.SITE


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A server that asks for keys; `key` is the one that the proxies show."""
    directory = tmp_path_factory.mktemp("keys")
    code, key, stderr = run("key", "new", "--name", "proxy", "--tenants", "1", "--scopes",
                            "read,write,end", "--file", directory / "keys.toml")
    assert code == 0, stderr
    with Server(directory / "data", [f"security.key_file={directory}/keys.toml"]) as running:
        running.key = key.strip()
        yield running


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    return Provider(tmp_path_factory.mktemp("provider"))


@pytest.fixture(scope="module")
def application():
    with Application() as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def browsers(request, node, in_front, application, provider):
    """Each proxy in turn."""
    changes = [] if request.param == "haproxy" else [  # it must not matter for this site
        ("server_name www.example.com;", "server_name www.example.com; underscores_in_headers on;")]
    return in_front(request.param, node, application=application, provider=provider, key=node.key,
                    changes=changes)


@pytest.fixture(scope="module")
def haproxy(node, in_front, provider):
    return in_front("haproxy", node, provider=provider, key=node.key)


@pytest.fixture(scope="module")
def nginx(node, in_front, application):
    return in_front("nginx", node, application=application, key=node.key)


@pytest.fixture
def browser(browsers, tls):
    with contextlib.closing(Client(browsers.browsers, "1", tls=tls)) as client:
        yield client


def ask(proxy, tls, headers, method="PUT", session="new"):
    """The answer on a connection of its own: HAProxy hangs up after a refusal."""
    with contextlib.closing(Client(proxy.browsers, "1", tls=tls)) as client:
        return client.call(method, session, headers)


def customer(proxy, tls, headers):
    """As whom the visitor with these headers creates a session."""
    return session_of(ask(proxy, tls, headers))["customerId"]


# Who the visitor is

LIES = [(name, "eve") for name in ("gkc_customerId", "gkc-customerId", "GKC_CUSTOMERID", "gkc_agentId",
                                   "gkc-agentId", "X-Customer-Id")]
LIES.append(("Connection", "keep-alive, gkc-customerId, Authorization"))


def test_a_visitor_is_anonymous_whatever_it_says(browser):
    for headers in ([], LIES):
        info = create(browser, headers)
        assert info["anonymous"] and info["tenantId"] == "1"


def test_who_is_signed_in_is_the_customer(browsers, browser):
    session = create(browser)["sessionId"]
    headers = LIES + list(browsers.signed_in("bob@example.com").items())
    info = session_of(browser.associate(session, headers))
    assert (info["customerId"], info["agentId"]) == ("bob@example.com", None)
    assert info["sessionId"] == session
    assert session_of(browser.end(session))["customerId"] == "bob@example.com"


@pytest.mark.parametrize("name", ["bøb", "€ 5", "Ã¸", "😀", 'b"o\\b', "A" * 256])
def test_any_name_arrives_as_it_is(browsers, tls, name):
    assert customer(browsers, tls, browsers.signed_in(name)) == name


def test_a_wrong_login_is_refused(browsers, tls):
    for headers in browsers.not_signed_in():
        assert ask(browsers, tls, headers).status == 401, headers


def test_a_name_that_is_no_utf_8_is_refused(nginx, tls):
    """Which an application sends that writes headers in Latin-1."""
    refused = ask(nginx, tls, {"Cookie": "user=b%F8b"})
    assert (refused.status, refused.json()["code"]) == (400, "INVALID_HEADER")


# HAProxy and the token


@pytest.mark.parametrize("claims", [
    {"iss": "https://evil.example.com"}, {"iss": None},
    {"exp": 1}, {"exp": None}, {"exp": "never"}, {"exp": 1e300},
    {"aud": "https://other.example.com"}, {"aud": None}, {"aud": []}, {"aud": SITE + ".evil.com"},
    {"aud": ["https://other.example.com"]}, {"aud": [[SITE]]}, {"aud": {"0": SITE}},
    {"aud": f'x","{SITE}'}, {"aud": None, "act": {"aud": SITE}},
    {"nbf": 9999999999}, {"nbf": 1e12}, {"nbf": 1e300}, {"nbf": "tomorrow"}, {"nbf": -1},
    {"sub": None}, {"sub": ""}, {"sub": ["bob"]}, {"sub": None, "act": {"sub": "bob"}}], ids=str)
def test_a_token_with_a_wrong_claim_is_refused(haproxy, tls, claims):
    assert ask(haproxy, tls, haproxy.showing(haproxy.provider.token("bob", **claims))).status == 401


@pytest.mark.parametrize("claims", [
    {"aud": [SITE]}, {"aud": ["a", SITE]}, {"aud": ["a", "b", "c", SITE]}, {"nbf": 1}, {"nbf": "1"}, {"exp": 99999999999},
    {"act": {"sub": "eve", "aud": "x"}}], ids=str)
def test_a_token_with_the_right_claims_is_taken(haproxy, tls, claims):
    assert customer(haproxy, tls, haproxy.showing(haproxy.provider.token("bob", **claims))) == "bob"


@pytest.mark.parametrize("name", ["bøb", "€ 5", "Ã¸", "😀", "bob\nX-Forwarded-For: 1", "bob\r\n\r\n", "b\0b",
                                  "b\tb", "bob\x7f", " bob", "bob ", "\u0085bob"], ids=ascii)
def test_a_name_that_haproxy_would_change_is_refused(haproxy, tls, name):
    """It makes one byte of each \\uXXXX; and what Sojourn trims would be somebody else."""
    escaped = haproxy.provider.token(name, escaped=True)
    assert ask(haproxy, tls, haproxy.showing(escaped)).status == 401


def test_an_escape_beside_the_name_does_no_harm(haproxy, tls):
    token = haproxy.provider.token("bob", escaped=True, name="Bøb")
    assert customer(haproxy, tls, haproxy.showing(token)) == "bob"


def test_of_two_tokens_the_one_that_is_checked_counts(haproxy, tls):
    good = haproxy.showing(haproxy.provider.token("bob"))
    bad = haproxy.showing(haproxy.provider.token("eve", exp=1))
    assert ask(haproxy, tls, [*bad.items(), *good.items()]).status == 401
    assert customer(haproxy, tls, [*good.items(), *bad.items()]) == "bob"


# nginx and the pages of others


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example.com"}, {"Origin": "null"},
    {"Origin": "https://www.example.com.evil.com"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}], ids=str)
def test_a_page_of_another_origin_cannot_name_its_session_after_the_visitor(nginx, tls, headers):
    """HAProxy's visitors show a token, which no browser sends by itself."""
    with contextlib.closing(Client(nginx.browsers, tls=tls)) as browser:
        session, bob = create(browser)["sessionId"], nginx.signed_in("bob")
        assert browser.associate(session, bob | headers).status == 403
        assert session_of(browser.get(session))["anonymous"]
        own = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
        assert session_of(browser.associate(session, bob | own))["customerId"] == "bob"


# What a browser gets through


@pytest.mark.parametrize("kind", KINDS)
def test_only_these_headers_reach_sojourn(in_front, application, provider, tls, kind):
    smuggled = LIES[:-1] + [(name, "x") for name in (
        "Idempotency-Key", "Session-Key", "Session_Key", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
        "X-Real-IP", "X-Original-URL", "X-HTTP-Method-Override", "Referer", "Accept",
        "Last-Event-ID", "Content-Type", "Content-Encoding", "Prefer", "Upgrade", "Cache-Control")]
    smuggled.append(("Origin", SITE))
    wanted = [("If-Match", '"1"'), ("traceparent", "00-1-2-01")]
    with Recorder() as recorder:
        proxy = in_front(kind, recorder, application=application, provider=provider, key="k")
        for signed_in in ({}, proxy.signed_in("bob")):
            assert ask(proxy, tls, smuggled + wanted + list(signed_in.items()), "POST", "x").status == 200
        for request, name in zip(recorder.requests, (None, "bob")):
            got = {key.lower(): value for key, value in request.headers}
            assert len(got) == len(request.headers), "a header twice"
            assert got.pop("gkc-customerid", None) == name
            host, length = got.pop("host"), got.pop("content-length", "0")
            assert host and length == "0"
            assert got == {"authorization": "Bearer k", "x-forwarded-for": "127.0.0.1", "if-match": '"1"',
                           "traceparent": "00-1-2-01"}
            assert request.target == "/sessions/x?tenantId=1"


def test_an_idempotency_key_of_somebody_else_opens_no_session(node, browsers, browser, tls):
    with contextlib.closing(Client(node.address, "1")) as direct:
        key = {"Authorization": f"Bearer {node.key}", "Idempotency-Key": "order-17"}
        of_bob = create(direct, key | {"gkc_customerId": "bob"})["sessionId"]
    guessed = [create(browser, {"Idempotency-Key": "order-17"}) for _ in range(2)]
    assert len({info["sessionId"] for info in guessed} | {of_bob}) == 3
    assert all(info["anonymous"] for info in guessed)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_names_nobody_and_sets_nothing(browsers, browser, tls, framing):
    session = create(browser)["sessionId"]
    body = b'{"customerId":"eve","agentId":"eve","visitId":"v","attributes":{"admin":true}}'
    headers = [("Content-Type", "application/json")]
    if framing == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    for method, target in (("PUT", "new"), ("POST", session)):
        with Connection(browsers.browsers, tls=tls) as connection:
            if framing == "chunked":
                connection.send(request_bytes(method, browser.target(target), headers) + chunks)
            else:
                connection.send(request_bytes(method, browser.target(target), headers, body))
            refused = connection.read()
        assert (refused.status, refused.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    info = session_of(browser.get(session))
    assert info["anonymous"] and info["attributes"] == {} and info["version"] == 1


def test_a_browser_stays_in_the_tenant_of_the_site(browsers, tls):
    for query in ("?tenantId=2", "", "?tenantId=1&tenantId=2", "?x=%26tenantId=2", "?&tenantId=2&"):
        with contextlib.closing(Client(browsers.browsers, tls=tls)) as client:
            assert session_of(client.request("PUT", f"/sessions/new{query}"))["tenantId"] == "1"


def test_a_browser_reaches_nothing_but_single_sessions(browser):
    for method, target in [("GET", browser.path("/sessions")), ("GET", browser.path("/events")),
                           ("DELETE", browser.path("/sessions", {"customerId": "bob"})),
                           ("GET", "/gks-server/v1/sessions?tenantId=1"), ("GET", "/sessions/?tenantId=1"),
                           ("GET", "/sessions/x/../../events?tenantId=1"),
                           ("GET", "/sessions/..%2fevents?tenantId=1"),
                           ("GET", "/sessions%3fx=/new"), ("POST", "/sessions/x/rotate"),
                           ("PUT", "/sessions/x/attributes"), ("GET", "/sessions/x;y")]:
        response = browser.request(method, target)
        assert response.status in (400, 404), (target, response)
        assert b"statusCode" not in response.body, f"{target} reached Sojourn"
        browser.close()
