#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tabscore-labels: what is joined and what is not, for each task, within bounded memory; with scikit-learn's figures
where it is installed. Usage: labels.py PROGRAM"""
import gzip
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import numpy
    from sklearn import metrics
except ImportError:
    metrics = None

program = sys.argv[1]
folder = tempfile.TemporaryDirectory()
work = pathlib.Path(folder.name)
random.seed(21)


def run(*flags, status=0):
    done = subprocess.run([program, *map(str, flags)], capture_output=True, text=True)
    assert done.returncode == status, (flags, done.returncode, done.stderr)
    return json.loads(done.stdout) if status == 0 else done.stderr, done.stderr


def written(name, lines):
    path = work / name
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def logged(i, members, time="2026-01-02T10:00:00.5+00:00", model="aa", **features):
    line = {"timestamp_utc": time, **members, "features": {"order": f"o{i}", "days": 3, **features}}
    return {**line, "model": model} if model is not None else line


def value(report, name):
    return report["figures"][name]["value"]


def near(a, b):
    assert math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12), (a, b)


# Binary: windows, segments, models, and labels of every fate.
n = 3000
rows = []
for i in range(n):
    p = random.random() ** 2
    rows.append((p, int(p >= 0.3), int(random.random() < p), random.choice(["DE", "FR", "Å"]), random.choice("ab")))
log = [
    logged(i, {"threshold": 0.3, "p": p, "buys": z}, f"2026-01-{1 + i % 3:02}T{i % 24:02}:00:00+00:00", m, country=c)
    for i, (p, z, y, c, m) in enumerate(rows)
]
labels = [{"id": f"o{i}", "label": y, "time": "2026-01-04T00:00:00Z"} for i, (p, z, y, c, m) in enumerate(rows)]
random.shuffle(labels)
log.insert(7, '{"timestamp_utc": "2026-01-02T')
log.append(log[0])  # predicted again by the same model
log.append({**log[1], "model": "c"})  # by another one
log.append(logged("x", {"threshold": 0.3, "p": 0.5, "buys": 1}, country="DE"))  # no label
log.append(logged(5, {"threshold": 0.3, "p": 1.5, "buys": 1}, country="DE"))  # no probability
log_file = written("log.jsonl", log)
labels.append(labels[0])
labels.append({**labels[0], "label": 1 - labels[0]["label"]})
labels.append({"id": "never", "label": 1})
labels.append({"id": "o1", "label": 2})
labels.append('{"id": "o1", "label": NaN}')
labels.append({"label": 1})
labels.append('{"id": "o1", "label": 1} {"id": "o2", "label": 1}')
label_file = written("labels.ndjson", labels)
base = ["--id", "order", "--labels", label_file]

# What is expected without labels: sums over probabilities.
expected = {m["model"]: m for m in run("--id", "order", "--estimate", "--window", "day", log_file)[0]["models"]}
for model in "ab":
    known = [(p, z) for p, z, _, _, m in rows if m == model]
    estimated = expected[model]["estimated"]
    assert estimated["predictions"] == len(known) and expected[model]["performance"]["n"] == 0
    near(value(estimated, "accuracy"), sum(p if z else 1 - p for p, z in known) / len(known))
    near(value(estimated, "precision"), sum(p for p, z in known if z) / sum(z for _, z in known))
    near(value(estimated, "brier"), sum(p * (1 - p) for p, _ in known) / len(known))
    assert estimated["calibration"]["status"] == "unknown"
    assert sum(w["estimated"]["predictions"] for w in expected[model]["windows"]) == len(known)
for m in run(*base, "--estimate", log_file)[0]["models"]:
    assert m["estimated"]["predictions"] == expected[m["model"]]["estimated"]["predictions"]
    assert m["estimated"]["calibration"]["status"] == ("holds" if m["model"] in ("a", "b") else "unknown"), m["model"]
assert "--labels or --estimate is required" in run("--id", "order", log_file, status=2)[0]
assert run(*base, log_file, "-o", "-") == run(*base, log_file)
twice = written("twice.ndjson", ['{"id": "o1", "label": 1, "label": 0}'])
assert run("--id", "order", "--labels", twice, log_file)[0]["labels"]["unreadable"] == 1
for flag, wrong in ("--id", ""), ("--levels", "0.1"), ("--output", ""):
    flags = [*([] if flag == "--id" else ["--id", "order"]), flag, wrong]
    assert flag in run(*flags, "--labels", twice, log_file, status=2)[0], flag
(work / "log.jsonl.intent").write_bytes(bytes(96))  # a pattern such as log.jsonl* names it, too
assert run(*base, log_file, work / "log.jsonl.intent") == run(*base, log_file)
(work / "log.gz").write_bytes(gzip.compress(log_file.read_bytes()))  # set aside, and compressed by logrotate
assert "log.gz: is compressed" in run(*base, log_file, work / "log.gz", status=1)[0]
(work / "labels.gz").write_bytes(gzip.compress(label_file.read_bytes()))
assert "labels.gz: is compressed" in run("--id", "order", "--labels", work / "labels.gz", log_file, status=1)[0]
twice = written("twice.csv", ["id,label,label", "o1,1,0"])
assert "has 'label' twice" in run("--id", "order", "--labels", twice, log_file, status=1)[0]

report, errors = run(*base, "--exact", "--window", "day", "--segment", "country", log_file)
assert report["labels"] == {
    "read": n + 7, "joined": n, "late": 0, "duplicate": 1, "contradicting": 1, "unknown": 1, "unreadable": 4,
}, report["labels"]
assert report["predictions"] == {
    "read": n + 5, "labelled": n + 1, "late": 0, "unlabelled": 1, "repeated": 1, "unreadable": 2,
}, report["predictions"]
assert "log.jsonl, line 8: " in errors and "the label is not 0, 1, false or true" in errors, errors
assert [m["model"] for m in report["models"]] == ["a", "b", "c"]
for model in report["models"][:2]:
    mine = [r for r in rows if r[4] == model["model"]]
    everything = model["performance"]
    assert everything["n"] == len(mine)
    assert sum(w["performance"]["n"] for w in model["windows"]) == len(mine)
    assert [w["from"] for w in model["windows"]] == [f"2026-01-0{d}T00:00:00Z" for d in (1, 2, 3)]
    assert sorted(s["value"] for s in model["segments"]) == ["DE", "FR", "Å"]
    for part, of in [(everything, mine)] + [
        (s["performance"], [r for r in mine if r[3] == s["value"]]) for s in model["segments"]
    ]:
        right = sum(z == y for _, z, y, _, _ in of)
        near(value(part, "accuracy"), right / len(of))
        near(value(part, "brier"), sum((p - y) ** 2 for p, _, y, _, _ in of) / len(of))
        if metrics:
            p, z, y = (numpy.array([r[k] for r in of]) for k in range(3))
            near(value(part, "roc_auc"), metrics.roc_auc_score(y, p))
            near(value(part, "pr_auc"), metrics.average_precision_score(y, p))
            near(value(part, "log_loss"), metrics.log_loss(y, p))
            near(value(part, "f1"), metrics.f1_score(y, z))

# Cells give bounds around it, a temporary file the same bytes, and so do other orders of files.
exact, _ = run(*base, "--exact", log_file)
cells, _ = run(*base, log_file)
for a, b in zip(exact["models"][:2], cells["models"][:2]):
    for name in ("roc_auc", "pr_auc", "ks"):
        bounds = b["performance"]["figures"][name]
        assert bounds["at_least"] - 1e-12 <= value(a["performance"], name) <= bounds["at_most"] + 1e-12
many = written("many.jsonl", [logged(i, {"threshold": 0.3, "p": rows[i % n][0], "buys": 1}) for i in range(20000)])
many_labels = written("many.ndjson", [{"id": f"o{i}", "label": i % 2} for i in range(20000)])
many_flags = ["--id", "order", "--labels", many_labels, many]
assert run(*many_flags, "--memory-mib", 1) == run(*many_flags)
assert not list(work.glob("tabscore-labels*"))
halves = [written(f"half{k}.jsonl", log[k::2]) for k in (0, 1)]
assert run(*base, *halves)[0]["models"][0] == cells["models"][0]

# A label that is late, in hours; a table of labels; an integer id; the standard output into a file.
few = written("few.jsonl", [logged(i, {"threshold": 0.5, "p": 0.75, "buys": 1}, order=i) for i in range(3)])
table = written("few.csv", ["time,label,id,note", '2026-01-02T11:00:00Z,1,0,"a, ""b"""', "2026-01-09,0,1,", "2026-01-02,0"])
out = work / "out.json"
done = subprocess.run([program, "--id", "order", "--labels", table, "--max-delay-hours", "24", few, "-o", out],
                      capture_output=True, text=True)
