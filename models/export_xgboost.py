#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a fitted pipeline that ends in an XGBoost classifier as a tabscore model file (docs/reference/model-file.md).

The pipeline is a ColumnTransformer as export_sklearn.py takes it, with sparse_threshold=0 (XGBoost reads the zeros of a
sparse matrix as missing), followed by a binary XGBClassifier. The booster is kept in XGBoost's own JSON.

    document = export(pipeline, name="churn", threshold=0.5, training_data=training_data("churn.csv", rows=1000))
    write(document, "churn.json")

Needs python3-sklearn, python3-pandas and python3-xgboost (Debian 12: XGBoost 1.7.4).
"""

import functools

import xgboost

import export_sklearn
from export_models import xgboost_document
from export_sklearn import drift_baseline, require, training_data, write  # noqa: F401 (for callers)


class Booster:
    """A binary XGBClassifier."""

    kind = "xgboost"
    trainer = {"name": "XGBoost", "version": xgboost.__version__}
    exporter = "export_xgboost.py"

    @staticmethod
    def check(columns, model):
        require(isinstance(model, xgboost.XGBClassifier), f"the last step is a {type(model).__name__}")
        require(model.n_classes_ == 2, f"the model has {model.n_classes_} classes, not two")
        require(model.objective == "binary:logistic", f"the objective is {model.objective}, not binary:logistic")
        require(model.missing is None or model.missing != model.missing, f"missing is {model.missing}, not NaN")
        dense = columns.sparse_threshold == 0
        require(dense, "the ColumnTransformer needs sparse_threshold=0: XGBoost takes a sparse zero for a missing value")

    @staticmethod
    def member(model, numeric, text):
        return xgboost_document(model, model.get_booster())[0]

    @staticmethod
    def margins(pipeline, frame):
        return pipeline[1].predict(pipeline[0].transform(frame), output_margin=True)


export = functools.partial(export_sklearn.export, learner=Booster)
