"""Idempotency-Key: a create that is sent twice makes one session."""

import random
import signal
import threading

import pytest

from harness.client import Client
from harness.events import all_events
from harness.load import at_once, walk
from harness.processes import wait_for
from harness.scale import size
from harness.server import run
from harness.wire import check_error, check_session, without_access

KILLS = size("SOJOURN_IDEMPOTENCY_KILLS", 5, 50)
SOMEONE = {"gkc_agentId": "agent-7", "gkc_customerId": "bob"}
BODY = {"visitId": "v", "globalVisitId": "g", "attributes": {"a": 1, "b": {"c": [1, 2]}}}


def create(client, key, headers=(), body=None):
    return client.create([("Idempotency-Key", key), *dict(headers).items()], body)


def test_the_same_request_again_gives_the_same_session(client):
    first = check_session(create(client, "k", SOMEONE, BODY))
    for _ in range(3):
        again = check_session(create(client, "k", SOMEONE, BODY))
        assert again["isNew"] is True
        assert without_access(again) == without_access(first)
    assert len(walk(client)) == len(all_events(client)) == 1


def test_an_anonymous_create_is_as_good(client):
    first = check_session(create(client, "k"))
    assert check_session(create(client, "k"))["sessionId"] == first["sessionId"]
    assert check_session(create(client, "k2"))["sessionId"] != first["sessionId"]
    assert check_session(client.create())["sessionId"] != first["sessionId"]


def test_the_same_request_written_otherwise_is_the_same(client):
    first = check_session(create(client, "k", SOMEONE, BODY))
    spelt = {"gkc-customerId": "  bob ", "GKC_AGENTID": "agent-7", "X-Other": "1"}
    text = (b' { "ignored": 1, "attributes" : {"a":1, "b":{"c":[1,2]}}, "globalVisitId":"g",'
            b' "visitId":"\\u0076"} ')
    again = client.request("PUT", client.target(), [
        ("idempotency-key", "k"), ("Content-Type", "application/json;charset=utf-8"),
        *spelt.items()], text)
    assert check_session(again)["sessionId"] == first["sessionId"]


def test_the_order_of_members_makes_no_other_request(client):
    sent = b'{"attributes":{"a":{"b":1,"c":[{"d":1,"e":2},{"f":1,"g":2}]},"h":1.0},"visitId":"v"}'
    same = b'{"visitId":"v","attributes":{"h":1.0,"a":{"c":[{"e":2,"d":1},{"g":2,"f":1}],"b":1}}}'
    others = [same.replace(b"1.0", b"1"), same.replace(b'[{"e":2,"d":1},{"g":2,"f":1}]', b'[{"g":2,"f":1},{"e":2,"d":1}]')]
    headers = [("Idempotency-Key", "k"), ("Content-Type", "application/json")]
    first = check_session(client.request("PUT", client.target(), headers, sent))
    assert check_session(client.request("PUT", client.target(), headers, same))["sessionId"] == first["sessionId"]
    for other in others:
        check_error(client.request("PUT", client.target(), headers, other), 422, "IDEMPOTENCY_KEY_REUSED")


def test_identity_is_the_same_from_header_and_body(client):
    first = check_session(create(client, "k", SOMEONE, BODY))
    named = {"agentId": "agent-7", "customerId": " bob "}
    for headers, body in (({}, named | BODY), (SOMEONE, named | BODY), ({"gkc_agentId": "agent-7"}, BODY | named)):
        assert check_session(create(client, "k", headers, body))["sessionId"] == first["sessionId"]
    check_error(create(client, "k", {}, BODY | named | {"agentId": "bob"}), 422, "IDEMPOTENCY_KEY_REUSED")


class Caller(Client):
    """Shows an API key, or none."""

    def __init__(self, address, tenant, key):
        super().__init__(address, tenant)
        self.key = key

    def request(self, method, target, headers=(), body=None):
        return super().request(method, target, [*self.key, *headers], body)


