#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""openapi.py PROGRAM FOLDER: /openapi.json names every route, is a correct OpenAPI 3.1 document, and answers are as it says.

The last two take validators from npm, installed into FOLDER; without node or the registry they are left out, with a
message (status 77)."""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import npm  # noqa: E402
from checks import expect  # noqa: E402
from example_server import Server  # noqa: E402

PACKAGES = ["@apidevtools/swagger-parser@12", "ajv@8", "ajv-formats@3"]
PROBLEM = {"accept": "application/problem+json"}


def tensors(record):
    kinds = {str: "BYTES", int: "INT64", float: "FP64"}
    return {"inputs": [{"name": n, "datatype": kinds[type(v)], "shape": [1], "data": [v]} for n, v in record.items()]}


def exchange(server, method, path, template=None, body=None, **headers):
    """What was asked and answered, for the validator."""
    connection = server.connection()
    content = None if body is None else body if isinstance(body, str) else json.dumps(body)
    connection.request(method, path, content, {"content-type": "application/json", **headers})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    kind = answer.getheader("content-type").split(";")[0]
    return {"method": method.lower(), "path": template or path.split("?")[0], "status": answer.status, "type": kind,
            "sent": body, "answer": json.loads(text) if kind.endswith("json") else text}


def exchanges(server, document, model, version):
    record = document["components"]["schemas"]["PredictRequest"]["examples"][0]
    text, number = (next((n for n, v in record.items() if isinstance(v, kind)), None) for kind in (str, (int, float)))
    wrong = {"records": [{**record, number: -1, **({text: "é"} if text else {})}, {}, None]}
    broken = {**record, "practice_exams_passed": 6} if "practice_exams_passed" in record else {**record, number: -1}
    infer, of_version = "/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}"
    path = {"{model}": model, "{version}": version}

    def at(template):
        return re.sub(r"\{\w+\}", lambda m: path[m[0]], template)
    monitoring = ["/monitoring/" + name for name in ("drift", "retraining_trigger", "report", "state", "history")]
    for template in ("/health", "/model", "/metrics", *monitoring, "/v2", "/v2/health/live", "/v2/health/ready", "/dashboard",
                     "/docs", "/redoc", "/problems", "/openapi.json", "/v2/models/{model}", "/v2/models/{model}/ready",
                     of_version, of_version + "/ready"):
        yield exchange(server, "GET", at(template), template)
    yield exchange(server, "GET", "/v2/models/nothing", "/v2/models/{model}")
    yield exchange(server, "POST", "/predict", body=record)
    yield exchange(server, "POST", "/predict?explain=3&top=1", body=record)
    yield exchange(server, "POST", "/batch_predict?explain=9", body={"records": [record] * 3})
    for template in monitoring:
        yield exchange(server, "GET", template)
    for headers in ({}, PROBLEM):
        yield exchange(server, "POST", "/batch_predict", body=wrong, **headers)
        yield exchange(server, "POST", "/batch_predict?explain=0", body={"records": [record]}, **headers)
        yield exchange(server, "POST", "/predict", body=broken, **headers)
        yield exchange(server, "POST", "/predict", body="{", **headers)
        yield exchange(server, "POST", "/predict", body="[" * 2000, **headers)
    for headers in ({}, PROBLEM):  # the example's records have no id
        yield exchange(server, "POST", "/labels", body=[{"id": "a", "label": 1}], **headers)
        yield exchange(server, "POST", "/overrides", body=[{"id": "a", "decision": "refer", "by": "b", "reason": "c"}], **headers)
        yield exchange(server, "GET", "/monitoring/performance", **headers)
        yield exchange(server, "GET", "/monitoring/compare", **headers)
    for template in (infer, of_version + "/infer"):
        for body in (tensors(record), tensors(broken), {}):
            yield exchange(server, "POST", at(template), template, body)


def exchanges_without_model(server, document):
    record = document["components"]["schemas"]["PredictRequest"]["examples"][0]
    for template in ("/model", "/monitoring/report", "/monitoring/state", "/monitoring/performance", "/v2/health/ready"):
        yield exchange(server, "GET", template)
    for headers in ({}, PROBLEM):
        yield exchange(server, "POST", "/predict", body=record, **headers)
    yield exchange(server, "GET", "/v2/models/m/ready", "/v2/models/{model}/ready")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    missing = npm.missing(folder, *PACKAGES)
    table = (ROOT / "include" / "tabscore" / "serving" / "detail" / "routes.hpp").read_text()
    routes = dict(re.findall(r'\{"(/[^"]*)", "([A-Z, ]+)", route_target::', table))
    seen = []
    for errors in ("pydantic1", "pydantic2", "neutral"):
        with Server(program, "--errors", errors) as server:
            text = server.get("/openapi.json").decode()
            document = json.loads(text)
            expect(not re.search(r'"\{\w+\}"', text), "something is not filled in: %s" % re.findall(r'"\{\w+\}"', text))
            card = json.loads(server.get("/model"))
            expect(card["schema"] == document["components"]["schemas"]["PredictRequest"], "the card has another schema")
            answers = list(exchanges(server, document, card["name"], card["version"]))
        model = str(ROOT / "models" / {"wine_server": "wine.json", "diabetes_server": "diabetes.json", "loan_server": "loan_default.json"}.get(
            pathlib.Path(program).name, "student_logistic.json"))
        with Server(program, "--errors", errors, "--challenger", model) as server:
            answers.append(exchange(server, "GET", "/monitoring/compare"))
        with Server(program, "--errors", errors, "--model", "none") as server:
            answers += list(exchanges_without_model(server, document))
        said = {path: {m.upper() for m in item if m in ("get", "post", "head")} for path, item in document["paths"].items()}
        expect(said == {path: set(methods.split(", ")) - {"HEAD"} for path, methods in routes.items()},
               "the document's routes are not the server's: %s" % (set(said) ^ set(routes)))
        untried = {(p, m) for p in said for m in said[p]} - {(a["path"], a["method"].upper()) for a in answers}
        expect(untried <= {("/docs/{file}", "GET"), ("/docs/oauth2-redirect", "GET")}, "untried: %s" % untried)
        print("ok      %s: %d routes" % (errors, len(said)))
        seen.append({"document": document, "answers": answers})
    if missing:
        print("skipped the validators: " + missing)
        sys.exit(77)
    script = folder / "validate.mjs"
    script.write_text((ROOT / "tests" / "server" / "validate_openapi.mjs").read_text())  # node looks beside it for packages
    done = subprocess.run(["node", str(script)], input=json.dumps(seen), text=True, timeout=120)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
