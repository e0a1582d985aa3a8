// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../load_fault.hpp"
#include "../model_value.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads the members of a parsed "sklearn-export-1" document.
class sklearn_document : public load_fault {
 public:
  sklearn_document(model_value root, std::string_view source) : load_fault(source), root_(root) {}

  const model_value& root() const noexcept { return root_; }

  std::optional<model_value> member(const model_value& object, std::string_view place, std::string_view key) {
    auto found = object.find(key);
    if (!found) fail(fmt::format("{}.{} is missing", place, key));
    return found;
  }

  /// Numbers of an array, or of an array of arrays, one after another.
  template <class T>
  static bool flatten(const model_value& array, std::vector<T>& out, int depth = 2) {
    return array.each([&](const model_value& e) {
      if (e.is_array()) return depth > 0 && flatten(e, out, depth - 1);
      const auto number = e.number();
      if (!number) return false;
      if constexpr (std::is_integral_v<T>) {
        if (!(*number >= static_cast<double>((std::numeric_limits<T>::min)()) &&
              *number <= static_cast<double>((std::numeric_limits<T>::max)()) && *number == std::trunc(*number))) {
          return false;
        }
      }
      out.push_back(static_cast<T>(*number));
      return true;
    });
  }
  template <class T>
  bool numbers(const model_value& object, std::string_view place, std::string_view key, std::vector<T>& out) {
    const auto array = member(object, place, key);
    return array && (flatten(*array, out) || expect(fmt::format("{}.{}", place, key), "an array of numbers in range"));
  }

  /// Of the document itself.
  bool number(std::string_view key, double& out) {
    const auto found = member(root_, "model", key);
    const auto value = found ? found->number() : std::nullopt;
    if (value) out = *value;
    return value || expect(key, "a number");
  }
  std::string_view text(std::string_view key) const {
    const auto found = root_.find(key);
    return found ? found->text().value_or("") : "";
  }

 private:
  model_value root_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
