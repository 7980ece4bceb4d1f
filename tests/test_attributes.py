"""Attributes: the caller's own data on a session, merged by RFC 7396."""

import json

import pytest

from harness.events import all_events
from harness.load import at_once
from harness.scale import size
from harness.wire import check_error, check_session, etag

CLIENTS = 64
PATCHES = size("SOJOURN_PATCHES", 20, 500)  # of each client
INCREMENTS = size("SOJOURN_INCREMENTS", 3, 20)  # of each client
LIMIT = 8 * 1024


def patch(client, session, attributes, headers=()):
    return client.associate(session, headers, {"attributes": attributes})


def raw(client, method, session, text):
    return client.request(method, client.target(session), {"Content-Type": "application/json"},
                          text.encode())


def sent_back(response):
    """The attributes of an answer, as text."""
    check_session(response)
    text = response.body.decode()
    begin = text.index('"attributes":') + len('"attributes":')
    _, length = json.JSONDecoder().raw_decode(text[begin:])
    return text[begin:begin + length]


# The merge. The appendix of RFC 7396, as far as target and patch are objects.


@pytest.mark.parametrize("target, change, result", [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"a": "foo"}, {}, {"a": "foo"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({"a": [1, 2]}, {"a": {"a": "b", "c": None}}, {"a": {"a": "b"}}),
    ({"e": 1}, {"a": [None, {"b": None}]}, {"e": 1, "a": [None, {"b": None}]}),
    ({"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 2}}}, {"a": {"b": {"c": 1, "d": 2}}}),
    ({"a": 1}, {"": {"x": True}}, {"a": 1, "": {"x": True}}),
])
def test_a_patch_is_merged(client, target, change, result):
    made = check_session(client.create(body={"attributes": target}))
    assert made["attributes"] == target
    after = check_session(patch(client, made["sessionId"], change))
    assert after["attributes"] == result
    assert check_session(client.get(made["sessionId"]))["attributes"] == result


def test_nulls_in_a_first_patch_delete_nothing_and_stay_away(client):
    made = check_session(client.create(body={"attributes": {"a": None, "b": {"c": None, "d": 1}}}))
    assert made["attributes"] == {"b": {"d": 1}}


@pytest.mark.parametrize("absent", ["{}", '{"attributes":null}', '{"attributes":{}}'])
def test_absent_attributes_are_an_empty_object_and_change_nothing(client, absent):
    made = check_session(raw(client, "PUT", "new", absent))
    assert made["attributes"] == {}
    check_session(patch(client, made["sessionId"], {"a": 1}))
    after = check_session(raw(client, "POST", made["sessionId"], absent))
    assert (after["attributes"], after["version"]) == ({"a": 1}, 2)


def test_members_come_back_by_name_and_numbers_as_they_were_sent(client):
    text = '{"z":1.0,"a":[1e3,-0,12345678901234567890123,0.10],"m":{"y":1E-2,"x":true}}'
    response = raw(client, "PUT", "new", '{ "attributes" : ' + text.replace(":", " : ") + " }")
    assert sent_back(response) == (
        '{"a":[1e3,-0,12345678901234567890123,0.10],"m":{"x":true,"y":1E-2},"z":1.0}')
    session = response.json()["sessionId"]
    again = raw(client, "POST", session, '{"attributes":{"m":{"w":2.50}}}')
    assert sent_back(again) == (
        '{"a":[1e3,-0,12345678901234567890123,0.10],"m":{"w":2.50,"x":true,"y":1E-2},"z":1.0}')
    assert sent_back(client.get(session)) == sent_back(again)


def test_any_text_comes_back(client):
    value = {"é\"\\": "</script>\u2028\x01\n\U0001f600", "李": ["", {"": ""}]}
    made = check_session(client.create(body={"attributes": value}))
    assert made["attributes"] == value
    escaped = check_session(raw(client, "PUT", "new", '{"attributes":{"\\u00e9":"\\ud83d\\ude00"}}'))
    assert escaped["attributes"] == {"é": "\U0001f600"}


def test_the_same_name_written_otherwise_is_the_same_member(client):
    made = check_session(client.create(body={"attributes": {"é": 1}}))
    after = check_session(raw(client, "POST", made["sessionId"], '{"attributes":{"\\u00e9":2}}'))
    assert after["attributes"] == {"é": 2}


def test_an_unknown_id_gets_a_session_with_the_attributes(client):
    made = check_session(patch(client, "x", {"a": 1}))
    assert (made["isNew"], made["attributes"]) == (True, {"a": 1})


# Limits and mistakes


def attributes_of(size_in_bytes):
    """{"a":"xx..."} that long when serialised without white space."""
    return {"a": "x" * (size_in_bytes - len('{"a":""}'))}


def test_8_kib_are_taken_and_one_more_byte_is_not(client):
    made = check_session(client.create(body={"attributes": attributes_of(LIMIT)}))
    assert made["attributes"] == attributes_of(LIMIT)
    check_error(client.create(body={"attributes": attributes_of(LIMIT + 1)}), 413, "BODY_TOO_LARGE")
    description = check_error(patch(client, made["sessionId"], {"b": 1}), 413, "BODY_TOO_LARGE")
    assert "attributes" in description
    check_error(patch(client, "x", attributes_of(LIMIT + 1)), 413, "BODY_TOO_LARGE")


def test_the_limit_is_on_the_merged_and_a_refused_patch_changes_nothing(client):
    session = check_session(client.create(body={"attributes": attributes_of(5000)}))["sessionId"]
    check_error(patch(client, session, {"b": "x" * 5000}, {"gkc_customerId": "bob"}), 413,
                "BODY_TOO_LARGE")
    now = check_session(client.get(session))
    assert (now["attributes"], now["version"], now["customerId"]) == (attributes_of(5000), 1, None)
    # A patch that takes as much away as it adds is fine, and white space does not count.
    after = check_session(patch(client, session, {"a": None, "b": "x" * 5000}))
    assert after["attributes"] == {"b": "x" * 5000}
    text = json.dumps({"attributes": {"b": [1] * 1000}}, indent=20)
    assert LIMIT < len(text) < 64 * 1024
    assert check_session(raw(client, "POST", session, text))["attributes"] == {"b": [1] * 1000}


@pytest.mark.parametrize("value", ["1", '"text"', "true", "[]", '[{"a":1}]'])
@pytest.mark.parametrize("method, session", [("PUT", "new"), ("POST", "x")])
def test_attributes_of_another_type_are_refused(client, method, session, value):
    description = check_error(raw(client, method, session, f'{{"attributes":{value}}}'), 400,
                              "INVALID_BODY")
    assert "attributes" in description


@pytest.mark.parametrize("text, member", [
    ('{"attributes":{},"attributes":{}}', "attributes"),
    ('{"attributes":{"twin":1,"twin":2}}', "twin"),
    ('{"attributes":{"a":{"twin":1,"b":2,"twin":null}}}', "twin"),
    ('{"attributes":{"a":[{"twin":1,"tw\\u0069n":1}]}}', "twin"),
])
def test_a_duplicate_member_is_named(client, text, member):
    assert member in check_error(raw(client, "PUT", "new", text), 400, "INVALID_BODY")


@pytest.mark.parametrize("text", [
    '{"attributes":{"a":01}}', '{"attributes":{"a":+1}}', '{"attributes":{"a":1.}}',
    '{"attributes":{"a":NaN}}', '{"attributes":{"a":"\\ud800"}}', '{"attributes":{"a":}}',
    '{"attributes":{"a":"\x01"}}', '{"attributes":{"a":1,}}', "{'attributes':{}}",
])
def test_attributes_must_be_json(client, text):
    check_error(raw(client, "PUT", "new", text), 400, "INVALID_BODY")


def test_nesting_ends_at_32(client):
    def nested(depth):
        return '{"attributes":' + '{"a":' * depth + "1" + "}" * depth + "}"

    check_session(raw(client, "PUT", "new", nested(31)))
    check_error(raw(client, "PUT", "new", nested(32)), 400, "INVALID_BODY")


def test_patches_cannot_nest_deeper_by_and_by(client):
    """A merge is as deep as the deeper of the two, never deeper."""
    session = check_session(client.create(body={"attributes": {"a": {"b": 1}}}))["sessionId"]
    after = check_session(patch(client, session, {"a": {"b": {"c": {"d": 1}}}}))
    assert after["attributes"] == {"a": {"b": {"c": {"d": 1}}}}


# Version and event


@pytest.mark.parametrize("same", [{"a": {"b": 1}}, {"gone": None}, {"a": {"gone": None}}, {}])
def test_a_patch_that_changes_nothing_is_no_change(client, same):
    made = check_session(client.create(body={"attributes": {"a": {"b": 1}}}))
    assert check_session(patch(client, made["sessionId"], same))["version"] == 1
    assert len(all_events(client)) == 1


def test_a_change_is_one_version_and_one_event(client):
    session = check_session(client.create())["sessionId"]
    assert check_session(patch(client, session, {"a": 1, "b": 2}))["version"] == 2
    assert check_session(patch(client, session, {"a": None}))["version"] == 3
    both = check_session(patch(client, session, {"c": 1}, {"gkc_agentId": "eve"}))
    assert both["version"] == 4
    created, first, second, third = all_events(client)
    assert created["type"] == "session.created"
    assert first["type"] == second["type"] == "session.updated"
    assert (first["data"]["from"], first["data"]["to"]) == (
        {"attributes": {}}, {"attributes": {"a": 1, "b": 2}})
    assert second["data"]["to"] == {"attributes": {"b": 2}}
    assert third["type"] == "session.identified"
    assert third["data"]["to"] == {"agentId": "eve", "attributes": {"b": 2, "c": 1}}


# Many at once


def test_64_clients_patch_keys_of_their_own_and_none_is_lost(server, client, tenant):
    session = check_session(client.create())["sessionId"]

    def patches(number):
        def run(one):
            versions = []
            for turn in range(PATCHES):
                answer = check_session(patch(one, session, {f"k{number}": {"n": turn}}))
                assert answer["attributes"][f"k{number}"] == {"n": turn}
                versions.append(answer["version"])
            return versions
        return run

    answers = at_once(server.address, tenant, [patches(number) for number in range(CLIENTS)], 600)
    client.close()  # it was idle, perhaps for longer than the server keeps a connection
    final = check_session(client.get(session))
    assert final["attributes"] == {f"k{number}": {"n": PATCHES - 1} for number in range(CLIENTS)}
    versions = sorted(version for several in answers for version in several)
    assert versions == list(range(2, 2 + CLIENTS * PATCHES)), "a version twice or never"
    assert final["version"] == 1 + CLIENTS * PATCHES
    changes = [event["data"] for event in all_events(client)]
    assert [data["version"] for data in changes] == list(range(1, final["version"] + 1))
    assert changes[-1]["to"]["attributes"] == final["attributes"]


def test_64_clients_count_by_if_match_and_none_is_lost(server, client, tenant):
    session = check_session(client.create(body={"attributes": {"n": 0}}))["sessionId"]

    def increments(one):
        refused = 0
        for _ in range(INCREMENTS):
            while True:
                seen = check_session(one.get(session))
                response = patch(one, session, {"n": seen["attributes"]["n"] + 1},
                                 {"If-Match": etag(seen)})
                if response.status == 200:
                    after = check_session(response)
                    assert after["attributes"]["n"] == seen["attributes"]["n"] + 1
                    assert after["version"] == seen["version"] + 1
                    break
                check_error(response, 412, "VERSION_MISMATCH")
                refused += 1
        return refused

    refused = at_once(server.address, tenant, [increments] * CLIENTS, 600)
    client.close()
    final = check_session(client.get(session))
    assert final["attributes"] == {"n": CLIENTS * INCREMENTS}
    assert final["version"] == 1 + CLIENTS * INCREMENTS
    assert sum(refused) > 0, "nobody met anybody: this test shows nothing"
