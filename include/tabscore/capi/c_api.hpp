// SPDX-License-Identifier: MIT
#pragma once

#include "c_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#if __cpp_exceptions
#include <exception>
#endif

#include "../columnar/arrow_abi.hpp"
#include "../columnar/arrow_explanations.hpp"
#include "../columnar/arrow_predictions.hpp"
#include "../columnar/arrow_reader.hpp"
#include "../columnar/arrow_schema.hpp"
#include "../columnar/column_importer.hpp"
#include "../core/config.hpp"
#include "../core/detail/sha256.hpp"
#include "../core/json_text.hpp"
#include "../core/result.hpp"
#include "../core/text_buffer.hpp"
#include "../models/load_model.hpp"
#include "../monitor/drift_monitor.hpp"
#include "../monitor/drift_reference.hpp"
#include "../monitor/state.hpp"
#include "../monitor/state_json.hpp"
#include "../outputs/load_policy.hpp"
#include "../outputs/prediction_columns.hpp"
#include "../pipeline/pipeline.hpp"
#include "../pipeline/score_arrow.hpp"
#include "../schema/batch.hpp"
#include "../serving/service.hpp"
#include "../version.hpp"

// Makes a shared library of a service (a type as <tabscore/serving/service.hpp> wants it): defines the functions that
// TABSCORE_C_DECLARE(prefix) of c_api.h declares and describes. In one source file, outside of all namespaces:
//
//     #include <tabscore/capi/c_api.hpp>
//     TABSCORE_C_API(loan_default, loan_defaults)
//
// Build it with -fvisibility=hidden, so that nothing else is exported. No exception leaves a function.

namespace tabscore::inline TABSCORE_ABI::capi {

namespace detail {

/// What the functions of one library have in common.
struct call {
  static std::string& message() noexcept {
    thread_local std::string text;
    return text;
  }
  static int failed(int status, const char* why) noexcept {
#if __cpp_exceptions
    try {
      message() = why;
    } catch (...) {
      message().clear();
    }
#else
    message() = why;
#endif
    return status;
  }
  /// The status of f(), which returns an error or nothing.
  template <class F>
  static int of(F&& f) noexcept {
    message().clear();
    const auto run = [&] {
      const std::optional<error> wrong = f();
      return wrong ? failed(1 + static_cast<int>(wrong->code), wrong->message.c_str()) : int{TABSCORE_OK};
    };
#if __cpp_exceptions
    try {
      return run();
    } catch (const std::bad_alloc&) {
      return failed(TABSCORE_MEMORY, "there is not enough memory");
    } catch (const std::exception& e) {
      return failed(TABSCORE_UNSUPPORTED, e.what());
    }
#else
    return run();
#endif
  }
  static int wrong_argument(const char* why) noexcept { return failed(TABSCORE_ARGUMENT, why); }
};
static_assert(1 + static_cast<int>(errc::check_failed) == TABSCORE_CHECK_FAILED);

#define TABSCORE_C_TEXT(number) #number
#define TABSCORE_C_VERSION(major, minor, patch) \
  TABSCORE_C_TEXT(major) "." TABSCORE_C_TEXT(minor) "." TABSCORE_C_TEXT(patch)
inline constexpr const char* version =
    TABSCORE_C_VERSION(TABSCORE_VERSION_MAJOR, TABSCORE_VERSION_MINOR, TABSCORE_VERSION_PATCH);
#undef TABSCORE_C_VERSION
#undef TABSCORE_C_TEXT

/// A text for release().
inline char* released_by_caller(std::string_view text) {
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

/// What describe() gives.
std::string describe(const model_file& file, const std::string& sha256, const prediction_columns& columns);

}  // namespace detail

/// A model file and all that predicts with it. Threads share it.
template <serving::servable T>
class loaded_model {
  using service = serving::completed<T>;
  using record = typename service::record;
  using pipeline_type = pipeline<record, decltype(service::rules), decltype(service::features), any_scorer,
                                 sinks<drift_monitor>, typename service::prediction>;
  static constexpr number_rule numbers = service::coercion::numbers;

