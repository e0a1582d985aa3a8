# SPDX-License-Identifier: MIT
"""sql.py STUDENTS LOANS FOLDER VERSION: the extensions of examples/duckdb and of other services in the real engine."""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import python_engine
from checks import expect

students, loans, folder = map(os.path.abspath, sys.argv[1:4])
python_engine.load(folder, f"duckdb=={sys.argv[4]}")
import duckdb

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MODELS = os.path.join(ROOT, "models")
MODEL = os.path.join(MODELS, "student_logistic.json")
LOAN = f"'{MODELS}/loan_default.json', '{MODELS}/loan_policy.json'"

RECORDS = 200_000
MAKE = f"""
COPY (SELECT i AS id, CASE hash(i, 0) % 50 WHEN 0 THEN NULL WHEN 1 THEN 'U' WHEN 2 THEN 'a country of many letters'
        ELSE ['US', 'DE', 'IN', 'BR'][1 + (hash(i, 1) % 4)::INT] END AS student_country,
        (hash(i, 2) % 400)::BIGINT - 1 AS days_on_platform, (hash(i, 3) % 20000) / 16.0::DOUBLE AS minutes_watched,
        (hash(i, 4) % 6)::BIGINT AS courses_started, (3 + hash(i, 5) % 5)::BIGINT AS practice_exams_started,
        (hash(i, 6) % 5)::BIGINT AS practice_exams_passed, (hash(i, 7) % 3000) / 8.0::DOUBLE AS minutes_spent_on_exams
      FROM range({RECORDS}) r(i)) TO 'students.parquet';
"""
FIELDS = ("student_country", "days_on_platform", "minutes_watched", "courses_started", "practice_exams_started",
          "practice_exams_passed", "minutes_spent_on_exams")


def database(path=":memory:", **settings):
    return duckdb.connect(path, config={"allow_unsigned_extensions": "true", **settings})


def refused(connection, sql, *words):
    try:
        got = connection.execute(sql).fetchall()
    except duckdb.Error as why:
        expect(all(word in str(why) for word in words), f"{sql}: {why}")
        return
    expect(False, f"{sql} gives {got}")


def struct(**changes):
    """The record as a struct, its members from last to first."""
    members = {name: name for name in FIELDS} | changes
    return "{" + ", ".join(f"{name}: {members[name]}" for name in reversed(members)) + "}"


def test_install(connection):
    """INSTALL copies the file, LOAD takes it by its name; what is no extension for this engine is refused."""
    connection.execute("SET extension_directory = 'installed'")
    connection.execute(f"INSTALL '{students}'")
    connection.execute("LOAD students")
    version = open(os.path.join(ROOT, "include", "tabscore", "version.hpp"), encoding="utf-8").read()
    numbers = [line.split()[2] for line in version.splitlines() if line.startswith("#define TABSCORE_VERSION_M") or "_PATCH " in line]
    got = connection.execute("SELECT loaded, extension_version FROM duckdb_extensions() WHERE extension_name = 'students'")
    expect(got.fetchall() == [(True, "v" + ".".join(numbers[:3]))], "the version")
    refused(duckdb.connect(), f"LOAD '{students}'", "allow_unsigned_extensions")


