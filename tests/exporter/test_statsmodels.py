# SPDX-License-Identifier: MIT
"""Results of statsmodels against statsmodels itself, where it is installed."""

import importlib.util
import os
import unittest
import warnings

import numpy as np
import pandas as pd
from harness import DATA, ours, outputs_of, read_back, ulps

import export_statsmodels
from export_program import NotExportable

warnings.simplefilter("ignore")
ROWS = 300


def rows():
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({"a": draw.normal(0, 0.4, ROWS), "b": draw.uniform(0.5, 1.5, ROWS), "years": draw.uniform(0.5, 3, ROWS),
                          "shift": draw.normal(0, 0.2, ROWS), "town": pd.Series(draw.choice(["x", "y", "z"], ROWS), dtype=object),
                          "zone": draw.integers(1, 4, ROWS)})
    value = 0.5 * frame.a + 0.3 * frame.b
    frame["late"] = (value + draw.normal(0, 0.3, ROWS) > 0.3) * 1
    frame["count"] = draw.poisson(frame.years * np.exp(value))
    frame["cost"] = np.exp(value + draw.normal(0, 0.1, ROWS))
    frame["rate"] = 1 / np.sqrt(1 + value + draw.uniform(0, 0.05, ROWS))
    frame["kind"] = np.digitize(value + draw.normal(0, 0.2, ROWS), [0.2, 0.4])
    return frame


FRAME = rows()


def live(count=80):
    draw = np.random.default_rng(4)
    frame = FRAME.iloc[draw.integers(0, ROWS, count)].reset_index(drop=True)
    frame["a"] = frame["a"] * np.where(draw.random(count) < 0.1, 40, 1)
    frame.loc[draw.random(count) < 0.1, "b"] = np.nan
    return frame


LIVE = live()


