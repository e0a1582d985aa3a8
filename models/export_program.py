# SPDX-License-Identifier: MIT
"""The steps of a model file of kind "pipeline" (docs/reference/model-file.md): columns go in, each transformer of scikit-learn
appends steps and gives columns. One function a class; @transformer registers it."""

import itertools
import warnings

import numpy as np
import pandas as pd


class NotExportable(ValueError):
    """The pipeline has something that the model format does not say."""


def require(condition, sentence):
    if not condition:
        raise NotExportable(sentence)


def is_nan(value):
    return isinstance(value, (float, np.floating)) and value != value


def is_missing(value):
    return value is None or value is pd.NA or value is pd.NaT or is_nan(value)


# An absent text of C++ is both None and NaN.
KEPT_MISSING = ("the SimpleImputer fills one kind of missing texts (None or NaN) and leaves the other, which the encoder took "
                "for a category; use fillna(np.nan) or SimpleImputer(missing_values=None), and fit again")


class Number:
    """A column of numbers: an input (by its name) or what a step made (by its place). A sparse matrix leaves out the rows
    where `zero` (a key; None: the column itself) is 0; "unknown": a step has its own way."""

    def __init__(self, key, zero=None):
        self.key = key
        self.zero = zero


class Input:
    """A column of the data, a number or a text: the first step that reads it decides."""

    def __init__(self, name):
        self.name = name


class Text:
    """A column of texts, some of which count as others; None is an absent one."""

    def __init__(self, name, becomes=None):
        self.name = name
        self.becomes = becomes or {}


class Block:
    """Columns side by side, which NumPy holds as numbers of a dtype. XGBoost takes what a sparse matrix leaves out for
    missing values; `sparse` is "csc" for one that is kept by columns."""

    def __init__(self, columns, sparse=False, dtype=np.float64):
        self.columns = columns
        self.sparse = sparse
        self.dtype = np.dtype(dtype)

    def take(self, places):
        return Block([self.columns[i] for i in places], self.sparse, self.dtype)

    def __len__(self):
        return len(self.columns)


class Program:
    """Collects steps; `where` names the step of the pipeline that is being read, for errors."""

    def __init__(self, names):
        self.names = list(names)
        self.kinds = {}  # of the inputs that are read: "number" or "text"
        self.facts = {name: {"edges": set(), "keys": set(), "marker": np.nan} for name in self.names}
        self.source = {}  # key of a number: the key that it is made of, and what undoes the step
        self.order = None  # of the numbers in the file, where the caller gives it: some may be read by nothing
        self.categories = None  # of inputs, where the caller gives them
        self.kind = None  # of the trainer, when it is not scikit-learn
        self.steps = []
        self.width = 0
        self.where = []
        self.finite = {}  # key: whether NaN is allowed, where infinities are refused already
        self.sums = set()  # keys of projections, and of numbers made of them: their last bits are not the trainer's
        self.dropped = []  # names of inputs that a selection refuses when they are missing, and drops

    def refuse(self, sentence):
        place = ".".join(self.where)
        raise NotExportable(f"{place}: {sentence}" if place else sentence)

    def input_is(self, name, kind):
        known = self.kinds.setdefault(name, kind)
        if known != kind:
            self.refuse(f"the column {name} is read as a number and as a text; give the model two columns")

    def number(self, column):
        if isinstance(column, Input):
            self.input_is(column.name, "number")
            return ("n", column.name)
        if isinstance(column, Text):
            self.refuse(f"the column {column.name} holds texts, which this step cannot take; encode them first")
        return column.key

    def numbers(self, block):
        return [self.number(column) for column in block.columns]

    def emit(self, op, keys, width, /, **members):
        """Appends a step and gives its columns."""
        self.steps.append({"op": op, "in": list(keys), **members} if keys is not None else {"op": op, **members})
        first = self.width
        self.width += width
        made = [("s", first + i) for i in range(width)]
        if keys and op not in STEPPED and not self.sums.isdisjoint(keys):
            self.sums.update(made)
        return [Number(key) for key in made]

    def check_borders(self, block, thing):
        """Whether a row is above a training row's own value is a matter of its last bits."""
        if not self.sums.isdisjoint(self.numbers(block)):
            self.refuse(f"{thing} compares with values of training rows, where the last bits of a PCA's or TruncatedSVD's sums decide, "
                        "which depend on the CPU; leave that step out, or use another model")

    def each(self, op, block, /, **members):
        """A step of one column for each column."""
        keys = self.numbers(block)
        if not keys:
            return block
        columns = self.emit(op, keys, len(keys), **{k: plain(v) for k, v in members.items()})
        keep_zeros(block, keys, columns)
        for i, (key, column) in enumerate(zip(keys, columns)):
            own = {k: v[i] if np.ndim(v) else v for k, v in members.items()} if op in UNDONE else {}
            self.source[column.key] = (key, undo(op, own), op == "function" and own["name"] not in ROUNDED)
        return Block(columns, block.sparse)

    def check_double(self, block, made_whole=False):
        """The trainer computes in the precision of the columns, a NumPy function in that of whole numbers, too."""
        if block.dtype == np.float64 or (block.dtype.kind != "f" and not made_whole):
            return
        self.refuse(f"it computes in {block.dtype.name}, as an earlier step gives it; leave that step's dtype= at float64 (a stacking's "
                    "passthrough= at True) and fit again")

    def check_finite(self, block, missing):
        """The trainer refuses infinities here, and NaN unless `missing`."""
        keys = [key for key in self.numbers(block) if key not in self.finite or (not missing and self.finite[key])]
        keys = list(dict.fromkeys(keys))
        for key in keys:
            self.finite[key] = missing
        if keys:
            self.emit("require_finite", keys, 0, missing=missing)

    def document(self, **results):
        """The member "model", and the names of the numeric and of the text features."""
        numeric = [name for name in self.names if self.kinds.get(name) == "number"]
        text = [name for name in self.names if self.kinds.get(name) == "text"]
        if self.order is not None:
            absent = [name for name in numeric if name not in self.order]
            if absent:
                self.refuse(f"numbers= leaves out {absent[:1]}, which the model reads")
            twice = [name for name in self.order if name in text or self.order.count(name) > 1]
            if twice:
                self.refuse(f"numbers= has {twice[:1]} twice, or it is a text of the model")
            numeric = list(self.order)
        place = {("n", name): i for i, name in enumerate(numeric)}
        place.update({("t", name): len(numeric) + i for i, name in enumerate(text)})
        first = len(numeric) + len(text)

        def column(key):
            return first + key[1] if key[0] == "s" else place[key]

        steps = []
        for step in self.steps:
            step = dict(step)
            for member in ("in", "by"):
                if member in step:
                    step[member] = [column(key) for key in step[member]]
            steps.append(step)
        places = {name: [column(k) for k in key] if isinstance(key, list) else column(key) for name, key in results.items()}
        return {"steps": steps, **places}, numeric, text


