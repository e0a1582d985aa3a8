#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Additive models as tabscore model files (docs/reference/pipeline-steps.md, step "additive"): explainable boosting machines of
InterpretML, scorecards and weights of evidence of OptBinning, and published tables.

    import export_additive, export_sklearn
    document = export_additive.export(ebm, name="churn", threshold=0.5, training_data=...)       # or a pipeline that ends in one
    document = export_additive.export(scorecard, gives="points", name="credit", training_data=...)  # or gives="probability"
    document = export_additive.export(export_additive.read_table("table.csv"), name="triage", training_data=...)
    export_sklearn.write(document, "model.json")

or, for a table:

    python3 models/export_additive.py table.json --name triage --output model.json

docs/reference/trainers.md says which versions were compared. Whatever cannot be exported is a NotExportable, which says what to do.
"""

import argparse
import csv
import inspect
import json
import math
import pathlib
import re
import sys

import numpy as np
import pandas as pd

import export_models
from export_models import Outcome, Outputs, classifier, other_task
from export_program import (Block, Input, NotExportable, Text, as_text, is_missing, key_kind, note_edges, plain, quietly, require,
                            said_keys, transformer)


def export(model, *, gives=None, **options):
    """The model file as a dict; `options` are those of export_sklearn.export. `gives` is for scorecards: "points" (a score) or
    "probability" (of the estimator inside)."""
    import export_sklearn

    model = asked_for(model, gives)
    if isinstance(model, (Table, TableProbability)):
        options.setdefault("training_data", model.training_data)
    return export_sklearn.export(model, **options)


def drift_baseline(model, frame, labels=None, *, gives=None, **options):
    """As export_sklearn.drift_baseline, of a model that export() takes."""
    import export_sklearn

    return export_sklearn.drift_baseline(frame, labels, pipeline=asked_for(model, gives), **options)


def asked_for(model, gives):
    if type(model).__name__ != "Scorecard":
        require(gives is None, "gives= is for scorecards; leave it out")
        return model
    require(gives in (None, "points", "probability"), f"gives={gives!r} is neither \"points\" nor \"probability\"")
    require(getattr(model, "_is_fitted", False), "the Scorecard is not fitted; call fit() before export()")
    return ScorecardProbability(model) if gives == "probability" else ScorecardPoints(model)


class Axis:
    """The bins of one column: `cuts` (bin k has k cuts at most the value, the last bin missing values) or `keys` (the last bin
    other values)."""

    def __init__(self, key, cuts=None, keys=None):
        self.key = key
        self.member = {"cuts": plain(cuts)} if keys is None else {"keys": said_keys(keys)}
        self.bins = (len(cuts) + 2) if keys is None else len(keys) + 1


def emit_additive(program, axes, terms, intercept):
    """`terms`: the places of their axes, an array of outputs x bins of each axis and perhaps the reasons of one axis' bins."""
    said_terms = []
    for places, values, *reasons in terms:
        values = np.asarray(values, dtype=float)
        shape = (len(intercept), *(axes[p].bins for p in places))
        if values.shape != shape:
            program.refuse(f"a term has {values.shape} values where its bins are {shape}; the model is damaged")
        said_terms.append({"bins": list(places), "values": [plain(v) for v in values.reshape(len(intercept), -1)]})
        if reasons and any(reasons[0]):
            said_terms[-1]["reasons"] = reasons[0]
    return program.emit("additive", [axis.key for axis in axes], len(intercept), bins=[axis.member for axis in axes],
                        intercept=plain(np.asarray(intercept, dtype=float)), terms=said_terms)


def text_axis(program, column, keys):
    """Texts as bins; the keys are what an earlier step makes of them."""
    text = as_text(program, column)
    if text.becomes:
        program.refuse(f"the texts of {text.name} are changed before they are binned; let the model see them as they are")
    facts = program.facts[text.name]
    facts["keys"].update(key for key in keys if key is not None)
    facts["missing"] = True
    return Axis(("t", text.name), keys=keys)


# Explainable boosting machines.


def interpret_source(name):
    """The source of a function of the interpret package; "" where this version has none of that name."""
    for place, module in list(sys.modules.items()):
        if place.startswith("interpret.") and hasattr(module, name):
            return inspect.getsource(getattr(module, name))
    return ""


