// SPDX-License-Identifier: MIT
#include <tabscore/core/detail/short_number.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
template <class Write, class Value>
std::string text(Write write, Value v) {
  char to[ts::number_text_space];
  return std::string(to, write(to, v));
}
std::string integer(std::int64_t v) { return text(ts::write_integer, v); }
std::string short_integer(std::int64_t v) { return text(ts::detail::write_short_integer, v); }
std::string real(double v) { return text(ts::write_real<ts::spelling::json>, v); }
/// As write_real where there are no thousandths.
std::string short_real(double v) {
  const std::uint32_t n = ts::detail::thousandths_of(v);
  return n == ts::detail::no_thousandths ? real(v) : text(ts::detail::write_thousandths, n);
}
}  // namespace

TEST_CASE("short integers have the texts of all others", "[core]") {
  for (std::int64_t v = -2000; v < 1'002'000; ++v) {
    if (short_integer(v) != integer(v)) FAIL(v);
  }
  for (const std::int64_t v : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    CHECK(short_integer(v) == integer(v));
  }
}

TEST_CASE("short reals have the texts of all others", "[core]") {
  for (int n = 0; n < 2'000'000; ++n) {  // up to three digits behind the point, and the doubles beside them
    const double v = n < 1'000'000 ? n / 1000.0 : (n - 1'000'000) * 100.007;
    for (const double x : {v, std::nextafter(v, 1e9), std::nextafter(v, -1.0)}) {
      if (short_real(x) != real(x)) FAIL(x);
    }
  }
  std::mt19937_64 random(5);
  for (int i = 0; i < 300'000; ++i) {
    double x = static_cast<double>(random() % 100'100'000) / (random() % 2 == 0 ? 1000 : 10'000);
    if (random() % 8 == 0) x = static_cast<double>(random()) * 0x1p-60;
    if (short_real(x) != real(x)) FAIL(x);
  }
  CHECK(ts::detail::thousandths_of(80.125) == 80'125);
  CHECK(ts::detail::thousandths_of(0.0) == 0);
  for (const double v : {-0.0, -1.0, 1e5, 0.0001}) CHECK(ts::detail::thousandths_of(v) == ts::detail::no_thousandths);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double v : {0.0, -0.0, 0.001, 0.0001, 0.0005, 0.00049999, -1.5, 99'999.0, 99'998.999, 99'999.999, 1e5,
                         1e22, 5e-324, infinity, -infinity}) {
    CHECK(short_real(v) == real(v));
  }
  CHECK(short_real(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}
