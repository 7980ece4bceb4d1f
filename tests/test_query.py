"""The query: form-encoded, identity values trimmed, and unknown parameters refused where overlooking
one would make a call reach further than it says."""

import pytest

from harness.client import Client
from harness.events import all_events, check_events
from harness.load import walk
from harness.wire import check_ended, check_error, check_listing, check_session


def ask(client, method, path, query):
    return client.request(method, f"{path}?tenantId={client.tenant}{query}")


def ids(response):
    return {info["sessionId"] for info in check_listing(response)[0]}


# Encoding


@pytest.mark.parametrize("sent, meant", [
    ("a+b", "a b"), ("a%20b", "a b"), ("a%2Bb", "a+b"), ("a%2bb+c", "a+b c"), ("+a", " a"), ("a=b", "a=b"),
])
def test_a_plus_in_a_tenant_is_a_space(client, tenant, sent, meant):
    made = check_session(client.request("PUT", f"/sessions/new?tenantId={tenant}{sent}"))
    assert made["tenantId"] == tenant + meant
    by_encoder = Client(client.address, tenant + meant)
    assert check_session(by_encoder.get(made["sessionId"]))["isNew"] is False
    by_encoder.close()


def test_a_plus_in_the_name_of_a_parameter_is_a_space(client, tenant):
    check_error(client.request("PUT", f"/sessions/new?tenant+Id={tenant}"), 400, "TENANT_ID_REQUIRED")
    check_session(client.request("PUT", f"/sessions/new?%74enantId={tenant}"))


def test_a_plus_in_the_path_is_a_plus(client, tenant):
    check_error(client.request("PUT", f"/sessions+/new?tenantId={tenant}"), 404, "ROUTE_NOT_FOUND")
    check_session(client.request("PUT", f"/sessions/ne%77?tenantId={tenant}"))


@pytest.mark.parametrize("name", ["customerId", "agentId"])
def test_a_plus_in_a_filter_is_a_space(client, name):
    spaced = check_session(client.create({f"gkc_{name}": "Bob B"}))["sessionId"]
    plus = check_session(client.create({f"gkc_{name}": "Bob+B"}))["sessionId"]
    assert ids(ask(client, "GET", "/sessions", f"&{name}=Bob+B")) == {spaced}
    assert ids(ask(client, "GET", "/sessions", f"&{name}=Bob%2BB")) == {plus}
    assert check_ended(ask(client, "DELETE", "/sessions", f"&{name}=Bob+B")) == 1
    assert {info["sessionId"] for info in walk(client)} == {plus}


# The same text means the same person


@pytest.mark.parametrize("sent", ["bob", "+bob", "bob%20", "%09+bob+%09"])
def test_a_filter_is_trimmed_like_the_header(client, sent):
    made = check_session(client.create({"gkc_customerId": "  bob\t"}))
    assert made["customerId"] == "bob"
    assert ids(ask(client, "GET", "/sessions", f"&customerId={sent}")) == {made["sessionId"]}
    assert check_ended(ask(client, "DELETE", "/sessions", f"&customerId={sent}")) == 1


def test_spaces_inside_a_value_stay(client):
    made = check_session(client.create({"gkc_customerId": " b  ob "}))
    assert made["customerId"] == "b  ob"
    assert ids(client.list(customerId="b  ob")) == {made["sessionId"]}
    assert ids(client.list(customerId="b ob")) == set()


def test_the_access_log_names_the_same_tenant(start_server, tenant):
    server = start_server("log.access=all")
    client = Client(server.address, tenant)
    check_session(client.request("PUT", f"/sessions/new?tenantId={tenant}+a%2Bb"))
    check_session(client.request("PUT", f"/sessions/new?%74enantId={tenant}-encoded"))
    client.close()
    server.stop()
    assert f'"tenant":"{tenant} a+b"' in server.stderr()
    assert f'"tenant":"{tenant}-encoded"' in server.stderr()


@pytest.mark.parametrize("value", ["", "+", "%20%09", "a%0Ab", "a%00", "%7F", "a%C2%85", "%FF", "%", "x" * 257])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_filter_that_can_be_nobody_is_refused(client, method, value):
    check_session(client.create({"gkc_customerId": "bob"}))
    response = ask(client, method, "/sessions", f"&customerId={value}")
    assert "customerId" in check_error(response, 400, "INVALID_PARAMETER")
    assert len(walk(client)) == 1


# Unknown parameters


@pytest.mark.parametrize("method, path, query, meant", [
    ("GET", "/sessions", "&custmerId=bob", "customerId"), ("GET", "/sessions", "&customerid=bob", "customerId"),
    ("GET", "/sessions", "&agent_id=a", "agentId"), ("GET", "/sessions", "&Limit=5", "limit"),
    ("GET", "/sessions", "&except=x", "cursor"), ("GET", "/sessions", "&_=1700000000", "cursor"),
    ("GET", "/sessions", "&customer%49D=bob", "customerId"),
    ("DELETE", "/sessions", "&customerId=bob&exept=x", "except"),
    ("DELETE", "/sessions", "&customerId=bob&limit=1", "except"),
    ("DELETE", "/sessions", "&customerId=bob&visitId=v", "agentId"),
    ("GET", "/events", "&affter=1", "after"), ("GET", "/events", "&cursor=1", "after"),
    ("GET", "/events", "&limit=1&=", None), ("GET", "/events", "&&limit=1&", None),
    ("HEAD", "/events", "&affter=1", "after"), ("GET", "/events", "&=x", "after"),
])
def test_routes_of_many_refuse_what_they_do_not_know(client, method, path, query, meant):
    check_session(client.create({"gkc_customerId": "bob"}))
    response = ask(client, method, path, query)
    if meant is None:
        check_events(response, client.tenant)
    elif method == "HEAD":
        assert (response.status, response.body) == (400, b"")
    else:
        assert meant in check_error(response, 400, "INVALID_PARAMETER")
    assert len(walk(client)) == 1
    assert len(all_events(client)) == 1


def test_a_misspelt_tenant_does_not_become_the_default_one(start_server, tenant):
    server = start_server(f'tenants.default="{tenant}"')
    client = Client(server.address, tenant)
    check_session(client.create({"gkc_customerId": "bob"}))
    for method in ("GET", "DELETE"):
        response = client.request(method, "/sessions?customerId=bob&tenantID=other")
        assert "tenantId" in check_error(response, 400, "INVALID_PARAMETER")
    assert len(walk(client)) == 1
    client.close()


def test_operations_of_one_session_ignore_what_they_do_not_know(client):
    made = check_session(ask(client, "PUT", "/sessions/new", "&_=1700000000&custmerId=eve"))
    path = f"/sessions/{made['sessionId']}"
    for method in ("GET", "POST", "DELETE"):
        info = check_session(ask(client, method, path, f"&_={method}&limit=x&%zz"))
        assert (info["sessionId"], info["customerId"]) == (made["sessionId"], None)


def test_a_caller_is_known_before_its_parameters_are_looked_at(start_server, tmp_path, tenant):
    keys = tmp_path / "keys.toml"
    keys.write_text("")
    client = Client(start_server(f"security.key_file={keys}").address, tenant)
    check_error(client.list(custmerId="bob"), 401, "UNAUTHENTICATED")
    client.close()
