"""What happens to Redis servers, as sojourn has to bear it: a 503 that says when to come back, never a
false 404, and all is well again by itself."""

import threading

import pytest

from harness.client import Client
from harness.events import check_events
from harness.metrics import metrics
from harness.nginx import free_port
from harness.processes import wait_for
from harness.redis import Cluster, Redis
from harness.server import DidNotStart, Server
from harness.wire import check_session

QUICK = ("command_timeout=300ms", "connect_timeout=300ms")


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


def refusal(directory, store):
    """What a server says that does not start."""
    with pytest.raises(DidNotStart) as caught:
        Server(directory / "refused", store=store).start()
    assert caught.value.code == 1
    return caught.value.stderr


def says(redis, line):
    try:
        return redis.call(line)
    except OSError:
        return b""


def readiness(node):
    client = Client(node.admin_address)
    status = client.request("GET", "/readyz").status
    client.close()
    return status


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
        wait_for(lambda: readiness(node) == 503, "a proxy is told")

        redis.start()
        wait_for(lambda: readiness(node) == 200, "a proxy is told, without a request")
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


# Servers that are there, and cannot do it now


def sessions_of(client, count=10):
    return [check_session(client.create({"gkc_customerId": "bob"}))["sessionId"] for _ in range(count)]


def are_all_kept(client, sessions):
    return all(not check_session(client.get(one))["isNew"] for one in sessions)


def test_a_master_that_is_made_a_replica_is_asked_nothing(redis, tmp_path, tenant):
    with Server(tmp_path / "node", store=on(redis.url, *QUICK)) as node:
        client = Client(node.address, tenant)
        session, = sessions_of(client, 1)
        redis.call("REPLICAOF 127.0.0.1 1")  # nobody is there
        assert is_unavailable(client.create())
        # Reads within a second: what it still shows may not be what is.
        wait_for(lambda: client.get(session).status == 503, "reads are refused", 3)
        assert is_unavailable(client.get(session))
        assert client.head(session).status == 503
        node.await_words("redis.no_map", "it is a replica")
        redis.call("REPLICAOF NO ONE")
        wait_for(lambda: client.get(session).status == 200, "the session is back", 5)
        assert are_all_kept(client, [session])
        check_session(client.create())
        client.close()


def test_a_replica_is_refused_at_the_start(redis, tmp_path):
    redis.call("REPLICAOF 127.0.0.1 1")
    said = refusal(tmp_path, on(redis.url, *QUICK, "start_timeout=1ms"))
    assert "is a replica of another server; store.redis.url must name the master" in said


