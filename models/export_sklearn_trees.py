#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a fitted scikit-learn tree model as "sklearn-export-1" JSON, which tabscore::load_sklearn reads.

    from export_sklearn_trees import export; export(model, "model.json")
    export_sklearn_trees.py model.joblib model.json [feature names, comma-separated]

Kinds: RandomForest, ExtraTrees and DecisionTree (classifier and regressor), GradientBoosting and HistGradientBoosting
(classifier and regressor), IsolationForest. Numbers are written so that they read back to the same float64. Checked with scikit-learn 1.2
to 1.9. Trees that take missing values have "missing_left"; without it a row with a missing value has no prediction.
Categories of HistGradientBoosting must be whole numbers from 0 on; others need export_sklearn.export, which maps them.
"""
import inspect
import json
import sys
import warnings

import numpy as np
import sklearn

from export_program import class_of

MOST_CATEGORIES = 65536
DIVIDES_NO_MORE = (1, 4)  # predict_proba: the leaves hold shares since then
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


def class_by(model):
    """What decides the class of several: predict() of this version of scikit-learn takes the largest margin, or prediction."""
    since = {"G": (1, 4), "H": (1, 5)}.get(class_of(model)[0])
    return "margin" if since is not None and VERSION >= since else "prediction"


def level_of(model):
    """The level of a boosting of quantiles."""
    if model.loss != "quantile":
        return None
    return float(model.quantile if class_of(model).startswith("Hist") else model.alpha)


def isolation_takes(model):
    """Whether an IsolationForest of this version of scikit-learn takes missing values, and infinities."""
    def takes(value):
        probe = np.zeros((1, model.n_features_in_))
        probe[0, 0] = value
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.score_samples(probe)
        except ValueError:
            return False
        return True

    return takes(np.nan), takes(np.inf)


def takes_missing(model):
    """Whether predict() of this version of scikit-learn takes a missing value."""
    if class_of(model).startswith("HistGradientBoosting"):
        return True
    if VERSION < (1, 3) or class_of(model).startswith("GradientBoosting"):
        return False
    probe = np.full((1, model.n_features_in_), np.nan, dtype=np.float32)
    try:
        model.apply(probe)
    except ValueError:
        return False
    return True


def _plain_tree(tree, values, missing=False):
    # Leaves keep no threshold; a model with integer features may hold infinite ones, which JSON has no word for.
    out = {
        "feature": tree.feature.tolist(),
        "threshold": [t if np.isfinite(t) else ("inf" if t > 0 else "-inf") for t in tree.threshold.tolist()],
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": values.tolist(),
        "cover": tree.weighted_n_node_samples.tolist(),
    }
    if missing:
        out["missing_left"] = tree.__getstate__()["nodes"]["missing_go_to_left"].astype(int).tolist()
    return out


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
        if not classifier or VERSION >= DIVIDES_NO_MORE:
            return v
        total = v.sum(axis=1, keepdims=True)  # as predict_proba divides
        total[total == 0.0] = 1.0
        return v / total

    missing = takes_missing(model)
    out["trees"] = [_plain_tree(t.tree_, values(t.tree_), missing) for t in trees]
    return out


def _ada_boost(model):
    """A forest whose leaves are the weighted votes of AdaBoost's trees, one number a class."""
    from sklearn.ensemble import AdaBoostClassifier

    count = len(model.classes_)
    against = -1 / (count - 1) if "-1 / (n_classes" in inspect.getsource(AdaBoostClassifier.decision_function) else 0.0

    def votes(tree, weight):
        shares = tree.tree_.value[:, 0, :]
        if getattr(model, "algorithm", "SAMME") == "SAMME.R":
            shares = shares / shares.sum(axis=1, keepdims=True)
            logarithms = np.log(np.clip(shares, np.finfo(float).eps, None))
            return (count - 1) * (logarithms - (1.0 / count) * logarithms.sum(axis=1)[:, np.newaxis])
        return np.where(np.arange(count) == shares.argmax(axis=1)[:, np.newaxis], weight, against * weight)

    for tree in model.estimators_:
        if class_of(tree) not in ("DecisionTreeClassifier", "ExtraTreeClassifier") or len(tree.classes_) != count:
            raise ValueError(f"an AdaBoost of a {type(tree).__name__} cannot be exported; use decision trees")
    return {"kind": "random_forest_regressor", "input_cast": "float32", "n_outputs": count,
            "trees": [_plain_tree(t.tree_, votes(t, w)) for t, w in zip(model.estimators_, model.estimator_weights_)]}


