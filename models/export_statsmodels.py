# SPDX-License-Identifier: MIT
"""Results of statsmodels as tabscore model files (docs/reference/exportable-models.md): generalised linear models of every link, OLS and the
like, discrete models.

    import export_sklearn, export_statsmodels
    result = sm.GLM(claims, exog, family=sm.families.Poisson(), exposure=years).fit()
    document = export_statsmodels.export(result, exposure="years", name="claims", training_data=...)
    export_sklearn.write(document, "claims.json")

Whatever cannot be exported is a NotExportable, which says what to do.
"""

import inspect
import re

import numpy as np

from export_models import Outcome, Outputs, classifier, other_task
from export_program import FUNCTIONS, Block, Input, is_missing, plain, require, said_keys


def export(result, *, offset=None, exposure=None, names=None, **options):
    """The model file as a dict; `options` are those of export_sklearn.export. `offset` and `exposure` name the fields of the record
    that hold them: the offset counts with coefficient 1, the exposure with its logarithm. `names` are those of the columns of an
    array."""
    import export_sklearn

    made = Regression(result, offset, exposure, names)
    made = with_classes(made)
    return export_sklearn.export(made, **options)


def drift_baseline(result, frame, labels, *, offset=None, exposure=None, names=None, **options):
    """As export_sklearn.drift_baseline, of a result."""
    import export_sklearn

    made = Regression(result, offset, exposure, names)
    made = with_classes(made)
    return export_sklearn.drift_baseline(frame, labels, pipeline=made, **options)


LINEAR = ("OLS", "WLS", "GLS", "GLSAR", "RLM")
DISCRETE = {"Logit": "logit", "Probit": "probit", "Poisson": "log", "NegativeBinomial": "log", "NegativeBinomialP": "log",
            "GeneralizedPoisson": "log"}


class Regression:
    """A fitted model: its columns, coefficients, link and task."""

    def __init__(self, result, offset=None, exposure=None, names=None):
        self.result = getattr(result, "_results", result)
        self.outer = result
        model = self.model = getattr(self.result, "model", None)
        require(model is not None and hasattr(self.result, "params"),
                f"a {type(result).__name__} is not a result of statsmodels; give what fit() returned")
        kind = type(model).__name__
        self.link = self.levels = None
        self.task = "regression"
        if kind in ("GLM", "GEE"):
            self.link = model.family.link
            self.task = "binary" if type(model.family).__name__ == "Binomial" else "regression"
        elif kind in DISCRETE:
            self.link = DISCRETE[kind]
            self.task = "binary" if kind in ("Logit", "Probit") else "regression"
        elif kind == "MNLogit":
            self.task = "multiclass"
        elif kind == "QuantReg":
            self.task, self.levels = "quantiles", [float(self.result.q)]
        else:
            require(kind in LINEAR, f"a {kind} cannot be exported; docs/reference/exportable-models.md lists the models of statsmodels that can")
        self.offset, self.exposure = offset, exposure
        for what, given in (("offset", offset), ("exposure", exposure)):
            has = getattr(model, f"_has_{what}", None)
            has = getattr(model, what, None) is not None if has is None else has
            require(given is not None or not has,
                    f"the model was fitted with {what}=; say how the record calls it: {what}=\"{what}\"")
            require(given is None or has, f"the model was fitted without {what}=; leave it out")
        self.params = np.asarray(self.result.params, dtype=float)
        exog = list(model.exog_names)[: np.asarray(model.exog).shape[1]]  # what follows names parameters of the distribution
        if self.params.ndim == 1:
            self.params = self.params[: len(exog), None]
        if self.task == "multiclass":  # the first class has none
            self.params = np.c_[np.zeros(len(self.params)), self.params]
        self.formula = getattr(model, "formula", None) is not None and hasattr(model.data, "frame")
        self.constant = getattr(model.data, "const_idx", None)
        if self.formula:
            require(names is None, "the model has a formula, which names its columns; leave names out")
            # Another column may be constant in the data of the fit, and is a feature of the record all the same.
            self.constant = exog.index("Intercept") if "Intercept" in exog and "Intercept" not in model.data.frame else None
        elif names is not None:
            names = list(names)
            room = len(exog) - (self.constant is not None and len(names) != len(exog))
            require(len(names) == room, f"names has {len(names)} entries, the model has {room} columns beside the constant")
            if len(names) != len(exog):
                names.insert(self.constant, exog[self.constant])
            exog = names
        self.exog = [str(name) for name in exog]
        self.columns = [Column(self, name) if at != self.constant else None for at, name in enumerate(self.exog)]
        read = [n for column in self.columns if column is not None for n in column.reads()]
        self.feature_names_in_ = list(dict.fromkeys([*read, *(n for n in (offset, exposure) if n is not None)]))
        taken = [n for n in (offset, exposure) if n in read or (n is not None and offset == exposure)]
        require(not taken, f"{taken[:1]} is a column of the model, too; give the offset or exposure another name")
        require(self.feature_names_in_, "the model has a constant alone and reads no column")
        self.value_of_constant = 0.0
        if self.constant is not None:
            self.value_of_constant = float(np.asarray(model.exog)[0, self.constant])

    def fit(self):
        raise NotImplementedError

    def ask(self, frame, linear=False):
        """What the trainer says of rows."""
        options = {}
        if self.offset is not None:
            options["offset"] = frame[self.offset].to_numpy(dtype=float)
        if self.exposure is not None:
            options["exposure"] = frame[self.exposure].to_numpy(dtype=float)
        if linear and type(self.model).__name__ in ("GLM", "GEE", *DISCRETE):
            new = "which" in inspect.signature(self.model.predict).parameters
            options.update({"which": "linear"} if new else {"linear": True})
        if self.formula:
            return np.asarray(self.outer.predict(frame, **options), dtype=float)
        parts = [np.full(len(frame), self.value_of_constant) if c is None else frame[c.name].to_numpy(dtype=float) for c in self.columns]
        return np.asarray(self.outer.predict(np.column_stack(parts), **options), dtype=float)

    def predict(self, frame):
        return self.ask(frame)


