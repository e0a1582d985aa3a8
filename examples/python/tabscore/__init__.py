# SPDX-License-Identifier: MIT
"""Scores tables with a shared library that TABSCORE_C_API(name, service) made of a tabscore service.

model = tabscore.open("libloan_default.so", "model.json")
predictions = model.predict(frame)
model.compare(pipeline, frame)
"""

import contextlib
import ctypes
import dataclasses
import io
import json
import os
import re
import threading

import pyarrow as pa

__all__ = ["Comparison", "Error", "Model", "open"]

_ABI = 1  # of the C functions that this package calls
_ARRAY_BYTES, _SCHEMA_BYTES = 80, 72  # of the structs of the Arrow C data interface
_STATUS = ["ok", "io", "syntax", "structure", "unsupported", "mismatch", "check_failed", "argument", "memory"]


class Error(Exception):
    """What the library says went wrong; `kind` is one of io, syntax, structure, unsupported, mismatch, check_failed,
    argument and memory."""

    def __init__(self, message, kind="argument"):
        super().__init__(message)
        self.kind = kind


def open(library, model, policy=None, name=None):
    """The model of a model file or a trainer's own file (or of the bytes of one), served by a shared library. `policy` is
    the policy file, or its bytes, of a service that declares decisions; `name` the prefix of the library's functions, by
    default what stands in its file name between "lib" and ".so"."""
    return Model(library, model, policy, name)


class Model:
    """A loaded model. Threads may share it; a with statement closes it."""

    def __init__(self, library, model, policy=None, name=None):
        path = os.path.abspath(os.fspath(library))
        if name is None:
            named = re.match(r"(?:lib)?(\w+)\.(?:so|dylib|dll)", os.path.basename(path))
            if not named:
                raise Error(f"{library}: the name of its functions is not known: give name=")
            name = named[1]
        self._handle = ctypes.c_void_p()
        self._lock, self._users, self._closed = threading.Lock(), 0, False
        self._name = name
        try:
            self._library = ctypes.CDLL(path)
            self._call("abi").restype = ctypes.c_uint32
        except OSError as why:
            raise Error(str(why), "io") from None
        except AttributeError:
            raise Error(f"{library} has no function {name}_abi: give name=, the first argument of TABSCORE_C_API") from None
        self._call("last_error").restype = ctypes.c_char_p
        self._call("version").restype = ctypes.c_char_p
        files = [_file_or_bytes(model), _file_or_bytes(policy)]
        place = ctypes.byref(self._handle)
        if any(isinstance(f, bytes) for f in files):
            both = [f if isinstance(f, bytes) or f is None else _read(f) for f in files]
            sized = [argument for f in both for argument in (f, ctypes.c_size_t(len(f or b"")))]
            self._check(self._call("open_bytes")(ctypes.c_uint32(_ABI), *sized, place))
        else:
            self._check(self._call("open")(ctypes.c_uint32(_ABI), *(f and os.fsencode(f) for f in files), place))
        self.description = json.loads(self._text("describe"))
        self.record_schema = self._schema("record_schema", with_model=False)
        self.prediction_schema = self._schema("prediction_schema")

    # What the library was built as, and what it has loaded.

    @property
    def version(self):
        """The version of tabscore that the library was built with."""
        return self._call("version")().decode()

    def __repr__(self):
        d = self.description
        return f"<tabscore model {d['name']!r}, {d['task']}, {d['sha256'][:12]}>"

    def close(self):
        """Later calls are errors; those at work end as if it were open."""
        with self._lock:
            self._closed = True
            self._free()

    def _free(self):
        if self._users == 0 and self._handle:
            self._call("close")(self._handle)
            self._handle = ctypes.c_void_p()

    @contextlib.contextmanager
    def _in_use(self):
        with self._lock:
            if self._closed:
                raise Error("the model is closed")
            self._users += 1
        try:
            yield self._handle
        finally:
            with self._lock:
                self._users -= 1
                if self._closed:
                    self._free()

    def __copy__(self):
        return self

    def __deepcopy__(self, _):
        return self

    def __reduce__(self):
        raise TypeError("a loaded model cannot be pickled: open it in each process")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self._free()

    def state(self):
        """What monitoring has counted, as GET /monitoring/state of a server gives it."""
        return json.loads(self._text("state"))

    # Tables.

    def predict(self, table):
        """A prediction for each record, in their order, as a table of the same kind. Where a record has none its values
        are missing and "error" says why."""
        return _as(table, self._of_batches(table, "score", self.prediction_schema))

    def explain(self, table):
        """How much each feature moved each record's number (of a binary model the log-odds), with "base_value": rows add
        up to it. Of several numbers a dictionary of such tables. Missing where a record has no prediction."""
        explained = self._of_batches(table, "explain", self._schema("explanation_schema"))
        tables = {}
        for name in explained.column_names:
            parts = explained[name].combine_chunks()
            parts = parts.combine_chunks() if isinstance(parts, pa.ChunkedArray) else parts
            tables[name] = _as(table, pa.table(dict(zip([f.name for f in parts.type], parts.flatten()))))
        return tables if len(tables) > 1 else next(iter(tables.values()))

    def compare(self, expected, table, rows=5, show=print):
        """Compares the predictions with the trainer's. `expected` is the fitted pipeline, a function of the table, or the
        numbers themselves. Returns a Comparison and shows it."""
        made = Comparison(*_differences(self, expected, table, rows))
        if show is not None:
            show(made)
        return made

    # Calls.

    def _call(self, function):
        return getattr(self._library, f"{self._name}_{function}")

    def _check(self, status):
        if status != 0:
            raise Error(self._call("last_error")().decode(), _STATUS[status])

    def _text(self, function):
        text = ctypes.c_void_p()
        with self._in_use() as handle:
            self._check(self._call(function)(handle, ctypes.byref(text)))
        try:
            return ctypes.string_at(text.value).decode()
        finally:
            self._call("release")(text)

    def _schema(self, function, with_model=True):
        schema = ctypes.create_string_buffer(_SCHEMA_BYTES)
        with self._in_use() as handle:
            self._check(self._call(function)(*([handle] if with_model else []), schema))
        return pa.Schema._import_from_c(ctypes.addressof(schema))

    def _of_batches(self, table, function, schema):
        results = []
        for batch in _batches(table, self.record_schema):
            columns = ctypes.create_string_buffer(_SCHEMA_BYTES)
            records = ctypes.create_string_buffer(_ARRAY_BYTES)
            batch._export_to_c(ctypes.addressof(records), ctypes.addressof(columns))
            result = ctypes.create_string_buffer(_ARRAY_BYTES)
            with self._in_use() as handle:
                self._check(self._call(function)(handle, columns, records, result))  # takes columns and records over
            results.append(pa.RecordBatch._import_from_c(ctypes.addressof(result), schema))
        return pa.Table.from_batches(results, schema)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The predictions beside the trainer's: over all records, and the records that differ most."""

    records: int  # compared
    equal: int  # of these, with the same bits in all numbers
    largest: float  # difference of two numbers
    largest_relative: float  # the same as a share of the trainer's number
    rows: list  # (position, column, trainer's number, the library's number), the largest difference first
    errors: list  # (position, sentence) of records without a prediction; the first ones
    error_count: int

    def __str__(self):
        lines = [
            f"{self.records} records compared, {self.equal} with the same bits; "
            f"largest difference {self.largest:.3g} ({self.largest_relative:.3g} of the trainer's number)"
        ]
        lines += [f"  row {at}: {column} {theirs!r} by the trainer, {ours!r} here" for at, column, theirs, ours in self.rows]
        if self.error_count:
            lines.append(f"{self.error_count} records have no prediction")
            lines += [f"  row {at}: {why}" for at, why in self.errors]
        return "\n".join(lines)


