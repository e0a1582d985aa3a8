// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "../../core/config.hpp"
#include "../../core/detail/skip.hpp"
#include "../../json/coerce.hpp"
#include "../../json/json_value.hpp"
#include "../../schema/field.hpp"
#include "inference_request.hpp"

// The elements of a tensor's data: each is stored in the column of its field.
namespace tabscore::inline TABSCORE_ABI::detail {

/// The number at p, of 64 bits or finite; returns what follows it, or nullptr where there is none.
template <class Number>
[[gnu::always_inline]] inline const char* read_plain_number(const char* p, const char* end, Number& to) noexcept {
  constexpr bool real = std::is_same_v<Number, double>;
  if (end - p >= 8) {
    const std::uint64_t bytes = load8(p);
    const std::uint64_t stops = first_equal_byte(bytes, 0x2C2C2C2C2C2C2C2CU) |  // ','
                                first_equal_byte(bytes, 0x5D5D5D5D5D5D5D5DU);   // ']'
    const auto size = static_cast<std::size_t>(std::countr_zero(stops)) / 8;
    parsed<Number> v;
    if constexpr (real) {
      v = read_short_real(bytes, size);
    } else {
      v = read_short_integer(bytes, size);
    }
    if (stops != 0 && v.wrong == 0) {
      to = v.value;
      return p + size;
    }
  }
  const char* const digits = p + (*p == '-');
  if (!is_digit(*digits)) return nullptr;
  const char* const behind = json_value(p, end).end();
  const std::string_view token(p, static_cast<std::size_t>(behind - p));
  if constexpr (real) {
    to = real_of_token(token);
    return std::isfinite(to) ? behind : nullptr;
  } else {
    const auto c = digits_to_integer(token);
    to = c.value;
    return skip_digits(digits, behind) == behind && !c.wrong ? behind : nullptr;
  }
}

/// A value as most are, good and without escapes; returns what follows it. nullptr: read_value() decides.
template <class Field>
[[gnu::always_inline]] inline const char* read_plain_value(const char* p, const char* end, const request_tensor& t,
                                                           bool single, typename Field::stored_type& stored) {
  if (t.nested && *p++ != '[') return nullptr;
  const auto keep = [&](typename Field::value_type v) -> const char* {
    if constexpr (Field::kind != field_kind::boolean) {
      if (!Field::valid(v)) return nullptr;
    }
    if (t.nested && *p++ != ']') return nullptr;
    stored = Field::store(v);
    return p;
  };
  if constexpr (Field::kind == field_kind::boolean) {
    const json_value v(p, end);
    if (v.kind() != json_kind::boolean) return nullptr;
    p += v.is_true() ? 4 : 5;
    return keep(v.is_true());
  } else if constexpr (Field::kind == field_kind::text) {
    if (*p != '"') return nullptr;
    const char* const text = p + 1;
    p = skip_plain_text(text, end);
    if (*p != '"') return nullptr;
    ++p;
    return keep({text, static_cast<std::size_t>(p - text) - 1});
  } else {
    if (Field::kind == field_kind::integer || t.type->kind == field_kind::integer) {
      std::int64_t v = 0;
      p = read_plain_number(p, end, v);
      if (p == nullptr || v < t.type->least || v > t.type->most) return nullptr;
      return keep(static_cast<typename Field::value_type>(v));
    }
    double v = 0;
    p = read_plain_number(p, end, v);
    if (p == nullptr) return nullptr;
    if (single) v = static_cast<double>(static_cast<float>(v));
    return std::isfinite(v) ? keep(static_cast<typename Field::value_type>(v)) : nullptr;
  }
}

/// Stores any value, in the field's column; returns the constraint that it breaks, if any. Texts with escapes are kept
/// by the batch.
template <class Field, class Batch>
std::optional<violation> read_value(json_value v, const tensor_datatype& type, typename Field::stored_type& stored,
                                    Batch& texts) {
  if (v.kind() == json_kind::null) {
    if constexpr (Field::required) {
      return violation{fault::null, {}};
    } else {
      stored = Field::absent();
      return std::nullopt;
    }
  }
  coerced<typename Field::value_type> c;
  if constexpr (Field::kind == field_kind::text) {
    c = coerce::strict::text(v, texts);
  } else if constexpr (Field::kind == field_kind::boolean) {
    c = coerce::strict::boolean(v);
  } else if (type.kind == field_kind::integer) {
    const auto whole = coerce::strict::integer(v);
    if (!whole.wrong && whole.value < type.least) return violation{fault::ge, type.least};
    if (!whole.wrong && whole.value > type.most) return violation{fault::le, type.most};
    c = {static_cast<typename Field::value_type>(whole.value), whole.wrong};
  } else if constexpr (Field::kind == field_kind::real) {
    c = coerce::strict::real(v);
    if (!c.wrong && type.name == "FP32") {
      c.value = static_cast<double>(static_cast<float>(c.value));
      if (!std::isfinite(c.value)) c.wrong = fault::not_finite;
    }
  }
  if (c.wrong) return violation{*c.wrong, {}};
  if constexpr (Field::kind != field_kind::boolean) {
    if (const auto broken = Field::first_violation(c.value)) return broken;
  }
  stored = Field::store(c.value);
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
