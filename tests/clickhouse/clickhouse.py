# SPDX-License-Identifier: MIT
"""clickhouse.py SCORE_STREAM TASK_STREAM FOLDER: predictions in SQL by an executable function, on the real engine.

With two more arguments, WORK KIND, it is the process that test_twice() starts."""
import concurrent.futures
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "support"))
import chdb
import npm
from checks import expect

program, task_stream, folder = map(os.path.abspath, sys.argv[1:4])
library = npm.file_of(folder, "@chdb/lib-linux-x64-gnu@26.7.3-stable.1", "libchdb.so")
example = os.path.join(here, "..", "..", "examples", "clickhouse")
queries = dict(re.findall(r"-- name: (\w+)\n(.*?)(?=\n-- name:|\Z)", open(os.path.join(example, "campaigns.sql")).read(),
                          re.S))
queries = {name: sql.strip().rstrip(";") for name, sql in queries.items()}

STUDENTS = 20_000
DAYS = {"2026-11-01": 0, "2026-11-02": 1, "2026-11-03": 2}
# Some records break a bound or the rule, some have a NULL; on the third day everybody has watched thirty times as much.
FILL = """INSERT INTO students SELECT '{day}', number,
  multiIf(h(0) % 50 = 0, NULL, h(0) % 50 = 1, 'U', h(0) % 50 = 2, 'Ünknown', ['US', 'DE', 'IN', 'BR'][1 + h(1) % 4]),
  toInt64(h(2) % 400) - 1, (h(3) % 20000) / 16 * {factor}, h(4) % 6, 3 + h(5) % 5, h(6) % 5,
  if(h(7) % 40 = 0, NULL, (h(8) % 3000) / 8) FROM numbers({rows})"""
# Services of other predictions: the function and the result's columns.
TASKS = {"wine": ("predict_cultivar", ["cultivar Nullable(String)", *(f"probabilities_{c} Nullable(Float64)" for c in
                                                                      ("first", "second", "third"))]),
         "diabetes": ("predict_progression", ["progression Nullable(Float64)"])}
EXPECTED = json.load(open(os.path.join(here, "..", "server", "tasks_expected.json"), encoding="utf-8"))
COLUMNS = ("student_country", "days_on_platform", "minutes_watched", "courses_started", "practice_exams_started",
           "practice_exams_passed", "minutes_spent_on_exams")
ARGUMENTS = ", ".join(COLUMNS)
KINDS = ("executable_pool", "executable")
LIES = ("honest", "fewer", "more", "half", "half_and_dies", "other_words", "other_column", "right_and_fails",
        "dies", "ends", "sleeps")
TRUE = ("honest", "other_column")  # answered, however busy the machine is; of the others the engine waits for the rest
TWICE = "twice"  # a lie for which the engine may wait without an end, so that another process asks


def configure(work):
    """The folder of a server: its configuration, the example's function, and functions that lie."""
    scripts = os.path.join(work, "user_scripts")
    os.makedirs(scripts)
    os.symlink(program, os.path.join(scripts, "score_stream"))
    shutil.copy(os.path.join(here, "liar.py"), scripts)
    os.chmod(os.path.join(scripts, "liar.py"), 0o755)
    with open(os.path.join(work, "predict_purchase_function.xml"), "w") as file:
        file.write(definition([program], "predict_purchase"))
    liar = """<function><type>{kind}</type><name>{name}</name><return_type>Float64</return_type>
      <argument><type>Int64</type></argument><format>Native</format>
      <command>liar.py {lie}</command><pool_size>1</pool_size>
      <command_read_timeout>{wait}</command_read_timeout><command_termination_timeout>1</command_termination_timeout>
      </function>"""
    with open(os.path.join(work, "lies_function.xml"), "w") as file:
        file.write("<functions>" + "".join(
            liar.format(kind=kind, name=f"{kind}_{lie}", lie=lie, wait=20000 if lie in TRUE else 1500 if lie == "sleeps" else 4000)
            for kind in KINDS for lie in (*LIES, TWICE)) + "</functions>")
    os.symlink(task_stream, os.path.join(scripts, "task_stream"))
    for task, (name, _) in TASKS.items():
        with open(os.path.join(work, f"{task}_function.xml"), "w") as file:
            file.write(definition([task_stream, task], name).replace("<command>", "<command>task_stream "))
    path = os.path.join(work, "config.xml")
    with open(path, "w") as file:
        file.write(f"""<clickhouse><logger><level>none</level></logger><path>{work}/data</path>
          <user_scripts_path>{scripts}</user_scripts_path>
          <user_defined_executable_functions_config>{work}/*_function.xml</user_defined_executable_functions_config>
          </clickhouse>""")
    return path


