// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

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

#include "../../core/config.hpp"
#include "../../core/detail/shortened.hpp"
#include "../../core/exact.hpp"
#include "../../core/read_number.hpp"
#include "../../core/result.hpp"
#include "../decider.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Names for an error, of many the first ones.
template <class Names>
std::string some_of(const Names& names) {
  std::string list;
  std::size_t told = 0;
  for (const auto& name : names) {
    if (told++ == 10) return list + fmt::format(" and {} more", std::size(names) - 10);
    list.append(list.empty() ? "" : ", ").append(shortened(name));
  }
  return list;
}

/// Binds the tables of one policy to the names of one service; the first error is kept.
class table_binder {
 public:
  table_binder(const decision_policy& policy, const prediction_layout& layout) : policy_(policy), layout_(layout) {
    const model_outputs& model = layout.model;
    const bool classes = model.task == task::multiclass;
    classes_ = model.classes;
    if (model.task == task::binary && classes_.empty()) classes_ = {"0", "1"};
    for (std::size_t k = 0; k < model.columns; ++k) {
      numbers_.emplace_back(classes ? std::string_view(model.classes[k]) : layout.names[k]);
    }
    probabilities_ = model.task == task::binary || (classes && model.probabilities);
  }

  bound_table bind(const decision_table& table) {
    bound_table bound;
    if (table.costs.empty()) {
      bind_bands(table, bound);
    } else {
      bind_costs(table, bound);
    }
    return bound;
  }

  std::optional<error> failure;

 private:
  void fail(const decision_table& table, std::string_view member, std::string_view what) {
    if (failure) return;
    const std::string_view dot = table.place.empty() || member.empty() ? "" : ".";
    failure = error{errc::mismatch, fmt::format("{}: {}{}{}: {}", policy_.path, table.place, dot, member, what)};
  }

  std::uint8_t decision(const decision_table& table, std::string_view member, std::string_view name) {
    const auto known = layout_.decisions.names;
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) {
      fail(table, member,
           fmt::format("\"{}\" is not a decision of the service; known are {}", shortened(name), some_of(known)));
      return 0;
    }
    return static_cast<std::uint8_t>(at - known.begin());
  }

  void bind_bands(const decision_table& table, bound_table& bound) {
    const auto place = [&](std::size_t i, std::string_view member) -> std::string {
      if (!table.is_threshold) return fmt::format("bands[{}].{}", i, member);
      return member == "below" ? "threshold" : i == 0 ? "below" : "reached";
    };
    if (!table.number.empty()) {
      const auto at = std::find(numbers_.begin(), numbers_.end(), table.number);
      if (at == numbers_.end()) {
        return fail(table, "number",
                    fmt::format("\"{}\" is not a number of the prediction; known are {}", shortened(table.number),
                                some_of(numbers_)));
      }
      bound.column = static_cast<std::size_t>(at - numbers_.begin());
    } else if (numbers_.size() > 1) {
      return fail(table, "number",
                  fmt::format("the member is missing: the prediction has the numbers {}", some_of(numbers_)));
    }
    for (std::size_t i = 0; i < table.bands.size(); ++i) {
      bound.decisions.push_back(decision(table, place(i, "decision"), table.bands[i]));
      if (i == table.limits.size()) break;
      const double limit = table.limits[i];
      if (probabilities_ && !(limit >= 0 && limit <= 1)) {
        return fail(table, place(i, "below"), fmt::format("expected a probability from 0 to 1, found {}", limit));
      }
      bound.limits.push_back(limit);
    }
  }

  void bind_costs(const decision_table& table, bound_table& bound) {
    const model_outputs& model = layout_.model;
    if (!probabilities_) {
      return fail(table, "costs",
                  model.task == task::multiclass
                      ? std::string("the model gives scores of its classes, not probabilities: use bands")
                      : fmt::format("a prediction of the task {} has no classes: use a threshold or bands",
                                    tabscore::name(model.task)));
    }
    std::vector<std::pair<std::uint8_t, const decision_table::cost*>> rows;
    for (const auto& cost : table.costs) {
      rows.emplace_back(decision(table, fmt::format("costs.{}", shortened(cost.decision)), cost.decision), &cost);
    }
    std::sort(rows.begin(), rows.end());
    for (const auto& [number, cost] : rows) {
      const std::string place = fmt::format("costs.{}", shortened(cost->decision));
      bound.decisions.push_back(number);
      for (const auto& [name, unused] : cost->classes) {
        if (std::find(classes_.begin(), classes_.end(), name) != classes_.end()) continue;
        return fail(table, place + "." + shortened(name),
                    fmt::format("the model has no such class; known are {}", some_of(classes_)));
      }
      for (const std::string& name : classes_) {
        const auto same = [&, wanted = std::string_view(name)](const auto& c) { return c.first == wanted; };
        const auto at = std::find_if(cost->classes.begin(), cost->classes.end(), same);
        if (at == cost->classes.end()) return fail(table, place + "." + shortened(name), "the member is missing");
        bound.costs.push_back(at->second);
      }
    }
  }

  const decision_policy& policy_;
  const prediction_layout& layout_;
  std::vector<std::string> classes_;
  std::vector<std::string_view> numbers_;
  bool probabilities_ = false;
};

