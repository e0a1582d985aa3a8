// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/exact_sum.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/task.hpp"
#include "estimate.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Records scored by two models, and the number with different classes.
struct swap_counts {
  std::uint64_t records = 0;            ///< all of them
  std::uint64_t changed = 0;            ///< those whose value differs
  std::vector<std::uint64_t> matrix{};  ///< values x values: the first model's, then the second one's; or empty

  /// Counts a record.
  void add(std::size_t from, std::size_t to, std::size_t values) noexcept {
    ++records;
    changed += from != to;
    if (!matrix.empty()) ++matrix[from * values + to];
  }
  /// Adds the counts of other records.
  void merge(const swap_counts& other) {
    records += other.records;
    changed += other.changed;
    for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] += other.matrix[i];
  }
  friend bool operator==(const swap_counts&, const swap_counts&) = default;
};

/// The swap set of a label, a class or a decision.
struct swap_table {
  std::string of;                       ///< the member's name
  std::vector<std::string> values;      ///< as JSON
  bool decision = false;                ///< not the label or class
  swap_counts all;                      ///< with a matrix of up to 100 values; its parts of up to 10
  std::vector<swap_counts> tenths{};    ///< by the first model's probability; empty for other scores
  std::vector<swap_counts> segments{};  ///< as comparison_counts::segments()

  friend bool operator==(const swap_table&, const swap_table&) = default;
};

/// Differences of a predicted number, second model minus first. Not for concurrent use.
class difference_counts {
 public:
  /// Edges of magnitude 1, 2 and 5 times a power of ten, 1e-9 to 5e9, and a cell for all that is smaller.
  static constexpr std::size_t magnitudes = 57;
  static constexpr std::size_t cells = 2 * magnitudes + 1;  ///< of the histogram
  static double edge(std::size_t i) noexcept;               ///< the i-th magnitude
  /// The ends of a cell; a negative cell has its upper end, a positive one its lower end.
  static std::pair<double, double> range(std::size_t cell) noexcept;

  /// Counts a difference: second minus first.
  void add(double d) noexcept {
    signed_.add(d);
    absolute_.add(std::abs(d));
    largest_ = (std::max)(largest_, std::abs(d));
    ++histogram_[cell_of(d)];
  }
  /// Adds the counts of other records.
  void merge(const difference_counts& other) noexcept {
    signed_.merge(other.signed_);
    absolute_.merge(other.absolute_);
    largest_ = (std::max)(largest_, other.largest_);
    for (std::size_t i = 0; i < cells; ++i) histogram_[i] += other.histogram_[i];
  }
  /// Of n records.
  double mean(std::uint64_t n) const noexcept { return signed_.sum.value() / static_cast<double>(n); }
  /// Of n records.
  double mean_absolute(std::uint64_t n) const noexcept { return absolute_.value() / static_cast<double>(n); }
  /// Of n records.
  double root_mean_square(std::uint64_t n) const noexcept {
    return std::sqrt(signed_.squares.value() / static_cast<double>(n));
  }
  /// The largest absolute difference.
  double largest() const noexcept { return largest_; }
  /// By sign and power of ten; the middle cell counts zeros.
  const std::array<std::uint64_t, cells>& histogram() const noexcept { return histogram_; }
  friend bool operator==(const difference_counts&, const difference_counts&) = default;

 private:
  static std::size_t cell_of(double d) noexcept;

  exact_mean signed_;
  exact_sum absolute_;
  double largest_ = 0;
  std::array<std::uint64_t, cells> histogram_{};
};

/// Two models on the same records: the swap set of labels, classes and decisions, all of it, by tenth of the first
/// model's probability and by segment, and the differences of their numbers. Integers and exact sums: the counts of
/// replicas and days merge bit for bit, in any order, as long as no segment has more values than are kept apart. Not
/// for concurrent use.
class comparison_counts {
 public:
  static constexpr std::size_t tenths = 10;               ///< parts of the first model's probability
  static constexpr std::size_t max_matrix = 100;          ///< values of a matrix that is kept
  static constexpr std::size_t max_part_matrix = 10;      ///< the same of a part
  static constexpr std::size_t max_segment_values = 100;  ///< of a field; the others are one segment

