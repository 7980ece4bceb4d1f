"""At the edge of expiresAt, on a store whose disk takes its time: no client hears that a session is over and
another one afterwards that it lives, no session is served at or after its expiresAt, and none is over before."""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.edge_of_time import Prober
from harness.nodes import on
from harness.redis import Cluster, Redis
from harness.scale import size
from harness.server import BINARY, Server
from harness.stores import EMBEDDED, STORE

PROBES = size("SOJOURN_EDGE_PROBES", 4_000, 1_000_000)
CLIENTS = 16
IDLE_MS = 200

# Makes every sync of the process that it is loaded into take 3 ms longer.
SLOW_SYNCS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int slow(const char* name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int result = real(fd);
  struct timespec pause = {0, 3000000};
  nanosleep(&pause, 0);
  return result;
}

int fsync(int fd) { return slow("fsync", fd); }
int fdatasync(int fd) { return slow("fdatasync", fd); }
"""


@pytest.fixture(scope="module")
def slow_syncs(tmp_path_factory):
    """A library to load with LD_PRELOAD."""
    compiler = shutil.which("gcc") or shutil.which("clang-19")
    if compiler is None:
        pytest.skip("there is no C compiler to make syncs slow with")
    directory = tmp_path_factory.mktemp("slow_syncs")
    (directory / "slow_syncs.c").write_text(SLOW_SYNCS)
    library = directory / "slow_syncs.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, directory / "slow_syncs.c", "-ldl"],
                   check=True)
    return library


def preloaded(library):
    """The environment of a server with it. A sanitizer of g++ must be loaded before everything else."""
    linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    sanitizers = re.findall(r"=> (\S*lib[at]san\S*)", linked)
    return {"LD_PRELOAD": ":".join([*sanitizers, os.fspath(library)])}


@contextlib.contextmanager
def slow_servers(directory, library, config):
    """Servers of one store whose syncs are slow: one with the embedded store, two on a Redis or a cluster."""
    with contextlib.ExitStack() as running:
        if EMBEDDED:
            servers = [Server(directory / "server", config=config, env=preloaded(library))]
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("LD_PRELOAD", os.fspath(library))
                store = running.enter_context((Redis if STORE == "redis" else Cluster)(directory / "store"))
            servers = [Server(directory / f"server{number}", config=config, store=on(store)) for number in range(2)]
        for server in servers:
            running.enter_context(server)
        if EMBEDDED:
            slow = [servers[0].process.pid]
        else:
            slow = [store.process.pid] if STORE == "redis" else store.nodes().values()
        for pid in slow:
            assert os.fspath(library) in Path(f"/proc/{pid}/maps").read_text(), "the syncs are not slow"
        yield servers


def test_over_is_final_and_alive_is_true(tmp_path, slow_syncs, tenant, record_property):
    config = tmp_path / "sojourn.toml"
    config.write_text(f'[sessions]\nidle_timeout = "{IDLE_MS}ms"\n'
                      f'[tenants.policy."{tenant}-not-found"]\non_unknown_id = "not_found"\n')
    with slow_servers(tmp_path, slow_syncs, config) as servers:
        prober = Prober([server.address for server in servers], [tenant, f"{tenant}-not-found"], IDLE_MS, CLIENTS)
        counts, wrong = prober.run(PROBES)
    summary = ", ".join(f"{name} {count}" for name, count in counts.items())
    record_property("summary", summary)
    print(summary)
    assert not wrong, f"{len(wrong)} answers were wrong, such as {wrong[:5]} ({summary})"
    assert min(counts["alive"], counts["over"]) > PROBES / 20, summary
