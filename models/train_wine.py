#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train and export a model of three classes: the cultivar of a wine by its chemical analysis, scikit-learn's wine data.

    python3 models/train_wine.py --folder wine

FOLDER gets wine.json (the model file), wine.joblib (the pipeline) and wine.jsonl (the wines that it was not trained on).
examples/wine_server serves the model."""

import argparse
import json
import pathlib

import export_sklearn
import joblib
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 7


def wines():
    """The analyses with names that C++ and JSON take, and the cultivars as texts."""
    data = load_wine(as_frame=True)
    frame = data.data.rename(columns={"od280/od315_of_diluted_wines": "od280_od315"})
    return frame, data.target.map(lambda k: ("first", "second", "third")[k])


def main():
    parser = argparse.ArgumentParser(description="Train and export a model of three cultivars of wine.")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("wine"))
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    frame, cultivar = wines()
    frame.assign(cultivar=cultivar).to_csv(folder / "wine.csv", index=False)
    train, holdout, learnt, true = train_test_split(frame, cultivar, test_size=0.25, random_state=SEED, stratify=cultivar)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    pipeline.fit(train, learnt)
    document = export_sklearn.export(
        pipeline,
        name="wine",
        training_data=export_sklearn.training_data(folder / "wine.csv", len(frame)),
        baseline=export_sklearn.drift_baseline(train, learnt, list(frame.columns), pipeline),
        split={"training_rows": len(train), "holdout_rows": len(holdout), "seed": SEED, "stratified": True},
        metrics={
            "holdout_accuracy": pipeline.score(holdout, true),
            "holdout_log_loss": log_loss(true, pipeline.predict_proba(holdout)),
        },
        date=arguments.date,
    )
    export_sklearn.write(document, folder / "wine.json")
    joblib.dump(pipeline, folder / "wine.joblib")
    lines = [json.dumps(row) for row in holdout.to_dict("records")]
    (folder / "wine.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
