// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../pipeline/score_request.hpp"
#include "tensor_decoder.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
template <schema_type Schema>
struct tensor_request {
  std::string_view body;
  tensor_decoder<Schema>& decoder;
  batch<Schema>& records;
  std::span<const std::string_view> outputs;
  std::string problem{};

  bool read(const decode_progress<Schema>&, bool) {
    const tensor_status status = decoder.read(body, records);
    if (status == tensor_status::malformed) problem = decoder.problem();
    for (const std::string& name : decoder.outputs()) {
      if (!problem.empty() || std::find(outputs.begin(), outputs.end(), name) != outputs.end()) continue;
      problem = "This model has no output '" + name.substr(0, name.size() <= 200 ? name.size() : 0) + "'.";
    }
    return problem.empty() && status == tensor_status::decoded;
  }
  outcome failure() const {
    if (!problem.empty()) return error{errc::structure, problem};
    return decoder.faults().errors;
  }
};
}  // namespace detail

/// score_request() of an inference request. One that is malformed, or asks for an output that is not among `outputs`
/// (the names of those there are), is an error with a sentence.
template <class Pipeline, schema_type Schema, class Observer = no_observer>
outcome score_tensors(const Pipeline* pipe, std::string_view body, tensor_decoder<Schema>& decoder,
                      batch<Schema>& records, score_buffers& buffers, std::span<const std::string_view> outputs,
                      Observer&& observer = {}) {
  const detail::decoded_request<Schema> from{records, buffers, decoder.faults()};
  return detail::score_request(pipe, from, {}, observer,
                               detail::tensor_request<Schema>{body, decoder, records, outputs});
}

}  // namespace tabscore::inline TABSCORE_ABI