def test_a_server_that_loads_its_data_is_waited_for(redis, tmp_path, tenant):
    node = Server(tmp_path / "node", store=on(redis.url, *QUICK))
    with node:
        client = Client(node.address, tenant)
        sessions = sessions_of(client)
        redis.fill(20_000)
        redis.kill()
        redis.start("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
        wait_for(lambda: says(redis, "PING").startswith(b"-LOADING"), "it loads")
        assert is_unavailable(client.get(sessions[0]))
        assert is_unavailable(client.create())
        assert metrics(node).sum("sojourn_redis_error_replies_total", code="LOADING") > 0
        # One that starts meanwhile waits as well.
        second = Server(tmp_path / "second", store=on(redis.url, *QUICK))
        release = threading.Thread(target=lambda: (
            second.await_words("redis.waiting", "LOADING"), redis.call("CONFIG SET key-load-delay 0")))
        release.start()
        with second:
            release.join()
            wait_for(lambda: client.get(sessions[0]).status == 200, "the sessions are back")
            for address in (node.address, second.address):
                one = Client(address, tenant)
                assert are_all_kept(one, sessions)
                one.close()
        client.close()


def test_a_cluster_that_misses_a_part_refuses_and_comes_back(tmp_path, tenant):
    with Cluster(tmp_path / "cluster", "--replicas", "0", "--node-timeout", "500", "--appendfsync", "always") as cluster, \
            Server(tmp_path / "node", store=on(cluster.url, *QUICK)) as node:
        client = Client(node.address, tenant)
        sessions = sessions_of(client, 20)
        victim, *others = cluster.masters()
        cluster.kill(victim)
        wait_for(lambda: all("cluster_state:fail" in cluster.cli(port, "cluster", "info") for port in others),
                 "the others know", 30)
        # Those of the living servers too: the cluster has stopped (cluster-require-full-coverage).
        for one in sessions[:5]:
            assert is_unavailable(client.get(one))
        assert is_unavailable(client.create())
        assert metrics(node).sum("sojourn_redis_error_replies_total", code="CLUSTERDOWN") > 0
        cluster.start(victim)
        wait_for(lambda: all(client.get(one).status == 200 for one in sessions), "all are back", 30)
        assert are_all_kept(client, sessions)
        check_session(client.create())
        client.close()


# A start before the servers are there


def test_a_start_waits_for_servers_and_ends_with_the_reason(tmp_path):
    said = refusal(tmp_path, on(f"redis://127.0.0.1:{free_port()}", *QUICK, "start_timeout=500ms"))
    assert '"event":"redis.waiting"' in said
    assert "Connection refused); see that they are up, and the options store.redis" in said


def test_a_start_that_waits_can_be_ended(tmp_path):
    node = Server(tmp_path / "node", store=on(f"redis://127.0.0.1:{free_port()}", *QUICK))
    end = threading.Thread(target=lambda: (node.await_words("redis.waiting"), node.process.terminate()))
    end.start()
    with pytest.raises(DidNotStart) as caught:
        node.start()
    end.join()
    assert caught.value.code == 0


# What cannot be read: damaged, or written by a newer version (which redis_store_test.cc looks at)


RECORDS = ("for _, key in ipairs(redis.call('KEYS', '*')) do "
           "if string.find(key, ARGV[1], 1, true) and string.find(key, ARGV[2], 1, true) then "
           "redis.call('SETRANGE', key, 0, string.char(2)) end end")
EVENTS = ("for _, key in ipairs(redis.call('KEYS', '*:log:*')) do if string.find(key, ARGV[1], 1, true) then "
          "local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1] "
          "redis.call('XADD', key, (string.gsub(last[1], '0$', '1')), 'e', string.char(2) .. string.sub(last[2][2], 2)) "
          "redis.call('XDEL', key, last[1]) end end")


def test_what_cannot_be_read_is_refused_and_all_else_goes_on(redis, tmp_path):
    quick = [f"tenants.policy.{name}.idle_timeout=300ms" for name in ("broken", "others")]
    with Server(tmp_path / "node", ["events.retention=2s", *quick], store=on(redis.url, *QUICK)) as node:
        broken, others, events = (Client(node.address, name) for name in ("broken", "others", "events"))
        eve = {"gkc_customerId": "eve"}
        strange = check_session(broken.create(eve | {"Idempotency-Key": "one"}))["sessionId"]
        redis.call(f'EVAL "{RECORDS}" 0 :session: broken')
        redis.call(f'EVAL "{RECORDS}" 0 :key: broken')
        for call in (broken.get, broken.associate, broken.end):
            assert is_unavailable(call(strange))
        assert is_unavailable(broken.create(eve | {"Idempotency-Key": "one"}))
        # A list that has it is none; the tenant's others are there.
        named = check_session(broken.create({"gkc_customerId": "bob"}))["sessionId"]
        assert is_unavailable(broken.list()) and is_unavailable(broken.list(customerId="eve"))
        assert broken.list(customerId="bob").status == broken.events().status == 200

        check_session(events.create())
        _, first = check_events(events.events(), "events")
        check_session(events.create())
        redis.call(f'EVAL "{EVENTS}" 0 events')
        assert is_unavailable(events.events(after=first))
        assert events.events(limit=1).status == 200
        check_session(events.create())
        assert events.list().status == 200

        # Expiry and the trimming of events pass it by, again and again.
        ended = check_session(others.create())["sessionId"]
        wait_for(lambda: metrics(node).sum("sojourn_reaper_removed_total", what="session") == 2, "the others expire")
        assert others.head(ended).status == broken.head(named).status == 404
        wait_for(lambda: events.events(after="0").json().get("response", {}).get("events") == [],
                 "the events are trimmed, that one too")
        node.await_words("A session's record is damaged", "An event is damaged or newer", "An idempotency entry is damaged")
        for client in (broken, others, events):
            client.close()
