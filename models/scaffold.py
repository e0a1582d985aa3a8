#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a C++ service of a fitted pipeline and a table of its raw rows.

    python3 models/scaffold.py pipeline.joblib --data rows.parquet --name loan_default --folder services/loan

writes the model file and a project: NAME.hpp (schema, features, prediction), main.cpp (an HTTP server), NAME_c.cpp (a shared
library for Python and other languages), parity.cpp with rows and the trainer's numbers, CMakeLists.txt and README.md, which
has the three commands that build and serve it. In a notebook:

    import scaffold
    scaffold.scaffold(pipeline, frame, name="loan_default", folder="services/loan")

The schema follows from the table: types, missing values. Formulas follow from a first FunctionTransformer of the pipeline, from
engineer=, a function of the raw frame, or from expressions as DataFrame.eval takes them. A column whose formula cannot be
translated becomes a field of the record, at a marked place.

Needs python3-sklearn and python3-pandas; Parquet also pyarrow.
"""

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import os
import pathlib
import re
import sys
import tempfile
import types

import numpy as np
import pandas as pd

import export_checks
import export_sklearn
import export_tasks
import trace_formulas
from export_program import NotExportable, is_missing, require
from trace_formulas import Untraceable, quoted

PARITY_ROWS = 500
RAW_ROWS = 50
KEYWORDS = set("""alignas alignof and asm auto bool break case catch char class const constexpr continue default delete do double
else enum explicit export extern false float for friend goto if inline int long mutable namespace new not operator or private
protected public register return short signed sizeof static struct switch template this throw true try typedef typename union
unsigned using virtual void volatile while xor main record prediction features rules program title summary add_example std ts tabscore
linux unix parity test all install clean""".split())


def scaffold(pipeline, frame, *, name, folder, label=None, id=None, engineer=None, formulas=(), force=False, **options):
    """Writes the project and returns the paths of its files.

    `frame` holds raw rows, as the service will get them. `label`: its column with what is predicted, which gives the drift
    baseline. `id`: its column that names a record. `engineer`: a function that adds columns to a frame before the pipeline
    sees it; `formulas`: expressions such as "instalment = amount / months" in its place. `options` are those of
    export_sklearn.export: threshold, positive, class_names, target_names, categories. Nothing is written when something is
    wrong, or when a file is there already and `force` is not given.
    """
    usable = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and re.search("[a-z]", name) and "__" not in name
    require(usable and name not in KEYWORDS,
            f"the name {name!r} is not a C++ identifier, or is a reserved word; give one such as loan_default")
    require(isinstance(frame, pd.DataFrame) and len(frame), "data= is not a DataFrame with rows")
    project = Project(pipeline, frame, name, label, id, engineer, list(formulas), options)
    files = project.files()
    folder = pathlib.Path(folder)
    there = sorted(f for f in files if (folder / f).exists())
    require(force or not there, f"{folder} has {', '.join(there)} already; give another folder, or --force (force=True)")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as partial:
            partial.write(text)
        os.chmod(partial.name, 0o644)
        os.replace(partial.name, folder / file)
    for sentence in project.notes:
        print(f"{name}: {sentence}", file=sys.stderr)
    return [folder / f for f in files]


class Project:
    """What is known of the service before it is written."""

    def __init__(self, pipeline, frame, name, label, id, engineer, formulas, options):
        self.name, self.options, self.notes, self.places = name, options, [], {}
        twice = frame.columns[frame.columns.duplicated()].tolist()
        require(not twice, f"two columns of the data are named {twice[:1]}; rename one")
        frame = frame.reset_index(drop=True)
        for column in (label, id):
            require(column is None or column in frame, f"the data have no column {column!r}")
        self.labels = None if label is None else frame[label]
        self.label, self.id = label, id
        raw = frame.drop(columns=[c for c in (label, id) if c is not None])
        odd = [c for c in raw.columns if not isinstance(c, str)]
        require(not odd, f"the column name {odd[:1]} is not text; rename the columns")
        require("" not in raw, "a column has the empty name; rename it")
        self.rest, self.add = self.split(pipeline, engineer, formulas)
        try:
            made = self.add(raw.copy()) if self.add else raw
        except Exception as why:  # noqa: BLE001 (code of others)
            raise NotExportable(f"the code that adds columns fails on the data: {type(why).__name__}: {str(why)[:200]}") from why
        require(isinstance(made, pd.DataFrame) and len(made) == len(raw), "the code that adds columns gives no frame of as many rows")
        wanted = export_sklearn.input_names(self.rest)
        if wanted is None:  # fitted on an array
            wanted = list(made.columns)
            count = export_sklearn.input_count(self.rest)
            require(count in (None, len(wanted)), f"the pipeline was fitted on an array of {count} columns and the data have "
                    f"{len(wanted)}; give the data these columns alone, in their order (--label and --id name others)")
            self.options = {"names": wanted, **options}
        made = made.assign(**{c: frame[c] for c in (label, id) if c in wanted and c not in made})  # which a step drops
        absent = [c for c in wanted if c not in made]
        require(not absent, f"the pipeline reads {', '.join(map(str, absent[:3]))}, which {'is' if len(absent) == 1 else 'are'} not in the data; "
                "give the code or the formulas that add it (engineer=, formulas=; --engineer, --formula)")
        single = {c: float for c in made if made[c].dtype in (np.float32, np.float16)}  # C++ has doubles
        self.frame, self.raw, self.made, self.wanted = frame, raw, made.astype(single), wanted
        self.first = self.exported(self.rest, self.options, checks=1)
        self.read = [f["name"] for kind in ("numeric", "text") for f in self.first["features"][kind]]
        require(label not in self.read and id not in self.read, "the model reads the column of the label or of the id; leave that "
                "option out, or fit again without it")
        self.choose_fields()
        self.export()

    def split(self, pipeline, engineer, formulas):
        """The pipeline that is exported, and the code that makes its columns of the raw ones."""
        with contextlib.redirect_stderr(io.StringIO()):  # what it says of the first step is for those who write C++
            rest, first = export_sklearn.without_engineering(pipeline)
        steps = []
        if engineer is not None:
            steps.append(engineer)
        if formulas:
            text = "\n".join(formulas)
            steps.append(lambda frame: frame.eval(text))
        if first is not None:
            keywords = first.kw_args or {}
            steps.append(lambda frame: first.func(frame, **keywords))

        def add(frame):
            for step in steps:
                frame = step(frame)
            return frame

        return rest, add if steps else None

    def choose_fields(self):
        """Raw columns that are fields, columns with a formula, and those whose formula is not known."""
        raw, made = self.raw, self.made
        kinds = {c: traced_kind(raw[c]) for c in raw}
        formulas, why = {}, None
        if self.add:
            try:
                formulas = {n: c for n, c in trace_formulas.trace(self.add, kinds).items() if n in self.read}
            except Untraceable as reason:
                why = str(reason)
            except Exception as reason:  # noqa: BLE001 (code of others that meets a stand-in)
                why = f"{type(reason).__name__}: {reason}"
        changed = [n for n in self.read if n in raw and (n in formulas or self.add and not same(raw[n], made[n]))]
        require(not changed, f"the code writes another {changed[:1]} over the raw column; let it give the result a name of its own, "
                "and fit again")
        unknown = {n: c.why for n, c in formulas.items() if isinstance(c, trace_formulas.Unknown)}
        formulas = {n: c for n, c in formulas.items() if n not in raw and c.kind == "number" and "ts::col<" in c.code}
        engineered = [n for n in self.read if n in formulas]
        self.formulas = {n: formulas[n].code for n in engineered}
        for n in self.read:  # what has no formula is a field, at a marked place
            if n not in raw and n not in formulas:
                self.places[n] = unknown.get(n) or why or "the formula gives no number"
        if self.places:
            reasons = {r: ", ".join(n for n, of in self.places.items() if of == r) for r in self.places.values()}
            self.notes.append(f"no formula is known for {', '.join(f'{names} ({r})' for r, names in reasons.items())}: "
                              "fields of the record for now, at a marked place of the schema")
        used = " ".join(self.formulas.values())
        self.fields = {c: raw[c] for c in raw if c in self.read or f"ts::col<{quoted(c)}>" in used}
        self.fields.update({n: made[n] for n in self.places})
        unused = [c for c in raw if c not in self.fields]
        if unused:
            self.notes.append(f"left out, since neither the model nor a formula reads them: {', '.join(unused)}")
        self.kinds = {c: kind_of(c, values) for c, values in self.fields.items()}
        numbers = [c for c in self.fields if self.kinds[c] != "text"]
        texts = [c for c in self.fields if self.kinds[c] == "text"]
        self.order = numbers + engineered + texts  # as a pipeline of C++ gives them to the model

    def export(self):
        """The model file, whose features are the C++ ones."""
        baseline = None
        pipeline, options = self.rest, dict(self.options)
        numbers = [c for c in self.order if c in self.formulas or self.kinds[c] != "text"]
        if [f["name"] for f in self.first["features"]["numeric"]] != numbers:
            options["numbers"] = numbers
        known = {k: options[k] for k in ("positive", "names", "categories", "class_names", "target_names", "numbers") if k in options}
        described = self.made.iloc[:50_000]
        two = export_tasks.gives_probability(self.rest)
        if self.labels is not None or not two and not hasattr(self.rest, "classes_"):
            labels = None if self.labels is None else self.labels.iloc[:50_000]
            try:
                baseline = export_sklearn.drift_baseline(described, labels, pipeline=pipeline, **known)
            except NotExportable as why:
                self.notes.append(f"the model file has no drift baseline: {why}")
        else:
            self.notes.append("the model file has no drift baseline, which monitoring reads: name the label's column (--label)")
        raw = None
        if self.formulas:
            rows = self.finite_rows(self.made, RAW_ROWS)
            raw = pd.concat([self.plain(rows), self.made.loc[rows, list(self.formulas)]], axis=1)
            raw = raw[[c for c in raw if c != self.id]]
        if "training_data" not in options:
            digest = hashlib.sha256(pd.util.hash_pandas_object(self.frame.astype(str), index=False).to_numpy().tobytes())
            options["training_data"] = {"file": "a frame", "sha256": digest.hexdigest(), "rows": len(self.frame)}
        self.document = self.exported(pipeline, options, baseline=baseline, raw=raw, engineered=list(self.formulas) or None)
    def exported(self, pipeline, options, checks=None, **more):
        options = {"training_data": NO_DATA, **options, **more}
        with contextlib.redirect_stderr(io.StringIO()) as said:
            document = export_sklearn.export(pipeline, name=self.name, checks=checks, **options)
        self.notes[:] = [n for n in self.notes if not n.startswith("checks:")]
        self.notes += [line.partition(": ")[2] for line in said.getvalue().splitlines() if ": checks:" in line]
        return document

    # Rows.

    def finite_rows(self, made, count):
        """Some rows without infinities, which JSON has not."""
        used = [c for c in made if c in self.fields or c in self.formulas]
        numbers = [pd.to_numeric(made[c], errors="coerce") for c in used if not is_text(made[c])]
        infinite = np.zeros(len(made), dtype=bool)
        for column in numbers:
            infinite |= np.isinf(column.to_numpy(dtype=float, na_value=np.nan))
        rows = np.flatnonzero(~infinite)
        require(len(rows), "all rows of the data hold an infinity")
        picked = rows if len(rows) <= count else np.random.default_rng(0).choice(rows, count, replace=False)
        return made.index[np.sort(picked)]

    def plain(self, rows):
        """The fields of some rows as a frame of plain values."""
        out = {}
        for c, values in self.fields.items():
            out[c] = pd.Series([plain_value(v, self.kinds[c]) for v in values.loc[rows]], index=rows, dtype=object)
        if self.id is not None:
            values = self.frame[self.id]
            out[self.id] = pd.Series([plain_value(v, kind_of(self.id, values)) for v in values.loc[rows]], index=rows, dtype=object)
        return pd.DataFrame(out, index=rows)

    def parity(self):
        """Records as JSON, and the trainer's numbers for them."""
        rows = self.finite_rows(self.made, PARITY_ROWS)
        asked = self.made.loc[rows, self.wanted]
        numbers = export_checks.predicted(self.ask(), asked.to_numpy() if "names" in self.options else asked)
        good = ~np.isnan(numbers).any(axis=1)
        require(good.any(), "the pipeline refuses all rows of the data")
        records = [{c: v for c, v in row.items() if v is not None} for row in self.plain(rows[good]).to_dict("records")]
        return records, numbers[good].tolist()

    def ask(self):
        """A function of a frame that gives the trainer's numbers."""
        outputs = self.document.get("outputs")
        if outputs is None:
            return export_checks.probability(self.rest, export_sklearn.positive_place(self.rest, self.options.get("positive"))[0])
        said = types.SimpleNamespace(task=outputs["task"], probabilities=outputs.get("probabilities", True))
        return export_tasks.ask_of(self.rest, said)

    # Files.

    def files(self):
        records, expected = self.parity()
        self.columns = len(expected[0])
        words = {
            "name": self.name,
            "title": self.name.replace("_", " ").capitalize(),
            "prediction": self.prediction(),
            "schema": self.schema(),
            "features": self.features_text(),
            "example": self.example(records),
            "tolerance": "1e-6" if "xgboost" in self.document["kind"] + json.dumps(self.document["model"])[:20000] else "1e-9",
            "rows": len(records),
            "source": source_tree(),
            "where": "" if source_tree() else " -DTABSCORE_SOURCE=FOLDER",
            "folder": "" if source_tree() else "\n`FOLDER` holds the sources of tabscore. Leave the option out where tabscore is installed.\n",
            "record": json.dumps(max(records, key=len)).replace("'", "'\\''"),
        }
        templates = pathlib.Path(__file__).with_name("scaffold_templates")
        files = {}
        for template in sorted(templates.iterdir()):
            text = template.read_text(encoding="utf-8")
            text = re.sub(r"@(\w+)@", lambda found: str(words.get(found[1], found[0])), text)
            files[template.name.replace("NAME", self.name)] = text
        files[f"{self.name}.json"] = export_sklearn.text_of(self.document)
        files["parity_records.json"] = json.dumps({"records": records}, allow_nan=False) + "\n"
        files["parity_numbers.json"] = json.dumps(expected) + "\n"
        return files

    def prediction(self):
        outputs = self.document.get("outputs", {"task": "binary"})
        task, taken = outputs["task"], {*self.fields, self.id, "error"}
        value = self.label if isinstance(self.label, str) and self.label not in taken else "prediction"
        if task == "binary":
            return 'ts::binary<"probability", "label">'
        if task == "multiclass":
            name = "class" if value == "prediction" else value
            return f'ts::multiclass<{quoted(name)}, "{"probabilities" if outputs.get("probabilities", True) else "scores"}">'
        if task == "quantiles":
            return f"ts::quantiles<{', '.join(quoted(level_name(v)) for v in outputs['levels'])}>"
        if task == "anomaly":
            return 'ts::anomaly<"score", "is_outlier">'
        if task == "score":
            return 'ts::score<"score">'
        names = outputs.get("names") or ([value] if self.columns == 1 else [f"{value}_{i}" for i in range(self.columns)])
        if len(names) == 1:
            return f"ts::regression<{quoted(names[0])}>"
        return f"ts::outputs<{', '.join(f'ts::regression<{quoted(n)}>' for n in names)}>"

    def schema(self):
        fields = []
        if self.id is not None:
            values = self.frame[self.id]
            kind = kind_of(self.id, values)
            require(kind in ("text", "integer"), f"the id {self.id!r} is a {kind}; ids are texts or integers")
            fields.append((f"ts::id<ts::{kind}<{quoted(self.id)}>>", "names a record; no feature"))
        for c, values in self.fields.items():
            declared = f"ts::{self.kinds[c]}<{quoted(c)}>"
            if values.isna().any():
                declared = f"ts::optional<{declared}>"
            note = observed(values, self.kinds[c])
            if c in self.places:
                note = f"PLACE: compute {c} from other fields in `features` and remove it here. " + note
            fields.append((declared, note))
        lines = []
        for i, (declared, note) in enumerate(fields):
            lines.append(f"    {declared}{',' if i + 1 < len(fields) else '>;'}  // {' '.join(note.split())}")
        return "ts::schema<\n" + "\n".join(lines)

    def features_text(self):
        if not self.formulas:
            return ""
        lines = [f"      ts::feature<{quoted(n)}>({code})" for n, code in self.formulas.items()]
        return ("  /// As the training code computes them, operation by operation.\n  static constexpr ts::features features{\n"
                + ",\n".join(lines) + "};\n")

    def example(self, records):
        full = max(records, key=len)
        values = []
        for c in ([self.id] if self.id is not None else []) + list(self.fields):
            value = full.get(c)
            kind = kind_of(c, self.frame[c]) if c == self.id else self.kinds[c]
            if value is None:
                values.append("std::nullopt")
            elif kind == "boolean":
                values.append("true" if value else "false")
            elif kind == "integer":
                values.append(f"std::int64_t{{{value}}}" if abs(value) < 2**63 - 1 else "0")
            else:
                values.append(quoted(value) if kind == "text" else repr(float(value)))
        return ", ".join(values)


