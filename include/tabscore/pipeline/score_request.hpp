// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "../core/config.hpp"
#include "../json/decode_progress.hpp"
#include "../json/reference.hpp"
#include "../models/scorer.hpp"
#include "detail/score_valid.hpp"
#include "outcome.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Whether a bad record fails its list or is left out. A body with one record always fails.
enum class on_error { fail, skip };

/// Options of a request.
struct request_options {
  body_shape shape = body_shape::records;                  ///< whether the body is a list of records or a single one
  tabscore::on_error on_error = tabscore::on_error::fail;  ///< whether one bad record rejects the request
  bool explain = false;                                    ///< requests predictions::contributions
  std::size_t reasons = 0;               ///< requests up to this many predictions::reasons of each record
  std::string_view log_members = {};     ///< scored::log_members
  std::size_t max_explained = SIZE_MAX;  ///< records of a body that is explained; more are fault::max_items
};

/// The stages of a request; the caller writes the response.
enum class request_stage : std::uint8_t { decode, score, respond };

/// An observer of stages without cost. A measuring observer: lap(stage) assigns the time since the previous call to a
/// stage, discard(stage) drops the laps of a stage.
struct no_observer {
  /// The stage is over.
  static constexpr void lap(request_stage) noexcept {}
  /// The time of the stage does not count.
  static constexpr void discard(request_stage) noexcept {}
};

/// The outcome of a scored batch. An unscorable record is an error of the field that is the reason.
outcome outcome_of(const score_outcome& scored, body_shape shape = body_shape::records);

