#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""errors.py PROGRAM: which dialect errors come in, by the flag --errors and by what the client accepts."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from checks import expect_equal  # noqa: E402
from example_server import RECORD, Server  # noqa: E402

PROBLEM = "application/problem+json"
NEGATIVE = json.dumps({"records": [RECORD, {**RECORD, "minutes_watched": -1.5}]})

# What is accepted, and whether that asks for problem details.
ACCEPT = [
    ([], False), ([""], False), (["*/*"], False), (["application/*"], False), (["application/json"], False),
    ([PROBLEM], True), (["Application/PROBLEM+json"], True), ([PROBLEM + ";q=0"], False), ([PROBLEM + ";q=0.000"], False),
    ([PROBLEM + ";q=0.001"], True), (["application/json, " + PROBLEM], True), ([PROBLEM + ", */*;q=0.1"], True),
    ([PROBLEM + ";q=0.5, application/json"], False), ([PROBLEM + "; Q=0.5 , application/json ; q=0.5"], True),
    ([PROBLEM + ";q=0.5, */*"], False), ([PROBLEM + ";q=0.5, application/*;q=0.4, */*"], True),
    ([PROBLEM + ";q=0.5, application/json;q=0.2, */*"], True), (["application/json;q=0.2, */*, " + PROBLEM + ";q=0.3"], True),
    (["text/html", PROBLEM], True), (["application/json", PROBLEM + ";q=0.9"], False), ([PROBLEM + ";q=x"], False),
    ([PROBLEM + ";q=1.001"], False), ([PROBLEM + ";q=2"], False), ([PROBLEM + ";q="], False), ([PROBLEM + ";q=1.000"], True),
    (['text/plain;a="x, ' + PROBLEM + '"'], False), ([PROBLEM + ";charset=utf-8"], True), (["," * 100 + PROBLEM], True),
    (["application/problem+xml"], False), (["x" * 3000 + ", " + PROBLEM], True), (['text/a;b="\\'], False),
]


def ask(server, method, path, body=None, accept=(), kind="application/json"):
    connection = server.connection()
    connection._encode_request = lambda text: text.encode("latin-1")  # any byte may stand in a path
    connection.putrequest(method, path)
    connection.putheader("X-Request-Id", "mine")
    for line in accept:
        connection.putheader("Accept", line)
    if body is not None:
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(len(body.encode())))
    connection.endheaders(body.encode() if body is not None else None)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.getheader("content-type"), content


def problem(server, wanted, *request, **more):
    status, kind, content = ask(server, *request, accept=[PROBLEM], **more)
    expect_equal((status, kind), (wanted["status"], PROBLEM), request)
    expect_equal(json.loads(content), {**wanted, "request_id": "mine"}, request)


def negotiation(server):
    for lines, wanted in ACCEPT:
        status, kind, content = ask(server, "POST", "/batch_predict", NEGATIVE, lines)
        expect_equal((status, kind), (422, PROBLEM if wanted else "application/json"), lines)
        expect_equal("detail" in json.loads(content) and ("title" in json.loads(content)) == wanted, True, lines)
    status, kind, content = ask(server, "POST", "/predict", json.dumps(RECORD), [PROBLEM])
    expect_equal((status, kind), (200, "application/json"), "a prediction is no problem")


def problems(server):
    about = {"type": "about:blank"}
    problem(server, {"type": "/problems#invalid-values", "title": "Values break the schema", "status": 422,
                     "detail": "One value is not as the schema says.", "instance": "/batch_predict", "errors": [
                         {"pointer": "#/records/1/minutes_watched", "detail": "must be at least 0", "code": "ge",
                          "limit": 0}]}, "POST", "/batch_predict", NEGATIVE)
    rule = "practice_exams_passed cannot exceed practice_exams_started."
    contradicting = {**RECORD, "practice_exams_passed": 6}
    broken = {"type": "/problems#broken-rule", "title": "A rule is broken", "status": 422, "detail": rule}
    problem(server, {**broken, "instance": "/predict", "errors": [{"pointer": "#", "detail": rule, "code": "rule"}]},
            "POST", "/predict", json.dumps(contradicting))
    problem(server, {**broken, "instance": "/batch_predict",
                     "errors": [{"pointer": "#/records/2", "detail": rule, "code": "rule"}]},
            "POST", "/batch_predict", json.dumps({"records": [RECORD, RECORD, contradicting]}))
    problem(server, {"type": "/problems#invalid-json", "title": "The body is not JSON", "status": 422,
                     "detail": "Expecting value: line 1 column 2 (char 1)", "instance": "/predict", "position": 1,
                     "line": 1, "column": 2}, "POST", "/predict", "[")
    problem(server, {**about, "title": "Bad Request", "status": 400, "detail": "There was an error parsing the body",
                     "instance": "/predict"}, "POST", "/predict", "[" * 2000)
    problem(server, {**about, "title": "Not Found", "status": 404, "detail": "Not Found", "instance": "/a%20b\"c"},
            "GET", "/a%20b\"c")
    problem(server, {**about, "title": "Not Found", "status": 404, "detail": "Not Found"}, "GET", "/\xe9\xff")
    problem(server, {**about, "title": "Method Not Allowed", "status": 405, "detail": "Method Not Allowed",
                     "instance": "/health"}, "PUT", "/health")
    page = server.get("/problems").decode()
    for name in ("invalid-values", "invalid-json", "broken-rule"):
        expect_equal('id="%s"' % name in page, True, page)


