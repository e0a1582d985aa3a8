// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "../expr/rule.hpp"
#include "../json/decode.hpp"
#include "../models/predictions.hpp"
#include "../schema/field_error.hpp"
#include "workspace.hpp"

namespace tabscore {

/// What a body is: {"records": [{...}, ...]}, or one record.
enum class body_shape { records, record };

/// What came of a body. Predictions live in the workspace, a syntax error points into the body.
using outcome = std::variant<predictions, validation_errors, broken_rule, syntax_error, unreadable, refused>;

/// What a decoder found to be wrong with a body, or nothing.
template <schema_type Schema, class Policy>
std::optional<outcome> what_is_wrong(decode_status status, const workspace<Schema, Policy>& w) {
  switch (status) {
    case decode_status::decoded:
      break;
    case decode_status::invalid:
      return w.decoder.faults().errors;
    case decode_status::broken:
      return w.decoder.syntax();
    case decode_status::unreadable:
      return w.decoder.why();
  }
  return std::nullopt;
}

/// Decodes a body into the workspace's records; what is wrong with it, or nothing. The records' texts point into the
/// body, which must stay until they are scored.
template <schema_type Schema, class Policy>
std::optional<outcome> read_json(simdjson::padded_string_view body, workspace<Schema, Policy>& w,
                                 body_shape shape = body_shape::records,
                                 const std::type_identity_t<decode_progress<Schema>>& progress = {}) {
  return what_is_wrong(
      shape == body_shape::records ? w.decoder.records(body, w.records, progress) : w.decoder.record(body, w.records),
      w);
}

/// The same of a body without padding.
template <unpadded_body Body, schema_type Schema, class Policy>
std::optional<outcome> read_json(const Body& body, workspace<Schema, Policy>& w, body_shape shape = body_shape::records,
                                 const std::type_identity_t<decode_progress<Schema>>& progress = {}) {
  return read_json(detail::padded_copy(body, w.body), w, shape, progress);
}

/// What came of the body that scored records are from.
inline outcome outcome_of(const score_outcome& scored, body_shape shape = body_shape::records) {
  if (const auto* none = std::get_if<unscorable>(&scored)) {
    const auto row = static_cast<std::uint32_t>(none->row);
    return validation_errors{{shape == body_shape::records ? row : field_error::no_row, none->field, none->what, {}}};
  }
  if (const auto* broken = std::get_if<broken_rule>(&scored)) return *broken;
  if (std::holds_alternative<refused>(scored)) return refused{};
  return std::get<predictions>(scored);
}

/// Scores the records that read_json() left in the workspace, as far as `run` (a pipeline's scoring, of w.x) has not
/// done so already. All of them are predicted and the sinks told, or none.
template <class Scoring, schema_type Schema, class Policy>
outcome finish_records(Scoring& run, workspace<Schema, Policy>& w, body_shape shape = body_shape::records) {
  // Infinite values pass as values of their fields, so that a broken rule is the first thing said of them.
  if (const auto& infinite = w.decoder.faults().not_finite; !infinite.empty()) {
    if (const auto broken = run.rules().first_broken(w.records.view())) return *broken;
    return infinite;
  }
  return outcome_of(run.finish(w.records), shape);
}

/// The same for records of which none has been scored.
template <class Pipeline, schema_type Schema, class Policy>
outcome score_records(const Pipeline& pipe, workspace<Schema, Policy>& w, body_shape shape = body_shape::records) {
  typename Pipeline::scoring run(pipe, w.x);
  return finish_records(run, w, shape);
}

/// From a body's bytes to predictions, or to all that is wrong with it. Nothing is counted or logged unless all of it
/// is predicted. The body is a simdjson::padded_string or a view of one; any other text (std::string, a literal) is
/// copied into the workspace first. Safe to call from many threads with one pipeline, each with its own workspace.
template <class Pipeline, schema_type Schema, class Policy>
outcome score_json(const Pipeline& pipe, simdjson::padded_string_view body, workspace<Schema, Policy>& w,
                   body_shape shape = body_shape::records) {
  typename Pipeline::scoring run(pipe, w.x);
  auto add = [&](const columns<Schema>& records) { run.add(records); };
  if (auto wrong = read_json(body, w, shape, add)) return *std::move(wrong);
  return finish_records(run, w, shape);
}
template <class Pipeline, unpadded_body Body, schema_type Schema, class Policy>
outcome score_json(const Pipeline& pipe, const Body& body, workspace<Schema, Policy>& w,
                   body_shape shape = body_shape::records) {
  return score_json(pipe, detail::padded_copy(body, w.body), w, shape);
}

}  // namespace tabscore