def test_script():
    """The script that the documentation shows, with one thread and with four: the same predictions to the bit."""
    script = open(os.path.join(ROOT, "examples", "duckdb", "score.sql"), encoding="utf-8").read()
    for threads in ("1", "4"):
        connection = database(threads=threads)
        connection.execute(MAKE)
        for statement in duckdb.extract_statements(script):
            connection.execute(statement)
        os.rename("scored.parquet", f"scored{threads}.parquet")
    (same,), = connection.execute(
        "SELECT count(*) FROM 'scored1.parquet' a JOIN 'scored4.parquet' b USING (id) WHERE a.probability IS NOT DISTINCT FROM "
        "b.probability AND a.label IS NOT DISTINCT FROM b.label AND a.error IS NOT DISTINCT FROM b.error").fetchall()
    expect(same == RECORDS, f"one thread and four differ: {same}")
    total, scored, labelled, failed, ids, apart, sorted_labels = connection.execute(
        "SELECT count(*), count(probability), count(label), count(error), count(DISTINCT id), "
        "bool_and((probability IS NULL) = (error IS NOT NULL)), max(probability) FILTER (label = 0) < "
        "min(probability) FILTER (label = 1) FROM 'scored1.parquet'").fetchone()
    expect(total == ids == RECORDS and scored == labelled == RECORDS - failed, "records are missing")
    expect(0 < failed < RECORDS / 4 and apart and sorted_labels, "predictions and reasons")
    reasons = dict(connection.execute("SELECT error, count(*) FROM 'scored1.parquet' WHERE error NOT LIKE '%;%' GROUP BY ALL").fetchall())
    expected = connection.execute(
        "SELECT count(*) FILTER (student_country = 'U' AND days_on_platform >= 0), "
        "count(*) FILTER (student_country IS NULL AND days_on_platform >= 0), "
        "count(*) FILTER (days_on_platform < 0 AND length(student_country) > 1), "
        "count(*) FILTER (days_on_platform >= 0 AND length(student_country) > 1 AND "
        "practice_exams_passed > practice_exams_started) FROM 'students.parquet'").fetchone()
    expect(reasons == dict(zip(("student_country: must have at least 2 characters", "student_country: must not be null",
                                "days_on_platform: must be at least 0",
                                "practice_exams_passed cannot exceed practice_exams_started."), expected)), f"reasons: {reasons}")
    return scored, failed


def test_shapes(connection):
    """However the engine hands records over: the same predictions."""
    connection.execute(f"CREATE MACRO predict(s) AS students_predict(s, '{MODEL}')")
    connection.execute("CREATE TABLE students AS FROM 'students.parquet'; COPY students TO 'students.csv'")
    connection.execute("CREATE TYPE country AS ENUM (SELECT DISTINCT student_country FROM students WHERE student_country IS NOT NULL)")
    shapes = {
        "of a table": "SELECT id, predict(s) AS p FROM students s",
        "by name": f"SELECT id, predict({struct()}) AS p FROM 'students.parquet'",
        "filtered": f"SELECT id, predict({struct()}) AS p FROM 'students.parquet' WHERE hash(id, 9) % 3 = 0",
        "joined": f"SELECT id, predict({struct()}) AS p FROM 'students.parquet' JOIN (SELECT 7 * i AS id FROM range(9999) r(i)) USING (id)",
        "from text": "SELECT id, predict(s) AS p FROM 'students.csv' s",
        "of narrower types": "SELECT id, predict(" + struct(
            student_country="student_country::country", days_on_platform="days_on_platform::INT", minutes_watched="minutes_watched::FLOAT",
            courses_started="courses_started::UTINYINT", practice_exams_started="practice_exams_started::SMALLINT",
            practice_exams_passed="practice_exams_passed::TINYINT", minutes_spent_on_exams="minutes_spent_on_exams::DECIMAL(10,3)",
            another="DATE '2026-11-30'") + ") AS p FROM 'students.parquet'",
        "of wider types": "SELECT id, predict(" + struct(
            days_on_platform="days_on_platform::DOUBLE", courses_started="courses_started::UBIGINT",
            practice_exams_started="practice_exams_started::DECIMAL(15,0)", practice_exams_passed="practice_exams_passed::DECIMAL(4,1)",
            minutes_watched="minutes_watched::DECIMAL(38,16)", minutes_spent_on_exams="minutes_spent_on_exams::DECIMAL(18,6)") +
            ") AS p FROM 'students.parquet'",
        "in a list": f"SELECT id, unnest(list_transform([s], lambda x: predict(x))) AS p FROM (SELECT id, {struct()} AS s FROM students)",
    }
    for shape, sql in shapes.items():
        rows, differ = connection.execute(
            f"SELECT count(*), count(*) FILTER (q.p.probability IS DISTINCT FROM s.probability OR q.p.label IS DISTINCT FROM "
            f"s.label OR q.p.error IS DISTINCT FROM s.error) FROM ({sql}) q JOIN 'scored1.parquet' s USING (id)").fetchone()
        expect(rows > 9000 and differ == 0, f"records {shape}: {differ} of {rows} differ")
    expect(connection.execute(f"SELECT count(predict({struct()})) FROM students WHERE id < 0").fetchone() == (0,), "no records")
    literal = "{student_country: 'US', days_on_platform: 45, minutes_watched: 320.5, courses_started: 3, practice_exams_started: 5, practice_exams_passed: 3, minutes_spent_on_exams: 87.2}"
    alone = connection.execute(f"SELECT predict({literal}).probability").fetchone()[0]
    expect(connection.execute(f"SELECT count(*), min(p.probability), max(p.probability) FROM (SELECT predict({literal}) AS p FROM range(5000))").fetchone()
           == (5000, alone, alone), "a constant record")
    record = dict(zip(FIELDS, ("US", 45, 320.5, 3, 5, 3, 87.2)))
    expect(connection.execute("SELECT predict(?).probability", [record]).fetchone()[0] == alone, "a parameter of a prepared statement")
    expect(connection.execute("SELECT predict(" + struct(student_country="NULL", minutes_spent_on_exams="NULL::DOUBLE") +
                              ").error FROM students WHERE id = 5").fetchone()[0] ==
           "student_country: must not be null; minutes_spent_on_exams: must not be null", "NULLs have their reason")
    expect(connection.execute("SELECT count(p.error), count(p.probability) FROM (SELECT predict(CASE WHEN id % 2 = 0 THEN " + struct() +
                              " END) AS p FROM students WHERE id < 10 AND id % 2 = 1)").fetchone() == (5, 0), "a NULL struct")
    expect(connection.execute("SELECT predict(" + struct(minutes_watched="'nan'::DOUBLE", minutes_spent_on_exams="'inf'::DOUBLE",
                              student_country="'US'") + ").error FROM students WHERE id = 4").fetchone()[0] ==
           "minutes_watched: must be at least 0; minutes_spent_on_exams: must be finite", "a number that is none")


