#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""write_ops.py OUT: what scikit-learn and NumPy make of numbers on the edges, step by step, for pipeline_ops.cpp.

Each case is a step of a model file of kind "pipeline", its inputs (columns) and the trainer's columns; "ulps" is how
many units in the last place the C library's functions may be from NumPy's. The committed files are those of
scikit-learn 1.2.1 and 1.9.0.
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn import preprocessing as pre
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

warnings.simplefilter("ignore")
np.seterr(all="ignore")
rng = np.random.default_rng(7)
nan, inf, tiny = np.nan, np.inf, 5e-324
modern = tuple(int(v) for v in sklearn.__version__.split(".")[:2]) >= (1, 7)


def number(x):
    x = float(x)
    return None if x != x else "inf" if x == inf else "-inf" if x == -inf else x


def numbers(a):
    return [number(x) for x in np.asarray(a, dtype=float).ravel()]


cases = []


def case(name, step, inputs, expected, ulps=0):
    """inputs and expected: lists of columns."""
    columns = [numbers(c) for c in inputs]
    cases.append({"name": name, "step": {**step, "in": list(range(len(columns)))} if "in" not in step else step,
                  "inputs": columns, "expected": [numbers(c) for c in expected], "ulps": ulps})


def around(*values):
    out = []
    for v in values:
        out += [np.nextafter(v, -inf), v, np.nextafter(v, inf)]
    return np.array(out)


def columns(a):
    a = a.toarray() if hasattr(a, "toarray") else np.asarray(a, dtype=float)
    return [a[:, j] for j in range(a.shape[1])]


train = np.column_stack([rng.normal(40, 12, 60).round(3), rng.exponential(3, 60).round(3), rng.integers(0, 5, 60).astype(float)])
edges = np.concatenate([around(0.0, 1.0, 2.0, 3.0, 4.0), [-0.0, tiny, -tiny, 1e-310, 1e308, -1e308, 0.1, 17.5, 39.9, 1e5]])
test = np.column_stack([np.concatenate([edges, rng.normal(40, 20, 15)]), np.concatenate([edges, rng.exponential(4, 15)]),
                        np.concatenate([edges, rng.integers(-1, 6, 15)])])
with_nan = np.vstack([test, [[nan, 1, 2], [1, nan, 3], [nan, nan, nan]]])
inputs, gaps = columns(test), columns(with_nan)

# Scalers.
s = pre.StandardScaler().fit(train)
case("StandardScaler", {"op": "standardize", "mean": numbers(s.mean_), "scale": numbers(s.scale_)}, gaps,
     columns(s.transform(with_nan)))
s = pre.RobustScaler().fit(train)
case("RobustScaler", {"op": "standardize", "mean": numbers(s.center_), "scale": numbers(s.scale_)}, gaps,
     columns(s.transform(with_nan)))
s = pre.MaxAbsScaler().fit(train)
case("MaxAbsScaler", {"op": "standardize", "mean": 0, "scale": numbers(s.scale_)}, gaps, columns(s.transform(with_nan)))
s = pre.MinMaxScaler((-1, 3)).fit(train)
case("MinMaxScaler", {"op": "rescale", "scale": numbers(s.scale_), "offset": numbers(s.min_)}, gaps,
     columns(s.transform(with_nan)))
case("clip", {"op": "clip", "low": [-1, 0, 1], "high": [3, 3.5, 1]}, gaps,
     [np.clip(c, lo, hi) for c, (lo, hi) in zip(gaps, [(-1, 3), (0, 3.5), (1, 1)])])
s = pre.Binarizer(threshold=2.0).fit(train)
case("Binarizer", {"op": "binarize", "threshold": 2.0}, inputs, columns(s.transform(test)))

