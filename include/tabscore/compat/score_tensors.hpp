// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../pipeline/score_request.hpp"
#include "tensor_decoder.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Additional outputs that a request can select: those of prediction_tensors.hpp.
inline constexpr std::string_view error_output = "error";
/// The same of contributions.
inline constexpr std::string_view contributions_output = "contributions";

namespace detail {
template <schema_type Schema>
struct tensor_request {
  tensor_decoder<Schema>& decoder;
  batch<Schema>& records;
  std::string problem{};

  bool read(const decode_progress<Schema>&, bool some) {
    if (!problem.empty()) {
      records.clear();
      return false;
    }
    const tensor_status status = decoder.records(records, some);
    if (status == tensor_status::malformed) problem = decoder.problem();
    return status == tensor_status::decoded;
  }
  outcome failure() const {
    if (!problem.empty()) return error{errc::structure, problem};
    return decoder.faults().errors;
  }
};

/// The error of the selected outputs, by name or by option; empty: valid.
inline std::string wrong_output(std::span<const std::string> asked, std::span<const std::string_view> declared,
                                const request_options& options) {
  const auto has = [&](std::string_view name) {
    return std::find(declared.begin(), declared.end(), name) != declared.end();
  };
  const bool skips = options.on_error == on_error::skip;
  for (const auto& [wanted, extra] :
       {std::pair(skips, error_output), std::pair(options.explain, contributions_output)}) {
    if (wanted && has(extra)) {
      return "The prediction has a member '" + std::string(extra) + "', so that there is no output of this name.";
    }
  }
  for (const std::string& name : asked) {
    if (has(name) || (skips && name == error_output) || (options.explain && name == contributions_output)) continue;
    return "This model has no output '" + name.substr(0, name.size() <= 200 ? name.size() : 0) + "'.";
  }
  return {};
}
}  // namespace detail

/// score_request() of an inference request, with what its parameters ask for besides the options. One that is
/// malformed, or asks for an output that is neither among `outputs` (the names of the prediction's members) nor one of
/// those of its options, is an error with a sentence.
template <class Pipeline, schema_type Schema, class Observer = no_observer>
outcome score_tensors(const Pipeline* pipe, std::string_view body, tensor_decoder<Schema>& decoder,
                      batch<Schema>& records, score_buffers& buffers, std::span<const std::string_view> outputs,
                      request_options options = {}, Observer&& observer = {}) {
  const detail::decoded_request<Schema> from{records, buffers, decoder.faults(), decoder.limits().max_errors};
  detail::tensor_request<Schema> request{decoder, records};
  if (decoder.open(body)) {
    if (decoder.skips()) options.on_error = on_error::skip;
    options.explain = options.explain || decoder.explains();
    request.problem = detail::wrong_output(decoder.outputs(), outputs, options);
  } else {
    request.problem = decoder.problem();
  }
  return detail::score_request(pipe, from, options, observer, request);
}

}  // namespace tabscore::inline TABSCORE_ABI
