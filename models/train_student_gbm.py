#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains student_gbm.json, boosted trees for the records of student_logistic.json, on the same data and split.

    python3 models/train_student_gbm.py students.csv --output models/student_gbm.json

Deterministic: the same packages, data and --date give the same bytes. Needs python3-sklearn, python3-pandas and
python3-xgboost.
"""

import argparse
import pathlib

import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import export_xgboost
import train_student_logistic as recipe


def main():
    parser = argparse.ArgumentParser(description="Train and export the boosted student purchase model.")
    parser.add_argument("data", help="students.csv")
    parser.add_argument("--output", default=pathlib.Path(__file__).with_name("student_gbm.json"))
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()

    students = recipe.add_features(pd.read_csv(arguments.data))
    train, train_labels, holdout, holdout_labels = recipe.split(students)
    columns = ColumnTransformer(
        [
            ("numeric", StandardScaler(), recipe.NUMERIC),
            ("text", OneHotEncoder(handle_unknown="ignore"), recipe.TEXT),
        ],
        sparse_threshold=0,
    )
    booster = xgboost.XGBClassifier(n_estimators=200, max_depth=6, learning_rate=0.1, tree_method="exact")
    pipeline = Pipeline([("features", columns), ("model", booster)]).fit(train, train_labels)

    probabilities = pipeline.predict_proba(holdout)[:, 1]
    threshold = recipe.best_threshold(holdout_labels, probabilities)
    document = export_xgboost.export(
        pipeline,
        name="student_gbm",
        threshold=threshold,
        training_data=export_xgboost.training_data(arguments.data, len(students)),
        baseline=export_xgboost.drift_baseline(train, train_labels, recipe.NUMERIC, pipeline),
        split=recipe.split_facts(train, holdout),
        metrics=recipe.holdout_metrics(holdout_labels, probabilities, threshold),
        date=arguments.date,
    )
    export_xgboost.write(document, arguments.output)


if __name__ == "__main__":
    main()