# Functions of NumPy.
extreme = np.concatenate([gaps[0], [inf, -inf, 710.0, -745.2, 709.782712893384, 0.5, 1 / 3, 1e-5, -1e-5, 1e22, 0.5 + 2 ** -53, 2.5, -2.5, -0.5]])
for name, bound in {"log": 4, "log2": 4, "log10": 4, "log1p": 4, "exp": 4, "expm1": 4, "sqrt": 0, "cbrt": 4, "square": 0,
                    "abs": 0, "sign": 0, "negative": 0, "reciprocal": 0, "sin": 4, "cos": 4, "tan": 4, "arcsin": 4,
                    "arccos": 4, "arctan": 4, "sinh": 4, "cosh": 4, "tanh": 4, "floor": 0, "ceil": 0, "rint": 0}.items():
    x = extreme if name not in ("sin", "cos", "tan") else extreme[np.abs(extreme) < 1e300]
    case("numpy." + name, {"op": "function", "name": name}, [x], [getattr(np, name)(x)], bound)
a, b = gaps[0], gaps[1]
for name in ("add", "subtract", "multiply", "divide"):
    case("numpy." + name, {"op": name, "in": [0], "by": [1]}, [a, b], [getattr(np, name)(a, b)])
case("missing", {"op": "missing", "value": None}, [a], [np.isnan(a)])
case("missing sentinel", {"op": "missing", "value": 0}, [a], [a == 0])
case("SimpleImputer", {"op": "replace", "from": None, "to": 7.25}, [a], [np.where(np.isnan(a), 7.25, a)])

# Curves.
for strategy in ("uniform", "quantile", "kmeans"):
    s = pre.KBinsDiscretizer(4, encode="ordinal", strategy=strategy).fit(train)
    cut = [e[1:-1] for e in s.bin_edges_]
    x = np.column_stack([np.concatenate([test[:, j], around(*e, *([1.0] * (5 - len(e))))]) for j, e in enumerate(s.bin_edges_)])
    case("KBinsDiscretizer " + strategy, {"op": "bins", "edges": [numbers(c) for c in cut]}, columns(x), columns(s.transform(x)))
positive = np.abs(train) + 0.25
for method in ("yeo-johnson", "box-cox"):
    s = pre.PowerTransformer(method, standardize=False).fit(positive)
    for lambdas in (s.lambdas_, np.array([0.0, 1e-300, -0.75]), np.array([2.0, 2.0 + 1e-15, 5.5]), np.array([-3.0, 1.0, 1e-17])):
        s.lambdas_ = lambdas
        x = np.abs(test) + tiny if method == "box-cox" else test
        x = x[np.all(np.abs(x) < 1e6, axis=1)]
        op = {"op": "box_cox"} if method == "box-cox" else {"op": "yeo_johnson", "form": "expm1" if modern else "power"}
        case(method, {**op, "lambda": numbers(lambdas)}, columns(x), columns(s.transform(x)), 64)
ties = np.column_stack([np.repeat([1.0, 2.0, 2.0, 3.0], 15), rng.normal(size=60), np.zeros(60)])
for output in ("uniform", "normal"):
    for n in (1, 2, 12):
        for data in (train, ties):
            s = pre.QuantileTransformer(n_quantiles=n, output_distribution=output).fit(data)
            q = np.vstack([s.quantiles_] * 1)
            x = np.vstack([with_nan[::3], q, np.nextafter(q, inf), q - 1e-7, q + 1e-7, data[:5]])
            case(f"QuantileTransformer {output} {n}",
                 {"op": "quantile", "quantiles": [numbers(q) for q in s.quantiles_.T], "references": numbers(s.references_),
                  "output": output}, columns(x), columns(s.transform(x)), 0 if output == "uniform" else 64)
for increasing in (True, False):
    x, y = rng.normal(size=50).round(1), rng.random(50)
    s = IsotonicRegression(out_of_bounds="clip", increasing=increasing).fit(x, y)
    at = np.concatenate([around(*s.X_thresholds_), [-inf, inf, 1e9, -1e9], rng.normal(size=50)])
    at = at[np.isfinite(at)]
    case("IsotonicRegression", {"op": "isotonic", "x": numbers(s.X_thresholds_), "y": numbers(s.y_thresholds_)}, [at], [s.predict(at)])
