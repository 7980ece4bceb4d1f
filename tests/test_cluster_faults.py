"""What goes wrong with a real Redis Cluster, or with a node of sojourn, while three nodes behind HAProxy
are at work: whatever happens, there is no false 404, no session that nobody asked for, and every error is
a 503 with Retry-After. Acknowledged writes may be lost where docs/reliability.md says so, and only there.

`-s` prints what was lost, and how long after the fault the last refusal came."""

import signal
import time

import pytest

from harness.client import Client
from harness.ledger import Judge, Writers
from harness.load import create_many
from harness.metrics import metrics
from harness.nodes import Nodes, on
from harness.processes import wait_for
from harness.redis import Cluster
from harness.scale import FULL, size
from harness.server import Server

WRITERS = 8
# Some keys go by themselves two minutes after what they are kept for. That they do is waited for at full
# scale only.
KEPT_A_WHILE = 150  # s
DURABLE = ("--appendfsync", "always")
WAIT_0, WAIT_1 = (), ("wait_replicas=1", "wait_timeout=1s")
per_setting = pytest.mark.parametrize("settings", [WAIT_0, WAIT_1], ids=["wait-0", "wait-1"])


# Where no replica is to take over: none does because the machine is busy either.
steady = pytest.mark.parametrize("cluster", [(*DURABLE, "--node-timeout", "15000")], indirect=True, ids=["steady"])


@pytest.fixture
def cluster(request, tmp_path):
    """Three masters, each with a replica; every write is on their disks before it is acknowledged."""
    with Cluster(tmp_path / "cluster", *getattr(request, "param", DURABLE)) as one:
        yield one


class Run:
    """The ledger's writers at work through HAProxy while faults are brought about. As a context manager;
    afterwards `judge` has read what they noted."""

    def __init__(self, nodes, cluster, tenant, directory):
        self.nodes, self._cluster, self._tenant = nodes, cluster, tenant
        self._ledger = directory / "ledger"
        self._ledger.mkdir()
        self._writers = Writers(self._ledger, tenant, WRITERS)
        self._faults, self._healings = [], []  # when

    def __enter__(self):
        self._writers.__enter__()
        self._writers.keep_until(self.nodes.address, 200)
        return self

    def fault(self):
        """One is brought about now."""
        self._faults.append(time.monotonic())

    def await_failover(self, victim):
        wait_for(lambda: victim not in self._cluster.masters() and len(self._cluster.masters()) == 3,
                 "a replica takes over", 60)
        wait_for(lambda: "cluster_state:ok" in self._cluster.cli(self._cluster.any_port(), "cluster", "info"),
                 "all slots are served", 60)
        self._healings.append(time.monotonic())

    def acknowledged(self):
        return sum(file.read_bytes().count(b'"answer": "ok"') for file in self._ledger.glob("*.jsonl"))

    def await_acknowledged(self, count):
        """Until so many more operations are."""
        before = self.acknowledged()
        wait_for(lambda: self.acknowledged() >= before + count, "operations are acknowledged", 60)

    def await_service(self):
        """Until the cluster is whole and sessions of all shards can be made and read."""
        wait_for(self._cluster.is_whole, "the cluster is whole again", 60)
        wait_for(lambda: serves(self.nodes.address, self._tenant), "full service is back", 60)

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.await_service()
            self._writers.halt()
        self._writers.__exit__(kind, value, trace)
        self.judge = Judge(self._ledger, may_refuse=True)
        assert self.judge.read()
        if kind is None:
            self._wrong, self._lost = self.judge.losses(self.nodes.address, self._tenant)

    def verdict(self, name):
        """No lies, whatever was lost; prints a summary and returns how many sessions lost something that
        was acknowledged."""
        assert not self._wrong, self._wrong[:5]
        counts = self.judge.counts
        print(f"\n{name}: {counts['create'] + counts['associate']} acknowledged, {counts['unknown']} refused; "
              f"of {len(self.judge.promises)} sessions {len(self._lost)} lost an acknowledged change; "
              f"after each fault, ms: {self._faults_ms()}")
        return len(self._lost)

    def _faults_ms(self):
        """For each fault, in milliseconds: when Redis served all slots again, where that was awaited, and when
        the last refusal came, if any."""
        ends = [*self._faults[1:], float("inf")]
        told = []
        for begin, end in zip(self._faults, ends):
            healed = [at - begin for at in self._healings if begin <= at < end]
            refused = [at - begin for at, fine in self.judge.answered if not fine and begin <= at < end]
            told.append({name: round(1000 * max(times))
                         for name, times in (("redis", healed), ("last_refusal", refused)) if times})
        return told


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


@per_setting
def test_masters_die(cluster, settings, tmp_path, tenant):
    with Nodes(tmp_path, cluster, *settings) as nodes, Run(nodes, cluster, tenant, tmp_path) as run:
        for _ in range(size("SOJOURN_MASTER_DEATHS", 1, 6)):
            victim = cluster.masters()[0]
            run.fault()
            cluster.kill(victim)
            run.await_failover(victim)
            # Without a replica nothing is acknowledged where one is asked for: it comes back as one.
            cluster.start(victim)
            run.await_service()
            run.await_acknowledged(100)
    lost = run.verdict(f"masters die, {settings or 'wait_replicas=0'}")
    assert lost == 0 or settings == WAIT_0