 public:
  /// `policy` is the file of a service that declares decisions; otherwise there is none.
  static result<std::unique_ptr<loaded_model>> make(std::string_view bytes, std::string_view name,
                                                    const std::optional<decision_policy>& policy) {
    auto file = parse_model_file(bytes, name);
    if (!file) return file.error();
    auto scorer = make_scorer(*file);
    if (!scorer) return scorer.error();
    auto reference = make_drift_reference(*file);
    if (reference) {
      if constexpr (decided_type<typename service::prediction>) {
        reference->decisions.assign(service::prediction::decisions.begin(), service::prediction::decisions.end());
      }
    }
    std::unique_ptr<loaded_model> made(new loaded_model(reference ? *std::move(reference) : drift_reference()));
    auto pipe = pipeline_type::make(service::rules, service::features, *std::move(scorer),
                                    sinks<drift_monitor>(made->monitor_), policy);
    if (!pipe) return pipe.error();
    auto columns = typed_columns(pipe->layout());
    if (!columns) return columns.error();
    made->columns_ = *std::move(columns);
    made->pipe_.emplace(*std::move(pipe));
    made->description_ = detail::describe(*file, tabscore::detail::sha256(bytes), made->columns_);
    return made;
  }

  /// The model's description, as tabscore_describe gives it: JSON.
  const std::string& description() const noexcept { return description_; }
  /// The schema of predictions.
  void export_schema(ArrowSchema* out) const { arrow_predictions::export_schema(columns_, out); }

  /// Scores one batch of records; nothing: `out` has its predictions.
  std::optional<error> score(const ArrowSchema& schema, const ArrowArray& records, ArrowArray* out) const {
    auto scorer = arrow_scorer<pipeline_type>::make(*pipe_, schema, numbers);
    return scorer ? scorer->score(records, out) : scorer.error();
  }
  /// The same of a stream of batches.
  std::optional<error> score(ArrowArrayStream* records, ArrowArrayStream* out) const {
    return score_arrow(*pipe_, records, out, numbers);
  }

  /// The contributions of a batch's records; an error where the model has none.
  std::optional<error> explain(const ArrowSchema& schema, const ArrowArray& records, ArrowArray* out) const {
    if (const error* const none = pipe_->model().explain_error()) return *none;
    auto reader = arrow_reader<record>::make(schema);
    if (!reader) return reader.error();
    arrow_explanations gathered = explanations();
    constexpr std::size_t run = 4096;
    const std::size_t rows = records.length < 0 ? 0 : static_cast<std::size_t>(records.length);
    column_importer<record> columns(numbers);
    score_buffers buffers;
    for (std::size_t begin = 0; begin < rows || begin == 0; begin += run) {
      const std::size_t count = (std::min)(run, rows - begin);
      if (auto wrong = reader->read(records, begin, count, columns)) return wrong;
      std::vector<std::uint8_t> valid(count, 1);
      for (const field_error& e : columns.check()) valid[e.row] = 0;
      pipe_->rules().for_each([&](std::size_t, const auto& rule) {
        rule.for_each_broken(columns.view(), [&](std::size_t row) { return valid[row] = 0, true; });
      });
      pipe_->for_each_unscorable(columns.view(), buffers, [&](const unscorable& u) { valid[u.row] = 0; });
      batch<record> explained;
      explained.append_views(columns.view());
      explained.filter(valid);
      const auto contributions = pipe_->explain(explained.view(), buffers);
      if (!contributions) return contributions.error();
      gathered.append(valid, *contributions);
    }
    gathered.move_to(out);
    return std::nullopt;
  }
  /// The schema of explanations; an error where the model has none.
  std::optional<error> export_explanation_schema(ArrowSchema* out) const {
    if (const error* const none = pipe_->model().explain_error()) return *none;
    explanations().export_schema(out);
    return std::nullopt;
  }

  /// The drift monitor's state as JSON, which tabscore-merge adds up.
  result<std::string> state() const {
    if (monitor_.reference().empty()) {
      return error{errc::unsupported, "monitoring has no state: the model file has no histograms (drift_baseline)"};
    }
    return to_json(state_of(monitor_));
  }

 private:
  explicit loaded_model(drift_reference reference) : monitor_(std::move(reference)) {}

  arrow_explanations explanations() const {
    std::vector<std::string> names;
    for (const prediction_column& c : columns_) {
      if (c.of == prediction_column::kind::number) names.push_back(c.name);
    }
    return {std::move(names), pipe_->model().features().all()};
  }

