"""Tenants with a policy of their own, and servers that know no others."""

import pytest

from harness.client import Client
from harness.load import walk
from harness.server import DidNotStart
from harness.wire import check_error, check_session, milliseconds

CONFIG = """
[sessions]
idle_timeout = "10m"
max_lifetime = "20m"

[tenants.policy."quick"]
idle_timeout = "7s"

[tenants.policy."strict & Zoë"]
on_unknown_id = "not_found"
max_lifetime = "90s"

[tenants.policy.lenient]
on_customer_conflict = "replace"
touch_interval = "0s"

[tenants.policy.plain]
"""


@pytest.fixture
def client_of(start_server, tmp_path):
    config = tmp_path / "sojourn.toml"
    clients, servers = [], []

    def open_one(tenant, *settings, text=CONFIG):
        if not servers:
            config.write_text(text)
            servers.append(start_server(*settings, config=config))
        clients.append(Client(servers[0].address, tenant))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


def lifetime_ms(info):
    return milliseconds(info["expiresAt"]) - milliseconds(info["createdAt"])


@pytest.mark.parametrize("tenant, expected", [
    ("quick", 7_000), ("strict & Zoë", 90_000), ("lenient", 600_000), ("plain", 600_000),
    ("another", 600_000), ("Quick", 600_000),
])
def test_a_tenant_has_the_times_of_its_policy_and_else_those_of_all(client_of, tenant, expected):
    assert lifetime_ms(check_session(client_of(tenant).create())) == expected


def test_automatic_sessions_have_the_times_of_the_policy(client_of):
    assert lifetime_ms(check_session(client_of("quick").get("x"))) == 7_000


def test_an_unknown_id_is_what_the_policy_says(client_of):
    strict, other = client_of("strict & Zoë"), client_of("another")
    check_error(strict.get("x"), 404, "SESSION_NOT_FOUND")
    check_error(strict.associate("x", {"gkc_agentId": "a"}), 404, "SESSION_NOT_FOUND")
    assert check_session(other.get("x"))["isNew"] is True


def test_another_customer_is_what_the_policy_says(client_of):
    for tenant, status in (("lenient", 200), ("another", 409)):
        client = client_of(tenant)
        session = check_session(client.create({"gkc_customerId": "bob"}))["sessionId"]
        assert client.associate(session, {"gkc_customerId": "eve"}).status == status


def test_the_touch_interval_is_that_of_the_policy(client_of):
    for tenant, counted in (("lenient", True), ("another", False)):
        client = client_of(tenant)
        made = check_session(client.create())
        moved = False
        for _ in range(50):
            moved = moved or check_session(client.get(made["sessionId"]))["expiresAt"] != made["expiresAt"]
        assert moved is counted


def test_all_wins_over_nothing_but_a_policy_over_all(client_of):
    quick = client_of("quick", "sessions.idle_timeout=5m")
    assert lifetime_ms(check_session(quick.create())) == 7_000
    assert lifetime_ms(check_session(client_of("plain").create())) == 300_000


# tenants.closed


def calls(client):
    return {
        "create": client.create(), "get": client.get("x"), "associate": client.associate("x"),
        "end": client.end("x"), "list": client.list(), "end all": client.end_all(customerId="c"),
        "events": client.events(),
        "stream": client.request("GET", client.path("/events"), {"Accept": "text/event-stream"}),
        "conditional": client.associate("x", {"If-Match": "*"}),
        "with a key": client.create({"Idempotency-Key": "k"}),
    }


def test_a_closed_server_knows_only_tenants_with_a_policy(client_of):
    stranger = client_of("another", "tenants.closed=true")
    for name, response in calls(stranger).items():
        assert check_error(response, 404, "TENANT_NOT_FOUND"), name
    head = stranger.head("x")
    assert head.status == 404 and head.body == b""
    for tenant in ("quick", "plain", "strict & Zoë"):
        known = client_of(tenant)
        made = check_session(known.create())
        assert check_session(known.get(made["sessionId"]))["isNew"] is False
        assert made["sessionId"] in {one["sessionId"] for one in walk(known)}


def test_a_closed_server_without_policies_knows_nobody(start_server, tenant):
    client = Client(start_server("tenants.closed=true").address, tenant)
    check_error(client.create(), 404, "TENANT_NOT_FOUND")
    client.close()


def test_a_tenant_that_is_closed_out_keeps_its_sessions(start_server, tmp_path):
    server = start_server()
    client = Client(server.address, "guest")
    made = check_session(client.create())["sessionId"]
    client.close()
    server.stop()
    closed = start_server("tenants.closed=true", data=server.data)
    client = Client(closed.address, "guest")
    check_error(client.get(made), 404, "TENANT_NOT_FOUND")
    client.close()
    closed.stop()
    client = Client(start_server(data=server.data).address, "guest")
    assert check_session(client.get(made))["isNew"] is False
    client.close()


def test_the_default_tenant_may_be_one_with_a_policy(client_of):
    client = client_of(None, "tenants.default=quick", "tenants.closed=true")
    info = check_session(client.create())
    assert (info["tenantId"], lifetime_ms(info)) == ("quick", 7_000)


# Mistakes


@pytest.mark.parametrize("text, words", [
    ('[tenants.policy.a]\nidle_timeot = "2s"\n', ["2", "idle_timeot", "idle_timeout"]),
    ('[tenants.policy.a]\nidle_timeout = 2\n', ["2", "idle_timeout", "30m"]),
    ('[tenants.policy.a]\non_unknown_id = "maybe"\n', ["2", "on_unknown_id", "not_found"]),
    ('[tenants.policy.a]\nidle_timeout = "2s"\ntouch_interval = "3s"\n', ["touch_interval"]),
    ('[tenants]\npolicy = 1\n', ["2", "policy"]),
    ('[tenants.policy]\na = "2s"\n', ["2", "policy"]),
    (f'[tenants.policy."{"x" * 129}"]\nidle_timeout = "2s"\n', ["128"]),
    ('[tenants]\nclosed = "yes"\n', ["2", "tenants.closed", "true"]),
])
def test_a_policy_that_cannot_be_one_stops_the_start(start_server, tmp_path, text, words):
    config = tmp_path / "sojourn.toml"
    config.write_text(text)
    with pytest.raises(DidNotStart) as failure:
        start_server(config=config)
    assert failure.value.code > 0 and failure.value.stdout == ""
    for word in words:
        assert word in failure.value.stderr, failure.value.stderr
