// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../tree.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A statistic of the target by category ("CTR"), in the order of the binary format's numbers.
enum class catboost_ctr : std::uint8_t {
  borders,
  buckets,
  binarized_target_mean,
  float_target_mean,
  counter,
  feature_frequency
};
inline constexpr std::array<std::string_view, 6> catboost_ctr_names{
    "Borders", "Buckets", "BinarizedTargetMeanValue", "FloatTargetMeanValue", "Counter", "FeatureFreq"};

/// Numbers of features are those of numeric ones, or of categorical ones, each counted from 0.
struct catboost_combination {
  std::vector<std::int32_t> categories;
  std::vector<std::pair<std::int32_t, float>> borders;
  std::vector<std::pair<std::int32_t, std::int32_t>> values;  ///< a category's number and hash

  friend bool operator<(const catboost_combination& a, const catboost_combination& b) {
    return std::tie(a.categories, a.borders, a.values) < std::tie(b.categories, b.borders, b.values);
  }
  friend bool operator==(const catboost_combination&, const catboost_combination&) = default;
};

/// Which statistics a column or a table is of.
struct catboost_ctr_base {
  catboost_combination of;
  catboost_ctr type = catboost_ctr::borders;
  std::int32_t classifier = 0;

  friend bool operator<(const catboost_ctr_base& a, const catboost_ctr_base& b) {
    return std::tie(a.of, a.type, a.classifier) < std::tie(b.of, b.type, b.classifier);
  }
};

/// A CatBoost model as its files hold it, binary or JSON.
struct catboost_document {
  struct number {
    std::int32_t index = 0;
    std::int32_t flat = 0;  ///< among all features
    std::string name;
    std::vector<float> borders;
    bool missing_is_above = false;
  };
  struct category {
    std::int32_t index = 0;
    std::int32_t flat = 0;
    std::string name;
  };
  struct one_hot {
    std::int32_t category = 0;
    std::vector<std::int32_t> values;  ///< hashes
  };
  struct ctr {
    catboost_ctr_base base;
    std::int32_t target_border = 0;
    float prior = 0;
    float prior_weight = 1;
    float shift = 0;
    float scale = 1;
    std::vector<float> borders;
  };
  /// The counts of each known hash; the means of BinarizedTargetMeanValue and FloatTargetMeanValue are a sum and a
  /// count.
  struct ctr_table {
    std::int32_t denominator = 0;
    std::size_t width = 1;              ///< counts a hash
    std::vector<std::uint64_t> hashes;  ///< each once
    std::vector<std::int32_t> counts;   ///< hashes x width; of means one each
    std::vector<float> sums;            ///< of means
  };

  std::size_t dimension = 1;
  std::vector<number> numbers;
  std::vector<category> categories;
  std::vector<one_hot> one_hots;
  std::vector<ctr> ctrs;
  std::map<catboost_ctr_base, ctr_table> tables;
  std::vector<tree> trees;  ///< split::feature is the number of a condition: borders and values in the order above
  double scale = 1;
  std::vector<double> bias;                 ///< empty, or one per dimension
  std::map<std::string, std::string> info;  ///< params and class_params are JSON

  std::size_t conditions() const noexcept {
    std::size_t count = 0;
    for (const number& f : numbers) count += f.borders.size();
    for (const one_hot& f : one_hots) count += f.values.size();
    for (const ctr& f : ctrs) count += f.borders.size();
    return count;
  }
};

/// A tree whose levels have one condition each: bit d of a leaf's number is the outcome of levels[d]. The root has the
/// last one, so that leaves keep their order.
inline void grow_symmetric(const std::vector<std::uint32_t>& levels, tree& t) {
  const std::size_t leaves = std::size_t{1} << levels.size();
  t.splits.resize(leaves - 1);
  for (std::size_t i = 0, depth = 0; i < t.splits.size(); ++i) {
    if (i + 1 == std::size_t{2} << depth) ++depth;
    const auto child = [&](std::size_t at) {
      return at < t.splits.size() ? static_cast<std::int32_t>(at) : ~static_cast<std::int32_t>(at - t.splits.size());
    };
    t.splits[i].feature = levels[levels.size() - 1 - depth];
    t.splits[i].left = child(2 * i + 1);
    t.splits[i].right = child(2 * i + 2);
  }
}

/// Covers of splits from those of leaves; splits come before their children.
inline void add_up_covers(tree& t) {
  t.split_cover.assign(t.splits.size(), 0.0);
  for (std::size_t i = t.splits.size(); i-- > 0;) {
    for (const std::int32_t child : {t.splits[i].left, t.splits[i].right}) {
      t.split_cover[i] +=
          child >= 0 ? t.split_cover[static_cast<std::size_t>(child)] : t.leaf_cover[static_cast<std::size_t>(~child)];
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