s = IsotonicRegression(out_of_bounds="clip").fit([2.0], [0.25])
case("IsotonicRegression of one", {"op": "isotonic", "x": numbers(s.X_thresholds_), "y": numbers(s.y_thresholds_)},
     [around(2.0)], [s.predict(around(2.0))])
for extrapolation in ("error", "constant", "linear", "continue", "periodic"):
    for degree in (1, 3, 4):
        for knots, strategy, bias in ((7, "uniform", True), (8, "quantile", False)):
            data = train[:, :2]
            s = pre.SplineTransformer(knots, degree, knots=strategy, extrapolation=extrapolation, include_bias=bias).fit(data)
            low, high = data.min(axis=0), data.max(axis=0)
            x = np.vstack([low + (high - low) * rng.random((6, 2)), low, high, np.nextafter(low, high), data[:4]] +
                          [row for t in range(knots) for row in [np.array([b.t[degree + t] for b in s.bsplines_])]])
            if extrapolation != "error":
                x = np.vstack([x, low - 1, high + 1, np.nextafter(high, inf), np.nextafter(low, -inf), 10 * high, -10 * high])
            else:
                x = np.clip(x, [b.t[degree] for b in s.bsplines_], [b.t[-degree - 1] for b in s.bsplines_])
            case(f"SplineTransformer {extrapolation} {degree}",
                 {"op": "spline", "knots": [numbers(b.t) for b in s.bsplines_], "degree": degree, "extrapolation": extrapolation,
                  "bias": bias}, columns(x), columns(s.transform(x)))

# Rows.
for norm in ("l1", "l2", "max"):
    for width in (3, 20):
        x = np.vstack([rng.normal(size=(12, width)), np.zeros((1, width)), np.full((1, width), 1e-17), np.full((1, width), -2.5)])
        case(f"Normalizer {norm} {width}", {"op": "normalize", "norm": norm}, columns(x), columns(pre.Normalizer(norm).transform(x)), 2)
from sklearn.utils.extmath import softmax
x = np.vstack([rng.normal(size=(12, 4)) * 20, np.zeros((1, 4)), np.full((1, 4), 1000.0)])
case("softmax", {"op": "softmax"}, columns(x), columns(softmax(x)), 8)
p = rng.random((12, 6))
stack = p.reshape(12, 3, 2).transpose(1, 0, 2)
case("np.average", {"op": "weighted_mean", "groups": 3, "weights": [0.2, 1.0, 3.5]}, columns(p),
     columns(np.average(stack, axis=0, weights=[0.2, 1.0, 3.5])))
case("mean", {"op": "weighted_mean", "groups": 3, "weights": None}, columns(p), columns(np.average(stack, axis=0)))
s = _SigmoidCalibration()
s.a_, s.b_ = -1.7, 0.3
case("_SigmoidCalibration", {"op": "platt", "a": -1.7, "b": 0.3}, [inputs[0]], [s.predict(inputs[0])], 1)
from scipy.special import expit
case("expit", {"op": "sigmoid"}, [inputs[0]], [expit(inputs[0])], 1)

# Categories.
known = np.array([0.0, 1.5, 3.0, nan])
x = np.array([0.0, -0.0, 1.5, 3.0, nan, 3.0, 7.0, 2.9999999])
expected = pre.OneHotEncoder(handle_unknown="ignore").fit(known.reshape(-1, 1)).transform(x.reshape(-1, 1)).toarray()
case("OneHotEncoder of numbers", {"op": "one_hot", "keys": numbers(known), "columns": [0, 1, 2, 3], "width": 4, "other": -1}, [x],
     columns(expected))
expected = pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7).fit(known.reshape(-1, 1)).transform(x.reshape(-1, 1))
case("OrdinalEncoder of numbers", {"op": "lookup", "keys": numbers(known), "values": [0, 1, 2, None], "other": -7}, [x], columns(expected))

json.dump({"scikit-learn": sklearn.__version__, "numpy": np.__version__, "cases": cases}, open(sys.argv[1], "w"), separators=(",", ":"))