def _labels(classes):
    return [c.item() if isinstance(c, np.generic) else c for c in classes]


def _gradient_boosting(model):
    constant = isinstance(model.init_, str) or type(model.init_).__name__ == "DummyRegressor" or (
        type(model.init_).__name__ == "DummyClassifier" and model.init_.strategy in ("prior", "most_frequent", "constant"))
    if not constant:
        raise ValueError(f"a GradientBoosting model that starts from a {type(model.init_).__name__} (init=) is not "
                         "supported; train it with init=None or init=\"zero\"")
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
            out["link_scale"] = 2.0  # its probability is that of twice the margin
        out["classes"] = _labels(model.classes_)
        if len(model.classes_) > 2:
            out["class_by"] = class_by(model)
    elif level_of(model) is not None:
        out["level"] = level_of(model)
    return out


def _isolation_forest(model):
    from sklearn.ensemble._iforest import _average_path_length

    missing, infinite = isolation_takes(model)
    most = getattr(model, "_max_samples", None) or model.max_samples_
    count = len(model.estimators_)
    depth = float(count * _average_path_length([most])[0])
    out = {"kind": "isolation_forest", "input_cast": "float32", "offset": float(model.offset_), "infinite": infinite,
           "average_depth": depth if depth != 0 else float(count)}
    subsets = model._max_features if hasattr(model, "_max_features") else int(model.estimators_features_[0].shape[0])

    def tree(estimator, features):
        inner = estimator.tree_
        path = np.ones(inner.node_count)  # nodes from the root on
        for i in range(inner.node_count):
            for child in (inner.children_left[i], inner.children_right[i]):
                if child != -1:
                    path[child] = path[i] + 1
        values = path + _average_path_length(inner.n_node_samples) - 1.0
        made = _plain_tree(inner, values if depth != 0 else np.ones(inner.node_count), missing)
        if subsets != model.n_features_in_:
            made["feature"] = [int(features[f]) if f >= 0 else f for f in made["feature"]]
        return made

    out["trees"] = [tree(*pair) for pair in zip(model.estimators_, model.estimators_features_)]
    return out


def _raw_categories(model):
    """Per feature of the trees, the feature of the model and the categories (None: a number). From scikit-learn 1.4 on the
    trees read the codes of an encoder of their own, categorical features first."""
    count = int(model.n_features_in_)
    preprocessor = getattr(model, "_preprocessor", None)
    if preprocessor is None:
        return list(range(count)), [None] * count
    categorical = np.asarray(model.is_categorical_, dtype=bool)
    order = np.flatnonzero(categorical).tolist() + np.flatnonzero(~categorical).tolist()
    encoder = preprocessor.named_transformers_["encoder"]
    levels = [list(c) for c in encoder.categories_] + [None] * int((~categorical).sum())
    return order, levels


def _missing(value):
    return value is None or value != value


