"""Fixtures: a shared server per test file, servers of one's own, clients, tenants of one's own."""

import itertools
import uuid

import pytest

pytest.register_assert_rewrite("harness.wire", "harness.client", "harness.server")

from harness import server as server_module, stores  # noqa: E402 (after the assert rewrite)
from harness.certificates import Authority  # noqa: E402
from harness.client import Client, Connection  # noqa: E402
from harness.proxies import KINDS, ProtectedInFront  # noqa: E402
from harness.server import BINARY, Server  # noqa: E402


def pytest_sessionfinish(session):
    stores.stop()


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it (cmake --build --preset release) "
                    "or name another with SOJOURN_BIN.", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of what each server of its process said."""
    report = (yield).get_result()
    if report.failed:
        for one in server_module.started[-3:]:
            report.sections.append((f"stderr of sojourn on {one.data}", one.stderr()[-4000:]))


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    """One server for all tests of a file that need no options but the file's SETTINGS."""
    settings = getattr(request.module, "SETTINGS", ())
    with Server(tmp_path_factory.mktemp("shared") / "data", settings) as running:
        yield running
    stores.stop(running.data)


@pytest.fixture
def start_server(tmp_path):
    """start_server(settings...) starts a server of the test's own, with data of its own unless
    `data` names some. Whatever still runs at the end is stopped gracefully."""
    servers = []
    numbers = itertools.count()

    def start(*settings, data=None, **options):
        one = Server(data or tmp_path / f"data{next(numbers)}", settings, **options)
        servers.append(one)
        return one.start()

    yield start
    failures = []
    for one in servers:
        if one.running():
            try:
                one.stop()
            except AssertionError as failure:
                failures.append(failure)
    for one in servers:
        stores.stop(one.data)
    assert not failures, failures


@pytest.fixture
def tenant():
    """A tenant that no other test knows."""
    return f"tenant-{uuid.uuid4().hex}"


@pytest.fixture
def client(server, tenant):
    one = Client(server.address, tenant)
    yield one
    one.close()


@pytest.fixture
def connect(server):
    """connect() opens a raw connection to the shared server; closed at the end of the test."""
    connections = []

    def open_one(address=None):
        connections.append(Connection(address or server.address))
        return connections[-1]

    yield open_one
    for one in connections:
        one.close()


# Behind a proxy with TLS to the outside


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("proxy")


@pytest.fixture(scope="module")
def tls(authority):
    """What clients of the proxy trust."""
    return authority.client()


@pytest.fixture(scope="module")
def in_front(tmp_path_factory, certificate):
    """in_front(kind, nodes...) runs a proxy until the end of the file's tests."""
    running = []

    def start(kind, *nodes, **options):
        make = KINDS.get(kind, ProtectedInFront)
        one = make(tmp_path_factory.mktemp(kind), nodes, certificate, **options)
        running.append(one)
        return one.__enter__()

    yield start
    for one in running:
        one.__exit__()