def test_refused(connection):
    model = f"'{MODEL}'"
    for sql, words in {
        f"SELECT students_predict(1, {model})": ["not a STRUCT"],
        f"SELECT students_predict(NULL, {model})": ["not a STRUCT"],
        f"SELECT students_predict({{days: 1}}, {model})": ["no member 'student_country'"],
        "SELECT students_predict(" + struct(student_country="DATE '2026-11-30'") + f", {model}) FROM students": ["'student_country'", "cast it to VARCHAR"],
        "SELECT students_predict(" + struct(days_on_platform="'7'") + f", {model}) FROM students": ["'days_on_platform'", "cast it to BIGINT"],
        "SELECT students_predict(" + struct(minutes_watched="1::HUGEINT") + f", {model}) FROM students": ["'minutes_watched'", "cast it to DOUBLE"],
        "SELECT students_predict(s, student_country) FROM students s": ["not a constant"],
        "SELECT students_predict(s, NULL) FROM students s": ["NULL"],
        "SELECT students_predict(s, '') FROM students s": ["the path of the model file is empty"],
        f"SELECT students_predict(s, {model} || chr(0) || 'x') FROM students s": ["the model's path has a NUL character"],
        f"SELECT students_predict(s, {model} || chr(0)) FROM students s": ["the model's path has a NUL character"],
        "SELECT students_predict(s, 'it''s ü\n.json') FROM students s": ["it's ü", "expected a model file"],
        "SELECT students_predict(s, 'no%s.json') FROM students s": ["no%s.json"],
        f"SELECT students_predict(s, '{MODELS}/wine.json') FROM students s": ["wine.json", "multiclass"],
        "SELECT students_predict(s) FROM students s": ["No function matches"],
        "DESCRIBE SELECT students_predict(s, 'none.json') FROM students s WHERE false": ["none.json"],
    }.items():
        refused(connection, sql, *words)


def test_files(scored):
    """A database file keeps a view that predicts, and opens again after it was closed."""
    with database("scores.db") as one:
        one.execute(f"LOAD '{students}'")
        one.execute(f"CREATE VIEW scored AS SELECT id, students_predict(s, '{MODEL}') AS p FROM 'students.parquet' s")
        expect(one.execute("SELECT count(p.probability) FROM scored").fetchone() == (scored,), "a view")
    with database("scores.db") as one:
        one.execute(f"LOAD '{students}'")
        expect(one.execute("SELECT count(p.probability) FROM scored").fetchone() == (scored,), "a view, again")