  /// A value of a field, as JSON; empty: of the values that are not kept apart.
  struct segment {
    std::size_t field = 0;  ///< position among the segment fields
    std::string value;      ///< as JSON
  };

  /// The layout of both models, and the fields by whose values records are counted apart.
  explicit comparison_counts(const prediction_layout& layout, std::vector<std::string> segment_fields = {});

  /// Counts a batch. segment_of(field, row) is a segment field's value as JSON. Precondition: both models have the
  /// outputs of the layout.
  template <class SegmentOf>
  void add(const predictions& first, const predictions& second, SegmentOf&& segment_of) {
    for (std::size_t row = 0; row < first.rows(); ++row) {
      parts_.clear();
      for (std::size_t f = 0; f < fields_.size(); ++f) parts_.push_back(part_of(f, segment_of(f, row)));
      add_row(first, second, row);
    }
  }

  /// Adds the counts of other records; false: they are of models with other outputs, or of other segment fields.
  [[nodiscard]] bool merge(const comparison_counts& other);

  /// Records counted.
  std::uint64_t records() const noexcept { return records_; }
  /// One for each of label, class and decision that the layout has.
  const std::vector<swap_table>& swaps() const noexcept { return swaps_; }
  /// By whose values records are counted apart.
  const std::vector<std::string>& segment_fields() const noexcept { return fields_; }
  /// Values seen so far.
  const std::vector<segment>& segments() const noexcept { return segments_; }
  const std::vector<std::string>& numbers() const noexcept { return numbers_; }  ///< their names
  /// One for each number of the layout.
  const std::vector<difference_counts>& differences() const noexcept { return differences_; }

  /// The tenth of a probability: the i-th is above i * 0.1 and up to (i + 1) * 0.1, the first one from 0.
  static std::size_t tenth_of(double p) noexcept {
    std::size_t i = 0;
    while (i + 1 < tenths && p > static_cast<double>(i + 1) * 0.1) ++i;
    return i;
  }

 private:
  void add_row(const predictions& first, const predictions& second, std::size_t row);
  std::size_t part_of(std::size_t field, std::string_view value);
  static swap_counts counts_of(std::size_t values, std::size_t most) {
    return {0, 0, std::vector<std::uint64_t>(values <= most ? values * values : 0)};
  }

