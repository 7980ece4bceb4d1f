"""What happens to Redis servers, as sojourn has to bear it: a 503 that says when to come back, never a
false 404, and all is well again by itself."""

import pytest

from harness.client import Client
from harness.metrics import metrics
from harness.processes import wait_for
from harness.redis import Redis
from harness.server import Server
from harness.wire import check_session

QUICK = ("command_timeout=300ms", "connect_timeout=300ms")
CACHE = ("--appendonly", "no")  # what it knows goes with it


def on(url, *settings):
    """The flags of a server whose sessions are there."""
    flags = ["--set", "store.kind=redis", "--set", f"store.redis.url={url}"]
    return flags + [word for setting in settings for word in ("--set", f"store.redis.{setting}")]


@pytest.fixture
def redis(tmp_path):
    with Redis(tmp_path / "redis") as one:
        yield one


def is_unavailable(response):
    assert response.status == 503, response
    assert int(response.field("Retry-After")) > 0
    return response.json()["code"] == "STORE_UNAVAILABLE"


def commands(seen, outcome):
    return seen.sum("sojourn_redis_commands_total", outcome=outcome)


def test_metrics_tell_of_a_server_that_dies_and_comes_back(redis, tmp_path, tenant):
    with Server(tmp_path / "node", ["http.threads=1"], store=on(redis.url, *QUICK)) as node:
        client = Client(node.address, tenant)
        session = check_session(client.create({"gkc_customerId": "bob"}))["sessionId"]
        before = metrics(node)
        assert commands(before, "answered") > 3
        assert before.sum("sojourn_redis_command_duration_seconds_count") >= commands(before, "answered")
        assert before.sum("sojourn_redis_connections") >= 2  # of the thread that answers, and the reaper's
        assert before.sum("sojourn_redis_slot_map_refreshes_total") >= 2
        assert before.sum("sojourn_redis_error_replies_total") == \
            before.sum("sojourn_redis_error_replies_total", code="NOSCRIPT") > 0
        assert before.sum("sojourn_store_commits_total", outcome="committed") >= 1
        assert before.sum("sojourn_store_commit_duration_seconds_count") >= 1
        for name in ("redis_connections_lost_total", "redis_unconfirmed_writes_total", "store_commits_waiting"):
            assert before.sum("sojourn_" + name) == 0

        redis.kill()
        assert is_unavailable(client.get(session))
        assert is_unavailable(client.create())
        during = metrics(node)
        assert during.sum("sojourn_redis_connections_lost_total") >= 2
        assert commands(during, "timed_out") >= 2
        assert during.sum("sojourn_redis_retries_total") > before.sum("sojourn_redis_retries_total")
        assert during.sum("sojourn_redis_connects_total", result="failed") > 0
        assert during.sum("sojourn_store_commits_total", outcome="failed") >= 1

        redis.start()
        wait_for(lambda: client.get(session).status == 200, "the session is back")
        made = check_session(client.create())
        after = metrics(node)
        assert after.sum("sojourn_redis_connects_total", result="good") > before.sum(
            "sojourn_redis_connects_total", result="good")
        assert after.sum("sojourn_redis_connections") >= 1
        assert after.sum("sojourn_redis_error_replies_total", code="NOSCRIPT") > before.sum(
            "sojourn_redis_error_replies_total", code="NOSCRIPT")
        assert made["sessionId"] != session
        client.close()


def test_metrics_tell_of_writes_that_no_replica_confirms(redis, tmp_path, tenant):
    with Server(tmp_path / "node", store=on(redis.url, *QUICK, "wait_replicas=1", "wait_timeout=1ms")) as node:
        client = Client(node.address, tenant)
        assert is_unavailable(client.create())
        client.close()
        assert metrics(node).sum("sojourn_redis_unconfirmed_writes_total") >= 1
