# SPDX-License-Identifier: MIT
"""A freshly started example server, for the tests that talk to it over HTTP."""
import http.client
import json
import os
import signal
import subprocess
import tempfile

# How many times slower and larger than ever a program with a sanitizer may be: the presets' to say.
SLOWER, LARGER = (float(os.environ.get("TABSCORE_TESTS_" + name, 1)) for name in ("SLOWER", "LARGER"))

RECORD = {"student_country": "US", "days_on_platform": 45, "minutes_watched": 320.5, "courses_started": 3,
          "practice_exams_started": 5, "practice_exams_passed": 3, "minutes_spent_on_exams": 87.2}


def batch(size, **changes):
    """A body of records that are all alike."""
    return {"records": [{**RECORD, **changes}] * size}


class Server:
    """Runs `program` on a free port with a prediction log of its own, or that of `log`; a context manager that ends it
    with SIGTERM. What else is named is for subprocess.Popen."""

    def __init__(self, program, *flags, log=None, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="tabscore-")
        self.log = log or os.path.join(self.folder.name, "prediction_log.jsonl")
        self.process = subprocess.Popen([program, "--port", "0", "--prediction-log", self.log, *flags],
                                        stdout=subprocess.PIPE, text=True, **options)
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
        return self.process.wait(30 * SLOWER)

    def connection(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60 * SLOWER)

    def get(self, path):
        connection = self.connection()
        connection.request("GET", path)
        body = connection.getresponse().read()
        connection.close()
        return body

    def post(self, path, body):
        """The answer to a body: its status, its headers, its content."""
        connection = self.connection()
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(),
                           {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def log_lines(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8", newline="\n") as file:
            text = file.read()
        return text.splitlines(keepends=True) if text else []