/// Of its values in their order, otherwise, missing.
inline result<std::vector<bound_table>> bind_tables(const decision_policy& policy, const prediction_layout& layout) {
  table_binder binder(policy, layout);
  std::vector<bound_table> tables;
  for (const auto& [value, table] : policy.values) tables.push_back(binder.bind(table));
  // Where all values are named, no record comes to the table that stands for `otherwise`.
  tables.push_back(policy.otherwise ? binder.bind(*policy.otherwise) : tables.empty() ? bound_table() : tables.front());
  if (policy.missing) tables.push_back(binder.bind(*policy.missing));
  if (binder.failure) return *std::move(binder.failure);
  return tables;
}

/// Why the policy cannot choose by a field's value; `fields` are those of a record.
inline std::optional<error> wrong_field(const decision_policy& policy, std::span<const field_view> fields) {
  const auto wrong = [&](std::string_view place, std::string_view what) {
    return error{errc::mismatch, fmt::format("{}: by.{}: {}", policy.path, place, what)};
  };
  const auto at = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == policy.field; });
  if (at == fields.end()) {
    std::vector<std::string_view> names;
    for (const field_view& f : fields) names.push_back(f.name);
    return wrong("field", fmt::format("\"{}\" is not a field of the record; known are {}", shortened(policy.field),
                                      some_of(names)));
  }
  if (at->kind == field_kind::real) {
    return wrong("field", fmt::format("\"{}\" is a real number: tables are by a text, an integer or a boolean field",
                                      policy.field));
  }
  for (const auto& [value, table] : policy.values) {
    const std::string place = "values." + shortened(value);
    if (at->kind == field_kind::boolean && value != "true" && value != "false") {
      return wrong(place, fmt::format("\"{}\" is true or false", policy.field));
    }
    if (at->kind != field_kind::integer) continue;
    std::int64_t number = 0;
    if (!parse_number(value, number) || std::to_string(number) != value) {
      return wrong(place, fmt::format("\"{}\" is an integer, written as JSON does", policy.field));
    }
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    if (!at->required && (number > exact || number < -exact)) {
      return wrong(place, "values of an optional field are exact up to 2^53 only");
    }
  }
  if (at->required && policy.missing) {
    return wrong("missing", fmt::format("\"{}\" is required, no record is without it", policy.field));
  }
  const bool all_named =
      at->kind == field_kind::boolean && policy.values.size() == 2 && (at->required || policy.missing.has_value());
  if (!policy.otherwise && !all_named) {
    return wrong("otherwise", "the member is missing: it is the table of values that are not named");
  }
  return std::nullopt;
}