  drift_monitor monitor_;
  std::optional<pipeline_type> pipe_;
  prediction_columns columns_;
  std::string description_;
};

/// What the functions of c_api.h do for a service. Any number of threads may call them at once; statuses and ownership
/// are those of c_api.h.
template <serving::servable T>
class library {
  /// What a tabscore_model of this library is.
  struct handle {
    const void* owner = &tag;
    std::unique_ptr<loaded_model<T>> model;
  };
  static const char tag;

  static const loaded_model<T>* model_of(const tabscore_model* m) noexcept {
    const auto* const h = reinterpret_cast<const handle*>(m);
    return h != nullptr && h->owner == &tag ? h->model.get() : nullptr;
  }
  template <class Struct>
  static bool holds(const Struct* s) noexcept {
    return s != nullptr && s->release != nullptr;
  }
  static constexpr const char* no_model = "the model is NULL, or of another library";

  static int open(std::uint32_t abi, const std::string* model_path, std::string_view model, bool has_policy,
                  const std::string* policy_path, std::string_view policy, tabscore_model** out) noexcept {
    return detail::call::of([&]() -> std::optional<error> {
      if (abi != TABSCORE_C_ABI) {
        return error{errc::unsupported, fmt::format("the program was built for version {} of the C functions, this "
                                                    "library has version {}: build both from one tabscore",
                                                    abi, TABSCORE_C_ABI)};
      }
      std::string model_file_bytes, policy_file_bytes;
      if (model_path != nullptr) {
        auto read = read_model_bytes(*model_path);
        if (!read) return read.error();
        model = model_file_bytes = *std::move(read);
      }
      std::optional<decision_policy> parsed;
      if (has_policy) {
        if (policy_path != nullptr) {
          auto read = read_policy_bytes(*policy_path);
          if (!read) return read.error();
          policy = policy_file_bytes = *std::move(read);
        }
        auto read = parse_policy(policy, policy_path != nullptr ? *policy_path : "policy");
        if (!read) return read.error();
        parsed = *std::move(read);
      }
      auto made = loaded_model<T>::make(model, model_path != nullptr ? *model_path : "model", parsed);
      if (!made) return made.error();
      *out = reinterpret_cast<tabscore_model*>(new handle{&tag, *std::move(made)});
      return std::nullopt;
    });
  }

 public:
  /// Opens a model file, and a policy file where `policy` is not NULL.
  static int open_files(std::uint32_t abi, const char* model, const char* policy, tabscore_model** out) noexcept {
    if (model == nullptr || out == nullptr) return detail::call::wrong_argument("the model's path or place is NULL");
    const std::string model_path(model), policy_path(policy == nullptr ? "" : policy);
    return open(abi, &model_path, {}, policy != nullptr, &policy_path, {}, out);
  }
  /// The same of files in memory.
  static int open_bytes(std::uint32_t abi, const void* model, std::size_t model_size, const void* policy,
                        std::size_t policy_size, tabscore_model** out) noexcept {
    if (model == nullptr || out == nullptr) return detail::call::wrong_argument("the model's bytes or place is NULL");
    return open(abi, nullptr, {static_cast<const char*>(model), model_size}, policy != nullptr, nullptr,
                {static_cast<const char*>(policy), policy == nullptr ? 0 : policy_size}, out);
  }
  /// Frees a model; NULL and models of other libraries are ignored.
  static void close(tabscore_model* m) noexcept {
    if (model_of(m) != nullptr) delete reinterpret_cast<handle*>(m);
  }

  /// The schema of records.
  static int record_schema(ArrowSchema* out) noexcept {
    if (out == nullptr) return detail::call::wrong_argument("the schema is NULL");
    return detail::call::of([&]() -> std::optional<error> {
      export_schema<typename T::record>(out);
      return std::nullopt;
    });
  }
  /// The schema of predictions.
  static int prediction_schema(const tabscore_model* m, ArrowSchema* out) noexcept {
    const auto* const model = model_of(m);
    if (model == nullptr) return detail::call::wrong_argument(no_model);
    if (out == nullptr) return detail::call::wrong_argument("the schema is NULL");
    return detail::call::of([&]() -> std::optional<error> {
      model->export_schema(out);
      return std::nullopt;
    });
  }
  /// The schema of explanations.
  static int explanation_schema(const tabscore_model* m, ArrowSchema* out) noexcept {
    const auto* const model = model_of(m);
    if (model == nullptr) return detail::call::wrong_argument(no_model);
    if (out == nullptr) return detail::call::wrong_argument("the schema is NULL");
    return detail::call::of([&] { return model->export_explanation_schema(out); });
  }

