# SPDX-License-Identifier: MIT
"""Formulas of Python code that adds columns to a DataFrame, as C++ of tabscore/expr/expr.hpp.

trace(function, columns) calls the function with a stand-in of the DataFrame that notes each operation, in its order, so that
the C++ formula is rounded as the Python one. A column that C++ has no word for is Unknown, as are those made of it; code whose
course hangs on values is Untraceable as a whole.
"""

import ast
import functools
import operator

import numpy as np

BOOLEAN, NUMBER, TEXT = "boolean", "number", "text"
FLAG = "flag"  # a column of truth values: a number in C++, but not in sums of two in pandas
NARROW = "narrow"  # a column of another type than int64 and float64, whose operations round or wrap in its own
LONGEST = 4000  # characters of a formula; one that is made of itself grows without an end


CONDITIONS = (BOOLEAN, FLAG)


class Untraceable(Exception):
    """The reason, for a person."""


class InPlace(Untraceable):
    """Of code that changes the values of a column: what follows is not known."""


def literal(value):
    """A constant as C++ writes it."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        raise Untraceable("a truth value stands in a formula of numbers")
    if isinstance(value, int):
        if not -(2**63) < value < 2**63:
            raise Untraceable(f"{value} is not a 64-bit integer")
        return repr(value) if -(2**31) < value < 2**31 else f"{value}LL"
    if isinstance(value, float):
        if np.isnan(value):
            return "std::numeric_limits<double>::quiet_NaN()"
        if not np.isfinite(value):
            raise Untraceable(f"the constant {value} is not finite")
        return repr(value)
    if isinstance(value, str):
        return quoted(value)
    raise Untraceable(f"a {type(value).__name__} is neither a number nor a text")


def quoted(text):
    """A text as a C++ string literal."""
    out = ""
    for byte in text.encode("utf-8"):
        char = chr(byte)
        out += "\\" + char if char in '"\\' else char if 32 <= byte < 127 else f"\\{byte:03o}"
    return f'"{out}"'


class Column:
    """A column, or a formula of some. `level` is the precedence of its last operator: 4 is an atom."""

    __array_priority__ = 1000
    __hash__ = None

    def __init__(self, code, kind=NUMBER, level=4, array=False):
        if len(code) > LONGEST:
            raise Untraceable("a formula is too long")
        self.code, self.kind, self.level = code, kind, level
        self.array = array  # of NumPy, not a Series

    def of(self, level):
        return self.code if self.level >= level else f"({self.code})"

    # Operators.

    def _binary(self, other, sign, level, turned=False):
        left, right = (wrap(other), self) if turned else (self, wrap(other))
        if left.kind == FLAG and right.kind == FLAG:
            raise Untraceable("a sum or product of truth values")
        require_numbers(*(c for c in (left, right) if c.kind != FLAG))
        return Column(f"{left.of(level)} {sign} {right.of(level + 1)}", NUMBER, level, left.array and right.array)

    def _compare(self, other, sign):
        right = wrap(other)
        if self.kind == TEXT or right.kind == TEXT:
            if sign not in ("==", "!=") or self.kind != right.kind:
                raise Untraceable("a text is only compared with a text, for equality")
        else:
            require_numbers(*(c for c in (self, right) if c.kind != FLAG))
        return Column(f"{self.of(2)} {sign} {right.of(2)}", BOOLEAN, 1)

    def _logical(self, other, sign):
        right = wrap(other)
        if self.kind not in CONDITIONS or right.kind not in CONDITIONS:
            raise Untraceable(f"{sign} takes conditions")
        return Column(f"{self.of(1)} {sign} {right.of(1)}", BOOLEAN, 0)

    def __add__(self, other):
        return self._binary(other, "+", 2)

    def __radd__(self, other):
        return self._binary(other, "+", 2, turned=True)

    def __sub__(self, other):
        return self._binary(other, "-", 2)

    def __rsub__(self, other):
        return self._binary(other, "-", 2, turned=True)

    def __mul__(self, other):
        return self._binary(other, "*", 3)

    def __rmul__(self, other):
        return self._binary(other, "*", 3, turned=True)

    def __truediv__(self, other):
        return self._binary(other, "/", 3)

    def __rtruediv__(self, other):
        return self._binary(other, "/", 3, turned=True)

    def __pow__(self, power):
        if isinstance(power, (int, float)) and power == 2:
            return self * self
        raise Untraceable(f"a power of {power}: only squares are known")

    def __neg__(self):
        require_numbers(self)
        return Column(f"-1 * {self.of(4)}", NUMBER, 3, self.array)  # 0 - x of C++ has no negative zero

    def __invert__(self):
        if self.kind not in CONDITIONS:
            raise Untraceable("~ takes a condition")
        return Column(f"!{self.of(4)}", BOOLEAN, 3)

    def __abs__(self):
        return call("ts::abs", self)

    def __lt__(self, other):
        return self._compare(other, "<")

    def __le__(self, other):
        return self._compare(other, "<=")

    def __gt__(self, other):
        return self._compare(other, ">")

    def __ge__(self, other):
        return self._compare(other, ">=")

    def __eq__(self, other):
        return self._compare(other, "==")

    def __ne__(self, other):
        return self._compare(other, "!=")

    def __and__(self, other):
        return self._logical(other, "&&")

    def __or__(self, other):
        return self._logical(other, "||")

    __rand__, __ror__ = __and__, __or__

    def __bool__(self):
        raise Untraceable("the code decides by the values of a column")

    def __iter__(self):
        raise Untraceable("the code goes through the values of a column")

    # Methods of a Series.

    add, sub, mul, div, truediv = __add__, __sub__, __mul__, __truediv__, __truediv__
    lt, le, gt, ge, eq, ne, abs = __lt__, __le__, __gt__, __ge__, __eq__, __ne__, __abs__

    def clip(self, lower=None, upper=None):
        for bound in (lower, upper):
            if bound is not None and (isinstance(bound, Column) or np.ndim(bound) != 0 or isinstance(bound, (bool, str))):
                raise Untraceable("clip() with a bound that is not a number")
        if lower is not None and upper is not None and not lower <= upper:
            raise Untraceable("clip() with bounds that are the wrong way round")
        made = self
        require_numbers(made)
        for bound, sign, name in ((lower, "<", "ts::max"), (upper, ">", "ts::min")):
            if bound is None:
                continue
            if self.array:
                made = call(name, made, bound)
            else:  # as pandas does it: a negative zero stays
                made = call("ts::where", made._compare(bound, sign), bound, made)
        made.array = self.array
        return made

    def fillna(self, value):
        return call("ts::where", self.isna(), wrap(value), self)

    def isna(self):
        return Column(f"ts::is_missing({self.code})", BOOLEAN)

    isnull = isna

    def notna(self):
        return ~self.isna()

    notnull = notna

    def isin(self, values):
        values = sorted((v.item() if isinstance(v, np.generic) else v for v in values), key=str)
        if not values or len({type(v) for v in values}) > 1 or isinstance(values[0], bool) or self.kind not in (NUMBER, TEXT):
            raise Untraceable("isin() takes texts, or numbers of one type")
        if isinstance(values[0], str) != (self.kind == TEXT) or any(v != v for v in values):
            raise Untraceable("isin() takes values of the column's type")
        texts = [literal(v) for v in values]
        if any(t.endswith("LL") for t in texts):
            texts = [t if t.endswith("LL") else t + "LL" for t in texts]
        return Column(f"ts::in({self.code}, {{{', '.join(texts)}}})", BOOLEAN)

    def between(self, left, right):
        return (self >= left) & (self <= right)

    def where(self, condition, other=np.nan):
        return call("ts::where", condition, self, other)

    def mask(self, condition, other=np.nan):
        return call("ts::where", condition, other, self)

    def replace(self, to_replace=None, value=None, **options):
        olds = to_replace if isinstance(to_replace, (list, tuple)) else [to_replace]
        if options or not olds or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in (*olds, value)):
            raise Untraceable("replace() of anything but numbers by a number")
        found = functools.reduce(operator.or_, (self._holds(v) for v in olds))
        return call("ts::where", found, value, self)

    def _holds(self, value):
        if np.isnan(value):
            return self.isna()
        largest = float(np.finfo(float).max)
        return self == value if np.isfinite(value) else self > largest if value > 0 else self < -largest

    def astype(self, kind):
        if kind in (float, "float", "float64", np.float64):
            if self.kind in CONDITIONS:
                return call("ts::where", self, 1.0, 0.0)
            if self.kind == NARROW:
                return Column(f"{self.code} * 1.0", NUMBER, 3)
            return self * 1.0
        if kind in (int, "int", "int64", np.int64) and self.kind in CONDITIONS:
            return call("ts::where", self, 1, 0)
        raise Untraceable(f"astype({kind})")

    def to_numpy(self):
        return Column(self.code, self.kind, self.level, array=True)

    values = property(lambda self: self.to_numpy())

    def __array_ufunc__(self, function, method, *inputs, **options):
        if method != "__call__" or options:
            raise Untraceable(f"np.{function.__name__} with options")
        if function in OPERATORS:
            left, *right = (wrap(i) for i in inputs)
            return OPERATORS[function](left, *right)
        if function in FUNCTIONS:
            return call(FUNCTIONS[function], *inputs)
        raise Untraceable(f"np.{function.__name__}")

    def __array_function__(self, function, types, arguments, options):
        if function is np.where and len(arguments) == 3 and not options:
            made = call("ts::where", *arguments)
            made.array = True
            return made
        if function is np.clip and not options:
            return wrap(arguments[0]).clip(*arguments[1:])
        if function is np.nan_to_num and len(arguments) == 1 and set(options) <= {"nan"}:
            raise Untraceable("np.nan_to_num also replaces infinities; use fillna")
        raise Untraceable(f"np.{function.__name__}")

    def __getattr__(self, name):
        if name.startswith("_"):
            raise Untraceable(f"Series.{name}")
        if name in ("update", "pop"):
            raise InPlace(f"Series.{name}")
        return Unknown(f"Series.{name}")


class Unknown(Column):
    """What C++ has no word for, and what is made of it."""

    def __init__(self, why):
        self.why, self.kind, self.level, self.array = why, "unknown", 4, False

    @property
    def code(self):
        raise Untraceable(self.why)

    def __getattr__(self, name):
        super().__getattr__(name)
        return self

    def __call__(self, *arguments, **options):
        return self


def writes(name, arguments, options):
    """Whether a call of a method changes the column."""
    if name == "__array_ufunc__":
        return "out" in options or arguments[1] == "at"
    if name == "__array_function__":
        return "out" in arguments[3] or arguments[0].__name__ in WRITING
    return options.get("inplace", False)


def lenient(method):
    """The method, whose refusal is a column, too."""

    @functools.wraps(method)
    def called(self, *arguments, **options):
        if writes(method.__name__, arguments, options):
            raise InPlace("a column is changed in place")
        if isinstance(self, Unknown):
            return self
        try:
            return method(self, *arguments, **options)
        except InPlace:
            raise
        except Untraceable as why:
            return Unknown(str(why))

    return called


def refused(operator_name):
    return lambda self, *_: Unknown(operator_name)


WRITING = ("copyto", "place", "put", "putmask", "put_along_axis", "fill_diagonal")  # of NumPy
for _name, _method in [*vars(Column).items(), ("__call__", Unknown.__call__)]:
    if callable(_method) and _name not in ("__init__", "__bool__", "__iter__", "__getattr__", "of"):
        setattr(Unknown if _name == "__call__" else Column, _name, lenient(_method))
for _name, _sign in {"mod": "%", "floordiv": "//", "xor": "^"}.items():
    setattr(Column, f"__{_name}__", lenient(refused(f"the operator {_sign}")))
    setattr(Column, f"__r{_name}__", lenient(refused(f"the operator {_sign}")))
for _name, _word in {"__getitem__": "a choice of values", "__rpow__": "a power of a constant"}.items():
    setattr(Column, _name, lenient(refused(_word)))

OPERATORS = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.negative: operator.neg, np.less: operator.lt, np.less_equal: operator.le, np.greater: operator.gt,
    np.greater_equal: operator.ge, np.equal: operator.eq, np.not_equal: operator.ne, np.logical_and: operator.and_,
    np.logical_or: operator.or_, np.logical_not: operator.invert, np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_, np.invert: operator.invert, np.isnan: lambda x: x.isna(), np.square: lambda x: x * x,
    np.power: lambda x, y: x**float(y.code),
}
FUNCTIONS = {np.log: "ts::log", np.log1p: "ts::log1p", np.sqrt: "ts::sqrt", np.abs: "ts::abs", np.fabs: "ts::abs",
             np.maximum: "ts::max", np.minimum: "ts::min"}
NAMES = {"log": "ts::log", "log1p": "ts::log1p", "sqrt": "ts::sqrt", "abs": "ts::abs"}


def wrap(value):
    if isinstance(value, Unknown):
        raise Untraceable(value.why)
    if isinstance(value, Column):
        return value
    if isinstance(value, (str, np.str_)):
        return Column(literal(str(value)), TEXT)
    if np.ndim(value) != 0:
        raise Untraceable("a list of values stands in a formula")
    code = literal(value)
    return Column(code, NUMBER, 3 if code.startswith("-") else 4)


def require_numbers(*columns):
    for column in columns:
        if column.kind == NARROW:
            raise Untraceable(f"{column.code} is of a type that rounds or wraps in its own way: use astype(float)")
        if column.kind != NUMBER:
            raise Untraceable(f"{column.code} is not a number")


def call(name, *values):
    values = [wrap(v) for v in values]
    if name == "ts::where":
        if values[0].kind not in CONDITIONS:
            raise Untraceable("where() takes a condition first")
        require_numbers(*values[1:])
    else:
        require_numbers(*values)
    if not any("ts::col<" in v.code for v in values):
        raise Untraceable("a formula has no column")
    return Column(f"{name}({', '.join(v.code for v in values)})", array=all(v.array or "ts::col<" not in v.code for v in values))


class Frame:
    """Stands in for a DataFrame: what is read are columns, what is written are formulas."""

    def __init__(self, columns):
        object.__setattr__(self, "_columns", dict(columns))

    @property
    def columns(self):
        return list(self._columns)

    def __getitem__(self, name):
        if isinstance(name, list):
            return Frame({n: self[n] for n in name})
        if not isinstance(name, str):
            raise Untraceable("rows are chosen")
        if name not in self._columns:
            raise Untraceable(f"there is no column {name!r}")
        return self._columns[name]

    def __setitem__(self, name, value):
        try:
            self._columns[name] = wrap(value)
        except Untraceable as why:
            self._columns[name] = Unknown(str(why))

    def __setattr__(self, name, value):
        if name not in self._columns:
            raise Untraceable(f"DataFrame.{name} is set")
        self[name] = value

    def __contains__(self, name):
        return name in self._columns

    def __getattr__(self, name):
        if name in self._columns:
            return self._columns[name]
        raise Untraceable(f"DataFrame.{name}")

    def copy(self, deep=True):
        return Frame(self._columns)

    def assign(self, **columns):
        made = self.copy()
        for name, value in columns.items():
            made[name] = value(made) if callable(value) else value
        return made

    def drop(self, labels=None, axis=0, columns=None, inplace=False, errors="raise"):
        names = columns if columns is not None else labels if axis in (1, "columns") else None
        if names is None:
            raise Untraceable("rows are dropped")
        names = [names] if isinstance(names, str) else list(names)
        if inplace:
            for name in names:
                self._columns.pop(name, None)
            return None
        return Frame({n: c for n, c in self._columns.items() if n not in names})

    def rename(self, columns=None, **options):
        if columns is None or options or callable(columns):
            raise Untraceable("DataFrame.rename with options")
        return Frame({columns.get(n, n): c for n, c in self._columns.items()})

    def eval(self, expression, inplace=False, **options):
        if options:
            raise Untraceable("DataFrame.eval with options")
        made = self if inplace else self.copy()
        for name, column in assignments(expression, made):
            if name is None:
                return column
            made[name] = column
        return None if inplace else made


def expression_of(node, frame):
    """A node of Python's grammar, as DataFrame.eval reads it."""
    both = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
            ast.Pow: lambda a, b: a ** (float(b.code) if isinstance(b, Column) else b), ast.BitAnd: operator.and_,
            ast.BitOr: operator.or_}
    compares = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
                ast.NotEq: operator.ne}
    if isinstance(node, ast.Expression):
        return expression_of(node.body, frame)
    if isinstance(node, ast.Name):
        return frame[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in both:
        return both[type(node.op)](expression_of(node.left, frame), expression_of(node.right, frame))
    if isinstance(node, ast.UnaryOp):
        inner = expression_of(node.operand, frame)
        if isinstance(node.op, (ast.Not, ast.Invert)):
            return ~inner
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BoolOp):
        made = expression_of(node.values[0], frame)
        for value in node.values[1:]:
            other = expression_of(value, frame)
            made = made & other if isinstance(node.op, ast.And) else made | other
        return made
    if isinstance(node, ast.Compare):
        left, made = expression_of(node.left, frame), None
        for op, right in zip(node.ops, node.comparators):
            if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, (ast.List, ast.Tuple)):
                one = left.isin([expression_of(v, frame) for v in right.elts])
                one = ~one if isinstance(op, ast.NotIn) else one
                after = None
            elif type(op) in compares:
                after = expression_of(right, frame)
                one = compares[type(op)](wrap(left), after)
            else:
                raise Untraceable(f"the comparison {type(op).__name__}")
            made, left = one if made is None else made & one, after
        return made
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES and not node.keywords:
        return call(NAMES[node.func.id], *(expression_of(a, frame) for a in node.args))
    raise Untraceable(f"'{ast.unparse(node)}' is not understood")


