"""API keys: who may call, for which tenants and for what; over real processes and real keys."""

import os
import re
import signal
import stat
import threading
from urllib.parse import quote

import pytest

from harness.client import Client, Connection, request_bytes
from harness.processes import wait_for
from harness.server import DidNotStart, Server, run
from harness.wire import check_error, check_listing, check_session

SCOPES = ("read", "write", "end", "events", "admin")
KEY = re.compile(r"sjk_[A-Za-z0-9_-]{43}")
ASKED = 'Bearer realm="sojourn"'
INVALID = 'Bearer realm="sojourn", error="invalid_token"'
UNKNOWN_ID = "0" * 36


class Caller(Client):
    """A client that shows a key with every request."""

    def __init__(self, address, tenant, key):
        super().__init__(address, tenant)
        self.key = key

    def request(self, method, target, headers=(), body=None):
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        return super().request(method, target, [("Authorization", f"Bearer {self.key}"), *pairs], body)


def new_key(file, name, tenants="*", scopes=",".join(SCOPES), *more):
    """Makes a key as an operator does and adds it to `file`; the key."""
    code, stdout, stderr = run("key", "new", "--name", name, "--tenants", tenants, "--scopes", scopes,
                               "--file", file, *more)
    assert code == 0, stderr
    assert re.fullmatch(KEY.pattern + r"\n", stdout), stdout
    return stdout.strip()


def refused(response, status, code, challenge):
    check_error(response, status, code)
    assert response.field("WWW-Authenticate") == challenge, response


def lacks(scope):
    return f'{ASKED}, error="insufficient_scope", scope="{scope}"'


def reload(server):
    before = server.stderr().count("config.reloaded")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.stderr().count("config.reloaded") > before, "the reload is logged")


def remove(file, name):
    lines = file.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{name} = ")]
    assert len(kept) == len(lines) - 1
    file.write_text("".join(kept))


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "keys.toml"


