"""The manuals for operators, followed word for word on a bare machine with systemd: every block of commands
of docs/operating and of the README's start runs there as the user that it names, and every file that a
page shows with its path is put there. A block that cannot run says why in a comment above it."""

import re
import typing

import pytest

from harness.certificates import Authority
from harness.machine import Machine, Terminal, why_not
from harness.proxies import Provider
from harness.server import BINARY, REPOSITORY

WHY_NOT = why_not()
pytestmark = [
    pytest.mark.skipif(WHY_NOT is not None, reason=f"no machine can be made here: {WHY_NOT}"),
    pytest.mark.skipif(BINARY != REPOSITORY / "build/release/sojourn", reason="what is installed is the release")]


class Page(typing.NamedTuple):
    name: str
    without: str = "^$"  # a pattern: blocks to leave out, such as those for the other proxy
    given: str = ""  # what the page takes for granted, done before it
    otherwise: tuple = ()  # pairs (old, new): what an operator does in a second terminal
    afterwards: str = ""  # commands that succeed when it worked
    installed: bool = True  # Sojourn is, as install.md has it


# `until` asks again, because a reload takes effect a moment after its command has ended.
A_SESSION = "curl -X PUT 'http://127.0.0.1:9092/sessions/new?tenantId=1'\n"
KEYS = """
sojourn key new --name first --tenants '*' --scopes read,write,end,admin --file /etc/sojourn/keys.toml > first.key
"""
KEYS_ASKED_FOR = KEYS + """
sed -i 's/^# key_file/key_file/' /etc/sojourn/sojourn.toml
systemctl restart sojourn
"""
WITH_KEY = 'curl --cacert ca.pem -H "Authorization: Bearer $KEY" -X PUT '

PAGES = [
    Page("README.md", installed=False, given="apt-get install -y curl",
         otherwise=[("./run ", "./run & curl --retry 20 --retry-connrefused http://127.0.0.1:9093/readyz ")]),
    Page("docs/operating/install.md", installed=False, afterwards="""
        KEY=$(cat web.key)
        """ + WITH_KEY + """'https://localhost:9092/sessions/new?tenantId=1'
        """),
    Page("docs/operating/tls.md", without="clients-ca", given=KEYS, afterwards="""
        rm -r /etc/sojourn/tls
        RENEWED_LINEAGE=$PWD /etc/letsencrypt/renewal-hooks/deploy/sojourn
        runuser -u sojourn -- sojourn config check --config /etc/sojourn/sojourn.toml
        """),
    Page("docs/operating/tls.md", without="s_client", given=KEYS + "cp ca.pem clients-ca.pem", afterwards="""
        shown='--cacert ca.pem --cert fullchain.pem --key privkey.pem'
        until ! curl --cacert ca.pem -o seen https://localhost:9092/sessions || grep UNAUTH seen; do sleep 0.1; done
        curl $shown -H "Authorization: Bearer $(cat first.key)" -X PUT 'https://localhost:9092/sessions/new?tenantId=1'
        """),
    Page("docs/operating/keys.md", afterwards="""
        until ! curl -X PUT 'http://127.0.0.1:9092/sessions/new?tenantId=1'; do sleep 0.1; done
        curl -H "Authorization: Bearer $(cat shop.key)" -X PUT 'http://127.0.0.1:9092/sessions/new?tenantId=1'
        """),
    Page("docs/operating/behind-a-proxy.md", without="haproxy", given=KEYS_ASKED_FOR, afterwards="""
        until """ + WITH_KEY + """'https://sessions.example.com:8443/sessions/new?tenantId=1'; do sleep 0.1; done
        until [ "$(curl --cacert ca.pem -o /dev/null -w '%{http_code}' https://app.example.com/)" = 401 ]; do sleep 0.1; done
        """),
    Page("docs/operating/behind-a-proxy.md", without="nginx", given=KEYS_ASKED_FOR, afterwards="""
        until """ + WITH_KEY + """'https://sessions.example.com:8443/sessions/new?tenantId=1'; do sleep 0.1; done
        curl --cacert ca.pem -X PUT https://www.example.com/sessions/new
        """),
    Page("docs/operating/backup.md", given=A_SESSION, afterwards="""
        systemctl is-active sojourn sojourn-backup.timer
        test "$(ls /var/backups/sojourn | wc -l)" = 3   # two backups and the lines
        runuser -u sojourn -- sojourn check --data /var/lib/sojourn/new
        """),
    Page("docs/operating/metrics.md", afterwards="""
        apt-get install -y curl jq
        up='.data.activeTargets[] | select(.labels.job == "sojourn" and .health == "up")'
        until curl http://127.0.0.1:9090/api/v1/targets | jq -e "$up"; do sleep 0.1; done
        """),
    Page("docs/operating/upgrade.md", given=A_SESSION, afterwards=A_SESSION),
    Page("docs/operating/logs.md", given="""
        sed -i '$a [log]\\naccess = "all"' /etc/sojourn/sojourn.toml
        systemctl restart sojourn
        """ + A_SESSION),
    Page("docs/operating/cluster.md"),
]


