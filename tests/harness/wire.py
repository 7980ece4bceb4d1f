"""What every answer must look like, whatever was asked."""

import email.utils
import re
from datetime import datetime, timezone

SESSION_ID = re.compile(r"[01][0-9A-HJKMNP-TV-Z]{35}")  # Crockford base32, 4 + 176 bits
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MEMBERS = {"sessionId", "tenantId", "agentId", "customerId", "visitId", "globalVisitId", "anonymous",
           "isNew", "createdAt", "lastAccessedAt", "expiresAt", "version", "attributes"}
# The server reads the wall clock at its start and then counts by another (app/steady_clock.h): this
# close are they when nobody sets the clock.
CLOCKS_AGREE_MS = 10
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def milliseconds(text):
    """Unix milliseconds of a time on the wire."""
    assert TIME.fullmatch(text), f"not RFC 3339 in UTC with milliseconds: {text!r}"
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)


def time_of_id(session_id):
    """The Unix milliseconds that a session id begins with."""
    number = 0
    for character in session_id:
        number = number * 32 + _CROCKFORD.index(character)
    return number >> 128


def check_common(response):
    """The header fields that every answer carries, and the one that none does."""
    assert response.field("Content-Type") == "application/json", response
    assert response.field("Cache-Control") == "no-store", response
    assert response.field("X-Content-Type-Options") == "nosniff", response
    assert response.field("Server") is None, response
    date = email.utils.parsedate_to_datetime(response.field("Date"))
    assert abs((datetime.now(timezone.utc) - date).total_seconds()) < 60, response
    assert response.field("Date").endswith(" GMT"), response


def check_session(response, repeated=False):
    """A success: the exact envelope, every member of SessionInfo and the ETag. Returns the
    SessionInfo. `repeated`: the answer to a create that was sent before with the same
    Idempotency-Key, so that a new session may have a history."""
    assert response.status == 200, response
    check_common(response)
    envelope = response.json()
    assert set(envelope) == {"statusCode", "response", "sessionId"}, envelope
    assert envelope["statusCode"] == 200 and type(envelope["statusCode"]) is int
    info = envelope["response"]
    check_info(info, repeated)
    assert envelope["sessionId"] == info["sessionId"]
    assert response.field("ETag") == etag(info), response
    return info


def etag(info):
    """The strong entity tag of a SessionInfo."""
    return f'"{info["version"]}"'


def check_info(info, repeated=False):
    assert set(info) == MEMBERS, set(info) ^ MEMBERS
    assert SESSION_ID.fullmatch(info["sessionId"]), info["sessionId"]
    assert type(info["tenantId"]) is str and info["tenantId"]
    for name in ("agentId", "customerId", "visitId", "globalVisitId"):
        assert info[name] is None or (type(info[name]) is str and info[name]), info
    named = any(info[name] is not None for name in ("agentId", "customerId", "visitId"))
    assert info["anonymous"] is (not named), info
    assert type(info["isNew"]) is bool
    assert type(info["version"]) is int and info["version"] >= 1
    assert type(info["attributes"]) is dict, info
    created, accessed, expires = (milliseconds(info[name])
                                  for name in ("createdAt", "lastAccessedAt", "expiresAt"))
    assert created <= accessed < expires, info
    if info["isNew"] and not repeated:
        assert info["version"] == 1 and created == accessed, info


def check_answer(response, members):
    """A success that is no SessionInfo: the exact envelope around the exact members."""
    assert response.status == 200, response
    check_common(response)
    envelope = response.json()
    assert set(envelope) == {"statusCode", "response"}, envelope
    assert envelope["statusCode"] == 200 and type(envelope["statusCode"]) is int
    assert set(envelope["response"]) == members, envelope
    return envelope["response"]


def check_listing(response):
    """A page of sessions, newest first. Returns them and the cursor of the next page or None."""
    page = check_answer(response, {"sessions", "nextCursor"})
    ids = [info["sessionId"] for info in page["sessions"]]
    assert ids == sorted(set(ids), reverse=True), "not newest first, or one twice"
    for info in page["sessions"]:
        check_info(info)
        assert info["isNew"] is False, info
    cursor = page["nextCursor"]
    assert cursor is None or (type(cursor) is str and cursor), page
    return page["sessions"], cursor


def check_ended(response):
    """The answer to the end of all: how many."""
    ended = check_answer(response, {"ended"})["ended"]
    assert type(ended) is int and ended >= 0
    return ended


def check_not_modified(response, tag):
    assert response.status == 304, response
    assert response.body == b"" and response.field("ETag") == tag, response
    assert response.field("Content-Length") in (None, "0"), response
    assert response.field("Cache-Control") == "no-store" and response.field("Date"), response


def check_error(response, status, code):
    """An error: the exact three members, the status twice the same. Returns the description."""
    assert response.status == status, response
    check_common(response)
    error = response.json()
    assert set(error) == {"statusCode", "code", "description"}, error
    assert error["statusCode"] == status and type(error["statusCode"]) is int, error
    codes = code if isinstance(code, tuple) else (code,)
    assert error["code"] in codes, error
    description = error["description"]
    assert type(description) is str and len(description) >= 10, error
    assert description.endswith(".") and "\n" not in description, f"not a sentence: {description!r}"
    if status == 503 or status == 429:
        assert int(response.field("Retry-After")) >= 0, response
    return description


def without_access(info):
    """A SessionInfo without what any later access may change."""
    return {name: value for name, value in info.items()
            if name not in ("isNew", "lastAccessedAt", "expiresAt")}