# Steps that give few different numbers.
STEPPED = {"trees", "bins", "binarize", "one_hot", "lookup", "missing", "require_finite"}
# Functions whose results NumPy rounds correctly on every CPU. With AVX-512 it has its own code for the others, whose last bits
# are not those of the C library.
ROUNDED = {"sqrt", "square", "abs", "sign", "negative", "reciprocal", "floor", "ceil", "rint"}


def keep_zeros(block, keys, columns):
    """A step on the values of a sparse matrix leaves out the same rows, and keeps zeros that it makes."""
    if block.sparse:
        for before, key, after in zip(block.columns, keys, columns):
            after.zero = getattr(before, "zero", None) or key


UNDONE = ("standardize", "rescale", "function")


def undo(op, members):
    """What takes a step's result about back to where it came from: only checks use it."""
    if op == "standardize":
        return lambda x: x * members["scale"] + members["mean"]
    if op == "rescale":
        return lambda x: (x - members["offset"]) / members["scale"] if members["scale"] else x
    if op == "function":
        inverse = {"log": np.exp, "log1p": np.expm1, "log10": lambda x: 10.0**x, "log2": np.exp2, "sqrt": np.square,
                   "exp": lambda x: np.log(x) if x > 0 else x, "square": lambda x: np.sqrt(abs(x)), "cbrt": lambda x: x**3,
                   "negative": np.negative, "reciprocal": lambda x: 1 / x if x else x}
        return inverse.get(members["name"], lambda x: x)
    return lambda x: x


def said(number):
    """A number as JSON says it."""
    number = float(number)
    if number != number:
        return None
    if number in (np.inf, -np.inf):
        return "inf" if number > 0 else "-inf"
    return number


def plain(value, count=None):
    """A parameter: text, boolean, number, or a list of numbers (one number where all are the same)."""
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) if isinstance(v, (list, tuple, np.ndarray)) else said(v) for v in value]
    return said(value)


def quietly(call, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments)


TRANSFORMERS = {}


def transformer(*names):
    def register(function):
        TRANSFORMERS.update(dict.fromkeys(names, function))
        return function

    return register


# Libraries, and the exporters that stand in for one.
KNOWN = ("sklearn", "xgboost", "lightgbm", "imblearn", "interpret", "optbinning", "export_additive", "export_statsmodels")
COMPUTES = {"transform", "predict_proba", "decision_function"}


def class_of(thing):
    """The name under which a class is registered: that of its own or of a base class, of a library that is known (of
    scikit-learn, where imblearn's only fits in another way). A class that computes in a way of its own has a name that is not
    registered."""
    for base in type(thing).__mro__:
        library, computes = base.__module__.split(".")[0], COMPUTES & vars(base).keys()
        if library in KNOWN and (computes or library != "imblearn"):
            return base.__name__
        if computes:
            break
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def shown_class(thing):
    """The class of a step for a person, with the function that makes it another than its base class."""
    name, found = type(thing).__name__, set()
    for base in type(thing).__mro__:
        if base.__module__.split(".")[0] == "sklearn":
            return f"{name} with a {min(found)}() of its own" if found else name
        found |= COMPUTES & vars(base).keys()
    return name


