"""Behind a real nginx: which spelling of the identity headers arrives, and that nothing else is lost."""

import pytest

from harness.client import Client
from harness.nginx import Nginx
from harness.wire import check_error, check_session, without_access


@pytest.fixture
def behind(server, tmp_path, tenant):
    """behind(http lines) is a client of an nginx that passes everything to the shared server."""
    running = []

    def start(http="", location=""):
        prefix = tmp_path / f"nginx{len(running)}"
        prefix.mkdir()
        one = Nginx(prefix, "proxy_pass http://%s:%d; " % server.address + location, http)
        one.__enter__()
        running.append(one)
        return Client(one.address, tenant)

    yield start
    for one in running:
        one.__exit__()


def create(client, headers=(), body=None):
    """A create through nginx; checked without the fields that nginx puts in place of ours."""
    response = client.create(headers, body)
    assert response.status == 200, response
    return response.json()["response"]


def test_nginx_passes_the_spelling_with_hyphens(behind):
    info = create(behind(), {"gkc-customerId": "bob", "gkc-agentId": "a"}, {"visitId": "v"})
    assert (info["customerId"], info["agentId"], info["visitId"]) == ("bob", "a", "v")


def test_nginx_drops_the_spelling_with_underscores_by_default(behind):
    info = create(behind(), {"gkc_customerId": "bob", "gkc_agentId": "a"})
    assert (info["customerId"], info["agentId"]) == (None, None)  # hence the other spelling


def test_nginx_passes_underscores_when_it_is_told_to(behind):
    info = create(behind("underscores_in_headers on;"), {"gkc_customerId": "bob", "gkc_agentId": "a"})
    assert (info["customerId"], info["agentId"]) == ("bob", "a")


def test_all_operations_work_over_kept_upstream_connections(behind):
    client = behind(location='proxy_http_version 1.1; proxy_set_header Connection "";')
    made = create(client)
    for number in range(20):
        response = client.associate(made["sessionId"], {"gkc-agentId": f"a{number}"})
        assert response.json()["response"]["agentId"] == f"a{number}"
        got = client.get(made["sessionId"]).json()["response"]
        assert without_access(got) == without_access(response.json()["response"])
    assert client.head(made["sessionId"]).status == 200
    assert client.head("x").status == 404


def test_errors_pass_unchanged(behind, server, tenant):
    through, direct = behind(), Client(server.address, tenant)
    for client in (through, direct):
        client.base = "/gks-server/v1"
    there, here = (client.call("PUT", "x") for client in (through, direct))
    check_error(here, 405, "METHOD_NOT_ALLOWED")
    assert (there.status, there.body, there.field("Allow")) == (here.status, here.body,
                                                               here.field("Allow"))
    assert check_session(direct.create())["isNew"] is True
    direct.close()
    through.close()
