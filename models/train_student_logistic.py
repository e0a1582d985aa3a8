#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the bundled model, student_logistic.json, on the public student data set (not part of this repository).

    python3 models/train_student_logistic.py students.csv --output models/student_logistic.json

Deterministic: the same packages (the BLAS included: the bundled file was made with Debian's reference BLAS, libblas3),
data and --date give the same bytes. Needs python3-sklearn and python3-pandas.
"""

import argparse
import pathlib

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_recall_curve, precision_score
from sklearn.metrics import recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import export_sklearn

NUMERIC = [
    "days_on_platform",
    "minutes_watched",
    "courses_started",
    "practice_exams_started",
    "practice_exams_passed",
    "minutes_spent_on_exams",
    "engagement_score",
    "exam_success_rate",
    "learning_consistency",
]
TEXT = ["student_country"]
LABEL = "purchased"
SEED = 42
HOLDOUT = 0.2
TARGET_PRECISION = 0.9


def add_features(students):
    """The engineered features, in the order of operations in which the server computes them."""
    minutes, days = students["minutes_watched"], students["days_on_platform"]
    started, passed = students["practice_exams_started"], students["practice_exams_passed"]
    return students.assign(
        engagement_score=minutes * 0.6 + days * 0.3 + students["courses_started"] * 10.0,
        exam_success_rate=np.where(started > 0, passed / (started + 1e-6), 0.0),
        learning_consistency=minutes / np.maximum(days, 1),
    )


def best_threshold(labels, probabilities):
    """Of the thresholds that reach the target precision, the one with the highest recall."""
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    reached = precision[:-1] >= TARGET_PRECISION
    if not reached.any():
        raise SystemExit(f"no threshold reaches a precision of {TARGET_PRECISION}")
    return float(thresholds[reached][np.argmax(recall[:-1][reached])])


def main():
    parser = argparse.ArgumentParser(description="Train and export the student purchase model.")
    parser.add_argument("data", help="students.csv")
    parser.add_argument("--output", default=pathlib.Path(__file__).with_name("student_logistic.json"))
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()

    # pandas reads the country NA (Namibia) as missing, so the model has a category that no text can match.
    students = add_features(pd.read_csv(arguments.data))
    train, train_labels, holdout, holdout_labels = split(students)
    pipeline = Pipeline(
        [
            (
                "features",
                ColumnTransformer(
                    [
                        ("numeric", StandardScaler(), NUMERIC),
                        ("text", OneHotEncoder(handle_unknown="ignore"), TEXT),
                    ]
                ),
            ),
            ("model", LogisticRegression(C=1.0, solver="lbfgs", max_iter=2000)),
        ]
    ).fit(train, train_labels)

    probabilities = pipeline.predict_proba(holdout)[:, 1]
    threshold = best_threshold(holdout_labels, probabilities)
    document = export_sklearn.export(
        pipeline,
        name="student_logistic",
        threshold=threshold,
        training_data=export_sklearn.training_data(arguments.data, len(students)),
        baseline=export_sklearn.drift_baseline(train, train_labels, NUMERIC, pipeline),
        split=split_facts(train, holdout),
        metrics=holdout_metrics(holdout_labels, probabilities, threshold),
        date=arguments.date,
    )
    export_sklearn.write(document, arguments.output)


def split(students):
    """Training rows and labels, holdout rows and labels, with the same share of positive labels."""
    train, holdout = train_test_split(students, test_size=HOLDOUT, random_state=SEED, stratify=students[LABEL])
    return train[NUMERIC + TEXT], train[LABEL], holdout[NUMERIC + TEXT], holdout[LABEL]


def split_facts(train, holdout):
    """What a model file says of split()."""
    return {"training_rows": len(train), "holdout_rows": len(holdout), "seed": SEED, "stratified": True}


def holdout_metrics(labels, probabilities, threshold):
    """How good the model is on the rows that it was not trained on."""
    positive = probabilities >= threshold
    return {
        "holdout_roc_auc": roc_auc_score(labels, probabilities),
        "holdout_accuracy": accuracy_score(labels, positive),
        "holdout_precision": precision_score(labels, positive),
        "holdout_recall": recall_score(labels, positive),
        "holdout_f1": f1_score(labels, positive),
    }


if __name__ == "__main__":
    main()
