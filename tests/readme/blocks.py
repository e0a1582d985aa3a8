#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes every C++ block of the documentation into one file that compiles: blocks.py SOURCE OUTPUT.

A block with #include lines is a whole file, its main() aside. Others are fragments: they stand at BLOCK in a prelude of
preludes/, the one that a comment before the block names (<!-- prelude: declarations -->), or default.hpp. A block marked
"<!-- run: TEST -->" may be a whole file, too; run.py runs it.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"(?:<!-- prelude: (\w+) -->\n)?^```(?:cpp|c\+\+|cxx)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANY = re.compile(r"^```(?:cpp|c\+\+|cxx)\b", re.MULTILINE | re.IGNORECASE)


def main():
    source, output = map(pathlib.Path, sys.argv[1:])
    preludes = pathlib.Path(__file__).parent / "preludes"
    includes, bodies = set(), []
    for page in [source / "README.md", source / "CONTRIBUTING.md", *sorted((source / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        blocks = list(BLOCK.finditer(text))
        if len(blocks) != len(ANY.findall(text)):
            sys.exit(f"{page}: a C++ block is opened or closed in a way that is not understood")
        for block in blocks:
            prelude, code = block.groups()
            line = text[: block.start(2)].count("\n") + 1
            at = f'#line {line} "{page.relative_to(source)}"\n'
            found = re.findall(r"^#include .*\n", code, re.MULTILINE)
            if found and not prelude:
                includes.update(found)
                code = re.sub(r"^#include .*$", "", code, flags=re.MULTILINE).replace("int main(", "int main_of_block(")
                whole = at + code
            else:
                frame = (preludes / f"{prelude or 'default'}.hpp").read_text(encoding="utf-8")
                before, after = frame.split("BLOCK\n")
                whole = before + at + code + f'#line 1 "{prelude or "default"}.hpp, after the block"\n' + after
            bodies.append(f"namespace block_{len(bodies)} {{\n{whole}\n}}\n")
    if not bodies:
        sys.exit("no C++ block was found")
    own = {"#include <tabscore/tabscore.hpp>\n", "#include <tabscore/serving/endpoint.hpp>\n", "#include <atomic>\n", "#include <cmath>\n",
           "#include <iterator>\n", "#include <simdjson.h>\n", "#include <mutex>\n", "#include <queue>\n", "#include <sstream>\n", "#include <tabscore/files/read_file.hpp>\n"}
    head = "".join(sorted(includes | own)) + "namespace ts = tabscore;\nusing ts::col;\n"
    output.write_text(head + "".join(bodies), encoding="utf-8")
    print(f"{len(bodies)} C++ blocks")


if __name__ == "__main__":
    main()
