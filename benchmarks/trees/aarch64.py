# SPDX-License-Identifier: MIT
"""Instructions per row on aarch64, for run.py --aarch64: peers from PyPI's aarch64 wheels or cross-compiled, run by qemu-user
with a counter of ours. Needs Debian's g++-aarch64-linux-gnu and qemu-user; what is made stays in build/peers/aarch64."""
import os
import pathlib
import subprocess
import sys
import zipfile

import models
import pages

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "peers" / "aarch64"
LIBRARIES = WORK / "root" / "usr" / "lib" / "aarch64-linux-gnu"
WHEELS = {"xgboost": "xgboost-cpu", "lightgbm": "lightgbm", "treelite": "treelite"}
BOUNDS = {"tabscore": 0, "xgboost": 0, "lightgbm": 0, "catboost": 1e-9}  # of the others 1e-4
NAMES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "treelite": "Treelite (GTIL)",
         "tl2cgen": "TL2cgen", "catboost": "CatBoost's C++"}
BEGIN, END = "<!-- run.py --aarch64 writes from here -->\n", "<!-- run.py --aarch64 writes to here -->\n"


def step(*command, folder="."):
    subprocess.run([str(c) for c in command], check=True, cwd=WORK / folder)


def made(name, write_to):
    return models.make(str(WORK / name), write_to)


def debian_libraries(stamp):
    """fmt and simdjson for aarch64, by apt with a state of its own."""
    for folder in ("apt/lists/partial", "apt/archives/partial", "deb"):
        (WORK / folder).mkdir(parents=True, exist_ok=True)
    (WORK / "apt/status").touch()
    apt = ["apt-get", "-qq", *(f"-o{o}" for o in ("APT::Architecture=arm64", "APT::Architectures=arm64", f"Dir::State={WORK}/apt",
           f"Dir::State::status={WORK}/apt/status", f"Dir::Cache={WORK}/apt", "APT::Sandbox::User=root"))]
    step(*apt, "update")
    step(*apt, "download", "libfmt-dev", "libfmt9", "libsimdjson-dev", "libsimdjson14", folder="deb")
    for package in (WORK / "deb").glob("*.deb"):
        step("dpkg-deb", "-x", package, WORK / "root")
    pathlib.Path(stamp).touch()


def peer_libraries(stamp):
    pins = dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split("\n") if "==" in line)
    step(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version", "3.13", "--platform",
         "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64", "-d", "wheels",
         *(f"{wheel}=={pins[wheel]}" for wheel in WHEELS.values()))
    for wheel in (WORK / "wheels").glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(WORK / "wheels")
    pathlib.Path(stamp).touch()


def library(peer):
    return str(next((WORK / "wheels" / peer).rglob(f"lib*{peer}.so*")))


def compiled_tl2cgen(model):
    def compile_to(path):
        import tl2cgen
        folder = pathlib.Path(path).with_suffix(".c")
        tl2cgen.generate_c_code(model, dirpath=str(folder), params={"parallel_comp": 20})
        step("aarch64-linux-gnu-gcc", "-O3", "-std=c99", "-fPIC", "-shared", *folder.glob("*.c"), "-o", path)
    return compile_to


def exported_catboost(path):
    def compile_to(library):
        import catboost
        catboost.CatBoost().load_model(path, format="cbm").save_model(library + ".cpp", format="cpp")
        step("aarch64-linux-gnu-g++", "-O3", "-fPIC", "-shared", library + ".cpp", "-o", library)
    return compile_to


def peers_of(name, path):
    """KIND=LIBRARY=FILE of the peers of a model, and whether its numbers are float32."""
    if path.endswith(".cbm"):
        return [f"catboost={made(name + '.catboost.so', exported_catboost(path))}="], False
    model = models.treelite(path)
    saved = made(name + ".treelite", model.serialize)
    peers = [f"treelite={library('treelite')}={saved}"]
    if path.endswith(".txt"):
        peers.append(f"lightgbm={library('lightgbm')}={path}")
    elif "forest" not in name:
        peers.append(f"xgboost={library('xgboost')}={path}")
    if os.path.getsize(path) < 5e6:  # gcc takes very long for more
        peers.append(f"tl2cgen={made(name + '.tl2cgen.so', compiled_tl2cgen(model))}=")
    return peers, model.input_type == "float32"


