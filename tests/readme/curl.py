#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curl.py SOURCE PROGRAM: runs every curl command of the documentation against the example server; each must succeed."""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from example_server import Server  # noqa: E402

CODE = re.compile(r"^```[a-z]*\n(.*?)^```|((?:^    .*\n)+)", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"^<!-- run: [\w-]+ -->\n```sh\n.*?^```", re.MULTILINE | re.DOTALL)  # by other tests
PLACE = re.compile(r"(?:localhost|replica-\d):8000")


def complete(command):
    """Whether a shell would not read on: no quote is open and no backslash stands at the end."""
    return command.count("'") % 2 == 0 and not command.rstrip("\n").endswith("\\")


def commands(text):
    for block in CODE.finditer(RUN.sub("", text)):
        lines = (block[1] or block[2]).splitlines()
        while lines:
            command = lines.pop(0).strip()
            if command.startswith("curl"):
                while lines and not complete(command):
                    command += "\n" + lines.pop(0)
                yield command


def main():
    source, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    count = 0
    with Server(program) as server, tempfile.TemporaryDirectory() as folder:
        for page in [source / "README.md", *sorted((source / "docs").rglob("*.md"))]:
            for command in commands(page.read_text(encoding="utf-8")):
                count += 1
                here = PLACE.sub("localhost:%d" % server.port, command)
                script = 'curl() { command curl -sS --fail-with-body --max-time 20 "$@"; }\n' + here
                done = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True, timeout=30)
                if here == command or done.returncode != 0:
                    sys.exit("%s:\n%s\n%s%s" % (page, command, done.stdout, done.stderr))
                print("ok      %s: %s" % (page.name, command.partition("\n")[0]))
    if count < 3:
        sys.exit("only %d commands were found" % count)


if __name__ == "__main__":
    main()
