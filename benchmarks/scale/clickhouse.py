# SPDX-License-Identifier: MIT
"""The function of examples/clickhouse on the real engine, in this process: what a record costs the engine and the
programs that it keeps."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import chdb

FIELDS = {"student_country": "String", "days_on_platform": "Int64", "minutes_watched": "Float64",
          "courses_started": "Int64", "practice_exams_started": "Int64", "practice_exams_passed": "Int64",
          "minutes_spent_on_exams": "Float64"}
ARGUMENTS = ", ".join(FIELDS)
NUMBERS = " + ".join(list(FIELDS)[1:])
# Each table's columns, what stands for Int64, and the function whose arguments have that type.
TABLES = {"nullable": ("Nullable({})", "Int64", "predict_purchase"), "plain": ("{}", "Int64", "predict_purchase"),
          "narrow": ("{}", "UInt16", "predict_purchase_narrow")}


class ClickHouse:
    def __init__(self, library, program, constant, model, csv, folder):
        scripts = folder / "user_scripts"
        scripts.mkdir(parents=True, exist_ok=True)
        for script in (program, constant):
            link = scripts / Path(script).name
            link.unlink(missing_ok=True)
            link.symlink_to(Path(script).resolve())
        function = subprocess.run([program, "--clickhouse-xml", "predict_purchase", "--model", Path(model).resolve()],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout
        for answers, command in (("", None), ("constant_", Path(constant).name)):
            written = re.sub("<command>.*<", f"<command>{command}<", function) if command else function
            written = written.replace("<name>predict_purchase<", f"<name>{answers}predict_purchase<")
            narrow = written.replace("Int64", "UInt16").replace("predict_purchase<", "predict_purchase_narrow<")
            (folder / f"{answers}function.xml").write_text(written)
            (folder / f"{answers}narrow_function.xml").write_text(narrow)
        (folder / "config.xml").write_text(
            f"<clickhouse><logger><level>none</level></logger><path>{folder}/data</path>"
            f"<user_scripts_path>{scripts}</user_scripts_path><user_defined_executable_functions_config>"
            f"{folder}/*function.xml</user_defined_executable_functions_config></clickhouse>")
        self.engine = chdb.Engine(str(library), f"--config-file={folder}/config.xml", f"--path={folder}/data")
        for table, (kind, integer, _) in TABLES.items():
            columns = ", ".join(f"{name} {kind.format(type.replace('Int64', integer))}" for name, type in FIELDS.items())
            self.engine.bytes(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
            if self.engine.value(f"SELECT count() FROM {table}") == "0":
                self.engine.bytes(f"INSERT INTO {table} SELECT * FROM file('{csv}', 'CSVWithNames', '{columns}')")

    def queries(self):
        for table, (_, _, function) in TABLES.items():
            yield f"ClickHouse, {table} columns, read and added up", f"SELECT sum({NUMBERS}), max(student_country) FROM {table}"
            for answers, prefix in (("", ""), (", constants", "constant_")):
                yield (f"ClickHouse, {table} columns, scored{answers}",
                       f"SELECT sum(p.probability), count() FROM (SELECT {prefix}{function}({ARGUMENTS}) AS p FROM {table})")

    def cost(self, sql, threads):
        """CPU seconds of the engine and of its programs, wall seconds."""
        programs, engine, begun = self._programs(), time.process_time(), time.time()
        self.engine.bytes(f"{sql} SETTINGS max_threads = {threads}, max_block_size = 262144, "
                          "preferred_block_size_bytes = 0")
        wall, engine = time.time() - begun, time.process_time() - engine
        used = sum(ns - programs.get(pid, 0) for pid, ns in self._programs().items()) / 1e9
        return engine, used, wall

    @staticmethod
    def _programs():
        """Nanoseconds of CPU of each child of this process."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1]) == os.getpid():
                    found[pid] = sum(int((task / "schedstat").read_text().split()[0])
                                     for task in Path(f"/proc/{pid}/task").iterdir())
            except OSError:
                pass
        return found