  std::uint64_t records_ = 0;
  std::vector<swap_table> swaps_;
  std::vector<std::string> numbers_;
  std::vector<difference_counts> differences_;
  std::vector<std::string> fields_;
  std::vector<segment> segments_;
  std::vector<std::map<std::string, std::size_t, std::less<>>> known_;  // of each field: the places of its values
  std::vector<std::size_t> parts_;                                      // of a record
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE double difference_counts::edge(std::size_t i) noexcept {
  static constexpr std::array<double, magnitudes> edges{
      1e-9, 2e-9, 5e-9, 1e-8, 2e-8, 5e-8, 1e-7, 2e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3,
      2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1,  0.2,  0.5,  1,    2,    5,    10,   20,   50,   100,  200,  500,  1e3,  2e3,
      5e3,  1e4,  2e4,  5e4,  1e5,  2e5,  5e5,  1e6,  2e6,  5e6,  1e7,  2e7,  5e7,  1e8,  2e8,  5e8,  1e9,  2e9,  5e9};
  return edges[i];
}

TABSCORE_INLINE std::size_t difference_counts::cell_of(double d) noexcept {
  std::size_t at = 0;
  while (at < magnitudes && std::abs(d) >= edge(at)) ++at;
  return d < 0 ? magnitudes - at : magnitudes + at;
}

TABSCORE_INLINE std::pair<double, double> difference_counts::range(std::size_t cell) noexcept {
  const auto end = [](std::size_t i) { return i < magnitudes ? edge(i) : std::numeric_limits<double>::infinity(); };
  if (cell == magnitudes) return {-edge(0), edge(0)};
  if (cell > magnitudes) return {end(cell - magnitudes - 1), end(cell - magnitudes)};
  return {-end(magnitudes - cell), -end(magnitudes - cell - 1)};
}

TABSCORE_INLINE comparison_counts::comparison_counts(const prediction_layout& layout,
                                                     std::vector<std::string> segment_fields)
    : fields_(std::move(segment_fields)) {
  const model_outputs& model = layout.model;
  const bool classes = model.task == task::multiclass;
  const auto table = [&](std::string_view of, std::vector<std::string> values, bool decision) {
    swap_table t{std::string(of), std::move(values), decision, {}};
    t.all = counts_of(t.values.size(), max_matrix);
    if (model.task == task::binary || (classes && model.probabilities)) {
      t.tenths.assign(tenths, counts_of(t.values.size(), max_part_matrix));
    }
    swaps_.push_back(std::move(t));
  };
  if (classes) {
    std::vector<std::string> values;
    for (const std::string& c : model.classes)
      values.push_back(model.classes_are == class_kind::text ? json_text(c) : c);
    table(layout.names[0], std::move(values), false);
  } else if (has_threshold(model.task)) {
    table(layout.names[1], {"0", "1"}, false);
  }
  if (!layout.decisions.empty()) {
    std::vector<std::string> values;
    for (const std::string_view d : layout.decisions.names) values.push_back(json_text(d));
    table(layout.decisions.name, std::move(values), true);
  }
  for (std::size_t k = 0; k < model.columns; ++k) {
    numbers_.emplace_back(classes ? std::string_view(model.classes[k]) : layout.names[k]);
  }
  differences_.resize(model.columns);
  known_.resize(fields_.size());
}

TABSCORE_INLINE std::size_t comparison_counts::part_of(std::size_t field, std::string_view value) {
  auto& known = known_[field];
  auto found = known.find(value);
  if (found != known.end()) return found->second;
  if (!value.empty() && known.size() - known.count("") >= max_segment_values) return part_of(field, "");
  known.emplace(value, segments_.size());
  segments_.push_back({field, std::string(value)});
  for (swap_table& t : swaps_) t.segments.push_back(counts_of(t.values.size(), max_part_matrix));
  return segments_.size() - 1;
}

TABSCORE_INLINE void comparison_counts::add_row(const predictions& first, const predictions& second, std::size_t row) {
  ++records_;
  for (swap_table& t : swaps_) {
    const auto value = [&](const predictions& p) -> std::size_t {
      if (t.decision) return p.decision_at[row];
      return p.class_at.empty() ? std::size_t{p.label[row]} : std::size_t{p.class_at[row]};
    };
    const std::size_t from = value(first), to = value(second), values = t.values.size();
    t.all.add(from, to, values);
    if (!t.tenths.empty()) {
      const double p = first.class_at.empty() ? first.value(row) : first.value(row, first.class_at[row]);
      t.tenths[tenth_of(p)].add(from, to, values);
    }
    for (const std::size_t part : parts_) t.segments[part].add(from, to, values);
  }
  for (std::size_t k = 0; k < differences_.size(); ++k) differences_[k].add(second.value(row, k) - first.value(row, k));
}

TABSCORE_INLINE bool comparison_counts::merge(const comparison_counts& other) {
  if (fields_ != other.fields_ || numbers_ != other.numbers_ || swaps_.size() != other.swaps_.size()) return false;
  for (std::size_t i = 0; i < swaps_.size(); ++i) {
    if (swaps_[i].of != other.swaps_[i].of || swaps_[i].values != other.swaps_[i].values) return false;
  }
  records_ += other.records_;
  std::vector<std::size_t> places;
  for (const segment& s : other.segments_) places.push_back(part_of(s.field, s.value));
  for (std::size_t i = 0; i < swaps_.size(); ++i) {
    swap_table& to = swaps_[i];
    const swap_table& from = other.swaps_[i];
    to.all.merge(from.all);
    for (std::size_t k = 0; k < to.tenths.size(); ++k) to.tenths[k].merge(from.tenths[k]);
    for (std::size_t k = 0; k < places.size(); ++k) to.segments[places[k]].merge(from.segments[k]);
  }
  for (std::size_t k = 0; k < differences_.size(); ++k) differences_[k].merge(other.differences_[k]);
  return true;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
