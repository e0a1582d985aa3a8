// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../schema/batch.hpp"
#include "../schema/field_error.hpp"
#include "../schema/field_table.hpp"
#include "coerce.hpp"
#include "encoding.hpp"
#include "json_value.hpp"
#include "name_index.hpp"
#include "syntax.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The result of decoding a body.
enum class decode_status {
  decoded,     ///< the batch holds the records; faults().not_finite may still name values that no model can use
  invalid,     ///< the values break the schema: faults().errors
  malformed,   ///< not JSON: syntax()
  unreadable,  ///< not UTF-8, or nested too deeply, or an integer of thousands of digits: why()
};

/// Bounds on what one body may ask for.
struct decode_limits {
  std::size_t max_records = field_error::all_rows;  ///< more are one error, fault::max_items; at most 2^32 - 2
  std::size_t max_errors = SIZE_MAX;                ///< errors kept; the rest is only counted
};

/// The errors of the values of a body.
struct decode_faults {
  validation_errors errors;             ///< any of them makes the body invalid
  std::size_t unlisted = 0;             ///< further errors, beyond max_errors
  std::vector<std::uint32_t> bad_rows;  ///< the records of a list that have errors, ascending
  validation_errors not_finite;  ///< values within the bounds that no model can use, also of bad records; the caller
                                 ///< refuses them

  /// All of them, in the order of records and fields.
  validation_errors all() const;
  /// Forgets the last body.
  void clear() noexcept {
    errors.clear();
    unlisted = 0;
    bad_rows.clear();
    not_finite.clear();
  }
};

namespace detail {

/// A policy at run time.
struct policy_view {
  coerced<std::int64_t> (*integer)(json_value);
  coerced<double> (*real)(json_value);
  coerced<bool> (*boolean)(json_value);
  coerced<std::string_view> (*text)(json_value, text_arena&);
  bool empty_is_record;
  std::string_view reserved_name;
};

/// Of a policy whose members may change before anything is read.
template <class Policy>
policy_view policy_of() noexcept {
  return {[](json_value v) -> coerced<std::int64_t> { return Policy::integer(v); },
          [](json_value v) -> coerced<double> { return Policy::real(v); },
          [](json_value v) -> coerced<bool> { return Policy::boolean(v); },
          [](json_value v, text_arena& texts) -> coerced<std::string_view> { return Policy::text(v, texts); },
          Policy::empty_is_record,
          Policy::reserved_name};
}

/// A batch of any schema.
struct batch_view {
  std::span<const field_view> fields;
  text_arena& texts;
  void* batch;
  /// The new row and the columns.
  std::size_t (*add_row)(void* batch, std::span<void*> columns);
  void (*truncate)(void* batch, std::size_t rows);
};

template <schema_type Schema>
batch_view view_of(batch<Schema>& b) noexcept {
  return {field_table<Schema>, b.texts(), &b,
          [](void* to, std::span<void*> columns) {
            auto& records = *static_cast<batch<Schema>*>(to);
            const std::size_t row = records.add_row();
            Schema::for_each([&]<std::size_t At>() { columns[At] = records.template data<At>(); });
            return row;
          },
          [](void* to, std::size_t rows) { static_cast<batch<Schema>*>(to)->truncate(rows); }};
}

/// The result of decoding a body, and its memory.
struct decode_findings {
  decode_faults faults;
  syntax_error syntax;
  unreadable why{};
  std::vector<void*> columns;
  name_index names;
  std::vector<json_value> members;     // by field
  std::vector<std::uint16_t> present;  // the fields among the members of a record
  std::vector<std::uint16_t> all;      // fields
};

/// Reads any body by all the rules of a policy and notes every error: the list of records called `member`, or, if that
/// is null, one record.
decode_status read_reference(std::string_view body, const batch_view& to, const policy_view& policy,
                             const decode_limits& limits, const std::string_view* member, decode_findings& found);

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE validation_errors decode_faults::all() const {
  if (not_finite.empty()) return errors;
  validation_errors merged;
  std::merge(
      errors.begin(), errors.end(), not_finite.begin(), not_finite.end(), std::back_inserter(merged),
      [](const field_error& a, const field_error& b) { return std::tie(a.row, a.field) < std::tie(b.row, b.field); });
  return merged;
}

}  // namespace tabscore::inline TABSCORE_ABI
namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads the values of a correct JSON document into a batch.
class reference_reader {
 public:
  reference_reader(const batch_view& to, const policy_view& policy, const decode_limits& limits, decode_findings& found)
      : to_(to),
        policy_(policy),
        limits_(limits),
        faults_(found.faults),
        columns_(found.columns),
        names_(found.names),
        found_(found.members),
        present_(found.present),
        all_(found.all) {
    for (const field_view& f : to.fields) required_ += f.required;
    if (names_.size() != 0) return;
    std::vector<std::string_view> names;
    for (const field_view& f : to.fields) names.push_back(f.name);
    names_.fill(std::move(names));
    columns_.resize(names_.size());
    found_.resize(names_.size());
    all_.resize(names_.size());
    std::iota(all_.begin(), all_.end(), std::uint16_t{0});
  }

