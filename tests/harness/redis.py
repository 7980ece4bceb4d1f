"""A real Redis, or a real Redis Cluster, with a directory and free ports of its own."""

import os
import re
import signal
import socket
import subprocess

from harness.nginx import free_port
from harness.processes import exit_code, spawn, wait_for
from harness.server import REPOSITORY

REDIS = "/usr/bin/redis-server"
SCRIPT = REPOSITORY / "tools/redis-cluster"


class Redis:
    """As a context manager: one redis-server in `directory`, an empty one. `options` are its own
    command-line options. Every write is on disk before it is answered unless they say otherwise."""

    DURABLE = ("--appendonly", "yes", "--appendfsync", "always")

    def __init__(self, directory, options=DURABLE):
        self.directory, self.options = directory, options
        self._own_bytes = None

    def __enter__(self):
        self.directory.mkdir(exist_ok=True)
        for _ in range(5):  # another process may take the free port first
            self.port = free_port()
            self.start()
            wait_for(lambda: self.process.poll() is not None or self.answers(), "redis answers")
            if self.process.poll() is None:
                return self
        raise AssertionError("redis-server did not start: " + (self.directory / "redis.log").read_text())

    def start(self, *options):
        """Starts it, again, with further options; does not wait until it answers."""
        self.process = spawn(
            [REDIS, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.directory,
             "--save", "", "--logfile", "redis.log", *self.options, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def answers(self):
        try:
            return self.call("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def limit(self, mib):
        """maxmemory: so much beside what it takes empty."""
        if self._own_bytes is None:
            self._own_bytes = int(re.search(rb"used_memory:(\d+)", self.call("INFO memory")).group(1))
        assert self.call(f"CONFIG SET maxmemory {self._own_bytes + (mib << 20)}") == b"+OK\r\n"

    def call(self, line):
        """The first bytes of the answer to an inline command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(65536)

    def fill(self, count):
        """So many keys more, that mean nothing, all in the form that is loaded step by step."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(b"MULTI\r\n" + b"".join(b"SET filler%d x\r\n" % i for i in range(count)) + b"EXEC\r\n")
            answer = b""
            while answer.count(b"+OK\r\n") < count + 1:  # of MULTI, and of each SET at the end
                answer += connection.recv(1 << 20)
        self.call("BGREWRITEAOF")
        wait_for(lambda: b"aof_rewrites:1" in self.call("INFO persistence") and
                 b"aof_rewrite_in_progress:0" in self.call("INFO persistence"), "the file is rewritten")

    def __exit__(self, *_):
        self.process.terminate()
        exit_code(self.process, 10)


class Cluster:
    """As a context manager: a cluster in `directory`, which is made, started by the script that users
    have. `options` are that script's."""

    def __init__(self, directory, *options):
        self.directory, self.options = directory, options
        self._frozen = set()

    def __enter__(self):
        done = subprocess.run([SCRIPT, "start", self.directory, *self.options], capture_output=True,
                              text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        self.url = done.stdout.strip()
        return self

    def __exit__(self, *_):
        for port in list(self._frozen):
            self.thaw(port)
        subprocess.run([SCRIPT, "stop", self.directory], check=True, timeout=120)

    def nodes(self):
        """{port: process id} of the servers that the script started, running or not."""
        found = {}
        for node in sorted(self.directory.glob("node-*")):
            port = int(re.search(r"^(?:tls-)?port ([1-9]\d*)$", (node / "redis.conf").read_text(),
                                 re.MULTILINE).group(1))
            pid = node / "pid"
            found[port] = int(pid.read_text()) if pid.exists() else None
        return found

    def masters(self):
        """Ports of the servers that serve slots, as one that runs knows them."""
        lines = self.cli(self.any_port(), "cluster", "nodes").splitlines()
        return [int(re.search(r":(\d+)@", line).group(1)) for line in lines
                if "master" in line.split()[2] and "fail" not in line.split()[2] and len(line.split()) > 8]

    def any_port(self):
        return self._answering()[0]

    def _answering(self):
        return [port for port, pid in self.nodes().items()
                if pid and _is_running(pid) and port not in self._frozen]

    def cli(self, port, *words):
        done = subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True,
                              timeout=60, check=False)
        return done.stdout.strip()

    def kill(self, port):
        """kill -9; its port is free afterwards."""
        pid = self.nodes()[port]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not _is_running(pid), "the server is gone")

    def freeze(self, port):
        """The server does nothing until thaw(): as one whose machine hangs."""
        os.kill(self.nodes()[port], signal.SIGSTOP)
        self._frozen.add(port)

    def thaw(self, port):
        os.kill(self.nodes()[port], signal.SIGCONT)
        self._frozen.remove(port)

    def replica_of(self, port):
        """The port of a server that follows that master."""
        return int(re.search(r"slave0:ip=127.0.0.1,port=(\d+)", self.cli(port, "info", "replication")).group(1))

    def start(self, port):
        """Starts a server again that was killed or stopped."""
        for node in self.directory.glob("node-*"):
            if re.search(rf"^port {port}$", (node / "redis.conf").read_text(), re.MULTILINE):
                subprocess.run([REDIS, str(node / "redis.conf")], check=True)
        wait_for(lambda: self.cli(port, "ping") == "PONG", "the server answers again", 30)

    def add_master(self):
        """A further server, without slots yet, that has joined; its port."""
        model = sorted(self.directory.glob("node-*"))[0]
        node = self.directory / f"node-{len(self.nodes())}"
        node.mkdir()
        port, bus_port = free_port(), free_port()
        text = (model / "redis.conf").read_text().replace(str(model), str(node))
        text = re.sub(r"^port \d+$", f"port {port}", text, flags=re.MULTILINE)
        text = re.sub(r"^cluster-port \d+$", f"cluster-port {bus_port}", text, flags=re.MULTILINE)
        (node / "redis.conf").write_text(text)
        known = self.any_port()
        known_bus = re.search(r":%d@(\d+)" % known, self.cli(known, "cluster", "nodes")).group(1)
        self.start(port)
        self.cli(port, "cluster", "meet", "127.0.0.1", str(known), known_bus)
        wait_for(lambda: len(self.cli(port, "cluster", "nodes").splitlines()) == len(self.nodes())
                 and "cluster_state:ok" in self.cli(port, "cluster", "info"), "the server joined", 30)
        return port

    def move_slots(self, port, count):
        """Moves so many slots, with what is in them, from all other masters to that one."""
        seed = f"127.0.0.1:{port}"
        wait_for(lambda: "[OK] All nodes agree" in self.cli(port, "--cluster", "check", seed), "all agree", 30)
        done = subprocess.run(["redis-cli", "--cluster", "reshard", seed, "--cluster-from", "all",
                               "--cluster-to", self.cli(port, "cluster", "myid"),
                               "--cluster-slots", str(count), "--cluster-yes"],
                              capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def is_whole(self):
        """Every slot is served, and every replica has a master that it follows."""
        return all("cluster_state:ok" in self.cli(port, "cluster", "info") and
                   "master_link_status:down" not in self.cli(port, "info", "replication")
                   for port in self._answering())

    def size(self):
        """Keys in all masters."""
        return sum(int(self.cli(port, "dbsize")) for port in self.masters())

    def tags(self, pattern):
        """Of each key like `pattern` in all masters the hash tag."""
        tags = ("local tags = redis.call('keys', ARGV[1]) "
                "for i, key in ipairs(tags) do tags[i] = string.match(key, '^{.-}') end return tags")
        return [tag for port in self.masters()
                for tag in self.cli(port, "eval", tags, "0", pattern).split()]

    def lasting(self, seconds):
        """Keys in all masters that do not go by themselves within so many seconds."""
        count = ("local n = 0 for _, key in ipairs(redis.call('keys', '*')) do "
                 "local left = redis.call('pttl', key) "
                 "if left < 0 or left > tonumber(ARGV[1]) then n = n + 1 end end return n")
        return sum(int(self.cli(port, "eval", count, "0", str(seconds * 1000)))
                   for port in self.masters())


def _is_running(pid):
    """Whether any thread of it lives: the last one gives back the port."""
    try:
        if len(os.listdir(f"/proc/{pid}/task")) > 1:
            return True
        return open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
