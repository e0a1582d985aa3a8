#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Merges the headers of include/tabscore into one: single_header.py INCLUDE_FOLDER OUTPUT.

Own headers are put in place of their first #include, .inc files in place of each; the includes of others stay.
"""

import pathlib
import re
import sys

OWN = re.compile(r'#include "(.+)"')


def merged(path, seen):
    """The lines of a header with its own includes replaced by what they name."""
    if path.suffix == ".hpp":
        if path in seen:
            return []
        seen.add(path)
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        own = OWN.match(line)
        if own:
            lines += merged((path.parent / own[1]).resolve(strict=True), seen)
        elif line != "#pragma once" and not line.startswith("// SPDX-License-Identifier"):
            lines.append(line)
    return lines


def main():
    include, output = (pathlib.Path(argument) for argument in sys.argv[1:])
    umbrella = include / "tabscore" / "tabscore.hpp"
    lines = merged(umbrella.resolve(strict=True), set())
    text = "\n".join(["// SPDX-License-Identifier: MIT", "// Generated from the headers of tabscore.", "#pragma once", *lines])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(re.sub(r"\n{3,}", "\n\n", text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
