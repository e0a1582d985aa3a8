// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/number_series.hpp"
#include "../core/detail/number_texts.hpp"
#include "../core/detail/repeated_text.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../outputs/predictions.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

using stamp = basic_repeated_text<32>;

std::string json_member(std::string_view before, std::string_view name, std::string_view behind);

/// Appends "null," `count` times.
void append_nulls(text_buffer& out, std::size_t count);

/// Reserves room for a list of `all` entries, the first `entries` of which took `bytes`, and `spare` bytes: a long list
/// is not copied while it grows.
inline void take_room(text_buffer& out, std::size_t bytes, std::size_t entries, std::size_t all,
                      std::size_t spare = 0) {
  out.space((all / entries + 1) * bytes / 16 * 17 + spare);
}
inline constexpr std::size_t entries_before_room = 256;  ///< the first ones of a list, which tell how much it will take

}  // namespace detail

/// A class as JSON: a text, number or boolean, as in the trainer.
inline std::string class_json(const model_outputs& model, std::size_t at) {
  return model.classes_are == class_kind::text ? detail::json_member("", model.classes[at], "") : model.classes[at];
}

/// Writes predictions as JSON. Made from the prediction's layout; immutable: threads share it. An entry is
///     {"p":0.25,"positive":0}                                  binary, anomaly
///     {"species":"a","probabilities":{"a":0.75,"b":0.25}}      multiclass
///     {"price":12.5} {"p10":1.5,"p90":3.5}                     regression, score, quantiles
/// followed by the decision, where declared: "decision":"refer"
class prediction_names {
 public:
  /// The member that lists the records' predictions.
  explicit prediction_names(const prediction_layout& layout, std::string_view list = "predictions")
      : prediction_names(layout.names, layout.model, layout.decisions, list) {}
  /// Of two classes.
  explicit prediction_names(std::string_view probability, std::string_view positive,
                            std::string_view list = "predictions");
  /// @{
  /// Compiled once: copies and destruction of all the members are much code.
  prediction_names(const prediction_names&);
  prediction_names(prediction_names&&) noexcept;
  prediction_names& operator=(const prediction_names&);
  prediction_names& operator=(prediction_names&&) noexcept;
  ~prediction_names();
  /// @}

  /// Appends {"predictions":[{"p":0.25,"positive":0},...]}: one entry per record. Uses the numbers' texts of p.texts
  /// where present. For several classes, the `top` most likely ones.
  void append_list(text_buffer& out, const predictions& p, std::size_t top = SIZE_MAX) const;

  /// The same with more members in each entry: more(i) appends them to `out`, as "name":value.
  template <std::invocable<std::size_t> More>
  void append_list(text_buffer& out, const predictions& p, More&& more, std::size_t top = SIZE_MAX) const {
    const std::size_t begin = out.size();
    out.append(begin_);
    for (std::size_t i = 0; i < p.rows(); ++i) {
      if (i == detail::entries_before_room) detail::take_room(out, out.size() - begin, i, p.rows());
      if (i != 0) out.append(",");
      append_one(
          out, p, i, [&] { more(i); }, top);
    }
    out.append("]}");
  }

