# SPDX-License-Identifier: MIT
"""Packages of npm, installed once into a folder of the build."""
import json
import pathlib
import shutil
import subprocess

from checks import skip


def missing(folder, *packages):
    """None when folder/node_modules holds the packages, else the reason; name@12 is any version 12."""
    folder = pathlib.Path(folder)

    def is_there(package):
        name, _, version = package.rpartition("@")
        about = folder / "node_modules" / name / "package.json"
        return about.exists() and (json.loads(about.read_text())["version"] + ".").startswith(version + ".")

    if all(map(is_there, packages)):
        return None
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        result = subprocess.run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent",
                                 "--ignore-scripts", "--fetch-retries=0", "--fetch-timeout=20000", *packages],
                                capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        return "npm took too long"
    if result.returncode != 0:
        return "npm did not install %s: %.300s" % (" ".join(packages), result.stderr or result.stdout)
    return None


def file_of(folder, package, name):
    """The path of a file of a package; ends the test as skipped where the package cannot be had."""
    reason = missing(folder, package)
    if reason:
        skip(reason)
    return str(pathlib.Path(folder) / "node_modules" / package.rpartition("@")[0] / name)
