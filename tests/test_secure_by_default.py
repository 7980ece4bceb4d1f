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


def test_the_loopback_may_be_open_and_each_start_says_so(start_server, key_file):
    server = start_server(listen="localhost:0")
    server.await_words("security.warning", "No API keys are asked for", "security.key_file")
    server = start_server(f"security.key_file={key_file}", listen="localhost:0")
    server.await_words("server.started")
    assert "security.warning" not in server.stderr()


# A reload that takes a protection away


PROTECTED = """
[security]
key_file = "{keys}"
[http.tls]
certificate = "{certificate.path}"
key = "{certificate.key}"
client_ca = "{ca}"
[admin.tls]
certificate = "{certificate.path}"
key = "{certificate.key}"
"""


class Protected:
    """A server on the loopback with keys, TLS and client certificates, all from its file."""

    def __init__(self, start_server, authority, key_file, tmp_path):
        self.certificate, self.authority = authority.issue("server"), authority
        self.config = tmp_path / "sojourn.toml"
        self.text = PROTECTED.format(keys=key_file, certificate=self.certificate, ca=authority.path)
        self.config.write_text(self.text)
        self.server = start_server(config=self.config)

    def hup(self, text, event):
        before = self.server.stderr().count(event)
        self.config.write_text(text)
        self.server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.server.stderr().count(event) > before, f"{event} is logged")

    def check(self):
        """Keys, TLS and client certificates are asked for."""
        with Connection(self.server.address, tls=self.authority.client(self.certificate)) as connection:
            check_error(connection.send(request_bytes("GET", "/sessions/x?tenantId=1")).read(),
                        401, "UNAUTHENTICATED")
        with pytest.raises(OSError), Connection(self.server.address, tls=self.authority.client()) as connection:
            connection.send(request_bytes("GET", "/sessions/x?tenantId=1")).read()
        with Connection(self.server.admin_address, tls=self.authority.client()) as connection:
            assert connection.send(request_bytes("GET", "/healthz")).read().status == 200


@pytest.fixture
def protected(start_server, authority, key_file, tmp_path):
    return Protected(start_server, authority, key_file, tmp_path)


def without(text, *words):
    """`text` without the lines that hold one of the words."""
    return "\n".join(line for line in text.splitlines() if not any(word in line for word in words))


LOSSES = {
    "cut to nothing": (lambda text: "", "empty"),
    "cut in its middle": (lambda text: text[:text.index("[http.tls]")], "http.tls.certificate"),
    "no keys": (lambda text: without(text, "key_file"), "security.key_file"),
    "no TLS for health": (lambda text: text[:text.index("[admin.tls]")], "admin.tls.certificate"),
    "no client certificates": (lambda text: without(text, "client_ca"), "http.tls.client_ca"),
    "client certificates if they like": (
        lambda text: text.replace("client_ca =", 'client_auth = "optional"\nclient_ca ='), "http.tls.client_auth"),
}


@pytest.mark.parametrize("change, named", LOSSES.values(), ids=LOSSES.keys())
def test_a_reload_takes_no_protection_away(protected, change, named):
    text = protected.text
    protected.hup(change(text), "config.reload_failed")
    assert named in protected.server.stderr().splitlines()[-1]
    protected.check()
    protected.hup(text + "\n# all is there again\n", "config.reloaded")
    protected.check()


def test_a_file_that_becomes_a_directory_takes_no_protection_away(protected):
    protected.config.unlink()
    protected.config.mkdir()
    protected.server.process.send_signal(signal.SIGHUP)
    protected.server.await_words("config.reload_failed", "it is a directory")
    protected.check()


def test_a_reload_that_says_so_takes_protection_away(protected, tenant):
    protected.hup("[security]\nallow_insecure = true\n", "config.reloaded")
    client = Client(protected.server.address, tenant)
    check_session(client.create())
    client.close()
    protected.server.await_words("No API keys are asked for")
