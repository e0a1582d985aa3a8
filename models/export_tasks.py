# SPDX-License-Identifier: MIT
"""The models of a model file of kind "pipeline" that give other numbers than the probability of one of two classes: classes,
numbers, quantiles, scores, anomalies. One function a class; @other_task registers it."""

import inspect

import numpy as np
from sklearn.preprocessing import StandardScaler

import export_models
import export_sklearn_trees
from export_models import OTHER_TASKS, Outcome, Outputs, classifier, gives_single, has_decision_function, other_task, predict, sklearn_trees
from export_program import FUNCTIONS, Block, class_of, is_nan, note_edges, plain, said, unwrap

VERSION = export_sklearn_trees.VERSION


# Linear models.


def linears(program, model, block):
    """The columns of decision_function, or of predict()."""
    program.check_double(block)
    program.check_finite(block, missing=False)
    coefficients = model.coef_.toarray() if hasattr(model.coef_, "toarray") else np.asarray(model.coef_)
    coefficients = np.atleast_2d(coefficients)
    intercept = np.broadcast_to(np.ravel(model.intercept_), len(coefficients))
    keys = program.numbers(block)
    return program.emit("linear", keys, len(coefficients), coefficients=plain(coefficients), intercept=plain(intercept))


def keys_of(columns):
    return [column.key for column in columns]


def softmax(program, margins, by_margins=True):
    columns = program.emit("softmax", keys_of(margins), len(margins))
    return Outputs("multiclass", columns, margins, by_margins)


def one_against_rest(program, margins):
    """LinearClassifierMixin._predict_proba_lr: a row whose probabilities are all 0 is NaN there up to some version."""
    from sklearn.linear_model import LogisticRegression

    each = program.emit("sigmoid", keys_of(margins), len(margins))
    uniform = "all_zero" in inspect.getsource(LogisticRegression._predict_proba_lr)
    columns = program.emit("sum_to_one", keys_of(each), len(each), **({} if uniform else {"zero": None}))
    return Outputs("multiclass", columns, margins, True)


@other_task("LogisticRegression", "LogisticRegressionCV")
def logistic(program, model, block):
    margins = linears(program, model, block)
    how = getattr(model, "multi_class", "auto")
    rest = how in ("ovr", "warn") or (how in ("auto", "deprecated") and model_solver(model) == "liblinear")
    return one_against_rest(program, margins) if rest else softmax(program, margins)


def model_solver(model):
    return getattr(model, "solver", None)


@other_task("LinearDiscriminantAnalysis")
def discriminant(program, model, block):
    return softmax(program, linears(program, model, block))


@other_task("SGDClassifier")
def sgd(program, model, block):
    if len(model.classes_) == 2:
        return decision(program, model, block)
    margins = linears(program, model, block)
    if model.loss in ("log_loss", "log"):
        return one_against_rest(program, margins)
    if model.loss == "modified_huber":
        clipped = program.emit("clip", keys_of(margins), len(margins), low=-1.0, high=1.0)
        above = program.emit("rescale", keys_of(clipped), len(margins), scale=1.0, offset=1.0)
        each = program.emit("standardize", keys_of(above), len(margins), mean=0.0, scale=2.0)
        return Outputs("multiclass", program.emit("sum_to_one", keys_of(each), len(each)), margins, True)
    return Outputs("multiclass", margins, probabilities=False)


@other_task("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")
def decision(program, model, block):
    margins = linears(program, model, block)
    return Outputs("score", margins) if len(margins) == 1 else Outputs("multiclass", margins, probabilities=False)


@other_task("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LarsCV",
            "LassoLars", "LassoLarsCV", "LassoLarsIC", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV",
            "MultiTaskLasso", "MultiTaskLassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV", "SGDRegressor",
            "HuberRegressor", "LinearSVR", "PassiveAggressiveRegressor", "TheilSenRegressor", "BayesianRidge", "ARDRegression")
def regression(program, model, block):
    return Outputs("regression", linears(program, model, block))


@other_task("QuantileRegressor")
def quantile_regression(program, model, block):
    return Outputs("quantiles", linears(program, model, block), names=[float(model.quantile)])