def order_of_terms(model):
    """The order in which this version adds the terms: theirs, or before 0.7 that in which their columns are ready."""
    terms = [tuple(int(f) for f in term) for term in model.term_features_]
    if "waiting" not in interpret_source("eval_terms"):
        return list(range(len(terms)))
    asked = {}
    ready = []
    for at, term in enumerate(terms):
        for feature in term:
            levels = model.bins_[feature]
            level = min(len(levels), len(term)) - 1
            key = (feature, id(levels[level])) if isinstance(levels[level], dict) else feature
            asked.setdefault(key, len(asked))
        ready.append((max((asked[key_of(model, f, term)] for f in term), default=-1), at))
    return [at for _, at in sorted(ready)]


def key_of(model, feature, term):
    levels = model.bins_[feature]
    level = levels[min(len(levels), len(term)) - 1]
    return (feature, id(level)) if isinstance(level, dict) else feature


def machine_scores(program, model, block):
    """The columns of the sum of terms, one per class (of two classes one)."""
    program.kind = "interpret"
    if not hasattr(model, "term_scores_"):
        program.refuse("the model is of an interpret before 0.3; fit it again with a newer one")
    if any(int(f) >= len(model.bins_) for term in model.term_features_ for f in term):
        program.refuse("remove_features() has left terms of columns that are gone, so that interpret itself cannot predict; fit the "
                       "model again without these columns")
    intercept = np.atleast_1d(np.asarray(model.intercept_, dtype=float))
    axes, places, terms = [], {}, []
    for at in order_of_terms(model):
        features = [int(f) for f in model.term_features_[at]]
        scores = np.asarray(model.term_scores_[at], dtype=float)
        if scores.ndim == len(features):
            scores = scores[..., None]
        scores = np.moveaxis(scores, -1, 0)
        term = []
        for dimension, feature in enumerate(features):
            levels = model.bins_[feature]
            level = min(len(levels), len(features)) - 1
            if (feature, level) not in places:
                places[feature, level] = len(axes)
                axes.append(machine_axis(program, model, block.columns[feature], feature, levels[level]))
            term.append(places[feature, level])
            scores = np.take(scores, bins_of(levels[level], scores.shape[dimension + 1]), axis=dimension + 1)
        terms.append((term, scores))
    return emit_additive(program, axes, terms, intercept)


def bins_of(level, size):
    """The place in the trainer's table, which has the missing values first and the unknown ones last, of each bin here."""
    if isinstance(level, dict):
        return [*(int(place) for place in level.values()), 0, size - 1]
    return [*range(1, len(level) + 2), 0]


def machine_axis(program, model, column, feature, level):
    kind = model.feature_types_in_[feature]
    if not isinstance(level, dict):
        note_edges(program, column, level)
        if isinstance(column, Input):
            program.facts[column.name]["missing"] = True
        return Axis(program.number(column), cuts=np.asarray(level, dtype=float))
    if not isinstance(column, (Input, Text)):
        program.refuse(f"the feature {model.feature_names_in_[feature]} has categories ({kind}) and is a number that an earlier step "
                       "gives; encode it inside the model, or make it continuous with feature_types=")
    given = (program.categories or {}).get(column.name)
    if isinstance(column, Text) or given is None or isinstance(next(iter(given), ""), str):
        return text_axis(program, column, [*level, None])
    odd = [v for v in given if isinstance(v, str) or v != v]
    require(not odd, f"categories[{column.name!r}] mixes numbers and texts")
    booleans = [isinstance(v, (bool, np.bool_)) for v in given]
    require(all(booleans) or not any(booleans), f"categories[{column.name!r}] mixes booleans and numbers")
    whole = [] if any(booleans) else [int(v) for v in given if float(v) == int(v)]
    named = {str(v): float(v) for v in [*(given if any(booleans) else map(float, given)), *whole]}
    lost = [name for name in level if name not in named]
    if lost:
        program.refuse(f"categories[{column.name!r}] lacks {lost[0]!r}, which the model knows")
    numbers = [named[name] for name in level]
    facts = program.facts[column.name]
    facts["edges"].update(numbers)
    facts.update(category=numbers, missing=True, levels=list(given))  # older versions call the number 1.0 another category than 1
    return Axis(program.number(column), keys=[*numbers, None])


def keys_of(columns):
    return [column.key for column in columns]


