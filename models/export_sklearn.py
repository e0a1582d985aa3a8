#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a fitted scikit-learn pipeline as a tabscore model file (docs/reference/model-file.md).

    document = export(pipeline, name="churn", threshold=0.5, training_data=training_data("churn.csv", rows=1000))
    write(document, "churn.json")

or, for a pipeline saved with joblib (joblib files run code when loaded: open only your own):

    python3 models/export_sklearn.py churn.joblib --name churn --training-data churn.csv --output churn.json

docs/reference/exportable-models.md lists the steps and models that can be exported; the others are NotExportable, which names the step and
says what to do. A ColumnTransformer and one model become a simple kind ("logistic", "sklearn", "xgboost", "lightgbm"),
everything else kind "pipeline".

Needs python3-sklearn and python3-pandas (Debian 12: scikit-learn 1.2.1; checked up to 1.9).
"""

import argparse
import contextlib
import datetime
import hashlib
import importlib
import json
import pathlib
import sys

import numpy as np
import pandas as pd
import sklearn

import export_additive  # noqa: F401 (registers its models)
import export_checks
import export_models
import export_statsmodels  # noqa: F401 (registers its models)
import export_tasks
from export_models import Verbatim  # noqa: F401 (for callers)
from export_program import FUNCTIONS, Block, Input, NotExportable, Program, class_of, is_missing, is_nan, quietly, require, unwrap
from export_simple import Logistic, Trees, features_of, hides_infinity, learner_of, make_checks, members  # noqa: F401 (for callers)

FORMAT_VERSION = 1
BINS = 10  # of a histogram of the training data, at most
MORE_CHECKS = 32  # of trees, chosen by the leaves that they reach


def progress(doing=""):
    """Says what is being done on a terminal, where the next call takes its place; nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r\033[K{doing}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def refusals(pipeline):
    """Whatever goes wrong inside is said as a NotExportable."""
    try:
        yield
    except NotExportable:
        raise
    except Exception as reason:
        name = type(reason).__name__
        if name == "NotFittedError":
            raise NotExportable(f"the {type(pipeline).__name__} is not fitted; call fit() before export()") from reason
        text = " ".join(str(reason).split())[:300]
        raise NotExportable(f"the {type(pipeline).__name__} cannot be read ({name}: {text}); check that it is fitted and "
                            "gives numbers for the data that it is exported with") from reason


def export(
    pipeline,
    *,
    name,
    threshold=None,
    training_data,
    baseline=None,
    split=None,
    metrics=None,
    date=None,
    checks=None,
    missing=False,
    learner=None,
    positive=None,
    names=None,
    categories=None,
    data=None,
    raw=None,
    engineered=None,
    class_names=None,
    target_names=None,
    numbers=None,
):
    """The model file of a fitted pipeline as a dict. `training_data` and `baseline` come from the functions below.

    `threshold` is by default that of a FixedThresholdClassifier or TunedThresholdClassifierCV, else 0.5, or the next number where
    predict() takes the first of two equal probabilities. `positive` is the
    label that counts as positive: needed unless labels are 0 and 1 or booleans. `class_names` are those of several classes, in
    the order of the pipeline's classes_ (by default these themselves), `target_names` those of the numbers that a regression
    predicts. A model without a probability of two classes has no `positive`, and a `threshold` only if it finds anomalies (by
    default 0). `names` are those of the columns of a
    pipeline that was fitted on an array. `categories` gives, by column, the training categories that XGBoost before 3.1
    does not keep. `checks` is the number of rows that every reader replays (by default 32, of trees and of kind "pipeline"
    64); they are made up, or with `data` rows of that DataFrame. `raw` is a DataFrame of up to 100 raw rows: it goes into
    the file with the values of the `engineered` features (by default those that the pipeline's own first
    FunctionTransformer adds), which make_pipeline computes again. `missing` says that the model takes missing numbers as
    they are, so that some checks of a simple kind have them. `numbers` are the numbers of the C++ record, then the engineered
    features, in their order: needed where the model leaves some out or reads them in another order. `learner` says how the last step of a simple kind is written.
    """
    with refusals(pipeline):
        pipeline, first = without_engineering(pipeline)
        binary = two_classes(pipeline, positive)
        place, classes = positive_place(pipeline, positive) if binary else (1, None)
        if training_data is None or not isinstance(training_data, dict):
            require(False, "training_data is not what training_data(path, rows) gives")
        progress(f"{name}: reading the model")
        simple = read_simple(pipeline, learner, place, names, categories, numbers) if binary else None
        plan = None
        try:
            plan = Plan(pipeline, names, categories, place, numbers)
        except NotExportable:
            if simple is None:
                raise
        if binary:
            require(class_names is None, "class_names= is for models of several classes; of two say positive=, or leave it out")
            require(target_names is None, "target_names= is for models that predict numbers; leave it out")
        if threshold is None and plan and plan.threshold is not None and plan.of_threshold != place:
            label = repr(plain_label(pipeline.classes_[plan.of_threshold]))
            require(False, f"the threshold {plan.threshold} is one of the probability of {label}, which is not the positive "
                    f"class here; give positive={label}, or a threshold= of your own")
        part = simple or plan
        require(all(f["name"] for of_kind in part.features.values() for f in of_kind),
                "a column that the model reads has an empty name; rename it before fit()")
        limit = threshold_of(threshold, plan, binary)
        known = baseline is None or isinstance(baseline, dict) and rates_of(part) in baseline
        require(known, "baseline is not what drift_baseline() gives for this pipeline")
        document = {
            "format": "tabscore-model",
            "version": FORMAT_VERSION,
            "name": name,
            "kind": part.kind,
            "provenance": {
                "trainer": part.trainer,
                "exporter": f"tabscore {part.exporter}, format {FORMAT_VERSION}",
                "date": date or datetime.date.today().isoformat(),
                "training_data": training_data,
            },
            "features": part.features,
            "model": part.model,
        }
        if not binary:
            document["outputs"] = export_tasks.member_of(plan.outputs, pipeline, class_names, target_names, plan.program.refuse)
        if limit is not None:
            document["threshold"] = float(limit)
        if classes is not None:
            document["classes"] = classes
        if split is not None:
            document["provenance"]["split"] = split
        if metrics is not None:
            odd = [key for key, value in metrics.items() if not isinstance(value, (int, float, np.number))]
            require(not odd, f"the metric {odd[:1]} is not a number")
            document["provenance"]["metrics"] = {key: float(value) for key, value in metrics.items()}
        if baseline is not None:
            document["drift_baseline"] = part.baseline(baseline)
        if raw is not None:
            document["raw_checks"] = raw_checks(raw, engineered, first, part)
        unread = list(dict.fromkeys(n for n in plan.program.dropped if n not in plan.program.kinds)) if plan else []
        if unread:
            export_checks.say(f"{name}: a selection drops {', '.join(unread)}, which the file does not read; the trainer refuses a row "
                              "where one of them is missing or infinite, and the file's model scores it")
        progress(f"{name}: scoring the checks")
        document["checks"], sentence = part.checks(pipeline, checks, missing, data, plan)
        progress()
        if sentence:
            export_checks.say(f"{name}: {sentence}")
        return document


def two_classes(pipeline, positive):
    """Whether the file holds the probability of one of two classes."""
    require(pipeline is not None, "there is no pipeline to export (None)")
    require(not isinstance(pipeline, type), f"{getattr(pipeline, '__name__', '')} is a class; give a fitted pipeline")
    require(type(pipeline).__name__ != "Booster", "a Booster does not know its task: fit XGBClassifier, XGBRegressor, LGBMClassifier or "
            "LGBMRegressor, alone or in a pipeline, and export that")
    require(hasattr(pipeline, "fit"), f"a {type(pipeline).__name__} is not a scikit-learn pipeline or model; give a fitted one")
    binary = export_tasks.gives_probability(pipeline)
    require(binary or positive is None, "positive= is for pipelines that give the probability of one of two classes; leave it out")
    return binary


def threshold_of(given, plan, binary):
    """The member "threshold"; None where the task has none."""
    anomaly = not binary and plan.outputs.task == "anomaly"
    if not binary and not anomaly:
        require(given is None, "threshold= is for models of two classes that give probabilities, and of anomalies; leave it out")
        return None
    own = plan.threshold if plan and binary else None
    limit = given if given is not None else own if own is not None else 0.0 if anomaly else 0.5
    good = isinstance(limit, (int, float, np.number)) and np.isfinite(limit)
    if anomaly:
        require(good, f"the threshold {limit!r} is not a finite number")
    else:
        require(isinstance(limit, (int, float, np.number)), f"the threshold {limit!r} is not a number; give one from 0 to 1")
        require(0 <= float(limit) <= 1, f"the threshold {limit} is not a probability; give one from 0 to 1")
    return limit


def rates_of(part):
    """The member of a drift baseline that says what was predicted or labelled."""
    outputs = getattr(part, "outputs", None)
    return "training_positive_rate" if outputs is None else "class_rates" if outputs.task == "multiclass" else "outputs"


def without_engineering(pipeline):
    """The pipeline without a first step that is Python code of its own, and that step."""
    whole = pipeline = unwrap(pipeline)
    while class_of(pipeline) == "Pipeline" and class_of(pipeline.steps[0][1]) == "Pipeline":  # steps of the first are steps
        (name, inner), *others = pipeline.steps
        pipeline = type(pipeline)([(f"{name} {n}", step) for n, step in inner.steps] + others)
    if class_of(pipeline) != "Pipeline" or len(pipeline.steps) < 2:
        return whole, None
    first = pipeline.steps[0][1]
    code = class_of(first) == "FunctionTransformer" and first.func is not None
    if not code:
        return whole, None
    names = [f"x{i}" for i in range(input_count(pipeline) or 1)]
    try:
        export_models.apply(Program(names), pipeline.steps[0][0], first, Block([Input(n) for n in names]))
        return whole, None  # a function that the file can say
    except NotExportable:
        if isinstance(first.func, np.ufunc) or (getattr(first.func, "__module__", None) or "").startswith("numpy"):
            raise  # its columns keep their names
    rest = pipeline[1:]
    inputs = input_names(rest)
    what = getattr(first.func, "__name__", type(first.func).__name__)
    require(inputs is not None, f"the first step computes features in Python ({what}) and gives an array; let it give a "
            "DataFrame, fit again, compute its columns in C++ and export pipeline[1:]")
    export_checks.say(f"the first step ({what}) is not in the file: compute its columns in C++ as it does (raw= puts rows "
                      f"into the file that check this); the model's inputs are {', '.join(inputs)}")
    return rest, first


def input_names(model):
    """The columns of the DataFrame that a pipeline was fitted on, or None."""
    names = None
    with contextlib.suppress(AttributeError):
        names = getattr(model, "feature_names_in_", None)
    if names is None and class_of(model) == "Pipeline":
        for _, step in model.steps:
            part = unwrap(step) if not isinstance(step, str) and step is not None else None
            if part is None or class_of(part) == "FunctionTransformer":
                continue
            return input_names(part)
    if names is None and hasattr(model, "transformer_list"):
        names = next((n for n in (input_names(t) for _, t in model.transformer_list if not isinstance(t, str)) if n), None)
    if names is None and class_of(model) == "FixedThresholdClassifier":
        names = input_names(unwrap(model.estimator))
    if names is None and hasattr(model, "calibrated_classifiers_"):  # estimator is another one, which may have seen other data
        part = model.calibrated_classifiers_[0]
        names = input_names(unwrap(getattr(part, "estimator", None) or part.base_estimator))
    if names is None and class_of(model) in ("OneVsRestClassifier", "VotingClassifier", "VotingRegressor", "StackingClassifier"):
        names = input_names(unwrap(model.estimators_[0]))
    if names is None and class_of(model) == "BinningProcess":
        names = list(model.variable_names)
    if names is None and hasattr(model, "regressor_"):
        names = input_names(unwrap(model.regressor_))
    if class_of(model).startswith("LGBM"):
        with contextlib.suppress(AttributeError, ValueError):  # a NotFittedError is one, too
            found = list(model.feature_name_ if names is None else names)
            names = None if found == [f"Column_{i}" for i in range(len(found))] else found  # its own, of an array
    if class_of(model).endswith(("ExplainableBoostingClassifier", "ExplainableBoostingRegressor")) and names is not None:
        # It names the columns of an array itself, from 0 or from 1.
        made = [[f"feature_{i + first:04}" for i in range(len(names))] for first in (0, 1)]
        names = None if list(names) in made else names
    if names is None:
        return None
    names = list(names)
    odd = [n for n in names if not isinstance(n, str)]
    require(not odd, f"the column name {odd[:1]} is not text; rename the columns before fit()")
    names = [str(n) for n in names]  # np.str_ is spelt otherwise in messages
    twice = sorted({n for n in names if names.count(n) > 1})
    require(not twice, f"two columns are named {twice[:1]}; rename one before fit()")
    return names


def input_count(model):
    count = None
    with contextlib.suppress(AttributeError):
        count = getattr(model, "n_features_in_", None)
    if count is None and class_of(model) == "Pipeline":
        for _, step in model.steps:
            if step is not None and not isinstance(step, str):
                count = input_count(unwrap(step))
                if count is not None:
                    break
    return count


def plain_label(label):
    return label.item() if isinstance(label, np.generic) else label


def positive_place(pipeline, positive):
    """Which of the model's two classes is positive, and the member "classes" (None: 0 and 1, or booleans)."""
    labels = [plain_label(label) for label in pipeline.classes_]
    usual = labels[0] == 0 and labels[1] == 1 and not any(isinstance(label, str) for label in labels)
    if positive is None:
        of_model = getattr(pipeline, "pos_label", None)
        if of_model is not None:
            positive = of_model
        elif labels == ["0", "1"]:
            positive = "1"
    if positive is None:
        shown = " and ".join(repr(label) for label in labels)
        require(usual, f"the labels are {shown}; say which one is positive: positive={labels[1]!r} or "
                f"positive={labels[0]!r}")
        return 1, None
    at = [i for i, label in enumerate(labels) if label == positive or str(label) == str(positive)]
    require(at, f"positive={positive!r} is not a label of the model; its labels are {labels[0]!r} and {labels[1]!r}")
    place = at[0]
    pair = [labels[1 - place], labels[place]]
    if usual and place == 1:
        return 1, None
    return place, [label if isinstance(label, (str, bool, int)) else label_text(label) for label in pair]


def label_text(label):
    if isinstance(label, float) and label == int(label):
        return int(label)
    return str(label)


class Simple:
    """A ColumnTransformer and a model that a simple kind says."""

    def __init__(self, pipeline, learner, place):
        columns, model = (step for _, step in pipeline.steps)
        self.learner = learner or learner_of(model)
        self.learner.check(columns, model)
        self.numeric, self.text = features_of(columns)
        names = [f["name"] for f in self.numeric + self.text]
        require(len(set(names)) == len(names), "a column is used twice")
        require(names, "the model reads no column")
        infinite = class_of(model).startswith(("Hist", "XGB", "LGBM"))
        hidden = any(hides_infinity(f, infinite) for f in self.numeric)
        require(not hidden, "a step refuses the logarithm of 0")
        self.flipped = place == 0
        if self.learner.kind != "logistic":
            require(not self.flipped, "trees give the probability of the second class")
            firsts = [f["first"] for f in self.numeric + self.text]
            require(firsts == sorted(firsts), "trees need the numeric columns before the text columns")
        width = sum(f.get("width", 1) for f in self.numeric + self.text)
        require(width == getattr(model, "n_features_in_", width), "the encoded columns are not the model's")
        self.kind, self.trainer, self.exporter = self.learner.kind, self.learner.trainer, self.learner.exporter
        self.features = {
            "numeric": [members(f, "name", "steps", "mean", "scale") for f in self.numeric],
            "text": [members(f, "name", "categories", "imputed", "ordinal") for f in self.text],
        }
        single = self.learner.kind == "logistic" and not self.numeric and singles(columns)
        require(not single, "the encoded texts are numbers of single precision, in which the model adds them")
        self.model = self.learner.member(model, self.numeric, self.text)
        if self.kind == "sklearn" and columns.sparse_output_:  # of which trees take no missing value
            for tree in self.model["trees"]:
                for part in tree if isinstance(tree, list) else [tree]:
                    part.pop("missing_left", None)
        if self.flipped:
            self.model = negated(self.model)

    def baseline(self, given):
        return given

    def checks(self, pipeline, count, missing, data, plan):
        names = [f["name"] for f in self.numeric], [f["name"] for f in self.text]
        if data is not None:
            require_rows(data, *names)
            found, sentence = self.more_checks(pipeline, [], plan, count or 32, data) if plan is not None else ([], "")
            require(found, "rows of data= cannot be checks of this pipeline; leave data= out")
        else:
            found, sentence = make_checks(pipeline, self.numeric, self.text, count or 32, self.learner, missing), ""
            if self.kind != "logistic" and count is None and plan is not None:
                found, sentence = self.more_checks(pipeline, found, plan, len(found) + MORE_CHECKS)
        if self.flipped:
            for check in found:
                check["margin"], check["probability"] = -check["margin"], 1.0 - check["probability"]
        return found, sentence

    def more_checks(self, pipeline, found, plan, count, data=None):
        """Further rows, up to `count`, that reach leaves which the first ones leave out."""
        names = [f["name"] for f in self.numeric], [f["name"] for f in self.text]
        first = {n: [np.nan if c["numeric"][j] is None else c["numeric"][j] for c in found] for j, n in enumerate(names[0])}
        first.update({n: [c["text"][j] for c in found] for j, n in enumerate(names[1])})
        plan.program.absent_texts = False
        if any(plan.program.kinds.get(n) != kind for kind, of in zip(("number", "text"), names) for n in of):
            return found, ""
        first = {name: first[name] for name in plan.program.names if name in first}
        rows, frame, sentence = export_checks.choose(plan.program, pipeline, export_checks.probability(pipeline, 1), count, data,
                                                     first)
        start = len(found)
        tail = frame.iloc[start:]
        margins = self.learner.margins(pipeline, tail)
        chances = pipeline.predict_proba(tail)[:, 1]
        more = []
        for i in range(len(tail)):
            numeric = [rows[n][start + i] for n in names[0]]
            more.append({
                "numeric": [None if is_nan(v) else v for v in numeric],
                "text": [rows[n][start + i] for n in names[1]],
                "margin": float(margins[i]),
                "probability": float(chances[i]),
            })
        return found + more, sentence


def singles(columns):
    """Whether a step of a ColumnTransformer encodes as numbers of less than double precision."""
    lasts = [part.steps[-1][1] if class_of(part) == "Pipeline" else part for _, part, _ in columns.transformers_]
    return any(np.dtype(last.dtype).kind == "f" and np.dtype(last.dtype) != np.float64 for last in lasts if hasattr(last, "dtype"))


def negated(model):
    """The logistic model of the other class."""
    if isinstance(model, list):
        return [negated(v) for v in model]
    return {key: negated(v) for key, v in model.items()} if isinstance(model, dict) else -model


def read_simple(pipeline, learner, place, names, categories, numbers=None):
    """The simple kind that says the pipeline, or None."""
    fits = class_of(pipeline) == "Pipeline" and len(pipeline.steps) == 2
    if not fits or names or categories or class_of(pipeline.steps[0][1]) != "ColumnTransformer":
        return None
    with contextlib.suppress(NotExportable, AttributeError, TypeError, ValueError, KeyError, IndexError):
        simple = Simple(pipeline, learner, place)
        return simple if numbers is None or [f["name"] for f in simple.numeric] == list(numbers) else None
    return None


class Plan:
    """Everything else: kind "pipeline"."""

    kind = "pipeline"
    exporter = "export_sklearn.py"

    def __init__(self, pipeline, names, categories, place, numbers=None):
        known = input_names(pipeline)
        same = names is None or known is None or list(names) == known
        require(same, "the pipeline was fitted on a DataFrame, whose names it keeps; leave names out")
        self.program = Program(known or given_names(pipeline, names))
        self.program.is_array = known is None
        self.program.absent_texts = True
        self.program.categories = categories
        self.program.order = None if numbers is None else list(numbers)
        block = Block([Input(name) for name in self.program.names])
        outcome = export_models.predict(self.program, pipeline, block)
        self.program.where = []
        self.trainer = trainer_of(self.program.kind)
        self.outputs = None
        if isinstance(outcome, export_models.Outputs):
            return self.set_outputs(outcome)
        name = type(unwrap(pipeline)).__name__
        if outcome.probability is None:
            require(outcome.margin is not None, f"the {name} has no predict_proba; wrap it in a CalibratedClassifierCV")
            return self.set_outputs(export_models.Outputs("score", [outcome.margin]))
        self.place, self.threshold = place, outcome.threshold
        if self.threshold is None and outcome.first is not None and place == 1:  # of equal probabilities predict() takes the first
            self.threshold = float(np.nextafter(0.5, 1))
        self.of_threshold = place if outcome.positive is None else outcome.positive
        probability, margin = outcome.probability, outcome.margin
        if place == 0:
            probability = export_models.first_probability(self.program, outcome)
            if margin is not None:
                (margin,) = self.program.emit("function", [margin.key], 1, name="negative")
        self.has_margin = margin is not None and hasattr(unwrap(pipeline), "decision_function")
        results = {"probability": probability.key, **({"margin": margin.key} if self.has_margin else {})}
        self.set_model(**results)

    def set_model(self, **results):
        self.model, self.numeric, self.text = self.program.document(**results)
        require(self.numeric or self.text, "the model reads no column of the data")
        self.features = {"numeric": [{"name": n} for n in self.numeric], "text": [{"name": n} for n in self.text]}

    def set_outputs(self, outputs):
        """Of a model that does not give the probability of one of two classes."""
        self.outputs, self.threshold = outputs, None
        results = {"outputs": [column.key for column in outputs.columns]}
        if outputs.margins is not None:
            results["margins"] = [column.key for column in outputs.margins]
        self.set_model(**results)
        if outputs.by_margins:
            self.model["class_by"] = "margins" if outputs.by_margins is True else outputs.by_margins

    def known_texts(self, name):
        return sorted(key for key in self.program.facts[name]["keys"] if key is not None)

    def baseline(self, given):
        if "histograms" in given:
            for feature, counted in zip(self.features["text"], given["histograms"]["text"]):
                feature["categories"] = self.known_texts(feature["name"])
                fits = counted["name"] == feature["name"] and len(counted["counts"]) == len(feature["categories"])
                require(fits, "the drift baseline is of another pipeline; make it with drift_baseline(..., pipeline=)")
        return given

    def checks(self, pipeline, count, missing, data, plan):
        if data is not None:
            require_rows(data, self.numeric, self.text)
        count = 64 if count is None else count
        if self.outputs is not None:
            return self.other_checks(pipeline, count, data)
        ask = export_checks.probability(pipeline, self.place)
        rows, frame, sentence = export_checks.choose(self.program, pipeline, ask, count, data)
        chances = export_checks.predicted(ask, frame)[:, 0]
        margins = np.zeros(len(chances))
        if self.has_margin:
            margins = np.ravel(quietly(pipeline.decision_function, frame))
            margins = -margins if self.place == 0 else margins
        found = []
        for i, chance in enumerate(chances):
            check = {"numeric": self.numbers_of(rows, i), "text": [rows[n][i] for n in self.text]}
            if self.has_margin:
                check["margin"] = float(margins[i])
            found.append({**check, "probability": float(chance)})
        return found, sentence

    def numbers_of(self, rows, i):
        """Of one check; 0 where the model does not read a number."""
        values = [rows[n][i] if n in rows else 0.0 for n in self.numeric]
        return [None if is_nan(v) else v for v in values]

    def other_checks(self, pipeline, count, data):
        """Rows with the trainer's numbers, and of several classes its margins and its class."""
        outputs = self.outputs
        ask = export_tasks.ask_of(pipeline, outputs)
        chances = outputs.task == "multiclass" and outputs.probabilities
        rows, frame, sentence = export_checks.choose(self.program, pipeline, ask, count, data, chances=chances)
        numbers = export_checks.predicted(ask, frame)
        margins, classes = None, None
        if outputs.task == "multiclass":
            classes = quietly(export_tasks.classes_at, pipeline, frame)
            if outputs.margins is not None and hasattr(pipeline, "decision_function"):
                margins = export_tasks.columns_of(quietly(pipeline.decision_function, frame))
        found = []
        for i in range(len(numbers)):
            check = {"numeric": self.numbers_of(rows, i), "text": [rows[n][i] for n in self.text]}
            if margins is not None:
                check["margins"] = margins[i].tolist()
            check["outputs"] = numbers[i].tolist()
            if classes is not None:
                check["class"] = classes[i]
            found.append(check)
        return found, sentence


def require_rows(data, numeric, text):
    """Refuses rows that cannot be checks."""
    require(isinstance(data, pd.DataFrame), f"data is a {type(data).__name__}, not a DataFrame")
    require(len(data) > 0, "data has no rows; give some, or leave data= out")
    absent = [n for n in [*numeric, *text] if n not in data]
    require(not absent, f"data has no column {absent[:1]}")
    for name in numeric:
        as_numbers(name, data[name], "the rows of data=")


TRAINERS = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "interpret": "InterpretML", "optbinning": "OptBinning",
            "statsmodels": "statsmodels"}