class Guarded:
    """A server with a key of every scope, one of all scopes, and one for one tenant alone."""

    def __init__(self, folder):
        self.file = folder / "keys.toml"
        self.by_scope = {scope: new_key(self.file, scope, "*", scope) for scope in SCOPES}
        self.full = new_key(self.file, "full")
        self.tenant_1 = new_key(self.file, "tenant_1", "one,and more")
        self.server = Server(folder / "data", [f"security.key_file={self.file}"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    made = Guarded(tmp_path_factory.mktemp("guarded"))
    with made.server:
        yield made
    said = made.server.stderr()
    for key in (*made.by_scope.values(), made.full, made.tenant_1):
        assert key not in said and key[4:] not in said


@pytest.fixture
def call(guarded, tenant):
    """call(key, method, path, ...) on the public listener; path gets the tenant."""
    clients = []

    def one(key, method, path, headers=(), body=None, of=None, address=None):
        client = Caller(address or guarded.server.address, of or tenant, key)
        clients.append(client)
        return client.request(method, client.path(*path) if isinstance(path, tuple) else client.path(path),
                              headers, body)

    yield one
    for client in clients:
        client.close()


# Scopes and routes

# method, path with {} for a live session, scope
ROUTES = [
    ("PUT", "/sessions/new", "write"),
    ("GET", "/sessions/{}", "read"),
    ("HEAD", "/sessions/{}", "read"),
    ("POST", "/sessions/{}", "write"),
    ("DELETE", "/sessions/{}", "end"),
    ("GET", "/sessions", "read"),
    ("DELETE", "/sessions?customerId=c", "end"),
    ("GET", "/events", "events"),
]


def target(path, session, tenant):
    path = path.format(session)
    return f"{path}{'&' if '?' in path else '?'}tenantId={tenant}"


@pytest.mark.parametrize("base", ["", "/gks-server/v1"])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("method, path, needed", ROUTES)
def test_a_route_is_open_to_its_scope_and_to_no_other(guarded, tenant, method, path, needed, scope, base):
    full = Caller(guarded.server.address, tenant, guarded.full)
    session = check_session(full.create())["sessionId"]
    caller = Caller(guarded.server.address, tenant, guarded.by_scope[scope])
    response = caller.request(method, base + target(path, session, tenant))
    if scope == needed:
        assert response.status == 200, response
    else:
        assert response.field("WWW-Authenticate") == lacks(needed), response
        assert response.status == 403
        if method != "HEAD":
            assert f'"{needed}"' in check_error(response, 403, "FORBIDDEN")
        # Nothing happened: the session is as it was.
        assert check_session(full.get(session))["version"] == 1
        assert len(check_listing(full.list())[0]) == 1
    caller.close()
    full.close()


def test_the_matrix_has_every_route():
    with open(os.path.join(os.path.dirname(__file__), "../src/api/routes.cc")) as file:
        found = re.findall(r'\{Method::(\w+), "([^"]+)", to\(\w+, Scope::(\w+), \w+\)\}', file.read())
    told = {(method, path.partition("?")[0].replace("{}", "{sessionId}"), scope) for method, path, scope in ROUTES}
    assert told == {(method.rstrip("_").upper(), path, scope) for method, path, scope in found}


def test_who_may_only_read_creates_nothing(guarded, tenant):
    reader = Caller(guarded.server.address, tenant, guarded.by_scope["read"])
    full = Caller(guarded.server.address, tenant, guarded.full)
    check_error(reader.get(UNKNOWN_ID), 404, "SESSION_NOT_FOUND")
    check_error(reader.get("placeholder"), 404, "SESSION_NOT_FOUND")
    assert reader.head(UNKNOWN_ID).status == 404
    assert check_listing(full.list())[0] == []
    # With `write` as well it is what the published API promises.
    assert check_session(full.get(UNKNOWN_ID))["isNew"] is True
    reader.close()
    full.close()


# Keys


@pytest.mark.parametrize("method, path", [(method, path) for method, path, _ in ROUTES])
def test_without_a_key_nothing_is_answered(guarded, tenant, method, path):
    client = Client(guarded.server.address, tenant)
    response = client.request(method, target(path, UNKNOWN_ID, tenant))
    assert (response.status, response.field("WWW-Authenticate")) == (401, ASKED)
    if method != "HEAD":
        refused(response, 401, "UNAUTHENTICATED", ASKED)
    client.close()


def one_bit_changed(key):
    for place in (4, 20, 46):
        for bit in range(8):
            yield key[:place] + chr(ord(key[place]) ^ 1 << bit) + key[place + 1:]


def test_a_key_that_is_not_exactly_one_is_refused(guarded, tenant):
    client = Client(guarded.server.address, tenant)
    key = guarded.full
    others = [key[:-1], key + "A", key[4:], "sjk_", "", "x" * 5000, key.swapcase(), "sjk_" + "A" * 43,
              f"{key} {key}", f'"{key}"', *one_bit_changed(key)]
    for other in others:
        authorization = b"Bearer " + other.encode("latin-1")
        if any(byte < 32 or byte == 127 for byte in authorization):
            continue  # no header value
        refused(client.request("GET", client.target("x"), [("Authorization", authorization)]),
                401, "UNAUTHENTICATED", INVALID)
    # The connection is as good as before.
    check_session(client.request("GET", client.target("x"), [("Authorization", f"Bearer {key}")]))
    client.close()


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "{}", "Bearer{}", "Digest {}", "", "Token {}"])
def test_another_scheme_is_no_key(guarded, tenant, value):
    client = Client(guarded.server.address, tenant)
    refused(client.request("GET", client.target("x"), [("Authorization", value.format(guarded.full))]),
            401, "UNAUTHENTICATED", ASKED)
    client.close()


@pytest.mark.parametrize("name, scheme", [("Authorization", "bearer"), ("authorization", "BEARER"),
                                          ("AUTHORIZATION", "bEARER"), ("Authorization", "Bearer  ")])
def test_case_and_spaces_do_not_matter(guarded, tenant, name, scheme):
    client = Client(guarded.server.address, tenant)
    check_session(client.request("GET", client.target("x"), [(name, f"{scheme} {guarded.full}")]))
    client.close()


def test_two_authorizations_are_refused(guarded, tenant):
    client = Client(guarded.server.address, tenant)
    value = f"Bearer {guarded.full}"
    check_error(client.request("GET", client.target("x"), [("Authorization", value), ("authorization", value)]),
                400, "INVALID_HEADER")
    client.close()


