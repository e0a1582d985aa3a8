#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""score_stream for several classes, numbers, quantiles, targets, scores and anomalies: what it answers, and the replay of
prediction logs, those of the servers among them. Usage: tasks.py TASK_STREAM WINE_SERVER DIABETES_SERVER MODELS"""
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

PROGRAM, WINE_SERVER, DIABETES_SERVER = sys.argv[1:4]
MODELS = Path(sys.argv[4])
ROWS = json.loads((HERE.parent / "server" / "tasks_expected.json").read_text(encoding="utf-8"))
RECORDS = {name: [e["record"] for e in rows] for name, rows in ROWS.items()}
FIELDS = {name: list(records[0]) for name, records in RECORDS.items()}
CLASSES = ["first", "second", "third"]

# Linear models of the patients' fields, whose numbers Python computes as well.
rng = random.Random(19)
ROUGH = {"quantiles": ({"task": "quantiles", "levels": [0.1, 0.5, 0.9]}, ["p10", "p50", "p90"]),
         "targets": ({"task": "regression", "names": ["now", "later"]}, ["now", "later"]),
         "score": ({"task": "score"}, ["relevance"]),
         "anomaly": ({"task": "anomaly"}, ["usual", "is_outlier"])}
LINES = {name: [[rng.uniform(-1, 1) for _ in range(11)] for _ in range(3 if name == "quantiles" else 2 if name == "targets" else 1)]
         for name in ROUGH}


def numbers(task, record):
    rows = []
    for *coefficients, intercept in LINES[task]:
        total = 0.0
        for c, x in zip(coefficients, record.values()):
            total += c * x
        rows.append(total + intercept)
    return rows


def test_decisions_beside_wrong_records(_):
    """A wrong record takes no decision from the others."""
    loan = {"purpose": "car", "sector": None, "months": 48, "amount": 12000.0, "income": 2600.0}
    good = [loan | {"amount": 400.0 * 3**k, "income": 2600.0 - 500 * k} for k in range(6)]
    alone = [json.loads(run("loans", "--quiet", given=ndjson([r])).stdout) for r in good]
    assert len({a["decision"] for a in alone}) > 1, alone
    mixed = [r for g in good for r in (g, loan | {"months": 0})]
    for form in ("ndjson", "csv"):
        done = run("loans", "--quiet", "--on-error", "null", "--to", form, given=ndjson(mixed)).stdout.decode().splitlines()
        if form == "csv":
            assert [line.rsplit(",", 1)[1] for line in done[1::2]] == [a["decision"] for a in alone], done
        else:
            assert [json.loads(line) for line in done[::2]] == alone and all(json.loads(x)["decision"] is None for x in done[1::2]), done


def write_model(folder, task):
    fields = FIELDS["diabetes"]
    outputs, _ = ROUGH[task]
    columns = [10 + k for k in range(len(LINES[task]))]
    check = RECORDS["diabetes"][0]
    model = {"format": "tabscore-model", "version": 1, "name": task, "kind": "pipeline",
             "provenance": {**json.loads((MODELS / "diabetes.json").read_text())["provenance"]},
             "features": {"numeric": [{"name": f} for f in fields], "text": []},
             "model": {"steps": [{"op": "linear", "in": list(range(10)), "coefficients": [line[:-1] for line in LINES[task]],
                                  "intercept": [line[-1] for line in LINES[task]]}], "outputs": columns},
             "outputs": outputs,
             "checks": [{"numeric": list(check.values()), "text": [], "outputs": numbers(task, check)}]}
    if task == "anomaly":
        model["threshold"] = 0.25
    path = folder / (task + ".json")
    path.write_text(json.dumps(model))
    return path


def run(service, *flags, given=b"", status=0):
    done = subprocess.run([PROGRAM, service, *map(str, flags)], input=given, capture_output=True, timeout=120)
    assert done.returncode == status, (service, flags, done.returncode, done.stdout.decode(), done.stderr.decode())
    return done


def ndjson(records):
    return "".join(json.dumps(r) + "\n" for r in records).encode()


def answers(service, records, *flags):
    return [json.loads(line) for line in run(service, "--quiet", *flags, given=ndjson(records)).stdout.splitlines()]


def bits_changed(value):
    return math.nextafter(value, math.inf)


def test_answers(folder):
    """The members are the declared ones, the numbers the trainer's; a record that is refused has none."""
    for service, rows in ROWS.items():
        got = answers(service, RECORDS[service])
        for e, p in zip(rows, got, strict=True):
            if service == "diabetes":
                assert p == {"progression": e["progression"]}, p
            else:
                assert list(p) == ["cultivar", "probabilities"] and p["cultivar"] == e["cultivar"], p
                assert all(abs(p["probabilities"][c] - e["probabilities"][c]) < 1e-12 for c in CLASSES), p
        whole = run(service, "--quiet", "--threads", 1, given=ndjson(RECORDS[service] * 50)).stdout
        assert run(service, "--quiet", "--threads", 3, "--block-bytes", 1000, given=ndjson(RECORDS[service] * 50)).stdout == whole
        wrong = [RECORDS[service][0], {}, {**RECORDS[service][0], FIELDS[service][0]: "45"}, RECORDS[service][1]]
        got = answers(service, wrong, "--on-error", "null")
        missing = {"progression": None} if service == "diabetes" else {"cultivar": None, "probabilities": None}
        assert got == [answers(service, wrong[:1])[0], missing, missing, answers(service, wrong[3:])[0]], got
        assert b"-:2: " in run(service, given=ndjson(wrong), status=2).stderr


