"""Reads a page of metrics strictly."""

import re

from harness.client import Client

_LINE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)",?')


class Metrics:
    """One look at /metrics: `values` has {(name, frozenset of label pairs): number}, `types` what
    each family is."""

    def __init__(self, text):
        self.text, self.values, self.types, self.helps = text, {}, {}, {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name, self.helps[name] = line[7:].split(" ", 1)[0], line
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name not in self.types, f"{name} stands apart from its like"
                self.types[name] = kind
            elif line:
                name, labels, value = _LINE.fullmatch(line).groups()
                assert _LABEL.sub("", labels or "") == "", line
                key = (name, frozenset(_LABEL.findall(labels or "")))
                assert key not in self.values, f"twice: {line}"
                self.values[key] = float(value)

    def sum(self, name, **labels):
        """Of all series of that name with these labels."""
        wanted = set(labels.items())
        return sum(value for (one, has), value in self.values.items() if one == name and wanted <= has)

    def labels(self):
        return {pair for _, labels in self.values for pair in labels}


def metrics(server, headers=()):
    client = Client(server.admin_address)
    response = client.request("GET", "/metrics", headers)
    client.close()
    assert response.status == 200, response
    assert response.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(response.body.decode())