def _differences(model, expected, table, rows):
    import numpy as np

    predicted = _as_arrow(model.predict(table))
    numbers = [f.name for f in model.prediction_schema if f.type == pa.float64()]
    ours = np.column_stack([predicted[name].to_numpy() for name in numbers])  # missing: NaN
    try:
        theirs = np.asarray(_expected(model, expected, table), dtype=float)
    except (TypeError, ValueError) as why:
        raise Error(f"the trainer's numbers cannot be read: {why}") from why
    if theirs.ndim == 0:
        raise Error("the trainer gives one number, not one for each record")
    if theirs.ndim == 2 and theirs.shape[1] == 2 and ours.shape[1] == 1:
        theirs = theirs[:, 1]  # predict_proba of two classes
    theirs = theirs.reshape(len(theirs), -1 if len(theirs) else ours.shape[1])
    if theirs.shape != ours.shape:
        raise Error(f"the trainer gives {theirs.shape} numbers, the library {ours.shape}")
    failed = np.array([e is not None for e in predicted["error"].to_pylist()], dtype=bool)
    same = ((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))) | failed[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.where(same, 0.0, np.abs(ours - theirs))
        difference[np.isnan(difference)] = np.inf
        relative = np.where(difference == 0, 0.0, difference / np.abs(theirs))
    flat = difference.ravel()
    order = np.argsort(-flat, kind="stable")[:rows]
    listed = [(int(i // len(numbers)), numbers[i % len(numbers)], float(theirs.ravel()[i]), float(ours.ravel()[i]))
              for i in order if flat[i] > 0]
    where = np.flatnonzero(failed)
    errors = [(int(i), predicted["error"][int(i)].as_py()) for i in where[:rows]]
    counted = len(ours) - len(where)
    equal = int(same.all(axis=1).sum()) - len(where)
    return (counted, equal, float(flat.max(initial=0)), float(np.nanmax(relative, initial=0)), listed, errors, len(where))


def _expected(model, expected, table):
    """The trainer's numbers for a table."""
    if callable(expected) and not hasattr(expected, "predict"):
        return expected(table)
    if not hasattr(expected, "predict"):
        return expected
    probabilities = model.description["task"] in ("binary", "multiclass")
    scores = model.description["task"] in ("anomaly", "score")
    for wanted, name in ((probabilities, "predict_proba"), (scores or probabilities, "decision_function")):
        if wanted and hasattr(expected, name):
            return getattr(expected, name)(table)
    return expected.predict(table)


def _file_or_bytes(file):
    if file is None or isinstance(file, (bytes, bytearray, memoryview)):
        return None if file is None else bytes(file)
    path = os.fspath(file)
    if "\0" in path:
        raise Error(f"{path!r} is no path", "io")
    return path


def _read(path):
    try:
        with io.open(path, "rb") as file:
            return file.read()
    except OSError as why:
        raise Error(str(why), "io") from None


def _kind(table):
    return type(table).__module__.partition(".")[0]


def _batches(table, schema):
    """The columns of the schema as record batches, without a copy where the table's memory allows."""
    try:
        return _read_batches(table, schema)
    except Error:
        raise
    except Exception as why:  # whatever pyarrow, pandas and polars say of odd values
        raise Error(f"the {type(table).__name__} cannot be read: {type(why).__name__}: {why}") from why


def _read_batches(table, schema):
    if isinstance(table, pa.RecordBatch):
        return [table]
    if isinstance(table, pa.Table):
        return table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    if _kind(table) == "pandas":
        if not table.columns.is_unique:
            raise Error(f"two columns are named {table.columns[table.columns.duplicated()][0]!r}")
        fields = [f for f in schema if f.name in table.columns]
        return [pa.RecordBatch.from_arrays([_column(table[f.name], f.type) for f in fields], [f.name for f in fields])]
    if _kind(table) == "polars":
        fields = [f.name for f in schema if f.name in table.columns]
        return _read_batches(table.select(fields).to_arrow(), schema)
    if isinstance(table, list):
        columns = [_array([row.get(f.name) for row in table], f.type) for f in schema]
        return [pa.RecordBatch.from_arrays(columns, schema.names)]
    raise Error(f"a {type(table).__name__} is no table: give pandas, polars, pyarrow, or a list of dictionaries")


def _column(series, wanted):
    """A column of pandas. Missing integers and truth values are NaN or None there; what is no value of the wanted type
    stays as it is, so that the library says which record is wrong."""
    kind = getattr(series.dtype, "kind", None)
    of_numpy = hasattr(series.dtype, "isnative")
    if of_numpy and kind in ("f", "i", "u") and (not series.dtype.isnative or series.dtype.itemsize == 2 and kind == "f"):
        series = series.astype({"f": "float64", "i": "int64", "u": "uint64"}[kind])
    if kind == "f" and not pa.types.is_integer(wanted):
        return pa.array(series.to_numpy(), from_pandas=False)  # NaN is what the library takes for missing
    if kind == "f" or kind == "O" and of_numpy:  # Arrow's own texts and categories stay as they are
        return _array(series, wanted)
    if of_numpy and kind in ("i", "u", "b"):
        return pa.array(series.to_numpy())
    if series.isna().all():
        return pa.nulls(len(series))
    own = getattr(series.array, "__arrow_array__", None)
    return _one(own() if own else pa.array(series, from_pandas=True))


def _array(values, wanted):
    """Values of Python. Arrow finds the type of numbers: told one it takes 45.9 for 45, and True for 1.0."""
    if pa.types.is_string(wanted):
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            return _one(pa.array(values, type=wanted, from_pandas=True))
    made = _one(pa.array(values, from_pandas=True))
    if pa.types.is_floating(made.type) and pa.types.is_integer(wanted):
        with contextlib.suppress(pa.ArrowInvalid):
            return made.cast(wanted)
    return made


def _one(made):
    if not isinstance(made, pa.ChunkedArray):
        return made
    return made.chunk(0) if made.num_chunks == 1 else made.combine_chunks()


def _as_arrow(table):
    if _kind(table) == "pandas":
        return pa.Table.from_pandas(table, preserve_index=False)
    return table.to_arrow() if _kind(table) == "polars" else pa.table(table) if isinstance(table, pa.RecordBatch) else table


def _as(table, result):
    """A result as a table of the kind of `table`."""
    if isinstance(table, pa.RecordBatch):
        return (result.to_batches() or [pa.RecordBatch.from_pylist([], result.schema)])[0]
    if _kind(table) == "pandas":
        frame = result.to_pandas(use_threads=False)  # starting them costs more than a small table
        frame.index = table.index
        return frame
    if _kind(table) == "polars":
        import polars

        return polars.from_arrow(result)
    return result
