// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../tree.hpp"
#include "document.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads the names of categories, which a booster has since XGBoost 3.1, into a model.
class xgboost_category_reader {
 public:
  /// The model has its features already; `version` is 10000 x major + 100 x minor + patch.
  xgboost_category_reader(xgboost_document& file, forest_model& model, int version)
      : file_(file), model_(model), version_(version) {}

  /// The names of each feature's categories: texts as bytes one after another, or numbers of a type.
  bool read(const xgboost_value& inner, const std::string& here) {
    const maybe found = inner.find("cats");
    const maybe columns = found ? found->find("enc") : std::nullopt;
    if (!columns) return true;
    const std::string place = here + ".cats.enc";
    std::vector<category_names> all;
    const bool good = columns->each([&](const xgboost_value& column) {
      const std::string mine = fmt::format("{}[{}]", place, all.size());
      category_names& names = all.emplace_back();
      std::vector<std::int64_t> values;
      if (!file_.numbers(column, mine, "values", values)) return false;
      return column.find("offsets") ? read_texts(column, mine, values, names.texts)
                                    : read_numbers(column, mine, values, names.numbers);
    });
    if (!good || (!all.empty() && all.size() != model_.features)) {
      return file_.expect(place, fmt::format("an array of {} features", model_.features));
    }
    const auto each = [](const auto& range, auto holds) { return std::all_of(range.begin(), range.end(), holds); };
    if (each(all, [](const category_names& names) { return names.empty(); })) return true;
    const auto whole = [&](const category_names& names) {
      return each(names.texts, [&](const std::string& text) {
        return each(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
      });
    };
    if (version_ < 30400 && !each(all, whole)) {
      model_.nameless = "XGBoost before 3.4 cut the names of categories that are not ASCII: train with 3.4 or later";
      return true;
    }
    model_.categories = std::move(all);
    model_.unseen = unseen_rule::fault;
    return true;
  }

 private:
  using maybe = std::optional<xgboost_value>;

  bool read_texts(const xgboost_value& column, const std::string& place, const std::vector<std::int64_t>& bytes,
                  std::vector<std::string>& texts) {
    std::vector<std::int64_t> ends;
    if (!file_.numbers(column, place, "offsets", ends)) return false;
    const auto size = static_cast<std::int64_t>(bytes.size());
    const bool inside = ends.empty() ? bytes.empty() : ends.front() == 0 && ends.back() == size;
    if (!inside || !std::is_sorted(ends.begin(), ends.end())) {
      return file_.expect(place + ".offsets", fmt::format("ascending numbers from 0 to {}, the values", size));
    }
    for (std::size_t c = 1; c < ends.size(); ++c) {
      std::string& text = texts.emplace_back();
      for (std::int64_t i = ends[c - 1]; i < ends[c]; ++i) {
        text.push_back(static_cast<char>(bytes[static_cast<std::size_t>(i)]));
      }
    }
    return distinct(texts, place);
  }

  bool read_numbers(const xgboost_value& column, const std::string& place, const std::vector<std::int64_t>& values,
                    std::vector<double>& out) {
    std::uint64_t type = 0;
    if (!file_.parameter(column, place, "type", true, 16, type)) return false;
    // 9 to 16: signed and unsigned integers of 8, 16, 32, 64 bits. UBJSON has the bits of an unsigned one as signed.
    if (type < 9) return file_.fail(errc::unsupported, place + ": categories that are real numbers");
    for (const std::int64_t value : values) {
      constexpr std::int64_t exact = std::int64_t{1} << 53;
      const bool wraps = type % 2 == 0 && value < 0 && type < 16;
      const std::int64_t number = wraps ? value + (std::int64_t{1} << (4U << ((type - 8) / 2))) : value;
      if (number > exact || number < -exact) return file_.expect(place + ".values", "numbers up to 2^53");
      out.push_back(static_cast<double>(number));
    }
    return distinct(out, place);
  }

  template <class Name>
  bool distinct(std::vector<Name> names, const std::string& place) {
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) == names.end() ||
           file_.expect(place, "categories that differ");
  }

  xgboost_document& file_;
  forest_model& model_;
  int version_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
