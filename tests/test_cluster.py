"""Several nodes on one real Redis Cluster, behind HAProxy: any node serves any session, and what goes
wrong with the cluster or a node is a 503 at most. The faults take a minute and more, so they are only
brought about with SOJOURN_TEST_SCALE=full; `-s` prints what was lost and for how long."""

import itertools
import signal

import pytest

from harness.certificates import Authority
from harness.client import Client
from harness.ledger import Judge, Writers
from harness.load import create_many, walk
from harness.nginx import free_port
from harness.processes import wait_for
from harness.proxies import HaproxyInFront
from harness.redis import Cluster
from harness.scale import FULL, size
from harness.server import Server
from harness.wire import check_session

WRITERS = 8
fault = pytest.mark.skipif(not FULL, reason="only with SOJOURN_TEST_SCALE=full")


def on(cluster, *settings):
    """The flags of a node on that cluster."""
    flags = ["--set", "store.kind=redis", "--set", f"store.redis.url={cluster.url}"]
    return flags + [word for setting in settings for word in ("--set", f"store.redis.{setting}")]


class Nodes:
    """Three nodes behind HAProxy with the documented configuration, and a plain listener beside it
    for the ledger. As a context manager."""

    def __init__(self, directory, cluster, *settings):
        self.nodes = [Server(directory / f"node{number}", store=on(cluster, *settings))
                      for number in range(3)]
        self._directory = directory

    def __enter__(self):
        for node in self.nodes:
            node.start()
        self.address = ("127.0.0.1", free_port())
        bind = "    bind :8443 ssl"
        proxy = self._directory / "haproxy"
        proxy.mkdir()
        certificate = Authority(self._directory).issue("proxy")
        self._proxy = HaproxyInFront(proxy, self.nodes, certificate, changes=[
            (bind, "    bind %s:%d\n%s" % (*self.address, bind))])
        self._proxy.__enter__()
        return self

    def __exit__(self, kind, value, trace):
        self._proxy.__exit__()
        for node in self.nodes:
            node.__exit__(kind, value, trace)


@pytest.fixture
def cluster(request, tmp_path):
    """A 3+3 cluster; a parameter gives further options of tools/redis-cluster."""
    with Cluster(tmp_path / "cluster", *getattr(request, "param", ())) as one:
        yield one


def test_a_session_of_one_node_is_every_nodes(cluster, tmp_path, tenant):
    with Nodes(tmp_path, cluster) as nodes:
        clients = [Client(node.address, tenant) for node in nodes.nodes]
        through_proxy = Client(nodes.address, tenant)
        made = []
        for first, second, third in itertools.permutations(clients):
            session = check_session(first.create({"gkc_customerId": "bob"}))["sessionId"]
            assert not check_session(second.get(session))["isNew"]
            known = check_session(third.associate(session, {"gkc_agentId": "ann"}))
            assert known["version"] == 2
            assert check_session(first.get(session))["agentId"] == "ann"
            check_session(second.end(session))
            # At once after the 200, on every node: it is over, for good.
            for client in clients:
                assert client.head(session).status == 404
                assert check_session(client.get(session))["isNew"]
            made.append(session)
        kept = check_session(through_proxy.create({"gkc_customerId": "eve"}))["sessionId"]
        for client in clients:
            assert [one["sessionId"] for one in walk(client, customerId="eve")] == [kept]
            listed = {one["sessionId"] for one in walk(client)}
            assert kept in listed and not listed & set(made)
        for client in [*clients, through_proxy]:
            client.close()


def run_through(happens, nodes, cluster, tenant, directory, answers=400):
    """The ledger's writers work through HAProxy while `happens()` is done and until all is well again.
    Returns the judge."""
    ledger = directory / "ledger"
    ledger.mkdir()
    with Writers(ledger, tenant, WRITERS) as writers:
        writers.keep_until(nodes.address, answers)
        happens()
        wait_for(cluster.is_whole, "the cluster is whole again", 60)
        wait_for(lambda: serves(nodes.address, tenant), "full service is back", 30)
        writers.halt()
    judge = Judge(ledger, may_refuse=True)
    assert judge.read()
    return judge


def serves(address, tenant):
    """Creates and reads in many shards, one after the other, all answered."""
    client = Client(address, tenant)
    try:
        for _ in range(100):
            made = client.create()
            if made.status != 200 or client.get(made.json()["response"]["sessionId"]).status != 200:
                return False
        return True
    except OSError:
        return False
    finally:
        client.close()


