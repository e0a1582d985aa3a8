// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/exact.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// (x - mean) / scale: scikit-learn's StandardScaler, RobustScaler and (with mean 0) MaxAbsScaler.
struct standardize {
  double mean = 0;   ///< subtracted first
  double scale = 1;  ///< divided by then; not 0

  /// The step's result.
  double operator()(double x) const noexcept { return (x - mean) / scale; }
};

/// x * scale + offset, each operation rounded: scikit-learn's MinMaxScaler.
struct rescale {
  double scale = 1;   ///< multiplied by first
  double offset = 0;  ///< added then

  /// The step's result.
  double operator()(double x) const noexcept { return exact::product(x, scale) + offset; }
};

/// NaN becomes `value`: SimpleImputer.
struct impute {
  double value = 0;  ///< replaces a missing value

  /// The step's result.
  double operator()(double x) const noexcept { return std::isnan(x) ? value : x; }
};

/// At least `low`, at most `high`; NaN stays: np.clip.
struct clip {
  double low = 0;   ///< smaller values become this
  double high = 0;  ///< larger values become this

  /// The step's result.
  double operator()(double x) const noexcept { return x < low ? low : x > high ? high : x; }
};

/// The C library's logarithms; those of NumPy may differ in the last bit.
struct logarithm {
  /// The step's result: of values below 0 NaN.
  double operator()(double x) const noexcept { return std::log(x); }
};
/// log(1 + x), as NumPy computes it.
struct logarithm1p {
  /// The step's result.
  double operator()(double x) const noexcept { return std::log1p(x); }
};

/// A trainer's code of a category that is a number; NaN for other numbers.
struct category_code {
  std::vector<std::pair<double, double>> codes;  ///< (category, code), ascending

  /// The step's result.
  double operator()(double x) const noexcept;
};

/// One step of a numeric feature before the model.
using numeric_step = std::variant<standardize, rescale, impute, clip, logarithm, logarithm1p, category_code>;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE double category_code::operator()(double x) const noexcept {
  const auto found =
      std::lower_bound(codes.begin(), codes.end(), x, [](const auto& c, double v) { return c.first < v; });
  return found != codes.end() && found->first == x ? found->second : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
