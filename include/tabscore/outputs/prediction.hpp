// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "../core/detail/distinct.hpp"
#include "../core/fixed_string.hpp"
#include "task.hpp"

// The declaration of a prediction: it gives the names of its members in answers, logs and tables, and a pipeline
// accepts only models of its task.
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The members of a prediction. Columns: numbers a row; 0: as many as the model has classes.
template <task Task, std::size_t Columns, fixed_string... Names>
struct declared {
  static constexpr tabscore::task task = Task;
  static constexpr std::size_t columns = Columns;
  static constexpr std::array<std::string_view, sizeof...(Names)> names{Names.view()...};
  static_assert(distinct(names), "tabscore: two members of a prediction have the same name");
};

}  // namespace detail

/// The probability of the positive class, and 1 where it reaches the model's threshold.
template <fixed_string Probability = "probability", fixed_string Label = "label">
struct binary : detail::declared<task::binary, 1, Probability, Label> {};

/// The most likely class, and a number for each class. The classes' names come from the model.
template <fixed_string Class = "class", fixed_string Probabilities = "probabilities">
struct multiclass : detail::declared<task::multiclass, 0, Class, Probabilities> {};

/// A number in the target's unit.
template <fixed_string Value = "value">
struct regression : detail::declared<task::regression, 1, Value> {};

/// A number for each quantile, in the model's order. A name such as "p10" or "p975" must be the model's level.
template <fixed_string... Levels>
requires(sizeof...(Levels) > 0) struct quantiles : detail::declared<task::quantiles, sizeof...(Levels), Levels...> {
};

/// A number that only orders records: a margin, a rank, a hazard.
template <fixed_string Score = "score">
struct score : detail::declared<task::score, 1, Score> {};

/// How usual a record is, and 1 for an outlier, where that is below the model's threshold.
template <fixed_string Score = "score", fixed_string Outlier = "is_outlier">
struct anomaly : detail::declared<task::anomaly, 1, Score, Outlier> {};

/// Several targets of one model, in its order: names are matched by position. They may be other words than the model's,
/// but a name that the model has must be of the same target.
template <class... Targets>
struct outputs;
template <fixed_string... Names>
requires(sizeof...(Names) > 0) struct outputs<regression<Names>...>
    : detail::declared<task::regression, sizeof...(Names), Names...> {
};

/// A declared prediction.
template <class T>
concept prediction_type = requires {
  { T::task } -> std::convertible_to<task>;
  { T::columns } -> std::convertible_to<std::size_t>;
  std::span<const std::string_view>(T::names);
};

/// Decisions that a service may declare.
inline constexpr std::size_t max_decisions = 64;

/// A prediction, and the decision that a policy (decision_policy.hpp) makes of its numbers:
///     ts::decided<ts::binary<"probability", "default">, "decision", "approve", "refer", "decline">
template <prediction_type Prediction, fixed_string Decision, fixed_string... Decisions>
struct decided : Prediction {
  static constexpr std::string_view decision = Decision.view();  ///< name of the member that holds the decision
  /// Names of the decisions.
  static constexpr std::array<std::string_view, sizeof...(Decisions)> decisions{Decisions.view()...};
  /// Of all members: those of the prediction, then the decision.
  static constexpr auto members = [] {
    constexpr std::size_t before = std::span<const std::string_view>(Prediction::names).size();
    std::array<std::string_view, before + 1> all{};
    for (std::size_t i = 0; i < before; ++i) all[i] = Prediction::names[i];
    all[before] = decision;
    return all;
  }();
  static_assert(sizeof...(Decisions) >= 2 && sizeof...(Decisions) <= max_decisions,
                "tabscore: a service declares 2 to 64 decisions");
  static_assert(detail::distinct(decisions), "tabscore: two decisions have the same name");
  static_assert(((!Decisions.view().empty()) && ...), "tabscore: the name of a decision is empty");
  static_assert(detail::distinct(members), "tabscore: two members of a prediction have the same name");
  static_assert(std::count(members.begin(), members.end(), "policy") == 0,
                "tabscore: a log line calls the policy's hash \"policy\": declare another name for the member");
  static_assert(
      !requires { Prediction::decision; }, "tabscore: a prediction is decided once");
};

/// A declared prediction with decisions.
template <class T>
concept decided_type = prediction_type<T> && requires {
  { T::decision } -> std::convertible_to<std::string_view>;
  std::span<const std::string_view>(T::decisions);
};

/// The names of its decisions; empty without declared decisions.
template <prediction_type Prediction>
constexpr std::span<const std::string_view> decisions_of() noexcept {
  if constexpr (decided_type<Prediction>) return Prediction::decisions;
  return {};
}

/// The names of the members of an answer.
template <prediction_type Prediction>
constexpr std::span<const std::string_view> members_of() noexcept {
  if constexpr (decided_type<Prediction>) {
    return Prediction::members;
  } else {
    return Prediction::names;
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