  /// The array called `member` in the body; the last one of several.
  void records(json_value body, std::string_view member) {
    json_value list;
    const bool complete = members(body, field_error::no_row, [&](std::string_view key, json_value v) -> const char* {
      if (key != member) return nullptr;
      list = v;
      start_over();
      return v.kind() == json_kind::array ? elements(v) : nullptr;
    });
    if (!complete) return;
    constexpr auto rows = field_error::all_rows;
    if (!list) return error(rows, fault::missing);
    if (list.kind() == json_kind::null) return error(rows, fault::null);
    if (list.kind() != json_kind::array) return error(rows, fault::not_list);
    if (list.is_empty_array()) error(rows, fault::min_items, 1);
  }

  /// The body, or one of its records.
  void record(json_value v, std::uint32_t row = field_error::no_row) {
    for (const std::uint16_t i : present_) found_[i] = {};  // of the record before
    present_.clear();
    std::size_t next = 0;  // members tend to come in the order of the fields
    std::size_t missing = required_;
    const bool complete = members(v, row, [&](std::string_view key, json_value value) {
      const std::size_t i = names_.find(key, next);
      if (i == names_.size()) return;
      next = i + 1;
      if (!found_[i]) {
        present_.push_back(all_[i]);
        missing -= to_.fields[i].required;
      }
      found_[i] = value;
    });
    if (!complete) return;
    const bool counted = missing != 0 && is_full();  // short records of a wide schema have many errors
    if (counted) {
      only_count(missing);
      if (present_.empty()) return;
      if (!std::is_sorted(present_.begin(), present_.end())) std::sort(present_.begin(), present_.end());
    }
    if (!has_row_) row_ = to_.add_row(to_.batch, columns_);
    has_row_ = true;
    for (const std::uint16_t i : counted ? present_ : all_) field(i, found_[i], row, row_);
  }

 private:
  /// The records of a list; returns what follows it.
  const char* elements(json_value list) {
    std::uint32_t row = 0;
    bool too_many = false;
    const char* const behind = list.read_elements([&](json_value v) -> const char* {
      if (row < limits_.max_records) return element(v, row++);
      too_many = true;
      return nullptr;
    });
    if (too_many) {
      start_over();
      error(field_error::all_rows, fault::max_items, limits_.max_records);
    } else if (has_row_) {
      to_.truncate(to_.batch, row_);
      has_row_ = false;
    }
    return behind;
  }

  /// A record of a list: kept when it is good, else its row is the next one's. Returns what follows it, or nullptr.
  const char* element(json_value v, std::uint32_t row) {
    const std::size_t wrong = wrong_;
    behind_ = nullptr;
    if (v.is_object() || is_empty_record(v)) {
      record(v, row);
    } else if (is_full()) {  // at once: there may be a million of them
      only_count(1);
    } else {
      error(row, v.is_null() ? fault::null : fault::not_record);
    }
    if (wrong_ == wrong) {
      has_row_ = false;
    } else {
      faults_.bad_rows.push_back(row);
    }
    return behind_;
  }

  /// Pydantic 1 takes an empty array or text for an object without members.
  bool is_empty_record(json_value v) const noexcept {
    return policy_.empty_is_record && (v.is_empty_array() || v.is_empty_text());
  }
  void start_over() {
    faults_.clear();
    to_.truncate(to_.batch, 0);
    has_row_ = false;
  }

  /// Calls f(key, value) for each member; of duplicates the last one comes last. False with an error when v is no
  /// object. Sets behind_ where it is one.
  template <class F>
  bool members(json_value v, std::uint32_t row, F&& f) {
    if (!v.is_object()) {
      if (is_empty_record(v)) return true;
      return error(row, fault::not_record), false;
    }
    bool reserved = false;
    behind_ = v.for_each_member([&](std::string_view raw_key, json_value value) {
      const std::string_view key = unescaped(raw_key, key_);
      reserved = reserved || (!policy_.reserved_name.empty() && key == policy_.reserved_name);
      return f(key, value);
    });
    if (!reserved) return true;
    if (row == field_error::no_row) start_over();
    error(row, fault::reserved_name);
    return false;
  }

