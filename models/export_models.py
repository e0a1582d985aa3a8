# SPDX-License-Identifier: MIT
"""The classifiers of a model file of kind "pipeline": columns go in, the probability of each of two classes comes out. One
function a class; @classifier registers it. Whatever a classifier is made of is exported by the same functions.
export_tasks.py has the models of other tasks."""

import json
import re

import numpy as np

import export_sklearn_trees
from export_program import Block, Input, apply, class_of, key_kind, note_edges, plain, require_fitted, said, shown_class, unwrap


class Outcome:
    """What a classifier gives: the column of predict_proba[:, 1] (`first`: of [:, 0], where it is not 1 minus that, or a function
    that makes it) and of decision_function. `margin` is None where there is no decision function; `probability` where there are no probabilities.
    `threshold` is the classifier's own, of the probability of the class at the place `positive`."""

    def __init__(self, probability=None, margin=None, first=None, threshold=None, positive=None):
        self.probability = probability
        self.margin = margin
        self.first = first
        self.threshold = threshold
        self.positive = positive
        self.late_margin = None  # a function that makes the margin, where only a calibration wants it

    def decided(self):
        """The column of decision_function, or None."""
        return self.margin or (self.late_margin and self.late_margin())


class Outputs:
    """What a model of another task gives: its columns, and perhaps a margin for each, by which it may decide the class
    (`by_margins`: True or "margins", of equal ones the first; "last_margins", the last).
    `names`: the levels of quantiles. `late_margins`: a function that makes the margins, where only a calibration wants them."""

    def __init__(self, task, columns, margins=None, by_margins=False, probabilities=True, names=None):
        self.task = task
        self.columns = list(columns)
        self.margins = margins
        self.by_margins = by_margins
        self.probabilities = probabilities
        self.names = names
        self.late_margins = None

    def decided(self):
        """The columns of decision_function, or None."""
        return self.margins or (self.late_margins and self.late_margins()) or (None if self.probabilities else self.columns)


class Verbatim(str):
    """A JSON document that is written as it is."""


CLASSIFIERS = {}


def classifier(*names):
    def register(function):
        CLASSIFIERS.update(dict.fromkeys(names, function))
        return function

    return register


OTHER_TASKS = {}


def other_task(*names):
    def register(function):
        OTHER_TASKS.update(dict.fromkeys(names, function))
        return function

    return register


def predict(program, model, block):
    """The outcome of a fitted model on the columns."""
    model = unwrap(model)
    name = type(model).__name__
    if class_of(model) == "Pipeline":
        for step, part in model.steps[:-1]:
            block = apply(program, step, part, block)
        program.where.append(model.steps[-1][0])
        outcome = predict(program, model.steps[-1][1], block)
        program.where.pop()
        return outcome
    if isinstance(model, str) or model is None:
        program.refuse("the last step is not a model; end the pipeline with a classifier")
    function, other = CLASSIFIERS.get(class_of(model)), OTHER_TASKS.get(class_of(model))
    if function is None and other is None:
        if hasattr(model, "transform") and not hasattr(model, "predict"):
            program.refuse(f"the last step is a {name}, not a classifier; end the pipeline with a model")
        if not hasattr(model, "predict_proba") and class_of(model).startswith(("SVC", "NuSVC")):
            program.refuse(f"a {name} cannot be exported: it has no probabilities; use CalibratedClassifierCV of a LinearSVC")
        if type(model).__module__.startswith("catboost"):
            program.refuse(f"a {name} is read from its own file: train it on the columns themselves, without a pipeline, call "
                           "save_model(\"model.cbm\") and use load_catboost of docs/reference/models.md")
        program.refuse(f"a {shown_class(model)} cannot be exported; docs/reference/exportable-models.md lists the models that can")
    require_fitted(program, model)
    classes = getattr(model, "classes_", None)
    if classes is not None and (isinstance(classes, list) or getattr(model, "multilabel_", False)):
        program.refuse("the model predicts the classes of several targets; train one model for each")
    if classes is not None and len(classes) < 2:
        program.refuse("the training data had one class alone; a model file needs two or more")
    if function is None and "predict" in vars(type(model)) and class_of(model) != type(model).__name__:
        program.refuse(f"a {name} has a predict() of its own, which cannot be exported")
    count = getattr(model, "n_features_in_", len(block))
    if count != len(block):
        program.refuse(f"the {name} was fitted on {count} columns and gets {len(block)}")
    if other is not None and (function is None or classes is None or len(classes) != 2):
        return other(program, model, block)
    if classes is not None and len(classes) != 2:
        program.refuse(f"a {name} of {len(classes)} classes cannot be exported; docs/reference/exportable-models.md lists the models that can")
    return function(program, model, block)


