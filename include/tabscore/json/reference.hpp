// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "../core/config.hpp"
#include "../schema/batch.hpp"
#include "../schema/field_error.hpp"
#include "coerce.hpp"
#include "json_value.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Bounds on what one body may ask for.
struct decode_limits {
  std::size_t max_records = field_error::all_rows;  ///< more are one error, fault::max_items; at most 2^32 - 2
  std::size_t max_errors = SIZE_MAX;                ///< errors kept; the rest is only counted
};

/// What was wrong with the values of a body.
struct decode_faults {
  validation_errors errors;             ///< make the body invalid
  std::size_t unlisted = 0;             ///< further errors, beyond max_errors
  std::vector<std::uint32_t> bad_rows;  ///< the records of a list that have errors, ascending
  validation_errors not_finite;  ///< values that keep the bounds, but that no model can use: the caller's to refuse;
                                 ///< of bad records, too

  /// All of them, in the order of records and fields.
  validation_errors all() const {
    validation_errors merged;
    std::merge(
        errors.begin(), errors.end(), not_finite.begin(), not_finite.end(), std::back_inserter(merged),
        [](const field_error& a, const field_error& b) { return std::tie(a.row, a.field) < std::tie(b.row, b.field); });
    return merged;
  }
  void clear() noexcept {
    errors.clear();
    unlisted = 0;
    bad_rows.clear();
    not_finite.clear();
  }
};

namespace detail {

/// Values of a correct JSON document into a batch, by all the rules of a policy, every error noted.
template <schema_type Schema, class Policy>
class reference_reader {
 public:
  reference_reader(const decode_limits& limits, batch<Schema>& to, decode_faults& faults) noexcept
      : limits_(limits), to_(to), faults_(faults) {}

  /// The array that is called `member` in the body.
  void records(json_value body, std::string_view member) {
    json_value list;
    if (!members(body, field_error::no_row, [&](std::string_view key, json_value v) {
          if (key == member) list = v;
        })) {
      return;
    }
    constexpr auto rows = field_error::all_rows;
    if (!list) return error(rows, fault::missing);
    if (list.kind() == json_kind::null) return error(rows, fault::null);
    if (list.kind() != json_kind::array) return error(rows, fault::not_list);
    if (list.is_empty_array()) return error(rows, fault::min_items, 1);
    std::uint32_t row = 0;
    list.for_each_element([&](json_value v) {
      if (row < limits_.max_records) {
        element(v, row++);
        return true;
      }
      faults_.clear();
      error(rows, fault::max_items, limits_.max_records);
      return false;
    });
  }

  /// The body, or one of its records.
  void record(json_value v, std::uint32_t row = field_error::no_row) {
    if (row != field_error::no_row && v.kind() == json_kind::null) return error(row, fault::null);
    std::array<json_value, Schema::size> found;
    const bool complete = members(v, row, [&](std::string_view key, json_value value) {
      if (const std::size_t i = Schema::index_of(key); i != Schema::npos) found[i] = value;
    });
    if (!complete) return;
    const std::size_t to = to_.add_row();
    Schema::for_each([&]<std::size_t At>() { field<At>(found[At], row, to); });
  }

 private:
  /// A record of a list: kept when it is good.
  void element(json_value v, std::uint32_t row) {
    const std::size_t good = to_.rows();
    const std::size_t errors = faults_.errors.size() + faults_.unlisted;
    record(v, row);
    if (faults_.errors.size() + faults_.unlisted == errors) return;
    to_.truncate(good);
    faults_.bad_rows.push_back(row);
  }

  /// Calls f(key, value) for each member; of duplicates the last one comes last. False with an error when v is no
  /// object.
  template <class F>
  bool members(json_value v, std::uint32_t row, F&& f) {
    if (Policy::empty_is_record && (v.is_empty_array() || v.is_empty_text())) return true;
    if (v.kind() != json_kind::object) return error(row, fault::not_record), false;
    bool reserved = false;
    v.for_each_member([&](std::string_view raw_key, json_value value) {
      const std::string_view key = unescaped(raw_key, key_);
      reserved = reserved || (!Policy::reserved_name.empty() && key == Policy::reserved_name);
      f(key, value);
    });
    if (reserved) error(row, fault::reserved_name);
    return !reserved;
  }

  template <std::size_t At>
  void field(json_value v, std::uint32_t row, std::size_t to) {
    using field = typename Schema::template field<At>;
    const auto wrong = [&](fault f, limit bound = {}) { error(row, f, bound, static_cast<std::uint16_t>(At)); };
    auto& stored = to_.template data<At>()[to];
    if (!v || v.kind() == json_kind::null) {
      if constexpr (field::required) {
        wrong(v ? fault::null : fault::missing);
      } else {
        stored = field::absent();
      }
      return;
    }
    const auto c = [&] {
      if constexpr (field::kind == field_kind::integer) return Policy::integer(v);
      if constexpr (field::kind == field_kind::real) return Policy::real(v);
      if constexpr (field::kind == field_kind::boolean) return Policy::boolean(v);
      if constexpr (field::kind == field_kind::text) return Policy::text(v, to_);
    }();
    if (c.wrong && *c.wrong != fault::integer_range && *c.wrong != fault::not_finite) return wrong(*c.wrong);
    if constexpr (field::kind != field_kind::boolean) {
      if (const auto broken = field::first_violation(c.value)) return wrong(broken->what, broken->bound);
    }
    if (c.wrong) return wrong(*c.wrong);
    if constexpr (field::kind == field_kind::real) {
      if (!std::isfinite(c.value)) {
        faults_.not_finite.push_back({row, static_cast<std::uint16_t>(At), fault::not_finite, {}});
      }
    }
    stored = field::store(c.value);
  }

  void error(std::uint32_t row, fault what, limit bound = {}, std::uint16_t field = field_error::no_field) {
    if (faults_.errors.size() < limits_.max_errors) {
      faults_.errors.push_back({row, field, what, bound});
    } else {
      ++faults_.unlisted;
    }
  }

  const decode_limits& limits_;
  batch<Schema>& to_;
  decode_faults& faults_;
  std::string key_;
};

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
