// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "../core/text_buffer.hpp"
#include "../formats/error_text.hpp"
#include "../pipeline/pipeline.hpp"

namespace tabscore {

/// Scores each record for itself, where pipeline::score() takes all or none: for tables, in which one bad record must
/// not cost the others. A record's bits are those that it has alone. Good records between bad ones reach the sinks as
/// batches of their own. Refers to the pipeline, reuses its memory; one per thread.
template <class Pipeline, class Dialect = dialect::pydantic1>
class row_scorer {
  using schema = typename Pipeline::schema_t;

 public:
  explicit row_scorer(const Pipeline& pipe) : pipe_(pipe) {}

  /// `errors` are those of the records' fields, in row order, as validate() and lent_columns::check() give them. The
  /// predictions are valid until the next call.
  row_predictions score(const columns<schema>& records, std::span<const field_error> errors) {
    faults_.clear();
    if (errors.empty()) {
      const score_outcome all = pipe_.score(records, buffers_);
      if (const auto* p = std::get_if<predictions>(&all)) return {*p, {}};
    }
    return one_by_one(records, errors);
  }

 private:
  row_predictions one_by_one(const columns<schema>& records, std::span<const field_error> errors) {
    const std::size_t rows = records.rows();
    probability_.assign(rows, std::numeric_limits<double>::quiet_NaN());
    label_.assign(rows, 0);
    bad_.assign(rows, false);
    reasons_.clear();
    pieces_.clear();
    for (std::size_t i = 0; i < errors.size();) {
      const std::size_t row = errors[i].row;
      const std::size_t first = i;
      while (i < errors.size() && errors[i].row == row) ++i;
      add_fault(row, describe<Dialect>(errors.subspan(first, i - first), schema::names));
    }
    find_broken_rules(records);
    for (std::size_t begin = 0; begin < rows;) {
      if (bad_[begin]) {
        ++begin;
        continue;
      }
      std::size_t end = begin + 1;
      while (end < rows && !bad_[end]) ++end;
      score_run(records, begin, end);
      begin = end;
    }
    std::sort(pieces_.begin(), pieces_.end(), [](const piece& a, const piece& b) { return a.row < b.row; });
    for (const piece& p : pieces_) faults_.push_back({p.row, reasons_.view().substr(p.begin, p.end - p.begin)});
    return {{probability_, label_, pipe_.model().threshold()}, faults_};
  }

  // A rule says which record breaks it first. Asked piece by piece, it is evaluated a piece's length at most for each
  // record that breaks it.
  void find_broken_rules(const columns<schema>& records) {
    constexpr std::size_t step = 64;
    pipe_.rules().for_each([&](std::size_t, const auto& rule) {
      for (std::size_t first = 0; first < records.rows(); first += step) {
        const std::size_t last = (std::min)(first + step, records.rows());
        for (std::size_t begin = first; begin < last;) {
          const auto row = rule.first_broken(records.slice(begin, last - begin));
          if (!row) break;
          begin += *row;
          if (!bad_[begin]) add_fault(begin, rule.message());
          ++begin;
        }
      }
    });
  }

  void score_run(const columns<schema>& records, std::size_t begin, std::size_t end) {
    while (begin < end) {
      const score_outcome run = pipe_.score(records.slice(begin, end - begin), buffers_);
      if (const auto* p = std::get_if<predictions>(&run)) {
        std::copy(p->probability.begin(), p->probability.end(), probability_.begin() + offset(begin));
        std::copy(p->label.begin(), p->label.end(), label_.begin() + offset(begin));
        return;
      }
      if (const auto* none = std::get_if<unscorable>(&run)) {
        const std::size_t row = begin + none->row;
        const field_error e{field_error::no_row, none->field, none->what, {}};
        const bool unknown = none->field == field_error::no_field && none->what == fault::not_finite;
        add_fault(row,
                  unknown ? "the features give no probability" : describe<Dialect>(std::span(&e, 1), schema::names));
        score_run(records, begin, row);
        begin = row + 1;
        continue;
      }
      for (std::size_t row = begin; row < end; ++row) add_fault(row, "the prediction could not be logged");
      return;
    }
  }

  static std::ptrdiff_t offset(std::size_t row) noexcept { return static_cast<std::ptrdiff_t>(row); }

  void add_fault(std::size_t row, std::string_view reason) {
    bad_[row] = true;
    pieces_.push_back({row, reasons_.size(), reasons_.size() + reason.size()});
    reasons_.append(reason);
  }

  struct piece {  // of reasons_, which moves while it grows
    std::size_t row, begin, end;
  };

  const Pipeline& pipe_;
  score_buffers buffers_;
  std::vector<double> probability_;
  std::vector<std::uint8_t> label_;
  std::vector<bool> bad_;
  std::vector<piece> pieces_;
  std::vector<row_fault> faults_;
  text_buffer reasons_;
};

}  // namespace tabscore
