# SPDX-License-Identifier: MIT
"""`conan create .` with the real Conan: run.py SOURCE BUILD. Conan comes from PATH, else from PyPI into BUILD.

The libraries beneath are the system's, wrapped by system/conanfile.py. The cache is one of the test's own, in BUILD.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
HERE = SOURCE / "tests/install/conan"
VERSION = ".".join(re.findall(r"VERSION_[A-Z]+ (\d+)", (SOURCE / "include/tabscore/version.hpp").read_text()))
SYSTEM = {"eigen": "eigen3", "simdjson": "simdjson", "fmt": "fmt"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def find_conan():
    found = shutil.which("conan")
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return found
    folder = BUILD / "environment"
    program = folder / "bin/conan"
    if not program.exists():
        quick = ["--quiet", "--disable-pip-version-check", "--timeout", "5", "--retries", "0"]
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([folder / "bin/pip", "install", *quick, "conan>=2.9"], check=True, capture_output=True, timeout=90)
        except (OSError, subprocess.SubprocessError):
            shutil.rmtree(folder, ignore_errors=True)
            skip("there is no conan, and pip cannot fetch it")
    return program


class Conan(unittest.TestCase):
    def conan(self, *arguments, fails=False):
        done = subprocess.run([CONAN, *arguments], cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode != 0, fails, done.stdout)
        return done.stdout

    def create(self, *arguments, **options):
        conf = ("tools.cmake.cmaketoolchain:generator=Ninja", f"tools.cmake.cmake_layout:test_folder={BUILD / 'test'}",
                "tools.build:jobs=1")
        conf = [part for each in conf for part in ("-c", each)]
        return self.conan("create", ".", "-s", "build_type=Debug", *conf, *arguments, **options)

    def test_creates_the_package_and_runs_a_consumer(self):
        printed = self.create("-s", "compiler.cppstd=20")
        expected = (SOURCE / "tests/install/expected.txt").read_text()
        self.assertIn(expected, printed)
        folder = pathlib.Path(re.search(r"Package folder (\S+)", printed).group(1))
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        headers = {str(path.relative_to(SOURCE)) for path in (SOURCE / "include").rglob("*") if path.is_file()}
        others = {"licenses/LICENSE", "share/cmake/tabscore-compiled.cmake", "conaninfo.txt", "conanmanifest.txt"}
        self.assertEqual(files, headers | others)

    def test_needs_cpp_20(self):
        self.assertIn("required C++ standard (20)", self.create("-s", "compiler.cppstd=17", "--test-folder=", fails=True))


if __name__ == "__main__":
    CONAN = find_conan()
    if not shutil.which("pkg-config"):
        skip("there is no pkg-config")
    os.environ["CONAN_HOME"] = str(BUILD / "home")
    shutil.rmtree(BUILD / "home", ignore_errors=True)
    subprocess.run([CONAN, "profile", "detect"], check=True, capture_output=True)
    for name, module in SYSTEM.items():
        version = subprocess.run(["pkg-config", "--modversion", module], check=True, capture_output=True, text=True).stdout.strip()
        wrapper = [CONAN, "create", HERE / "system", f"--name={name}", f"--version={version}"]
        subprocess.run(wrapper, check=True, capture_output=True)
    unittest.main(argv=sys.argv[:1])
