"""Several nodes on one real Redis Cluster: any node serves any session, at once after another has
answered."""

import itertools

from harness.client import Client
from harness.load import walk
from harness.nodes import Nodes
from harness.redis import Cluster
from harness.wire import check_session


def test_a_session_of_one_node_is_every_nodes(tmp_path, tenant):
    with Cluster(tmp_path / "cluster") as cluster, Nodes(tmp_path, cluster) as nodes:
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
