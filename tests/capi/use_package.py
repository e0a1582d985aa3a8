# SPDX-License-Identifier: MIT
"""use_package.py LIBRARY MODELS VERSION: the installed package, as its users call it."""
import copy
import sys
import threading
import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import tabscore

library, models, version = sys.argv[1:]
model_file, policy = models + "/loan_default.json", models + "/loan_policy.json"


def refused(kind, sentence, call):
    try:
        call()
    except tabscore.Error as e:
        assert e.kind == kind and sentence in str(e), (e.kind, str(e))
        return
    raise AssertionError(f"not refused: {sentence}")


model = tabscore.open(library, model_file, policy=policy)
assert model.version == version
assert model.description["task"] == "binary" and model.description["columns"] == ["probability", "label", "decision"]
assert model.record_schema.field("months").type == pa.int64() and not model.record_schema.field("months").nullable
assert model.record_schema.field("income").nullable

n = 10_000
random = np.random.default_rng(1)
frame = pd.DataFrame({
    "purpose": random.choice(["car", "house", "something else"], n),
    "sector": random.choice(["public", "private", None], n),
    "months": random.integers(1, 120, n),
    "amount": random.uniform(10, 4000, n),
    "income": np.where(random.random(n) < 0.1, np.nan, random.uniform(500, 5000, n)),
    "of no use": 1,
}, index=np.arange(n) * 2)
predicted = model.predict(frame)
assert predicted.index.equals(frame.index) and predicted["error"].isna().all()
assert list(predicted.columns) == ["probability", "label", "decision", "error"]
assert set(predicted["decision"]) <= {"approve", "refer", "decline"}

# Every kind of table, the same bits; alone too.
bits = predicted["probability"].to_numpy().tobytes()
table = pa.Table.from_pandas(frame, preserve_index=False)
assert model.predict(table)["probability"].to_numpy().tobytes() == bits
assert model.predict(table.combine_chunks().to_batches()[0])["probability"].to_numpy().tobytes() == bits
chunked = pa.concat_tables([table.slice(0, 3), table.slice(3, 0), table.slice(3)])
assert model.predict(chunked)["probability"].to_numpy().tobytes() == bits
polars = model.predict(pl.from_arrow(table))
assert isinstance(polars, pl.DataFrame) and polars["probability"].to_numpy().tobytes() == bits
assert model.predict(frame.astype({"purpose": "category"}))["probability"].to_numpy().tobytes() == bits
assert model.predict(frame.convert_dtypes(dtype_backend="pyarrow"))["probability"].to_numpy().tobytes() == bits
assert model.predict(frame.convert_dtypes())["probability"].to_numpy().tobytes() == bits
texts = frame["purpose"].astype("string[pyarrow]")  # read where they lie
assert tabscore._column(texts, pa.string()).buffers()[1].address == pa.table({"t": texts})["t"].chunk(0).buffers()[1].address
for i in (0, 1, n - 1):
    assert model.predict(frame.iloc[[i]])["probability"].to_numpy().tobytes() == bits[8 * i:8 * i + 8]
assert len(model.predict(frame.iloc[:0])) == 0
with tabscore.open(library, open(model_file, "rb").read(), policy=policy) as same:
    assert same.predict(frame)["probability"].to_numpy().tobytes() == bits

# Wrong records keep their place.
wrong = frame.copy()
wrong.loc[2, "months"] = 481
wrong.loc[4, "purpose"] = None
found = model.predict(wrong)
assert found["error"].notna().sum() == 2 and found.loc[2, "error"] == "months: must be at most 480"
assert found["probability"].isna().sum() == 2
assert found["probability"].drop([2, 4]).equals(predicted["probability"].drop([2, 4]))
missing = wrong.assign(months=wrong["months"].astype(float).where(wrong.index != 6))
assert model.predict(missing).loc[6, "error"] == "months: must not be null"
# Values of Python are not cut or read as numbers: 48.9 is no integer, True no amount. Whole numbers of type float are.
odd = frame.iloc[:3]
for value, why in (48.9, "months: must be an integer"), (48.0, None), (None, "months: must not be null"):
    for table in odd.assign(months=pd.Series([value] * 3, odd.index, dtype=object)), [{**r, "months": value} for r in odd.to_dict("records")]:
        assert tabscore._as_arrow(model.predict(table))["error"].to_pylist() == [why] * 3, (value, table)
