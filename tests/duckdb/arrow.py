# SPDX-License-Identifier: MIT
"""arrow.py ARROW_TEST STUDENTS FOLDER: runs the test with DuckDB's C library."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import npm

test, students, folder = map(os.path.abspath, sys.argv[1:4])
library = npm.file_of(folder, "@duckdb/node-bindings-linux-x64@1.5.6-r.1", "libduckdb.so")
done = subprocess.run([test], env={**os.environ, "TABSCORE_DUCKDB": library, "TABSCORE_EXTENSION": students})
sys.exit(done.returncode)
