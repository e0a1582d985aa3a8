// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../../features/category_lookups.hpp"
#include "../../encoded_forest.hpp"
#include "../../load_options.hpp"
#include "../../tree.hpp"
#include "../load_fault.hpp"
#include "../ordered_numbers.hpp"
#include "document.hpp"
#include "task.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Makes a scorer of a CatBoost model: its numeric features are columns as they are; categories become columns of
/// lookups, of positions (one-hot features) and of statistics.
class catboost_builder : load_fault {
 public:
  /// `bytes` is the size of the file, which bounds that of the tables.
  catboost_builder(catboost_document document, std::size_t bytes, std::string_view source, const load_options& options)
      : load_fault(source),
        document_(std::move(document)),
        cells_left_(16 * bytes + (std::size_t{1} << 22)),
        options_(options) {}

  result<encoded_forest> build() {
    auto predicted = read_catboost_task(document_, options_);
    if (!predicted) {
      fail(predicted.error().code, predicted.error().message);
    } else if (name_features() && add_numbers() && add_one_hots() && add_ctrs() && add_trees(*predicted)) {
      encoder_.numeric.resize(names_.numeric.size());
      encoder_.text.resize(names_.text.size());
      if (!lookups_.sources.empty()) encoder_.lookups = std::make_shared<const category_lookups>(std::move(lookups_));
      auto trees = forest::build(std::move(model_), source());
      if (!trees) return trees.error();
      return encoded_forest::make(std::move(names_), std::move(encoder_), *std::move(trees),
                                  std::move(predicted->outputs), predicted->threshold, source(),
                                  predicted->positive_above);
    }
    return wrong();
  }

 private:
  /// A condition of a split: a number of a column above a border, or the position in a column of positions.
  struct condition {
    std::uint32_t column = 0;
    float border = 0;
    bool missing_is_above = false;
    bool position = false;
  };

  /// Names of features, or x0, x1, ... where they are only numbers, as CatBoost calls columns without names.
  bool name_features() {
    const auto named = [](const auto& f) { return !f.name.empty() && f.name != std::to_string(f.flat); };
    const bool any = std::any_of(document_.numbers.begin(), document_.numbers.end(), named) ||
                     std::any_of(document_.categories.begin(), document_.categories.end(), named);
    std::map<std::int32_t, bool> flat;
    const auto add = [&](auto& features, std::map<std::int32_t, std::uint32_t>& at, std::string_view what) {
      for (std::size_t i = 0; i < features.size(); ++i) {
        auto& f = features[i];
        if (f.index < 0 || f.flat < 0 || !flat.emplace(f.flat, true).second ||
            !at.emplace(f.index, static_cast<std::uint32_t>(i)).second) {
          return fail(fmt::format("{} feature {}: the indices {} and {} are negative or another feature's", what, i,
                                  f.index, f.flat));
        }
        if (i > 0 && features[i - 1].flat > f.flat) {
          return fail(fmt::format("{} features are not in the order of their columns", what));
        }
        if (!any) f.name = fmt::format("x{}", f.flat);
        if (f.name.empty()) f.name = std::to_string(f.flat);
      }
      return true;
    };
    if (!add(document_.numbers, number_at_, "numeric") || !add(document_.categories, category_at_, "categorical")) {
      return false;
    }
    std::vector<std::string> numbers;
    for (const auto& f : document_.numbers) numbers.push_back(f.name);
    for (const std::string& name : options_.integer_categories) {
      if (std::none_of(document_.categories.begin(), document_.categories.end(),
                       [&](const auto& f) { return f.name == name; })) {
        return fail(errc::mismatch,
                    fmt::format("load_options::integer_categories names \"{}\", which is not a categorical "
                                "feature of the model",
                                name));
      }
    }
    for (const auto& f : document_.categories) {
      const auto among = [&](const std::vector<std::string>& all) {
        return std::find(all.begin(), all.end(), f.name) != all.end();
      };
      const bool number = among(options_.integer_categories) || among(options_.numbers);
      std::vector<std::string>& list = number ? numbers : names_.text;
      lookups_.sources.push_back({static_cast<std::uint32_t>(list.size()), number});
      list.push_back(f.name);
    }
    for (const std::string& name : options_.numbers) {  // those that nothing reads
      const auto among = [&](const std::vector<std::string>& all) {
        return std::find(all.begin(), all.end(), name) != all.end();
      };
      if (!among(numbers) && !among(names_.text)) numbers.push_back(name);
    }
    column_of_number_.resize(numbers.size());
    for (const std::size_t j : ordered_numbers(numbers, options_.numbers)) {
      column_of_number_[j] = static_cast<std::uint32_t>(names_.numeric.size());
      names_.numeric.push_back(numbers[j]);
    }
    for (auto& source : lookups_.sources) {
      if (source.number) source.field = column_of_number_[source.field];
    }
    std::vector<std::string> all = names_.all();
    std::sort(all.begin(), all.end());
    if (const auto twin = std::adjacent_find(all.begin(), all.end()); twin != all.end()) {
      return fail(fmt::format("two features are named \"{}\"", *twin));
    }
    if (any && document_.categories.empty()) model_.feature_names = names_.numeric;
    next_column_ = static_cast<std::uint32_t>(names_.numeric.size() + lookups_.sources.size());
    return true;
  }

