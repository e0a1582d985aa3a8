# SPDX-License-Identifier: MIT
"""cmake/release.sh on a copy of the tree, and on copies that are not ready: release.py SOURCE."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1]).resolve()
VERSION = ".".join(re.findall(r"VERSION_[A-Z]+ (\d+)", (SOURCE / "include/tabscore/version.hpp").read_text()))
NEEDED = ["include", "cmake", "conanfile.py", "models/pyproject.toml", "examples/python/pyproject.toml", "CHANGELOG.md"]


def git(folder, *arguments):
    names = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


class Release(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name)
        for name in NEEDED:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (SOURCE / name).is_dir() else shutil.copy
            copy(SOURCE / name, self.tree / name)
        (self.tree / ".gitignore").write_text("/build/\n")
        changes = (self.tree / "CHANGELOG.md").read_text()
        if f"## {VERSION} - " not in changes:  # between two releases
            self.edit("CHANGELOG.md", r"\Z", f"\n## {VERSION} - 2026-01-02\n\n- Something.\n")
        git(self.tree, "init", "-q")
        self.commit()

    def edit(self, name, old, new):
        path = self.tree / name
        path.write_text(re.sub(old, lambda _: new, path.read_text(), count=1))

    def commit(self):
        git(self.tree, "add", "-A")
        git(self.tree, "commit", "-qm", "test")

    def release(self, *arguments, **environment):
        command = ["bash", "cmake/release.sh", *arguments]
        return subprocess.run(command, cwd=self.tree, env={**os.environ, **environment}, capture_output=True, text=True,
                              check=False)

    def tags(self, *options):
        return subprocess.run(["git", "tag", *options], cwd=self.tree, check=True, capture_output=True, text=True).stdout

    def refused(self, sentence, version=VERSION):
        done = self.release(version, "--dry-run")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(sentence, done.stderr)
        self.assertFalse((self.tree / "build").exists())

    def test_a_dry_run_writes_the_header_and_its_hash(self):
        done = self.release(VERSION, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"as v{VERSION}", done.stdout)
        header = self.tree / "build/single_header/tabscore.hpp"
        hashed = header.with_name("tabscore.hpp.sha256").read_text().split()
        self.assertEqual(hashed, [hashlib.sha256(header.read_bytes()).hexdigest(), "tabscore.hpp"])
        self.assertEqual(self.tags(), "")

    def test_a_release_is_tagged_with_its_changes_if_the_tests_pass(self):
        programs = self.tree / "build/programs"
        programs.mkdir(parents=True)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "test", f"GIT_{role}_EMAIL": "test@example.org"}
        for program, status in (("cmake", 0), ("ctest", 1)):
            (programs / program).write_text(f"#!/bin/sh\nexit {status}\n")
            (programs / program).chmod(0o755)
        self.assertNotEqual(self.release(VERSION, **environment).returncode, 0)
        self.assertEqual(self.tags(), "")
        (programs / "ctest").write_text("#!/bin/sh\nexit 0\n")
        done = self.release(VERSION, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"git push origin v{VERSION}", done.stdout)
        first = (self.tree / "CHANGELOG.md").read_text().split(f"## {VERSION} - ")[1].splitlines()[2]
        self.assertIn(first, self.tags("-n99"))

    def test_a_changed_tree_is_refused(self):
        (self.tree / "new.txt").write_text("new\n")
        self.refused("not committed")

    def test_an_existing_tag_is_refused(self):
        git(self.tree, "tag", f"v{VERSION}")
        self.refused("is there already")

    def test_versions_that_differ_are_refused(self):
        self.refused("version.hpp says", "99.0.0")
        for name in ("cmake/vcpkg/tabscore/vcpkg.json", "models/pyproject.toml", "examples/python/pyproject.toml"):
            with self.subTest(name):
                before = (self.tree / name).read_text()
                self.edit(name, re.escape(f'"{VERSION}"'), '"99.0.0"')
                self.commit()
                self.refused(f"{name} says 99.0.0")
                (self.tree / name).write_text(before)
                self.commit()

    def test_a_version_without_dated_changes_is_refused(self):
        self.edit("CHANGELOG.md", re.escape(f"## {VERSION} - ") + r"\d{4}-\d\d-\d\d", f"## {VERSION} - soon")
        self.commit()
        self.refused("no heading")

    def test_wrong_arguments_are_refused(self):
        self.refused("usage", "1.2")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