@pytest.mark.parametrize("name", ["access_token", "key", "api_key", "Authorization"])
def test_a_key_elsewhere_is_not_looked_at(guarded, tenant, name):
    client = Client(guarded.server.address, tenant)
    refused(client.request("GET", client.target("x") + f"&{name}={guarded.full}"),
            401, "UNAUTHENTICATED", ASKED)
    refused(client.request("POST", client.target("x"), [("Content-Type", "application/x-www-form-urlencoded")],
                           f"{name}={guarded.full}".encode()), 401, "UNAUTHENTICATED", ASKED)
    refused(client.request("GET", client.target("x"), [("X-API-Key", guarded.full), ("Cookie", guarded.full)]),
            401, "UNAUTHENTICATED", ASKED)
    client.close()


def test_each_of_many_pipelined_requests_is_asked(guarded, tenant):
    connection = Connection(guarded.server.address)
    path = f"/sessions/new?tenantId={tenant}"
    keys = [guarded.full, None, guarded.full[:-1] + "*", guarded.by_scope["read"], guarded.full]
    connection.send(b"".join(request_bytes("PUT", path, {"Authorization": f"Bearer {key}"} if key else {})
                             for key in keys))
    assert [connection.read().status for _ in keys] == [200, 401, 401, 403, 200]
    connection.close()


def test_a_refused_body_is_read_and_the_connection_kept(guarded, tenant):
    client = Client(guarded.server.address, tenant)
    for _ in range(3):
        refused(client.create(body={"visitId": "v" * 200}), 401, "UNAUTHENTICATED", ASKED)
    check_session(client.create({"Authorization": f"Bearer {guarded.full}"}))
    client.close()


# Tenants


def test_a_key_is_for_its_tenants_alone(guarded, tenant):
    mine = Caller(guarded.server.address, "one", guarded.tenant_1)
    session = check_session(mine.create())["sessionId"]
    check_session(mine.get(session))
    theirs = Caller(guarded.server.address, tenant, guarded.full)
    other = check_session(theirs.create())["sessionId"]
    challenge = f'{ASKED}, error="insufficient_scope"'
    for method, path, _ in ROUTES:
        existing, absent = (mine.request(method, target(path, session_id, of))
                            for session_id, of in ((other, tenant), (UNKNOWN_ID, "no-such-tenant")))
        for response in (existing, absent):
            assert (response.status, response.field("WWW-Authenticate")) == (403, challenge)
        # What there is changes nothing of the answer.
        assert existing.body == absent.body
    check_error(mine.request("GET", f"/sessions/{other}?tenantId=o%6Ee2"), 403, "FORBIDDEN")
    assert mine.request("GET", f"/sessions?tenantId=o%6Ee").status == 200  # "one", percent-encoded
    assert mine.request("GET", f"/sessions?tenantId={quote('and more')}").status == 200
    check_session(theirs.get(other))
    mine.close()
    theirs.close()


def test_a_tenant_that_is_none_is_told_to_who_has_a_key_alone(guarded):
    mine = Caller(guarded.server.address, None, guarded.tenant_1)
    check_error(mine.request("GET", "/sessions"), 400, "TENANT_ID_REQUIRED")
    check_error(mine.request("GET", "/sessions?tenantId=one&tenantId=two"), 400, "INVALID_PARAMETER")
    nobody = Client(guarded.server.address)
    check_error(nobody.request("GET", "/sessions"), 401, "UNAUTHENTICATED")
    mine.close()
    nobody.close()


def test_without_a_tenant_the_key_must_be_for_the_default_one(start_server, key_file):
    fitting, other = new_key(key_file, "fitting", "home"), new_key(key_file, "other", "away")
    server = start_server(f"security.key_file={key_file}", "tenants.default=home")
    clients = [Caller(server.address, None, key) for key in (fitting, other)]
    assert check_session(clients[0].create())["tenantId"] == "home"
    check_error(clients[1].create(), 403, "FORBIDDEN")
    for client in clients:
        client.close()


# The admin listener


def test_the_admin_listener_asks_for_a_key_of_scope_admin(guarded, call):
    admin = guarded.server.admin_address
    for path in ("/openapi.json", "/metrics", "/", "/%68ealthz", "/healthz/"):
        client = Client(admin)
        refused(client.request("GET", path), 401, "UNAUTHENTICATED", ASKED)
        client.close()
        for scope in SCOPES:
            caller = Caller(admin, None, guarded.by_scope[scope])
            response = caller.request("GET", path)
            if scope == "admin":
                assert response.status not in (401, 403), response
            else:
                refused(response, 403, "FORBIDDEN", lacks("admin"))
            caller.close()


