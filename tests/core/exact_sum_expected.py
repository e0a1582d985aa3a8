#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes exact_sum_expected.txt: lists of doubles and their sum, added as fractions and rounded once."""
import pathlib
import random
from fractions import Fraction


def rounded(values):
    total = sum(map(Fraction, values), Fraction(0))
    try:
        return float(total)
    except OverflowError:
        return float("inf") if total > 0 else float("-inf")


def cases():
    draw = random.Random(5)
    yield [1e308, 1.0, -1e308]
    yield [1e308, 1e308, -1e308]
    yield [1.7e308] * 3
    yield [-1.7e308] * 3
    yield [0.1] * 10
    yield [5e-324, 5e-324, -2.5e-323]
    yield [1.0, 2.0**-53]  # a tie, to even
    yield [1.0, 2.0**-53, 5e-324]
    yield [1.0 + 2.0**-52, 2.0**-53]
    yield [1.0, -(2.0**-54), 0.0, -0.0]
    yield [2.0**1023, 2.0**1023 - 2.0**970]
    yield [2.0**1023, 2.0**1023 - 2.0**970, 2.0**969]  # a tie that rounds to infinity
    for _ in range(12):
        yield [draw.randrange(1, 53000) / 10 for _ in range(draw.randrange(1, 40))]
        yield [draw.gauss(0, 1) * 10.0 ** draw.randrange(-300, 300) for _ in range(draw.randrange(1, 40))]
        values = [draw.gauss(0, 1) * 2.0 ** draw.randrange(-40, 40) for _ in range(20)]
        values = values + [-v for v in values] + [draw.random() * 2.0**-70]
        draw.shuffle(values)
        yield values


lines = [" ".join(float(x).hex() for x in [*values, rounded(values)]) + "\n" for values in cases()]
pathlib.Path(__file__).with_suffix(".txt").write_text("".join(lines))
