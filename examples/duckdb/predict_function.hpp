// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/columnar/column_importer.hpp>
#include <tabscore/outputs/prediction_columns.hpp>
#include <tabscore/pipeline/row_scorer.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "duckdb_api.hpp"

/// What a record without a prediction is: NULLs with a reason in its row, or the end of the query.
enum class on_error { null, fail };

/// A pipeline as a scalar function of DuckDB: one argument per field, in the schema's order; the result is a STRUCT of
/// the prediction's columns (ts::typed_columns) and error VARCHAR, whose other members are NULL where the error is not.
/// DuckDB hands it columns of up to 2048 records; numbers without NULLs are scored where they lie.
template <class Pipeline>
class predict_function {
  using schema = typename Pipeline::schema_t;

 public:
  /// The pipeline and the api must outlive the connection.
  static tabscore::result<std::monostate> add(const duckdb_api& api, duckdb_api::connection connection,
                                              const std::string& name, const Pipeline& pipe, on_error policy) {
    auto columns = tabscore::typed_columns(pipe.layout());
    if (!columns) return columns.error();
    duckdb_api::scalar_function made = api.create_scalar_function();
    api.scalar_function_set_name(made, name.c_str());
    const auto use_type = [&](duckdb_api::logical_type type, const auto& use) {
      use(made, type);
      api.destroy_logical_type(&type);
    };
    for (const tabscore::field_kind kind : schema::kinds) {
      use_type(api.create_logical_type(type_of(kind)), api.scalar_function_add_parameter);
    }
    std::vector<duckdb_api::logical_type> members;
    std::vector<const char*> names;
    for (const column& c : *columns) {
      members.push_back(api.create_logical_type(type_of(c.of)));
      names.push_back(c.name.c_str());
    }
    members.push_back(api.create_logical_type(duckdb_api::varchar));
    names.push_back("error");
    use_type(api.create_struct_type(members.data(), names.data(), members.size()), api.scalar_function_set_return_type);
    for (auto& member : members) api.destroy_logical_type(&member);

    api.scalar_function_set_special_handling(
        made);  // or a NULL among the arguments would be a NULL result, unexplained
    api.scalar_function_set_extra_info(made, new shared{api, pipe, *std::move(columns), policy},
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
  using column = tabscore::prediction_column;

  struct shared {
    const duckdb_api& api;
    const Pipeline& pipe;
    tabscore::prediction_columns columns;
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

  static constexpr duckdb_api::type type_of(column::kind kind) {
    switch (kind) {
      case column::kind::number:
        return duckdb_api::double_precision;
      case column::kind::label:
        return duckdb_api::utinyint;
      case column::kind::class_name:
      case column::kind::decision:
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
    const tabscore::prediction_columns& columns = self.common.columns;
    for (std::size_t i = 0; i < columns.size(); ++i) write(api, columns[i], all.scores, member(i));
    const duckdb_api::vector error = member(columns.size());
    api.vector_ensure_validity_writable(error);
    std::uint64_t* const has_error = api.vector_get_validity(error);
    std::fill_n(has_error, (rows + 63) / 64, 0);
    if (all.faults.empty()) return;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      api.vector_ensure_validity_writable(member(i));
      for (const tabscore::row_fault& f : all.faults) {
        api.vector_get_validity(member(i))[f.row / 64] &= ~(std::uint64_t{1} << f.row % 64);
      }
    }
    for (const tabscore::row_fault& f : all.faults) {
      has_error[f.row / 64] |= std::uint64_t{1} << f.row % 64;
      api.vector_assign_string_element_len(error, f.row, f.reason.data(), f.reason.size());
    }
  }

  static void write(const duckdb_api& api, const column& c, const tabscore::predictions& p, duckdb_api::vector to) {
    if (c.of == column::kind::number) {
      auto* const numbers = static_cast<double*>(api.vector_get_data(to));
      for (std::size_t i = 0; i < p.rows(); ++i) numbers[i] = p.value(i, c.number);
    } else if (c.of == column::kind::label) {
      std::copy(p.label.begin(), p.label.end(), static_cast<std::uint8_t*>(api.vector_get_data(to)));
    } else {
      for (std::size_t i = 0; i < p.rows(); ++i) {
        if (tabscore::is_missing(p, i)) continue;
        const std::string_view name = c.text_of(p, i);
        api.vector_assign_string_element_len(to, i, name.data(), name.size());
      }
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
