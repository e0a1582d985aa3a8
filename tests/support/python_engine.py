# SPDX-License-Identifier: MIT
"""Engines that come as Python packages, installed once into the build folder."""
import os
import subprocess
import sys

from checks import skip


def load(folder, requirement):
    """Makes the package importable; ends the test as skipped where it can't be had."""
    path = os.path.join(folder, "python", requirement)
    if not os.path.exists(path):
        partial = path + ".partial"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", partial, requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        except subprocess.TimeoutExpired:
            skip(f"the package index does not answer, {requirement} can't be fetched")
        if done.returncode != 0:
            skip(f"{requirement} can't be fetched: {done.stderr.strip()[-300:]}")
        os.rename(partial, path)
    sys.path.insert(0, path)