  bool add_borders(const std::vector<float>& borders, std::uint32_t column, bool missing_is_above,
                   std::string_view what, condition* to) {
    constexpr float infinite = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < borders.size(); ++i) {
      if (std::isnan(borders[i]) || (i > 0 && !(borders[i - 1] < borders[i]))) {
        return fail(fmt::format("border {} of {} is {}, expected ascending ones", i, what, borders[i]));
      }
      // Of infinite training values a border is infinite; a missing value counts as an infinity, which is not above it.
      to[i] = {column, borders[i], missing_is_above && borders[i] < infinite, false};
    }
    return true;
  }
  /// Room for the next conditions; gives the number of the first.
  std::size_t add_conditions(std::size_t count) {
    conditions_.resize(conditions_.size() + count);
    return conditions_.size() - count;
  }

  bool add_numbers() {
    for (std::size_t i = 0; i < document_.numbers.size(); ++i) {
      const catboost_document::number& f = document_.numbers[i];
      const std::size_t first = add_conditions(f.borders.size());
      if (!add_borders(f.borders, column_of_number_[i], f.missing_is_above, fmt::format("feature \"{}\"", f.name),
                       conditions_.data() + first)) {
        return false;
      }
    }
    return true;
  }

  bool add_one_hots() {
    for (const catboost_document::one_hot& f : document_.one_hots) {
      const auto at = category_at_.find(f.category);
      if (at == category_at_.end())
        return fail(fmt::format("a one-hot feature of category {}, of {}", f.category, document_.categories.size()));
      if (f.values.empty()) continue;
      category_lookups::combination of;
      of.sources.push_back(at->second);
      constexpr std::size_t most = 254;  // positions in a column: a byte holds them
      const std::size_t columns = (f.values.size() + most - 1) / most;
      category_lookups::table* const table = add_table(std::move(of), f.values.size(), columns);
      if (table == nullptr) return false;
      std::fill(table->values.begin(), table->values.end(), -1.0F);
      for (std::size_t v = 0; v < f.values.size(); ++v) {
        const auto hash = static_cast<std::uint32_t>(f.values[v]);
        if (!insert(*table, category_lookups::combined(0, category_lookups::widened(hash)), v + 1)) {
          return fail(
              fmt::format("the one-hot feature of category {} has the value {} twice", f.category, f.values[v]));
        }
        table->values[(v + 1) * columns + v / most] = static_cast<float>(v % most);
        conditions_.push_back(
            {static_cast<std::uint32_t>(next_column_ + v / most), static_cast<float>(v % most), false, true});
      }
      next_column_ += table->columns;
    }
    return true;
  }

  /// Statistics of the same table are neighbours, in the order of the file.
  bool add_ctrs() {
    std::map<catboost_ctr_base, std::vector<std::size_t>> by_base;
    std::vector<std::size_t> first_condition;
    for (std::size_t i = 0; i < document_.ctrs.size(); ++i) {
      by_base[document_.ctrs[i].base].push_back(i);
      first_condition.push_back(add_conditions(document_.ctrs[i].borders.size()));
    }
    for (const auto& [base, uses] : by_base) {
      const auto found = document_.tables.find(base);
      if (found == document_.tables.end()) {
        return fail(fmt::format("CTR feature {} has no table of categories in the file", uses.front()));
      }
      category_lookups::combination of;
      if (!read_combination(base.of, of)) return false;
      category_lookups::table* const table = add_table(std::move(of), found->second.hashes.size(), uses.size());
      if (table == nullptr || !fill_table(found->second, uses, *table)) return false;
      for (const std::size_t i : uses) {
        if (!add_borders(document_.ctrs[i].borders, next_column_++, false, fmt::format("CTR feature {}", i),
                         conditions_.data() + first_condition[i])) {
          return false;
        }
      }
    }
    return true;
  }

  bool read_combination(const catboost_combination& from, category_lookups::combination& to) {
    for (const std::int32_t category : from.categories) {
      const auto at = category_at_.find(category);
      if (at == category_at_.end()) return fail(fmt::format("a CTR of category {}, which does not exist", category));
      to.sources.push_back(at->second);
    }
    if (to.sources.empty()) return fail("a CTR of no category");
    for (const auto& [feature, border] : from.borders) {
      const auto at = number_at_.find(feature);
      if (at == number_at_.end() || std::isnan(border)) {
        return fail(fmt::format("a CTR of numeric feature {} above {}, which does not exist", feature, border));
      }
      to.numbers.push_back({column_of_number_[at->second], border, document_.numbers[at->second].missing_is_above});
    }
    for (const auto& [category, hash] : from.values) {
      const auto at = category_at_.find(category);
      if (at == category_at_.end()) return fail(fmt::format("a CTR of category {}, which does not exist", category));
      to.equals.push_back({at->second, static_cast<std::uint32_t>(hash)});
    }
    return true;
  }

  category_lookups::table* add_table(category_lookups::combination of, std::size_t rows, std::size_t columns) {
    if (rows >= cells_left_ / columns) {
      fail(fmt::format("a table of {} hashes in {} columns is larger than the file allows", rows, columns));
      return nullptr;
    }
    cells_left_ -= (rows + 1) * columns;
    const auto same = [&](const category_lookups::combination& c) {
      const auto numbers = [](const category_lookups::above& a, const category_lookups::above& b) {
        return a.feature == b.feature && a.border == b.border;
      };
      const auto equals = [](const category_lookups::equal& a, const category_lookups::equal& b) {
        return a.source == b.source && a.hash == b.hash;
      };
      return c.sources == of.sources &&
             std::equal(c.numbers.begin(), c.numbers.end(), of.numbers.begin(), of.numbers.end(), numbers) &&
             std::equal(c.equals.begin(), c.equals.end(), of.equals.begin(), of.equals.end(), equals);
    };
    if (lookups_.combinations.empty() || !same(lookups_.combinations.back())) {
      lookups_.combinations.push_back(std::move(of));
    }
    category_lookups::table& table = lookups_.tables.emplace_back();
    table.combination = static_cast<std::uint32_t>(lookups_.combinations.size() - 1);
    table.columns = static_cast<std::uint32_t>(columns);
    table.cells.resize(std::bit_ceil(2 * rows + 2));
    table.values.resize((rows + 1) * columns);
    return &table;
  }
  static bool insert(category_lookups::table& table, std::uint64_t hash, std::size_t row) {
    const std::size_t mask = table.cells.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    for (; table.cells[at].row != 0; at = (at + 1) & mask) {
      if (table.cells[at].hash == hash) return false;
    }
    table.cells[at] = {hash, static_cast<std::uint32_t>(row)};
    return true;
  }

  bool fill_table(const catboost_document::ctr_table& from, const std::vector<std::size_t>& uses,
                  category_lookups::table& table) {
    for (std::size_t k = 0; k < uses.size(); ++k) {
      const catboost_document::ctr& c = document_.ctrs[uses[k]];
      const catboost_ctr type = c.base.type;
      const bool classed = type == catboost_ctr::borders || type == catboost_ctr::buckets;
      const auto classes = static_cast<std::int64_t>(from.width);
      if (classed && (c.target_border < 0 || c.target_border >= classes)) {
        return fail(fmt::format("CTR {}: TargetBorderIdx {} of {} classes", uses[k], c.target_border, classes));
      }
      table.values[k] = type == catboost_ctr::counter || type == catboost_ctr::feature_frequency
                            ? statistic(c, 0, static_cast<float>(from.denominator))
                            : statistic(c, 0, 0);
      for (std::size_t row = 0; row < from.hashes.size(); ++row) {
        table.values[(row + 1) * uses.size() + k] = statistic_of_row(c, from, row);
      }
    }
    for (std::size_t row = 0; row < from.hashes.size(); ++row) {
      if (!insert(table, from.hashes[row], row + 1)) {
        return fail(fmt::format("the table of CTR {} has the hash {} twice", uses.front(), from.hashes[row]));
      }
    }
    return true;
  }

  static float statistic(const catboost_document::ctr& c, float good, float total) noexcept {
    const float share = (good + c.prior) / (total + c.prior_weight);
    return (share + c.shift) * c.scale;
  }
  static float statistic_of_row(const catboost_document::ctr& c, const catboost_document::ctr_table& from,
                                std::size_t row) {
    const auto number = [](std::uint32_t count) { return static_cast<float>(static_cast<std::int32_t>(count)); };
    const std::int32_t* const counts = from.counts.data() + row * from.width;
    switch (c.base.type) {
      case catboost_ctr::binarized_target_mean:
      case catboost_ctr::float_target_mean:
        return statistic(c, from.sums[row], static_cast<float>(counts[0]));
      case catboost_ctr::counter:
      case catboost_ctr::feature_frequency:
        return statistic(c, static_cast<float>(counts[0]), static_cast<float>(from.denominator));
      default:
        break;
    }
    std::uint32_t good = 0;  // counts wrap as the trainer's do
    std::uint32_t total = 0;
    for (std::size_t k = 0; k < from.width; ++k) {
      const auto count = static_cast<std::uint32_t>(counts[k]);
      total += count;
      const auto border = static_cast<std::size_t>(c.target_border);
      const bool two = from.width == 2;
      const bool counts_as_good = c.base.type == catboost_ctr::buckets ? k == border : two ? k == 1 : k > border;
      if (counts_as_good) good += count;
    }
    return statistic(c, number(good), number(total));
  }

  bool add_trees(const catboost_task& predicted) {
    model_.features = next_column_;
    model_.outputs = document_.dimension;
    model_.leaf_width = static_cast<std::uint32_t>(document_.dimension);
    model_.input = precision::float32;
    model_.sum = precision::float64;
    model_.compare = comparison::less_equal;
    model_.base.assign(model_.outputs, 0.0);
    model_.output_link = predicted.output_link;
    model_.predicts = predicted.outputs;
    model_.class_by_margins = predicted.outputs.task == task::multiclass;
    model_.rounds = {document_.trees.size(), document_.trees.size()};
    if (!document_.bias.empty() && document_.bias.size() != model_.outputs) {
      return fail(fmt::format("{} biases for {} dimensions", document_.bias.size(), model_.outputs));
    }
    const bool biased = std::any_of(document_.bias.begin(), document_.bias.end(), [](double b) { return b != 0; });
    if (document_.scale != 1 || biased) {
      model_.scale = document_.scale;
      model_.offset = document_.bias.empty() ? std::vector<double>(model_.outputs) : document_.bias;
    }
    model_.trees = std::move(document_.trees);
    for (std::size_t i = 0; i < model_.trees.size(); ++i) {
      tree& t = model_.trees[i];
      if (!t.leaf_cover.empty()) add_up_covers(t);
      for (split& s : t.splits) {
        if (s.feature >= conditions_.size()) {
          return fail(fmt::format("tree {}: condition {} of {} does not exist", i, s.feature, conditions_.size()));
        }
        const condition& c = conditions_[s.feature];
        s.feature = c.column;
        if (c.position) {
          add_position(t, s, static_cast<std::uint32_t>(c.border));
        } else {
          s.threshold = static_cast<double>(c.border);
          s.default_left = !c.missing_is_above;
        }
      }
      if (!predicted.order.empty()) permute(t.leaves, predicted.order);
    }
    if (!predicted.order.empty()) permute(model_.offset, predicted.order);
    return true;
  }

  /// All positions but one go left.
  static void add_position(tree& t, split& s, std::uint32_t position) {
    const auto same = [&](const category_set& set) {
      return set.left.size() == position / 32 + 1 && !set.contains(position);
    };
    auto found = std::find_if(t.sets.begin(), t.sets.end(), same);
    if (found == t.sets.end()) {
      category_set set;
      set.left.assign(position / 32 + 1, ~std::uint32_t{0});
      set.left.back() ^= std::uint32_t{1} << (position % 32);
      set.others_left = true;
      found = t.sets.insert(t.sets.end(), std::move(set));
    }
    s.categories = static_cast<std::int32_t>(found - t.sets.begin());
    s.default_left = true;
  }

  static void permute(std::vector<double>& values, const std::vector<std::uint32_t>& order) {
    std::vector<double> row(order.size());
    for (std::size_t at = 0; at + order.size() <= values.size(); at += order.size()) {
      for (std::size_t k = 0; k < order.size(); ++k) row[order[k]] = values[at + k];
      std::copy(row.begin(), row.end(), values.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  catboost_document document_;
  std::size_t cells_left_;
  const load_options& options_;

  feature_names names_;
  tabscore::encoder encoder_;
  category_lookups lookups_;
  forest_model model_;
  std::vector<condition> conditions_;
  std::map<std::int32_t, std::uint32_t> number_at_;
  std::map<std::int32_t, std::uint32_t> category_at_;
  std::vector<std::uint32_t> column_of_number_;  ///< of the numeric features, then of categories that are numbers
  std::uint32_t next_column_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