@other_task("PoissonRegressor", "GammaRegressor", "TweedieRegressor")
def generalized(program, model, block):
    margins = linears(program, model, block)
    link = type(model._base_loss.link).__name__
    if link == "IdentityLink":
        return Outputs("regression", margins)
    if link != "LogLink":
        program.refuse(f"the link {link} cannot be exported; use link=\"log\" or link=\"identity\"")
    return Outputs("regression", program.emit("function", keys_of(margins), 1, name="exp"), margins)


# Naive Bayes and networks.


@other_task("MultinomialNB", "BernoulliNB", "ComplementNB")
def counted(program, model, block):
    program.check_double(block)
    program.check_finite(block, missing=False)
    coefficients, intercept = model.feature_log_prob_, model.class_log_prior_
    if class_of(model) == "ComplementNB":
        intercept = 0.0 * intercept
    if class_of(model) == "BernoulliNB":
        absent = np.log(1 - np.exp(coefficients))
        coefficients, intercept = coefficients - absent, intercept + absent.sum(axis=1)
        if model.binarize is not None:
            for column in block.columns:
                note_edges(program, column, [model.binarize])
            block = program.each("binarize", block, threshold=float(model.binarize))
    keys = program.numbers(block)
    return softmax(program, program.emit("linear", keys, len(intercept), coefficients=plain(coefficients), intercept=plain(intercept)))


@other_task("GaussianNB")
def gaussian(program, model, block):
    """Of each class: the squares of the distances, divided by the variances, then their sum."""
    program.check_double(block)
    program.check_finite(block, missing=False)
    count, width = model.theta_.shape
    keys, coefficients = [], np.zeros((count, count * width))
    for i in range(count):
        away = program.each("standardize", block, mean=model.theta_[i], scale=1.0)
        squares = program.each("standardize", program.each("function", away, name="square"), mean=0.0, scale=model.var_[i])
        keys += program.numbers(squares)
        coefficients[i, i * width : (i + 1) * width] = -0.5
    intercept = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * model.var_), axis=1)
    return softmax(program, program.emit("linear", keys, count, coefficients=plain(coefficients), intercept=plain(intercept)))


@other_task("MLPClassifier", "MLPRegressor")
def network(program, model, block):
    program.check_double(block)
    program.check_finite(block, missing=False)
    keys = program.numbers(block)
    for i, (coefficients, intercept) in enumerate(zip(model.coefs_, model.intercepts_)):
        columns = program.emit("linear", keys, len(intercept), coefficients=plain(coefficients.T), intercept=plain(intercept))
        if i < len(model.coefs_) - 1:
            columns = activate(program, columns, model.activation)
        keys = keys_of(columns)
    if hasattr(model, "classes_") and model.out_activation_ == "logistic" and model.n_outputs_ > 1:
        program.refuse("the model predicts the classes of several targets; train one model for each")
    if model.out_activation_ == "softmax":
        return softmax(program, columns)
    return Outputs("regression", activate(program, columns, model.out_activation_))


@classifier("MLPClassifier")
def network_of_two(program, model, block):
    return Outcome(network(program, model, block).columns[0])


def activate(program, columns, name):
    keys, count = keys_of(columns), len(columns)
    if name == "identity":
        return columns
    if name == "relu":
        return program.emit("clip", keys, count, low=0.0, high="inf")
    if name == "logistic":
        return program.emit("sigmoid", keys, count)
    if name in ("tanh", "exp"):
        return program.emit("function", keys, count, name=name)
    program.refuse(f"the activation {name} cannot be exported; use \"relu\", \"tanh\" or \"logistic\"")


@classifier("MultinomialNB", "BernoulliNB", "ComplementNB", "GaussianNB")
def bayes_of_two(program, model, block):
    return export_models.two_classes(OTHER_TASKS[class_of(model)](program, model, block))


# Trees.


