#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The chain of the prediction log, and what tabscore-audit says of it: audit.py LOAN_SERVER LOAN_AUDIT [KILLS]"""
import bz2
import collections
import fcntl
import gzip
import hashlib
import json
import lzma
import os
import pathlib
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from checks import expect_equal  # noqa: E402
from example_server import Server  # noqa: E402

SERVER, AUDIT = sys.argv[1:3]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
dice = random.Random(7)
folder = tempfile.TemporaryDirectory(prefix="tabscore-audit-")
WORK = pathlib.Path(folder.name)
KEY, ARCHIVE = WORK / "audit.key", WORK / "archive"
KEY.write_bytes(bytes(range(32)))
OTHER_KEY = WORK / "other.key"
OTHER_KEY.write_bytes(bytes(32))
FLAGS = ("--log-chain-key-file", str(KEY), "--archive", str(ARCHIVE))


def loan(i):
    return {"application": "p%d" % i, "purpose": dice.choice(["car", "house", "wedding"]), "sector": dice.choice(["public", "private", None]),
            "months": dice.randrange(12, 240), "amount": round(dice.uniform(500, 50000), 2),
            "income": dice.choice([None, round(dice.uniform(800, 9000), 2)])}


def audit(command, *arguments, status=0):
    done = subprocess.run([AUDIT, command, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise SystemExit("%s %s: status %d, expected %d: %s%s" % (command, arguments, done.returncode, status, done.stdout, done.stderr))
    return done.stdout + done.stderr


def verify(*files, status=0, flags=()):
    return audit("verify", "--key-file", KEY, *flags, *files, status=status)


def head(report):
    return report.split("its head is ")[1].split()[0]


def logs(server):
    return sorted(p for p in pathlib.Path(server.folder.name).iterdir() if p.name.startswith("prediction_log"))


def copies(files):
    """Of the logs, in a folder of their own, in the order of their batches."""
    to = pathlib.Path(tempfile.mkdtemp(dir=WORK))
    names = [shutil.copy2(f, to) for f in files if not f.name.endswith(".intent")]
    first = lambda f: next(json.loads(line)["batch"] for line in open(f) if '"batch"' in line)  # noqa: E731
    return sorted(map(pathlib.Path, names), key=first)


def rewrite(path, change):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(lines)))


def changed(files, at, change, status=3):
    some = copies(files)
    rewrite(some[at], change)
    return verify(*some, status=status), some


def predictions_name_what_made_them(server):
    status, _, content = server.post("/batch_predict?reasons=2", {"records": [loan(i) for i in range(40)]})
    expect_equal(status, 200, content)
    line = json.loads(server.log_lines()[-1])
    sha = lambda name: hashlib.sha256((ROOT / "models" / name).read_bytes()).hexdigest()  # noqa: E731
    expect_equal((line["model"], line["policy"]), (sha("loan_default.json"), sha("loan_policy.json")), "names")
    expect_equal(list(line)[-6:], ["model", "version", "salt", "batch", "follows", "chain"], "members")
    expect_equal(sorted(p.name for p in ARCHIVE.iterdir()), sorted([line["model"], line["policy"]]), "archive")
    expect_equal({p.stat().st_mode & 0o777 for p in ARCHIVE.iterdir()}, {0o600}, "modes of the archive")
    an_archive_is_shared(line["model"])
    expect_equal((ARCHIVE / line["policy"]).read_bytes(), (ROOT / "models" / "loan_policy.json").read_bytes(), "archived policy")


