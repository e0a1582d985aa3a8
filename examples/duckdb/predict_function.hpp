// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/columnar/column_importer.hpp>
#include <tabscore/pipeline/row_scorer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "duckdb_api.hpp"

/// What a record without a prediction is: NULLs with a reason in its row, or the end of the query.
enum class on_error { null, fail };

/// A pipeline as a scalar function of DuckDB: one argument per field, in the schema's order; the result is
/// STRUCT(probability DOUBLE, label UTINYINT, error VARCHAR), whose first two members are NULL where the third is not.
/// DuckDB hands it columns of up to 2048 records; numbers without NULLs are scored where they lie.
template <class Pipeline>
class predict_function {
  using schema = typename Pipeline::schema_t;

 public:
  /// The pipeline and the api must outlive the connection.
  static tabscore::result<std::monostate> add(const duckdb_api& api, duckdb_api::connection connection,
                                              const std::string& name, const Pipeline& pipe, on_error policy) {
    duckdb_api::scalar_function made = api.create_scalar_function();
    api.scalar_function_set_name(made, name.c_str());
    const auto use_type = [&](duckdb_api::logical_type type, const auto& use) {
      use(made, type);
      api.destroy_logical_type(&type);
    };
    for (const tabscore::field_kind kind : schema::kinds) {
      use_type(api.create_logical_type(type_of(kind)), api.scalar_function_add_parameter);
    }
    std::array<duckdb_api::logical_type, 3> members{api.create_logical_type(duckdb_api::double_precision),
                                                    api.create_logical_type(duckdb_api::utinyint),
                                                    api.create_logical_type(duckdb_api::varchar)};
    std::array<const char*, 3> names{"probability", "label", "error"};
    use_type(api.create_struct_type(members.data(), names.data(), 3), api.scalar_function_set_return_type);
    for (auto& member : members) api.destroy_logical_type(&member);

    api.scalar_function_set_special_handling(
        made);  // or a NULL among the arguments would be a NULL result, unexplained
    api.scalar_function_set_extra_info(made, new shared{api, pipe, policy},
                                       [](void* p) { delete static_cast<shared*>(p); });
    api.scalar_function_set_function(made, run);
    // What init needs comes with the init info, but the api only with the extra info.
    init_api = &api;
    api.scalar_function_set_init(made, init);
    const bool registered = api.register_scalar_function(connection, made) == duckdb_api::success;
    api.destroy_scalar_function(&made);
    if (!registered) return tabscore::error{tabscore::errc::mismatch, "DuckDB does not take the function " + name};
    return std::monostate{};
  }

 private:
  struct shared {
    const duckdb_api& api;
    const Pipeline& pipe;
    on_error policy;
  };
  struct local {  // of one thread
    const shared& common;
    tabscore::column_importer<schema> records;
    tabscore::row_scorer<Pipeline> scorer;
  };
  inline static const duckdb_api* init_api = nullptr;

  static constexpr duckdb_api::type type_of(tabscore::field_kind kind) {
    switch (kind) {
      case tabscore::field_kind::integer:
        return duckdb_api::bigint;
      case tabscore::field_kind::real:
        return duckdb_api::double_precision;
      case tabscore::field_kind::boolean:
        return duckdb_api::boolean;
      case tabscore::field_kind::text:
        return duckdb_api::varchar;
    }
    return duckdb_api::varchar;
  }

  static void init(duckdb_api::init_info info) {
    const auto& common = *static_cast<const shared*>(init_api->scalar_function_init_get_extra_info(info));
    init_api->scalar_function_init_set_state(info, new local{common, {}, tabscore::row_scorer<Pipeline>(common.pipe)},
                                             [](void* p) { delete static_cast<local*>(p); });
  }

  static void run(duckdb_api::function_info info, duckdb_api::data_chunk in, duckdb_api::vector out) {
    auto& self = *static_cast<local*>(init_api->scalar_function_get_state(info));
    const duckdb_api& api = self.common.api;
    const std::size_t rows = api.data_chunk_get_size(in);
    self.records.begin(rows);
    schema::for_each([&]<std::size_t I>() { lend<I>(api, api.data_chunk_get_vector(in, I), self.records); });
    const tabscore::validation_errors& errors = self.records.check();
    const tabscore::row_predictions all = self.scorer.score(self.records.view(), errors);
    if (!all.faults.empty() && self.common.policy == on_error::fail) {
      api.scalar_function_set_error(info, std::string(all.faults.front().reason).c_str());
      return;
    }
    const auto member = [&](duckdb_api::idx i) { return api.struct_vector_get_child(out, i); };
    std::copy(all.scores.probability.begin(), all.scores.probability.end(),
              static_cast<double*>(api.vector_get_data(member(0))));
    std::copy(all.scores.label.begin(), all.scores.label.end(),
              static_cast<std::uint8_t*>(api.vector_get_data(member(1))));
    api.vector_ensure_validity_writable(member(2));
    std::uint64_t* const has_error = api.vector_get_validity(member(2));
    std::fill_n(has_error, (rows + 63) / 64, 0);
    if (all.faults.empty()) return;
    for (const duckdb_api::idx i : {0U, 1U}) {
      api.vector_ensure_validity_writable(member(i));
      for (const tabscore::row_fault& f : all.faults) {
        api.vector_get_validity(member(i))[f.row / 64] &= ~(std::uint64_t{1} << f.row % 64);
      }
    }
    for (const tabscore::row_fault& f : all.faults) {
      has_error[f.row / 64] |= std::uint64_t{1} << f.row % 64;
      api.vector_assign_string_element_len(member(2), f.row, f.reason.data(), f.reason.size());
    }
  }

  template <std::size_t I>
  static void lend(const duckdb_api& api, duckdb_api::vector from, tabscore::column_importer<schema>& records) {
    using field = typename schema::template field<I>;
    const void* const data = api.vector_get_data(from);
    const std::uint64_t* const bits = api.vector_get_validity(from);  // null: all are values
    const auto valid = [bits](std::size_t i) { return bits == nullptr || (bits[i / 64] >> i % 64 & 1) != 0; };
    if constexpr (field::kind == tabscore::field_kind::text) {
      const auto* const texts = static_cast<const duckdb_api::text*>(data);
      records.template fill<I>([=](std::size_t i) { return std::string_view(texts[i].data(), texts[i].length); },
                               valid);
    } else {
      const auto* const values = static_cast<const typename field::value_type*>(data);
      if constexpr (std::is_same_v<typename field::stored_type, typename field::value_type>) {
        if (bits == nullptr) return records.template lend<I>(values);
      }
      records.template fill<I>([=](std::size_t i) { return values[i]; }, valid);
    }
  }
};