def test_trainers_files(folder):
    """--model takes the file of a trainer, whose numbers the answers are; what does not fit is said."""
    files = HERE.parent / "server" / "trainer_files"
    for service, expected in json.loads((files / "expected.json").read_text(encoding="utf-8")).items():
        stream = "loans" if service == "loan" else service
        for name, numbers in expected["files"].items():
            got = answers(stream, expected["records"], "--model", files / name, "--on-error", "null")
            if service == "loan":
                want = [(p, None if p is None else label) for p, label in zip(*numbers)]
                assert [(p["probability"], p["default"]) for p in got] == want, name
            elif service == "wine":
                assert [(list(p["probabilities"].values()), p["cultivar"]) for p in got] == list(zip(*map(list, numbers))), name
            else:
                assert [p["progression"] for p in got] == numbers, name
    for model, flags, why in [("loan.cbm", ["--state-file", folder / "state.json"], "needs a model file with histograms"),
                              ("diabetes.txt", [], "is not a number of the records")]:
        assert why in run("loans", "--model", files / model, *flags, status=1).stderr.decode()


def test_tables(folder):
    """CSV has a column a number under the declared names, with the class in front and the label behind."""
    heads = {"wine": "cultivar,probabilities_first,probabilities_second,probabilities_third", "diabetes": "progression",
             "quantiles": "p10,p50,p90", "targets": "now,later", "score": "relevance", "anomaly": "usual,is_outlier"}
    for service, head in heads.items():
        kind = "wine" if service == "wine" else "diabetes"
        records = RECORDS[kind]
        flags = ["--model", write_model(folder, service)] if service in ROUGH else []
        lines = run(service, "--quiet", "--to", "csv", *flags, given=ndjson(records)).stdout.decode().splitlines()
        assert lines[0] == head and len(lines) == len(records) + 1, lines[:2]
        for record, line, p in zip(records, lines[1:], answers(service, records, *flags), strict=True):
            cells = line.split(",")
            if service == "wine":
                assert cells == [p["cultivar"], *map(json.dumps, p["probabilities"].values())], line
            else:
                assert cells == [json.dumps(v) for v in p.values()], line
            if service in ROUGH:
                assert list(p.values())[:len(LINES[service])] == numbers(service, record), p
            if service == "anomaly":
                assert p["is_outlier"] == int(p["usual"] < 0.25)


def replayed(service, log, *flags, status=0):
    return run(service, "--replay", log, *flags, status=status).stdout.decode()


