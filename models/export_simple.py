# SPDX-License-Identifier: MIT
"""The simple kinds of a model file (docs/reference/model-file.md): a ColumnTransformer that scales numbers and encodes texts, then
one model. What does not fit is NotExportable here, and export_sklearn.py writes kind "pipeline"."""

import random

import numpy as np
import pandas as pd
import sklearn

import export_sklearn_trees
from export_program import KEPT_MISSING, NotExportable, class_of, is_missing, is_nan, require


LOGISTIC = ("LogisticRegression", "LogisticRegressionCV")


def members(feature, *names):
    return {name: feature[name] for name in names if name in feature}


def learner_of(model):
    """How a classifier is written, by its class; trainers that are not there are not imported."""
    if class_of(model) in LOGISTIC:
        return Logistic
    if type(model).__module__.startswith("xgboost"):
        import export_xgboost

        return export_xgboost.Booster
    if type(model).__module__.startswith("lightgbm"):
        import export_lightgbm

        return export_lightgbm.Booster
    return Trees


class Logistic:
    """A binary LogisticRegression of scikit-learn."""

    kind = "logistic"
    trainer = {"name": "scikit-learn", "version": sklearn.__version__}
    exporter = "export_sklearn.py"

    @staticmethod
    def check(columns, model):
        require(class_of(model) in LOGISTIC, f"the last step is a {type(model).__name__}")
        require(len(model.classes_) == 2, f"the model has {len(model.classes_)} classes, not two")
        # With two classes "multinomial" gives other probabilities than the logistic function of the margin.
        multinomial = getattr(model, "multi_class", "auto") == "multinomial"
        require(not multinomial, "the model was fitted with multi_class=multinomial")

    @staticmethod
    def member(model, numeric, text):
        coefficients = model.coef_[0].tolist()
        return {
            "numeric_coefficients": [coefficients[f["first"]] for f in numeric],
            "text_coefficients": [coefficients[f["first"] : f["first"] + f["width"]] for f in text],
            "intercept": float(model.intercept_[0]),
        }

    @staticmethod
    def margins(pipeline, frame):
        return pipeline.decision_function(frame)


class Trees:
    """Trees of scikit-learn with two classes."""

    kind = "sklearn"
    trainer = {"name": "scikit-learn", "version": sklearn.__version__}
    exporter = "export_sklearn.py"

    @staticmethod
    def check(columns, model):
        require(hasattr(model, "classes_"), f"the last step is a {type(model).__name__}, not a classifier")
        require(len(model.classes_) == 2, f"the model has {len(model.classes_)} classes, not two")

    @staticmethod
    def member(model, numeric, text):
        try:
            return export_sklearn_trees.export_dict(model)
        except ValueError as e:
            raise NotExportable(str(e)) from e

    @staticmethod
    def margins(pipeline, frame):
        """Log-odds, or of trees that average shares, the probability."""
        if hasattr(pipeline, "decision_function"):
            return pipeline.decision_function(frame)
        return pipeline.predict_proba(frame)[:, 1]


def features_of(columns):
    """The numeric and the text features of a fitted ColumnTransformer, each with its first encoded column."""
    inputs = list(getattr(columns, "feature_names_in_", []))
    require(not columns.transformer_weights, "the ColumnTransformer has transformer_weights")
    require(inputs, "the pipeline was not fitted on a DataFrame, so its columns have no names")
    numeric, text = [], []
    for step, transformer, chosen in columns.transformers_:
        names = column_names(step, inputs, chosen)
        if not names or (isinstance(transformer, str) and transformer == "drop"):
            continue
        first = columns.output_indices_[step].start
        parts = [part for _, part in transformer.steps] if class_of(transformer) == "Pipeline" else [transformer]
        if class_of(parts[-1]) in ("OneHotEncoder", "OrdinalEncoder"):
            for f in text_features(step, parts, names):
                text.append({**f, "first": first})
                first += f["width"]
            continue
        all_steps = numeric_steps(step, parts, len(names))
        for i, (column, steps) in enumerate(zip(names, all_steps)):
            # The last scaler stands apart, so that the usual pipeline has no steps.
            last = steps.pop()["standardize"] if steps and "standardize" in steps[-1] else [0.0, 1.0]
            feature = {"name": column, "mean": last[0], "scale": last[1], "first": first + i}
            numeric.append({**feature, "steps": steps} if steps else feature)
    return numeric, text


