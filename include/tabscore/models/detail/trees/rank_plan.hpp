// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "walk.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// How a row becomes bytes, so that every split is "byte of a column > constant goes right". A value's rank among the
/// thresholds of its feature keeps the outcome of each comparison; more than 255 thresholds take several columns; a
/// value without a rank (NaN) gets the byte that sends it the default way, in one column per way that is used; a
/// set of categories is a column of its own, 0 or 1.
struct rank_plan {
  static constexpr std::size_t chunk = 256;  ///< keys that one two-level search of 16 x 16 covers
  static constexpr std::size_t most_columns = 16384;
  static constexpr std::size_t most_features = std::size_t{1} << 20;  ///< a table of that size is made at load
  static constexpr std::size_t most_table_bytes = std::size_t{1} << 26;
  static constexpr std::size_t padding = 16;  ///< bytes behind the last row of codes_table, for vectors
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct numeric {
    std::uint32_t feature = 0;
    std::uint32_t first_key = 0;  ///< in keys; chunks * chunk of them, NaN after the last
    std::uint32_t chunks = 0;
    std::uint32_t count = 0;
    std::uint32_t first_exact = 0;  ///< in exact, when thresholds are no float32
    std::uint32_t zero_rank = 0;
    std::uint32_t first_column = 0;
    std::uint32_t columns = 0;
  };
  /// A feature that only one threshold is compared with, as one-hot columns are: its byte is 0 or 1.
  struct lone {
    std::uint32_t feature = 0;
    std::uint32_t column = 0;
    float key = 0;
    std::uint8_t missing = 0;
  };
  struct column {
    std::uint32_t base = 0;    ///< subtracted from the rank, which is then limited to 0..255
    std::uint32_t used = 0;    ///< thresholds: bytes are compared with 0 .. used - 1
    std::uint8_t missing = 0;  ///< byte of NaN
    bool zero_is_missing = false;
    std::int16_t only = -1;  ///< of a categorical split: the one code whose byte is 1, if there is one
  };
  struct categorical {
    std::uint32_t feature = 0;
    std::uint32_t codes = 0;
    std::size_t first_row =
        0;  ///< in codes_table: a row of `columns` bytes per code, then one for unknown, one for NaN
    std::uint32_t first_column = 0;
    std::uint32_t columns = 0;
    std::uint32_t first_bits = none;  ///< in code_bits, where 64 bits are enough for all codes
  };
  struct place {
    std::uint32_t column = 0;
    std::uint8_t threshold = 0;  ///< right when the byte is above it
  };

  std::vector<numeric> numerics;  ///< but for the lone ones
  std::vector<lone> lones;
  std::vector<categorical> categoricals;
  std::vector<column> columns;
  std::vector<float> keys;
  std::vector<float> pivots;  ///< 16 per chunk: every 16th key
  std::vector<float> chunk_last;
  std::vector<double> exact;
  std::vector<std::uint8_t> codes_table;
  std::vector<std::uint64_t> code_bits;  ///< the same by column: the byte of code c is bit c
  bool count_equal = false;              ///< rank counts keys <= x, not keys < x
  bool check_exact = false;  ///< keys are rounded thresholds; a value whose float32 equals one is compared in float64
  bool equal_goes_left = true;
  precision input = precision::float64;
  bool tiny_is_zero = false;
  category_rule codes = category_rule::negative_is_unknown;
  bool row_by_row = false;  ///< most columns are copied, which is quick for one row alone
  bool too_large = false;   ///< more features, columns or category codes than bytes are a good idea for

  /// Columns of the model's splits, and each split's place, tree after tree.
  static rank_plan make(const forest_model& model, std::vector<std::vector<place>>& places);

  /// Columns whose bytes are copied from codes_table.
  std::size_t copied() const noexcept {
    std::size_t count = 0;
    for (const categorical& c : categoricals) count += c.columns;
    return count;
  }
  /// Rough cost of a row's bytes, in nanoseconds of a 3 GHz CPU.
  double work() const noexcept {
    return 50 + 8.0 * static_cast<double>(columns.size() - copied() + categoricals.size()) +
           0.1 * static_cast<double>(copied());
  }
};

