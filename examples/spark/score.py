# SPDX-License-Identifier: MIT
"""Scores records on Spark, in two ways. Program, libraries and models must be at the same paths on all executors.

    spark-submit score.py pipe IN OUT score_stream --threads 1 --quiet --keep --on-error null
    spark-submit score.py arrow IN OUT libloan_default.so loan_default.json loan_policy.json

pipe: lines of NDJSON, in and out. arrow: Parquet, in and out; the Python package tabscore must be installed."""
import os
import shlex
import sys


def with_pipe(lines, command):
    """An RDD of records as NDJSON through a program. checkCode makes a program that fails an error; the program would have
    no environment, and so no PATH to be found by."""
    return lines.pipe(command, env={"PATH": os.environ["PATH"]}, checkCode=True)


def arrow_scorer(library, model, policy=None):
    """A function for mapInArrow(), and the columns that it adds to those of the records."""
    import pyarrow as pa
    import tabscore

    def columns(schema):  # Spark has no unsigned integers
        return pa.schema([f.with_type(pa.int8()) if f.type == pa.uint8() else f for f in schema])

    with tabscore.open(library, model, policy) as opened:
        added = columns(opened.prediction_schema)

    def score(batches):
        opened = tabscore.open(library, model, policy)
        for batch in batches:
            found = opened.predict(batch).cast(added)
            yield pa.RecordBatch.from_arrays([*batch.columns, *found.columns], [*batch.schema.names, *added.names])

    return score, added


def with_arrow(frame, library, model, policy=None):
    """A DataFrame with the predictions behind its columns."""
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType

    score, added = arrow_scorer(library, model, policy)
    return frame.mapInArrow(score, StructType(frame.schema.fields + from_arrow_schema(added).fields))


if __name__ == "__main__":
    from pyspark.sql import SparkSession

    way, source, target, *rest = sys.argv[1:]
    spark = SparkSession.builder.getOrCreate()
    if way == "pipe":
        with_pipe(spark.sparkContext.textFile(source), shlex.join(rest)).saveAsTextFile(target)
    else:
        with_arrow(spark.read.parquet(source), *rest).write.parquet(target)
