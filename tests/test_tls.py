"""TLS on both listeners: who may speak it, how it is renewed, and that everything else stays as it is."""

import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from harness.certificates import Authority, openssl, serial_of, tls_settings
from harness.client import Client, Connection, request_bytes
from harness.events import Stream
from harness.load import Crowd
from harness.metrics import metrics
from harness.processes import wait_for
from harness.server import DidNotStart, Server
from harness.wire import check_error, check_session

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("server")


@pytest.fixture(scope="module")
def tls(authority):
    """What a client of `server` trusts."""
    return authority.client()


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificate):
    """One server with TLS on both listeners for all tests that need no more."""
    settings = tls_settings(certificate) + tls_settings(certificate, listener="admin")
    with Server(tmp_path_factory.mktemp("shared") / "data", settings) as running:
        yield running


@pytest.fixture
def client(server, tenant, tls):
    one = Client(server.address, tenant, tls=tls)
    yield one
    one.close()


def openssl_client(address, *options):
    """What `openssl s_client` says about a handshake, in all."""
    done = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % address, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                          check=False)
    return done.stdout + done.stderr


def refusal(start_server, *settings, **options):
    """What the server says as it does not start."""
    with pytest.raises(DidNotStart) as failure:
        start_server(*settings, **options)
    assert failure.value.code > 0 and failure.value.stdout == ""
    return failure.value.stderr


def hang_up(server, event="config.reloaded"):
    """SIGHUP; returns once the log says `event` once more."""
    before = server.stderr().count(event)
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.stderr().count(event) > before, event)