@per_setting
def test_a_master_dies_whose_replica_lags(cluster, settings, tmp_path, tenant):
    """The replica receives nothing for a while, then the master dies: what a failover loses."""
    with Nodes(tmp_path, cluster, *settings) as nodes, Run(nodes, cluster, tenant, tmp_path) as run:
        victim = cluster.masters()[0]
        replica = cluster.replica_of(victim)
        cluster.freeze(replica)
        cluster.cli(victim, "client", "kill", "type", "replica")
        # Where a replica is asked for, little is acknowledged now: the tenant's log may be there, too.
        run.await_acknowledged(100 if settings == WAIT_0 else 10)
        run.fault()
        cluster.kill(victim)
        cluster.thaw(replica)
        run.await_failover(victim)
        cluster.start(victim)
    lost = run.verdict(f"a master dies whose replica lags, {settings or 'wait_replicas=0'}")
    assert lost == 0 if settings == WAIT_1 else lost > 0


@per_setting
def test_a_master_hangs(cluster, settings, tmp_path, tenant):
    with Nodes(tmp_path, cluster, *settings) as nodes, Run(nodes, cluster, tenant, tmp_path) as run:
        victim = cluster.masters()[1]
        run.fault()
        cluster.freeze(victim)
        try:
            run.await_failover(victim)
            if settings == WAIT_0:  # else the new master needs the old one, as its replica
                wait_for(lambda: serves(nodes.address, tenant), "full service is back", 60)
        finally:
            cluster.thaw(victim)
    lost = run.verdict(f"a master hangs, {settings or 'wait_replicas=0'}")
    assert lost == 0 or settings == WAIT_0


def test_slots_move_to_a_new_server(cluster, tmp_path, tenant):
    with Nodes(tmp_path, cluster) as nodes:
        create_many(nodes.nodes[0].address, tenant, size("SOJOURN_MOVED_SESSIONS", 500, 20_000))
        with Run(nodes, cluster, tenant, tmp_path) as run:
            run.fault()
            added = cluster.add_master()
            cluster.move_slots(added, size("SOJOURN_MOVED_SLOTS", 256, 4096))
            assert added in cluster.masters()
        assert run.verdict("slots move to a new server") == 0
        assert run.judge.counts["unknown"] == 0, run.judge.counts


@steady
def test_every_server_restarts_in_turn(cluster, tmp_path, tenant):
    with Nodes(tmp_path, cluster) as nodes, Run(nodes, cluster, tenant, tmp_path) as run:
        for port in cluster.nodes():
            run.fault()
            cluster.kill(port)
            cluster.start(port)
            run.await_service()
    assert run.verdict("every server restarts in turn") == 0


@steady
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stops", "dies"])
def test_a_node_of_sojourn_goes(cluster, how, tmp_path, tenant):
    with Nodes(tmp_path, cluster) as nodes, Run(nodes, cluster, tenant, tmp_path) as run:
        run.fault()
        if how == signal.SIGTERM:
            nodes.nodes[0].stop()
        else:
            nodes.nodes[0].kill()
        run.await_acknowledged(200)
    assert run.verdict(f"a node of sojourn goes by {how.name}") == 0


@steady
def test_a_slot_left_half_open_holds_up_nothing_elsewhere(cluster, tmp_path, tenant):
    """As an aborted resharding leaves it: its master asks for keys elsewhere that it does not have."""
    with Server(tmp_path / "node", ["sessions.idle_timeout=5s"], store=on(cluster)) as node:
        made = create_many(node.address, tenant, 3_000)
        half_open = cluster.tags("*:session:*")[0]
        owner, other = sorted(cluster.masters(), key=lambda port: "MOVED" in cluster.cli(port, "get", half_open))[:2]
        slot = cluster.cli(owner, "cluster", "keyslot", half_open)
        assert cluster.cli(owner, "cluster", "setslot", slot, "migrating", cluster.cli(other, "cluster", "myid")) == "OK"

        def kept_there():
            tags = cluster.tags("*:session:*")
            return len(tags) if set(tags) == {half_open} else 0

        wait_for(lambda: 0 < kept_there() < len(made) / 100, "all others are over", 60)
        assert metrics(node).sum("sojourn_redis_failing_shards") == 1
        assert cluster.cli(owner, "cluster", "setslot", slot, "stable") == "OK"
        wait_for(lambda: not cluster.tags("*:session:*"), "those are over, too", 60)
        wait_for(lambda: metrics(node).sum("sojourn_redis_failing_shards") == 0, "all shards answer", 60)


@steady
def test_all_that_expires_leaves_nothing_though_servers_restart(cluster, tmp_path, tenant):
    count = size("SOJOURN_EXPIRING_IN_CLUSTER", 2_000, 200_000)
    idle = 5 if count < 10_000 else 60
    settings = [f"sessions.idle_timeout={idle}s", "events.retention=0"]
    with Server(tmp_path / "node", settings, store=on(cluster)) as node:
        baseline = cluster.size()
        made = create_many(node.address, tenant, count,
                           lambda number: [("gkc_customerId", f"c{number % 100}")] if number % 2 else [])
        assert len(made) == count
        assert cluster.size() > baseline + count / 2
        victim = cluster.masters()[1]
        cluster.kill(victim)
        cluster.start(victim)
        wait_for(cluster.is_whole, "the cluster is whole again", 60)
        node.kill()  # and so does the node of sojourn
        node.start()
        # The mark of the tenant's log stays: it tells readers that there were events.
        wait_for(lambda: cluster.lasting(KEPT_A_WHILE) <= baseline + 1,
                 "every key but one is gone, or goes soon", 300)
        if FULL:
            wait_for(lambda: cluster.size() <= baseline + 1, "every key but one is gone", 300)
        print(f"\n{count} sessions expired: {baseline} keys before, {cluster.size()} after, "
              f"{cluster.lasting(KEPT_A_WHILE)} of them for more than {KEPT_A_WHILE} s")
