# SPDX-License-Identifier: MIT
"""Hooks of the site: the navigation of docs/README.md, Doxygen's pages as api/, and the files outside of docs/ that pages
link to as source/."""

import os
import pathlib
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
LINK = re.compile(r"\[([^\]\[]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"^( *)(```+|~~~+).*?^\1\2[ ]*$", re.S | re.M)


def on_config(config):
    """A section for each heading of docs/README.md, a page for each first link."""
    nav, seen = [{"Home": "README.md"}], {"README.md"}
    for part in re.split(r"^## ", (ROOT / "docs/README.md").read_text(encoding="utf-8"), flags=re.M)[1:]:
        heading, _, text = part.partition("\n")
        pages = []
        for title, target, _ in LINK.findall(text):
            if target.endswith(".md") and not target.startswith("..") and target not in seen:
                seen.add(target)
                title = " ".join(title.replace("`", "").split())
                pages.append({title[0].upper() + title[1:]: target})
        if heading.strip() == "Reference":
            pages.append({"C++ headers": "api/index.html"})
        nav.append({heading.strip(): pages})
    nav.append({"Project": [f"source/{name}" for name in PROJECT]})
    config.nav = nav
    return config


def site_path(path):
    """Where the site has a file of the repository: docs/ as it is, pages and pictures outside of it, other files as text."""
    path = pathlib.PurePosixPath(path)
    if path.parts[0] == "docs":
        return str(path.relative_to("docs"))
    return f"source/{path}" if path.suffix in (".md", ".svg", ".png") else f"source/{path}.txt"


def linked(page, target):
    """The file of the repository that a page's link names; of a folder its README; None: it is none of its files."""
    if "://" in target or target.startswith("mailto:"):
        return None
    path = ROOT / os.path.normpath((ROOT / page).parent / target)
    if path.is_dir() and (path / "README.md").exists():
        path /= "README.md"
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) and path.is_file() else None


def prose(text, change):
    """The text with all that is not a block of code changed."""
    out, at = [], 0
    for block in CODE.finditer(text):
        out += [change(text[at:block.start()]), block[0]]
        at = block.end()
    return "".join([*out, change(text[at:])])


def rewritten(page, text):
    """The markdown of a page as the site needs it."""

    def link(match):
        title, target, anchor = match[1], match[2], match[3] or ""
        path = linked(page, target)
        if path is None:
            # A folder has no page.
            return title if (ROOT / os.path.normpath((ROOT / page).parent / target)).is_dir() else match[0]
        return f"[{title}]({os.path.relpath(site_path(path), os.path.dirname(site_path(page)) or '.')}{anchor})"

    # A list needs an empty line before it.
    return prose(text, lambda part: re.sub(r"^(?![ ]*[-*>|#]|[ ]*\d+\.)(\S.*)\n(?=- |\* |1\. )", r"\1\n\n",
                                           LINK.sub(link, part), flags=re.M))


def on_files(files, config):
    api = pathlib.Path(os.environ["TABSCORE_API"])
    for path in sorted(api.rglob("*")):
        if path.is_file():
            files.append(File.generated(config, f"api/{path.relative_to(api)}", abs_src_path=str(path)))
    pages = PROJECT + [f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md")]
    added = set()
    while pages:
        page = pages.pop()
        uri = site_path(page)
        if uri.startswith("source/") and uri not in added:
            added.add(uri)
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / page)))
        if not page.endswith(".md"):
            continue

        def find(part, page=page):
            for _, target, _ in LINK.findall(part):
                path = linked(page, target)
                if path and site_path(path).startswith("source/") and site_path(path) not in added:
                    pages.append(path)
            return part

        prose((ROOT / page).read_text(encoding="utf-8"), find)
    return files


def on_page_markdown(markdown, page, config, files):
    uri = page.file.src_uri
    return rewritten(uri.removeprefix("source/") if uri.startswith("source/") else f"docs/{uri}", markdown)
