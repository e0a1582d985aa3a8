#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inference.py PROGRAM: the Open Inference Protocol v2: the same predictions, log, monitoring and bounds as /batch_predict."""
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from checks import expect_equal  # noqa: E402
from example_server import RECORD, Server  # noqa: E402

PROBABILITY, LABEL = "predicted_purchase_probability", "predicted_purchase"
TYPES = {"student_country": "BYTES", "minutes_watched": "FP64", "minutes_spent_on_exams": "FP64"}
RULE = "practice_exams_passed cannot exceed practice_exams_started."


def request(records, nested=False, **more):
    def tensor(name):
        data = [r[name] for r in records]
        return {"name": name, "datatype": TYPES.get(name, "INT64"), "shape": [len(data), 1] if nested else [len(data)],
                "data": [[v] for v in data] if nested else data}
    return {"inputs": [tensor(name) for name in RECORD], **more}


def random_record(dice):
    started = dice.randrange(20)
    return {"student_country": dice.choice(["US", "GB", "Übersee", "xx", 'a"\\b']), "days_on_platform": dice.randrange(1000),
            "minutes_watched": dice.choice([0, 1e-300, dice.expovariate(1 / 300), float(2 ** 53 + 2)]),
            "courses_started": dice.randrange(30), "practice_exams_started": started,
            "practice_exams_passed": dice.randrange(started + 1), "minutes_spent_on_exams": dice.random() * 1e3}


def call(server, method, path, body=None, **headers):
    connection = server.connection()
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    expect_equal(answer.getheader("content-type"), "application/json", path)
    return answer.status, json.loads(content) if content else None


def metadata(server, card):
    model = "/v2/models/" + card["name"]
    versions = model + "/versions/" + card["version"]
    expect_equal(call(server, "GET", "/v2")[1]["extensions"], [], "server metadata")
    for path in ("/v2/health/live", "/v2/health/ready"):
        expect_equal(call(server, "GET", path), (200, {"live": True, **({"ready": True} if "ready" in path else {})}), path)
    for path in (model, versions, versions.replace("+", "%2B").replace("student", "%73tudent"), model + "/"):
        if path.endswith("/"):
            connection = server.connection()
            connection.request("GET", path)
            expect_equal(connection.getresponse().status, 307, path)
            continue
        status, seen = call(server, "GET", path)
        expect_equal((status, seen["name"], seen["versions"], seen["platform"]), (200, card["name"], [card["version"]], "tabscore"), path)
        expect_equal([(t["name"], t["datatype"], t["shape"]) for t in seen["inputs"]],
                     [(name, TYPES.get(name, "INT64"), [-1]) for name in RECORD], path)
        expect_equal([(t["name"], t["datatype"], t["shape"]) for t in seen["outputs"]],
                     [(PROBABILITY, "FP64", [-1]), (LABEL, "INT64", [-1])], path)
        expect_equal(call(server, "GET", path + "/ready"), (200, {"name": card["name"], "ready": True}), path)
    for path in ("/v2/models/other", "/v2/models/other/ready", model + "/versions/1", model + "/versions/1/ready"):
        status, seen = call(server, "GET", path)
        expect_equal((status, list(seen)), (404, ["error"]), path)
    expect_equal(call(server, "POST", model + "/versions/1/infer", json.dumps(request([RECORD])))[0], 404, "another version")
    for method, path, status in (("GET", "/v2/nothing", 404), ("GET", "/v2/models/", 404), ("GET", "/v2/models//ready", 404),
                                 ("GET", model + "/infer", 405), ("POST", "/v2", 405), ("GET", model + "/a/b/c/d", 404)):
        seen = call(server, method, path, Accept="application/problem+json")
        expect_equal((seen[0], list(seen[1])), (status, ["error"]), path)