def outage_ms(judge):
    """From the first refusal to the last, in milliseconds; 0 when there was none."""
    refused = [at for at, fine in judge.answered if not fine]
    return round((max(refused) - min(refused)) * 1000) if refused else 0


def verdict(name, judge, nodes, tenant, record_property):
    """No lies, whatever was lost; returns how many acknowledged writes were lost."""
    wrong, lost = judge.losses(nodes.address, tenant)
    assert not wrong, wrong[:5]
    summary = (f"{name}: {judge.counts['create'] + judge.counts['associate']} acknowledged, "
               f"{len(lost)} of {len(judge.promises)} sessions lost something, refusals over {outage_ms(judge)} ms")
    record_property("summary", summary)
    print(summary)
    return len(lost)


DURABLE = ("--appendfsync", "always")


@fault
@pytest.mark.parametrize("cluster, settings, nothing_lost", [
    (DURABLE, (), False), (DURABLE, ("wait_replicas=1", "wait_timeout=1s"), True)],
    indirect=["cluster"], ids=["wait-0", "wait-1"])
def test_a_master_dies(cluster, settings, nothing_lost, tmp_path, tenant, record_property):
    with Nodes(tmp_path, cluster, *settings) as nodes:
        victim = cluster.masters()[0]

        def happens():
            cluster.kill(victim)
            wait_for(lambda: victim not in cluster.masters() and len(cluster.masters()) == 3,
                     "a replica takes over", 30)
            # Without a replica nothing is acknowledged where one is asked for: it comes back as one.
            cluster.start(victim)

        judge = run_through(happens, nodes, cluster, tenant, tmp_path)
        lost = verdict(f"a master dies, {settings or 'wait_replicas=0'}", judge, nodes, tenant, record_property)
        assert lost == 0 or not nothing_lost


@fault
@pytest.mark.parametrize("cluster", [DURABLE], indirect=True)
def test_slots_move_to_a_new_server(cluster, tmp_path, tenant, record_property):
    with Nodes(tmp_path, cluster) as nodes:
        create_many(nodes.nodes[0].address, tenant, size("SOJOURN_MOVED_SESSIONS", 500, 20_000))

        def happens():
            added = cluster.add_master()
            cluster.rebalance()
            assert added in cluster.masters()

        judge = run_through(happens, nodes, cluster, tenant, tmp_path)
        assert verdict("slots move", judge, nodes, tenant, record_property) == 0
        assert judge.counts["unknown"] == 0, judge.counts


@fault
@pytest.mark.parametrize("cluster", [DURABLE], indirect=True)
def test_every_server_restarts_in_turn(cluster, tmp_path, tenant, record_property):
    with Nodes(tmp_path, cluster) as nodes:
        def happens():
            for port, pid in cluster.nodes().items():
                cluster.kill(port)
                cluster.start(port)
                wait_for(cluster.is_whole, "the cluster is whole again", 60)

        judge = run_through(happens, nodes, cluster, tenant, tmp_path)
        verdict("every server restarts in turn", judge, nodes, tenant, record_property)


@fault
@pytest.mark.parametrize("cluster", [DURABLE], indirect=True)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stops", "dies"])
def test_a_node_of_sojourn_goes(cluster, how, tmp_path, tenant, record_property):
    with Nodes(tmp_path, cluster) as nodes:
        def happens():
            if how == signal.SIGTERM:
                nodes.nodes[0].stop()
            else:
                nodes.nodes[0].kill()

        judge = run_through(happens, nodes, cluster, tenant, tmp_path)
        assert verdict(f"a node {how.name}", judge, nodes, tenant, record_property) == 0


@fault
def test_all_that_expires_leaves_nothing_though_a_server_restarts(cluster, tmp_path, tenant):
    count = size("SOJOURN_EXPIRING_IN_CLUSTER", 2_000, 200_000)
    idle = "8s" if count < 10_000 else "60s"
    settings = [f"sessions.idle_timeout={idle}", "events.retention=0"]
    node = Server(tmp_path / "node", settings, store=on(cluster))
    with node:
        baseline = cluster.size()
        made = create_many(node.address, tenant, count,
                           lambda number: [("gkc_customerId", f"c{number % 100}")] if number % 2 else [])
        assert len(made) == count
        assert cluster.size() > baseline + count
        victim = cluster.masters()[1]
        cluster.kill(victim)
        cluster.start(victim)
        wait_for(cluster.is_whole, "the cluster is whole again", 60)
        wait_for(lambda: cluster.size() <= baseline, "every key is gone", 180)
