#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dashboard.py PROGRAM [FOLDER]: the dashboard in headless Chromium, at a desktop's and a phone's width, in light and dark.

It must show what was sent, fit the width, raise no error, and load nothing from anywhere else. Screenshots go to FOLDER.
Skipped (status 77) where the Debian package chromium is not installed."""
import pathlib
import random
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from browser import BROWSER, WIDTHS, look, proxy_for  # noqa: E402
from checks import expect, skip  # noqa: E402
from example_server import RECORD, Server  # noqa: E402

# Frames the dashboard at a width (a browser's window has a least one), waits for it and writes down what it shows.
FRAME = """<!DOCTYPE html><link rel="icon" href="data:,"><style>body { margin: 0 } iframe { border: 0; width: %dpx; height: 5000px }</style>
<iframe src="%s/dashboard"></iframe><pre id="result"></pre><script>
const frame = document.querySelector("iframe");
const wait = setInterval(() => {
  const page = frame.contentDocument;
  if (page?.body?.dataset.state !== "live") return;
  clearInterval(wait);
  const text = id => page.getElementById(id).textContent;
  document.getElementById("result").textContent = JSON.stringify({
    width: page.documentElement.scrollWidth, height: page.body.offsetHeight,
    background: getComputedStyle(page.body).backgroundColor,
    verdict: text("verdict"), tiles: text("tiles"), rejected: text("rejected"), latency: text("latency"), model: text("model"),
    rows: [...page.querySelectorAll("td.bar div")].filter(d => d.offsetHeight > 5 && d.offsetWidth > 0).length,
    lines: page.querySelectorAll("#rate path, #drift path").length,
    bars: page.querySelectorAll("#features rect").length, alarms: page.querySelectorAll("#features .alarm").length,
    features: [...page.querySelectorAll("#features h3")].map(h => h.textContent)});
  frame.style.height = page.body.offsetHeight + "px";
}, 50);
</script>"""


def send_traffic(server, seconds):
    dice = random.Random(1)
    sent = 0
    end = time.time() + seconds
    while time.time() < end:
        records = [{**RECORD, "student_country": dice.choice(["US", "IN", "GB", "Nowhere"]),
                    "days_on_platform": int(dice.expovariate(1 / 120)), "minutes_watched": dice.expovariate(1 / 300),
                    "practice_exams_started": 1, "practice_exams_passed": dice.choice([0, 1])} for _ in range(20)]
        expect(server.post("/batch_predict", {"records": records})[0] == 200, "traffic")
        sent += len(records)
        time.sleep(0.05)
    expect(server.post("/batch_predict", {"records": [{**RECORD, "practice_exams_passed": 9}] * 3})[0] == 422, "a rule")
    expect(server.post("/predict", {**RECORD, "minutes_watched": -1})[0] == 422, "a value")
    return sent


def main():
    if not BROWSER:
        skip("apt install chromium")
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    page = (ROOT / "include" / "tabscore" / "serving" / "detail" / "pages" / "dashboard.html.inc").read_text()
    page = page.removeprefix('R"page(').removesuffix(')page"\n')
    expect(not re.search(r'(src|href)="(?!data:)|@import|url\(|https?://', page), "the page names something to load")
    with Server(sys.argv[1]) as server:
        expect(server.get("/dashboard").decode() == page.replace("{title}", "Student purchase predictions"), "the page is not the one that was written")
        sent = send_traffic(server, 12)
        asked = []
        prefix = "/scoring"  # as a proxy may serve it
        proxy = proxy_for(server, {name: FRAME % (width, prefix) for name, width in WIDTHS.items()}, asked, prefix)
        paper = {}
        for name, width in WIDTHS.items():
            for dark in (False, True):
                url = "http://127.0.0.1:%d/%s" % (proxy.server_address[1], name)
                picture = folder / ("%s_%s.png" % (name, "dark" if dark else "light")) if folder else None
                seen = look(url, dark, picture, 3600 if name == "phone" else 2000)
                where = "%s, %s: " % (name, "dark" if dark else "light")
                expect(seen["width"] == width, where + "it is %d wide, the screen %d" % (seen["width"], width))
                expect(format(sent, ",") in seen["tiles"], where + "%d records are not in %s" % (sent, seen["tiles"]))
                expect("Drift" in seen["verdict"], where + seen["verdict"])
                expect("practice_exams_passed cannot exceed" in seen["rejected"], where + seen["rejected"])
                expect("value_error.number.not_ge" in seen["rejected"], where + seen["rejected"])
                expect("decode" in seen["latency"] and "respond" in seen["latency"], where + seen["latency"])
                expect("student_logistic" in seen["model"], where + seen["model"])
                expect(seen["lines"] == 2, where + "%d lines are drawn" % seen["lines"])
                expect(seen["rows"] == 5, where + "%d bars in tables" % seen["rows"])
                expect("minutes_watched" in seen["features"] and "student_country" in seen["features"], where + "features")
                expect(seen["bars"] > 50 and seen["alarms"] > 0, where + "%(bars)d bars, %(alarms)d alarms" % seen)
                paper[name, dark] = seen["background"]
                print("ok      %s%d x %d" % (where, seen["width"], seen["height"]))
        expect(paper["phone", False] != paper["phone", True], "dark is as bright as light")
        proxy.shutdown()
        strange = set(asked) - {"/dashboard", "/metrics", "/model", "/monitoring/drift", "/monitoring/report",
                                "/monitoring/history"}
        expect(not strange, "it asked for %s" % strange)


if __name__ == "__main__":
    main()