def test_other_services():
    """Decisions, several classes, a number: the extension is one file here, named after each service."""
    for name in ("loans", "wine", "diabetes"):
        if name != "loans":
            shutil.copy(loans, f"{name}.duckdb_extension")
    connection = database()
    connection.execute(f"LOAD '{loans}'; LOAD './wine.duckdb_extension'; LOAD './diabetes.duckdb_extension'")
    record = "{purpose: 'car', months: 48, amount: 12000.0, income: 2600.0, sector: 'public', application: 'A-17'}"
    got = connection.execute(f"SELECT typeof(p), p.probability, p.decision, p.error FROM (SELECT loans_predict({record}, {LOAN}) AS p)").fetchone()
    expect("probability DOUBLE" in got[0] and "decision VARCHAR" in got[0] and got[2] in ("approve", "refer", "decline") and got[3] is None, f"{got}")
    decisions = connection.execute(
        "SELECT p.decision, count(*), count(p.error) FROM (SELECT loans_predict({purpose: CASE WHEN i % 100 = 7 THEN '' ELSE 'car' END, "
        f"months: 6 + i % 200, amount: 100.0 + i * 13, income: (500 + i)::DOUBLE}}, {LOAN}) AS p FROM range(10000) r(i)) GROUP BY ALL ORDER BY ALL").fetchall()
    expect(sum(n for _, n, _ in decisions) == 10000 and len(decisions) >= 3 and decisions[-1][0] is None and
           all((d is None) == (e == n) for d, n, e in decisions), f"{decisions}")
    refused(connection, f"SELECT loans_predict({{purpose: 'car', months: 1, amount: 2.0, incom: 3.0}}, {LOAN})", "'incom'", "no field")
    refused(connection, f"SELECT loans_predict({record}, '{MODELS}/loan_default.json')", "No function matches")
    for service, expected in json.load(open(os.path.join(ROOT, "tests", "server", "tasks_expected.json"), encoding="utf-8")).items():
        if service not in ("wine", "diabetes"):
            continue
        fields = list(expected[0]["record"])
        values = ", ".join("(%d, %s)" % (i, ", ".join(f"{v!r}::DOUBLE" for v in e["record"].values())) for i, e in enumerate(expected))
        connection.execute(f"CREATE TABLE {service} AS SELECT * FROM (VALUES {values}) t(id, {', '.join(fields)})")
        call = f"{service}_predict(t, '{MODELS}/{service}.json')"
        member = "cultivar" if service == "wine" else "progression"
        got = connection.execute(f"SELECT p.error, p.{member}" + (", p.probabilities" if service == "wine" else "") +
                                 f" FROM (SELECT id, {call} AS p FROM {service} t) ORDER BY id").fetchall()
        expect(len(got) == len(expected), f"{service}: {len(got)}")
        for e, row in zip(expected, got):
            expect(row[0] is None and row[1] == e[member], f"{service}: {row} is not {e}")
            if service == "wine":
                expect(list(row[2]) == list(e["probabilities"]) and
                       all(abs(row[2][c] - p) < 1e-12 for c, p in e["probabilities"].items()), f"{row} is not {e}")
        # A record in fifty is wrong: it alone has no values, but a reason; the vectors are those of the engine's size.
        broken = "{" + ", ".join(f"{f}: " + (f"CASE WHEN i % 50 = 7 THEN NULL ELSE {f} END" if f == fields[0] else f) for f in fields) + "}"
        many = f"FROM (SELECT i, {service}_predict({broken}, '{MODELS}/{service}.json') AS p FROM {service}, range(20000) r(i) WHERE id = 0)"
        tally = connection.execute(f"SELECT count(*), count(p.error), count(p.{member}), min(p.error), bool_and((p.error IS NOT NULL) = "
                                   f"(i % 50 = 7)), count(DISTINCT p) {many}").fetchone()
        expect(tally == (20000, 400, 19600, f"{fields[0]}: must not be null", True, 2), f"{service}: {tally}")
        if service == "wine":
            sums = connection.execute(f"SELECT count(p.probabilities), count(DISTINCT p.probabilities), min(cardinality(p.probabilities)), "
                                      f"min(p.probabilities['first']) {many}").fetchone()
            expect(sums[:3] == (19600, 1, 3) and abs(sums[3] - expected[0]["probabilities"]["first"]) < 1e-12, f"classes: {sums}")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    shutil.copy(students, work)
    os.symlink(MODELS, "models")
    connection = database()
    test_install(connection)
    scored, failed = test_script()
    test_shapes(connection)
    test_refused(connection)
    test_files(scored)
    test_other_services()
    connection.close()
print(f"DuckDB {duckdb.__version__}: {scored} records scored, {failed} with a reason")