def pydantic2(server):
    status, kind, content = ask(server, "POST", "/batch_predict", NEGATIVE)
    expect_equal((status, kind), (422, "application/json"), "pydantic 2")
    expect_equal(json.loads(content), {"detail": [
              {"type": "greater_than_equal", "loc": ["body", "records", 1, "minutes_watched"],
               "msg": "Input should be greater than or equal to 0", "input": -1.5, "ctx": {"ge": 0.0},
               "url": "https://errors.pydantic.dev/2.11/v/greater_than_equal"}]}, "pydantic 2")
    status, kind, content = ask(server, "POST", "/predict", '{"student_country": "US"', [PROBLEM + ";q=0"])
    expect_equal(json.loads(content), {"detail": [{"type": "json_invalid", "loc": ["body", 24], "msg": "JSON decode error",
                                                   "input": {}, "ctx": {"error": "Expecting ',' delimiter"}}]}, "pydantic 2")
    for body, kind in (('{"a": 1}', "text/plain"), ('{"a": "\xff', "text/plain")):  # nobody has looked whether it is JSON
        status, _, content = ask(server, "POST", "/predict", body, kind=kind)
        item = json.loads(content)["detail"][0]
        expect_equal((status, item["type"], "input" in item), (422, "model_attributes_type", False), kind)
    broken = {**RECORD, "practice_exams_passed": 6}
    rule = "Value error, practice_exams_passed cannot exceed practice_exams_started."
    for path, body, where in (("/batch_predict", {"records": [RECORD, RECORD, broken]}, ["body", "records", 2]),
                              ("/predict", broken, ["body"])):
        status, _, content = ask(server, "POST", path, json.dumps(body))
        expect_equal((status, json.loads(content)), (422, {"detail": [
                  {"type": "value_error", "loc": where, "msg": rule, "input": broken, "ctx": {"error": {}},
                   "url": "https://errors.pydantic.dev/2.11/v/value_error"}]}), "a rule")
    infinite = json.dumps({"records": [{**RECORD, "minutes_watched": float("inf")}]})
    item = json.loads(ask(server, "POST", "/batch_predict", infinite)[2])["detail"][0]
    expect_equal((item["type"], item["input"]), ("finite_number", None), "infinity")
    expect_equal(json.loads(ask(server, "GET", "/nothing")[2]), {"detail": "Not Found"}, "404")
    problem(server, {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Not Found", "instance": "/x"},
            "GET", "/x")


def refusals(server):
    """What the HTTP layer refuses has the phrase of its status, too."""
    for status, title, headers in ((413, "Content Too Large", {"Content-Length": str(1 << 40)}),
                                   (421, "Misdirected Request", {"Host": "elsewhere.example"}),
                                   (431, "Request Header Fields Too Large", {"X": "x" * 20000})):
        connection = server.connection()
        connection.request("GET", "/health", headers={"Accept": PROBLEM, **headers})
        answer = connection.getresponse()
        got = json.loads(answer.read())
        expect_equal((answer.status, got["type"], got.get("title"), got["status"]), (status, "about:blank", title, status), status)
        connection.close()


def neutral(server):
    status, kind, content = ask(server, "POST", "/batch_predict", NEGATIVE)
    expect_equal((status, kind, json.loads(content)), (422, "application/json", {"errors": [
              {"code": "ge", "path": "/records/1/minutes_watched", "message": "must be at least 0", "limit": 0}], "request_id": "mine"}), "neutral")
    item = json.loads(ask(server, "POST", "/predict", "{")[2])["errors"][0]
    expect_equal((item["code"], item["position"]), ("malformed", 1), "neutral")
    expect_equal(json.loads(ask(server, "POST", "/predict?explain=x", "{}")[2])["errors"],
                 [{"code": "not_integer", "parameter": "explain", "message": "must be an integer"}], "a parameter")
    expect_equal(json.loads(ask(server, "GET", "/nothing")[2]), {"errors": [{"message": "Not Found"}], "request_id": "mine"}, "404")
    metrics = ask(server, "GET", "/metrics")[2].decode()
    for error in ("ge", "malformed"):
        expect_equal('tabscore_rejected_records_total{error="%s",rule=""} 1\n' % error in metrics, True, error)
    expect_equal("value_error" in metrics, False, "neutral metrics")


def strict(server, refused):
    """What the default takes for an integer is an error with --strict."""
    for odd in (45.9, "45", True):
        status, _, _ = ask(server, "POST", "/predict", json.dumps({**RECORD, "days_on_platform": odd}))
        expect_equal(status, 422 if refused else 200, ("days_on_platform", odd))
    expect_equal(ask(server, "POST", "/predict", json.dumps(RECORD))[0], 200, "a record without a doubt")


def main():
    with Server(sys.argv[1]) as server:
        strict(server, refused=False)
        negotiation(server)
        problems(server)
        refusals(server)
        expect_equal(json.loads(ask(server, "POST", "/batch_predict", NEGATIVE)[2])["detail"][0]["type"],
                     "value_error.number.not_ge", "pydantic 1 is the default")
    with Server(sys.argv[1], "--errors", "pydantic2") as server:
        pydantic2(server)
    with Server(sys.argv[1], "--errors", "neutral") as server:
        neutral(server)
    with Server(sys.argv[1], "--errors", "problem") as server:
        expect_equal(ask(server, "POST", "/batch_predict", NEGATIVE)[1], PROBLEM, "problem details for all")
    with Server(sys.argv[1], "--strict") as server:
        strict(server, refused=True)
    with Server(sys.argv[1], "--model", "none") as server:
        problem(server, {"type": "about:blank", "title": "Service Unavailable", "status": 503,
                         "detail": "Model is not loaded.", "instance": "/predict"}, "POST", "/predict", json.dumps(RECORD))
    print("%d accept headers" % len(ACCEPT))


if __name__ == "__main__":
    main()
