#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints numeric_step_expected.inc: scikit-learn's own transformers on numbers that are easy to get wrong."""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler


def text(x):
    return "NAN" if np.isnan(x) else ("-INFINITY" if x < 0 else "INFINITY") if np.isinf(x) else repr(float(x))


def show(step, transformer, values):
    given = np.array(values, dtype=float).reshape(-1, 1)
    out = transformer.transform(given)[:, 0]
    print(f"{{{step}, {{{', '.join(map(text, values))}}}, {{{', '.join(map(text, out))}}}}},")


random = np.random.default_rng(5)
learnt = random.lognormal(1, 2, (50, 1))
values = [0.1, 3.7, -2.5, 1e-300, -0.0, 1e300, float("nan"), 12.345678901234567, 5e-324]
fitted = MinMaxScaler((-1, 1)).fit(learnt)
show(f"rescale{{{fitted.scale_[0]!r}, {fitted.min_[0]!r}}}", fitted, values)
fitted = StandardScaler().fit(learnt)
show(f"standardize{{{fitted.mean_[0]!r}, {fitted.scale_[0]!r}}}", fitted, values)
fitted = RobustScaler().fit(learnt)
show(f"standardize{{{fitted.center_[0]!r}, {fitted.scale_[0]!r}}}", fitted, values)
fitted = MaxAbsScaler().fit(learnt)
show(f"standardize{{0.0, {fitted.scale_[0]!r}}}", fitted, values)
fitted = SimpleImputer(strategy="median").fit(learnt)
show(f"impute{{{fitted.statistics_[0]!r}}}", fitted, values)
clip = FunctionTransformer(np.clip, kw_args={"a_min": -1.5, "a_max": 3.7})
show("clip{-1.5, 3.7}", clip, [*values, float("inf"), float("-inf"), -1.5])
show("logarithm1p{}", FunctionTransformer(np.log1p), [0.0, 1.0, 1e-17, 7.25, float("inf"), float("nan"), -1.0])
show("logarithm{}", FunctionTransformer(np.log), [0.0, 1.0, 7.25, 1e300, float("inf"), float("nan")])
