"""A disk that can stop answering, and fail: what fdatasync and fsync do in a server is said by files, through
a library between it and libc (disk.c), which is compiled when it is first needed."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.processes import wait_for

_SOURCE = Path(__file__).with_name("disk.c")


@functools.cache
def _library():
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-19")
    if compiler is None:
        pytest.skip("no C compiler: the library between server and libc cannot be made")
    directory = Path(tempfile.mkdtemp(prefix="sojourn-disk-"))
    library = directory / "disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    return library


class Disk:
    """`directory` is made; `env` goes to the server. Every sync waits while it hangs, and is EIO while it
    fails."""

    def __init__(self, directory):
        directory.mkdir()
        self._directory = directory
        self.env = {"LD_PRELOAD": str(_library()), "TEST_DISK": str(directory)}

    def hang(self):
        (self._directory / "held").unlink(missing_ok=True)
        (self._directory / "hang").touch()

    def await_held(self):
        """Returns once a sync waits."""
        wait_for((self._directory / "held").exists, "a sync that waits")

    def answer(self):
        (self._directory / "hang").unlink(missing_ok=True)

    def fail(self):
        (self._directory / "fail").touch()

    def recover(self):
        (self._directory / "fail").unlink(missing_ok=True)

    def syncs(self):
        """What was asked for so far, as (call, path)."""
        log = self._directory / "syncs"
        lines = log.read_text().splitlines() if log.exists() else []
        return [tuple(line.split(" ", 1)) for line in lines]
