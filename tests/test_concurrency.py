"""Many clients change one session at once, and none of them loses anything."""

import pytest

from harness.load import at_once
from harness.wire import check_error, check_session, without_access

CLIENTS = 64


def associate(session, name, value):
    if name in ("agentId", "customerId"):
        return lambda client: client.associate(session, {"gkc_" + name: value})
    return lambda client: client.associate(session, body={name: value})


@pytest.mark.parametrize("turn", range(5))
def test_64_clients_that_change_different_fields_lose_no_update(server, client, tenant, turn):
    session = check_session(client.create())["sessionId"]
    names = ("agentId", "visitId", "globalVisitId", "customerId")
    plan = [(names[number % 4], "bob" if number % 4 == 3 else f"value-{number}")
            for number in range(CLIENTS)]
    answers = [check_session(answer) for answer in at_once(
        server.address, tenant, [associate(session, name, value) for name, value in plan])]

    # Every value but the customer's is its own, so each is one change; the customer is one more.
    changes = CLIENTS * 3 // 4 + 1
    final = check_session(client.get(session))
    assert final["version"] == 1 + changes
    assert {answer["version"] for answer in answers} == set(range(2, 2 + changes))
    for (name, value), answer in zip(plan, answers):
        assert answer["sessionId"] == session and answer["isNew"] is False
        assert answer[name] == value, "an answer that does not show its own change"
    changing = [answer for (name, _), answer in zip(plan, answers) if name != "customerId"]
    assert len({answer["version"] for answer in changing}) == len(changing)
    assert final["customerId"] == "bob"
    for wanted in names[:3]:
        last = max((answer["version"], value) for (name, value), answer in zip(plan, answers)
                   if name == wanted)
        assert final[wanted] == last[1], "the last change of a field is not the one that stayed"

    # All answers are states of one history: sorted by version, a field changes only by its own call.
    history = {}
    for answer in answers:
        state = without_access(answer)
        assert history.setdefault(answer["version"], state) == state
    by_version = dict(zip((answer["version"] for answer in changing),
                          (one for one in plan if one[0] != "customerId")))
    for version in range(3, 2 + changes):
        before, after = history[version - 1], history[version]
        changed = {name for name in names if before[name] != after[name]}
        assert changed == {by_version[version][0] if version in by_version else "customerId"}


def test_of_many_customers_at_once_exactly_one_is_recognised(server, client, tenant):
    session = check_session(client.create())["sessionId"]
    answers = at_once(server.address, tenant, [associate(session, "customerId", f"customer-{number}")
                                               for number in range(32)])
    winners = [check_session(answer) for answer in answers if answer.status == 200]
    assert len(winners) == 1
    for answer in answers:
        if answer.status != 200:
            check_error(answer, 409, "CUSTOMER_CONFLICT")
    final = check_session(client.get(session))
    assert (final["customerId"], final["version"]) == (winners[0]["customerId"], 2)


def test_the_same_association_at_once_is_one_change(server, client, tenant):
    session = check_session(client.create())["sessionId"]
    answers = at_once(server.address, tenant, [associate(session, "visitId", "v")] * 32)
    assert {check_session(answer)["version"] for answer in answers} == {2}
    assert check_session(client.get(session))["version"] == 2


def test_creates_at_once_are_all_different_and_all_there(server, client, tenant):
    def create(number):
        return lambda one: [one.create({"gkc_agentId": f"{number}-{turn}"}) for turn in range(20)]

    answers = at_once(server.address, tenant, [create(number) for number in range(32)])
    made = [check_session(answer) for several in answers for answer in several]
    assert len({info["sessionId"] for info in made}) == len(made)
    for info in made:
        assert without_access(check_session(client.get(info["sessionId"]))) == without_access(info)


def test_readers_never_see_a_version_go_back(server, client, tenant):
    session = check_session(client.create())["sessionId"]

    def write(number):
        return lambda one: [one.associate(session, {"gkc_agentId": f"{number}-{turn}"})
                            for turn in range(40)]

    def read(one):
        return [one.get(session) for _ in range(150)]

    answers = at_once(server.address, tenant, [write(number) for number in range(4)] + [read] * 4)
    for several in answers[4:]:
        seen = [check_session(answer)["version"] for answer in several]
        assert seen == sorted(seen)
    written = [check_session(answer)["version"] for several in answers[:4] for answer in several]
    assert sorted(written) == list(range(2, 2 + len(written)))
