// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/distinct.hpp"
#include "../core/detail/exclusive.hpp"
#include "../core/result.hpp"
#include "../expr/rule.hpp"
#include "../features/features.hpp"
#include "../models/scorer.hpp"
#include "../monitor/sink.hpp"
#include "../outputs/decider.hpp"
#include "../outputs/decision_policy.hpp"
#include "../outputs/match.hpp"
#include "../outputs/prediction.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/reasons.hpp"
#include "../schema/columns.hpp"
#include "batch_options.hpp"
#include "batch_scoring.hpp"
#include "detail/record_model.hpp"
#include "score_buffers.hpp"
#include "score_outcome.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;
template <class T>
inline constexpr bool is_rules = false;
template <class... Rule>
inline constexpr bool is_rules<rules<Rule...>> = true;
template <class T>
inline constexpr bool is_features = false;
template <class... Feature>
inline constexpr bool is_features<features<Feature...>> = true;
template <class T>
inline constexpr bool is_sinks = false;
template <class... Sink>
inline constexpr bool is_sinks<sinks<Sink...>> = true;
}  // namespace detail

/// Scores batches: rules, features, scorer, decisions where the prediction declares some, sinks. Immutable: threads
/// share it, each with its own score_buffers. Refers to its sinks, which must outlive it; owns everything else. Accepts
/// models of the declared prediction only.
template <schema_type Schema, class Rules, class Features, class Model, class Sinks = sinks<>,
          prediction_type Prediction = binary<>>
class pipeline {
  using records_model = detail::record_model<Schema, Features, Model, Prediction>;
  friend class batch_scoring<pipeline>;

  static_assert(detail::is_rules<std::remove_const_t<Rules>>,
                "tabscore: the argument after the schema is ts::rules{...}");
  static_assert(detail::is_features<std::remove_const_t<Features>>,
                "tabscore: the argument after the rules is ts::features{...}");
  static_assert(!detail::is_result<Model>,
                "tabscore: a pipeline takes a model, not a result that may hold an error: check it and give *model");
  static_assert(detail::is_result<Model> || scorer<Model>,
                "tabscore: a model has features(), threshold() and score(block, scratch, probability), all const");
  static_assert(detail::is_sinks<std::remove_const_t<Sinks>>,
                "tabscore: the argument after the model is ts::sinks{a, b}");
  static_assert(Sinks::template fit<Schema, Features::template width<Schema>>);
  static_assert(detail::distinct(Features::template names<Schema>()), "tabscore: two features have the same name");

 public:
  /// The schema of its records.
  using schema_t = Schema;
  /// The declared prediction.
  using prediction_t = Prediction;
  /// The model.
  using model_t = Model;
  /// Numeric features of a record.
  static constexpr std::size_t width = Features::template width<Schema>;
  /// A batch in progress, for records that arrive in parts.
  using scoring = batch_scoring<pipeline>;

  /// As make_pipeline(...).value(): a model that was trained on other features throws (aborts without exceptions).
  pipeline(Schema, Rules r, Features f, Model m, Sinks s = Sinks{}, Prediction = {},
           const std::optional<decision_policy>& policy = std::nullopt)
      : pipeline(make(std::move(r), std::move(f), std::move(m), std::move(s), policy).value()) {}

  /// The same with the error as a value: it names the feature on which model and pipeline disagree, by name or, where
  /// the model file has raw rows, by value. A policy requires a prediction that declares decisions.
  static result<pipeline> make(Rules r, Features f, Model m, Sinks s,
                               const std::optional<decision_policy>& policy = std::nullopt) {
    if (auto wrong = wrong_outputs(outputs_of(m), Prediction::task, Prediction::columns, Prediction::names)) {
      return *std::move(wrong);
    }
    pipeline p(checked{}, std::move(r), std::move(f), std::move(m), std::move(s), policy);
    if (auto wrong = p.bind(policy)) return *std::move(wrong);
    if (auto wrong = p.model_.match()) return *std::move(wrong);
    return p;
  }

  /// The same with other sinks.
  pipeline(const pipeline& other, Sinks s)
      : rules_(other.rules_),
        model_(other.model_),
        sinks_(std::move(s)),
        layout_(other.layout_),
        reasons_(other.reasons_),
        decider_(other.decider_) {}

