// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../outputs/reasons.hpp"
#include "category_ops.hpp"
#include "column_run.hpp"

// The step of a program that is an additive model: explainable boosting machines, scorecards, published tables.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Which bin a value is in. Of n cuts bin k holds the values with k cuts at most the value (n + 1 bins), the last bin
/// missing ones; of n keys bin k holds the key k, the last bin all other values.
class bin_axis {
 public:
  /// Precondition: the cuts ascend.
  bin_axis(column_id in, const std::vector<double>& cuts) : in_(in), last_(cuts.size() + 1), cuts_(cuts) {
    // As many as a search by halves of equal length needs; nothing is at least a NaN.
    std::size_t size = 1;
    while (size <= cuts.size()) size *= 2;
    cuts_.resize(size - 1, std::numeric_limits<double>::quiet_NaN());
  }
  explicit bin_axis(category_keys keys) : in_(keys.in), last_(keys.size), keys_(std::move(keys)), by_keys_(true) {}

  column_id in() const noexcept { return in_; }
  std::size_t bins() const noexcept { return last_ + 1; }
  bool by_keys() const noexcept { return by_keys_; }
  std::size_t bin_of_missing() const noexcept {
    return by_keys_ && keys_.absent_is_key ? static_cast<std::size_t>(keys_.absent_code()) : last_;
  }

  /// The bins of the run's rows.
  void find(const column_run& r, std::uint32_t* bin) const {
    const auto last = static_cast<std::uint32_t>(last_);
    if (by_keys_) {
      return keys_.each(r, [&](std::size_t i, std::int32_t code) {
        bin[i] = code == one_hot::unknown ? last : static_cast<std::uint32_t>(code);
      });
    }
    const double* const x = r.column[in_];
    std::size_t i = 0;
    for (; i + 8 <= r.rows; i += 8) search<8>(x + i, bin + i);
    for (; i < r.rows; ++i) search<1>(x + i, bin + i);
    for (i = 0; i < r.rows; ++i) bin[i] = x[i] != x[i] ? last : bin[i];
  }

 private:
  /// The number of cuts that are at most each of `Rows` numbers, side by side and without a branch.
  template <std::size_t Rows>
  void search(const double* x, std::uint32_t* bin) const {
    std::uint32_t at[Rows]{};
    for (std::size_t half = (cuts_.size() + 1) / 2; half > 0; half /= 2) {
      const double* const middle = cuts_.data() + half - 1;
      const auto step = static_cast<std::uint32_t>(half);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Rows; ++i) at[i] += step & (0U - static_cast<std::uint32_t>(middle[at[i]] <= x[i]));
    }
    std::copy_n(at, Rows, bin);
  }

  column_id in_;
  std::size_t last_;
  std::vector<double> cuts_;
  category_keys keys_;
  bool by_keys_ = false;
};

/// Each output: the intercept, then a number of each term, in order: that of the bins in which the row is. A term of no
/// axis is a constant.
struct additive_model : all_inputs {
  struct term {
    std::vector<std::uint32_t> axes;
    std::vector<std::uint32_t> strides;       ///< per axis; of the last one 1
    std::vector<std::vector<double>> values;  ///< per output, a number per cell
    std::vector<std::uint16_t> reasons;       ///< of one axis: that of each cell, or record_reasons::none; or empty
  };
  std::vector<bin_axis> axes;  ///< one per input
  std::vector<term> terms;
  std::vector<double> intercept;  ///< one per output
  std::vector<reason> reasons;    ///< of bins

  std::size_t width() const noexcept { return intercept.size(); }

  void run(const column_run& r, double* out) const {
    for (std::size_t o = 0; o < width(); ++o) std::fill_n(out + o * r.stride, r.rows, intercept[o]);
    each_term(r, [&](const term& t, const std::uint32_t* cell) {
      for (std::size_t o = 0; o < width(); ++o) {
        double* const to = out + o * r.stride;
        const double* const value = t.values[o].data();
        for (std::size_t i = 0; i < r.rows; ++i) to[i] += value[cell[i]];
      }
    });
  }

  /// Calls use(term, cells of the run's rows) for each term.
  template <class Use>
  void each_term(const column_run& r, Use use) const {
    const std::span<std::uint32_t> room = r.memory.get<std::uint32_t>((axes.size() + 1) * r.rows);
    std::uint32_t* const cell = room.data() + axes.size() * r.rows;
    for (std::size_t a = 0; a < axes.size(); ++a) axes[a].find(r, room.data() + a * r.rows);
    for (const term& t : terms) {
      if (t.axes.size() == 1) {
        use(t, room.data() + t.axes[0] * r.rows);
        continue;
      }
      std::fill_n(cell, r.rows, std::uint32_t{0});
      for (std::size_t a = 0; a < t.axes.size(); ++a) {
        const std::uint32_t* const bin = room.data() + t.axes[a] * r.rows;
        const std::uint32_t stride = t.strides[a];
        for (std::size_t i = 0; i < r.rows; ++i) cell[i] += bin[i] * stride;
      }
      use(t, cell);
    }
  }

  /// Whether a missing input may leave a row without a number: some cell for it has none.
  template <class Missing>
  bool needs_values(Missing missing) const {
    return std::any_of(terms.begin(), terms.end(), [&](const term& t) {
      for (std::size_t a = 0; a < t.axes.size(); ++a) {
        const bin_axis& axis = axes[t.axes[a]];
        if (!missing(axis.in())) continue;
        for (const std::vector<double>& of_output : t.values) {
          for (std::size_t cell = 0; cell < of_output.size(); ++cell) {
            const bool here = cell / t.strides[a] % axis.bins() == axis.bin_of_missing();
            if (here && std::isnan(of_output[cell])) return true;
          }
        }
      }
      return false;
    });
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