def unwrap(step):
    """FrozenEstimator and the searches hold the estimator that they use."""
    while True:
        if class_of(step) == "FrozenEstimator":
            step = step.estimator
        elif hasattr(step, "best_estimator_"):
            step = step.best_estimator_
        else:
            return step


# Steps that compute with no number of their input, or whose own steps do.
COPIES = {"Pipeline", "ColumnTransformer", "FeatureUnion", "SimpleImputer", "MissingIndicator", "OneHotEncoder",
          "OrdinalEncoder", "TargetEncoder"}


def apply(program, name, step, block):
    """What a fitted transformer makes of the columns."""
    if step is None or isinstance(step, str):
        return Block([], block.sparse) if step == "drop" else block
    step = unwrap(step)
    program.where.append(name)
    if hasattr(step, "fit_resample") and not hasattr(step, "transform"):  # imblearn's samplers work in fit alone
        out = block
    else:
        function = TRANSFORMERS.get(class_of(step))
        if function is None and hasattr(step, "get_support"):
            function = select
        if function is None:
            program.refuse(f"a {shown_class(step)} cannot be exported (docs/reference/exportable-models.md lists what can); leave it "
                           "out, or compute its columns in C++ and export the rest")
        require_fitted(program, step)
        count = getattr(step, "n_features_in_", len(block))
        if count != len(block):
            program.refuse(f"the {type(step).__name__} was fitted on {count} columns and gets {len(block)}")
        if class_of(step) not in COPIES and function is not select:
            program.check_double(block, class_of(step) == "FunctionTransformer" and step.func is not None)
        out = function(program, step, block)
        if class_of(step) in ("StandardScaler", "Normalizer") or function is select:
            out.sparse = bool(out.sparse)  # they keep it by rows
        if getattr(step, "_sklearn_output_config", {}).get("transform") in ("pandas", "polars"):
            out = Block(out.columns, dtype=out.dtype)
    program.where.pop()
    return out


def require_fitted(program, step):
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if class_of(step) in ("FunctionTransformer", "Normalizer", "Binarizer", "Pipeline", "FeatureUnion"):
        return
    if type(step).__module__.startswith("export_"):
        return
    if type(getattr(step, "_is_fitted", None)) is bool:  # OptBinning
        return None if step._is_fitted else program.refuse(f"the {type(step).__name__} is not fitted; call fit() before export()")
    try:
        check_is_fitted(step)
    except NotFittedError:
        program.refuse(f"the {type(step).__name__} is not fitted; call fit() before export()")
    except TypeError:
        pass


# Transformers of transformers.


@transformer("Pipeline")
def pipeline(program, step, block):
    for name, part in step.steps:
        block = apply(program, name, part, block)
    return block


@transformer("FeatureUnion")
def feature_union(program, step, block):
    weights = step.transformer_weights or {}
    parts = []
    for name, part in step.transformer_list:
        if isinstance(part, str) and part == "drop":
            continue
        parts.append(weighted(program, apply(program, name, part, block), weights.get(name)))
    return beside(parts, any(part.sparse for part in parts))


def beside(parts, sparse):
    """The columns of several blocks."""
    columns = [c if part.sparse and sparse or not isinstance(c, Number) else Number(c.key) for part in parts for c in part.columns]
    return Block(columns, sparse, np.result_type(*[part.dtype for part in parts]) if parts else np.float64)


def weighted(program, block, weight):
    if weight is None:
        return block
    program.check_double(block)
    return program.each("rescale", block, scale=weight, offset=0.0)


def chosen_places(program, step, chosen):
    """The columns that a ColumnTransformer gives to one of its transformers."""
    names = list(getattr(step, "feature_names_in_", []))
    everything = list(range(step.n_features_in_))
    if isinstance(chosen, str):
        program.refuse(f"the columns are a single name; give a list, as in [{chosen!r}]")
    if isinstance(chosen, slice):
        def end(bound, after):
            return names.index(bound) + after if isinstance(bound, str) else bound

        return everything[slice(end(chosen.start, 0), end(chosen.stop, 1), chosen.step)]
    chosen = list(chosen)
    if chosen and all(isinstance(c, (bool, np.bool_)) for c in chosen):
        return [i for i, wanted in enumerate(chosen) if wanted]
    return [names.index(c) if isinstance(c, str) else everything[int(c)] for c in chosen]


@transformer("ColumnTransformer")
def column_transformer(program, step, block):
    weights = step.transformer_weights or {}
    parts = []
    for name, part, chosen in step.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        program.where.append(name)
        places = chosen_places(program, step, chosen)
        program.where.pop()
        if not places:
            continue
        parts.append(weighted(program, apply(program, name, part, block.take(places)), weights.get(name)))
    return beside(parts, bool(getattr(step, "sparse_output_", False)))