def hides_infinity(feature, infinite):
    """Whether a step of the trainer refuses the infinity that a logarithm made, and the file's would not. `infinite`: the model
    takes infinities."""
    names = [next(iter(step)) for step in feature.get("steps", [])]
    logs = [place for place, name in enumerate(names) if name in ("log", "log1p")]
    scaled = (feature["mean"], feature["scale"]) != (0.0, 1.0)
    return bool(logs) and ("clip" in names[logs[0] :] or infinite and (scaled or len(names) > logs[0] + 1))


def numeric_steps(step, parts, count):
    """What a list of transformers does to each of `count` columns, as the model file says it."""
    columns = [[] for _ in range(count)]

    def add(name, *values):
        for column, numbers in zip(columns, zip(*[np.broadcast_to(v, count).tolist() for v in values])):
            column.append({name: list(map(float, numbers)) if len(numbers) > 1 else float(numbers[0])})

    for part in parts:
        if part is None or (isinstance(part, str) and part == "passthrough"):
            continue
        kind = class_of(part)
        if kind == "FunctionTransformer" and part.func is None:  # "passthrough" of scikit-learn 1.4 and later
            continue
        if kind == "StandardScaler":
            add("standardize", part.mean_ if part.with_mean else 0.0, part.scale_ if part.with_std else 1.0)
        elif kind == "RobustScaler":
            require(not part.unit_variance, f"{step}: the RobustScaler has unit_variance")
            add("standardize", part.center_ if part.with_centering else 0.0, part.scale_ if part.with_scaling else 1.0)
        elif kind == "MaxAbsScaler":
            require(not getattr(part, "clip", False), f"{step}: the MaxAbsScaler clips")
            add("standardize", 0.0, part.scale_)
        elif kind == "MinMaxScaler":
            add("rescale", part.scale_, part.min_)
            if part.clip:
                add("clip", *part.feature_range)
        elif kind == "SimpleImputer":
            require(not part.add_indicator, f"{step}: the SimpleImputer adds indicators")
            require(is_nan(part.missing_values), f"{step}: the SimpleImputer's missing value is not NaN")
            statistics = np.asarray(part.statistics_, dtype=float)
            require(not np.isnan(statistics).any(), f"{step}: every training value of a column is missing")
            add("impute", statistics)
        elif kind == "FunctionTransformer" and part.func in (np.log, np.log1p):
            for column in columns:
                column.append({part.func.__name__: {}})
        elif kind == "FunctionTransformer" and part.func is np.clip:
            limits = dict(part.kw_args or {})
            require(set(limits) == {"a_min", "a_max"}, f"{step}: np.clip needs kw_args a_min and a_max")
            require(None not in limits.values(), f"{step}: np.clip needs numbers for a_min and a_max")
            add("clip", limits["a_min"], limits["a_max"])
        else:
            what = part.func.__name__ if kind == "FunctionTransformer" and part.func else type(part).__name__
            require(False, f"{step}: {what} on a numeric column has no place in the model file")
    return columns


def text_features(step, parts, names):
    """Names, categories and encoding of the text columns of a list of transformers that ends in an encoder."""
    *before, encoder = parts
    require(len(before) <= 1, f"{step}: more than a SimpleImputer stands before the encoder")
    imputed = [None] * len(names)
    if before:
        require(class_of(before[0]) == "SimpleImputer", f"{step}: a {type(before[0]).__name__} before the encoder")
        plain = is_missing(before[0].missing_values) and not before[0].add_indicator
        require(plain, f"{step}: the SimpleImputer before the encoder has options of its own")
        require(len(before[0].statistics_) == len(encoder.categories_), f"{step}: the SimpleImputer leaves columns out")
        imputed = before[0].statistics_.tolist()
        kept = any(is_missing(level) for levels in encoder.categories_ for level in levels)
        require(not kept, f"{step}: {KEPT_MISSING}")
    ordinal = class_of(encoder) == "OrdinalEncoder"
    fields = ordinal_levels(step, encoder) if ordinal else one_hot_levels(step, encoder)
    features = []
    for name, levels, filled in zip(names, fields, imputed):
        feature = {"name": name, "categories": levels, "width": 1 if ordinal else len(levels)}
        if filled in levels and filled is not None:
            feature["imputed"] = filled
        if ordinal:
            unknown = float(encoder.unknown_value)
            feature["ordinal"] = {"unknown": None if is_nan(unknown) else unknown}
        features.append(feature)
    return features


def column_names(step, inputs, chosen):
    require(not isinstance(chosen, str), f"{step}: columns are a single name; give a list")
    if isinstance(chosen, slice):
        require(not isinstance(chosen.start, str) and not isinstance(chosen.stop, str), f"{step}: a slice of names")
        names = inputs[chosen]
    else:
        chosen = list(chosen)
        names = chosen if all_texts(chosen) else np.array(inputs, dtype=object)[chosen].tolist() if chosen else []
    require(all_texts(names), f"{step}: a column name is not text")
    return names