def odds_to_probability(program, margins):
    """exp(x) / (exp(x) + 1), which is 1 where exp(x) is infinite."""
    count = len(margins)
    finite = program.each("clip", Block(margins), low=-np.inf, high=709.0).columns
    odds = program.emit("function", keys_of(finite), count, name="exp")
    below = program.emit("rescale", keys_of(odds), count, scale=1.0, offset=1.0)
    return program.emit("divide", keys_of(odds), count, by=keys_of(below))


@classifier("ExplainableBoostingClassifier", "DPExplainableBoostingClassifier")
def machine_of_two(program, model, block):
    margins = machine_scores(program, model, block)
    if "posinf" in interpret_source("inv_link"):
        (probability,) = odds_to_probability(program, margins)
        return Outcome(probability, margins[0])
    (zero,) = program.emit("constant", None, 1, values=[0.0])
    first, second = program.emit("softmax", [zero.key, margins[0].key], 2)
    return Outcome(second, margins[0], first)


@other_task("ExplainableBoostingClassifier", "DPExplainableBoostingClassifier")
def machine_of_classes(program, model, block):
    margins = machine_scores(program, model, block)
    if getattr(model, "link_", "mlogit") == "vlogit":
        return Outputs("multiclass", odds_to_probability(program, margins), margins, True)
    return Outputs("multiclass", program.emit("softmax", keys_of(margins), len(margins)), margins, True)


@other_task("ExplainableBoostingRegressor", "DPExplainableBoostingRegressor")
def machine_of_numbers(program, model, block):
    scores = machine_scores(program, model, block)
    link = getattr(model, "link_", "identity")
    if link == "identity":
        return Outputs("regression", scores)
    if link != "log":
        program.refuse(f"the link {link} cannot be exported; use an objective whose link is identity or log")
    return Outputs("regression", program.emit("function", keys_of(scores), 1, name="exp"), scores)


# OptBinning.


def is_number(value):
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating))


def special_values(binned):
    """Values that have bins of their own."""
    codes = binned.special_codes
    if codes is None:
        return []
    groups = list(codes.values()) if isinstance(codes, dict) else list(codes)
    return [v for group in groups for v in (group if isinstance(group, (list, tuple, np.ndarray)) else [group])]


def cuts_of(program, binned):
    """The splits, and a bin of its own for each special value."""
    special = special_values(binned)
    if not all(is_number(v) for v in special):
        program.refuse(f"{binned.name}: special_codes holds a text, and the variable is a number; leave the text out")
    cuts = {float(v) for v in binned.splits}
    for value in special:
        cuts.update((float(value), float(np.nextafter(float(value), np.inf))))
    return sorted(cuts)


def binned_columns(program, process, block, ask):
    """The bins of each selected variable and its numbers, which the fitted process itself is asked for: `ask` takes a
    DataFrame and gives a column for each selected variable."""
    program.kind = "optbinning"
    names = list(process.variable_names)
    chosen = [int(i) for i in process.get_support(indices=True)]
    if not chosen:
        program.refuse("the BinningProcess selected no variable; loosen its selection_criteria")
    axes, probes = [], {}
    for at in chosen:
        binned, column = process.get_binned_variable(names[at]), block.columns[at]
        if type(binned).__name__ in ("OptimalPWBinning", "ContinuousOptimalPWBinning"):
            program.refuse(f"{names[at]}: piecewise binning has no bins; use OptimalBinning")
        if binned.dtype == "numerical":
            cuts = cuts_of(program, binned)
            note_edges(program, column, cuts)
            if isinstance(column, Input):
                program.facts[column.name]["missing"] = True
            axes.append(Axis(program.number(column), cuts=cuts))
            probes[at] = [float(np.nextafter(cuts[0], -np.inf)) if cuts else 0.0, *cuts, np.nan]
            continue
        groups = [*binned.splits, getattr(binned, "_cat_others", None)]
        texts = all(isinstance(v, str) or is_missing(v) for group in groups if group is not None for v in group)
        groups.append([v for v in special_values(binned) if isinstance(v, str) == texts])  # others cannot be in the column
        keys = list(dict.fromkeys(v for group in groups if group is not None for v in group if not is_missing(v)))
        if key_kind(program, keys) == "text":
            axes.append(text_axis(program, column, [*keys, None]))
            unknown = "not seen in training"
            while unknown in keys:
                unknown += "!"
        else:
            keys = [float(key) for key in keys]
            axes.append(Axis(program.number(column), keys=[*keys, None]))
            if isinstance(column, Input):
                program.facts[column.name]["edges"].update(keys)
                program.facts[column.name]["missing"] = True
            unknown = next(v for v in np.arange(0.5, 1e9) if v not in keys)
        probes[at] = [*keys, np.nan, unknown]
    rows = max(len(values) for values in probes.values())
    frame = {}
    for at, name in enumerate(names):
        values = probes.get(at, [0.0])
        values = [*values, *([values[-1]] * (rows - len(values)))]
        frame[name] = pd.Series(values, dtype=object if any(isinstance(v, str) for v in values) else float)
    made = np.asarray(quietly(ask, pd.DataFrame(frame)), dtype=float)
    return axes, [made[: len(probes[at]), k] for k, at in enumerate(chosen)]


