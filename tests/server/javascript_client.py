#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""javascript_client.py PROGRAM: runs client.mjs against the server. Skipped (status 77) without node."""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

if not shutil.which("node"):
    print("skipped: apt install nodejs (18 or later)")
    sys.exit(77)
with Server(sys.argv[1]) as server:
    subprocess.run(["node", str(HERE / "client.mjs"), "http://%s:%d" % (server.host, server.port)], check=True, timeout=120)
