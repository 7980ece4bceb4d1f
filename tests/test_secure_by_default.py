"""What other machines can reach has API keys and TLS, or the start is refused."""

import signal

import pytest

from harness.certificates import Authority, tls_settings
from harness.client import Client, Connection, request_bytes
from harness.processes import wait_for
from harness.server import DidNotStart, run
from harness.wire import check_error, check_session

OVERRIDE = "security.allow_insecure=true"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "keys.toml"
    code, _, stderr = run("key", "new", "--name", "web", "--tenants", "1", "--scopes", "read,write",
                          "--file", path)
    assert code == 0, stderr
    return path


def refusal(start_server, *settings, **options):
    with pytest.raises(DidNotStart) as failure:
        start_server(*settings, **options)
    assert failure.value.code > 0 and failure.value.stdout == ""
    return failure.value.stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0"])
def test_another_address_without_keys_and_tls_stops_the_start(start_server, listen):
    said = refusal(start_server, listen=listen)
    for words in (listen, "security.key_file", "http.tls.certificate", "security.allow_insecure = true"):
        assert words in said, said


def test_the_override_starts_and_warns(start_server, tenant):
    server = start_server(OVERRIDE, listen="0.0.0.0:0")
    client = Client(("127.0.0.1", server.address[1]), tenant)
    check_session(client.create())
    client.close()
    server.await_words("security.warning", "http.listen is 0.0.0.0:0")


def test_tls_alone_and_keys_alone_are_not_enough(start_server, authority, key_file):
    said = refusal(start_server, *tls_settings(authority.issue("server")), listen="0.0.0.0:0")
    assert "security.key_file" in said and "http.tls.certificate" not in said
    said = refusal(start_server, f"security.key_file={key_file}", listen="0.0.0.0:0")
    assert "http.tls.certificate" in said and "security.key_file" not in said


def test_both_are(start_server, authority, key_file):
    server = start_server(*tls_settings(authority.issue("server")), f"security.key_file={key_file}",
                          listen="0.0.0.0:0")
    assert "security.warning" not in server.stderr()
    with Connection(("127.0.0.1", server.address[1]), tls=authority.client()) as connection:
        check_error(connection.send(request_bytes("GET", "/sessions/x?tenantId=1")).read(),
                    401, "UNAUTHENTICATED")


def test_the_admin_listener_is_held_to_the_same(start_server, authority):
    said = refusal(start_server, *tls_settings(authority.issue("server")), admin_listen="0.0.0.0:0")
    assert "admin.listen is 0.0.0.0:0" in said and "admin.tls.certificate" in said
    server = start_server(OVERRIDE, admin_listen="0.0.0.0:0")
    server.await_words("admin.listen is 0.0.0.0:0")


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "127.0.0.1:0"])
def test_a_reload_is_held_to_the_same_on_the_address_of_the_start(
        start_server, authority, key_file, tmp_path, listen):
    certificate = authority.issue("server")
    config = tmp_path / "sojourn.toml"
    keys = f'[security]\nkey_file = "{key_file}"\n'
    config.write_text(f'[http]\nlisten = "0.0.0.0:0"\n[http.tls]\ncertificate = "{certificate.path}"\n'
                      f'key = "{certificate.key}"\n{keys}')
    server = start_server(config=config, listen=None)
    config.write_text(f'[http]\nlisten = "{listen}"\n{keys}')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config.reload_failed" in server.stderr(), "the reload is refused")
    server.await_words("http.listen is 0.0.0.0:0")
    with Connection(("127.0.0.1", server.address[1]), tls=authority.client()) as connection:
        check_error(connection.send(request_bytes("GET", "/sessions/x?tenantId=1")).read(),
                    401, "UNAUTHENTICATED")


def test_the_loopback_is_open_without_a_word(start_server):
    server = start_server(listen="localhost:0")
    assert "security.warning" not in server.stderr()
