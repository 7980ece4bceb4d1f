"""Idle time and lifetime, told by the expiresAt that answers show."""

import time

import pytest

from harness.client import Client
from harness.wire import CLOCKS_AGREE_MS, check_error, check_session, milliseconds


def now():
    return time.time() * 1000


def wait_until(moment):
    """Until the server's clock surely shows `moment`, in Unix milliseconds."""
    moment += CLOCKS_AGREE_MS
    wait = moment - now()
    assert wait < 10_000, f"a wait of {wait} ms is too long for a test"
    while now() < moment:
        time.sleep(max(0, moment - now()) / 1000)


@pytest.fixture
def client_of(start_server, tenant):
    clients = []

    def start(*settings):
        clients.append(Client(start_server(*settings).address, tenant))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def times(info):
    return tuple(milliseconds(info[name]) for name in ("createdAt", "lastAccessedAt", "expiresAt"))


def test_a_new_session_lasts_for_the_idle_time(client_of):
    client = client_of("sessions.idle_timeout=90s", "sessions.max_lifetime=1h")
    created, accessed, expires = times(check_session(client.create()))
    assert (accessed, expires) == (created, created + 90_000)


def test_a_new_session_never_outlasts_the_lifetime(client_of):
    client = client_of("sessions.idle_timeout=1h", "sessions.max_lifetime=90s")
    created, _, expires = times(check_session(client.create()))
    assert expires == created + 90_000


def test_an_access_that_is_not_counted_is_a_pure_read(client_of):
    client = client_of("sessions.idle_timeout=60s", "sessions.touch_interval=30s")
    made = check_session(client.create())
    for _ in range(5):
        wait_until(now() + 2)
        got = check_session(client.get(made["sessionId"]))
        assert times(got) == times(made)
        again = check_session(client.associate(made["sessionId"]))
        assert times(again) == times(made)


def test_the_default_touch_interval_is_a_thirtieth_of_the_idle_time(client_of):
    client = client_of("sessions.idle_timeout=15s")  # counted from 500 ms on
    made = check_session(client.create())
    created, _, expires = times(made)
    first = check_session(client.get(made["sessionId"]))
    if now() < created + 500 - CLOCKS_AGREE_MS:
        assert times(first) == times(made)
    wait_until(created + 500)
    moved = check_session(client.get(made["sessionId"]))
    assert milliseconds(moved["expiresAt"]) >= expires + 500


@pytest.mark.parametrize("touch", ["get", "associate"])
def test_a_counted_access_moves_expires_at_and_not_the_version(client_of, touch):
    client = client_of("sessions.idle_timeout=10s", "sessions.touch_interval=300ms")
    made = check_session(client.create())
    last = times(made)
    for _ in range(3):
        wait_until(last[1] + 300)
        before = now()
        info = check_session(getattr(client, touch)(made["sessionId"]))
        created, accessed, expires = times(info)
        assert created == last[0]
        assert before - CLOCKS_AGREE_MS <= accessed <= now() + CLOCKS_AGREE_MS
        assert expires == accessed + 10_000
        assert expires >= last[2] + 300
        assert info["version"] == 1
        last = (created, accessed, expires)
    assert times(check_session(client.get(made["sessionId"]))) == last  # what was shown is kept


def test_with_a_touch_interval_of_zero_every_access_counts(client_of):
    client = client_of("sessions.idle_timeout=10s", "sessions.touch_interval=0s")
    made = check_session(client.create())
    last = milliseconds(made["expiresAt"])
    for _ in range(5):
        wait_until(last - 10_000 + 1)
        expires = milliseconds(check_session(client.get(made["sessionId"]))["expiresAt"])
        assert expires > last
        last = expires


