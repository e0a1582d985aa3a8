#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Labels that a service has answered outlive its sudden end: label_kills.py LOAN_SERVER [TRIALS].

A server with --label-folder is killed (SIGKILL) while predictions and labels come in, and started again. After each kill:
  - each prediction that was answered is in the window, and each label that was answered is counted, once;
  - of the one body of labels that was on its way all are counted or none is.
At the end the figures are those of all labels, computed again."""
import collections
import http.client
import json
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

PROGRAM, TRIALS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
LOAN = {"purpose": "car", "sector": "public", "months": 48, "amount": 12000.0, "income": 2600.0}
random.seed(7)

predicted = {}  # id: the label that was predicted, of what was answered
recent = collections.deque(maxlen=2000)
labelled = set()
last_labelled = collections.deque(maxlen=1000)
on_its_way = []  # ids of the body of labels that is not answered
counts = {"kills": 0, "whole": 0, "nothing": 0}


def label_of(i):
    return i % 3 == 0


def count_labels(ids):
    labelled.update(ids)
    last_labelled.extend(ids)


def body_of(ids):
    return [{"id": "A-%d" % i, "label": int(label_of(i))} for i in ids]


def keep_predicting(server, first, over):
    i = first
    connection = server.connection()
    try:
        while not over.is_set():
            ids = list(range(i, i + 25))
            i += 25
            records = [{"application": "A-%d" % k, **LOAN, "income": 300.0 + k * 7919 % 5000} for k in ids]
            connection.request("POST", "/batch_predict", json.dumps({"records": records}))
            for k, p in zip(ids, json.loads(connection.getresponse().read())["predictions"], strict=True):
                predicted[k] = p["default"]
            recent.extend(ids)
    except (OSError, http.client.HTTPException, ValueError):
        pass
    finally:
        connection.close()


def keep_labelling(server, over):
    connection = server.connection()
    try:
        while not over.is_set():
            waiting = [i for i in list(recent) if i not in labelled]
            if not waiting:
                time.sleep(0.001)
                continue
            on_its_way[:] = random.sample(waiting, min(len(waiting), random.randint(1, 60)))
            connection.request("POST", "/labels", json.dumps(body_of(on_its_way)))
            answer = json.loads(connection.getresponse().read())
            assert answer["joined"] == len(on_its_way), answer
            count_labels(on_its_way)
            on_its_way.clear()
    except (OSError, http.client.HTTPException, ValueError):
        pass
    finally:
        connection.close()


def post(server, body):
    status, _, content = server.post("/labels", body)
    assert status == 200, content
    return json.loads(content)


def performance(server):
    return json.loads(server.get("/monitoring/performance"))["models"][0]["performance"]


def check(server):
    n = performance(server)["n"]
    if on_its_way:
        answer = post(server, body_of(on_its_way))
        all_of_it = len(on_its_way)
        assert all_of_it in (answer["joined"], answer["duplicate"]), (all_of_it, answer)
        was_there = answer["duplicate"] == all_of_it
        assert n == len(labelled) + (all_of_it if was_there else 0), (n, len(labelled), on_its_way, answer)
        counts["whole" if was_there else "nothing"] += 1
        count_labels(on_its_way)
        on_its_way.clear()
    again = list(last_labelled)
    assert post(server, body_of(again))["duplicate"] == len(again)
    waiting = [i for i in recent if i not in labelled][-50:]
    assert post(server, body_of(waiting))["joined"] == len(waiting)
    count_labels(waiting)
    assert performance(server)["n"] == len(labelled), (performance(server)["n"], len(labelled))


with tempfile.TemporaryDirectory(prefix="tabscore-") as folder:
    first = 0
    for trial in range(TRIALS + 1):
        server = Server(PROGRAM, "--label-window", "200000", "--label-folder", folder, "--threads", "2")
        check(server)
        if trial == TRIALS:
            break
        over = threading.Event()
        threads = [threading.Thread(target=keep_predicting, args=(server, first, over)),
                   threading.Thread(target=keep_labelling, args=(server, over))]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.02, 0.2))
        server.process.send_signal(signal.SIGKILL)
        over.set()
        for thread in threads:
            thread.join()
        server.process.wait()
        server.process.stdout.close()
        server.folder.cleanup()
        counts["kills"] += 1
        first += 1000000
    found = performance(server)["confusion"]["actual_by_predicted"]
    expected = [[0, 0], [0, 0]]
    for i in labelled:
        expected[label_of(i)][predicted[i]] += 1
    assert found == expected, (found, expected)
    assert server.stop() == 0
    server.folder.cleanup()
    # An orderly end keeps them, too.
    with Server(PROGRAM, "--label-window", "200000", "--label-folder", folder) as server:
        assert performance(server)["confusion"]["actual_by_predicted"] == expected
    assert len(labelled) > 10 * TRIALS
print("%d kills, %d labels, %d predictions; of bodies on their way %d were whole, of %d nothing was there"
      % (counts["kills"], len(labelled), len(predicted), counts["whole"], counts["nothing"]))
