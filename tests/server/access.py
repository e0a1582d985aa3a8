#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""access.py PROGRAM: what answers tell browsers and proxies: redirects, hosts, origins, content codings, page headers."""
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from checks import expect_equal  # noqa: E402
from example_server import RECORD, Server  # noqa: E402

BODY = json.dumps({"records": [RECORD]}).encode()
JSON = {"Content-Type": "application/json"}
PAGES = ("/docs", "/redoc", "/docs/oauth2-redirect", "/dashboard", "/problems")


def ask(server, method, path, headers=(), body=None):
    """The status, the header lines and the content of an answer."""
    connection = server.connection()
    connection._encode_request = lambda text: text.encode("latin-1")  # any byte may stand in a path
    headers = dict(headers)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.getheaders(), content


def header(answer, name):
    found = [value for n, value in answer[1] if n == name]
    return found[0] if found else None


def redirects(server):
    for path, wanted in (("/batch_predict/", "/batch_predict"), ("/health///", "/health"), ("/predict%2F", "/predict"),
                         ("/v2/models/m/", "/v2/models/m"), ("/docs/oauth2-redirect/?a=b&c=%20", "/docs/oauth2-redirect?a=b&c=%20"),
                         ("/health/?a=//evil.example", "/health?a=//evil.example")):
        answer = ask(server, "GET", path, {"Host": "localhost:1"})
        expect_equal(answer[0], 307, path)
        for base in ("https://example.org", "https://example.org/scoring"):
            # As RFC 3986 has it; urljoin would drop empty segments.
            place = base + path.partition("?")[0].replace("///", "/x/x/") + path.partition("?")[1] + path.partition("?")[2]
            expect_equal(urllib.parse.urljoin(place, header(answer, "location")), base + wanted, path)
    hostile = ["%0d%0aSet-Cookie:%20a=b", "%0D%0A%0D%0A<script>", "%00", "%7f", "\x80\xff", "%ff", "%22><script>", "..%2f..", "//evil.example",
               "%5c%5cevil.example", "%0a", "\\..\\", "%e2%80%a8", ":", "%09", "javascript:alert(1)", "%25%30%64", "?%0d%0a", "?\xff\x80\"<>"]
    for stem in ("/docs/", "/v2/models/", "/v2/models/m/versions/", "/", "/health/"):
        for text in hostile:
            for path in (stem + text, stem + text + "/", stem + text + "%2F", stem + "x/?" + text.replace("?", "")):
                status, headers, _ = ask(server, "GET", path)
                if status == 400:  # the request line is not as HTTP has it
                    continue
                names = {name for name, _ in headers}
                expect_equal(names - {"date", "content-length", "content-type", "location", "allow", "x-content-type-options", "connection",
                                      "content-security-policy", "x-frame-options", "referrer-policy", "x-request-id", "traceresponse"}, set(), path)
                for name, value in headers:
                    expect_equal(bool(re.fullmatch(r"[ -~]*", value)), True, (path, name, value))
                location = dict(headers).get("location", "")
                expect_equal(bool(re.match(r"/|\\|[a-z]+:", location)), False, (path, location))