  /// Appends {"predictions":[{"p":0.25,"positive":0},null,...]: one entry for each of `records`, null for records
  /// outside `rows`, which are ascending, one for each prediction. The caller appends the closing brace. more(i), if
  /// given, appends further members to the entry of prediction i.
  template <class More = std::nullptr_t>
  void append_open_list(text_buffer& out, const predictions& p, std::span<const std::uint32_t> rows,
                        std::size_t records, More&& more = {}, std::size_t top = SIZE_MAX) const {
    const std::size_t begin = out.size();
    out.append(begin_);
    std::size_t row = 0;  // the next one
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == detail::entries_before_room) detail::take_room(out, out.size() - begin, row, records);
      detail::append_nulls(out, rows[i] - row);
      row = rows[i] + std::size_t{1};
      if constexpr (std::invocable<More, std::size_t>) {
        append_one(
            out, p, i, [&] { more(i); }, top);
      } else {
        append_one(out, p, i, top);
      }
      out.append(",");
    }
    detail::append_nulls(out, records - row);
    if (records != 0) out.keep_to(out.space(0) - 1);  // the last comma
    out.append("]");
  }

  /// Appends one record's entry.
  void append_one(text_buffer& out, const predictions& p, std::size_t row, std::size_t top = SIZE_MAX) const {
    out.keep_to(entry(out.space(space_), p, row, top,
                      [&](char* to, std::size_t k) { return write_real<spelling::json>(to, p.value[k]); }));
  }
  /// The same with more members: more() appends them to `out`, as "name":value.
  template <std::invocable More>
  void append_one(text_buffer& out, const predictions& p, std::size_t row, More&& more,
                  std::size_t top = SIZE_MAX) const {
    append_one(out, p, row, top);
    out.keep_to(out.space(0) - 1);  // the brace
    out.append(",");
    const std::size_t size = out.size();
    more();
    if (out.size() == size) out.keep_to(out.space(0) - 1);  // the comma
    out.append("}");
  }

  /// An entry of a record without a prediction: each member null.
  const std::string& null_entry() const noexcept { return null_entry_; }
  /// The names of a prediction's columns, as JSON: those of the classes or of its numbers.
  const std::vector<std::string>& column_names() const noexcept { return column_names_; }

 private:
  prediction_names(std::span<const std::string_view> names, const model_outputs& model,
                   const decision_layout& decisions, std::string_view list);

  template <class Write>
  char* entry(char* to, const predictions& p, std::size_t row, std::size_t top, Write&& write) const {
    to = classes_ ? class_members(to, p, row, top, write) : number_members(to, p, row, write);
    if (!p.decision_at.empty()) to = decision_[p.decision_at[row]].write(to);
    *to++ = '}';
    return to;
  }

  template <class Write>
  char* number_members(char* to, const predictions& p, std::size_t row, Write&& write) const {
    const std::size_t first = row * columns_;
    for (std::size_t k = 0; k < columns_; ++k) to = write(other_[k].write(to), first + k);
    if (!label_.empty()) {
      to = label_[0].write(to);
      const double value = p.value[first];
      // The labels are of several models in an A/B test, or decided by margins.
      const bool reached = outlier_ ? value < p.threshold : value >= p.threshold;
      *to++ = static_cast<char>('0' + (p.label.empty() ? reached : p.label[row] != 0));
    }
    return to;
  }

  template <class Write>
  char* class_members(char* to, const predictions& p, std::size_t row, std::size_t top, Write&& write) const {
    const std::size_t first = row * columns_;
    to = class_[p.class_at[row]].write(to);
    if (top < columns_) {
      to = largest(to, p.value.row(row), top);
    } else {
      for (std::size_t k = 0; k < columns_; ++k) to = write((k == 0 ? first_[0] : other_[k]).write(to), first + k);
    }
    *to++ = '}';
    return to;
  }

  /// The largest first, of equal ones the earlier class.
  char* largest(char* to, std::span<const double> values, std::size_t top) const;

  std::string begin_;
  std::string null_entry_;
  std::vector<std::string> column_names_;
  std::size_t columns_;
  bool classes_;
  bool outlier_ = false;
  bool two_classes_ = false;
  std::size_t class_space_ = 0;
  std::size_t space_ = 0;
  std::vector<detail::stamp> class_;     // of each class, up to its first number
  std::vector<detail::stamp> first_;     // of each class, before its number where it stands first
  std::vector<detail::stamp> other_;     // of each column, before its number
  std::vector<detail::stamp> label_;     // of tasks with a label, before it
  std::vector<detail::stamp> decision_;  // of each decision, all of the member
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE std::string json_member(std::string_view before, std::string_view name, std::string_view behind) {
  text_buffer t;
  t.append(before);
  append_json_text(t, name);
  t.append(behind);
  return std::string(t.view());
}

TABSCORE_INLINE void append_nulls(text_buffer& out, std::size_t count) {
  if (count == 0) return;
  constexpr std::string_view null = "null,";
  constexpr std::size_t most = 1024 * null.size();  // copied at once, out of the first cache
  const std::size_t bytes = count * null.size();
  char* const to = out.space(bytes);
  std::memcpy(to, null.data(), null.size());
  for (std::size_t size = null.size(); size < bytes;) {
    const std::size_t part = (std::min)({size, bytes - size, most});
    std::memcpy(to + size, to, part);
    size += part;
  }
  out.keep_to(to + bytes);
}

}  // namespace detail

TABSCORE_INLINE prediction_names::prediction_names(std::string_view probability, std::string_view positive,
                                                   std::string_view list)
    : prediction_names(std::array{probability, positive}, model_outputs(), decision_layout(), list) {}
TABSCORE_INLINE prediction_names::prediction_names(const prediction_names&) = default;
TABSCORE_INLINE prediction_names::prediction_names(prediction_names&&) noexcept = default;
TABSCORE_INLINE prediction_names& prediction_names::operator=(const prediction_names&) = default;
TABSCORE_INLINE prediction_names& prediction_names::operator=(prediction_names&&) noexcept = default;
TABSCORE_INLINE prediction_names::~prediction_names() = default;

