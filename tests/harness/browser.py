"""A real headless Chromium that opens one page, and the origin that serves it. The page does its work
by itself and posts what it found to its own origin: no driver is needed."""

import http.server
import json
import queue
import subprocess
import threading

from harness.processes import exit_code, spawn

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage"]

PAGE = """<!doctype html><meta charset="utf-8"><title>test</title><script type="module">
const parameters = %(parameters)s;
const find = async () => { %(script)s };
let found;
try { found = {result: await find()}; } catch (problem) { found = {problem: String(problem)}; }
await fetch("/found", {method: "POST", body: JSON.stringify(found)});
</script>"""


class Origin:
    """A web server on a free port of the loopback, with one page; as a context manager."""

    def __init__(self):
        self.found = queue.Queue()
        self.page = b""
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(origin.page)))
                self.end_headers()
                self.wfile.write(origin.page)

            def do_POST(self):
                origin.found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, script, **parameters):
        """The page runs `script`, the body of an async function that sees `parameters`."""
        self.page = (PAGE % {"parameters": json.dumps(parameters), "script": script}).encode()

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def visit(origin, directory, seconds=60):
    """Opens the origin's page in a browser with a fresh profile in `directory`; what its script
    returned."""
    with open(directory / "chromium.log", "wb") as log:
        browser = spawn([CHROMIUM, *FLAGS, f"--user-data-dir={directory / 'profile'}", origin.url],
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            found = origin.found.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError("the page found nothing in time: " +
                                 (directory / "chromium.log").read_text(errors="replace")[-2000:]) from None
        finally:
            browser.terminate()
            exit_code(browser, 20)
    assert "problem" not in found, found["problem"]
    return found["result"]
