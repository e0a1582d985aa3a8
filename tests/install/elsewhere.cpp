// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "first_prediction.hpp"

bool same_elsewhere(const ts::batch<applicant>& batch, std::span<const double> probability) {
  const std::string text = fmt::format("{}", probability[0]);  // fmt and simdjson came along, to compile and to link
  if (!simdjson::validate_utf8(text)) return false;
  const ts::pipeline pipe{applicant{}, rules, features, model()};
  ts::score_buffers buffers;
  const auto outcome = pipe.score(batch, buffers);
  const auto* scores = std::get_if<ts::predictions>(&outcome);
  return scores != nullptr && std::ranges::equal(scores->probability, probability);
}
