#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pages.py SOURCE: checks the pages of the documentation without building anything.

Every page has fewer than 200 lines and is linked from docs/README.md; links, anchors and names of files resolve, also in comments
and messages; every code block has a language and a test (blocks.py compiles cpp, other tests run the blocks marked "run");
lists of errors, flags and metrics are complete."""

import json
import os
import pathlib
import re
import subprocess
import sys

FENCE = re.compile(r"^(?P<marks>(?:<!-- [a-z]+(?:: [^>]*)? -->\n)*)```(?P<language>[a-z+]*)\n(?P<code>.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- ([a-z]+)(?:: ([^>]*))? -->")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HISTORY = re.compile(r"\b(today|yesterday|used to be|goals?|as it was|at that minute|in hours of)\b", re.I)
# Programs of the repository whose flags the pages show, and the sources that declare these flags.
PROGRAMS = {
    "student_server": "examples/scoring_server", "loan_server": "examples/scoring_server", "wine_server": "examples/scoring_server",
    "diabetes_server": "examples/scoring_server", "tabscore-labels": "examples/label_join", "tabscore-merge": "examples/merge_state",
    "tabscore-audit": "examples/audit", "loan_audit": "examples/audit", "score_stream": "examples/score_stream",
    "loan_filter": "examples/loan_filter",
}
problems = []


def problem(path, text, position, sentence):
    line = text[:position].count("\n") + 1
    problems.append(f"{path}:{line}: {sentence}")


def without_code(text):
    """The text with the content of code blocks and inline code blanked, so that positions stay."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])  # noqa: E731
    return re.sub(r"`[^`\n]*`", blank, re.sub(r"^```.*?^```$", blank, text, flags=re.M | re.S))


