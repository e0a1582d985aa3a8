#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""flags.py PROGRAM: --help is printable, and nonsense in a flag ends the program with a sentence that names the flag."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from checks import expect  # noqa: E402

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
WRONG = {"--host": ["", "a b", "http://x", "nowhere.invalid", "*", "[", "[]", "[::1", "::1]", "localhost:80", "[localhost]"], "--allowed-hosts": ["", "a b", "http://x", "*.example.org"],
         "--cors-origins": ["", "example.org", "https://x/", "://x", "1://x", "https://:80", "https://x:", "https://x:0", "https://x:65536",
                            "https://x:443", "https://x:8a", "https://[::1", "https://u@x", "https://x y", "https://x\u00e9"], "--model": ["", "/", "/nowhere", "/dev/null"],
         "--prediction-log": ["", "/", "/proc/nowhere/log", "none", "OFF", "None", "-"], "--state-file": ["", "/proc/nowhere/state", "/"], "--swagger-ui": ["/nowhere"],
         "--log-hash-key-file": [""], "--log-chain-key-file": [""], "--archive": [""], "--challenger-log": [""], "--ab-field": [""], "--ab-salt": [""],
         "--label-folder": [""],
         "--log-sync": ["", "x", "0"], "--log-on-failure": ["", "x"], "--errors": ["", "x", "1"]}
NUMBERS = ["", "-1", "x", "1.5", "1e3", "0x10", "99999999999999999999", " 1", "1 "]


def main():
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, timeout=20).stdout
    expect(not re.search(rb"[^ -~\n]", text), "control characters in --help")
    numbers = re.findall(r"^  (--[a-z-]+) UINT", text.decode(), re.M)
    expect(len(numbers) > 15, numbers)
    for flag in numbers:
        WRONG[flag] = NUMBERS
    for flag in ("--header-timeout", "--body-timeout", "--idle-timeout", "--threads", "--max-connections", "--max-records"):
        WRONG[flag] = NUMBERS + ["0"]
    WRONG["--port"] = NUMBERS + ["65536"]
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for flag, values in WRONG.items():
            for value in values:
                own = {"--port": "0", "--prediction-log": "off"}
                own[flag] = value
                arguments = [a for name, v in own.items() for a in ([name + "=" + v] if v else [name, ""])]
                try:
                    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, cwd=folder)
                except subprocess.TimeoutExpired:
                    raise SystemExit("%s '%s' is taken" % (flag, value))
                said = done.stderr + done.stdout
                expect(0 < done.returncode < 128, "%s '%s' ends with %d" % (flag, value, done.returncode))
                usage = flag in numbers or flag in ("--cors-origins", "--log-sync", "--log-on-failure", "--errors")
                expect(done.returncode == 2 or not usage and done.returncode == 1, "%s '%s' ends with %d" % (flag, value, done.returncode))
                expect(len(said) < 300, "%s '%s': %s" % (flag, value, said))
                expect(len(said) > 15 and "listening" not in said, "%s '%s': %s" % (flag, value, said))
                count += 1
        os.mkfifo(folder + "/pipe")
        done = subprocess.run([PROGRAM, "--model", folder + "/pipe"], capture_output=True, text=True, timeout=60)
        expect(done.returncode == 1 and "is not a regular file" in done.stderr, done)
        for flag in ("--log-chain-key-file", "--log-hash-key-file"):
            done = subprocess.run([PROGRAM, "--port", "0", "--prediction-log", "off", flag, folder], capture_output=True, text=True, timeout=60)
            expect(done.returncode == 1 and flag + " needs a --prediction-log" in done.stderr, done)
    for flags in ["--challenger", "x", "--ab-field", "x"], ["--challenger", "x", "--ab-salt", "x"]:
        done = subprocess.run([PROGRAM, "--port", "0", "--prediction-log", "off", *flags], capture_output=True, text=True, timeout=60)
        expect(done.returncode == 1 and "--ab-field and --ab-salt need an --arm-weight" in done.stderr, done)
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    expect((done.returncode, done.stderr) == (1, b"the standard output cannot be written\n"), done)
    print("ok      %d wrong values of %d flags" % (count, len(WRONG)))


if __name__ == "__main__":
    main()
