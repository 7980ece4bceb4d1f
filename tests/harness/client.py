"""Two clients: Connection sends any bytes and reads answers strictly; Client speaks JSON."""

import json
import select
import socket
import time
import urllib.parse

SECONDS = 10  # no wait for the server is longer, unless a test says so


class Closed(ConnectionError):
    """The server closed the connection where an answer was expected."""


class Response:
    def __init__(self, version, status, reason, fields, body):
        self.version, self.status, self.reason = version, status, reason
        self.fields = fields  # [(name, value)] as sent
        self.body = body

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def field(self, name):
        """The value of a field that may stand there once, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times in {self.fields}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=_no_duplicates)

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:400]!r}>"


def _no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"duplicate member in an answer: {names}"
    return dict(pairs)


class Connection:
    """One TCP connection, byte by byte."""

    def __init__(self, address, seconds=SECONDS, receive_buffer=None, tls=None, source=None):
        """`receive_buffer`: bytes the kernel may hold for us, for a reader that is to be slow. `source`:
        our own address, if not the usual one. `tls`:
        an ssl.SSLContext; the server's certificate is to be one for `localhost`, and a connection that
        ends without the server's last word (close_notify) is an error."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            try:
                self.socket = tls.wrap_socket(self.socket, server_hostname="localhost",
                                              suppress_ragged_eofs=False)
            except BaseException:
                self.socket.close()
                raise
        self._seconds = seconds
        self._buffer = b""

    def send(self, data):
        """Sends all of `data`. That the server hung up in the middle is found by the next read."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def readable(self, seconds=0.0):
        return bool(self._buffer) or bool(select.select([self.socket], [], [], seconds)[0])

    def _receive(self, deadline):
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError(f"no whole answer within {self._seconds} s; got {self._buffer!r}")
        self.socket.settimeout(rest)
        data = self.socket.recv(65536)
        self._buffer += data
        return bool(data)

    def _until(self, mark, deadline):
        while mark not in self._buffer:
            if not self._receive(deadline):
                raise Closed(f"closed by the server after {self._buffer!r}")
        part, self._buffer = self._buffer.split(mark, 1)
        return part

    def _exactly(self, count, deadline):
        while len(self._buffer) < count:
            if not self._receive(deadline):
                raise Closed(f"closed in a body of {count} bytes after {self._buffer!r}")
        part, self._buffer = self._buffer[:count], self._buffer[count:]
        return part

    def read(self, head=False):
        """The next answer, interim ones (1xx) too. `head`: it answers a HEAD and has no body."""
        deadline = time.monotonic() + self._seconds
        response = self.read_head(deadline)
        if head or 100 <= response.status < 200 or response.status in (204, 304):
            return response
        if response.field("Transfer-Encoding") is not None:
            response.body = self._chunks(deadline)
        elif response.field("Content-Length") is not None:
            response.body = self._exactly(int(response.field("Content-Length")), deadline)
        else:
            raise AssertionError(f"an answer without a length: {response}")
        return response

    def read_head(self, deadline=None):
        """The head of the next answer; its body is left to read_chunk or read_some."""
        deadline = deadline or time.monotonic() + self._seconds
        top = self._until(b"\r\n\r\n", deadline).decode("utf-8")
        line, *lines = top.split("\r\n")
        version, status, reason = (line.split(" ", 2) + [""])[:3]
        assert version in ("HTTP/1.1", "HTTP/1.0") and len(status) == 3, line
        fields = []
        for text in lines:
            name, colon, value = text.partition(":")
            assert colon and name and name == name.strip(), f"not a header line: {text!r}"
            fields.append((name, value.strip()))
        return Response(version, int(status), reason, fields, b"")

    def read_chunk(self, seconds):
        """The next chunk of a body; b"" is its end."""
        deadline = time.monotonic() + seconds
        size = int(self._until(b"\r\n", deadline), 16)
        data = self._exactly(size, deadline)
        assert self._exactly(2, deadline) == b"\r\n"
        return data

    def read_some(self, seconds):
        """Some bytes of a body that ends with the connection; b"" is its end."""
        deadline = time.monotonic() + seconds
        if not self._buffer:
            self._receive(deadline)
        data, self._buffer = self._buffer, b""
        return data

    def _chunks(self, deadline):
        body = b""
        while size := int(self._until(b"\r\n", deadline), 16):
            body += self._exactly(size, deadline)
            assert self._exactly(2, deadline) == b"\r\n"
        while self._until(b"\r\n", deadline):
            pass
        return body

    def closed(self):
        """True once the server has closed the connection without another byte."""
        deadline = time.monotonic() + self._seconds
        try:
            while not self._buffer:
                if not self._receive(deadline):
                    return True
        except ConnectionResetError:
            return True
        raise AssertionError(f"more bytes instead of the end: {self._buffer!r}")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request_bytes(method, target, headers=(), body=None):
    """One HTTP/1.1 request. `headers`: a dict or a list of pairs; values may be bytes. A body gets
    its Content-Length here; its Content-Type is up to the caller."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: sojourn.test"]
    for name, value in pairs:
        value = value if isinstance(value, bytes) else value.encode("utf-8")
        lines.append(name.encode() + b": " + value)
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


class Client:
    """A well-behaved caller on a kept-alive connection, in one tenant, under one mount."""

    def __init__(self, address, tenant=None, base="", tls=None):
        self.address, self.tenant, self.base, self.tls = address, tenant, base, tls
        self._connection = None

    def request(self, method, target, headers=(), body=None):
        if self._connection is None:
            self._connection = Connection(self.address, tls=self.tls)
        try:
            self._connection.send(request_bytes(method, target, headers, body))
            response = self._connection.read(head=method == "HEAD")
        except BaseException:
            self.close()
            raise
        if response.field("Connection") == "close":
            self.close()
        return response

    def path(self, path, parameters=()):
        """`parameters`: query parameters beside the tenant; those that are None are left out."""
        given = {} if self.tenant is None else {"tenantId": self.tenant}
        given |= {name: value for name, value in dict(parameters).items() if value is not None}
        query = urllib.parse.urlencode(given, quote_via=urllib.parse.quote, safe="")
        return f"{self.base}{path}{'?' if query else ''}{query}"

    def target(self, session="new"):
        return self.path(f"/sessions/{session}")

    def call(self, method, session, headers=(), body=None):
        """`body`: what json.dumps takes; None sends none."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        data = None
        if body is not None:
            pairs.append(("Content-Type", "application/json"))
            data = json.dumps(body).encode()
        return self.request(method, self.target(session), pairs, data)

    def create(self, headers=(), body=None):
        return self.call("PUT", "new", headers, body)

    def get(self, session, headers=()):
        return self.call("GET", session, headers)

    def head(self, session, headers=()):
        return self.call("HEAD", session, headers)

    def associate(self, session, headers=(), body=None):
        return self.call("POST", session, headers, body)

    def end(self, session, headers=()):
        return self.call("DELETE", session, headers)

    def list(self, **parameters):
        return self.request("GET", self.path("/sessions", parameters))

    def end_all(self, **parameters):
        return self.request("DELETE", self.path("/sessions", parameters))

    def events(self, **parameters):
        return self.request("GET", self.path("/events", parameters))

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
