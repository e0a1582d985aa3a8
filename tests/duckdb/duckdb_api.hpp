// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>
#include <tabscore/core/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

/// What is used here of DuckDB's C API (https://duckdb.org/docs/stable/clients/c/api), looked up in a libduckdb at run
/// time: the test is built without DuckDB.
struct duckdb_api {
  // Handles are pointers to nothing that a user can see.
  using database = struct duckdb_database_s*;
  using connection = struct duckdb_connection_s*;
  using configuration = struct duckdb_config_s*;
  using statements = struct duckdb_statements_s*;
  using prepared = struct duckdb_prepared_s*;
  using idx = std::uint64_t;
  enum state : int { success = 0, failure = 1 };
  struct query_result {
    idx unused[3];
    void* columns;
    char* message;
    void* internal;
  };
#define TABSCORE_DUCKDB_FUNCTIONS(F)                                               \
  F(void, free, (void*))                                                           \
  F(state, create_config, (configuration*))                                        \
  F(state, set_config, (configuration, const char* name, const char* value))       \
  F(void, destroy_config, (configuration*))                                        \
  F(state, open_ext, (const char* path, database*, configuration, char** message)) \
  F(void, close, (database*))                                                      \
  F(state, connect, (database, connection*))                                       \
  F(void, disconnect, (connection*))                                               \
  F(idx, extract_statements, (connection, const char* sql, statements*))           \
  F(void, destroy_extracted, (statements*))                                        \
  F(state, prepare_extracted_statement, (connection, statements, idx, prepared*))  \
  F(const char*, prepare_error, (prepared))                                        \
  F(state, execute_prepared, (prepared, query_result*))                            \
  F(void, destroy_prepare, (prepared*))                                            \
  F(const char*, result_error, (query_result*))                                    \
  F(void, destroy_result, (query_result*))                                         \
  F(idx, row_count, (query_result*))                                               \
  F(char*, value_varchar, (query_result*, idx column, idx row))

#define TABSCORE_DUCKDB_MEMBER(Result, name, Arguments) Result(*name) Arguments = nullptr;
  TABSCORE_DUCKDB_FUNCTIONS(TABSCORE_DUCKDB_MEMBER)
#undef TABSCORE_DUCKDB_MEMBER

  /// Function pointers stay valid until the program ends.
  static tabscore::result<duckdb_api> load(const std::string& library) {
    using tabscore::errc;
    void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return tabscore::error{errc::io, dlerror()};
    duckdb_api api;
    const char* missing = nullptr;
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
      if (function == nullptr) missing = name;
    };
#define TABSCORE_DUCKDB_FIND(Result, name, Arguments) find(api.name, "duckdb_" #name);
    TABSCORE_DUCKDB_FUNCTIONS(TABSCORE_DUCKDB_FIND)
#undef TABSCORE_DUCKDB_FIND
    if (missing != nullptr) {
      return tabscore::error{errc::unsupported, library + ": has no " + missing + "(): DuckDB 1.5 or newer is needed"};
    }
    return api;
  }
};
#undef TABSCORE_DUCKDB_FUNCTIONS
