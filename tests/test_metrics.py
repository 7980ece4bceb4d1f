"""GET /metrics: what it counts is what was sent, and its labels hold nothing that a caller made up."""

import signal

import pytest

from harness.client import Client, Connection, request_bytes
from harness.events import Stream
from harness.metrics import metrics
from harness.processes import wait_for
from harness.stores import EMBEDDED, embedded_only

COUNT = "http_server_request_duration_seconds_count"
NAMED = {"gkc_customerId": "bob"}


@pytest.fixture
def own(start_server):
    return start_server("sessions.idle_timeout=1h", "http.threads=2")


def test_requests_are_counted_by_route_and_status(own, tenant):
    for _ in range(3):  # connections are spread over the loops
        client = Client(own.address, tenant)
        session = client.create(NAMED).json()["sessionId"]
        for _ in range(4):
            client.get(session)
        client.head(session)
        client.end(session)
        client.end(session)  # 404
        client.request("GET", f"/gks-server/v1/sessions?tenantId={tenant}")
        client.request("PATCH", client.target(session))
        client.close()
    seen = metrics(own)
    one = "/sessions/{sessionId}"
    assert seen.sum(COUNT, http_route="/sessions/new", http_request_method="PUT", http_response_status_code="200") == 3
    assert seen.sum(COUNT, http_route=one, http_request_method="GET", http_response_status_code="200") == 12
    assert seen.sum(COUNT, http_route=one, http_request_method="HEAD") == 3
    assert seen.sum(COUNT, http_route=one, http_request_method="DELETE", http_response_status_code="404") == 3
    assert seen.sum(COUNT, http_route="/sessions", http_request_method="GET", http_response_status_code="200") == 3
    assert seen.sum(COUNT, http_route="", http_request_method="_OTHER", http_response_status_code="405") == 3
    assert seen.sum(COUNT) == seen.sum(COUNT, url_scheme="http") == 30
    assert seen.sum("sojourn_refusals_total", code="SESSION_NOT_FOUND") == 3
    assert seen.sum("sojourn_refusals_total", code="METHOD_NOT_ALLOWED") == 3
    assert seen.sum("sojourn_refusals_total") == 6


def test_histograms_add_up(own, tenant):
    client = Client(own.address, tenant)
    for _ in range(20):
        client.create()
    client.close()
    seen = metrics(own)
    for family in (name for name, kind in seen.types.items() if kind == "histogram"):
        for (name, labels), count in seen.values.items():
            if name != family + "_count":
                continue
            buckets = sorted((float(dict(has)["le"]), value) for (one, has), value in seen.values.items()
                             if one == family + "_bucket" and labels == {pair for pair in has if pair[0] != "le"})
            assert [value for _, value in buckets] == sorted(value for _, value in buckets)
            assert buckets[-1] == (float("inf"), count)
            assert (seen.values[(family + "_sum", labels)] > 0) == (count > 0)
    assert seen.sum("sojourn_store_commits_total") == 20
    if EMBEDDED:
        assert seen.sum("sojourn_store_batch_size_sum") == 20
        assert seen.sum("sojourn_store_commit_duration_seconds_count") == seen.sum("sojourn_store_batch_size_count")
    else:
        assert seen.sum("sojourn_store_commit_duration_seconds_count") == 20


def test_labels_hold_nothing_that_a_caller_made_up(own, tenant):
    client = Client(own.address, tenant)
    session = client.create().json()["sessionId"]
    for path in (f"/sessions/{session}/x", "/made-up", f"/{session}", "/%0Aforged%201"):
        assert client.request("GET", path).status == 404
    assert client.request("MADEUP", "/sessions").status in (400, 404, 405)
    client.close()
    bare = Connection(own.address)
    bare.send(b"NOT HTTP\r\n\r\n").read()
    bare.close()
    seen = metrics(own)
    assert session not in seen.text and "made-up" not in seen.text.lower() and "forged" not in seen.text
    routes = {value for name, value in seen.labels() if name == "http_route"}
    assert routes == {"", "/sessions/new"}
    assert seen.sum("sojourn_refusals_total", code="ROUTE_NOT_FOUND") == 4
    assert seen.sum("sojourn_refusals_total", code="BAD_REQUEST") == 1


