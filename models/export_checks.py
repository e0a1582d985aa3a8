# SPDX-License-Identifier: MIT
"""Rows that a model file's reader replays: made up around every number that the pipeline compares with, chosen so that few
rows reach much of the model."""

import sys
import time
import warnings

import numpy as np
import pandas as pd

from export_program import NotExportable, class_of, is_missing, require, unwrap


def frame_of(program, rows):
    """Rows as the pipeline wants them: a DataFrame, or an array where it was fitted on one."""
    columns = {}
    for name in program.names:
        facts = program.facts[name]
        values = rows.get(name)
        if values is None:  # a column that nothing reads, which the pipeline still wants to see
            values = [0.0] * len(next(iter(rows.values())))
        if program.kinds.get(name) == "text":
            values = [facts["marker"] if value is None else value for value in values]
            columns[name] = pd.Series(values, dtype=object)
        else:
            columns[name] = pd.Series(values, dtype=object if facts.get("object") else float)
        levels = facts.get("levels")
        if levels is not None:
            own = {level: level for level in levels}  # 0.0 is False where the categories are booleans
            columns[name] = pd.Series(pd.Categorical([own.get(v) for v in values], categories=levels))
    frame = pd.DataFrame(columns)
    if program.is_array:
        return frame.to_numpy(dtype=object if (frame.dtypes == object).any() else float)
    return frame


