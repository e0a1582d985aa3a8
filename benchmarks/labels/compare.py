#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tabscore-labels beside scikit-learn, NannyML and Evidently on the same predictions: values, seconds and memory.

compare.py write FOLDER [ROWS]           predictions.jsonl, labels.ndjson and the same as rows.parquet or rows.csv
compare.py tabscore FOLDER PROGRAM       PROGRAM: tabscore-labels
compare.py sklearn|nannyml|evidently FOLDER    in an environment that has the package
Each of the last two prints one JSON object: its figures, its seconds of CPU (without imports) and its peak memory."""
import json
import os
import pathlib
import resource
import subprocess
import sys

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
WARM = 20000  # rows of the reference that NannyML fits its calibration on


def cpu(of):
    used = resource.getrusage(of)
    return used.ru_utime + used.ru_stime


def peak(of):
    return round(resource.getrusage(of).ru_maxrss / 1024)


def write(rows):
    import random

    random.seed(20)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "predictions.jsonl", "w") as log, open(folder / "labels.ndjson", "w") as labels, \
            open(folder / "rows.csv", "w") as table:
        table.write("id,p,predicted,label\n")
        for i in range(rows):
            p = random.random() ** 2
            predicted, label = int(p >= 0.5), int(random.random() < p)
            log.write('{"timestamp_utc": "2026-01-02T10:00:00.5+00:00", "threshold": 0.5, "probability": %r, "label": %d, '
                      '"features": {"order": "o%d", "days": 3}}\n' % (p, predicted, i))
            labels.write('{"id": "o%d", "label": %d, "time": "2026-01-04T00:00:00Z"}\n' % (i, label))
            table.write("o%d,%r,%d,%d\n" % (i, p, predicted, label))


def tell(figures, estimated, seconds, memory):
    print(json.dumps({"tool": what, "figures": figures, "estimated": estimated, "seconds": round(seconds, 2), "MB": memory}))


def tabscore(program):
    out = subprocess.run([program, "--id", "order", "--labels", folder / "labels.ndjson", "--exact", "--estimate",
                          folder / "predictions.jsonl"], capture_output=True, check=True).stdout
    (model,) = json.loads(out)["models"]
    values = [{name: f["value"] for name, f in model[of]["figures"].items()} for of in ("performance", "estimated")]
    tell(*values, cpu(resource.RUSAGE_CHILDREN), peak(resource.RUSAGE_CHILDREN))


def table():
    import pandas

    return pandas.read_csv(folder / "rows.csv")


def sklearn():
    import numpy
    from sklearn import metrics

    start = cpu(resource.RUSAGE_SELF)
    t = table()
    y, p, z = t["label"].to_numpy(), t["p"].to_numpy(), t["predicted"].to_numpy()
    figures = {"accuracy": metrics.accuracy_score(y, z), "precision": metrics.precision_score(y, z),
               "recall": metrics.recall_score(y, z), "f1": metrics.f1_score(y, z), "log_loss": metrics.log_loss(y, p),
               "brier": metrics.brier_score_loss(y, p), "roc_auc": metrics.roc_auc_score(y, p),
               "pr_auc": metrics.average_precision_score(y, p)}
    negative, positive, _ = metrics.roc_curve(y, p, drop_intermediate=False)
    figures["ks"] = float(numpy.max(positive - negative))
    tell(figures, {}, cpu(resource.RUSAGE_SELF) - start, peak(resource.RUSAGE_SELF))


def nannyml():
    import nannyml as nml

    start = cpu(resource.RUSAGE_SELF)
    t = table()
    names = {"y_pred_proba": "p", "y_pred": "predicted", "y_true": "label", "problem_type": "classification_binary"}
    wanted = ["accuracy", "precision", "recall", "f1", "roc_auc", "average_precision"]
    reference, rest = t[:WARM], t.drop(columns="label")
    estimator = nml.CBPE(metrics=wanted, chunk_number=1, **names)
    estimator.fit(reference)
    expected = estimator.estimate(rest).filter(period="analysis").to_df()
    calculator = nml.PerformanceCalculator(metrics=wanted, chunk_number=1, **names)
    calculator.fit(reference)
    found = calculator.calculate(t).filter(period="analysis").to_df()
    tell({m: float(found[(m, "value")].iloc[0]) for m in wanted}, {m: float(expected[(m, "value")].iloc[0]) for m in wanted},
         cpu(resource.RUSAGE_SELF) - start, peak(resource.RUSAGE_SELF))


def evidently():
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset

    start = cpu(resource.RUSAGE_SELF)
    kind = BinaryClassification(target="label", prediction_labels="predicted", prediction_probas="p", pos_label=1)
    data = Dataset.from_pandas(table(), data_definition=DataDefinition(classification=[kind]))
    found = Report([ClassificationPreset()]).run(data, None).dict()
    figures = {m["metric_name" if "metric_name" in m else "metric_id"]: m["value"] for m in found["metrics"]
               if isinstance(m["value"], float)}
    tell(figures, {}, cpu(resource.RUSAGE_SELF) - start, peak(resource.RUSAGE_SELF))


if what == "write":
    write(int(sys.argv[3]) if len(sys.argv) > 3 else 1000000)
else:
    {"tabscore": lambda: tabscore(sys.argv[3]), "sklearn": sklearn, "nannyml": nannyml, "evidently": evidently}[what]()