def test_accesses_never_move_expires_at_beyond_the_lifetime(client_of):
    client = client_of("sessions.idle_timeout=1s", "sessions.max_lifetime=2s",
                       "sessions.touch_interval=100ms")
    info = check_session(client.create())
    session, end = info["sessionId"], milliseconds(info["createdAt"]) + 2000
    while milliseconds(info["expiresAt"]) < end:
        wait_until(min(milliseconds(info["lastAccessedAt"]) + 400, end - 300))
        info = check_session(client.get(session))
        assert info["sessionId"] == session
        assert milliseconds(info["expiresAt"]) == min(milliseconds(info["lastAccessedAt"]) + 1000,
                                                      end)
    wait_until(end)
    assert client.head(session).status == 404


def test_an_unused_session_is_gone_at_its_expires_at(client_of):
    client = client_of("sessions.idle_timeout=500ms")
    made = check_session(client.create({"gkc_customerId": "bob"}))
    wait_until(milliseconds(made["expiresAt"]))
    assert client.head(made["sessionId"]).status == 404
    fresh = check_session(client.get(made["sessionId"], {"gkc_agentId": "a"}))
    assert fresh["isNew"] is True
    assert fresh["sessionId"] != made["sessionId"]
    assert (fresh["agentId"], fresh["customerId"]) == ("a", None)
    posted = check_session(client.associate(made["sessionId"], {"gkc_customerId": "eve"}))
    assert posted["isNew"] is True  # no conflict with the customer of a session that is over
    assert posted["sessionId"] not in (made["sessionId"], fresh["sessionId"])


def test_with_not_found_an_expired_session_is_404(client_of):
    client = client_of("sessions.idle_timeout=300ms", "sessions.on_unknown_id=not_found")
    made = check_session(client.create())
    wait_until(milliseconds(made["expiresAt"]))
    check_error(client.get(made["sessionId"]), 404, "SESSION_NOT_FOUND")
    check_error(client.associate(made["sessionId"]), 404, "SESSION_NOT_FOUND")


def test_a_session_lives_until_the_shown_instant_and_not_longer(client_of):
    # The lifetime fixes expiresAt, so asking does not move it.
    client = client_of("sessions.idle_timeout=1h", "sessions.max_lifetime=700ms",
                       "sessions.on_unknown_id=not_found")
    made = check_session(client.create())
    end = milliseconds(made["expiresAt"])
    seen = {200: 0, 404: 0}
    while now() < end + 200:
        before = now()
        status = client.get(made["sessionId"]).status
        after = now()
        seen[status] += 1
        if status == 200:
            assert before < end + CLOCKS_AGREE_MS, "served at or after its expiresAt"
        else:
            assert after >= end - CLOCKS_AGREE_MS, "ended before its expiresAt"
    assert seen[200] > 0 and seen[404] > 0


def test_expired_sessions_stay_gone_over_a_restart(start_server, tenant):
    server = start_server("sessions.idle_timeout=400ms", "sessions.on_unknown_id=not_found")
    client = Client(server.address, tenant)
    made = check_session(client.create())
    server.stop()
    client.close()
    wait_until(milliseconds(made["expiresAt"]))
    # Even with a policy by which it would still live: it was over by what was shown.
    again = start_server("sessions.idle_timeout=1h", "sessions.on_unknown_id=not_found",
                         data=server.data)
    client = Client(again.address, tenant)
    check_error(client.get(made["sessionId"]), 404, "SESSION_NOT_FOUND")
    client.close()


def test_a_shorter_policy_after_a_restart_takes_nothing_back(start_server, tenant):
    server = start_server("sessions.idle_timeout=1h", "sessions.touch_interval=0s")
    client = Client(server.address, tenant)
    made = check_session(client.create())
    server.stop()
    client.close()
    again = start_server("sessions.idle_timeout=100ms", "sessions.touch_interval=0s",
                         data=server.data)
    client = Client(again.address, tenant)
    wait_until(milliseconds(made["createdAt"]) + 150)
    got = check_session(client.get(made["sessionId"]))
    assert got["isNew"] is False
    assert milliseconds(got["expiresAt"]) >= milliseconds(made["expiresAt"])
    client.close()
