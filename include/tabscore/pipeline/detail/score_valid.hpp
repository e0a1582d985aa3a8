// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "../../schema/batch.hpp"
#include "../outcome.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Removes the records that cannot be scored from a batch, notes why, and scores the others as one batch: each gets
/// the bits that it has alone, and the sinks are called once. On entry `found` has the position of each record in the
/// request and the errors of records that are not in the batch; `wrong` are errors of records that may be in it,
/// ascending by row. Reasons rank: fields, then rules, then the model's.
template <class Pipeline, schema_type Schema>
score_outcome score_valid(const Pipeline& pipe, batch<Schema>& records, score_buffers& buffers,
                          std::span<const field_error> wrong, std::size_t max_errors, partial_predictions& found) {
  std::vector<std::uint8_t> valid(records.rows(), 1);
  const auto list = [&](auto& to, const auto& reason) {
    if (found.errors.size() + found.broken.size() < max_errors) {
      to.push_back(reason);
    } else {
      ++found.unlisted;
    }
  };
  const auto remove = [&] {
    records.filter(valid);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < valid.size(); ++i) {
      if (valid[i] != 0) found.rows[kept++] = found.rows[i];
    }
    found.rows.resize(kept);
    valid.assign(kept, 1);
  };

  for (auto at = found.rows.begin(); const field_error& e : wrong) {
    list(found.errors, e);
    at = std::lower_bound(at, found.rows.end(), e.row);
    if (at != found.rows.end() && *at == e.row) valid[static_cast<std::size_t>(at - found.rows.begin())] = 0;
  }
  remove();
  pipe.rules().for_each([&](std::size_t index, const auto& rule) {
    rule.for_each_broken(records.view(), [&](std::size_t i) {
      valid[i] = 0;
      list(found.broken, broken_rule{index, found.rows[i], rule.message()});
      return true;
    });
  });
  remove();
  score_outcome scored = pipe.score(records, buffers);
  if (std::holds_alternative<unscorable>(scored)) {
    pipe.for_each_unscorable(records, buffers, [&](const unscorable& u) {
      valid[u.row] = 0;
      list(found.errors, field_error{found.rows[u.row], u.field, u.what, {}});
    });
    remove();
    scored = pipe.score(records, buffers);
  }
  std::stable_sort(found.errors.begin(), found.errors.end(), [](const field_error& a, const field_error& b) {
    return std::tie(a.row, a.field) < std::tie(b.row, b.field);
  });
  std::stable_sort(found.broken.begin(), found.broken.end(),
                   [](const broken_rule& a, const broken_rule& b) { return a.row < b.row; });
  if (const auto* p = std::get_if<predictions>(&scored)) found.scores = *p;
  return scored;
}

/// The positions of all records of a list but the bad ones, which are ascending.
inline std::vector<std::uint32_t> positions(std::size_t records, std::span<const std::uint32_t> bad_rows = {}) {
  std::vector<std::uint32_t> rows;
  rows.reserve(records - bad_rows.size());
  for (std::uint32_t row = 0, bad = 0; row < records; ++row) {
    if (bad < bad_rows.size() && bad_rows[bad] == row) {
      ++bad;
    } else {
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
