// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::duckdb::detail {

// The part used here of DuckDB's C API for extensions, version 1.5.6, which is stable: later versions append to it.

/// The version that an extension asks for.
inline constexpr const char* api_version = "v1.5.6";

using database = struct duckdb_database_s*;
using connection = struct duckdb_connection_s*;
using logical_type = struct duckdb_logical_type_s*;
using data_chunk = struct duckdb_data_chunk_s*;
using vector = struct duckdb_vector_s*;
using scalar_function = struct duckdb_scalar_function_s*;
using bind_info = struct duckdb_bind_info_s*;
using init_info = struct duckdb_init_info_s*;
using function_info = struct duckdb_function_info_s*;
using client_context = struct duckdb_client_context_s*;
using expression = struct duckdb_expression_s*;
using error_data = struct duckdb_error_data_s*;
using constant = struct duckdb_value_s*;
using extension_info = struct duckdb_extension_info_s*;
using idx = std::uint64_t;

enum state : int { success = 0, failure = 1 };

enum class type : int {
  invalid = 0,
  boolean = 1,
  int8 = 2,
  int16 = 3,
  int32 = 4,
  int64 = 5,
  uint8 = 6,
  uint16 = 7,
  uint32 = 8,
  uint64 = 9,
  float32 = 10,
  float64 = 11,
  varchar = 17,
  decimal = 19,
  enumeration = 23,
  structure = 25,
  any = 34,
  null = 36
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

/// Where the entries of a LIST or MAP are in its child vector.
struct list_entry {
  std::uint64_t offset;
  std::uint64_t length;
};

/// Handed to an extension that is being loaded.
struct extension_access {
  void (*set_error)(extension_info, const char*);
  database* (*get_database)(extension_info);
  const void* (*get_api)(extension_info, const char* version);
};

using destroyer = void (*)(void*);

// The place in the table of functions, the result, the name, the arguments.
#define TABSCORE_DUCKDB_FUNCTIONS(F)                                                                         \
  F(3, state, connect, (database, connection*))                                                              \
  F(6, void, disconnect, (connection*))                                                                      \
  F(25, void, free, (void*))                                                                                 \
  F(92, void, destroy_value, (constant*))                                                                    \
  F(142, char*, get_varchar, (constant))                                                                     \
  F(149, bool, is_null_value, (constant))                                                                    \
  F(156, logical_type, create_logical_type, (type))                                                          \
  F(161, logical_type, create_map_type, (logical_type key, logical_type value))                              \
  F(163, logical_type, create_struct_type, (logical_type*, const char** names, idx members))                 \
  F(166, type, get_type_id, (logical_type))                                                                  \
  F(168, std::uint8_t, decimal_scale, (logical_type))                                                        \
  F(169, type, decimal_internal_type, (logical_type))                                                        \
  F(170, type, enum_internal_type, (logical_type))                                                           \
  F(171, std::uint32_t, enum_dictionary_size, (logical_type))                                                \
  F(172, char*, enum_dictionary_value, (logical_type, idx))                                                  \
  F(178, idx, struct_type_child_count, (logical_type))                                                       \
  F(179, char*, struct_type_child_name, (logical_type, idx))                                                 \
  F(180, logical_type, struct_type_child_type, (logical_type, idx))                                          \
  F(184, void, destroy_logical_type, (logical_type*))                                                        \
  F(190, vector, data_chunk_get_vector, (data_chunk, idx column))                                            \
  F(191, idx, data_chunk_get_size, (data_chunk))                                                             \
  F(194, void*, vector_get_data, (vector))                                                                   \
  F(195, std::uint64_t*, vector_get_validity, (vector))                                                      \
  F(196, void, vector_ensure_validity_writable, (vector))                                                    \
  F(198, void, vector_assign_string_element_len, (vector, idx row, const char*, idx length))                 \
  F(199, vector, list_vector_get_child, (vector))                                                            \
  F(200, idx, list_vector_get_size, (vector))                                                                \
  F(201, state, list_vector_set_size, (vector, idx))                                                         \
  F(202, state, list_vector_reserve, (vector, idx))                                                          \
  F(203, vector, struct_vector_get_child, (vector, idx member))                                              \
  F(209, scalar_function, create_scalar_function, ())                                                        \
  F(210, void, destroy_scalar_function, (scalar_function*))                                                  \
  F(211, void, scalar_function_set_name, (scalar_function, const char*))                                     \
  F(213, void, scalar_function_set_special_handling, (scalar_function))                                      \
  F(215, void, scalar_function_add_parameter, (scalar_function, logical_type))                               \
  F(216, void, scalar_function_set_return_type, (scalar_function, logical_type))                             \
  F(218, void, scalar_function_set_function, (scalar_function, void (*)(function_info, data_chunk, vector))) \
  F(219, state, register_scalar_function, (connection, scalar_function))                                     \
  F(221, void, scalar_function_set_error, (function_info, const char*))                                      \
  F(469, void, destroy_error_data, (error_data*))                                                            \
  F(471, const char*, error_data_message, (error_data))                                                      \
  F(473, void, destroy_expression, (expression*))                                                            \
  F(474, logical_type, expression_return_type, (expression))                                                 \
  F(475, bool, expression_is_foldable, (expression))                                                         \
  F(476, error_data, expression_fold, (client_context, expression, constant*))                               \
  F(501, void, destroy_client_context, (client_context*))                                                    \
  F(511, void, scalar_function_set_bind, (scalar_function, void (*)(bind_info)))                             \
  F(512, void, scalar_function_bind_set_error, (bind_info, const char*))                                     \
  F(513, void, scalar_function_get_client_context, (bind_info, client_context*))                             \
  F(514, void, scalar_function_set_bind_data, (bind_info, void*, destroyer))                                 \
  F(518, expression, scalar_function_bind_get_argument, (bind_info, idx))                                    \
  F(519, void, scalar_function_set_bind_data_copy, (bind_info, void* (*)(void*)))                            \
  F(520, void*, scalar_function_get_state, (function_info))                                                  \
  F(521, void, scalar_function_set_init, (scalar_function, void (*)(init_info)))                             \
  F(522, void, scalar_function_init_set_error, (init_info, const char*))                                     \
  F(523, void, scalar_function_init_set_state, (init_info, void*, destroyer))                                \
  F(525, void*, scalar_function_init_get_bind_data, (init_info))                                             \
  F(527, char*, value_to_string, (constant))

struct functions {
#define TABSCORE_DUCKDB_MEMBER(place, Result, name, Arguments) Result(*name) Arguments = nullptr;
  TABSCORE_DUCKDB_FUNCTIONS(TABSCORE_DUCKDB_MEMBER)
#undef TABSCORE_DUCKDB_MEMBER

