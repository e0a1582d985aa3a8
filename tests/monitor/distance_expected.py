#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes distance_expected.txt with SciPy and NumPy: per case, on lines of their own, the positions, the counts of the
training rows, those of live ones, and PSI, its noise, Jensen-Shannon, Kolmogorov-Smirnov, Wasserstein-1, chi-square and
its degrees of freedom. Needs python3-scipy (Debian 12: 1.10.1)."""
import pathlib

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance


def psi(p, q):
    used = (p + q) > 0
    p, q = p[used] + 0.5, q[used] + 0.5
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p))), used.sum()


def numbers(values):
    return " ".join(repr(v) for v in np.asarray(values).tolist()) + "\n"


random = np.random.default_rng(5)
lines = []
for case in range(40):
    cells = int(random.integers(2, 25))
    positions = np.sort(random.uniform(0, 100, cells))
    training = random.integers(0, 10 ** random.integers(1, 5), cells) * (random.random(cells) > 0.2)
    live = random.integers(0, 10 ** random.integers(1, 4), cells) * (random.random(cells) > 0.2)
    training[0] += 1  # neither is empty
    live[-1] += 1
    index, used = psi(training, live)
    table = np.array([training, live])
    table = table[:, table.sum(axis=0) > 0]
    chi2, _, freedom, _ = chi2_contingency(table, correction=False)
    ks = ks_2samp(np.repeat(positions, training), np.repeat(positions, live), method="asymp").statistic
    expected = [
        index,
        float((used - 1) * (1 / training.sum() + 1 / live.sum())),
        float(jensenshannon(training, live)),
        float(ks),
        float(wasserstein_distance(positions, positions, training, live)),
        float(chi2),
        float(freedom),
    ]
    lines += [numbers(positions), numbers(training), numbers(live), numbers(expected)]
pathlib.Path(__file__).with_suffix(".txt").write_text("".join(lines))