for table in odd.assign(amount=pd.Series([True] * 3, odd.index, dtype=object)), [{**r, "amount": True} for r in odd.to_dict("records")]:
    refused("mismatch", "column 'amount'", lambda: model.predict(table))
nothing = odd.assign(sector=pd.Series([None] * 3, odd.index, dtype="category"))
assert model.predict(nothing).equals(model.predict(odd.assign(sector=None)))

# Contributions add up to the log-odds.
explained = model.explain(frame)
assert np.allclose(1 / (1 + np.exp(-explained.sum(axis=1))), predicted["probability"], rtol=1e-12)
assert model.explain(wrong).isna().any(axis=1).sum() == 2

# Comparison.
numbers = predicted["probability"].to_numpy()
shown = []
assert model.compare(numbers, frame, show=shown.append).equal == n and len(shown) == 1
off = numbers.copy()
off[7] *= 1 + 1e-12
compared = model.compare(lambda f: np.column_stack([1 - off, off]), frame, show=None)
assert compared.equal == n - 1 and compared.rows[0][0] == 7 and compared.rows[0][1] == "probability"
assert 9e-13 < compared.largest_relative < 1.1e-12
compared = model.compare(numbers, wrong, show=None)
assert compared.error_count == 2 and compared.records == n - 2 and compared.equal == n - 2
assert "2 records have no prediction" in str(compared) and "row 1: months: must be at most 480" in str(compared)
off[9] = np.nan
assert model.compare(off, frame, show=None).largest == np.inf
refused("argument", "numbers", lambda: model.compare(numbers[1:], frame))

# Threads share a model.
results = []
threads = [threading.Thread(target=lambda: results.append(model.predict(frame)["probability"].to_numpy().tobytes()))
           for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert results == [bits] * 4
assert model.state()["samples"] > n

# Sentences.
refused("io", "no.json", lambda: tabscore.open(library, "no.json", policy=policy))
refused("mismatch", "policy", lambda: tabscore.open(library, model_file))
refused("io", "no.so", lambda: tabscore.open("libno.so", model_file))
refused("argument", "give name=", lambda: tabscore.open(library, model_file, name="other"))
refused("mismatch", "column 'months' is missing", lambda: model.predict(frame.drop(columns="months")))
refused("argument", "no table", lambda: model.predict(3))
refused("syntax", "", lambda: tabscore.open(library, b"{", policy=policy))
refused("argument", "two columns", lambda: model.predict(pd.concat([frame, frame["months"]], axis=1)))
refused("argument", "cannot be read", lambda: model.predict([1, 2]))
refused("argument", "cannot be read", lambda: model.predict(frame.assign(amount=["a"] + [1.0] * (n - 1))))
refused("argument", "one number", lambda: model.compare(0.5, frame))
refused("io", "no path", lambda: tabscore.open(library, model_file + "\0b", policy=policy))
assert model.predict(frame.astype({"amount": ">f8"}))["probability"].to_numpy().tobytes() == bits
assert model.compare(np.array([]), frame.iloc[:0], show=None).records == 0
assert copy.copy(model) is model

# Closed while threads use it: those at work end, later calls are errors.
outcomes = []


def use():
    try:
        while True:
            outcomes.append(model.predict(frame)["probability"].to_numpy().tobytes() == bits)
    except tabscore.Error as why:
        outcomes.append(str(why) == "the model is closed")


threads = [threading.Thread(target=use) for _ in range(3)]
for t in threads:
    t.start()
time.sleep(0.1)
model.close()
for t in threads:
    t.join()
assert all(outcomes) and len(outcomes) >= 3
refused("argument", "closed", lambda: model.predict(frame))
