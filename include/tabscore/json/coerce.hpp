// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "../core/config.hpp"
#include "../core/read_number.hpp"
#include "../schema/field.hpp"
#include "../schema/number_rule.hpp"
#include "detail/scan.hpp"
#include "json_value.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The result of coercing a JSON value. integer_range and not_finite come with the nearest valid number, so that a
/// bound that this number breaks can be reported instead.
template <class T>
struct coerced {
  T value{};                   ///< the nearest value of the type, also where it is wrong
  std::optional<fault> wrong;  ///< nothing: the value is right
};

namespace detail {

/// The integer of a text with an optional sign and digits; beyond 64 bits the nearest one, and integer_range.
inline coerced<std::int64_t> digits_to_integer(std::string_view s) noexcept {
  const bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) s.remove_prefix(1);
  using limits = std::numeric_limits<std::int64_t>;
  const std::uint64_t most = static_cast<std::uint64_t>((limits::max)()) + negative;
  std::uint64_t v = 0;
  for (const char c : s) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (v > (most - digit) / 10) return {negative ? (limits::min)() : (limits::max)(), fault::integer_range};
    v = v * 10 + digit;
  }
  return {static_cast<std::int64_t>(negative ? 0 - v : v), {}};
}

/// A number token, NaN and the infinities among them. -0 is an integer and has no sign, -0.0 has.
inline double real_of_token(std::string_view raw) noexcept {
  const auto whole = read_integer({raw.data(), raw.data() + raw.size()});
  if (whole.wrong == 0) return static_cast<double>(whole.value);
  if (is_digit(raw.back())) return parse_real(raw);
  using limits = std::numeric_limits<double>;
  if (raw == "NaN") return limits::quiet_NaN();
  return raw[0] == '-' ? -limits::infinity() : limits::infinity();
}

/// A text with its escapes resolved, kept by `texts` (a batch) where it isn't in the document as it is.
template <class Texts>
std::string_view kept_text(json_value v, Texts& texts) {
  const std::string_view raw = v.raw_text();
  if (raw.find('\\') == std::string_view::npos) return raw;
  char* const to = texts.text_space(raw.size());
  return texts.commit_text(static_cast<std::size_t>(unescape(raw, to) - to));
}

}  // namespace detail

// Policies: what counts as an integer, a real number, a boolean, a text. A policy is a type with the members of
// coerce::strict, the default. What strict takes, every policy takes with the same meaning: it is decoded without
// asking.
namespace coerce {

/// Strict coercion: 45.0 is not an integer, 1 not a boolean, "45" not a number, 45 not a text, NaN not a value.
struct strict {
  static constexpr number_rule numbers = number_rule::strict;  ///< of columns that have types
  static constexpr bool empty_is_record = false;               ///< an empty array is no record
  static constexpr std::string_view reserved_name = {};        ///< no member name is special

  /// JSON integers of 64 bits.
  static coerced<std::int64_t> integer(json_value v);
  /// JSON numbers.
  static coerced<double> real(json_value v);
  /// true and false.
  static coerced<bool> boolean(json_value v);
  /// JSON texts.
  template <class Texts>
  static coerced<std::string_view> text(json_value v, Texts& texts) {
    if (v.kind() != json_kind::text) return {{}, fault::not_text};
    return {detail::kept_text(v, texts), {}};
  }
};

}  // namespace coerce

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::coerce {

TABSCORE_INLINE coerced<std::int64_t> strict::integer(json_value v) {
  if (v.kind() != json_kind::integer) return {0, fault::not_integer};
  return detail::digits_to_integer(v.raw());
}
TABSCORE_INLINE coerced<double> strict::real(json_value v) {
  if (!v.is_number()) return {0, fault::not_real};
  const double d = detail::real_of_token(v.raw());
  return std::isfinite(d) ? coerced<double>{d, {}} : coerced<double>{d, fault::not_finite};
}
TABSCORE_INLINE coerced<bool> strict::boolean(json_value v) {
  if (v.kind() != json_kind::boolean) return {false, fault::not_boolean};
  return {v.is_true(), {}};
}

}  // namespace tabscore::inline TABSCORE_ABI::coerce
#endif
