// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <system_error>
#include <type_traits>

#if !defined(__cpp_lib_to_chars)
#include <locale.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#endif

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

#if defined(__cpp_lib_to_chars)

/// std::from_chars, also where the standard library has none for doubles (libc++ before its version 20).
template <class T>
std::from_chars_result from_chars(const char* first, const char* last, T& value) noexcept {
  return std::from_chars(first, last, value);
}

#else

/// The end of the decimal number, "inf" or "nan" that begins at `first`; `first` where none does.
inline const char* number_prefix(const char* first, const char* last) noexcept {
  const auto digits = [last](const char* p) {
    while (p != last && *p >= '0' && *p <= '9') ++p;
    return p;
  };
  const char* const start = first != last && *first == '-' ? first + 1 : first;
  for (const char* const word : {"infinity", "inf", "nan"}) {
    const char* p = start;
    const char* w = word;
    for (; *w != 0 && p != last && (*p | 0x20) == *w; ++p) ++w;
    if (*w == 0) return p;
  }
  const char* p = digits(start);
  bool any = p != start;
  if (p != last && *p == '.') {
    const char* const end = digits(p + 1);
    any = any || end != p + 1;
    p = end;
  }
  if (!any) return first;
  if (p != last && (*p == 'e' || *p == 'E')) {
    const char* const sign = p + 1 != last && (p[1] == '-' || p[1] == '+') ? p + 2 : p + 1;
    if (const char* const end = digits(sign); end != sign) p = end;
  }
  return p;
}

/// std::from_chars; for doubles by the C library's conversion, which rounds correctly, too.
template <class T>
std::from_chars_result from_chars(const char* first, const char* last, T& value) {
  if constexpr (!std::is_floating_point_v<T>) {
    return std::from_chars(first, last, value);
  } else {
    static const locale_t plain = newlocale(LC_ALL_MASK, "C", nullptr);
    const char* const end = number_prefix(first, last);
    if (end == first) return {first, std::errc::invalid_argument};
    const std::string text(first, end);
    T read{};
    if constexpr (std::is_same_v<T, float>) {
      read = strtof_l(text.c_str(), nullptr, plain);
    } else {
      read = strtod_l(text.c_str(), nullptr, plain);
    }
    const std::string_view mantissa = std::string_view(text).substr(0, text.find_first_of("eE"));
    const bool is_number = text.find_first_of("nN") == text.npos;
    const bool is_zero = mantissa.find_first_of("123456789") == mantissa.npos;
    if (is_number && (std::isinf(read) || (read == 0 && !is_zero))) return {end, std::errc::result_out_of_range};
    value = read;
    return {end, std::errc{}};
  }
}

#endif

}  // namespace tabscore::inline TABSCORE_ABI::detail