assert done.returncode == 0, done.stderr
report = json.loads(out.read_text())
assert (report["labels"]["joined"], report["labels"]["late"], report["labels"]["unreadable"]) == (1, 1, 1), report
assert report["predictions"]["late"] == 1 and report["predictions"]["unlabelled"] == 1
assert report["models"][0]["performance"]["figures"]["precision"]["value"] == 1

# What is no CSV with line feeds is an error or unreadable, never nothing or another id.
for text in ("id,label,note\ro1,1,x\ro2,0,y\r", "id,label,note\ro1,1,x\r\n", "\rid,label\no1,1\n"):
    (work / "ends.csv").write_text(text, newline="")
    assert "carriage return" in run("--id", "order", "--labels", work / "ends.csv", many, status=1)[0], text
(work / "semicolons.csv").write_text("id;label\no1;1\n")
assert "set the separator" in run("--id", "order", "--labels", work / "semicolons.csv", many, status=1)[0]
assert run("--id", "order", "--labels", work / "semicolons.csv", "--separator", ";", many)[0]["labels"]["joined"] == 1
(work / "ends.csv").write_text('id,label,note\r\no1,1,"x\ry"\r\n\ro2,0,x\n"o3"4,0,x\no5,0,x\ro6,1,y\no7,1,\n', newline="")
report, errors = run("--id", "order", "--labels", work / "ends.csv", many)
counts = report["labels"]
assert (counts["joined"], counts["unreadable"], counts["unknown"]) == (2, 3, 0), counts
# Cells may contain line feeds; quotes without an end cost their line, and nothing of a cell is another label.
(work / "cells.csv").write_text('id,label,note\no1,1,"a\no2,0,b\n"\n"o3",0,"""\n,"\no4,1,"stray\no5,1,c\no6,2,d\n' + "o7,0,\n" * 3000000)
report, errors = run("--id", "order", "--labels", work / "cells.csv", many)
counts = report["labels"]
assert (counts["joined"], counts["unreadable"], counts["duplicate"]) == (4, 2, 2999999), counts
assert "cells.csv, line 7: quotes that do not enclose a cell" in errors and "cells.csv, line 9: the label is not 0" in errors, errors