def evidence(program, process, block, ask):
    """One column a variable: what each bin counts."""
    axes, values = binned_columns(program, process, block, ask)
    out = []
    for axis, numbers in zip(axes, values):
        out += emit_additive(program, [axis], [([0], numbers[None])], [0.0])
    return Block(out)


@transformer("BinningProcess")
def binning_process(program, step, block):
    return evidence(program, step, block, lambda frame: step.transform(frame))


class ScorecardProbability:
    """The probability of a scorecard's estimator."""

    def __init__(self, card):
        self.card = card
        self.feature_names_in_ = list(card.binning_process_.variable_names)
        self.classes_ = card.estimator_.classes_

    def fit(self):
        raise NotImplementedError

    def predict_proba(self, frame):
        return self.card.predict_proba(frame)

    def decision_function(self, frame):
        return self.card.decision_function(frame)

    def predict(self, frame):
        return self.card.predict(frame)


class ScorecardPoints:
    """The points of a scorecard."""

    def __init__(self, card):
        self.card = card
        self.feature_names_in_ = list(card.binning_process_.variable_names)

    def fit(self):
        raise NotImplementedError

    def predict(self, frame):
        return self.card.score(frame)


@classifier("ScorecardProbability")
def scorecard_probability(program, model, block):
    card = model.card
    special, missing = getattr(card, "_metric_special", 0), getattr(card, "_metric_missing", 0)
    inner = evidence(program, card.binning_process_, block, lambda frame: card._transform(frame, None, special, missing))
    return export_models.predict(program, card.estimator_, inner)


@other_task("ScorecardPoints")
def scorecard_points(program, model, block):
    card = model.card
    process = card.binning_process_
    axes, indices = binned_columns(program, process, block, lambda frame: card._transform(frame, "indices", "empirical", "empirical"))
    table = card._df_scorecard
    terms = []
    for at, (name, places) in enumerate(zip(process.get_support(names=True), indices)):
        points = table[table.Variable == name].Points.to_numpy(dtype=float)
        terms.append(([at], points[places.astype(int)][None]))
    intercept = float(np.ravel(card.intercept_)[0]) if getattr(card, "intercept_based", False) else 0.0
    terms.append(([], np.array([intercept])))  # added last
    return Outputs("score", emit_additive(program, axes, terms, [0.0]))


# Published tables.


class TableTerm:
    """`axes`: name, and cuts or keys of each feature; `values` is an array over their bins, `reasons` a list of them."""

    def __init__(self, axes, values, reasons):
        self.axes = axes
        self.values = values
        self.reasons = reasons


class Table:
    """A table of points as a person wrote it: read_table() makes it."""

    def __init__(self, source, link, intercept, terms, texts, training_data):
        self.source, self.link, self.intercept, self.terms, self.texts = source, link, intercept, terms, texts
        self.training_data = training_data
        self.feature_names_in_ = list(dict.fromkeys(name for term in terms for name, _, _ in term.axes))

    def fit(self):
        raise NotImplementedError

    def margins(self, frame):
        total = np.full(len(frame), float(self.intercept))
        for term in self.terms:
            place = tuple(place_of(frame[name], cuts, keys) for name, cuts, keys in term.axes)
            total += term.values[place]
        require(not np.isnan(total).any(), "a value has no points")
        return total

    def predict(self, frame):
        total = self.margins(frame)
        return np.exp(total) if self.link == "log" else total