def test_callers_have_keys_of_their_own(start_server, tenant, tmp_path):
    file = tmp_path / "keys.toml"
    names = ["web", "web-2", "w"]

    def show(name):
        code, key, problem = run("key", "new", "--name", name, "--tenants", "*", "--scopes", "read,write", "--file", file)
        assert code == 0, problem
        return [("Authorization", f"Bearer {key.strip()}")]

    open_server = start_server()
    nobody = Caller(open_server.address, tenant, [])
    made = {None: check_session(create(nobody, "k", SOMEONE))}
    nobody.close()
    open_server.stop()

    keys = {name: show(name) for name in names}
    server = start_server(f"security.key_file={file}", data=open_server.data)
    for name, key in keys.items():
        caller = Caller(server.address, tenant, key)
        made[name] = check_session(create(caller, "k", SOMEONE))
        assert check_session(create(caller, "k", SOMEONE)) == made[name]
        check_error(create(caller, "k"), 422, "IDEMPOTENCY_KEY_REUSED")
        caller.close()
    assert len({info["sessionId"] for info in made.values()}) == 4

    # The name stays, the secret is another: still the same caller.
    text = file.read_text()
    file.write_text("".join(line for line in text.splitlines(True) if not line.startswith("web = ")))
    renewed = show("web")
    server.process.send_signal(signal.SIGHUP)
    caller = Caller(server.address, tenant, renewed)
    wait_for(lambda: (answer := create(caller, "k", SOMEONE)).status == 200 and check_session(answer) == made["web"],
             "the new key is known, and its Idempotency-Key")
    caller.close()
    server.stop()

    again = start_server(data=open_server.data)  # without API keys, as before
    nobody = Caller(again.address, tenant, [])
    assert check_session(create(nobody, "k", SOMEONE)) == made[None]
    nobody.close()


def test_a_session_that_has_changed_is_shown_as_it_is_now(client):
    made = check_session(create(client, "k"))
    after = check_session(client.associate(made["sessionId"], SOMEONE, BODY))
    again = check_session(create(client, "k"), repeated=True)
    assert again["isNew"] is True
    assert without_access(again) == without_access(after)


@pytest.mark.parametrize("headers, body", [
    ({}, BODY), (SOMEONE, None), (SOMEONE | {"gkc_agentId": "agent-8"}, BODY),
    (SOMEONE | {"gkc_customerId": "Bob"}, BODY), ({"gkc_customerId": "bob"}, BODY),
    (SOMEONE, BODY | {"visitId": "w"}), (SOMEONE, BODY | {"globalVisitId": None}),
    (SOMEONE, BODY | {"attributes": {"a": 2, "b": {"c": [1, 2]}}}),
    (SOMEONE, {"visitId": "v", "globalVisitId": "g"}),
    ({"gkc_agentId": "bob", "gkc_customerId": "agent-7"}, BODY),
])
def test_the_key_of_another_request_is_refused(client, headers, body):
    first = check_session(create(client, "k", SOMEONE, BODY))
    check_error(create(client, "k", headers, body), 422, "IDEMPOTENCY_KEY_REUSED")
    assert [info["sessionId"] for info in walk(client)] == [first["sessionId"]]
    assert check_session(create(client, "k", SOMEONE, BODY))["sessionId"] == first["sessionId"]