  /// score() and explain(), as f(model, schema, records) does.
  template <class F>
  static int with_records(const tabscore_model* m, ArrowSchema* schema, ArrowArray* records, const ArrowArray* out,
                          F&& f) noexcept {
    arrow_schema columns;
    arrow_array batch;
    if (holds(schema)) columns = arrow_schema(schema);
    if (holds(records)) batch = arrow_array(records);
    const auto* const model = model_of(m);
    if (model == nullptr) return detail::call::wrong_argument(no_model);
    if (columns.empty() || batch.empty() || out == nullptr) {
      return detail::call::wrong_argument("the schema, the records or the place of the result is NULL or released");
    }
    return detail::call::of([&] { return f(*model, *columns, *batch); });
  }
  /// Scores a batch. The schema and the records are released.
  static int score(const tabscore_model* m, ArrowSchema* schema, ArrowArray* records, ArrowArray* out) noexcept {
    return with_records(m, schema, records, out, [&](const auto& model, const auto& columns, const auto& batch) {
      return model.score(columns, batch, out);
    });
  }
  /// Explains a batch. The schema and the records are released.
  static int explain(const tabscore_model* m, ArrowSchema* schema, ArrowArray* records, ArrowArray* out) noexcept {
    return with_records(m, schema, records, out, [&](const auto& model, const auto& columns, const auto& batch) {
      return model.explain(columns, batch, out);
    });
  }
  /// Scores a stream, which is released by the one that it gives.
  static int score_stream(const tabscore_model* m, ArrowArrayStream* records, ArrowArrayStream* out) noexcept {
    arrow_stream in;
    if (holds(records)) in = arrow_stream(records);
    const auto* const model = model_of(m);
    if (model == nullptr) return detail::call::wrong_argument(no_model);
    if (in.empty() || out == nullptr) return detail::call::wrong_argument("a stream is NULL or released");
    return detail::call::of([&] { return model->score(in.get(), out); });
  }

  /// The model's description: a text for release().
  static int describe(const tabscore_model* m, char** out) noexcept {
    const auto* const model = model_of(m);
    if (model == nullptr) return detail::call::wrong_argument(no_model);
    return give(out, [&] { return result<std::string>(model->description()); });
  }
  /// The drift monitor's state: a text for release().
  static int state(const tabscore_model* m, char** out) noexcept {
    const auto* const model = model_of(m);
    if (model == nullptr) return detail::call::wrong_argument(no_model);
    return give(out, [&] { return model->state(); });
  }