def select(program, step, block):
    kept = step.get_support(indices=True).tolist()
    if refuses_missing(step):  # also in what it drops, where that is read at all
        read = [c for i, c in enumerate(block.columns) if i in kept or not isinstance(c, Input) or program.kinds.get(c.name)]
        program.dropped += [c.name for c in block.columns if c not in read]
        program.check_finite(Block(read), missing=False)
    return block.take(kept)


def refuses_missing(step):
    """Whether a selection of columns refuses a missing value, and an infinity with it."""
    probe = np.zeros((1, step.n_features_in_))
    probe[0, 0] = np.nan
    try:
        quietly(step.transform, probe)
    except ValueError:
        return True
    return False


# Numbers.


def standardized(program, block, mean, scale):
    program.check_finite(block, missing=True)
    note(program, block, np.broadcast_to(mean, len(block)), np.broadcast_to(scale, len(block)))
    return scaled(program, block, mean, scale)


def scaled(program, block, mean, scale):
    """(x - mean) / scale; the values of a sparse matrix, which has no mean, are multiplied by 1 / scale."""
    if block.sparse:
        return program.each("rescale", block, scale=1.0 / np.asarray(scale, dtype=float), offset=0.0)
    return program.each("standardize", block, mean=mean, scale=scale)


@transformer("StandardScaler")
def standard_scaler(program, step, block):
    return standardized(program, block, step.mean_ if step.with_mean else 0.0, step.scale_ if step.with_std else 1.0)


@transformer("RobustScaler")
def robust_scaler(program, step, block):
    center = step.center_ if step.with_centering else 0.0
    return standardized(program, block, center, step.scale_ if step.with_scaling else 1.0)


@transformer("MaxAbsScaler")
def max_abs_scaler(program, step, block):
    program.check_finite(block, missing=True)
    note(program, block, step.max_abs_ * 0, step.max_abs_)
    out = scaled(program, block, 0.0, step.scale_)
    return program.each("clip", out, low=-1.0, high=1.0) if getattr(step, "clip", False) else out


@transformer("MinMaxScaler")
def min_max_scaler(program, step, block):
    program.check_finite(block, missing=True)
    note(program, block, (step.data_min_ + step.data_max_) / 2, step.data_range_ / 2)
    out = program.each("rescale", block, scale=step.scale_, offset=step.min_)
    low, high = step.feature_range
    return program.each("clip", out, low=float(low), high=float(high)) if step.clip else out


def note(program, block, centers, spreads):
    """For checks: where an input's values lie."""
    for column, center, spread in zip(block.columns, centers, spreads):
        if isinstance(column, Input) and np.isfinite(center) and np.isfinite(spread):
            program.facts[column.name]["edges"].update(float(center + k * spread) for k in (-2, -1, -0.25, 0, 0.5, 1, 3))


def note_edges(program, column, edges):
    edges = [float(e) for e in edges]
    if isinstance(column, Text):
        return
    key = ("n", column.name) if isinstance(column, Input) else column.key
    varies = False
    with np.errstate(all="ignore"):
        while key in program.source:
            key, inverse, by_cpu = program.source[key]
            varies |= by_cpu
            edges = [float(inverse(e)) for e in edges]
    if key[0] == "n":
        facts = program.facts[key[1]]
        facts["edges"].update(e for e in edges if np.isfinite(e))
        facts["varies"] = facts.get("varies", False) or varies


@transformer("Normalizer")
def normalizer(program, step, block):
    program.check_finite(block, missing=False)
    keys = program.numbers(block)
    columns = program.emit("normalize", keys, len(keys), norm=step.norm)
    keep_zeros(block, keys, columns)
    return Block(columns, block.sparse)


@transformer("Binarizer")
def binarizer(program, step, block):
    program.check_finite(block, missing=False)
    for column in block.columns:
        note_edges(program, column, [step.threshold])
    made = program.each("binarize", block, threshold=float(step.threshold))
    return Block([Number(column.key) for column in made.columns], block.sparse)  # it leaves out the zeros that it makes


@transformer("KBinsDiscretizer")
def k_bins(program, step, block):
    if step.dtype is not None and np.dtype(step.dtype) != np.float64:
        program.refuse(f"dtype={np.dtype(step.dtype).name} bins other numbers than float64; fit it with dtype=None")
    program.check_finite(block, missing=False)
    program.check_borders(block, "a KBinsDiscretizer")
    out = []
    for column, edges, bins in zip(block.columns, step.bin_edges_, step.n_bins_):
        inner = [float(e) for e in edges[1:-1]]
        note_edges(program, column, edges)
        key = program.number(column)
        if inner:
            (place,) = program.emit("bins", [key], 1, edges=[inner])
        else:
            (place,) = program.emit("constant", None, 1, values=[0.0])
        if step.encode == "ordinal":
            out.append(place)
        else:
            every = list(range(int(bins)))
            out += program.emit("one_hot", [place.key], int(bins), keys=[float(b) for b in every], columns=every,
                                width=int(bins), other=-1)
    return Block(out, step.encode == "onehot")


