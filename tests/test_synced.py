"""What a command leaves when it ends with 0 is on the disk, under its name: a power cut just after takes nothing."""

import subprocess

import pytest

from harness.client import Client
from harness.server import BINARY, environment
from harness.stores import embedded_only
from harness.synced import Synced, library
from harness.wire import check_session

pytestmark = embedded_only


@pytest.fixture
def run_watched(tmp_path):
    """run_watched(arguments...): what the command synced; it must end with 0."""
    if b"__asan_init" in BINARY.read_bytes():
        pytest.skip("a sanitizer stands before libc itself")
    watching = library(tmp_path)

    def run(*arguments):
        log = tmp_path / f"log-{arguments[0]}"
        subprocess.run([BINARY, *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=environment({"LD_PRELOAD": str(watching), "SYNC_LOG": str(log)}), timeout=60)
        return Synced(log)

    return run


def test_what_commands_write_is_on_the_disk(start_server, run_watched, tmp_path, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    check_session(client.create())
    client.close()

    export = tmp_path / "sessions.jsonl"
    assert run_watched("export", "--data", server.data, "--output", export).is_on_disk(export)
    backup = tmp_path / "backup"
    synced = run_watched("backup", "--data", server.data, backup)
    assert synced.is_on_disk(backup / "data.mdb") and synced.is_on_disk(backup / "sojourn-backup")
    assert ["sync", str(tmp_path), ""] in synced.lines  # the name of the new directory
    assert run_watched("restore", backup, "--data", tmp_path / "restored").is_on_disk(tmp_path / "restored" / "data.mdb")
    assert run_watched("import", "--data", tmp_path / "new", export).is_on_disk(tmp_path / "new" / "data.mdb")
    keys = tmp_path / "keys.toml"
    assert run_watched("key", "new", "--name", "n", "--tenants", "*", "--scopes", "read", "--file", keys).is_on_disk(keys)
