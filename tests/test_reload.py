"""SIGHUP loads the options anew: all of what can change, or, when something is wrong, nothing."""

import json
import re
import signal

import pytest

from harness.client import Client, Closed, Connection, request_bytes
from harness.load import Crowd
from harness.processes import wait_for
from harness.server import run
from harness.stores import EMBEDDED
from harness.wire import milliseconds

# Another value of each option that needs a restart.
RESTART = {
    "http.listen": '"127.0.0.1:1"', "http.threads": "7", "http.base_paths": '["/other"]',
    "store.lmdb.path": '"/nonexistent/x"', "store.lmdb.map_size": '"3MiB"',
    "store.lmdb.durability": '"interval:50ms"', "store.lmdb.commit_timeout": '"7s"', "sessions.index": '["visitId"]',
}


def log_lines(server, event):
    lines = [json.loads(line) for line in server.stderr().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


class Reloading:
    """A server with a configuration file that is written anew."""

    def __init__(self, start_server, path, text=""):
        self.path = path
        self.path.write_text(text)
        self.server = start_server(config=path)

    def hup(self, text, event="config.reloaded"):
        """Returns once the server has dealt with the new text."""
        before = len(log_lines(self.server, event))
        self.path.write_text(text)
        self.server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(log_lines(self.server, event)) > before, f"{event} is logged")


@pytest.fixture
def reloading(start_server, tmp_path):
    return lambda text="": Reloading(start_server, tmp_path / "sojourn.toml", text)


@pytest.fixture
def client_of(tenant):
    clients = []

    def make(reloading, of=None):
        clients.append(Client(reloading.server.address, of or tenant))
        return clients[-1]
    yield make
    for one in clients:
        one.close()


def lifetime(client):
    """Milliseconds until a new session expires."""
    info = client.create().json()["response"]
    return milliseconds(info["expiresAt"]) - milliseconds(info["createdAt"])


def connection_of(client):
    client.head("x")  # opens it
    return client._connection


# What changes takes effect, on connections that are open already


def test_the_idle_time(reloading, client_of):
    one = reloading('[sessions]\nidle_timeout = "10m"\n')
    client = client_of(one)
    assert lifetime(client) == 600_000
    connection = connection_of(client)
    one.hup('[sessions]\nidle_timeout = "20m"\n')
    wait_for(lambda: lifetime(client) == 1_200_000, "the new idle time is in force")
    assert client._connection is connection, "the connection was dropped"


def test_the_lifetime_and_back_to_the_default(reloading, client_of):
    one = reloading('[sessions]\nmax_lifetime = "1m"\n')
    client = client_of(one)
    assert lifetime(client) == 60_000
    one.hup("# defaults\n")
    wait_for(lambda: lifetime(client) == 1_800_000, "the default is in force")


def test_the_touch_interval(reloading, client_of):
    one = reloading('[sessions]\ntouch_interval = "20m"\n')
    client = client_of(one)
    session = client.create().json()["response"]["sessionId"]

    def accessed():
        return client.get(session).json()["response"]["lastAccessedAt"]
    first = accessed()
    assert accessed() == first
    one.hup('[sessions]\ntouch_interval = "0"\n')
    wait_for(lambda: accessed() != first, "every access is counted")


def test_what_an_unknown_id_gets(reloading, client_of):
    one = reloading()
    client = client_of(one)
    assert client.get("unknown").status == 200
    one.hup('[sessions]\non_unknown_id = "not_found"\n')
    wait_for(lambda: client.get("unknown").status == 404, "unknown ids are 404")


def test_what_another_customer_gets(reloading, client_of):
    one = reloading()
    client = client_of(one)
    session = client.create({"gkc_customerId": "ann"}).json()["response"]["sessionId"]
    assert client.associate(session, {"gkc_customerId": "bob"}).status == 409
    one.hup('[sessions]\non_customer_conflict = "replace"\n')
    wait_for(lambda: client.associate(session, {"gkc_customerId": "bob"}).status == 200,
             "a customer is replaced")


def test_the_policies_of_tenants(reloading, client_of):
    one = reloading()
    client, other = client_of(one, "special"), client_of(one, "other")
    one.hup('[tenants.policy.special]\nidle_timeout = "3m"\n')
    wait_for(lambda: lifetime(client) == 180_000, "the tenant has a policy")
    assert lifetime(other) == 1_800_000
    one.hup("[tenants]\nclosed = true\n[tenants.policy.special]\n")
    wait_for(lambda: other.create().status == 404, "there are no other tenants")
    wait_for(lambda: lifetime(client) == 1_800_000, "its policy says nothing any more")


