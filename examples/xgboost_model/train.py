#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the booster of this example on made-up loans and saves it as XGBoost does: train.py writes loans.json beside
itself, and expected.txt with XGBoost's own predictions. Needs python3-xgboost."""

import pathlib

import numpy as np
import xgboost

HERE = pathlib.Path(__file__).parent
NAMES = ["months", "amount", "income"]

random = np.random.default_rng(7)
rows = np.column_stack(
    [random.integers(6, 120, 2000), random.lognormal(9, 1, 2000), random.lognormal(8, 0.5, 2000)]
).round(2)
burden = rows[:, 1] / rows[:, 0] / rows[:, 2]
late = random.random(2000) < 1 / (1 + np.exp(3 - 8 * burden))
rows[::11, 2] = np.nan  # some did not tell their income

data = xgboost.DMatrix(rows, label=late, feature_names=NAMES)
booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "eta": 0.4}, data, num_boost_round=12)
booster.save_model(HERE / "loans.json")

asked = np.array([[48, 12000, 2800], [24, 30000, np.nan], [120, 49000, 3200]])
chances = booster.predict(xgboost.DMatrix(asked, feature_names=NAMES))
lines = [f"{p:.6f}" for p in chances] + [f"{p:.6f}" for p in chances[:2]]
(HERE / "expected.txt").write_text("\n".join(lines) + "\n")
