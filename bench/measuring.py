"""What the benchmarks share: pinning to cores, a run of wrk with the CPU time that the server spent,
rows of a table, and what machine this is."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))
sys.dont_write_bytecode = True

from harness.server import BINARY  # noqa: E402

SERVER_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
SUMMARY = REPOSITORY / "bench/summary.lua"


def cpu_seconds(pid):
    """User and system time of the whole process so far; its unit is 1/TICKS s."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pin(pid, core):
    """Every thread of `pid`, and those it makes later."""
    subprocess.run(["taskset", "-a", "-c", "-p", str(core), str(pid)], check=True,
                   stdout=subprocess.DEVNULL)


def wrk(address, target, connections, seconds, method="GET"):
    url = "http://%s:%d%s" % (*address, target)
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), "wrk", "-t", "1", "-c", str(connections),
         "-d", f"{seconds}s", "--timeout", "10s", "-s", SUMMARY, url],
        env=os.environ | {"WRK_METHOD": method}, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.split("RESULT ")[1])
    if result["failures"] or not result["requests"]:
        sys.exit(f"{Path(sys.argv[0]).name}: {method} {url} failed: {result}\n{done.stdout}")
    result["per_second"] = result["requests"] / (result["microseconds"] / 1e6)
    return result


def measure(pid, address, target, connections, seconds, method="GET"):
    """One run of wrk, with the CPU time the server spent on each request."""
    before = cpu_seconds(pid)
    result = wrk(address, target, connections, seconds, method)
    result["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / result["requests"]
    return result


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                  if line.startswith("model name")), platform.machine())
    version = subprocess.run([BINARY, "version"], capture_output=True, text=True, check=True)
    nginx = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True, check=True)
    filesystem = subprocess.run(["stat", "-f", "-c", "%T", tempfile.gettempdir()],
                                capture_output=True, text=True, check=True).stdout.strip()
    load = os.getloadavg()[0]
    return [f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, load {load:.2f}",
            f"{version.stdout.strip()}; {nginx.stderr.strip()}",
            f"data in {tempfile.gettempdir()} ({filesystem}"
            + (": in memory, so creates are not durable here)" if filesystem == "tmpfs" else ")")]


def row(label, values, form):
    cells = [form.format(statistics.median(values)), form.format(min(values)), form.format(max(values))]
    return f"{label:<42}{cells[0]:>11}{cells[1]:>11}{cells[2]:>11}"


def require(*tools):
    """Ends the script unless it has its two cores and its programs."""
    name = Path(sys.argv[0]).name
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit(f"{name}: needs cores 0 and 1: the server runs on one, the load on the other.")
    for tool in ("wrk", "taskset", BINARY, *tools):
        if shutil.which(tool) is None:
            sys.exit(f"{name}: {tool} is not there: install it (tools/install test), or name the "
                     "binary of the server with SOJOURN_BIN.")


def rounds_and_seconds(description):
    """The parser that every benchmark begins with; parsed() reads the command line with it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement (5)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (5)")
    parser.add_argument("--quick", action="store_true",
                        help="one round of 1 s: shows that the script works, its figures mean nothing")
    return parser


def parsed(parser):
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 1, 1
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds begin at 1.")
    return options
