#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws where a batch's time goes, one stacked bar per batch size, from what `stages --json` printed."""

STAGES = ["decode", "rules", "feature matrix", "logistic score", "monitoring", "response"]
COLOURS = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#a463f2", "#9c6b4e"]
WIDTH, BAR, GAP, LEFT, TOP = 900, 26, 14, 130, 44


def svg(rows):
    sizes = sorted({r["records"] for r in rows})
    ns = {}
    for r in rows:
        ns.setdefault((r["records"], r["stage"]), r["ns_per_record"])
    longest = max(sum(ns[size, stage] for stage in STAGES) for size in sizes)
    scale = (WIDTH - LEFT - 140) / longest
    height = TOP + len(sizes) * (BAR + GAP) + 10
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    x = LEFT
    for stage, colour in zip(STAGES, COLOURS):
        out.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/><text x="{x + 17}" y="25">{stage}</text>')
        x += 40 + 8 * len(stage)
    for i, size in enumerate(sizes):
        y, x = TOP + i * (BAR + GAP), float(LEFT)
        out.append(f'<text x="{LEFT - 8}" y="{y + 18}" text-anchor="end">{size:,} records</text>')
        for stage, colour in zip(STAGES, COLOURS):
            w = ns[size, stage] * scale
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{w:.1f}" height="{BAR}" fill="{colour}"/>')
            x += w
        total = sum(ns[size, stage] for stage in STAGES)
        out.append(f'<text x="{x + 6:.1f}" y="{y + 18}">{total:.0f} ns a record</text>')
    return "\n".join(out + ["</svg>"]) + "\n"
