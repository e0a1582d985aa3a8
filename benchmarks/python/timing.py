# SPDX-License-Identifier: MIT
"""CPU time of several ways to score the same rows, in one interleaved run."""
import time


def cpu_per_row(calls, rows, passes):
    """Medians of CPU nanoseconds a row by contender; a pass repeats each for a tenth of a second."""
    found, repeats = {name: [] for name in calls}, {}
    for name, call in calls.items():
        begin = time.perf_counter()
        call()
        repeats[name] = max(1, int(0.1 / max(time.perf_counter() - begin, 1e-6)))
    for _ in range(passes):
        for name, call in calls.items():
            begin = time.process_time_ns()
            for _ in range(repeats[name]):
                call()
            found[name].append((time.process_time_ns() - begin) / repeats[name] / rows)
    return {name: sorted(times)[passes // 2] for name, times in found.items()}