def trainer_of(kind):
    if kind in TRAINERS:
        return {"name": TRAINERS[kind], "version": importlib.import_module(kind).__version__}
    if kind is not None:  # no library: a table, say
        return {"name": kind, "version": "1"}
    return {"name": "scikit-learn", "version": sklearn.__version__}


def given_names(pipeline, names):
    """Names for the columns of an array."""
    count = input_count(pipeline)
    if count is None and class_of(pipeline) == "DummyClassifier":
        count = len(names) if names is not None else 1
    require(count is not None, f"the {type(pipeline).__name__} is not fitted, or does not say how many columns it takes; "
            "call fit() before export()")
    if names is None:
        return [f"x{i}" for i in range(count)]
    names = list(names)
    require(all(isinstance(n, str) for n in names), "names holds something that is not text")
    require(len(names) == count, f"names has {len(names)} entries, the pipeline takes {count} columns")
    require(len(set(names)) == count, "names has an entry twice")
    return names


def raw_checks(raw, engineered, first, part):
    """Raw rows and the values of the features that are computed from them."""
    require(isinstance(raw, pd.DataFrame), "raw is not a DataFrame of raw rows")
    require(1 <= len(raw) <= 100, f"raw has {len(raw)} rows; give 1 to 100")
    numeric = [feature["name"] for feature in part.features["numeric"]]
    texts = [feature["name"] for feature in part.features["text"]]
    made = raw if first is None else first.transform(raw)
    if engineered is None:
        require(first is not None, "say which features are computed from the raw columns: engineered=[\"ratio\", ...]")
        engineered = [n for n in numeric if n not in raw or not raw[n].equals(made[n])]
    engineered = list(engineered)
    odd = [n for n in engineered if n not in numeric]
    require(not odd, f"{odd[:1]} is not a numeric feature of the model; engineered features are numbers that it reads")
    absent = [n for n in engineered if n not in made]
    require(not absent, f"raw has no column {absent[:1]} with the values of that feature")
    require(engineered, "none of the model's features is engineered; leave raw= out")
    fields = [c for c in raw.columns if c not in engineered]
    require(fields and all(isinstance(c, str) for c in fields), "raw has no raw columns, or a name that is not text")
    return {
        "fields": fields,
        "rows": [[raw_value(field, raw[field].iloc[i], field in texts) for field in fields] for i in range(len(raw))],
        "features": engineered,
        "values": [[feature_value(made[n].iloc[i]) for n in engineered] for i in range(len(raw))],
    }


