"""SIGHUP loads the options anew: all of what can change, or, when something is wrong, nothing."""

import signal

from harness.client import Client
from harness.processes import wait_for
from harness.wire import milliseconds


def lifetime(client):
    """Milliseconds until a new session expires."""
    info = client.create().json()["response"]
    return milliseconds(info["expiresAt"]) - milliseconds(info["createdAt"])


def test_sighup_loads_the_file_anew_and_keeps_connections(start_server, tmp_path, tenant):
    config = tmp_path / "sojourn.toml"
    config.write_text('[sessions]\nidle_timeout = "10m"\n')
    server = start_server(config=config)
    client = Client(server.address, tenant)
    assert lifetime(client) == 600_000
    config.write_text('[sessions]\nidle_timeout = "20m"\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config.reloaded" in server.stderr(), "the reload is logged")
    wait_for(lambda: lifetime(client) == 1_200_000, "the new idle time is in force")
    client.close()


def test_a_bad_file_changes_nothing_and_says_what_is_wrong(start_server, tmp_path, tenant):
    config = tmp_path / "sojourn.toml"
    config.write_text('[sessions]\nidle_timeout = "10m"\n')
    server = start_server(config=config)
    client = Client(server.address, tenant)
    config.write_text('[sessions]\nidle_timeout = "20m"\nmax_lifetime = "soon"\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config.reload_failed" in server.stderr(), "the failure is logged")
    assert "sojourn.toml:3" in server.stderr() and "sessions.max_lifetime" in server.stderr()
    assert lifetime(client) == 600_000
    client.close()
