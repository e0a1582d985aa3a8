# SPDX-License-Identifier: MIT
"""Compiles programs as the build in COMPILE_COMMANDS compiled its own, with its library TABSCORE_LIBRARY."""

import json
import os
import pathlib
import shlex
import subprocess


def flags():
    """The compiler and its flags."""
    database = json.loads(pathlib.Path(os.environ["COMPILE_COMMANDS"]).read_text())
    command = shlex.split(next(entry["command"] for entry in database if entry["file"].endswith("score_rows.cpp")))
    kept = [f for i, f in enumerate(command) if f not in ("-c", "-o", "-MD", "-MT", "-MF")
            and command[i - 1] not in ("-o", "-c", "-MT", "-MF") and not f.endswith("score_rows.cpp")]
    return kept[1:] if pathlib.Path(kept[0]).name == "ccache" else kept


def build(source, *options):
    """The program of a file, beside it."""
    program = source.with_suffix("")
    built = subprocess.run([*flags(), "-O1", *options, source, "-o", program, os.environ["TABSCORE_LIBRARY"], "-lsimdjson", "-lfmt"],
                           capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[:3000]
    return program
