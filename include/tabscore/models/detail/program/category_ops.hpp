// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../features/one_hot.hpp"
#include "column_run.hpp"

// Steps of a program that read categories: texts, or numbers that stand for categories.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Numbers as categories: found when equal, so that 0 and -0 are one; NaN is one of its own.
class number_keys {
 public:
  /// Precondition: none twice.
  explicit number_keys(const std::vector<double>& keys) {
    for (std::size_t k = 0; k < keys.size(); ++k) {
      if (keys[k] != keys[k]) {
        missing_ = static_cast<std::int32_t>(k);
      } else {
        sorted_.push_back({keys[k], static_cast<std::int32_t>(k)});
      }
    }
    std::sort(sorted_.begin(), sorted_.end(), [](const entry& a, const entry& b) { return a.key < b.key; });
  }
  std::int32_t code(double x) const noexcept {
    if (x != x) return missing_;
    const auto at =
        std::lower_bound(sorted_.begin(), sorted_.end(), x, [](const entry& e, double v) { return e.key < v; });
    return at != sorted_.end() && at->key == x ? at->code : one_hot::unknown;
  }

 private:
  struct entry {
    double key;
    std::int32_t code;
  };
  std::vector<entry> sorted_;
  std::int32_t missing_ = one_hot::unknown;
};

/// The keys of a column, of the one kind or the other.
struct category_keys {
  column_id in = 0;
  std::size_t field = npos;  ///< of the text features; npos: `in` holds numbers
  one_hot texts;
  number_keys numbers{{}};
  std::size_t size = 0;        ///< keys
  bool absent_is_key = false;  ///< a missing value is one of the keys

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  bool is_text() const noexcept { return field != npos; }
  std::int32_t absent_code() const noexcept {
    return is_text() ? texts.code({}) : numbers.code(std::numeric_limits<double>::quiet_NaN());
  }

  /// Calls use(row, position of the key, or one_hot::unknown) for each row of the run.
  template <class Use>
  void each(const column_run& r, Use use) const {
    if (is_text()) {
      const std::string_view* const text = r.text(field);
      for (std::size_t i = 0; i < r.rows; ++i) {
        // An absent text is not an empty one.
        use(i, text[i].data() == nullptr && !absent_is_key ? one_hot::unknown : texts.code(text[i]));
      }
    } else {
      const double* const x = r.column[in];
      for (std::size_t i = 0; i < r.rows; ++i) use(i, numbers.code(x[i]));
    }
  }
};

/// The value of the row's key.
struct lookup {
  category_keys keys;
  std::vector<double> values;
  std::optional<double> other;  ///< of a key that is not listed; none: that is a fault

  static std::size_t width() noexcept { return 1; }
  template <class Use>
  void each_input(std::size_t, Use use) const {
    use(keys.in);
  }
  void run(const column_run& r, double* out) const {
    keys.each(r, [&](std::size_t i, std::int32_t code) {
      if (code != one_hot::unknown) {
        out[i] = values[static_cast<std::size_t>(code)];
      } else {
        out[i] = other.value_or(std::numeric_limits<double>::quiet_NaN());
        if (!other) r.faulty[i] = 1;
      }
    });
  }
};

/// Key k sets column columns[k] (none: -1) of `columns_out`.
struct indicators {
  static constexpr std::int32_t none = -1;

  category_keys keys;
  std::vector<std::int32_t> columns;
  std::size_t columns_out = 0;
  std::optional<std::int32_t> other;  ///< of a key that is not listed; nothing: that is a fault

  std::size_t width() const noexcept { return columns_out; }
  template <class Use>
  void each_input(std::size_t, Use use) const {
    use(keys.in);
  }
  void run(const column_run& r, double* out) const {
    for (std::size_t k = 0; k < columns_out; ++k) std::fill_n(out + k * r.stride, r.rows, 0.0);
    keys.each(r, [&](std::size_t i, std::int32_t code) {
      if (code == one_hot::unknown && !other) {
        r.faulty[i] = 1;
        return;
      }
      const std::int32_t column = code == one_hot::unknown ? *other : columns[static_cast<std::size_t>(code)];
      if (column != none) out[static_cast<std::size_t>(column) * r.stride + i] = 1.0;
    });
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
