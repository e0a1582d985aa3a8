// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../schema/columns.hpp"
#include "../schema/field_table.hpp"
#include "decision_policy.hpp"
#include "predictions.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// A table with the names of a service as numbers.
struct bound_table {
  std::size_t column = 0;               // that the bands are of
  std::vector<double> limits;           // ascending
  std::vector<std::uint8_t> decisions;  // a decision a band, or a decision a row of the costs, as they are declared
  std::vector<double> costs;            // row after row, a number a class; empty: bands

  std::uint8_t decide(std::span<const double> numbers) const noexcept;

 private:
  /// Of equal costs the decision that is declared first. A sum is in the order of the classes.
  std::uint8_t cheapest(std::span<const double> numbers) const noexcept;
};

/// The tables of a policy, by the values of a field; compiled once, with what reads policies (load_policy.hpp).
class table_choice {
 public:
  static constexpr std::size_t no_field = static_cast<std::size_t>(-1);

  /// An error names the place in the policy that does not fit the predictions or the fields.
  static result<table_choice> make(const decision_policy& policy, const prediction_layout& layout,
                                   std::span<const field_view> fields);

  /// Whose values choose the table.
  std::size_t field() const noexcept { return field_; }

  /// The decisions of as many records as `to` has room for, by their numbers: with one table, and by their values of
  /// the field.
  void decide(const row_values& numbers, std::span<std::uint8_t> to) const noexcept;
  void decide(const std::string_view* values, const row_values& numbers, std::span<std::uint8_t> to) const noexcept;
  void decide(const std::int64_t* values, const row_values& numbers, std::span<std::uint8_t> to) const noexcept;
  void decide(const bool* values, const row_values& numbers, std::span<std::uint8_t> to) const noexcept;
  void decide(const double* values, const row_values& numbers, std::span<std::uint8_t> to) const noexcept;

 private:
  std::optional<error> set_values(const decision_policy& policy, const field_view& field);
  template <class Keys, class Key>
  std::size_t find(const Keys& keys, const Key& key) const noexcept;

  std::vector<bound_table> tables_;
  std::size_t field_ = no_field;  // none: one table for all records
  std::size_t otherwise_ = 0, missing_ = 0;
  std::vector<std::pair<std::string, std::size_t>> texts_;
  std::vector<std::pair<std::int64_t, std::size_t>> integers_;
  std::vector<std::pair<double, std::size_t>> reals_;  // the same numbers, as optional fields have them
};

}  // namespace detail

/// A policy, ready to decide for records of a schema. Immutable.
template <schema_type Schema>
class decider {
 public:
  /// An error names the place in the policy that does not fit the predictions.
  static result<decider> make(const decision_policy& policy, const prediction_layout& layout) {
    auto choice = detail::table_choice::make(policy, layout, field_table<Schema>);
    if (!choice) return choice.error();
    decider d;
    d.choice_ = *std::move(choice);
    return d;
  }

  /// The decisions of records, by their numbers as the answers show them: as many as `to` has room for.
  void decide(const columns<Schema>& records, const row_values& numbers, std::span<std::uint8_t> to) const noexcept {
    if (choice_.field() == detail::table_choice::no_field) return choice_.decide(numbers, to);
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (Schema::kinds[At] != field_kind::real) {
        if (At == choice_.field()) choice_.decide(records.template get<At>().data(), numbers, to);
      }
    });
  }

 private:
  detail::table_choice choice_;
};

}  // namespace tabscore::inline TABSCORE_ABI
