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
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.json"
        export_sklearn.write(document, path)
        numeric = [f["name"] for f in document["features"]["numeric"]]
        text = [f["name"] for f in document["features"]["text"]]
        lines = []
        columns = {n: rows[n].tolist() for n in numeric + text}
        for i in range(len(rows)):
            cells = []
            for n in numeric:
                value = said(columns[n][i])
                cells.append("nan" if value is None else repr(float(value)))
            for n in text:
                value = said(columns[n][i])
                cells.append("\\N" if value is None else str(value))
            lines.append("\t".join(cells) + "\n")
        done = subprocess.run([os.environ["SCORE_ROWS"], path], input="".join(lines), capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        out = []
        for line in done.stdout.splitlines():
            cells = line.split("\t")
            out.append(np.nan if cells[0] == "fault" else float(cells[1]))
        return np.array(out)


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