class Block(typing.NamedTuple):
    language: str
    text: str
    reason: str  # why it is not run, or ""

    def files(self):
        """[(path, whether these are lines for the tables of a file, text)] of a block that shows files."""
        parts = re.split(r"^# (/\S+?)(, in its table)?\n", self.text, flags=re.MULTILINE)
        first, rest = parts[0], parts[1:]
        return [(path, bool(table), first + text)
                for path, table, text in zip(rest[::3], rest[1::3], rest[2::3])]


def blocks_of(page):
    text = (REPOSITORY / page).read_text()
    fences = re.findall(r"^(?:<!-- not run by tests/test_manuals\.py: (.+?) -->\n)?```(\w*)\n(.*?)^```$", text,
                        re.MULTILINE | re.DOTALL)
    return [Block(language, block, reason) for reason, language, block in fences]


def with_lines(toml, lines):
    """The text of a TOML file after an operator put `lines` into it, each into its table."""
    table = None
    for line in filter(None, lines.splitlines()):
        if line.startswith("["):
            table = line
            if table not in toml.splitlines():
                toml += f"\n{table}\n"
            continue
        key = line.split(" = ")[0]
        before, body = toml.split(f"{table}\n", 1)
        body, *rest = re.split(r"(?m)^(?=\[)", body, 1)
        body = re.sub(rf"(?m)^#? ?{re.escape(key)} = .*\n", "", body)
        toml = f"{before}{table}\n{line}\n{body}{''.join(rest)}"
    return toml


class Operator:
    """Does what a page says, in one terminal of the machine."""

    def __init__(self, machine, terminal, otherwise=()):
        self._machine, self._terminal, self._otherwise = machine, terminal, otherwise

    def follow(self, blocks):
        for block in blocks:
            files = block.files()
            for path, in_tables, text in files:
                if in_tables:
                    text = with_lines(self._machine.path(path).read_text(), text)
                self._machine.write(path, text, 0o755 if text.startswith("#!") else None)
            if block.language == "sh" and not files and not block.reason:
                text = block.text
                for old, new in self._otherwise:
                    text = text.replace(old, new)
                self._terminal.run(text)


@pytest.fixture
def machine(tmp_path):
    directory = tmp_path / "machine"
    directory.mkdir()
    with Machine(directory) as one:
        yield one


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """What comes from elsewhere: certificates of a CA, the key of an identity provider."""
    directory = tmp_path_factory.mktemp("papers")
    authority = Authority(directory)
    certificate = authority.issue("server", "localhost,DNS:sessions.example.com,DNS:www.example.com,"
                                            "DNS:app.example.com")
    return {"ca.pem": authority.path, "fullchain.pem": certificate.path, "privkey.pem": certificate.key,
            "provider.pem": Provider(directory).path}


def installation():
    """The blocks of install.md up to the first configuration."""
    blocks = blocks_of("docs/operating/install.md")
    return blocks[:next(number for number, block in enumerate(blocks) if block.files()) - 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.name} without {page.without}")
def test_a_page_can_be_followed_word_for_word(machine, papers, page):
    for name, path in papers.items():
        machine.write(f"{REPOSITORY}/{name}", path.read_text(), 0o600)
    machine.write("etc/hosts", "127.0.0.1 localhost sessions.example.com www.example.com app.example.com\n")
    with Terminal(machine, REPOSITORY) as terminal:
        operator = Operator(machine, terminal, page.otherwise)
        if page.installed:
            operator.follow(installation())
        terminal.run(page.given)
        operator.follow([block for block in blocks_of(page.name) if not re.search(page.without, block.text)])
        terminal.run(page.afterwards)


def test_every_page_with_commands_is_followed():
    pages = {f"docs/operating/{path.name}" for path in (REPOSITORY / "docs/operating").glob("*.md")}
    commanding = {page for page in pages if any(block.language == "sh" for block in blocks_of(page))}
    assert commanding == {page.name for page in PAGES} - {"README.md"}


def test_what_is_not_run_says_why():
    reasons = {page.name: [block.reason for block in blocks_of(page.name) if block.reason] for page in PAGES}
    for name, said in reasons.items():
        print(name, said)
    assert sum(map(len, reasons.values())) <= 1, "one block more that nobody tries"


def test_lines_go_into_their_tables():
    toml = '[a]\n# x = 1\n# y = 2\n\n[b]\nx = 3\n'
    assert with_lines(toml, '[a]\nx = 7\n[c]\nz = 1\n') == '[a]\nx = 7\n# y = 2\n\n[b]\nx = 3\n\n[c]\nz = 1\n'
    assert with_lines(toml, "[b]\nx = 4\n") == '[a]\n# x = 1\n# y = 2\n\n[b]\nx = 4\n'
