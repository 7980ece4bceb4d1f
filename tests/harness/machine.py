"""A machine of its own to follow the manuals on: the files of this one beneath (an overlay, nothing is
written back), but processes, network, users, services and programs of its own. systemd is its first process,
and it has only the programs of a bare Debian until `apt-get install` brings more. Needs root."""

import functools
import itertools
import os
import select
import shutil
import subprocess
from pathlib import Path

from harness.processes import spawn, wait_for
from harness.server import REPOSITORY

SETUP = Path(__file__).with_name("machine.sh")
PROGRAMS = "opt/bare"  # in the machine: links to the programs that it has
_numbers = itertools.count()


def why_not():
    """Why no machine can be made here; None: it can."""
    if os.geteuid() != 0:
        return "needs root"
    if "overlay" not in Path("/proc/filesystems").read_text() or _cgroups() is None:
        return "needs overlayfs and cgroup2"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--cgroup", "true"], capture_output=True,
                           text=True, check=False)
    return tried.stderr.strip() or None


def _cgroups():
    """Where cgroup2 is mounted here; None: nowhere."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return next((Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2"), None)


def _programs_of(packages):
    """The names of the programs in these packages, which are installed here."""
    listed = subprocess.run(["dpkg-query", "--listfiles", *packages], capture_output=True, text=True, check=True)
    paths = map(Path, listed.stdout.splitlines())
    return {path.name for path in paths if path.parent.name in ("bin", "sbin") and path.parts[1] != "lib"}


@functools.cache
def _bare_programs():
    """{name: path}: what a bare Debian has, and what tools/install brings for a build."""
    rows = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Essential} ${Priority} ${db:Status-Status}\\n"],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    bare = [row.split()[0] for row in rows if row.endswith(" installed") and
            (" yes " in row or " required " in row or " important " in row)]
    names = _programs_of([*bare, "g++", "cmake", "ninja-build", "ccache", "pkg-config"])
    alternatives = {path.name for path in Path("/usr/bin").iterdir()
                    if path.is_symlink() and os.readlink(path).startswith("/etc/alternatives/")
                    and path.resolve().name in names}
    found = {name: shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") for name in names | alternatives | {"sh"}}
    return {name: path for name, path in found.items() if path}


APT_GET = f"""#!/bin/sh
# Packages cannot be fetched here; those that this machine has count as fetched, with what they depend on.
[ "$1 $2" = "install -y" ] || exit 2
shift 2
dpkg-query -L "$@" > /run/files || {{ echo "tools/install must bring them too" >&2; exit 1; }}
depends=$(dpkg-query -W -f '${{Pre-Depends}},${{Depends}},' "$@" | tr ',|' '\\n\\n' | sed 's/[(:].*//')
dpkg-query -L $depends >> /run/files 2> /dev/null
for program in $(grep -E '^(/usr)?/s?bin/.' /run/files); do ln -sf "$program" /{PROGRAMS}/; done
# An answer that is an error fails the test.
if [ -e /{PROGRAMS}/curl ]; then
  rm /{PROGRAMS}/curl
  printf '#!/bin/sh\\nexec /usr/bin/curl -sS --fail-with-body "$@"\\n' > /{PROGRAMS}/curl
  chmod 755 /{PROGRAMS}/curl
fi
"""


class Machine:
    """As a context manager; `directory` is an empty one."""

    def __init__(self, directory):
        self._directory = directory
        self._cgroup = _cgroups() / f"sojourn-machine-{os.getpid()}-{next(_numbers)}"

    def __enter__(self):
        for left_by_killed_tests in self._cgroup.parent.glob("sojourn-machine-*"):
            self._remove(left_by_killed_tests)
        self._cgroup.mkdir()
        self._log = open(self._directory.with_suffix(".log"), "wb")
        self._process = spawn(
            ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', self._cgroup,
             "unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child=KILL",
             SETUP, self._directory, REPOSITORY],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        try:
            self._first = wait_for(self._first_process, "a first process")
            wait_for(lambda: "running" in self.run("systemctl", "is-system-running", check=False), self.said(), 60)
            self._furnish()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _first_process(self):
        assert self._process.poll() is None, self.said()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return children and Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n" and children[0]

    def _furnish(self):
        programs = self.path(PROGRAMS)
        programs.mkdir(parents=True)
        for name, path in _bare_programs().items():
            (programs / name).symlink_to(path)
        (programs / "apt-get").unlink()
        self.write("opt/bare/apt-get", APT_GET, 0o755)

    def said(self):
        """What went wrong while it was made."""
        self._log.flush()
        return Path(self._log.name).read_text()

    def path(self, inside):
        """Where a path of the machine is for us."""
        return Path(f"/proc/{self._first}/root") / inside.lstrip("/")

    def write(self, inside, text, mode=None):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if mode is not None:
            path.chmod(mode)

    def inside(self, *command):
        """The command that runs `command` there."""
        return ["nsenter", "--target", self._first, "--all", "env", "-i", "HOME=/root", "LANG=C.UTF-8",
                f"PATH=/usr/local/sbin:/usr/local/bin:/{PROGRAMS}", *command]

    def run(self, *command, check=True, seconds=60):
        """Runs it there as root; what it writes to standard output."""
        done = subprocess.run(self.inside(*command) if self.path(PROGRAMS).exists() else
                              ["nsenter", "--target", self._first, "--all", *command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def __exit__(self, *_):
        self._process.kill()  # and with it, all of the machine
        self._process.wait()
        self._log.close()
        wait_for(lambda: not self._cgroup.exists() or self._remove(self._cgroup), "its processes have ended")

    @staticmethod
    def _remove(cgroup):
        try:
            for path, *_ in os.walk(cgroup, topdown=False):
                os.rmdir(path)
        except OSError:  # a process is not gone yet
            return False
        return True


class Terminal:
    """A shell of root's in `directory` of the machine, in which blocks of commands run one after the
    other. As a context manager."""

    def __init__(self, machine, directory):
        self._machine, self._directory = machine, directory
        self._numbers = itertools.count()

    def __enter__(self):
        self._process = spawn(self._machine.inside("bash", "--noprofile", "--norc"), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._send(f"cd '{self._directory}'; set -eE -o pipefail; umask 022\n"
                   "trap 'echo \"failed in line $LINENO: $BASH_COMMAND\" >&2' ERR\n")
        return self

    def _send(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def run(self, block, seconds=120):
        """Runs a block, and fails with all that it said when one of its commands fails."""
        name = f"/run/block{next(self._numbers)}"
        self._machine.write(name, block)
        self._send(f". {name} > {name}.said 2>&1; echo done\n")
        ended = select.select([self._process.stdout], [], [], seconds)[0]
        said = self._machine.path(f"{name}.said").read_text()
        if not ended or self._process.stdout.readline() != "done\n":
            raise AssertionError(f"{'' if ended else f'did not end in {seconds} s: '}{block}\n{said}")
        return said

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
