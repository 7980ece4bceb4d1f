"""Requests as clients of the first generation send them, older than tenants and careless of headers."""

import pytest

from harness.client import Client, Connection
from harness.wire import check_session

SETTINGS = ['tenants.default="1"']
PLACEHOLDER = "00000000-0000-0000-0000-0000000000"


def ask(server, text):
    with Connection(server.address) as connection:
        return connection.send(text.encode()).read()


@pytest.mark.parametrize("length", ["", "Content-Length: 0\r\n"])
def test_create_without_body_content_type_or_tenant(server, length):
    response = ask(server, f"PUT /gks-server/v1/sessions/new HTTP/1.1\r\nHost: x\r\n{length}\r\n")
    info = check_session(response)
    assert info["tenantId"] == "1"
    assert info["anonymous"] is True
    assert response.json()["sessionId"] == info["sessionId"]  # where these clients read it


@pytest.mark.parametrize("length", ["", "Content-Length: 0\r\n"])
def test_post_to_the_placeholder_id_makes_a_named_session_that_stays(server, length):
    def post(session):
        return ask(server, f"POST /gks-server/v1/sessions/{session} HTTP/1.1\r\nHost: x\r\n"
                           f"gkc_customerId: bob@example.com\r\n{length}\r\n")

    response = post(PLACEHOLDER)
    info = check_session(response)
    session = response.json()["sessionId"]
    assert session != PLACEHOLDER
    assert info["customerId"] == "bob@example.com"
    assert info["isNew"] is True
    assert response.field("Content-Type") == "application/json"

    again = post(session)
    assert again.json()["sessionId"] == session
    assert check_session(again)["isNew"] is False
    assert again.json()["response"]["version"] == 1


def test_the_default_tenant_is_the_one_of_that_name(server):
    old, new = Client(server.address), Client(server.address, "1")
    made = check_session(old.create())
    assert check_session(new.get(made["sessionId"]))["isNew"] is False
    other = Client(server.address, "2")
    assert check_session(other.create())["tenantId"] == "2"
    assert check_session(other.get(made["sessionId"]))["sessionId"] != made["sessionId"]
    for client in (old, new, other):
        client.close()