def candidates(program, name):
    """The values of an input that are worth a check."""
    facts = program.facts[name]
    if program.kinds[name] == "text":
        values = sorted(key for key in facts["keys"] if key is not None)
        if not facts.get("listed"):
            unknown = "not seen in training"
            while unknown in values:
                unknown += "!"
            values += [unknown, ""]
        if facts.get("missing", True) and program.absent_texts:
            values.append(None)
        return values or [""]
    listed = facts.get("category")
    if facts.get("listed") or listed is not None:
        values = sorted(facts["edges"])
    else:
        edges = sorted(facts["edges"])
        single = [float(np.float32(e)) for e in edges if abs(e) < 3e38]
        beside = [float(np.nextafter(e, side)) for e in edges for side in (-np.inf, np.inf)]
        beside += [float(np.nextafter(np.float32(e), np.float32(side))) for e in single for side in (-np.inf, np.inf)]
        spread = (edges[-1] - edges[0] if len(edges) > 1 else 0.0) or 1.0
        middle = edges[len(edges) // 2] if edges else 0.0
        outside = [0.0, 1.0, -1.0, middle - 3 * spread, middle + 3 * spread, (middle + 1) * 1e6]
        between = [(a + b) / 2 for a, b in zip(edges, edges[1:])]
        near = [*edges, *single, *beside]
        if facts.get("varies"):  # the last bits at an edge depend on the CPU, so checks keep away from it
            near = [e + side * max(abs(e), 1e-6) for e in edges for side in (-1e-9, 1e-9)]
        values = sorted({v for v in [*near, *between, *outside] if np.isfinite(v)})
    low, high = facts.get("low"), facts.get("high")
    values = [v for v in values if (low is None or v > low) and (high is None or v < high)] or [1.0]
    if facts.get("missing"):
        values.append(np.nan)
    return values


class Pool:
    """Many made-up rows, each with what it reaches."""

    def __init__(self, program, count, data=None):
        self.program = program
        self.read = [name for name in program.names if program.kinds.get(name)]
        draw = np.random.default_rng(0)
        self.rows = {}
        if data is not None:
            self.picked = picked = data.iloc[draw.permutation(len(data))[:count]]
            for name in self.read:
                text = program.kinds[name] == "text"
                self.rows[name] = [None if is_missing(v) else str(v) if text else float(v) for v in picked[name]]
            return
        for name in self.read:
            values = candidates(program, name)
            places = draw.integers(0, len(values), count)
            places[: len(values)] = draw.permutation(len(values))[:count]  # each once, as far as rows last
            places = draw.permutation(places)
            self.rows[name] = [values[i] for i in places]

    def __len__(self):
        return len(next(iter(self.rows.values())))

    def keep(self, places):
        self.rows = {name: [values[i] for i in places] for name, values in self.rows.items()}

    def frame(self):
        return frame_of(self.program, self.rows)


def probability(pipeline, positive):
    """A function of a frame that gives the probability of a class, rows x 1."""
    return lambda frame: np.asarray(pipeline.predict_proba(frame), dtype=float)[:, [positive]]


def predicted(ask, frame, tries=150):
    """What the trainer gives, rows x columns; NaN for rows that it refuses, which are looked for by halves with so many
    tries."""
    out = np.full((len(frame), 1), np.nan)
    waiting = [(0, len(frame))]
    take = (lambda a, b: frame[a:b]) if isinstance(frame, np.ndarray) else (lambda a, b: frame.iloc[a:b])

    def put(start, end):
        nonlocal out
        found = ask(take(start, end))
        if found.shape[1] != out.shape[1]:
            out = np.full((len(frame), found.shape[1]), np.nan)
        out[start:end] = found

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        while waiting and tries:
            start, end = waiting.pop(0)
            tries -= 1
            try:
                put(start, end)
            except Exception:  # noqa: BLE001 (any of many libraries)
                if end - start > 1:
                    middle = (start + end) // 2
                    waiting += [(start, middle), (middle, end)]
        for start, _ in waiting[:200] if np.isnan(out).all() else []:
            try:
                put(start, start + 1)
            except Exception:  # noqa: BLE001
                continue
    return out


def leaves_of(pipeline, frame):
    """The leaf of every tree that each row reaches, and how many leaves the trees have; None where the last step is no
    ensemble of trees."""
    pipeline = unwrap(pipeline)
    model, before = pipeline, None
    if class_of(pipeline) == "Pipeline":
        model, before = unwrap(pipeline.steps[-1][1]), pipeline[:-1]
    kind = class_of(model)
    if kind not in TREES:
        return None, 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        x = before.transform(frame) if before is not None and len(before.steps) else frame
        return TREES[kind](model, x)


def applied(model, x):
    leaves = np.asarray(model.apply(x))
    trees = model.estimators_ if hasattr(model, "estimators_") else [model]
    total = sum(int(t.tree_.n_leaves) for t in np.ravel(trees))
    return leaves.reshape(len(leaves), -1), total


def xgboost_leaves(model, x):
    leaves = np.asarray(model.apply(x))
    leaves = leaves.reshape(len(leaves), -1)
    frame = model.get_booster().trees_to_dataframe()
    used = frame[frame["Tree"] < leaves.shape[1]]
    return leaves, int((used["Feature"] == "Leaf").sum())


def lightgbm_leaves(model, x):
    leaves = np.asarray(model.predict(x, pred_leaf=True))
    text = model.booster_.model_to_string()
    counts = [int(line[11:]) for line in text.splitlines() if line.startswith("num_leaves=")]
    return leaves.reshape(len(leaves), -1), sum(counts[: leaves.shape[-1]])


def histogram_leaves(model, x):
    x = np.asarray(model._preprocess_X(x, reset=False) if hasattr(model, "_preprocess_X") else x, dtype=float)
    nodes = [predictor for stage in model._predictors for predictor in stage]
    out = np.zeros((len(x), len(nodes)), dtype=int)
    for t, predictor in enumerate(nodes):
        n, at = predictor.nodes, np.zeros(len(x), dtype=int)
        while True:
            inner = ~n["is_leaf"][at].astype(bool)
            if not inner.any():
                break
            value = x[np.arange(len(x)), n["feature_idx"][at]]
            left = value <= n["num_threshold"][at]
            code = np.where(np.isfinite(value) & (value >= 0), value, 0).astype(int) % 256
            if n["is_categorical"].any():
                words = predictor.raw_left_cat_bitsets[np.minimum(n["bitset_idx"][at], len(predictor.raw_left_cat_bitsets) - 1)]
                member = words[np.arange(len(x)), code // 32] >> (code % 32).astype(np.uint32) & 1
                left = np.where(n["is_categorical"][at].astype(bool), member.astype(bool), left)
            left = np.where(np.isnan(value), n["missing_go_to_left"][at].astype(bool), left)
            at = np.where(inner, np.where(left, n["left"][at], n["right"][at]), at)
        out[:, t] = at
    return out, int(sum(p.nodes["is_leaf"].sum() for p in nodes))


TREES = {}
for kind in ("Classifier", "Regressor"):
    TREES.update(dict.fromkeys((name + kind for name in ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees",
                                                         "GradientBoosting")), applied))
    TREES.update({"XGB" + kind: xgboost_leaves, "XGBRF" + kind: xgboost_leaves, "LGBM" + kind: lightgbm_leaves,
                  "HistGradientBoosting" + kind: histogram_leaves})
TREES.update(XGBRanker=xgboost_leaves, LGBMRanker=lightgbm_leaves)


def items_of(program, rows):
    """Per input: a number for each side of each value that is compared, each text, and a missing value."""
    out = []
    for name, values in rows.items():
        facts = program.facts[name]
        if program.kinds[name] == "text":
            places = {key: i for i, key in enumerate(sorted(facts["keys"], key=str))}
            out.append([-1 if v is None else places.get(v, len(places)) for v in values])
        else:
            edges = np.array(sorted(facts["edges"]))
            values = np.array(values, dtype=float)
            right, left = np.searchsorted(edges, values, "right"), np.searchsorted(edges, values, "left")
            out.append(np.where(np.isnan(values), -1, right + left))
    return np.array(out, dtype=int).T


def refusal(ask, frame):
    """What the pipeline says of a row that it refuses, in parentheses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ask(frame[:1])
    except Exception as why:  # noqa: BLE001 (any of many libraries)
        return f" ({type(why).__name__}: {' '.join(str(why).split())[:200]})"
    return ""


def cover(items, count, taken=()):
    """At most `count` rows, each with as many items that no row before it has as possible."""
    known, codes = np.unique(items + np.arange(items.shape[1]) * (1 << 40), return_inverse=True)
    codes = codes.reshape(items.shape)
    fresh = np.ones(len(known), dtype=bool)
    for row in taken:
        fresh[codes[row]] = False
    free = np.ones(len(items), dtype=bool)
    free[list(taken)] = False
    chosen = []
    while len(chosen) < count and free.any():
        gain = np.where(free, fresh[codes].sum(axis=1), -1)
        row = int(np.argmax(gain))
        chosen.append(row)
        free[row] = False
        fresh[codes[row]] = False
    return chosen


def require_doubles(program, ask, data, numbers):
    """Refuses a pipeline that gives other numbers for the columns' own types than for doubles, as a NumPy function of whole
    numbers may."""
    if not all(name in data for name in program.names):
        return
    own = predicted(ask, data[program.names].to_numpy() if program.is_array else data[program.names])
    if own.shape == numbers.shape:
        both = np.isfinite(own) & np.isfinite(numbers)
        same = np.allclose(own[both], numbers[both], rtol=1e-6, atol=1e-9)
        kinds = ", ".join(sorted({str(t) for t in data[program.names].dtypes}))
        require(same, f"the pipeline gives other numbers for the rows of data= ({kinds}) than for the same rows with float64, as "
                "numbers are in C++; astype(float) before fit()")


def choose(program, pipeline, ask, count, data=None, first=None, chances=True):
    """A frame of `count` rows for which `ask` gives numbers (`chances`: from 0 to 1), and a sentence about what they reach.
    `first`: rows that come before them, which are kept as they are."""
    started = time.monotonic()
    require(count >= 1, "a model file needs at least one check; give checks=1 or more")
    pool = Pool(program, max(400, min(2000, 20 * count)), data)
    numbers = predicted(ask, pool.frame())
    if data is not None:
        require_doubles(program, ask, pool.picked, numbers)
    good = np.all((numbers >= 0) & (numbers <= 1) if chances else np.abs(numbers) < 1e300, axis=1)
    for values in pool.rows.values():  # the file has no word for infinities
        good &= np.array([v is None or isinstance(v, str) or not np.isinf(v) for v in values])
    good = np.flatnonzero(good)
    if not len(good):
        why = refusal(ask, pool.frame())
        require(data is None, "the pipeline refuses every row of data= when its columns are float64 numbers or texts, as they are "
                f"in C++{why}; fit it on columns of these two kinds")
        require(False, "the pipeline refuses every row that was made up for the checks, whose columns are float64 numbers or texts, "
                f"as they are in C++{why}; fit it on columns of these two kinds, by the trainer's version that is installed here, or "
                "give rows as data=")
    pool.keep(good)
    taken = 0
    if first is not None:
        taken = len(next(iter(first.values())))
        pool.rows = {name: list(first[name]) + values for name, values in pool.rows.items()}
    items = items_of(program, pool.rows)
    leaves, total = None, 0
    try:
        leaves, total = leaves_of(pipeline, pool.frame())
    except Exception:  # noqa: BLE001 (leaves are counted where a trainer gives them)
        leaves = None
    everything = items if leaves is None else np.hstack([leaves, items])
    rows = list(range(taken)) + cover(everything, max(0, count - taken), range(taken))
    pool.keep(rows)
    reached = sum(len(np.unique(items[rows, f])) for f in range(items.shape[1]))
    of = sum(len(np.unique(items[:, f])) for f in range(items.shape[1]))
    sentence = f"checks: {len(rows)} rows reach"
    if leaves is not None:
        hit = sum(len(np.unique(leaves[rows, t])) for t in range(leaves.shape[1]))
        sentence += f" {hit} of {total} leaves and"
    sentence += f" {reached} of {of} sides of thresholds and categories ({time.monotonic() - started:.1f} s)"
    return pool.rows, pool.frame(), sentence


def say(sentence):
    print(sentence, file=sys.stderr)
