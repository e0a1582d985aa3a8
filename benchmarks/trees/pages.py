# SPDX-License-Identifier: MIT
"""The tables and the picture of what run.py measured."""
import math

OURS = ("tabscore avx512", "tabscore avx2", "tabscore portable", "tabscore, from texts")
COLOURS = {"best peer": "#999999", "RapidScorer": "#c9a98f", "tabscore portable": "#f2b134", "tabscore avx2": "#4a90d9",
           "tabscore avx512": "#1f4e8c"}


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(header, lines):
    return "\n".join("| %s |" % " | ".join(map(str, line)) for line in [header, ["---"] * len(header), *lines]) + "\n"


def cells_of(results):
    """Nanoseconds by (model, batch), then by contender."""
    cells = {}
    for r in results:
        cells.setdefault((r["model"], r["batch"]), {})[r["contender"]] = r["cpu_ns_per_row"]
    return cells


def is_peer(name):
    """A library that does the whole work: RapidScorer-style code is none, and hashing the texts is work."""
    return not name.startswith(("tabscore", "RapidScorer", "texts hashed before"))


def best_of(cell):
    return min((ns, name) for name, ns in cell.items() if is_peer(name))


def machine(m, passes):
    return (f"{m['cpu']}, {m['cores']} cores{'' if m['avx512'] else ', without AVX-512'}, {m['date']}, load average "
            f"{m['load_average']} at the start; {m['compiler']}, -O3; medians of up to {passes} interleaved passes.\n\n")


def summary(measured):
    ours = [o for o in OURS if any(o == r["contender"] for r in measured["results"])]
    rapid = sorted({r["contender"] for r in measured["results"] if r["contender"].startswith("RapidScorer")})
    lines = []
    for (model, batch), cell in cells_of(measured["results"]).items():
        ns, name = best_of(cell)
        line = [model, f"{batch:,}", f"{number(ns)} {name}"]
        line += [number(cell[r]) if r in cell else "-" for r in rapid]
        line += [f"{number(cell[o])} ({number(ns / cell[o])})" if o in cell else "-" for o in ours]
        lines.append(line)
    return table(["model", "rows a call", "best peer", *rapid, *ours], lines)


def loads(measured):
    ratio = lambda m, key: f"{number(m[key])} ({number(m[key] / m['simdjson_ms'])})" if m["simdjson_ms"] else number(m[key])
    return table(["model", "file, MB", "simdjson's parse, ms", "trees, ms", "load_model, ms", "memory, MB"],
                 [[m["model"], number(m["file_bytes"] / 1e6), number(m["simdjson_ms"]) if m["simdjson_ms"] else "-",
                   "-" if "catboost" in m["model"] else ratio(m, "trees_ms"), ratio(m, "load_ms"), number(m["memory_bytes"] / 1e6)] for m in measured["loads"]])


def swaps(measured):
    lines = []
    for run in measured["swaps"]:
        for clock in ("cpu", "wall"):
            lines.append([run["run"], f"{run['swaps']:,}", {"cpu": "CPU", "wall": "wall"}[clock], f"{run['calls']:,}",
                          *map(number, run[clock + "_us"]), run[clock + "_above_1_ms"]])
    return table(["the other thread", "swaps", "clock", "calls", "median", "p99", "p99.9", "p99.99", "most", "above 1 ms"], lines)


