#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""draw.py RESULTS.json OUT.svg: ns per row, logarithmic, one group of bars per model and batch, from `trees --json`."""
import json
import math
import sys

COLOURS = {"xgboost": "#999999", "tabscore portable": "#f2b134", "tabscore avx2": "#4a90d9", "tabscore avx512": "#1f4e8c"}
MODELS = ["100x6", "500x8", "500x63"]
BATCHES = [1, 16, 256, 4096]


def main():
    cells = {(r["model"], r["batch"], r["contender"]): r["ns_per_row"] for r in json.load(open(sys.argv[1]))}
    groups = [(m, b) for m in MODELS for b in BATCHES if (m, b, "xgboost") in cells]
    shown = [v for (m, b, c), v in cells.items() if c in COLOURS and (m, b) in groups]
    low = 10 ** math.floor(math.log10(min(shown)))
    high = 10 ** math.ceil(math.log10(max(shown)))
    left, top, height, group = 70, 50, 300, 74
    width = left + group * len(groups) + 20
    y = lambda v: top + height * (1 - math.log(v / low) / math.log(high / low))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + height + 60}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{top + height + 60}" fill="white"/>',
           '<text x="12" y="18">nanoseconds per row, one thread (logarithmic; lower is better)</text>']
    for i, (name, colour) in enumerate(COLOURS.items()):
        out.append(f'<rect x="{12 + 150 * i}" y="26" width="12" height="12" fill="{colour}"/>'
                   f'<text x="{28 + 150 * i}" y="36">{name}</text>')
    tick = low
    while tick <= high:
        out.append(f'<line x1="{left}" x2="{width - 10}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,}</text>')
        tick *= 10
    for i, (model, batch) in enumerate(groups):
        x = left + group * i + 8
        for j, (name, colour) in enumerate(COLOURS.items()):
            v = cells.get((model, batch, name))
            if v is not None:
                out.append(f'<rect x="{x + 14 * j}" y="{y(v):.1f}" width="12" height="{top + height - y(v):.1f}" '
                           f'fill="{colour}"/>')
        out.append(f'<text x="{x + 28}" y="{top + height + 18}" text-anchor="middle">{model}</text>'
                   f'<text x="{x + 28}" y="{top + height + 34}" text-anchor="middle">batch {batch}</text>')
    with open(sys.argv[2], "w") as f:
        f.write("\n".join(out + ["</svg>", ""]))


if __name__ == "__main__":
    main()
