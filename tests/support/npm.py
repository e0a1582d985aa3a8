# SPDX-License-Identifier: MIT
"""Packages of npm, installed into a folder of the test that needs them."""
import shutil
import subprocess


def install(folder, *packages):
    """None when they are in folder/node_modules, else why they are not."""
    wanted = "\n".join(packages)
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return None
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        result = subprocess.run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent",
                                 "--fetch-retries=0", "--fetch-timeout=20000", *packages],
                                capture_output=True, text=True, timeout=100)
    except subprocess.TimeoutExpired:
        return "npm took too long"
    if result.returncode != 0:
        return "npm did not install %s: %.300s" % (" ".join(packages), result.stderr or result.stdout)
    done.write_text(wanted)
    return None
