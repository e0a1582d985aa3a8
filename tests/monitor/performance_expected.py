#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes performance_expected.txt with scikit-learn and SciPy: cases of predictions with their labels, and the figures
of each. Needs python3-sklearn and python3-scipy (Debian 12: 1.2.1 and 1.10.1)."""
import pathlib

import numpy as np
from scipy.stats import ks_2samp
from sklearn import metrics
from sklearn.calibration import calibration_curve

random = np.random.default_rng(21)
lines = []


def case(task, names, rows, expected):
    lines.append(" ".join([task, str(len(rows)), str(len(names)), *names]))
    lines.extend(" ".join(repr(float(x)) for x in row) for row in rows)
    lines.append(str(len(expected)))
    lines.extend(f"{name} {float(value)!r}" for name, value in expected)


def ranked(y, s, expected):
    expected.append(("roc_auc", metrics.roc_auc_score(y, s)))
    expected.append(("pr_auc", metrics.average_precision_score(y, s)))
    expected.append(("ks", ks_2samp(s[y == 1], s[y == 0]).statistic))


def labelled(y, z, expected):
    expected.append(("accuracy", metrics.accuracy_score(y, z)))
    for name, f in [("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)]:
        if z.sum() or name != "precision":
            expected.append((name, f(y, z, zero_division=0)))
    for i, row in enumerate(metrics.confusion_matrix(y, z, labels=[0, 1])):
        expected.extend((f"confusion.{i}.{k}", n) for k, n in enumerate(row))


for kind in range(6):
    n = [50, 400, 1500, 300, 300, 500][kind]
    x = random.normal(-1, 2, n)
    p = 1 / (1 + np.exp(-x))
    y = (random.random(n) < p).astype(int)
    if kind == 1:
        p = np.round(p, 1)  # ties, and probabilities of 0 and 1
    if kind == 3:
        p = p / 100  # rare
    if kind == 4:
        p = np.full(n, 0.25)  # a constant
    if kind == 5:
        p = random.random(n)  # no better than chance
    y[:2] = [0, 1]
    z = (p >= 0.5).astype(int)
    expected = []
    labelled(y, z, expected)
    ranked(y, p, expected)
    expected.append(("log_loss", metrics.log_loss(y, p)))
    expected.append(("brier", metrics.brier_score_loss(y, p)))
    actual, mean = calibration_curve(y, p, n_bins=10)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p)
    weight = np.bincount(bins, minlength=10)
    expected.append(("ece", np.sum(weight[weight > 0] / n * np.abs(actual - mean))))
    for i, (a, m) in enumerate(zip(actual, mean)):
        expected += [(f"curve.{i}.actual", a), (f"curve.{i}.predicted", m)]
    if kind != 1 and kind != 4:
        order = np.argsort(-p, kind="stable")
        expected += [(f"gain.{k}", y[order][: n * (k + 1) // 10].sum() / y.sum()) for k in range(10)]
    case("binary", [], np.column_stack([p, y, z]), expected)

s = random.normal(0, 0.2, 300)
y = (s + random.normal(0, 0.2, 300) < 0).astype(int)
z = (s < 0).astype(int)
expected = []
labelled(y, z, expected)
ranked(y, -s, expected)
case("anomaly", [], np.column_stack([s, y, z]), expected)
expected = []
ranked(y, -30 * s, expected)
case("score", [], np.column_stack([-30 * s, y, 0 * y]), expected)

for classes in (3, 7, 120):
    n = 150 if classes == 120 else 400
    y = random.integers(0, classes, n)
    p = random.dirichlet(np.ones(classes) * 0.4, n)
    p[np.arange(n), y] += 0.3
    p = p / p.sum(axis=1, keepdims=True)
    p = np.round(p, 4)  # sums that are not quite 1
    p[0] = np.eye(classes)[0]
    z = p.argmax(axis=1)
    every = np.arange(classes)
    expected = [
        ("accuracy", metrics.accuracy_score(y, z)),
        ("macro_f1", metrics.f1_score(y, z, labels=every, average="macro", zero_division=0)),
        ("weighted_f1", metrics.f1_score(y, z, labels=every, average="weighted", zero_division=0)),
        ("log_loss", metrics.log_loss(y, p, labels=every)),
    ]
    for i in range(min(classes, 7)):
        if (z == i).any():
            expected.append((f"part.{i}.precision", metrics.precision_score(y == i, z == i)))
        if (y == i).any():
            expected.append((f"part.{i}.recall", metrics.recall_score(y == i, z == i)))
        if (z == i).any() or (y == i).any():
            expected.append((f"part.{i}.f1", metrics.f1_score(y == i, z == i, zero_division=0)))
    if classes == 3:
        for i, row in enumerate(metrics.confusion_matrix(y, z)):
            expected.extend((f"confusion.{i}.{k}", c) for k, c in enumerate(row))
    case("multiclass", [f"c{i}" for i in every], np.column_stack([p, y, z]), expected)

for targets in (1, 2):
    n = 500
    y = random.normal(1e6, 1, (n, targets))
    p = y + random.normal(0.1, 0.5, (n, targets))
    expected = []
    for t in range(targets):
        at = "" if targets == 1 else f"part.{t}."
        expected.append((at + "mae", metrics.mean_absolute_error(y[:, t], p[:, t])))
        expected.append((at + "rmse", metrics.mean_squared_error(y[:, t], p[:, t], squared=False)))
        expected.append((at + "bias", np.mean(p[:, t] - y[:, t])))
        expected.append((at + "r2", metrics.r2_score(y[:, t], p[:, t])))
    case("regression", [f"t{t}" for t in range(targets)], np.column_stack([p, y]), expected)

y = random.gamma(2, 10, 400)
q = np.column_stack([np.quantile(y, level) * random.uniform(0.9, 1.1, 400) for level in (0.1, 0.5, 0.9)])
expected = []
for k, level in enumerate((0.1, 0.5, 0.9)):
    expected.append((f"part.{k}.pinball_loss", metrics.mean_pinball_loss(y, q[:, k], alpha=level)))
    expected.append((f"part.{k}.share_not_above", np.mean(y <= q[:, k])))
expected.append(("interval_coverage", np.mean((q[:, 0] <= y) & (y <= q[:, 2]))))
expected.append(("interval_width", np.mean(q[:, 2] - q[:, 0])))
case("quantiles", ["0.1", "0.5", "0.9"], np.column_stack([q, y]), expected)

pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")