def raw_value(field, value, is_text):
    if is_missing(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    require(isinstance(value, (bool, int, float, str)), f"raw: {field} holds a {type(value).__name__}; raw fields are numbers, "
            "booleans or texts")
    require(not isinstance(value, float) or np.isfinite(value), f"raw: {field} holds an infinity")
    return value


def feature_value(value):
    value = float(value)
    return None if value != value else value if np.isfinite(value) else ("inf" if value > 0 else "-inf")


def training_data(path, rows):
    """The file that a model was trained on, by name and hash."""
    path = pathlib.Path(path)
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": int(rows)}


def drift_baseline(frame, labels, numeric=None, pipeline=None, positive=None, names=None, categories=None, class_names=None,
                   target_names=None, numbers=None):
    """Mean and population standard deviation of the numeric features (a list of names, model order; by default those of the
    pipeline), positive rate; with the fitted pipeline also the histograms of every feature and of the predicted
    probability. Of several classes the rate of each label, of other tasks the mean and the deviation of what is predicted
    instead: there `labels` may be None. `positive` and what follows as in export()."""
    with refusals(pipeline):
        return make_baseline(frame, labels, numeric, pipeline, positive, names, categories, class_names, target_names, numbers)


def make_baseline(frame, labels, numeric, pipeline, positive, names, categories, class_names, target_names, numbers):
    require(isinstance(frame, pd.DataFrame), f"the training rows are a {type(frame).__name__}, not a DataFrame")
    require(len(frame) > 0, "there are no training rows")
    needs_labels = pipeline is None or hasattr(pipeline, "predict_proba") or labels is not None
    require(not needs_labels or (labels is not None and len(labels) == len(frame)),
            f"there are {0 if labels is None else len(labels)} labels for {len(frame)} training rows")
    twice = frame.columns[frame.columns.duplicated()].tolist()
    require(not twice, f"two columns of the training rows are named {twice[:1]}; rename one")
    part, place = None, 1
    if pipeline is not None:
        pipeline, first = without_engineering(pipeline)
        binary = two_classes(pipeline, positive)
        place, _ = positive_place(pipeline, positive) if binary else (1, None)
        part = read_simple(pipeline, None, place, names, categories, numbers) if binary else None
        part = part or Plan(pipeline, names, categories, place, numbers)
        if first is not None and not set(input_names(pipeline)) <= set(frame.columns):
            frame = first.transform(frame)
        wanted = [feature["name"] for feature in part.features["numeric"]]
        numeric = wanted if numeric is None else list(numeric)
        require(sorted(numeric) == sorted(wanted), f"numeric is {numeric}, the pipeline reads {wanted}; leave it out")
        needed = [f["name"] for kind in ("numeric", "text") for f in part.features[kind]]
        absent = [n for n in needed if n not in frame]
        require(not absent, f"the training rows have no column {absent[:1]}, which the pipeline reads; give the rows that "
                "it was fitted on")
    require(numeric is not None, "give the names of the numeric features, or the pipeline")
    numeric = list(numeric)
    absent = [n for n in numeric if n not in frame]
    require(not absent, f"the training rows have no column {absent[:1]}")
    for column in numeric:
        as_numbers(column, frame[column])
    others = [n for n in numeric if not isinstance(frame[n].dtype, np.dtype) or frame[n].dtype == object]
    frame = frame.assign(**{n: as_numbers(n, frame[n]) for n in others})
    # The order of a sum decides its last digits. Means are summed column by column and squares row after row, which is
    # what pandas does where its companion bottleneck is installed, and here wherever it runs.
    mean, std = (np.nanmean, np.nanstd) if frame[numeric].isna().any(axis=None) else (np.mean, np.std)
    for n in numeric:
        require(not frame[n].isna().all(), f"{n}: every training value is missing, so there is no mean of them; leave the column out of "
                "the model, or the baseline out")
        whole = bool(np.isfinite(np.asarray(frame[n].dropna(), dtype=float)).all())
        require(whole, f"{n}: a training value is infinite, so there is no mean of them; leave the baseline out")
    means = [mean(np.ascontiguousarray(frame[name], dtype=float)) for name in numeric]
    stds = std(np.ascontiguousarray(frame[numeric], dtype=float), axis=0) if numeric else []
    baseline = {
        "numeric": [{"name": n, "mean": float(m), "std": float(s)} for n, m, s in zip(numeric, means, stds)],
    }
    outputs = getattr(part, "outputs", None)
    if outputs is None:
        baseline["training_positive_rate"] = float(np.mean(positives(labels, pipeline, place, positive)))
    else:
        baseline.update(baseline_of_outputs(frame, labels, pipeline, part, class_names, target_names))
    baseline["training_sample_size"] = len(frame)
    if pipeline is not None:
        progress("counting the training rows")
        baseline["histograms"] = histograms(frame, numeric, pipeline, part, place)
        progress()
    return baseline


def rows_for(frame, pipeline, part):
    """The rows as the pipeline takes them."""
    inputs = input_names(pipeline)
    return frame[inputs] if inputs is not None else frame[part.program.names].to_numpy()


def baseline_of_outputs(frame, labels, pipeline, part, class_names, target_names):
    """The rates of several classes, or what is predicted for the training rows."""
    if part.outputs.task == "multiclass":
        require(labels is not None, "give the labels of the training rows")
        classes = [plain_label(v) for v in pipeline.classes_]
        found = [plain_label(v) for v in np.asarray(labels, dtype=object)]
        require(not any(is_missing(v) for v in found), "a training label is missing")
        if class_names is not None and not set(found) <= set(classes):
            classes = list(class_names)
        odd = [v for v in found if v not in classes]
        require(not odd, f"the training label {odd[:1]} is not a class of the model; its classes are {classes[:4]}")
        return {"class_rates": [found.count(v) / len(found) for v in classes]}
    numbers = quietly(export_tasks.ask_of(pipeline, part.outputs), rows_for(frame, pipeline, part))
    require(bool(np.isfinite(numbers).all()), "a prediction for a training row is not finite, so there is no mean of them")
    if target_names is None:
        target_names = ["prediction"] if numbers.shape[1] == 1 else [f"prediction_{k}" for k in range(numbers.shape[1])]
    return {"outputs": [{"name": str(n), "mean": float(np.mean(column)), "std": float(np.std(column))}
                        for n, column in zip(target_names, np.ascontiguousarray(numbers.T))]}


def as_numbers(name, values, where="the training rows"):
    """A numeric column as float64."""
    kind = getattr(values.dtype, "kind", "O")
    require(kind not in "mM", f"the column {name} holds dates; turn them into numbers before fit()")
    try:
        return pd.Series(values.to_numpy(dtype=float, na_value=np.nan), index=values.index)
    except (ValueError, TypeError):
        odd = next((v for v in values if isinstance(v, str)), None)
        require(False, f"the column {name} is a number of the model, and {where} have {odd!r} there")


def positives(labels, pipeline, place, positive):
    """1 where a label is the positive one."""
    labels = np.asarray(labels, dtype=object)
    require(not any(is_missing(v) for v in labels), "a training label is missing")
    found = sorted({plain_label(v) for v in labels}, key=str)
    if all(not isinstance(v, str) and v in (0, 1) for v in found) and positive in (None, 1, True):
        if pipeline is None or place == 1:
            return labels.astype(float)
    if pipeline is not None:
        with contextlib.suppress(AttributeError):
            classes = [plain_label(v) for v in pipeline.classes_]
            # Labels of 0 and 1 beside a model of named classes: 1 is the positive one.
            if all(not isinstance(v, str) and v in (0, 1) for v in found) and not set(found) <= set(classes):
                return labels.astype(float)
            positive = classes[place]
    shown = ", ".join(repr(v) for v in found[:4])
    require(positive is not None, f"the labels are {shown}; say which one is positive: positive={found[-1]!r}")
    require(positive in found or len(found) == 1, f"positive={positive!r} is not a label; the labels are {shown}")
    return np.array([v == positive for v in labels], dtype=float)


def histograms(frame, numeric, pipeline, part, place):
    """The training rows by bin of each numeric feature, by category of each text feature, and by what is predicted."""
    texts = []
    for feature in part.features["text"]:
        name = feature["name"]
        levels = feature["categories"] if part.kind != "pipeline" else part.known_texts(name)
        values = pd.Series([None if is_missing(v) else v for v in frame[name]], dtype=object)
        found = values.value_counts(dropna=False)
        by_text = {None if is_missing(level) else level: int(n) for level, n in found.items()}
        counts = [by_text.get(level, 0) for level in levels]
        missing = 0 if None in levels else by_text.get(None, 0)
        text = {"name": name, "counts": counts, "unseen": len(frame) - sum(counts) - missing}
        texts.append({**text, "missing": missing} if missing else text)
    rows = rows_for(frame, pipeline, part)
    counted = {"numeric": [{"name": name, **bins(name, frame[name])} for name in numeric], "text": texts}
    outputs = getattr(part, "outputs", None)
    if outputs is None:
        probability = quietly(pipeline.predict_proba, rows)[:, place]
        return {**counted, "probability": bins("probability", probability, low=0.0, high=1.0)}
    numbers = quietly(export_tasks.ask_of(pipeline, outputs), rows)
    if outputs.task != "multiclass":
        return {**counted, "outputs": [bins("the prediction", column) for column in numbers.T]}
    largest = numbers.max(axis=1)
    bounds = {"low": 0.0, "high": 1.0} if outputs.probabilities else {}
    classes = np.bincount(quietly(export_tasks.classes_at, pipeline, rows), minlength=numbers.shape[1])
    return {**counted, "outputs": [bins("the prediction", largest, **bounds)], "classes": classes.tolist()}


def bins(name, values, low=None, high=None):
    """At most BINS bins of about as many rows each: an edge lies half-way between two neighbouring values, so that one
    frequent value has a bin of its own. Everything is in single precision, as the live values are compared."""
    with np.errstate(over="ignore"):
        single = np.asarray(values, dtype=float).astype(np.float32)
    present = np.sort(single[~np.isnan(single)])
    require(len(present) > 0, f"{name}: every training value is missing, so there is no histogram of them; leave the column out of the model")
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


def text_of(document):
    """The text of the file; refused when a number is not finite or a text not Unicode."""
    try:
        text = to_text(document) + "\n"
        text.encode()
        return text
    except UnicodeEncodeError as reason:  # half a surrogate pair
        raise NotExportable(f"a name or category has {reason.object[reason.start]!r}, which is not valid Unicode; replace it before "
                            "fit()") from reason
    except ValueError as reason:
        raise NotExportable(f"the model file would hold a number that is not finite ({reason}); look for NaN and infinities "
                            "in the fitted pipeline and in what export() was given") from reason


def write(document, path):
    """Writes the file; nothing is written of a document that is refused."""
    pathlib.Path(path).write_text(text_of(document), encoding="utf-8")


def main():
    import joblib

    parser = argparse.ArgumentParser(description="Write a fitted scikit-learn pipeline as a tabscore model file.")
    parser.add_argument("pipeline", help="a fitted Pipeline saved with joblib; loading it runs its code")
    parser.add_argument("--output", required=True, help="the model file to write")
    parser.add_argument("--name", required=True, help="name of the model")
    parser.add_argument("--training-data", required=True, help="the CSV file it was trained on (for its hash and rows)")
    parser.add_argument("--threshold", type=float, help="positive means probability >= threshold; default: the model's, or 0.5")
    parser.add_argument("--positive", help="the label that is positive, where labels are not 0 and 1")
    parser.add_argument("--label", help="label column of the training data: write a drift baseline from it")
    parser.add_argument("--checks", type=int, help="rows that every reader replays")
    parser.add_argument("--missing", action="store_true", help="the model takes missing numbers: check that, too")
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()

    try:
        pipeline = joblib.load(arguments.pipeline)
        data = pd.read_csv(arguments.training_data)
    except Exception as reason:  # noqa: BLE001 (whatever unpickling meets)
        parser.exit(1, f"{arguments.pipeline}: cannot be loaded: {type(reason).__name__}: {reason}\n")
    try:
        baseline = None
        if arguments.label:
            found = arguments.label in data
            require(found, f"the training data have no column ['{arguments.label}'], so no drift baseline can be made")
            baseline = drift_baseline(data, data[arguments.label], pipeline=pipeline, positive=arguments.positive)
        document = export(
            pipeline,
            name=arguments.name,
            threshold=arguments.threshold,
            training_data=training_data(arguments.training_data, len(data)),
            baseline=baseline,
            date=arguments.date,
            missing=arguments.missing,
            positive=arguments.positive,
            checks=arguments.checks,
        )
        write(document, arguments.output)
    except (NotExportable, OSError) as reason:
        parser.exit(1, f"{arguments.pipeline}: {reason}\n")


if __name__ == "__main__":
    main()
