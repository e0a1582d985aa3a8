#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""liar.py HOW: answers blocks of one Int64 column as an executable function does, but wrongly."""
import os
import sys
import time

how = sys.argv[1]
records, answers = sys.stdin.buffer, sys.stdout.buffer


def length():
    value = shift = 0
    while True:
        byte = records.read(1)
        if not byte:
            sys.exit(0)
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value


def text(words):
    return lengths(len(words)) + words


def lengths(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def block(rows, name=b"result", kind=b"Float64"):
    return lengths(1) + lengths(rows) + text(name) + text(kind) + b"\0\0\0\0\0\0\xf0\x3f" * rows


while True:
    length()
    rows = length()
    records.read(length())
    records.read(length())
    records.read(8 * rows)
    if how == "dies":
        os._exit(1)
    if how == "ends":
        os._exit(0)
    if how == "sleeps":
        time.sleep(60)
    answer = {"honest": lambda: block(rows), "fewer": lambda: block(rows - 1), "more": lambda: block(rows + 1),
              "half": lambda: block(rows)[:-4 * rows],
              "half_and_dies": lambda: block(rows)[:-4 * rows], "other_words": lambda: b"Traceback: " * rows,
              "other_column": lambda: block(rows, b"prediction"),
              "right_and_fails": lambda: block(rows), "twice": lambda: 2 * block(rows)}[how]()
    answers.write(answer)
    answers.flush()
    if how in ("half_and_dies", "right_and_fails"):
        os._exit(3)
