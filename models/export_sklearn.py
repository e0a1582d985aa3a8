#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a fitted scikit-learn pipeline as a tabscore model file (docs/model-format.md).

The pipeline is a ColumnTransformer followed by a classifier of two classes, fitted on a DataFrame.

Numeric columns: StandardScaler, RobustScaler, MaxAbsScaler, MinMaxScaler, SimpleImputer, FunctionTransformer of np.log,
np.log1p or np.clip, "passthrough", or a Pipeline of these. Text columns: OneHotEncoder(handle_unknown="ignore") or
OrdinalEncoder(handle_unknown="use_encoded_value"), with a SimpleImputer before it or not. Models: LogisticRegression,
decision trees, random forests, extra trees, GradientBoosting, HistGradientBoosting, XGBClassifier, LGBMClassifier; trees
want numeric columns before text columns.

    document = export(pipeline, name="churn", threshold=0.5, training_data=training_data("churn.csv", rows=1000))
    write(document, "churn.json")

or, for a pipeline saved with joblib (joblib files run code when loaded: open only your own):

    python3 models/export_sklearn.py churn.joblib --name churn --training-data churn.csv --output churn.json

Needs python3-sklearn and python3-pandas (Debian 12: scikit-learn 1.2.1).
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import random
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

import export_sklearn_trees

FORMAT_VERSION = 1
BINS = 10  # of a histogram of the training data, at most


class NotExportable(ValueError):
    """The pipeline has something that the model format does not say."""


def require(condition, sentence):
    if not condition:
        raise NotExportable(sentence)