def an_archive_is_shared(name):
    """By servers that start at once: the second waits for a file that the first one writes."""
    with tempfile.TemporaryDirectory() as shared:
        partial = pathlib.Path(shared, name + ".partial")
        partial.touch()
        with open(partial, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            second = subprocess.Popen([SERVER, "--port", "0", "--prediction-log", "off", "--archive", shared], stdout=subprocess.PIPE)
            time.sleep(0.5)
            expect_equal(second.poll(), None, "waits")
            file.write((ARCHIVE / name).read_bytes())
            file.flush()
            partial.rename(pathlib.Path(shared, name))
        expect_equal(b"listening" in second.stdout.readline(), True, "second server")
        second.terminate()
        second.communicate()
        expect_equal(len(os.listdir(shared)), 2, "files")


def overrides_are_logged(server):
    def post(body, status):
        got, _, content = server.post("/overrides", body)
        expect_equal(got, status, content)
        return content.decode()
    before = len(server.log_lines())
    one = {"id": "p3", "decision": "approve", "by": "jd", "reason": "knows \"the\" firm", "time": "2026-03-01T10:00:00Z"}
    for wrong, why in [({**one, "decision": "aprove"}, 'Override 1: "aprove" is not a decision of the service; known are approve, refer, decline'),
                       ({k: v for k, v in one.items() if k != "by"}, 'Override 1: "by" is missing'),
                       ({**one, "more": 1}, '"more" is none of its members'), ({**one, "id": 1.5}, "the id is not"),
                       ({**one, "time": "yesterday"}, "the time is not"), ({**one, "reason": ""}, '"reason" is not a text'), ([], "not an object")]:
        answer = json.loads(post([one, wrong], 422))["detail"]
        expect_equal(why in answer, True, answer)
    post({"no": "list"}, 422)
    expect_equal(json.loads(post(b"\xef\xbb\xbf[]", 200)), {"logged": 0}, "a byte order mark")
    post(b"[", 422)
    expect_equal(len(server.log_lines()), before, "nothing is logged of a wrong body")
    expect_equal(json.loads(post([one, {**one, "id": 17, "time": 1.5e9}], 200)), {"logged": 2}, "answer")
    expect_equal(json.loads(post([], 200)), {"logged": 0}, "answer")
    lines = [json.loads(line) for line in server.log_lines()[before:]]
    expect_equal([line["event"] for line in lines], ["override"] * 2, "events")
    expect_equal(lines[0]["override"], one, "override")
    expect_equal(lines[1]["override"]["id"], "17", "an integer is its digits")


def a_chain_shows_what_was_done(files):
    report = verify(*files)
    expect_equal("the chain holds" in report, True, report)
    last = head(report)
    some = copies(files)
    assert len(some) >= 3
    verify(*reversed(some))  # their batches have numbers
    size = [len(p.read_text().splitlines()) for p in some]
    at = size[1] // 2

    def edit(lines):
        lines[at] = lines[at].replace('"months": ', '"months": 1', 1)
        return lines
    found, names = changed(files, 1, edit)
    expect_equal("%s, line " % names[1] in found and "was changed" in found, True, found)
    found, _ = changed(files, 1, lambda lines: lines[:at] + lines[at + 1:])
    expect_equal("was changed" in found or "is missing" in found, True, found)
    ends = [i for i, line in enumerate(some[1].read_text().splitlines()) if '"batch"' in line]

    def swap(lines):
        a, b, c = ends[0] + 1, ends[1] + 1, ends[2] + 1
        return lines[:a] + lines[b:c] + lines[a:b] + lines[c:]
    found, names = changed(files, 1, swap)
    expect_equal("%s, line %d: batch " % (names[1], ends[0] + 1 + ends[2] - ends[1]) in found and "out of order" in found, True, found)
    found, names = changed(files, 1, lambda lines: lines[:ends[2]])  # the end is missing
    expect_equal("at the end of the file belong to no batch" in found or "missing" in found, True, found)
    found, names = changed(files, 1, lambda lines: lines[ends[2] + 1:])
    expect_equal("%s, line " % names[1] in found and "missing" in found, True, found)
    found = verify(*(some[:1] + some[2:]), status=3)
    expect_equal("batches" in found and "are missing" in found, True, found)
    verify(*some[1:])  # older files may be gone
    expect_equal("begins behind" in verify(*some[1:]), True, "what the first file follows")
    # The end of the newest file can be cut off unseen, but for a head that was kept elsewhere.
    cut = copies(files)
    rewrite(cut[-1], lambda lines: lines[:-1] if '"batch"' in lines[-2] else lines[:max(i for i, l in enumerate(lines[:-1]) if '"batch"' in l) + 1])
    verify(*cut)
    found = verify(*cut, status=3, flags=("--published", last))
    expect_equal("the published batch" in found, True, found)
    verify(*files, flags=("--published", last))
    verify(*files, flags=("--published", last[:-1] + ("0" if last[-1] != "0" else "1")), status=3)
    expect_equal("or the key is another one" in audit("verify", "--key-file", OTHER_KEY, *files, status=3), True, "another key")
    audit("verify", "--key-file", WORK / "none", *files, status=1)
    audit("verify", "--key-file", KEY, "--published", "x", *files, status=2)


def a_person_can_be_erased(files):
    some = copies(files)
    name = next(json.loads(line)["features"]["application"] for line in some[0].read_text().splitlines()
                if '"features"' in line and json.loads(line)["features"]["application"])
    os.chmod(some[0], 0o640)
    before = head(verify(*some))
    shown = audit("show", name, *some, "--archive", ARCHIVE)
    expect_equal('application: "%s"' % name in shown and "loan_credit 2026-11" in shown, True, shown)
    intent = pathlib.Path(str(some[0]) + ".intent")
    intent.touch()
    with open(intent) as held:
        import fcntl
        fcntl.flock(held, fcntl.LOCK_EX)
        content = some[0].read_bytes()
        found = audit("erase", "--key-file", KEY, name, *some, status=1)
        expect_equal("a server writes it" in found and some[0].read_bytes() == content, True, found)
    intent.unlink()
    found = audit("erase", "--key-file", OTHER_KEY, name, *some, status=1)
    expect_equal("the key is another one" in found and "nothing was erased" in found, True, found)
    expect_equal([p.read_bytes() for p in some][0], content, "a log after another key")
    with open("/dev/full", "w") as full:
        done = subprocess.run([AUDIT, "erase", "--key-file", KEY, name, *some], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    expect_equal((done.returncode, "the lines are erased, but" in done.stderr), (1, True), done.stderr)
    report = verify(*some)
    expect_equal(head(report), before, "the head")
    expect_equal("lines erased" in report, True, report)
    expect_equal(any('"%s"' % name in p.read_text() for p in some), False, "the name is gone")
    expect_equal(stat.S_IMODE(os.stat(some[0]).st_mode), 0o640, "mode")
    expect_equal([p.name for p in some[0].parent.iterdir() if p.name.endswith(".partial")], [], "parts")
    audit("show", name, *some, status=1)
    replayed = audit("replay", "--archive", ARCHIVE, "all", *some)
    expect_equal("are erased" in replayed, True, replayed)
    some[0].write_text(some[0].read_text().replace('{"erased": "', '{"erased": "0', 1))
    verify(*some, status=3)


def decisions_are_replayed(files):
    some = copies(files)
    report = audit("replay", "--archive", ARCHIVE, "all", *some)
    counts = [int(line.split()[0]) for line in report.splitlines() if "records replayed" in line]
    same = [int(line.split("with the logged bits")[0].split()[-1]) for line in report.splitlines() if "records replayed" in line]
    assert sum(counts) >= 1000 and counts == same, report
    assert "0 change" in report and "\n2 lines are not predictions\n" in report, report
    one = audit("replay", "--archive", ARCHIVE, "p3", *some)
    assert "with the logged bits, 0 different" in one, one
    for a, b, what in [('"decision": "approve"', '"decision": "decline"', "approve"), ('"R01"', '"R02"', "reasons"),
                       ('"months": ', '"months": 1', "different")]:
        wrong = copies(files)
        wrong[0].write_text(wrong[0].read_text().replace(a, b, 1))
        expect_equal(what in audit("replay", "--archive", ARCHIVE, "all", *wrong, status=3), True, what)
    empty = WORK / "empty"
    empty.mkdir(exist_ok=True)
    expect_equal(str(empty) in audit("replay", "--archive", empty, "all", *some, status=1), True, "an empty archive")


def labels_and_overrides_are_shown(files):
    labels = WORK / "labels.ndjson"
    labels.write_text('{"id": "p3", "label": 1}\n{"id": "p33", "label": 0}\nno json\n')
    shown = audit("show", "p3", "--labels", labels, "--archive", ARCHIVE, *files)
    for part in ('by: "jd"', 'application: "p3"', "version: ", "a label", '"label": 1', "decision: "):
        expect_equal(part in shown, True, part + " in " + shown)
    expect_equal("p33" in shown, False, shown)
    audit("show", "nobody", *files, status=1)
    # What cannot be searched is an error: nobody may take it for searched.
    packed = WORK / "packed.gz"
    for compress in gzip.compress, lzma.compress, bz2.compress:
        packed.write_bytes(compress(pathlib.Path(files[0]).read_bytes()))
        for command in (["show"], ["erase", "--key-file", KEY]):
            said = audit(*command, "p3", *files, packed, status=1)
            expect_equal("packed.gz: is compressed" in said, True, said)
    packed.write_bytes(b"\nno record of p3\n")
    expect_equal("packed.gz: 1 lines are no records, and were not searched" in audit("show", "p3", *files, packed), True, "said")
    packed.unlink()
    labels.write_text('{"id": "p3", "label": 1}\n' * 1000)  # more than a buffer
    with open("/dev/full", "w") as full:
        done = subprocess.run([AUDIT, "show", "p3", "--labels", labels, *files], stdout=full, stderr=subprocess.PIPE, text=True)
        expect_equal((done.returncode, "standard output cannot be written" in done.stderr), (1, True), done)


def a_chain_survives_kills(trials):
    work = pathlib.Path(tempfile.mkdtemp(dir=WORK))
    log = str(work / "prediction_log.jsonl")
    answered = []

    def ask(server):
        try:
            for _ in range(1000):
                size = dice.choice([1, 3, 400])
                number = dice.randrange(1 << 40)
                body = {"records": [{**loan(0), "application": "n%d" % number}] * size}
                if server.post("/batch_predict?reasons=1" if size < 400 else "/batch_predict", body)[0] == 200:
                    answered.append((number, size))
        except OSError:
            pass
        except Exception as e:  # the answer was cut
            assert type(e).__module__ == "http.client", e
    for trial in range(trials):
        server = Server(SERVER, *FLAGS, "--threads", "2", "--log-rotate-bytes", "300000",
                        *dice.choice([(), ("--log-on-failure", "refuse"), ("--log-sync", "always")]), log=log)
        clients = [threading.Thread(target=ask, args=(server,)) for _ in range(3)]
        for c in clients:
            c.start()
        time.sleep(dice.uniform(0.05, 0.25))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.process.stdout.close()
        for c in clients:
            c.join()
        server.folder.cleanup()
        if trial % 5 == 4 or trial == trials - 1:
            Server(SERVER, *FLAGS, log=log).__exit__()
            report = verify(*work.glob("prediction_log.jsonl*"))
            expect_equal("the chain holds" in report, True, report)
    logged = collections.Counter()
    for path in work.glob("prediction_log.jsonl*"):
        logged.update(re.findall(rb'"application": "n(\d+)"', path.read_bytes()))
    lost = [n for n, size in answered if logged[b"%d" % n] != size]
    expect_equal(lost, [], "batches that were answered and are not whole in the log")
    return len(answered), report


def only_the_key_goes_on():
    """A log that another key began is not gone on with, and a pipe is no key."""
    log = str(pathlib.Path(tempfile.mkdtemp(dir=WORK)) / "prediction_log.jsonl")
    for count in (2, 1):
        with Server(SERVER, *FLAGS, log=log) as server:
            for _ in range(count):
                expect_equal(server.post("/batch_predict", {"records": [loan(0), loan(1)]})[0], 200, "status")
    pipe = WORK / "pipe.key"
    os.mkfifo(pipe)
    for key, why in ((OTHER_KEY, "written under another key"), (pipe, "is not a regular file")):
        done = subprocess.run([SERVER, "--port", "0", "--prediction-log", log, "--log-chain-key-file", key], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode != 0 and why in done.stderr, (done.returncode, done.stderr)
    audit("verify", "--key-file", pipe, log, status=1)
    expect_equal("3 batches" in verify(log), True, "the log")


def main():
    only_the_key_goes_on()
    with Server(SERVER, *FLAGS, "--log-rotate-bytes", "200000", "--log-on-failure", "refuse") as server:
        predictions_name_what_made_them(server)
        for i in range(12):
            for size in (1, 3, 100):
                loans = [loan(k) for k in range(size)]
                expect_equal(server.post("/batch_predict?reasons=3" if i % 2 else "/batch_predict", {"records": loans})[0], 200, "status")
            if i == 1:
                overrides_are_logged(server)
        files = [p for p in logs(server) if not p.name.endswith(".intent")]
        verify(*logs(server))  # while it serves
        expect_equal("a server writes it" in audit("erase", "--key-file", KEY, "p0", *logs(server), status=1), True, "lock")
        a_chain_shows_what_was_done(files)
        a_person_can_be_erased(files)
        decisions_are_replayed(files)
        labels_and_overrides_are_shown(files)
    with Server(SERVER) as server:  # without a chain
        server.post("/batch_predict", {"records": [loan(0)]})
        expect_equal(list(json.loads(server.log_lines()[0]))[-2:], ["model", "version"], "members by default")
        found = audit("erase", "--key-file", KEY, "p0",
                      copies_of := shutil.copy(server.log, WORK / "plain.jsonl"), status=1)
        expect_equal("is not chained" in found, True, found)
        verify(copies_of, status=3)
    batches, report = a_chain_survives_kills(KILLS)
    print("ok      %d kills, %d batches answered: %s" % (KILLS, batches, report.splitlines()[0]))


if __name__ == "__main__":
    main()