class TableProbability(Table):
    classes_ = np.array([0, 1])

    def decision_function(self, frame):
        return self.margins(frame)

    def predict_proba(self, frame):
        second = 1.0 / (1.0 + np.exp(-self.margins(frame)))
        return np.c_[1.0 - second, second]


def place_of(values, cuts, keys):
    if keys is None:
        numbers = np.asarray(values, dtype=float)
        return np.where(np.isnan(numbers), len(cuts) + 1, np.searchsorted(cuts, numbers, side="right"))
    known = {key: i for i, key in enumerate(keys)}
    return np.array([known.get(None if is_missing(v) else v, len(keys)) for v in values], dtype=int)


def table_columns(program, table, block):
    program.kind = "table"
    places = {name: i for i, name in enumerate(table.feature_names_in_)}
    axes, terms = [], []
    for term in table.terms:
        first = len(axes)
        for name, cuts, keys in term.axes:
            column = block.columns[places[name]]
            if keys is None:
                note_edges(program, column, cuts)
                axes.append(Axis(program.number(column), cuts=cuts))
            elif name in table.texts:
                axes.append(text_axis(program, column, keys))
            else:
                program.facts[name]["edges"].update(key for key in keys if key is not None)
                axes.append(Axis(program.number(column), keys=keys))
            program.facts[name]["missing"] = True
        terms.append((list(range(first, len(axes))), term.values[None], term.reasons))
    return emit_additive(program, axes, terms, [table.intercept])


@classifier("TableProbability")
def table_probability(program, model, block):
    (margin,) = table_columns(program, model, block)
    return Outcome(program.emit("sigmoid", [margin.key], 1)[0], margin)


@other_task("Table")
def table_numbers(program, model, block):
    columns = table_columns(program, model, block)
    if model.link == "log":
        return Outputs("regression", program.emit("function", keys_of(columns), 1, name="exp"), columns)
    return Outputs("score", columns)


def read_table(path):
    """A table from JSON or, by its name, CSV. docs/reference/exportable-models.md shows both."""
    import export_sklearn

    path = pathlib.Path(path)
    known = (lambda sentence: NotExportable(f"{path.name}: {sentence}"))
    try:
        text = path.read_text(encoding="utf-8")
        document = table_of_csv(text, known) if path.suffix.lower() == ".csv" else json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as reason:
        raise known(f"cannot be read ({reason})") from reason
    return make_table(document, path.name, known, export_sklearn.training_data(path, 0))


