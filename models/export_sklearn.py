#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a fitted scikit-learn pipeline as a tabscore model file (docs/model-format.md).

The pipeline is a ColumnTransformer (StandardScaler or "passthrough" on numeric columns, OneHotEncoder with
handle_unknown="ignore" on text columns) followed by a binary LogisticRegression, fitted on a DataFrame.

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

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FORMAT_VERSION = 1
BINS = 10  # of a histogram of the training data, at most


class NotExportable(ValueError):
    """The pipeline has something that the model format does not say."""


def require(condition, sentence):
    if not condition:
        raise NotExportable(sentence)


def export(
    pipeline, *, name, threshold, training_data, baseline=None, split=None, metrics=None, date=None, checks=32, learner=None
):
    """The model file of a fitted pipeline as a dict. `training_data` and `baseline` come from the functions below.

    `learner` says how the last step is written: Logistic, or another class with the same members.
    """
    learner = learner or Logistic
    require(
        isinstance(pipeline, Pipeline) and len(pipeline) == 2, "expected a Pipeline of a ColumnTransformer and a model"
    )
    columns, model = (step for _, step in pipeline.steps)
    require(isinstance(columns, ColumnTransformer), f"the first step is a {type(columns).__name__}")
    learner.check(columns, model)
    numeric, text = features_of(columns)
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
            "numeric": [{"name": f["name"], "mean": f["mean"], "scale": f["scale"]} for f in numeric],
            "text": [{"name": f["name"], "categories": f["categories"]} for f in text],
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
    document["checks"] = make_checks(pipeline, numeric, text, checks, learner)
    return document


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
            "text_coefficients": [coefficients[f["first"] : f["first"] + len(f["categories"])] for f in text],
            "intercept": float(model.intercept_[0]),
        }

    @staticmethod
    def margins(pipeline, frame):
        return pipeline.decision_function(frame)


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
        if isinstance(transformer, OneHotEncoder):
            for column, levels in zip(names, one_hot_levels(step, transformer)):
                text.append({"name": column, "categories": levels, "first": first})
                first += len(levels)
            continue
        means, scales = scaling(step, transformer, len(names))
        for i, column in enumerate(names):
            numeric.append({"name": column, "mean": means[i], "scale": scales[i], "first": first + i})
    return numeric, text


def column_names(step, inputs, chosen):
    require(not isinstance(chosen, str), f"{step}: columns are a single name; give a list")
    names = np.array(inputs, dtype=object)[chosen].tolist() if not all_texts(chosen) else list(chosen)
    require(all_texts(names), f"{step}: a column name is not text")
    return names


def all_texts(values):
    return not isinstance(values, slice) and all(isinstance(v, str) for v in values)


def scaling(step, transformer, count):
    if isinstance(transformer, str) and transformer == "passthrough":
        return [0.0] * count, [1.0] * count
    require(
        isinstance(transformer, StandardScaler),
        f"{step}: a {type(transformer).__name__} is neither a StandardScaler nor a OneHotEncoder",
    )
    means = transformer.mean_.tolist() if transformer.with_mean else [0.0] * count
    scales = transformer.scale_.tolist() if transformer.with_std else [1.0] * count
    return means, scales


def one_hot_levels(step, encoder):
    require(encoder.handle_unknown == "ignore", f"{step}: the OneHotEncoder needs handle_unknown='ignore'")
    require(encoder.drop is None, f"{step}: the OneHotEncoder drops a category")
    infrequent = encoder.min_frequency is not None or encoder.max_categories is not None
    require(not infrequent, f"{step}: the OneHotEncoder groups infrequent categories")
    fields = [[None if pd.isna(level) else level for level in levels] for levels in encoder.categories_]
    for levels in fields:
        odd = [level for level in levels if level is not None and not isinstance(level, str)]
        require(not odd, f"{step}: the category {odd[:1]} is not text")
        require(levels.count(None) <= 1, f"{step}: two kinds of missing values (None and NaN) are categories")
    return fields


def make_checks(pipeline, numeric, text, count, learner):
    """Made-up rows around each feature's mean and far from it, known and unknown texts, scored by the pipeline itself.

    No row of the training data is used, so a model file may be published when its data may not.
    """
    require(count >= 1, "a model file needs at least one check")
    draw = random.Random(0)
    steps = [-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0, 5.0]
    rows = {f["name"]: [f["mean"] + draw.choice(steps) * f["scale"] for _ in range(count)] for f in numeric}
    for f in numeric:  # the first rows leave the ordinary: zero, tiny, huge, and huge in turn of sign
        extremes = [0.0, 1e-300, 1e6 * f["scale"], draw.choice([-1e9, 1e9]) * f["scale"]]
        rows[f["name"]][: len(extremes)] = extremes[:count]
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
            "numeric": [rows[f["name"]][i] for f in numeric],
            "text": [rows[f["name"]][i] for f in text],
            "margin": float(margins[i]),
            "probability": float(probabilities[i]),
        }
        for i in range(count)
    ]


def training_data(path, rows):
    """The file that a model was trained on, by name and hash."""
    path = pathlib.Path(path)
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": int(rows)}


def drift_baseline(frame, labels, numeric, pipeline=None):
    """Mean and population standard deviation of the numeric features (a list of names, model order), positive rate; with
    the fitted pipeline also the histograms of every feature and of the predicted probability."""
    # The order of a sum decides its last digits. Means are summed column by column and squares row after row, which is
    # what pandas does where its companion bottleneck is installed, and here wherever it runs.
    means = [np.ascontiguousarray(frame[name], dtype=float).mean() for name in numeric]
    stds = np.ascontiguousarray(frame[numeric], dtype=float).std(axis=0)
    baseline = {
        "numeric": [{"name": n, "mean": float(m), "std": float(s)} for n, m, s in zip(numeric, means, stds)],
        "training_positive_rate": float(np.mean(np.asarray(labels, dtype=float))),
        "training_sample_size": len(frame),
    }
    if pipeline is not None:
        baseline["histograms"] = histograms(frame, numeric, pipeline)
    return baseline


def histograms(frame, numeric, pipeline):
    """The training rows by bin of each numeric feature, by category of each text feature, and by what is predicted."""
    categories = {f["name"]: f["categories"] for f in features_of(pipeline[0])[1]}
    texts = []
    for name, levels in categories.items():
        values = pd.Series([None if pd.isna(v) else v for v in frame[name]], dtype=object)
        found = values.value_counts(dropna=False)
        by_text = {None if pd.isna(level) else level: int(n) for level, n in found.items()}
        texts.append({"name": name, "counts": [by_text.get(level, 0) for level in levels]})
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
        )
    except NotExportable as reason:
        parser.exit(1, f"{arguments.pipeline}: {reason}\n")
    write(document, arguments.output)


if __name__ == "__main__":
    main()
