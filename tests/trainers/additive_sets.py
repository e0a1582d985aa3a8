# SPDX-License-Identifier: MIT
"""Writes the parity sets of the InterpretML (ebm) or the OptBinning (opt) that runs this into a folder: additive_sets.py FOLDER."""
import importlib.util
import os
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models"))
import export_additive  # noqa: E402
import export_sklearn  # noqa: E402
from common import classes_of, data, write_set  # noqa: E402
from pipeline_sets import NUMBERS, TEXT, frame_of, hard_frame  # noqa: E402

COLUMNS = [*NUMBERS, TEXT]


def written(folder, name, model, seed, ask, trainer, rows=16, **options):
    """`ask` gives the trainer's numbers of rows."""
    frame, _ = frame_of(seed)
    document = export_additive.export(model, name=name, date="2026-01-01", checks=4, **options, training_data={
        "file": "made_up.csv", "sha256": "0" * 64, "rows": len(frame)})
    live = hard_frame(frame, seed, rows)
    names = [f["name"] for kind in ("numeric", "text") for f in document["features"][kind]]
    cells = [[None if pd.isna(v) else v for v in row] for row in live[names].astype(object).itertuples(index=False)]
    write_set(os.path.join(folder, f"pipeline_{name}"), names, cells, [], ask(live[COLUMNS]),
              {"model.json": export_sklearn.to_text(document) + "\n"}, trainer)


def machines(folder):
    import interpret
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    trainer = {"trainer": "InterpretML", "version": interpret.__version__}
    few = {"outer_bags": 1, "max_rounds": 12, "max_bins": 12, "max_interaction_bins": 4, "random_state": 1, "n_jobs": 1}
    frame, label = frame_of(90)
    _, value = data(90)
    model = ExplainableBoostingClassifier(interactions=2, **few).fit(frame, label)
    written(folder, "ebm_binary", model, 90, lambda rows: model.predict_proba(rows)[:, 1], trainer)
    of_three = ExplainableBoostingClassifier(interactions=0, **few).fit(frame, classes_of(value, 3))
    written(folder, "ebm_classes", of_three, 90, of_three.predict_proba, trainer)
    pairs = ExplainableBoostingRegressor(interactions=[(0, 4), (1, 2), (0, 1)], **few).fit(frame, value)
    written(folder, "ebm_pairs", pairs, 90, pairs.predict, trainer)
    triple = ExplainableBoostingRegressor(interactions=[(0, 1, 4)], **few).fit(frame, value)
    written(folder, "ebm_triple", triple, 90, triple.predict, trainer)
    if "objective" in pairs.get_params():
        for objective in ("poisson", "gamma", "tweedie"):
            option = f"{objective}_deviance" + (":variance_power=1.5" if objective == "tweedie" else "")
            made = ExplainableBoostingRegressor(objective=option, interactions=0, **few).fit(frame, np.exp(value / 3) + 0.1)
            written(folder, f"ebm_{objective}", made, 90, made.predict, trainer)


def scorecards(folder):
    import optbinning
    from optbinning import BinningProcess, Scorecard

    trainer = {"trainer": "OptBinning", "version": optbinning.__version__}
    frame, label = frame_of(91)

    def process():
        return BinningProcess(COLUMNS, categorical_variables=[TEXT], special_codes=[float(frame["a"].mode()[0])])

    pipeline = make_pipeline(process(), LogisticRegression()).fit(frame, label)
    written(folder, "evidence", pipeline, 91, lambda rows: pipeline.predict_proba(rows)[:, 1], trainer)
    odds = {"scaling_method": "pdo_odds", "scaling_method_params": {"pdo": 20, "odds": 1, "scorecard_points": 600}}
    ends = {"scaling_method": "min_max", "scaling_method_params": {"min": 300, "max": 850}, "intercept_based": True}
    for name, options in (("odds", odds), ("ends", ends)):
        card = Scorecard(process(), LogisticRegression(), **options).fit(frame, label, metric_missing="empirical")
        written(folder, f"points_{name}", card, 91, card.score, trainer)
    written(folder, "card_probability", card, 91, lambda rows: card.predict_proba(rows)[:, 1], trainer, gives="probability")


if __name__ == "__main__":
    (machines if importlib.util.find_spec("interpret") and "--scorecards" not in sys.argv else scorecards)(sys.argv[1])
