// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../outputs/prediction_columns.hpp"
#include "../outputs/predictions.hpp"
#include "arrow_abi.hpp"
#include "detail/arrow_export.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// Concatenated texts with offsets, as in Arrow.
struct exported_texts {
  std::vector<std::int64_t> ends = {0};
  std::string text;

  void add(std::string_view t) {
    text.append(t);
    ends.push_back(static_cast<std::int64_t>(text.size()));
  }
  /// Empty ones up to this many.
  void fill(std::size_t rows) { ends.resize(rows + 1, ends.back()); }
};

}  // namespace detail

/// Collects predictions as Arrow columns: a struct of their columns (see typed_columns; numbers as double, labels as
/// uint8, classes and decisions as large_utf8) and error, large_utf8. Where error has a value the other columns are
/// null. The result owns its memory. Not for concurrent use.
class arrow_predictions {
 public:
  /// The columns must outlive it.
  explicit arrow_predictions(const prediction_columns& columns) : columns_(columns) { begin(); }

  /// Records so far.
  std::size_t rows() const noexcept { return rows_; }
  /// Makes room for this many records.
  void reserve(std::size_t rows) {
    for (std::vector<double>& n : numbers_) n.reserve(rows);
    label_.reserve(rows);
    error_.ends.reserve(rows + 1);
  }

  /// Adds the predictions of a block; records without one are null.
  void append(const row_predictions& some);

  /// Moves the collected columns to *out, which the receiver releases, and starts over.
  void move_to(ArrowArray* out);

  /// The schema of such arrays, for *out, which its receiver releases.
  static void export_schema(const prediction_columns& columns, ArrowSchema* out);

 private:
  using bitmap = std::vector<std::uint8_t>;
  using kind = prediction_column::kind;

  void begin();

  static void append_numbers(std::vector<double>& to, const row_values& values, std::size_t column);

  void set(ArrowArray& array, std::array<const void*, 3>& buffers, const std::array<const void*, 3>& data,
           std::size_t count, std::size_t nulls) const;

  const prediction_columns& columns_;
  std::vector<std::vector<double>> numbers_;
  std::vector<std::uint8_t> label_;
  std::vector<detail::exported_texts> texts_;  // by column
  detail::exported_texts error_;
  bitmap has_error_;  // up to the last record that has one
  std::size_t rows_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void arrow_predictions::append(const row_predictions& some) {
  const predictions& p = some.scores;
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    const prediction_column& c = columns_[at];
    if (c.of == kind::label) label_.insert(label_.end(), p.label.begin(), p.label.end());
    if (c.of == kind::number) append_numbers(numbers_[c.number], p.value, c.number);
    for (std::size_t i = 0; c.is_text() && i < p.rows(); ++i) {
      texts_[at].add(is_missing(p, i) ? std::string_view{} : c.text_of(p, i));
    }
  }
  for (const row_fault& f : some.faults) {
    const std::size_t row = rows_ + f.row;
    error_.fill(row);
    error_.add(f.reason);
    has_error_.resize(row / 8 + 1);
    has_error_[row / 8] = static_cast<std::uint8_t>(has_error_[row / 8] | 1U << row % 8);
  }
  failed_ += some.faults.size();
  rows_ += p.rows();
  error_.fill(rows_);
}

TABSCORE_INLINE void arrow_predictions::move_to(ArrowArray* out) {
  struct nothing {};
  has_error_.resize((rows_ + 7) / 8);
  bitmap predicted = has_error_;
  for (std::uint8_t& bits : predicted) bits = static_cast<std::uint8_t>(~bits);

  auto& records = detail::arrow_export<ArrowArray, nothing>::parent_into(out, columns_.size() + 1);
  set(*out, records.buffers, {nullptr}, 1, 0);
  const auto column = [&]<class... Payload>(ArrowArray& to, std::size_t nulls, Payload... payload) {
    using owner_type = detail::arrow_export<ArrowArray, std::tuple<Payload...>>;
    auto& owner = owner_type::into(&to, {std::move(payload)...});
    const auto data = [](const auto&... memory) { return std::array<const void*, 3>{memory.data()...}; };
    set(to, owner.buffers, std::apply(data, owner.payload), sizeof...(Payload), nulls);
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const prediction_column& c = columns_[i];
    ArrowArray& to = records.children[i];
    if (c.of == kind::number) column(to, failed_, predicted, std::move(numbers_[c.number]));
    if (c.of == kind::label) column(to, failed_, predicted, std::move(label_));
    if (c.is_text()) column(to, failed_, predicted, std::move(texts_[i].ends), std::move(texts_[i].text));
  }
  column(records.children.back(), rows_ - failed_, std::move(has_error_), std::move(error_.ends),
         std::move(error_.text));
  begin();
}

TABSCORE_INLINE void arrow_predictions::export_schema(const prediction_columns& columns, ArrowSchema* out) {
  auto& records = detail::export_struct(out, "", columns.size() + 1);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const kind of = columns[i].of;
    const char* const format = of == kind::number ? "g" : of == kind::label ? "C" : "U";
    detail::export_column(&records.children[i], format, columns[i].name, true);
  }
  detail::export_column(&records.children.back(), "U", "error", true);
}

TABSCORE_INLINE void arrow_predictions::begin() {
  numbers_.assign(columns_.size(), {});
  label_ = {};
  texts_.assign(columns_.size(), {});
  error_ = {};
  has_error_ = {};
  rows_ = failed_ = 0;
}

TABSCORE_INLINE void arrow_predictions::append_numbers(std::vector<double>& to, const row_values& values,
                                                       std::size_t column) {
  if (values.columns() == 1) {
    to.insert(to.end(), values.begin(), values.end());
    return;
  }
  for (std::size_t i = 0; i < values.rows(); ++i) to.push_back(values(i, column));
}

TABSCORE_INLINE void arrow_predictions::set(ArrowArray& array, std::array<const void*, 3>& buffers,
                                            const std::array<const void*, 3>& data, std::size_t count,
                                            std::size_t nulls) const {
  buffers = data;
  array.buffers = buffers.data();
  array.n_buffers = static_cast<std::int64_t>(count);
  array.length = static_cast<std::int64_t>(rows_);
  array.null_count = static_cast<std::int64_t>(nulls);
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