def definition(command, name, *flags):
    """What the program writes as its function's definition."""
    return subprocess.run([*command, "--clickhouse-xml", name, *flags], cwd=os.path.join(here, "..", ".."),
                          stdout=subprocess.PIPE, text=True, check=True).stdout


def test_definition():
    """Names and flags of the definition; what ClickHouse would split or read otherwise is refused."""
    command = re.search("<command>(.*)</command>", definition([program], "f", "--model", "models/student_logistic.json", "--strict"))[1]
    expect(command == "score_stream --from native --to native --on-error null --threads 1 --quiet --model models/student_logistic.json --strict",
           command)
    xml = definition([task_stream, "loans"], "loan_default")
    expect("<return_type>Tuple(probability Nullable(Float64), label Nullable(UInt8), decision Nullable(String), error String)<" in xml and
           "<argument><type>Nullable(String)</type><name>sector</name></argument>" in xml, xml)
    for flags, words in ((["a b"], "letters, digits"), (["f", "records.csv"], "not with inputs"), ([""], "is empty")):
        done = subprocess.run([program, "--clickhouse-xml", *flags], capture_output=True, text=True)
        expect(done.returncode == 1 and words in done.stderr and not done.stdout, f"{flags}: {done.stderr}")
    with tempfile.TemporaryDirectory(suffix=" of blanks") as folder:
        model = shutil.copy(os.path.join(here, "..", "..", "models", "student_logistic.json"), folder)
        done = subprocess.run([program, "--clickhouse-xml", "f", "--model", model], capture_output=True, text=True)
        expect(done.returncode == 1 and "blanks" in done.stderr, done.stderr)


