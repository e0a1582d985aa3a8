// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../core/config.hpp"
#include "../schema/field.hpp"
#include "detail/convert_avx2.hpp"
#include "detail/scan.hpp"
#include "encoding.hpp"
#include "json_value.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The values of one field in the next few records: from the first byte (of a text: after its quote) to the end. begin
/// is null for an absent value.
struct value_block {
  static constexpr std::size_t capacity = 32;
  std::array<const char*, capacity> begin;
  std::array<std::uint64_t, capacity> bytes;  // the first eight, of a text whatever
  std::array<std::uint32_t, capacity> size;

  extent operator[](std::size_t row) const noexcept { return {begin[row], begin[row] + size[row]}; }

  /// Precondition: eight bytes after the body are readable.
  void set(std::size_t row, const char* value, std::size_t length) noexcept {
    begin[row] = value;
    bytes[row] = value != nullptr ? load8(value) : 0;
    size[row] = static_cast<std::uint32_t>(length);
  }
};

/// The constraints of a text of that many code points.
template <class Field>
bool valid_ascii(std::size_t length) noexcept {
  bool valid = true;
  Field::for_each_constraint([&](auto c) {
    if constexpr (std::is_same_v<decltype(c), min_length>) valid &= length >= c.value;
    if constexpr (std::is_same_v<decltype(c), max_length>) valid &= length <= c.value;
  });
  return valid;
}

/// Do all numbers keep the field's bounds that the readers of short ones give? Bounds hold between numbers that keep
/// them.
template <class Field>
inline constexpr bool short_numbers_valid = Field::valid(0) && Field::valid(99'999'999);

/// A short value, as most are, which begins with these bytes; 0 when it was one and keeps the bounds.
template <class Field>
[[gnu::always_inline]] inline std::uint64_t convert_short(extent t, std::uint64_t bytes,
                                                          typename Field::stored_type& to) noexcept {
  if constexpr (!Field::required) {
    if (t.begin == nullptr) {
      to = Field::absent();
      return 0;
    }
  }
  if constexpr (Field::kind == field_kind::text) {
    to = t.view();
    const text_block b(t.begin);
    return t.size() >> 5U | (b.special & ((std::uint32_t{1} << (t.size() & 31U)) - 1)) | !valid_ascii<Field>(t.size());
  } else if constexpr (Field::kind == field_kind::boolean) {
    const bool yes = t.view() == "true";
    to = Field::store(yes);
    return !yes && t.view() != "false";
  } else {
    const auto v = [&] {
      if constexpr (Field::kind == field_kind::integer) return read_short_integer(bytes, t.size());
      if constexpr (Field::kind == field_kind::real) return read_short_real(bytes, t.size());
    }();
    to = Field::store(v.value);
    if constexpr (short_numbers_valid<Field>) return v.wrong;
    return v.wrong | !Field::valid(v.value);
  }
}

/// Any value that is plainly what its field says; `texts` keeps what must be unescaped. The body ends at `end`.
template <class Field, class Texts>
[[gnu::noinline]] bool convert_any(extent t, typename Field::stored_type& to, const char* end, Texts& texts) {
  if (convert_short<Field>(t, t.begin != nullptr ? load8(t.begin) : 0, to) == 0) return true;
  if constexpr (!Field::required) {
    if (Field::kind != field_kind::text && t.view() == "null") {
      to = Field::absent();
      return true;
    }
  }
  if constexpr (Field::kind == field_kind::text) {
    const text_extent found = read_text(t.begin, end);
    if (found.end != t.end) return false;
    to = t.view();
    if (!found.ascii && !is_utf8(t.view())) return false;
    if (found.escaped) {
      char* const kept = texts.text_space(to.size());
      to = texts.commit_text(static_cast<std::size_t>(unescape(to, kept) - kept));
    }
    return Field::valid(to);
  } else if constexpr (Field::kind == field_kind::boolean) {
    return false;
  } else {
    const auto v = [&] {
      if constexpr (Field::kind == field_kind::integer) return read_integer(t);
      if constexpr (Field::kind == field_kind::real) return read_real(t);
    }();
    to = Field::store(v.value);
    return v.wrong == 0 && Field::valid(v.value);
  }
}

/// Converts the first `count` values of a block into a column; false when a value is not in plain form.
template <class Field, class Texts>
bool convert_values(const value_block& values, std::size_t count, typename Field::stored_type* to, const char* end,
                    Texts& texts) {
  // A loop without calls for what is common, and a second one where that did not do.
  std::uint64_t wrong = 0;
  const auto one_by_one = [&] {
    for (std::size_t i = 0; i < count; ++i) wrong |= convert_short<Field>(values[i], values.bytes[i], to[i]);
  };
  if constexpr (Field::required && (Field::kind == field_kind::integer || Field::kind == field_kind::real)) {
    if (four_numbers_at_a_time && count > 1) {
      wrong = read_short_avx2(values.bytes.data(), values.size.data(), count, to);
      for (std::size_t i = 0; !short_numbers_valid<Field> && i < count; ++i) wrong |= !Field::valid(to[i]);
    } else {
      one_by_one();
    }
  } else {
    one_by_one();
  }
  for (std::size_t i = 0; wrong != 0 && i < count; ++i) {
    if (!convert_any<Field>(values[i], to[i], end, texts)) return false;
  }
  return true;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
