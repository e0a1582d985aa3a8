// SPDX-License-Identifier: MIT
// The Arrow structs against another library's: DuckDB's results are scored where they lie, predictions are scanned by
// DuckDB. TABSCORE_DUCKDB names the library, TABSCORE_EXTENSION the extension of the students.
#include <dlfcn.h>
#include <tabscore/pipeline/score_arrow.hpp>
#include <tabscore/tabscore.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "duckdb_api.hpp"
#include "student.hpp"
#include "support/catch.hpp"

namespace {

std::string named(const char* variable) {
  const char* const path = std::getenv(variable);
  REQUIRE(path != nullptr);
  return path;
}
std::string library() { return named("TABSCORE_DUCKDB"); }

template <class Function>
Function symbol(const char* name) {
  const auto found = reinterpret_cast<Function>(dlsym(dlopen(library().c_str(), RTLD_NOW | RTLD_LOCAL), name));
  REQUIRE(found != nullptr);
  return found;
}

/// DuckDB's own Arrow exchange.
struct arrow_functions {
  using result = struct duckdb_arrow_s*;
  duckdb_api::state (*query)(duckdb_api::connection, const char*,
                             result*) = symbol<decltype(query)>("duckdb_query_arrow");
  duckdb_api::state (*schema)(result, ArrowSchema**) = symbol<decltype(schema)>("duckdb_query_arrow_schema");
  duckdb_api::state (*array)(result, ArrowArray**) = symbol<decltype(array)>("duckdb_query_arrow_array");
  const char* (*error)(result) = symbol<decltype(error)>("duckdb_query_arrow_error");
  void (*destroy)(result*) = symbol<decltype(destroy)>("duckdb_destroy_arrow");
  duckdb_api::state (*scan)(duckdb_api::connection, const char*,
                            ArrowArrayStream*) = symbol<decltype(scan)>("duckdb_arrow_scan");
};

ts::any_scorer model() {
  return ts::make_scorer(ts::load_model_file(TABSCORE_SOURCE_DIR "/models/student_logistic.json").value()).value();
}
const ts::pipeline students{student{}, student_columns::rules, student_columns::features, model()};

struct database {
  duckdb_api api = duckdb_api::load(library()).value();
  arrow_functions arrow;
  duckdb_api::database opened = nullptr;
  duckdb_api::connection connection = nullptr;

  database() {
    duckdb_api::configuration configuration = nullptr;
    REQUIRE(api.create_config(&configuration) == duckdb_api::success);
    REQUIRE(api.set_config(configuration, "allow_unsigned_extensions", "true") == duckdb_api::success);
    REQUIRE(api.open_ext(nullptr, &opened, configuration, nullptr) == duckdb_api::success);
    api.destroy_config(&configuration);
    REQUIRE(api.connect(opened, &connection) == duckdb_api::success);
    value("LOAD '" + named("TABSCORE_EXTENSION") + "'");
  }
  ~database() {
    api.disconnect(&connection);
    api.close(&opened);
  }
  /// All batches of a query, and their schema.
  std::pair<ts::arrow_schema, std::vector<ts::arrow_array>> run(const std::string& sql) {
    arrow_functions::result result = nullptr;
    const auto status = arrow.query(connection, sql.c_str(), &result);
    INFO((status == duckdb_api::success ? "" : arrow.error(result)));
    REQUIRE(status == duckdb_api::success);
    std::pair<ts::arrow_schema, std::vector<ts::arrow_array>> all;
    ArrowSchema* schema = all.first.fresh();
    REQUIRE(arrow.schema(result, &schema) == duckdb_api::success);
    for (;;) {
      ts::arrow_array batch;
      ArrowArray* to = batch.fresh();
      REQUIRE(arrow.array(result, &to) == duckdb_api::success);
      if (batch.empty() || batch->length == 0) break;
      all.second.push_back(std::move(batch));
    }
    arrow.destroy(&result);
    return all;
  }
  std::string value(const std::string& sql) {
    duckdb_api::statements all = nullptr;
    REQUIRE(api.extract_statements(connection, sql.c_str(), &all) == 1);
    duckdb_api::prepared statement = nullptr;
    const auto prepared = api.prepare_extracted_statement(connection, all, 0, &statement);
    INFO((prepared == duckdb_api::success ? "" : api.prepare_error(statement)));
    REQUIRE(prepared == duckdb_api::success);
    duckdb_api::query_result result{};
    const auto executed = api.execute_prepared(statement, &result);
    INFO((executed == duckdb_api::success ? "" : api.result_error(&result)));
    REQUIRE(executed == duckdb_api::success);
    std::string text;
    if (api.row_count(&result) > 0) {
      char* const v = api.value_varchar(&result, 0, 0);
      text = v == nullptr ? "NULL" : v;
      api.free(v);
    }
    api.destroy_result(&result);
    api.destroy_prepare(&statement);
    api.destroy_extracted(&all);
    return text;
  }
};

// Some records break a bound or the rule, some have a NULL.
const std::string make_students = R"(CREATE TABLE students AS
  SELECT i, CASE hash(i, 0) % 50 WHEN 0 THEN NULL WHEN 1 THEN 'U' WHEN 2 THEN 'a country of many letters'
         ELSE ['US', 'DE', 'IN', 'BR'][1 + (hash(i, 1) % 4)::INT] END AS student_country,
         (hash(i, 2) % 400)::BIGINT - 2 AS days_on_platform, (hash(i, 3) % 20000) / 16.0::DOUBLE AS minutes_watched,
         (hash(i, 4) % 6)::BIGINT AS courses_started, (3 + hash(i, 5) % 5)::BIGINT AS practice_exams_started,
         (hash(i, 6) % 4)::BIGINT AS practice_exams_passed, (hash(i, 7) % 3000) / 8.0::DOUBLE AS minutes_spent_on_exams
  FROM range(20000) r(i))";