def make_table(document, source, wrong, training_data):
    """Checks what a person wrote, and makes the Table."""
    def check(condition, sentence):
        if not condition:
            raise wrong(sentence)

    def number(value, place, null=False):
        if value is None and null:
            return math.nan
        check(isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
              f"{place}: expected a number, found {value!r}")
        return float(value)

    texts_of_codes = {}

    def reason(value, place):
        if value is None:
            return None
        check(isinstance(value, dict) and set(value) == {"code", "text"} and all(isinstance(v, str) and v for v in value.values()),
              f"{place}: expected a code and a text, or null, found {value!r}")
        check(texts_of_codes.setdefault(value["code"], value["text"]) == value["text"],
              f"{place}: the code {value['code']} has two texts")
        return {"code": value["code"], "text": value["text"]}

    check(isinstance(document, dict), "expected an object with the member terms")
    odd = [key for key in document if key not in ("link", "intercept", "terms")]
    check(not odd, f"unknown member {odd[:1]}; known are link, intercept and terms")
    link = document.get("link", "identity")
    check(link in ("identity", "logit", "log"), f"link: expected \"identity\", \"logit\" or \"log\", found {link!r}")
    check(isinstance(document.get("terms"), list) and document["terms"], "terms: expected a list of at least one term")
    terms, kinds = [], {}
    for at, term in enumerate(document["terms"]):
        place = f"terms[{at}]"
        check(isinstance(term, dict), f"{place}: expected an object")
        parts = term.get("features", [term])
        check(isinstance(parts, list) and parts and all(isinstance(p, dict) for p in parts), f"{place}.features: expected a list of objects")
        axes = []
        for part in parts:
            own = ("values", "missing", "other", "reasons", "missing_reason", "other_reason") if part is term else ()
            allowed = ("feature", "cuts", "categories", *own)
            odd = [key for key in part if key not in allowed]
            check(not odd, f"{place}: unknown member {odd[:1]}; known are {', '.join(allowed)}")
            name = part.get("feature")
            check(isinstance(name, str) and name, f"{place}.feature: expected a name, found {name!r}")
            check(("cuts" in part) != ("categories" in part), f"{place}: expected either cuts or categories of {name}")
            if "cuts" in part:
                check(isinstance(part["cuts"], list), f"{place}.cuts: expected a list of numbers")
                cuts = [number(v, f"{place}.cuts") for v in part["cuts"]]
                check(all(a < b for a, b in zip(cuts, cuts[1:])), f"{place}.cuts: expected numbers that ascend")
                axes.append((name, np.array(cuts), None))
                kind = "number"
            else:
                check(isinstance(part["categories"], list) and part["categories"], f"{place}.categories: expected a list")
                keys = part["categories"]
                texts = [isinstance(k, str) for k in keys]
                check(all(texts) or all(is_number(k) for k in keys), f"{place}.categories: expected texts, or numbers")
                check(len(set(keys)) == len(keys), f"{place}.categories: a category is duplicated")
                kind = "text" if texts[0] else "number"
                axes.append((name, None, [k if texts[0] else float(k) for k in keys] + [None]))
            check(kinds.setdefault(name, kind) == kind, f"{place}: {name} is a text and a number; give it two names")
        names = [name for name, _, _ in axes]
        check(len(set(names)) == len(names), f"{place}: a feature is duplicated")
        if "features" in term:
            odd = [key for key in term if key not in ("features", "values", "other")]
            check(not odd, f"{place}: unknown member {odd[:1]}; known are features, values and other")
        sizes = [len(cuts) + 1 if keys is None else len(keys) - 1 for _, cuts, keys in axes]
        values = np.array(numbers_of(term.get("values"), sizes, lambda v: number(v, f"{place}.values"), check, f"{place}.values"), dtype=float)
        elsewhere = number(term.get("other"), f"{place}.other", null=True) if "features" in term else math.nan
        full = np.full([s + (1 if keys is None else 2) for s, (_, _, keys) in zip(sizes, axes)], elsewhere)
        full[tuple(slice(0, s) for s in sizes)] = values
        reasons = []
        if "features" not in term:
            listed = term.get("reasons", [None] * sizes[0])
            check(isinstance(listed, list) and len(listed) == sizes[0], f"{place}.reasons: expected a list of {sizes[0]}, one per bin")
            reasons = [reason(v, f"{place}.reasons") for v in listed]
            reasons.append(reason(term.get("missing_reason"), f"{place}.missing_reason"))
            if axes[0][2] is not None:
                reasons.append(reason(term.get("other_reason"), f"{place}.other_reason"))
        if "features" not in term:
            keys = axes[0][2]
            full[sizes[0]] = number(term.get("missing"), f"{place}.missing", null=True)
            if keys is None:
                check("other" not in term and term.get("other_reason") is None, f"{place}.other: numbers have no other values; leave it out")
            else:
                full[sizes[0] + 1] = number(term.get("other"), f"{place}.other", null=True)
        terms.append(TableTerm(axes, full, reasons))
    intercept = number(document.get("intercept", 0), "intercept")
    kind = TableProbability if link == "logit" else Table
    return kind(source, link, intercept, terms, {n for n, k in kinds.items() if k == "text"}, training_data)


def numbers_of(value, sizes, number, check, place):
    """A list of lists of the given sizes."""
    if not sizes:
        return number(value)
    found = len(value) if isinstance(value, list) else repr(value)
    check(isinstance(value, list) and len(value) == sizes[0], f"{place}: expected a list of {sizes[0]}, one per bin, found {found}")
    return [numbers_of(v, sizes[1:], number, check, place) for v in value]


INTERVAL = re.compile(r"^([\[(])\s*([^,]+?)\s*,\s*([^,]+?)\s*([\])])$")
SIDE = re.compile(r"^(<=|>=|<|>)\s*(\S+)$")


def interval_of(text):
    """An interval as its first number and the first above it, or None."""
    match = INTERVAL.match(text)
    try:
        if match:
            opening, low, high, closing = match.groups()
            low, high = float(low), float(high)
            low = np.nextafter(low, np.inf) if opening == "(" and np.isfinite(low) else low
            return float(low), float(np.nextafter(high, np.inf) if closing == "]" and np.isfinite(high) else high)
        match = SIDE.match(text)
        if match:
            side, bound = match.group(1), float(match.group(2))
            above = float(np.nextafter(bound, np.inf))
            return {"<": (-np.inf, bound), "<=": (-np.inf, above), ">": (above, np.inf), ">=": (bound, np.inf)}[side]
    except ValueError:
        return None
    return None


