// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if __cpp_exceptions
#include <exception>
#endif

#include "../columnar/column_importer.hpp"
#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../outputs/predictions.hpp"
#include "../pipeline/row_scorer.hpp"
#include "../pipeline/service_model.hpp"
#include "../serving/service.hpp"
#include "detail/api.hpp"
#include "detail/record_reader.hpp"

// Makes an extension of DuckDB (1.5.6 or newer) of a service (a type as <tabscore/serving/service.hpp> wants it), in
// one source file, outside of all namespaces:
//
//     #include <tabscore/duckdb/extension.hpp>
//     TABSCORE_DUCKDB_EXTENSION(students, student_purchases);
//
// The CMake function tabscore_duckdb_extension() writes that file, builds students.duckdb_extension and appends the
// footer that DuckDB wants. The extension has one SQL function:
//
//     students_predict(record STRUCT, model VARCHAR)                  of a service without decisions
//     students_predict(record STRUCT, model VARCHAR, policy VARCHAR)  of a service that declares decisions
//
// Model and policy are constant paths. The result is a STRUCT of the prediction's members and error VARCHAR.

namespace tabscore::inline TABSCORE_ABI::duckdb {

/// The SQL function of a service.
template <serving::servable T>
class predict_function {
  using service = serving::completed<T>;
  using record = typename service::record;
  using prediction = typename service::prediction;
  using pipeline_type = typename service_model<service>::template pipeline_type<>;
  static constexpr bool has_decisions = decided_type<prediction>;
  static constexpr const char* no_struct = "the record is not a STRUCT: give a table's name, or {member: value, ...}";
  static constexpr bool has_classes = prediction::task == task::multiclass;

 public:
  /// The entry point of an extension; `name` is that of the function.
  static bool load(const char* name, detail::extension_info info, const detail::extension_access* access) noexcept {
    const void* const table = access->get_api(info, detail::api_version);
    if (table == nullptr) return false;  // DuckDB has an error
    static const bool found = (detail::api = detail::functions(table), true);
    static_cast<void>(found);
    detail::database* const database = access->get_database(info);
    if (database == nullptr) return false;
    detail::owned_connection connection;
    if (api().connect(*database, connection.out()) == detail::success && add(name, connection.get())) return true;
    access->set_error(info, "DuckDB does not take the function of the extension");
    return false;
  }

 private:
  /// What a query predicts with.
  struct bound {
    pipeline_type pipe;
    detail::record_reader<record> reader;
  };
  using shared = std::shared_ptr<const bound>;
  /// Of one thread.
  struct local {
    explicit local(shared b) : common(std::move(b)), records(service::coercion::numbers), scorer(common->pipe) {}
    shared common;
    column_importer<record> records;
    row_scorer<pipeline_type> scorer;
  };

  static const detail::functions& api() noexcept { return detail::api; }

  /// Calls f(), and fail(why) where it returns an error or throws: no exception may reach DuckDB.
  template <class F, class Fail>
  static void guarded(F&& f, Fail&& fail) noexcept {
#if __cpp_exceptions
    try {
      if (const std::optional<error> wrong = f()) fail(wrong->message.c_str());
    } catch (const std::exception& e) {
      fail(e.what());
    }
#else
    if (const std::optional<error> wrong = f()) fail(wrong->message.c_str());
#endif
  }

  static bool add(const char* name, detail::connection connection) {
    const detail::owned_function made(api().create_scalar_function());
    api().scalar_function_set_name(made.get(), name);
    const auto parameter = [&](detail::type t) {
      const detail::owned_type type(api().create_logical_type(t));
      api().scalar_function_add_parameter(made.get(), type.get());
    };
    parameter(detail::type::any);  // of which bind() takes structs: the query's members, in any order
    parameter(detail::type::varchar);
    if (has_decisions) parameter(detail::type::varchar);
    set_return_type(made.get());
    api().scalar_function_set_special_handling(made.get());  // otherwise a NULL gives a NULL without a reason
    api().scalar_function_set_bind(made.get(), bind);
    api().scalar_function_set_init(made.get(), init);
    api().scalar_function_set_function(made.get(), run);
    return api().register_scalar_function(connection, made.get()) == detail::success;
  }

  /// The members of the result before `error`.
  static std::vector<std::string> member_names() {
    const auto declared = prediction::task == task::binary ? prediction_layout::of_two_classes().names
                                                           : std::span<const std::string_view>(prediction::names);
    std::vector<std::string> names(declared.begin(), declared.end());
    if constexpr (has_decisions) names.emplace_back(prediction::decision);
    return names;
  }

