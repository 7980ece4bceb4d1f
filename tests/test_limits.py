"""Rate limits of tenants and of clients: 429 with the time to wait, and nothing else changes. Buckets of one an hour
do not fill while a test runs; those that fill are waited for."""

import signal

import pytest

from harness.client import Client
from harness.processes import wait_for
from harness.server import DidNotStart, run
from harness.wire import check_error, check_session

UNKNOWN = "0" * 36


@pytest.fixture
def client_of():
    clients = []

    def make(server, tenant):
        clients.append(Client(server.address, tenant))
        return clients[-1]
    yield make
    for one in clients:
        one.close()


def check_limited(response):
    check_error(response, 429, "RATE_LIMITED")
    assert int(response.field("Retry-After")) >= 1, response


def test_requests_beyond_the_burst_are_refused_of_this_tenant_alone(start_server, client_of):
    server = start_server("limits.tenant_requests=1/h burst 5")
    client, other = client_of(server, "a"), client_of(server, "b")
    session = check_session(client.create())["sessionId"]
    assert [client.get(session).status for _ in range(6)] == [200] * 4 + [429] * 2
    check_limited(client.create())
    check_limited(client.end(session))
    check_limited(client.list())
    assert int(client.get(session).field("Retry-After")) > 3000
    check_session(other.create())


def test_creations_are_limited_apart_however_a_session_begins(start_server, client_of, tenant):
    server = start_server("limits.tenant_creates=1/h burst 3")
    client = client_of(server, tenant)
    first = check_session(client.create())["sessionId"]
    check_session(client.get(UNKNOWN))
    check_session(client.associate("no-id", {"gkc_customerId": "bob"}))
    check_limited(client.create())
    check_limited(client.get(UNKNOWN))
    check_limited(client.associate(UNKNOWN))
    check_limited(client.create({"Idempotency-Key": "k"}))
    assert client.get(first).status == client.associate(first, {"gkc_agentId": "x"}).status == 200
    assert client.head(UNKNOWN).status == 404
    live = client.list().json()["response"]["sessions"]
    assert len(live) == 3, "a refusal created something"
    assert client.end(first).status == 200
    check_limited(client.create())


def test_a_repeat_that_creates_nothing_takes_no_token(start_server, client_of, tenant):
    client = client_of(start_server("limits.tenant_creates=1/h burst 2"), tenant)
    ids = {check_session(client.create({"Idempotency-Key": "k"}), repeated=True)["sessionId"]
           for _ in range(5)}
    assert len(ids) == 1
    check_session(client.create())
    check_limited(client.create())
    check_session(client.create({"Idempotency-Key": "k"}), repeated=True)


def test_after_retry_after_there_is_one_more(start_server, client_of):
    client = client_of(start_server("limits.tenant_creates=2/s burst 1"), "a")
    check_session(client.create())
    wait_for(lambda: client.create().status == 429, "the bucket is empty")
    wait_for(lambda: client.create().status == 200, "a token has come")