def test_replay_of_a_servers_log(folder):
    for service, program in (("wine", WINE_SERVER), ("diabetes", DIABETES_SERVER)):
        with Server(program) as server:
            for some in (RECORDS[service], RECORDS[service][:1]):
                assert server.post("/batch_predict", {"records": some})[0] == 200
            lines = server.log_lines()
        log = folder / "log"
        log.write_text("".join(lines))
        n = len(lines)
        assert n == len(RECORDS[service]) + 1
        assert replayed(service, log, "--block-bytes", 700) == (
            f"{n} records replayed: {n} with the logged bits, 0 different\nlogged by model {json.loads(lines[0])['model']}: {n}\n")
        # One bit of one number is found, where it is and how far.
        line = json.loads(lines[3])
        if service == "wine":
            then = line["probabilities"]["second"]
            line["probabilities"]["second"] = bits_changed(then)
            column = "probabilities of second"
        else:
            then = line["progression"]
            line["progression"] = bits_changed(then)
            column = "progression"
        log.write_text("".join([*lines[:3], json.dumps(line) + "\n", *lines[4:]]))
        found = replayed(service, log, status=4)
        assert f"{n - 1} with the logged bits, 1 different" in found, found
        assert f"{column}: largest difference {bits_changed(then) - then} (line 4: {bits_changed(then)} then, {then} now)" in found, found
        # A torn last line is told; what is no prediction has its line.
        log.write_text("".join(lines)[:-20])
        assert f"the last line, {n}, is torn" in replayed(service, log)
    with Server(WINE_SERVER) as server:
        server.post("/batch_predict", {"records": RECORDS["wine"]})
        lines = server.log_lines()
    assert json.loads(lines[0])["cultivar"] == "third"
    # Another class, an unknown one, a number that is missing, an order that is another.
    for change, words in (({"cultivar": "first"}, "cultivar: {} stay, 1 change\n  first -> third: 1"),
                          ({"cultivar": "fourth"}, 'line 1: the model has no class "fourth"'),
                          ({"cultivar": 3}, 'line 1: no class "cultivar"'),
                          ({"probabilities": {"first": 1, "second": 0}}, 'line 1: no number of the class "third"'),
                          ({"probabilities": {"second": 1}}, 'line 1: "probabilities" has "second" where the model has the class "first"'),
                          ({"probabilities": {"first": 1, "second": 0, "third": 0, "x": 0}}, '"x" where the model has no more classes'),
                          ({"probabilities": None}, 'line 1: no object "probabilities"')):
        log.write_text("".join([json.dumps({**json.loads(lines[0]), **change}) + "\n", *lines[1:]]))
        found = replayed("wine", log, status=4)
        assert words.format(len(lines) - 1) in found, (change, found)


def log_of(service, predictions, folder):
    limit = {"threshold": 0.25} if service == "anomaly" else {}
    log = folder / (service + ".log")
    log.write_text("".join(json.dumps({"timestamp_utc": "2026-01-31T12:00:00+00:00", **limit, **p, "features": r}) + "\n"
                           for p, r in zip(predictions, RECORDS["diabetes"])))
    return log


def test_replay_of_every_task(folder):
    logs = {}
    for service, (_, names) in ROUGH.items():
        model = write_model(folder, service)
        predictions = answers(service, RECORDS["diabetes"], "--model", model)
        assert list(predictions[0]) == names
        log = logs[service] = log_of(service, predictions, folder)
        n = len(predictions)
        assert f"{n} records replayed: {n} with the logged bits" in replayed(service, log, "--model", model)
        last = "usual" if service == "anomaly" else names[-1]
        predictions[5] = {**predictions[5], last: bits_changed(predictions[5][last])}
        found = replayed(service, log_of(service, predictions, folder), "--model", model, status=4)
        assert "1 different" in found and f"{last}: largest difference" in found and "(line 6: " in found, found
        if service == "anomaly":
            predictions[5][names[1]] ^= 1
            found = replayed(service, log_of(service, predictions, folder), "--model", model, status=4)
            assert f"is_outlier: {n - 1} stay, 1 change" in found, found
        log_of(service, answers(service, RECORDS["diabetes"], "--model", model), folder)
    # A log of another prediction is refused with one sentence, whatever its lines are.
    logs["student"] = folder / "student.log"
    logs["student"].write_text(json.dumps({"timestamp_utc": "x", "threshold": 0.5, "probability": 0.5, "label": 0, "features": {}}) + "\n")
    for service in ROUGH:
        for other, log in logs.items():
            if other == service:
                continue
            refused = run(service, "--replay", log, "--model", folder / (service + ".json"), status=1)
            assert not refused.stdout and refused.stderr.count(b"\n") == 1 and b"it is a log of another prediction" in refused.stderr, \
                (service, other, refused)
    refused = run("diabetes", "--replay", logs["student"], status=1).stderr.decode()
    assert refused == ('score_stream: line 1 of the log has no "progression" but "probability", "label": it is a log of another '
                       "prediction; replay it with the program and a model of that\n"), refused


def test_a_model_of_another_task(folder):
    refused = run("wine", "--model", MODELS / "diabetes.json", given=b"", status=1).stderr.decode()
    assert refused == (f"score_stream: {MODELS / 'diabetes.json'}: the model's task is regression, the declared prediction's is multiclass: declare "
                       'ts::regression<"name"> for this model\n'), refused


for name, test in [(n, t) for n, t in list(globals().items()) if n.startswith("test_")]:
    with tempfile.TemporaryDirectory() as made:
        test(Path(made))
    print(name, "passed", flush=True)
