"""A real nginx in front of a server, with a directory, a port and a pid of its own."""

import os
import socket
import subprocess

from harness.processes import exit_code, spawn, wait_for

NGINX = "/usr/sbin/nginx"

CONFIG = """
{main}
{user}
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  {http}
  server {{
    listen 127.0.0.1:{port};
    location / {{ {location} }}
  }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Nginx:
    """As a context manager: runs in `prefix`, an empty directory. `main`, `http` and `location` are
    lines for those blocks; everything else is nginx's default."""

    def __init__(self, prefix, location, http="", main=""):
        self.prefix, self.location, self.http, self.main = prefix, location, http, main

    def __enter__(self):
        for _ in range(5):  # another process may take the free port first
            port = free_port()
            user = "user root;" if os.getuid() == 0 else ""
            (self.prefix / "nginx.conf").write_text(
                CONFIG.format(main=self.main, user=user, port=port, http=self.http, location=self.location))
            self.process = spawn([NGINX, "-p", self.prefix, "-c", "nginx.conf", "-e", "error.log",
                                  "-g", "daemon off;"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            self.address = ("127.0.0.1", port)
            wait_for(lambda: self.process.poll() is not None or self._answers(), "nginx answers")
            if self.process.poll() is None:
                return self
        raise AssertionError("nginx did not start: " + (self.prefix / "error.log").read_text())

    def _answers(self):
        try:
            socket.create_connection(self.address, timeout=1).close()
            return (self.prefix / "nginx.pid").exists()
        except OSError:
            return False

    def worker(self):
        """The process id of the worker."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as children:
            return int(children.read().split()[0])

    def __exit__(self, *_):
        self.process.terminate()
        exit_code(self.process, 10)
