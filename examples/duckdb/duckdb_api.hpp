// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>
#include <tabscore/core/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

/// What is used here of DuckDB's C API (https://duckdb.org/docs/stable/clients/c/api), looked up in a libduckdb at run
/// time: the program is built without DuckDB and works with any library that has these functions, 1.5 or newer.
struct duckdb_api {
  // Handles are pointers to nothing that a user can see.
  using database = struct duckdb_database_s*;
  using connection = struct duckdb_connection_s*;
  using configuration = struct duckdb_config_s*;
  using logical_type = struct duckdb_logical_type_s*;
  using data_chunk = struct duckdb_data_chunk_s*;
  using vector = struct duckdb_vector_s*;
  using scalar_function = struct duckdb_scalar_function_s*;
  using function_info = struct duckdb_function_info_s*;
  using init_info = struct duckdb_init_info_s*;
  using statements = struct duckdb_statements_s*;
  using prepared = struct duckdb_prepared_s*;
  using idx = std::uint64_t;
  enum state : int { success = 0, failure = 1 };
  enum type : int {
    boolean = 1,
    bigint = 5,
    utinyint = 6,
    double_precision = 11,
    varchar = 17,
    list = 24,
    structure = 25,
    map = 26
  };
  using destroyer = void (*)(void*);
  using function = void (*)(function_info, data_chunk, vector);
  using initializer = void (*)(init_info);

  struct query_result {
    idx unused[3];
    void* columns;
    char* message;
    void* internal;
  };
  /// A VARCHAR in a vector: up to 12 bytes of text in place, longer ones elsewhere.
  struct text {
    std::uint32_t length;
    char inlined_or_prefix[4];
    union {
      char inlined[8];
      const char* pointer;
    };
    const char* data() const noexcept { return length <= 12 ? inlined_or_prefix : pointer; }
  };
  static_assert(sizeof(text) == 16 && offsetof(text, pointer) == 8);

#define TABSCORE_DUCKDB_FUNCTIONS(F)                                                    \
  F(const char*, library_version, ())                                                   \
  F(void*, malloc, (std::size_t))                                                       \
  F(void, free, (void*))                                                                \
  F(state, create_config, (configuration*))                                             \
  F(state, set_config, (configuration, const char* name, const char* value))            \
  F(void, destroy_config, (configuration*))                                             \
  F(state, open_ext, (const char* path, database*, configuration, char** message))      \
  F(void, close, (database*))                                                           \
  F(state, connect, (database, connection*))                                            \
  F(void, disconnect, (connection*))                                                    \
  F(idx, extract_statements, (connection, const char* sql, statements*))                \
  F(const char*, extract_statements_error, (statements))                                \
  F(void, destroy_extracted, (statements*))                                             \
  F(state, prepare_extracted_statement, (connection, statements, idx, prepared*))       \
  F(const char*, prepare_error, (prepared))                                             \
  F(state, execute_prepared, (prepared, query_result*))                                 \
  F(void, destroy_prepare, (prepared*))                                                 \
  F(const char*, result_error, (query_result*))                                         \
  F(void, destroy_result, (query_result*))                                              \
  F(idx, column_count, (query_result*))                                                 \
  F(idx, row_count, (query_result*))                                                    \
  F(const char*, column_name, (query_result*, idx column))                              \
  F(type, column_type, (query_result*, idx column))                                     \
  F(char*, value_varchar, (query_result*, idx column, idx row))                         \
  F(logical_type, create_logical_type, (type))                                          \
  F(logical_type, create_struct_type, (logical_type*, const char** names, idx members)) \
  F(void, destroy_logical_type, (logical_type*))                                        \
  F(scalar_function, create_scalar_function, ())                                        \
  F(void, destroy_scalar_function, (scalar_function*))                                  \
  F(void, scalar_function_set_name, (scalar_function, const char*))                     \
  F(void, scalar_function_add_parameter, (scalar_function, logical_type))               \
  F(void, scalar_function_set_return_type, (scalar_function, logical_type))             \
  F(void, scalar_function_set_special_handling, (scalar_function))                      \
  F(void, scalar_function_set_extra_info, (scalar_function, void*, destroyer))          \
  F(void, scalar_function_set_init, (scalar_function, initializer))                     \
  F(void, scalar_function_set_function, (scalar_function, function))                    \
  F(state, register_scalar_function, (connection, scalar_function))                     \
  F(void*, scalar_function_init_get_extra_info, (init_info))                            \
  F(void, scalar_function_init_set_state, (init_info, void*, destroyer))                \
  F(void*, scalar_function_get_extra_info, (function_info))                             \
  F(void*, scalar_function_get_state, (function_info))                                  \
  F(void, scalar_function_set_error, (function_info, const char*))                      \
  F(idx, data_chunk_get_size, (data_chunk))                                             \
  F(vector, data_chunk_get_vector, (data_chunk, idx column))                            \
  F(void*, vector_get_data, (vector))                                                   \
  F(std::uint64_t*, vector_get_validity, (vector))                                      \
  F(void, vector_ensure_validity_writable, (vector))                                    \
  F(void, vector_assign_string_element_len, (vector, idx row, const char*, idx length)) \
  F(vector, struct_vector_get_child, (vector, idx member))

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