# Ids of half a surrogate pair, which a log may have.
halves = written("half.jsonl", [logged(0, {"threshold": 0.5, "p": 0.75, "buys": 1}, order=i) for i in ("\ud800x", "x\udc00", "x")])
half_labels = written("half.ndjson", ['{"id":"\\uD800x","label":1}', '{"id":"\\u0078\\uDC00","label":1}', '{"id":"\\udc00x","label":1}'])
report, errors = run("--id", "order", "--labels", half_labels, halves)
assert (report["labels"]["joined"], report["labels"]["unknown"], report["predictions"]["unreadable"]) == (2, 1, 0), errors

# Other tasks.
classes = ["ash", "elm", "oak"]
probabilities = [[random.random() for _ in classes] for _ in range(400)]
probabilities = [[x / sum(row) for x in row] for row in probabilities]
truth = [random.choice(classes) for _ in probabilities]
log_file = written("wood.jsonl", [
    logged(i, {"wood": classes[row.index(max(row))], "shares": dict(zip(classes, row))}, model=None)
    for i, row in enumerate(probabilities)
])
label_file = written("wood.ndjson", [{"id": f"o{i}", "label": t} for i, t in enumerate(truth)] + [{"id": "o1", "label": "fir"}])
report, errors = run("--task", "multiclass", "--id", "order", "--labels", label_file, log_file)
assert report["labels"]["unreadable"] == 1 and "is not one of the model's classes" in errors
assert report["models"][0]["model"] is None
wood = report["models"][0]["performance"]
predicted = [classes[row.index(max(row))] for row in probabilities]
assert wood["confusion"]["actual_by_predicted"] == [
    [sum(t == a and p == b for t, p in zip(truth, predicted)) for b in classes] for a in classes
]
if metrics:
    near(value(wood, "macro_f1"), metrics.f1_score(truth, predicted, average="macro"))
    near(value(wood, "log_loss"), metrics.log_loss(truth, probabilities, labels=classes))