def tables(measured):
    """For docs/performance-trees.md."""
    return (machine(measured["machine"], measured["passes"]) + summary(measured) + """
- *rows a call*: what one call scores; figures are nanoseconds of CPU a row, one thread.
- *best peer*: the quickest of all libraries on that line (all of them: benchmarks/trees/RESULTS.md).
- *RapidScorer-style*: bit vectors over leaves, written for this comparison; no library.
- *tabscore KERNEL*: trees from a matrix of numbers; in brackets, how many times as fast as the best peer.
- *tabscore, from texts*: categories as texts, which CatBoost gets, too; the other peers get them as numbers.

## Loading

""" + loads(measured) + """
- *simdjson's parse*: simdjson's DOM of the file's bytes, the yardstick; other formats have none. CatBoost's trees load with\n  their encoder.
- *trees*: the file's bytes to a forest that scores; in brackets, how many times simdjson's parse.
- *load_model*: everything that `load_model(path)` does: reading the file, names, and what explains predictions.
- *memory*: what a loaded forest occupies.

## Swapping a model while threads score

All cores but one score single rows with `500x8`, a thread each; one more thread, at the same priority (the server's has a
lower one), loads the model again and again and swaps it in. Microseconds a call.

""" + swaps(measured) + """
- *CPU*: the thread's own clock: what a swap itself costs a scoring thread (new memory, cold caches).
- *wall*: with the waits for a core, which other programs had as well.
""")


def details(measured):
    """For benchmarks/trees/RESULTS.md: every contender."""
    text = machine(measured["machine"], measured["passes"])
    cells = cells_of(measured["results"])
    for model in dict.fromkeys(m for m, _ in cells):
        mine = {b: c for (m, b), c in cells.items() if m == model}
        names = list(dict.fromkeys(n for c in mine.values() for n in c))
        text += f"{model}, nanoseconds a row by rows a call:\n\n" + table(
            ["contender", *(f"{b:,}" for b in mine)],
            [[n, *(number(c[n]) if n in c else "-" for c in mine.values())] for n in names]) + "\n"
    return text


def picture(results):
    """Bars, logarithmic: the best peer, RapidScorer-style and tabscore by model, at 1, 256 and 4,096 rows."""
    cells = {}
    for key, cell in cells_of(results).items():
        if key[1] in (1, 256, 4096):
            cells[key] = {"best peer": best_of(cell)[0], **{c: ns for n, ns in cell.items() for c in COLOURS if n.startswith(c)}}
    shown = [c for c in COLOURS if any(c in cell for cell in cells.values())]
    values = [v for cell in cells.values() for v in cell.values()]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    left, top, height, bar = 70, 50, 300, 9
    group = bar * len(shown) + 8
    width = left + group * len(cells) + 20
    y = lambda v: top + height * (1 - math.log(v / low) / math.log(high / low))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + height + 60}" font-family="sans-serif" '
           f'font-size="11"><rect width="{width}" height="{top + height + 60}" fill="white"/>',
           '<text x="12" y="18">nanoseconds of CPU a row, one thread (logarithmic; lower is better)</text>']
    for i, name in enumerate(shown):
        out.append(f'<rect x="{12 + 150 * i}" y="26" width="12" height="12" fill="{COLOURS[name]}"/>'
                   f'<text x="{28 + 150 * i}" y="36">{name}</text>')
    tick = low
    while tick <= high:
        out.append(f'<line x1="{left}" x2="{width - 10}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,}</text>')
        tick *= 10
    models = list(dict.fromkeys(m for m, _ in cells))
    for i, ((model, batch), cell) in enumerate(cells.items()):
        x = left + group * i + 4
        for j, name in enumerate(shown):
            if name in cell:
                out.append(f'<rect x="{x + bar * j}" y="{y(cell[name]):.1f}" width="{bar - 1}" '
                           f'height="{top + height - y(cell[name]):.1f}" fill="{COLOURS[name]}"/>')
        out.append(f'<text x="{x + bar * len(shown) / 2}" y="{top + height + 16}" text-anchor="middle">{batch:,}</text>')
    for i, model in enumerate(models):
        mine = [k for k, (m, _) in enumerate(cells) if m == model]
        middle = left + group * (mine[0] + mine[-1] + 1) / 2
        out.append(f'<text x="{middle}" y="{top + height + 34}" text-anchor="middle">{model}</text>')
    return "\n".join(out + ["</svg>", ""])