namespace detail {

/// Scores decoded records, as far as `run` has not done so already. All of them are predicted and the sinks called, or
/// none.
template <class Scoring, schema_type Schema>
outcome score_all(Scoring& run, const batch<Schema>& records, const decode_faults& faults, body_shape shape) {
  // Infinite values pass as values of their fields, so that a broken rule outranks them.
  if (!faults.not_finite.empty()) {
    if (const auto broken = run.rules().first_broken(records.view())) return *broken;
    return faults.not_finite;
  }
  return outcome_of(run.finish(records), shape);
}

/// Where a decoder leaves a request, and where it is scored.
template <schema_type Schema>
struct decoded_request {
  batch<Schema>& records;
  score_buffers& buffers;
  const decode_faults& faults;
  std::size_t max_errors = SIZE_MAX;
};

/// The positions of the decoded records.
partial_predictions decoded_rows(std::size_t rows, const decode_faults& faults);
/// The outcome of the valid ones of decoded records.
outcome outcome_of_some(const score_outcome& scored, partial_predictions&& found);

/// Scores the valid ones of decoded records.
template <class Pipeline, schema_type Schema>
outcome score_some(const Pipeline& pipe, typename Pipeline::scoring& run, const decoded_request<Schema>& from,
                   const batch_options& options) {
  partial_predictions found = decoded_rows(from.records.rows(), from.faults);
  score_outcome scored = unscorable{};
  if (from.faults.bad_rows.empty() && from.faults.not_finite.empty()) scored = run.finish(from.records);
  if (const auto* p = std::get_if<predictions>(&scored)) {
    found.scores = *p;
  } else if (!std::holds_alternative<refused>(scored)) {
    found.errors = from.faults.errors;
    found.unlisted = from.faults.unlisted;
    scored = score_valid(pipe, from.records, from.buffers, options, from.faults.not_finite, from.max_errors, found);
  }
  return outcome_of_some(scored, std::move(found));
}

/// The outcome of a request whose explanations are refused; nothing when they are not. `reason`: the model's error.
std::optional<outcome> refuse_explanation(const error* reason, bool has_reasons, std::size_t records,
                                          const request_options& options);
/// The predictions of an outcome, or nullptr.
predictions* predictions_in(outcome& result) noexcept;

/// Scores decoded records with the options that few requests have; out of line, so that they cost the others nothing.
template <class Pipeline, schema_type Schema>
[[gnu::noinline]] outcome score_with_options(const Pipeline& pipe, typename Pipeline::scoring& run,
                                             const decoded_request<Schema>& from, const request_options& options,
                                             bool some) {
  const bool asked = options.explain || options.reasons != 0;
  if (asked) {
    static const error none{errc::unsupported, "the model has no contributions"};
    const error* reason = &none;
    if constexpr (explainable<std::remove_cvref_t<decltype(pipe.model())>>) reason = pipe.model().explain_error();
    const std::size_t records = from.records.rows() + from.faults.bad_rows.size();
    if (auto refusal = refuse_explanation(reason, pipe.reasons() != nullptr, records, options))
      return *std::move(refusal);
  }
  outcome result = some ? score_some(pipe, run, from, {options.reasons, options.log_members})
                        : score_all(run, from.records, from.faults, options.shape);
  if constexpr (explainable<std::remove_cvref_t<decltype(pipe.model())>>) {
    auto* const p = options.explain ? predictions_in(result) : nullptr;
    if (p != nullptr) p->contributions = *pipe.explain(from.records, from.buffers);
  }
  return result;
}

/// Scores a request: JSON bodies, tensors and streams all end here. decoder.read(progress, some) fills the records, and
/// is false for a request that has none, whose outcome is then decoder.failure(); `some` says that bad records may be
/// left out of a list. Records are scored while they are decoded.
template <class Pipeline, schema_type Schema, class Decoder, class Observer>
outcome score_request(const Pipeline* pipe, const decoded_request<Schema>& from, const request_options& options,
                      Observer& observer, Decoder&& decoder) {
  if (pipe == nullptr) {
    const bool valid = decoder.read(decode_progress<Schema>(), false);
    observer.lap(request_stage::decode);
    return valid ? outcome(no_model{}) : decoder.failure();
  }
  const bool some = options.on_error == on_error::skip && options.shape == body_shape::records;
  typename Pipeline::scoring run(
      *pipe, from.buffers,
      {options.reasons, options.log_members});  // large: never in an optional, which g++ 12 would zero
  auto add = [&](const columns<Schema>& records) {
    observer.lap(request_stage::decode);
    run.add(records);
    observer.lap(request_stage::score);
  };
  const bool decoded = decoder.read(decode_progress<Schema>(add), some);
  observer.lap(request_stage::decode);
  if (!decoded) {
    observer.discard(request_stage::score);
    return decoder.failure();
  }
  struct lap_at_end {  // after the outcome, which is made where the caller wants it: moving it shows for small bodies
    Observer& observer;
    ~lap_at_end() { observer.lap(request_stage::score); }
  } const lap{observer};
  if (some || options.explain || options.reasons != 0) return score_with_options(*pipe, run, from, options, some);
  return score_all(run, from.records, from.faults, options.shape);
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE outcome outcome_of(const score_outcome& scored, body_shape shape) {
  if (const auto* none = std::get_if<unscorable>(&scored)) {
    const auto row = static_cast<std::uint32_t>(none->row);
    return validation_errors{{shape == body_shape::records ? row : field_error::no_row, none->field, none->what, {}}};
  }
  if (const auto* broken = std::get_if<broken_rule>(&scored)) return *broken;
  if (std::holds_alternative<refused>(scored)) return refused{};
  return std::get<predictions>(scored);
}

namespace detail {

TABSCORE_INLINE partial_predictions decoded_rows(std::size_t rows, const decode_faults& faults) {
  partial_predictions found;
  found.records = rows + faults.bad_rows.size();
  found.rows = positions(found.records, faults.bad_rows);
  return found;
}

TABSCORE_INLINE outcome outcome_of_some(const score_outcome& scored, partial_predictions&& found) {
  if (std::holds_alternative<refused>(scored)) return refused{};
  return std::move(found);
}

TABSCORE_INLINE std::optional<outcome> refuse_explanation(const error* reason, bool has_reasons, std::size_t records,
                                                          const request_options& options) {
  if (reason != nullptr) return *reason;
  if (options.reasons != 0 && !has_reasons) {
    return error{errc::unsupported, "there are no reasons: no policy file declares them"};
  }
  if (records <= options.max_explained) return std::nullopt;
  const auto most = static_cast<std::int64_t>(options.max_explained);
  return validation_errors{{.row = field_error::all_rows, .what = fault::max_items, .bound = most}};
}

TABSCORE_INLINE predictions* predictions_in(outcome& result) noexcept {
  if (auto* const partial = std::get_if<partial_predictions>(&result)) return &partial->scores;
  return std::get_if<predictions>(&result);
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
#endif