@other_task("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "ExtraTreeClassifier")
def averaged_classes(program, model, block):
    program.check_finite(block, missing=export_sklearn_trees.takes_missing(model) and not block.sparse)
    return Outputs("multiclass", sklearn_trees(program, model, block, "prediction", len(model.classes_)))


@other_task("DecisionTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor", "ExtraTreeRegressor")
def averaged_numbers(program, model, block):
    program.check_finite(block, missing=export_sklearn_trees.takes_missing(model) and not block.sparse)
    return Outputs("regression", sklearn_trees(program, model, block, "prediction", int(model.n_outputs_)))


@other_task("GradientBoostingClassifier")
def boosted_classes(program, model, block):
    program.check_finite(block, missing=False)
    count = len(model.classes_)
    if export_sklearn_trees.class_by(model) == "margin":
        return softmax(program, sklearn_trees(program, model, block, "margin", count))
    outputs = Outputs("multiclass", sklearn_trees(program, model, block, "prediction", count))
    outputs.late_margins = lambda: sklearn_trees(program, model, block, "margin", count)
    return outputs


@other_task("GradientBoostingRegressor")
def boosted_numbers(program, model, block):
    program.check_finite(block, missing=False)
    return numbers_of(model, sklearn_trees(program, model, block, "prediction", 1))


def numbers_of(model, columns):
    level = export_sklearn_trees.level_of(model)
    return Outputs("regression", columns) if level is None else Outputs("quantiles", columns, names=[level])


@other_task("AdaBoostClassifier")
def boosted_votes(program, model, block):
    program.check_finite(block, missing=False)
    count, weights = len(model.classes_), model.estimator_weights_
    votes = sklearn_trees(program, model, block, "prediction", count)
    margins = program.emit("rescale", keys_of(votes), count, scale=len(model.estimators_) / float(weights.sum()), offset=0.0)
    if count == 2:  # -d / 2 and d / 2, where d is the second margin minus the first
        back, forth = margins
        pair = program.emit("subtract", [back.key, forth.key], 2, by=[forth.key, back.key])
        return softmax(program, program.emit("rescale", keys_of(pair), 2, scale=0.5, offset=0.0))
    columns = program.emit("standardize", keys_of(margins), count, mean=0.0, scale=float(count - 1))
    return Outputs("multiclass", softmax(program, columns).columns, margins, True)


@classifier("AdaBoostClassifier")
def boosted_votes_of_two(program, model, block):
    outputs = boosted_votes(program, model, block)
    outcome = export_models.two_classes(outputs)
    outcome.margin = program.emit("rescale", [outputs.margins[1].key], 1, scale=2.0, offset=0.0)[0]
    return outcome


@other_task("HistGradientBoostingClassifier")
def histogram_classes(program, model, block):
    columns = export_models.histogram_columns(program, model, block)
    margins = sklearn_trees(program, model, columns, "margin", len(model.classes_))
    return softmax(program, margins, export_sklearn_trees.class_by(model) == "margin")


@other_task("HistGradientBoostingRegressor")
def histogram_numbers(program, model, block):
    columns = export_models.histogram_columns(program, model, block)
    return numbers_of(model, sklearn_trees(program, model, columns, "prediction", 1))


@other_task("IsolationForest")
def isolation(program, model, block):
    missing, infinite = export_sklearn_trees.isolation_takes(model)
    if not infinite:
        program.check_finite(block, missing=missing)
    return Outputs("anomaly", sklearn_trees(program, model, block, "prediction", 1))


@other_task("SGDOneClassSVM")
def linear_anomaly(program, model, block):
    program.check_double(block)
    program.check_finite(block, missing=False)
    coefficients, intercept = np.atleast_2d(model.coef_), -np.ravel(model.offset_)
    return Outputs("anomaly", program.emit("linear", program.numbers(block), 1, coefficients=plain(coefficients),
                                           intercept=plain(intercept)))


@other_task("OneClassSVM", "LocalOutlierFactor", "EllipticEnvelope")
def other_anomaly(program, model, block):
    program.refuse(f"a {class_of(model)} cannot be exported: it compares a row with training rows or inverts their covariance; use an "
                   "IsolationForest or an SGDOneClassSVM")


XGBOOST_SCORES = ("rank:pairwise", "rank:ndcg", "rank:map", "survival:cox", "binary:logitraw")


@other_task("XGBClassifier", "XGBRFClassifier", "XGBRegressor", "XGBRFRegressor", "XGBRanker")
def xgboost_numbers(program, model, block):
    program.kind = "xgboost"
    booster = model.get_booster()
    text, document = export_models.xgboost_document(model, booster)
    objective = document["learner"]["objective"]
    name, classes = objective["name"], getattr(model, "classes_", None)
    if classes is not None and name not in ("multi:softprob", "multi:softmax"):
        program.refuse(f"the objective is {name}; multi:softprob can be exported")
    keys = export_models.xgboost_inputs(program, model, block, booster, document)
    parameters = document["learner"]["learner_model_param"]
    count = max(int(parameters.get("num_class") or 0), int(parameters.get("num_target") or 1), 1)
    if name == "multi:softmax":  # the same trees, which give the class alone: that of the largest margin
        text = export_models.Verbatim(text.replace('"multi:softmax"', '"multi:softprob"'))
        margins = program.emit("trees", keys, count, kind="xgboost", model=text, gives="margin")
        columns = program.emit("trees", keys, count, kind="xgboost", model=text, gives="prediction")
        return Outputs("multiclass", columns, margins, by_margins=True)
    columns = program.emit("trees", keys, count, kind="xgboost", model=text, gives="prediction")
    if classes is not None:
        return Outputs("multiclass", columns)
    if name == "reg:quantileerror":
        levels = objective["quantile_loss_param"]["quantile_alpha"].strip("[]").split(",")
        return Outputs("quantiles", columns, names=[float(level) for level in levels])
    return Outputs("score" if name in XGBOOST_SCORES else "regression", columns)


@other_task("LGBMClassifier", "LGBMRegressor", "LGBMRanker")
def lightgbm_numbers(program, model, block):
    program.kind = "lightgbm"
    text = model.booster_.model_to_string()
    lines = text.splitlines()
    objective = next((line[10:].split()[0] for line in lines if line.startswith("objective=")), "custom")
    classes = getattr(model, "classes_", None)
    if classes is not None and objective not in ("multiclass", "multiclassova"):
        program.refuse(f"the objective is {objective}; multiclass and multiclassova can be exported")
    keys = export_models.lightgbm_inputs(program, model, text, block)
    count = next(int(line[23:]) for line in lines if line.startswith("num_tree_per_iteration="))
    columns = program.emit("trees", keys, count, kind="lightgbm", model={"text": text}, gives="prediction")
    if classes is not None:
        outputs = Outputs("multiclass", columns)
        outputs.late_margins = lambda: program.emit("trees", keys, count, kind="lightgbm", model={"text": text}, gives="margin")
        return outputs
    if objective == "quantile":
        alpha = [float(line[8:-1]) for line in lines if line.startswith("[alpha: ")]
        if not alpha:
            program.refuse("the booster does not keep its alpha; train it with a newer LightGBM")
        return Outputs("quantiles", columns, names=alpha)
    return Outputs("score" if objective in ("lambdarank", "rank_xendcg") else "regression", columns)


# Models of models.


@other_task("CalibratedClassifierCV")
def calibrated(program, model, block):
    made = []
    count = len(model.classes_)
    for i, part in enumerate(model.calibrated_classifiers_):
        program.where.append(f"calibrated_classifiers_[{i}]")
        estimator = getattr(part, "estimator", None) or part.base_estimator
        export_models.check_calibrator(program, part.calibrators[0])
        inner = predict(program, estimator, block)
        warm = export_models.is_temperature(part.calibrators[0])  # it fits on the places of classes that are texts
        classes = list(model.classes_), list(range(count)) if warm else None
        fits = isinstance(inner, Outputs) and list(unwrap(estimator).classes_) in classes
        if not fits or len(part.calibrators) != (1 if warm else count):
            program.refuse("a part of the data that it was fitted on lacks a class; give it more rows of each class")
        scores = inner.decided() if has_decision_function(estimator) else inner.columns
        if scores is None:
            program.refuse("the scores that are calibrated cannot be exported")
        if warm:
            made.append(export_models.tempered(program, part.calibrators[0], scores, has_decision_function(estimator)))
        else:
            each = [export_models.calibrate(program, c, score) for c, score in zip(part.calibrators, scores)]
            made.append(program.emit("sum_to_one", keys_of(each), count))
        program.where.pop()
    return Outputs("multiclass", means(program, made, None))


def means(program, groups, weights, single=False):
    """The mean of the same column of each group. `single`: each sum and the quotient are rounded to float32."""
    if single and len(groups) > 1:
        columns = groups[0]
        for group in groups[1:]:
            sums = program.emit("add", keys_of(columns), len(columns), by=keys_of(group))
            columns = program.emit("float32", keys_of(sums), len(sums))
        columns = program.emit("standardize", keys_of(columns), len(columns), mean=0.0, scale=float(len(groups)))
        return program.emit("float32", keys_of(columns), len(columns))
    if len(groups) == 1 and weights is None:
        return groups[0]
    keys = [key for group in groups for key in keys_of(group)]
    return program.emit("weighted_mean", keys, len(groups[0]), weights=plain(weights), groups=len(groups))


@other_task("VotingClassifier", "VotingRegressor")
def voting(program, model, block):
    if class_of(model) == "VotingClassifier" and model.voting != "soft":
        program.refuse("voting=\"hard\" gives no probability; use voting=\"soft\"")
    parts = [part_of(program, f"estimators_[{i}]", part, block) for i, part in enumerate(model.estimators_)]
    task = "multiclass" if class_of(model) == "VotingClassifier" else "regression"
    return Outputs(task, means(program, [part.columns for part in parts], model._weights_not_none, gives_single(model)))


@other_task("BaggingClassifier", "BaggingRegressor")
def bagging(program, model, block):
    parts = []
    for i, (part, features) in enumerate(zip(model.estimators_, model.estimators_features_)):
        parts.append(part_of(program, f"estimators_[{i}]", part, block.take([int(f) for f in features])))
    task = "multiclass" if class_of(model) == "BaggingClassifier" else "regression"
    if task == "multiclass" and any(len(part.columns) != len(model.classes_) for part in parts):
        program.refuse("an estimator has not seen every class; give it more rows of each class")
    return Outputs(task, means(program, [part.columns for part in parts], None, gives_single(model)))


def part_of(program, place, model, block):
    program.where.append(place)
    part = predict(program, model, block)
    if not isinstance(part, Outputs) or not part.probabilities or part.task not in ("multiclass", "regression"):
        program.refuse(f"a {type(model).__name__} here cannot be exported; use one that gives probabilities or numbers")
    program.where.pop()
    return part


@other_task("MultiOutputRegressor")
def one_model_a_target(program, model, block):
    parts = [part_of(program, f"estimators_[{i}]", part, block) for i, part in enumerate(model.estimators_)]
    return Outputs("regression", [column for part in parts for column in part.columns])


@other_task("RegressorChain")
def chain(program, model, block):
    if block.sparse:
        program.refuse("a RegressorChain of a sparse matrix cannot be exported; give ColumnTransformer sparse_threshold=0 and fit again")
    program.check_finite(block, missing=False)
    columns = []
    for i, part in enumerate(model.estimators_):
        columns += part_of(program, f"estimators_[{i}]", part, Block(block.columns + columns)).columns
    return Outputs("regression", [columns[place] for place in np.argsort(model.order_)])


@other_task("RANSACRegressor")
def consensus(program, model, block):
    return predict(program, model.estimator_, block)


@classifier("OneVsRestClassifier")
def one_model_of_two(program, model, block):
    """Of two classes there is one estimator. predict_proba divides 1 - p and p by their sum, which may round."""
    program.where.append("estimators_[0]")
    outcome = predict(program, model.estimators_[0], block)
    program.where.pop()
    if outcome.probability is None:
        return outcome
    (one,) = program.emit("constant", None, 1, values=[1.0])
    (rest,) = program.emit("subtract", [one.key], 1, by=[outcome.probability.key])
    (total,) = program.emit("add", [rest.key], 1, by=[outcome.probability.key])
    first, second = program.emit("divide", [rest.key, outcome.probability.key], 2, by=[total.key, total.key])
    return Outcome(second, outcome.margin, first)


@other_task("OneVsRestClassifier")
def one_model_a_class(program, model, block):
    from sklearn.multiclass import OneVsRestClassifier

    outcomes = []
    for i, part in enumerate(model.estimators_):
        program.where.append(f"estimators_[{i}]")
        outcome = predict(program, part, block)
        if not isinstance(outcome, Outcome):
            program.refuse(f"a {type(unwrap(part)).__name__} gives no probability of its class; use a classifier")
        outcomes.append(outcome)
        program.where.pop()
    # predict() compares decision_function, where there is one; the last of equals wins up to scikit-learn 1.8.
    by = "margins" if "reversed" in inspect.getsource(OneVsRestClassifier.predict) else "last_margins"
    margins = [outcome.probability for outcome in outcomes]
    if has_decision_function(model.estimators_[0]):
        margins = [outcome.decided() for outcome in outcomes]
    if None in margins:
        program.refuse(f"the decision_function of a {type(unwrap(model.estimators_[0])).__name__} cannot be exported here")
    if outcomes[0].probability is None:
        return Outputs("multiclass", margins, margins, by, probabilities=False)
    keys = [outcome.probability.key for outcome in outcomes]
    (total,) = program.emit("linear", keys, 1, coefficients=[[1.0] * len(keys)], intercept=[0.0])
    if "row_sums != 0" in inspect.getsource(OneVsRestClassifier.predict_proba):  # rows of zeros stay as they are
        (total,) = program.emit("replace", [total.key], 1, **{"from": 0.0, "to": 1.0})
    return Outputs("multiclass", program.emit("divide", keys, len(keys), by=[total.key] * len(keys)), margins, by)


INCREASING = ("exp", "expm1", "log", "log1p", "log2", "log10", "cbrt", "sinh", "arctan", "tanh")


@other_task("TransformedTargetRegressor")
def transformed_target(program, model, block):
    program.where.append("regressor_")
    inner = predict(program, model.regressor_, block)
    program.where.pop()
    if not isinstance(inner, Outputs) or inner.task not in ("regression", "quantiles"):
        program.refuse("the regressor of a TransformedTargetRegressor gives no numbers")
    step, keys, single = model.transformer_, keys_of(inner.columns), gives_single(model.regressor_)
    kind = class_of(step)
    increasing = True
    if kind == "FunctionTransformer" and not step.inv_kw_args:
        inverse = step.inverse_func
        if inverse is None:
            return inner
        name = FUNCTIONS.get(inverse) if isinstance(inverse, np.ufunc) else None
        if name is None:
            program.refuse(f"inverse_func={getattr(inverse, '__name__', inverse)} cannot be exported; use a NumPy function of "
                           "docs/reference/exportable-models.md, such as np.exp or np.expm1")
        increasing = name in INCREASING
        columns = program.emit("function", keys, len(keys), name=name)
    elif kind == "StandardScaler":
        scale, mean = (step.scale_ if step.with_std else 1.0), (step.mean_ if step.with_mean else 0.0)
        if single:  # the product is rounded, too
            if "astype(self.scale_" in inspect.getsource(StandardScaler.inverse_transform):
                scale, mean = np.float32(scale), np.float32(mean)
            keys = rounded(program, program.emit("rescale", keys, len(keys), scale=plain(scale), offset=0.0))
            scale = 1.0
        columns = program.emit("rescale", keys, len(keys), scale=plain(scale), offset=plain(mean))
    elif kind == "MinMaxScaler" and not step.clip:
        mean = step.min_
        if single:  # the difference is rounded, too
            keys, mean = rounded(program, program.emit("standardize", keys, len(keys), mean=plain(mean), scale=1.0)), 0.0
        columns = program.emit("standardize", keys, len(keys), mean=plain(mean), scale=plain(step.scale_))
    else:
        program.refuse(f"the transformer {type(step).__name__} cannot be exported; use func= and inverse_func=")
    if single:
        columns = program.emit("float32", keys_of(columns), len(columns))
    task = inner.task if increasing else "regression"
    return Outputs(task, columns, inner.margins or inner.columns, names=inner.names if task == inner.task else None)


def rounded(program, columns):
    """The keys of columns in single precision."""
    return keys_of(program.emit("float32", keys_of(columns), len(columns)))


@other_task("DummyClassifier")
def dummy_classes(program, model, block):
    if model.strategy not in ("prior", "most_frequent", "constant"):
        program.refuse(f"strategy=\"{model.strategy}\" answers at random; use \"prior\"")
    row = model.predict_proba(np.zeros((1, max(1, len(block)))))[0]
    return constant(program, block, Outputs("multiclass", program.emit("constant", None, len(row), values=plain(row))))


@other_task("DummyRegressor")
def dummy_numbers(program, model, block):
    row = np.ravel(model.constant_)
    return constant(program, block, Outputs("regression", program.emit("constant", None, len(row), values=plain(row))))


def constant(program, block, outputs):
    for column in block.columns[:1]:  # a model file needs at least one feature
        program.number(column)
    return outputs


# What the file says of the numbers, and how the trainer is asked for them.


def gives_probability(pipeline):
    """Whether a pipeline gives the probability of one of two classes."""
    try:
        classes = pipeline.classes_
    except AttributeError:
        return False
    return not isinstance(classes, list) and len(classes) == 2 and hasattr(pipeline, "predict_proba")


def ask_of(pipeline, outputs):
    """A function of a frame that gives the trainer's numbers, rows x columns."""
    if outputs.task == "multiclass":
        method = "predict_proba" if outputs.probabilities else "decision_function"
    elif outputs.task == "anomaly" or (outputs.task == "score" and hasattr(pipeline, "classes_")):
        method = "decision_function"
    else:
        method = "predict"
    return lambda frame: columns_of(getattr(pipeline, method)(frame))


def columns_of(numbers):
    numbers = np.asarray(numbers, dtype=float)
    return numbers.reshape(len(numbers), -1)


def classes_at(pipeline, frame):
    """The place of the class that the trainer predicts for each row."""
    labels = list(pipeline.classes_)
    return [labels.index(label) for label in pipeline.predict(frame)]


def is_unicode(text):
    """Whether UTF-8 can write a text: it cannot write half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def said_classes(labels, names, refuse):
    """The classes as the file says them."""
    labels = [label.item() if isinstance(label, np.generic) else label for label in labels]
    if names is not None:
        names = [name.item() if isinstance(name, np.generic) else name for name in names]
        if len(names) != len(labels):
            refuse(f"class_names has {len(names)} entries, the model has {len(labels)} classes")
        labels = names
    for label in labels:
        if not isinstance(label, (str, bool, int, float)) or is_nan(label):
            refuse(f"the class {label!r} is not a text, a number or a boolean; give class_names=")
        if isinstance(label, str) and not is_unicode(label):
            refuse(f"the class {label!r} is not valid Unicode; give class_names=")
        if label == "" or labels.count(label) > 1:
            refuse(f"the class {label!r} is empty or duplicated; give class_names=")
    if len({"number" if type(label) in (int, float) else type(label) for label in labels}) > 1:
        refuse("the classes are of several kinds; make all of them texts, numbers or booleans")
    if len(labels) > 1000:
        refuse(f"the model has {len(labels)} classes; a model file holds up to 1000")
    return labels


def member_of(outputs, pipeline, class_names, target_names, refuse):
    """The member "outputs" of the file."""
    if class_names is not None and outputs.task != "multiclass":
        refuse("class_names= is for models of several classes; leave it out")
    if target_names is not None and outputs.task != "regression":
        refuse("target_names= is for models that predict numbers; leave it out")
    said_member = {"task": outputs.task}
    if outputs.task == "multiclass":
        said_member["classes"] = said_classes(pipeline.classes_, class_names, refuse)
        if len(said_member["classes"]) != len(outputs.columns):
            refuse(f"the model has {len(said_member['classes'])} classes and gives {len(outputs.columns)} numbers")
        if not outputs.probabilities:
            said_member["probabilities"] = False
    elif outputs.task == "quantiles":
        said_member["levels"] = [said(level) for level in outputs.names]
    elif target_names is not None:
        target_names = list(target_names)
        good = all(isinstance(n, str) and n and is_unicode(n) for n in target_names) and len(set(target_names)) == len(target_names)
        if len(target_names) != len(outputs.columns) or not good:
            refuse(f"target_names is {target_names}; give {len(outputs.columns)} different names")
        said_member["names"] = target_names
    return said_member


__all__ = ["Block", "Outputs", "ask_of", "classes_at", "columns_of", "gives_probability", "member_of"]
