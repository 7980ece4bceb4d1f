"""A real nginx or HAProxy that runs the configuration of packaging/, as documented: only ports, paths
and the addresses of the nodes are put in, and every one of them must be there to be replaced."""

import base64
import json
import os
import re
import socket
import subprocess
import threading
import time
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote_to_bytes

from harness.certificates import openssl
from harness.nginx import Nginx, free_port
from harness.processes import spawn, wait_for
from harness.server import REPOSITORY

HAPROXY = "/usr/sbin/haproxy"


def replaced(text, changes):
    for old, new in changes:
        assert old in text, f"the documented configuration no longer has {old!r}"
        text = text.replace(old, str(new))
    return text


class Application:
    """What nginx asks who a visitor is: the cookie `user=NAME` says it, in percent-encoded bytes;
    `user=nobody` is refused."""

    def __enter__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = (self.headers.get("Cookie") or "").removeprefix("user=")
                self.send_response(401 if name == "nobody" else 204)
                if name:  # a header is bytes: latin-1 here stands for each as it is
                    self.send_header("X-Customer-Id", unquote_to_bytes(name).decode("latin-1"))
                self.end_headers()

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Provider:
    """An identity provider that signs tokens (JWT, RS256)."""

    ISSUER = "https://login.example.com"
    SITE = "https://www.example.com"  # for which its tokens are

    def __init__(self, directory):
        self._key, self.path = directory / "provider.key", directory / "provider.pem"
        openssl("genrsa", "-out", self._key, 2048)
        openssl("rsa", "-in", self._key, "-pubout", "-out", self.path)

    def token(self, customer, header=None, escaped=False, **claims):
        """`claims`: others than usual; those that are None are left out. `escaped`: non-ASCII
        characters as \\uXXXX."""
        usual = {"iss": self.ISSUER, "sub": customer, "aud": self.SITE, "exp": int(time.time()) + 600}
        claims = {name: value for name, value in (usual | claims).items() if value is not None}
        signed = b".".join(map(_base64url, (
            json.dumps({"alg": "RS256"} | (header or {})).encode(),
            json.dumps(claims, ensure_ascii=escaped).encode())))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self._key], input=signed,
                                   capture_output=True, check=True).stdout
        return (signed + b"." + _base64url(signature)).decode()


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class InFront:
    """As a context manager: runs in `directory`, an empty one, before `nodes`, which are running
    Servers. `key`: the API key that it shows for browsers. `changes`: pairs (old, new) of further
    lines, for what a test wants different. Afterwards `applications` and `browsers` are the addresses
    of its two sites."""

    def __init__(self, directory, nodes, certificate, application=None, provider=None, key="none",
                 changes=()):
        self.directory, self.nodes, self.certificate = directory, nodes, certificate
        self.application, self.provider, self.key, self.changes = application, provider, key, changes

    def __enter__(self):
        for _ in range(5):  # another process may take a free port first
            self.applications, self.browsers = (("127.0.0.1", free_port()) for _ in range(2))
            self._write(replaced(self.DOCUMENTED.read_text(), self.changes))
            if self._start():
                return self
        raise AssertionError(f"it did not start:\n{self.said()}")

    def log(self):
        """The access log so far."""
        return (self.directory / "access.log").read_text()


class NginxInFront(InFront):
    DOCUMENTED = REPOSITORY / "packaging/nginx/sojourn.conf"

    def _write(self, text):
        (self.directory / "key").write_text(f'proxy_set_header Authorization "Bearer {self.key}";\n')
        application = self.application.address if self.application else ("127.0.0.1", 1)
        options = "max_fails=1 fail_timeout=2s;"
        (self.directory / "sojourn.conf").write_text(replaced(text, [
            (f"server 127.0.0.1:9092 {options}",
             "\n".join("server %s:%d %s" % (*node.address, options) for node in self.nodes)),
            ("listen 8443 ", "listen %s:%d " % self.applications),
            ("listen 443 ", "listen %s:%d " % self.browsers),
            ("/etc/ssl/sojourn/fullchain.pem", self.certificate.path),
            ("/etc/ssl/sojourn/key.pem", self.certificate.key),
            ("/var/log/nginx/sojourn.log", "access.log"),
            ("error_log /dev/null ", "error_log error.log "),
            ("/etc/nginx/sojourn-key", "key"),
            ("http://127.0.0.1:8080", "http://%s:%d" % application),
        ]))

    def _start(self):
        self._nginx = Nginx(self.directory, "return 204;", "include sojourn.conf;")
        try:
            self._nginx.__enter__()
        except AssertionError:
            return False
        return True

    def said(self):
        return (self.directory / "error.log").read_text()

    def signed_in(self, customer):
        """The headers by which a browser shows who its user is."""
        return {"Cookie": f"user={quote(customer, safe='@')}"}

    def not_signed_in(self):
        """Headers of logins that are none."""
        return [{"Cookie": "user=nobody"}]

    def __exit__(self, *_):
        self._nginx.__exit__()