@embedded_only
def test_sessions_are_counted_by_tenant_and_kind(start_server, tenant):
    server = start_server("sessions.idle_timeout=1h", f'tenants.policy."{tenant}x".idle_timeout=300ms')
    strange = 'a"} 1\\b'
    clients = [Client(server.address, one) for one in (tenant, tenant + "x", strange)]
    ids = [clients[0].create(NAMED).json()["sessionId"] for _ in range(3)]
    for client in (clients[0], clients[1], clients[2]):
        client.create()
    clients[0].end(ids[0])
    seen = metrics(server)
    assert seen.sum("sojourn_sessions", tenant=tenant, kind="named") == 2
    assert seen.sum("sojourn_sessions", tenant=tenant, kind="anonymous") == 1
    assert seen.sum("sojourn_sessions", tenant=strange.replace("\\", "\\\\").replace('"', '\\"')) == 1
    wait_for(lambda: metrics(server).sum("sojourn_sessions", tenant=tenant + "x") == 0, "the session is reaped")
    after = metrics(server)
    assert after.sum("sojourn_reaper_removed_total", what="session") == 1
    assert after.sum("sojourn_sessions") == 4
    for client in clients:
        client.close()


@embedded_only
def test_tenants_beyond_a_thousand_are_one(own):
    client = Client(own.address)
    for number in range(1005):
        assert client.request("PUT", f"/sessions/new?tenantId=t{number:04}").status == 200
    client.close()
    seen = metrics(own)
    tenants = {value for name, value in seen.labels() if name == "tenant"}
    assert len(tenants) == 1001 and "_OTHER" in tenants
    assert seen.sum("sojourn_sessions", tenant="_OTHER") == 5 and seen.sum("sojourn_sessions") == 1005


def test_connections_and_streams(start_server, tenant):
    server = start_server("http.max_connections=2")
    first = Client(server.address, tenant)
    first.create()
    assert metrics(server).sum("sojourn_event_streams") == 0
    with Stream(server.address, tenant, after="0") as stream:
        stream.next()
        seen = metrics(server)
        assert seen.sum("sojourn_connections", listener="public") == 2
        assert seen.sum("sojourn_event_streams") == 1
        assert seen.sum("sojourn_event_delivery_delay_seconds_count") == 1
        third = Connection(server.address)
        third.send(request_bytes("GET", "/nowhere"))
        assert third.read().status == 503
        third.close()
    seen = metrics(server)
    assert seen.sum("sojourn_connections_accepted_total", listener="public") == 3
    assert seen.sum("sojourn_connections_turned_away_total", listener="public") == 1
    assert seen.sum("sojourn_refusals_total", code="OVERLOADED") == 1
    wait_for(lambda: metrics(server).sum("sojourn_event_streams") == 0, "the stream's end is counted")
    first.close()


def test_reloads(start_server, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text("")
    server = start_server(config=config)
    started = metrics(server)
    assert started.sum("sojourn_config_last_reload_successful") == 1
    config.write_text("nonsense")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: metrics(server).sum("sojourn_config_reloads_total", result="failed") == 1, "a bad reload")
    assert metrics(server).sum("sojourn_config_last_reload_successful") == 0
    config.write_text("# defaults\n")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: metrics(server).sum("sojourn_config_reloads_total", result="good") == 1, "a good reload")
    assert metrics(server).sum("sojourn_config_last_reload_successful") == 1


def test_the_process_and_the_store(own):
    seen = metrics(own)
    assert seen.sum("sojourn_build_info") == 1
    assert seen.sum("sojourn_store_healthy") == 1
    if EMBEDDED:
        assert 0 < seen.sum("sojourn_store_used_bytes") <= seen.sum("sojourn_store_file_bytes")
        assert seen.sum("sojourn_store_map_bytes") == 64 << 30
    assert seen.sum("process_open_fds") > 5 and seen.sum("process_resident_memory_bytes") > 1 << 20
