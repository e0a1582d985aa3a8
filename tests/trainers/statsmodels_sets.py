# SPDX-License-Identifier: MIT
"""Writes the parity sets of the statsmodels that runs this into a folder: statsmodels_sets.py FOLDER."""
import os
import sys

import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.genmod.families import links

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models"))
import export_sklearn  # noqa: E402
import export_statsmodels  # noqa: E402
from common import classes_of, data, write_set  # noqa: E402
from pipeline_sets import TOWNS  # noqa: E402

OLD = {"InversePower": "inverse_power", "InverseSquared": "inverse_squared"}


def link(name):
    return (getattr(links, name, None) or getattr(links, OLD.get(name, name.lower())))()


def frames():
    x, y = data(95)
    frame = pd.DataFrame(x[:, :2] / 2, columns=["a", "b"])
    frame["town"] = pd.Series([TOWNS[int(code) % 3] for code in x[:, 4]], dtype=object)
    frame["years"], frame["shift"] = 1 + np.abs(x[:, 2]), x[:, 3] / 8
    value = np.tanh(y / 4) / 2
    frame["late"], frame["count"] = (value > 0) * 1, np.floor(3 * np.exp(value))
    frame["cost"], frame["kind"] = np.exp(value), classes_of(y, 3)
    frame["rate"] = 1 / np.sqrt(1.5 + value)
    draw = np.random.RandomState(96)
    rows = frame.iloc[draw.randint(0, len(frame), 16)].reset_index(drop=True)
    rows["a"] = rows["a"] * draw.choice([1.0, 1.0, 8.0, -8.0, 1 / 3], 16)
    return frame, rows


FRAME, ROWS = frames()


def exog(frame):
    return sm.add_constant(frame[["a", "b"]], has_constant="add")


def written(folder, name, result, expected, **options):
    document = export_statsmodels.export(result, name=name, date="2026-01-01", checks=4, **options, training_data={
        "file": "made_up.csv", "sha256": "0" * 64, "rows": len(FRAME)})
    names = [f["name"] for kind in ("numeric", "text") for f in document["features"][kind]]
    cells = list(ROWS[names].astype(object).itertuples(index=False))
    expected = np.asarray(expected, dtype=float)
    write_set(os.path.join(folder, f"pipeline_{name}"), names, cells, [], expected,
              {"model.json": export_sklearn.to_text(document) + "\n"}, {"trainer": "statsmodels", "version": statsmodels.__version__})


def main(folder):
    families = sm.families
    for name, family, target in (
            ("Logit", families.Binomial, "late"), ("Probit", families.Binomial, "late"), ("CLogLog", families.Binomial, "late"),
            ("LogLog", families.Binomial, "late"), ("Cauchy", families.Binomial, "late"), ("Identity", families.Gaussian, "cost"),
            ("Log", families.Gamma, "cost"), ("InversePower", families.Gamma, "rate"), ("InverseSquared", families.InverseGaussian, "rate"),
            ("Sqrt", families.Poisson, "count")):
        result = sm.GLM(FRAME[target], exog(FRAME), family=family(link(name))).fit()
        written(folder, f"glm_{name.lower()}", result, result.predict(exog(ROWS)))
    options = {"exposure": FRAME["years"], "offset": FRAME["shift"]}
    result = sm.GLM(FRAME["count"], exog(FRAME), family=families.Poisson(), **options).fit()
    written(folder, "glm_exposure", result, result.predict(exog(ROWS), exposure=ROWS["years"], offset=ROWS["shift"]),
            exposure="years", offset="shift")
    for name, model in (("logit", sm.Logit(FRAME["late"], exog(FRAME))), ("probit", sm.Probit(FRAME["late"], exog(FRAME))),
                        ("poisson", sm.Poisson(FRAME["count"], exog(FRAME))), ("mnlogit", sm.MNLogit(FRAME["kind"], exog(FRAME)))):
        result = model.fit(disp=0)
        written(folder, name, result, result.predict(exog(ROWS)))
    result = sm.OLS(FRAME["cost"], exog(FRAME)).fit()
    written(folder, "ols", result, result.predict(exog(ROWS)))
    result = smf.ols("cost ~ a * C(town) + np.log(years)", FRAME).fit()
    written(folder, "formula", result, result.predict(ROWS))


if __name__ == "__main__":
    main(sys.argv[1])
