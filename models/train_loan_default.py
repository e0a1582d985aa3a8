#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains a model of loans that are not paid back and exports it for tabscore: the whole way on data of its own.

    python3 models/train_loan_default.py --model logistic --folder loans

writes into the folder: loans.csv (made up, the same for the same --rows), loan_default.json (the model file),
loan_default.joblib (the fitted pipeline) and loans.jsonl (the rows that it was not trained on, one record a line).

Needs python3-sklearn and python3-pandas, for --model xgboost also python3-xgboost.
"""

import argparse
import json
import pathlib

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

import export_sklearn

NUMERIC = ["months", "amount", "income", "instalment"]  # the schema's fields, then the engineered ones
TEXT = ["purpose", "sector"]
SEED = 1


def xgboost_classifier():
    import xgboost

    return xgboost.XGBClassifier(n_estimators=100, max_depth=4, learning_rate=0.1)


MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=2000),
    "forest": lambda: RandomForestClassifier(100, max_depth=8, random_state=SEED),
    "boosting": lambda: GradientBoostingClassifier(random_state=SEED),
    "hist": lambda: HistGradientBoostingClassifier(random_state=SEED),
    "xgboost": xgboost_classifier,
}


def made_up_loans(rows):
    """Loans, some without income or sector, and whether they defaulted."""
    random = np.random.default_rng(SEED)
    loans = pd.DataFrame(
        {
            "purpose": random.choice(["car", "house", "study", "wedding"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "sector": random.choice(["public", "trade", "industry", None], rows, p=[0.3, 0.3, 0.3, 0.1]),
            "months": random.integers(6, 240, rows),
            "amount": random.lognormal(9.5, 0.8, rows).round(2),
            "income": random.lognormal(7.8, 0.4, rows).round(2),
        }
    )
    loans = loans[loans["amount"] <= 5000 * loans["months"]].reset_index(drop=True)  # a rule of the lender
    burden = loans["amount"] / loans["months"] / loans["income"]
    risk = 2.5 * np.log(burden) + 3.0 - 0.8 * (loans["sector"] == "public") + 0.6 * (loans["purpose"] == "wedding")
    loans["default"] = (random.random(len(loans)) < 1 / (1 + np.exp(-risk))).astype(int)
    loans.loc[random.random(len(loans)) < 0.08, "income"] = np.nan
    return loans


def with_absent_texts(loans):
    """pandas reads an absent text as NaN, a number; here it is None."""
    return loans.assign(sector=loans["sector"].astype(object).where(loans["sector"].notna(), None))


def add_features(loans):
    """The engineered feature, as examples/loan_filter computes it."""
    return loans.assign(instalment=loans["amount"] / loans["months"])


def encoder():
    log = FunctionTransformer(np.log1p)
    return ColumnTransformer(
        [
            ("months", StandardScaler(), ["months"]),
            ("amount", make_pipeline(log, StandardScaler()), ["amount"]),
            ("income", make_pipeline(SimpleImputer(strategy="median"), log, StandardScaler()), ["income"]),
            (
                "instalment",
                make_pipeline(FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 2000}), MinMaxScaler()),
                ["instalment"],
            ),
            ("purpose", OneHotEncoder(handle_unknown="ignore"), ["purpose"]),
            (
                "sector",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent", missing_values=None),
                    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ),
                ["sector"],
            ),
        ],
        sparse_threshold=0,
    )


def main():
    parser = argparse.ArgumentParser(description="Train and export a model of loans that default, on made-up loans.")
    parser.add_argument("--model", choices=MODELS, default="logistic")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("loans"))
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    made_up_loans(arguments.rows).to_csv(folder / "loans.csv", index=False)
    loans = add_features(with_absent_texts(pd.read_csv(folder / "loans.csv")))
    train, holdout = train_test_split(loans, test_size=0.25, random_state=SEED, stratify=loans["default"])

    export_sklearn.progress(f"training: {arguments.model}")
    pipeline = Pipeline([("columns", encoder()), ("model", MODELS[arguments.model]())])
    pipeline.fit(train[NUMERIC + TEXT], train["default"])
    chances = pipeline.predict_proba(holdout[NUMERIC + TEXT])[:, 1]
    document = export_sklearn.export(
        pipeline,
        name="loan_default",
        threshold=0.5,
        training_data=export_sklearn.training_data(folder / "loans.csv", len(loans)),
        baseline=export_sklearn.drift_baseline(train, train["default"], NUMERIC, pipeline),
        split={"training_rows": len(train), "holdout_rows": len(holdout), "seed": SEED, "stratified": True},
        metrics={"holdout_roc_auc": roc_auc_score(holdout["default"], chances)},
        date=arguments.date,
    )
    export_sklearn.write(document, folder / "loan_default.json")
    joblib.dump(pipeline, folder / "loan_default.joblib")
    asked = holdout[["purpose", "sector", "months", "amount", "income"]].to_dict("records")
    lines = [json.dumps({name: value for name, value in row.items() if not pd.isna(value)}) for row in asked]
    (folder / "loans.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
