#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hostile_pages.py PROGRAM MODEL [FOLDER]: a model file full of HTML and scripts, shown by the pages in headless Chromium.

Everything must be shown as text: nothing runs, no element comes into being, and the browser has nothing to complain about.
Also what /model and /openapi.json say of class names. Skipped (status 77) without the Debian package chromium."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from browser import BROWSER, look, proxy_for  # noqa: E402
from checks import expect, skip  # noqa: E402
from example_server import RECORD, Server  # noqa: E402

EVIL = "<img src=x onerror=parent.ran=1>\"' onload=alert(1) </script><script>parent.ran=2</script>${parent.ran=3}{root}\u2028"
CLASSES = [EVIL + "no", EVIL + "yes"]
FRAME = """<!DOCTYPE html><link rel="icon" href="data:,"><iframe src="/%s" style="width: 1200px; height: 3000px"></iframe>
<pre id="result"></pre><script>
window.ran = 0;
const frame = document.querySelector("iframe");
const wait = setInterval(() => {
  const page = frame.contentDocument;
  if (!["live", "ready"].includes(page?.body?.dataset.state)) return;
  clearInterval(wait);
  for (const details of page.querySelectorAll("details")) details.open = true;
  const text = page.body.textContent.replaceAll("<", "(").replaceAll(">", ")").replaceAll("&", "+");
  document.getElementById("result").textContent = JSON.stringify({ran, text,
    strange: page.querySelectorAll("img, [onerror], [onload], body script:not(:last-of-type)").length});
}, 50);
</script>"""


def hostile(model):
    """The model file with other names: it still gives its trainer's numbers."""
    renamed = {}
    for feature in model["features"]["text"]:
        feature["categories"] = [name and renamed.setdefault(name, EVIL + name) for name in feature["categories"]]
    for check in model["checks"]:
        check["text"] = [renamed.get(text, text) for text in check["text"]]
    model.update(name=EVIL, classes=CLASSES)
    origin = model["provenance"]
    origin["trainer"] = {"name": EVIL, "version": EVIL}
    origin["exporter"] = origin["date"] = origin["training_data"]["file"] = EVIL
    origin["metrics"] = {EVIL + name: value for name, value in origin["metrics"].items()}
    return model


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    plain = json.loads(pathlib.Path(sys.argv[2]).read_text())

    def label(server):
        document = json.loads(server.get("/openapi.json"))
        return document["components"]["schemas"]["PredictResponse"]["properties"]["predicted_purchase"]["description"]
    for classes in (None, ["bad", "good"]):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({k: v for k, v in plain.items() if k != "classes"} | ({"classes": classes} if classes else {}), file)
            file.flush()
            with Server(program, "--model", file.name) as server:
                expect(json.loads(server.get("/model"))["classes"] == classes, "the card's classes")
                says = ["does not say"] if classes is None else ["1: 'good'", "0: 'bad'"]
                expect(all(word in label(server) for word in says), label(server))
    with Server(program, "--model", "none") as server:
        expect("does not say" in label(server), "without a model")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(hostile(plain), file)
        file.flush()
        with Server(program, "--model", file.name) as server:
            card = json.loads(server.get("/model"))
            expect((card["classes"], card["name"], card["trainer"]["name"]) == (CLASSES, EVIL, EVIL), "the card")
            expect(CLASSES[1] in label(server), label(server))
            records = [{**RECORD, "student_country": country} for country in (EVIL[:64], "US", "<b>x</b>")] * 400
            expect(server.post("/batch_predict", {"records": records})[0] == 200, "predictions")
            if not BROWSER:
                skip("apt install chromium")
            proxy = proxy_for(server, {"frame_" + page: FRAME % page for page in ("dashboard", "docs", "redoc")}, [])
            for page, shown in (("dashboard", "parent.ran=2"), ("docs", "parent.ran=1"), ("redoc", "parent.ran=1")):
                picture = folder / (page + ".png") if folder else None
                seen = look("http://127.0.0.1:%d/frame_%s" % (proxy.server_address[1], page), False, picture, 3000, 8)
                expect(seen["ran"] == 0 and seen["strange"] == 0, "%s: %d ran, %d strange elements" % (page, seen["ran"], seen["strange"]))
                expect(shown in seen["text"], "%s does not show the names: %.300s" % (page, seen["text"]))
                print("ok      %s" % page)
            proxy.shutdown()


if __name__ == "__main__":
    main()
