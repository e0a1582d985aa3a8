// SPDX-License-Identifier: MIT
#include <tabscore/core/detail/number_series.hpp>
#include <tabscore/core/read_number.hpp>
#include <tabscore/core/write_number.hpp>
#include <tabscore/json/detail/scan.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
template <ts::spelling Spelling = ts::spelling::repr>
std::string text(double v) {
  char buffer[ts::number_text_space];
  return {buffer, ts::write_real<Spelling>(buffer, v)};
}
std::string text(std::int64_t v) {
  char buffer[ts::number_text_space];
  return {buffer, ts::write_integer(buffer, v)};
}
}  // namespace

TEST_CASE("a double is written as Python's repr writes it", "[core]") {
  using limits = std::numeric_limits<double>;
  CHECK(text(0.0) == "0.0");
  CHECK(text(-0.0) == "-0.0");
  CHECK(text(1.0) == "1.0");
  CHECK(text(-45.0) == "-45.0");
  CHECK(text(320.5) == "320.5");
  CHECK(text(0.1) == "0.1");
  CHECK(text(0.30000000000000004) == "0.30000000000000004");
  CHECK(text(0.00029774649759579464) == "0.00029774649759579464");
  CHECK(text(0.0001) == "0.0001");
  CHECK(text(0.00001) == "1e-05");
  CHECK(text(0.000012345) == "1.2345e-05");
  CHECK(text(6.328306117326016e-11) == "6.328306117326016e-11");
  CHECK(text(1e15) == "1000000000000000.0");
  CHECK(text(9007199254740993.0) == "9007199254740992.0");
  CHECK(text(9999999999999998.0) == "9999999999999998.0");
  CHECK(text(1e16) == "1e+16");
  CHECK(text(1.5e16) == "1.5e+16");
  CHECK(text(12345678901234567.0) == "1.2345678901234568e+16");
  CHECK(text(1e22) == "1e+22");
  CHECK(text(1e23) == "1e+23");
  CHECK(text(1e100) == "1e+100");
  CHECK(text(5e-324) == "5e-324");
  CHECK(text(2.2250738585072014e-308) == "2.2250738585072014e-308");
  CHECK(text(2.225073858507201e-308) == "2.225073858507201e-308");
  CHECK(text(limits::max()) == "1.7976931348623157e+308");
  CHECK(text(limits::infinity()) == "inf");
  CHECK(text(-limits::infinity()) == "-inf");
  CHECK(text(limits::quiet_NaN()) == "nan");
  CHECK(text(-limits::quiet_NaN()) == "nan");
  CHECK(text<ts::spelling::json>(-limits::infinity()) == "-Infinity");
  CHECK(text<ts::spelling::json>(limits::quiet_NaN()) == "NaN");
}

TEST_CASE("integers of every length are written whole", "[core]") {
  CHECK(text(std::int64_t{0}) == "0");
  CHECK(text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(text(std::numeric_limits<std::int64_t>::max()) == "9223372036854775807");
  std::int64_t power = 1;
  for (int i = 0; i < 19; ++i, power *= i < 19 ? 10 : 1) {
    for (const std::int64_t v : {power - 1, power, power + 1, -power}) CHECK(text(v) == std::to_string(v));
  }
}

TEST_CASE("written doubles are the shortest that read back the same", "[core]") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    double v = std::bit_cast<double>(random());
    if (i % 2) v = static_cast<double>(random() >> 11) * 0x1p-53;
    if (i % 8 == 3) v = static_cast<double>(random() % 1'000'000'000) / 1000;
    if (!std::isfinite(v)) continue;
    const std::string t = text(v);
    if (std::bit_cast<std::uint64_t>(ts::parse_real(t)) != std::bit_cast<std::uint64_t>(v)) FAIL(t);
    // The standard library's shortest digits, whatever their arrangement.
    char other[64];
    const char* end = std::to_chars(other, other + sizeof other, v, std::chars_format::scientific).ptr;
    const auto digits = [](std::string_view s) {
      std::string d;
      for (const char c : s.substr(0, s.find('e'))) {
        if (c >= '0' && c <= '9') d += c;
      }
      d.erase(0, d.find_first_not_of('0'));
      d.erase(d.find_last_not_of('0') + 1);
      return d;
    };
    if (digits(t) != digits({other, static_cast<std::size_t>(end - other)})) FAIL(t);
  }
}

TEST_CASE("hard cases are written and read as Python does", "[core]") {
  std::ifstream file(TABSCORE_SOURCE_DIR "/tests/core/numbers_expected.txt");
  std::size_t cases = 0;
  std::string way, first, second;
  for (; file >> way >> first >> second; ++cases) {
    INFO(way << ' ' << first << ' ' << second);
    if (way == "write") {
      CHECK(text(std::bit_cast<double>(std::uint64_t{std::stoull(first, nullptr, 16)})) == second);
    } else {
      const std::uint64_t bits = std::stoull(second, nullptr, 16);
      CHECK(std::bit_cast<std::uint64_t>(ts::parse_real(first)) == bits);
      const auto read = ts::detail::read_real({first.data(), first.data() + first.size()});
      CHECK(read.wrong == 0);
      CHECK(std::bit_cast<std::uint64_t>(read.value) == bits);
    }
  }
  CHECK(cases == 706);
}

