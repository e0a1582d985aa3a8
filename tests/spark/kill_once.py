# SPDX-License-Identifier: MIT
"""kill_once.py MARKER PROGRAM...: a filter that runs the program. The first that makes the marker hands half of the answers
on and kills the executor that it works for, with itself."""
import os
import signal
import subprocess
import sys
import time


def kill_executor():
    pid = os.getpid()
    while pid > 1:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"CoarseGrainedExecutorBackend" in file.read():
                os.kill(pid, signal.SIGKILL)
                time.sleep(60)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            pid = int(file.read().rsplit(") ", 1)[1].split()[1])
    sys.exit("no executor above this process")


def first(marker):
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


if __name__ == "__main__":
    marker, *command = sys.argv[1:]
    answers = subprocess.run(command, stdin=sys.stdin, stdout=subprocess.PIPE, check=True).stdout
    if first(marker):
        sys.stdout.buffer.write(answers[: len(answers) // 2])
        sys.stdout.flush()
        kill_executor()
    sys.stdout.buffer.write(answers)
