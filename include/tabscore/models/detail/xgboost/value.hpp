// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "../../../core/config.hpp"
#include "../model_value.hpp"
#include "text_value.hpp"
#include "ubjson_value.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A value of an XGBoost document in any of its forms, so that readers are compiled once; with the members of
/// model_value.
class xgboost_value {
 public:
  xgboost_value(text_value value) : value_(value) {}
  xgboost_value(model_value value) : value_(value) {}
  xgboost_value(ubjson_value value) : value_(std::move(value)) {}

  bool is_object() const noexcept {
    return std::visit([](const auto& v) { return v.is_object(); }, value_);
  }
  [[gnu::noinline]] std::optional<xgboost_value> find(std::string_view key) const {
    return std::visit(
        [key](const auto& v) -> std::optional<xgboost_value> {
          if (auto found = v.find(key)) return xgboost_value(*std::move(found));
          return std::nullopt;
        },
        value_);
  }
  [[gnu::noinline]] std::optional<std::string_view> text() const noexcept {
    return std::visit([](const auto& v) { return v.text(); }, value_);
  }
  [[gnu::noinline]] std::optional<double> number() const noexcept {
    return std::visit([](const auto& v) { return v.number(); }, value_);
  }
  template <class F>
  bool each(F f) const {
    return std::visit([&](const auto& v) { return v.each([&](const auto& e) { return f(xgboost_value(e)); }); },
                      value_);
  }
  template <class F>
  bool each_number(F f) const {
    return std::visit([&](const auto& v) { return v.each_number(f); }, value_);
  }
  std::size_t size_hint() const noexcept {
    return std::visit([](const auto& v) { return v.size_hint(); }, value_);
  }

 private:
  std::variant<text_value, model_value, ubjson_value> value_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