TABSCORE_INLINE std::uint8_t bound_table::decide(std::span<const double> numbers) const noexcept {
  if (costs.empty()) {
    std::size_t band = 0;
    for (const double limit : limits) band += std::size_t{numbers[column] >= limit};
    return decisions[band];
  }
  return cheapest(numbers);
}

TABSCORE_INLINE std::uint8_t bound_table::cheapest(std::span<const double> numbers) const noexcept {
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

TABSCORE_INLINE result<table_choice> table_choice::make(const decision_policy& policy, const prediction_layout& layout,
                                                        std::span<const field_view> fields) {
  auto tables = bind_tables(policy, layout);
  if (!tables) return tables.error();
  table_choice c;
  c.tables_ = *std::move(tables);
  if (policy.field.empty()) return c;
  if (auto wrong = wrong_field(policy, fields)) return *std::move(wrong);
  const auto at = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == policy.field; });
  c.field_ = static_cast<std::size_t>(at - fields.begin());
  if (auto wrong = c.set_values(policy, *at)) return *std::move(wrong);
  c.otherwise_ = policy.values.size();
  c.missing_ = policy.missing ? c.tables_.size() - 1 : c.otherwise_;
  return c;
}

TABSCORE_INLINE void table_choice::decide(const row_values& numbers, std::span<std::uint8_t> to) const noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = tables_.front().decide(numbers.row(i));
}
TABSCORE_INLINE void table_choice::decide(const std::string_view* values, const row_values& numbers,
                                          std::span<std::uint8_t> to) const noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = tables_[values[i].data() == nullptr ? missing_ : find(texts_, values[i])].decide(numbers.row(i));
  }
}
TABSCORE_INLINE void table_choice::decide(const std::int64_t* values, const row_values& numbers,
                                          std::span<std::uint8_t> to) const noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = tables_[find(integers_, values[i])].decide(numbers.row(i));
}
TABSCORE_INLINE void table_choice::decide(const bool* values, const row_values& numbers,
                                          std::span<std::uint8_t> to) const noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = tables_[find(integers_, std::int64_t{values[i]})].decide(numbers.row(i));
  }
}
TABSCORE_INLINE void table_choice::decide(const double* values, const row_values& numbers,
                                          std::span<std::uint8_t> to) const noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = tables_[values[i] == values[i] ? find(reals_, values[i]) : missing_].decide(numbers.row(i));
  }
}

template <class Keys, class Key>
std::size_t table_choice::find(const Keys& keys, const Key& key) const noexcept {
  const auto at =
      std::lower_bound(keys.begin(), keys.end(), key, [](const auto& entry, const auto& k) { return entry.first < k; });
  return at != keys.end() && at->first == key ? at->second : otherwise_;
}

/// Sorted by value, with the numbers of their tables; an error where a record cannot have a value.
TABSCORE_INLINE std::optional<error> table_choice::set_values(const decision_policy& policy, const field_view& field) {
  for (std::size_t i = 0; i < policy.values.size(); ++i) {
    const std::string& value = policy.values[i].first;
    const std::int64_t number =
        field.kind == field_kind::boolean ? std::int64_t{value == "true"} : std::strtoll(value.c_str(), nullptr, 10);
    const bool is_text = field.kind == field_kind::text;
    const bool is_wrong = is_text ? first_violation(field, std::string_view(value)).has_value()
                                  : field.kind == field_kind::integer && first_violation(field, number).has_value();
    if (is_wrong) {
      return error{errc::mismatch, fmt::format("{}: by.values.{}: the field's constraints allow no such value",
                                               policy.path, shortened(value))};
    }
    if (is_text) {
      texts_.emplace_back(value, i);
    } else {
      integers_.emplace_back(number, i);
      reals_.emplace_back(static_cast<double>(number), i);
    }
  }
  std::sort(texts_.begin(), texts_.end());
  std::sort(integers_.begin(), integers_.end());
  std::sort(reals_.begin(), reals_.end());
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