def source_tree():
    """Where tabscore's sources lie; empty where this is an installed package."""
    folder = pathlib.Path(__file__).resolve().parent.parent
    return folder.as_posix() if (folder / "include/tabscore/version.hpp").exists() else ""


NO_DATA = {"file": "-", "sha256": "0" * 64, "rows": 1}


def level_name(level):
    """0.1 is p10, 0.05 is p05, 0.975 is p975."""
    return "p" + f"{level:.15f}"[2:].rstrip("0").ljust(2, "0")


def same(before, after):
    """Whether two columns hold the same values."""
    both_missing = before.isna().to_numpy() & after.isna().to_numpy()
    with np.errstate(all="ignore"):
        return bool(((before.to_numpy() == after.to_numpy()) | both_missing).all())


def observed(values, kind):
    """What the column holds, as a suggestion of bounds."""
    known = values.dropna()
    if not len(known):
        return "no value in the data"
    if kind == "text":
        lengths = known.astype(str).map(len)
        return f"{known.nunique()} values; observed: ts::min_length{{{lengths.min()}}}, ts::max_length{{{lengths.max()}}}"
    if kind == "boolean":
        return f"true in {100 * known.astype(float).mean():.3g} % of the data"
    low, high = (plain_value(f(known.astype(float) if kind == "real" else known.astype("int64")), kind) for f in (min, max))
    return f"observed: ts::ge{{{low!r}}}, ts::le{{{high!r}}}"


