// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../formats/error_text.hpp"
#include "../schema/batch.hpp"
#include "detail/score_valid.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Scores the valid records of a table as one batch, and gives a sentence for each other record (pipeline::score()
/// scores all records or none). Scores are bit-identical to scoring each record alone; the sinks are called once.
/// Refers to the pipeline, reuses its memory; one per thread.
template <class Pipeline>
class row_scorer {
  using schema = typename Pipeline::schema_t;

 public:
  /// The pipeline must outlive it.
  explicit row_scorer(const Pipeline& pipe) : pipe_(pipe) {}

  /// `errors` are those of the records' fields, in row order, as in validate() and column_importer::check(). The
  /// predictions are valid until the next call.
  row_predictions score(const columns<schema>& records, std::span<const field_error> errors) {
    typename Pipeline::scoring run(pipe_, buffers_);
    return finish(run, records, errors);
  }

  /// The same for records some of which `run`, of the same pipeline, has scored already; buffers() are its buffers.
  row_predictions finish(typename Pipeline::scoring& run, const columns<schema>& records,
                         std::span<const field_error> errors) {
    faults_.clear();
    reasons_.clear();
    partial_predictions found;
    score_outcome scored = unscorable{};
    if (errors.empty()) scored = run.finish(records);
    if (const auto* p = std::get_if<predictions>(&scored)) return {*p, {}};
    const std::size_t rows = records.rows();
    found.rows = detail::positions(rows);
    if (!std::holds_alternative<refused>(scored)) {
      valid_.clear();
      valid_.append_views(records);
      scored = detail::score_valid(pipe_, valid_, buffers_, {}, errors, SIZE_MAX, found);
    }
    const bool predicted = std::holds_alternative<predictions>(scored);
    spread(rows, found, predicted);
    describe_faults(rows, found, predicted);
    return {all_, faults_};
  }

  /// What finish() scores in.
  score_buffers& buffers() noexcept { return buffers_; }

 private:
  /// The predictions of some records at the places of all.
  void spread(std::size_t rows, const partial_predictions& found, bool predicted) {
    const predictions& some = found.scores;
    const std::size_t columns = pipe_.layout().model.columns;
    values_.assign(rows * columns, std::numeric_limits<double>::quiet_NaN());
    label_.assign(rows, 0);
    class_at_.assign(rows, 0);
    if (!pipe_.layout().decisions.empty()) decision_.assign(rows, 0);
    for (std::size_t i = 0; predicted && i < found.rows.size(); ++i) {
      const std::size_t to = found.rows[i];
      const auto row = some.value.row(i);
      std::copy(row.begin(), row.end(), values_.begin() + static_cast<std::ptrdiff_t>(to * columns));
      if (!some.label.empty()) label_[to] = some.label[i];
      if (!some.class_at.empty()) class_at_[to] = some.class_at[i];
      if (!some.decision_at.empty()) decision_[to] = some.decision_at[i];
    }
    all_ = predictions(pipe_.layout(), {values_, columns}, label_, class_at_, pipe_.model().threshold(), decision_);
  }

  void describe_faults(std::size_t rows, const partial_predictions& found, bool predicted) {
    std::vector<std::size_t> ends;  // of the sentences in reasons_, which moves while it grows
    auto e = found.errors.begin();
    auto broken = found.broken.begin();
    auto valid = found.rows.begin();
    for (std::size_t row = 0; row < rows; ++row) {
      if (valid != found.rows.end() && *valid == row) {
        ++valid;
        if (predicted) continue;
        reasons_.append(refused_detail);
      }
      const auto first = e;
      while (e != found.errors.end() && e->row == row) ++e;
      describe(reasons_, std::span(first, e), schema::names);
      for (std::string_view before; broken != found.broken.end() && broken->row == row; ++broken, before = "; ") {
        reasons_.append(before);
        reasons_.append(broken->message);
      }
      faults_.push_back({row, {}});
      ends.push_back(reasons_.size());
    }
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends.size(); begin = ends[i++]) {
      faults_[i].reason = reasons_.view().substr(begin, ends[i] - begin);
    }
  }

  const Pipeline& pipe_;
  score_buffers buffers_;
  batch<schema> valid_;
  std::vector<double> values_;
  std::vector<std::uint8_t> label_;
  std::vector<std::uint32_t> class_at_;
  std::vector<std::uint8_t> decision_;
  predictions all_;
  std::vector<row_fault> faults_;
  text_buffer reasons_;
};

}  // namespace tabscore::inline TABSCORE_ABI