/// The largest float32 that is not above t, so that x <= t and x <= floor_float(t) agree for every float32 x.
inline float floor_float(double t) noexcept {
  const auto f = static_cast<float>(t);
  return static_cast<double>(f) > t ? std::nextafter(f, -std::numeric_limits<float>::infinity()) : f;
}

/// Codes from there on go where the set's others go.
inline std::size_t listed_codes(const category_set& set) noexcept {
  for (std::size_t word = set.left.size(); word-- > 0;) {
    const std::uint32_t differ = set.others_left ? ~set.left[word] : set.left[word];
    if (differ != 0) return word * 32 + static_cast<std::size_t>(std::bit_width(differ));
  }
  return 0;
}

/// Sorts items by item.threshold, byte after byte of its order; `room` is for copies.
template <class Item>
void sort_by_threshold(std::span<Item> items, std::vector<Item>& room) {
  constexpr std::size_t few = 256;
  if (items.size() < few) {
    std::sort(items.begin(), items.end(), [](const Item& l, const Item& r) { return l.threshold < r.threshold; });
    return;
  }
  const auto byte = [](const Item& item, std::size_t b) {
    const auto bits = std::bit_cast<std::uint64_t>(item.threshold + 0.0);  // both zeros are one
    return static_cast<std::uint8_t>((bits ^ (bits >> 63 != 0 ? ~std::uint64_t{0} : std::uint64_t{1} << 63)) >> 8 * b);
  };
  std::array<std::array<std::uint32_t, 256>, 8> place{};
  for (const Item& item : items) {
    for (std::size_t b = 0; b < 8; ++b) ++place[b][byte(item, b)];
  }
  room.resize(items.size());
  std::span<Item> from = items, to = room;
  for (std::size_t b = 0; b < 8; ++b) {
    if (place[b][byte(from.front(), b)] == items.size()) continue;  // as all of a float32's last bytes are zero
    std::exclusive_scan(place[b].begin(), place[b].end(), place[b].begin(), std::uint32_t{0});
    for (const Item& item : from) to[place[b][byte(item, b)]++] = item;
    std::swap(from, to);
  }
  if (from.data() != items.data()) std::copy(from.begin(), from.end(), items.begin());
}

