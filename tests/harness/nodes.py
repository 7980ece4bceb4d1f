"""Several nodes of sojourn on one cluster store, behind HAProxy with the documented configuration."""

from harness.certificates import Authority
from harness.nginx import free_port
from harness.proxies import HaproxyInFront
from harness.server import Server


def on(cluster, *settings):
    """The flags of a node on that cluster; settings are those of store.redis."""
    flags = ["--set", "store.kind=redis", "--set", f"store.redis.url={cluster.url}"]
    return flags + [word for setting in settings for word in ("--set", f"store.redis.{setting}")]


class Nodes:
    """Three nodes, and `address`, a plain listener of the proxy. As a context manager."""

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