@transformer("PolynomialFeatures")
def polynomial(program, step, block):
    program.check_finite(block, missing=False)
    products = {}

    def product(powers):
        """Factor by factor, in scikit-learn's order."""
        if len(powers) == 1:
            return Number(program.number(block.columns[powers[0]]))
        if powers not in products:
            rest, factor = (powers[:-1], powers[-1]) if block.sparse else (powers[1:], powers[0])
            a, b = product(rest), block.columns[factor]
            (products[powers],) = program.emit("multiply", [a.key], 1, by=[program.number(b)])
        return products[powers]

    out = []
    for powers in step.powers_:
        factors = tuple(i for i, power in enumerate(powers) for _ in range(power))
        out += [product(factors)] if factors else program.emit("constant", None, 1, values=[1.0])
    return Block(out, block.sparse)


@transformer("PCA", "IncrementalPCA")
def principal_components(program, step, block):
    program.check_finite(block, missing=False)
    components, deviation = step.components_, np.sqrt(step.explained_variance_)
    spread = np.abs(components.T) @ deviation
    note(program, block, step.mean_, spread)
    # The last bits of the sums, as parts of what is left of them.
    lost = len(spread) * 2.0**-53 * (np.abs(components) @ (np.abs(step.mean_) + spread))
    if not np.all(lost < 1e-11 * deviation):
        program.refuse(f"the last digits of the {type(step).__name__}'s sums depend on the CPU, and here little else is left of them; put "
                       f"a StandardScaler before it, keep fewer components than {len(components)}, and fit again")
    late = hasattr(step, "_transform")  # scikit-learn 1.5 and later project the mean, too
    if late:
        out = project(program, block, components, -(np.reshape(step.mean_, (1, -1)) @ components.T)[0])
    else:
        out = project(program, program.each("standardize", Block(block.columns), mean=step.mean_, scale=1.0), components)
    if not step.whiten:
        return out
    return program.each("standardize", out, mean=0.0, scale=np.maximum(deviation, np.finfo(float).eps) if late else deviation)


@transformer("TruncatedSVD")
def singular_vectors(program, step, block):
    program.check_finite(block, missing=False)
    noise = len(block) * 2.0**-53 * step.singular_values_.max()
    if not np.all(noise < 1e-11 * step.singular_values_):
        program.refuse(f"some of the TruncatedSVD's {len(step.components_)} components are nothing but rounding; keep fewer and fit again")
    return project(program, block, step.components_)


def project(program, block, components, intercept=0.0):
    """Sums of products, which BLAS adds in an order of its own, another one for a single row."""
    if components.dtype != np.float64:
        program.refuse(f"it was fitted on {components.dtype.name}, in which it computes; astype(float) before fit()")
    columns = program.emit("linear", program.numbers(block), len(components), coefficients=plain(components),
                           intercept=plain(np.broadcast_to(intercept, len(components))))
    program.sums.update(column.key for column in columns)
    return Block(columns)


@transformer("PowerTransformer")
def power(program, step, block):
    program.check_finite(block, missing=True)
    op = "yeo_johnson" if step.method == "yeo-johnson" else "box_cox"
    if op == "box_cox":
        for column in block.columns:
            if isinstance(column, Input):
                program.facts[column.name]["low"] = 0.0
    if op == "yeo_johnson":
        out = Block(program.emit(op, program.numbers(block), len(block), **{"lambda": plain(step.lambdas_)}, form=power_form()))
    else:
        out = program.each(op, block, **{"lambda": step.lambdas_})
    if not step.standardize:
        return out
    return program.each("standardize", out, mean=step._scaler.mean_, scale=step._scaler.scale_)


def power_form():
    """How this scikit-learn computes Yeo-Johnson's powers: itself, or by scipy, whose newer versions use expm1."""
    import inspect

    from sklearn.preprocessing import PowerTransformer

    own = getattr(PowerTransformer, "_yeo_johnson_transform", None)
    if own is not None and "np.power" in inspect.getsource(own):
        return "power"
    from scipy.stats import _morestats

    return "expm1" if "expm1" in inspect.getsource(_morestats._yeojohnson_transform) else "power"


