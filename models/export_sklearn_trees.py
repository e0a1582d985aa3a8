#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a fitted scikit-learn tree model as "sklearn-export-1" JSON, which tabscore::load_sklearn reads.

    from export_sklearn_trees import export; export(model, "model.json")
    export_sklearn_trees.py model.joblib model.json [feature names, comma-separated]

Kinds: RandomForest, ExtraTrees and DecisionTree (classifier and regressor), GradientBoosting and HistGradientBoosting
(classifier and regressor). Numbers are written so that they read back to the same float64. Checked with scikit-learn 1.2.
"""
import json
import sys

import numpy as np


def _plain_tree(tree, values):
    # Leaves keep no threshold; a model with integer features may hold infinite ones, which JSON has no word for.
    return {
        "feature": tree.feature.tolist(),
        "threshold": [t if np.isfinite(t) else ("inf" if t > 0 else "-inf") for t in tree.threshold.tolist()],
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": values.tolist(),
        "cover": tree.weighted_n_node_samples.tolist(),
    }


def _averaging(model, trees, kind):
    classifier = hasattr(model, "classes_")
    out = {"kind": f"{kind}_{'classifier' if classifier else 'regressor'}", "input_cast": "float32"}
    if classifier:
        if isinstance(model.n_classes_, (list, np.ndarray)):
            raise ValueError("several target columns of a classifier are not supported")
        out["classes"] = _labels(model.classes_)
    else:
        out["n_outputs"] = int(model.n_outputs_)

    def values(tree):
        v = tree.value[:, 0, :] if classifier else tree.value[:, :, 0]
        if not classifier:
            return v
        total = v.sum(axis=1, keepdims=True)  # as predict_proba divides
        total[total == 0.0] = 1.0
        return v / total

    out["trees"] = [_plain_tree(t.tree_, values(t.tree_)) for t in trees]
    return out


def _labels(classes):
    return [c.item() if isinstance(c, np.generic) else c for c in classes]


def _gradient_boosting(model):
    if model.init_ is not None and model.init_ != "zero" and type(model.init_).__name__ not in (
            "DummyClassifier", "DummyRegressor"):
        raise ValueError("a GradientBoosting model with an init estimator of its own is not supported")
    classifier = hasattr(model, "classes_")
    zeros = np.zeros((1, model.n_features_in_), dtype=np.float32)
    out = {
        "kind": f"gradient_boosting_{'classifier' if classifier else 'regressor'}",
        "input_cast": "float32",
        "learning_rate": float(model.learning_rate),
        "init_raw": model._raw_predict_init(zeros)[0].astype(float).tolist(),
        "trees": [[_plain_tree(t.tree_, t.tree_.value[:, 0, :]) for t in stage] for stage in model.estimators_],
    }
    if classifier:
        if model.loss == "exponential":
            raise ValueError("loss='exponential' is not supported")
        out["classes"] = _labels(model.classes_)
    return out


def _hist_gradient_boosting(model):
    classifier = hasattr(model, "classes_")
    out = {
        "kind": f"hist_gradient_boosting_{'classifier' if classifier else 'regressor'}",
        "input_cast": "float64",
        "baseline": np.asarray(model._baseline_prediction, dtype=float).ravel().tolist(),
        "known_categories": {},
    }
    if classifier:
        out["classes"] = _labels(model.classes_)
    else:
        out["link"] = "log" if model.loss in ("poisson", "gamma") else "identity"
    if model.is_categorical_ is not None and model.is_categorical_.any():
        bitsets, feature_map = model._bin_mapper.make_known_categories_bitsets()
        out["known_categories"] = {"bitsets": bitsets.tolist(), "feature_map": feature_map.tolist()}

    def tree(predictor):
        n = predictor.nodes
        numbers = lambda name: [v if np.isfinite(v) else ("inf" if v > 0 else "-inf") for v in n[name].tolist()]
        return {
            "feature": n["feature_idx"].tolist(), "threshold": numbers("num_threshold"),
            "missing_left": n["missing_go_to_left"].tolist(), "left": n["left"].tolist(), "right": n["right"].tolist(),
            "is_leaf": n["is_leaf"].tolist(), "value": n["value"].tolist(),
            "is_categorical": n["is_categorical"].tolist(), "bitset_idx": n["bitset_idx"].tolist(),
            "left_bitsets": predictor.raw_left_cat_bitsets.tolist(), "cover": n["count"].tolist(),
        }

    out["trees"] = [[tree(p) for p in stage] for stage in model._predictors]
    return out


def export_dict(model, feature_names=None):
    name = type(model).__name__
    if name.startswith(("RandomForest", "ExtraTrees")):
        out = _averaging(model, model.estimators_, "random_forest" if name.startswith("R") else "extra_trees")
    elif name in ("DecisionTreeClassifier", "DecisionTreeRegressor"):
        out = _averaging(model, [model], "decision_tree")
    elif name.startswith("GradientBoosting"):
        out = _gradient_boosting(model)
    elif name.startswith("HistGradientBoosting"):
        out = _hist_gradient_boosting(model)
    else:
        raise ValueError(f"{name} is not a tree model that can be exported")
    out = {"format": "sklearn-export-1", **out, "n_features": int(model.n_features_in_)}
    if feature_names is None and hasattr(model, "feature_names_in_"):
        feature_names = list(model.feature_names_in_)
    if feature_names is not None:
        out["feature_names"] = list(feature_names)
    return out


def export(model, path, feature_names=None):
    with open(path, "w") as f:
        json.dump(export_dict(model, feature_names), f, allow_nan=False)
        f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    import joblib

    export(joblib.load(sys.argv[1]), sys.argv[2], sys.argv[3].split(",") if len(sys.argv) == 4 else None)