def rows_of(texts):
    import numpy as np
    return lambda path: (models.codes(2, 4096)[0].astype(np.float32) if texts else models.numbers(2, models.ROWS)[0][:4096]).tofile(path)


def count(name, path, program):
    """Runs the contenders of a model and keeps what they said in NAME.counts."""
    texts = "texts" in name
    peers, floats = peers_of(name, path)
    rows = made("texts.rows" if texts else "numbers.rows", rows_of(texts))
    outputs = 10 if "10classes" in name else 2 if "forest" in name else 1
    print("counting", name, flush=True)
    with open(WORK / "counts.part", "w") as said:
        subprocess.run(["setarch", "-R", "qemu-aarch64", "-cpu", "neoverse-n1", "-L", "/usr/aarch64-linux-gnu", "-E",
                        "OMP_NUM_THREADS=1", "-plugin", f"{WORK}/counter.so,count={WORK}/counter", program, WORK / "counter", rows,
                        str(models.TEXTS if texts else models.NUMBERS), str(outputs), str(int(floats)), path, *peers],
                       check=True, stdout=said)
    os.replace(WORK / "counts.part", WORK / (name + ".counts"))


def table():
    """Of all models that were counted."""
    lines, apart = [], 0
    for name in models.MODELS:
        cells, counts = {}, WORK / (name + ".counts")
        for kind, what, *figures in map(str.split, counts.read_text().splitlines() if counts.exists() else ()):
            if what == "apart":
                if not float(figures[0]) <= BOUNDS.get(kind, 1e-4):
                    raise SystemExit(f"{name}, {kind}: numbers are up to {figures[0]} apart")
                continue
            first, second = map(float, figures)
            apart = max(apart, abs(first / second - 1))
            cells.setdefault(int(what), {})[kind] = second
        for rows, cell in cells.items():
            ours = cell.pop("tabscore")
            ranked = sorted(cell, key=cell.get)
            lines.append([name, f"{rows:,}", *(f"{cell[k]:,.0f} {NAMES[k]}" for k in ranked[:1]),
                          f"{ours:,.0f} ({pages.number(cell[ranked[0]] / ours)})", ", ".join(f"{NAMES[k]} {cell[k]:,.0f}" for k in ranked[1:])])
    said = f"A second count of the same rows differs by at most {100 * apart:.2g} %.\n"
    return pages.table(["model", "rows a call", "best peer", "tabscore portable", "other peers"], lines) + "\n" + said


def main(paths, page):
    """Counts the models (name, path) and rewrites the page between its marks."""
    WORK.mkdir(exist_ok=True)
    made("debian.stamp", debian_libraries)
    made("peers.stamp", peer_libraries)
    (WORK / "counter").write_bytes(bytes(8))
    step("gcc", "-O2", "-shared", "-fPIC", HERE / "counter.c", "-o", "counter.so")
    program = WORK / "contenders"
    sources = [*HERE.glob("*.cpp"), *(p for p in (ROOT / "include").rglob("*") if p.is_file())]
    if not program.exists() or program.stat().st_mtime < max(p.stat().st_mtime for p in sources):
        step("aarch64-linux-gnu-g++", "-std=c++20", "-O3", "-DNDEBUG", "-Wno-psabi", "-I", ROOT / "include", "-isystem",
             "root/usr/include", HERE / "aarch64.cpp", "-o", program, "-L", LIBRARIES, f"-Wl,-rpath,{LIBRARIES}", "-lfmt", "-lsimdjson")
    for name, path in paths:
        count(name, path, program)
    old = page.read_text()
    page.write_text(old[:old.index(BEGIN) + len(BEGIN)] + table() + old[old.index(END):])