class Binary:
    """A model of two classes."""

    classes_ = np.array([0, 1])

    def __init__(self, inner):
        self.inner, self.feature_names_in_ = inner, inner.feature_names_in_

    def fit(self):
        raise NotImplementedError

    def predict_proba(self, frame):
        second = self.inner.ask(frame)
        return np.c_[1.0 - second, second]

    def decision_function(self, frame):
        return self.inner.ask(frame, linear=True)


class Classes:
    """A model of several classes."""

    def __init__(self, inner):
        self.inner, self.feature_names_in_ = inner, inner.feature_names_in_
        found = inner.model._ynames_map
        labels = [found[place] for place in sorted(found)]
        whole = all(re.fullmatch(r"-?\d+", str(label)) for label in labels)
        self.classes_ = np.array([int(label) if whole else str(label) for label in labels])

    def fit(self):
        raise NotImplementedError

    def predict_proba(self, frame):
        return self.inner.ask(frame)

    def predict(self, frame):
        return [self.classes_[at] for at in np.argmax(self.predict_proba(frame), axis=1)]


class TwoClasses(Classes):
    """A multinomial model of two classes."""


def with_classes(made):
    if made.task != "multiclass":
        return Binary(made) if made.task == "binary" else made
    return TwoClasses(made) if len(made.model._ynames_map) == 2 else Classes(made)


LEVEL = re.compile(r"^(?:C\((?P<coded>.+?)(?:,\s*(?:contr\.)?(?:Treatment|treatment)\(.*\))?\)|(?P<plain>[^\[\]()]+))\[(?P<level>.*)\]$", re.S)
CALL = re.compile(r"^np\.(\w+)\((.+)\)$")
QUOTED = re.compile(r"^Q\(([\"'])(.+)\1\)$")


class Column:
    """A column of the design matrix: a product of numbers of the data, functions of them, and indicators of categories."""

    def __init__(self, regression, name):
        self.name = name
        self.factors = [("number", name)]
        if regression.formula:
            frame = regression.model.data.frame
            self.factors = [self.factor(text, frame) for text in split(name)]

    def factor(self, text, frame):
        quoted = QUOTED.match(text)
        if quoted or text in frame:
            return ("number", quoted.group(2) if quoted else text)
        level, call = LEVEL.match(text), CALL.match(text)
        if level:
            name = (level["coded"] or level["plain"]).strip()
            if name in frame:
                values = [v for v in dict.fromkeys(frame[name].tolist()) if not is_missing(v)]
                require(not any(isinstance(v, bool) for v in values),
                        f"the column {name} holds booleans; make them numbers (astype(int)) and fit again")
                known = {str(v) for v in values}
                found = [text for text in dict.fromkeys((level["level"], level["level"].removeprefix("T."))) if text in known]
                require(len(found) < 2, f"the categories {' and '.join(map(repr, found))} of {name} have the same names of columns; "
                        "rename one and fit again")
                require(found, f"the column {text} is of no category of {name} in the data of the result; use treatment coding, "
                        "as in C(name)")
                return ("level", name, values, found[0])
        if call and call.group(2).strip() in frame and getattr(np, call.group(1), None) in FUNCTIONS:
            return ("function", call.group(2).strip(), call.group(1))
        require(False, f"the column {self.name!r} of the formula cannot be exported; compute it before fit() and give the formula "
                "its name")

    def reads(self):
        return [factor[1] for factor in self.factors]

    def key(self, program, block):
        """The column as a step makes it."""
        keys = [self.key_of(program, block, factor) for factor in self.factors]
        made = keys[0]
        for other in keys[1:]:
            made = program.emit("multiply", [made], 1, by=[other])[0].key
        return made

    def key_of(self, program, block, factor):
        column = block[factor[1]]
        program.facts[factor[1]].setdefault("missing", False)
        if factor[0] == "number":
            return program.number(column)
        if factor[0] == "function":
            if factor[2].startswith("log") or factor[2] == "sqrt":
                program.facts[factor[1]]["low"] = 0.0 if factor[2] != "log1p" else -1.0
            return program.each("function", Block([column]), name=FUNCTIONS[getattr(np, factor[2])]).columns[0].key
        _, name, values, level = factor
        ones = [float(str(v) == level) for v in values]
        facts = program.facts[name]
        facts["listed"] = True
        if all(isinstance(v, str) for v in values):
            program.input_is(name, "text")
            facts["keys"].update(values)
            key = ("t", name)
        else:
            require(not any(isinstance(v, str) for v in values), f"the column {name} mixes texts and numbers; make all of them texts")
            key, values = program.number(column), [float(v) for v in values]
            facts["edges"].update(values)
        return program.emit("lookup", [key], 1, keys=said_keys(values), values=ones)[0].key


