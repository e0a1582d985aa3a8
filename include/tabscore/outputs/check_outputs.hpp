// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../core/config.hpp"
#include "../core/detail/from_chars.hpp"
#include "../core/result.hpp"
#include "task.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The number that a text writes, NaN where it writes none.
inline double number_in(std::string_view text) {
  double number = std::nan("");
  const auto [end, code] = from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? number : std::nan("");
}

}  // namespace detail

/// What is wrong with what a model says of its numbers, if anything is.
inline std::optional<error> check_outputs(const model_outputs& outputs) {
  const auto wrong = [](std::string sentence) { return error{errc::structure, std::move(sentence)}; };
  const std::vector<std::string>& classes = outputs.classes;
  const bool unnamed = outputs.task == task::binary && classes.empty();
  if (outputs.task == task::multiclass && (classes.size() < 2 || classes.size() > max_classes)) {
    return wrong(fmt::format("expected 2 to {} classes, found {}", max_classes, classes.size()));
  }
  if (outputs.task == task::binary && !unnamed && classes.size() != 2) {
    return wrong(fmt::format("expected two classes, the negative and the positive one, found {}", classes.size()));
  }
  if (outputs.task == task::multiclass && classes.size() != outputs.columns) {
    return wrong(fmt::format("expected {} classes, one a column, found {}", outputs.columns, classes.size()));
  }
  const bool one = outputs.task == task::binary || outputs.task == task::score || outputs.task == task::anomaly;
  if (outputs.columns == 0 || (one && outputs.columns != 1)) {
    return wrong(
        fmt::format("expected {} a row, found {}", one ? "one number" : "at least one number", outputs.columns));
  }
  if (!outputs.names.empty() && outputs.names.size() != outputs.columns) {
    return wrong(fmt::format("expected {} names, one a column, found {}", outputs.columns, outputs.names.size()));
  }
  for (const std::vector<std::string>* const texts : {&classes, &outputs.names}) {
    std::vector<std::string_view> sorted(texts->begin(), texts->end());
    std::sort(sorted.begin(), sorted.end());
    const std::string_view what = texts == &classes ? "class" : "output";
    if (!sorted.empty() && sorted.front().empty()) return wrong(fmt::format("the name of a {} is empty", what));
    if (const auto twin = std::adjacent_find(sorted.begin(), sorted.end()); twin != sorted.end()) {
      return wrong(fmt::format("the {} \"{}\" appears twice", what, *twin));
    }
  }
  if (outputs.classes_are == class_kind::boolean) {
    for (const std::string& name : classes) {
      if (name != "true" && name != "false") return wrong(fmt::format("the class \"{}\" is not true or false", name));
    }
  }
  if (outputs.classes_are == class_kind::number) {
    std::vector<double> numbers;
    for (const std::string& name : classes) {
      const double number = numbers.emplace_back(detail::number_in(name));
      if (!std::isfinite(number)) return wrong(fmt::format("the class \"{}\" is not a finite number", name));
    }
    std::sort(numbers.begin(), numbers.end());
    if (const auto twin = std::adjacent_find(numbers.begin(), numbers.end()); twin != numbers.end()) {
      return wrong(fmt::format("the class {} appears twice", *twin));
    }
  }
  if (outputs.task == task::quantiles) {
    for (const std::string& name : outputs.names) {
      const double level = detail::number_in(name);
      if (!(level > 0 && level < 1)) return wrong(fmt::format("the level \"{}\" is not between 0 and 1", name));
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