TABSCORE_INLINE void prediction_names::append_list(text_buffer& out, const predictions& p, std::size_t top) const {
  const detail::number_texts* const texts = p.texts != nullptr && !p.texts->empty() ? p.texts : nullptr;
  const std::size_t begin = out.size();
  out.append(begin_);
  detail::number_series<spelling::json> numbers(p.value);
  constexpr std::size_t numbers_a_block = 256;  // whose room is asked for at once
  const std::size_t block = (std::max)(numbers_a_block / columns_, std::size_t{1});
  const std::size_t rows = p.rows();
  const auto number = [&](char* to, std::size_t k) {
    return texts != nullptr ? texts->copy(k, to) : numbers.write_next(to);
  };
  for (std::size_t i = 0; i < rows; i += block) {
    const std::size_t end = (std::min)(i + block, rows);
    char* to = out.space((end - i) * space_);
    if (two_classes_) {
      const auto before = other_[0].by_value(), behind = label_[0].by_value();
      const double* const values = p.value.data();
      const double threshold = p.threshold;
      const std::uint8_t* const label = p.label.empty() ? nullptr : p.label.data();
      for (std::size_t row = i; row < end; ++row) {
        to = behind.write(number(before.write(to), row));
        *to++ = static_cast<char>('0' + (label != nullptr ? label[row] != 0 : values[row] >= threshold));
        *to++ = '}';
        *to++ = ',';
      }
    } else {
      for (std::size_t row = i; row < end; ++row) {
        to = entry(to, p, row, top, number);
        *to++ = ',';
      }
    }
    out.keep_to(to);
    if (i == 0 && end < rows) detail::take_room(out, out.size() - begin, end, rows, end * space_);
  }
  if (rows != 0) out.keep_to(out.space(0) - 1);  // the last comma
  out.append("]}");
}

TABSCORE_INLINE prediction_names::prediction_names(std::span<const std::string_view> names, const model_outputs& model,
                                                   const decision_layout& decisions, std::string_view list)
    : begin_(detail::json_member("{", list, ":[")), columns_(model.columns), classes_(model.task == task::multiclass) {
  std::size_t decision_space = 0;  // of the longest
  null_entry_ = "{";
  for (const std::string_view name : names) {
    null_entry_.append(detail::json_member(null_entry_.size() > 1 ? "," : "", name, ":null"));
  }
  if (!decisions.empty()) null_entry_.append(detail::json_member(",", decisions.name, ":null"));
  null_entry_.append("}");
  for (const std::string_view each : decisions.names) {
    decision_.emplace_back(detail::json_member(",", decisions.name, ":") + detail::json_member("", each, ""));
    decision_space = (std::max)(decision_space, decision_.back().space());
  }
  if (classes_) {
    for (std::size_t k = 0; k < columns_; ++k) {
      column_names_.push_back(detail::json_member("", model.classes[k], ""));
      const std::string key = column_names_.back() + ":";
      first_.emplace_back(key);
      other_.emplace_back("," + key);
      class_.emplace_back(detail::json_member("{", names[0], ":") + class_json(model, k) +
                          detail::json_member(",", names[1], ":{"));
      class_space_ = (std::max)(class_space_, class_.back().space());
    }
  } else {
    for (std::size_t k = 0; k < columns_; ++k) {
      column_names_.push_back(detail::json_member("", names[k], ""));
      other_.emplace_back((k == 0 ? "{" : ",") + column_names_.back() + ":");
    }
    if (names.size() > columns_) label_.emplace_back(detail::json_member(",", names[columns_], ":"));
  }
  outlier_ = model.task == task::anomaly;
  two_classes_ = model.task == task::binary && decisions.empty();
  space_ = class_space_ + decision_space + 8;
  for (const auto* each : {&other_, &label_}) {
    for (const detail::stamp& s : *each) space_ += s.space();
  }
  space_ += columns_ * number_text_space;
}

TABSCORE_INLINE char* prediction_names::largest(char* to, std::span<const double> values, std::size_t top) const {
  double above = 0;
  std::size_t last = columns_;  // of the class before: none yet
  for (std::size_t i = 0; i < top; ++i) {
    std::size_t best = columns_;
    for (std::size_t k = 0; k < columns_; ++k) {
      const bool is_left = last == columns_ || values[k] < above || (values[k] == above && k > last);
      if (is_left && (best == columns_ || values[k] > values[best])) best = k;
    }
    to = write_real<spelling::json>((i == 0 ? first_ : other_)[best].write(to), values[best]);
    above = values[best];
    last = best;
  }
  return to;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