def predictions(server, card):
    dice = random.Random(7)
    for size in (1, 2, 255, 256, 257, 3000):
        records = [random_record(dice) for _ in range(size)]
        status, headers, content = server.post("/batch_predict", {"records": records})
        wanted = json.loads(content)["predictions"]
        before = len(server.log_lines())
        for nested in (False, True):
            path = "/v2/models/" + card["name"] + ("/versions/" + card["version"] if nested else "") + "/infer"
            status, v2_headers, content = server.post(path, request(records, nested, id="é" + str(size)))
            expect_equal(status, 200, content[:300])
            expect_equal(v2_headers["x-model-sha256"], headers["x-model-sha256"], "the model's hash")
            seen = json.loads(content)
            expect_equal([seen["model_name"], seen["model_version"], seen["id"]], [card["name"], card["version"], "é" + str(size)], path)
            expect_equal(seen["outputs"], [
                      {"name": PROBABILITY, "datatype": "FP64", "shape": [size], "data": [p[PROBABILITY] for p in wanted]},
                      {"name": LABEL, "datatype": "INT64", "shape": [size], "data": [p[LABEL] for p in wanted]}], "outputs")
        lines = [json.loads(line) for line in server.log_lines()]
        for line in lines:
            del line["timestamp_utc"]
        expect_equal(len(lines), before + 2 * size, "log lines")
        expect_equal(lines[before:before + size], lines[before - size:before], "lines of the same records")
    status, _, content = server.post("/v2/models/%s/infer" % card["name"], request([RECORD], outputs=[{"name": LABEL}]))
    seen = json.loads(content)
    expect_equal(([o["name"] for o in seen["outputs"]], "id" in seen), ([LABEL], False), "one output")
    metrics = server.get("/metrics").decode()
    expect_equal('tabscore_requests_total{route="/v2/models/{model}/infer",status="200"} 7' in metrics, True, metrics)


def refusals(server, card):
    infer = "/v2/models/%s/infer" % card["name"]
    lines = len(server.log_lines())

    def refused(body, error, status=400, **headers):
        seen = call(server, "POST", infer, body if isinstance(body, str) else json.dumps(body), **headers)
        expect_equal(seen, (status, {"error": error}), body)
    refused("{", "The body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)")
    refused("", "The body is empty.")
    refused("{}", "'inputs' is missing.")
    refused("{}", "The content type is not application/json.", 415, **{"Content-Type": "application/octet-stream"})
    refused({**request([RECORD]), "outputs": [{"name": "x"}]}, "This model has no output 'x'.")
    for parameter, sentence in (({"on_error": "x"}, "The parameter 'on_error' is neither 'fail' nor 'skip'."),
                                ({"on_error": True}, "The parameter 'on_error' is neither 'fail' nor 'skip'."),
                                ({"explain": 3}, "The parameter 'explain' is neither true nor false: tensors hold the contributions "
                                 "of all features.")):
        refused({**request([RECORD]), "parameters": parameter}, sentence)
    for query, sentence in (("on_error=x", "The query parameter on_error is neither 'fail' nor 'skip'."),
                            ("explain=3", "The query parameter explain is neither 1 nor 0: tensors hold the contributions of all "
                             "features.")):
        expect_equal(call(server, "POST", infer + "?" + query, json.dumps(request([RECORD]))), (400, {"error": sentence}), query)
    for name in ("error", "contributions"):  # only where they are asked for by a parameter
        refused({**request([RECORD]), "outputs": [{"name": name}]}, "This model has no output '%s'." % name)
    refused(request([RECORD, {**RECORD, "practice_exams_passed": 6}]), "records[1]: " + RULE)
    refused(request([RECORD, {**RECORD, "student_country": "é", "courses_started": -1}]),
            "student_country[1] must have at least 2 characters; courses_started[1] must be at least 0")
    refused(request([RECORD, {**RECORD, "days_on_platform": 4.5, "minutes_watched": "1"}]),
            "days_on_platform[1] must be an integer; minutes_watched[1] must be a number")
    refused(request([{**RECORD, "minutes_watched": 1e308, "minutes_spent_on_exams": 1e308, "days_on_platform": 2 ** 62}] * 2)
            | {"id": 5}, "'id' is not a string.")
    expect_equal(len(server.log_lines()), lines, "nothing of it is logged")


