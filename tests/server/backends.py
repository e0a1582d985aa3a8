#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""backends.py PROGRAM MODEL [--routes]: one service behind different HTTP libraries. PROGRAM MODEL PORT answers the recorded
requests for /batch_predict as recorded; with --routes it has the other routes of ts::serving::endpoint as well."""
import http.client
import json
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "conformance"), str(TESTS / "support")]
import run  # noqa: E402
from example_server import RECORD  # noqa: E402

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}


class Backend:
    def __init__(self, program, model):
        arguments = ["--port", "0", "--prediction-log", "off"] if "student_server" in program else [model, "0"]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        self.host, self.port = "127.0.0.1", int(self.process.stdout.readline().rsplit(":", 1)[1])

    def connection(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def ask(self, method, path, body=None, **headers):
        connection = self.connection()
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer


def recorded(deviations, routes):
    for file in sorted((TESTS / "conformance" / "cases").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            case = json.loads(line)
            headers = {name.lower(): value for name, value in case.get("request_headers", {}).items()}
            if "steps" in case or case["id"] in deviations or case.get("server_state", "normal") != "normal":
                continue
            if routes:
                # Parts of forms and compressed answers are an HTTP library's own business.
                own = headers.get("content-type", "").startswith("multipart/") or "accept-encoding" in headers
                if case["method"] in METHODS and not own:
                    yield case
            elif (case["method"], case["path"], headers) == ("POST", "/batch_predict", {"content-type": "application/json"}):
                yield case


def check_routes(server):
    record = json.dumps(RECORD)
    one = server.ask("POST", "/predict", record, content_type="application/json")
    assert one.status == 200 and list(json.loads(one.content)) == ["predicted_purchase_probability", "predicted_purchase"]
    assert len(one.getheader("x-model-sha256")) == 64 and one.getheader("x-content-type-options") == "nosniff"
    many = server.ask("POST", "/batch_predict?explain=2&on_error=fail", json.dumps({"records": [RECORD]}))
    assert len(json.loads(many.content)["predictions"][0]["explanation"]["contributions"]) == 2
    some = json.loads(server.ask("POST", "/batch_predict?on_error=skip", json.dumps({"records": [{}, RECORD]})).content)
    assert some["predictions"][0] is None and some["predictions"][1] == json.loads(one.content)

    problem = server.ask("POST", "/predict", "{}", accept="application/problem+json")
    assert (problem.status, problem.getheader("content-type")) == (422, "application/problem+json")
    assert server.ask("POST", "/predict", b"{}", content_encoding="x-own").status == 415
    wrong = server.ask("PUT", "/model")
    assert (wrong.status, wrong.getheader("allow")) == (405, "GET, HEAD")
    slash = server.ask("GET", "/health/?a=b")
    assert (slash.status, slash.getheader("location"), slash.content) == (307, "../health?a=b", b"")
    assert server.ask("GET", "/nothing").status == 404
    assert server.ask("GET", "/health", host="elsewhere.example").status == 421
    part = server.ask("GET", "/health", range="bytes=0-3")  # a library may cut the body, but says so then
    assert (part.status, len(part.content) > 4) in ((200, True), (206, False)), (part.status, part.content)

    assert json.loads(server.ask("GET", "/health").content)["ready"]
    card = json.loads(server.ask("GET", "/model").content)
    assert card["name"] == "student_logistic" and card["sha256"] == one.getheader("x-model-sha256")
    tensors = json.loads(server.ask("GET", "/v2/models/student_logistic").content)
    assert [t["name"] for t in tensors["inputs"]] == list(RECORD)
    for path, kind in (("/docs", "text/html; charset=utf-8"), ("/dashboard", "text/html; charset=utf-8"), ("/openapi.json", "application/json")):
        page = server.ask("GET", path)
        assert (page.status, page.getheader("content-type")) == (200, kind) and len(page.content) > 1000
        head = server.ask("HEAD", path)
        assert (head.status, head.content, int(head.getheader("content-length"))) == (200, b"", len(page.content)), path
    metrics = server.ask("GET", "/metrics").content.decode()
    assert 'tabscore_requests_total{route="/predict",status="200"}' in metrics
    assert 'tabscore_requests_total{route="none",status="404"}' in metrics


def main():
    program, model = sys.argv[1:3]
    routes = "--routes" in sys.argv
    sys.setrecursionlimit(20000)
    deviations = {c for group in json.loads((TESTS / "conformance" / "deviations.json").read_text()) for c in group["cases"]}
    server = Backend(program, model)
    statuses, rows = {}, 0
    try:
        for case in recorded(deviations, routes):
            answer = run.send(server, case)
            try:
                run.check(server, case, answer)
            except run.Failed as e:
                raise SystemExit("%s: %s" % (case["id"], e))
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status == 200 and case["path"] == "/batch_predict":
                rows += len(json.loads(answer.content)["predictions"])
        assert set(statuses) >= {200, 400, 422} and sum(statuses.values()) > 200, statuses
        if routes:
            check_routes(server)
        else:
            connection = server.connection()
            connection.request("GET", "/counts")
            counts = json.loads(connection.getresponse().read())
            connection.request("GET", "/nothing")  # on the same connection
            status = connection.getresponse().status
            assert counts["records"] == rows and status == 404, (counts, rows, status)
        print("ok      %s" % statuses)
    finally:
        server.process.kill()
        server.process.wait()
    if "student_server" not in program:
        assert subprocess.run([program], capture_output=True).returncode == 2
        assert subprocess.run([program, "/nothing", "0"], capture_output=True).returncode == 1


if __name__ == "__main__":
    main()