def test_the_key_of_a_session_that_is_over_creates_no_other(client):
    made = check_session(create(client, "k", SOMEONE))
    check_session(client.end(made["sessionId"]))
    check_error(create(client, "k", SOMEONE), 404, "SESSION_NOT_FOUND")
    check_error(create(client, "k"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert walk(client) == []


def test_the_key_of_an_expired_session_creates_no_other(start_server, tenant):
    client = Client(start_server("sessions.idle_timeout=300ms").address, tenant)
    check_session(create(client, "k"))
    wait_for(lambda: all_events(client)[-1]["type"] == "session.expired", "it is reaped")
    check_error(create(client, "k"), 404, "SESSION_NOT_FOUND")
    client.close()


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "é", "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(client, key):
    description = check_error(create(client, key), 400, "INVALID_HEADER")
    assert "Idempotency-Key" in description
    assert walk(client) == []


@pytest.mark.parametrize("key", ["x", "x" * 128, '"quoted"', "!~#%,;=\\", "a,b"])
def test_a_key_is_any_visible_ascii(client, key):
    first = check_session(create(client, key))
    assert check_session(create(client, f"  {key} "))["sessionId"] == first["sessionId"]


def test_two_different_keys_are_refused(client):
    response = client.create([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    check_error(response, 400, "INVALID_HEADER")


def test_keys_have_a_case(client):
    first = check_session(create(client, "key"))
    assert check_session(create(client, "Key"))["sessionId"] != first["sessionId"]


def test_a_request_that_was_refused_does_not_use_up_its_key(client):
    check_error(create(client, "k", body={"visitId": 1}), 400, "INVALID_BODY")
    check_error(create(client, "k", body={"attributes": {"a": "x" * 9000}}), 413, "BODY_TOO_LARGE")
    check_session(create(client, "k", SOMEONE))


def test_tenants_have_keys_of_their_own(server, client, tenant):
    first = check_session(create(client, "k", SOMEONE))
    other = Client(server.address, tenant + "-other")
    second = check_session(create(other, "k"))
    assert second["sessionId"] != first["sessionId"]
    assert second["tenantId"] == tenant + "-other"
    other.close()


def test_a_hundred_at_once_make_one_session(server, client, tenant):
    answers = at_once(server.address, tenant, [lambda one: create(one, "k", SOMEONE, BODY)] * 100)
    infos = [check_session(answer) for answer in answers]
    assert all(info == infos[0] for info in infos), "answers that differ"
    assert infos[0]["isNew"] is True
    assert [info["sessionId"] for info in walk(client)] == [infos[0]["sessionId"]]
    assert [event["type"] for event in all_events(client)] == ["session.created"]


def test_a_hundred_keys_at_once_make_a_hundred_sessions(server, client, tenant):
    answers = at_once(server.address, tenant, [
        lambda one, key=f"k{number % 20}": [create(one, key + f"-{turn}") for turn in range(5)]
        for number in range(60)])
    by_turn = {}
    for number, several in enumerate(answers):
        for turn, answer in enumerate(several):
            by_turn.setdefault((number % 20, turn), set()).add(check_session(answer)["sessionId"])
    assert all(len(ids) == 1 for ids in by_turn.values()), "a key with two sessions"
    assert len(set.union(*by_turn.values())) == len(walk(client)) == 100


def test_a_create_repeated_after_kill_9_makes_one_session(start_server, tenant):
    """The caller sends, the server dies at any moment, the caller sends again: still one."""
    chance = random.Random(4)
    server = start_server()
    keys = {}
    for cycle in range(KILLS):
        answered, lock = {}, threading.Lock()

        def work(number):
            client = Client(server.address, tenant)
            try:
                for turn in range(1000):
                    key = f"{cycle}-{number}-{turn}"
                    with lock:
                        keys.setdefault(key, None)
                    info = check_session(create(client, key, SOMEONE))
                    with lock:
                        answered[key] = info["sessionId"]
            except OSError:
                pass
            finally:
                client.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        count = chance.randint(8, 100)
        wait_for(lambda: len(answered) >= count, f"{count} creates are answered")
        server.kill()
        for thread in threads:
            thread.join(20)
        keys |= answered
        server.start()
        client = Client(server.address, tenant)
        for key, session in keys.items():
            again = check_session(create(client, key, SOMEONE))
            assert session in (None, again["sessionId"]), f"{key} made a second session"
            keys[key] = again["sessionId"]
        client.close()
    client = Client(server.address, tenant)
    assert sorted(info["sessionId"] for info in walk(client)) == sorted(keys.values())
    events = all_events(client)
    assert {event["type"] for event in events} == {"session.created"}
    assert sorted(event["subject"] for event in events) == sorted(keys.values())
    client.close()
