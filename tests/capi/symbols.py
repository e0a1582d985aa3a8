# SPDX-License-Identifier: MIT
"""symbols.py LIBRARY HEADER: the library exports the functions that the header declares, and nothing else of tabscore."""
import re
import subprocess
import sys

library, header = sys.argv[1:]
with open(header, encoding="utf-8") as file:
    declared = {"loan_default" + name for name in re.findall(r"prefix##(\w+)\(", file.read())}
listed = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], capture_output=True, text=True, check=True)
exported = {line.split()[0] for line in listed.stdout.splitlines()}
own = {name for name in exported if name.startswith("loan_default") or "tabscore" in name}
assert own == declared, (own - declared, declared - own)
assert len(declared) == 15, declared