def alone(engine):
    """What score_stream says of the same records as lines of JSON, by day and id."""
    lines = engine.bytes(f"SELECT {ARGUMENTS} FROM students ORDER BY day, id", "JSONEachRow")
    done = subprocess.run([program, "--from", "ndjson", "--on-error", "null", "--quiet"], input=lines,
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_scores(engine):
    engine.bytes("CREATE FUNCTION h AS n -> sipHash64(number, n)")
    engine.bytes(queries["students"])
    engine.bytes(queries["scored"])
    for day, n in DAYS.items():
        engine.bytes(FILL.format(day=day, factor=30 if n == 2 else 1, rows=STUDENTS))
        engine.bytes(f"SET param_day = '{day}'")
        engine.bytes(queries["score"])
    rows = [json.loads(line) for line in engine.bytes("SELECT * FROM scored ORDER BY day, id", "JSONEachRow").splitlines()]
    expected = alone(engine)
    expect(len(rows) == len(expected) == STUDENTS * len(DAYS), "records are missing")
    for row, wanted in zip(rows, expected):
        expect((row["probability"], row["label"]) == (wanted["predicted_purchase_probability"],
                                                      wanted["predicted_purchase"]), f"{row} is not {wanted}")
        expect((row["probability"] is None) == (row["error"] != ""), f"neither or both: {row}")
    unscored = sum(row["error"] != "" for row in rows)
    expect(STUDENTS * len(DAYS) / 20 < unscored < STUDENTS * len(DAYS) / 4, f"{unscored} without a prediction")
    return {day: [row for row in rows if row["day"] == day] for day in DAYS}


def test_campaigns(engine, days):
    day, earlier = "2026-11-02", "2026-11-01"
    for name, value in (("day", day), ("earlier", earlier), ("students", 1000), ("precision", 0.8),
                        ("experiment", "autumn letter")):
        engine.bytes(f"SET param_{name} = '{value}'")
    good = sorted((r for r in days[day] if r["error"] == ""), key=lambda r: (-r["probability"], int(r["id"])))

    got = dict(engine.rows(queries["unscored"]))
    reasons = {}
    for row in days[day]:
        if row["error"]:
            reasons[row["error"]] = reasons.get(row["error"], 0) + 1
    expect({k: int(v) for k, v in got.items()} == reasons and len(reasons) >= 4, f"reasons {got}")

    top = [int(row[0]) for row in engine.rows(queries["top"])]
    expect(top == [int(r["id"]) for r in good[:1000]], "the top 1000")

    chosen = [int(row[0]) for row in engine.rows(queries["precision"])]
    total, size = 0.0, 0
    for n, row in enumerate(good, 1):
        total += row["probability"]
        if total / n >= 0.8:
            size = n
    expect(100 < size < len(good) and abs(len(chosen) - size) <= 1 and
           chosen[:size - 1] == [int(r["id"]) for r in good[:size - 1]], f"the list of precision 0.8: {len(chosen)}, {size}")

    cohorts = {row[0]: row[1:] for row in engine.rows(queries["cohorts"])}
    for country in ("US", "Ünknown"):
        some = [r for r in days[day] if r["country"] == country]
        p = [r["probability"] for r in some if r["error"] == ""]
        n, mean, purchases, buyers, unscored = map(float, cohorts[country])
        expect(n == len(p) and unscored == len(some) - len(p) and abs(mean - sum(p) / len(p)) < 2e-6 and
               abs(purchases - sum(p)) < 2e-3 and buyers == sum(r["label"] == 1 for r in some), f"cohort {country}")
    expect(float(cohorts["\\N"][0]) == 0, "a record without a country has no prediction")

    engine.bytes(queries["assignment"].replace("{experiment:String}", "'autumn letter'"))
    arms = engine.rows(queries["arms"])
    expect([row[0] for row in arms] == ["A", "B"] and sum(int(row[1]) for row in arms) == len(good), f"arms {arms}")
    a, b, chi2, mismatch = engine.rows(queries["ratio"])[0]
    expect(math.isclose(float(chi2), (int(a) - int(b)) ** 2 / (int(a) + int(b)), rel_tol=1e-9) and mismatch == "0",
           f"sample ratio {a}:{b}")
    same = engine.value("SELECT count() FROM assignment x JOIN assignment y USING (id) WHERE x.arm != y.arm")
    expect(same == "0", "a student's arm changes from day to day")
    other = engine.value("SELECT countIf((sipHash64('spring letter', id) % 1000 < 500) = (arm = 'A')) / count() FROM "
                         "assignment WHERE day = '2026-11-02'")
    expect(abs(float(other) - 0.5) < 0.02, "two experiments are not independent")
    # An assignment that loses some of arm B is seen.
    broken = queries["ratio"].replace("FROM assignment WHERE", "FROM assignment WHERE (arm = 'A' OR id % 10 != 0) AND")
    expect(engine.rows(broken)[0][3] == "1", "a lost tenth of an arm is not seen")

    def psi(then, now):
        before = sorted(r["probability"] for r in days[then] if r["error"] == "")
        edges = [float(e) for e in engine.value(f"SELECT arrayStringConcat(quantilesExact({', '.join(f'0.{i}' for i in range(1, 10))})"
                                                f"(assumeNotNull(probability)), ' ') FROM scored WHERE day = '{then}' AND error = ''").split()]
        shares = []
        for values in (before, [r["probability"] for r in days[now] if r["error"] == ""]):
            counts = [0.5] * 10
            for v in values:
                counts[sum(e <= v for e in edges)] += 1
            shares.append([c / sum(counts) for c in counts])
        return sum((n - b) * math.log(n / b) for b, n in zip(*shares))
    for now, drifted in (("2026-11-02", "0"), ("2026-11-03", "1")):
        engine.bytes(f"SET param_day = '{now}'")
        got = engine.rows(queries["drift"])[0]
        expect(abs(float(got[0]) - psi(earlier, now)) < 1e-4 and got[1] == drifted, f"drift {got}, {psi(earlier, now)}")


def test_types(engine):
    """Types that the engine converts to the arguments', and texts as dictionaries or of fixed size."""
    day = "WHERE day = '2026-11-01'"
    expected = engine.value(f"SELECT groupBitXor(sipHash64(id, probability, error)) FROM scored {day}")
    for country, minutes in (("toLowCardinality(student_country)", "minutes_watched"),
                             ("student_country", "toFloat32(minutes_watched)")):
        got = engine.value(f"""SELECT groupBitXor(sipHash64(id, p.probability, p.error)) FROM (SELECT id,
            predict_purchase({country}, toInt32(days_on_platform), {minutes}, toInt8(courses_started),
                             toUInt16(practice_exams_started), practice_exams_passed, minutes_spent_on_exams) AS p
            FROM students {day})""")
        expect(got == expected, f"{country}, {minutes} give other predictions")


def test_files(work, engine):
    """Files of the engine's formats, with more columns and more types than a function has arguments."""
    select = ("SELECT day, toString(id) AS id, toLowCardinality(student_country) AS student_country, "
              "days_on_platform::Nullable(Int16) AS days_on_platform, minutes_watched, assumeNotNull(courses_started)"
              "::UInt8 AS courses_started, practice_exams_started, practice_exams_passed::Nullable(Float32) AS "
              "practice_exams_passed, minutes_spent_on_exams, now64(3) AS t, generateUUIDv4() AS u FROM students "
              "ORDER BY day, id SETTINGS max_block_size = {}")
    expected = [json.dumps(row) for row in alone_by_text(engine)]
    for form, block in (("Native", 65409), ("Native", 100), ("RowBinaryWithNamesAndTypes", 1000)):
        path = os.path.join(work, "records.bin")
        with open(path, "wb") as file:
            file.write(engine.bytes(select.format(block), form))
        name = {"Native": "native"}.get(form, "row-binary-with-names-and-types")
        for flags in (["--threads", "1"], ["--threads", "3", "--block-bytes", "5000"]):
            done = subprocess.run([program, "--from", name, "--to", "ndjson", "--on-error", "null", "--quiet", *flags,
                                   path], stdout=subprocess.PIPE, check=True)
            expect([json.dumps(json.loads(line)) for line in done.stdout.splitlines()] == expected,
                   f"{form} in blocks of {block} {flags}")
        # A file that ends too early is an error, never a shorter answer.
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.truncate(size - 1)
        done = subprocess.run([program, "--from", name, "--to", "ndjson", "--on-error", "null", path],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        expect(done.returncode == 3 and "ends within" in done.stderr, f"{form}: {done.stderr}")
    # An Arrow IPC stream, which the engine turns into Native.
    path = os.path.join(work, "records.arrows")
    with open(path, "wb") as file:
        file.write(engine.bytes(select.format(1000), "ArrowStream"))
    done = subprocess.run([program, "--from", "native", "--to", "ndjson", "--on-error", "null", "--quiet"],
                          input=engine.bytes(f"SELECT {ARGUMENTS} FROM file('{path}', 'ArrowStream') SETTINGS max_threads = 1",
                                             "Native"),  # one thread: several may change the order
                          stdout=subprocess.PIPE, check=True)
    expect([json.dumps(json.loads(line)) for line in done.stdout.splitlines()] == expected, "an Arrow IPC stream")
    # And back: what score_stream writes, the engine reads.
    for name, form, structure in (
            ("native", "Native", "result Tuple(probability Nullable(Float64), label Nullable(UInt8), error String)"),
            ("row-binary", "RowBinary", "probability Nullable(Float64), label Nullable(UInt8), error String"),
            ("row-binary-with-names-and-types", "RowBinaryWithNamesAndTypes", "auto")):
        out = os.path.join(work, "predictions.bin")
        subprocess.run([program, "--from", "row-binary", "--to", name, "--on-error", "null", "--quiet", "-o", out],
                       input=engine.bytes("SELECT student_country::String, assumeNotNull(days_on_platform), "
                                         "assumeNotNull(minutes_watched), assumeNotNull(courses_started), "
                                         "assumeNotNull(practice_exams_started), assumeNotNull(practice_exams_passed), "
                                         "assumeNotNull(minutes_spent_on_exams) FROM students WHERE "
                                         "isNotNull(student_country) ORDER BY day, id", "RowBinary"), check=True)
        columns = "result.probability, result.error" if name == "native" else "probability, error"
        got = engine.rows(f"SELECT count(), countIf(isNull({columns.split(', ')[0]})), countIf({columns.split(', ')[1]} "
                          f"!= '') FROM file('{out}', '{form}', '{structure}')")[0]
        wanted = engine.rows("SELECT count(), countIf(p), countIf(p) FROM (SELECT lengthUTF8(student_country) < 2 OR "
                             "days_on_platform < 0 OR practice_exams_passed > practice_exams_started AS p FROM students "
                             "WHERE isNotNull(student_country))")[0]
        expect(got == wanted and int(got[1]) > 1000, f"{form}: {got}, not {wanted}")


def test_tasks(work, engine):
    """Several classes and a number: typed columns of the declared names, through the function and through files."""
    for task, (function, result) in TASKS.items():
        fields = list(EXPECTED[task][0]["record"])
        engine.bytes(f"CREATE TABLE {task} (id UInt64, {', '.join(f'{f} Nullable(Float64)' for f in fields)}) ENGINE = Memory")
        engine.bytes(f"INSERT INTO {task} VALUES " + ", ".join(
            "(%d, %s)" % (i, ", ".join(map(repr, e["record"].values()))) for i, e in enumerate(EXPECTED[task])))
        names = [c.split(" ")[0] for c in result]
        kind = engine.value(f"SELECT toTypeName({function}({', '.join(fields)})) FROM {task} LIMIT 1").replace("\\n   ", "")
        expect(kind == f"Tuple( {', '.join(result)}, error String)", f"{task}: {kind}")
        # Each record often, and a NULL among fifty.
        scored = (f"SELECT id, n.number AS n, {function}(if(n % 50 = 7, NULL, {fields[0]}), {', '.join(fields[1:])}) AS p "
                  f"FROM {task} CROSS JOIN numbers(2000) AS n")
        members = ", ".join(f"p.{m}" for m in names)
        lines = engine.bytes(f"SELECT DISTINCT id, {members}, p.error FROM ({scored}) ORDER BY id, p.error", "JSONCompactEachRow")
        got = [json.loads(line) for line in lines.splitlines()]
        expect(len(got) == 2 * len(EXPECTED[task]), f"{task}: {len(got)} different rows")
        for i, e in enumerate(EXPECTED[task]):
            good, bad = got[2 * i][1:], got[2 * i + 1][1:]
            expect(bad == [None] * len(names) + [f"{fields[0]}: must not be null"] and good[-1] == "", f"{task}: {good}, {bad}")
            if task == "wine":
                expect(good[0] == e["cultivar"] and all(abs(v - w) < 1e-12 for v, w in zip(good[1:], e["probabilities"].values())),
                       f"{good} is not {e}")
            else:
                expect(good[0] == e["progression"], f"{good} is not {e}")
        tally = engine.rows(f"SELECT count(), countIf(isNull(p.{names[0]})), countIf(p.error != '') FROM ({scored})")
        expect(tally == [[str(2000 * len(EXPECTED[task])), str(40 * len(EXPECTED[task])), str(40 * len(EXPECTED[task]))]], f"{task}: {tally}")
        # What the program writes to files, the engine reads: Native as one tuple, RowBinary as columns.
        records = engine.bytes(f"SELECT {', '.join(fields)} FROM {task} ORDER BY id", "Native")
        for name, form, structure in (("native", "Native", f"result Tuple({', '.join(result)}, error String)"),
                                      ("row-binary", "RowBinary", f"{', '.join(result)}, error String"),
                                      ("row-binary-with-names-and-types", "RowBinaryWithNamesAndTypes", "auto")):
            out = os.path.join(work, "predictions.bin")
            subprocess.run([task_stream, task, "--from", "native", "--to", name, "--quiet", "-o", out], input=records, check=True)
            member = "result." if name == "native" else ""
            read = engine.bytes(f"SELECT {', '.join(member + m for m in names)} FROM file('{out}', '{form}', '{structure}')",
                                "JSONCompactEachRow")
            expect([json.loads(line) for line in read.splitlines()] == [row[1:-1] for row in got[::2]], f"{task}, {form}")
            if name == "row-binary-with-names-and-types":
                types = engine.rows(f"DESCRIBE file('{out}', '{form}')")
                expect([row[:2] for row in types] == [c.split(" ", 1) for c in [*result, "error String"]], f"{task}: {types}")


def alone_by_text(engine):
    """As alone(), in the order of ids as text."""
    lines = engine.bytes(f"SELECT {ARGUMENTS} FROM students ORDER BY day, toString(id)", "JSONEachRow")
    done = subprocess.run([program, "--from", "ndjson", "--on-error", "null", "--quiet"], input=lines,
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lies(engine):
    for kind in KINDS:
        for lie in LIES:
            sql = question(kind, lie)
            for _ in range(2):  # the second time a pool may have the same process
                try:
                    got = engine.rows(sql)
                except chdb.Failed as failure:
                    expect(lie not in TRUE, f"{kind} {lie}: {failure}")
                    continue
                # An answer without the column is one of defaults: hence a column whose default is no prediction, and
                # the check in the query "score".
                expect((lie, got) in (("honest", [["100000", "100000"]]), ("other_column", [["100000", "0"]])),
                       f"{kind} {lie}: {got}")
        expect(engine.rows(f"SELECT sum({kind}_honest(toInt64(number))) FROM numbers(1000)") == [["1000"]], "afterwards")


def question(kind, lie):
    return f"SELECT count(x), sum(x) FROM (SELECT {kind}_{lie}(toInt64(number)) AS x FROM numbers(100000))"


def ask_twice(work, kind):
    """In a process of its own: prints what the engine answers, or the beginning of its error."""
    engine = chdb.Engine(library, "--config-file=" + configure(work), "--path=" + os.path.join(work, "data"))
    try:
        print("answered", engine.rows(question(kind, TWICE)), flush=True)
    except chdb.Failed as failure:
        print("refused", str(failure)[:80], flush=True)
    os._exit(0)


def test_twice(kind, seconds=15):
    """In a process of its own, each block answered twice: an error, or a query that waits; never a wrong number of
    records."""
    with tempfile.TemporaryDirectory() as work:
        asked = subprocess.Popen([sys.executable, "-B", __file__, program, task_stream, folder, work, kind],
                                 stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            got = asked.communicate(timeout=seconds)[0].strip()
        except subprocess.TimeoutExpired:
            os.killpg(asked.pid, signal.SIGKILL)
            got = f"no answer in {seconds} s" if not asked.communicate()[0] else "an answer, and then no end"
    print(f"{kind}, each block answered twice: {got}", flush=True)
    expect(got.startswith(("refused", "no answer")) or got == "answered [['100000', '100000']]", f"{kind} twice: {got}")


def test_killed(engine):
    """Killed while it scores: the query fails; once the pool has dropped its dead processes, a query has a new one."""
    slow = (f"SELECT count(), countIf(isNull(p.probability) = empty(p.error)) FROM (SELECT predict_purchase({ARGUMENTS}) AS p "
            "FROM students CROSS JOIN numbers(200) AS n)")

    def children():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()[1] == str(os.getpid()) and \
                        os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(program):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    killed = []

    def kill():
        time.sleep(0.5)
        for pid in children():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        got = engine.rows(slow)
        expect(False, f"a killed process was not noticed: {got}, {killed}")
    except chdb.Failed as failure:
        expect("predict_purchase" in str(failure) and killed, f"killed {killed}: {failure}")
    finally:
        killer.join()
    # A process that was idle when it was killed stays in the engine's pool until a query meets it, and that query fails.
    for dead in range(len(killed) + 1):
        try:
            got = engine.rows(slow.replace("200", "2"))
            break
        except chdb.Failed as failure:
            expect(dead < len(killed) and "CHILD_WAS_NOT_EXITED_NORMALLY" in str(failure), f"after {killed}: {failure}")
    expect(got[0] == [str(2 * STUDENTS * len(DAYS)), "0"], f"the query after {killed}: {got}")


def report_table_function(work, engine):
    """Why the table function executable() is not used: see the documentation."""
    script = os.path.join(work, "user_scripts", "half.sh")
    with open(script, "w") as file:
        file.write("#!/bin/sh\nhead -n 5000\n")
    os.chmod(script, 0o755)
    try:
        got = engine.value("SELECT count() FROM executable('half.sh', 'TSV', 'x Int64', (SELECT number FROM numbers(10000)))")
    except chdb.Failed as failure:
        got = str(failure)[:80]
    print(f"executable() of 10000 records with a program that answers 5000: {got}")


if len(sys.argv) > 4:
    ask_twice(sys.argv[4], sys.argv[5])

test_definition()
twice = concurrent.futures.ThreadPoolExecutor().map(test_twice, KINDS)  # meanwhile: they mostly wait
with tempfile.TemporaryDirectory() as work:
    engine = chdb.Engine(library, "--config-file=" + configure(work), "--path=" + os.path.join(work, "data"))
    print("ClickHouse", engine.value("SELECT version()"))
    days = test_scores(engine)
    for test, arguments in ((test_campaigns, (engine, days)), (test_types, (engine,)), (test_files, (work, engine)), (test_tasks, (work, engine)),
                            (test_killed, (engine,)), (test_lies, (engine,)), (report_table_function, (work, engine))):
        print(test.__name__, flush=True)
        test(*arguments)
    engine.close()
list(twice)
print("all right")
