#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Partial results and the limits on what one request may ask for: limits.py PROGRAM. Exit status 1 when a test fails."""
import json
import sys
import time

from load import RECORD, Server, ask, batch, connect, post, receive, run_tests

PROGRAM = sys.argv[1]
SKIP = "/batch_predict?on_error=skip"


def answer(server, body, path="/batch_predict"):
    status, _, content = ask((server.host, server.port), post(body, path))
    return status, json.loads(content), len(content)


def test_good_records_are_predicted_beside_bad_ones():
    with Server(PROGRAM) as server:
        broken = {**RECORD, "practice_exams_passed": 9}
        records = [RECORD, 7, {**RECORD, "minutes_watched": -1}, {**RECORD, "days_on_platform": 3}, broken]
        status, got, _ = answer(server, {"records": records}, SKIP)
        alone = [answer(server, r, "/predict")[1] for r in (records[0], records[3])]
        assert status == 200 and got["predictions"] == [alone[0], None, None, alone[1], None], got
        assert [e["loc"][1:] for e in got["errors"]] == [["records", 1], ["records", 2, "minutes_watched"],
                                                         ["records", 4]], got
        assert got["errors"][2]["msg"] == "practice_exams_passed cannot exceed practice_exams_started."
        assert "errors_not_listed" not in got
        seen = json.loads(server.get("/monitoring/drift"))["samples_observed"]
        assert seen == 4 and len(server.log_lines()) == 4, "only what is predicted is counted and logged"
        # Without bad records: the strict answer, and an empty list.
        status, good, _ = answer(server, batch(3), SKIP)
        assert status == 200 and good == {**answer(server, batch(3))[1], "errors": []}, good
        # The default, and what else it can be.
        for path in ("/batch_predict", "/batch_predict?on_error=fail"):
            assert answer(server, {"records": records}, path)[0] == 422, path
        assert answer(server, {"records": records}, "/batch_predict?x=1&on%5Ferror=s%6Bip")[0] == 200
        status, got, _ = answer(server, {"records": records}, "/batch_predict?on_error=maybe")
        assert status == 422 and "on_error" in json.dumps(got), got
        status, got, _ = answer(server, {"records": records}, SKIP + "&explain=3")
        assert status == 200 and [p is None for p in got["predictions"]] == [False, True, True, False, True], got
        assert all(len(p["explanation"]["contributions"]) == 3 for p in got["predictions"] if p), got
        # What is no list of records is refused as ever.
        for body in (b"{", b"{}", {"records": []}, {"records": 7}, b""):
            assert answer(server, body, SKIP)[:2] == answer(server, body)[:2], body


def test_errors_are_bounded():
    with Server(PROGRAM) as server:
        junk = b'{"records":[' + b"0," * 15000 + b"0]}"
        status, got, size = answer(server, junk)
        assert status == 422 and len(got["detail"]) == 1000 and got["errors_not_listed"] == 14001, got["detail"][:2]
        assert size < 100_000, size
        _, got, size = answer(server, junk, SKIP)
        assert got["predictions"] == [None] * 15001 and len(got["errors"]) == 1000 and got["errors_not_listed"] == 14001
        _, got, size = answer(server, b"[" * 100 + b"\x01" * 500_000)
        assert size < 263_000, size
        metrics = server.get("/metrics").decode()
        assert 'tabscore_rejected_records_total{error="unlisted",rule=""} 28002' in metrics
    with Server(PROGRAM, "--max-errors", "3", "--max-error-bytes", "150") as server:
        status, got, _ = answer(server, {"records": [1] * 10})
        assert status == 422 and len(got["detail"]) == 1 and got["errors_not_listed"] == 9, got
    for style in ("pydantic2",):
        with Server(PROGRAM, "--errors", style, "--max-errors", "5") as server:
            status, got, _ = answer(server, {"records": [1] * 10})
            assert status == 422 and len(got["detail"]) == 5 and got["errors_not_listed"] == 5, got


def test_records_are_bounded():
    with Server(PROGRAM, "--max-records", "100") as server:
        assert answer(server, batch(100))[0] == 200
        for path in ("/batch_predict", SKIP):
            status, got, _ = answer(server, batch(101), path)
            assert status == 422 and got["detail"][0]["msg"] == "ensure this value has at most 100 items", got
            assert got["detail"][0]["ctx"] == {"limit_value": 100}, got
        assert json.loads(server.get("/monitoring/drift"))["samples_observed"] == 100


def test_connections_are_bounded():
    with Server(PROGRAM, "--threads", "2", "--max-connections", "20") as server:
        address, raw = (server.host, server.port), post(batch(2))
        idle, statuses = [], []
        for _ in range(40):
            idle.append(connect(address))
            try:
                idle[-1].sendall(raw)
                statuses.append(receive(idle[-1])[0])
            except OSError:  # refused and closed before it was read
                statuses.append(503)
        assert statuses.count(200) == 20 and statuses.count(503) == 20, statuses
        for s in idle:
            s.close()
        time.sleep(0.2)
        assert ask(address, raw)[0] == 200, "their places are free again"


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], sys.argv[2:]))
