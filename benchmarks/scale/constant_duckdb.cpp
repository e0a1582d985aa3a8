// SPDX-License-Identifier: MIT
// The control of benchmarks/scale/run.py: constant_predict(record, model), a function of DuckDB with the result of
// students_predict() that answers constants. What is left is the engine's cost.
#include <tabscore/duckdb/detail/api.hpp>

#include <algorithm>

namespace {

namespace duckdb = tabscore::duckdb::detail;
using duckdb::api;

void run(duckdb::function_info, duckdb::data_chunk in, duckdb::vector out) {
  const duckdb::idx rows = api.data_chunk_get_size(in);
  std::fill_n(static_cast<double*>(api.vector_get_data(api.struct_vector_get_child(out, 0))), rows, 0.5);
  std::fill_n(static_cast<std::uint8_t*>(api.vector_get_data(api.struct_vector_get_child(out, 1))), rows, 1);
  const duckdb::vector error = api.struct_vector_get_child(out, 2);
  api.vector_ensure_validity_writable(error);
  std::fill_n(api.vector_get_validity(error), (rows + 63) / 64, 0);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) bool constant_init_c_api(duckdb::extension_info info,
                                                                           const duckdb::extension_access* access) {
  const void* const table = access->get_api(info, duckdb::api_version);
  if (table == nullptr) return false;
  api = duckdb::functions(table);
  duckdb::owned_connection connection;
  if (api.connect(*access->get_database(info), connection.out()) != duckdb::success) return false;
  const duckdb::owned_function made(api.create_scalar_function());
  const duckdb::owned_type any(api.create_logical_type(duckdb::type::any));
  const duckdb::owned_type text(api.create_logical_type(duckdb::type::varchar));
  const duckdb::owned_type number(api.create_logical_type(duckdb::type::float64));
  const duckdb::owned_type label(api.create_logical_type(duckdb::type::uint8));
  duckdb::logical_type members[] = {number.get(), label.get(), text.get()};
  const char* names[] = {"probability", "label", "error"};
  const duckdb::owned_type result(api.create_struct_type(members, names, 3));
  api.scalar_function_set_name(made.get(), "constant_predict");
  api.scalar_function_add_parameter(made.get(), any.get());
  api.scalar_function_add_parameter(made.get(), text.get());
  api.scalar_function_set_return_type(made.get(), result.get());
  api.scalar_function_set_special_handling(made.get());
  api.scalar_function_set_function(made.get(), run);
  return api.register_scalar_function(connection.get(), made.get()) == duckdb::success;
}
