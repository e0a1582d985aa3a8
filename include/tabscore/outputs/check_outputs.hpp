// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/read_number.hpp"
#include "../core/result.hpp"
#include "task.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

// Joined piece by piece: g++ 12 takes operator+ of strings for overlapping copies (its bug 105651).
inline std::string joined(std::initializer_list<std::string_view> pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text.append(piece);
  return text;
}

/// The number in a text; NaN for other texts.
inline double number_in(std::string_view text) {
  double number = 0;
  return parse_number(text, number) ? number : std::nan("");
}

}  // namespace detail

/// The error in a model's description of its outputs, if any.
std::optional<error> check_outputs(const model_outputs& outputs);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::optional<error> check_outputs(const model_outputs& outputs) {
  const auto wrong = [](std::initializer_list<std::string_view> pieces) {
    return error{errc::structure, detail::joined(pieces)};
  };
  const auto count = [](std::size_t n) { return std::to_string(n); };
  const std::vector<std::string>& classes = outputs.classes;
  const bool unnamed = outputs.task == task::binary && classes.empty();
  if (outputs.task == task::multiclass && (classes.size() < 2 || classes.size() > max_classes)) {
    return wrong({"expected 2 to ", count(max_classes), " classes, found ", count(classes.size())});
  }
  if (outputs.task == task::binary && !unnamed && classes.size() != 2) {
    return wrong({"expected two classes, the negative and the positive one, found ", count(classes.size())});
  }
  if (outputs.task == task::multiclass && classes.size() != outputs.columns) {
    return wrong({"expected ", count(outputs.columns), " classes, one a column, found ", count(classes.size())});
  }
  const bool one = outputs.task == task::binary || outputs.task == task::score || outputs.task == task::anomaly;
  if (outputs.columns == 0 || (one && outputs.columns != 1)) {
    return wrong({"expected ", one ? "one number" : "at least one number", " a row, found ", count(outputs.columns)});
  }
  if (!outputs.names.empty() && outputs.names.size() != outputs.columns) {
    return wrong({"expected ", count(outputs.columns), " names, one a column, found ", count(outputs.names.size())});
  }
  for (const std::vector<std::string>* const texts : {&classes, &outputs.names}) {
    std::vector<std::string_view> sorted(texts->begin(), texts->end());
    std::sort(sorted.begin(), sorted.end());
    const std::string_view what = texts == &classes ? "class" : "output";
    if (!sorted.empty() && sorted.front().empty()) return wrong({"the name of a ", what, " is empty"});
    if (const auto twin = std::adjacent_find(sorted.begin(), sorted.end()); twin != sorted.end()) {
      return wrong({"the ", what, " \"", *twin, "\" appears twice"});
    }
  }
  if (outputs.classes_are == class_kind::boolean) {
    for (const std::string& name : classes) {
      if (name != "true" && name != "false") return wrong({"the class \"", name, "\" is not true or false"});
    }
  }
  if (outputs.classes_are == class_kind::number) {
    std::vector<std::pair<double, std::string_view>> numbers;
    for (const std::string& name : classes) {
      const double number = numbers.emplace_back(detail::number_in(name), name).first;
      if (!std::isfinite(number)) return wrong({"the class \"", name, "\" is not a finite number"});
    }
    std::sort(numbers.begin(), numbers.end());
    const auto equal = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (const auto twin = std::adjacent_find(numbers.begin(), numbers.end(), equal); twin != numbers.end()) {
      return wrong({"the class ", twin->second, " appears twice"});
    }
  }
  if (outputs.task == task::quantiles) {
    for (const std::string& name : outputs.names) {
      const double level = detail::number_in(name);
      if (!(level > 0 && level < 1)) return wrong({"the level \"", name, "\" is not between 0 and 1"});
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
