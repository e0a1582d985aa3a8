#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""metrics.py PROGRAM: what /metrics says after known traffic, what promtool thinks of it and of the example rules, and whether
Prometheus reads it. All but the first are skipped where the Debian package prometheus is not installed."""
import json
import math
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from checks import expect_equal, free_port  # noqa: E402
from example_server import RECORD, Server, batch  # noqa: E402

SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
RULE = "practice_exams_passed cannot exceed practice_exams_started."


def samples(text):
    """{(name, frozenset of label pairs): value}"""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        key = name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
        if key in found:
            raise SystemExit("twice: %s" % line)
        found[key] = float(value)
    return found


def value(found, name, **labels):
    return found.get((name, frozenset(labels.items())))


def known_traffic(server):
    post = server.post
    threads = [threading.Thread(target=lambda: [post("/batch_predict", batch(7)) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect_equal(post("/predict", RECORD)[0], 200, "one record")
    expect_equal(post("/batch_predict", batch(5, practice_exams_passed=9))[0], 422, "a broken rule")
    wrong = {"records": [{**RECORD, "minutes_watched": -1, "minutes_spent_on_exams": -1}, RECORD,
                         {**RECORD, "minutes_watched": -1, "student_country": "U"}]}
    expect_equal(post("/batch_predict", wrong)[0], 422, "wrong values")
    expect_equal(post("/batch_predict", b'{"records": [')[0], 422, "no JSON")
    expect_equal(post("/nowhere", b"{}")[0], 404, "no such path")
    expect_equal(post("/health", b"{}")[0], 405, "another method")
    with socket.create_connection((server.host, server.port)) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        raw.recv(1000)


def check_counts(found):
    requests = "tabscore_requests_total"
    for labels, wanted in [({"route": "/batch_predict", "status": "200"}, 100),
                           ({"route": "/batch_predict", "status": "422"}, 3), ({"route": "/predict", "status": "200"}, 1),
                           ({"route": "/health", "status": "405"}, None), ({"route": "none", "status": "404"}, 1),
                           ({"route": "none", "status": "405"}, 1)]:
        expect_equal(value(found, requests, **labels), wanted, "%s %s" % (requests, labels))
    expect_equal(value(found, "tabscore_refused_requests_total", status="400"), 1, "bad HTTP")
    expect_equal(value(found, "tabscore_records_total"), 701, "records")
    expect_equal(value(found, "tabscore_observed_records_total"), 701, "observed")
    rejected = "tabscore_rejected_records_total"
    for error, rule, wanted in [("rule", RULE, 5), ("value_error.number.not_ge", "", 2),
                                ("value_error.any_str.min_length", "", 1), ("value_error.jsondecode", "", 1),
                                ("value_error.missing", "", 0)]:
        expect_equal(value(found, rejected, error=error, rule=rule), wanted, "rejected for " + error)
    for stage, wanted in [("decode", 104), ("score", 102), ("respond", 102)]:
        expect_equal(value(found, "tabscore_stage_seconds_count", stage=stage), wanted, stage)
        buckets = sorted((math.inf if le == "+Inf" else float(le), v) for (name, labels), v in found.items()
                         for le in [dict(labels).get("le")]
                         if name == "tabscore_stage_seconds_bucket" and dict(labels)["stage"] == stage)
        if [v for _, v in buckets] != sorted(v for _, v in buckets) or buckets[-1] != (math.inf, wanted):
            raise SystemExit("buckets of %s: %r" % (stage, buckets))
        if not 0 < value(found, "tabscore_stage_seconds_sum", stage=stage) < 60:
            raise SystemExit("no time passed in " + stage)
    expect_equal(value(found, "tabscore_log_records_total", outcome="written"), 701, "logged")
    expect_equal(value(found, "tabscore_log_records_total", outcome="dropped"), 0, "not logged")


def scrape(server):
    """A Prometheus of its own reads the server; what it then answers to a query is what the server said."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tabscore-prometheus-") as folder:
        config = pathlib.Path(folder, "prometheus.yml")
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "tabscore", "static_configs": [
                {"targets": ["%s:%d" % (server.host, server.port)]}]}]}))
        with open(pathlib.Path(folder, "log"), "w+") as log:
            prometheus = subprocess.Popen(
                ["prometheus", "--config.file=%s" % config, "--storage.tsdb.path=%s/data" % folder,
                 "--web.listen-address=127.0.0.1:%d" % port, "--log.level=warn"], stdout=log, stderr=log)
            try:
                query = "http://127.0.0.1:%d/api/v1/query?query=" % port
                wanted = {"tabscore_records_total": "701", "up": "1", "tabscore_model_info": "1",
                          "sum(tabscore_requests_total{status=\"422\"})": "3",
                          "histogram_quantile(0.5, tabscore_stage_seconds_bucket{stage=\"decode\"}) < 10 > bool 0": "1"}
                deadline = time.time() + 60
                for expression, answer in wanted.items():
                    got = None
                    while got != answer:
                        if time.time() > deadline or prometheus.poll() is not None:
                            log.seek(0)
                            raise SystemExit("Prometheus says %r of %s\n%s" % (got, expression, log.read()))
                        try:
                            reply = json.load(urllib.request.urlopen(query + urllib.parse.quote(expression), timeout=5))
                            result = reply["data"]["result"]
                            got = result[0]["value"][1] if result else None
                        except OSError:
                            pass
                        time.sleep(0.1)
            finally:
                prometheus.terminate()
                prometheus.wait()


def check_rules(text):
    """The example rules are valid, and name metrics that the server has."""
    rules = pathlib.Path(__file__).resolve().parents[2] / "examples" / "student_server" / "deploy" / "prometheus_rules.yml"
    verdict = subprocess.run(["promtool", "check", "rules", str(rules)], text=True, capture_output=True)
    expect_equal(verdict.returncode, 0, f"promtool check rules: {verdict.stdout}{verdict.stderr}")
    for metric in set(re.findall(r"tabscore_\w+", rules.read_text(encoding="utf-8"))):
        expect_equal(f"\n# TYPE {metric} " in text, True, metric)


def main():
    with Server(sys.argv[1], "--threads", "3") as server:
        known_traffic(server)
        text = server.get("/metrics").decode()
        check_counts(samples(text))
        print("ok      counts")
        if not shutil.which("promtool") or not shutil.which("prometheus"):
            print("skipped promtool and Prometheus: apt install prometheus")
            return
        verdict = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
        expect_equal((verdict.returncode, verdict.stdout, verdict.stderr), (0, "", ""), "promtool")
        print("ok      promtool check metrics")
        check_rules(text)
        print("ok      the rules of deploy/")
        scrape(server)
        print("ok      a Prometheus scraped it")


if __name__ == "__main__":
    main()
