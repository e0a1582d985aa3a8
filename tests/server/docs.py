#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs.py PROGRAM [PICTURES] [--swagger-ui FOLDER | --npm FOLDER]: /docs in headless Chromium, at two widths, in light and dark.

Both pages, the built-in one and, given its folder, Swagger UI: they show every operation, "Try it out" gets predictions,
they fit the width, raise no error, and load nothing from anywhere else. Skipped (status 77) without the Debian package
chromium, or when npm cannot fetch Swagger UI."""
import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from browser import BROWSER, WIDTHS, look, proxy_for  # noqa: E402
from checks import expect, skip  # noqa: E402
import npm  # noqa: E402
from example_server import Server  # noqa: E402

# Frames a page at a width, tries the predictions out, and writes down what came.
FRAME = """<!DOCTYPE html><link rel="icon" href="data:,"><style>body { margin: 0 } iframe { border: 0; width: %dpx; height: 3000px }</style>
<iframe src="%s"></iframe><pre id="result"></pre><script>
const frame = document.querySelector("iframe");
const until = condition => new Promise(done => { const wait = setInterval(() => {
  const found = frame.contentDocument && condition(frame.contentDocument);
  if (found) { clearInterval(wait); done(found); } }, 30); });
(async () => {
  const page = await until(d => d.body?.dataset.state === "ready" && d);
  const tried = {};
  for (const id of ["predict", "batch_predict", "v2_infer", "metrics"]) tried[id] = await (%s)(page, id);
  document.getElementById("result").textContent = JSON.stringify({tried, width: page.documentElement.scrollWidth,
    background: getComputedStyle(page.body).backgroundColor + getComputedStyle(page.documentElement).backgroundColor,
    operations: page.querySelectorAll("details.operation, .opblock").length, text: page.body.innerText.slice(0, 20000)});
})();
</script>"""
BUILT_IN = """async (page, id) => {
  const view = page.getElementById(id);
  view.open = true;
  view.querySelector("button").click();
  const answer = await until(() => view.querySelector(".answer").dataset.status && view.querySelector(".answer"));
  return [answer.dataset.status, answer.textContent];
}"""
SWAGGER = """async (page, id) => {
  const view = await until(d => [...d.querySelectorAll(".opblock")].find(b => b.id.endsWith("-" + id)));
  view.querySelector(".opblock-summary-control").click();
  (await until(() => view.querySelector(".try-out__btn"))).click();
  (await until(() => view.querySelector(".execute"))).click();
  const row = await until(() => view.querySelector(".live-responses-table .response"));
  return [row.querySelector(".response-col_status").innerText.trim().split(/\\s/)[0], row.querySelector(".response-col_description").innerText];
}"""


def visit(program, flags, path, script, name, pictures, extra_paths):
    with Server(program, *flags) as server:
        operations = sum(method in item for item in json.loads(server.get("/openapi.json"))["paths"].values()
                         for method in ("get", "post"))
        paper = {}
        for screen, width in WIDTHS.items():
            for dark in (False, True):
                asked = []
                prefix = "/scoring" if screen == "desktop" else ""  # as a proxy may serve it
                proxy = proxy_for(server, {"frame": FRAME % (width, prefix + path, script)}, asked, prefix)
                picture = pictures and pictures / ("docs_%s_%s_%s.png" % (name, screen, "dark" if dark else "light"))
                seen = look("http://127.0.0.1:%d/frame" % proxy.server_address[1], dark, picture, 3000, 20)
                proxy.shutdown()
                where = "%s, %s, %s: " % (name, screen, "dark" if dark else "light")
                for operation, (status, answer) in seen["tried"].items():
                    expect(status == "200", where + "%s got %s: %.300s" % (operation, status, answer))
                    expect(("tabscore_requests_total" if operation == "metrics" else "predicted_purchase_probability") in answer,
                           where + answer[:500])
                expect(seen["operations"] == operations, where + "%d of %d operations" % (seen["operations"], operations))
                expect(seen["width"] <= width, where + "it is %d wide, the screen %d" % (seen["width"], width))
                expect("One record, one prediction" in seen["text"], where + "no summaries")
                strange = {a.partition("?")[0] for a in asked} - {path, "/openapi.json", "/model", "/predict", "/batch_predict", "/metrics",
                                        "/v2/models/student_logistic/infer", *extra_paths}
                expect(not strange, where + "it asked for %s" % strange)
                paper[screen, dark] = seen["background"]
                print("ok      %s%d operations" % (where, seen["operations"]))
        expect(paper["phone", False] != paper["phone", True], name + ": dark is as bright as light")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("pictures", type=pathlib.Path, nargs="?")
    arguments.add_argument("--swagger-ui", type=pathlib.Path, help="a copy of the npm package")
    arguments.add_argument("--npm", type=pathlib.Path, help="where to install one")
    given = arguments.parse_args()
    missing = None if BROWSER else "apt install chromium"
    if given.npm:
        missing = missing or npm.missing(given.npm, "swagger-ui-dist@5")
        given.swagger_ui = given.npm / "node_modules" / "swagger-ui-dist"
    if missing:
        skip(missing)
    if given.swagger_ui:
        with Server(given.program, "--swagger-ui", str(given.swagger_ui)) as server:
            for name in ("swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE"):
                expect(server.get("/docs/" + name) == (given.swagger_ui / name).read_bytes(), name + " is another")
            expect(b"Not Found" in server.get("/docs/package.json"), "it gives away other files")
        visit(given.program, ["--swagger-ui", str(given.swagger_ui)], "/docs", SWAGGER, "swagger-ui", given.pictures,
              ["/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"])
    else:
        visit(given.program, ["--swagger-ui", "none"], "/docs", BUILT_IN, "built-in", given.pictures, [])
        visit(given.program, [], "/docs/oauth2-redirect", BUILT_IN, "built-in, one level deeper", given.pictures, [])


if __name__ == "__main__":
    main()
