# SPDX-License-Identifier: MIT
"""python_package.py LIBRARY SOURCE BUILD: builds the wheel, installs it into a fresh environment with pyarrow, pandas and
polars, and uses it there. Exit status 77 where packages cannot be had."""
import pathlib
import re
import shutil
import subprocess
import sys

library, source, build = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
environment = build / "environment"
python = environment / "bin" / "python"
PACKAGES = ["pyarrow", "pandas", "polars", "setuptools>=70", "wheel"]


def run(*command, why):
    result = subprocess.run(command, capture_output=True, text=True, timeout=200)
    if result.returncode != 0:
        print(f"{why}: {result.stderr[-500:]}")
        sys.exit(77)


if not (environment / "installed").exists():
    shutil.rmtree(environment, ignore_errors=True)
    run(sys.executable, "-m", "venv", str(environment), why="python3 has no venv (Debian: python3-venv)")
    run(python, "-m", "pip", "install", "--quiet", "--retries", "0", "--timeout", "20", *PACKAGES,
        why="packages cannot be had")
    (environment / "installed").touch()
shutil.rmtree(build / "wheel", ignore_errors=True)
shutil.copytree(source / "examples/python", build / "wheel/source")
made = subprocess.run([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir",
                       build / "wheel", build / "wheel/source"], capture_output=True, text=True)
assert made.returncode == 0, made.stderr
wheel = next((build / "wheel").glob("*.whl"))
version = ".".join(re.findall(r"define TABSCORE_VERSION_\w+ (\d+)", (source / "include/tabscore/version.hpp").read_text()))
assert wheel.name == f"tabscore-{version}-py3-none-any.whl", wheel.name
subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", wheel], check=True)
done = subprocess.run([python, "-B", source / "tests/capi/use_package.py", library, source / "models", version], cwd=build)
sys.exit(done.returncode)