def progress(doing=""):
    """Says what is being done on a terminal, where the next call takes its place; nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r\033[K{doing}", end="", file=sys.stderr, flush=True)


def export(
    pipeline,
    *,
    name,
    threshold,
    training_data,
    baseline=None,
    split=None,
    metrics=None,
    date=None,
    checks=32,
    missing=False,
    learner=None,
):
    """The model file of a fitted pipeline as a dict. `training_data` and `baseline` come from the functions below.

    `learner` says how the last step is written: Logistic, or another class with the same members; by default the one
    for the class of the last step. `missing` says that the model takes missing numbers as they are (boosted trees of
    XGBoost, LightGBM and HistGradientBoosting do), so that some checks have them; those that an imputer fills always do.
    """
    require(
        isinstance(pipeline, Pipeline) and len(pipeline) == 2, "expected a Pipeline of a ColumnTransformer and a model"
    )
    columns, model = (step for _, step in pipeline.steps)
    require(isinstance(columns, ColumnTransformer), f"the first step is a {type(columns).__name__}")
    learner = learner or learner_of(model)
    learner.check(columns, model)
    numeric, text = features_of(columns)
    if learner.kind != "logistic":
        firsts = [f["first"] for f in numeric + text]
        require(firsts == sorted(firsts), "trees need the numeric columns before the text columns")
    progress(f"{name}: reading the model")
    document = {
        "format": "tabscore-model",
        "version": FORMAT_VERSION,
        "name": name,
        "kind": learner.kind,
        "provenance": {
            "trainer": learner.trainer,
            "exporter": f"tabscore {learner.exporter}, format {FORMAT_VERSION}",
            "date": date or datetime.date.today().isoformat(),
            "training_data": training_data,
        },
        "features": {
            "numeric": [members(f, "name", "steps", "mean", "scale") for f in numeric],
            "text": [members(f, "name", "categories", "imputed", "ordinal") for f in text],
        },
        "model": learner.member(model, numeric, text),
        "threshold": float(threshold),
    }
    if split is not None:
        document["provenance"]["split"] = split
    if metrics is not None:
        document["provenance"]["metrics"] = {key: float(value) for key, value in metrics.items()}
    if baseline is not None:
        document["drift_baseline"] = baseline
    progress(f"{name}: scoring the checks")
    document["checks"] = make_checks(pipeline, numeric, text, checks, learner, missing)
    progress()
    return document


def members(feature, *names):
    return {name: feature[name] for name in names if name in feature}


def learner_of(model):
    """How a classifier is written, by its class; trainers that are not there are not imported."""
    if isinstance(model, LogisticRegression):
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
        require(isinstance(model, LogisticRegression), f"the last step is a {type(model).__name__}")
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
    require(inputs, "the pipeline was not fitted on a DataFrame, so its columns have no names")
    numeric, text = [], []
    for step, transformer, chosen in columns.transformers_:
        names = column_names(step, inputs, chosen)
        if not names or (isinstance(transformer, str) and transformer == "drop"):
            continue
        first = columns.output_indices_[step].start
        parts = [part for _, part in transformer.steps] if isinstance(transformer, Pipeline) else [transformer]
        if isinstance(parts[-1], (OneHotEncoder, OrdinalEncoder)):
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


def numeric_steps(step, parts, count):
    """What a list of transformers does to each of `count` columns, as the model file says it."""
    columns = [[] for _ in range(count)]

    def add(name, *values):
        for column, numbers in zip(columns, zip(*[np.broadcast_to(v, count).tolist() for v in values])):
            column.append({name: list(map(float, numbers)) if len(numbers) > 1 else float(numbers[0])})

    filled = None  # what an imputer puts in, as the transformers after it leave it
    for place, part in enumerate(parts):
        if part is None or (isinstance(part, str) and part == "passthrough"):
            continue
        if isinstance(part, StandardScaler):
            add("standardize", part.mean_ if part.with_mean else 0.0, part.scale_ if part.with_std else 1.0)
        elif isinstance(part, RobustScaler):
            require(not part.unit_variance, f"{step}: the RobustScaler has unit_variance")
            add("standardize", part.center_ if part.with_centering else 0.0, part.scale_ if part.with_scaling else 1.0)
        elif isinstance(part, MaxAbsScaler):
            add("standardize", 0.0, part.scale_)
        elif isinstance(part, MinMaxScaler):
            add("rescale", part.scale_, part.min_)
            if part.clip:
                add("clip", *part.feature_range)
        elif isinstance(part, SimpleImputer):
            require(not part.add_indicator, f"{step}: the SimpleImputer adds indicators")
            require(is_nan(part.missing_values), f"{step}: the SimpleImputer's missing value is not NaN")
            statistics = np.asarray(part.statistics_, dtype=float)
            require(not np.isnan(statistics).any(), f"{step}: every training value of a column is missing")
            last = len(parts) - 1 if isinstance(parts[-1], (StandardScaler, RobustScaler, MaxAbsScaler)) else len(parts)
            filled = statistics if filled is None else filled
            for later in parts[place + 1 : last]:
                filled = filled if isinstance(later, str) else later.transform(filled.reshape(1, -1))[0]
        elif isinstance(part, FunctionTransformer) and part.func in (np.log, np.log1p):
            for column in columns:
                column.append({part.func.__name__: {}})
        elif isinstance(part, FunctionTransformer) and part.func is np.clip:
            limits = dict(part.kw_args or {})
            require(set(limits) == {"a_min", "a_max"}, f"{step}: np.clip needs kw_args a_min and a_max")
            require(None not in limits.values(), f"{step}: np.clip needs numbers for a_min and a_max")
            add("clip", limits["a_min"], limits["a_max"])
        else:
            what = part.func.__name__ if isinstance(part, FunctionTransformer) and part.func else type(part).__name__
            require(False, f"{step}: {what} on a numeric column has no place in the model file")
    if filled is not None:
        # Missing numbers stay missing on the way and are filled at its end with NumPy's own bits: many rows have this
        # number, trees like to split at it, and logarithms of two libraries may differ in the last bit.
        for column, number in zip(columns, filled.tolist()):
            place = len(column) - bool(column and "standardize" in column[-1])
            column.insert(place, {"impute": number})
    return columns


def is_nan(value):
    return isinstance(value, float) and value != value


def text_features(step, parts, names):
    """Names, categories and encoding of the text columns of a list of transformers that ends in an encoder."""
    *before, encoder = parts
    require(len(before) <= 1, f"{step}: more than a SimpleImputer stands before the encoder")
    imputed = [None] * len(names)
    if before:
        require(isinstance(before[0], SimpleImputer), f"{step}: a {type(before[0]).__name__} before the encoder")
        imputed = before[0].statistics_.tolist()
    ordinal = isinstance(encoder, OrdinalEncoder)
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
    names = np.array(inputs, dtype=object)[chosen].tolist() if not all_texts(chosen) else list(chosen)
    require(all_texts(names), f"{step}: a column name is not text")
    return names


def all_texts(values):
    return not isinstance(values, slice) and all(isinstance(v, str) for v in values)


def one_hot_levels(step, encoder):
    require(encoder.handle_unknown == "ignore", f"{step}: the OneHotEncoder needs handle_unknown='ignore'")
    require(encoder.drop is None, f"{step}: the OneHotEncoder drops a category")
    infrequent = encoder.min_frequency is not None or encoder.max_categories is not None
    require(not infrequent, f"{step}: the OneHotEncoder groups infrequent categories")
    return text_levels(step, encoder)


def ordinal_levels(step, encoder):
    wanted = encoder.handle_unknown == "use_encoded_value"
    require(wanted, f"{step}: the OrdinalEncoder needs handle_unknown='use_encoded_value'")
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


def training_data(path, rows):
    """The file that a model was trained on, by name and hash."""
    path = pathlib.Path(path)
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": int(rows)}


def drift_baseline(frame, labels, numeric, pipeline=None):
    """Mean and population standard deviation of the numeric features (a list of names, model order), positive rate; with
    the fitted pipeline also the histograms of every feature and of the predicted probability."""
    # The order of a sum decides its last digits. Means are summed column by column and squares row after row, which is
    # what pandas does where its companion bottleneck is installed, and here wherever it runs.
    mean, std = (np.nanmean, np.nanstd) if frame[numeric].isna().any(axis=None) else (np.mean, np.std)
    means = [mean(np.ascontiguousarray(frame[name], dtype=float)) for name in numeric]
    stds = std(np.ascontiguousarray(frame[numeric], dtype=float), axis=0)
    baseline = {
        "numeric": [{"name": n, "mean": float(m), "std": float(s)} for n, m, s in zip(numeric, means, stds)],
        "training_positive_rate": float(np.mean(np.asarray(labels, dtype=float))),
        "training_sample_size": len(frame),
    }
    if pipeline is not None:
        progress("counting the training rows")
        baseline["histograms"] = histograms(frame, numeric, pipeline)
        progress()
    return baseline


def histograms(frame, numeric, pipeline):
    """The training rows by bin of each numeric feature, by category of each text feature, and by what is predicted."""
    categories = {f["name"]: f["categories"] for f in features_of(pipeline[0])[1]}
    texts = []
    for name, levels in categories.items():
        values = pd.Series([None if pd.isna(v) else v for v in frame[name]], dtype=object)
        found = values.value_counts(dropna=False)
        by_text = {None if pd.isna(level) else level: int(n) for level, n in found.items()}
        counts = [by_text.get(level, 0) for level in levels]
        missing = 0 if None in levels else by_text.get(None, 0)
        text = {"name": name, "counts": counts, "unseen": len(frame) - sum(counts) - missing}
        texts.append({**text, "missing": missing} if missing else text)
    probability = pipeline.predict_proba(frame[list(pipeline[0].feature_names_in_)])[:, 1]
    return {
        "numeric": [{"name": name, **bins(name, frame[name])} for name in numeric],
        "text": texts,
        "probability": bins("probability", probability, low=0.0, high=1.0),
    }


def bins(name, values, low=None, high=None):
    """At most BINS bins of about as many rows each: an edge lies half-way between two neighbouring values, so that one
    frequent value has a bin of its own. Everything is in single precision, as the live values are compared."""
    with np.errstate(over="ignore"):
        single = np.asarray(values, dtype=float).astype(np.float32)
    present = np.sort(single[~np.isnan(single)])
    require(len(present) > 0, f"{name}: every training value is missing, so there is no histogram of them")
    require(bool(np.all(np.isfinite(present))), f"{name}: a value is too large for single precision")
    distinct, counts = np.unique(present, return_counts=True)
    shares = np.cumsum(counts)[:-1] / len(present)  # of the rows up to each place for an edge
    places = {int(np.argmin(np.abs(shares - k / BINS))) for k in range(1, BINS)} if len(shares) else set()
    first = distinct[0] if low is None else np.float32(low)
    last = distinct[-1] if high is None else np.float32(high)
    if last <= first:  # a constant
        last = np.nextafter(first, np.float32(np.inf))
    edges = [first]
    for place in sorted(places):
        below, above = distinct[place], distinct[place + 1]
        middle = np.float32((float(below) + float(above)) / 2)
        edge = middle if below < middle else above
        if edges[-1] < edge < last:
            edges.append(edge)
    edges.append(last)
    counted, _ = np.histogram(present, bins=np.array(edges, dtype=np.float32))
    return {
        "edges": [float(edge) for edge in edges],
        "counts": counted.tolist(),
        "missing": int(np.isnan(single).sum()),
    }


class Verbatim(str):
    """A JSON document that is written as it is."""


def to_text(value, indent=0, width=118):
    """JSON with each object or list on one line where it fits; long lists of scalars fill lines. Floats as repr."""
    if isinstance(value, Verbatim):
        return str(value)
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, (dict, list)) or indent + len(line) <= width:
        return line
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f"{json.dumps(k, ensure_ascii=False)}: {to_text(v, indent + 1, width)}" for k, v in value.items()]
        body = f",\n{inner}".join(parts)
    else:
        parts = [to_text(v, indent + 1, width) for v in value]
        body, used = parts[0], indent + len(parts[0])
        flat = not any(isinstance(v, (dict, list)) for v in value)
        for part in parts[1:]:
            fits = flat and used + len(part) + 2 <= width
            body += f", {part}" if fits else f",\n{inner}{part}"
            used = used + len(part) + 2 if fits else indent + len(part)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}{body}\n{' ' * indent}{closing}"


def write(document, path):
    """Writes the file; nothing is written when a number is not finite."""
    text = to_text(document) + "\n"
    pathlib.Path(path).write_text(text, encoding="utf-8")


def main():
    import joblib

    parser = argparse.ArgumentParser(description="Write a fitted scikit-learn pipeline as a tabscore model file.")
    parser.add_argument("pipeline", help="a fitted Pipeline saved with joblib; loading it runs its code")
    parser.add_argument("--output", required=True, help="the model file to write")
    parser.add_argument("--name", required=True, help="name of the model")
    parser.add_argument("--training-data", required=True, help="the CSV file it was trained on (for its hash and rows)")
    parser.add_argument("--threshold", type=float, default=0.5, help="positive means probability >= threshold")
    parser.add_argument("--label", help="label column (0/1) of the training data: write a drift baseline from it")
    parser.add_argument("--missing", action="store_true", help="the model takes missing numbers: check that, too")
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()

    pipeline = joblib.load(arguments.pipeline)
    data = pd.read_csv(arguments.training_data)
    try:
        baseline = None
        if arguments.label:
            numeric = [f["name"] for f in features_of(pipeline[0])[0]]
            missing = [column for column in [*numeric, arguments.label] if column not in data]
            require(not missing, f"the training data have no column {missing[:1]}, so no drift baseline can be made")
            baseline = drift_baseline(data, data[arguments.label], numeric, pipeline)
        document = export(
            pipeline,
            name=arguments.name,
            threshold=arguments.threshold,
            training_data=training_data(arguments.training_data, len(data)),
            baseline=baseline,
            date=arguments.date,
            missing=arguments.missing,
        )
    except NotExportable as reason:
        parser.exit(1, f"{arguments.pipeline}: {reason}\n")
    write(document, arguments.output)


if __name__ == "__main__":
    main()