class ProtectedInFront(NginxInFront):
    """packaging/nginx/protected-application.conf; `browsers` is the address of its site."""

    DOCUMENTED = REPOSITORY / "packaging/nginx/protected-application.conf"

    def _write(self, text):
        (self.directory / "key").write_text(f'proxy_set_header Authorization "Bearer {self.key}";\n')
        node, = self.nodes
        (self.directory / "sojourn.conf").write_text(replaced(text, [
            ("server 127.0.0.1:9092;", "server %s:%d;" % node.address),
            ("listen 443 ", "listen %s:%d " % self.browsers),
            ("/etc/ssl/sojourn/fullchain.pem", self.certificate.path),
            ("/etc/ssl/sojourn/key.pem", self.certificate.key),
            ("/var/log/nginx/app.log", "access.log"),
            ("error_log /dev/null ", "error_log error.log "),
            ("/etc/nginx/sojourn-key", "key"),
            ("http://127.0.0.1:8080", "http://%s:%d" % self.application.address),
        ]))


class HaproxyInFront(InFront):
    DOCUMENTED = REPOSITORY / "packaging/haproxy/sojourn.cfg"

    def _write(self, text):
        provider = self.provider or Provider(self.directory)
        pem = self.directory / "certificate.pem"
        pem.write_text(self.certificate.path.read_text() + self.certificate.key.read_text())
        node = "    server node{} {}:{} port {}"  # each on this machine, so each has its admin port
        text = replaced(text, [
            ("    server node1 127.0.0.1:9092",
             "\n".join(node.format(number, *one.address, one.admin_address[1])
                       for number, one in enumerate(self.nodes, 1))),
            ("bind :8443 ", "bind %s:%d " % self.applications),
            ("bind :443 ", "bind %s:%d " % self.browsers),
            ("/etc/haproxy/certs/", pem),
            ("/etc/haproxy/provider.pem", provider.path),
            ("log /dev/log local0", "log stdout format raw local0"),
        ])
        if os.getuid() != 0:
            text = re.sub(r"^ +(user|group) haproxy\n", "", text, flags=re.MULTILINE)
        (self.directory / "haproxy.cfg").write_text(text)

    def _start(self):
        with open(self.directory / "access.log", "wb") as log:
            self._process = spawn([HAPROXY, "-db", "-f", self.directory / "haproxy.cfg"],
                                  env=os.environ | {"SOJOURN_KEY": self.key},
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self._process.poll() is not None or self._answers(), "haproxy answers")
        return self._process.poll() is None

    def _answers(self):
        try:
            socket.create_connection(self.applications, timeout=1).close()
            return True
        except OSError:
            return False

    said = InFront.log

    def signed_in(self, customer):
        return self.showing(self.provider.token(customer))

    @staticmethod
    def showing(token):
        return {"Authorization": f"Bearer {token}"}

    def not_signed_in(self):
        token = self.provider.token
        header, claims, signature = token("bob").split(".")
        other_claims = token("eve").split(".")[1]
        for wrong in (token("bob", {"alg": "none"}), token("bob", {"alg": "HS256"}),
                      token("bob", {"crit": ["exp"]}), f"{header}.{claims}.",
                      f"{header}.{other_claims}.{signature}", "x"):
            yield self.showing(wrong)
        yield {"Authorization": "Basic Ym9iOmJvYg=="}

    def __exit__(self, *_):
        self._process.terminate()  # at once: what still runs is cut
        self._process.wait(10)


KINDS = {"nginx": NginxInFront, "haproxy": HaproxyInFront}


class Recorder:
    """A node, or an application, that keeps the requests as they reach it, and answers each with
    `status` and no body. /readyz is answered on the same port."""

    answers, status = True, 200

    def __enter__(self):
        self.requests = []  # [Request]
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                if self.path != "/readyz":
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    node.requests.append(Request(self.command, self.path, self.headers.items(), body))
                    if not node.answers:
                        self.close_connection = True
                        return
                self.send_response(node.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = self.admin_address = self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Request(typing.NamedTuple):
    method: str
    target: str
    headers: list
    body: bytes


class Mute(Recorder):
    """One that reads a request and hangs up without an answer: was it done or not?"""

    answers = False


def create(client, headers=(), body=None):
    return session_of(client.create(headers, body))


def session_of(response):
    """A session as it came through a proxy: nginx puts its own Server and Date in."""
    assert response.status == 200, response
    return response.json()["response"]