@transformer("QuantileTransformer")
def quantile(program, step, block):
    if block.sparse:
        program.refuse("a QuantileTransformer leaves the zeros of a sparse matrix as they are; give the ColumnTransformer "
                       "sparse_threshold=0, or the encoder sparse_output=False, and fit again")
    program.check_finite(block, missing=True)
    for column, values in zip(block.columns, step.quantiles_.T):
        note_edges(program, column, values[:: max(1, len(values) // 8)])
    return program.each("quantile", block, quantiles=step.quantiles_.T.tolist(), references=step.references_,
                        output=step.output_distribution)


FUNCTIONS = {
    getattr(np, name): name
    for name in "log log2 log10 log1p exp expm1 sqrt cbrt square abs sign negative reciprocal sin cos tan arcsin arccos "
    "arctan sinh cosh tanh floor ceil rint".split()
}
FUNCTIONS[np.fabs] = "abs"


@transformer("FunctionTransformer")
def function(program, step, block):
    func, options = step.func, dict(step.kw_args or {})
    if func is None:
        return block
    if step.validate:
        program.check_finite(block, missing=False)
    name = getattr(func, "__name__", type(func).__name__)
    known = isinstance(func, np.ufunc) and func in FUNCTIONS
    if known and not options:
        if name in ("exp", "expm1", "sinh", "cosh", "square"):
            for column in block.columns:
                if isinstance(column, Input):
                    program.facts[column.name]["high"] = 600.0
        if name.startswith("log") or name == "sqrt":
            for column in block.columns:
                if isinstance(column, Input):
                    program.facts[column.name]["low"] = 0.0 if name != "log1p" else -1.0
        return program.each("function", block, name=FUNCTIONS[func])
    if func is np.clip and set(options) <= {"a_min", "a_max", "min", "max"}:
        low = options.get("a_min", options.get("min"))
        high = options.get("a_max", options.get("max"))
        if np.ndim(low) == 0 and np.ndim(high) == 0:
            return program.each("clip", block, low=-np.inf if low is None else low, high=np.inf if high is None else high)
    if func is np.round and set(options) <= {"decimals"}:
        power = 10.0 ** abs(int(options.get("decimals", 0)))
        near, back = ("rescale", "standardize") if options.get("decimals", 0) > 0 else ("standardize", "rescale")
        parts = {"rescale": {"scale": power, "offset": 0.0}, "standardize": {"mean": 0.0, "scale": power}}
        rounded = program.each("function", program.each(near, block, **parts[near]), name="rint")
        return program.each(back, rounded, **parts[back])
    if func is np.nan_to_num and set(options) <= {"nan", "posinf", "neginf", "copy"}:
        largest = np.finfo(float).max
        out = program.each("replace", block, **{"from": np.nan, "to": options.get("nan", 0.0)})
        for value, key, default in ((np.inf, "posinf", largest), (-np.inf, "neginf", -largest)):
            to = options.get(key)
            out = program.each("replace", out, **{"from": value, "to": default if to is None else to})
        return out
    if func.__class__.__name__ == "ufunc" and name == "expit" and not options:
        return program.each("sigmoid", block)
    program.refuse(f"FunctionTransformer of {name} cannot be exported; use a NumPy function of docs/reference/exportable-models.md, or "
                   "compute its columns in C++ and export the steps after it")


@transformer("SimpleImputer")
def simple_imputer(program, step, block):
    out = []
    sentinel = step.missing_values
    absent = is_missing(sentinel)
    if not absent and not isinstance(sentinel, str):
        program.check_finite(Block([c for c in block.columns if not isinstance(c, Text)]), missing=False)
    for column, filled in zip(block.columns, step.statistics_):
        if is_missing(filled):
            if step.strategy != "constant" or drops_constants():
                continue  # every training value was missing: the column is left out
            filled = np.nan
        is_text = isinstance(filled, str) or isinstance(column, Text)
        if is_text and not isinstance(filled, str):
            program.refuse(f"the column {column.name} holds texts and is filled with a number; fill it with a text")
        if is_text:
            text = as_text(program, column)
            if absent:
                program.facts[text.name]["marker"] = None if sentinel is None else np.nan
            becomes = {key: filled if value == sentinel else value for key, value in text.becomes.items()}
            becomes.setdefault(None if absent else sentinel, filled)
            program.facts[text.name]["keys"].update([None if absent else sentinel, filled])
            if not absent and None not in text.becomes:  # a missing text is refused
                (there,) = program.emit("lookup", [("t", text.name)], 1, keys=[None], values=[None], other=0.0)
                program.check_finite(Block([there]), missing=False)
            out.append(Text(text.name, becomes))
        else:
            note_edges(program, column, [filled] if absent else [filled, sentinel])
            if isinstance(column, Input) and absent:
                program.facts[column.name]["missing"] = True
            if is_nan(sentinel) and step._fit_dtype.kind in "fiub":
                program.check_finite(Block([column]), missing=True)
            value = np.nan if absent else sentinel
            out += program.each("replace", Block([column], block.sparse), **{"from": value, "to": float(filled)}).columns
    if step.add_indicator:
        out += indicators(program, step.indicator_, block).columns
    return Block(out, block.sparse and "csc", block.dtype)


def drops_constants():
    """Whether this scikit-learn leaves out a column without values even where a constant would fill it."""
    import inspect

    from sklearn.impute import SimpleImputer

    return 'self.strategy == "constant" or' not in inspect.getsource(SimpleImputer.transform)


@transformer("MissingIndicator")
def missing_indicator(program, step, block):
    if step.features == "missing-only" and step.error_on_new and is_nan(step.missing_values):
        others = [c for i, c in enumerate(block.columns) if i not in set(step.features_.tolist())]
        program.check_finite(Block([c for c in others if not isinstance(c, Text)]), missing=False)
    sparse = block.sparse if step.sparse == "auto" else bool(step.sparse)
    return Block(indicators(program, step, block).columns, sparse)


def indicators(program, step, block):
    out = []
    absent = is_missing(step.missing_values)
    for place in step.features_.tolist():
        column = block.columns[place]
        texts = isinstance(column, Text) or isinstance(step.missing_values, str)
        if texts or (isinstance(column, Input) and program.kinds.get(column.name) == "text"):
            text = as_text(program, column)
            key = None if absent else step.missing_values
            out += program.emit("lookup", [("t", text.name)], 1, keys=[key], values=[1.0], other=0.0)
        else:
            value = None if absent else said(step.missing_values)
            out += program.emit("missing", [program.number(column)], 1, value=value)
    return Block(out)


# Categories.


def as_text(program, column):
    if isinstance(column, Input):
        program.input_is(column.name, "text")
        return Text(column.name)
    if not isinstance(column, Text):
        program.refuse("texts are expected where an earlier step gives numbers")
    return column


def key_kind(program, levels):
    levels = [level for level in levels if not is_missing(level)]
    if all(isinstance(level, str) for level in levels) and levels:
        return "text"
    if all(isinstance(level, (bool, int, float, np.bool_, np.integer, np.floating)) for level in levels):
        big = next((v for v in levels if isinstance(v, (int, np.integer)) and abs(int(v)) > 2**53), None)
        if big is not None:
            program.refuse(f"the category {big} is a whole number beyond 2^53, where the record's doubles hold only some; make "
                           "the column texts before fit()")
        return "number"
    odd = next((v for v in levels if not isinstance(v, str)), None)
    program.refuse(f"the category {odd!r} is neither a text nor a number, or texts and numbers are mixed; make all of "
                   "them texts before fit()")


def encoded_keys(program, step, block, place):
    """Each key of a column with the row that the fitted encoder makes of it: keys, rows, the row of an unlisted key (None:
    the encoder refuses it), and the kind of the keys. The encoder itself is asked, so every option is right."""
    levels = list(step.categories_[place])
    missing = [level for level in levels if is_missing(level)]
    if len(missing) > 1:
        program.refuse("None and NaN are both categories; use one of them for missing values")
    keys = [level for level in levels if not is_missing(level)]
    column = block.columns[place]
    kind = "text" if isinstance(column, Text) else "number" if isinstance(column, Number) else key_kind(program, levels)
    if kind == "text":
        marker = missing[0] if missing else program.facts[column.name]["marker"]
        unknown = "not seen in training"
        while unknown in keys:
            unknown += "!"
    else:
        keys = [float(key) for key in keys]
        marker = np.nan
        unknown = next(v for v in itertools.count(0.5) if v not in keys)
    asked = [*keys, marker, unknown]

    def ask(values):
        rows = {}
        names = list(getattr(step, "feature_names_in_", range(len(block))))
        for i, name in enumerate(names):
            others = step.categories_[i]
            first = others[0] if len(others) else np.nan
            rows[name] = values if i == place else [first] * len(values)
        kinds = [c.dtype if c.dtype.kind in "fiub" else object for c in map(np.asarray, step.categories_)]
        kinds = [object if d == object or kind == "text" and i == place else float for i, d in enumerate(kinds)]
        frame = pd.DataFrame({name: pd.Series(v, dtype=d) for (name, v), d in zip(rows.items(), kinds)})
        made = quietly(step.transform, frame if hasattr(step, "feature_names_in_") else as_array(frame))
        if hasattr(made, "toarray"):
            made = made.toarray()
        return np.asarray(made, dtype=float)

    rows = list(ask(keys)) if keys else []
    ends = []
    for value in asked[len(keys):]:
        try:
            ends.append(ask([value])[0])
        except ValueError:  # an unlisted category, or a missing value
            ends.append(None)
    of_missing, of_unknown = ends
    return kind, keys, rows, of_missing, of_unknown


def as_array(frame):
    kinds = {str(t) for t in frame.dtypes}
    return frame.to_numpy(dtype=float if kinds == {"float64"} else object)


def key_table(program, step, block, place):
    """Like encoded_keys, of the texts or numbers that are in the data."""
    kind, keys, rows, of_missing, of_unknown = encoded_keys(program, step, block, place)
    column = block.columns[place]
    table = dict(zip(keys, rows))
    if kind == "number":
        if isinstance(column, Input):
            program.facts[column.name]["object"] = np.asarray(step.categories_[place]).dtype == object
            program.facts[column.name]["edges"].update(keys[:32])
            program.facts[column.name]["missing"] = of_missing is not None
            program.facts[column.name]["listed"] = of_unknown is None
        if of_unknown is not None and np.asarray(step.categories_[place]).dtype != object:
            program.check_finite(Block([column]), missing=True)  # an infinity is refused, not unknown
        if same(of_missing, of_unknown):
            return [program.number(column)], table, of_unknown
        if of_missing is not None:
            table[None] = of_missing
            return [program.number(column)], table, of_unknown
        # Missing is refused where unknown is not: an earlier check says so.
        program.check_finite(Block([column]), missing=False)
        return [program.number(column)], table, of_unknown
    text = as_text(program, column)
    facts = program.facts[text.name]
    facts["keys"].update(keys)
    levels = step.categories_[place]
    if any(is_missing(level) for level in levels):
        if None in text.becomes:
            program.refuse(KEPT_MISSING)
        facts["marker"] = next(level for level in levels if is_missing(level))
    if None not in text.becomes:
        facts["missing"] = of_missing is not None
    facts["listed"] = facts.get("listed", False) or of_unknown is None
    seen = {**table}
    for key, value in text.becomes.items():
        row = table.get(value, of_missing if value is None else of_unknown)
        if row is None:
            seen.pop(key, None)
        else:
            seen[key] = row
    if None not in text.becomes and of_missing is not None:
        seen[None] = of_missing
    return [("t", text.name)], seen, of_unknown


def same(a, b):
    if a is None or b is None:
        return a is b
    return bool(np.array_equal(a, b, equal_nan=True))


def said_keys(table):
    return [key if key is None or isinstance(key, str) else said(key) for key in table]


@transformer("OneHotEncoder")
def one_hot(program, step, block):
    out = []
    ends = np.cumsum([0, *one_hot_widths(step)])
    for place in range(len(block)):
        key, table, unknown = key_table(program, step, block, place)
        part = slice(int(ends[place]), int(ends[place + 1]))
        width = part.stop - part.start

        def column(row):
            hot = np.flatnonzero(row[part])
            return int(hot[0]) if len(hot) else -1

        if width:
            members = {"keys": said_keys(table), "columns": [column(row) for row in table.values()], "width": width}
            if unknown is not None:
                members["other"] = column(unknown)
            out += program.emit("one_hot", key, width, **members)
        elif unknown is None:  # no column, but unlisted keys are refused
            program.emit("lookup", key, 1, keys=said_keys(table), values=[0.0] * len(table))
    sparse = step.sparse_output if hasattr(step, "sparse_output") else step.sparse
    return Block(out, bool(sparse), step.dtype)


def one_hot_widths(step):
    if hasattr(step, "_n_features_outs"):
        return [int(n) for n in step._n_features_outs]
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    return [len(levels) - (drop is not None) for levels, drop in zip(step.categories_, dropped)]


@transformer("OrdinalEncoder", "TargetEncoder")
def table_encoder(program, step, block):
    out = []
    outputs = None
    for place in range(len(block)):
        key, table, unknown = key_table(program, step, block, place)
        some = next(iter(table.values()), unknown)
        if outputs is None:
            outputs = len(some) // len(block)
        for k in range(outputs):
            at = place * outputs + k
            members = {"keys": said_keys(table), "values": [said(row[at]) for row in table.values()]}
            if unknown is not None:
                members["other"] = said(unknown[at])
            out += program.emit("lookup", key, 1, **members)
    return Block(out, dtype=getattr(step, "dtype", np.float64))


@transformer("SplineTransformer")
def spline(program, step, block):
    require(step.degree >= 1, "SplineTransformer(degree=0) cannot be exported; use a KBinsDiscretizer")
    zeros = getattr(step, "handle_missing", "error") == "zeros"
    program.check_finite(block, missing=zeros)
    splines = step.bsplines_
    flat = [i for i, made in enumerate(splines) if not made.t[step.degree] < made.t[-1 - step.degree]]
    if flat:
        program.refuse(f"all knots of column {flat[0]} are the same number, as the training rows' are; leave that column out and fit again")
    for column, made in zip(block.columns, splines):
        note_edges(program, column, made.t[step.degree : -step.degree])
    keys = program.numbers(block)
    per = step.n_features_out_ // len(keys)
    members = {"knots": [plain(made.t) for made in splines], "degree": int(step.degree)}
    members.update(extrapolation=step.extrapolation, bias=bool(step.include_bias))
    if zeros:
        members["missing"] = "zeros"
    columns, sparse = program.emit("spline", keys, per * len(keys), **members), bool(getattr(step, "sparse_output", False))
    if sparse:  # which holds the zeros where a spline begins or ends
        columns = [Number(column.key, "unknown") for column in columns]
    return Block(columns, sparse)
