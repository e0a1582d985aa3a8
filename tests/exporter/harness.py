# SPDX-License-Identifier: MIT
"""Exports a pipeline, scores rows through the C++ program score_rows, and compares with predict_proba."""

import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd

if "TABSCORE_EXPORTER_INSTALLED" not in os.environ:  # else those of the wheel
    sys.path.insert(0, str(pathlib.Path(os.environ["TABSCORE_SOURCE_DIR"]) / "models"))
import export_sklearn  # noqa: E402

DATA = {"file": "made_up.csv", "sha256": "0" * 64, "rows": 400}


def said(value):
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value


def trainer(pipeline, frame, place):
    """The probability of each row; NaN where the trainer refuses the row."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return pipeline.predict_proba(frame)[:, place].astype(float)
        except Exception:
            if len(frame) == 1:
                return np.array([np.nan])
        half = len(frame) // 2
        take = (lambda a, b: frame[a:b]) if isinstance(frame, np.ndarray) else (lambda a, b: frame.iloc[a:b])
        return np.concatenate([trainer(pipeline, take(0, half), place), trainer(pipeline, take(half, None), place)])


def ours(document, rows):
    """The probability of each row (a DataFrame by feature name); NaN where the model refuses it."""
    return np.array([np.nan if cells[0] == "fault" else float(cells[1]) for cells in read_back(document, rows)])


def read_back(document, rows):
    """What score_rows prints of each row: lists of cells."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.json"
        export_sklearn.write(document, path)
        names = [f["name"] for kind in ("numeric", "text") for f in document["features"][kind]]
        count = len(document["features"]["numeric"])
        lines = []
        columns = [rows[n].tolist() for n in names]
        for cells in zip(*columns):
            texts = ["\\N" if said(v) is None else str(v) for v in cells[count:]]
            numbers = ["nan" if said(v) is None else repr(float(v)) for v in cells[:count]]
            lines.append("\t".join(numbers + texts) + "\n")
        done = subprocess.run([os.environ["SCORE_ROWS"], path], input="".join(lines), capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]


def compare(test, pipeline, frame, place=1, near=1e-12, **options):
    """Exports the pipeline and scores the frame's rows both ways."""
    document = export_sklearn.export(pipeline, **{"name": "made up", "training_data": DATA, **options})
    expected = trainer(pipeline, frame, place)
    rows = frame
    if isinstance(frame, np.ndarray):
        rows = pd.DataFrame(frame, columns=options.get("names") or [f"x{i}" for i in range(frame.shape[1])])
    have = ours(document, rows)
    test.assertEqual(len(have), len(expected))
    odd = np.flatnonzero(np.isnan(have) != np.isnan(expected))
    test.assertEqual(odd[:5].tolist(), [], f"refused by one and not by the other: {[(rows.iloc[i].to_dict(), have[i], expected[i]) for i in odd[:2]]}")
    test.assertLess(np.isnan(expected).mean(), 1.0)
    np.testing.assert_allclose(have, expected, rtol=0, atol=near)
    return document


def outputs_of(document, rows):
    """The outputs of each row of a model of another task, NaN where it refuses the row, and the class of each row."""
    cells = read_back(document, rows)
    width = max(len(c) - 1 for c in cells if c[0] != "fault")
    numbers = [[np.nan] * width if c[0] == "fault" else [float(v) for v in c[:-1]] for c in cells]
    return np.array(numbers), [None if c[0] == "fault" else int(c[-1]) for c in cells]


def ulps(a, b):
    """How many doubles lie between two arrays of numbers."""
    def order(x):
        bits = np.ascontiguousarray(x, dtype=float).view(np.int64).astype(object)
        return np.where(bits < 0, -(2**63) - bits, bits)

    return np.abs(order(a) - order(b)).astype(float)


def compare_outputs(test, pipeline, frame, near=0.0, **options):
    """Exports a pipeline of another task and scores the frame's rows both ways: outputs may be `near` of their size apart.
    Gives the document and the largest difference in ULP."""
    document = export_sklearn.export(pipeline, **{"name": "made up", "training_data": DATA, "checks": 24, **options})
    outputs = document["outputs"]
    rows = frame
    if isinstance(frame, np.ndarray):
        rows = pd.DataFrame(frame, columns=options.get("names") or [f"x{i}" for i in range(frame.shape[1])])
    method = "predict"
    if outputs["task"] == "multiclass":
        method = "predict_proba" if outputs.get("probabilities", True) else "decision_function"
    elif outputs["task"] == "anomaly" or (outputs["task"] == "score" and hasattr(pipeline, "classes_")):
        method = "decision_function"

    def ask(part):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return np.asarray(getattr(pipeline, method)(part), dtype=float).reshape(len(part), -1)
            except Exception:
                if len(part) == 1:
                    return None
        half = len(part) // 2
        take = (lambda a, b: part[a:b]) if isinstance(part, np.ndarray) else (lambda a, b: part.iloc[a:b])
        parts = [ask(take(0, half)), ask(take(half, None))]
        width = next((p.shape[1] for p in parts if p is not None), 1)
        counts = [half, len(part) - half]
        return np.vstack([np.full((n, width), np.nan) if p is None else p for p, n in zip(parts, counts)])

    expected = ask(frame)
    have, classes = outputs_of(document, rows)
    test.assertEqual(have.shape, expected.shape)
    refused = ~np.isfinite(expected).all(axis=1)
    odd = np.flatnonzero(np.isnan(have).any(axis=1) != refused)
    test.assertEqual(odd[:5].tolist(), [], f"refused by one and not by the other: {[(rows.iloc[i].to_dict(), have[i], expected[i]) for i in odd[:2]]}")
    test.assertLess(refused.mean(), 1.0)
    have, expected = have[~refused], expected[~refused]
    np.testing.assert_allclose(have, expected, rtol=near, atol=near)
    if outputs["task"] == "multiclass":
        take = frame[~refused] if isinstance(frame, np.ndarray) else frame.loc[~refused]
        labels = list(pipeline.classes_)
        wanted = [labels.index(label) for label in pipeline.predict(take)]
        test.assertEqual([c for c in classes if c is not None], wanted)
    return document, float(ulps(have, expected).max())
