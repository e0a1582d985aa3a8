// SPDX-License-Identifier: MIT
// SQL with predictions, in one process: DuckDB with the function
//   predict_purchase(country, days, minutes, courses, exams_started, exams_passed, minutes_on_exams)
//     -> STRUCT(probability DOUBLE, label UTINYINT, error VARCHAR)
//
//   tabscore_duckdb --model models/student_logistic.json --sql
//     "COPY (SELECT *, predict_purchase(student_country, ...) AS p FROM 'in.parquet') TO 'out.parquet'"
#include "../student_server/student.hpp"
#include "run_sql.hpp"

int main(int argc, char** argv) { return run_sql<student_purchases>(argc, argv, "predict_purchase"); }
