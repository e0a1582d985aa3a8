# SPDX-License-Identifier: MIT
"""languages.py LIBRARY SOURCE BUILD: the examples in Go, Rust, Java and Node score the same Arrow file, and give the bits
and sentences that Python gives. A language is skipped with a message where its tools or packages cannot be had; exit
status 77 where all are. Their packages stay in BUILD. Runs in the environment of python_package.py, which has pyarrow."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

library, source, build = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
if not (build / "environment/installed").exists():
    print("skipped: there is no pyarrow (the test capi_python installs it)")
    sys.exit(77)
python = build / "environment/bin/python"
if pathlib.Path(sys.executable) != python:
    os.execv(python, [str(python), "-B", *sys.argv])

import pyarrow as pa

sys.path.insert(0, str(source / "examples/python"))
import tabscore

FILES = [str(source / "models/loan_default.json"), str(source / "models/loan_policy.json")]
folder = build / "languages"
records = folder / "records.arrow"


class Skipped(Exception):
    pass


def run(*command, at, why=None, **settings):
    """Its output. A command that fails is skipped if `why` says so."""
    try:
        done = subprocess.run(command, cwd=at, env={**os.environ, **settings}, capture_output=True, text=True, timeout=250)
    except OSError as error:
        raise Skipped(str(error)) from None
    except subprocess.TimeoutExpired as late:
        raise Skipped(f"{why}: {late}") if why else late
    if done.returncode != 0:
        said = (done.stderr or done.stdout)[-1500:]
        raise Skipped(f"{why}: {said}") if why else AssertionError(f"{' '.join(command)}: {said}")
    return done.stdout


def needs(tool, at_least, *command):
    """The tool is there, and not older."""
    if shutil.which(tool) is None:
        raise Skipped(f"there is no {tool}")
    found = re.search(r"(?<![\[\d])(\d+)(?:\.(\d+))?", run(*command, at=folder, why=tool))
    if tuple(int(n or 0) for n in found.groups()) < at_least:
        raise Skipped(f"{tool} is older than {'.'.join(map(str, at_least))}")


def copied(language):
    return shutil.copytree(source / "examples" / language, folder / language, dirs_exist_ok=True,
                           ignore=shutil.ignore_patterns("target", "node_modules"))


def go():
    needs("go", (1, 25), "go", "version")
    at = source / "examples/go"
    settings = {"GOMODCACHE": str(folder / "go/packages"), "GOCACHE": str(folder / "go/built"), "GOTOOLCHAIN": "local",
                "GOFLAGS": "-modcacherw -buildvcs=false", "CGO_LDFLAGS": f"-L{library.parent}"}
    run("go", "mod", "download", at=at, why="packages cannot be had", **settings)
    run("go", "build", "-o", str(folder / "go/score"), ".", at=at, **settings)
    return [str(folder / "go/score"), *FILES]


def rust():
    needs("cargo", (1, 88), "cargo", "--version")
    at = copied("rust")
    settings = {"CARGO_HOME": str(folder / "rust/packages"), "RUSTFLAGS": f"-L {library.parent}"}
    run("cargo", "fetch", at=at, why="packages cannot be had", **settings)
    run("cargo", "build", "--offline", at=at, **settings)
    return [str(at / "target/debug/score"), *FILES]


def java():
    needs("java", (17, 0), "java", "--version")
    needs("mvn", (3, 6), "mvn", "-B", "--version")
    at = copied("java")
    run("mvn", "-q", "-B", f"-Dmaven.repo.local={at}/packages", "dependency:copy-dependencies", at=at,
        why="packages cannot be had")
    return ["java", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", f"{at}/target/dependency/*", f"{at}/Score.java",
            str(library), *FILES]


def node():
    needs("node", (18, 0), "node", "--version")
    needs("npm", (7, 0), "npm", "--version")
    at = copied("node")
    run("npm", "ci", "--ignore-scripts", "--cache", f"{at}/packages", at=at, why="packages cannot be had")
    return ["node", f"{at}/score.mjs", str(library), *FILES]


def write_records():
    """Several batches: missing values, wrong records, an unknown category, no records at all. Returns what Python says."""
    columns = {"purpose": pa.array(["car", "house", "büro", "", None, "car"] * 50),
               "sector": pa.array(["public", None, "private"] * 100),
               "months": pa.array([48, 12, 481, -3, None, 7] * 50, pa.int64()),
               "amount": pa.array([1.0 / (i + 3) * 4000 for i in range(300)]),
               "income": pa.array([None, 1e3, 2e3 / 7] * 100, pa.float64()),
               "of no use": pa.array([True] * 300)}
    batch = pa.record_batch(columns)
    batches = [batch, batch.slice(3, 0), batch.slice(5, 11)]
    with pa.ipc.new_file(records, batch.schema) as file:
        for b in batches:
            file.write(b)
    with tabscore.open(library, FILES[0], policy=FILES[1]) as model:
        predictions = [model.predict(b).to_pydict() for b in batches]
        return ([f.name for f in model.record_schema],
                [(row, n and struct.pack("<d", n), why) for p in predictions
                 for row, (n, why) in enumerate(zip(p["probability"], p["error"]))])


def scored(language, fields, expected):
    program = language()
    here = {"LD_LIBRARY_PATH": str(library.parent)}
    schema, found = "", []
    for line in run(*program, str(records), at=folder, **here).splitlines():
        row = re.fullmatch(r"(\d+) ([-+.\deE]+|\(?null\)?) (.*)", line)
        if row is None:
            schema += line + "\n"
        else:
            number = None if "null" in row[2] else struct.pack("<d", float(row[2]))
            found.append((int(row[1]), number, None if row[3].strip("()") == "null" else row[3]))
    assert all(name in schema for name in fields), f"schema: {schema}"
    assert found == expected, next((pair for pair in zip(found, expected) if pair[0] != pair[1]), (len(found), len(expected)))
    program[program.index(FILES[0])] = "no.json"
    refused = subprocess.run([*program, records], env={**os.environ, **here}, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0 and "no.json" in refused.stderr, refused
    return f"{len(found)} records, the same bits"


folder.mkdir(exist_ok=True)
fields, expected = write_records()
assert sum(n is None for _, n, _ in expected) > 100
states = set()
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for language, result in [(f.__name__, pool.submit(scored, f, fields, expected)) for f in (go, rust, java, node)]:
        lines = (source / "examples" / {"go": "go/score.go", "rust": "rust/src/main.rs", "java": "java/Score.java",
                                        "node": "node/score.mjs"}[language]).read_text().count("\n")
        try:
            print(f"{language}: {result.result()}")
            states.add("passed" if lines < 80 else print(f"{language}: {lines} lines, not below 80") or "failed")
        except Skipped as why:
            print(f"{language}: skipped: {why}")
        except Exception as why:
            print(f"{language}: failed: {why}")
            states.add("failed")
sys.exit(1 if "failed" in states else 0 if states else 77)
