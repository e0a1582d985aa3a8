#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rows a second of one pipeline on the same rows: the C functions called from C++, the Python package on each kind of table,
the fitted pipeline itself, ONNX Runtime and, for trees, treelite. One interleaved run of one thread.

    tables.py LIBRARY [--markdown FILE] [--passes N] [--compiler C]

LIBRARY is libloan_default.so of a Release build. Needs numpy, pandas, pyarrow and scikit-learn; skl2onnx, onnxruntime and
treelite where they are installed. All contenders begin with the columns of a record and compute the engineered feature.
Numbers are compared before anything is timed: with the trainer's within 1e-12, for ONNX Runtime, which gets single
precision, within 1e-4. "The objects alone" is what it costs to read the texts of a frame of Python objects, without a
prediction. Figures are medians of CPU time over the passes."""
import argparse
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pyarrow as pa
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "models"), str(ROOT / "examples/python")]
import export_sklearn
import tabscore
from timing import cpu_per_row
from train_loan_default import NUMERIC, TEXT, add_features, made_up_loans

SIZES = (100, 10_000, 100_000)


def loans(rows):
    """Records, and labels. All have a sector: ONNX has no missing texts."""
    made = made_up_loans(int(rows * 1.2) + 100).iloc[:rows].reset_index(drop=True)
    made["sector"] = made["sector"].where(made["sector"].notna(), "other")
    return made.drop(columns="default").astype({name: object for name in TEXT}), made["default"]


def fitted(model):
    numbers = SimpleImputer() if hasattr(model, "n_estimators") else make_pipeline(SimpleImputer(), StandardScaler())
    encoder = ColumnTransformer([("numbers", numbers, NUMERIC),
                                 ("texts", OneHotEncoder(handle_unknown="ignore"), TEXT)], sparse_threshold=0)
    frame, labels = loans(20_000)
    return Pipeline([("columns", encoder), ("model", model)]).fit(add_features(frame)[NUMERIC + TEXT], labels)


def onnx_of(pipeline):
    """A function of a frame, or None."""
    try:
        import onnxruntime
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    except ImportError as why:
        return print(f"without ONNX Runtime: {why}")
    kinds = [(n, FloatTensorType([None, 1])) for n in NUMERIC] + [(n, StringTensorType([None, 1])) for n in TEXT]
    model = to_onnx(pipeline, initial_types=kinds, options={"zipmap": False})
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])

    def predict(frame):
        frame = add_features(frame)
        columns = {n: frame[n].to_numpy(dtype=np.float32).reshape(-1, 1) for n in NUMERIC}
        columns.update({n: frame[n].to_numpy(dtype=object).reshape(-1, 1) for n in TEXT})
        return session.run(["probabilities"], columns)[0][:, 1]

    predict.name = f"ONNX Runtime {onnxruntime.__version__}"
    return predict


def treelite_of(pipeline):
    try:
        import treelite
    except ImportError as why:
        return print(f"without treelite: {why}")
    trees = treelite.sklearn.import_model(pipeline[-1])

    def predict(frame):
        encoded = pipeline[:-1].transform(add_features(frame)[NUMERIC + TEXT]).astype(np.float32)  # as scikit-learn's trees
        return treelite.gtil.predict(trees, encoded.astype(float), nthread=1).ravel()

    predict.name = f"scikit-learn's encoders, treelite {treelite.__version__}"
    return predict


def contenders(pipeline, others, model, again, frame):
    """By name, functions without arguments; and how far their numbers are from the trainer's."""
    table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    strings = frame.astype({name: "string[pyarrow]" for name in TEXT})
    columns, records = ctypes.create_string_buffer(72), ctypes.create_string_buffer(80)
    table.to_batches()[0]._export_to_c(ctypes.addressof(records), ctypes.addressof(columns))
    numbers = lambda predictions: np.asarray(predictions["probability"])
    calls = {f"scikit-learn {sklearn.__version__}, predict_proba":
                 lambda: pipeline.predict_proba(add_features(frame)[NUMERIC + TEXT])[:, 1],
             "Python, pyarrow table": lambda: numbers(model.predict(table)),
             "Python, pandas with Arrow's texts": lambda: numbers(model.predict(strings)),
             "Python, pandas with objects": lambda: numbers(model.predict(frame))}
    for other in others:
        calls[other.name] = lambda other=other: other(frame)
    expected = next(iter(calls.values()))()
    difference = {}
    for name, call in calls.items():
        difference[name] = float(np.abs(call() - expected).max())
        assert difference[name] < (1e-4 if name.startswith("ONNX") else 1e-12), f"{name}: {difference[name]} apart"

    def in_cpp():
        status = again(model._handle, columns, records, ctypes.c_size_t(1))
        assert status == 0, status

    difference["C++, the C functions"] = difference["Python, pyarrow table"]
    objects = [frame[name].to_numpy() for name in TEXT]
    alone = {"the objects alone, pa.array": lambda: [pa.array(o, pa.string(), from_pandas=True) for o in objects],
             "the objects alone, str.join": lambda: ["".join(o.tolist()) for o in objects]}
    return {"C++, the C functions": in_cpp, **calls, **alone}, difference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("--markdown", help="write the table to this file")
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--compiler", default="c++")
    asked = parser.parse_args()
    library = asked.library.resolve()
    lines = ["| model | contender | " + " | ".join(f"{n:,} rows" for n in SIZES) + " | of C++ at 100,000 | apart |",
             "|---|---|" + "---:|" * (len(SIZES) + 2)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([asked.compiler, "-std=c++20", "-O2", "-shared", "-fPIC", "-I", ROOT / "include", HERE / "arrow_loop.cpp",
                        "-o", folder / "arrow_loop.so", library, f"-Wl,-rpath,{library.parent}"], check=True)
        again = ctypes.CDLL(str(folder / "arrow_loop.so")).score_again
        for kind, estimator in (("logistic regression", LogisticRegression(max_iter=2000)),
                                ("100 boosted trees", GradientBoostingClassifier(random_state=1))):
            pipeline = fitted(estimator)
            frame, labels = loans(20_000)
            document = export_sklearn.export(
                pipeline, name="loan_default", training_data={"file": "made_up.csv", "sha256": "0" * 64, "rows": len(frame)},
                baseline=export_sklearn.drift_baseline(add_features(frame), labels, NUMERIC, pipeline))
            export_sklearn.write(document, folder / "model.json")
            peers = [onnx_of(pipeline), treelite_of(pipeline) if hasattr(estimator, "n_estimators") else None]
            others, rates, apart = [p for p in peers if p], {}, {}
            with tabscore.open(library, folder / "model.json", policy=ROOT / "models/loan_policy.json") as model:
                for rows in SIZES:
                    calls, difference = contenders(pipeline, others, model, again, loans(rows)[0])
                    for name, cpu in cpu_per_row(calls, rows, asked.passes).items():
                        rates.setdefault(name, []).append(1e9 / cpu)
                        apart[name] = max(apart.get(name, 0.0), difference.get(name, 0.0))
            most = rates["C++, the C functions"][-1]
            for name, measured in rates.items():
                far = "-" if name.startswith("the objects") else f"{apart[name]:.1g}"
                lines.append(f"| {kind} | {name} | " + " | ".join(f"{r:,.0f}" for r in measured) +
                             f" | {measured[-1] / most:.2f} | {far} |")
                print(lines[-1], flush=True)
    if asked.markdown:
        pathlib.Path(asked.markdown).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
