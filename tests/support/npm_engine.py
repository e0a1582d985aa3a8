# SPDX-License-Identifier: MIT
"""Engines that come as npm packages, installed once into the build folder."""
import os
import shutil
import subprocess
import sys


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def installed(folder, package, version, file):
    """The path of a file of a package; ends the test as skipped where the package can't be had."""
    path = os.path.join(folder, "node_modules", *package.split("/"), file)
    if os.path.exists(path):
        return path
    npm = shutil.which("npm")
    if npm is None:
        skip(f"npm is not installed, {package} can't be fetched")
    os.makedirs(folder, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder,
               f"{package}@{version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        skip(f"the package registry does not answer, {package} can't be fetched")
    if done.returncode != 0 or not os.path.exists(path):
        skip(f"{package} can't be fetched: {done.stderr.strip()[-300:]}")
    return path
