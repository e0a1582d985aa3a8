// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/write_number.hpp"
#include "../schema/batch.hpp"
#include "../schema/field_table.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A value of a raw row; std::monostate means missing.
using raw_value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

/// Records before feature engineering, with the feature values that the trainer's own code computed from them. They
/// reveal a formula that has the feature's name and computes something else.
struct raw_checks {
  std::string file;                          ///< for errors
  std::vector<std::string> fields;           ///< of the rows; fields outside the schema are ignored
  std::vector<std::vector<raw_value>> rows;  ///< a value per field
  std::vector<std::string> features;         ///< numeric features of the model
  std::vector<std::vector<double>> values;   ///< per row, a value per feature; NaN is missing
  static constexpr double tolerance = 1e-9;  ///< relative: the last bits of a logarithm depend on the library
};

namespace detail {

/// Stores the raw rows in a batch of as many records; returns the error, if any.
std::optional<error> store_raw_rows(const raw_checks& checks, std::span<const field_view> fields,
                                    std::span<void* const> columns);
/// The first feature that is not the trainer's, if any: `matrix` has a column of as many rows for each name.
std::optional<error> compare_raw_features(const raw_checks& checks, std::span<const std::string_view> names,
                                          std::span<const double> matrix);

}  // namespace detail

/// Computes the features of the raw rows: nothing when they are the trainer's, else the first that is not.
template <schema_type Schema, class Features>
std::optional<error> replay(const raw_checks& checks, const Features& features) {
  const std::size_t count = checks.rows.size();
  batch<Schema> records;
  for (std::size_t i = 0; i < count; ++i) records.add_row();
  std::array<void*, Schema::size> columns;
  Schema::for_each([&]<std::size_t At>() { columns[At] = records.template data<At>(); });
  if (auto wrong = detail::store_raw_rows(checks, field_table<Schema>, columns)) return wrong;
  static constexpr auto names = Features::template names<Schema>();
  std::vector<double> matrix(names.size() * count);
  features.write(records.view(), matrix.data(), count);
  return detail::compare_raw_features(checks, names, matrix);
}

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

inline std::string number_of(double v) {
  if (std::isnan(v)) return "a missing value (NaN)";
  if (std::isinf(v)) return v > 0 ? "infinity" : "-infinity";
  char text[number_text_space];
  return std::string(text, write_real(text, v));
}

inline error raw_error(errc code, const raw_checks& checks, std::initializer_list<std::string_view> pieces) {
  error e{code, checks.file};
  e.message.append(": raw_checks: ");
  for (const std::string_view piece : pieces) e.message.append(piece);
  return e;
}

/// False where the value is of another kind than the field.
inline bool store_raw(const raw_value& v, const field_view& field, const entry_writer& to) {
  if (std::holds_alternative<std::monostate>(v)) {
    if (!field.required) to.absent();
    return !field.required;
  }
  if (field.kind == field_kind::text) {
    const auto* const text = std::get_if<std::string>(&v);
    if (text != nullptr) to.text(*text);
    return text != nullptr;
  }
  const auto* const integer = std::get_if<std::int64_t>(&v);
  const auto* const real = std::get_if<double>(&v);
  const auto* const boolean = std::get_if<bool>(&v);
  if (integer == nullptr && real == nullptr && boolean == nullptr) return false;
  if (field.kind == field_kind::real) {
    to.real(real != nullptr ? *real : integer != nullptr ? static_cast<double>(*integer) : *boolean ? 1.0 : 0.0);
    return true;
  }
  // pandas keeps integers and booleans as doubles where some are missing
  if (real != nullptr && !(std::abs(*real) < 0x1p63 && *real == std::trunc(*real))) return false;
  const std::int64_t whole = real != nullptr      ? static_cast<std::int64_t>(*real)
                             : integer != nullptr ? *integer
                                                  : std::int64_t{*boolean};
  if (field.kind == field_kind::integer) {
    to.integer(whole);
  } else {
    if (whole != 0 && whole != 1) return false;
    to.boolean(whole == 1);
  }
  return true;
}

TABSCORE_INLINE std::optional<error> store_raw_rows(const raw_checks& checks, std::span<const field_view> fields,
                                                    std::span<void* const> columns) {
  const std::size_t count = checks.rows.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (checks.rows[i].size() != checks.fields.size() || i >= checks.values.size() ||
        checks.values[i].size() != checks.features.size()) {
      return raw_error(errc::structure, checks,
                       {"row ", std::to_string(i), " has not one value per field and one per feature"});
    }
  }
  const raw_value none;
  for (std::size_t k = 0; k < fields.size(); ++k) {
    const field_view& field = fields[k];
    const auto found = std::find(checks.fields.begin(), checks.fields.end(), field.name);
    const bool given = found != checks.fields.end();
    const auto at = static_cast<std::size_t>(found - checks.fields.begin());
    for (std::size_t i = 0; i < count; ++i) {
      const entry_writer to(field, columns[k], i);
      if (field.is_id && !given) {  // no feature is made of it
        field.kind == field_kind::text ? to.absent() : to.integer(0);
      } else if (!store_raw(given ? checks.rows[i][at] : none, field, to)) {  // texts stay where they are
        if (!given) {
          return raw_error(errc::mismatch, checks,
                           {"the rows have no field '", field.name, "', which the schema requires"});
        }
        return raw_error(errc::mismatch, checks,
                         {"row ", std::to_string(i), ": the value of '", field.name,
                          "' is not one that the field of the schema can have"});
      }
    }
  }
  return std::nullopt;
}

TABSCORE_INLINE std::optional<error> compare_raw_features(const raw_checks& checks,
                                                          std::span<const std::string_view> names,
                                                          std::span<const double> matrix) {
  const std::size_t count = checks.rows.size();
  for (std::size_t f = 0; f < checks.features.size(); ++f) {
    const auto name = std::find(names.begin(), names.end(), checks.features[f]);
    if (name == names.end()) {
      return raw_error(errc::mismatch, checks, {"the pipeline has no feature '", checks.features[f], "'"});
    }
    const auto j = static_cast<std::size_t>(name - names.begin());
    for (std::size_t i = 0; i < count; ++i) {
      const double theirs = checks.values[i][f];
      const double ours = matrix[j * count + i];
      if (theirs == ours || (std::isnan(theirs) && std::isnan(ours))) continue;
      const double apart = std::abs(theirs - ours);
      if (std::isfinite(apart) && apart <= raw_checks::tolerance * (std::max)(std::abs(theirs), std::abs(ours))) {
        continue;
      }
      return raw_error(
          errc::check_failed, checks,
          {"the feature '", checks.features[f], "' of row ", std::to_string(i), " is ", number_of(theirs),
           " in the training code and ", number_of(ours), " here; most likely the formula is another one"});
    }
  }
  return std::nullopt;
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
#endif