def split(name):
    """The factors of a product, which colons separate outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in name:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == ":" and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def linear(program, model, block):
    """The linear predictors."""
    program.kind = "statsmodels"
    inputs = dict(zip(model.feature_names_in_, block.columns))
    for column in inputs.values():
        require(isinstance(column, Input), "a model of statsmodels is exported alone, not inside a pipeline")
    keys, coefficients, intercept = [], [], np.zeros(model.params.shape[1])
    for column, row in zip(model.columns, model.params):
        if column is None:
            intercept = row * model.value_of_constant
        else:
            keys.append(column.key(program, inputs))
            coefficients.append(row)
    ones = np.ones(model.params.shape[1])
    if model.offset is not None:
        keys.append(program.number(inputs[model.offset]))
        coefficients.append(ones)
    if model.exposure is not None:
        program.facts[model.exposure]["low"] = 0.0
        keys.append(program.each("function", Block([inputs[model.exposure]]), name="log").columns[0].key)
        coefficients.append(ones)
    return program.emit("linear", keys, len(intercept), coefficients=plain(np.array(coefficients).T), intercept=plain(intercept))


def chain(program, columns, *steps):
    """Steps of one column after another."""
    for op, members in steps:
        columns = program.each(op, Block(columns), **members).columns
    return columns


def function(name):
    return ("function", {"name": name})


ONE_MINUS = ("rescale", {"scale": -1.0, "offset": 1.0})


def inverse(program, link, margins):
    """The mean of the linear predictor, operation by operation as the link computes it."""
    name = link if isinstance(link, str) else next((base.__name__ for base in type(link).__mro__ if base.__name__ in LINKS), type(link).__name__)
    if name in ("Power", "InversePower", "Sqrt", "InverseSquared", "Identity"):
        power = float(link.power)
        return margins if power == 1 else chain(program, margins, ("power", {"exponent": 1.0 / power}))
    if name == "CDFLink":
        name = {"norm_gen": "Probit", "cauchy_gen": "Cauchy"}.get(type(link.dbn).__name__, f"CDFLink of {type(link.dbn).__name__}")
    if name in ("Logit", "logit"):
        return chain(program, margins, ("sigmoid", {}))
    if name in ("Log", "log"):
        return chain(program, margins, function("exp"))
    if name in ("Probit", "probit"):
        return chain(program, margins, function("normal_cdf"))
    if name == "Cauchy":
        return chain(program, margins, function("cauchy_cdf"))
    if name == "CLogLog":
        return chain(program, margins, function("exp"), function("negative"), function("exp"), ONE_MINUS)
    if name == "LogLog":
        return chain(program, margins, function("negative"), function("exp"), function("negative"), function("exp"))
    if name == "LogC":
        return chain(program, margins, function("exp"), ONE_MINUS)
    if name == "NegativeBinomial":
        return chain(program, margins, function("negative"), function("exp"), ONE_MINUS,
                     ("rescale", {"scale": float(link.alpha), "offset": 0.0}), function("reciprocal"), function("negative"))
    program.refuse(f"the link {name} cannot be exported; docs/reference/exportable-models.md lists the links that can")


LINKS = ("Logit", "Power", "Log", "LogC", "CDFLink", "Probit", "Cauchy", "CLogLog", "LogLog", "NegativeBinomial")


@classifier("Binary")
def binary(program, model, block):
    margins = linear(program, model.inner, block)
    (probability,) = inverse(program, model.inner.link, margins)
    return Outcome(probability, margins[0])


def shares(program, margins):
    keys = [column.key for column in chain(program, margins, function("exp"))]
    return program.emit("sum_to_one", keys, len(keys))


@classifier("TwoClasses")
def two_classes(program, model, block):
    first, second = shares(program, linear(program, model.inner, block))
    return Outcome(second, first=first)


@other_task("Classes")
def classes(program, model, block):
    margins = linear(program, model.inner, block)
    return Outputs("multiclass", shares(program, margins), margins)


@other_task("Regression")
def regression(program, model, block):
    margins = linear(program, model, block)
    if model.link is None:
        return Outputs(model.task, margins, names=model.levels)
    made = inverse(program, model.link, margins)
    return Outputs("regression", made, None if made is margins else margins)


__all__ = ["drift_baseline", "export"]
