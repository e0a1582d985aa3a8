# SPDX-License-Identifier: MIT
"""What every trainer's sets share: the data, rows on and beside thresholds, and the files of a parity set."""
import json
import os

import numpy as np

FEATURES = ["a", "b", "c", "d", "e"]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e-35, -1e-35, 1.1e-35, 1e300]


def data(seed, rows=160, codes=7):
    """Four numbers and a category code (the last column), and a target that needs all of them."""
    draw = np.random.RandomState(seed)  # its numbers are the same in every version of NumPy
    x = np.round(draw.normal(size=(rows, 5)) * 16) / 16
    x[:, 4] = draw.randint(0, codes, rows)
    y = x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + (x[:, 4] % 3) + 0.2 * draw.normal(size=rows)
    return x, y


def with_gaps(x, seed, share=0.1):
    x = x.copy()
    x[np.random.RandomState(seed + 1).uniform(size=x.shape) < share] = np.nan
    return x


def classes_of(y, classes):
    return np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))


def hard_rows(x, thresholds, seed, count=16, special=SPECIAL, codes=()):
    """Rows of the training data with numbers put on, and one float above and below, `thresholds` (a list for each
    column) or replaced by special ones; columns in `codes` get odd category codes."""
    draw = np.random.RandomState(seed + 2)
    rows = x[draw.randint(0, len(x), count)].copy()
    for row in rows:
        for f in range(x.shape[1]):
            if f in codes:
                row[f] = draw.choice([*range(9), np.nan, -1.0, -0.4, 2.7, 1e9, 3e9])
                continue
            if len(thresholds[f]) and draw.uniform() < 0.7:
                t = float(thresholds[f][draw.randint(0, len(thresholds[f]))])
                row[f] = draw.choice([t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf),
                                      float(np.nextafter(np.float32(t), np.float32(np.inf))),
                                      float(np.nextafter(np.float32(t), np.float32(-np.inf)))])
            if len(special) and draw.uniform() < 0.15:
                row[f] = draw.choice(special)
    return rows


def cell(value):
    if value is None:
        return ""
    if isinstance(value, str):
        assert value and not set(value) & set(',"\r\n'), value
        return value
    value = float(value)
    return "" if np.isnan(value) else repr(value)


def write_set(folder, names, rows, raw, out, model, meta):
    """`model`: file names and their bytes. `rows` hold numbers, texts, and NaN or None for missing values."""
    os.makedirs(folder, exist_ok=True)
    raw, out = (np.asarray(a, dtype=np.float64).reshape(len(rows), -1) for a in (raw, out))
    header = [f"raw_{i}" for i in range(raw.shape[1])] + [f"out_{i}" for i in range(out.shape[1])]
    tables = {"inputs.csv": (names, rows), "expected.csv": (header, np.hstack([raw, out]))}
    for name, (header, lines) in tables.items():
        with open(os.path.join(folder, name), "w", newline="") as f:
            f.write(",".join(header) + "\n")
            f.writelines(",".join(cell(v) for v in line) + "\n" for line in lines)
    for name, content in model.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
    with open(os.path.join(folder, "meta.json"), "w", newline="") as f:
        json.dump(meta, f, indent=1, sort_keys=True)
        f.write("\n")