def skipped_and_explained(server, card):
    """on_error=skip and explain, as outputs: the predictions of /batch_predict, placeholders for the others, and reasons."""
    infer = "/v2/models/%s/infer" % card["name"]
    dice = random.Random(8)
    bad = {0: ({"courses_started": -1, "student_country": "x"}, "student_country must have at least 2 characters; courses_started must be "
               "at least 0"), 3: ({"practice_exams_passed": 99}, RULE), 4: ({"minutes_watched": None}, "minutes_watched must not be null"),
           299: ({"days_on_platform": -1}, "days_on_platform must be at least 0")}
    records = [{**random_record(dice), **bad.get(i, ({},))[0]} for i in range(300)]
    before = len(server.log_lines())
    wanted = json.loads(server.post("/batch_predict?on_error=skip", {"records": records})[2])["predictions"]
    lines = server.log_lines()
    expect_equal(len(lines) - before, 296, "log lines")
    plain = [{"name": PROBABILITY, "datatype": "FP64", "shape": [300], "data": [p and p[PROBABILITY] for p in wanted]},
             {"name": LABEL, "datatype": "INT64", "shape": [300], "data": [p[LABEL] if p else -1 for p in wanted]},
             {"name": "error", "datatype": "BYTES", "shape": [300], "data": [bad[i][1] if i in bad else "" for i in range(300)]}]
    for path, more in ((infer + "?on_error=skip", {}), (infer, {"parameters": {"on_error": "skip"}})):
        status, _, content = server.post(path, request(records, **more))
        expect_equal((status, json.loads(content)["outputs"]), (200, plain), path)
    seen = [json.loads(line) for line in server.log_lines()]
    for line in seen:
        del line["timestamp_utc"]
    expect_equal(seen[before:before + 296], seen[-296:], "the same lines are logged")
    # The error cannot be left out; the order of the others is the request's.
    content = server.post(infer, request(records, parameters={"on_error": "skip"}, outputs=[{"name": LABEL}]))[2]
    expect_equal(json.loads(content)["outputs"], plain[1:], "one output, and the errors")
    content = server.post(infer + "?on_error=skip", request(records[3:5], outputs=[{"name": "error"}]))[2]
    expect_equal(json.loads(content)["outputs"], [{"name": "error", "datatype": "BYTES", "shape": [2], "data": [bad[3][1], bad[4][1]]}], "all are bad")
    expect_equal(json.loads(server.post(infer, request(records[5:9], parameters={"on_error": "fail", "explain": False}))[2])["outputs"],
                 json.loads(server.post(infer, request(records[5:9]))[2])["outputs"], "nothing is asked for")

    features = card["features"]["numeric"] + card["features"]["text"]
    good = [r for i, r in enumerate(records) if i not in bad][:20]
    told = json.loads(server.post("/batch_predict?explain=1000", {"records": good})[2])["predictions"]
    rows = []
    for p in told:
        by_name = {c["feature"]: c["contribution"] for c in p["explanation"]["contributions"]}
        rows.append([by_name[f] for f in features] + [p["explanation"]["base_value"]])
    for path, more in ((infer + "?explain=1", {}), (infer, {"parameters": {"explain": True}})):
        outputs = json.loads(server.post(path, request(good, **more))[2])["outputs"]
        expect_equal([o["name"] for o in outputs], [PROBABILITY, LABEL, "contributions"], path)
        expect_equal(outputs[2], {"name": "contributions", "datatype": "FP64", "shape": [20, len(features) + 1],
                                  "data": [v for row in rows for v in row]}, path)
    both = json.loads(server.post(infer + "?explain=1&on_error=skip", request([records[3], good[0], records[4]]))[2])["outputs"]
    expect_equal([o["name"] for o in both], [PROBABILITY, LABEL, "error", "contributions"], "both")
    width = len(features) + 1
    expect_equal(both[3]["data"], [None] * width + rows[0] + [None] * width, "contributions of skipped records")
    none = json.loads(server.post(infer + "?explain=1&on_error=skip", request([records[3]]))[2])["outputs"]
    expect_equal((none[3]["shape"], none[3]["data"]), ([1, width], [None] * width), "contributions of a skipped record")
    status, content = call(server, "POST", infer + "?explain=1", json.dumps(request([good[0]] * 10001)))
    expect_equal((status, "error" in content), (400, True), "too many to explain")


def main():
    with Server(sys.argv[1]) as server:
        card = json.loads(server.get("/model"))
        metadata(server, card)
        predictions(server, card)
        refusals(server, card)
        skipped_and_explained(server, card)
        print("ok      %d lines logged" % len(server.log_lines()))
    with Server(sys.argv[1], "--model", "none") as server:
        expect_equal(call(server, "GET", "/v2/health/live"), (200, {"live": True}), "live without a model")
        expect_equal(call(server, "GET", "/v2/health/ready"), (503, {"live": True, "ready": False}), "ready without a model")
        for method, path in (("GET", "/v2/models/m"), ("GET", "/v2/models/m/ready"), ("POST", "/v2/models/m/infer")):
            expect_equal(call(server, method, path), (503, {"error": "Model is not loaded."}), path)


if __name__ == "__main__":
    main()
