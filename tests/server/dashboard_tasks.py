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
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from browser import BROWSER, WIDTHS, expect, look, proxy_for  # noqa: E402
from dashboard import FRAME  # noqa: E402
from example_server import Server  # noqa: E402

EXPECTED = json.loads((HERE / "tasks_expected.json").read_text(encoding="utf-8"))
LOANS = json.loads((HERE / "loans_expected.json").read_text(encoding="utf-8"))
SHOWN = FRAME.replace("const text = ", """const last = [...page.querySelectorAll("#rate > div")].at(-1);
  last.dispatchEvent(new PointerEvent("pointermove", {clientX: last.getBoundingClientRect().right - 9, bubbles: true}));
  const text = """).replace('rows: [', """title: text("rate-title"), key: page.querySelector("#rate .key").textContent, tip: text("tip"),
    all: page.querySelector("main").textContent, rows: [""")


def traffic(server, records, seconds):
    """The records again and again, in parts; how many were sent."""
    dice, sent, end = random.Random(1), 0, time.time() + seconds
    while time.time() < end:
        some = dice.choices(records, k=20)
        expect(server.post("/batch_predict", {"records": some})[0] == 200, "traffic")
        sent += len(some)
        time.sleep(0.05)
    return sent


def views(program, server, sent, folder):
    """What the pages of each width and scheme show, of so many records."""
    proxy = proxy_for(server, {name: SHOWN % (width, "") for name, width in WIDTHS.items()}, [])
    two_classes = "positives" in json.loads(server.get("/monitoring/history"))
    for name, width in WIDTHS.items():
        for dark in (False, True):
            where = "%s, %s, %s" % (pathlib.Path(program).name, name, "dark" if dark else "light")
            picture = folder / (where.replace(", ", "_") + ".png") if folder else None
            url = "http://127.0.0.1:%d/%s" % (proxy.server_address[1], name)
            seen = look(url, dark, picture, 3600 if name == "phone" else 2000)
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
        print("skipped: apt install chromium")
        sys.exit(77)
    programs, folder = sys.argv[1:4], pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
    records = [[e["record"] for e in EXPECTED["wine"]], [e["record"] for e in EXPECTED["diabetes"]], [e["loan"] for e in LOANS]]
    with contextlib.ExitStack() as running, concurrent.futures.ThreadPoolExecutor(len(programs)) as pool:
        servers = [running.enter_context(Server(program)) for program in programs]
        sent = list(pool.map(lambda server, some: traffic(server, some, 12), servers, records))
        look_at(*(views(*each, folder) for each in zip(programs, servers, sent)))


def look_at(wine, diabetes, loans):
    for where, seen in wine:
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


if __name__ == "__main__":
    main()
