"""What root's commands leave in the directory of another user belongs to that user: the service can open
it. An operator who forgets `runuser` breaks nothing."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.client import Client
from harness.server import BINARY, environment
from harness.stores import embedded_only

pytestmark = [embedded_only, pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for others")]

OWNER = 54_321  # nobody's user id


@pytest.fixture
def home():
    """A directory of OWNER's that OWNER reaches, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="sojourn-owner-"))
    os.chown(path, OWNER, OWNER)
    yield path
    shutil.rmtree(path)


def sojourn(*arguments, user=None):
    done = subprocess.run([BINARY, *arguments], user=user, group=user, env=environment(), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_others(path):
    return [one for one in [path, *path.rglob("*")] if one.lstat().st_uid != OWNER or one.lstat().st_gid != OWNER]


@pytest.fixture
def served(home, start_server):
    """The data of a server that root started in OWNER's directory."""
    server = start_server(data=home / "data")
    client = Client(server.address, "t")
    session = client.create().json()["sessionId"]
    client.close()
    yield server
    assert session


def test_serve_makes_a_store_of_its_owner(served, home):
    assert of_others(home / "data") == []
    served.stop()
    assert "sessions 1\n" in sojourn("check", "--data", home / "data", user=OWNER)


@pytest.mark.parametrize("command", ["check", "export", "backup"])
def test_commands_that_read_leave_nothing_of_their_own(served, home, command):
    served.stop()
    (home / "data" / "lock.mdb").unlink()  # which LMDB makes again
    sojourn(command, "--data", home / "data", *([home / "copy"] if command == "backup" else []))
    assert of_others(home / "data") == [] and (home / "data" / "lock.mdb").exists()


def test_what_root_restores_and_imports_its_owner_opens(served, home):
    served.stop()
    sojourn("backup", "--data", home / "data", home / "backup")
    sojourn("restore", home / "backup", "--data", home / "restored")
    sojourn("export", "--data", home / "data", "--output", home / "lines")
    sojourn("import", home / "lines", "--data", home / "imported")
    made = home / "made"  # such as a mount point
    made.mkdir()
    os.chown(made, OWNER, OWNER)
    sojourn("restore", home / "backup", "--data", made)
    for directory in (home / "backup", home / "restored", home / "imported", made):
        assert of_others(directory) == []
        assert "sessions 1\n" in sojourn("check", "--data", directory, user=OWNER)


def test_a_link_of_the_owner_leads_root_nowhere(served, home, tmp_path):
    """Else the owner of the directory could have root write to any file."""
    served.stop()
    letter = tmp_path / "letter"
    letter.write_text("root's\n")
    for name in ("sojourn.lock", "lock.mdb"):
        (home / "data" / name).unlink()
        (home / "data" / name).symlink_to(letter)
    done = subprocess.run([BINARY, "serve", "--data", home / "data", "--listen", "127.0.0.1:0", "--admin-listen", ""],
                          env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "Permission denied" in done.stderr
    assert letter.read_text() == "root's\n" and letter.stat().st_uid == 0


def test_in_a_directory_of_root_nothing_changes(start_server, tmp_path):
    server = start_server(data=tmp_path / "data")
    server.stop()
    assert {one.stat().st_uid for one in server.data.iterdir()} == {0}