def test_the_default_tenant(reloading):
    one = reloading()
    client = Client(one.server.address)
    assert client.create().status == 400
    one.hup('[tenants]\ndefault = "7"\n')
    wait_for(lambda: client.create().status == 200, "there is a default tenant")
    client.close()


def test_the_retention_of_events(reloading, client_of):
    one = reloading('[events]\nretention = "0"\n')
    client = client_of(one)

    def events():
        client.create()
        return client.events().json()["response"]["events"]
    assert events() == []
    one.hup("# defaults\n")
    wait_for(events, "events are written")
    one.hup('[events]\nretention = "1ms"\n')
    wait_for(lambda: len(client.events().json()["response"]["events"]) == 0, "they are trimmed")


def test_the_copy_of_the_session_id(reloading, client_of):
    one = reloading()
    client = client_of(one)
    assert "sessionId" in client.create().json()
    one.hup("[http]\nmirror_session_id = false\n")
    wait_for(lambda: "sessionId" not in client.create().json(), "it is not repeated")


def test_how_many_connections(reloading, client_of):
    one = reloading()
    first, second = client_of(one), client_of(one)
    assert (first.create().status, second.create().status) == (200, 200)
    one.hup("[http]\nmax_connections = 2\n")

    def third():
        with Connection(one.server.address) as connection:
            connection.send(request_bytes("GET", "/sessions/x"))
            return connection.read().status
    wait_for(lambda: third() == 503, "a third one is refused")
    assert (first.create().status, second.create().status) == (200, 200), "the others stay"
    one.hup("# defaults\n")
    wait_for(lambda: third() == 400, "a third one is served again")


def test_how_many_connections_of_one_client(reloading, client_of):
    one = reloading()
    first, second = client_of(one), client_of(one)
    assert (first.create().status, second.create().status) == (200, 200)
    one.hup("[http]\nmax_connections_per_client = 2\n")

    def third():
        with Connection(one.server.address) as connection:
            connection.send(request_bytes("GET", "/sessions/x"))
            return connection.read().status
    wait_for(lambda: third() == 503, "those that were open before count")
    assert (first.create().status, second.create().status) == (200, 200), "the others stay"
    one.hup('[http]\nmax_connections_per_client = 2\ntrusted_proxies = ["127.0.0.1"]\n')
    wait_for(lambda: third() == 400, "a proxy is served")


def test_how_many_connections_of_the_admin_listener(reloading):
    one = reloading()
    with Connection(one.server.admin_address) as first:
        first.send(request_bytes("GET", "/healthz"))
        assert first.read().status == 200
        one.hup("[admin]\nmax_connections = 1\n")

        def second():
            with Connection(one.server.admin_address) as connection:
                connection.send(request_bytes("GET", "/healthz"))
                return connection.read().status
        wait_for(lambda: second() == 503, "a second one is refused")
        first.send(request_bytes("GET", "/healthz"))
        assert first.read().status == 200


def test_the_largest_body_and_header(reloading, client_of):
    one = reloading()
    client = client_of(one)
    body, field = {"visitId": "v", "other": "x" * 4000}, {"other": "x" * 4000}
    assert client.create(body=body).status == client.create(field).status == 200
    one.hup('[http]\nmax_body_bytes = "2KiB"\nmax_header_bytes = "2KiB"\n')
    wait_for(lambda: client_of(one).create(body=body).status == 413, "the body is too large")
    wait_for(lambda: client_of(one).create(field).status == 431, "the header is too large")


def test_how_long_a_connection_may_idle(reloading, client_of):
    one = reloading()
    client = client_of(one)
    connection = connection_of(client)
    one.hup('[http]\nidle_timeout = "50ms"\n')

    def closed():
        try:
            client.head("x")  # the time-out counts from the answer on
            return client._connection.readable(2)
        except (Closed, OSError):
            return True
    wait_for(closed, "idle connections are closed")
    connection.close()


def test_how_long_a_request_may_take(reloading):
    one = reloading()
    one.hup('[http]\nheader_timeout = "50ms"\n')

    def slow():
        with Connection(one.server.address) as connection:
            connection.send(b"GET /sessions/x HTTP/1.1\r\n")
            return connection.readable(2) and connection.read().status == 408
    wait_for(slow, "a request that never ends is answered 408")


def test_how_long_draining_may_take(reloading):
    """Of a request that is never finished: after the new limit, not after the old one."""
    one = reloading('[http]\ndrain_timeout = "1h"\nheader_timeout = "1h"\n')
    with Connection(one.server.address) as connection:
        connection.send(b"GET /sessions/x HTTP/1.1\r\n")
        one.hup('[http]\ndrain_timeout = "10ms"\nheader_timeout = "1h"\n')
        one.server.stop()
    assert "were cut" in one.server.stderr()


