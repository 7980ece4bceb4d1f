"""A real Prometheus scrapes a server and loads the alert rules that the documents ship."""

import json
import subprocess
import urllib.parse
import urllib.request

from harness.client import Client
from harness.nginx import free_port
from harness.processes import exit_code, spawn, wait_for
from harness.server import REPOSITORY
from harness.stores import EMBEDDED

RULES = REPOSITORY / "docs/operating/alerts.yml"
COUNT = RULES.read_text().count("- alert: ")
CONFIG = """
global: {{ scrape_interval: 200ms, evaluation_interval: 200ms }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: sojourn
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
"""


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          cwd=RULES.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_alert_rules_are_rules():
    assert f"{COUNT} rules found" in promtool("check", "rules", RULES)


def test_the_alert_rules_fire_when_they_should():
    promtool("test", "rules", "alerts_test.yml")


def ask(port, path, **parameters):
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None  # it does not answer yet


def values(port, query):
    found = ask(port, "query", query=query)
    return [float(one["value"][1]) for one in found["result"]] if found else []


def test_a_real_prometheus_scrapes_it(start_server, tmp_path, tenant):
    server = start_server()
    client = Client(server.address, tenant)
    for _ in range(7):
        client.create({"gkc_customerId": "bob"})
    client.close()
    (tmp_path / "prometheus.yml").write_text(CONFIG.format(rules=RULES, port=server.admin_address[1]))
    port = free_port()
    with open(tmp_path / "prometheus.log", "wb") as log:
        prometheus = spawn(["prometheus", f"--config.file={tmp_path}/prometheus.yml",
                            f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{port}"],
                           stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: values(port, "up") == [1], "the server is scraped", 30)
        wait_for(lambda: values(port, 'http_server_request_duration_seconds_count{http_route="/sessions/new"}') == [7],
                 "the requests", 30)
        if EMBEDDED:
            assert values(port, f'sojourn_sessions{{tenant="{tenant}",kind="named"}}') == [7]
        groups = wait_for(lambda: (ask(port, "rules") or {}).get("groups"), "the rules are loaded")
        rules = groups[0]["rules"]
        assert len(rules) == COUNT
        wait_for(lambda: all(rule["health"] == "ok" for rule in ask(port, "rules")["groups"][0]["rules"]),
                 "every rule was evaluated", 30)
        assert ask(port, "alerts")["alerts"] == []
    finally:
        prometheus.terminate()
        exit_code(prometheus, 20)
