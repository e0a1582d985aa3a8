// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "../../schema/batch.hpp"
#include "../outcome.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Which records of a batch cannot be scored. Notes in `found`, which has the position of each record in the request,
/// why.
class rejections {
 public:
  rejections(std::size_t rows, std::size_t max_errors, partial_predictions& found);

  /// `wrong` are errors of records that may be in the batch, ascending by row.
  void note_invalid(std::span<const field_error> wrong);
  void note_broken(std::size_t rule, std::size_t at, std::string_view message);
  void note_unscorable(const unscorable& u);

  /// An entry for each record of the batch: 0 where it cannot be scored.
  std::span<const std::uint8_t> valid() const noexcept { return valid_; }
  /// These have been removed from the batch.
  void removed();
  /// Sorts the reasons, and keeps the predictions of the others.
  void finish(const score_outcome& scored);

 private:
  bool has_room();

  const std::size_t max_errors_;
  partial_predictions& found_;
  std::vector<std::uint8_t> valid_;
};

/// Removes the records of a batch that cannot be scored. Reasons rank: fields, then rules, then the model's.
template <class Pipeline, schema_type Schema>
class record_filter {
 public:
  record_filter(const Pipeline& pipe, batch<Schema>& records, score_buffers& buffers, std::size_t max_errors,
                partial_predictions& found)
      : pipe_(pipe), records_(records), buffers_(buffers), rejected_(records.rows(), max_errors, found) {}

  /// `wrong` are errors of records that may be in the batch, ascending by row.
  void remove_invalid(std::span<const field_error> wrong) {
    rejected_.note_invalid(wrong);
    remove();
    pipe_.rules().for_each([&](std::size_t index, const auto& rule) {
      rule.for_each_broken(records_.view(), [&](std::size_t i) {
        rejected_.note_broken(index, i, rule.message());
        return true;
      });
    });
    remove();
  }
  void remove_unscorable() {
    pipe_.for_each_unscorable(records_, buffers_, [&](const unscorable& u) { rejected_.note_unscorable(u); });
    remove();
  }
  void finish(const score_outcome& scored) { rejected_.finish(scored); }

 private:
  void remove() {
    records_.filter(rejected_.valid());
    rejected_.removed();
  }

  const Pipeline& pipe_;
  batch<Schema>& records_;
  score_buffers& buffers_;
  rejections rejected_;
};

/// Scores the records of a batch that can be scored as one batch: each gets the bits that it has alone, and the sinks
/// are called once. On entry `found` has the position of each record in the request and the errors of records that are
/// not in the batch; `wrong`: see record_filter.
template <class Pipeline, schema_type Schema>
score_outcome score_valid(const Pipeline& pipe, batch<Schema>& records, score_buffers& buffers,
                          const batch_options& options, std::span<const field_error> wrong, std::size_t max_errors,
                          partial_predictions& found) {
  record_filter filter(pipe, records, buffers, max_errors, found);
  filter.remove_invalid(wrong);
  score_outcome scored = pipe.score(records, buffers, options);
  if (std::holds_alternative<unscorable>(scored)) {
    filter.remove_unscorable();
    scored = pipe.score(records, buffers, options);
  }
  filter.finish(scored);
  return scored;
}

/// The positions of all records of a list but the bad ones, which are ascending.
std::vector<std::uint32_t> positions(std::size_t records, std::span<const std::uint32_t> bad_rows = {});

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE rejections::rejections(std::size_t rows, std::size_t max_errors, partial_predictions& found)
    : max_errors_(max_errors), found_(found), valid_(rows, 1) {}

TABSCORE_INLINE void rejections::note_invalid(std::span<const field_error> wrong) {
  for (auto at = found_.rows.begin(); const field_error& e : wrong) {
    if (has_room()) found_.errors.push_back(e);
    at = std::lower_bound(at, found_.rows.end(), e.row);
    if (at != found_.rows.end() && *at == e.row) valid_[static_cast<std::size_t>(at - found_.rows.begin())] = 0;
  }
}
TABSCORE_INLINE void rejections::note_broken(std::size_t rule, std::size_t at, std::string_view message) {
  valid_[at] = 0;
  if (has_room()) found_.broken.push_back({rule, found_.rows[at], message});
}
TABSCORE_INLINE void rejections::note_unscorable(const unscorable& u) {
  valid_[u.row] = 0;
  if (has_room()) found_.errors.push_back({found_.rows[u.row], u.field, u.what, {}});
}

TABSCORE_INLINE bool rejections::has_room() {
  if (found_.errors.size() + found_.broken.size() < max_errors_) return true;
  ++found_.unlisted;
  return false;
}

TABSCORE_INLINE void rejections::removed() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < valid_.size(); ++i) {
    if (valid_[i] != 0) found_.rows[kept++] = found_.rows[i];
  }
  found_.rows.resize(kept);
  valid_.assign(kept, 1);
}

TABSCORE_INLINE void rejections::finish(const score_outcome& scored) {
  std::stable_sort(found_.errors.begin(), found_.errors.end(), [](const field_error& a, const field_error& b) {
    return std::tie(a.row, a.field) < std::tie(b.row, b.field);
  });
  std::stable_sort(found_.broken.begin(), found_.broken.end(),
                   [](const broken_rule& a, const broken_rule& b) { return a.row < b.row; });
  if (const auto* p = std::get_if<predictions>(&scored)) found_.scores = *p;
}

TABSCORE_INLINE std::vector<std::uint32_t> positions(std::size_t records, std::span<const std::uint32_t> bad_rows) {
  std::vector<std::uint32_t> rows;
  rows.reserve(records - bad_rows.size());
  std::uint32_t row = 0;
  for (const std::uint32_t bad : bad_rows) {
    while (row < bad) rows.push_back(row++);
    ++row;
  }
  while (row < records) rows.push_back(row++);
  return rows;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
