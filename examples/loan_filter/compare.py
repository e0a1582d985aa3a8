#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds loan_filter's answers against the pipeline that was trained: compare.py FOLDER ANSWERS. Exit 1 on a difference.

FOLDER is what models/train_loan_default.py wrote, ANSWERS the lines of loan_filter for FOLDER/loans.jsonl.
"""

import json
import pathlib
import sys

import joblib
import pandas as pd

folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
import train_loan_default as training  # noqa: E402

pipeline = joblib.load(folder / "loan_default.joblib")  # runs its code: open only your own
loans = pd.read_json(folder / "loans.jsonl", lines=True, dtype={"income": float})
loans = training.add_features(training.with_absent_texts(loans))
theirs = pipeline.predict_proba(loans[training.NUMERIC + training.TEXT])[:, 1]
ours = [json.loads(line)["probability"] for line in open(sys.argv[2], encoding="utf-8")]
if len(ours) != len(theirs):
    sys.exit(f"{len(ours)} answers for {len(theirs)} loans")
apart = abs(theirs - ours).max()
print(f"{len(ours)} loans, largest difference of a probability {apart:.1e}")
sys.exit(int(not apart <= 1e-6))
