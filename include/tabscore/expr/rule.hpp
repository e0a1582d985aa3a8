// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

#include "../core/config.hpp"
#include "../core/detail/pack.hpp"
#include "expr.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A broken rule: its position in the declaration, the first record that breaks it, and its message.
struct broken_rule {
  std::size_t rule = 0;      ///< its position among the rules
  std::size_t row = 0;       ///< the first record that breaks it
  std::string_view message;  ///< lives as long as the text given to rule()
};

/// A condition that every record must meet, and the message for a broken one. Immutable: threads share it.
template <expression_type Condition>
class rule {
 public:
  /// The message must outlive the rule: a literal.
  constexpr rule(Condition condition, std::string_view message) : condition_(condition), message_(message) {}

  /// The sentence for clients.
  constexpr std::string_view message() const noexcept { return message_; }
  /// The condition that each record has to meet.
  constexpr const Condition& condition() const noexcept { return condition_; }

  /// The first record that does not meet it, if any. A comparison with a missing value (NaN) is not met.
  template <schema_type Schema>
  std::optional<std::size_t> first_broken(const columns<Schema>& records) const {
    std::optional<std::size_t> first;
    for_each_broken(records, [&](std::size_t row) { return first = row, false; });
    return first;
  }

  /// Calls f(row) for the records that do not meet it, in their order, until f returns false.
  template <schema_type Schema, class F>
  void for_each_broken(const columns<Schema>& records, F&& f) const {
    auto call = [&f](std::size_t row) { return static_cast<bool>(f(row)); };
    visit_broken(
        records, [](void* to, std::size_t row) { return (*static_cast<decltype(call)*>(to))(row); }, &call);
  }

 private:
  /// The one search for all callers.
  template <schema_type Schema>
  [[gnu::noinline]] void visit_broken(const columns<Schema>& records, bool (*f)(void* to, std::size_t row),
                                      void* to) const {
    // Blocks keep a text's worth of columns in the cache for the other rules, and end the search early.
    constexpr std::size_t block = 2048;
    for (std::size_t begin = 0; begin < records.rows(); begin += block) {
      const auto part = records.slice(begin, (std::min)(block, records.rows() - begin));
      static_assert(std::same_as<decltype(condition_.at(part, 0)), bool>, "tabscore: a rule is a condition");
      bool met = true;
      for (std::size_t i = 0; i < part.rows(); ++i) met &= condition_.at(part, i);
      if (met) continue;
      for (std::size_t i = 0; i < part.rows(); ++i) {
        if (!condition_.at(part, i) && !f(to, begin + i)) return;
      }
    }
  }

  Condition condition_;
  std::string_view message_;
};

/// The rules of a pipeline, checked over a whole batch with valid fields. rules{} is empty. Immutable.
template <class... Rule>
class rules {
 public:
  static constexpr std::size_t size = sizeof...(Rule);  ///< number of rules

  /// Rules are checked in this order.
  constexpr explicit rules(Rule... r) : all_(r...) {}

  /// The first rule, in the order of the declaration, that some record breaks.
  template <schema_type Schema>
  std::optional<broken_rule> first_broken(const columns<Schema>& records) const {
    std::optional<broken_rule> found;
    for_each([&](std::size_t index, const auto& r) {
      if (found) return;
      if (const auto row = r.first_broken(records)) found = broken_rule{index, *row, r.message()};
    });
    return found;
  }

  /// Calls f(index, rule) for each.
  template <class F>
  void for_each(F&& f) const {
    all_.apply([&](const auto&... r) {
      std::size_t i = 0;
      (f(i++, r), ...);
    });
  }

 private:
  detail::pack<Rule...> all_;
};

}  // namespace tabscore::inline TABSCORE_ABI
