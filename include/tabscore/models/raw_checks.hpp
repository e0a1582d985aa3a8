// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/write_number.hpp"
#include "../schema/batch.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A value of a raw row; std::monostate is a missing one.
using raw_value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

/// Records as they were before features were engineered, with the values that the trainer's own code computed from
/// them: a formula under the same name that computes something else is found out.
struct raw_checks {
  std::string file;                          ///< for errors
  std::vector<std::string> fields;           ///< of the rows; those that the schema does not have are ignored
  std::vector<std::vector<raw_value>> rows;  ///< a value per field
  std::vector<std::string> features;         ///< numeric features of the model
  std::vector<std::vector<double>> values;   ///< per row, a value per feature; NaN is missing
  static constexpr double tolerance = 1e-9;  ///< relative: the last bits of a logarithm depend on the library
};

namespace detail {

/// A raw value as a field stores it; nothing where it is of another kind.
template <class Field>
std::optional<typename Field::stored_type> stored_raw(const raw_value& v) {
  if (std::holds_alternative<std::monostate>(v)) {
    if constexpr (!Field::required) return Field::absent();
    return std::nullopt;
  }
  if constexpr (Field::kind == field_kind::text) {
    const auto* const text = std::get_if<std::string>(&v);
    if (text != nullptr) return Field::store(*text);
  } else {
    const auto* const integer = std::get_if<std::int64_t>(&v);
    const auto* const real = std::get_if<double>(&v);
    const auto* const boolean = std::get_if<bool>(&v);
    if constexpr (Field::kind == field_kind::real) {
      if (real != nullptr) return Field::store(*real);
      if (integer != nullptr) return Field::store(static_cast<double>(*integer));
      if (boolean != nullptr) return Field::store(*boolean ? 1.0 : 0.0);
    } else {  // pandas keeps integers and booleans as doubles where some are missing
      std::optional<std::int64_t> whole;
      if (integer != nullptr) whole = *integer;
      if (boolean != nullptr) whole = *boolean;
      if (real != nullptr && std::abs(*real) < 0x1p63 && *real == std::trunc(*real)) {
        whole = static_cast<std::int64_t>(*real);
      }
      if (whole && (Field::kind == field_kind::integer || *whole == 0 || *whole == 1)) {
        return Field::store(static_cast<typename Field::value_type>(*whole));
      }
    }
  }
  return std::nullopt;
}

std::string number_of(double v);
error raw_error(errc code, const raw_checks& checks, std::initializer_list<std::string_view> pieces);

}  // namespace detail

/// Computes the features of the raw rows: nothing when they are the trainer's, else the first that is not.
template <schema_type Schema, class Features>
std::optional<error> replay(const raw_checks& checks, const Features& features) {
  const auto fail = [&](errc code, std::initializer_list<std::string_view> pieces) {
    return detail::raw_error(code, checks, pieces);
  };
  const std::size_t count = checks.rows.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (checks.rows[i].size() != checks.fields.size() || i >= checks.values.size() ||
        checks.values[i].size() != checks.features.size()) {
      return fail(errc::structure, {"row ", std::to_string(i), " has not one value per field and one per feature"});
    }
  }
  batch<Schema> records;
  for (std::size_t i = 0; i < count; ++i) records.add_row();
  std::optional<error> wrong;
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    std::size_t at = 0;
    while (at < checks.fields.size() && checks.fields[at] != field::name) ++at;
    for (std::size_t i = 0; i < count && !wrong; ++i) {
      const raw_value none;
      const bool given = at < checks.fields.size();
      const auto value = detail::stored_raw<field>(given ? checks.rows[i][at] : none);
      if (field::is_id && !given) {
        records.template data<At>()[i] = {};  // no feature is made of it
      } else if (value) {
        records.template data<At>()[i] = *value;
      } else if (!given) {
        wrong = fail(errc::mismatch, {"the rows have no field '", field::name, "', which the schema requires"});
      } else {
        wrong = fail(errc::mismatch, {"row ", std::to_string(i), ": the value of '", field::name,
                                      "' is not one that the field of the schema can have"});
      }
    }
  });
  if (wrong) return wrong;
  constexpr std::size_t width = Features::template width<Schema>;
  constexpr auto names = Features::template names<Schema>();
  std::vector<double> matrix(width * count);
  features.write(records.view(), matrix.data(), count);
  for (std::size_t f = 0; f < checks.features.size(); ++f) {
    std::size_t j = 0;
    while (j < width && names[j] != checks.features[f]) ++j;
    if (j == width) return fail(errc::mismatch, {"the pipeline has no feature '", checks.features[f], "'"});
    for (std::size_t i = 0; i < count; ++i) {
      const double theirs = checks.values[i][f];
      const double ours = matrix[j * count + i];
      if (theirs == ours || (std::isnan(theirs) && std::isnan(ours))) continue;
      const double apart = std::abs(theirs - ours);
      if (std::isfinite(apart) && apart <= raw_checks::tolerance * (std::max)(std::abs(theirs), std::abs(ours)))
        continue;
      return fail(errc::check_failed, {"the feature '", checks.features[f], "' of row ", std::to_string(i), " is ",
                                       detail::number_of(theirs), " in the training code and ", detail::number_of(ours),
                                       " here; most likely the formula is another one"});
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE std::string number_of(double v) {
  if (std::isnan(v)) return "a missing value (NaN)";
  if (std::isinf(v)) return v > 0 ? "infinity" : "-infinity";
  char text[number_text_space];
  return std::string(text, write_real(text, v));
}

TABSCORE_INLINE error raw_error(errc code, const raw_checks& checks, std::initializer_list<std::string_view> pieces) {
  error e{code, checks.file};
  e.message.append(": raw_checks: ");
  for (const std::string_view piece : pieces) e.message.append(piece);
  return e;
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
#endif
