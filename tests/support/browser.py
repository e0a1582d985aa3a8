# SPDX-License-Identifier: MIT
"""Pages of the example server in headless Chromium, for tests that look at them."""
import html
import http.client
import http.server
import json
import re
import shutil
import subprocess
import tempfile
import threading

from checks import expect

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr"]
WIDTHS = {"desktop": 1280, "phone": 390}


# What a proxy hands on of an answer's headers: those that tell a browser what it may do with it.
KEPT = ("content-type", "content-security-policy", "x-frame-options", "x-content-type-options", "location")


def proxy_for(server, pages, asked, prefix=""):
    """The server under another port and below `prefix`, with `pages` (by name) that frame its own; `asked` collects the
    paths, those outside of the prefix with "outside: ". A page must write what it sees as JSON into <pre id="result">."""
    class Proxy(http.server.BaseHTTPRequestHandler):
        def answer(self, body=None):
            page = pages.get(self.path.strip("/"))
            if page:
                status, kept, content = 200, {"content-type": "text/html"}, page.encode()
            elif not self.path.startswith(prefix + "/"):
                asked.append("outside: " + self.path)
                status, kept, content = 404, {"content-type": "text/plain"}, b"outside of the prefix"
            else:
                path = self.path[len(prefix):]
                asked.append(path)
                connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
                kept = {name: self.headers[name] for name in ("content-type", "accept") if self.headers[name]}
                connection.request(self.command, path, body, kept)
                answer = connection.getresponse()
                status, content = answer.status, answer.read()
                kept = {name: answer.getheader(name) for name in KEPT if answer.getheader(name)}
                connection.close()
            self.send_response(status)
            for name, value in kept.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer(self.rfile.read(int(self.headers["content-length"])))

        def log_message(self, *_):
            pass

    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    return proxy


def look(url, dark, picture, height, seconds=4):
    """What the page at `url` says in its result, after so much of its own time; a screenshot is left in `picture`."""
    with tempfile.TemporaryDirectory(prefix="tabscore-chromium-", ignore_cleanup_errors=True) as profile:
        command = [BROWSER, *FLAGS, "--user-data-dir=" + profile, "--window-size=%d,%d" % (1280, height),
                   "--virtual-time-budget=%d" % (seconds * 1000)]
        if dark:
            command.append("--blink-settings=preferredColorScheme=0")
        if picture:
            command.append("--screenshot=%s" % picture)
        done = subprocess.run([*command, "--dump-dom", url], capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    expect(not console, "the page complains: %s" % console)
    result = re.search(r'<pre id="result">(.+?)</pre>', done.stdout, re.S)
    expect(result, "the page did not come alive: %.2000s" % done.stderr)
    return json.loads(html.unescape(result.group(1)))