def anchors_of(text):
    """The anchors that GitHub gives the headings of a page."""
    found = set()
    for heading in re.findall(r"^#{1,6} (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower()).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        repeated, count = slug, 0
        while repeated in found:
            count += 1
            repeated = f"{slug}-{count}"
        found.add(repeated)
    return found


def check_links(source, path, text, linked):
    for link in LINK.finditer(without_code(text)):
        target, _, anchor = link[1].partition("#")
        if re.match(r"[a-z]+:", link[1]):
            continue
        full = pathlib.Path(os.path.normpath(source / path.parent / target)) if target else source / path
        linked.add(full)
        if not full.exists():
            problem(path, text, link.start(), f"the link {link[1]} leads nowhere")
        elif anchor and full.suffix == ".md" and anchor not in anchors_of(full.read_text(encoding="utf-8")):
            problem(path, text, link.start(), f"{link[1]}: the page has no such heading")


def check_paths(source, path, text):
    """Files and headers that inline code names."""
    for code in re.finditer(r"`((?:tests|benchmarks|examples|models|cmake|include)/[\w./-]+|\w+/(?:\w+/)*\w+\.(?:hpp|inc))`", text):
        name = code[1]
        roots = [source, source / "include", source / "include" / "tabscore", source / "include" / "tabscore" / "serving"]
        made = name.startswith(("build/", "single_header/", "churn/")) or re.search(r"[A-Z]{4}", name)
        if not made and not any((root / name).exists() or (root / f"{name}.cpp").exists() for root in roots):
            problem(path, text, code.start(), f"there is no {name}")


def words(text):
    """The words of a message, without names of files, numbers and what stands for values."""
    return {w.lower() for w in re.findall(r"(?<![\w./-])(?:[A-Za-z][a-z]{3,}|[A-Z]{4,})(?![\w./-])", re.sub(r'[\\"]', " ", text))}


def check_json(path, text, block, form):
    code = re.sub(r"\{\.\.\.\}", "{}", re.sub(r"\[\.\.\.\]", "[]", re.sub(r",?\s*\.\.\.(?=[\s,}\]])", "", block["code"])))
    code = re.sub(r"<[^<>\n]*>", "0", code)
    code = "{" + code + "}" if form == "members" else code
    decoder, at = json.JSONDecoder(), 0
    try:
        while code[at:].strip():
            at += len(code[at:]) - len(code[at:].lstrip())
            at = decoder.raw_decode(code, at)[1]
    except ValueError as error:
        problem(path, text, block.start("code"), f"not JSON: {error}")


def check_shell(source, path, text, block):
    if subprocess.run(["bash", "-n", "-c", block["code"]], capture_output=True).returncode != 0:
        problem(path, text, block.start("code"), "bash does not read this")
    for command in re.split(r"\||;|&&|\n", block["code"].replace("\\\n", " ")):
        parts = command.split()
        names = [os.path.basename(p) for p in parts[:3]]
        folder = next((PROGRAMS[n] for n in names if n in PROGRAMS), None)
        script = next((p for p in parts[:3] if p.startswith(("models/", "examples/", "benchmarks/")) and p.endswith(".py")), None)
        if not folder and not script:
            continue
        files = [source / script] if script else [f for f in (source / folder).rglob("*") if f.suffix in (".cpp", ".hpp")]
        declared = "".join(f.read_text(encoding="utf-8") for f in files if f.exists())
        for flag in re.findall(r"(?<=\s)--[a-z][a-z-]+", command):
            if flag not in declared:
                problem(path, text, block.start("code"), f"{script or folder} has no {flag}")


def check_block(source, path, text, block, routes):
    marks = dict(MARK.findall(block["marks"]))
    language, code = block["language"], block["code"]
    if "from" in marks:
        files = []
        for name in marks["from"].split():
            found = source / name
            files += [f for f in sorted(found.rglob("*")) if f.is_file()] if found.is_dir() else [found]
            if not found.exists():
                problem(path, text, block.start("code"), f"there is no {name}")
        held = "\n".join(f.read_text(encoding="utf-8", errors="replace") for f in files if f.exists())
        for line in code.splitlines():
            missing = words(line) - words(held)
            if missing or (len(marks["from"].split()) == 1 and language == "cmake" and line.split("(")[0] not in held):
                problem(path, text, block.start("code"), f"{marks['from']} has no {', '.join(sorted(missing))}: {line}")
    elif "run" in marks or "figure" in marks or language == "cpp":
        return
    elif language == "json":
        check_json(path, text, block, marks.get("json"))
    elif language == "sh":
        check_shell(source, path, text, block)
    elif language == "python":
        try:
            compile(code, str(path), "exec")
        except SyntaxError as error:
            problem(path, text, block.start("code"), f"not Python: {error}")
    elif language == "http":
        first = re.match(r"(?:GET|POST) (/[\w/]*)", code)
        if not first or first[1] not in routes:
            problem(path, text, block.start("code"), "the server has no such route")
    else:
        problem(path, text, block.start("code"), f"a block of '{language}' that no test holds: say <!-- from: FILE --> or <!-- run: TEST -->")


def rows_of(text, heading):
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in (section[1] if section else "").splitlines()
            if line.startswith("|")][2:]


def enumerators(text, name):
    body = re.search(rf"enum class {name}\b[^{{]*\{{(.*?)\}};", text, re.S)[1]
    return re.findall(r"^\s*(\w+)", re.sub(r"//.*", "", body), re.M)


