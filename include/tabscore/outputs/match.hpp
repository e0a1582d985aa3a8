// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "check_outputs.hpp"
#include "task.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The declaration that fits a model, as a user writes it.
std::string declaration_of(const model_outputs& model);

}  // namespace detail

/// The reason why a model does not give predictions of the declared task with this many numbers (0: one per class) and
/// members of these names; nothing when it does.
std::optional<error> wrong_outputs(const model_outputs& model, task declared, std::size_t columns,
                                   std::span<const std::string_view> names);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The level of a name such as "p5", "p50" or "p975", as the shortest text: "0.05", "0.5", "0.975". Empty for other
/// names.
inline std::string level_of(std::string_view name) {
  if (name.size() < 2 || name[0] != 'p') return {};
  std::string digits(name.substr(1));
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
  if (digits == "100") return "1";
  if (digits.size() == 1) digits.insert(0, 1, '0');
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return "0." + digits;
}

TABSCORE_INLINE std::string declaration_of(const model_outputs& model) {
  const auto each = [&](std::string_view before, std::string_view item, std::string_view behind) {
    std::string text(before);
    for (std::size_t i = 0; i < model.columns; ++i) text.append(i == 0 ? "" : ", ").append(item);
    return text.append(behind);
  };
  switch (model.task) {
    case task::regression:
      return model.columns == 1 ? "ts::regression<\"name\">" : each("ts::outputs<", "ts::regression<\"name\">", ">");
    case task::quantiles:
      return each("ts::quantiles<", "\"name\"", ">");
    case task::multiclass:
      return "ts::multiclass<\"class\", \"probabilities\">";
    case task::score:
      return "ts::score<\"name\">";
    case task::anomaly:
      return "ts::anomaly<\"score\", \"is_outlier\">";
    case task::binary:
      break;
  }
  return "ts::binary<\"probability\", \"label\">";
}

}  // namespace detail

TABSCORE_INLINE std::optional<error> wrong_outputs(const model_outputs& model, task declared, std::size_t columns,
                                                   std::span<const std::string_view> names) {
  const auto wrong = [](std::initializer_list<std::string_view> pieces) {
    return error{errc::mismatch, detail::joined(pieces)};
  };
  if (auto e = check_outputs(model)) return error{errc::structure, detail::joined({"the model: ", e->message})};
  if (model.task != declared) {
    return wrong({"the model's task is ", tabscore::name(model.task), ", the declared prediction's is ", name(declared),
                  ": declare ", detail::declaration_of(model), " for this model"});
  }
  if (columns != 0 && columns != model.columns) {
    return wrong({"the model gives ", std::to_string(model.columns), " numbers a record, the declared prediction has ",
                  std::to_string(columns), ": declare ", detail::declaration_of(model), " for this model"});
  }
  if (declared == task::multiclass) {
    for (const std::string_view member : names) {
      if (std::find(model.classes.begin(), model.classes.end(), member) != model.classes.end()) {
        return wrong({"the model has a class with the name of the prediction's member '", member,
                      "': declare another name for the member"});
      }
    }
  }
  if (declared == task::quantiles && model.names.size() == names.size()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string level = detail::level_of(names[i]);
      if (level.empty() || level == model.names[i]) continue;
      return wrong({"the model's quantile ", std::to_string(i), " is of the level ", model.names[i],
                    ", the declared name '", names[i], "' says ", level});
    }
  }
  if (declared == task::regression && model.names.size() == names.size() && names.size() > 1) {
    // Names may be translated, but not be another target's.
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto at = std::find(model.names.begin(), model.names.end(), names[i]);
      if (at == model.names.end() || at == model.names.begin() + static_cast<std::ptrdiff_t>(i)) continue;
      return wrong({"the model's target ", std::to_string(i), " is '", model.names[i],
                    "', the declared prediction calls it '", names[i], "'"});
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
