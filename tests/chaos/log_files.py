#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the server's log and state are when they are pipes, devices or links, or are set aside thousands of times:
log_files.py PROGRAM. Exit status 1 when a test fails."""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

from load import Client, Load, ask, batch, post, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()
options.server = os.path.abspath(options.server)
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Started:
    """The server in a folder of its own; ended by SIGTERM, which must do within its limit."""

    def __init__(self, folder, *flags, ends=0, **more):
        self.process = subprocess.Popen([options.server, "--port", "0", "--threads", "2", *map(str, flags)], cwd=folder,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        line = self.process.stdout.readline()
        self.address = None
        if "http://" in line:
            host, port = line.split("http://")[1].split()[0].split(":")
            self.address = host, int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, signal_number=signal.SIGTERM):
        if self.process.returncode is None:
            begun = time.monotonic()
            self.process.send_signal(signal_number)
            self.said = self.process.communicate(timeout=60)[1]
            self.seconds = time.monotonic() - begun
        return self.said

    def metric(self, name):
        text = ask(self.address, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")[2].decode()
        return int(re.search(re.escape(name) + r" (\d+)", text)[1])


def refused(folder, *flags):
    """What a server that does not start says."""
    done = subprocess.run([options.server, "--port", "0", *map(str, flags)], cwd=folder, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode in (1, 2) and done.stderr, done  # 2: the flag itself is wrong
    return done.stderr


def in_folder(test):
    def run():
        with tempfile.TemporaryDirectory(prefix="tabscore-log-") as folder:
            return test(pathlib.Path(folder))
    run.__name__ = test.__name__
    return run


def whole_batches(text, size):
    lines = text.split(b"\n")
    assert lines.pop() == b"", "the last line is torn"
    for line in lines:
        json.loads(line)
    assert len(lines) % size == 0, len(lines)
    return len(lines) // size


@in_folder
def test_a_pipe_whose_reader_stops(folder):
    """Nobody waits for it but for a moment; what it could not take is a failure by the policy; lines stay whole."""
    for policy, status in ("drop-and-count", 200), ("refuse", 503):
        log = folder / policy
        os.mkfifo(log)
        reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
        size = 300
        with Started(folder, "--prediction-log", log, "--log-on-failure", policy) as server:
            answers = []
            clients = [threading.Thread(target=lambda: answers.append(ask(server.address, post(batch(size)))[0]))
                       for _ in range(4)]
            for c in clients:
                c.start()
            time.sleep(0.05)
            begun = time.monotonic()
            assert ask(server.address, HEALTH)[0] == 200 and time.monotonic() - begun < 2
            for c in clients:
                c.join(20)
            assert len(answers) == 4 and set(answers) <= {200, status} and answers.count(status) >= 3, answers
            begun = time.monotonic()
            assert [ask(server.address, post(batch(size)))[0] for _ in range(20)] == [status] * 20
            assert time.monotonic() - begun < 5, "a stopped reader is not waited for again and again"
            dropped = server.metric('tabscore_log_records_total{outcome="dropped"}')
            assert dropped % size == 0 and dropped >= 22 * size, dropped
            # It reads again: the rest of what had begun, then new batches, each whole.
            got = bytearray()
            going = threading.Event()

            def drain():
                while not going.is_set() or len(got) == 0:
                    try:
                        got.extend(os.read(reader, 1 << 16))
                    except BlockingIOError:
                        time.sleep(0.002)
            thread = threading.Thread(target=drain)
            thread.start()
            time.sleep(0.6)
            assert [ask(server.address, post(batch(size)))[0] for _ in range(5)] == [200] * 5
            time.sleep(0.3)
            going.set()
            thread.join()
            assert whole_batches(bytes(got), size) >= 6
            ask(server.address, post(batch(size)))  # fills it once more
            ask(server.address, post(batch(size)))
        os.close(reader)
        assert server.process.returncode == 0 and server.seconds < 11, (server.process.returncode, server.seconds)


@in_folder
def test_a_pipe_whose_reader_leaves(folder):
    """SIGPIPE ends nothing, and the next reader goes on where the one before it stopped."""
    log = folder / "log"
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    with Started(folder, "--prediction-log", log, "--log-on-failure", "refuse", restore_signals=True) as server:
        assert ask(server.address, post(batch(3)))[0] == 200
        assert ask(server.address, post(batch(300)))[0] == 503  # in part
        os.close(reader)
        assert [ask(server.address, post(batch(300)))[0] for _ in range(3)] == [503] * 3
        assert ask(server.address, HEALTH)[0] == 200
        reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
        got = os.read(reader, 1 << 16)
        assert ask(server.address, post(batch(3)))[0] == 200
        got += os.read(reader, 1 << 16)
        assert whole_batches(got, 3) == 102
    os.close(reader)
    assert server.process.returncode == 0


@in_folder
def test_a_pipe_that_nobody_reads(folder):
    os.mkfifo(folder / "log")
    begun = time.monotonic()
    said = refused(folder, "--prediction-log", "log")
    assert "a pipe without a reader" in said and time.monotonic() - begun < 10, said
    # One that comes a moment later is waited for.
    waiting = threading.Thread(target=lambda: (time.sleep(0.5), os.open(folder / "log", os.O_RDONLY | os.O_NONBLOCK)))
    waiting.start()
    with Started(folder, "--prediction-log", "log") as server:
        assert ask(server.address, post(batch(3)))[0] == 200
    waiting.join()


@in_folder
def test_a_device_and_the_standard_output(folder):
    with Started(folder, "--prediction-log", "/dev/full", "--log-on-failure", "refuse") as server:
        assert [ask(server.address, post(batch(3)))[0] for _ in range(2)] == [503] * 2
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert ask(server.address, post(batch(3)))[0] == 503
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode) and not os.path.exists("/dev/full.intent")
    out = folder / "out"
    with open(out, "ab") as file:
        server = subprocess.Popen([options.server, "--port", "0", "--prediction-log", "/dev/stdout"], stdout=file)
    for _ in range(200):
        time.sleep(0.05)
        if b"http://" in out.read_bytes():
            break
    host, port = out.read_text().split("http://")[1].split()[0].split(":")
    server.send_signal(signal.SIGHUP)
    assert ask((host, int(port)), post(batch(3)))[0] == 200
    server.terminate()
    assert server.wait(30) == 0
    lines = out.read_bytes().splitlines()
    assert len(lines) == 4 and b"listening" in lines[0] and json.loads(lines[3])
    assert sorted(p.name for p in folder.iterdir()) == ["out"] and not os.path.exists("/dev/stdout.intent")


@in_folder
def test_links_and_modes(folder):
    """Our own names are never followed; personal data are for their owner."""
    victim = folder / "victim"
    victim.write_text("root:secret\n" * 5)
    was = victim.read_bytes()
    (folder / "log.intent").symlink_to(victim)
    assert "symbolic link; remove it" in refused(folder, "--prediction-log", "log")
    (folder / "log.intent").unlink()
    os.link(victim, folder / "log.intent")
    assert "remove it" in refused(folder, "--prediction-log", "log")
    (folder / "log.intent").unlink()
    os.mkfifo(folder / "log.intent")
    assert refused(folder, "--prediction-log", "log")
    (folder / "log.intent").unlink()
    (folder / "state.lock").symlink_to(victim)
    assert "is a symbolic link" in refused(folder, "--prediction-log", "off", "--state-file", "state")
    (folder / "state.lock").unlink()
    for name in "state.new", "state.partial":
        (folder / name).symlink_to(victim)
    os.umask(0o022)
    flags = ["--prediction-log", "log", "--state-file", "state", "--state-interval", "1"]
    with Started(folder, *flags) as server:
        assert ask(server.address, post(batch(100)))[0] == 200
        server.process.send_signal(signal.SIGHUP)
        time.sleep(1.5)
        assert ask(server.address, post(batch(3)))[0] == 200
    assert victim.read_bytes() == was and not (folder / "state").is_symlink()
    names = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir() if p != victim and not p.is_symlink()}
    assert len(names) == 4 and set(names.values()) == {0o600}, names
    # What the owner has set stays, also of the next file and of a state that is replaced.
    (folder / "log").chmod(0o640)
    (folder / "state").chmod(0o644)
    with Started(folder, *flags) as server:
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert ask(server.address, post(batch(3)))[0] == 200
    names = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
    assert names["log"] == 0o640 and names["state"] == 0o644 and names["log.intent"] == 0o600, names
    assert "everybody can read" not in server.said
    with Started(folder, "--prediction-log", "new", "--state-file", "new.state", "--file-mode", "660") as server:
        pass
    assert stat.S_IMODE((folder / "new").stat().st_mode) == stat.S_IMODE((folder / "new.state").stat().st_mode) == 0o660
    (folder / "new").chmod(0o644)
    with Started(folder, "--prediction-log", "new") as server:
        pass
    assert "everybody can read the prediction log" in server.said, server.said


@in_folder
def test_flags_that_would_lose_data(folder):
    """Nothing is appended to a model, and a state is no pipe."""
    model = folder / "model.json"
    model.write_bytes((pathlib.Path(__file__).parents[2] / "models" / "student_logistic.json").read_bytes())
    was = model.read_bytes()
    (folder / "link").symlink_to(model)
    for flag in "--prediction-log", "--state-file":
        for name in "model.json", "link":
            more = ["--prediction-log", "log"] if flag == "--state-file" else []
            assert flag + " is the model file" in refused(folder, "--model", "model.json", flag, name, *more)
    assert "same file" in refused(folder, "--prediction-log", "one", "--state-file", "./one")
    for names in (("--prediction-log", "u.partial", "--state-file", "u"), ("--prediction-log", "u", "--state-file", "u.intent"),
                  ("--prediction-log", "u.lock", "--state-file", "u"),
                  ("--prediction-log", "u", "--log-hash-key-file", "u.intent")):
        assert "for itself, which is " in refused(folder, *names)
    (folder / "w.partial").write_bytes(was)
    assert "for itself, which is the model file" in refused(folder, "--model", "w.partial", "--state-file", "w")
    assert (folder / "w.partial").read_bytes() == was
    os.mkfifo(folder / "pipe")
    for name in "pipe", ".", "/dev/null":
        assert "must be a regular file" in refused(folder, "--prediction-log", "off", "--state-file", name)
    for name in ".", "", "/proc/no/such":
        refused(folder, "--prediction-log", name)
    for mode in "9", "044", "x", "1777", "":
        done = subprocess.run([options.server, "--file-mode", mode], cwd=folder, capture_output=True, timeout=30)
        assert done.returncode != 0 and done.stderr, (mode, done)
    (folder / "key").write_bytes(b"short")
    assert "expected 16 bytes" in refused(folder, "--prediction-log", "log", "--log-hash-key-file", "key")
    for name in "/dev/zero", "pipe":
        assert "is not a regular file" in refused(folder, "--prediction-log", "log", "--log-hash-key-file", name)
    assert model.read_bytes() == was


@in_folder
def test_a_log_that_is_a_link(folder):
    """The file that it leads to is written, set aside and kept few of; the link stays, and may lead elsewhere later."""
    real = folder / "real"
    real.mkdir()
    (folder / "log").symlink_to("real/log")
    with Started(folder, "--prediction-log", "log", "--log-keep-files", "2") as server:
        for _ in range(4):
            assert ask(server.address, post(batch(3)))[0] == 200
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
        assert (folder / "log").is_symlink() and [p.name for p in folder.iterdir() if p.name != "real"] == ["log"]
        assert len([p for p in real.iterdir() if ".2" in p.name]) == 2 and (real / "log.intent").exists()
        (folder / "log").unlink()
        (folder / "log").symlink_to("real/other")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert ask(server.address, post(batch(3)))[0] == 200
        assert whole_batches((real / "other").read_bytes(), 3) == 1 and (real / "other.intent").exists()
    assert "another process" in refused_while_open(folder, "log", "real/other")


def refused_while_open(folder, first, second):
    with Started(folder, "--prediction-log", first):
        return refused(folder, "--prediction-log", second)


@in_folder
def test_of_many_logs_the_newest_stay(folder):
    """Thirty rotations in a second, three files kept: the last three."""
    with Started(folder, "--prediction-log", "log", "--log-rotate-bytes", "20000", "--log-keep-files", "3") as server:
        time.sleep(1 - time.time() % 1 + 0.01)
        for number in range(1, 31):
            records = batch(100)
            for r in records["records"]:
                r["days_on_platform"] = number
            assert ask(server.address, post(records))[0] == 200
        kept = set()
        for p in folder.iterdir():
            if ".2" in p.name:
                kept |= {json.loads(line)["features"]["days_on_platform"] for line in p.read_text().splitlines()}
    assert kept == {27, 28, 29} or kept == {28, 29, 30}, kept


@in_folder
def test_a_storm_of_sighups(folder):
    """A thousand under load with few logs kept: every request is answered, the newest lines stay, in order."""
    with Started(folder, "--prediction-log", "log.jsonl", "--log-keep-files", "3") as server:
        with Load(*[Client(server.address, post(batch(3))) for _ in range(2)]) as load:
            for _ in range(1000):
                server.process.send_signal(signal.SIGHUP)
                time.sleep(0.001)
        answered = [a[2] for a in load.answers()]
        assert not load.failures and set(answered) == {200}, load.failures[:3]
        for number in 1, 2, 3:
            time.sleep(0.4)
            assert ask(server.address, post(batch(3, days_on_platform=number)))[0] == 200
            if number == 3:  # and those before it stay
                break
            server.process.send_signal(signal.SIGHUP)
        assert ask(server.address, HEALTH)[0] == 200

    def order(p):
        second, _, number = p.name.split(".")[2].partition("-")
        return second, int(number or 1)
    aside = sorted((p for p in folder.iterdir() if ".jsonl.2" in p.name), key=order)
    assert len(aside) == 3, aside
    for p in aside:
        whole_batches(p.read_bytes(), 3)
    for p, number in zip([*aside[1:], folder / "log.jsonl"], (1, 2, 3)):
        assert json.loads(p.read_text().splitlines()[-1])["features"]["days_on_platform"] == number, p
    return "%d requests" % len(answered)


@in_folder
def test_closed_descriptors(folder):
    """The log is never opened as the standard output, to get what is printed."""
    for closed in ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full 2>&1":
        log = folder / "log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = free.getsockname()
        p = subprocess.Popen(["bash", "-c", f'exec "$0" --port {address[1]} --prediction-log "$1" --state-file "$1.s" --verbose '
                              '--state-interval 1 ' + closed, options.server, log])
        status = None
        for _ in range(200):
            try:
                status = ask(address, post(batch(3)))[0]
                break
            except OSError:
                assert p.poll() is None, (closed, p.returncode)
                time.sleep(0.05)
        p.send_signal(signal.SIGHUP)
        (folder / "log.s").unlink(missing_ok=True)
        (folder / "log.s").mkdir()  # the state cannot be written, which nobody can be told
        time.sleep(1.2)
        assert ask(address, HEALTH)[0] == 200
        (folder / "log.s").rmdir()
        p.terminate()
        assert status == 200 and p.wait(30) == 0, (closed, p.returncode)
        text = b"".join(x.read_bytes() for x in folder.glob("log*") if x.suffix not in (".intent", ".s"))
        assert whole_batches(text, 3) == 1, closed
        for x in folder.iterdir():
            x.unlink()


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
