# SPDX-License-Identifier: MIT
"""Projects of models/scaffold.py: formulas that are translated, files, and parity of what was compiled.

Needs COMPILE_COMMANDS and TABSCORE_LIBRARY: see cxx.py."""

import contextlib
import io
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import types
import unittest
import warnings
from unittest import mock

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

source = pathlib.Path(os.environ["TABSCORE_SOURCE_DIR"])
if "TABSCORE_EXPORTER_INSTALLED" not in os.environ:  # else those of the wheel
    sys.path.insert(0, str(source / "models"))
import cxx  # noqa: E402
import scaffold  # noqa: E402
import trace_formulas  # noqa: E402
from export_program import NotExportable  # noqa: E402
from trace_formulas import Untraceable  # noqa: E402


def loans(rows=400):
    random = np.random.default_rng(3)
    return pd.DataFrame({
        "application": [f"A-{i}" for i in range(rows)],
        "purpose": random.choice(["car", 'a "house"', "ünïversity"], rows),
        "amount": random.lognormal(8, 1, rows).round(2),
        "months": random.integers(6, 200, rows),
        "home": random.random(rows) < 0.5,
        "income": np.where(random.random(rows) < 0.1, np.nan, random.lognormal(7, 1, rows)),
        "unused": 1,
        "default": random.integers(0, 2, rows),
    })


def encoder(numbers, texts):
    return ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
                              ("t", OneHotEncoder(handle_unknown="ignore"), texts)])


def add_instalment(frame):
    frame = frame.copy()
    frame["instalment"] = frame["amount"] / frame["months"]
    frame["large"] = np.where((frame.amount > 5000) & (frame.purpose != "car"), np.log1p(frame.amount), 0.0)
    return frame


def add_by_time(frame):
    return frame.assign(rank=np.exp(-frame["amount"] / 1e4), monthly=frame["amount"] / frame["months"].replace(6, np.nan))


def made(pipeline, frame, name, folder, **options):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaffold.scaffold(pipeline, frame, name=name, folder=folder, **options)
    return said.getvalue()


