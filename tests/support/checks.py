# SPDX-License-Identifier: MIT
"""Ends of a test program: failed, or skipped."""
import socket
import sys


def expect(condition, what):
    if not condition:
        sys.exit(f"failed: {what}")


def expect_equal(got, wanted, what):
    if got != wanted:
        sys.exit(f"failed: {what}:\n  got    {got!r}\n  wanted {wanted!r}")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