def hosts(program):
    own = ["localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:99", "localhost."]
    others = ["evil.example", "localhost.evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "::1", "x", "*", "localhost:x"]
    with Server(program) as server:
        for name in own:
            expect_equal(ask(server, "GET", "/health", {"Host": name})[0], 200, name)
        for name in others:
            answer = ask(server, "POST", "/batch_predict", {"Host": name, **JSON}, BODY)
            expect_equal(answer[0], 421, name)
        expect_equal(ask(server, "GET", "http://evil.example/health", {"Host": "localhost"})[0], 421, "the target names the host")
        expect_equal(ask(server, "GET", "http://localhost/health", {"Host": "evil.example"})[0], 200, "the target names the host")
        expect_equal('status="421"} %d' % (len(others) + 1) in server.get("/metrics").decode(), True, "they are counted")
    with Server(program, "--allowed-hosts", "Scoring.example.org,localhost") as server:
        for name, status in (("scoring.example.org", 200), ("scoring.example.org:443", 200), ("localhost", 200), ("127.0.0.1", 421)):
            expect_equal(ask(server, "GET", "/health", {"Host": name})[0], status, name)
        server.host = "localhost"  # for what ends it
    for flags in (["--allowed-hosts", "*"], ["--host", "0.0.0.0"]):
        with Server(program, *flags) as server:
            server.host = "127.0.0.1"
            expect_equal(ask(server, "GET", "/health", {"Host": "evil.example"})[0], 200, flags)


def origins(program):
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-evil"}
    cors = "access-control-allow-origin"
    with Server(program) as server:
        answer = ask(server, "POST", "/predict", {**JSON, "Origin": "https://a.example"}, json.dumps(RECORD).encode())
        expect_equal((answer[0], header(answer, cors), header(answer, "vary")), (200, None, None), "no origins by default")
        answer = ask(server, "OPTIONS", "/predict", {**preflight, "Origin": "https://a.example"})
        expect_equal((answer[0], header(answer, cors)), (405, None), "no origins by default")
    with Server(program, "--cors-origins", "https://a.example,http://localhost:3000", "--max-body-bytes", "1000") as server:
        for origin in ("https://a.example", "http://localhost:3000"):
            for method, path, body, status in (("POST", "/predict", json.dumps(RECORD).encode(), 200), ("POST", "/predict", b"{}", 422),
                                               ("GET", "/nothing", None, 404), ("GET", "/health", None, 200), ("POST", "/predict", b" " * 1001, 413)):
                answer = ask(server, method, path, {**JSON, "Origin": origin}, body)
                expect_equal((answer[0], header(answer, cors), header(answer, "vary")), (status, origin, "origin"), (origin, path))
            answer = ask(server, "OPTIONS", "/batch_predict", {**preflight, "Origin": origin})
            expect_equal((answer[0], header(answer, cors), header(answer, "access-control-allow-methods")), (200, origin, "GET, HEAD, POST"), "preflight")
            expect_equal("x-evil" in header(answer, "access-control-allow-headers"), False, "a client's bytes in a header")
        for origin in ("https://b.example", "https://a.example.evil.example", "null", "https://A.example", "https://a.example:443", "*"):
            answer = ask(server, "POST", "/predict", {**JSON, "Origin": origin}, json.dumps(RECORD).encode())
            expect_equal((answer[0], header(answer, cors), header(answer, "vary")), (200, None, "origin"), origin)
            expect_equal(ask(server, "OPTIONS", "/predict", {**preflight, "Origin": origin})[0], 405, origin)
        answer = ask(server, "OPTIONS", "/predict", {"Origin": "https://a.example"})
        expect_equal(answer[0], 405, "no preflight without a method")
    with Server(program, "--cors-origins", "*") as server:
        answer = ask(server, "GET", "/health", {"Origin": "https://anybody.example"})
        expect_equal((header(answer, cors), header(answer, "vary"), header(answer, "access-control-allow-credentials")), ("*", None, None), "any")
    for wrong in ("example.org", "https://", "https://example.org/", "https://Example.org", "https://*.example.org", "https://a b", ""):
        done = subprocess.run([program, "--cors-origins", wrong], capture_output=True, text=True, timeout=20)
        expect_equal((done.returncode != 0, "is not an origin" in done.stderr), (True, True), (wrong, done.stderr))


def codings(server):
    for path, body in (("/predict", json.dumps(RECORD).encode()), ("/batch_predict", BODY), ("/batch_predict?on_error=skip", BODY),
                       ("/v2/models/student_logistic/infer", b"{}")):
        for coding in ("gzip", "br", "GZIP", "identity, gzip", "x"):
            answer = ask(server, "POST", path, {**JSON, "Content-Encoding": coding}, body)
            expect_equal((answer[0], header(answer, "accept-encoding"), b"Content-Encoding" in answer[2]), (415, "identity", True), (path, coding))
        for coding in ("identity", "Identity", ""):
            expect_equal(ask(server, "POST", path, {**JSON, "Content-Encoding": coding}, body)[0] in (200, 400), True, (path, coding))
    expect_equal(ask(server, "GET", "/health", {"Content-Encoding": "gzip"})[0], 200, "no body")
    expect_equal(ask(server, "POST", "/nothing", {"Content-Encoding": "gzip"}, b"")[0], 404, "no such path")
    answer = ask(server, "POST", "/predict", {**JSON, "Content-Encoding": "gzip", "Accept": "application/problem+json"}, b"x")
    expect_equal((json.loads(answer[2])["status"], json.loads(answer[2])["title"]), (415, "Unsupported Media Type"), "problem details")


def page_headers(server):
    for path in PAGES:
        answer = ask(server, "GET", path)
        policy = header(answer, "content-security-policy")
        expect_equal((answer[0], header(answer, "x-frame-options")), (200, "SAMEORIGIN"), path)
        expect_equal(policy.startswith("default-src 'none'; script-src 'self'") and "frame-ancestors 'self'" in policy, True, policy)
        expect_equal("unsafe-inline" in policy.split("script-src")[1].split(";")[0], False, policy)
        expect_equal(re.findall(rb'(?:src|href|fetch\()="?/', answer[2]), [], path + " has an absolute address")
    for method, path, body in (("GET", "/health", None), ("GET", "/nothing", None), ("POST", "/predict", b"{"), ("GET", "/metrics", None),
                               ("GET", "/docs/", None), ("GET", "/docs", None), ("POST", "/predict", b" " * (65 << 20))):
        try:
            answer = ask(server, method, path, JSON, body)
        except ConnectionError:
            continue  # refused before all was sent
        expect_equal(header(answer, "x-content-type-options"), "nosniff", path)
    expect_equal(json.loads(server.get("/openapi.json"))["servers"], [{"url": "."}], "the document's servers")


def main():
    program = sys.argv[1]
    with Server(program) as server:
        redirects(server)
        codings(server)
        page_headers(server)
    hosts(program)
    origins(program)
    help_text = subprocess.run([program, "--help"], capture_output=True, timeout=20).stdout
    expect_equal(re.findall(rb"[^ -~\n]", help_text), [], "control characters in --help")
    print("ok")


if __name__ == "__main__":
    main()
