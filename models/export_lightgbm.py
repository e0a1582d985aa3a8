#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a fitted pipeline that ends in a LightGBM classifier as a tabscore model file (docs/reference/model-file.md).

The pipeline is a ColumnTransformer as export_sklearn.py takes it, with sparse_threshold=0, followed by a binary
LGBMClassifier. The booster is kept in LightGBM's own text.

    document = export(pipeline, name="churn", threshold=0.5, training_data=training_data("churn.csv", rows=1000))
    write(document, "churn.json")

Needs python3-sklearn, python3-pandas and lightgbm.
"""

import functools

import lightgbm

import export_models
import export_sklearn
from export_sklearn import drift_baseline, require, training_data, write  # noqa: F401 (for callers)


class Booster:
    """A binary LGBMClassifier."""

    kind = "lightgbm"
    trainer = {"name": "LightGBM", "version": lightgbm.__version__}
    exporter = "export_lightgbm.py"

    @staticmethod
    def check(columns, model):
        require(isinstance(model, lightgbm.LGBMClassifier), f"the last step is a {type(model).__name__}")
        require(model.n_classes_ == 2, f"the model has {model.n_classes_} classes, not two")
        require(model.objective_ == "binary", f"the objective is {model.objective_}, not binary")
        require(columns.sparse_threshold == 0, "the ColumnTransformer needs sparse_threshold=0")
        require(not export_models.ends_early(model), "pred_early_stop leaves trees out of a row's sum")

    @staticmethod
    def member(model, numeric, text):
        return {"text": model.booster_.model_to_string()}

    @staticmethod
    def margins(pipeline, frame):
        return pipeline[1].predict(pipeline[0].transform(frame), raw_score=True)


export = functools.partial(export_sklearn.export, learner=Booster)
