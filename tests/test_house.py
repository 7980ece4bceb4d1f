"""What the documents say is what the program does: options, errors, routes, links."""

import json
import re
from urllib.parse import unquote

import pytest

from harness.certificates import Authority, tls_settings
from harness.client import Client
from harness.metrics import metrics
from harness.redis import Redis
from harness.server import REPOSITORY, run

# Defaults that depend on something are told in other words in the manual.
IN_OTHER_WORDS = {"idle_timeout / 30": "a thirtieth of the idle time"}


def text_of(path):
    return (REPOSITORY / path).read_text()


# Options


def options_of_help():
    code, stdout, stderr = run("serve", "--help")
    assert code == 0, stderr
    listed = stdout[stdout.index("Options of the configuration file"):]
    return dict(re.findall(r"^ +([a-z][\w.\"<>*]*\.[\w]+) = (.+)$", listed, re.MULTILINE))


def options_of_manual():
    """The rows | `key` | default | meaning | of the tables. A key in brackets is no option but a
    table of them."""
    rows = re.findall(r"^\| *`([^`|[]+)` *\| *([^|]+?) *\|", text_of("docs/configuration.md"), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "an option that is documented twice"
    return dict(rows)


def test_the_manual_says_which_options_need_a_restart():
    stdout = run("serve", "--help")[1]
    listed = re.findall(r"^ +([a-z][\w.]*\.\w+) = .+\n +(.+)$", stdout, re.MULTILINE)
    program = {key: text.endswith("(restart)") for key, text in listed}
    rows = re.findall(r"^\| *`([^`|[]+)` *\|[^|]+\| *(.+?) *\|$", text_of("docs/configuration.md"), re.MULTILINE)
    manual = {key: text.endswith("**Restart**") for key, text in rows}
    assert set(program) == set(manual) and True in program.values() and False in program.values()
    assert program == manual, {key for key in program if program[key] != manual[key]}


def plain(default):
    default = default.strip().strip("()").replace("`", "")
    return IN_OTHER_WORDS.get(default, default)


def test_every_option_is_documented_with_its_default():
    program, manual = options_of_help(), options_of_manual()
    assert len(program) > 20
    assert set(program) == set(manual), set(program) ^ set(manual)
    for key, default in program.items():
        assert plain(default) == plain(manual[key]), (
            f"{key}: the program says {default}, docs/configuration.md {manual[key]}")


# Errors


def error_codes():
    codes = set(re.findall(r'return "([A-Z_]+)";', text_of("src/base/error.cc")))
    assert len(codes) >= 15
    return codes


def test_every_error_code_is_documented():
    documented = re.findall(r"^\| *\d{3} *\| *`([A-Z_]+)` *\|", text_of("docs/errors.md"), re.MULTILINE)
    assert len(documented) == len(set(documented)), "a code that is documented twice"
    assert set(documented) == error_codes(), set(documented) ^ error_codes()


def test_every_error_code_is_in_the_troubleshooting():
    told = set(re.findall(r"`([A-Z_]+)`", text_of("docs/operating/troubleshooting.md")))
    assert error_codes() <= told, error_codes() - told


def test_every_complaint_in_the_log_is_in_the_troubleshooting():
    events = set()
    has_redis = any(key.startswith("store.redis.") for key in options_of_manual())
    for path in (REPOSITORY / "src").rglob("*.cc"):
        offered = has_redis or "redis" not in path.parts
        if offered and not path.name.endswith("_test.cc"):
            for words in re.findall(r"LogLevel::(?:warning|error),([^;]*?\"[^;]*?),\s", path.read_text()):
                events |= set(re.findall(r'"([a-z]+\.[a-z_]+)"', words))
    assert len(events) > 10, events
    told = set(re.findall(r"`([a-z]+\.[a-z_]+)`", text_of("docs/operating/troubleshooting.md")))
    assert events <= told, events - told


def test_every_event_of_the_log_is_documented_with_its_level_and_no_other():
    levels = {}
    for path in (REPOSITORY / "src").rglob("*.cc"):
        if path.name.endswith("_test.cc"):
            continue
        for level, words in re.findall(r"LogLevel::(info|warning|error),([^;]*?\"[^;]*?),\s", path.read_text()):
            for event in re.findall(r'"([a-z]+\.[a-z_]+)"', words):
                levels.setdefault(event, set()).add(level)
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([a-z, ]+?) \|", text_of("docs/operating/logs.md"), re.MULTILINE)
    documented = {event: set(said.split(", ")) for event, said in rows}
    assert len(documented) == len(rows) > 20, "an event that is documented twice"
    assert documented == levels, {event for event in documented | levels if documented.get(event) != levels.get(event)}


def openapi():
    return json.loads(text_of("openapi/openapi.json"))


def strings_of(value):
    if isinstance(value, dict):
        for member in value.values():
            yield from strings_of(member)
    elif isinstance(value, list):
        for one in value:
            yield from strings_of(one)
    elif isinstance(value, str):
        yield value


def test_every_error_code_is_in_the_openapi_document():
    said = set(re.findall(r"\b[A-Z][A-Z_]{4,}\b", " ".join(strings_of(openapi()))))
    assert error_codes() <= said, error_codes() - said


# Routes


def routes():
    found = re.findall(r'\{Method::(\w+), "([^"]+)"', text_of("src/api/routes.cc"))
    assert len(found) >= 4
    return [(method.rstrip("_"), path) for method, path in found]


def test_every_route_is_in_the_openapi_document_and_no_other():
    methods = {"get", "put", "post", "delete", "head", "options", "patch"}
    documented = {(method, path) for path, item in openapi()["paths"].items()
                  for method in item if method in methods}
    assert documented == set(routes()), documented ^ set(routes())


def test_every_reference_of_the_openapi_document_leads_somewhere():
    document = openapi()
    references = set(re.findall(r'"\$ref": *"([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        part = document
        for name in reference.removeprefix("#/").split("/"):
            assert name in part, reference
            part = part[name]


def test_every_operation_of_the_openapi_document_has_a_name_and_answers():
    ids = []
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            ids.append(operation["operationId"])
            assert operation["summary"] and "200" in operation["responses"], (method, path)
    assert len(ids) == len(set(ids))


# Metrics


def documented_metrics():
    """The rows | `name` | type | of the table."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \|", text_of("docs/operating/metrics.md"), re.MULTILINE)
    assert len(rows) == len(dict(rows)) > 20, "a metric that is documented twice"
    return dict(rows)


def test_every_metric_is_documented_with_its_type_and_no_other(start_server, tmp_path, tenant):
    server = start_server(store=["--data", tmp_path / "embedded"])
    client = Client(server.address, tenant)
    client.create()  # a series appears with its first request
    client.close()
    types = metrics(server).types
    with Redis(tmp_path / "redis") as redis:  # each store has some of its own
        certificate = Authority(tmp_path).issue("server")  # and a listener with TLS
        on_redis = start_server(*tls_settings(certificate),
                                store=["--set", "store.kind=redis", "--set", f"store.redis.url={redis.url}"])
        types |= metrics(on_redis).types
    assert types == documented_metrics(), set(types.items()) ^ set(documented_metrics().items())
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in types.items())


def test_alert_rules_speak_of_metrics_that_there_are():
    named = set(re.findall(r"\b(?:sojourn|http_server|process)_[a-z_]+", text_of("docs/operating/alerts.yml")))
    known = documented_metrics()
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert bases and bases <= set(known), bases - set(known)


# Files


def sources():
    return [path for path in sorted((REPOSITORY / "src").rglob("*.cc"))
            if not path.name.endswith("_test.cc") and "testing" not in path.parts]


def test_every_file_is_opened_for_this_process_alone():
    """With O_CLOEXEC: no child process gets the store or the keys. /dev/null in the place of 0, 1 and 2 is
    for children, too."""
    opened = 0
    for path in sources():
        for call in re.findall(r"(?<![\w.>])(?:::)?open(?:at)?\(([^;{}]*)\)", path.read_text()):
            if path.name != "standard_descriptors.cc" and re.search(r"\bO_[A-Z]+|\bflags\b", call):
                assert "O_CLOEXEC" in call, f"{path}: open({call})"
                opened += 1
    assert opened > 5


def test_files_that_options_name_are_read_by_one_function():
    """base/file.h: it refuses directories and pipes, and has a limit."""
    for path in sources():
        if path.parent.name not in ("lmdb",):
            assert not re.search(r"\bifstream\b|\bfopen\(", path.read_text()), f"{path}: use read_file()"


def test_every_source_file_includes_its_own_header_first():
    """So the header is compiled alone. (The build compiles those alone that have no source file.)"""
    for path in sources():
        if path.with_suffix(".h").exists():
            first = re.search(r'^#include [<"]([^>"]*)', path.read_text(), re.MULTILINE)
            assert first.group(1).endswith(path.stem + ".h"), f"{path}: includes {first.group(1)} first"


# Links


def documents():
    paths = (path.relative_to(REPOSITORY) for path in REPOSITORY.rglob("*.md"))
    return sorted(str(path) for path in paths
                  if path.parts[0] != "build" and not any(part[0] == "." for part in path.parts[:-1]))


def headings(text):
    """The anchors of a document, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", documents())
def test_every_link_leads_somewhere(document):
    path = REPOSITORY / document
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^()\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / unquote(target)).resolve() if target else path
        assert file.exists(), f"{document}: {link} leads nowhere"
        if anchor and file.suffix == ".md":
            assert anchor in headings(file.read_text()), f"{document}: {link}: no such heading"
