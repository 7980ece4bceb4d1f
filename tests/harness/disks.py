"""Small real disks, in a mount namespace that no other process sees and that ends with the tests'."""

import ctypes
import os
import shutil
import subprocess

import pytest

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000
_MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
_separate = False


def _leave_the_namespace_of_all():
    """From here on the mounts of this thread, and of the processes it starts, are their own."""
    global _separate
    if _separate:
        return
    if _libc.unshare(_CLONE_NEWNS) != 0:
        pytest.skip(f"no mounts for tests here (root and CAP_SYS_ADMIN): {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    _separate = True


class Disk:
    """A file system of `kind` (tmpfs, ext4, btrfs) with `mib` MiB, mounted on `path`."""

    def __init__(self, path, kind, mib):
        _leave_the_namespace_of_all()
        self.path, self._image = path, path.with_name(path.name + ".image")
        path.mkdir()
        if kind == "tmpfs":
            command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", path]
        else:
            if shutil.which(_MAKE[kind][0]) is None:
                pytest.skip(f"{_MAKE[kind][0]} is not installed")
            with open(self._image, "wb") as image:
                image.truncate(mib << 20)
            subprocess.run([*_MAKE[kind], self._image], check=True, capture_output=True)
            command = ["mount", "-o", "loop", self._image, path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"{kind} cannot be mounted here: {done.stderr.strip()}")

    def directory(self, name):
        """A new directory of the disk under a path that is elsewhere, so that what is written beside it is."""
        (self.path / name).mkdir()
        link = self.path.with_name(name)
        link.symlink_to(self.path / name)
        return link

    def fill(self):
        """Takes all the room there is, to the last block."""
        with open(self.path / "filler", "ab", buffering=0) as filler:
            size = 1 << 20
            while size >= 512:
                try:
                    if filler.write(b"x" * size):
                        continue
                except OSError:
                    pass
                size //= 2
            os.fsync(filler.fileno())
        os.sync()

    def empty(self):
        (self.path / "filler").unlink(missing_ok=True)
        os.sync()

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=False, capture_output=True)
        self._image.unlink(missing_ok=True)
