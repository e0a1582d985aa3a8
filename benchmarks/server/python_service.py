#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Python service that student_server takes the place of, rebuilt to be measured beside it.

    python3 benchmarks/server/python_service.py --port 8001 [--prediction-log FILE|off] [--model FILE|none] [--no-baseline]

A reconstruction from the service's published contract and recorded answers, not its source: FastAPI and pydantic 1
validate, one DataFrame a request, rules and features over whole columns, a scikit-learn pipeline with the coefficients
of the model file, totals under a lock, one line of the log per record, each written by opening the file again. One
uvicorn worker (httptools, uvloop). Needs the Debian packages python3-fastapi python3-uvicorn python3-uvloop
python3-httptools python3-pandas python3-sklearn.
"""

import argparse
import datetime
import json
import pathlib
import threading
from typing import List

import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BUNDLED = pathlib.Path(__file__).resolve().parents[2] / "models" / "student_logistic.json"
MIN_SAMPLES, MIN_DRIFTED, DRIFTED_Z, RATE_SHIFT = 50, 2, 3.0, 0.10


class Student(BaseModel):
    student_country: str = Field(..., min_length=2, max_length=64)
    days_on_platform: int = Field(..., ge=0)
    minutes_watched: float = Field(..., ge=0)
    courses_started: int = Field(..., ge=0)
    practice_exams_started: int = Field(..., ge=0)
    practice_exams_passed: int = Field(..., ge=0)
    minutes_spent_on_exams: float = Field(..., ge=0)


class Batch(BaseModel):
    records: List[Student] = Field(..., min_items=1)


class Prediction(BaseModel):
    predicted_purchase_probability: float
    predicted_purchase: int


class Predictions(BaseModel):
    predictions: List[Prediction]


def with_features(students):
    minutes, days = students["minutes_watched"], students["days_on_platform"]
    started, passed = students["practice_exams_started"], students["practice_exams_passed"]
    return students.assign(
        engagement_score=0.6 * minutes + 0.3 * days + 10.0 * students["courses_started"],
        exam_success_rate=np.where(started > 0, passed / (started + 1e-6), 0.0),
        learning_consistency=minutes / np.maximum(days, 1),
    )


class Predictor:
    """The pipeline that was trained, with the numbers of the model file."""

    def __init__(self, file):
        numeric, (text,) = file["features"]["numeric"], file["features"]["text"]
        self.numeric = [feature["name"] for feature in numeric]
        self.threshold = file["threshold"]
        country, levels = text["name"], text["categories"]
        scaler, one_hot = StandardScaler(), OneHotEncoder(handle_unknown="ignore")
        columns = ColumnTransformer([("numeric", scaler, self.numeric), ("country", one_hot, [country])])
        self.pipeline = Pipeline([("features", columns), ("model", LogisticRegression())])
        rows = pd.DataFrame({name: np.arange(len(levels), dtype=float) for name in self.numeric})
        self.pipeline.fit(rows.assign(**{country: levels}), np.arange(len(levels)) % 2)
        fitted = columns.named_transformers_["numeric"]
        fitted.mean_ = np.array([feature["mean"] for feature in numeric])
        fitted.scale_ = np.array([feature["scale"] for feature in numeric])
        model = file["model"]
        order = [levels.index(level) for level in columns.named_transformers_["country"].categories_[0]]
        by_level = np.array(model["text_coefficients"][0])[order]
        self.pipeline.named_steps["model"].coef_ = np.concatenate([model["numeric_coefficients"], by_level])[None, :]
        self.pipeline.named_steps["model"].intercept_ = np.array([model["intercept"]])

    def __call__(self, students):
        return self.pipeline.predict_proba(students)[:, 1]


class Monitor:
    def __init__(self, baseline):
        self.baseline, self.lock = baseline, threading.Lock()
        self.sums, self.samples, self.positives = {}, 0, 0

    def add(self, students, names, labels):
        with self.lock:
            for name in names:
                if students[name].dtype != object:  # no column of numbers where one is beyond 64 bits
                    self.sums[name] = self.sums.get(name, 0.0) + float(students[name].sum())
            self.samples += len(students)
            self.positives += int(labels.sum())

    def status(self):
        with self.lock:
            sums, samples, positives = dict(self.sums), self.samples, self.positives
        baseline = self.baseline or {"numeric": [], "training_positive_rate": 0.0}
        z = {}
        if samples:
            for column in baseline["numeric"]:
                shift = abs(sums[column["name"]] / samples - column["mean"])
                z[column["name"]] = shift / max(column["std"], 1e-6)
        drifted = sorted(name for name, value in z.items() if value >= DRIFTED_Z)
        rate = positives / samples if samples and self.baseline else 0.0
        training = baseline["training_positive_rate"]
        retrain, reason, action = False, "below_threshold", "continue_monitoring"
        if self.baseline is None:
            reason, action = "baseline_not_loaded", "run_training_to_generate_baseline"
        elif samples == 0:
            reason, action = "no_predictions_observed", "collect_inference_samples"
        elif samples < MIN_SAMPLES:
            reason, action = "insufficient_samples", "collect_more_samples"
        elif len(drifted) >= MIN_DRIFTED:
            retrain, reason, action = True, "feature_distribution_drift", "trigger_retraining_pipeline"
        elif abs(rate - training) >= RATE_SHIFT:
            retrain, reason, action = True, "prediction_rate_shift", "trigger_retraining_pipeline"
        return {
            "samples_observed": samples if self.baseline else 0,
            "drift_score_max_abs_z": max(z.values(), default=0.0),
            "drifted_features": drifted,
            "predicted_positive_rate": rate,
            "training_positive_rate": training,
            "should_retrain": retrain,
            "reason": reason,
            "recommended_action": action,
        }


def log(path, students, probabilities, labels, threshold):
    for student, probability, label in zip(students, probabilities, labels):
        line = {
            "timestamp_utc": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "threshold": threshold,
            "predicted_purchase_probability": float(probability),
            "predicted_purchase": int(label),
            "features": student,
        }
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def make_app(predictor, baseline, log_path):
    app = FastAPI()
    monitor = Monitor(baseline)

    def predict(records):
        if predictor is None:
            raise HTTPException(status_code=503, detail="Model is not loaded.")
        rows = [record.dict() for record in records]
        students = pd.DataFrame(rows)
        if (students["practice_exams_passed"] > students["practice_exams_started"]).any():
            raise HTTPException(
                status_code=422, detail="practice_exams_passed cannot exceed practice_exams_started."
            )
        students = with_features(students)
        probabilities = predictor(students)
        labels = (probabilities >= predictor.threshold).astype(int)
        monitor.add(students, predictor.numeric, labels)
        if log_path is not None:
            log(log_path, rows, probabilities, labels, predictor.threshold)
        return [
            Prediction(predicted_purchase_probability=float(p), predicted_purchase=int(y))
            for p, y in zip(probabilities, labels)
        ]

    @app.post("/predict", response_model=Prediction)
    def predict_one(payload: Student):
        return predict([payload])[0]

    @app.post("/batch_predict", response_model=Predictions)
    def predict_batch(payload: Batch):
        return Predictions(predictions=predict(payload.records))

    @app.get("/health")
    def health():
        loaded = predictor is not None
        return {"ready": loaded, "predictor_loaded": loaded, "drift_baseline_loaded": baseline is not None}

    @app.get("/monitoring/drift")
    def drift():
        return monitor.status()

    @app.get("/monitoring/retraining_trigger")
    def retraining_trigger():
        return monitor.status()

    return app


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--prediction-log", default="prediction_log.jsonl", help="a file, or off")
    parser.add_argument("--model", default=str(BUNDLED), help="a logistic model file, or none")
    parser.add_argument("--no-baseline", action="store_true")
    arguments = parser.parse_args()

    predictor = baseline = None
    if arguments.model != "none":
        file = json.loads(pathlib.Path(arguments.model).read_text(encoding="utf-8"))
        predictor = Predictor(file)
        baseline = None if arguments.no_baseline else file["drift_baseline"]
    log_path = None if arguments.prediction_log == "off" else arguments.prediction_log
    app = make_app(predictor, baseline, log_path)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False, loop="uvloop",
                http="httptools")


if __name__ == "__main__":
    main()
