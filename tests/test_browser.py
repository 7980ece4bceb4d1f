"""A real browser on a page of another origin uses the API through CORS, or cannot."""

from harness.browser import Origin, visit
from harness.server import run
from harness.wire import check_info

# A visitor comes, is read, recognised, changed on condition, followed by events, and leaves.
LIFE = """
const {api, tenant, key} = parameters;
const base = key ? {Authorization: "Bearer " + key} : {};
const call = async (method, path, headers = {}, body) => {
  const answer = await fetch(api + path + "?tenantId=" + tenant, {
    method, headers: {...base, ...headers, ...(body ? {"Content-Type": "application/json"} : {})},
    body: body && JSON.stringify(body)});
  const json = await answer.json();
  return {status: answer.status, etag: answer.headers.get("ETag"), info: json.response, code: json.code};
};
const made = await call("PUT", "/sessions/new", {"Idempotency-Key": "page-1"});
const path = "/sessions/" + made.info.sessionId;
const read = await call("GET", path, {"X-Requested-With": "XMLHttpRequest", "Cache-Control": "no-cache",
                                      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                      tracestate: "a=b", baggage: "c=d"});
const known = await call("POST", path, {gkc_customerId: "bob@example.com", "If-Match": read.etag},
                         {visitId: "v-1"});
const stale = await call("POST", path, {"If-Match": made.etag}, {visitId: "v-2"});
const ended = await call("DELETE", path);

const stream = await fetch(api + "/events?tenantId=" + tenant, {
  headers: {...base, Accept: "text/event-stream", "Last-Event-ID": "0"}});
const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
let text = "";
while (!text.includes("session.ended")) text += (await reader.read()).value;
await reader.cancel();
return {made, read, known, stale, ended, events: text.match(/session\\.[a-z]+(?=")/g)};
"""

# What a page of a forbidden origin gets to see of each call.
BLOCKED = """
const {api, tenant} = parameters;
const attempt = async (method, headers) => {
  try {
    const answer = await fetch(api + "/sessions/new?tenantId=" + tenant, {method, headers});
    return "read " + answer.status;
  } catch (problem) { return problem.name; }
};
return {put: await attempt("PUT", {}), get: await attempt("GET", {}),
        header: await attempt("GET", {gkc_customerId: "mallory"})};
"""


# A header that pages may send when the operator names it, and one that they may not.
HEADERS = """
const {api, tenant} = parameters;
const attempt = async (name) => {
  try {
    const answer = await fetch(api + "/sessions/new?tenantId=" + tenant, {method: "PUT", headers: {[name]: "x"}});
    return answer.status;
  } catch (problem) { return problem.name; }
};
return {named: await attempt("X-Page"), other: await attempt("X-Other"), own: await attempt("Idempotency-Key")};
"""


def url(server):
    return "http://%s:%d" % server.address


def check_life(found, tenant):
    for step in ("made", "read", "known", "ended"):
        assert found[step]["status"] == 200, found
        check_info(found[step]["info"])
        assert found[step]["info"]["tenantId"] == tenant
    assert found["made"]["info"]["isNew"] and found["made"]["info"]["anonymous"]
    assert (found["made"]["etag"], found["read"]["etag"], found["known"]["etag"]) == ('"1"', '"1"', '"2"')
    assert found["known"]["info"]["customerId"] == "bob@example.com"
    assert found["known"]["info"]["visitId"] == "v-1"
    assert (found["stale"]["status"], found["stale"]["code"]) == (412, "VERSION_MISMATCH")
    assert {"session.created", "session.identified", "session.ended"} <= set(found["events"])


def test_a_page_of_an_allowed_origin_lives_a_whole_session(start_server, tenant, tmp_path):
    with Origin() as origin:
        server = start_server(f'cors.allowed_origins=["{origin.url}"]')
        origin.serve(LIFE, api=url(server), tenant=tenant, key=None)
        check_life(visit(origin, tmp_path), tenant)


def test_the_same_with_an_api_key(start_server, tenant, tmp_path):
    keys = tmp_path / "keys.toml"
    code, key, problem = run("key", "new", "--name", "page", "--tenants", tenant,
                             "--scopes", "read,write,end,events", "--file", str(keys))
    assert code == 0, problem
    with Origin() as origin:
        server = start_server(f'cors.allowed_origins=["{origin.url}"]', f"security.key_file={keys}")
        origin.serve(LIFE, api=url(server), tenant=tenant, key=key.strip())
        check_life(visit(origin, tmp_path), tenant)


def test_a_page_of_a_forbidden_origin_reads_nothing(start_server, tenant, tmp_path):
    server = start_server('cors.allowed_origins=["https://shop.example"]')
    with Origin() as origin:
        origin.serve(BLOCKED, api=url(server), tenant=tenant)
        assert visit(origin, tmp_path) == {"put": "TypeError", "get": "TypeError", "header": "TypeError"}


def test_a_page_sends_the_headers_that_are_named_and_no_others(start_server, tenant, tmp_path):
    with Origin() as origin:
        server = start_server(f'cors.allowed_origins=["{origin.url}"]', 'cors.allowed_headers=["x-page"]')
        origin.serve(HEADERS, api=url(server), tenant=tenant)
        assert visit(origin, tmp_path) == {"named": 200, "other": "TypeError", "own": 200}