def assignments(text, frame):
    """(name or None, formula) of each line of an expression of DataFrame.eval; later lines see the columns of earlier ones."""
    if "@" in text or "`" in text:
        raise Untraceable("local variables (@) and names in backticks are not understood")
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    for line in lines:
        try:
            tree = ast.parse(line)
        except SyntaxError as why:
            raise Untraceable(f"'{line}' is not an expression ({why.msg})") from None
        statement = tree.body[0] if len(tree.body) == 1 else None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
            made = wrap(expression_of(statement.value, frame))
            frame[statement.targets[0].id] = made
            yield statement.targets[0].id, made
        elif isinstance(statement, ast.Expr) and len(lines) == 1:
            yield None, wrap(expression_of(statement.value, frame))
        else:
            raise Untraceable(f"'{line}' is not an assignment: write name = formula")


def column(name, kind):
    """A field of the schema."""
    return Column(f"ts::col<{quoted(name)}>", kind)


def trace(function, kinds):
    """The columns that function(frame) gives for a frame with columns of these kinds ("number", "flag", "narrow", "text")."""
    fields = {name: column(name, kind) for name, kind in kinds.items()}
    made = function(Frame(fields))
    if not isinstance(made, Frame):
        raise Untraceable("the code gives no DataFrame")
    return {name: c for name, c in made._columns.items() if c is not fields.get(name)}
