"""Child processes that cannot outlive the tests, and waits that end."""

import ctypes
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command, prepare=None, **options):
    """A Popen whose process is killed when the tests die. Call it from the main thread: the kernel
    watches the thread that forked. `prepare()` runs in the child, last before the command."""
    def child():
        _die_with_parent()
        if prepare is not None:
            prepare()
    return subprocess.Popen([os.fspath(part) for part in command], preexec_fn=child, **options)


def wait_for(condition, what, seconds=10.0):
    """Asks `condition` until it answers with something true, and returns that; fails after
    `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.005)


def exit_code(process, seconds):
    """The exit code of a process that should end within `seconds`; else it is killed and the test
    fails."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"process {process.pid} did not end within {seconds} s") from None
