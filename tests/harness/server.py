"""Starts and stops the real server, and shows what it said when a test fails."""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from harness import stores
from harness.processes import exit_code, spawn, wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SOJOURN_BIN", REPOSITORY / "build/release/sojourn")).resolve()
SANITIZED = BINARY.exists() and b"__asan_init" in BINARY.read_bytes()

READY = re.compile(r"sojourn ready public=https?://(?P<public>(127\.0\.0\.1|0\.0\.0\.0):\d+)"
                   r" admin=https?://(?P<admin>(127\.0\.0\.1|0\.0\.0\.0):\d+)"
                   r" store=(lmdb|redis):(?P<store>.+)\n")

# Every server started since the last look, so that conftest.py can show their words on failure.
started = []


def environment(extra=None):
    """The environment of a server: ours without SOJOURN_* (which would be read as options)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SOJOURN_")}
    return clean | (extra or {})


def run(*arguments, env=None, seconds=20):
    """Runs the command to its end, for what is not a server: (exit code, stdout, stderr)."""
    done = subprocess.run([BINARY, *arguments], env=environment(env), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout, done.stderr


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


class DidNotStart(AssertionError):
    def __init__(self, code, stdout, stderr):
        super().__init__(f"sojourn ended with {code} before it was ready:\n{stderr}")
        self.code, self.stdout, self.stderr = code, stdout, stderr


class Server:
    """One `sojourn serve` process over `data`. `settings` become --set flags. As a context manager
    it is stopped gracefully at the end, or killed when the test failed. `listen` None: as `config`
    says."""

    START_SECONDS = 15
    STOP_SECONDS = 15

    def __init__(self, data, settings=(), config=None, env=None, listen="127.0.0.1:0",
                 admin_listen="127.0.0.1:0", binary=BINARY, store=None, prepare=None):
        self.data = Path(data)
        self._store = store  # the flags of a store; None: the one that `data` stands for
        self.settings = list(settings)
        self.config = config
        self.binary = Path(binary).resolve()
        self.env = env
        self.prepare = prepare  # see processes.spawn
        self.listen, self.admin_listen = listen, admin_listen
        self.process = None
        self.start_seconds = None  # of the last start, until the ready line
        self._stderr = self.data.with_name(self.data.name + ".stderr")

    def command(self):
        command = [self.binary, "serve", "--admin-listen", self.admin_listen,
                   *(self._store or stores.arguments(self.data))]
        if self.listen is not None:
            command += ["--listen", self.listen]
        if self.config is not None:
            command += ["--config", self.config]
        for setting in self.settings:
            command += ["--set", setting]
        return command

    def start(self):
        assert not self.running(), "start() of a server that runs"
        begin = time.monotonic()
        with open(self._stderr, "ab") as stderr:
            self.process = spawn(self.command(), prepare=self.prepare, env=environment(self.env), stderr=stderr,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        started.append(self)
        line = self._first_line(begin + self.START_SECONDS)
        self.start_seconds = time.monotonic() - begin
        ready = READY.fullmatch(line)
        if ready is None:
            code = exit_code(self.process, 5)
            self.process.stdout.close()
            raise DidNotStart(code, line, self.stderr())
        self.address = address(ready["public"])
        self.admin_address = address(ready["admin"])
        self.store_path = ready["store"]
        self.ready_line = line
        return self

    def _first_line(self, deadline):
        line = b""
        while not line.endswith(b"\n"):
            rest = deadline - time.monotonic()
            if rest <= 0 or not select.select([self.process.stdout], [], [], rest)[0]:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"no ready line within {self.START_SECONDS} s; got {line!r}")
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                break
            line += byte
        return line.decode()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM):
        """Graceful end: exit code 0, and nothing on stdout but the ready line."""
        self.process.send_signal(how)
        self.await_exit()

    def await_exit(self, seconds=None):
        code = exit_code(self.process, seconds or self.STOP_SECONDS)
        rest = self.process.stdout.read()
        self.process.stdout.close()
        assert code == 0, f"exit code {code} after a graceful stop\n{self.stderr()}"
        assert rest == b"", f"more than the ready line on stdout: {rest!r}"

    def kill(self):
        """kill -9: no last words, no last commit."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def await_words(self, *words):
        """Returns once the log holds them all: it is written a moment after what it tells of."""
        wait_for(lambda: all(one in self.stderr() for one in words), f"{words} in the log")

    def stderr(self):
        return self._stderr.read_text(errors="replace") if self._stderr.exists() else ""

    def __enter__(self):
        return self if self.running() else self.start()

    def __exit__(self, kind, value, trace):
        if self.running():
            self.stop() if kind is None else self.kill()
