# SPDX-License-Identifier: MIT
"""duckdb.py PROGRAM ARROW_TEST TASK_SQL FOLDER: SQL with predictions, on the real engine."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import npm_engine

program, arrow_test, task_sql, folder = sys.argv[1:5]
library = npm_engine.installed(folder, "@duckdb/node-bindings-linux-x64", "1.5.6-r.1", "libduckdb.so")
root = os.path.join(os.path.dirname(__file__), "..", "..")
model = os.path.join(root, "models", "student_logistic.json")
shown = os.path.join(root, "examples", "duckdb", "score.sql")

RECORDS = 200_000
MAKE = f"""
COPY (SELECT i AS id, CASE hash(i, 0) % 50 WHEN 0 THEN NULL WHEN 1 THEN 'U' WHEN 2 THEN 'a country of many letters'
        ELSE ['US', 'DE', 'IN', 'BR'][1 + (hash(i, 1) % 4)::INT] END AS student_country,
        (hash(i, 2) % 400)::BIGINT - 1 AS days_on_platform, (hash(i, 3) % 20000) / 16.0::DOUBLE AS minutes_watched,
        (hash(i, 4) % 6)::BIGINT AS courses_started, (3 + hash(i, 5) % 5)::BIGINT AS practice_exams_started,
        (hash(i, 6) % 5)::BIGINT AS practice_exams_passed, (hash(i, 7) % 3000) / 8.0::DOUBLE AS minutes_spent_on_exams
      FROM range({RECORDS}) r(i)) TO 'students.parquet';