  /// The rules, which are checked before the model scores.
  const Rules& rules() const noexcept { return rules_; }
  /// The engineered features.
  const Features& features() const noexcept { return model_.features(); }
  /// The model.
  const Model& model() const noexcept { return model_.model(); }
  /// The names and classes of the predictions; it lives as long as a copy of the pipeline.
  const prediction_layout& layout() const noexcept { return *layout_; }
  /// The finder of reasons, or nullptr.
  const reason_finder* reasons() const noexcept { return reasons_.get(); }
  /// Sets the finder of reasons, for batch_options::reasons; call it before threads share the pipeline.
  /// give_reasons.hpp makes the finder of a policy.
  void give_reasons(reason_finder finder) requires explainable<Model> {
    reasons_ = std::make_shared<const reason_finder>(std::move(finder));
  }

  /// Scores all records or none. The records must be valid; rules are checked here. The sinks receive the predictions,
  /// which live in the buffers. An empty batch gives empty predictions without a call of a sink.
  score_outcome score(const columns<Schema>& records, score_buffers& buffers,
                      const batch_options& options = batch_options()) const {
    return scoring(*this, buffers, options).finish(records);
  }

  /// Contributions of each feature of the model to each record's margins (binary: its log-odds): rows x columns x
  /// (model().features().size() + 1), row-major, the base value of a column last; they add up to the column's margin.
  /// Usually called after score(), for the same records; calls no sink. Lives in the buffers until the next call. An
  /// error when the model has no contributions.
  result<std::span<const double>> explain(const columns<Schema>& records,
                                          score_buffers& buffers) const requires explainable<Model> {
    if (const error* const reason = model().explain_error()) return *reason;
    const detail::exclusive::hold hold(buffers.user);
    return model_.contributions(records, buffers);
  }

  /// Calls f(unscorable) for each unscorable record, in their order. Calls no sink.
  template <class F>
  void for_each_unscorable(const columns<Schema>& records, score_buffers& buffers, F&& f) const {
    const detail::exclusive::hold hold(buffers.user);
    model_.for_each_unscorable(records, buffers, std::forward<F>(f));
  }

 private:
  using observation = typename Sinks::template observation<Schema, width>;
  static constexpr bool has_decisions = decided_type<Prediction>;

  struct checked {};
  pipeline(checked, Rules r, Features f, Model m, Sinks s, const std::optional<decision_policy>& policy)
      : rules_(std::move(r)),
        model_(std::move(f), std::move(m)),
        sinks_(std::move(s)),
        layout_(detail::make_layout(Prediction::names, outputs_of(model()), decisions(policy))) {}

  static decision_layout decisions([[maybe_unused]] const std::optional<decision_policy>& policy) {
    decision_layout declared;
    if constexpr (has_decisions) {
      declared = {Prediction::decision, Prediction::decisions, policy ? policy->sha256 : std::string()};
    }
    return declared;
  }
  /// Makes the decider; returns the error of the policy, if any.
  std::optional<error> bind(const std::optional<decision_policy>& policy) {
    if constexpr (has_decisions) {
      if (!policy || policy->sha256.empty()) {
        return error{errc::mismatch,
                     "the prediction declares decisions, and there is no policy that makes them: give it one of "
                     "load_policy() or parse_policy()"};
      }
      auto bound = decider<Schema>::make(*policy, *layout_);
      if (!bound) return bound.error();
      decider_ = *std::move(bound);
    } else if (policy) {
      return error{errc::mismatch,
                   policy->path + ": the prediction declares no decisions: declare ts::decided<...> for a policy"};
    }
    return std::nullopt;
  }

  Rules rules_;
  records_model model_;
  Sinks sinks_;
  std::shared_ptr<const prediction_layout> layout_;
  std::shared_ptr<const reason_finder> reasons_;
  struct no_decider {};
  [[no_unique_address]] std::conditional_t<has_decisions, decider<Schema>, no_decider> decider_;
};

/// A pipeline with deduced types; an error when the model does not fit its features or prediction.
template <schema_type Schema, class Rules, class Features, class Model, class Sinks = sinks<>,
          prediction_type Prediction = binary<>>
result<pipeline<Schema, Rules, Features, Model, Sinks, Prediction>> make_pipeline(
    Schema, Rules r, Features f, Model m, Sinks s = Sinks{}, Prediction = {},
    const std::optional<decision_policy>& policy = std::nullopt) {
  return pipeline<Schema, Rules, Features, Model, Sinks, Prediction>::make(std::move(r), std::move(f), std::move(m),
                                                                           std::move(s), policy);
}

}  // namespace tabscore::inline TABSCORE_ABI