def test_a_tenant_may_have_limits_of_its_own(start_server, client_of, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text('[limits]\ntenant_requests = "1/h burst 2"\n'
                      '[tenants.policy.large]\nrequests = "1/h burst 4"\n'
                      '[tenants.policy.free]\nrequests = ""\n')
    server = start_server(config=config)

    def granted(tenant):
        client = client_of(server, tenant)
        return sum(client.head(UNKNOWN).status == 404 for _ in range(6))
    assert {tenant: granted(tenant) for tenant in ("usual", "large", "free")} == {
        "usual": 2, "large": 4, "free": 6}


def test_a_reload_changes_the_limit_and_keeps_what_was_used(start_server, client_of, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text("")
    server = start_server(config=config)
    client = client_of(server, "a")

    def hup(text):
        before = server.stderr().count("config.reloaded")
        config.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.stderr().count("config.reloaded") > before, "the reload is logged")
    assert [client.create().status for _ in range(5)] == [200] * 5
    hup('[limits]\ntenant_creates = "1/h burst 2"\n')
    assert [client.create().status for _ in range(3)] == [200, 200, 429]
    hup('[limits]\ntenant_creates = "1/h burst 2"\n[http]\nidle_timeout = "70s"\n')
    check_limited(client.create())
    hup("# no limits\n")
    check_session(client.create())


def test_one_bucket_for_all_threads_and_connections(start_server, client_of):
    server = start_server("limits.tenant_requests=1/h burst 40", "http.threads=4")
    clients = [client_of(server, "a") for _ in range(16)]
    statuses = [client.head(UNKNOWN).status for client in clients for _ in range(4)]
    assert (statuses.count(404), statuses.count(429)) == (40, 24)


def test_a_request_without_a_known_key_uses_none_of_the_tenants_tokens(start_server, client_of, tmp_path):
    keys = tmp_path / "keys.toml"
    code, key, stderr = run("key", "new", "--name", "web", "--tenants", "a", "--scopes", "read",
                            "--file", str(keys))
    assert code == 0, stderr
    client = client_of(start_server("limits.tenant_requests=1/h burst 1", f"security.key_file={keys}"), "a")
    for _ in range(3):
        check_error(client.get(UNKNOWN), 401, "UNAUTHENTICATED")
    field = {"Authorization": f"Bearer {key.strip()}"}
    assert client.get(UNKNOWN, field).status == 404
    check_limited(client.get(UNKNOWN, field))


def test_requests_of_a_client_are_limited_whatever_its_tenants(start_server, client_of, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text('[limits]\nclient_requests = "1/h burst 3"\n[tenants.policy.free]\nrequests = ""\n')
    server = start_server(config=config)
    statuses = [client_of(server, tenant).head(UNKNOWN).status for tenant in ("a", "b", "free", "free")]
    assert statuses == [404, 404, 404, 429]
    check_limited(client_of(server, "c").create())


def test_guessing_keys_is_limited(start_server, client_of, tmp_path):
    keys = tmp_path / "keys.toml"
    code, key, stderr = run("key", "new", "--name", "web", "--tenants", "a", "--scopes", "read",
                            "--file", str(keys))
    assert code == 0, stderr
    client = client_of(start_server("limits.client_requests=1/h burst 4", f"security.key_file={keys}"), "a")
    guess = {"Authorization": "Bearer sjk_" + "x" * 43}
    for _ in range(4):
        check_error(client.get(UNKNOWN, guess), 401, "UNAUTHENTICATED")
    check_limited(client.get(UNKNOWN, guess))
    check_limited(client.get(UNKNOWN, {"Authorization": f"Bearer {key.strip()}"}))


def test_creations_of_a_client_are_limited_however_a_session_begins(start_server, client_of):
    server = start_server("limits.client_creates=1/h burst 4", "limits.tenant_creates=1/h burst 3")
    client, other = client_of(server, "a"), client_of(server, "b")
    first = check_session(client.create())["sessionId"]
    check_session(client.get(UNKNOWN))
    check_session(other.associate(UNKNOWN))
    check_session(other.create({"Idempotency-Key": "k"}))
    check_session(other.create({"Idempotency-Key": "k"}), repeated=True)
    check_limited(other.create())
    check_limited(other.create({"Idempotency-Key": "l"}))
    check_limited(client.get(UNKNOWN))
    check_limited(client.associate("no-id"))
    assert client.get(first).status == 200


def test_a_client_over_its_limit_uses_none_of_its_tenants_tokens(start_server, client_of):
    server = start_server('http.trusted_proxies=["127.0.0.1"]', "limits.client_creates=1/h burst 1",
                          "limits.tenant_creates=1/h burst 2")
    client = client_of(server, "a")
    check_session(client.create({"X-Forwarded-For": "192.0.2.1"}))
    for _ in range(3):
        check_limited(client.create({"X-Forwarded-For": "192.0.2.1"}))
    check_session(client.create({"X-Forwarded-For": "192.0.2.2"}))


def test_a_reload_changes_the_limits_of_clients(start_server, client_of, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text("")
    server = start_server(config=config)
    client = client_of(server, "a")
    assert [client.create().status for _ in range(3)] == [200] * 3
    config.write_text('[limits]\nclient_creates = "1/h burst 1"\nclient_requests = "1/h burst 3"\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config.reloaded" in server.stderr(), "the reload is logged")
    assert [client.create().status for _ in range(2)] == [200, 429]
    assert [client.head(UNKNOWN).status for _ in range(2)] == [404, 429]


@pytest.mark.parametrize("value", ["100", "0/s", "100/d", "100/s burst 0", "100/s burst", "-1/s", "1.5/s",
                                   "2000000/s", "100 /s"])
def test_what_is_no_rate_stops_the_start(start_server, value):
    with pytest.raises(DidNotStart) as failed:
        start_server(f'limits.tenant_requests="{value}"')
    assert "limits.tenant_requests" in failed.value.stderr and "100/s burst 500" in failed.value.stderr
