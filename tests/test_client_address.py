"""Who a request is from, behind proxies (http.trusted_proxies): two clients are told apart when one
is limited and the other is not. Every entry that there may be: src/http/client_address_test.cc."""

import contextlib
import signal

import pytest

from harness.client import Client
from harness.processes import wait_for
from harness.server import DidNotStart

UNKNOWN = "0" * 36
LIMIT = "limits.client_requests=1/h burst 1"
TRUSTED = 'http.trusted_proxies=["127.0.0.1"]'


def passes(server, *headers):
    """Whether the limit of the client that the headers name lets a request pass."""
    with contextlib.closing(Client(server.address, "1")) as client:
        status = client.head(UNKNOWN, headers).status
    assert status in (404, 429)
    return status == 404


def forwarded_for(value):
    return "X-Forwarded-For", value


def test_clients_behind_a_trusted_proxy_are_told_apart(start_server):
    server = start_server(LIMIT, TRUSTED)
    assert passes(server, forwarded_for("192.0.2.1"))
    assert not passes(server, forwarded_for("192.0.2.1"))
    assert passes(server, forwarded_for("192.0.2.2"))
    assert passes(server, ("Forwarded", "for=192.0.2.3;proto=https"))
    assert not passes(server, forwarded_for("192.0.2.3"))
    assert passes(server), "the proxy itself"


def test_what_a_client_wrote_itself_is_not_believed(start_server):
    server = start_server(LIMIT, TRUSTED)
    assert passes(server, forwarded_for("192.0.2.1"))
    assert not passes(server, forwarded_for("203.0.113.1, 192.0.2.1"))
    assert not passes(server, forwarded_for("203.0.113.1"), forwarded_for("192.0.2.1"))
    assert not passes(server, ("Forwarded", 'for="203.0.113.1, for=192.0.2.1'))
    assert passes(server, forwarded_for("203.0.113.1")), "it was used up"


def test_of_an_untrusted_peer_nothing_is_believed(start_server):
    for trusted in ([], ['http.trusted_proxies=["10.0.0.0/8", "127.0.0.2"]']):
        server = start_server(LIMIT, *trusted)
        assert passes(server, forwarded_for("192.0.2.1"))
        assert not passes(server, forwarded_for("192.0.2.2"))
        assert not passes(server, ("Forwarded", "for=192.0.2.3"))


def test_addresses_of_one_ipv6_network_count_as_one_client(start_server):
    server = start_server(LIMIT, TRUSTED)
    assert passes(server, forwarded_for("2001:db8:0:1::1"))
    assert not passes(server, forwarded_for("2001:db8:0:1:ffff::2"))
    assert passes(server, forwarded_for("2001:db8:0:2::1"))
    assert passes(server, forwarded_for("192.0.2.1"))
    assert not passes(server, forwarded_for("::ffff:192.0.2.1"))
    assert passes(server, forwarded_for("192.0.2.2"))


def test_a_reload_changes_whom_to_trust(start_server, tmp_path):
    config = tmp_path / "sojourn.toml"
    limit = '[limits]\nclient_requests = "1/h burst 1"\n'
    config.write_text(limit)
    server = start_server(config=config)
    assert passes(server) and not passes(server, forwarded_for("192.0.2.1"))
    config.write_text(limit + '[http]\ntrusted_proxies = ["127.0.0.0/8"]\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config.reloaded" in server.stderr(), "the reload is logged")
    wait_for(lambda: passes(server, forwarded_for("192.0.2.1")), "the proxy is trusted")


@pytest.mark.parametrize("value", ['"127.0.0.1"', '["localhost"]', '["10.0.0.1/8"]', '["10.0.0.0/33"]'])
def test_what_is_no_address_stops_the_start(start_server, value):
    with pytest.raises(DidNotStart) as failed:
        start_server(f"http.trusted_proxies={value}")
    assert "http.trusted_proxies" in failed.value.stderr and "10.0.0.0/8" in failed.value.stderr