def all_texts(values):
    return all(isinstance(v, str) for v in values)


def one_hot_levels(step, encoder):
    require(encoder.handle_unknown == "ignore", f"{step}: the OneHotEncoder needs handle_unknown='ignore'")
    require(encoder.drop is None, f"{step}: the OneHotEncoder drops a category")
    infrequent = encoder.min_frequency is not None or encoder.max_categories is not None
    require(not infrequent, f"{step}: the OneHotEncoder groups infrequent categories")
    return text_levels(step, encoder)


def ordinal_levels(step, encoder):
    wanted = encoder.handle_unknown == "use_encoded_value"
    require(wanted, f"{step}: the OrdinalEncoder needs handle_unknown='use_encoded_value'")
    grouped = getattr(encoder, "min_frequency", None) is not None or getattr(encoder, "max_categories", None) is not None
    require(not grouped, f"{step}: the OrdinalEncoder groups infrequent categories")
    fields = text_levels(step, encoder)
    for levels in fields:
        if None in levels:
            same = is_nan(encoder.encoded_missing_value) and is_nan(encoder.unknown_value)
            require(same, f"{step}: missing texts are encoded otherwise than unknown ones; put a SimpleImputer before")
            levels.remove(None)  # always the last; an absent text is now an unknown one
    return fields


def text_levels(step, encoder):
    fields = [[None if pd.isna(level) else level for level in levels] for levels in encoder.categories_]
    for levels in fields:
        odd = [level for level in levels if level is not None and not isinstance(level, str)]
        require(not odd, f"{step}: the category {odd[:1]} is not text")
        require(levels.count(None) <= 1, f"{step}: two kinds of missing values (None and NaN) are categories")
    return fields


def make_checks(pipeline, numeric, text, count, learner, missing):
    """Made-up rows around each feature's mean and far from it, known and unknown texts, scored by the pipeline itself.

    No row of the training data is used, so a model file may be published when its data may not.
    """
    require(count >= 1, "a model file needs at least one check")
    draw = random.Random(0)
    steps = [-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0, 5.0]
    rows = {f["name"]: [undone(f, f["mean"] + draw.choice(steps) * f["scale"]) for _ in range(count)] for f in numeric}
    for f in numeric:  # the first rows leave the ordinary: zero, tiny, huge, and huge in turn of sign
        extremes = [0.0, 1e-300, 1e6 * f["scale"], draw.choice([-1e9, 1e9]) * f["scale"]]
        if any("log" in step or "log1p" in step for step in f.get("steps", [])):
            extremes = [1e-300, 1e9]
        rows[f["name"]][: len(extremes)] = extremes[:count]
    for place, f in enumerate(numeric):
        if missing or any("impute" in step for step in f.get("steps", [])):
            rows[f["name"]][4 + place % 3 :: 7] = [float("nan")] * len(rows[f["name"]][4 + place % 3 :: 7])
    for f in text:
        known = [level for level in f["categories"] if level is not None]
        unknown = "not seen in training"
        while unknown in known:
            unknown += "!"
        rows[f["name"]] = [draw.choice(known) if known else unknown for _ in range(count)]
        rows[f["name"]][::5] = [unknown if i % 2 == 0 else "" for i in range(len(rows[f["name"]][::5]))]
    frame = pd.DataFrame(rows)
    for column in pipeline[0].feature_names_in_:
        if column not in frame:  # dropped by the ColumnTransformer, which still wants to see it
            frame[column] = 0.0
    margins = learner.margins(pipeline, frame)
    probabilities = pipeline.predict_proba(frame)[:, 1]
    return [
        {
            "numeric": [None if is_nan(rows[f["name"]][i]) else rows[f["name"]][i] for f in numeric],
            "text": [rows[f["name"]][i] for f in text],
            "margin": float(margins[i]),
            "probability": float(probabilities[i]),
        }
        for i in range(count)
    ]


def undone(feature, encoded):
    """About the number that a feature's steps turn into `encoded` before its last scaler."""
    for step in reversed(feature.get("steps", [])):
        ((name, values),) = step.items()
        if name == "standardize":
            encoded = encoded * values[1] + values[0]
        elif name == "rescale":
            encoded = (encoded - values[1]) / values[0]
        elif name in ("log", "log1p"):
            encoded = float(np.exp(min(encoded, 300.0)) if name == "log" else np.expm1(min(encoded, 300.0)))
    return encoded