# Versions and ciphers


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_are_spoken(server, authority, tenant, version):
    context = authority.client(version=version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = Client(server.address, tenant, tls=context)
    session = check_session(client.create())["sessionId"]
    assert check_session(client.get(session))["isNew"] is False
    with Connection(server.address, tls=context) as connection:
        assert connection.socket.version() == version.name.replace("_", ".")
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        assert connection.socket.compression() is None
    client.close()


def test_the_ready_line_says_https(server):
    assert " public=https://127.0.0.1:" in server.ready_line
    assert " admin=https://127.0.0.1:" in server.ready_line


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_older_versions_are_refused(server, option):
    said = openssl_client(server.address, option, "-cipher", "DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in said, said


def test_what_is_no_forward_secret_aead_is_refused(server):
    for cipher in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        said = openssl_client(server.address, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
        assert "handshake failure" in said, said
    said = openssl_client(server.address, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" in said and "handshake failure" not in said, said


def resumes(address, context):
    """Whether a second handshake goes by the ticket of a first."""
    with Connection(address, tls=context) as first:
        first.send(request_bytes("GET", "/")).read()  # a TLS 1.3 ticket comes after the handshake
        ticket = first.socket.session
    with socket.create_connection(address, 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=ticket) as second:
            second.sendall(request_bytes("GET", "/"))
            assert second.recv(12) == b"HTTP/1.1 404"
            return second.session_reused


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_ticket_saves_the_next_handshake(server, authority, version):
    assert resumes(server.address, authority.client(version=version))


# Certificates


def test_a_client_refuses_a_server_of_another_ca(server, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        Connection(server.address, tls=Authority(tmp_path).client())


def test_a_client_refuses_a_certificate_of_another_host(start_server, authority):
    other = authority.issue("other-host", host="other.example")
    server = start_server(*tls_settings(other))
    with pytest.raises(ssl.SSLCertVerificationError, match="[Hh]ostname"):
        Connection(server.address, tls=authority.client())


def test_an_expired_certificate_is_told_at_the_start_and_refused_by_clients(start_server, authority):
    server = start_server(*tls_settings(authority.issue("expired", days=-1)))
    server.await_words("security.warning", "expired.pem expired at")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        Connection(server.address, tls=authority.client())


def test_the_chain_is_sent(start_server, authority, tmp_path):
    chain = tmp_path / "chain.pem"
    leaf = authority.issue("leaf")
    chain.write_text(leaf.path.read_text() + authority.path.read_text())
    leaf.path = chain
    server = start_server(*tls_settings(leaf))
    said = openssl_client(server.address, "-showcerts")
    assert said.count("BEGIN CERTIFICATE") == 2, said


MISTAKES = {
    "a key of another certificate": (lambda files: files.key.write_text(files.other.key.read_text()),
                                     ["key.pem", "certificate.pem", "not the one"]),
    "no certificate file": (lambda files: files.certificate.unlink(),
                            ["certificate.pem", "No such file"]),
    "no key file": (lambda files: files.key.unlink(), ["key.pem", "No such file"]),
    "a certificate that is none": (lambda files: files.certificate.write_text("nonsense"),
                                   ["certificate.pem", "no certificate"]),
}


class Files:
    """A certificate and its key under names that stay, as a renewal replaces them."""

    def __init__(self, directory, first, other):
        self.certificate, self.key = directory / "certificate.pem", directory / "key.pem"
        self.other = other
        self.put(first)

    def put(self, one):
        shutil.copy(one.path, self.certificate)
        shutil.copy(one.key, self.key)

    def settings(self):
        return [f"http.tls.certificate={self.certificate}", f"http.tls.key={self.key}"]


@pytest.fixture
def files(tmp_path, certificate, authority):
    return Files(tmp_path, certificate, authority.issue("renewed"))


@pytest.mark.parametrize("spoil, said", MISTAKES.values(), ids=MISTAKES.keys())
def test_files_that_are_wrong_stop_the_start(start_server, files, spoil, said):
    spoil(files)
    complaint = refusal(start_server, *files.settings())
    assert all(words in complaint for words in said), complaint


def test_a_weak_certificate_stops_the_start(start_server, tmp_path):
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", tmp_path / "weak.key",
            "-out", tmp_path / "weak.pem", "-subj", "/CN=localhost")
    complaint = refusal(start_server, f"http.tls.certificate={tmp_path / 'weak.pem'}",
                        f"http.tls.key={tmp_path / 'weak.key'}")
    assert "weak.pem" in complaint and "key too small" in complaint


def test_an_encrypted_key_stops_the_start(start_server, certificate, tmp_path):
    openssl("pkey", "-in", certificate.key, "-aes256", "-passout", "pass:secret", "-out",
            tmp_path / "locked.key")
    complaint = refusal(start_server, f"http.tls.certificate={certificate.path}",
                        f"http.tls.key={tmp_path / 'locked.key'}")
    assert "locked.key is encrypted" in complaint


@pytest.mark.parametrize("given, missing", [("certificate", "http.tls.key"), ("key", "http.tls.certificate"),
                                            ("client_ca", "http.tls.certificate"),
                                            ("client_auth", "http.tls.client_ca")])
def test_half_of_the_options_stops_the_start(start_server, certificate, given, missing):
    value = "required" if given == "client_auth" else certificate.path
    complaint = refusal(start_server, f"http.tls.{given}={value}")
    assert f"http.tls.{given} is set" in complaint and f"{missing} is not" in complaint


def test_a_key_that_everyone_can_read_is_told(start_server, files):
    files.key.chmod(0o644)
    server = start_server(*files.settings())
    server.await_words("security.warning", "chmod o=")


# Client certificates


def answer(address, context):
    """The status of a request, or the alert that the handshake ended with."""
    try:
        with Connection(address, tls=context) as connection:
            connection.send(request_bytes("GET", "/nothing"))
            return connection.read().status
    except ssl.SSLError as error:
        return error.reason


@pytest.mark.parametrize("version", VERSIONS)
def test_client_certificates(start_server, authority, certificate, tmp_path, version):
    stranger = Authority(tmp_path).issue("stranger")
    known, expired = authority.issue("known"), authority.issue("over", days=-1)
    # TLS 1.2 has no alert that says that a certificate is wanted.
    missing = "TLSV13_ALERT_CERTIFICATE_REQUIRED" if version == ssl.TLSVersion.TLSv1_3 else \
        "SSLV3_ALERT_HANDSHAKE_FAILURE"
    for auth, without in ((None, missing), ("required", missing), ("optional", 404)):
        server = start_server(*tls_settings(certificate, authority.path, auth))
        clients = {name: authority.client(shown, version) for name, shown in
                   (("none", None), ("known", known), ("stranger", stranger), ("expired", expired))}
        assert answer(server.address, clients["known"]) == 404
        assert resumes(server.address, clients["known"])
        assert answer(server.address, clients["none"]) == without
        assert answer(server.address, clients["stranger"]) == "TLSV1_ALERT_UNKNOWN_CA"
        assert answer(server.address, clients["expired"]) == "SSLV3_ALERT_CERTIFICATE_EXPIRED"


# Renewal


def shown_by(address, tls):
    with Connection(address, tls=tls) as connection:
        return serial_of(connection)


def test_a_renewed_certificate_is_taken_under_load(start_server, files, certificate, tenant, tls):
    server = start_server(*files.settings())
    kept = Client(server.address, tenant, tls=tls)
    session = check_session(kept.create())["sessionId"]

    def step(client):  # on a connection that lives through all reloads
        check_session(client.get(session))

    def fresh(client):  # on a new connection each
        check_session(client.get(session))
        client.close()

    with Crowd(server.address, tenant, [step] * 4 + [fresh] * 4, tls) as crowd:
        for number in range(6):
            one = files.other if number % 2 == 0 else certificate
            files.put(one)
            hang_up(server)
            wait_for(lambda: shown_by(server.address, tls) == one.serial, "the other certificate")
            crowd.await_steps((number + 1) * 200)
        crowd.stop()
    connection = kept._connection
    check_session(kept.get(session))
    assert kept._connection is connection and serial_of(connection) == certificate.serial
    kept.close()


@pytest.mark.parametrize("spoil, said", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_renewal_that_is_wrong_changes_nothing(start_server, files, certificate, tls, spoil, said):
    server = start_server(*files.settings())
    files.put(files.other)
    spoil(files) if spoil is not MISTAKES["a key of another certificate"][0] else \
        shutil.copy(certificate.key, files.key)
    hang_up(server, "config.reload_failed")
    server.await_words(*said)
    assert shown_by(server.address, tls) == certificate.serial
    files.put(files.other)
    hang_up(server)
    wait_for(lambda: shown_by(server.address, tls) == files.other.serial, "the renewed certificate")


def test_a_wrong_certificate_of_one_listener_keeps_the_other_as_it_was(
        start_server, files, certificate, authority, tls, tmp_path):
    admin = Files(tmp_path_of(tmp_path, "admin"), certificate, files.other)
    settings = [setting.replace("http.", "admin.") for setting in admin.settings()]
    server = start_server(*files.settings(), *settings)
    files.put(files.other)
    admin.key.write_text("nonsense")
    hang_up(server, "config.reload_failed")
    assert shown_by(server.address, tls) == certificate.serial
    assert shown_by(server.admin_address, tls) == certificate.serial
    admin.put(files.other)
    hang_up(server)
    for address in (server.address, server.admin_address):
        wait_for(lambda: shown_by(address, tls) == files.other.serial, "the renewed certificate")


def tmp_path_of(tmp_path, name):
    path = tmp_path / name
    path.mkdir()
    return path


def test_the_end_of_the_certificate_is_a_metric(start_server, files, certificate, authority):
    longer = authority.issue("longer", days=90)
    server = start_server(*files.settings())

    def shown(listener):
        name = "sojourn_tls_certificate_not_after_timestamp_seconds"
        return metrics(server).values.get((name, frozenset({("listener", listener)})))

    def end_of(one):
        text = openssl("x509", "-in", one.path, "-noout", "-enddate").strip().removeprefix("notAfter=")
        return ssl.cert_time_to_seconds(text)
    assert shown("public") == end_of(certificate) and shown("admin") is None
    files.put(longer)
    hang_up(server)
    wait_for(lambda: shown("public") == end_of(longer), "the renewed certificate")


# What goes on as without TLS


def test_a_handshake_that_does_not_end_is_cut(start_server, certificate, tls):
    server = start_server(*tls_settings(certificate), "http.header_timeout=300ms")
    for begun in (b"", b"\x16\x03\x01"):
        with Connection(server.address) as connection:
            connection.send(begun)
            assert connection.closed()
    with Connection(server.address, tls=tls) as connection:  # and a request
        connection.send(b"GET / HTTP/1.1\r\n")
        check_error(connection.read(), 408, "REQUEST_TIMEOUT")
        assert connection.closed()


def test_handshakes_that_hang_do_not_hinder_others(server, client):
    hanging = [Connection(server.address) for _ in range(50)]
    check_session(client.create())
    for one in hanging:
        one.close()


def test_plain_http_on_a_tls_port_is_told_so(server):
    with Connection(server.address) as connection:
        connection.send(request_bytes("GET", "/sessions/x"))
        assert "https" in check_error(connection.read(), 400, "BAD_REQUEST")
        assert connection.closed()


def test_tls_on_a_plain_port_is_no_http(start_server, tls):
    server = start_server()
    with pytest.raises(ssl.SSLError):
        Connection(server.address, tls=tls)
    with Connection(server.address) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        check_error(connection.read(), 400, "BAD_REQUEST")


def test_a_pipeline(server, client, tenant, tls):
    session = check_session(client.create())["sessionId"]
    with Connection(server.address, tls=tls) as connection:
        connection.send(request_bytes("GET", client.target(session)) * 300)
        for _ in range(300):
            assert check_session(connection.read())["sessionId"] == session


def test_bodies(start_server, certificate, tenant, tls):
    server = start_server(*tls_settings(certificate), "http.max_body_bytes=4MiB")
    client = Client(server.address, tenant, tls=tls)
    large = {"visitId": "v", "ignored": "x" * 3_000_000}
    assert check_session(client.create(body=large))["visitId"] == "v"
    too_large = {"ignored": "x" * 5_000_000}
    check_error(client.create(body=too_large), 413, "BODY_TOO_LARGE")
    chunked = b'7\r\n{"visit\r\n8\r\nId":"v"}\r\n0\r\n\r\n'
    answered = client.request("PUT", client.target(), [("Transfer-Encoding", "chunked"),
                                                       ("Content-Type", "application/json"),
                                                       ("Expect", "100-continue")])
    assert answered.status == 100
    client._connection.send(chunked)
    assert check_session(client._connection.read())["visitId"] == "v"
    client.close()


def test_an_event_stream(server, client, tenant, tls):
    with Stream(server.address, tenant, tls=tls) as stream:
        stream.check_head()
        for _ in range(20):
            session = check_session(client.create())["sessionId"]
            assert stream.take(1)[0]["subject"] == session


def test_a_drain_finishes_requests_and_streams(start_server, certificate, tenant, tls):
    server = start_server(*tls_settings(certificate))
    client = Client(server.address, tenant, tls=tls)
    check_session(client.create())
    with Stream(server.address, tenant, tls=tls) as stream, \
            Connection(server.address, tls=tls) as idle, \
            Connection(server.address, tls=tls) as begun, Connection(server.address) as shaking:
        assert len(stream.take(1)) == 1
        idle.send(request_bytes("GET", "/")).read()
        begun.send(request_bytes("GET", "/")).read()
        begun.send(b"GET / HTTP/1.1\r\n")
        shaking.send(b"\x16")
        # The half request has come to the server once a whole one on another connection was answered
        # that was sent later.
        check_session(client.create())
        assert stream.take(1)
        server.process.send_signal(signal.SIGTERM)
        assert idle.closed() and shaking.closed()
        assert stream.block() is None  # its end was told
        begun.send(b"Host: h\r\n\r\n")
        last = begun.read()
        assert last.status == 404 and last.field("Connection") == "close"
        assert begun.closed()
    client.close()
    server.await_exit()
    assert "cut" not in server.stderr()


def test_the_admin_listener(server, tls):
    with Connection(server.admin_address, tls=tls) as connection:
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert connection.send(request_bytes("GET", path)).read().status == 200
    with Connection(server.admin_address) as connection:
        check_error(connection.send(request_bytes("GET", "/healthz")).read(), 400, "BAD_REQUEST")


def test_the_log_names_the_certificate(server, certificate):
    server.await_words(f'"serial":"{certificate.serial:X}"')