 private:
  template <class F>
  static int give(char** out, F&& f) noexcept {
    if (out == nullptr) return detail::call::wrong_argument("the place of the text is NULL");
    int status = detail::call::of([&]() -> std::optional<error> {
      const result<std::string> text = f();
      if (!text) return text.error();
      *out = detail::released_by_caller(*text);
      return std::nullopt;
    });
    if (status == TABSCORE_OK && *out == nullptr) status = detail::call::failed(TABSCORE_MEMORY, "no memory");
    return status;
  }
};

template <serving::servable T>
const char library<T>::tag = 0;

}  // namespace tabscore::inline TABSCORE_ABI::capi

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::capi::detail {

TABSCORE_INLINE std::string describe(const model_file& file, const std::string& sha256,
                                     const prediction_columns& columns) {
  text_buffer out;
  const auto text = [&](std::string_view t) { append_json_text(out, t); };
  const auto list = [&](const char* name, const auto& all, const auto& text_of) {
    out.append(name);
    std::string_view before = "[";
    for (const auto& one : all) {
      out.append(before);
      text(text_of(one));
      before = ",";
    }
    out.append(before == "[" ? "[]" : "]");
  };
  out.append(R"({"name":)");
  text(file.name);
  out.append(R"(,"sha256":)");
  text(sha256);
  out.append(R"(,"date":)");
  text(file.origin.date);
  out.append(R"(,"kind":)");
  text(file.kind);
  out.append(R"(,"task":)");
  text(name(file.outputs.task));
  list(R"(,"columns":)", columns, [](const prediction_column& c) -> std::string_view { return c.name; });
  list(R"(,"classes":)", file.outputs.classes, [](const std::string& c) -> std::string_view { return c; });
  out.append(R"(,"threshold":)");
  if (file.outputs.task == task::binary || file.outputs.task == task::anomaly) {
    out.append(fmt::format("{}", file.threshold));
  } else {
    out.append("null");
  }
  out.append("}");
  return std::string(out.view());
}

}  // namespace tabscore::inline TABSCORE_ABI::capi::detail
#endif

#define TABSCORE_C_EXPORT extern "C" __attribute__((visibility("default")))

/// See the top of this file.
#define TABSCORE_C_API(prefix, ...)                                                                                    \
  extern "C" {                                                                                                         \
  TABSCORE_C_DECLARE(prefix);                                                                                          \
  }                                                                                                                    \
  TABSCORE_C_EXPORT std::uint32_t prefix##_abi(void) { return TABSCORE_C_ABI; }                                        \
  TABSCORE_C_EXPORT const char* prefix##_version(void) { return tabscore::capi::detail::version; }                     \
  TABSCORE_C_EXPORT const char* prefix##_last_error(void) { return tabscore::capi::detail::call::message().c_str(); }  \
  TABSCORE_C_EXPORT int prefix##_open(std::uint32_t abi, const char* model_path, const char* policy_path,              \
                                      tabscore_model** model) {                                                        \
    return tabscore::capi::library<__VA_ARGS__>::open_files(abi, model_path, policy_path, model);                      \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_open_bytes(std::uint32_t abi, const void* model_bytes, std::size_t model_size,        \
                                            const void* policy_bytes, std::size_t policy_size,                         \
                                            tabscore_model** model) {                                                  \
    return tabscore::capi::library<__VA_ARGS__>::open_bytes(abi, model_bytes, model_size, policy_bytes, policy_size,   \
                                                            model);                                                    \
  }                                                                                                                    \
  TABSCORE_C_EXPORT void prefix##_close(tabscore_model* model) { tabscore::capi::library<__VA_ARGS__>::close(model); } \
  TABSCORE_C_EXPORT int prefix##_record_schema(ArrowSchema* schema) {                                                  \
    return tabscore::capi::library<__VA_ARGS__>::record_schema(schema);                                                \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_prediction_schema(const tabscore_model* model, ArrowSchema* schema) {                 \
    return tabscore::capi::library<__VA_ARGS__>::prediction_schema(model, schema);                                     \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_score(const tabscore_model* model, ArrowSchema* schema, ArrowArray* records,          \
                                       ArrowArray* predictions) {                                                      \
    return tabscore::capi::library<__VA_ARGS__>::score(model, schema, records, predictions);                           \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_score_stream(const tabscore_model* model, ArrowArrayStream* records,                  \
                                              ArrowArrayStream* predictions) {                                         \
    return tabscore::capi::library<__VA_ARGS__>::score_stream(model, records, predictions);                            \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_explanation_schema(const tabscore_model* model, ArrowSchema* schema) {                \
    return tabscore::capi::library<__VA_ARGS__>::explanation_schema(model, schema);                                    \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_explain(const tabscore_model* model, ArrowSchema* schema, ArrowArray* records,        \
                                         ArrowArray* explanations) {                                                   \
    return tabscore::capi::library<__VA_ARGS__>::explain(model, schema, records, explanations);                        \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_describe(const tabscore_model* model, char** json) {                                  \
    return tabscore::capi::library<__VA_ARGS__>::describe(model, json);                                                \
  }                                                                                                                    \
  TABSCORE_C_EXPORT int prefix##_state(const tabscore_model* model, char** json) {                                     \
    return tabscore::capi::library<__VA_ARGS__>::state(model, json);                                                   \
  }                                                                                                                    \
  TABSCORE_C_EXPORT void prefix##_release(char* text) { std::free(text); }                                             \
  static_assert(true, "tabscore: a semicolon may follow")
