# SPDX-License-Identifier: MIT
"""Random formulas have NumPy's bits, the sign of a zero included: NaN, whole numbers and conditions where they meet.

Needs COMPILE_COMMANDS and TABSCORE_LIBRARY: see cxx.py."""

import pathlib
import random
import subprocess
import tempfile
import unittest

import numpy as np

import cxx

ROWS, FORMULAS = 97, 100
COLUMNS = {'col<"i">': "i", 'col<"j">': "j", 'col<"x">': "x", 'col<"y">': "y", 'col<"maybe">': "maybe", 'col<"flag">': "flag.astype(np.int64)"}


class Formulas:
    """Formulas in C++ and the same in Python."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one_of(self, *made):
        return self.random.choice(made)()

    def number(self, depth):
        n, c = (lambda: self.number(depth - 1)), (lambda: self.condition(depth - 1))
        if depth == 0:
            return self.random.choice(list(COLUMNS.items()))
        return self.one_of(*[lambda: self.arithmetic(n(), n())] * 4, lambda: self.arithmetic(self.constant(), n()),
                           lambda: self.arithmetic(n(), self.constant()), lambda: self.number(0), lambda: self.extreme(n(), n()),
                           lambda: self.extreme(n(), self.constant()), lambda: self.where(c(), n(), n()),
                           lambda: self.function(n()), lambda: self.negative(n()))

    def constant(self):
        text = self.random.choice(["3", "-7", "0", "1", "0.5", "-0.0", "1e-6", "-2.25", "1e300"])
        return text, f"np.float64({text})" if set(text) & set(".e") else f"np.int64({text})"

    def arithmetic(self, a, b):
        op = self.random.choice("+-*/")
        return f"({a[0]} {op} {b[0]})", f"({a[1]} {op} {b[1]})"

    def extreme(self, a, b):
        name = self.random.choice(["max", "min"])
        return f"{name}({a[0]}, {b[0]})", f"np.{name}imum({a[1]}, {b[1]})"

    def where(self, c, a, b):
        return f"where({c[0]}, {a[0]}, {b[0]})", f"np.where({c[1]}, {a[1]}, {b[1]})"

    def function(self, a):
        name = self.random.choice(["abs", "sqrt"])
        return f"ts::{name}({a[0]})", f"np.{name}({a[1]})"

    def negative(self, a):
        return f"(-{a[0]})", f"(-{a[1]})"

    def condition(self, depth):
        depth = max(depth, 0)
        n, c = (lambda: self.number(depth)), (lambda: self.condition(depth - 1))
        simple = [lambda: self.comparison(n(), n()), lambda: self.comparison(n(), self.constant()),
                  lambda: ('col<"flag">', "flag"), lambda: ('is_missing(col<"maybe">)', "np.isnan(maybe)"), lambda: self.listed(n())]
        return self.one_of(*simple, *([] if depth == 0 else [lambda: self.both(c(), c()), lambda: self.opposite(c())]))

    def comparison(self, a, b):
        op = self.random.choice(["<", "<=", ">", ">=", "==", "!="])
        return f"({a[0]} {op} {b[0]})", f"({a[1]} {op} {b[1]})"

    def listed(self, a):
        return f"in({a[0]}, {{1, 2, 5}})", f"np.isin({a[1]}, [1, 2, 5])"

    def both(self, a, b):
        op = self.random.choice("&|")
        return f"({a[0]} {op}{op} {b[0]})", f"({a[1]} {op} {b[1]})"

    def opposite(self, a):
        return f"(!{a[0]})", f"(~{a[1]})"


PROGRAM = """
#include <tabscore/features/features.hpp>
#include <tabscore/schema/batch.hpp>

#include <cstdio>
#include <optional>
#include <vector>

namespace ts = tabscore;
using ts::col, ts::in, ts::is_missing, ts::where;
using record = ts::schema<ts::integer<"i">, ts::integer<"j">, ts::real<"x">, ts::real<"y">, ts::optional<ts::real<"maybe">>,
                          ts::boolean<"flag">>;

template <class Formula>
void write(const Formula& formula, const ts::batch<record>& records) {
  const ts::features features{ts::feature<"formula">(formula)};
  std::vector<double> all(7 * records.rows());
  features.write(records.view(), all.data(), records.rows());
  std::fwrite(&all[6 * records.rows()], sizeof(double), records.rows(), stdout);
}

int main() {
  ts::batch<record> records;
  double v[6];
  while (std::fread(v, sizeof v, 1, stdin) == 1) {
    records.push_back(static_cast<std::int64_t>(v[0]), static_cast<std::int64_t>(v[1]), v[2], v[3],
                      v[4] == v[4] ? std::optional(v[4]) : std::nullopt, v[5] != 0);
  }
"""


class TestFormulas(unittest.TestCase):
    def test_formulas_have_numpys_bits(self):
        seed = random.SystemRandom().randrange(10**6)
        formulas = Formulas(seed)
        made = [formulas.number(formulas.random.randint(1, 4)) for _ in range(FORMULAS)]
        generator = np.random.default_rng(seed)
        special = np.array([0.0, -0.0, 1.0, 2.0, 5.0, 0.1, -1e300, 1e-310])
        real = lambda scale: np.where(generator.random(ROWS) < 0.4, generator.choice(special, ROWS), generator.normal(0, scale, ROWS))
        columns = {"i": generator.integers(-50, 50, ROWS), "j": generator.integers(-3, 8, ROWS), "x": real(100), "y": real(3),
                   "maybe": np.where(generator.random(ROWS) < 0.3, np.nan, real(1)), "flag": generator.random(ROWS) < 0.5}
        with np.errstate(all="ignore"):
            expected = [np.broadcast_to(np.float64(eval(python, {"np": np}, columns)), ROWS) for _, python in made]
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "formulas.cpp"
            source.write_text(PROGRAM + "".join(f"  write({cpp}, records);\n" for cpp, _ in made) + "}\n")
            data = np.column_stack([np.float64(c) for c in columns.values()]).tobytes()
            done = subprocess.run([cxx.build(source)], input=data, capture_output=True, check=True)
        got = np.frombuffer(done.stdout).reshape(FORMULAS, ROWS)
        for (cpp, _), want, values in zip(made, expected, got):
            same = (want.view(np.int64) == values.view(np.int64)) | (np.isnan(want) & np.isnan(values))
            self.assertTrue(same.all(), f"seed {seed}: {cpp}: NumPy {want[~same][:1]}, tabscore {values[~same][:1]}")


if __name__ == "__main__":
    unittest.main()
