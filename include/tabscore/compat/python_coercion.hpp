// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/write_number.hpp"
#include "../json/coerce.hpp"
#include "../json/json_value.hpp"
#include "../schema/field_error.hpp"
#include "../schema/number_rule.hpp"
#include "detail/python_text.hpp"

namespace tabscore::inline TABSCORE_ABI::coerce {

/// As pydantic 1 does for Python's types: "45" and 45.9 are integers, 1 and "yes" are true, 45 is a text. Integers
/// outside 64 bits, digits of other scripts and arrays of pairs standing for objects are refused.
struct python {
  static constexpr number_rule numbers = number_rule::lenient;            ///< of columns that have types
  static constexpr bool empty_is_record = true;                           ///< `[]` and `""` are dicts without members
  static constexpr std::string_view reserved_name = "__pydantic_self__";  ///< a member that pydantic 1 refuses

  /// An integer as `int` reads it.
  static coerced<std::int64_t> integer(json_value v) {
    switch (v.kind()) {
      case json_kind::integer:
        return detail::digits_to_integer(v.raw());
      case json_kind::boolean:
        return {v.is_true(), {}};
      case json_kind::real:
        return cut(detail::real_of_token(v.raw()));
      case json_kind::text: {
        std::string spare;
        std::string digits_spare;
        const std::string_view text = unescaped(v.raw_text(), spare);
        constexpr std::size_t longest = 4300;
        if (text.size() > longest && code_points(text) > longest) break;
        const auto digits = detail::without_underscores(detail::trim_python_space(text), digits_spare);
        if (!digits || !detail::is_signed_digits(*digits)) break;
        return detail::digits_to_integer(*digits);
      }
      default:
        break;
    }
    return {0, fault::not_integer};
  }

  /// A number as `float` reads it.
  static coerced<double> real(json_value v) {
    switch (v.kind()) {
      case json_kind::real:
        return {detail::real_of_token(v.raw()), {}};
      case json_kind::integer: {
        const double d = detail::real_of_token(v.raw());
        return std::isfinite(d) ? coerced<double>{d, {}} : coerced<double>{d, fault::not_finite};
      }
      case json_kind::boolean:
        return {v.is_true() ? 1.0 : 0.0, {}};
      case json_kind::text: {
        std::string spare;
        std::string number;
        if (const auto d = detail::python_float(unescaped(v.raw_text(), spare), number)) return {*d, {}};
        break;
      }
      default:
        break;
    }
    return {0, fault::not_real};
  }

  /// A boolean as `bool` reads it.
  static coerced<bool> boolean(json_value v) {
    switch (v.kind()) {
      case json_kind::boolean:
        return {v.is_true(), {}};
      case json_kind::integer:
      case json_kind::real: {
        const double d = detail::real_of_token(v.raw());
        if (d == 0 || d == 1) return {d == 1, {}};
        break;
      }
      case json_kind::text: {
        std::string spare;
        std::string word(unescaped(v.raw_text(), spare));
        for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        for (const std::string_view yes : {"1", "on", "t", "true", "y", "yes"}) {
          if (word == yes) return {true, {}};
        }
        for (const std::string_view no : {"0", "off", "f", "false", "n", "no"}) {
          if (word == no) return {false, {}};
        }
        break;
      }
      default:
        break;
    }
    return {false, fault::not_boolean};
  }

  /// `texts` stores texts that are not part of the document.
  template <class Texts>
  static coerced<std::string_view> text(json_value v, Texts& texts) {
    switch (v.kind()) {
      case json_kind::text:
        return {detail::kept_text(v, texts), {}};
      case json_kind::integer: {
        const std::string_view digits = v.raw();
        return {digits == "-0" ? digits.substr(1) : digits, {}};
      }
      case json_kind::real: {
        char* const to = texts.text_space(number_text_space);
        const char* const end = write_real(to, detail::real_of_token(v.raw()));
        return {texts.commit_text(static_cast<std::size_t>(end - to)), {}};
      }
      case json_kind::boolean:
        return {v.is_true() ? "True" : "False", {}};
      default:
        return {{}, fault::not_text};
    }
  }

 private:
  static coerced<std::int64_t> cut(double d) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    if (!std::isfinite(d)) return {0, fault::not_integer};
    if (d >= 0x1p63) return {(limits::max)(), fault::integer_range};
    if (d < -0x1p63) return {(limits::min)(), fault::integer_range};
    return {static_cast<std::int64_t>(d), {}};
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::coerce