@unittest.skipUnless(importlib.util.find_spec("statsmodels"), "statsmodels is not installed (pip install statsmodels)")
class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        global sm, links
        import statsmodels.api as sm
        from statsmodels.genmod.families import links

    def both(self, result, expected, near=1e-12, live=LIVE, **options):
        """Exports, and compares with what predict() gave for the rows."""
        document = export_statsmodels.export(result, name="made up", training_data=DATA, checks=16, **options)
        expected = np.asarray(expected, dtype=float).reshape(len(live), -1)
        have = outputs_of(document, live)[0] if "outputs" in document else ours(document, live)[:, None]
        outside = ~np.isfinite(expected).all(axis=1)
        if "outputs" not in document:
            outside |= ~((expected >= 0) & (expected <= 1)).all(axis=1)
        self.assertEqual(np.flatnonzero(np.isnan(have).any(axis=1) != outside).tolist(), [])
        self.assertLess(outside.mean(), 0.9)
        np.testing.assert_allclose(have[~outside], expected[~outside], rtol=near, atol=near)
        if os.environ.get("SHOW_DIFFERENCES"):
            close = np.abs(expected[~outside]) > 1e-3
            print(f"{type(result.model).__name__}\t{type(getattr(getattr(result.model, 'family', None), 'link', None)).__name__}\t"
                  f"{ulps(have[~outside][close], expected[~outside][close]).max():.0f} ULP")
        return document

    def exog(self, frame=None, names=("a", "b")):
        return sm.add_constant((FRAME if frame is None else frame)[list(names)], has_constant="add")

    def test_links(self):
        families = sm.families
        tried = [(families.Binomial, "late", name) for name in ("Logit", "Probit", "CLogLog", "LogLog", "Cauchy")]
        tried += [(families.Gaussian, "cost", "Identity"), (families.Gaussian, "cost", "Log"), (families.Poisson, "count", "Log"),
                  (families.Poisson, "count", "Sqrt"), (families.Gamma, "cost", "InversePower"), (families.Gamma, "cost", "Log"),
                  (families.InverseGaussian, "rate", "InverseSquared"), (families.Tweedie, "cost", "Log"),
                  (families.NegativeBinomial, "count", "Log")]
        for family, target, name in tried:
            with self.subTest(link=name, family=family.__name__):
                old = {"InversePower": "inverse_power", "InverseSquared": "inverse_squared"}
                link = getattr(links, name, None) or getattr(links, old.get(name, name.lower()))
                result = sm.GLM(FRAME[target], self.exog(), family=family(link())).fit()
                self.both(result, result.predict(self.exog(LIVE)), 1e-11)
        power = families.Tweedie(link=links.Power(power=0.5), var_power=1.5)
        result = sm.GLM(FRAME["cost"], self.exog(), family=power).fit()
        self.both(result, result.predict(self.exog(LIVE)), 1e-11)
        result = sm.GLM(FRAME["count"] + 1, self.exog(), family=families.NegativeBinomial(link=links.NegativeBinomial(1.0), alpha=1.0)).fit()
        self.both(result, result.predict(self.exog(LIVE)), 1e-9)

    def test_offset_and_exposure(self):
        family = sm.families.Poisson()
        result = sm.GLM(FRAME["count"], self.exog(), family=family, exposure=FRAME["years"], offset=FRAME["shift"]).fit()
        expected = result.predict(self.exog(LIVE), exposure=LIVE["years"], offset=LIVE["shift"])
        document = self.both(result, expected, exposure="years", offset="shift")
        self.assertEqual([f["name"] for f in document["features"]["numeric"]], ["a", "b", "shift", "years"])
        result = sm.GLM(FRAME["late"], self.exog(), family=sm.families.Binomial(), offset=FRAME["shift"]).fit()
        self.both(result, result.predict(self.exog(LIVE), offset=LIVE["shift"]), offset="shift")
        result = sm.Poisson(FRAME["count"], self.exog(), exposure=FRAME["years"]).fit(disp=0)
        self.both(result, result.predict(self.exog(LIVE), exposure=LIVE["years"]), exposure="years")
        baseline = export_statsmodels.drift_baseline(result, FRAME, None, exposure="years")
        self.assertEqual([f["name"] for f in baseline["numeric"]], ["a", "b", "years"])
        self.both(result, result.predict(self.exog(LIVE), exposure=LIVE["years"]), exposure="years", baseline=baseline)
        for options, sentence in (({}, "fitted with exposure=; say how the record calls it"), ({"exposure": "years", "offset": "o"}, "without offset="),
                                  ({"exposure": "a"}, "is a column of the model, too")):
            with self.assertRaisesRegex(NotExportable, sentence):
                export_statsmodels.export(result, name="n", training_data=DATA, **options)

    def test_models(self):
        for model in (sm.OLS(FRAME["cost"], self.exog()), sm.WLS(FRAME["cost"], self.exog(), weights=FRAME["years"]),
                      sm.OLS(FRAME["cost"], FRAME[["a", "b"]]), sm.RLM(FRAME["cost"], self.exog())):
            result = model.fit()
            x = self.exog(LIVE) if "const" in model.exog_names else LIVE[["a", "b"]]
            self.both(result, result.predict(x))
        for model in (sm.Logit(FRAME["late"], self.exog()), sm.Probit(FRAME["late"], self.exog()), sm.Poisson(FRAME["count"], self.exog()),
                      sm.NegativeBinomial(FRAME["count"], self.exog()), sm.MNLogit(FRAME["kind"], self.exog())):
            result = model.fit(disp=0)
            self.both(result, result.predict(self.exog(LIVE)), 1e-11)
        result = sm.MNLogit(FRAME["late"], self.exog()).fit(disp=0)
        self.both(result, result.predict(self.exog(LIVE)).to_numpy()[:, 1], 1e-11)
        result = sm.QuantReg(FRAME["cost"], self.exog()).fit(q=0.75)
        self.assertEqual(self.both(result, result.predict(self.exog(LIVE)))["outputs"]["levels"], [0.75])
        result = sm.OLS(FRAME["cost"].to_numpy(), self.exog().to_numpy()).fit()
        self.both(result, result.predict(self.exog(LIVE).to_numpy()), names=["a", "b"])

    def test_formulas(self):
        import statsmodels.formula.api as smf

        for formula in ("cost ~ a + C(town) + b", "cost ~ town + a:b + np.log(years)", "cost ~ 0 + a + C(zone, Treatment(2))",
                        "cost ~ a * town"):
            with self.subTest(formula=formula):
                result = smf.ols(formula, FRAME).fit()
                self.both(result, result.predict(LIVE).reindex(LIVE.index))
        result = smf.logit("late ~ a + C(town)", FRAME).fit(disp=0)
        self.both(result, result.predict(LIVE).reindex(LIVE.index))
        unseen = LIVE.assign(town="nowhere")[:3]
        document = export_statsmodels.export(result, name="n", training_data=DATA)
        self.assertEqual({tuple(cells) for cells in read_back(document, unseen)}, {("fault", "town", "unlisted")})
        # A column of the data that is constant, and levels that look like treatment's.
        told = FRAME.assign(one=1.0, town="T." + FRAME.town)
        live = LIVE.assign(one=np.linspace(-1, 1, len(LIVE)), town="T." + LIVE.town)
        for formula in ("cost ~ 0 + one + a", "cost ~ a + C(town)", "cost ~ 0 + a + town"):
            with self.subTest(formula=formula):
                result = smf.ols(formula, told).fit()
                self.both(result, result.predict(live).reindex(live.index), live=live)
        result = smf.ols("cost ~ C(town)", told.assign(town=told.town.replace("T.y", "x"))).fit()
        with self.assertRaisesRegex(NotExportable, "the categories 'T.x' and 'x' of town have the same names of columns"):
            export_statsmodels.export(result, name="n", training_data=DATA)
        for formula in ("cost ~ np.log(b + 10)", "cost ~ I(a ** 2)", "cost ~ C(town, Sum)", "cost ~ bs(a, df=4)"):
            with self.subTest(formula=formula):
                result = smf.ols(formula, FRAME).fit()
                with self.assertRaisesRegex(NotExportable, "compute it before fit|treatment coding"):
                    export_statsmodels.export(result, name="n", training_data=DATA)

    def test_refusals(self):
        for thing, sentence in ((3, "a int is not a result of statsmodels"),
                                (sm.ZeroInflatedPoisson(FRAME["count"], self.exog()).fit(disp=0), "a ZeroInflatedPoisson cannot be exported")):
            with self.assertRaisesRegex(NotExportable, sentence):
                export_statsmodels.export(thing, name="n", training_data=DATA)


if __name__ == "__main__":
    unittest.main()
