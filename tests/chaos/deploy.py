#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The files of examples/student_server/deploy: deploy.py PROGRAM. Exit status 1 when a test fails, 77 without nginx and
openssl (apt install nginx-light openssl). Starts an nginx with nginx.conf before the server, lets systemd look at the unit
files where it is installed, and holds the Dockerfile against what it names."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from load import Server, batch, run_tests
from checks import free_port  # load finds it

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "examples" / "student_server" / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PROGRAM = sys.argv[1]


class Proxy:
    """nginx with TLS before a server, in a folder of its own."""

    def __init__(self, server):
        self.folder = tempfile.TemporaryDirectory(prefix="tabscore-nginx-")
        self.port = free_port()
        config = (DEPLOY / "nginx.conf").read_text()
        for old, new in (("127.0.0.1:8000", "127.0.0.1:%d" % server.port), ("127.0.0.1:8443", "127.0.0.1:%d" % self.port)):
            assert old in config
            config = config.replace(old, new)
        path = os.path.join(self.folder.name, "nginx.conf")
        pathlib.Path(path).write_text(config)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", "key.pem", "-out", "certificate.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], cwd=self.folder.name, check=True, capture_output=True)
        os.chmod(self.folder.name, 0o755)
        self.process = subprocess.Popen([NGINX, "-p", self.folder.name, "-c", path, "-e", "error.log", "-g", "daemon off;"],
                                        stderr=subprocess.PIPE, text=True)
        for _ in range(100):
            if self.process.poll() is not None:
                raise AssertionError(self.process.stderr.read())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.process.stderr.close()
        self.folder.cleanup()

    def connection(self):
        trust = ssl.create_default_context(cafile=os.path.join(self.folder.name, "certificate.pem"))
        return http.client.HTTPSConnection("localhost", self.port, context=trust, timeout=20)


def ask(connection, method, path, body=None):
    connection.request(method, path, body, {"content-type": "application/json"} if body else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_tls_and_limits_before_the_server():
    body = json.dumps(batch(20)).encode()
    with Server(PROGRAM) as server, Proxy(server) as proxy:
        _, _, direct = server.post("/batch_predict", body)
        connection = proxy.connection()
        for _ in range(5):
            assert ask(connection, "POST", "/batch_predict", body) == (200, direct)
        assert connection.sock is None or connection.sock.version() in ("TLSv1.2", "TLSv1.3")
        assert ask(connection, "GET", "/health")[0] == 200
        large = json.dumps(batch(5000)).encode()
        status, content = ask(connection, "POST", "/batch_predict", large)
        assert status == 200 and content.count(b"predicted_purchase_probability") == 5000
        statuses = [ask(connection, "GET", "/health")[0] for _ in range(400)]
        assert set(statuses) == {200, 429} and statuses.count(200) >= 80, {s: statuses.count(s) for s in set(statuses)}
        return "%d of 400 requests at once were let through" % statuses.count(200)


def test_unit_files():
    if not shutil.which("systemd-analyze"):
        return "skipped: there is no systemd-analyze"
    with tempfile.TemporaryDirectory(prefix="tabscore-units-") as folder:
        for name in ("student_server.service", "student_server.socket"):
            text = (DEPLOY / name).read_text().replace("/usr/local/bin/student_server", os.path.abspath(PROGRAM))
            pathlib.Path(folder, name).write_text(text)
        unit = os.path.join(folder, "student_server.service")
        found = subprocess.run(["systemd-analyze", "verify", unit, os.path.join(folder, "student_server.socket")],
                               capture_output=True, text=True)
        ours = [line for line in (found.stdout + found.stderr).splitlines() if "student_server" in line]
        assert found.returncode == 0 and not ours, found.stderr
        rated = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit], capture_output=True,
                               text=True)
        level = re.search(r"Overall exposure level for student_server.service: ([\d.]+)", rated.stdout)
        assert level and float(level[1]) < 2, rated.stdout[-300:] + rated.stderr
        return "exposure level %s of 10" % level[1]


def test_dockerfile():
    """No daemon is needed: it names files that are there, packages that Debian 12 has, flags that the server has, and a
    user that is not root."""
    text = (DEPLOY / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    steps = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    known = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    assert {step for step, _ in steps} <= known, steps
    of = lambda wanted: [rest for step, rest in steps if step == wanted]  # noqa: E731
    assert [image.split()[0] for image in of("FROM")] == ["debian:12-slim"] * 2
    for source, *_ in (copy.split() for copy in of("COPY") if "--from" not in copy):
        assert (DEPLOY.parents[2] / source).exists(), source

    users = [i for i, (step, _) in enumerate(steps) if step == "USER"]
    assert users and users[-1] > max(i for i, (step, _) in enumerate(steps) if step in ("RUN", "COPY"))
    name = of("USER")[-1]
    assert name not in ("root", "0") and any("useradd" in run and run.split().count(name) for run in of("RUN")), name

    flags = json.loads(of("ENTRYPOINT")[0])[1:] + json.loads(of("CMD")[0])
    for flag in (f for f in flags if f.startswith("--")):
        helped = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True).stdout
        assert flag + " " in helped, flag

    packages = [word for run in of("RUN") for words in re.findall(r"apt-get install ([^&]*)", run)
                for word in words.split() if not word.startswith("-")]
    assert {"g++", "libboost-dev", "libfmt9"} <= set(packages)
    system = pathlib.Path("/etc/os-release").read_text()
    if "VERSION_ID=\"12\"" not in system or "ID=debian" not in system or not shutil.which("apt-cache"):
        return "%d packages unchecked: this is not Debian 12" % len(packages)
    found = subprocess.run(["apt-cache", "show", "--no-all-versions", *packages], capture_output=True, text=True).stdout
    missing = set(packages) - set(re.findall(r"^Package: (.*)$", found, flags=re.M))
    assert not missing, missing
    needed = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout
    for library, package in (("libfmt.so.9", "libfmt9"), ("libsimdjson.so.14", "libsimdjson14")):
        assert (library in needed) == (package in packages), library
    return "%d packages" % len(packages)


if __name__ == "__main__":
    if not NGINX or not shutil.which("openssl"):
        print("skipped: apt install nginx-light openssl")
        sys.exit(77)
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], sys.argv[2:]))
