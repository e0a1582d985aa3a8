#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""draw.py RESULTS.json OUT.svg: ns per row, logarithmic, one group of bars per model and batch."""
import json
import math
import sys

COLOURS = {"XGBoost": "#888888", "LightGBM": "#8fa38a", "CatBoost": "#a3978a", "ONNX Runtime": "#bbbbbb", "TL2cgen": "#d8cbb5",
           "generated C": "#d5d5d5", "tabscore portable": "#f2b134", "tabscore avx2": "#4a90d9",
           "tabscore avx512": "#1f4e8c"}  # by the beginnings of the contenders' names
MODELS = ["100x6", "500x8", "500x63", "500x63_lightgbm", "1000x6_catboost"]
BATCHES = [1, 16, 256, 4096]


def main():
    results = json.load(open(sys.argv[1]))["results"]
    cells, names = {}, {}
    for r in results:
        for beginning in COLOURS:
            if r["contender"].startswith(beginning):
                names[beginning] = r["contender"]
                cells[r["model"], r["batch"], beginning] = r["cpu_ns_per_row"]
    shown = [c for c in COLOURS if c in names]
    groups = [(m, b) for m in MODELS for b in BATCHES if any((m, b, c) in cells for c in shown)]
    values = [cells[m, b, c] for m, b in groups for c in shown if (m, b, c) in cells]
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values)))
    left, top, height, group = 70, 50, 300, 14 * len(shown) + 18
    width = left + group * len(groups) + 20
    y = lambda v: top + height * (1 - math.log(v / low) / math.log(high / low))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + height + 60}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{top + height + 60}" fill="white"/>',
           '<text x="12" y="18">nanoseconds per row, one thread (logarithmic; lower is better)</text>']
    for i, name in enumerate(shown):
        out.append(f'<rect x="{12 + 160 * i}" y="26" width="12" height="12" fill="{COLOURS[name]}"/>'
                   f'<text x="{28 + 160 * i}" y="36">{names[name]}</text>')
    tick = low
    while tick <= high:
        out.append(f'<line x1="{left}" x2="{width - 10}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,}</text>')
        tick *= 10
    for i, (model, batch) in enumerate(groups):
        x = left + group * i + 8
        for j, name in enumerate(shown):
            v = cells.get((model, batch, name))
            if v is not None:
                out.append(f'<rect x="{x + 14 * j}" y="{y(v):.1f}" width="12" height="{top + height - y(v):.1f}" '
                           f'fill="{COLOURS[name]}"/>')
        out.append(f'<text x="{x + 7 * len(shown)}" y="{top + height + 18}" text-anchor="middle">{model}</text>'
                   f'<text x="{x + 7 * len(shown)}" y="{top + height + 34}" text-anchor="middle">batch {batch:,}</text>')
    with open(sys.argv[2], "w") as f:
        f.write("\n".join(out + ["</svg>", ""]))


if __name__ == "__main__":
    main()
