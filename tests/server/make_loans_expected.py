#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes loans_expected.json: what the trained pipeline says of loans that it was not trained on.

make_loans_expected.py FOLDER, which models/train_loan_default.py --folder FOLDER wrote; its loan_default.json is models/'s."""
import json
import pathlib
import sys

import joblib
import pandas as pd

folder, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "models"))
import train_loan_default as training  # noqa: E402

pipeline = joblib.load(folder / "loan_default.joblib")
lines = (folder / "loans.jsonl").read_text(encoding="utf-8").splitlines()[:60]
loans = pd.DataFrame([json.loads(line) for line in lines]).astype({"income": float})
loans = training.add_features(training.with_absent_texts(loans))
probabilities = pipeline.predict_proba(loans[training.NUMERIC + training.TEXT])[:, 1]
rows = ['{"loan": %s, "probability": %r}' % (line, float(p)) for line, p in zip(lines, probabilities)]
(here / "loans_expected.json").write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
