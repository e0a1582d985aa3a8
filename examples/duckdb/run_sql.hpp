// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <tabscore/serving/service.hpp>
#include <tabscore/tabscore.hpp>
#include <type_traits>
#include <utility>

#include "../command_line.hpp"
#include "../standard_streams.hpp"
#include "duckdb_api.hpp"
#include "predict_function.hpp"

namespace ts = tabscore;

namespace detail {

struct settings {
  std::string library = "libduckdb.so";
  std::string database;
  std::string model;
  std::string sql;
  std::string file;
  std::string function;
  unsigned threads = 0;
  on_error policy = on_error::null;
};

inline int fail(const std::string& message) {
  say("tabscore_duckdb: {}\n", message);
  return 1;
}

/// Prints a result as text with tabs between, NULL for a null, under a line of names. What is nested is not shown:
/// select its members.
inline void print(const duckdb_api& api, duckdb_api::query_result& result) {
  const duckdb_api::idx columns = api.column_count(&result);
  for (duckdb_api::idx c = 0; c < columns; ++c) {
    fmt::print("{}{}", c == 0 ? "" : "\t", api.column_name(&result, c));
  }
  fmt::print("\n");
  for (duckdb_api::idx row = 0; row < api.row_count(&result); ++row) {
    for (duckdb_api::idx c = 0; c < columns; ++c) {
      const duckdb_api::type type = api.column_type(&result, c);
      const bool nested = type == duckdb_api::list || type == duckdb_api::structure || type == duckdb_api::map;
      char* const value = nested ? nullptr : api.value_varchar(&result, c, row);
      fmt::print("{}{}", c == 0 ? "" : "\t", nested ? "(nested)" : value == nullptr ? "NULL" : value);
      api.free(value);
    }
    fmt::print("\n");
  }
}

/// Runs statement after statement; the first that fails ends it.
inline int run(const duckdb_api& api, duckdb_api::connection connection, const std::string& sql) {
  duckdb_api::statements all = nullptr;
  const duckdb_api::idx count = api.extract_statements(connection, sql.c_str(), &all);
  std::string wrong;
  if (count == 0) {
    const char* const why = api.extract_statements_error(all);
    wrong = why == nullptr ? "there is no statement in the SQL" : why;
  }
  for (duckdb_api::idx i = 0; i < count && wrong.empty(); ++i) {
    duckdb_api::prepared statement = nullptr;
    if (api.prepare_extracted_statement(connection, all, i, &statement) != duckdb_api::success) {
      wrong = api.prepare_error(statement);
    } else {
      duckdb_api::query_result result{};
      if (api.execute_prepared(statement, &result) != duckdb_api::success) {
        wrong = api.result_error(&result);
      } else {
        print(api, result);
      }
      api.destroy_result(&result);
    }
    api.destroy_prepare(&statement);
  }
  api.destroy_extracted(&all);
  if (!wrong.empty()) return fail(wrong);
  return std::fflush(stdout) == 0 ? 0 : fail("the standard output cannot be written");
}

template <class Service>
int run(const settings& s, const std::string& sql) {
  const auto file = ts::load_model_file(s.model);
  if (!file) return fail(file.error().message);
  auto model = ts::make_scorer(*file);
  if (!model) return fail(model.error().message);
  const auto pipe = ts::make_pipeline(typename Service::record{}, Service::rules, Service::features, *std::move(model),
                                      ts::sinks{}, typename Service::prediction{});
  if (!pipe) return fail(s.model + ": " + pipe.error().message);
  const auto api = duckdb_api::load(s.library);
  if (!api) return fail(api.error().message);

  duckdb_api::configuration configuration = nullptr;
  api->create_config(&configuration);
  if (s.threads > 0) api->set_config(configuration, "threads", std::to_string(s.threads).c_str());
  duckdb_api::database database = nullptr;
  char* message = nullptr;
  const auto opened =
      api->open_ext(s.database.empty() ? nullptr : s.database.c_str(), &database, configuration, &message);
  api->destroy_config(&configuration);
  if (opened != duckdb_api::success) {
    const std::string why = message == nullptr ? "the database cannot be opened" : message;
    api->free(message);
    return fail(why);
  }
  duckdb_api::connection connection = nullptr;
  api->connect(database, &connection);
  using function = predict_function<std::remove_cvref_t<decltype(*pipe)>>;
  const auto added = function::add(*api, connection, s.function, *pipe, s.policy);
  const int status = added ? run(*api, connection, sql) : fail(added.error().message);
  api->disconnect(&connection);
  api->close(&database);
  return status;
}

}  // namespace detail

/// The program: SQL with the service's predictions, in one process. `function`: its name in SQL, unless a flag says
/// another one; one argument a field, in the schema's order. The service: see tabscore/serving/service.hpp.
template <ts::serving::servable Service>
int run_sql(int argc, char** argv, const char* function) {
  using detail::fail;
  hold_standard_streams();
  detail::settings s;
  s.function = function;
  CLI::App app("Runs SQL in an embedded DuckDB that can score records.");
  app.add_option("--library", s.library, "libduckdb to load, 1.5 or newer")->capture_default_str();
  app.add_option("--database", s.database, "database file (default: in memory)");
  app.add_option("--model", s.model, "model file")->required();
  app.add_option("--function", s.function, "what SQL calls the model")->capture_default_str();
  add_number(app, "--threads", s.threads, "threads of DuckDB, 0 for as many as cores");
  add_choice(app, "--on-error", s.policy, {{"null", on_error::null}, {"fail", on_error::fail}},
             "of a record that cannot be scored: its reason in the row (null), or fail the query");
  auto* const sql = app.add_option("--sql", s.sql, "statements to run");
  app.add_option("file", s.file, "file with statements to run")->excludes(sql);
  if (const auto status = parse_command_line(app, argc, argv)) return *status;

  if (!s.file.empty()) {
    std::ifstream in(s.file);
    s.sql.assign(std::istreambuf_iterator<char>(in), {});
    if (!in) return fail(s.file + ": cannot be read");
  }
  if (s.sql.empty()) return fail("nothing to do: give a file with SQL, or --sql");
  return detail::run<ts::serving::completed<Service>>(s, s.sql);
}