def first_probability(program, outcome):
    """predict_proba[:, 0]."""
    if callable(outcome.first):
        outcome.first = outcome.first()
    if outcome.first is None:
        (one,) = program.emit("constant", None, 1, values=[1.0])
        (outcome.first,) = program.emit("subtract", [one.key], 1, by=[outcome.probability.key])
    return outcome.first


# Linear models.


def linear(program, model, block):
    program.check_double(block)
    program.check_finite(block, missing=False)
    coefficients, intercept = np.atleast_2d(model.coef_), np.ravel(model.intercept_)
    intercept = np.broadcast_to(intercept, len(coefficients))
    keys = program.numbers(block)
    (margin,) = program.emit("linear", keys, 1, coefficients=plain(coefficients), intercept=plain(intercept))
    return margin


def sigmoid(program, margin):
    return program.emit("sigmoid", [margin.key], 1)[0]


@classifier("LogisticRegression", "LogisticRegressionCV")
def logistic(program, model, block):
    margin = linear(program, model, block)
    if getattr(model, "multi_class", "auto") != "multinomial":
        return Outcome(sigmoid(program, margin), margin)
    # With two classes this is the softmax of -d and d.
    (minus,) = program.emit("function", [margin.key], 1, name="negative")
    first, second = program.emit("softmax", [minus.key, margin.key], 2)
    return Outcome(second, margin, first)


@classifier("LinearDiscriminantAnalysis")
def discriminant(program, model, block):
    margin = linear(program, model, block)
    return Outcome(sigmoid(program, margin), margin)


def two_classes(outputs):
    """The outcome of a model of two classes that gives the probability of each."""
    first, second = outputs.columns
    return Outcome(second, None, first)


@classifier("SGDClassifier")
def sgd(program, model, block):
    margin = linear(program, model, block)
    if model.loss in ("log_loss", "log"):
        return Outcome(sigmoid(program, margin), margin)
    if model.loss == "modified_huber":
        (clipped,) = program.emit("clip", [margin.key], 1, low=-1.0, high=1.0)
        (above,) = program.emit("rescale", [clipped.key], 1, scale=1.0, offset=1.0)
        return Outcome(program.emit("standardize", [above.key], 1, mean=0.0, scale=2.0)[0], margin)
    return Outcome(margin=margin)


@classifier("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")
def linear_margin(program, model, block):
    return Outcome(margin=linear(program, model, block))


# Trees.


def note_trees(program, block, trees):
    """For checks: the thresholds of (feature, threshold) on inputs that the trees read as they are."""
    for feature, threshold in trees:
        if 0 <= feature < len(block):
            note_edges(program, block.columns[feature], [threshold])


def sklearn_trees(program, model, block, gives, width):
    try:
        document = export_sklearn_trees.export_dict(model, encoded=True)
    except ValueError as reason:
        program.refuse(str(reason))
    document.pop("feature_names", None)
    trees = document["trees"]
    flat = [tree for stage in trees for tree in (stage if isinstance(stage, list) else [stage])]
    for tree in flat:
        note_trees(program, block, ((f, t) for f, t in zip(tree["feature"], tree["threshold"]) if not isinstance(t, str)))
        if block.sparse and "missing_left" in tree:  # where a missing value is not less than any threshold
            tree["missing_left"] = [0] * len(tree["missing_left"])
    return program.emit("trees", program.numbers(block), width, kind="sklearn", model=document, gives=gives)