inline rank_plan rank_plan::make(const forest_model& model, std::vector<std::vector<place>>& places) {
  rank_plan plan;
  plan.input = model.input;
  plan.tiny_is_zero = model.tiny_is_zero;
  plan.codes = model.codes;
  plan.equal_goes_left = model.compare == comparison::less_equal;
  plan.check_exact = model.input == precision::float64;
  plan.count_equal = !plan.check_exact && model.compare == comparison::less;
  const auto key_of = [&](double t) {
    return plan.check_exact || plan.count_equal ? static_cast<float>(t) : floor_float(t);
  };

  if (model.features > most_features) {
    plan.too_large = true;
    return plan;
  }

  // The numeric splits of each feature, one feature after the other, each in the order of its thresholds.
  struct numeric_split {
    double threshold;
    std::uint32_t tree, split;
  };
  std::vector<std::uint32_t> first_split(model.features + 2);
  const auto each_numeric = [&](auto use) {
    for (std::size_t i = 0; i < model.trees.size(); ++i) {
      const std::vector<split>& splits = model.trees[i].splits;
      for (std::size_t j = 0; j < splits.size(); ++j) {
        if (splits[j].categories == split::numeric) use(i, j, splits[j]);
      }
    }
  };
  each_numeric([&](std::size_t, std::size_t, const split& s) { ++first_split[s.feature + 2]; });
  for (std::size_t f = 2; f < first_split.size(); ++f) first_split[f] += first_split[f - 1];
  std::vector<numeric_split> sorted(first_split.back()), room;
  each_numeric([&](std::size_t i, std::size_t j, const split& s) {
    sorted[first_split[s.feature + 1]++] = {plan.check_exact ? s.threshold : static_cast<double>(key_of(s.threshold)),
                                            static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)};
  });
  places.resize(model.trees.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i].assign(model.trees[i].splits.size(), {});

  std::vector<double> ts;  // of the feature at hand, each once
  std::vector<std::uint32_t> numeric_of(model.features);
  for (std::size_t f = 0; f < model.features; ++f) {
    const std::span<numeric_split> mine =
        std::span(sorted).subspan(first_split[f], first_split[f + 1] - first_split[f]);
    if (mine.empty()) continue;
    sort_by_threshold(mine, room);
    ts.clear();
    for (const numeric_split& s : mine) {
      if (ts.empty() || ts.back() != s.threshold) ts.push_back(s.threshold);
      places[s.tree][s.split].column = static_cast<std::uint32_t>(ts.size() - 1);  // its rank, until columns are known
    }
    numeric n;
    n.feature = static_cast<std::uint32_t>(f);
    n.count = static_cast<std::uint32_t>(ts.size());
    n.chunks = static_cast<std::uint32_t>(ts.size() / chunk + 1);  // a NaN ends the last one
    n.first_key = static_cast<std::uint32_t>(plan.keys.size());
    n.first_exact = static_cast<std::uint32_t>(plan.exact.size());
    for (const double t : ts) {
      plan.keys.push_back(static_cast<float>(t));
      n.zero_rank += (plan.equal_goes_left ? 0.0 <= t : 0.0 < t) ? 0U : 1U;
    }
    plan.keys.resize(n.first_key + n.chunks * chunk, std::numeric_limits<float>::quiet_NaN());
    if (plan.check_exact) {
      plan.exact.insert(plan.exact.end(), ts.begin(), ts.end());
      plan.exact.push_back(std::numeric_limits<double>::quiet_NaN());
    }
    for (std::size_t k = n.first_key; k < plan.keys.size(); k += 16) plan.pivots.push_back(plan.keys[k + 15]);
    for (std::size_t k = n.first_key; k < plan.keys.size(); k += chunk) plan.chunk_last.push_back(plan.keys[k + 255]);
    numeric_of[f] = static_cast<std::uint32_t>(plan.numerics.size());
    plan.numerics.push_back(n);
  }

  // The columns that splits ask for: by feature, segment of 255 ranks and what missing values do there (0 left, 1
  // right, 2 as zero; + 4 when zero is missing too).
  std::vector<std::uint32_t> first_request(plan.numerics.size() + 1);
  for (std::size_t i = 0; i < plan.numerics.size(); ++i) {
    first_request[i + 1] = first_request[i] + (plan.numerics[i].count / 255 + 1) * 8;
  }
  std::vector<std::uint32_t> column_of(first_request.back(), none);
  each_numeric([&](std::size_t i, std::size_t j, const split& s) {
    const std::uint32_t rank = places[i][j].column;
    const std::uint32_t side = s.missing == missing_rule::none ? 2 : s.default_left ? 0 : 1;
    const std::uint32_t zero = s.missing == missing_rule::nan_or_zero ? 4 : 0;
    const std::uint32_t request = first_request[numeric_of[s.feature]] + rank / 255 * 8 + side + zero;
    column_of[request] = 0;
    places[i][j] = {request, static_cast<std::uint8_t>(rank % 255)};  // the column once it has a number
  });
  for (std::size_t i = 0; i < plan.numerics.size(); ++i) {
    numeric& n = plan.numerics[i];
    n.first_column = static_cast<std::uint32_t>(plan.columns.size());
    for (std::uint32_t request = first_request[i]; request < first_request[i + 1]; ++request) {
      if (column_of[request] == none) continue;
      column_of[request] = static_cast<std::uint32_t>(plan.columns.size());
      const std::uint32_t missing = (request - first_request[i]) % 8;
      column c;
      c.base = (request - first_request[i]) / 8 * 255;
      c.used = std::min<std::uint32_t>(n.count - c.base, 255);
      const std::uint32_t zero = n.zero_rank > c.base ? std::min<std::uint32_t>(n.zero_rank - c.base, 255) : 0;
      c.missing = static_cast<std::uint8_t>((missing & 3) == 0 ? 0 : (missing & 3) == 1 ? 255 : zero);
      c.zero_is_missing = (missing & 4) != 0;
      plan.columns.push_back(c);
    }
    n.columns = static_cast<std::uint32_t>(plan.columns.size()) - n.first_column;
  }
  std::erase_if(plan.numerics, [&](const numeric& n) {
    const column& c = plan.columns[n.first_column];
    if (plan.check_exact || n.count != 1 || n.columns != 1 || c.zero_is_missing) return false;
    plan.lones.push_back({n.feature, n.first_column, plan.keys[n.first_key], c.missing});
    return true;
  });

  // One column per set of categories, together for each feature: nodes of a level, say, share it.
  struct set_use {
    std::size_t tree, split;
  };
  std::map<std::uint32_t, std::vector<set_use>> by_feature;
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    for (std::size_t j = 0; j < places[i].size(); ++j) {
      const split& s = model.trees[i].splits[j];
      if (s.categories == split::numeric) {
        places[i][j].column = column_of[places[i][j].column];
      } else {
        by_feature[s.feature].push_back({i, j});
      }
    }
  }
  for (const auto& [feature, uses] : by_feature) {
    categorical c;
    c.feature = feature;
    c.first_row = plan.codes_table.size();
    c.first_column = static_cast<std::uint32_t>(plan.columns.size());
    const auto set_of = [&](const set_use& u) -> const category_set& {
      const tree& t = model.trees[u.tree];
      return t.sets[static_cast<std::size_t>(t.splits[u.split].categories)];
    };
    std::map<std::tuple<bool, bool, std::vector<std::uint32_t>>, std::uint32_t> known;
    std::vector<set_use> sets;
    std::size_t codes = 0;
    for (const set_use& u : uses) {
      const category_set& set = set_of(u);
      const bool missing_left = model.trees[u.tree].splits[u.split].default_left;
      const auto [at, fresh] = known.try_emplace({missing_left, set.others_left, set.left}, sets.size());
      if (fresh) sets.push_back(u);
      places[u.tree][u.split] = {c.first_column + at->second, 0};
      codes = (std::max)(codes, listed_codes(set));
    }
    c.columns = static_cast<std::uint32_t>(sets.size());
    c.codes = static_cast<std::uint32_t>(codes);
    if ((codes + 2) * sets.size() > most_table_bytes - plan.codes_table.size()) {
      plan.too_large = true;
      return plan;
    }
    plan.codes_table.resize(c.first_row + (codes + 2) * sets.size());
    const bool few_codes = codes + 2 <= 64;
    if (few_codes) c.first_bits = static_cast<std::uint32_t>(plan.code_bits.size());
    for (std::size_t k = 0; k < sets.size(); ++k) {
      const category_set& set = set_of(sets[k]);
      std::uint8_t* to = plan.codes_table.data() + c.first_row + k;
      for (std::size_t code = 0; code <= codes; ++code, to += sets.size()) {  // the last: unknown
        *to = (code < codes ? set.contains(code) : set.others_left) ? 0 : 1;
      }
      *to = model.trees[sets[k].tree].splits[sets[k].split].default_left ? 0 : 1;
      column one;
      one.used = 1;
      std::size_t right = 0;
      if (few_codes) plan.code_bits.push_back(0);
      for (std::size_t code = 0; code < codes + 2; ++code) {
        if (plan.codes_table[c.first_row + code * sets.size() + k] == 0) continue;
        ++right;
        if (few_codes) plan.code_bits.back() |= std::uint64_t{1} << code;
        if (code < std::min<std::size_t>(codes, 255)) one.only = static_cast<std::int16_t>(code);
      }
      if (right != 1) one.only = -1;
      plan.columns.push_back(one);
    }
    plan.categoricals.push_back(c);
  }
  plan.codes_table.resize(plan.codes_table.size() + padding);
  plan.row_by_row = plan.copied() > plan.columns.size() / 2 && plan.copied() > 256;
  plan.too_large = plan.columns.size() > most_columns;
  return plan;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