def test_its_probes_ask_for_none(guarded):
    client = Client(guarded.server.admin_address)
    for path in ("/healthz", "/readyz"):
        for method in ("GET", "HEAD"):
            assert client.request(method, path).status == 200
    client.close()


def test_its_tenants_do_not_matter_there(guarded):
    caller = Caller(guarded.server.admin_address, None, guarded.tenant_1)
    assert caller.request("GET", "/openapi.json").status == 200
    caller.close()


# Time


def test_a_key_is_refused_from_its_expiry_on(start_server, key_file, tenant):
    valid = new_key(key_file, "valid", "*", "read,write", "--expires", "2100-01-01T00:00:00Z")
    over = new_key(key_file, "over", "*", "read,write", "--expires", "2099-01-01T00:00:00Z")
    text = key_file.read_text()
    assert "2099-01-01T00:00:00.000Z" in text
    key_file.write_text(text.replace("2099-01-01T00:00:00.000Z", "2020-01-01T00:00:00+02:00"))
    server = start_server(f"security.key_file={key_file}")
    clients = [Caller(server.address, tenant, key) for key in (valid, over)]
    check_session(clients[0].create())
    refused(clients[1].create(), 401, "UNAUTHENTICATED", INVALID)
    for client in clients:
        client.close()


# Reload


def test_keys_are_replaced_under_load_without_a_failed_request(start_server, key_file):
    keys = {"name": new_key(key_file, "first")}
    server = start_server(f"security.key_file={key_file}")
    served = [[] for _ in range(4)]  # (status, key) by thread
    over = threading.Event()

    def work(answers, number):
        client = Caller(server.address, f"load-{number}", keys["name"])
        session = check_session(client.create())["sessionId"]
        while not over.is_set():
            client.key = key = keys["name"]
            answers.append((client.get(session).status, key))
            answers.append((client.associate(session, {"gkc_agentId": f"a{len(answers)}"}).status, key))
        client.close()

    threads = [threading.Thread(target=work, args=(answers, i)) for i, answers in enumerate(served)]
    for thread in threads:
        thread.start()

    def all_served(key, count=20):
        wait_for(lambda: all(sum(1 for _, used in list(answers)[-200:] if used == key) >= count
                             for answers in served), "everyone was served with the key", 20)

    try:
        for name, old in (("second", "first"), ("third", "second"), ("fourth", "third")):
            all_served(keys["name"])
            previous = keys["name"]
            following = new_key(key_file, name)
            reload(server)
            keys["name"] = following
            all_served(following)
            remove(key_file, old)
            reload(server)
            all_served(following)
            client = Caller(server.address, "load-0", previous)
            refused(client.get("x"), 401, "UNAUTHENTICATED", INVALID)
            client.close()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert {status for answers in served for status, _ in answers} == {200}


def test_a_removed_key_is_refused_once_the_reload_is_logged(start_server, key_file, tenant):
    stays = new_key(key_file, "stays")
    server = start_server(f"security.key_file={key_file}", "http.threads=4")
    for round_number in range(20):
        goes = new_key(key_file, "goes")
        reload(server)
        callers = [Caller(server.address, tenant, goes) for _ in range(8)]
        for caller in callers:
            check_session(caller.create())
        remove(key_file, "goes")
        reload(server)
        for caller in callers:
            refused(caller.get("x"), 401, "UNAUTHENTICATED", INVALID)
            caller.key = stays
            check_session(caller.get("x"))
            caller.close()


def test_scopes_and_tenants_are_replaced_too(start_server, key_file, tenant):
    key = new_key(key_file, "web", tenant, "read")
    server = start_server(f"security.key_file={key_file}")
    caller = Caller(server.address, tenant, key)
    refused(caller.create(), 403, "FORBIDDEN", lacks("write"))
    key_file.write_text(key_file.read_text().replace('["read"]', '["read", "write"]'))
    reload(server)
    check_session(caller.create())
    key_file.write_text(key_file.read_text().replace(f'["{tenant}"]', '["other"]'))
    reload(server)
    check_error(caller.create(), 403, "FORBIDDEN")
    caller.close()


def test_the_admin_listener_hears_of_it(start_server, key_file):
    key = new_key(key_file, "ops", "*", "admin")
    server = start_server(f"security.key_file={key_file}")
    caller = Caller(server.admin_address, None, key)
    assert caller.request("GET", "/openapi.json").status == 200
    remove(key_file, "ops")
    reload(server)
    refused(caller.request("GET", "/openapi.json"), 401, "UNAUTHENTICATED", INVALID)
    caller.close()