@classifier("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "ExtraTreeClassifier")
def averaged_trees(program, model, block):
    program.check_finite(block, missing=export_sklearn_trees.takes_missing(model) and not block.sparse)
    first, second = sklearn_trees(program, model, block, "prediction", 2)
    return Outcome(second, None, first)


@classifier("GradientBoostingClassifier")
def boosted_trees(program, model, block):
    program.check_finite(block, missing=False)
    (margin,) = sklearn_trees(program, model, block, "margin", 1)
    scaled = margin
    if model.loss == "exponential":
        (scaled,) = program.emit("rescale", [margin.key], 1, scale=2.0, offset=0.0)
    return Outcome(sigmoid(program, scaled), margin)


def histogram_columns(program, model, block):
    """The columns that the trees read."""
    order, levels = export_sklearn_trees._raw_categories(model)
    columns = []
    for feature, found in zip(order, levels):
        column = block.columns[feature]
        columns += [column] if found is None else code_of_category(program, column, found)
    program.check_borders(Block(columns), f"a {type(model).__name__}")
    return Block(columns)


@classifier("HistGradientBoostingClassifier")
def histogram_trees(program, model, block):
    (margin,) = sklearn_trees(program, model, histogram_columns(program, model, block), "margin", 1)
    return Outcome(sigmoid(program, margin), margin)


def code_of_category(program, column, levels, typed=False):
    """The place of a category; missing and unseen ones are NaN. `typed`: the trainer wants a column of categories."""
    levels = [level for level in levels if level is not None and level == level]
    if typed and isinstance(column, Input):
        program.facts[column.name]["levels"] = levels
    if not isinstance(column, Input):
        keys, key = [float(level) for level in levels], program.number(column)
    elif key_kind(program, levels) == "text":
        program.input_is(column.name, "text")
        facts = program.facts[column.name]
        facts["keys"].update(levels)
        facts["category"] = True
        facts["missing"] = True
        keys, key = levels, ("t", column.name)
    else:
        keys, key = [float(level) for level in levels], program.number(column)
        program.facts[column.name]["edges"].update(keys[:64])
        program.facts[column.name].update(category=levels, missing=True)
    keys = [k if isinstance(k, str) else said(k) for k in keys]
    return program.emit("lookup", [key], 1, keys=keys, values=[float(i) for i in range(len(keys))], other=None)


@classifier("XGBClassifier", "XGBRFClassifier")
def xgboost_trees(program, model, block):
    program.kind = "xgboost"
    objective = str(model.objective)
    if objective not in ("binary:logistic", "multi:softprob"):
        program.refuse(f"the objective is {objective}; binary:logistic can be exported")
    booster = model.get_booster()
    text, document = xgboost_document(model, booster)
    if int(document["learner"]["learner_model_param"].get("num_target") or 1) > 1:
        program.refuse("the model predicts the classes of several targets; train one model for each")
    keys = xgboost_inputs(program, model, block, booster, document)
    outputs = 2 if objective == "multi:softprob" else 1
    made = program.emit("trees", keys, outputs, kind="xgboost", model=text, gives="prediction")
    return Outcome(made[-1], None, made[0] if outputs == 2 else None)


def xgboost_inputs(program, model, block, booster, document):
    """The columns that the booster reads."""
    columns = xgboost_categories(program, model, document, booster, block)
    if block.sparse:
        columns = [without_zeros(program, column) for column in columns]
    if model.missing is not None and model.missing == model.missing:
        # XGBoost compares in single precision: the double and what it becomes there are both missing.
        for marker in dict.fromkeys([float(model.missing), float(np.float32(model.missing))]):
            columns = program.each("replace", Block(columns), **{"from": marker, "to": np.nan}).columns
    if document["learner"]["gradient_booster"].get("name") == "gblinear" or block.sparse == "csc":
        # These rows become a DMatrix, which refuses infinities of single precision; other forms are read where they lie.
        program.check_finite(program.each("float32", Block(columns)), missing=True)
    for tree in xgboost_model(document).get("trees", []):
        splits = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], tree.get("split_type") or [])
        note_trees(program, Block(columns), ((f, t) for left, f, t, kind in splits if left != -1 and kind == 0))
    for column in columns:
        if isinstance(column, Input):
            program.facts[column.name]["missing"] = True
    return program.numbers(Block(columns))


