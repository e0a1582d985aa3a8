-- A day's students scored from Parquet to Parquet, each with a prediction or with the reason why there is none. Run it in
-- a DuckDB that was started with allow_unsigned_extensions, for example: duckdb -unsigned < score.sql
LOAD './students.duckdb_extension';

-- Members of the record are found by name; others of the table are ignored.
CREATE MACRO predict_purchase(student) AS students_predict(student, 'models/student_logistic.json');

-- The file gets its name when it is whole.
COPY (
  SELECT * EXCLUDE (p), p.probability, p.label, p.error
  FROM (SELECT *, predict_purchase(s) AS p FROM 'students.parquet' s)
) TO 'scored.parquet' (FORMAT parquet, USE_TMP_FILE true);

-- What was not scored, and why.
SELECT error, count(*) AS records FROM 'scored.parquet' WHERE error IS NOT NULL GROUP BY ALL ORDER BY records DESC;

-- The 1000 likeliest buyers, and how many purchases to expect of them.
COPY (SELECT id, probability FROM 'scored.parquet' WHERE probability IS NOT NULL ORDER BY probability DESC, id
      LIMIT 1000) TO 'campaign.csv';
SELECT count(*) AS students, sum(probability) AS expected_purchases FROM 'campaign.csv';

-- Cohorts.
SELECT student_country, count(probability) AS students, avg(probability) AS mean_probability,
       sum(label) AS labelled_buyers
FROM 'scored.parquet' WHERE error IS NULL GROUP BY ALL ORDER BY students DESC, student_country LIMIT 10;