def check_lists(source):
    read = lambda name: (source / name).read_text(encoding="utf-8")  # noqa: E731
    errors = read("docs/reference/errors.md")
    codes = [row[0] for row in rows_of(errors, "errc")]
    if codes != enumerators(read("include/tabscore/core/result.hpp"), "errc"):
        problems.append("docs/reference/errors.md: the table of errc has not the codes of core/result.hpp in their order")
    faults = rows_of(errors, "Field faults")
    if [row[0] for row in faults] != enumerators(read("include/tabscore/schema/field_error.hpp"), "fault"):
        problems.append("docs/reference/errors.md: the table of faults has not those of schema/field_error.hpp in their order")
    wordings = dict((f, (c, m)) for f, c, m in re.findall(r'case fault::(\w+):\s*return \{"(\w+)", "([^"]*)"', read("include/tabscore/json/dialect.hpp")))
    for row in faults:
        code, message = wordings.get(row[0], ("", ""))
        if row[1] != code or not row[3].startswith(message.strip()):
            problems.append(f"docs/reference/errors.md: {row[0]} is {code}, '{message}', in json/dialect.hpp")
    flags = set(re.findall(r'"(?:[^"]*,)?!?(--[a-z-]+)"', read("examples/scoring_server/flags.cpp") + read("examples/file_mode.hpp"))) - {"--"}
    shown = set(re.findall(r"--[a-z][a-z-]+", read("docs/reference/server-flags.md")))
    for flag in sorted(flags - shown):
        problems.append(f"docs/reference/server-flags.md: {flag} is missing")
    for flag in sorted(shown - flags - {"--help", "--log-model"}):
        problems.append(f"docs/reference/server-flags.md: the servers have no {flag}")
    metrics = set()
    for file in (source / "include/tabscore/serving").rglob("*.hpp"):
        metrics |= set(re.findall(r"tabscore_[a-z_]+[a-z]", re.sub(r"//.*", "", file.read_text(encoding="utf-8"))))
    page = read("docs/reference/metrics.md")
    for metric in sorted(metrics):
        if not re.search(rf"\b{metric}\b", page) and "_" + metric.split("_", 2)[-1] not in page:
            problems.append(f"docs/reference/metrics.md: {metric} is missing")


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    routes = set(re.findall(r'\{"(/[^"]*)", "', (source / "include/tabscore/serving/detail/routes.hpp").read_text(encoding="utf-8")))
    docs = sorted((source / "docs").rglob("*.md"))
    others = [source / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") if (source / name).exists()]
    others += [p for folder in ("benchmarks", "examples", "tests", ".github") for p in sorted((source / folder).rglob("*.md"))]
    from_index, counted = set(), 0
    for page in docs + others:
        path, text = page.relative_to(source), page.read_text(encoding="utf-8")
        if path.name != "CHANGELOG.md":
            check_paths(source, path, text)
        check_links(source, path, text, from_index if path == pathlib.Path("docs/README.md") else set())
        if page in docs or path.name in ("README.md", "CONTRIBUTING.md") and page.parent == source:
            blocks = list(FENCE.finditer(text))
            if 2 * len(blocks) != len(re.findall(r"^\s*```", text, re.M)):
                problem(path, text, 0, "a code block is opened or closed in a way that is not understood")
            for block in blocks:
                counted += 1
                check_block(source, path, text, block, routes)
            for found in HISTORY.finditer(without_code(text)):
                problem(path, text, found.start(), f"'{found[0]}': history and goals do not belong to pages for users")
        if page in docs and text.count("\n") >= 200:
            problem(path, text, 0, f"{text.count(chr(10))} lines; a page has fewer than 200")
    for page in docs:
        if page not in from_index and page.name != "README.md":
            problems.append(f"{page.relative_to(source)}: docs/README.md does not link it")
    for folder in ("include", "examples", "models", "tests", "benchmarks", "cmake"):
        for file in (source / folder).rglob("*"):
            if file.suffix in (".hpp", ".cpp", ".h", ".inc", ".py", ".sh", ".txt", ".cmake") and file.is_file():
                text = file.read_text(encoding="utf-8", errors="replace")
                for mention in re.finditer(r"\bdocs/([\w/-]+\.md)\b", text):
                    if not (source / "docs" / mention[1]).exists():
                        problem(file.relative_to(source), text, mention.start(), f"there is no docs/{mention[1]}")
    check_lists(source)
    print("\n".join(problems) or f"{len(docs)} pages, {counted} code blocks")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
