// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"
#include "../../../features/numeric_step.hpp"
#include "column_run.hpp"

// Steps of a program that make a number of a number, or of two. NumPy's results, each operation rounded on its
// own.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Numbers that equal `from` become `to`; a NaN as `from` means NaN.
struct replace_value {
  double from = 0;
  double to = 0;
  double operator()(double x) const noexcept { return x == from || (x != x && from != from) ? to : x; }
};

/// 1 where x equals `value`, else 0; a NaN as `value` means NaN.
struct is_value {
  double value = 0;
  double operator()(double x) const noexcept { return x == value || (x != x && value != value) ? 1.0 : 0.0; }
};

/// Rounds to single precision, in which a trainer goes on.
struct single_rounding {
  double operator()(double x) const noexcept { return static_cast<double>(static_cast<float>(x)); }
};

/// NumPy's power with one exponent for all.
struct power_of {
  double exponent = 1;
  double operator()(double x) const noexcept { return std::pow(x, exponent); }
};

struct is_above {
  double threshold = 0;
  double operator()(double x) const noexcept { return x > threshold ? 1.0 : 0.0; }
};

/// 1 / (1 + exp(a x + b)): scikit-learn's _SigmoidCalibration.
struct platt_scale {
  double a = 0;
  double b = 0;
  double operator()(double x) const noexcept { return 1.0 / (1.0 + std::exp(exact::product(a, x) + b)); }
};

/// One input, one output, as often as there are inputs; each has parameters of its own.
template <class Apply>
struct elementwise {
  column_list in;
  std::vector<Apply> apply;

  std::size_t width() const noexcept { return in.size(); }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    use(in[k]);
  }
  void run(const column_run& r, double* out) const {
    for (std::size_t k = 0; k < in.size(); ++k, out += r.stride) {
      const Apply& f = apply[k];
      const double* const x = r.column[in[k]];
      for (std::size_t i = 0; i < r.rows; ++i) out[i] = f(x[i]);
    }
  }
};

/// NumPy's functions of one number, and the two distributions of SciPy that are links.
enum class function_name : std::uint8_t {
  // clang-format off
  log, log2, log10, log1p, exp, expm1, sqrt, cbrt, square, abs, sign, negative, reciprocal,
  sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, floor, ceil, rint, normal_cdf, cauchy_cdf
  // clang-format on
};
inline constexpr std::string_view function_names[] = {
    "log",    "log2", "log10",    "log1p",      "exp",   "expm1", "sqrt", "cbrt",       "square",
    "abs",    "sign", "negative", "reciprocal", "sin",   "cos",   "tan",  "arcsin",     "arccos",
    "arctan", "sinh", "cosh",     "tanh",       "floor", "ceil",  "rint", "normal_cdf", "cauchy_cdf"};

/// Whether the result is the only right one, on every machine; the others are the C library's, whose last bits may
/// differ from NumPy's.
constexpr bool correctly_rounded(function_name f) noexcept {
  using enum function_name;
  return f == sqrt || f == square || f == abs || f == sign || f == negative || f == reciprocal || f == floor ||
         f == ceil || f == rint;
}

/// The share of the normal distribution below x, by the branches of SciPy's ndtr.
inline double normal_cdf(double x) noexcept {
  const double scaled = x * 0.707106781186547524400844362104849039;
  if (std::fabs(scaled) < 1) return 0.5 + 0.5 * std::erf(scaled);
  const double tail = 0.5 * std::erfc(std::fabs(scaled));
  return scaled > 0 ? 1 - tail : tail;
}

struct apply_function {
  column_list in;
  function_name name{};

  std::size_t width() const noexcept { return in.size(); }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    use(in[k]);
  }
  void run(const column_run& r, double* out) const {
    const auto each = [&](auto f) {
      for (const column_id c : in) {
        const double* const x = r.column[c];
        for (std::size_t i = 0; i < r.rows; ++i) out[i] = f(x[i]);
        out += r.stride;
      }
    };
    using enum function_name;
    switch (name) {
      // clang-format off
      case log: return each([](double x) { return std::log(x); });
      case log2: return each([](double x) { return std::log2(x); });
      case log10: return each([](double x) { return std::log10(x); });
      case log1p: return each([](double x) { return std::log1p(x); });
      case exp: return each([](double x) { return std::exp(x); });
      case expm1: return each([](double x) { return std::expm1(x); });
      case sqrt: return each([](double x) { return std::sqrt(x); });
      case cbrt: return each([](double x) { return std::cbrt(x); });
      case square: return each([](double x) { return exact::product(x, x); });
      case abs: return each([](double x) { return std::fabs(x); });
      case sign: return each([](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x == 0 ? 0.0 : x; });
      case negative: return each([](double x) { return -x; });
      case reciprocal: return each([](double x) { return 1.0 / x; });
      case sin: return each([](double x) { return std::sin(x); });
      case cos: return each([](double x) { return std::cos(x); });
      case tan: return each([](double x) { return std::tan(x); });
      case arcsin: return each([](double x) { return std::asin(x); });
      case arccos: return each([](double x) { return std::acos(x); });
      case arctan: return each([](double x) { return std::atan(x); });
      case sinh: return each([](double x) { return std::sinh(x); });
      case cosh: return each([](double x) { return std::cosh(x); });
      case tanh: return each([](double x) { return std::tanh(x); });
      case floor: return each([](double x) { return std::floor(x); });
      case ceil: return each([](double x) { return std::ceil(x); });
      case rint: return each([](double x) { return std::nearbyint(x); });
      case normal_cdf: return each([](double x) { return detail::normal_cdf(x); });
      case cauchy_cdf: return each([](double x) { return std::atan2(1.0, -x) / std::numbers::pi; });
        // clang-format on
    }
  }
};

enum class column_operation : std::uint8_t { add, subtract, multiply, divide };

/// in[k] and by[k] give column k.
struct combine {
  column_list in;
  column_list by;
  column_operation what{};

  std::size_t width() const noexcept { return in.size(); }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    use(in[k]);
    use(by[k]);
  }
  void run(const column_run& r, double* out) const {
    const auto each = [&](auto f) {
      for (std::size_t k = 0; k < in.size(); ++k, out += r.stride) {
        const double* const a = r.column[in[k]];
        const double* const b = r.column[by[k]];
        for (std::size_t i = 0; i < r.rows; ++i) out[i] = f(a[i], b[i]);
      }
    };
    switch (what) {
      case column_operation::add:
        return each([](double a, double b) { return a + b; });
      case column_operation::subtract:
        return each([](double a, double b) { return a - b; });
      case column_operation::multiply:
        return each([](double a, double b) { return a * b; });
      case column_operation::divide:
        return each([](double a, double b) { return a / b; });
    }
  }
};

struct constants {
  std::vector<double> values;

  std::size_t width() const noexcept { return values.size(); }
  template <class Use>
  static void each_input(std::size_t, Use) {}
  void run(const column_run& r, double* out) const {
    for (const double value : values) {
      std::fill_n(out, r.rows, value);
      out += r.stride;
    }
  }
};

/// No column: a row with a number that the trainer refuses here is a fault.
struct require_finite : all_inputs {
  bool missing = false;  ///< NaN is allowed

  static std::size_t width() noexcept { return 0; }
  bool allows(std::size_t, double x) const noexcept { return std::isfinite(x) || (missing && std::isnan(x)); }
  void run(const column_run& r, double*) const {
    for (const column_id c : in) {
      const double* const x = r.column[c];
      for (std::size_t i = 0; i < r.rows; ++i) {
        if (!allows(0, x[i])) r.faulty[i] = 1;
      }
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
