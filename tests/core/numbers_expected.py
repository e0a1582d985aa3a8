#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes numbers_expected.txt, hard cases of both directions as Python has them: "write", a double's bits and its repr;
"read", a text and the bits of the float that it is."""
import pathlib
import random
import struct
from decimal import Decimal, getcontext

getcontext().prec = 1200  # midpoints of subnormals have 752 digits
draw = random.Random(12)


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def double(b):
    return struct.unpack("<d", struct.pack("<Q", b))[0]


def hard_bits():
    """Where digits go wrong: both ends of the range, powers of two (an uneven gap below) and of ten, and their
    neighbours; random ones; what prices and shares look like."""
    for b in 0, 1, 2, 3, 2**52 - 1, 2**52, 2**52 + 1, 0x7FEFFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFE, 2**63, 2**63 + 1:
        yield b
    for power in [*range(-1074, 1024, 37), -1022, -1021, 0, 1, 52, 53, 54, 63, 64]:
        yield from (bits(2.0**power) + d for d in (-1, 0, 1))
    for power in [*range(-323, 309, 17), -5, -4, 15, 16, 17, 21, 22, 23]:
        yield from (bits(float(f"1e{power}")) + d for d in (-1, 0, 1))
    for _ in range(30):
        yield draw.getrandbits(52)  # subnormal
        yield draw.randrange(2**52, 0x7FF0000000000000)
        yield bits(draw.random())  # 16 or 17 digits
        yield bits(draw.randrange(10**7) / 100)


def midpoint(b):
    """Half-way between a double and the next, all its digits."""
    return (Decimal(double(b)) + Decimal(double(b + 1))) / 2


def texts():
    yield from ("0.0", "-0.0", "1e23", "8.5e22", "9007199254740993", "9007199254740992.999999999999999", "0.1e-1",
                "1.7976931348623158e308", "2.2250738585072011e-308", "2.2250738585072012e-308", "4.9406564584124654e-324",
                "123456789012345678901234567890", "0.000000000000000000000000000001234567890123456789", "1E5", "1e+5")
    for _ in range(16):
        for b in draw.randrange(2**52), draw.randrange(2**52, 0x7FE0000000000000), bits(draw.random() * 1000):
            middle = midpoint(b)
            yield f"{middle:e}" if draw.random() < 0.5 or len(f"{middle:f}") > 400 else f"{middle:f}"
            digits = f"{middle:e}".split("e")
            yield f"{digits[0]}0000001e{digits[1]}" if "." in digits[0] else f"{digits[0]}.0000001e{digits[1]}"  # just above
            yield f"{double(b):.16e}"  # 17 digits
            yield f"{double(b):.14e}"
        yield f"{draw.randrange(10**17, 10**20)}"
        yield f"{draw.randrange(10**9)}.{draw.randrange(10**12)}"


lines = [f"write {b:016x} {double(b)!r}\n" for b in hard_bits()]
lines += [f"read {text} {bits(float(text)):016x}\n" for text in texts() if abs(float(text)) != float("inf")]
pathlib.Path(__file__).with_name("numbers_expected.txt").write_text("".join(lines), encoding="utf-8")