def _hist_gradient_boosting(model, encoded=False):
    """`encoded`: the trees as they are, which read the columns of the model's own encoder (see _raw_categories)."""
    classifier = hasattr(model, "classes_")
    out = {
        "kind": f"hist_gradient_boosting_{'classifier' if classifier else 'regressor'}",
        "input_cast": "float64",
        "baseline": np.asarray(model._baseline_prediction, dtype=float).ravel().tolist(),
        "known_categories": {},
    }
    if classifier:
        out["classes"] = _labels(model.classes_)
        if len(model.classes_) > 2:
            out["class_by"] = class_by(model)
    else:
        out["link"] = "log" if model.loss in ("poisson", "gamma") else "identity"
        if level_of(model) is not None:
            out["level"] = level_of(model)
    order, levels = _raw_categories(model)
    if encoded:
        order, levels = list(range(len(order))), [None] * len(order)
    values = [_whole_categories(model, order[f], found) for f, found in enumerate(levels)]
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        bitsets, feature_map = model._bin_mapper.make_known_categories_bitsets()
        of_feature = {int(feature_map[f]): f for f in np.flatnonzero(model._bin_mapper.is_categorical_)}
        renamed = [_bits(row, values[of_feature[i]]) for i, row in enumerate(bitsets)]
        places = np.zeros(len(order), dtype=int)
        places[order] = feature_map
        out["known_categories"] = {"bitsets": renamed, "feature_map": places.tolist()}
        whole = any(v is not None for v in values)  # 3.5 is not a category
        out["category_codes"] = "whole" if whole else "given"

    def tree(predictor):
        n = predictor.nodes
        numbers = lambda name: [v if np.isfinite(v) else ("inf" if v > 0 else "-inf") for v in n[name].tolist()]
        of_set = {int(i): int(f) for i, f, c in zip(n["bitset_idx"], n["feature_idx"], n["is_categorical"]) if c}
        return {
            "feature": [order[f] for f in n["feature_idx"].tolist()], "threshold": numbers("num_threshold"),
            "missing_left": n["missing_go_to_left"].tolist(), "left": n["left"].tolist(), "right": n["right"].tolist(),
            "is_leaf": n["is_leaf"].tolist(), "value": n["value"].tolist(),
            "is_categorical": n["is_categorical"].tolist(), "bitset_idx": n["bitset_idx"].tolist(),
            "left_bitsets": [_bits(row, values[of_set[i]] if i in of_set else None)
                             for i, row in enumerate(predictor.raw_left_cat_bitsets)],
            "cover": n["count"].tolist(),
        }

    out["trees"] = [[tree(p) for p in stage] for stage in model._predictors]
    return out


def _whole_categories(model, feature, levels):
    """The number of each code, where categories have codes of their own."""
    if levels is None:
        return None
    levels = [level for level in levels if not _missing(level)]
    whole = all(not isinstance(v, str) and float(v) == int(v) and 0 <= v < MOST_CATEGORIES for v in levels)
    if not whole:
        name = getattr(model, "feature_names_in_", np.arange(model.n_features_in_))[feature]
        raise ValueError(f"the categories of feature {name} are not whole numbers from 0 to {MOST_CATEGORIES - 1}, so the "
                         "trees alone cannot say them; export a model file with export_sklearn.export")
    return [int(level) for level in levels]


def _bits(words, values):
    """The words of a set of codes, or of the numbers that the codes stand for."""
    words = [int(w) for w in words]
    if values is None:
        return words
    members = [v for code, v in enumerate(values) if words[code // 32] >> (code % 32) & 1]
    out = [0] * max(8, max(members, default=0) // 32 + 1)
    for v in members:
        out[v // 32] |= 1 << (v % 32)
    return out


def export_dict(model, feature_names=None, encoded=False):
    name = class_of(model)
    if name.startswith(("RandomForest", "ExtraTrees")):
        out = _averaging(model, model.estimators_, "random_forest" if name.startswith("R") else "extra_trees")
    elif name in ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"):
        out = _averaging(model, [model], "decision_tree")
    elif name == "AdaBoostClassifier" and encoded:
        out = _ada_boost(model)
    elif name.startswith("GradientBoosting"):
        out = _gradient_boosting(model)
    elif name.startswith("HistGradientBoosting"):
        out = _hist_gradient_boosting(model, encoded)
    elif name == "IsolationForest":
        out = _isolation_forest(model)
    else:
        raise ValueError(f"{type(model).__name__} is not a tree model that can be exported")
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
