#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dashboard_tasks.py WINE_SERVER DIABETES_SERVER LOAN_SERVER [FOLDER]: the dashboard of several classes, of a number and of
decisions, as dashboard.py.

Screenshots go to FOLDER. Skipped (status 77) where the Debian package chromium is not installed."""
import concurrent.futures
import contextlib
import json
import pathlib
import random
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from browser import BROWSER, WIDTHS, look, proxy_for  # noqa: E402
from checks import expect, skip  # noqa: E402
from dashboard import FRAME  # noqa: E402
from example_server import Server  # noqa: E402

EXPECTED = json.loads((HERE / "tasks_expected.json").read_text(encoding="utf-8"))
LOANS = json.loads((HERE / "loans_expected.json").read_text(encoding="utf-8"))
SHOWN = FRAME.replace("const text = ", """const last = [...page.querySelectorAll("#rate > div")].at(-1);
  last.dispatchEvent(new PointerEvent("pointermove", {clientX: last.getBoundingClientRect().right - 9, bubbles: true}));
  const text = """).replace('rows: [', """title: text("rate-title"), key: page.querySelector("#rate .key").textContent, tip: text("tip"),
    all: page.querySelector("main").textContent, labels: page.getElementById("performance-row").hidden ? null : {
      figures: text("performance"), chosen: text("over-time-key"), intervals: page.querySelectorAll("#over-time .interval").length,
      curve: page.querySelectorAll("#calibration .point").length}, challengers: text("challengers"),
    curves: [...page.querySelectorAll("#rate path, #drift path")].map(p => p.getAttribute("d")),
    matrix: page.querySelectorAll("#challengers .matrix td.moved").length, rows: [""")


def traffic(server, records, seconds):
    """The records again and again, in parts; how many were sent. Where they have ids, their labels come as well."""
    dice, sent, end = random.Random(1), 0, time.time() + seconds
    while time.time() < end or (server.takes_labels and sent < 5000):
        some = dice.choices(records, k=200 if server.takes_labels else 20)
        if server.takes_labels:
            some = [{**record, "application": str(sent + i)} for i, record in enumerate(some)]
        status, _, content = server.post("/batch_predict?ids=%d" % server.takes_labels, {"records": some})
        expect(status == 200, "traffic")
        if server.takes_labels:
            labels = [{"id": p["application"], "label": int(dice.random() < p["probability"])} for p in json.loads(content)["predictions"]]
            expect(json.loads(server.post("/labels", labels)[2])["joined"] == len(labels), "labels")
        sent += len(some)
        time.sleep(0.05)
    return sent


def share(value, n, spread=0.01):
    return {"value": value, "low": value - spread, "high": value + spread, "n": n}


def with_challenger(server):
    """Pages in the place of a service's with a challenger, an estimate without labels and a limit: by the shapes of docs/."""
    performance = json.loads(server.get("/monitoring/performance"))
    performance["models"][0].update({
        "estimated": {"predictions": 5000, "figures": {"accuracy": share(0.87, 5000), "roc_auc": share(0.5, 5000)},
                      "confusion": {"classes": ["0", "1"], "actual_by_predicted": [[1.5, 2], [3, 4]]},
                      "calibration": {"labels": 5000, "ece": 0.04, "noise": 0.01, "limit": 0.02, "status": "fails"},
                      "warning": "A sentence of warning."},
        "alarm": True, "references": [{"figure": "accuracy", "source": "settings", "reference": 0.99, "limit": 0.98, "alarm": True}]})
    swap = {"of": "decision", "values": ["approve", "refer", "decline"], "records": 400, "changed": 7, "matrix": [[300, 4, 1], [2, 60, 0], [0, 0, 33]],
            "tenths": [{"from": i / 10, "to": (i + 1) / 10, "records": 40, "changed": int(i == 4) * 7, "matrix": None} for i in range(10)],
            "segments": [{"field": "purpose", "value": "car", "records": 300, "changed": 3, "matrix": None},
                         {"field": "purpose", "value": None, "records": 60, "changed": 4, "matrix": None},
                         {"field": "purpose", "other": True, "records": 40, "changed": 0, "matrix": None}]}
    compare = {"champion": {"model": "a" * 64, "version": "one"}, "challengers": [{
        "model": "b" * 64, "version": "another version", "since": "2026-11-29T22:40:00Z", "records": {"compared": 400, "shed": 12, "failed": 0},
        "swaps": [swap], "differences": [{"name": "probability", "mean": -0.01, "mean_absolute": 0.03, "rms": 0.05, "largest": 0.41, "histogram":
                                          [{"from": -0.02, "to": 0, "records": 300}, {"from": 0, "to": 0.02, "records": 100}]}],
        "performance": {"window": {"capacity": 10, "predictions": 10}, "pairs": 400, "champion": {"figures": {"accuracy": share(0.9, 400)}},
                        "challenger": {"figures": {"accuracy": share(0.95, 400)}}, "differences": [{"figure": "accuracy", **share(0.05, 400)}]}}],
        "arms": {"field": "application", "salt": "s", "arms": [{"arm": "champion", "model": "a" * 64, "weight": 0.9, "records": 360},
                                                             {"arm": "trial", "model": "b" * 64, "weight": 0.1, "records": 40}],
                 "unassigned": 0, "chi_square": 0, "degrees_of_freedom": 1, "p": 0.65, "alarm": False}}
    # Another model after half of the moments, whose counts soon exceed those of the first.
    history, moments = json.loads(server.get("/monitoring/history")), range(12)
    start = history["time"][0]
    counts = [i * 100 if i < 6 else (i - 5) * 900 for i in moments]
    history.update({"time": [start + 5 * i for i in moments], "records": counts, "rejected": [0] * 12, "drift": [0.1] * 12,
                    "positives": [c // (2 if i < 6 else 50) for i, c in enumerate(counts)],
                    "decisions": {"approve": counts, "refer": [0] * 12, "decline": [0] * 12},
                    "models": [{"time": start, "model": "a" * 64}, {"time": start + 30, "model": "b" * 64}]})
    return {"monitoring/history": json.dumps(history), "metrics": server.get("/metrics").decode() + "tabscore_challenger_records_total 400\n",
            "monitoring/performance": json.dumps(performance), "monitoring/compare": json.dumps(compare)}


def views(program, server, sent, folder):
    """What the pages of each width and scheme show, of so many records."""
    more = with_challenger(server) if server.takes_labels else {}
    proxy = proxy_for(server, {**{name: SHOWN % (width, "") for name, width in WIDTHS.items()}, **more}, [])
    two_classes = "positives" in json.loads(server.get("/monitoring/history"))
    for name, width in WIDTHS.items():
        for dark in (False, True):
            where = "%s, %s, %s" % (pathlib.Path(program).name, name, "dark" if dark else "light")
            picture = folder / (where.replace(", ", "_") + ".png") if folder else None
            url = "http://127.0.0.1:%d/%s" % (proxy.server_address[1], name)
            seen = look(url, dark, picture, 9000 if name == "phone" else 4500)
            expect(seen["width"] == width, where + ": it is %d wide" % seen["width"])
            expect(format(sent, ",") in seen["tiles"], where + ": %d records are not in %s" % (sent, seen["tiles"]))
            told = seen["all"].replace("string,null", "").replace("number,null", "")  # types of optional fields
            for wrong in ("NaN", "undefined", "null", *([] if two_classes else ["positive"])):
                expect(wrong not in told, where + ": it says " + wrong)
            print("ok      %s: %d x %d" % (where, seen["width"], seen["height"]))
            yield where, seen
    history = json.loads(server.get("/monitoring/history"))
    expect(history["records"][-1] <= sent and ("positives" in history) == two_classes, "history")
    proxy.shutdown()


def main():
    if not BROWSER:
        skip("apt install chromium")
    programs, folder = sys.argv[1:4], pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
    records = [[e["record"] for e in EXPECTED["wine"]], [e["record"] for e in EXPECTED["diabetes"]], [e["loan"] for e in LOANS]]
    with contextlib.ExitStack() as running, concurrent.futures.ThreadPoolExecutor(len(programs)) as pool:
        servers = [running.enter_context(Server(*each)) for each in zip(programs[:2])]
        servers.append(running.enter_context(Server(programs[2], "--label-window", "100000")))
        for server in servers:
            server.takes_labels = server is servers[2]
        sent = list(pool.map(lambda server, some: traffic(server, some, 12), servers, records))
        look_at(*(views(*each, folder) for each in zip(programs, servers, sent)))


def look_at(wine, diabetes, loans):
    for where, seen in wine:
        expect(seen["labels"] is None and seen["challengers"] == "", where + "sections without data")
        expect(seen["title"] == "Predicted classes", where + seen["title"])
        expect(all(name in seen["key"] and name in seen["tip"] for name in ("first", "second", "third")), where + seen["key"])
        expect(seen["lines"] == 4, where + ": %d lines" % seen["lines"])
        expect(seen["features"][:2] == ["number of the predicted class", "predicted class"], where + str(seen["features"]))
        expect("Most predicted class" in seen["tiles"], where + seen["tiles"])
        expect("multiclass" in seen["model"] and "Threshold" not in seen["model"], where + seen["model"])
    for where, seen in diabetes:
        expect(seen["title"] == "Predictions: mean progression", where + seen["title"])
        expect(seen["lines"] == 2, where + ": %d lines" % seen["lines"])
        expect(seen["features"][0] == "predicted progression", where + str(seen["features"]))
        expect("Mean progression" in seen["tiles"] and "training 152" in seen["tiles"], where + seen["tiles"])
        expect("regression" in seen["model"], where + seen["model"])
    for where, seen in loans:
        expect(seen["title"] == "Predictions and decisions", where + seen["title"])
        expect(all(name in seen["tip"] for name in ("approve", "refer", "decline")), where + seen["tip"])
        expect(seen["lines"] == 5, where + ": %d lines" % seen["lines"])  # a rate, three decisions, drift
        expect("loan_credit 2026-11" in seen["model"], where + seen["model"])
        labels, told = seen["labels"], seen["challengers"]
        expect(all(word in labels["figures"] for word in ("accuracy", "ROC AUC", "estimated", "98.0 %", "A sentence of warning.")), where + str(labels))
        expect("accuracy of the labels" in labels["chosen"] and labels["intervals"] >= 1 and labels["curve"] >= 3, where + str(labels))
        expect(seen["verdict"] == "⚠ Performance: accuracy", where + seen["verdict"])
        expect(all(word in told for word in ("another version", "1.75 % change", "of 300", "missing", "all others", "trial", "+5.00 %", "Shed")), where + told)
        expect(all(curve.count("M") == 2 for curve in seen["curves"]), where + ": lines between two models: %s" % seen["curves"])
        heights = [float(y) for y in re.findall(r" ([-\d.]+)", " ".join(seen["curves"]))]
        expect(0 <= min(heights) and max(heights) <= 168, where + ": shares that are none: %s" % seen["curves"])
        expect(seen["matrix"] == 3, where + ": %d cells of records that change" % seen["matrix"])


if __name__ == "__main__":
    main()
