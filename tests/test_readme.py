"""The README's calls: pasted one after the other into a terminal they give the answers that stand below
them."""

import json
import re
import subprocess
from datetime import datetime

import pytest

from harness.processes import exit_code, spawn
from harness.server import REPOSITORY
from harness.wire import SESSION_ID

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(text):
    """[(commands, the answer that stands below them or None)]. An answer is the next block, when that
    is no sh."""
    blocks = BLOCK.findall(text)
    for number, (language, block) in enumerate(blocks):
        if language == "sh" and "curl " in block:
            below = blocks[number + 1] if number + 1 < len(blocks) else ("sh", "")
            yield block, None if below[0] == "sh" else below[1]


class Comparison:
    """Compares answers up to ids and times. `real`: what stands for what, README's id -> the
    server's."""

    def __init__(self):
        self.real = {}

    def values(self, said, real, name=""):
        assert type(said) is type(real), f"{name}: {real!r}, and the README says {said!r}"
        if isinstance(said, dict):
            assert list(said) == list(real), f"{name}: {list(real)}, and the README says {list(said)}"
            for member in said:
                self.values(said[member], real[member], member)
        elif isinstance(said, list):
            assert len(said) == len(real), f"{name}: {real}, and the README says {said}"
            for one, other in zip(said, real):
                self.values(one, other, name)
        elif isinstance(said, str):
            self.strings(said, real, name)
        else:
            assert said == real, f"{name}: {real!r}, and the README says {said!r}"

    def strings(self, said, real, name):
        if SESSION_ID.fullmatch(said) and SESSION_ID.fullmatch(real):
            assert self.real.setdefault(said, real) == real, f"{said} stands for two things"
        elif TIME.fullmatch(said):
            assert TIME.fullmatch(real), f"{name}: {real!r} is no time"
            datetime.fromisoformat(said.replace("Z", "+00:00"))
        else:
            assert said == real, f"{name}: {real!r}, and the README says {said!r}"


class Shell:
    """One shell, as in a terminal: what a block sets the next one has. As a context manager."""

    def __init__(self, name):
        self._name = name

    def __enter__(self):
        self._process = spawn([self._name, "-e"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def run(self, block):
        """What the commands write."""
        self._process.stdin.write(f"{block}\necho; echo == end\n")
        self._process.stdin.flush()
        written = ""
        for line in self._process.stdout:
            if line == "== end\n":
                return written.removesuffix("\n")
            written += line
        raise AssertionError(f"a command failed in:\n{block}\nafter\n{written}")

    def __exit__(self, *_):
        self._process.stdin.close()
        exit_code(self._process, 10)
        self._process.stdout.close()


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_pasted_into_a_terminal_the_calls_give_the_answers_below_them(start_server, shell):
    server = start_server()
    comparison = Comparison()
    found = list(examples((REPOSITORY / "README.md").read_text()))
    assert len(found) == 3 and all(said for _, said in found)
    with Shell(shell) as terminal:
        for block, said in found:
            for port, address in (("9092", server.address), ("9093", server.admin_address)):
                block = block.replace(f"127.0.0.1:{port}", "%s:%d" % address)
            comparison.values(json.loads(said), json.loads(terminal.run(block)))


def test_the_comparison_finds_differences():
    """A check that cannot fail is none."""
    one, two = "0" * 36, "1" + "0" * 35
    said = {"id": one, "at": "2026-11-23T09:30:00.125Z", "n": 1, "list": [one]}
    Comparison().values(said, {"id": two, "at": "2027-01-01T00:00:00.000Z", "n": 1, "list": [two]})
    for change in ({"n": 2}, {"at": "now"}, {"list": [one, one]}, {"list": ["0" * 35 + "1"]}, {"m": 1}):
        with pytest.raises(AssertionError):
            Comparison().values(said, said | {"id": two, "list": [two]} | change)
