"""The README's examples: each line of curl gives the answer that stands below it."""

import json
import re
import subprocess
from datetime import datetime

import pytest

from harness.server import REPOSITORY
from harness.wire import SESSION_ID

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(text):
    """[(command, the answer that stands below it or None)]. An answer is the next block, when that
    is no sh; below several commands it is the last one's."""
    blocks = BLOCK.findall(text)
    found = []
    for number, (language, block) in enumerate(blocks):
        commands = [line for line in block.replace("\\\n", " ").splitlines()
                    if line.strip().startswith("curl ")]
        if language != "sh" or not commands:
            continue
        below = blocks[number + 1] if number + 1 < len(blocks) else ("sh", "")
        found += [(command, None) for command in commands[:-1]]
        found.append((commands[-1], None if below[0] == "sh" else below[1]))
    return found


class Comparison:
    """Compares answers up to ids, cursors and times, and remembers what stands for what: README's
    id -> the server's."""

    def __init__(self):
        self.real = {}

    def command(self, text):
        for said in sorted(self.real, key=len, reverse=True):
            text = text.replace(said, self.real[said])
        return text

    def _pair(self, said, real):
        assert self.real.setdefault(said, real) == real, f"{said} stands for two things"

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
        if SESSION_ID.fullmatch(said) and SESSION_ID.fullmatch(real) or name in ("id", "nextCursor"):
            self._pair(said, real)
        elif TIME.fullmatch(said):
            assert TIME.fullmatch(real), f"{name}: {real!r} is no time"
            datetime.fromisoformat(said.replace("Z", "+00:00"))
        else:
            assert said == real, f"{name}: {real!r}, and the README says {said!r}"

    def lines(self, said, real):
        """An answer that is not JSON alone: header fields, or a stream. What the README shows must be
        there in that order; header lines it leaves out may stand between."""
        rest = iter(real.replace("\r", "").splitlines())
        for line in filter(str.strip, said.splitlines()):
            assert any(self._same(line, other) for other in rest), f"not in the answer: {line!r}\n{real}"

    def _same(self, said, real):
        name, colon, value = said.partition(": ")
        if not real.startswith(name + colon):
            return said == real
        value_of_real = real[len(name + colon):]
        if name == "data":
            self.values(json.loads(value), json.loads(value_of_real))
        elif name == "id":
            self._pair(value, value_of_real)
        elif name.lower() != "date":
            return value == value_of_real or (said.startswith("{") and self._json(said, real))
        return True

    def _json(self, said, real):
        self.values(json.loads(said), json.loads(real))
        return True


def answer(command):
    """What the command writes. A stream is read for a second."""
    stream = re.search(r"\bcurl\b.* (-\w*N|--no-buffer)\b", command) is not None
    if stream:
        command = command.replace("curl ", "curl --max-time 1 ", 1)
    done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 0 or (stream and done.returncode == 28), f"{command}: {done.stderr}"
    return done.stdout


def test_every_line_of_curl_gives_the_answer_below_it(start_server):
    server = start_server()
    comparison = Comparison()
    text = (REPOSITORY / "README.md").read_text()
    found = examples(text)
    assert len(found) >= 3 and text.count("curl -") == len(found), "a curl line that is no example"
    for command, said in found:
        real = comparison.command(command)
        for port, address in (("9092", server.address), ("9093", server.admin_address)):
            real = real.replace(f"127.0.0.1:{port}", "%s:%d" % address)
        assert ":909" not in real, f"an address that no server has: {real}"
        got = answer(real)
        if said is None:
            continue
        try:
            expected = json.loads(said)
        except ValueError:
            comparison.lines(said, got)
        else:
            comparison.values(expected, json.loads(got))


def test_the_comparison_finds_differences():
    """A check that cannot fail is none."""
    one, two = "0" * 36, "1" + "0" * 35
    said = {"id": one, "at": "2026-11-23T09:30:00.125Z", "n": 1, "list": [one]}
    Comparison().values(said, {"id": two, "at": "2027-01-01T00:00:00.000Z", "n": 1, "list": [two]})
    for change in ({"n": 2}, {"at": "now"}, {"list": [one, one]}, {"list": ["0" * 35 + "1"]}, {"m": 1}):
        with pytest.raises(AssertionError):
            Comparison().values(said, said | {"id": two, "list": [two]} | change)
    comparison = Comparison()
    comparison.lines('HTTP/1.1 200 OK\nETag: "1"\n', 'HTTP/1.1 200 OK\r\nDate: x\r\nETag: "1"\r\n')
    comparison.lines("id: 7\nevent: a\n", ": hello\nid: 9\nevent: a\n\n")
    assert comparison.command("after=7") == "after=9"
    with pytest.raises(AssertionError):
        comparison.lines('ETag: "1"\n', 'ETag: "2"\n')
