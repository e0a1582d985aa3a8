// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/read_number.hpp"
#include "../../../core/result.hpp"
#include "../load_fault.hpp"
#include "value.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The float that XGBoost wrote as the decimal whose nearest double is `number`. Where that lies in the middle between
/// two floats, the decimal was beside it: it was the shortest of one of them, or had 9 digits.
inline std::optional<float> single_precision(double number) {
  const auto nearest = static_cast<float>(number);
  const bool normal = std::fabs(number) >= static_cast<double>((std::numeric_limits<float>::min)());
  if (normal && (std::bit_cast<std::uint64_t>(number) & 0x1FFFFFFFU) != 0x10000000U) return nearest;
  const auto wide = static_cast<double>(nearest);
  if (!std::isfinite(nearest) || wide == number || std::trunc(number) == number) return nearest;
  const float other = std::nextafter(
      nearest, wide < number ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity());
  if (std::fabs(number - wide) != std::fabs(static_cast<double>(other) - number)) return nearest;
  for (const float candidate : {nearest, other}) {
    for (const std::string& text : {fmt::format("{}", candidate), fmt::format("{:.8e}", candidate)}) {
      double read = 0;
      if (parse_number(text, read) && read == number) return candidate;
    }
  }
  return std::nullopt;
}

/// Reads the members of a parsed XGBoost document.
class xgboost_document : public load_fault {
 public:
  using maybe = std::optional<xgboost_value>;

  using load_fault::load_fault;

  maybe member(const xgboost_value& object, std::string_view place, std::string_view key) {
    maybe found = object.find(key);
    if (!found) fail(fmt::format("{}.{} is missing", place, key));
    return found;
  }

  /// Reads an array of numbers that T holds exactly: whole ones, or those of 32 bits.
  template <class T>
  bool numbers(const xgboost_value& object, std::string_view place, std::string_view key, std::vector<T>& out) {
    const maybe array = member(object, place, key);
    if (!array) return false;
    out.clear();
    out.reserve(array->size_hint());
    const bool good = array->each_number([&](double number) {
      if constexpr (std::is_same_v<T, float>) {
        const auto single = single_precision(number);
        if (!single) return false;
        number = static_cast<double>(*single);
      }
      if constexpr (std::is_integral_v<T>) {
        constexpr double end = std::numeric_limits<T>::digits == 63
                                   ? 9223372036854775808.0
                                   : static_cast<double>((std::numeric_limits<T>::max)()) + 1;
        if (!(number >= static_cast<double>((std::numeric_limits<T>::min)()) && number < end)) return false;
        if (static_cast<double>(static_cast<T>(number)) != number) return false;
      }
      out.push_back(static_cast<T>(number));
      return true;
    });
    return good ||
           expect(fmt::format("{}.{}[{}]", place, key, out.size()),
                  std::is_integral_v<T> ? "a whole number in range" : "a number of 32 bits, as XGBoost writes it");
  }

  /// XGBoost writes its integer parameters as text: "100". Zero when absent and not required.
  bool parameter(const xgboost_value& object, std::string_view place, std::string_view key, bool required,
                 std::uint64_t most, std::uint64_t& out) {
    out = 0;
    const maybe found = object.find(key);
    if (!found) return !required || fail(fmt::format("{}.{} is missing", place, key));
    std::optional<double> number = found->number();
    if (const auto text = found->text()) {
      double parsed = 0;
      if (parse_number(*text, parsed)) number = parsed;
    }
    if (!number || !(*number >= 0 && *number <= static_cast<double>(most)) || *number != std::trunc(*number)) {
      return expect(fmt::format("{}.{}", place, key), fmt::format("a whole number from 0 to {}", most));
    }
    out = static_cast<std::uint64_t>(*number);
    return true;
  }

  /// Reads an array of texts; nothing when absent.
  bool texts(const xgboost_value& object, std::string_view place, std::string_view key, std::vector<std::string>& out) {
    const maybe array = object.find(key);
    if (!array) return true;
    const bool good = array->each([&](const xgboost_value& e) {
      const auto text = e.text();
      if (text) out.emplace_back(*text);
      return text.has_value();
    });
    return good || expect(fmt::format("{}.{}", place, key), "an array of texts");
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
