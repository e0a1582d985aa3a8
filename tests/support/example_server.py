# SPDX-License-Identifier: MIT
"""A freshly started example server, for the tests that talk to it over HTTP."""
import http.client
import os
import signal
import subprocess
import tempfile


class Server:
    """Runs `program` on a free port with a prediction log of its own; a context manager that ends it with SIGTERM."""

    def __init__(self, program, *flags):
        self.folder = tempfile.TemporaryDirectory(prefix="tabscore-")
        self.log = os.path.join(self.folder.name, "prediction_log.jsonl")
        self.process = subprocess.Popen([program, "--port", "0", "--prediction-log", self.log, *flags],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()  # "... http://127.0.0.1:PORT", printed when it is ready
        if "http://" not in line:
            raise SystemExit("the server did not start: %r, status %s" % (line, self.process.wait()))
        self.host, port = line.split("http://")[1].split()[0].split(":")
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status = self.stop()
        self.folder.cleanup()
        if status != 0:
            raise SystemExit("the server ended with status %s" % status)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        return self.process.wait(30)

    def connection(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def get(self, path):
        connection = self.connection()
        connection.request("GET", path)
        body = connection.getresponse().read()
        connection.close()
        return body

    def log_lines(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8", newline="\n") as file:
            text = file.read()
        return text.splitlines(keepends=True) if text else []
