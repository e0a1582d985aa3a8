#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How score_stream, tabscore-merge and loan_filter open, replace and end files: devices, pipes, links, modes, closed
descriptors, full disks, readers that leave, changed checkpoints, wrong line ends, hostile sizes, nonsense in flags.
Usage: files.py SCORE_STREAM TABSCORE_MERGE LOAN_FILTER MODELS"""
import bz2
import gzip
import json
import lzma
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

program, merge, loan_filter, models = sys.argv[1:5]
NAMES = ["student_country", "days_on_platform", "minutes_watched", "courses_started", "practice_exams_started",
         "practice_exams_passed", "minutes_spent_on_exams"]
HEAD = ",".join(NAMES) + "\n"
ROW = "US,45,320.5,3,5,3,87.2\n"
LINE = json.dumps(dict(zip(NAMES, ["US", 45, 320.5, 3, 5, 3, 87.2]))) + "\n"
LOAN = '{"purpose":"car","sector":"public","months":48,"amount":12000,"income":2600}\n'


def run(*flags, given="", status=0, exe=program, **more):
    given = given.encode() if isinstance(given, str) else given
    if "stdin" in more:
        given = None
    done = subprocess.run([exe, *map(str, flags)], **{"input": given, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                                      "timeout": 120, **({} if given is not None else {}), **more})
    assert done.returncode == status, (flags, done.returncode, done.stderr)
    return done


def memory_limit(kilobytes):
    """For a shell; none for a sanitizer, which reserves terabytes."""
    return "" if "TABSCORE_TESTS_LARGER" in os.environ else f"ulimit -v {kilobytes}; "


def shell(command, *arguments, **more):
    return subprocess.run(["bash", "-c", command, *map(str, arguments)], capture_output=True, timeout=120, **more)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_two_runs_of_one_state_file(folder):
    """The second is refused, for its counts would replace those of the first."""
    state = folder / "state.json"
    first = subprocess.Popen([program, "--state-file", state, "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first.stdin.write(LINE.encode())
    first.stdin.flush()
    first.stdout.readline()
    done = run("--state-file", state, "-o", folder / "other", given=LINE, status=3)
    assert b"state.json.lock': another process keeps this file" in done.stderr, done
    first.communicate()
    assert first.returncode == 0 and sorted(os.listdir(folder)) == ["state.json"], os.listdir(folder)
    run("--state-file", state, "--quiet", given="[]", status=2)
    run("--state-file", "/dev/null", "--quiet", given=LINE)
    assert sorted(os.listdir(folder)) == ["state.json"], os.listdir(folder)


def test_threads_that_cannot_be_started(folder):
    """Those that can be do the work. (The limit of a user's processes is not for root: the program runs as nobody.)"""
    if os.geteuid() != 0 or "TABSCORE_TESTS_LARGER" in os.environ:  # a sanitizer needs threads of its own
        return
    def as_nobody(most):
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    expected = run("--quiet", "--threads", 1, given=LINE * 5000).stdout
    for most in 1, 2, 3:
        got = run("--quiet", "--threads", 8, "--block-bytes", 4096, given=LINE * 5000, preexec_fn=lambda: as_nobody(most))
        assert got.stdout == expected and got.stderr == b"", (most, got.stderr)


def test_outputs_that_are_no_files(folder):
    """Devices, pipes and links are written to; only a regular file is replaced, and keeps its mode."""
    table = folder / "in.csv"
    table.write_text(HEAD + ROW * 3)
    flags = ["--from", "csv", "--quiet", table]
    expected = run(*flags).stdout
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    run(*flags, "-o", pipe)
    reader.join(20)
    assert got == [expected] and stat.S_ISFIFO(os.stat(pipe).st_mode)
    for exe, more in (program, flags), (merge, [folder / "s"]):
        run("--state-file", folder / "s", "--quiet", given=LINE)
        begun = time.time()
        done = run(*more, "-o", pipe, exe=exe, status=3 if exe == program else 1)
        assert b"a pipe without a reader" in done.stderr and time.time() - begun < 30, done
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    (folder / "target").write_text("old")
    (folder / "link").symlink_to("target")
    (folder / "dangling").symlink_to("not-there-yet")
    for name, real in (("link", "target"), ("dangling", "not-there-yet")):
        run(*flags, "-o", folder / name)
        assert (folder / name).is_symlink() and (folder / real).read_bytes() == expected
    for mode in 0o600, 0o640, 0o666:
        private = folder / "private"
        private.write_text("x")
        private.chmod(mode)
        run(*flags, "-o", private, "--rejects", private.with_suffix(".r"))
        assert mode_of(private) == mode and private.read_bytes() == expected
    assert mode_of(folder / "private.r") == 0o600, "rejects hold records"
    assert run(*flags, "-o", "/dev/stdout").stdout == expected
    assert run(*flags, "-o", "-").stdout == expected and not Path("-").exists()
    out = folder / "appended"
    out.write_text("before\n")
    with open(out, "ab") as file:
        run(*flags, "-o", "/dev/stdout", stdout=file)
    assert out.read_bytes() == b"before\n" + expected
    run(*flags, "-o", "/dev/null", "--rejects", "/dev/null", "--state-file", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    for flag in "-o", "--rejects", "--state-file":
        to = "/dev/full"
        bad = run("--from", "csv", "--on-error", "skip", flag, to, given=HEAD + ROW + "x\n", status=3)
        assert b"No space left" in bad.stderr and stat.S_ISCHR(os.stat(to).st_mode), bad
    made = folder / "made"
    run(*flags, "-o", made, "--state-file", folder / "made.state", umask=0o022)
    assert mode_of(made) == 0o644 and mode_of(folder / "made.state") == 0o600
    run(*flags, "-o", folder / "flagged", "--state-file", folder / "flagged.state", "--file-mode", "640", umask=0o077)
    assert mode_of(folder / "flagged") == 0o640 == mode_of(folder / "flagged.state")
    assert not list(folder.glob("*.partial"))


def test_devices_stay(folder):
    """As root -o /dev/null once made a file of the device."""
    null = folder / "null"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        null.write_bytes(b"x")
    except OSError:
        return print("skipped: this user may not make or open devices")
    state = folder / "state"
    run("-o", null, "--rejects", null, "--state-file", state, given=LINE)
    run(state, "-o", null, exe=merge)
    assert stat.S_ISCHR(os.stat(null).st_mode)


def test_owners_stay(folder):
    if os.geteuid() != 0:
        return print("skipped: only root may give files away")
    out, state = folder / "out", folder / "state"
    for path in out, state:
        path.write_text("x")
        os.chown(path, 1234, 5678)
        path.chmod(0o640)
    run("-o", out, "--state-file", state, given=LINE)
    for path in out, state:
        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 5678, 0o640) and found.st_size > 1


def test_names_of_ours_are_no_links(folder):
    """FILE.partial and FILE.checkpoint are never followed, whoever made them."""
    victim = folder / "victim"
    victim.write_text("keep")
    out = folder / "out"
    for suffix in ".partial", ".rejects.partial", ".state.partial", ".checkpoint.partial":
        Path(f"{out}{suffix}").symlink_to(victim)
    flags = ["-o", out, "--rejects", f"{out}.rejects", "--state-file", f"{out}.state", "--on-error", "skip"]
    run(*flags, "--resume", "--checkpoint-seconds", "0", given=LINE + "x\n")
    assert victim.read_text() == "keep"
    for name in out, Path(f"{out}.rejects"), Path(f"{out}.state"):
        assert name.is_file() and not name.is_symlink()
    os.link(victim, f"{out}.partial")
    run(*flags, given=LINE)
    assert victim.read_text() == "keep" and out.stat().st_nlink == 1
    Path(f"{out}.checkpoint").symlink_to(victim)
    assert b"remove it to start over" in run(*flags, "--resume", given=LINE, status=1).stderr
    run(folder / "out.state", "-o", folder / "all", exe=merge)
    assert mode_of(folder / "all") == 0o600
    (folder / "all.partial").symlink_to(victim)
    run(folder / "out.state", "-o", folder / "all", exe=merge)
    assert victim.read_text() == "keep" and not (folder / "all").is_symlink()


def test_names_of_ours_are_not_named(folder):
    """FILE.partial and FILE.checkpoint are refused under another flag, under any of their names."""
    def refused(*flags, exe=program):
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        done = run(*flags, exe=exe, status=1, cwd=folder)
        assert b" for itself, which is " in done.stderr and done.stderr.count(b"\n") == 1, (flags, done)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before, flags

    for name in "in", "in.partial", "in.checkpoint", "in.checkpoint.partial":
        (folder / name).write_text(LINE)
    for flag in "-o", "--rejects", "--state-file":
        refused("in.partial", flag, "in")
        refused("--model", "in.partial", flag, "in")
        refused(flag, "q", "--rejects" if flag != "--rejects" else "-o", "q.partial", "in")
        refused("-", folder / "in.partial", flag, "./in")
    for name in "in.partial", "in.checkpoint", "in.checkpoint.partial":
        refused(name, "-o", "in", "--resume")
        refused("-o", "q", "--resume", "--rejects", f"q{name[2:]}", "in")
    (folder / "r.checkpoint").write_text(LINE)
    run("r.checkpoint", "-o", "r", cwd=folder)
    assert (folder / "r.checkpoint").read_text() == LINE, "only --resume makes one"
    (folder / "link").symlink_to("in")
    os.link(folder / "in.partial", folder / "twin")
    refused("in.partial", "-o", "link")
    refused("twin", "-o", "link")
    run("--state-file", "m.partial", given=LINE, cwd=folder)
    refused("m.partial", "-o", "m", exe=merge)
    run("m.partial", "-o", "m.partial", exe=merge, cwd=folder)


def test_files_without_an_end(folder):
    done = shell(memory_limit(2000000) + 'exec "$0" /dev/zero', merge)
    assert done.returncode == 1 and b"expected at most" in done.stderr, done


def test_no_part_is_left(folder):
    """A run that fails leaves none of its files half-written."""
    out, rejects = folder / "out", folder / "rejects"
    out.write_text("before")
    flags = ["-o", out, "--rejects", rejects]
    run(*flags, folder, status=3)
    run(*flags, "--max-record-bytes", 100, given=LINE * 10 + "x" * 200, status=3)
    run(*flags, given=LINE + "x\n", status=2)
    assert out.read_text() == "before" and rejects.exists()
    assert sorted(p.name for p in folder.iterdir()) == ["out", "rejects"]
    if os.geteuid() != 0:
        out.chmod(0o444)
        assert b"Permission denied" in run(*flags, given=LINE, status=3).stderr


def test_closed_descriptors(folder):
    """A file is never opened as the standard output, to get what is printed."""
    source, out = folder / "in", folder / "out"
    source.write_text(LINE)
    expected = run("--quiet", source).stdout
    for closed in ">&-", "<&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-":
        out.unlink(missing_ok=True)
        done = shell(f'"$0" "$1" -o "$2" --rejects "$2.r" --state-file "$2.s" {closed}', program, source, out)
        assert done.returncode == 0 and out.read_bytes() == expected, (closed, done)
        assert json.loads(Path(f"{out}.s").read_bytes())["samples"] == 1
        done = shell(f'"$0" "$1" -o "$2" {closed}', merge, f"{out}.s", f"{out}.m")
        assert done.returncode == 0 and Path(f"{out}.m").read_bytes() == Path(f"{out}.s").read_bytes()
    for command, status in (('"$0" "$1" >&-', 3), ('"$0" <&-', 3), ('"$0" "$1" 2>&- >/dev/null', 0),
                            ('"$0" "$1" 2>/dev/full >/dev/null', 0), ('echo x | "$0" 2>/dev/full >/dev/null', 2),
                            ('"$0" --help >/dev/full', 3)):
        assert shell(command, program, source).returncode == status, command
    for command in '"$0" "$1" >&-', '"$0" "$1" >/dev/full', '"$0" "$1" >/dev/full 2>&1':
        assert shell(command, merge, f"{out}.s").returncode == 1, command


def test_readers_that_leave(folder):
    """Filters end by SIGPIPE, without a word, or with an error where that is ignored; no part of a file is left."""
    source = folder / "in"
    source.write_text(LINE * 30000)
    for ignored, statuses in (False, {-signal.SIGPIPE}), (True, {3}):
        for threads in 1, 3:
            p = subprocess.Popen([program, "--threads", str(threads), "--rejects", folder / "r", source],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=not ignored)
            p.stdout.readline()
            p.stdout.close()
            said = p.stderr.read()
            assert p.wait(60) in statuses and (b"Broken pipe" in said if ignored else said == b""), (p.returncode, said)
            assert not (folder / "r.partial").exists() and not (folder / "r").exists()
    p = subprocess.Popen([loan_filter, f"{models}/loan_default.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    p.stdout.close()
    try:
        p.communicate(LOAN.encode() * 10000, timeout=60)
    except (BrokenPipeError, ValueError):
        pass
    assert p.wait(60) == -signal.SIGPIPE
    p.stderr.close()


def test_descriptors_that_do_not_block(folder):
    """Whoever opened a pipe may have made it so that nothing waits."""
    p = subprocess.Popen([program, "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.set_blocking(p.stdin.fileno(), True)
    for end in p.stdin, p.stdout:
        os.set_blocking(end.fileno(), True)
    p.kill()
    p.communicate()
    (read, write), (out, into) = os.pipe(), os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(into, False)
    p = subprocess.Popen([program, "--quiet"], stdin=read, stdout=into)
    os.close(read), os.close(into)
    sender = threading.Thread(target=lambda: [time.sleep(0.2), os.fdopen(write, "wb").write(LINE.encode() * 20000)])
    sender.start()
    time.sleep(0.6)
    with os.fdopen(out, "rb") as answers:
        assert answers.read().count(b"\n") == 20000
    sender.join()
    assert p.wait(60) == 0


def test_header_without_an_end(folder):
    """A line that does not end, on a pipe and in small pieces, is not parsed again for each piece."""
    writer = 'import os\nfor _ in range(16384): os.write(1, b"x" * 1024)'
    done = shell('timeout 20 python3 -c "$2" | timeout 20 "$0" --from csv --max-record-bytes 16000000', program, "", writer)
    assert done.returncode == 1 and b"no header is that long" in done.stderr, done


def test_flags_say_what_they_take(folder):
    for flags in (["--threads", "-1"], ["--threads", "0"], ["--block-bytes", "99999999999999999999"], ["--max-record-bytes", ""],
                  ["--checkpoint-seconds", "-1"], ["--checkpoint-seconds", "1e7"], ["--checkpoint-seconds", "nan"], ["--list", "x"],
                  ["--rejects", "-"], ["--state-file", "-"]):
        said = run(*flags, given=LINE, status=1).stderr
        assert len(said) < 200 and flags[0].encode() in said, said


def test_input_begun_elsewhere(folder):
    """Of a file of which somebody has read a part only the rest is scored."""
    (folder / "in").write_text("not ours\n" + LINE * 2)
    done = shell('{ read -r first; "$0" --quiet; } < "$1"', program, folder / "in")
    assert done.returncode == 0 and done.stdout.count(b"\n") == 2, done


def test_loan_filter_ends(folder):
    model = f"{models}/loan_default.json"
    good = run(model, given=LOAN * 3, exe=loan_filter)
    assert good.stdout.count(b'"probability"') == 3
    for command in ('yes "$2" | "$0" "$1" > /dev/full', '"$0" "$1" < /', '"$0" "$1" <&-', 'echo "$2" | "$0" "$1" >&-',
                    'echo "$2" | "$0" "$1" > /dev/full'):
        done = shell(command, loan_filter, model, LOAN.strip())
        assert done.returncode == 1 and b"loan_filter: the standard" in done.stderr, (command, done)
    os.mkfifo(folder / "pipe")
    for flags, status in (([], 2), (["a", "b"], 2), (["/"], 1), (["missing"], 1), ([model, "--help"], 2), (["--strict"], 2),
                          (["--wrong", model], 2), ([folder / "pipe"], 1)):
        assert run(*flags, exe=loan_filter, status=status).stderr
    numbers = json.dumps({**json.loads(LOAN), "months": "48"}) + "\n"
    assert b'"probability"' in run(model, given=numbers, exe=loan_filter).stdout
    assert b"must be an integer" in run("--strict", model, given=numbers, exe=loan_filter).stdout
    (folder / "in").write_text(LOAN * 3)
    with open(folder / "in") as given, open(folder / "in", "a") as out:  # it would read its own answers for ever
        done = subprocess.run([loan_filter, model], stdin=given, stdout=out, stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == 2 and b"the standard output is the standard input" in done.stderr, done
    assert (folder / "in").read_text() == LOAN * 3


def test_help_is_printed(folder):
    for exe in program, merge, loan_filter:
        assert run("--help", exe=exe).stdout
        done = shell('"$0" --help > /dev/full', exe)
        assert done.returncode == (3 if exe == program else 1) and b"cannot be written" in done.stderr, done


def test_merge_ends(folder):
    state = folder / "state"
    run("--state-file", state, given=LINE)
    (folder / "cut").write_bytes(state.read_bytes()[:100])
    (folder / "empty").write_text("")
    for flags in ([folder], [folder / "missing"], [folder / "cut"], [folder / "empty"], [state, state], [state, "-o", folder],
                  [state, "-o", folder / "no" / "such"]):
        assert run(*flags, exe=merge, status=1).stderr, flags
    for flags in ([], ["--nonsense"], [state, "-o"], [state, "-o", ""], ["--file-mode", "9", state], ["--file-mode", "0444", state]):
        assert run(*flags, exe=merge, status=2).stderr, flags
    assert b"--nonsense" in run("--nonsense", exe=merge, status=2).stderr
    assert b"no state file is given" in run(exe=merge, status=2).stderr
    assert run(state, exe=merge).stdout == run(state, "-o", "-", exe=merge, cwd=folder).stdout == state.read_bytes()
    os.symlink(state, folder / "other")
    assert b"given twice" in run(state, folder / "other", exe=merge, status=1).stderr


def test_flags_of_nonsense(folder):
    """A message and status 1, never a file."""
    (folder / "in").write_text(LINE)
    for flags in (["--threads", "0"], ["--threads", "-1"], ["--threads", "1e3"], ["--threads", "99999999999999999999"],
                  ["--block-bytes", "0"], ["--block-bytes", "-5"], ["--max-record-bytes", "0"],
                  ["--max-record-bytes", "-1"], ["--max-record-bytes", "99999999999"], ["--checkpoint-seconds", "nan"],
                  ["--checkpoint-seconds", "inf"], ["--checkpoint-seconds", "-1"], ["--checkpoint-seconds", "1e300"],
                  ["--part", "0/1"], ["--part", "2/1"], ["--part", "1/"], ["--part", "/"], ["--part", "1/2/3"],
                  ["--part", "1/99999999999999999999"], ["--on-error", "FAIL"], ["--on-error", ""], ["--from", "CSV"],
                  ["--from", ""], ["--to", "xml"], ["--to", ""], ["--list", "-1"], ["-o", ""], ["--rejects", ""],
                  ["--state-file", ""], ["--model", ""], ["--model", "/"], ["--file-mode", "8"], ["--file-mode", "777x"],
                  ["--file-mode", "044"], ["--file-mode", "-1"], ["--keep", "--from", "native", "--to", "native"],
                  ["--keep", "--from", "row-binary"], ["--single-line-cells"], ["--nonsense"], ["--replay", folder / "in", "-"],
                  ["--replay", folder / "in", "-o", folder / "x"], ["--replay", folder / "in", "--resume"],
                  ["-o", folder / "same", "--rejects", folder / "same"],
                  ["--rejects", folder / "same", "--state-file", f"{folder}/./same"],
                  ["--rejects", folder / "in"], ["--state-file", folder / "in"], ["-o", folder / "in"]):
        done = run(*flags, folder / "in", status=1)
        assert done.stderr and not done.stdout, (flags, done)
        assert [p.name for p in folder.iterdir()] == ["in"], flags
    (folder / "link").symlink_to("in")
    for flag in "-o", "--rejects", "--state-file":
        assert b"is an input" in run(flag, folder / "link", folder / "in", status=1).stderr
    assert (folder / "in").read_text() == LINE


def test_a_standard_output_that_is_read_or_replaced(folder):
    """Refused before a byte is written: it would be read for ever, or lost."""
    both = [program, "--on-error", "null", "--quiet"]
    for before, arguments in ((LINE * 5, [folder / "in"]), (LINE * 5, ["-"]), (LINE * 5, []), ("{}\n", ["--replay", folder / "in"])):
        (folder / "in").write_text(before)
        with open(folder / "in") as given, open(folder / "in", "a") as out:
            done = subprocess.run([*(both if "--replay" not in arguments else [program]), *arguments], stdin=given, stdout=out,
                                  stderr=subprocess.PIPE, timeout=20)
        name = b"the log" if "--replay" in arguments else b"an input"
        assert done.returncode == 1 and b"the standard output is " + name in done.stderr, (arguments, done)
        assert (folder / "in").read_text() == before, arguments
    for flag in "--rejects", "--state-file":
        with open(folder / "out", "w") as out:
            done = subprocess.run([program, flag, folder / "out", folder / "in"], stdout=out, stderr=subprocess.PIPE, timeout=20)
        assert done.returncode == 1 and b"are the same file" in done.stderr, done
    with open(folder / "out", "w") as out:
        done = subprocess.run([program, "--rejects", "/dev/stdout", "-o", folder / "out", folder / "in"], stdout=out,
                              stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == 1 and b"are the same file" in done.stderr, done


def test_line_ends_of_csv(folder):
    """What is no CSV in UTF-8 with line feeds is an error that says so, never 0 records."""
    with_note = HEAD.strip() + ",note"
    rows = [ROW.strip() + f",{n}" for n in range(3)]
    for head in HEAD.strip(), with_note:
        for text in (head + "\r" + "\r".join(rows), head + "\r", "\r" + head, head + "\r\r\n" + ROW):
            done = run("--from", "csv", given=text, status=1)
            assert b"carriage return" in done.stderr and done.stdout.count(b"\n") <= 1, (text, done)
    long = with_note + "\r" + "\r".join(rows * 100000)
    assert b"carriage return" in run("--from", "csv", given=long, status=1).stderr
    for encoding in "utf-16", "utf-16-le", "utf-16-be":
        done = run("--from", "csv", given=(HEAD + ROW).encode(encoding), status=1)
        assert b"UTF-16" in done.stderr or b"zero byte" in done.stderr, done
    assert b"UTF-16" in run(given=LINE.encode("utf-16"), status=1).stderr
    for flags, text in (["--from", "csv"], HEAD + ROW), ([], LINE), (["--on-error", "skip"], LINE):
        for packed in (gzip.compress(text.encode()), bz2.compress(text.encode()), lzma.compress(text.encode()),
                       *(magic + text.encode() for magic in (b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"))):
            assert b"is compressed" in run(*flags, given=packed, status=1).stderr, packed
        for table in b"PAR1\x15", b"ARROW1\0\0":
            assert b"is Parquet or Arrow" in run(*flags, given=table + text.encode(), status=1).stderr, table
    # Bare returns among the records, behind a header that ends well.
    mixed = with_note + "\n" + rows[0] + "\r" + rows[1] + "\n" + rows[2] + "\r\n"
    done = run("--from", "csv", "--on-error", "skip", "--rejects", folder / "r", given=mixed)
    assert b"2 records read = 1 scored + 1 rejected" in done.stderr
    assert "carriage return" in json.loads((folder / "r").read_text())["error"]
    # Line ends of each kind beside one another, a byte order mark, and no end at all.
    good = "\ufeff" + HEAD.strip() + "\r\n" + ROW + ROW.strip() + "\r\n\r\n\n" + ROW.strip()
    assert b"3 records read = 3 scored" in run("--from", "csv", given=good).stderr
    last_text = "days_on_platform,minutes_watched,courses_started,practice_exams_started,practice_exams_passed," \
                "minutes_spent_on_exams,student_country\n45,320.5,3,5,3,87.2,US\r\r\n"
    assert b"carriage return" in run("--from", "csv", given=last_text, status=2).stderr
    assert b"carriage return" in run("--from", "csv", given=HEAD + "\r" + ROW, status=2).stderr  # of "\n\r"
    assert b"1 records read = 1 scored" in run("--from", "csv", given=HEAD + '"\r' + ROW.replace(",", '",', 1)).stderr
    kept = run("--from", "csv", "--keep", "--on-error", "null", given='"student_country",' + HEAD.partition(",")[2].strip() +
               ',"a,b"\nx\n').stdout.decode().splitlines()
    assert kept[1].count(",") == 9, kept


def test_stray_quotes(folder):
    """A quote without an end costs its own line, in files of any size and however a pipe delivers them."""
    rows = 3000
    text = HEAD.strip() + ",note\n" + ROW.strip() + ',"stray\n' + (ROW.strip() + ",ok\n") * rows
    path = folder / "stray.csv"
    path.write_text(text)
    counts = f"{rows + 1} records read = {rows} scored + 1 rejected".encode()
    outputs = set()
    for most in 64, 300, 5000, 65536, len(text) - 100, len(text), 1 << 26:
        for block in 1, 1000, 1 << 18:
            if block == 1 and most != 300:
                continue
            flags = ["--from", "csv", "--on-error", "skip", "--max-record-bytes", most, "--block-bytes", block]
            done = run(*flags, path)
            assert counts in done.stderr, (most, block, done.stderr)
            outputs.add(done.stdout)
            if block == 1000:
                parts = b"".join(run(*flags, "--part", f"{i}/4", "--quiet", path).stdout for i in range(1, 5))
                outputs.add(parts)
    for chunk in 1, 777, 100000:
        if chunk == 1 and rows > 5000:
            continue
        p = subprocess.Popen([program, "--from", "csv", "--on-error", "skip", "--max-record-bytes", "4000", "--quiet"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        feeder = threading.Thread(target=lambda: [p.stdin.write(text.encode()[i:i + chunk])
                                                  for i in range(0, len(text), chunk)] and p.stdin.close())
        feeder.start()
        outputs.add(p.stdout.read())
        feeder.join()
        assert p.wait(60) == 0
    assert len(outputs) == 1
    assert b"stray.csv:2: quotes" in run("--from", "csv", "--max-record-bytes", 4000, path, status=2).stderr
    # Parts and blocks agree on files of quotes at random.
    rng = random.Random(5)
    for trial in range(30):
        lines = [rng.choice([ROW.strip() + ",ok", ROW.strip() + ',"a\nb"', ROW.strip() + ',"x', 'a"b"', ROW.strip() + ',""""',
                             ROW.strip() + ',"' + "y\n" * rng.randint(1, 60) + '"', '""']) for _ in range(60)]
        path.write_text(HEAD.strip() + ",note\n" + "\n".join(lines) + rng.choice(["", "\n"]))
        flags = ["--from", "csv", "--on-error", "null", "--max-record-bytes", rng.choice([90, 200, 1 << 20]), path]
        whole = run(*flags).stdout
        assert run(*flags, "--block-bytes", rng.choice([1, 50, 500]), "--threads", 3).stdout == whole, trial
        assert b"".join(run(*flags, "--part", f"{i}/7").stdout for i in range(1, 8)) == whole, trial


def test_lines_that_are_too_long(folder):
    """Told to skip, a line beyond --max-record-bytes is one wrong record; told to fail, the end."""
    path = folder / "long"
    for long in "x" * 5000, '{"a":"' + "\u00e9" * 4000 + '"}':
        path.write_text(LINE + long + "\n" + LINE + long)
        for block in 300, 1 << 18:
            flags = ["--max-record-bytes", 1000, "--block-bytes", block, "--rejects", folder / "r", path]
            done = run(*flags, "--on-error", "skip")
            assert b"4 records read = 2 scored + 2 rejected" in done.stderr
            rejects = [json.loads(line) for line in (folder / "r").read_text().splitlines()]
            assert [r["line"] for r in rejects] == [2, 4] and all("longer than" in r["error"] for r in rejects)
            assert long.startswith(rejects[0]["record"]) and len(rejects[0]["record"]) > 400
            assert run(*flags, "--on-error", "null").stdout.count(b"null") == 4
            assert b"longer than --max-record-bytes" in run(*flags, status=3).stderr
            for parts in 2, 5:
                got = b"".join(run(*flags, "--on-error", "null", "--part", f"{i}/{parts}").stdout
                               for i in range(1, parts + 1))
                assert got.count(b"\n") == 4 and got.count(b"null") == 4


def test_rejects_in_linear_time(folder):
    """Where a wrong record stands is not counted from the beginning of its block each time."""
    def seconds(text, *flags):
        path = folder / "wrong"
        path.write_text(text)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("--on-error", "skip", "--threads", 1, "--rejects", folder / "r", *flags, path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime

    head = HEAD.strip() + ",note\n" + ROW.strip() + ',"stray\n'
    for make, flags in ((lambda n: head + "x\n" * n, ("--from", "csv")),
                        (lambda n: '{"a":1}\n' * n, ("--block-bytes", 1 << 24))):
        assert seconds(make(200000), *flags) < 5, "the square takes more"
        lines = [json.loads(x)["line"] for x in (folder / "r").read_text().splitlines()]
        assert lines == list(range(lines[0], lines[0] + len(lines))) and len(lines) >= 200000


def test_changed_checkpoints(folder):
    source, out = folder / "in", folder / "out"
    lines = LINE * 3000
    source.write_text(lines + "nonsense\n")
    flags = [source, "-o", out, "--resume", "--checkpoint-seconds", "0", "--block-bytes", 1000, "--state-file", folder / "s"]
    run(*flags, status=2)
    kept = Path(f"{out}.checkpoint")
    good = kept.read_bytes()
    assert mode_of(kept) == 0o600 and not out.exists()
    head, _, rest = good.partition(b"\n")
    members = json.loads(head)
    changes = [good[:-5], good[:200], b"", good + b"x", good.replace(b'"complete":false', b'"complete":true ')]
    for name in "file", "offset", "output_bytes", "read", "scored":
        for value in 0, members[name] + 1, 10 ** 18:
            if value != members[name]:
                changes.append(json.dumps({**members, name: value}).encode() + b"\n" + rest)
    for changed in changes:
        kept.write_bytes(changed)
        assert b"remove it to start over" in run(*flags, status=1).stderr, changed[:300]
        assert kept.read_bytes() == changed and not out.exists()
    kept.write_bytes(good)
    # The input was replaced by another, or is shorter.
    for text in lines[:5000], lines.replace("45", "46"):
        source.write_text(text)
        assert b"an input has changed" in run(*flags, status=1).stderr
    # It has grown, and the output is shorter than it was.
    source.write_text(lines + LINE)
    part = Path(f"{out}.partial")
    whole = part.read_bytes()
    part.write_bytes(whole[:10])
    assert b"shorter than its checkpoint" in run(*flags, status=3).stderr
    part.write_bytes(whole)
    run(*flags)
    assert out.read_bytes() == run("--quiet", source).stdout and not kept.exists()


def test_resume_needs_a_file(folder):
    (folder / "in").write_text(LINE)
    assert b"--resume needs a regular file" in run("--resume", "-o", "/dev/null", folder / "in", status=1).stderr


def test_replay_reads_what_a_log_holds(folder):
    texts = ["\ud800x", "\udfffx", "\u0000\u001f", "\"\\/", "\U0001f600x", "éé", "x" * 50]
    lines = []
    for text in texts:
        record = {**json.loads(LINE), "student_country": text}
        answer = json.loads(run("--quiet", given=json.dumps(record) + "\n").stdout)
        line = {"timestamp_utc": "2026-01-31T12:00:00+00:00", "threshold": 0.5, **answer, "features": record, "model": text}
        lines.append(json.dumps(line))
    log = folder / "log"
    log.write_text("\n".join(lines) + "\n")
    done = run("--replay", log)
    assert f"{len(texts)} records replayed: {len(texts)} with the logged bits, 0 different".encode() in done.stdout, done
    good = lines[2]
    for wrong in (good.replace(": 45,", ": NaN,"), good.replace(": 45,", ": Infinity,"), "[]", "3", '"x"', "NaN",
                  good.replace('"predicted_purchase": ', '"predicted_purchase": 1e400'), "{" * 5000, good[:-1],
                  good.replace(': 45,', ": 1" + "0" * 5000 + ","), good.replace('"predicted_purchase_probability": ',
                                                                                 '"predicted_purchase_probability": NaN, "a": ')):
        log.write_text(good + "\n" + wrong + "\n" + good + "\n")
        done = run("--replay", log, status=4)
        assert b"2 records replayed: 2 with" in done.stdout and b"1 lines could not" in done.stdout, (wrong[:100], done)
        assert b"line 2: " in done.stdout
    log.write_text(good + "\n" + "x" * 3000 + "\n" + good + "\n")
    done = run("--replay", log, "--max-record-bytes", 1000, "--block-bytes", 1000, status=4)
    assert b"line 2: longer than" in done.stdout and b"2 records replayed" in done.stdout
    assert shell('"$0" --replay "$1" > /dev/full', program, log).returncode == 3
    for text in (good + "\r") * 3, good + "\r" + good, good + "\n" + good + "\r" + good:
        log.write_bytes(text.encode())
        assert b"carriage returns alone" in run("--replay", log, status=4).stdout, text


def test_hostile_binary_headers(folder):
    """Sizes that no stream has are errors, or wait for bytes that do not come; they take neither memory nor time."""
    def varint(n):
        out = bytearray()
        while n > 127:
            out.append(n & 127 | 128)
            n >>= 7
        return bytes(out + bytes([n]))

    rng = random.Random(2)
    many = [b"\xff" * 20, b"\x80" * 20, varint(1) + varint(1 << 62), varint(1 << 62) + varint(1), varint(10000) + varint(1),
            varint(7) + varint(1 << 31) + varint(1 << 40), varint(0) + varint(5), varint(9999) + b"\x00" * 30000,
            varint(1) + varint(1) + varint(3) + b"abc" + varint(1 << 63), b"\x01\x01\x01a" + varint(4) + b"Int9"]
    many += [bytes(rng.randrange(256) for _ in range(rng.randrange(1, 60))) for _ in range(60)]
    for fmt in "native", "row-binary", "row-binary-with-names-and-types":
        for given in many:
            done = subprocess.run(["bash", "-c", memory_limit(600000) + 'exec "$0" "$@"', program, "--from", fmt, "--to", "ndjson",
                                   "--threads", "1"], input=given, capture_output=True, timeout=20)
            assert done.returncode in (0, 1, 2, 3), (fmt, given[:50], done)
            assert done.returncode == 0 or done.stderr, (fmt, given[:50])
            assert done.returncode != 0 or b" 0 rejected" in done.stderr


if __name__ == "__main__":
    for name, test in [(name, f) for name, f in list(globals().items()) if name.startswith("test_")]:
        begun = time.time()
        if sys.argv[5:] and name not in sys.argv[5:]:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            test(Path(temporary))
        print(f"{name}: ok, {time.time() - begun:.1f} s", flush=True)
