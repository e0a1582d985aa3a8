#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""score_stream from outside: the same bytes from every format, thread count, block size and part; what becomes of wrong
records; full disks, closed pipes, kills and resumed runs; monitoring states of parts; the terminal.
Usage: stream.py SCORE_STREAM TABSCORE_MERGE MODELS [--kills N]"""
import argparse
import csv
import io
import json
import os
import pty
import random
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

arguments = argparse.ArgumentParser()
arguments.add_argument("program")
arguments.add_argument("merge")
arguments.add_argument("models", type=Path)
arguments.add_argument("--kills", type=int, default=25)
options = arguments.parse_args()

NAMES = ["student_country", "days_on_platform", "minutes_watched", "courses_started", "practice_exams_started",
         "practice_exams_passed", "minutes_spent_on_exams"]
PROBABILITY, LABEL = "predicted_purchase_probability", "predicted_purchase"
HEAD = f"{PROBABILITY},{LABEL}\n".encode()


def make_records(count, seed=1):
    rng = random.Random(seed)
    records = []
    for _ in range(count):
        started = rng.randint(0, 12)
        records.append([rng.choice(["US", "SG", "IN", "Côte d'Ivoire", "Korea, Republic of", "\"quoted\"", "two\nlines"]),
                        rng.randint(0, 900), round(rng.random() * 900, 1), rng.randint(0, 9), started,
                        rng.randint(0, started), round(rng.random() * 200, 2)])
    return records


def ndjson(records):
    return "".join(json.dumps(dict(zip(NAMES, r)), ensure_ascii=False) + "\n" for r in records).encode()


def as_csv(records, names=NAMES, end="\r\n", extra=False):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(list(names) + (["id"] if extra else []))
    for number, r in enumerate(records):
        values = dict(zip(NAMES, r))
        writer.writerow([values[n] for n in names] + ([number] if extra else []))
    return out.getvalue().encode()


def run(*flags, given=b"", status=0, **more):
    done = subprocess.run([options.program, *map(str, flags)], input=given, capture_output=True, timeout=120, **more)
    assert done.returncode == status, (flags, done.returncode, done.stderr.decode())
    return done


def scores(*flags, **more):
    return run(*flags, **more).stdout


def test_same_bytes(folder):
    """Every way in gives the same predictions."""
    records = make_records(3000)
    lines, table = ndjson(records), as_csv(records)
    (folder / "in.ndjson").write_bytes(lines)
    (folder / "in.csv").write_bytes(table)
    whole = scores("--to", "csv", given=lines)
    assert whole.count(b"\n") == 3001 and whole.startswith(HEAD)
    shuffled = NAMES[::-1]
    for flags, given in [(["--from", "csv"], table), (["--from", "csv"], b"\xef\xbb\xbf" + as_csv(records, end="\n")),
                         (["--from", "csv"], as_csv(records, shuffled, extra=True)),
                         (["--from", "csv"], table[:-2]),  # no line end at the end
                         (["--from", "tsv"], as_csv(records).replace(b",", b"\t").replace(b"Korea\t", b"Korea,"))]:
        for threads in 1, 2, 5:
            for block in 1, 1000, 1 << 18:
                if block == 1 and threads != 2:
                    continue
                got = scores(*flags, "--to", "csv", "--threads", threads, "--block-bytes", block, given=given)
                assert got == whole, (flags, threads, block)
    for threads in 1, 4:
        assert scores("--to", "csv", "--threads", threads, "--block-bytes", 700, folder / "in.ndjson") == whole
    # Two files are one stream; each has its own header.
    (folder / "a.csv").write_bytes(as_csv(records[:1100]))
    (folder / "b.csv").write_bytes(as_csv(records[1100:], shuffled))
    assert scores("--from", "csv", folder / "a.csv", folder / "b.csv") == whole
    # Parts in a row are the whole, more parts than records too.
    for name, fmt in (("in.ndjson", "ndjson"), ("in.csv", "csv")):
        expected = scores("--from", fmt, folder / name)
        for parts in 1, 2, 7, 4000:
            if parts == 4000:
                few = folder / f"few.{fmt}"
                few.write_bytes(as_csv(records[:5]) if fmt == "csv" else ndjson(records[:5]))
                expected, name, parts = scores("--from", fmt, few), f"few.{fmt}", 40
            got = b"".join(scores("--from", fmt, "--part", f"{i}/{parts}", folder / name) for i in range(1, parts + 1))
            assert got == expected, (fmt, parts)
    one_line = [r for r in records if "\n" not in r[0]]
    (folder / "flat.csv").write_bytes(as_csv(one_line))
    flat = ["--from", "csv", "--single-line-cells", folder / "flat.csv"]
    assert b"".join(scores(*flat, "--part", f"{i}/9") for i in range(1, 10)) == scores(*flat)
    # Other separators, as Excel and pandas write them.
    plain = as_csv([r for r in one_line if not set(r[0]) & set('",;\t|')])
    expected = scores("--from", "csv", given=plain)
    for separator, mark in ((";", b";"), ("|", b"|"), ("tab", b"\t")):
        given = plain.replace(b",", mark)
        assert scores("--from", "csv", "--separator", separator, given=given) == expected.replace(b",", mark), separator
        wrong = run("--from", "csv", given=given, status=1).stderr
        assert b"looks separated by " in wrong and b"set the separator, which is ','" in wrong, wrong
    # Kept records: the input's own cells and members in front.
    kept = scores("--from", "csv", "--keep", given=as_csv(records, extra=True))
    rows = list(csv.reader(io.StringIO(kept.decode(), newline="")))
    assert rows[0] == NAMES + ["id", PROBABILITY, LABEL]
    assert [r[0] for r in rows[1:]] == [r[0] for r in records]
    assert [",".join(r[-2:]) for r in rows[1:]] == whole.decode().splitlines()[1:]
    for line, record in zip(scores("--keep", given=lines).decode().splitlines(), records):
        assert [json.loads(line)[n] for n in NAMES] == record


def test_strict(folder):
    """One rule for numbers, by every way in: cut, or refused with --strict."""
    whole, cut = make_records(1)[0], make_records(1)[0]
    whole[1], cut[1] = 45, 45.9
    for given, flags in (ndjson, []), (as_csv, ["--from", "csv"]):
        assert scores(*flags, given=given([cut])) == scores(*flags, given=given([whole]))
        assert scores(*flags, "--strict", given=given([whole])) == scores(*flags, given=given([whole]))
        refused = run(*flags, "--strict", given=given([cut]), status=2)
        assert b"days_on_platform: must be an integer" in refused.stderr, refused.stderr


def with_faults(records):
    """NDJSON and CSV with wrong records, and the lines (of each) on which they begin."""
    rng = random.Random(3)
    json_lines, csv_lines, wrong = [], [as_csv([]).decode().rstrip()], []
    for number, r in enumerate(records):
        values = dict(zip(NAMES, r))
        if number % 37 == 5:
            wrong.append(number)
            values[rng.choice(NAMES[1:])] = -1
        if number % 91 == 7:
            wrong.append(number)
            values["practice_exams_passed"] = values["practice_exams_started"] + 1
        json_lines.append(json.dumps(values))
        csv_lines.append(",".join(str(values[n]) for n in NAMES))
    return "\n".join(json_lines).encode() + b"\n", "\n".join(csv_lines).encode() + b"\n", sorted(set(wrong))


def test_wrong_records(folder):
    records = [r for r in make_records(2000) if r[0].isalpha()]
    lines, table, wrong = with_faults(records)
    right = scores(given=ndjson([r for i, r in enumerate(records) if i not in set(wrong)]))
    for fmt, given, first in (("ndjson", lines, 1), ("csv", table, 2)):
        path = folder / f"wrong.{fmt}"
        path.write_bytes(given)
        for flags in ([path], [path, "--threads", 3, "--block-bytes", 900], [path, "--threads", 1, "--block-bytes", 1]):
            rejects = folder / "rejects"
            done = run("--from", fmt, "--to", "ndjson", "--on-error", "skip", "--rejects", rejects, *flags)
            assert done.stdout == right
            listed = [json.loads(line) for line in rejects.read_text().splitlines()]
            assert [r["line"] for r in listed] == [n + first for n in wrong]
            assert all(r["file"] == str(path) and r["error"] for r in listed)
            source = given.decode().splitlines()
            assert [r["record"] for r in listed] == [source[r["line"] - 1] for r in listed]
            counts = f"{len(records)} records read = {len(records) - len(wrong)} scored + {len(wrong)} rejected (skipped)"
            assert counts in done.stderr.decode(), done.stderr
            rejects.unlink()
            null = scores("--from", fmt, "--to", "ndjson", "--on-error", "null", *flags).decode().splitlines()
            assert len(null) == len(records)
            assert [i for i, line in enumerate(null) if json.loads(line)[PROBABILITY] is None] == wrong
            assert [line + "\n" for i, line in enumerate(null) if i not in set(wrong)] == \
                right.decode().splitlines(keepends=True)
            done = run("--from", fmt, "--to", "ndjson", "--rejects", rejects, *flags, status=2)
            assert done.stdout == b"".join(right.splitlines(keepends=True)[:wrong[0]])
            assert f"{path}:{wrong[0] + first}: " in done.stderr.decode()
            assert json.loads(rejects.read_text())["line"] == wrong[0] + first
        # Line numbers of a part are those of the file.
        run("--from", fmt, "--on-error", "skip", "--rejects", folder / "r", "--part", "3/3", path)
        listed = [json.loads(line)["line"] for line in (folder / "r").read_text().splitlines()]
        assert listed and listed == [n + first for n in wrong][-len(listed):]
    out = folder / "out"
    run(folder / "wrong.csv", "--from", "csv", "-o", out, status=2)
    assert not out.exists() and not (folder / "out.partial").exists()
    done = run("--from", "csv", "--on-error", "null", "--keep", given=table + b"x,1\n\"a\"b,1,2,3,4,5,6\n")
    rows = list(csv.reader(io.StringIO(done.stdout.decode())))
    assert {len(r) for r in rows} == {len(NAMES) + 2} and len(rows) == len(records) + 3
    bad = run("--on-error", "skip", "--rejects", folder / "r", given=b"{\"a\":\"\xc3\"}\n")
    assert json.loads((folder / "r").read_text())["record_hex"] == b"{\"a\":\"\xc3\"}".hex(), bad


def test_usage(folder):
    good = ndjson(make_records(3))
    for flags, status, message in [
            (["--nonsense"], 1, ""), (["--from", "xml"], 1, "--from xml: expected one of"), (["--part", "0/3"], 1, "I/N"),
            (["--model", folder / "none.json"], 1, "none.json"), ([folder / "missing"], 3, "missing"),
            (["--part", "1/2"], 1, "--part needs one input file"), (["--resume"], 1, "--resume needs --output"),
            (["--keep", "--to", "csv"], 1, "--keep needs"), (["--from", "csv"], 1, "the header has "), (["--separator", ";"], 1, "--separator is for csv"),
            ([folder], 3, "cannot be read"), (["-o", folder / "no" / "such"], 3, "cannot be written")]:
        done = run(*flags, given=good, status=status)
        assert message in done.stderr.decode(), (flags, done.stderr)
    # Nothing is written of a file that cannot be read, not even what stands before the predictions.
    (folder / "other").write_bytes(b"a,b\n1,2\n")
    for name, status in ("missing", 3), ("other", 1):
        assert run("--from", "csv", folder / name, status=status).stdout == b""
        run("--from", "csv", "-o", folder / "out", folder / name, status=status)
        assert not (folder / "out").exists() and not (folder / "out.partial").exists()
    assert run("--help").stdout and run(given=b"").stdout == b""
    huge = b"\"" + b"x" * 100000
    assert b"longer than --max-record-bytes" in run("--max-record-bytes", 1000, "--block-bytes", 500, given=huge, status=3).stderr


def test_outputs_that_fail(folder):
    lines = ndjson(make_records(20000))
    (folder / "in").write_bytes(lines)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([options.program, folder / "in"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 3 and b"No space left" in done.stderr, done
    for threads in "1", "3":
        program = subprocess.Popen([options.program, "--threads", threads, folder / "in"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        program.stdout.readline()
        program.stdout.close()
        message = program.stderr.read()
        assert program.wait(60) == -signal.SIGPIPE and message == b"", message
    # A file that may not grow: an error, nothing under the name, and what was there before stays.
    out = folder / "out"
    out.write_text("before")
    limited = ["bash", "-c", "ulimit -f 100; exec \"$0\" \"$@\"", options.program, folder / "in", "-o", out]
    done = subprocess.run(limited, capture_output=True, timeout=60)
    assert done.returncode == 3 and b"File too large" in done.stderr, done
    assert out.read_text() == "before" and not (folder / "out.partial").exists()
    # Two at once: the second one says so.
    first = subprocess.Popen([options.program, "-o", out], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for _ in range(200):
        if (folder / "out.partial").exists():
            break
        time.sleep(0.02)
    assert b"another process writes it" in run("-o", out, given=lines, status=3).stderr
    first.communicate(lines, timeout=60)
    assert first.returncode == 0 and out.read_bytes() == scores(given=lines)


def test_pool_process(folder):
    """Answers come before the next question is waited for."""
    for threads in "1", "3":
        program = subprocess.Popen([options.program, "--threads", threads], bufsize=0, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for record in make_records(50):
            program.stdin.write(ndjson([record, record]))
            for _ in range(2):
                assert select.select([program.stdout], [], [], 30)[0], "no answer"
                assert PROBABILITY in json.loads(program.stdout.readline())
        program.stdin.close()
        assert program.wait(30) == 0


def test_kill_and_resume(folder):
    """SIGKILL at any time, then --resume, as often as it takes: the bytes of one run."""
    records = [r for r in make_records(6000, 5) if r[0].isalpha()]
    lines, table, wrong = with_faults(records)
    rng = random.Random(11)
    resumed = finished = 0
    for trial in range(options.kills):
        fmt = rng.choice(["ndjson", "csv"])
        source = folder / f"k.{fmt}"
        source.write_bytes(lines if fmt == "ndjson" else table)
        flags = [str(source), str(source), "--from", fmt, "--on-error", rng.choice(["skip", "null"]), "--quiet"]
        expected = folder / "expected"
        run(*flags, "-o", expected, "--rejects", f"{expected}.rejects", "--state-file", f"{expected}.state")
        out = folder / f"out{trial}"
        again = flags + ["-o", str(out), "--rejects", f"{out}.rejects", "--state-file", f"{out}.state", "--resume",
                         "--checkpoint-seconds", rng.choice(["0", "0.01"]), "--block-bytes", rng.choice(["2000", "40000"])]
        for _ in range(40):
            threads = rng.choice(["1", "3"])
            program = subprocess.Popen([options.program, *again, "--threads", threads], stderr=subprocess.PIPE)
            try:
                program.wait(rng.random() * 0.5)
            except subprocess.TimeoutExpired:
                program.send_signal(signal.SIGKILL)
            status = program.wait(60)
            message = program.stderr.read().decode()
            program.stderr.close()
            if status == 0:
                break
            assert status == -9, (status, message)
            resumed += (folder / f"out{trial}.checkpoint").exists()
        else:
            run(*again)
        finished += 1
        for suffix in "", ".rejects", ".state":
            assert Path(f"{out}{suffix}").read_bytes() == Path(f"{expected}{suffix}").read_bytes(), (trial, suffix)
        for suffix in ".partial", ".rejects.partial", ".checkpoint", ".checkpoint.partial":
            assert not Path(f"{out}{suffix}").exists(), suffix
    assert resumed > 0, "no kill left a checkpoint"
    print(f"{finished} runs with {resumed} resumptions gave the bytes of one run")
    # Killed between two files: lines of the second are counted from its own first.
    out, first, second = folder / "between", folder / "first.csv", folder / "second.csv"
    first.write_bytes(table.splitlines(True)[0] + b"US,45,320.5,3,5,3,87.2\n" * 5)
    os.mkfifo(second)
    flags = ["--from", "csv", "--on-error", "skip", "--resume", "--checkpoint-seconds", "0", "--threads", "1", "-o", out,
             "--rejects", f"{out}.rejects", first, second]
    program = subprocess.Popen([options.program, *flags], stderr=subprocess.DEVNULL)
    waited = time.time() + 30
    while not (Path(f"{out}.checkpoint").exists() and b'"file":1' in Path(f"{out}.checkpoint").read_bytes()):
        assert time.time() < waited, "no checkpoint between two files"
        time.sleep(0.01)
    program.kill()
    program.wait()
    second.unlink()
    second.write_bytes(table.splitlines(True)[0] + b"no record\n")
    run(*flags)
    assert json.loads(Path(f"{out}.rejects").read_text())["line"] == 2
    # A checkpoint of other flags is not taken up.
    out = folder / "other"
    source = folder / "k.ndjson"
    source.write_bytes(ndjson(make_records(2000)) + b"nonsense\n")
    flags = [source, "-o", out, "--resume", "--checkpoint-seconds", "0", "--block-bytes", 1000]
    run(*flags, status=2)
    assert (folder / "other.checkpoint").exists()
    assert b"other inputs, flags or model" in run(*flags, "--on-error", "skip", status=1).stderr


def test_states_of_parts(folder):
    (folder / "in").write_bytes(ndjson(make_records(5000)))
    run(folder / "in", "--state-file", folder / "whole")
    parts = []
    for i in range(1, 6):
        parts.append(folder / f"state{i}")
        run(folder / "in", "--part", f"{i}/5", "--state-file", parts[-1], "--threads", i)
    random.Random(2).shuffle(parts)
    merged = subprocess.run([options.merge, *parts], capture_output=True, check=True).stdout
    assert merged == (folder / "whole").read_bytes()
    assert json.loads(merged)


def test_terminal(folder):
    """A bar with rate and time left on a terminal; elsewhere nothing but the counts."""
    (folder / "in").write_bytes(ndjson(make_records(3000)))
    quiet = run(folder / "in").stderr
    assert quiet.count(b"\n") == 1 and b"\r" not in quiet
    assert run(folder / "in", "--quiet").stderr == b""
    ours, theirs = pty.openpty()
    program = subprocess.Popen([options.program, "--threads", "1", "--block-bytes", "2000", str(folder / "in")],
                               stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    time.sleep(0.8)  # the pipe is full: it waits for us, so that there is something to show
    program.stdout.read()
    shown = b""
    while select.select([ours], [], [], 5)[0]:
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
    assert program.wait(30) == 0
    for part in b"#", b"%", b"M/s", b"left", b"3000 records read":
        assert part in shown, (part, shown)


def log_of(records, folder):
    predictions = [json.loads(line) for line in scores(given=ndjson(records)).splitlines()]
    lines = []
    for r, p in zip(records, predictions):
        line = {"timestamp_utc": "2026-01-31T12:00:00+00:00", "threshold": 0.5, PROBABILITY: p[PROBABILITY],
                LABEL: p[LABEL], "features": dict(zip(NAMES, r))}
        lines.append(json.dumps(line))
    path = folder / "log.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path, lines


def test_replay(folder):
    log, lines = log_of(make_records(4000), folder)
    same = run("--replay", log).stdout.decode()
    assert "4000 records replayed: 4000 with the logged bits, 0 different" in same
    # A torn last line is told and not fatal, wherever it is torn; one within the log is.
    for cut in 1, 40, len(lines[-1]) - 1:
        log.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:cut])
        torn = run("--replay", log, "--block-bytes", 1000).stdout.decode()
        assert "3999 records replayed: 3999" in torn and "the last line, 4000, is torn" in torn
    log.write_text("\n".join(lines[:9] + [lines[9][:50]] + lines[10:]) + "\n")
    assert "line 10: " in run("--replay", log, status=4).stdout.decode()
    # One bit of one probability is found.
    changed = json.loads(lines[70])
    changed[PROBABILITY] = changed[PROBABILITY] * (1 + 2 ** -52)
    log.write_text("\n".join(lines[:70] + [json.dumps(changed)] + lines[71:]) + "\n")
    found = run("--replay", log, status=4).stdout.decode()
    assert "3999 with the logged bits, 1 different" in found and "(line 71:" in found
    # Another model: what it would have decided.
    log.write_text("\n".join(lines) + "\n")
    other = run("--replay", log, "--model", options.models / "student_gbm.json", "--list", 3, status=4).stdout.decode()
    now = [json.loads(x) for x in scores("--model", options.models / "student_gbm.json",
                                         given=ndjson(make_records(4000))).splitlines()]
    then = [json.loads(x) for x in lines]
    up = sum(a[LABEL] < b[LABEL] for a, b in zip(then, now))
    down = sum(a[LABEL] > b[LABEL] for a, b in zip(then, now))
    assert f"{LABEL}: {4000 - up - down} stay, {up + down} change\n" in other, other
    assert f"  0 -> 1: {up}\n" in other and f"  1 -> 0: {down}\n" in other, other
    largest = max(abs(a[PROBABILITY] - b[PROBABILITY]) for a, b in zip(then, now))
    assert f"{PROBABILITY}: largest difference {largest} (line " in other, (largest, other)
    assert "labels change" in other and "more\n" in other


if __name__ == "__main__":
    tests = [(name, f) for name, f in list(globals().items()) if name.startswith("test_")]
    for name, test in tests:
        begun = time.time()
        with tempfile.TemporaryDirectory() as temporary:
            test(Path(temporary))
        print(f"{name}: ok, {time.time() - begun:.1f} s", flush=True)