def traced_kind(values):
    """What trace_formulas takes a column for."""
    if is_text(values):
        return trace_formulas.TEXT
    if values.dtype == bool:
        return trace_formulas.FLAG
    return trace_formulas.NUMBER if values.dtype in (np.int64, np.float64) else trace_formulas.NARROW


def is_text(values):
    try:
        return kind_of("", values) == "text"
    except NotExportable:
        return False


def kind_of(name, values):
    """The kind of a field: boolean, integer, real or text."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return kind_of(name, pd.Series(values.cat.categories.to_numpy()))
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(values.dtype):
        return "integer"
    if pd.api.types.is_float_dtype(values.dtype):
        return "real"
    known = values.dropna()
    large = [v for v in known if isinstance(v, int) and not -(2**63) <= v < 2**63] if values.dtype == object else []
    require(not large, f"the column {name!r} holds {large[:1]}, which is not a 64-bit integer; give texts or floats in its place")
    if values.dtype == object and len(known) and all(isinstance(v, (bool, np.bool_)) for v in known):
        return "boolean"
    if values.dtype == object and len(known) and all(isinstance(v, (int, np.integer)) for v in known):
        return "integer"
    if values.dtype == object and len(known) and all(isinstance(v, (int, float, np.number)) for v in known):
        return "real"
    require(all(isinstance(v, str) for v in known), f"the column {name!r} is of type {values.dtype} and holds no texts, numbers or "
            "truth values; give numbers or texts in its place, and fit again")
    return "text"


def plain_value(value, kind):
    if is_missing(value):
        return None
    return {"boolean": bool, "integer": int, "real": float, "text": str}[kind](value)


def read_table(path):
    path = pathlib.Path(path)
    readers = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".feather": pd.read_feather, ".pkl": pd.read_pickle,
               ".jsonl": lambda p: pd.read_json(p, lines=True)}
    require(path.suffix in readers, f"{path}: the data are read from {', '.join(readers)}")
    return readers[path.suffix](path)


def imported(place):
    """The function of MODULE:FUNCTION."""
    module, _, function = place.partition(":")
    return getattr(importlib.import_module(module), function)


def only_pipeline(loaded):
    """The pipeline of a file that keeps it in a dictionary or list, beside names and figures."""
    if hasattr(loaded, "predict") or not isinstance(loaded, (dict, list, tuple)):
        return loaded
    members = loaded.items() if isinstance(loaded, dict) else enumerate(loaded)
    estimators = {key: value for key, value in members if hasattr(value, "fit") or hasattr(value, "predict")}
    listed = ", ".join(f"{key!r} ({type(value).__name__})" for key, value in estimators.items())
    require(estimators, f"the file holds a {type(loaded).__name__} without a fitted pipeline")
    require(len(estimators) == 1, f"the file holds a {type(loaded).__name__} of {listed}; save one pipeline of what predicts, "
            "make_pipeline(...) of the fitted steps in their order")
    key, pipeline = next(iter(estimators.items()))
    export_sklearn.progress(f"the pipeline is the member {key!r} of the file's {type(loaded).__name__}")
    return pipeline


def main():
    import joblib

    parser = argparse.ArgumentParser(description="Make a C++ service of a fitted pipeline and a table of its raw rows.")
    parser.add_argument("pipeline", help="a fitted pipeline saved with joblib; loading it runs its code")
    parser.add_argument("--data", required=True, help="raw rows: .parquet, .csv, .feather, .jsonl or a pickled DataFrame")
    parser.add_argument("--name", required=True, help="of the service, a C++ identifier")
    parser.add_argument("--folder", required=True, help="where the project is written")
    parser.add_argument("--label", help="the column with what is predicted: for the drift baseline")
    parser.add_argument("--id", help="the column that names a record")
    parser.add_argument("--formula", action="append", default=[], metavar='"x = a / b"',
                        help="a column that is added before the pipeline, as DataFrame.eval takes it; may be repeated")
    parser.add_argument("--engineer", metavar="MODULE:FUNCTION",
                        help="a function of the raw frame that adds columns before the pipeline, of a module on PYTHONPATH")
    parser.add_argument("--positive", help="the label that is positive, where labels are not 0 and 1")
    parser.add_argument("--threshold", type=float, help="positive means probability >= threshold; default: the model's, or 0.5")
    parser.add_argument("--force", action="store_true", help="write over files that are there")
    arguments = parser.parse_args()
    try:
        pipeline, frame = joblib.load(arguments.pipeline), read_table(arguments.data)
        engineer = imported(arguments.engineer) if arguments.engineer else None
    except Exception as reason:  # noqa: BLE001 (whatever unpickling and reading meet)
        code = isinstance(reason, (AttributeError, ImportError))  # functions and classes are pickled by name
        hint = "; put the folder of the training code on PYTHONPATH, or call scaffold.scaffold() in that code" if code else ""
        parser.exit(1, f"{arguments.pipeline}, {arguments.data}: cannot be loaded: {type(reason).__name__}: {reason}{hint}\n")
    options = {k: v for k, v in (("positive", arguments.positive), ("threshold", arguments.threshold)) if v is not None}
    options["training_data"] = export_sklearn.training_data(arguments.data, len(frame))
    try:
        files = scaffold(only_pipeline(pipeline), frame, name=arguments.name, folder=arguments.folder, label=arguments.label, id=arguments.id,
                         engineer=engineer, formulas=arguments.formula, force=arguments.force, **options)
    except (NotExportable, OSError) as reason:
        said = re.sub(r"\b(positive|threshold|label|id)=", r"--\1 ", str(reason))  # options of Python
        parser.exit(1, f"{arguments.name}: {said}\n")
    print(f"{len(files)} files in {arguments.folder}; {arguments.folder}/README.md has the next commands")


if __name__ == "__main__":
    main()