@pytest.mark.parametrize("spoil, complaint", [
    (lambda file: file.write_text(file.read_text() + "broken"), ":2: "),
    (lambda file: file.write_text(file.read_text().replace("read", "reed")), "web.scopes"),
    (lambda file: file.unlink(), "No such file"),
    (lambda file: (file.unlink(), file.mkdir()), "it is a directory"),
], ids=["broken", "no such scope", "gone", "a directory"])
def test_a_bad_key_file_changes_nothing(start_server, key_file, tenant, spoil, complaint):
    key = new_key(key_file, "web")
    server = start_server(f"security.key_file={key_file}")
    caller = Caller(server.address, tenant, key)
    spoil(key_file)
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config.reload_failed" in server.stderr(), "the failure is logged")
    server.await_words(str(key_file), complaint)
    check_session(caller.create())
    refused(Client(server.address, tenant).create(), 401, "UNAUTHENTICATED", ASKED)
    caller.close()


def test_a_server_can_be_closed_and_opened_by_a_reload(start_server, key_file, tmp_path, tenant):
    config = tmp_path / "sojourn.toml"
    config.write_text("")
    server = start_server(config=config)
    client = Client(server.address, tenant)
    check_session(client.create())
    key = new_key(key_file, "web")
    config.write_text(f'[security]\nkey_file = "{key_file}"\n')
    reload(server)
    refused(client.create(), 401, "UNAUTHENTICATED", ASKED)
    check_session(client.create({"Authorization": f"Bearer {key}"}))
    config.write_text("# no keys, by mistake\n")
    server.process.send_signal(signal.SIGHUP)
    server.await_words("config.reload_failed", "security.key_file is no longer set")
    refused(client.create(), 401, "UNAUTHENTICATED", ASKED)
    config.write_text("[security]\nallow_insecure = true\n")
    reload(server)
    check_session(client.create())
    client.close()


# Streams outlive the request that was asked for a key


def test_a_stream_ends_when_its_key_is_removed(start_server, key_file, tenant):
    goes, stays = new_key(key_file, "goes", "*", "events"), new_key(key_file, "stays")
    server = start_server(f"security.key_file={key_file}")
    streams = [Connection(server.address).send(request_bytes(
        "GET", f"/events?tenantId={tenant}", {"Accept": "text/event-stream", "Authorization": f"Bearer {key}"}))
        for key in (goes, stays)]
    for stream in streams:
        head = stream.read_head()
        assert (head.status, head.field("Content-Type")) == (200, "text/event-stream")
    remove(key_file, "goes")
    reload(server)
    assert streams[0].read_chunk(10) == b""  # the end
    caller = Caller(server.address, tenant, stays)
    made = check_session(caller.create())
    while made["sessionId"].encode() not in streams[1].read_chunk(10):
        pass
    for stream in (*streams, caller):
        stream.close()


# Start


@pytest.mark.parametrize("text, complaint", [
    ("web = 1\n", r"keys\.toml:1: .*one line"),
    ("# one\nweb = { sha256 = 'x' }\n", r"keys\.toml:2: bad value for web\.sha256: .*64"),
    ("web = {\n", r"keys\.toml:\d: "),
], ids=["no table", "no hash", "no TOML"])
def test_a_start_with_a_bad_key_file_is_refused(start_server, key_file, text, complaint):
    key_file.write_text(text)
    with pytest.raises(DidNotStart) as failure:
        start_server(f"security.key_file={key_file}")
    assert failure.value.code > 0 and failure.value.stdout == ""
    assert re.search(complaint, failure.value.stderr), failure.value.stderr


def test_a_start_without_the_key_file_is_refused(start_server, key_file):
    with pytest.raises(DidNotStart) as failure:
        start_server(f"security.key_file={key_file}")
    assert str(key_file) in failure.value.stderr and "No such file" in failure.value.stderr


def test_an_empty_key_file_refuses_everybody_and_is_warned_of(start_server, key_file, tenant):
    key_file.write_text("")
    server = start_server(f"security.key_file={key_file}")
    client = Client(server.address, tenant)
    refused(client.create(), 401, "UNAUTHENTICATED", ASKED)
    wait_for(lambda: "The key file holds no key" in server.stderr(), "the warning is logged")
    client.close()


