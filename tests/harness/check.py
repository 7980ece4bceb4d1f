"""`sojourn check`: every table of a stopped server's store against every other."""

from harness.server import run


def check_store(data, seconds=120):
    """The rows of each table. Fails when the tables do not agree."""
    code, stdout, stderr = run("check", "--data", str(data), seconds=seconds)
    assert code == 0, f"exit code {code}\n{stdout}{stderr}"
    rows = {}
    for line in stdout.splitlines():
        table, count = line.split()
        rows[table] = int(count)
    assert {"sessions", "index", "expiry", "counts", "events", "logs", "idempotency"} <= set(rows), stdout
    return rows