numbers = [(random.gauss(10, 2), random.gauss(10, 2)) for _ in range(300)]
log_file = written("price.jsonl", [logged(i, {"price": p}) for i, (p, _) in enumerate(numbers)])
label_file = written("price.ndjson", [{"id": f"o{i}", "label": y} for i, (_, y) in enumerate(numbers)])
price = run("--task", "regression", "--id", "order", "--labels", label_file, log_file)[0]["models"][0]["performance"]
near(value(price, "mae"), sum(abs(p - y) for p, y in numbers) / 300)
near(value(price, "rmse"), math.sqrt(sum((p - y) ** 2 for p, y in numbers) / 300))
log_file = written("range.jsonl", [logged(i, {"p10": p - 2, "p90": p + 2}) for i, (p, _) in enumerate(numbers)])
spread = run("--task", "quantiles", "--id", "order", "--labels", label_file, log_file)[0]["models"][0]["performance"]
near(value(spread, "interval_coverage"), sum(p - 2 <= y <= p + 2 for p, y in numbers) / 300)
near(value(spread["quantiles"][0], "pinball_loss"),
     sum(max(0.1 * (y - p + 2), 0.9 * (p - 2 - y)) for p, y in numbers) / 300)
log_file = written("odd.jsonl", [logged(i, {"score": -abs(p - 10), "threshold": -1, "is_outlier": int(abs(p - 10) > 1)})
                                 for i, (p, _) in enumerate(numbers)])
label_file = written("odd.ndjson", [{"id": f"o{i}", "label": abs(p - 10) > 1.5} for i, (p, _) in enumerate(numbers)])
odd = run("--task", "anomaly", "--exact", "--id", "order", "--labels", label_file, log_file)[0]["models"][0]["performance"]
near(value(odd, "roc_auc"), 1)
near(value(odd, "recall"), 1)

# What is wrong is said.
for flags, said in [
    ([*base[:2], "--labels", work / "missing.ndjson", few], "missing.ndjson: cannot be opened"),
    ([*base, work / "missing.jsonl"], "missing.jsonl: cannot be opened"),
    ([*base, written("empty.jsonl", [])], "there is no prediction in the logs"),
    (["--id", "client", *base[2:], few], "has no id"),
    ([*base, "--task", "multiclass", few], "has no prediction of several classes"),
]:
    errors, _ = run(*flags, status=1)
    assert said in errors, errors
# An input is not replaced by the report.
for flags, shell in [(["-o", few], False), (["-o", base[3]], False), ([], True)]:
    before = pathlib.Path(few).read_bytes(), pathlib.Path(base[3]).read_bytes()
    if shell:
        with open(few, "r+b") as kept:
            done = subprocess.run([program, *map(str, [*base, few])], stdout=kept, stderr=subprocess.PIPE)
        assert done.returncode == 1 and b"the standard output is one of the logs" in done.stderr, done.stderr
    else:
        errors, _ = run(*base, *flags, few, status=1)
        assert "--output is one of the l" in errors, errors
    assert before == (pathlib.Path(few).read_bytes(), pathlib.Path(base[3]).read_bytes())
errors, _ = run(*base, status=2)
assert "no prediction log is given" in errors
print("labels join predictions")