def without_zeros(program, column):
    """A column of a sparse matrix, with NaN for what that leaves out."""
    zero = getattr(column, "zero", None)
    if zero is None:
        return program.each("replace", Block([column]), **{"from": 0.0, "to": np.nan}).columns[0]
    if zero == "unknown":
        program.refuse("XGBoost takes the zeros that a sparse SplineTransformer writes for values and the others for missing ones; "
                       "give it sparse_output=False and fit again")
    (absent,) = program.emit("missing", [zero], 1, value=0.0)
    (hole,) = program.emit("replace", [absent.key], 1, **{"from": 1.0, "to": None})
    return program.emit("add", [program.number(column)], 1, by=[hole.key])[0]


def xgboost_document(model, booster):
    """XGBoost's own JSON and what it says. A missing= of the model is put where XGBoost 1 puts it."""
    sentinel = model.missing
    if sentinel is not None and sentinel == sentinel:
        booster = booster.copy()
        attribute = json.loads(booster.attr("scikit_learn") or "{}")
        booster.set_attr(scikit_learn=json.dumps({**attribute, "missing": float(sentinel)}))
    # XGBoost 1 and 2 write NaN, which is not JSON, as the threshold of categorical splits, which have none; all of them write
    # Infinity for a threshold beyond single precision.
    text = re.sub(r"(?<=[\[,])NaN(?=[,\]])", "0E0", bytes(booster.save_raw("json")).decode())
    text = re.sub(r"(?<=[\[,-])Infinity(?=[,\]])", "1E39", text)
    return Verbatim(text), json.loads(text)


def xgboost_model(document):
    """The trees and what belongs to them: up to 3.2 dart has them in a gbtree of its own."""
    booster = document["learner"]["gradient_booster"]
    return booster.get("gbtree", booster).get("model", {})


def xgboost_codes(program, model, document, column, feature):
    """Whether a column of categories without names was one of codes in training: these are what the record has."""
    if not program.is_array and (getattr(model, "feature_types", None) is None or document["version"] < [3, 1]):
        return False
    codes = {0}
    for tree in xgboost_model(document)["trees"]:
        for node, first, size in zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"]):
            if tree["split_indices"][node] == feature:
                codes.update(tree["categories"][first : first + size])
    given = (program.categories or {}).get(column.name)
    if given is not None and list(given) != list(range(len(given))):
        program.refuse(f"the column {column.name} was one of codes in training; leave it out of categories=")
    facts = program.facts[column.name]
    facts["category"] = sorted(codes)
    facts["edges"].update(float(code) for code in [*sorted(codes)[:64], max(codes) + 1])
    return True


def xgboost_categories(program, model, document, booster, block):
    types = booster.feature_types or []
    columns = list(block.columns)
    named = xgboost_model(document).get("cats") or {}
    for feature, kind in enumerate(types):
        if kind != "c" or not isinstance(columns[feature], Input):
            continue
        levels = xgboost_names(named, feature)
        if levels is None and xgboost_codes(program, model, document, columns[feature], feature):
            continue
        if levels is None:
            name = columns[feature].name
            levels = (program.categories or {}).get(name)
            if levels is None:
                program.refuse(f"XGBoost before 3.1 does not keep the names of the categories of {name}; give "
                               f"categories={{{name!r}: list of the training categories, in the order of their codes}}")
            columns[feature] = code_of_category(program, columns[feature], levels, typed=True)[0]
            if getattr(model, "feature_types", None) is not None:  # unseen, a category is missing and a code is another one
                refuse_unseen(program)
        else:
            # XGBoost refuses a category that it has not seen.
            columns[feature] = code_of_category(program, columns[feature], levels, typed=True)[0]
            refuse_unseen(program)
    return columns


def refuse_unseen(program):
    step = program.steps[-1]
    step.pop("other")
    step["keys"] = [*step["keys"], None]
    step["values"] = [*step["values"], None]
    key = step["in"][0]
    program.facts[key[1]]["listed"] = True