  static void set_return_type(detail::scalar_function made) {
    const detail::owned_type number(api().create_logical_type(detail::type::float64));
    const detail::owned_type label(api().create_logical_type(detail::type::uint8));
    const detail::owned_type text(api().create_logical_type(detail::type::varchar));
    const detail::owned_type numbers(api().create_map_type(text.get(), number.get()));
    std::vector<detail::logical_type> types;
    if (has_classes) {
      types = {text.get(), numbers.get()};
    } else {
      types.assign(prediction::columns, number.get());
      if (prediction::names.size() > prediction::columns) types.push_back(label.get());
    }
    std::vector<std::string> names = member_names();
    names.emplace_back("error");
    types.resize(names.size(), text.get());
    std::vector<const char*> texts;
    for (const std::string& n : names) texts.push_back(n.c_str());
    const detail::owned_type all(api().create_struct_type(types.data(), texts.data(), types.size()));
    api().scalar_function_set_return_type(made, all.get());
  }

  static void bind(detail::bind_info info) {
    guarded(
        [&]() -> std::optional<error> {
          auto made = make(info);
          if (!made) return made.error();
          const auto copy = [](void* p) -> void* { return new shared(*static_cast<shared*>(p)); };
          api().scalar_function_set_bind_data(info, new shared(*std::move(made)),
                                              [](void* p) { delete static_cast<shared*>(p); });
          api().scalar_function_set_bind_data_copy(info, copy);
          return std::nullopt;
        },
        [&](const char* why) { api().scalar_function_bind_set_error(info, why); });
  }

  static result<shared> make(detail::bind_info info) {
    const detail::owned_expression first(api().scalar_function_bind_get_argument(info, 0));
    const detail::owned_type records(api().expression_return_type(first.get()));
    const detail::type given = records.get() == nullptr ? detail::type::invalid : api().get_type_id(records.get());
    if (given == detail::type::null || given == detail::type::invalid) return shared();  // a macro's parameter, so far
    if (given != detail::type::structure) return error{errc::mismatch, no_struct};
    auto reader = detail::record_reader<record>::make(records.get());
    if (!reader) return reader.error();
    const auto path = constant_text(info, 1, "model");
    if (!path) return path.error();
    std::string policy;
    if constexpr (has_decisions) {
      auto policy_path = constant_text(info, 2, "policy");
      if (!policy_path) return policy_path.error();
      policy = *std::move(policy_path);
    }
    const auto model = load_service_model<service>(*path, policy);
    if (!model) return model.error();
    auto pipe = model->make_pipeline();
    if (!pipe) return pipe.error();
    return shared(new bound{*std::move(pipe), *std::move(reader)});
  }

  static result<std::string> constant_text(detail::bind_info info, detail::idx argument, std::string_view name) {
    const detail::owned_expression given(api().scalar_function_bind_get_argument(info, argument));
    if (given.get() == nullptr || !api().expression_is_foldable(given.get())) {
      return error{errc::mismatch, "the " + std::string(name) + "'s path is not a constant"};
    }
    detail::owned_context context;
    api().scalar_function_get_client_context(info, context.out());
    detail::owned_constant folded;
    const detail::owned_error wrong(api().expression_fold(context.get(), given.get(), folded.out()));
    if (wrong.get() != nullptr) return error{errc::mismatch, api().error_data_message(wrong.get())};
    if (folded.get() == nullptr || api().is_null_value(folded.get())) {
      return error{errc::mismatch, "the " + std::string(name) + "'s path is NULL"};
    }
    std::string text = detail::taken(api().get_varchar(folded.get()));
    // DuckDB hands over C strings, which a NUL cuts: as SQL, such a text does not end with the quote.
    std::string sql("'");
    for (const char c : text) sql.append(c == '\'' ? 2 : 1, c);
    const std::string whole = detail::taken(api().value_to_string(folded.get()));
    if (whole.starts_with(sql) && whole != sql + "'") {
      return error{errc::mismatch, "the " + std::string(name) + "'s path has a NUL character"};
    }
    return text;
  }

  static void init(detail::init_info info) {
    guarded(
        [&]() -> std::optional<error> {
          const auto& common = *static_cast<const shared*>(api().scalar_function_init_get_bind_data(info));
          if (common == nullptr) return error{errc::mismatch, no_struct};
          api().scalar_function_init_set_state(info, new local(common), [](void* p) { delete static_cast<local*>(p); });
          return std::nullopt;
        },
        [&](const char* why) { api().scalar_function_init_set_error(info, why); });
  }