TEST_CASE("text beyond the range of a double becomes an infinity or a zero", "[core]") {
  using ts::parse_real;
  CHECK(parse_real("1e400") == std::numeric_limits<double>::infinity());
  CHECK(parse_real("-1e400") == -std::numeric_limits<double>::infinity());
  CHECK(parse_real("1" + std::string(400, '0')) == std::numeric_limits<double>::infinity());
  CHECK(parse_real("0.0001e313") == std::numeric_limits<double>::infinity());
  CHECK(parse_real("1e-400") == 0);
  CHECK(std::signbit(parse_real("-1e-400")));
  CHECK(parse_real("0." + std::string(5000, '0') + "1") == 0);
  CHECK(parse_real("0." + std::string(5000, '0') + "1e5001") == 1);
  CHECK(parse_real("0e99999999999999999999999") == 0);
  CHECK(parse_real("1e99999999999999999999999") == std::numeric_limits<double>::infinity());
  CHECK(parse_real("1e-99999999999999999999999") == 0);
  CHECK(parse_real("2.4703282292062327208e-324") == 0);
  CHECK(parse_real("2.4703282292062328e-324") == 5e-324);
  CHECK(parse_real("9007199254740993") == 9007199254740992.0);
  CHECK(parse_real("1.7976931348623158e308") == std::numeric_limits<double>::max());
  CHECK(parse_real("1.7976931348623159e308") == std::numeric_limits<double>::infinity());
}

TEST_CASE("written doubles have the digits of the standard library's shortest ones", "[core]") {
  std::mt19937_64 random(11);
  const auto check = [](double v) {
    char expected[64];
    *std::to_chars(expected, expected + 63, v, std::chars_format::scientific).ptr = 0;
    std::string digits(expected, std::find(expected, expected + 63, 'e'));
    digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
    while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
    std::string got = text(v);
    got = got.substr(0, got.find('e'));
    got.erase(std::remove(got.begin(), got.end(), '.'), got.end());
    got.erase(0, got.find_first_not_of('0'));
    while (got.size() > 1 && got.back() == '0') got.pop_back();
    if (got != digits) FAIL(expected << " was written " << text(v));
  };
  for (int i = 0; i < 200'000; ++i) {
    const int q = static_cast<int>(random() % 110) - 100;
    check(std::ldexp(static_cast<double>(random() >> 11 | std::uint64_t{1} << 52), q));  // all that is done without fmt
    check(static_cast<double>(random() >> (random() % 64) | 1U));
    // Decimals of few digits, and the doubles next to them.
    const double decimal =
        static_cast<double>(random() % 1'000'000) / std::pow(10.0, static_cast<double>(random() % 16));
    for (const double v : {decimal, std::nextafter(decimal, 0.0), std::nextafter(decimal, 1e300)}) {
      if (v > 0) check(v);
    }
  }
  for (int q = -1074; q < 1024; ++q) {  // powers of two are nearer to the double below than to the one above
    const double power = std::ldexp(1.0, q);
    for (const double v : {power, std::nextafter(power, 0.0), std::nextafter(power, 1e308)}) {
      if (v > 0) check(v);
    }
  }
}

TEST_CASE("numbers written in a series have the texts that they have alone", "[core]") {
  std::mt19937_64 random(21);
  const auto unit = [&] { return static_cast<double>(random() >> 11U) * 0x1p-53; };
  std::vector<double> values{0.5, 0.25, 1e-4, std::nextafter(1e-4, 1), std::nextafter(1.0, 0), 1.0, 0.0, -0.25};
  while (values.size() < 400'003) {
    switch (random() % 16) {
      case 0:
        values.push_back(std::ldexp(1 + unit(), -static_cast<int>(1 + random() % 40)));
        break;
      case 1:
        values.push_back(std::floor(unit() * 1e4) / 1e4);
        break;
      case 2:
        values.push_back(std::floor(unit() * 1e9) / 1e9);
        break;
      case 3:
        values.push_back(std::nextafter(std::floor(unit() * 1e3) / 1e3, random() % 2 == 0 ? 0.0 : 1.0));
        break;
      default:
        values.push_back(unit());
        break;
    }
    if (random() % 5000 == 0) values.push_back(std::bit_cast<double>(random()));  // any double, NaN too
  }
  ts::detail::number_series<ts::spelling::json> series(values);
  std::size_t different = 0;
  for (const double v : values) {
    char alone[ts::number_text_space], in_series[ts::number_text_space];
    const std::string_view expected(alone,
                                    static_cast<std::size_t>(ts::write_real<ts::spelling::json>(alone, v) - alone));
    const std::string_view text(in_series, static_cast<std::size_t>(series.write_next(in_series) - in_series));
    different += text != expected;
  }
  CHECK(different == 0);
}