  void field(std::size_t at, json_value v, std::uint32_t row, std::size_t to) {
    const field_view& declared = to_.fields[at];
    const auto number = static_cast<std::uint16_t>(at);
    const entry_writer entry(declared, columns_[at], to);
    if (!v || v.is_null()) {
      if (!declared.required) return entry.absent();
      return error(row, v ? fault::null : fault::missing, {}, number);
    }
    switch (declared.kind) {
      case field_kind::integer:
        if (const auto c = policy_.integer(v); keeps(c, declared, row, number)) entry.integer(c.value);
        break;
      case field_kind::real:
        if (const auto c = policy_.real(v); keeps(c, declared, row, number)) {
          if (!std::isfinite(c.value)) faults_.not_finite.push_back({row, number, fault::not_finite, {}});
          entry.real(c.value);
        }
        break;
      case field_kind::boolean:
        if (const auto c = policy_.boolean(v); keeps(c, declared, row, number)) entry.boolean(c.value);
        break;
      case field_kind::text:
        if (const auto c = policy_.text(v, to_.texts); keeps(c, declared, row, number)) entry.text(c.value);
        break;
    }
  }

  /// Whether a value is one of the field; an error where it is not.
  template <class T>
  bool keeps(const coerced<T>& c, const field_view& declared, std::uint32_t row, std::uint16_t number) {
    if (c.wrong && *c.wrong != fault::integer_range && *c.wrong != fault::not_finite) {
      return error(row, *c.wrong, {}, number), false;
    }
    if constexpr (!std::is_same_v<T, bool>) {
      if (const auto broken = first_violation(declared, c.value)) {
        return error(row, broken->what, broken->bound, number), false;
      }
    }
    if (c.wrong) return error(row, *c.wrong, {}, number), false;
    return true;
  }

  /// Further errors are only counted.
  bool is_full() const noexcept { return faults_.errors.size() >= limits_.max_errors; }
  void only_count(std::size_t errors) noexcept {
    faults_.unlisted += errors;
    wrong_ += errors;
  }
  void error(std::uint32_t row, fault what, const limit& bound = {}, std::uint16_t field = field_error::no_field) {
    if (is_full()) return only_count(1);
    ++wrong_;
    faults_.errors.push_back({row, field, what, bound});
  }

  const batch_view& to_;
  const policy_view& policy_;
  const decode_limits& limits_;
  decode_faults& faults_;
  std::vector<void*>& columns_;
  name_index& names_;
  std::vector<json_value>& found_;
  std::vector<std::uint16_t>& present_;
  std::vector<std::uint16_t>& all_;
  std::size_t required_ = 0;  // fields
  std::size_t wrong_ = 0;     // errors so far
  std::size_t row_ = 0;       // of the batch, for the next record
  bool has_row_ = false;
  const char* behind_ = nullptr;  // what follows the object that was read last
  std::string key_;
};

TABSCORE_INLINE decode_status read_reference(std::string_view body, const batch_view& to, const policy_view& policy,
                                             const decode_limits& limits, const std::string_view* member,
                                             decode_findings& found) {
  const auto missing_body = [&] {
    found.faults.errors.push_back({field_error::no_row, field_error::no_field, fault::missing, {}});
    return decode_status::invalid;
  };
  if (body.empty()) return missing_body();
  if (looks_like_utf16_or_32(body) || !utf8_or_surrogates(body)) {
    found.why = unreadable::encoding;
    return decode_status::unreadable;
  }
  const std::string_view text = without_mark(body);
  if (const auto stop = json_check(text).run()) {
    if (stop->message.empty()) {
      found.why = stop->why;
      return decode_status::unreadable;
    }
    found.syntax = locate(text, *stop);
    return decode_status::malformed;
  }
  const json_value v(skip_blanks(text.data(), text.data() + text.size()), text.data() + text.size());
  if (v.kind() == json_kind::null) return missing_body();
  reference_reader reader(to, policy, limits, found);
  if (member != nullptr) {
    reader.records(v, *member);
  } else {
    reader.record(v);
  }
  const bool good = found.faults.errors.empty() && found.faults.unlisted == 0;
  return good ? decode_status::decoded : decode_status::invalid;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