class Formulas(unittest.TestCase):
    def code(self, function, **kinds):
        return {n: c.code for n, c in trace_formulas.trace(function, kinds or {"x": "number", "y": "number", "t": "text"}).items()}

    def test_operations_keep_their_order(self):
        x, y = 'ts::col<"x">', 'ts::col<"y">'
        for expression, code in {
            "x - (y - x)": f"{x} - ({y} - {x})",
            "x - y - x": f"{x} - {y} - {x}",
            "x / (y * 2)": f"{x} / ({y} * 2)",
            "(x + y) * 0.1": f"({x} + {y}) * 0.1",
            "x ** 2": f"{x} * {x}",
            "-(x + 1)": f"-1 * ({x} + 1)",
            "log1p(abs(x))": f"ts::log1p(ts::abs({x}))",
            "sqrt(x) - -2": f"ts::sqrt({x}) - -2",
        }.items():
            self.assertEqual(self.code(lambda f, e=expression: f.eval(f"z = {e}"))["z"], code)

    def test_conditions(self):
        x, t = 'ts::col<"x">', 'ts::col<"t">'
        made = self.code(lambda f: f.assign(a=np.where((f.x > 1) | ~(f.t == "b"), 1, 0), b=f.t.isin(["q", "p"]).astype(float),
                                            c=f.x.fillna(0), d=f.x.clip(0, 10), e=np.where(f.x.between(1, 2), f.x, -1.5)))
        self.assertEqual(made["a"], f'ts::where({x} > 1 || !({t} == "b"), 1, 0)')
        self.assertEqual(made["b"], f'ts::where(ts::in({t}, {{"p", "q"}}), 1.0, 0.0)')
        self.assertEqual(made["c"], f"ts::where(ts::is_missing({x}), 0, {x})")
        low = f"ts::where({x} < 0, 0, {x})"
        self.assertEqual(made["d"], f"ts::where({low} > 10, 10, {low})")  # a negative zero stays, as in pandas
        self.assertEqual(made["e"], f"ts::where({x} >= 1 && {x} <= 2, {x}, -1.5)")

    def test_types_keep_their_meaning(self):
        kinds = {"x": "number", "f": "flag", "g": "flag", "k": "narrow", "t": "text"}
        made = self.code(lambda f: f.assign(a=f.f * 2 + f.x, b=np.where(f.f & ~f.g, f.x, 0), c=f.k.astype(float) + 1,
                                            d=np.clip(f.x.values, 0, 5), e=f.x.isin([2147483648, -1]).astype(int)), **kinds)
        x, flag = 'ts::col<"x">', 'ts::col<"f">'
        self.assertEqual(made["a"], f"{flag} * 2 + {x}")
        self.assertEqual(made["b"], f'ts::where({flag} && !ts::col<"g">, {x}, 0)')
        self.assertEqual(made["c"], 'ts::col<"k"> * 1.0 + 1')
        self.assertEqual(made["d"], f"ts::min(ts::max({x}, 0), 5)")
        self.assertEqual(made["e"], f"ts::where(ts::in({x}, {{-1LL, 2147483648LL}}), 1, 0)")

        def writes(frame):
            frame.x = frame.x.abs()
            frame["q"] = frame["x"] * 2
            return frame
        self.assertEqual(self.code(writes, **kinds)["q"], f"ts::abs({x}) * 2")

        def grows(frame):
            frame["q"] = frame.x
            for _ in range(24):
                frame["q"] = frame["q"] + frame["q"] * 0.5
            return frame
        for function in (grows, lambda f: f.assign(q=f.f + f.g), lambda f: f.assign(q=f.k * 2), lambda f: f.assign(q=np.log1p(f.f)),
                         lambda f: f.assign(q=f.x.clip(lower=f.x)), lambda f: f.assign(q=f.x.clip(10, 0)),
                         lambda f: f.assign(q=f.x.isin([1, 2.5])), lambda f: f.assign(q=f.x.isin(["a"]))):
            with self.assertRaises(Untraceable):
                self.code(function, **kinds)

    def test_missing_values_that_code_makes(self):
        x, nan, most = 'ts::col<"x">', "std::numeric_limits<double>::quiet_NaN()", "1.7976931348623157e+308"
        made = self.code(lambda f: f.assign(a=f.x.replace(0, np.nan), b=f.x.where(f.x > 0), f=f.x.where(f.x > 0, f.y), c=np.where(f.t == "b", np.nan, f.x),
                                            d=f.x.replace([np.inf, -np.inf], np.nan), e=f.x.replace(np.nan, 1)))
        self.assertEqual(made["a"], f"ts::where({x} == 0, {nan}, {x})")
        self.assertEqual(made["b"], f"ts::where({x} > 0, {x}, {nan})")
        self.assertEqual(made["c"], f'ts::where(ts::col<"t"> == "b", {nan}, {x})')
        self.assertEqual(made["f"], f'ts::where({x} > 0, {x}, ts::col<"y">)')
        self.assertEqual(made["d"], f"ts::where({x} > {most} || {x} < -{most}, {nan}, {x})")
        self.assertEqual(made["e"], f"ts::where(ts::is_missing({x}), 1, {x})")

    def test_the_rest_is_known_beside_what_is_not(self):
        def adds(frame):
            frame["hour"] = frame["t"].dt.hour
            frame["late"] = (frame["hour"] > 20).astype(int)
            frame["centred"] = frame["x"].fillna(frame["x"].median())
            frame["odd"] = frame["x"] % 2
            frame["first"] = frame["t"].str[0]
            frame["half"] = frame["x"] / 2
            return frame

        made = trace_formulas.trace(adds, {"x": "number", "t": "text"})
        unknown = {n: c.why for n, c in made.items() if isinstance(c, trace_formulas.Unknown)}
        self.assertEqual(unknown, {"hour": "Series.dt", "late": "Series.dt", "centred": "Series.median", "odd": "the operator %",
                                   "first": "Series.str"})
        self.assertEqual(made["half"].code, 'ts::col<"x"> / 2')

    def test_what_is_not_known_is_refused(self):
        for function in (
            lambda f: f.assign(z=f.x.rolling(2)), lambda f: f[f.x > 0], lambda f: f.groupby("t"), lambda f: f.assign(z=np.exp(f.x)),
            lambda f: f.assign(z=f.x ** 3), lambda f: f.assign(z=1 if f.x > 0 else 2), lambda f: f.assign(z=[1, 2]),
            lambda f: f.assign(z=f.t + "a"), lambda f: f.assign(z=f.t > "a"), lambda f: f.assign(z=f.x + float("inf")),
            lambda f: f.eval("z = x @ y"), lambda f: f.eval("z = `a b`"), lambda f: f.x, lambda f: f.assign(z=f.nothing),
            lambda f: f.eval("x +"), lambda f: f.assign(z=f.x.astype("int")),
            lambda f: f.assign(z=f.x.replace("a", 1)), lambda f: f.assign(z=f.x.replace({0: 1})), lambda f: f.assign(z=f.x.isin([1.0, np.nan])),
            lambda f: f.assign(z=2 ** f.x),
        ):
            with self.assertRaises(Untraceable):
                self.code(function)

    def test_columns_that_are_changed_in_place(self):
        for change in (lambda x: x.replace(0, 1, inplace=True), lambda x: x.ffill(inplace=True), lambda x: x.update(x),
                       lambda x: x.str.pop(0), lambda x: np.putmask(x.values, x > 0, 1), lambda x: np.log(x, out=x), lambda x: np.add.at(x, 0, 1),
                       lambda x: np.clip(x, 0, 1, out=x),
                       lambda x: x.loc.__setitem__(0, 1)):
            def changes(frame, change=change):
                change(frame["x"])
                return frame.assign(z=frame["x"] * 2)
            with self.assertRaises((Untraceable, TypeError)):
                trace_formulas.trace(changes, {"x": "number"})


