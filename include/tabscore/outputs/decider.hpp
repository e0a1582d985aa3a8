// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/shortened.hpp"
#include "../core/exact.hpp"
#include "../core/result.hpp"
#include "../schema/columns.hpp"
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

  std::uint8_t decide(std::span<const double> numbers) const noexcept {
    if (costs.empty()) {
      std::size_t band = 0;
      for (const double limit : limits) band += std::size_t{numbers[column] >= limit};
      return decisions[band];
    }
    return cheapest(numbers);
  }

 private:
  /// Of equal costs the decision that is declared first. A sum is in the order of the classes.
  std::uint8_t cheapest(std::span<const double> numbers) const noexcept {
    const bool two_classes = numbers.size() == 1;
    const std::size_t classes = two_classes ? 2 : numbers.size();
    std::size_t best = 0;
    double least = 0;
    for (std::size_t d = 0; d < decisions.size(); ++d) {
      const double* const cost = costs.data() + d * classes;
      double expected = exact::product(cost[0], two_classes ? 1 - numbers[0] : numbers[0]);
      for (std::size_t k = 1; k < classes; ++k) {
        expected = exact::rounded(expected + exact::product(cost[k], two_classes ? numbers[0] : numbers[k]));
      }
      if (d == 0 || expected < least) best = d, least = expected;
    }
    return decisions[best];
  }
};

/// The declaration of the field that chooses a table.
struct policy_field {
  std::string_view name;
  field_kind kind{};
  bool required = true;
};

// Defined with what reads policies (load_policy.hpp): pipelines without decisions need not compile them.

/// The tables of a policy (of its values in their order, otherwise, missing), or the error.
result<std::vector<bound_table>> bind_tables(const decision_policy& policy, const prediction_layout& layout);
/// Why the policy cannot choose by a field's value; `fields` are those of a record.
std::optional<error> wrong_field(const decision_policy& policy, std::span<const policy_field> fields);

}  // namespace detail

/// A policy, ready to decide for records of a schema. Immutable.
template <schema_type Schema>
class decider {
 public:
  /// An error names the place in the policy that does not fit the predictions.
  static result<decider> make(const decision_policy& policy, const prediction_layout& layout) {
    auto tables = detail::bind_tables(policy, layout);
    if (!tables) return tables.error();
    decider d;
    d.tables_ = *std::move(tables);
    if (policy.field.empty()) return d;
    std::vector<detail::policy_field> fields;
    Schema::for_each([&]<std::size_t At>() {
      fields.push_back({Schema::names[At], Schema::kinds[At], Schema::required[At]});
    });
    if (auto wrong = detail::wrong_field(policy, fields)) return *std::move(wrong);
    d.field_ = Schema::index_of(policy.field);
    std::optional<error> wrong;
    Schema::for_each([&]<std::size_t At>() {
      if (At == d.field_) wrong = d.template set_values<At>(policy);
    });
    if (wrong) return *std::move(wrong);
    d.otherwise_ = policy.values.size();
    d.missing_ = policy.missing ? d.tables_.size() - 1 : d.otherwise_;
    return d;
  }

  /// The decisions of records, by their numbers as the answers show them: as many as `to` has room for.
  void decide(const columns<Schema>& records, const row_values& numbers, std::span<std::uint8_t> to) const noexcept {
    if (field_ == Schema::npos) {
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = tables_.front().decide(numbers.row(i));
      return;
    }
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (Schema::kinds[At] != field_kind::real) {
        if (At != field_) return;
        const auto values = records.template get<At>();
        for (std::size_t i = 0; i < to.size(); ++i) {
          to[i] = tables_[table_of<typename Schema::template field<At>>(values[i])].decide(numbers.row(i));
        }
      }
    });
  }

 private:
  template <class Field>
  std::size_t table_of(const typename Field::stored_type& value) const noexcept {
    const auto find = [&](const auto& keys, const auto& key) {
      const auto at = std::lower_bound(keys.begin(), keys.end(), key,
                                       [](const auto& entry, const auto& k) { return entry.first < k; });
      return at != keys.end() && at->first == key ? at->second : otherwise_;
    };
    if constexpr (Field::kind == field_kind::text) {
      return value.data() == nullptr ? missing_ : find(texts_, value);
    } else if constexpr (Field::required) {
      return find(integers_, static_cast<std::int64_t>(value));
    } else {
      return value == value ? find(reals_, value) : missing_;
    }
  }

  /// Sorted by value, with the numbers of their tables; an error where a record cannot have a value.
  template <std::size_t At>
  std::optional<error> set_values(const decision_policy& policy) {
    using field = typename Schema::template field<At>;
    const auto wrong = [&](std::string_view value, std::string_view why) {
      std::string sentence = policy.path;
      sentence.append(": by.values.").append(detail::shortened(value)).append(": ").append(why);
      return error{errc::mismatch, std::move(sentence)};
    };
    for (std::size_t i = 0; i < policy.values.size(); ++i) {
      const std::string& value = policy.values[i].first;
      if constexpr (field::kind == field_kind::text) {
        if (!field::valid(value)) return wrong(value, "the field's constraints allow no such value");
        texts_.emplace_back(value, i);
      } else if constexpr (field::kind == field_kind::boolean) {
        const std::int64_t truth = value == "true" ? 1 : 0;
        integers_.emplace_back(truth, i);
        reals_.emplace_back(static_cast<double>(truth), i);
      } else if constexpr (field::kind == field_kind::integer) {
        const std::int64_t number = std::strtoll(value.c_str(), nullptr, 10);
        if (!field::valid(number)) return wrong(value, "the field's constraints allow no such value");
        integers_.emplace_back(number, i);
        reals_.emplace_back(static_cast<double>(number), i);
      }
    }
    std::sort(texts_.begin(), texts_.end());
    std::sort(integers_.begin(), integers_.end());
    std::sort(reals_.begin(), reals_.end());
    return std::nullopt;
  }

  std::vector<detail::bound_table> tables_;
  std::size_t field_ = Schema::npos;  // none: one table for all records
  std::size_t otherwise_ = 0, missing_ = 0;
  std::vector<std::pair<std::string, std::size_t>> texts_;
  std::vector<std::pair<std::int64_t, std::size_t>> integers_;
  std::vector<std::pair<double, std::size_t>> reals_;  // the same numbers, as optional fields have them
};

}  // namespace tabscore::inline TABSCORE_ABI