"""
ARGUMENTS = ("student_country, days_on_platform, minutes_watched, courses_started, practice_exams_started, "
             "practice_exams_passed, minutes_spent_on_exams")


def run(sql, *flags, library=library):
    """Rows of the last result, as lists of text, and the error."""
    done = subprocess.run([program, "--library", library, "--model", model, *flags, "--sql", sql],
                          capture_output=True, text=True, timeout=120)
    return [line.split("\t") for line in done.stdout.splitlines()], done.stderr, done.returncode


def rows(sql, *flags):
    out, error, status = run(sql, *flags)
    assert status == 0, error
    return out[1:]


def check(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")


done = subprocess.run([arrow_test], env={**os.environ, "TABSCORE_DUCKDB": library})
check(done.returncode == 0, "the exchange of Arrow columns")

with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    rows(MAKE)

    # The script that the documentation shows, with one thread and with four: the same predictions to the bit.
    for threads in ("1", "4"):
        done = subprocess.run([program, "--library", library, "--model", model, "--threads", threads, shown],
                              capture_output=True, text=True)
        check(done.returncode == 0, done.stderr)
        os.rename("scored.parquet", f"scored{threads}.parquet")
    same = rows("SELECT count(*) FROM 'scored1.parquet' a JOIN 'scored4.parquet' b USING (id) WHERE a.probability IS NOT "
                "DISTINCT FROM b.probability AND a.label IS NOT DISTINCT FROM b.label AND a.error IS NOT DISTINCT FROM "
                "b.error")
    check(same == [[str(RECORDS)]], f"one thread and four differ: {same}")

    # Nothing is lost: each record has a prediction or a reason.
    tally = rows("SELECT count(*), count(probability), count(label), count(error), count(DISTINCT id), "
                 "bool_and((probability IS NULL) = (error IS NOT NULL)), max(probability) FILTER (label = 0) < min(probability) FILTER (label = 1) "
                 "FROM 'scored1.parquet'")[0]
    total, scored, labelled, failed, ids = map(int, tally[:5])
    check(total == ids == RECORDS and scored == labelled == RECORDS - failed, f"records are missing: {tally}")
    check(0 < failed < RECORDS / 4 and tally[5:] == ["true", "true"], f"predictions and reasons: {tally}")
    reasons = rows("SELECT error, count(*) FROM 'scored1.parquet' WHERE error IS NOT NULL AND error NOT LIKE '%;%' "
                   "GROUP BY ALL ORDER BY ALL")
    expected = rows("SELECT count(*) FILTER (student_country = 'U' AND days_on_platform >= 0), "
                    "count(*) FILTER (student_country IS NULL AND days_on_platform >= 0), "
                    "count(*) FILTER (days_on_platform < 0 AND length(student_country) > 1), "
                    "count(*) FILTER (days_on_platform >= 0 AND length(student_country) > 1 AND "
                    "practice_exams_passed > practice_exams_started) FROM 'students.parquet'")[0]
    check(dict(reasons) == {
        "student_country: must have at least 2 characters": expected[0],
        "student_country: must not be null": expected[1],
        "days_on_platform: must be at least 0": expected[2],
        "practice_exams_passed cannot exceed practice_exams_started.": expected[3]}, f"reasons: {reasons}")

    # Whatever shape the engine hands records over in: filtered, joined, constant, empty, from text, of other types.
    differ = ("SELECT count(*) FROM ({}) q JOIN 'scored1.parquet' s USING (id) WHERE q.p.probability IS DISTINCT FROM "
              "s.probability OR q.p.error IS DISTINCT FROM s.error")
    predict = f"predict_purchase({ARGUMENTS}) AS p"
    shapes = {
        "filtered": f"SELECT id, {predict} FROM 'students.parquet' WHERE hash(id, 9) % 3 = 0",
        "joined": f"SELECT id, {predict} FROM 'students.parquet' JOIN (SELECT 7 * i AS id FROM range(9999) r(i)) USING "
                  "(id)",
        "from text": f"SELECT id, {predict} FROM 'students.csv'",
        "of other types": "SELECT id, predict_purchase(student_country, days_on_platform::INT, minutes_watched::FLOAT, "
                         "courses_started::UTINYINT, practice_exams_started::SMALLINT, practice_exams_passed::TINYINT, "
                         "minutes_spent_on_exams) AS p FROM 'students.parquet'",
    }
    rows("COPY (FROM 'students.parquet') TO 'students.csv'")
    for shape, sql in shapes.items():
        check(rows(differ.format(sql)) == [["0"]], f"records {shape} differ")
        check(int(rows(f"SELECT count(*) FROM ({sql})")[0][0]) > 9000, f"records {shape} are few")
    check(rows(f"SELECT count(p) FROM (SELECT {predict} FROM 'students.parquet' WHERE id < 0)") == [["0"]], "none")
    constant = "predict_purchase('US', 45, 320.5, 3, 5, 3, 87.2)"
    alone = rows(f"SELECT {constant}.probability")
    check(rows(f"SELECT count(*), min({constant}.probability), max({constant}.probability) FROM range(5000)") ==
          [["5000", alone[0][0], alone[0][0]]], "a constant record")
    check(rows("SELECT predict_purchase(NULL, 1, 1, 1, 1, 1, NULL).error") ==
          [["student_country: must not be null; minutes_spent_on_exams: must not be null"]],
          "NULLs have their reason")
    check(rows("SELECT predict_purchase('US', 1, 'nan'::DOUBLE, 1, 1, 1, 'inf'::DOUBLE).error") ==
          [["minutes_watched: must be at least 0; minutes_spent_on_exams: "
            "must be finite"]], "no number is not taken for one")

    # --on-error fail: the query ends, and no file is left for a whole one.
    _, error, status = run(f"COPY (SELECT id, {predict} FROM 'students.parquet') TO 'whole.parquet' "
                           "(FORMAT parquet, USE_TMP_FILE true)", "--on-error", "fail")
    check(status == 1 and ("must" in error or "cannot exceed" in error), error)
    check(not os.path.exists("whole.parquet"), "a half file was left")
    rows(f"COPY (SELECT id, {predict} FROM 'students.parquet' WHERE id IN (SELECT id FROM 'scored1.parquet' WHERE error "
         "IS NULL)) TO 'whole.parquet'", "--on-error", "fail")

    # What is wrong is said.
    for sql, words in {"SELEC 1": "syntax error", "SELECT predict_purchase(1)": "No function matches",
                       "FROM 'none.parquet'": "none.parquet", "": "nothing to do"}.items():
        _, error, status = run(sql)
        check(status == 1 and words in error, f"{sql!r}: {error}")
    _, error, status = run("SELECT 1", library="none.so")
    check(status == 1 and "none.so" in error, error)

    # A database file keeps what was scored.
    rows(f"CREATE TABLE scored AS SELECT id, {predict} FROM 'students.parquet'", "--database", "scores.db")
    check(rows("SELECT count(p.probability) FROM scored", "--database", "scores.db") == [[str(scored)]], "a database file")
    # Several classes and a number: typed columns of the declared names, the trainer's values, a reason where there are none.
    for service, expected in json.load(open(os.path.join(root, "tests", "server", "tasks_expected.json"))).items():
        command = [task_sql, service, "--library", library, "--model", os.path.join(root, "models", service + ".json"), "--sql"]
        fields = list(expected[0]["record"])
        function = "predict_cultivar" if service == "wine" else "predict_progression"
        members = ["cultivar", *(f"probabilities_{c}" for c in ("first", "second", "third"))] if service == "wine" else ["progression"]
        values = ", ".join("(%d, %s)" % (i, ", ".join(f"{v!r}::DOUBLE" for v in e["record"].values())) for i, e in enumerate(expected))
        call = f"{function}({', '.join(fields)})"
        table = f"(VALUES {values}) t(id, {', '.join(fields)})"

        def ask(sql):
            done = subprocess.run([*command, sql], capture_output=True, text=True, timeout=120)
            return [line.split("\t") for line in done.stdout.splitlines()], done.stderr, done.returncode
        kinds = ask(f"SELECT typeof({call}) FROM {table} LIMIT 1")[0][1][0]
        check(kinds == "STRUCT(" + ", ".join(f"{m} {'VARCHAR' if m == 'cultivar' else 'DOUBLE'}" for m in members) +
              ", \"error\" VARCHAR)", f"types: {kinds}")
        got = ask("SELECT " + ", ".join(f"p.{m}" for m in members) + f", p.error FROM (SELECT id, {call} AS p FROM {table}) ORDER BY id")
        check(got[2] == 0 and len(got[0]) == len(expected) + 1, got)
        for e, row in zip(expected, got[0][1:]):
            check(row.pop() == "NULL", "no error")
            if service == "wine":
                check(row[0] == e["cultivar"] and all(abs(float(v) - p) < 1e-12 for v, p in zip(row[1:], e["probabilities"].values())),
                      f"{row} is not {e}")
            else:
                check(float(row[0]) == e["progression"], f"{row} is not {e}")
        # A record in fifty is wrong: it alone has no values, but a reason; the vectors are those of the engine's size.
        broken = f"CASE WHEN i % 50 = 7 THEN NULL ELSE {fields[0]} END"
        many = (f"FROM (SELECT i, {function}({', '.join([broken, *fields[1:]])}) AS p FROM {table}, range(20000) r(i) WHERE id = 0)")
        tally = ask(f"SELECT count(*), count(p.error), count(p.{members[0]}), count(p.{members[-1]}), count(DISTINCT p.{members[-1]}), "
                    f"min(p.error), bool_and((p.error IS NOT NULL) = (i % 50 = 7)) {many}")[0][1]
        check(tally == ["20000", "400", "19600", "19600", "1", f"{fields[0]}: must not be null", "true"], f"{service}: {tally}")
        if service == "wine":
            check(ask(f"SELECT p.cultivar, count(*) {many} GROUP BY ALL ORDER BY 2")[0][1:] ==
                  [["NULL", "400"], [expected[0]["cultivar"], "19600"]], "classes are counted")
        ended = subprocess.run([*command[:-1], "--on-error", "fail", "--sql", f"SELECT count(p) {many}"], capture_output=True, text=True)
        check(ended.returncode == 1 and f"{fields[0]}: must not be null" in ended.stderr, ended.stderr)
    other = subprocess.run([task_sql, "wine", "--library", library, "--model", model, "--sql", "SELECT 1"], capture_output=True, text=True)
    check(other.returncode == 1 and "the model's task is binary" in other.stderr, other.stderr)
print(f"{scored} records scored, {failed} with a reason")