def table_of_csv(text, wrong):
    """Rows of feature, bin, points and perhaps code and text as the document that JSON would hold."""
    rows = list(csv.reader(text.splitlines()))
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    heads = [cell.strip().lower() for cell in rows[0]] if rows else []
    columns = []
    for names in (("feature", "variable"), ("bin",), ("points", "value")):
        at = [i for i, head in enumerate(heads) if head in names]
        if len(at) != 1:
            raise wrong(f"line 1: expected one column {names[0]}, found {', '.join(heads) or 'nothing'}")
        columns.append(at[0])
    code_at, text_at = (heads.index(name) if name in heads else None for name in ("code", "text"))
    if (code_at is None) != (text_at is None):
        raise wrong("line 1: a bin has a code and a text, or neither; expected both columns")
    document = {"intercept": 0.0, "terms": []}
    bins = {}
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(heads):
            raise wrong(f"line {line}: expected {len(heads)} cells, found {len(row)}")
        feature, found, points = (row[at].strip() for at in columns)
        code, text = ("", "") if code_at is None else (row[code_at].strip(), row[text_at].strip())
        if bool(code) != bool(text):
            raise wrong(f"line {line}: a bin has a code and a text, or neither; found {code!r} and {text!r}")
        reason = {"code": code, "text": text} if code else None
        try:
            points = float(points)
        except ValueError:
            raise wrong(f"line {line}: expected a number of points, found {points!r}") from None
        if feature.lower() in ("intercept", "(intercept)"):
            document["intercept"] = points
        else:
            bins.setdefault(feature, []).append((line, found, points, reason))
    for feature, found in bins.items():
        term, ranges, keys = {"feature": feature}, [], {}
        for line, text, points, reason in found:
            word, interval = text.lower(), interval_of(text)
            if word in ("missing", "other"):
                if word in term:
                    raise wrong(f"line {line}: the bin {text} of {feature} is duplicated")
                term[word] = points
                term[f"{word}_reason"] = reason
            elif interval:
                ranges.append((*interval, line, points, reason))
            else:
                for key in text.split("|"):
                    if key.strip() in keys:
                        raise wrong(f"line {line}: the category {key.strip()} of {feature} is duplicated")
                    keys[key.strip()] = (points, reason)
        if ranges and keys:
            raise wrong(f"line {found[0][0]}: the bins of {feature} are intervals and categories; use two features")
        if ranges:
            ranges.sort(key=lambda entry: entry[:3])
            ends = [-np.inf, *(high for _, high, *_ in ranges)]
            for (low, _, line, *_), end in zip(ranges, ends):
                if low != end:
                    raise wrong(f"line {line}: the intervals of {feature} overlap or leave a gap at {end}; they go from -inf to inf")
            if ends[-1] != np.inf:
                raise wrong(f"line {ranges[-1][2]}: the intervals of {feature} end at {ends[-1]}; they go from -inf to inf")
            term.update(cuts=[low for low, *_ in ranges[1:]], values=[entry[3] for entry in ranges],
                        reasons=[entry[4] for entry in ranges])
        else:
            term.update(categories=list(keys), values=[points for points, _ in keys.values()],
                        reasons=[reason for _, reason in keys.values()])
        document["terms"].append(term)
    return document


def main():
    import export_sklearn

    parser = argparse.ArgumentParser(description="Writes a table of points as a tabscore model file.")
    parser.add_argument("table", help="JSON, or CSV with the columns feature, bin and points")
    parser.add_argument("--name", required=True, help="name of the model")
    parser.add_argument("--output", required=True, help="the model file")
    parser.add_argument("--threshold", type=float, help="of a table with link logit: positive means probability >= threshold")
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()
    try:
        document = export(read_table(arguments.table), name=arguments.name, threshold=arguments.threshold, date=arguments.date)
        export_sklearn.write(document, arguments.output)
    except (NotExportable, OSError) as reason:
        parser.exit(1, f"{arguments.table}: {reason}\n")


if __name__ == "__main__":
    # Under its own name, so that its classes are those that the exporter knows.
    import export_additive

    export_additive.main()
