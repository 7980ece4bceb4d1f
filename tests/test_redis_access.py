"""Servers that ask who is there: TLS, certificates, users and what they may do. The user of these tests
may do what docs/operating/cluster.md says, and nothing else."""

import re
from urllib.parse import quote

import pytest

from harness.certificates import Authority
from harness.client import Client
from harness.events import all_events
from harness.load import walk
from harness.metrics import metrics
from harness.nginx import free_port
from harness.processes import wait_for
from harness.redis import Cluster, Redis
from harness.server import REPOSITORY, DidNotStart, Server
from harness.wire import check_session

PASSWORD = "not in the log: 1"


def documented_commands():
    text = (REPOSITORY / "docs/operating/cluster.md").read_text()
    listed = re.search(r"needs the commands\n`([^`]+)`", text).group(1)
    assert f"~* -@all {listed}\n" in text, "the example allows the same"
    return listed


def user(commands):
    """A line of redis.conf."""
    return f'user sojourn on ">{PASSWORD}" ~* -@all {commands}'


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """3+3 servers with TLS that are known by name, and whose certificate is for that name."""
    lines = (user(documented_commands()), "cluster-announce-hostname localhost",
             "cluster-preferred-endpoint-type hostname")
    with Cluster(tmp_path_factory.mktemp("servers") / "cluster", "--tls", "--password", "admin",
                 *(word for line in lines for word in ("--set", line))) as one:
        yield one


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


def on(cluster, password_file, *settings, authority=None):
    """The flags of a server that logs in there as sojourn, by the servers' names."""
    url = re.sub(r"//[^@]*@", "//", cluster.url).replace("127.0.0.1", "localhost")
    values = [f"url={url}", "username=sojourn", f"password_file={password_file}",
              f"tls.ca={authority or cluster.directory / 'tls/ca.crt'}", "start_timeout=5s", *settings]
    return ["--set", "store.kind=redis", *(word for one in values for word in ("--set", f"store.redis.{one}"))]


def use_everything(node, tenant):
    """The operations, in which every kind of command is needed."""
    client = Client(node.address, tenant)
    named = {"gkc_customerId": "bob"}
    session = check_session(client.create(named | {"Idempotency-Key": "once"}))["sessionId"]
    assert check_session(client.create(named | {"Idempotency-Key": "once"}))["sessionId"] == session
    assert not check_session(client.get(session))["isNew"]
    check_session(client.associate(session, {"gkc_agentId": "ann"}))
    expiring = check_session(client.create())["sessionId"]
    assert {one["sessionId"] for one in walk(client)} == {session, expiring}
    assert [one["sessionId"] for one in walk(client, agentId="ann")] == [session]
    check_session(client.end(session))
    wait_for(lambda: metrics(node).sum("sojourn_reaper_removed_total", what="session") >= 1, "one expired")
    happened = all_events(client)
    client.close()
    return happened


def test_an_allowed_user_does_everything(cluster, password_file, tmp_path, tenant):
    with Server(tmp_path / "node", ["sessions.idle_timeout=2s", "events.retention=1h"],
                store=on(cluster, password_file)) as node:
        happened = use_everything(node, tenant)
        assert len(happened) == 5, happened  # two made, one associated, one ended, one expired
        seen, errors = metrics(node), "sojourn_redis_error_replies_total"
        assert seen.sum(errors) == seen.sum(errors, code="NOSCRIPT")
        assert "redis.settings_unknown" not in node.stderr()
        assert PASSWORD not in node.stderr()


def refusal(directory, store):
    """What a server says that does not start."""
    with pytest.raises(DidNotStart) as caught:
        Server(directory / "refused", store=store).start()
    assert caught.value.code == 1
    return caught.value.stderr.splitlines()[-1]


def test_a_wrong_password_is_told_at_once_and_not_shown(cluster, password_file, tmp_path):
    password_file.write_text("hunter2\n")
    said = refusal(tmp_path, on(cluster, password_file, "start_timeout=1h"))
    assert "localhost:" in said and "it said: WRONGPASS" in said and "hunter2" not in said


def test_a_login_is_asked_for(cluster, password_file, tmp_path):
    store = [word.replace("store.redis.username=sojourn", "store.redis.start_timeout=1h") for word in
             on(cluster, password_file) if "password_file" not in word]
    said = refusal(tmp_path, [word for at, word in enumerate(store) if store[at:at + 2] != ["--set", "--set"]])
    assert "it said: NOAUTH" in said


def test_servers_that_cannot_be_trusted_are_told_at_once(cluster, password_file, tmp_path):
    other = Authority(tmp_path).path
    said = refusal(tmp_path, on(cluster, password_file, "start_timeout=1h", authority=other))
    assert "certificate verify failed" in said and "its certificate: " in said


@pytest.mark.parametrize("missing, told", [("+cluster|slots", "it said: NOPERM"), ("+@write", "refuse to write (NOPERM)"),
                                           ("+time", "run no scripts for this user"),
                                           ("+@scripting", "run no scripts for this user (NOPERM")])
def test_a_user_who_may_not_do_enough_is_told(tmp_path, missing, told):
    allowed = documented_commands().replace(missing, "")
    if missing == "+@scripting":
        allowed += " -eval -evalsha"  # they are in @write too
    with Redis(tmp_path / "redis") as redis:
        redis.call(user(allowed).replace("user", "ACL SETUSER", 1))
        url = redis.url.replace("//", f"//sojourn:{quote(PASSWORD)}@")
        said = refusal(tmp_path, ["--set", "store.kind=redis", "--set", f"store.redis.url={url}"])
        assert told in said and PASSWORD not in said, said


def test_client_certificates_and_names(tmp_path, tenant):
    authority = Authority(tmp_path)
    server, ours = authority.issue("server"), authority.issue("ours")
    tls_port = free_port()
    options = (*Redis.DURABLE, "--tls-port", str(tls_port), "--tls-cert-file", server.path, "--tls-key-file",
               server.key, "--tls-ca-cert-file", authority.path, "--tls-auth-clients", "yes")
    with Redis(tmp_path / "redis", options):
        values = [f"url=rediss://localhost:{tls_port}", f"tls.ca={authority.path}", "start_timeout=1s",
                  "command_timeout=300ms"]
        shown = [f"tls.certificate={ours.path}", f"tls.key={ours.key}"]

        def store(values):
            return ["--set", "store.kind=redis", *(word for one in values for word in ("--set", f"store.redis.{one}"))]

        with Server(tmp_path / "node", store=store(values + shown)) as node:
            client = Client(node.address, tenant)
            session = check_session(client.create())["sessionId"]
            assert not check_session(client.get(session))["isNew"]
            client.close()
        said = refusal(tmp_path, store(values))  # TLS 1.3: the server says it when ours has begun to speak
        assert re.search("certificate required|reset by peer|Broken pipe|End of file", said), said
        # The certificate is for the name, not for the address.
        values[0] = f"url=rediss://127.0.0.1:{tls_port}"
        assert "its certificate: IP address mismatch" in refusal(tmp_path, store(values + shown))
        values[0] = f"url=rediss://no-such-host.invalid:{tls_port}"
        assert "its name was not found" in refusal(tmp_path, store(values + shown))
