// SPDX-License-Identifier: MIT
#pragma once

#include "c_api.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "../columnar/arrow_abi.hpp"
#include "../columnar/arrow_schema.hpp"
#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../pipeline/service_model.hpp"
#include "../serving/service.hpp"
#include "../version.hpp"
#include "detail/loaded_model.hpp"
#include "detail/status.hpp"

// Makes a shared library of a service (a type as <tabscore/serving/service.hpp> wants it): defines the functions that
// TABSCORE_C_DECLARE(prefix) of c_api.h declares and describes. In one source file, outside of all namespaces:
//
//     #include <tabscore/capi/c_api.hpp>
//     TABSCORE_C_API(loan_default, loan_defaults)
//
// Build it with -fvisibility=hidden, so that nothing else is exported. No exception leaves a function.

namespace tabscore::inline TABSCORE_ABI::capi {

namespace detail {
#define TABSCORE_C_TEXT(number) #number
#define TABSCORE_C_VERSION(major, minor, patch) \
  TABSCORE_C_TEXT(major) "." TABSCORE_C_TEXT(minor) "." TABSCORE_C_TEXT(patch)
inline constexpr const char* version =
    TABSCORE_C_VERSION(TABSCORE_VERSION_MAJOR, TABSCORE_VERSION_MINOR, TABSCORE_VERSION_PATCH);
#undef TABSCORE_C_VERSION
#undef TABSCORE_C_TEXT
}  // namespace detail

/// The implementation of c_api.h for a service. Thread-safe; statuses and ownership are those of
/// c_api.h.
template <serving::servable T>
class library {
  using service = serving::completed<T>;

  /// The tabscore_model of this library.
  struct handle {
    const void* owner = &tag;
    std::unique_ptr<detail::loaded_model<T>> model;
  };
  static const char tag;

  static const detail::loaded_model<T>* model_of(const tabscore_model* m) noexcept {
    const auto* const h = reinterpret_cast<const handle*>(m);
    return h != nullptr && h->owner == &tag ? h->model.get() : nullptr;
  }
  template <class Struct>
  static bool holds(const Struct* s) noexcept {
    return s != nullptr && s->release != nullptr;
  }
  static constexpr const char* no_model = "the model is NULL, or of another library";

  /// `load` gives a service_model.
  template <class Load>
  static int open(std::uint32_t abi, tabscore_model** out, Load&& load) noexcept {
    return detail::call::of([&]() -> std::optional<error> {
      if (abi != TABSCORE_C_ABI) {
        return error{errc::unsupported, fmt::format("the program was built for version {} of the C functions, this "
                                                    "library has version {}: build both from one tabscore",
                                                    abi, TABSCORE_C_ABI)};
      }
      auto loaded = load();
      if (!loaded) return loaded.error();
      auto made = detail::loaded_model<T>::make(*std::move(loaded));
      if (!made) return made.error();
      *out = reinterpret_cast<tabscore_model*>(new handle{&tag, *std::move(made)});
      return std::nullopt;
    });
  }

 public:
  /// Opens a model file, and a policy file where `policy` is not NULL.
  static int open_files(std::uint32_t abi, const char* model, const char* policy, tabscore_model** out) noexcept {
    if (model == nullptr || out == nullptr) return detail::call::wrong_argument("the model's path or place is NULL");
    return open(abi, out, [&] { return load_service_model<service>(model, policy == nullptr ? "" : policy); });
  }
  /// The same of files in memory.
  static int open_bytes(std::uint32_t abi, const void* model, std::size_t model_size, const void* policy,
                        std::size_t policy_size, tabscore_model** out) noexcept {
    if (model == nullptr || out == nullptr) return detail::call::wrong_argument("the model's bytes or place is NULL");
    return open(abi, out, [&] {
      const named_bytes file{{static_cast<const char*>(model), model_size}, "model"};
      if (policy == nullptr) return parse_service_model<service>(file);
      return parse_service_model<service>(file, named_bytes{{static_cast<const char*>(policy), policy_size}, "policy"});
    });
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
  /// Scores a stream; the resulting stream releases it.
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