  functions() = default;
  /// Takes them out of DuckDB's table.
  explicit functions(const void* table) {
    using any_function = void (*)();
    const auto* const all = static_cast<const any_function*>(table);
#define TABSCORE_DUCKDB_FIND(place, Result, name, Arguments) name = reinterpret_cast<Result(*) Arguments>(all[place]);
    TABSCORE_DUCKDB_FUNCTIONS(TABSCORE_DUCKDB_FIND)
#undef TABSCORE_DUCKDB_FIND
  }
};
#undef TABSCORE_DUCKDB_FUNCTIONS

/// The functions of the process, from the first time that the extension is loaded on.
inline functions api;

/// Owns what one of the functions destroys.
template <class Handle, void (*functions::*Destroy)(Handle*)>
class handle {
 public:
  explicit handle(Handle h = nullptr) noexcept : handle_(h) {}
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() {
    if (handle_ != nullptr) (api.*Destroy)(&handle_);
  }
  Handle get() const noexcept { return handle_; }
  Handle* out() noexcept { return &handle_; }

 private:
  Handle handle_;
};
using owned_type = handle<logical_type, &functions::destroy_logical_type>;
using owned_expression = handle<expression, &functions::destroy_expression>;
using owned_context = handle<client_context, &functions::destroy_client_context>;
using owned_error = handle<error_data, &functions::destroy_error_data>;
using owned_constant = handle<constant, &functions::destroy_value>;
using owned_function = handle<scalar_function, &functions::destroy_scalar_function>;
using owned_connection = handle<connection, &functions::disconnect>;

}  // namespace tabscore::inline TABSCORE_ABI::duckdb::detail