def xgboost_names(named, feature):
    encoded = named.get("enc") or []
    if feature >= len(encoded):
        return None
    of_feature = encoded[feature]
    if "offsets" in of_feature:
        data, ends = bytes(v & 255 for v in of_feature["values"]), of_feature["offsets"]
        return [data[a:b].decode() for a, b in zip(ends, ends[1:])]
    return list(of_feature["values"])


@classifier("LGBMClassifier")
def lightgbm_trees(program, model, block):
    program.kind = "lightgbm"
    if model.objective_ != "binary":
        program.refuse(f"the objective is {model.objective_}; binary can be exported")
    text = model.booster_.model_to_string()
    keys = lightgbm_inputs(program, model, text, block)
    (made,) = program.emit("trees", keys, 1, kind="lightgbm", model={"text": text}, gives="prediction")
    outcome = Outcome(made)
    outcome.late_margin = lambda: program.emit("trees", keys, 1, kind="lightgbm", model={"text": text}, gives="margin")[0]
    return outcome


def ends_early(model):
    """Whether a LightGBM model sums some of its trees only (before 4.0 this is an option of predict() alone)."""
    return hasattr(model, "_process_params") and bool(model.get_params().get("pred_early_stop"))


def lightgbm_inputs(program, model, text, block):
    """The columns that the booster reads."""
    booster = model.booster_
    if ends_early(model):
        program.refuse("pred_early_stop leaves trees out of a row's sum; set_params(pred_early_stop=False) before export()")
    columns = list(block.columns)
    levels = getattr(booster, "pandas_categorical", None) or []
    if levels:
        for place, names in zip(lightgbm_categories(program, booster, text, columns, levels), levels):
            columns[place] = code_of_category(program, columns[place], names, typed=True)[0]
    features, thresholds = [], []
    for line in text.splitlines():
        if line.startswith("split_feature="):
            features = line[14:].split()
        elif line.startswith("threshold="):
            thresholds = line[10:].split()
            note_trees(program, Block(columns), ((int(f), float(t)) for f, t in zip(features, thresholds)))
    for column in columns:
        if isinstance(column, Input):
            program.facts[column.name]["missing"] = True
    return program.numbers(Block(columns))


def lightgbm_categories(program, booster, text, columns, levels):
    """The places of the columns of dtype category: `levels` are theirs, in the order of the columns. LightGBM keeps the places
    of the categorical features alone, which are others when fit() is given categorical_feature=."""
    places = [i for i, c in enumerate(columns) if isinstance(c, Input) and c.name in (program.categories or {})]
    if places:
        given = [[str(v) for v in program.categories[columns[i].name]] for i in places]
        if given != [[str(v) for v in names] for names in levels]:
            program.refuse(f"categories= is not what LightGBM keeps of the columns of dtype category: {levels}")
        return places
    places = (getattr(booster, "params", None) or {}).get("categorical_column") or []
    if len(places) != len(levels) or not all(isinstance(p, int) for p in places):
        program.refuse("LightGBM does not say which columns are of dtype category (ordered ones are not categorical features); "
                       "give categories={name: list of the categories, ...} with these columns in their order")
    places = sorted(places)
    kinds = next((line[14:].split() for line in text.splitlines() if line.startswith("feature_infos=")), [])
    most = max(len(names) for names in levels)
    for place, kind in enumerate(kinds):
        if place in places:
            codes = [] if kind == "none" or kind.startswith("[") else kind.split(":")
            fits = all(float(code) < len(levels[places.index(place)]) for code in codes)
        else:  # could it hold the codes of a column of dtype category?
            low, high = (float(v) for v in kind[1:-1].split(":")) if kind.startswith("[") else (0.5, 0.5)
            fits = not (low in (-1.0, 0.0) and high == int(high) and high < most)
        if not fits:
            program.refuse(f"LightGBM does not say whether the column {lightgbm_name(columns[place])} is of dtype category; say "
                           "which columns are, in their order: categories={name: list of the categories, ...}")
    return places


