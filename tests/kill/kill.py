#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills the example server with SIGKILL while it logs, starts it again, and looks at the prediction log.

  kill.py build/release/examples/student_server [--trials 2000] [--seed 1]

After each restart every line must be whole, every batch in the log whole and in one piece, every batch that was answered
in the log, and none twice. Rotation by size and the policies of durability take turns. Also says how often the kill had
left a part of a batch: those are the trials in which the restart had something to put right."""
import argparse
import collections
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

LINE = re.compile(
    rb'\{"timestamp_utc": "[-+:.\dT]{25,32}", "threshold": [\d.]+, "predicted_purchase_probability": [\d.e-]+, '
    rb'"predicted_purchase": [01], "features": \{"student_country": "US", "days_on_platform": (\d+), '
    rb'"minutes_watched": 1.5, "courses_started": (\d+), "practice_exams_started": (\d+), '
    rb'"practice_exams_passed": 0, "minutes_spent_on_exams": 0.25\}\}')
SIZES = (3, 300, 4000, 12000)
MODES = (["--log-sync", "none"], ["--log-sync-ms", "5"], ["--log-sync", "always"], ["--log-rotate-bytes", "3000000"])


def body(size):
    """A batch whose number is filled in later; its records hold their batch, its size and their place in it."""
    records = b",".join(
        b'{"student_country":"US","days_on_platform":@NUMBER@,"minutes_watched":1.5,"courses_started":%d,'
        b'"practice_exams_started":%d,"practice_exams_passed":0,"minutes_spent_on_exams":0.25}' % (size, i)
        for i in range(size))
    return b'{"records":[' + records + b"]}"


BODIES = {size: body(size) for size in SIZES}


class Client(threading.Thread):
    """Sends one batch after the other until the server is gone; `answered` has the numbers of those that came back."""

    def __init__(self, address, numbers, size):
        super().__init__()
        self.address, self.numbers, self.size = address, numbers, size
        self.sent, self.answered = [], []

    def run(self):
        try:
            with socket.create_connection(self.address, timeout=20) as connection:
                for number in self.numbers:
                    content = BODIES[self.size].replace(b"@NUMBER@", b"%d" % number)
                    self.sent.append(number)
                    connection.sendall(b"POST /batch_predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" %
                                       len(content) + content)
                    if not self.receive(connection):
                        return
                    self.answered.append(number)
        except OSError:
            pass

    @staticmethod
    def receive(connection):
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(1 << 16)
            if not more:
                return False
            got += more
        head, _, content = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit("unexpected answer: %r" % head)
        rest = int(re.search(rb"content-length: (\d+)", head).group(1)) - len(content)
        while rest > 0:
            more = connection.recv(min(rest, 1 << 20))
            if not more:
                return False
            rest -= len(more)
        return True


def start(program, log, mode):
    process = subprocess.Popen([program, "--port", "0", "--threads", "2", "--prediction-log", log, *mode],
                               stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if "http://" not in line:
        raise SystemExit("the server did not start: %r, status %s" % (line, process.wait()))
    host, port = line.split("http://")[1].split()[0].split(":")
    return process, (host, int(port))


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def log_files(folder):
    return sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix != ".intent")


def batches_of(path):
    """Number -> how often its lines were seen; anything wrong with the file ends the program."""
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        raise SystemExit("%s: the last line is torn: %.100r" % (path, content[-100:]))
    seen = collections.Counter()
    lines = content.split(b"\n")[:-1]
    at = 0
    while at < len(lines):
        first = LINE.fullmatch(lines[at])
        if not first:
            raise SystemExit("%s: a broken line: %.300r" % (path, lines[at]))
        number, size = int(first.group(1)), int(first.group(2))
        for i in range(size):
            match = LINE.fullmatch(lines[at + i]) if at + i < len(lines) else None
            if not match or [int(g) for g in match.groups()] != [number, size, i]:
                raise SystemExit("%s: batch %d is not whole at record %d of %d" % (path, number, i, size))
        seen[number] += 1
        at += size
    return seen


def ends_with_part(path):
    """Whether the file ends within a batch."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 1000))
        tail = file.read()
    lines = tail.split(b"\n")
    if lines[-1]:
        return True
    last = LINE.fullmatch(lines[-2]) if len(lines) > 1 else None
    return bool(last) and int(last.group(3)) + 1 != int(last.group(2))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("server")
    options.add_argument("--trials", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    dice = random.Random(options.seed)
    parts = answered = 0
    begun = time.time()
    for trial in range(options.trials):
        mode = MODES[trial % len(MODES)]
        with tempfile.TemporaryDirectory(prefix="tabscore-kill-") as folder:
            log = os.path.join(folder, "log.jsonl")
            process, address = start(options.server, log, mode)
            numbers = iter(range(1, 1 << 30))
            clients = [Client(address, numbers, dice.choice(SIZES)) for _ in range(2)]
            for client in clients:
                client.start()
            time.sleep(dice.uniform(0.002, 0.06))
            kill(process)
            for client in clients:
                client.join()
            if os.path.exists(log):
                parts += ends_with_part(log)
            process, address = start(options.server, log, mode)  # puts the log right
            after = Client(address, iter((0,)), 3)  # and appends to it
            after.start()
            after.join()
            process.send_signal(signal.SIGTERM)
            process.wait()
            process.stdout.close()

            seen = collections.Counter()
            for path in log_files(folder):
                seen += batches_of(path)
            expected = {n for c in (*clients, after) for n in c.answered}
            sent = {n for c in (*clients, after) for n in c.sent}
            lost, strange = expected - set(seen), set(seen) - sent
            twice = [n for n, count in seen.items() if count > 1]
            if lost or strange or twice or 0 not in expected:
                raise SystemExit("trial %d (%s): lost %s, unknown %s, twice %s" %
                                 (trial, " ".join(mode), sorted(lost), sorted(strange), twice))
            answered += len(expected)
        if sys.stdout.isatty() and trial % 50 == 49:
            print("%d trials" % (trial + 1), flush=True)
    if not answered:
        raise SystemExit("no batch was answered: nothing was tested")
    print("%d kills: %d batches answered, none lost, none in part; %d kills had left a part of a batch; %.0f s" %
          (options.trials, answered, parts, time.time() - begun))


if __name__ == "__main__":
    main()