def test_the_last_key_can_be_taken_back(start_server, key_file, tenant):
    """A file that is emptied at a reload closes the server: a key that leaked must not live on."""
    caller_key = new_key(key_file, "web")
    server = start_server(f"security.key_file={key_file}")
    caller = Caller(server.address, tenant, caller_key)
    check_session(caller.create())
    key_file.write_text("")
    reload(server)
    refused(caller.create(), 401, "UNAUTHENTICATED", INVALID)
    caller.close()


# sojourn key new


def test_the_key_comes_first_then_its_line(tmp_path, start_server, tenant):
    code, stdout, stderr = run("key", "new", "--name", "web", "--tenants", f"{tenant},2",
                               "--scopes", "read,write")
    assert code == 0
    key, line = stdout.splitlines()
    assert KEY.fullmatch(key)
    assert re.fullmatch(rf'web = {{ sha256 = "[0-9a-f]{{64}}", tenants = \["2", "{tenant}"\], '
                        rf'scopes = \["read", "write"\] }}', line), line
    assert key not in stderr and "once" in stderr
    file = tmp_path / "by-hand.toml"
    file.write_text(line + "\n")
    server = start_server(f"security.key_file={file}")
    caller = Caller(server.address, tenant, key)
    check_session(caller.create())
    refused(caller.end("x"), 403, "FORBIDDEN", lacks("end"))
    caller.close()


def test_a_key_file_is_made_for_its_owner_alone(key_file):
    new_key(key_file, "web")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_a_key_is_not_in_the_key_file(key_file):
    key = new_key(key_file, "web")
    assert key not in key_file.read_text() and "sjk_" not in key_file.read_text()


def test_a_name_that_is_there_is_refused_and_no_key_printed(key_file):
    new_key(key_file, "web")
    before = key_file.read_text()
    code, stdout, stderr = run("key", "new", "--name", "web", "--tenants", "*", "--scopes", "read",
                               "--file", key_file)
    assert code > 0 and stdout == "" and "web already" in stderr
    assert key_file.read_text() == before


@pytest.mark.parametrize("arguments, complaint", [
    (("--name", "a b", "--tenants", "1", "--scopes", "read"), "--name: 1 to 64"),
    (("--name", "sjk_a", "--tenants", "1", "--scopes", "read"), "--name"),
    (("--name", "a", "--tenants", "1,*", "--scopes", "read"), "--tenants"),
    (("--name", "a", "--tenants", "x" * 129, "--scopes", "read"), "--tenants"),
    (("--name", "a", "--tenants", "1", "--scopes", "read,fly"), "read, write, end, events and admin"),
    (("--name", "a", "--tenants", "1", "--scopes", ""), "--scopes"),
    (("--name", "a", "--tenants", "", "--scopes", "read"), "--tenants"),
    (("--name", "a", "--tenants", "1", "--scopes", "read", "--expires", "soon"), "2027-01-01T00:00:00Z"),
    (("--name", "a", "--tenants", "1", "--scopes", "read", "--expires", "2020-01-01T00:00:00Z"), "passed"),
    (("--name", "a", "--tenants", "1"), "--scopes"),
    (("--tenants", "1", "--scopes", "read"), "--name"),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "")
def test_a_mistake_makes_no_key(arguments, complaint, key_file):
    code, stdout, stderr = run("key", "new", *arguments, "--file", key_file)
    assert code > 0 and stdout == "" and complaint in stderr, stderr
    assert not key_file.exists()


def test_a_file_that_cannot_be_made_is_named(tmp_path):
    absent = tmp_path / "no-such-folder" / "keys.toml"
    code, stdout, stderr = run("key", "new", "--name", "a", "--tenants", "1", "--scopes", "read", "--file", absent)
    assert code > 0 and stdout == "" and str(absent) in stderr


# The log


def test_no_key_is_in_the_log(start_server, key_file, tenant):
    key = new_key(key_file, "web")
    server = start_server(f"security.key_file={key_file}")
    client = Client(server.address, tenant)
    for value in (f"Bearer {key}", f"Bearer {key}x", f"Basic {key}", key):
        client.request("GET", client.target("x"), [("Authorization", value)])
    client.request("GET", client.target("x") + f"&key={key}", [])
    client.close()
    reload(server)
    server.stop()
    said = server.stderr()
    assert key not in said and "sjk_" not in said and key[4:20] not in said
