"""packaging/compose without Docker, which is not here: what its files name exists, and the commands and
health checks in them do what they should with the programs of this machine."""

import ipaddress
import os
import re
import subprocess

import pytest
import yaml

from harness.nginx import free_port
from harness.redis import Redis
from harness.server import BINARY, REPOSITORY, SANITIZED, run

DIRECTORY = REPOSITORY / "packaging/compose"
COMPOSE = yaml.safe_load((DIRECTORY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def numbered(name):
    return {key: service for key, service in SERVICES.items() if re.fullmatch(rf"{name}-\d", key)}


def address(service):
    return service["networks"]["sessions"]["ipv4_address"]


def is_healthy(service, *changes):
    """Runs its health check, with other addresses."""
    kind, *command = service["healthcheck"]["test"]
    command = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
    for old, new in changes:
        assert old in command[-1], old
        command[-1] = command[-1].replace(old, new)
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0


def test_what_it_names_is_there():
    assert len(numbered("redis")) == 6 and len(numbered("sojourn")) == 3
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DIRECTORY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        build = service.get("build")
        if build:
            context = (DIRECTORY / build["context"]).resolve()
            assert context == REPOSITORY and (context / build["dockerfile"]).exists()
    addresses = [ipaddress.ip_address(address(service)) for service in SERVICES.values()
                 if isinstance(service["networks"], dict)]
    subnet, = (ipaddress.ip_network(one["subnet"]) for one in COMPOSE["networks"]["sessions"]["ipam"]["config"])
    assert len(set(addresses)) == len(addresses) == 10 and all(one in subnet for one in addresses)


def test_the_servers_are_those_of_the_cluster():
    made = re.findall(r"10\.77\.0\.\d+(?=:6379)", SERVICES["make-cluster"]["command"][-1])
    assert sorted(made) == sorted(address(service) for service in numbered("redis").values())
    subprocess.run(["bash", "-n", "-c", SERVICES["make-cluster"]["command"][-1]], check=True)


def test_redis_takes_its_command(tmp_path):
    command = SERVICES["redis-1"]["command"]
    options = [word for line in command[1:] for word in line.split()]
    with Redis(tmp_path / "redis", options) as redis:
        assert is_healthy(SERVICES["redis-1"], ("redis-cli", f"redis-cli -p {redis.port}"))
        assert b"cluster_enabled:1" in redis.call("INFO cluster")
        assert b"noeviction" in redis.call("CONFIG GET maxmemory-policy")
    assert not is_healthy(SERVICES["redis-1"], ("redis-cli", f"redis-cli -p {redis.port}"))


def test_sojourn_takes_its_command(server):
    for service in numbered("sojourn").values():
        verb, *options = service["command"]
        code, stdout, stderr = run("config", "check", *options)
        assert verb == "serve" and code == 0 and stdout == "OK\n", stderr
        url = re.search(r"redis://(.*)", " ".join(options)).group(1).split()[0]
        servers = {f"{address(one)}:6379" for one in numbered("redis").values()}
        assert set(url.split(",")) <= servers
        assert f'["{address(SERVICES["haproxy"])}"]' in " ".join(options)
        assert is_healthy(service, ("127.0.0.1/9093", f"127.0.0.1/{server.admin_address[1]}"))
        assert not is_healthy(service, ("127.0.0.1/9093", f"127.0.0.1/{free_port()}"))


def test_haproxy_takes_its_file_and_sends_to_the_nodes():
    text = (DIRECTORY / "haproxy.cfg").read_text()
    subprocess.run(["haproxy", "-c", "-f", DIRECTORY / "haproxy.cfg"], check=True, capture_output=True)
    assert re.findall(r"server \S+ (\S+):9092", text) == [address(one) for one in numbered("sojourn").values()]
    # Its backend is the documented one, which test_proxies.py and test_cluster.py run.
    documented = (REPOSITORY / "packaging/haproxy/sojourn.cfg").read_text()

    def backend(config):
        lines = config[config.index("\nbackend sojourn\n"):].splitlines()
        return [line.strip() for line in lines if line.strip() and not re.match(r" *(#|server )", line)]

    assert backend(text) == backend(documented)


def test_the_image_has_every_library():
    dockerfile = (DIRECTORY / "Dockerfile").read_text()
    for script in re.findall(r"tools/\w+", dockerfile):
        assert os.access(REPOSITORY / script, os.X_OK), script
    installed = set(re.search(r"--no-install-recommends \\\n(.*?)&&", dockerfile, re.DOTALL).group(1).split())
    headers = subprocess.run(["objdump", "-p", BINARY], capture_output=True, text=True, check=True).stdout
    if SANITIZED:
        pytest.skip("no image has a sanitized build, which needs other libraries")
    for library in re.findall(r"NEEDED +(\S+)", headers):
        if re.match(r"lib(c|m|gcc_s|stdc\+\+)\.so", library) or library.startswith("ld-"):
            continue  # of every image
        owner = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True, check=True).stdout
        assert {line.split(":")[0] for line in owner.splitlines()} & installed, (library, owner)
