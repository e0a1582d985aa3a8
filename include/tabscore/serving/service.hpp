// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../expr/rule.hpp"
#include "../features/features.hpp"
#include "../json/coerce.hpp"
#include "../outputs/prediction.hpp"
#include "../schema/batch.hpp"
#include "../schema/schema.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

/// A type that declares a service:
///     using record = ...;                          the schema of a record
///     static void add_example(ts::batch<record>&)  appends a record: for the documentation, and to warm a model up
/// and optionally, as static constexpr members:
///     rules, features             of the pipeline
///     program, title, summary     the server's name and what its pages say of it
/// Optional types: prediction, of <tabscore/outputs/prediction.hpp>, the task of the models and the names of its
/// members in answers and logs (default ts::binary<>); coercion, the policy for values of another JSON type (default
/// coerce::strict).
template <class T>
concept servable = schema_type<typename T::record> && requires(batch<typename T::record>& records) {
  T::add_example(records);
};

namespace detail {

template <class T>
struct coercion_of {
  using type = coerce::strict;
};
template <class T>
requires requires { typename T::coercion; }
struct coercion_of<T> {
  using type = typename T::coercion;
};

template <class T>
struct prediction_of {
  static_assert(
      !requires { T::probability; } && !requires { T::label; },
      "tabscore: a service names its values by: using prediction = ts::binary<\"probability\", \"label\">;");
  using type = binary<>;
};
template <class T>
requires requires { typename T::prediction; }
struct prediction_of<T> {
  static_assert(prediction_type<typename T::prediction>,
                "tabscore: a service's prediction is ts::binary<...>, ts::multiclass<...>, ts::regression<...>, ...");
  using type = typename T::prediction;
};

/// Whether records have an id for labels.
template <class Service>
inline constexpr bool has_id = Service::record::id_at != Service::record::npos;

/// An answer's entry has no two members of one name, also with the id.
template <class Service>
constexpr bool names_id_apart() {
  if constexpr (has_id<Service>) {
    for (const std::string_view member : Service::prediction::names) {
      if (member == Service::record::names[Service::record::id_at]) return false;
    }
    if constexpr (decided_type<typename Service::prediction>) {
      if (Service::prediction::decision == Service::record::names[Service::record::id_at]) return false;
    }
    const std::string_view name = Service::record::names[Service::record::id_at];
    return name != "explanation" && name != "reasons" && name != "error" && name != "contributions";
  }
  return true;
}

template <class Service>
batch<typename Service::record> example_of() {
  batch<typename Service::record> one;
  Service::add_example(one);
  return one;
}

/// The sentences of the rules, in their order.
template <class Service>
std::vector<std::string_view> rule_texts() {
  std::vector<std::string_view> texts;
  Service::rules.for_each([&](std::size_t, const auto& rule) { texts.push_back(rule.message()); });
  return texts;
}

}  // namespace detail

/// A service with defaults for its optional members, also for programs without an endpoint.
template <servable T>
struct completed {
  using record = typename T::record;  ///< the schema
  /// Appends a record.
  static void add_example(batch<record>& records) { T::add_example(records); }

  /// None by default.
  static constexpr auto rules = [] {
    if constexpr (requires { T::rules; }) {
      return T::rules;
    } else {
      return tabscore::rules<>();
    }
  }();
  /// None by default.
  static constexpr auto features = [] {
    if constexpr (requires { T::features; }) {
      return T::features;
    } else {
      return tabscore::features<>();
    }
  }();

#define TABSCORE_SERVICE_TEXT(name, text)       \
  static constexpr std::string_view name = [] { \
    if constexpr (requires { T::name; }) {      \
      return std::string_view(T::name);         \
    } else {                                    \
      return std::string_view(text);            \
    }                                           \
  }()
  /// @{
  /// A text.
  TABSCORE_SERVICE_TEXT(program, "tabscore");
  TABSCORE_SERVICE_TEXT(title, "Predictions");
  TABSCORE_SERVICE_TEXT(summary, "Predictions of a model of tabular records");
  /// @}
#undef TABSCORE_SERVICE_TEXT

  /// coerce::strict by default.
  using coercion = typename detail::coercion_of<T>::type;
  /// binary<> by default.
  using prediction = typename detail::prediction_of<T>::type;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving
