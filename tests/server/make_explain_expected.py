#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes explain_expected.json: made-up students, and what XGBoost says moved the margins that models/student_gbm.json
gives them (pred_contribs, the countries' columns added up). Needs python3-xgboost.

  make_explain_expected.py > explain_expected.json
"""
import json
import pathlib
import random

import numpy as np
import xgboost

ROOT = pathlib.Path(__file__).resolve().parents[2]


def students(count):
    draw = random.Random(11)
    for _ in range(count):
        started = draw.randrange(20) if draw.random() < 0.4 else 0
        yield {"student_country": draw.choice(["US", "IN", "EG", "GB", "BR", "NA", "nowhere"]),
               "days_on_platform": draw.choice([0, 1, draw.randrange(293)]),
               "minutes_watched": round(10 ** draw.uniform(-1, 3.5), 1),
               "courses_started": draw.choice([0, 1, 1, 1, 2, 3, 9]),
               "practice_exams_started": started,
               "practice_exams_passed": draw.randrange(started + 1),
               "minutes_spent_on_exams": round(draw.uniform(0, 90), 2) if started else 0.0}


def main():
    model = json.loads((ROOT / "models/student_gbm.json").read_text())
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(model["model"]), "utf-8"))
    numeric, (text,) = model["features"]["numeric"], model["features"]["text"]
    records = list(students(60))
    rows = np.zeros((len(records), len(numeric) + len(text["categories"])))
    for row, r in zip(rows, records):
        days, minutes, started = r["days_on_platform"], r["minutes_watched"], r["practice_exams_started"]
        values = [*(r[n["name"]] for n in numeric[:6]),
                  minutes * 0.6 + days * 0.3 + r["courses_started"] * 10.0,
                  r["practice_exams_passed"] / (started + 1e-6) if started > 0 else 0.0,
                  minutes / max(days, 1)]
        row[:len(numeric)] = [(v - n["mean"]) / n["scale"] for v, n in zip(values, numeric)]
        if r["student_country"] in text["categories"]:
            row[len(numeric) + text["categories"].index(r["student_country"])] = 1
    told = booster.predict(xgboost.DMatrix(rows.astype(np.float32)), pred_contribs=True).astype(float)
    names = [n["name"] for n in numeric] + [text["name"]]
    expected = [{"record": r, "base_value": t[-1],
                 "contributions": dict(zip(names, [*t[:len(numeric)], t[len(numeric):-1].sum()]))}
                for r, t in zip(records, told)]
    print("[" + ",\n ".join(json.dumps(e) for e in expected) + "]")


if __name__ == "__main__":
    main()
