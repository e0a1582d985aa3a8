#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets memory, disk and descriptors fail under the server: faults.py PROGRAM SHIM. Exit status 1 when a test fails.

SHIM is fault_shim.cpp as a shared library. Whatever fails, the server must stay up, answer what it cannot do with 5xx,
lose no memory, keep the log to whole batches, and work as before once the fault is over."""
import argparse
import contextlib
import errno
import json
import mmap
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

from load import Server, ask, batch, connect, descriptors, post, receive, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("shim")
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()

KINDS = ("allocate", "write", "sync", "rename", "open", "truncate", "reserve", "thread")
FIELDS = ("countdown", "failed", "error", "live")


class Faulty(Server):
    """A server under the shim. set(kind, ...) and get(kind, ...) are its switches."""

    def __init__(self, *flags, **kwargs):
        self.switches = tempfile.NamedTemporaryFile(prefix="tabscore-faults-")
        self.switches.truncate(8 * len(FIELDS) * len(KINDS))
        self.memory = mmap.mmap(self.switches.fileno(), 0)
        environment = {**os.environ, "LD_PRELOAD": options.shim, "TABSCORE_FAULTS": self.switches.name}
        super().__init__(options.server, "--threads", "1", *flags, env=environment, **kwargs)
        self.address = (self.host, self.port)

    def at(self, kind, field):
        return 8 * (KINDS.index(kind) * len(FIELDS) + FIELDS.index(field))

    def set(self, kind, field, value):
        struct.pack_into("q", self.memory, self.at(kind, field), value)

    def get(self, kind, field):
        return struct.unpack_from("q", self.memory, self.at(kind, field))[0]

    def fail(self, kind, countdown, error):
        self.set(kind, "error", error)
        self.set(kind, "countdown", countdown)

    def samples(self):
        return json.loads(self.get_path("/monitoring/drift"))["samples_observed"]

    def get_path(self, path):
        return Server.get(self, path)


def one_answer(address, raw):
    """The status, or None when the connection ended without one."""
    try:
        return ask(address, raw, 10)[0]
    except OSError:
        return None


def fail_one(server, raw, right, n, ends):
    """Fails the n-th allocation of more than 1 KiB of a request on a new connection; False when it has not so many."""
    server.fail("allocate", n, errno.ENOMEM)
    status = one_answer(server.address, raw)
    failed = server.get("allocate", "countdown") == 0
    server.set("allocate", "countdown", 0)
    assert server.process.poll() is None, "the server died of allocation %d" % n
    if failed:
        assert status in (right, None) or status >= 500, "status %s when allocation %d failed" % (status, n)
        ends["closed" if status is None else "5xx" if status >= 500 else "answered"] += 1
    assert failed or status == right, status
    assert one_answer(server.address, raw) == right, "not served after allocation %d had failed" % n
    return failed


def test_every_large_allocation_of_a_request_fails():
    requests = {
        "predictions": (post(batch(700)), 200),
        "skipped": (post({"records": batch(300)["records"] + [7] * 20}, "/batch_predict?on_error=skip"), 200),
        "errors": (post({"records": [{}] * 50}), 422),
        "syntax error": (post(b'{"records": [' + b" " * 3000), 422),
        "metrics": (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        "report": (b"GET /monitoring/report HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        "model": (b"GET /model HTTP/1.1\r\nHost: localhost\r\n\r\n", 200)}
    ends = {"5xx": 0, "answered": 0, "closed": 0}
    for name, (raw, right) in requests.items():
        with Faulty() as server:
            for _ in range(3):
                ask(server.address, raw)
            time.sleep(0.1)
            before = server.get("allocate", "live")
            n = 1
            while fail_one(server, raw, right, n, ends):
                n += 1
            time.sleep(0.1)
            after = server.get("allocate", "live")
            assert after <= before + 3, "%s: %d blocks more than before" % (name, after - before)
    cold = {"5xx": 0, "answered": 0, "closed": 0}
    for name in ("predictions", "errors"):  # the first request of a server, whose memory has still to grow
        for n in range(1, 500):
            with Faulty() as server:
                if not fail_one(server, *requests[name], n, cold):
                    break
    assert cold["5xx"] > 5, cold
    return "%d failed in warm servers: %s; %d in cold ones: %s" % (sum(ends.values()), ends, sum(cold.values()), cold)


def log_is_whole(server, batches_of):
    lines = server.log_lines()
    assert len(lines) % batches_of == 0, "%d lines in batches of %d" % (len(lines), batches_of)
    for line in lines:
        json.loads(line)
    return len(lines) // batches_of


def test_writes_fail_and_come_back():
    for policy, status in (("drop-and-count", 200), ("refuse", 503)):
        for error in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            with Faulty("--log-on-failure", policy) as server:
                raw = post(batch(40))
                assert ask(server.address, raw)[0] == 200
                server.fail("write", -1, error)
                for _ in range(3):
                    assert ask(server.address, raw)[0] == status
                server.set("write", "countdown", 0)
                assert ask(server.address, raw)[0] == 200
                assert server.get("write", "failed") >= 3, "no write failed"
                assert log_is_whole(server, 40) == 2, "answered batches, and no others, are in the log"
                assert b'tabscore_log_records_total{outcome="dropped"} 120' in server.get_path("/metrics")


def test_a_batch_that_could_be_neither_written_nor_cut_off():
    with Faulty("--log-on-failure", "refuse") as server:
        raw = post(batch(40))
        assert ask(server.address, raw)[0] == 200
        server.fail("truncate", -1, errno.EIO)
        server.fail("write", -1, errno.ENOSPC)
        assert [ask(server.address, raw)[0] for _ in range(3)] == [503] * 3
        server.set("write", "countdown", 0)
        assert ask(server.address, raw)[0] == 503, "the part is still there"
        server.set("truncate", "countdown", 0)
        assert ask(server.address, raw)[0] == 200
        assert log_is_whole(server, 40) == 2


def test_the_disk_cannot_be_forced():
    with Faulty("--log-sync", "always", "--log-on-failure", "refuse") as server:
        raw = post(batch(5))
        server.fail("sync", -1, errno.EIO)
        statuses = {ask(server.address, raw)[0] for _ in range(3)}
        assert statuses <= {200, 503}, statuses
        server.set("sync", "countdown", 0)
        assert ask(server.address, raw)[0] == 200
        assert server.get("sync", "failed") >= 3
        log_is_whole(server, 5)


def test_the_disk_has_no_place_in_advance():
    """The log does without, whether the file system cannot or is full, and asks once a file."""
    raw = post(batch(2000))
    for error in (errno.EOPNOTSUPP, errno.ENOSPC):
        with Faulty("--log-on-failure", "refuse") as server:
            server.fail("reserve", -1, error)
            for _ in range(4):
                assert [ask(server.address, raw)[0] for _ in range(10)] == [200] * 10
                time.sleep(0.3)
            assert server.get("reserve", "failed") == 1
            assert log_is_whole(server, 2000) == 40


def test_rotation_fails():
    for kind, error in (("rename", errno.EACCES), ("open", errno.EMFILE)):
        with Faulty("--log-rotate-bytes", "3000") as server:
            raw = post(batch(5))
            server.fail(kind, -1, error)
            assert {ask(server.address, raw)[0] for _ in range(6)} == {200}
            assert server.get(kind, "failed") > 0, "no rotation was tried"
            server.set(kind, "countdown", 0)
            assert {ask(server.address, raw)[0] for _ in range(6)} == {200}
            lines = 0
            for name in os.listdir(server.folder.name):
                if name.startswith("prediction_log") and not name.endswith(".intent"):
                    with open(os.path.join(server.folder.name, name), "rb") as file:
                        lines += sum(1 for line in file if line.endswith(b"}}\n"))
            assert lines == 60, "%d of 60 lines" % lines


def test_the_state_file_cannot_be_written():
    with tempfile.TemporaryDirectory(prefix="tabscore-state-") as folder:
        path = os.path.join(folder, "state.json")
        for kind in ("rename", "sync", "write", "open"):
            server = Faulty("--state-file", path, "--state-interval", "1", stderr=subprocess.DEVNULL, log="off")
            with server:
                ask(server.address, post(batch(5)))
                time.sleep(1.3)
                with open(path, "rb") as file:
                    good = file.read()
                ask(server.address, post(batch(5)))
                server.fail(kind, -1, errno.ENOSPC)
                time.sleep(1.3)
                assert server.get(kind, "failed") > 0, kind + " did not fail"
                assert ask(server.address, post(batch(5)))[0] == 200
                with open(path, "rb") as file:
                    assert file.read() == good, "the old state is not whole any more"
                assert sorted(os.listdir(folder)) == ["state.json", "state.json.lock"] or kind == "open", os.listdir(folder)
                server.set(kind, "countdown", 0)
            os.unlink(path)


def test_a_small_disk_fills_up():
    folder = tempfile.mkdtemp(prefix="tabscore-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True).returncode:
        os.rmdir(folder)
        return "skipped: this user may not mount a file system"
    try:
        with Server(options.server, "--log-on-failure", "refuse", log=os.path.join(folder, "log.jsonl")) as server:
            address, raw = (server.host, server.port), post(batch(100))
            statuses = [ask(address, raw)[0] for _ in range(30)]
            whole = statuses.count(200)
            assert 0 < whole < 30 and statuses == [200] * whole + [503] * (30 - whole), statuses
            assert log_is_whole(server, 100) == whole
            with open(server.log, "r+b") as file:  # as logrotate's copytruncate does
                file.truncate(0)
            assert ask(address, raw)[0] == 200
            assert log_is_whole(server, 100) == 1
        return "%d batches were written before it was full" % whole
    finally:
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


def test_threads_run_out():
    """A container's limit of processes: a sentence and status 1, whichever thread cannot be started."""
    with tempfile.NamedTemporaryFile() as switches, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LD_PRELOAD": options.shim, "TABSCORE_FAULTS": switches.name}
        said = []
        for nth in range(1, 20):
            switches.seek(0)
            faults = [0] * (len(FIELDS) * len(KINDS))
            faults[len(FIELDS) * KINDS.index("thread")] = nth
            switches.write(struct.pack("%dq" % len(faults), *faults))
            switches.flush()
            process = subprocess.Popen([options.server, "--port", "0", "--threads", "4", "--prediction-log", folder + "/log",
                                        "--state-file", folder + "/state"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            listening = process.stdout.readline()
            process.terminate()
            said.append(process.communicate(timeout=60)[1])
            if listening:
                assert process.returncode == 0, process.returncode
                break
            assert process.returncode == 1 and b"thread" in said[-1], (nth, process.returncode, said)
        assert len(said) > 6 and b"cannot start 4 threads" in said[-2], said


def test_descriptors_run_out():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))

    with Server(options.server, preexec_fn=few) as server:
        address, raw = (server.host, server.port), post(batch(3))
        model = json.loads(server.get("/model"))
        crowd = [connect(address) for _ in range(400)]  # four times what there is room for
        status, head = 0, b""
        for _ in range(50):  # until the server, on a busy machine, has seen them all
            with contextlib.suppress(OSError):  # a refused connection may be reset before all is sent
                status, head, _ = ask(address, raw)
                if status == 503:
                    break
            time.sleep(0.1)
        assert status == 503 and b"retry-after: 1\r\n" in head, (status, head)
        assert descriptors(server.process.pid) <= 110
        server.process.send_signal(1)  # a new log and the model file need descriptors as well
        time.sleep(0.6)
        crowd[0].sendall(raw)  # who was there first is served
        assert receive(crowd[0])[0] == 200
        for s in crowd:
            s.close()
        time.sleep(0.3)
        assert ask(address, raw)[0] == 200
        assert json.loads(server.get("/model"))["sha256"] == model["sha256"]


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