class Projects(unittest.TestCase):
    def test_compiled_projects_give_the_numbers(self):
        frame = loans()
        inputs = frame.drop(columns=["application", "default"])
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            # Formulas of a first step, in another order than the columns'; amount is in formulas alone.
            columns = make_pipeline(FunctionTransformer(add_instalment), encoder(["large", "instalment", "months"], ["purpose"]))
            first = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame.drop(columns="default"), frame["default"])
            said = made(first, frame, "first_loans", folder / "first", label="default", id="application")
            self.assertIn("reads them: home, income, unused", said)
            header = (folder / "first/first_loans.hpp").read_text()
            for part in ('ts::id<ts::text<"application">>', 'ts::integer<"months">',
                         'ts::feature<"instalment">(ts::col<"amount"> / ts::col<"months">)', "observed: ts::ge{6}"):
                self.assertIn(part, header)
            # Several classes, missing values, booleans, formulas as expressions.
            classes = np.where(frame.amount > 5000, "large", np.where(frame.amount > 2000, "middle", "small"))
            formulas = ["ratio = months / 12", "half = ratio * 0.5"]
            second = make_pipeline(encoder(["half", "income", "home", "ratio"], ["purpose"]), RandomForestClassifier(10, max_depth=5))
            second.fit(inputs.eval("\n".join(formulas))[["half", "income", "home", "ratio", "purpose"]], classes)
            made(second, frame.assign(size=classes).drop(columns="default"), "second_loans", folder / "second", label="size",
                 id="application", formulas=formulas)
            header = (folder / "second/second_loans.hpp").read_text()
            self.assertIn('ts::multiclass<"size", "probabilities">', header)
            self.assertIn('ts::optional<ts::real<"income">>', header)
            self.assertIn('ts::feature<"half">(ts::col<"months"> / 12 * 0.5)', header)
            # Numbers of an array, and a column whose formula is not known.
            columns = add_by_time(frame[["amount", "months", "income"]])
            third = HistGradientBoostingRegressor(max_iter=10).fit(columns.to_numpy(), frame.amount / frame.months)
            said = made(third, frame[["amount", "months", "income"]], "third_loans", folder / "third", engineer=add_by_time)
            self.assertIn("no formula is known for rank (np.exp)", said)
            header = (folder / "third/third_loans.hpp").read_text()
            self.assertIn("PLACE: compute rank", header)
            self.assertIn('ts::feature<"monthly">', header)
            self.compile_and_run(folder, {"first": "first_loans", "second": "second_loans", "third": "third_loans"})

    def compile_and_run(self, folder, projects):
        """All parity tests as one program, and the syntax of a server and of a library."""
        text = "".join(f'#define main main_of_{name}\n#include "{at}/parity.cpp"\n#undef main\n' for at, name in projects.items())
        calls = " + ".join(f'main_of_{name}(2, arguments_{name})' for name in projects.values())
        arrays = "".join(f'char folder_{n}[] = "{folder}/{at}";\nchar* arguments_{n}[] = {{folder_{n}, folder_{n}, nullptr}};\n'
                         for at, n in projects.items())
        (folder / "all.cpp").write_text(f"{text}{arrays}int main() {{ return {calls}; }}\n")
        ran = subprocess.run([cxx.build(folder / "all.cpp")], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stdout)
        self.assertEqual(ran.stdout.count("numbers have the trainer's bits"), len(projects), ran.stdout)
        for file in ("first/first_loans_c.cpp", "first/main.cpp") if pathlib.Path("/usr/include/httplib.h").exists() else ():
            checked = subprocess.run([*cxx.flags(), "-fsyntax-only", folder / file], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stderr[:3000])

    def test_files_are_not_written_over(self):
        frame = loans(50)
        pipeline = make_pipeline(encoder(["amount"], ["purpose"]), LogisticRegression()).fit(frame.drop(columns="default"), frame["default"])
        with tempfile.TemporaryDirectory() as folder:
            made(pipeline, frame, "loans", folder, label="default")
            before = {p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir()}
            self.assertEqual(len(before), 9)
            (pathlib.Path(folder) / "main.cpp").write_text("mine")
            with self.assertRaisesRegex(NotExportable, "has CMakeLists.txt.* already"):
                made(pipeline, frame, "loans", folder, label="default")
            self.assertEqual((pathlib.Path(folder) / "main.cpp").read_text(), "mine")
            frame.index = [0] * len(frame)  # as after concat
            made(pipeline, frame.assign(unused=np.inf), "loans", folder, label="default", force=True)
            after = {p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir() if p.name != "loans.json"}  # names the data
            self.assertEqual(after, {name: content for name, content in before.items() if name != "loans.json"})
            self.assertNotIn("@", (pathlib.Path(folder) / "CMakeLists.txt").read_text())

    def test_the_command_line_takes_what_training_scripts_save(self):
        frame = loans()
        scaler = StandardScaler().fit(frame[["amount", "months"]])
        fitted = make_pipeline(StandardScaler(), LogisticRegression())
        fitted.fit(frame[["amount", "months"]], frame["default"].map({0: "no", 1: "yes"}))
        zero_one = make_pipeline(StandardScaler(), LogisticRegression())
        zero_one.fit(frame[["amount", "months"]], frame["default"].astype(str))
        model = LogisticRegression().fit(scaler.transform(frame[["amount", "months"]]), frame["default"])

        def command(saved, *options):
            with tempfile.TemporaryDirectory() as folder:
                joblib.dump(saved, folder + "/saved.joblib")
                frame.to_csv(folder + "/rows.csv", index=False)
                said, arguments = io.StringIO(), [folder + "/saved.joblib", "--data", folder + "/rows.csv", "--name", "made",
                                                  "--folder", folder + "/made", *options]
                with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said), mock.patch("sys.argv", ["x", *arguments]):
                    try:
                        scaffold.main()
                    except SystemExit as end:
                        self.assertNotEqual(end.code, 0)
                        return None, said.getvalue()
                return json.loads(pathlib.Path(folder, "made/made.json").read_text()), said.getvalue()

        # The pipeline beside names and figures, in what holds them.
        held = {"features": ["amount", "months"], "auc": 0.7}
        for saved in ({"model": zero_one, **held}, [zero_one, held], (held, zero_one)):
            self.assertIsNotNone(command(saved)[0])
        # A step that would be left out is no guess to make.
        for saved in ({"scaler": scaler, "model": model}, (scaler, model)):
            self.assertRegex(command(saved)[1], "'?(scaler|0)'? \\(StandardScaler\\), .*make_pipeline")
        self.assertRegex(command(held)[1], "dict without a fitted pipeline")
        # Columns that a function of the training script adds.
        with_ratio = make_pipeline(StandardScaler(), LogisticRegression())
        with_ratio.fit(frame[["amount", "months"]].assign(ratio=frame.amount / frame.months), frame["default"])
        self.assertRegex(command(with_ratio)[1], "reads ratio, .*--engineer")
        code = types.SimpleNamespace(add=lambda rows: rows.assign(ratio=rows.amount / rows.months))
        with mock.patch.dict(sys.modules, {"training_code": code}):
            self.assertIn("raw_checks", command(with_ratio, "--engineer", "training_code:add")[0])
        self.assertRegex(command(with_ratio, "--engineer", "training_code:add")[1], "No module named.*PYTHONPATH")
        # Code of the training script that is not here.
        with mock.patch.object(sys.modules["__main__"], "gone_by_then", new=lambda x: x, create=True) as function:
            function.__module__, function.__qualname__ = "__main__", "gone_by_then"
            own_code = pickle.dumps(FunctionTransformer(function))
        with mock.patch("joblib.load", side_effect=lambda _: pickle.loads(own_code)):
            self.assertRegex(command(held)[1], "gone_by_then.*; put the folder of the training code on PYTHONPATH")
        # Texts of 0 and 1 say which one is positive; others are asked for as the command line has it.
        document, _ = command(zero_one)
        self.assertEqual(document["outputs"]["classes"] if "outputs" in document else document["classes"], ["0", "1"])
        self.assertRegex(command(fitted)[1], "say which one is positive: --positive 'yes' or --positive 'no'")
        self.assertIsNotNone(command(fitted, "--positive", "yes")[0])

    def test_what_is_wrong_is_a_sentence(self):
        frame = loans(50)
        pipeline = make_pipeline(encoder(["amount"], ["purpose"]), LogisticRegression()).fit(frame.drop(columns="default"), frame["default"])

        def overwrite(f):
            return f.assign(amount=f["amount"] / 2)

        def fails(f):
            return f["nothing"]

        with tempfile.TemporaryDirectory() as folder:
            for sentence, options in {
                "not a C\\+\\+ identifier": {"name": "two words"},
                "not a C\\+\\+ identifier, or": {"name": "std"},
                "no column 'paid'": {"label": "paid"},
                "the code that adds columns fails on the data: KeyError": {"engineer": fails},
                "fails on the data: SyntaxError": {"formulas": ["q = amount // "]},
                "writes another \\['amount'\\] over the raw column": {"engineer": overwrite},
            }.items():
                with self.assertRaisesRegex(NotExportable, sentence):
                    made(pipeline, frame, options.pop("name", "loans"), folder, **options)
            twice = pd.concat([frame, frame["amount"]], axis=1)
            for odd, sentence in ((twice, "two columns"), (frame.assign(amount=[10**25] * 50).astype({"amount": object}), "64-bit")):
                with self.assertRaisesRegex(NotExportable, sentence):
                    made(pipeline, odd, "loans", folder)
            with self.assertRaisesRegex(NotExportable, "the pipeline reads amount, which is not in the data"):
                made(pipeline, frame.drop(columns="amount"), "loans", folder)
            dates = frame.assign(amount=pd.Timestamp("2026-01-01"))
            with self.assertRaises(NotExportable):
                made(pipeline, dates, "loans", folder)
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])


if __name__ == "__main__":
    unittest.main()