const std::string fields =
    "student_country, days_on_platform, minutes_watched, courses_started, practice_exams_started, "
    "practice_exams_passed, minutes_spent_on_exams";

/// Hands batches on, one by one.
struct replay {
  ts::arrow_schema schema;
  std::vector<ts::arrow_array> batches;
  std::size_t next = 0;

  void move_to(ArrowArrayStream* out) && {
    *out = ArrowArrayStream{};
    out->private_data = new replay(std::move(*this));
    out->get_schema = [](ArrowArrayStream* s, ArrowSchema* to) {
      static_cast<replay*>(s->private_data)->schema.move_to(to);
      return 0;
    };
    out->get_next = [](ArrowArrayStream* s, ArrowArray* to) {
      auto& self = *static_cast<replay*>(s->private_data);
      *to = ArrowArray{};
      if (self.next < self.batches.size()) self.batches[self.next++].move_to(to);
      return 0;
    };
    out->get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; };
    out->release = [](ArrowArrayStream* s) {
      delete static_cast<replay*>(s->private_data);
      s->release = nullptr;
    };
  }
};

}  // namespace

TEST_CASE("DuckDB's columns, scored as Arrow, have the bits that records have alone", "[duckdb]") {
  database db;
  db.value(make_students);
  auto [schema, batches] = db.run("SELECT " + fields + " FROM students ORDER BY i");
  auto scorer = ts::arrow_scorer<std::remove_const_t<decltype(students)>>::make(students, *schema);
  INFO((scorer ? "" : scorer.error().message));
  REQUIRE(scorer);
  ts::column_importer<student> lent;
  const auto reader = ts::arrow_reader<student>::make(*schema);
  ts::score_buffers buffers;
  std::size_t rows = 0, faults = 0;
  for (const ts::arrow_array& batch : batches) {
    ts::arrow_array out;
    REQUIRE(!scorer->score(*batch, out.get()));
    const auto count = static_cast<std::size_t>(batch->length);
    REQUIRE(!reader->read(*batch, 0, count, lent));
    const ts::columns<student> records = lent.view();
    const auto& errors = lent.check();
    for (std::size_t i = 0; i < count; ++i) {
      const bool wrong = std::any_of(errors.begin(), errors.end(), [&](const auto& e) { return e.row == i; });
      const auto* bits = static_cast<const std::uint8_t*>(out->children[0]->buffers[0]);
      const bool predicted = (bits[i / 8] >> i % 8 & 1) != 0;
      faults += !predicted;
      if (wrong) {
        CHECK(!predicted);
        continue;
      }
      const auto alone = students.score(records.slice(i, 1), buffers);
      const auto* p = std::get_if<ts::predictions>(&alone);
      REQUIRE((p != nullptr) == predicted);
      if (predicted) {
        REQUIRE(static_cast<const double*>(out->children[0]->buffers[1])[i] == p->probability[0]);
        REQUIRE(static_cast<const std::uint8_t*>(out->children[1]->buffers[1])[i] == p->label[0]);
      }
    }
    rows += count;
  }
  CHECK(rows == 20000);
  CHECK(faults > 500);
  CHECK(faults < 5000);
}

TEST_CASE("a stream of predictions that DuckDB scans equals the function in SQL", "[duckdb]") {
  database db;
  db.value(make_students);
  db.value(
      "CREATE TYPE country AS ENUM (SELECT DISTINCT student_country FROM students WHERE student_country IS NOT NULL)");
  db.value("CREATE TABLE expected AS SELECT i, p.* FROM (SELECT i, students_predict(students, '" TABSCORE_SOURCE_DIR
           "/models/student_logistic.json') AS p FROM students)");
  const std::string narrower =
      "student_country::country AS student_country, days_on_platform::SMALLINT AS days_on_platform, "
      "minutes_watched::FLOAT AS minutes_watched, courses_started::UTINYINT AS courses_started, "
      "practice_exams_started::INT AS practice_exams_started, practice_exams_passed::DOUBLE AS practice_exams_passed, "
      "minutes_spent_on_exams";
  for (const std::string& columns : {fields, narrower}) {  // the second: a dictionary, and types to be converted
    auto [schema, batches] = db.run("SELECT " + columns + " FROM students ORDER BY i");
    ArrowArrayStream records, predictions;
    replay{std::move(schema), std::move(batches)}.move_to(&records);
    const auto wrong = ts::score_arrow(students, &records, &predictions, ts::coerce::python::numbers);
    INFO((wrong ? wrong->message : ""));
    REQUIRE(!wrong);
    CHECK(records.release == nullptr);
    REQUIRE(db.arrow.scan(db.connection, "scored", &predictions) == duckdb_api::success);
    db.value("CREATE OR REPLACE TABLE got AS SELECT row_number() OVER () - 1 AS i, * FROM scored");
    if (predictions.release != nullptr) predictions.release(&predictions);
    CHECK(db.value("SELECT count(*) FROM got") == "20000");
    CHECK(db.value("SELECT count(*) FROM got JOIN expected USING (i) WHERE got.probability IS NOT DISTINCT FROM "
                   "expected.probability AND got.label IS NOT DISTINCT FROM expected.label AND got.error IS NOT "
                   "DISTINCT FROM expected.error") == "20000");
  }
}
