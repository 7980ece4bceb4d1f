"""A real Redis with a directory and a free port of its own."""

import socket
import subprocess

from harness.nginx import free_port
from harness.processes import exit_code, spawn, wait_for

REDIS = "/usr/bin/redis-server"


class Redis:
    """As a context manager: one redis-server in `directory`, an empty one. `options` are its own
    command-line options. Every write is on disk before it is answered unless they say otherwise."""

    DURABLE = ("--appendonly", "yes", "--appendfsync", "always")

    def __init__(self, directory, options=DURABLE):
        self.directory, self.options = directory, options

    def __enter__(self):
        for _ in range(5):  # another process may take the free port first
            self.port = free_port()
            self.process = spawn(
                [REDIS, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.directory,
                 "--save", "", "--logfile", "redis.log", *self.options],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(lambda: self.process.poll() is not None or self.answers(), "redis answers")
            if self.process.poll() is None:
                return self
        raise AssertionError("redis-server did not start: " + (self.directory / "redis.log").read_text())

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def answers(self):
        try:
            return self.call("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def call(self, line):
        """The first bytes of the answer to an inline command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(65536)

    def __exit__(self, *_):
        self.process.terminate()
        exit_code(self.process, 10)
