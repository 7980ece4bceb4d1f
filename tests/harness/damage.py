"""Damages a data file in the ways that disks, cables and people do, and remembers what a whole store showed."""

import random

from harness.client import Client, Connection, request_bytes
from harness.events import all_events
from harness.load import create_many, walk
from harness.wire import check_session, without_access

PAGE = 4096


def _flip_bit(data, chance):
    at = chance.randrange(len(data))
    data[at] ^= 1 << chance.randrange(8)
    return f"bit of byte {at}"


def _flip_header_bit(data, chance):
    """Where LMDB keeps what it believes: a page's header and its offsets."""
    at = chance.randrange(len(data) // PAGE) * PAGE + chance.randrange(80)
    data[at] ^= 1 << chance.randrange(8)
    return f"bit of byte {at}"


def _change_bytes(data, chance):
    at, size = chance.randrange(len(data)), chance.choice((1, 2, 8, 64, 512))
    data[at:at + size] = chance.randbytes(min(size, len(data) - at))
    return f"{size} bytes at {at}"


def _any_page(data, chance, first=2):
    return chance.randrange(first, len(data) // PAGE) * PAGE


def _swap_pages(data, chance):
    one, other = _any_page(data, chance), _any_page(data, chance)
    data[one:one + PAGE], data[other:other + PAGE] = data[other:other + PAGE], data[one:one + PAGE]
    return f"pages {one // PAGE} and {other // PAGE} swapped"


def _repeat_page(data, chance):
    """A write that went to the wrong place; half of the times one that knows that place's number."""
    one, other = _any_page(data, chance), _any_page(data, chance)
    data[one:one + PAGE] = data[other:other + PAGE]
    if chance.random() < 0.5:
        data[one:one + 8] = (one // PAGE).to_bytes(8, "little")
    return f"page {other // PAGE} over {one // PAGE}"


def _zero(data, chance):
    at, size = _any_page(data, chance, 0), chance.choice((512, PAGE, PAGE, 4 * PAGE))
    data[at:at + size] = bytes(min(size, len(data) - at))
    return f"{size} zeros at {at}"


def _rubbish(data, chance):
    at = _any_page(data, chance, 0)
    data[at:at + PAGE] = chance.randbytes(PAGE)
    return f"rubbish in page {at // PAGE}"


def _change_head(data, chance):
    at = chance.choice((0, PAGE)) + chance.randrange(160)
    data[at] ^= 1 << chance.randrange(8)
    return f"bit of byte {at}, in a head"


def _cut(data, chance):
    size = chance.choice((chance.randrange(len(data)), _any_page(data, chance, 0), len(data) // 2, 2 * PAGE,
                          len(data) - PAGE, len(data) - 1))
    del data[size:]
    return f"cut to {size} bytes"


def _lengthen(data, chance):
    data.extend(chance.randbytes(chance.choice((1, PAGE, 10 * PAGE))))
    return "longer"


# How often each is done.
_WAYS = ([_flip_bit] * 4 + [_flip_header_bit] * 5 + [_change_bytes] * 3 + [_swap_pages] * 3 + [_repeat_page] * 3 +
         [_zero] * 2 + [_rubbish] * 2 + [_change_head] + [_cut] * 2 + [_lengthen])


def damage(whole, seed):
    """The bytes of a damaged file, and what was done to it."""
    chance = random.Random(seed)
    data = bytearray(whole)
    way = chance.choice(_WAYS)
    done = way(data, chance)
    return bytes(data), f"{way.__name__.strip('_')}: {done}"


class Truth:
    """What a store shows: made by a server, then asked of others."""

    TENANTS = ("anna", "bert", "c")
    CUSTOMERS = 12

    def __init__(self, server, sessions):
        self.sessions, self.lists, self.events = {}, {}, {}
        for number, tenant in enumerate(self.TENANTS):
            client = Client(server.address, tenant)
            made = create_many(server.address, tenant, sessions // 4, self._headers, connections=2)
            for index, one in enumerate(made):
                if index % 4 == 0:
                    size = (40, 900, 5_000)[index // 4 % 3]
                    client.associate(one["sessionId"], {}, {"visitId": f"v{index}", "attributes": {"a": "x" * size}})
            for one in made[::7]:
                client.end(one["sessionId"])
            create_many(server.address, tenant, sessions // 12, self._headers, connections=2)
            for index in range(5):
                check_session(client.create({"Idempotency-Key": f"key-{number}-{index}"}))
            self._learn(client)
            client.close()

    @staticmethod
    def _headers(number):
        return {"gkc_customerId": f"customer-{number % Truth.CUSTOMERS}"} if number % 3 else {}

    def _learn(self, client):
        tenant = client.tenant
        alive = walk(client)
        for info in alive:
            self.sessions[tenant, info["sessionId"]] = without_access(info)
        self.lists[tenant] = [info["sessionId"] for info in alive]
        for customer in range(self.CUSTOMERS):
            name = f"customer-{customer}"
            self.lists[tenant, name] = [i["sessionId"] for i in alive if i["customerId"] == name]
        self.events[tenant] = all_events(client)


class Wrong(AssertionError):
    """An answer that the whole store would not have given."""


def _require(right, what):
    if not right:
        raise Wrong(what)


def compare(server, truth):
    """Asks a server on a damaged store for everything. Returns how many answers were refused with 503; raises
    Wrong for what is neither right nor refused, and OSError when the server died."""
    refused = 0
    ids = list(truth.sessions)
    with Connection(server.address) as connection:
        for begin in range(0, len(ids), 100):
            batch = ids[begin:begin + 100]
            connection.send(b"".join(request_bytes("GET", Client(None, tenant).target(session))
                                     for tenant, session in batch))
            for key in batch:
                response = connection.read()
                if response.status == 503:
                    refused += 1
                    continue
                _require(response.status == 200, f"{key}: {response}")
                _require(without_access(response.json()["response"]) == truth.sessions[key], f"{key}: {response}")
    for tenant in truth.TENANTS:
        client = Client(server.address, tenant)
        # Ids that never were, and are found nowhere.
        for session in list(truth.lists[tenant])[::40]:
            response = client.get(session[:-4] + "ZZZZ")
            _require(response.status in (404, 503), response)
            refused += response.status == 503
        for parameters, right in _lists(truth, tenant):
            refused += _compare_list(client, parameters, right)
        refused += _compare_events(client, truth.events[tenant])
        client.close()
    return refused


def _lists(truth, tenant):
    yield {}, truth.lists[tenant]
    for number in range(truth.CUSTOMERS):
        name = f"customer-{number}"
        yield {"customerId": name}, truth.lists[tenant, name]


def _compare_list(client, parameters, right):
    seen, cursor = [], None
    while True:
        response = client.list(limit=50, cursor=cursor, **parameters)
        if response.status == 503:
            _require(seen == right[:len(seen)], f"{parameters}: {seen} of {right}")
            return 1
        _require(response.status == 200, response)
        page = response.json()["response"]
        seen += [info["sessionId"] for info in page["sessions"]]
        cursor = page["nextCursor"]
        if cursor is None:
            _require(seen == right, f"{parameters}: {len(seen)} of {len(right)}")
            return 0


def _compare_events(client, right):
    seen, after = [], None
    while True:
        response = client.events(limit=100, after=after)
        if response.status == 503:
            _require(seen == right[:len(seen)], "events")
            return 1
        _require(response.status == 200, response)
        page = response.json()["response"]
        _require("gap" not in page, page)
        seen += page["events"]
        after = page["nextCursor"]
        if not page["events"]:
            _require(seen == right, f"{len(seen)} events of {len(right)}")
            return 0
