-- SPDX-License-Identifier: MIT
-- The daily job in ClickHouse, query by query; parameters such as {day:Date} are given by the client
-- (clickhouse-client --param_day=2026-11-01, or SET param_day = '2026-11-01').

-- name: students
-- What the day's export fills.
CREATE TABLE students (
  day Date, id UInt64, student_country Nullable(String), days_on_platform Nullable(Int64),
  minutes_watched Nullable(Float64), courses_started Nullable(Int64), practice_exams_started Nullable(Int64),
  practice_exams_passed Nullable(Int64), minutes_spent_on_exams Nullable(Float64)
) ENGINE = MergeTree ORDER BY (day, id);

-- name: scored
CREATE TABLE scored (
  day Date, id UInt64, country LowCardinality(Nullable(String)), probability Nullable(Float64),
  label Nullable(UInt8), error LowCardinality(String)
) ENGINE = MergeTree ORDER BY (day, id);

-- name: score
-- A day, scored. A record with neither a prediction nor a reason is what a program would leave that answers something
-- else than predictions: that ends the query. Each block that goes to a program and back costs the engine a fixed time,
-- hence larger ones than usual.
INSERT INTO scored
SELECT day, id, student_country, p.probability, p.label, p.error
FROM (
  SELECT day, id, student_country,
         predict_purchase(student_country, days_on_platform, minutes_watched, courses_started, practice_exams_started,
                          practice_exams_passed, minutes_spent_on_exams) AS p
  FROM students WHERE day = {day:Date})
WHERE throwIf(isNull(p.probability) = empty(p.error), 'predict_purchase: neither a prediction nor a reason') = 0
SETTINGS max_block_size = 262144, preferred_block_size_bytes = 0;

-- name: unscored
-- What has no prediction, and why.
SELECT error, count() AS records FROM scored WHERE day = {day:Date} AND error != '' GROUP BY error
ORDER BY records DESC, error;

-- name: top
-- The likeliest buyers.
SELECT id, probability FROM scored WHERE day = {day:Date} AND isNotNull(probability)
ORDER BY probability DESC, id LIMIT {students:UInt64};

-- name: precision
-- The largest list of which at least this share is expected to buy: the mean probability of everyone up to and with a
-- student falls from the top down.
SELECT id, probability FROM (
  SELECT id, probability, avg(assumeNotNull(probability)) OVER (ORDER BY probability DESC, id
                                                                ROWS UNBOUNDED PRECEDING) AS precision
  FROM scored WHERE day = {day:Date} AND isNotNull(probability))
WHERE precision >= {precision:Float64} ORDER BY probability DESC, id;

-- name: cohorts
SELECT country, count(probability) AS students, round(avg(probability), 6) AS mean_probability,
       round(sum(probability), 3) AS expected_purchases, countIf(label = 1) AS labelled_buyers,
       countIf(error != '') AS unscored
FROM scored WHERE day = {day:Date} GROUP BY country ORDER BY students DESC, country;

-- name: assignment
-- An A/B test: a student's arm depends on nothing but the experiment and the student, so that it is the same on every
-- day and every machine. Arms of other experiments are independent of it.
CREATE VIEW assignment AS
SELECT day, id, country, probability, if(sipHash64({experiment:String}, id) % 1000 < 500, 'A', 'B') AS arm
FROM scored WHERE isNotNull(probability);

-- name: arms
SELECT arm, count() AS students, round(avg(probability), 6) AS mean_probability FROM assignment
WHERE day = {day:Date} GROUP BY arm ORDER BY arm;

-- name: ratio
-- Sample-ratio check: do the arms differ in size by more than chance does? chi2 above 10.83 happens to one honest
-- assignment in 1000.
SELECT countIf(arm = 'A') AS a, countIf(arm = 'B') AS b, pow(a - (a + b) / 2, 2) / ((a + b) / 4) AS chi2,
       chi2 > 10.83 AS mismatch
FROM assignment WHERE day = {day:Date};

-- name: drift
-- Population stability index of the probabilities of a day against an earlier one, over that one's tenths; above 0.25
-- something has changed. Half a record in each tenth keeps empty ones finite.
WITH edges AS (SELECT quantilesExact(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)(probability) AS e
               FROM scored WHERE day = {earlier:Date} AND isNotNull(probability)),
     tenths AS (SELECT day, arrayCount(x -> x <= assumeNotNull(probability), (SELECT e FROM edges)) AS tenth
                FROM scored WHERE day IN ({earlier:Date}, {day:Date}) AND isNotNull(probability)),
     shares AS (SELECT n AS tenth,
                       (countIf(day = {earlier:Date} AND tenths.tenth = n) + 0.5) AS before,
                       (countIf(day = {day:Date} AND tenths.tenth = n) + 0.5) AS now
                FROM tenths CROSS JOIN (SELECT number AS n FROM numbers(10)) AS t GROUP BY n)
SELECT round(sum((now / (SELECT sum(now) FROM shares) - before / (SELECT sum(before) FROM shares))
                 * log((now / (SELECT sum(now) FROM shares)) / (before / (SELECT sum(before) FROM shares)))), 6) AS psi,
       psi > 0.25 AS drifted
FROM shares;
