// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../json/tensor_decoder.hpp"
#include "score_request.hpp"

namespace tabscore {

/// score_request() of an inference request. One that is malformed, or asks for an output that is not among `outputs`
/// (the names of those there are), is an error with a sentence.
template <class Pipeline, schema_type Schema, class Observer = no_observer>
outcome score_tensors(const Pipeline* pipe, std::string_view body, tensor_decoder<Schema>& decoder,
                      batch<Schema>& records, score_buffers& buffers, std::span<const std::string_view> outputs,
                      Observer&& observer = {}) {
  const auto decode = [&](const auto&, bool) -> std::optional<outcome> {
    const tensor_status status = decoder.read(body, records);
    if (status == tensor_status::malformed) return error{errc::structure, decoder.problem()};
    for (const std::string& name : decoder.outputs()) {
      if (std::find(outputs.begin(), outputs.end(), name) != outputs.end()) continue;
      return error{errc::structure,
                   "This model has no output '" + name.substr(0, name.size() <= 200 ? name.size() : 0) + "'."};
    }
    if (status == tensor_status::invalid) return decoder.faults().errors;
    return std::nullopt;
  };
  const detail::decoded_request<Schema> from{records, buffers, decoder.faults()};
  return detail::score_request(pipe, from, {}, observer, decode);
}

}  // namespace tabscore