def lightgbm_name(column):
    return repr(str(column.name)) if isinstance(column, Input) else "that an earlier step makes"


# Models of models.


@classifier("CalibratedClassifierCV")
def calibrated(program, model, block):
    made = []
    for i, part in enumerate(model.calibrated_classifiers_):
        program.where.append(f"calibrated_classifiers_[{i}]")
        inner = predict(program, getattr(part, "estimator", None) or part.base_estimator, block)
        score = inner.margin or inner.probability
        if has_decision_function(getattr(part, "estimator", None) or part.base_estimator):
            score = inner.decided()
        if score is None or len(part.calibrators) != 1:
            program.refuse("the scores that are calibrated cannot be exported")
        if is_temperature(part.calibrators[0]):
            decides = has_decision_function(part.estimator)
            other = program.emit("function", [score.key], 1, name="negative")[0] if decides else first_probability(program, Outcome(score))
            first, second = tempered(program, part.calibrators[0], [other, score], decides)
            made.append(Outcome(second, None, first))
        else:
            made.append(Outcome(calibrate(program, part.calibrators[0], score)))
        program.where.pop()
    return Outcome(mean(program, [part.probability for part in made], None), None, lambda: mean_of_firsts(program, made, None))


def is_temperature(calibrator):
    return class_of(calibrator) == "_TemperatureScaling"


def tempered(program, calibrator, scores, decides):
    """The probability of each class, of the scores of each: probabilities, or what a decision_function `decides`."""
    keys = [score.key for score in scores]
    if not decides:
        keys = [column.key for column in program.emit("rescale", keys, len(keys), scale=1.0, offset=1e-12)]
        keys = [column.key for column in program.emit("function", keys, len(keys), name="log")]
    columns = program.emit("rescale", keys, len(keys), scale=said(calibrator.beta_), offset=0.0)
    return program.emit("softmax", [column.key for column in columns], len(keys))


def has_decision_function(model):
    return hasattr(unwrap(model), "decision_function")


def check_calibrator(program, calibrator):
    known = class_of(calibrator) == "IsotonicRegression" or is_temperature(calibrator) or hasattr(calibrator, "a_") and hasattr(calibrator, "b_")
    if not known:
        program.refuse(f"calibration by {type(calibrator).__name__.strip('_')} cannot be exported; use method=\"sigmoid\" or "
                       "\"isotonic\"")


def calibrate(program, calibrator, score):
    check_calibrator(program, calibrator)
    if class_of(calibrator) == "IsotonicRegression":
        x, y = np.asarray(calibrator.X_thresholds_), np.asarray(calibrator.y_thresholds_)
        program.check_finite(Block([score]), missing=False)
        if len(x) == 1:
            return program.emit("constant", None, 1, values=plain(y))[0]
        return program.emit("isotonic", [score.key], 1, x=plain(x), y=plain(y))[0]
    return program.emit("platt", [score.key], 1, a=said(calibrator.a_), b=said(calibrator.b_))[0]


def mean(program, columns, weights):
    if len(columns) == 1 and weights is None:
        return columns[0]
    keys = [column.key for column in columns]
    return program.emit("weighted_mean", keys, 1, weights=plain(weights), groups=len(columns))[0]


def mean_of_firsts(program, outcomes, weights):
    """The mean of predict_proba[:, 0], as the trainer takes it: 1 minus the other mean may differ in the last bit."""
    return mean(program, [first_probability(program, outcome) for outcome in outcomes], weights)


@classifier("FixedThresholdClassifier", "TunedThresholdClassifierCV")
def thresholded(program, model, block):
    outcome = predict(program, model.estimator_, block)
    tuned = class_of(model) == "TunedThresholdClassifierCV"
    limit = model.best_threshold_ if tuned else model.threshold
    method = getattr(model, "response_method", "auto")
    if not isinstance(limit, str):
        uses_margin = method == "decision_function" or outcome.probability is None
        if uses_margin:
            program.refuse("the threshold is one of decision_function; use response_method=\"predict_proba\"")
        outcome.threshold = float(limit)
    elif method != "decision_function" and outcome.probability is not None:
        outcome.threshold = 0.5
    positive = getattr(model, "pos_label", None)
    if positive is None and tuned and hasattr(model, "_curve_scorer"):
        positive = model._curve_scorer._get_pos_label()
    labels = list(model.classes_)
    outcome.positive = labels.index(positive) if positive is not None else 1
    return outcome


