# SPDX-License-Identifier: MIT
"""Compares models of random settings with the installed CatBoost: catboost_random.py PARITY_CHECK [COUNT [SEED]].

Ends with 77, skipped, where the package is not installed (pip install catboost pandas).
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    try:
        import catboost  # noqa: F401
        import pandas  # noqa: F401
    except ImportError as e:
        print(f"skipped: {e}; pip install catboost pandas")
        return 77
    count, seed = (sys.argv[2:] + ["52", "1"][len(sys.argv) - 2:])[:2]
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(HERE, "catboost_sets.py")
        subprocess.run([sys.executable, "-B", "-W", "ignore", script, folder, "--random", count, seed], check=True)
        return subprocess.run([sys.argv[1], folder]).returncode


if __name__ == "__main__":
    sys.exit(main())
