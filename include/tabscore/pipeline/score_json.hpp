// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "../core/config.hpp"
#include "../json/decode.hpp"
#include "../json/padded_text.hpp"
#include "score_request.hpp"
#include "workspace.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
/// The outcome of a body without records, or nothing.
std::optional<outcome> decode_failure(decode_status status, const decode_faults& faults, const syntax_error& syntax,
                                      unreadable why);
}  // namespace detail

/// The outcome of a body without records, or nothing.
template <schema_type Schema, class Policy>
std::optional<outcome> decode_failure(decode_status status, const decoder<Schema, Policy>& from) {
  return detail::decode_failure(status, from.faults(), from.syntax(), from.why());
}

/// Decodes a body into the workspace's records; the outcome if it has errors, or nothing. The records' texts point into
/// the body, which must stay until they are scored.
template <schema_type Schema, class Policy>
std::optional<outcome> read_json(padded_text body, workspace<Schema, Policy>& w,
                                 body_shape shape = body_shape::records) {
  return decode_failure(
      shape == body_shape::records ? w.decoder.records(body, w.records) : w.decoder.record(body, w.records), w.decoder);
}
/// The same of a body without padding, which is copied into the workspace.
template <unpadded_body Body, schema_type Schema, class Policy>
std::optional<outcome> read_json(const Body& body, workspace<Schema, Policy>& w,
                                 body_shape shape = body_shape::records) {
  return read_json(detail::padded_copy(body, w.body), w, shape);
}

namespace detail {
template <schema_type Schema, class Policy>
struct json_request {
  padded_text body;
  workspace<Schema, Policy>& w;
  body_shape shape;
  decode_status status{};

  bool read(const decode_progress<Schema>& progress, bool some) {
    status = shape == body_shape::records ? w.decoder.records(body, w.records, progress, some)
                                          : w.decoder.record(body, w.records);
    return status == decode_status::decoded;
  }
  outcome failure() const { return *tabscore::decode_failure(status, w.decoder); }
};
}  // namespace detail

/// Scores a body: predictions, or all its errors. Without a pipeline (nullptr) the body is only
/// validated, as a whole. The body is a simdjson::padded_string or a view of one; other texts
/// (std::string, a literal) are copied into the workspace. Thread-safe with one pipeline and a workspace
/// per thread.
template <class Pipeline, schema_type Schema, class Policy, class Observer = no_observer>
outcome score_request(const Pipeline* pipe, padded_text body, workspace<Schema, Policy>& w,
                      const request_options& options = {}, Observer&& observer = {}) {
  const detail::decoded_request<Schema> from{w.records, w.buffers, w.decoder.faults(), w.decoder.limits().max_errors};
  return detail::score_request(pipe, from, options, observer,
                               detail::json_request<Schema, Policy>{body, w, options.shape});
}
/// The same of a body without padding, which is copied into the workspace.
template <class Pipeline, unpadded_body Body, schema_type Schema, class Policy, class Observer = no_observer>
outcome score_request(const Pipeline* pipe, const Body& body, workspace<Schema, Policy>& w,
                      const request_options& options = {}, Observer&& observer = {}) {
  return score_request(pipe, detail::padded_copy(body, w.body), w, options, observer);
}

/// score_request() without options: all records are predicted, or none. Nothing is counted or logged unless the whole
/// body is predicted.
template <class Pipeline, class Body, schema_type Schema, class Policy>
outcome score_json(const Pipeline& pipe, const Body& body, workspace<Schema, Policy>& w,
                   body_shape shape = body_shape::records) {
  return score_request(&pipe, body, w, {.shape = shape});
}

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE std::optional<outcome> decode_failure(decode_status status, const decode_faults& faults,
                                                      const syntax_error& syntax, unreadable why) {
  switch (status) {
    case decode_status::decoded:
      break;
    case decode_status::invalid:
      return faults.errors;
    case decode_status::malformed:
      return syntax;
    case decode_status::unreadable:
      return why;
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
