"""What a service manager is told, over a real notification socket; and the unit that is installed."""

import re
import shutil
import signal
import socket
import subprocess
import time
import tomllib

import pytest

from harness.client import Client, Connection
from harness.processes import wait_for
from harness.server import BINARY, REPOSITORY, run


class Manager:
    """The socket that systemd would listen on."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(10)

    def next(self):
        """One message as a dict, such as {"READY": "1"}."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def next_beside_the_watchdog(self):
        while (message := self.next()) == {"WATCHDOG": "1"}:
            pass
        return message

    def drain(self):
        """All that was said and not read."""
        messages = []
        self.socket.setblocking(False)
        try:
            while True:
                messages.append(self.next())
        except BlockingIOError:
            self.socket.settimeout(10)
            return messages


@pytest.fixture
def manager(tmp_path_factory):
    # The path of a socket is short: not below the test's own directory.
    one = Manager(tmp_path_factory.mktemp("n") / "s")
    yield one
    one.socket.close()


def test_ready_reload_and_stop_are_told(start_server, manager, tmp_path):
    config = tmp_path / "sojourn.toml"
    config.write_text("")
    server = start_server(config=config, env={"NOTIFY_SOCKET": manager.path})
    ready = manager.next()
    assert ready["READY"] == "1" and "%s:%d" % server.address in ready["STATUS"]

    for text, event in (('[sessions]\nidle_timeout = "9m"\n', "config.reloaded"),
                        ("[broken", "config.reload_failed")):
        config.write_text(text)
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        server.process.send_signal(signal.SIGHUP)
        reloading = manager.next()
        assert reloading["RELOADING"] == "1"
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert manager.next()["READY"] == "1"
        wait_for(lambda: event in server.stderr(), f"{event} is logged")

    with Connection(server.address) as connection:
        connection.send(b"GET / HTTP/1.1\r\n")  # keeps it from ending at once
        server.process.send_signal(signal.SIGTERM)
        assert manager.next()["STOPPING"] == "1"
        assert server.running()
    server.await_exit()
    assert manager.drain() == []


def test_without_a_manager_nothing_is_told_and_without_a_watchdog_nothing_repeats(start_server, manager):
    start_server().stop()
    assert manager.drain() == []
    server = start_server(env={"NOTIFY_SOCKET": manager.path})
    client = Client(server.address, "t")
    for _ in range(50):
        assert client.create().status == 200
    client.close()
    assert [message for message in manager.drain() if "WATCHDOG" in message] == []


def test_the_watchdog_is_fed_while_it_serves_and_not_while_it_is_stopped(start_server, manager):
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"}
    server = start_server(env=env)
    assert manager.next()["READY"] == "1"
    for _ in range(5):
        assert manager.next() == {"WATCHDOG": "1"}
    server.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: manager.drain() == [], "it is stopped")
    assert manager.drain() == []
    server.process.send_signal(signal.SIGCONT)
    assert manager.next() == {"WATCHDOG": "1"}
    server.process.send_signal(signal.SIGTERM)
    assert manager.next_beside_the_watchdog()["STOPPING"] == "1"
    server.await_exit()


# The unit


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Where `cmake --install` puts things, for a prefix of its own."""
    build = next((path for path in (BINARY.parent, REPOSITORY / "build/release")
                  if (path / "cmake_install.cmake").exists()), None)
    assert build is not None, "no build directory to install from"
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, capture_output=True)
    return prefix


def test_what_is_installed_and_that_it_runs(installed):
    program = installed / "bin" / "sojourn"
    assert subprocess.run([program, "version"], capture_output=True, check=True).stdout.startswith(b"sojourn ")
    unit = (installed / "lib/systemd/system/sojourn.service").read_text()
    assert f"ExecStart={program} serve" in unit and "@" not in unit.replace("@system-service", "").replace(
        "@privileged", "")
    assert "u sojourn" in (installed / "lib/sysusers.d/sojourn.conf").read_text()


def test_the_example_configuration_is_one(installed, tmp_path):
    example = installed / "share/sojourn/sojourn.toml"
    assert run("config", "check", "--config", str(example))[:2] == (0, "OK\n")  # it warns: there are no keys
    # And what is commented out in it would be one too.
    text = "\n".join(re.sub(r"^# (?=[a-z_.]+ = |\[)", "", line) for line in example.read_text().splitlines())
    for name in ("tls.certificate", "tls.key", "key_file"):  # these name files
        text = re.sub(rf"(?m)^{re.escape(name)} = .*$", "", text)
    assert tomllib.loads(text)["tenants"]["policy"]["ID"]
    every = tmp_path / "every.toml"
    every.write_text(text)
    assert run("config", "check", "--config", str(every))[:2] == (0, "OK\n")


def test_systemd_finds_nothing_wrong_with_the_unit(installed, tmp_path):
    unit = installed / "lib/systemd/system/sojourn.service"
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    # A check that cannot fail is none.
    broken = tmp_path / "sojourn.service"
    shutil.copy(unit, broken)
    broken.write_text(broken.read_text().replace("Type=notify", "Type=nonsense"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", broken], capture_output=True, text=True,
                          timeout=60, check=False)
    assert "nonsense" in done.stderr


def test_the_unit_exposes_little(installed):
    unit = installed / "lib/systemd/system/sojourn.service"
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                          capture_output=True, text=True, timeout=60, check=True)
    level = float(re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)[1])
    print(f"exposure level {level}")
    assert level <= 1.5, done.stdout
