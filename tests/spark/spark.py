# SPDX-License-Identifier: MIT
"""spark.py SCORE_STREAM LIBLOAN_DEFAULT: the recipes of examples/spark on the real engine, with two executors, one of which
is killed within a task: the rows are those of one process, each once, with the same bits."""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SUPPORT = os.path.join(ROOT, "tests", "support")
PACKAGES = [SUPPORT, os.path.join(ROOT, "examples", "python"), os.path.join(ROOT, "examples", "spark"), HERE]
MODELS = os.path.join(ROOT, "models")
RECORDS = 20_000
sys.path.insert(0, SUPPORT)
from checks import expect, skip

program, library = map(os.path.abspath, sys.argv[1:3])


python = os.environ.get("TABSCORE_SPARK_PYTHON", sys.executable)
if shutil.which("java") is None:
    skip("Spark needs Java, on Debian: apt install openjdk-17-jre-headless")
if subprocess.run([python, "-c", "import pyspark, pyarrow, pandas"], stderr=subprocess.DEVNULL).returncode != 0:
    skip(f"{python} has no pyspark: pip install pyspark pyarrow pandas, and name the interpreter by TABSCORE_SPARK_PYTHON")
if os.path.realpath(python) != os.path.realpath(sys.executable) or "PYSPARK_PYTHON" not in os.environ:
    environment = {**os.environ, "PYSPARK_PYTHON": python, "PYTHONPATH": os.pathsep.join(PACKAGES),
                   "TABSCORE_SPARK_PYTHON": python, "PYTHONDONTWRITEBYTECODE": "1",
                   "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
    os.execve(python, [python, "-B", os.path.abspath(__file__), program, library], environment)
sys.path[:0] = PACKAGES

import pyarrow as pa
import score
import tabscore
from kill_once import first, kill_executor
from pyspark.sql import SparkSession


def student(i):
    return {"id": i, "student_country": ["US", "DE", "IN", "X"][i % 4], "days_on_platform": i * 7 % 400,
            "minutes_watched": i % 9000 / 8, "courses_started": i % 6, "practice_exams_started": 3 + i % 5,
            "practice_exams_passed": i % 4, "minutes_spent_on_exams": i % 3000 / 8}


def loan(i):
    return {"id": i, "purpose": ["car", "house", "", "other"][i % 4], "sector": [None, "public", "private"][i % 3],
            "months": 6 + i % 200, "amount": 100.0 + i * 13 % 50000, "income": None if i % 7 == 0 else 500.0 + i % 9000 / 4}


def with_pipe(context, work):
    lines = [json.dumps(student(i)) for i in range(RECORDS)]
    command = [program, "--threads", "1", "--quiet", "--keep", "--on-error", "null"]
    expected = subprocess.run(command, input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=True).stdout
    marker = os.path.join(work, "pipe-killed")
    killed = [sys.executable, "-B", os.path.join(HERE, "kill_once.py"), marker, *command]
    score.with_pipe(context.parallelize(lines, 8), shlex.join(killed)).saveAsTextFile(os.path.join(work, "pipe"))
    got = sorted(context.textFile(os.path.join(work, "pipe")).collect())
    expect(os.path.exists(marker), "pipe: no executor was killed")
    expect(got == sorted(expected.splitlines()), f"pipe: {len(got)} lines are not those of one process")
    return got


def with_arrow(spark, work):
    records = [loan(i) for i in range(RECORDS)]
    files = [library, os.path.join(MODELS, "loan_default.json"), os.path.join(MODELS, "loan_policy.json")]
    schema = pa.schema([("id", pa.int64()), ("purpose", pa.string()), ("sector", pa.string()), ("months", pa.int64()),
                        ("amount", pa.float64()), ("income", pa.float64())])
    table = pa.Table.from_pylist(records, schema)
    frame = spark.createDataFrame(table).repartition(8)
    marker = os.path.join(work, "arrow-killed")
    honest = score.arrow_scorer

    def killed(*arguments):
        scored, added = honest(*arguments)

        def once(batches):
            for n, batch in enumerate(scored(batches)):
                yield batch
                if n == 1 and first(marker):
                    kill_executor()

        return once, added

    score.arrow_scorer = killed
    score.with_arrow(frame, *files).write.parquet(os.path.join(work, "arrow"))
    score.arrow_scorer = honest
    got = spark.read.parquet(os.path.join(work, "arrow")).orderBy("id").toArrow()
    expect(os.path.exists(marker), "arrow: no executor was killed")
    found = tabscore.open(*files).predict(table)
    expect(got["id"].to_pylist() == list(range(RECORDS)), "arrow: each record once")
    for name in found.column_names:
        expect(got[name].to_pylist() == found[name].to_pylist(), f"arrow: {name} differs from one process")
    return found


with tempfile.TemporaryDirectory() as work:
    spark = (SparkSession.builder.master("local-cluster[2,1,1024]").appName("tabscore").config("spark.ui.enabled", "false")
             .config("spark.sql.execution.arrow.maxRecordsPerBatch", "500").config("spark.driver.host", "127.0.0.1")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.local.dir", work)
             .config("spark.log.level", "ERROR").config("spark.ui.showConsoleProgress", "false").config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
             .getOrCreate())
    lines = with_pipe(spark.sparkContext, work)
    found = with_arrow(spark, work)
    errors = sum(e is not None for e in found["error"].to_pylist())
    expect(0 < errors < RECORDS and any('null' in line for line in lines), "there are records without predictions")
    print(f"Spark {spark.version}: {len(lines)} records by pipe, {found.num_rows} by Arrow, {errors} of these with a reason; "
          "an executor killed in each")
    spark.stop()
