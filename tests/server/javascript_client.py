#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""javascript_client.py PROGRAM LOANS: runs client.mjs against both servers. Skipped (status 77) without node."""
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
with Server(sys.argv[1]) as server, Server(sys.argv[2]) as loans:
    addresses = ["http://%s:%d" % (s.host, s.port) for s in (server, loans)]
    subprocess.run(["node", str(HERE / "client.mjs"), *addresses], check=True, timeout=120)