@classifier("VotingClassifier")
def voting(program, model, block):
    if model.voting != "soft":
        program.refuse("voting=\"hard\" gives no probability; use voting=\"soft\"")
    outcomes = [sub(program, f"estimators_[{i}]", part, block) for i, part in enumerate(model.estimators_)]
    weights = model._weights_not_none
    probabilities = mean(program, [outcome.probability for outcome in outcomes], weights)
    return Outcome(probabilities, None, lambda: mean_of_firsts(program, outcomes, weights))


def sub(program, place, model, block):
    program.where.append(place)
    outcome = predict(program, model, block)
    if outcome.probability is None:
        program.refuse(f"a {type(model).__name__} has no predict_proba; wrap it in a CalibratedClassifierCV")
    program.where.pop()
    return outcome


@classifier("BaggingClassifier")
def bagging(program, model, block):
    outcomes = []
    for i, (part, features) in enumerate(zip(model.estimators_, model.estimators_features_)):
        program.where.append(f"estimators_[{i}]")
        outcome = predict(program, part, block.take([int(f) for f in features]))
        if outcome.probability is None:
            program.refuse("an estimator without predict_proba votes, which gives shares; use one that has it")
        outcomes.append(outcome)
        program.where.pop()
    margins = [outcome.margin for outcome in outcomes]
    margin = None if None in margins else mean(program, margins, None)
    probabilities = mean(program, [outcome.probability for outcome in outcomes], None)
    return Outcome(probabilities, margin, lambda: mean_of_firsts(program, outcomes, None))


@classifier("StackingClassifier")
@other_task("StackingClassifier", "StackingRegressor")
def stacking(program, model, block):
    columns = []
    for i, (part, method) in enumerate(zip(model.estimators_, model.stack_method_)):
        program.where.append(f"estimators_[{i}]")
        made = stacked(predict(program, part, block), method)
        if None in made:
            program.refuse(f"stack_method_ is {method}, which cannot be exported here; use \"predict_proba\"")
        columns += made
        program.where.pop()
    if model.passthrough:
        columns += block.columns
    single = class_of(model) == "StackingRegressor" and not model.passthrough and all(map(gives_single, model.estimators_))
    program.where.append("final_estimator_")
    read = Block(columns, model.passthrough and block.sparse, np.float32 if single else np.float64)
    outcome = predict(program, model.final_estimator_, read)
    program.where.pop()
    return outcome


def stacked(made, method):
    """The columns that a stacking takes of a model: of two classes, and of a regressor, one."""
    if method == "decision_function":
        decided = made.decided()
        return decided if isinstance(decided, list) else [decided]
    if isinstance(made, Outcome):
        return [made.probability if method == "predict_proba" else None]
    return made.columns if made.task != "multiclass" or method == "predict_proba" else [None]


def gives_single(model):
    """Whether predict() gives float32, which the functions after it keep."""
    model = unwrap(model)
    while class_of(model) == "Pipeline":
        model = unwrap(model.steps[-1][1])
    name = class_of(model)
    if name == "VotingRegressor":
        return model._weights_not_none is None and all(map(gives_single, model.estimators_))
    if name == "BaggingRegressor":
        return gives_single(model.estimators_[0])
    if name == "TransformedTargetRegressor":
        return gives_single(model.regressor_)
    return name.startswith("XGB")


@classifier("DummyClassifier")
def dummy(program, model, block):
    if model.strategy not in ("prior", "most_frequent", "constant"):
        program.refuse(f"strategy=\"{model.strategy}\" answers at random; use \"prior\"")
    row = model.predict_proba(np.zeros((1, max(1, len(block)))))[0]
    first, second = program.emit("constant", None, 2, values=plain(row))
    for column in block.columns:  # a model file needs at least one feature
        program.number(column)
        break
    return Outcome(second, None, first)