  static void run(detail::function_info info, detail::data_chunk in, detail::vector out) {
    guarded(
        [&]() -> std::optional<error> {
          auto& self = *static_cast<local*>(api().scalar_function_get_state(info));
          self.common->reader.read(api().data_chunk_get_vector(in, 0), api().data_chunk_get_size(in), self.records);
          const validation_errors& errors = self.records.check();
          write(self.scorer.score(self.records.view(), errors), out);
          return std::nullopt;
        },
        [&](const char* why) { api().scalar_function_set_error(info, why); });
  }

  static void write(const row_predictions& all, detail::vector out) {
    const predictions& p = all.scores;
    detail::idx members = 0;
    const auto next = [&] { return api().struct_vector_get_child(out, members++); };
    if constexpr (has_classes) {
      write_texts(all, next(), [&](std::size_t row) { return p.class_of(row); });
      write_map(all, next());
    } else {
      for (std::size_t k = 0; k < prediction::columns; ++k) {
        const detail::vector to = next();
        auto* const numbers = static_cast<double*>(api().vector_get_data(to));
        for (std::size_t i = 0; i < p.rows(); ++i) numbers[i] = p.value(i, k);
      }
      if constexpr (prediction::names.size() > prediction::columns) {
        std::copy(p.label.begin(), p.label.end(), static_cast<std::uint8_t*>(api().vector_get_data(next())));
      }
    }
    if constexpr (has_decisions) write_texts(all, next(), [&](std::size_t row) { return p.decision_of(row); });
    set_nulls(all, out, members);
  }

  /// `f`: the text of a row that has a prediction.
  template <class F>
  static void write_texts(const row_predictions& all, detail::vector to, F&& f) {
    auto fault = all.faults.begin();
    for (std::size_t row = 0; row < all.scores.rows(); ++row) {
      if (fault != all.faults.end() && fault->row == row) {
        ++fault;
        continue;
      }
      const std::string_view text = f(row);
      api().vector_assign_string_element_len(to, row, text.data(), text.size());
    }
  }

  /// A number a class.
  static void write_map(const row_predictions& all, detail::vector to) {
    const predictions& p = all.scores;
    const auto names = p.class_names();
    detail::idx at = api().list_vector_get_size(to);
    const detail::idx size = at + (p.rows() - all.faults.size()) * names.size();
    api().list_vector_reserve(to, size);
    api().list_vector_set_size(to, size);
    auto* const entries = static_cast<detail::list_entry*>(api().vector_get_data(to));
    const detail::vector pairs = api().list_vector_get_child(to);
    const detail::vector keys = api().struct_vector_get_child(pairs, 0);
    auto* const numbers = static_cast<double*>(api().vector_get_data(api().struct_vector_get_child(pairs, 1)));
    auto fault = all.faults.begin();
    for (std::size_t row = 0; row < p.rows(); ++row) {
      entries[row] = {at, 0};
      if (fault != all.faults.end() && fault->row == row) {
        ++fault;
        continue;
      }
      entries[row].length = names.size();
      for (std::size_t k = 0; k < names.size(); ++k, ++at) {
        api().vector_assign_string_element_len(keys, at, names[k].data(), names[k].size());
        numbers[at] = p.value(row, k);
      }
    }
  }

  /// The members are NULL where `error`, the last of them, is not.
  static void set_nulls(const row_predictions& all, detail::vector out, detail::idx members) {
    const detail::vector errors = api().struct_vector_get_child(out, members);
    api().vector_ensure_validity_writable(errors);
    std::uint64_t* const has_error = api().vector_get_validity(errors);
    std::fill_n(has_error, (all.scores.rows() + 63) / 64, 0);
    for (const row_fault& f : all.faults) {
      has_error[f.row / 64] |= std::uint64_t{1} << f.row % 64;
      api().vector_assign_string_element_len(errors, f.row, f.reason.data(), f.reason.size());
    }
    for (detail::idx i = 0; i < members && !all.faults.empty(); ++i) {
      const detail::vector member = api().struct_vector_get_child(out, i);
      api().vector_ensure_validity_writable(member);
      std::uint64_t* const valid = api().vector_get_validity(member);
      for (const row_fault& f : all.faults) valid[f.row / 64] &= ~(std::uint64_t{1} << f.row % 64);
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::duckdb

/// See the top of this file.
#define TABSCORE_DUCKDB_EXTENSION(name, ...)                                                                     \
  extern "C" __attribute__((visibility("default"))) bool name##_init_c_api(                                      \
      tabscore::duckdb::detail::extension_info info, const tabscore::duckdb::detail::extension_access* access) { \
    return tabscore::duckdb::predict_function<__VA_ARGS__>::load(#name "_predict", info, access);                \
  }                                                                                                              \
  static_assert(true, "tabscore: a semicolon may follow")
