"""Which store the servers of the tests have: SOJOURN_TEST_STORE is "lmdb" (the default), "redis" or
"cluster". A directory of data stands for a store: two servers with the same one share what is in it."""

import os

import pytest

STORE = os.environ.get("SOJOURN_TEST_STORE", "lmdb")
assert STORE in ("lmdb", "redis", "cluster"), STORE
EMBEDDED = STORE == "lmdb"

# For what fills the store.
no_cluster = pytest.mark.skipif(STORE == "cluster", reason="the cluster is not of one test alone")

# For what only the embedded store has: files, a lock on them, a count of sessions at once.
embedded_only = pytest.mark.skipif(not EMBEDDED, reason="only the embedded store has this")

_running = {}


def _start(data):
    from harness.redis import Cluster, Redis  # these start servers; most runs need none

    directory = data.with_name(data.name + ".redis")
    if STORE == "redis":
        directory.mkdir()
        return Redis(directory).__enter__()
    return Cluster(directory).__enter__()


def arguments(data):
    """The flags of `sojourn serve` for the store that `data` stands for, which is started first when it
    does not run. One Redis for each; the cluster is one for all of this process, because starting one
    takes seconds, and tests know their sessions by their tenants."""
    if EMBEDDED:
        return ["--data", data]
    key = data if STORE == "redis" else "cluster"
    if key not in _running:
        _running[key] = _start(data)
    return ["--set", "store.kind=redis", "--set", f"store.redis.url={_running[key].url}"]


def with_room(data, mib):
    """The settings of a server whose store has room for so many MiB in all, before it starts or starts
    again on `data`. Not for the cluster, which is not of one test alone."""
    if EMBEDDED:
        return [f"store.lmdb.map_size={mib}MiB"]
    arguments(data)
    _running[data].limit(mib)
    return []


def stop(data=None):
    """Stops what `data` stands for, with all that is in it; without: everything."""
    for key in list(_running):
        if data is None or key == data:
            _running.pop(key).__exit__(None, None, None)