def test_the_key_file(reloading, client_of, tmp_path):
    one = reloading()
    client = client_of(one)
    assert client.create().status == 200
    keys = tmp_path / "keys"
    code, key, _ = run("key", "new", "--name", "web", "--tenants", "*", "--scopes", "read,write",
                       "--file", str(keys))
    assert code == 0
    one.hup(f'[security]\nkey_file = "{keys}"\n')
    wait_for(lambda: client.create().status == 401, "keys are asked for")
    assert client.create({"Authorization": f"Bearer {key.splitlines()[0]}"}).status == 200


# What cannot change


@pytest.mark.parametrize("key", RESTART)
def test_what_needs_a_restart_keeps_its_value_while_the_rest_takes_effect(reloading, client_of, key):
    one = reloading()
    client = client_of(one)
    assert lifetime(client) == 1_800_000
    given_by_flag = key == "http.listen" or (key == "store.lmdb.path" and EMBEDDED)  # by the harness
    one.hup(f'{key} = {RESTART[key]}\nsessions.idle_timeout = "3m"\n')
    wait_for(lambda: lifetime(client) == 180_000, "the rest takes effect")
    named = [line["option"] for line in log_lines(one.server, "config.needs_restart")]
    assert named == ([] if given_by_flag else [key])
    # Nor does it come with the next one, and it is named again.
    one.hup(f'{key} = {RESTART[key]}\nsessions.idle_timeout = "4m"\n')
    wait_for(lambda: lifetime(client) == 240_000, "the rest takes effect")
    named = [line["option"] for line in log_lines(one.server, "config.needs_restart")]
    assert named == ([] if given_by_flag else [key, key])


def test_every_option_that_needs_a_restart_is_tried():
    listed = re.findall(r"^ +([a-z][\w.]*\.\w+) = .+\n +.+ \(restart\)$", run("serve", "--help")[1], re.MULTILINE)
    untried = {"store.kind", "admin.listen"}  # has one value; given by a flag
    assert set(listed) - untried <= set(RESTART) | {key for key in listed if key.startswith("store.redis.")}


# What is wrong


@pytest.mark.parametrize("text, says", [
    ('[sessions]\nidle_timeout = "20m"\nmax_lifetime = "soon"\n',
     ["sojourn.toml:3", "sessions.max_lifetime"]),
    ('[sessions]\nidle_timeout = "20m"\nidle = 1\n', ["sojourn.toml:3", "sessions.idle"]),
    ('[sessions\n', ["sojourn.toml:1"]),
    ('[sessions]\nidle_timeout = "20m"\n[security]\nkey_file = "/nonexistent/keys"\n',
     ["/nonexistent/keys"]),
    (None, ["sojourn.toml", "No such file"]),
    ("", ["file is empty", "comment"]),
    (" \n\n", ["file is empty"]),
])
def test_a_bad_file_changes_nothing_and_says_what_is_wrong(reloading, client_of, text, says):
    one = reloading('[sessions]\nidle_timeout = "10m"\n')
    client = client_of(one)
    assert lifetime(client) == 600_000
    if text is None:
        one.path.unlink()
        one.server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: log_lines(one.server, "config.reload_failed"), "the failure is logged")
    else:
        one.hup(text, "config.reload_failed")
    reason = log_lines(one.server, "config.reload_failed")[-1]["reason"]
    assert all(part in reason for part in says), reason
    assert lifetime(client) == 600_000
    one.hup('[sessions]\nidle_timeout = "20m"\n')
    wait_for(lambda: lifetime(client) == 1_200_000, "a good file is in force")


# Under load


def test_no_request_fails_while_options_are_loaded(reloading, tenant):
    one = reloading()
    sessions = []

    def step(client):
        info = client.create().json()["response"]
        sessions.append(info["sessionId"])
        for answer in (client.get(info["sessionId"]), client.associate(info["sessionId"], {"gkc_agentId": "a"})):
            assert answer.status == 200 and answer.json()["response"]["sessionId"] == info["sessionId"]
    with Crowd(one.server.address, tenant, [step] * 6) as crowd:
        for number in range(20):
            crowd.await_steps(10 * (number + 1))
            good = number % 4 != 3
            one.hup(f'[sessions]\nidle_timeout = "{number + 5}m"\n[http]\nidle_timeout = "{60 + number}s"\n'
                    f"max_connections = {100 + number}\n" if good else "[broken\n",
                    "config.reloaded" if good else "config.reload_failed")
        crowd.stop()  # a connection that was lost is a failure
    assert len(set(sessions)) == len(sessions) >= 200
