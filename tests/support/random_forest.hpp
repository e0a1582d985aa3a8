// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "tabscore/models/tree.hpp"

namespace tabscore::testing {

struct forest_shape {
  std::size_t features = 5;
  std::size_t trees = 10;
  std::size_t splits = 15;      ///< per tree, at most
  double lopsided = 0.5;        ///< chance to grow the newest leaf instead of a random one
  std::size_t thresholds = 20;  ///< distinct ones per feature
  std::size_t outputs = 1;
  bool rows_in_leaves = false;
  bool float_sum = true;
  bool float_input = true;
  bool less = true;
  bool zero_rules = false;  ///< LightGBM's missing rules
  bool categories = false;
  std::size_t category_words = 3;  ///< of 32 codes, at most
};

/// Shapes that reach every part of the kernels: shallow and deep, one tree and many, more than 255 thresholds, hundreds
/// of columns, more than 64, 128 and 256 leaves, several outputs; the last two so deep that they are walked.
inline forest_shape shape_of(int round) {
  forest_shape s;
  switch (round % 16) {
    case 0:
      break;
    case 1:
      s = {.features = 28, .trees = 40, .splits = 63, .lopsided = 0.0, .thresholds = 200};
      break;
    case 2:
      s = {.features = 3, .trees = 9, .splits = 400, .lopsided = 0.1, .thresholds = 900};
      break;
    case 3:
      s = {.features = 12,
           .trees = 25,
           .splits = 62,
           .lopsided = 0.3,
           .thresholds = 300,
           .float_sum = false,
           .float_input = false,
           .less = false,
           .zero_rules = true,
           .categories = true};
      break;
    case 4:
      s = {.features = 200, .trees = 60, .splits = 30, .lopsided = 0.2, .thresholds = 3};
      break;
    case 5:
      s = {.features = 90, .trees = 17, .splits = 120, .lopsided = 0.0, .thresholds = 50, .outputs = 3};
      break;
    case 6:
      s = {.features = 10,
           .trees = 12,
           .splits = 250,
           .lopsided = 0.6,
           .thresholds = 500,
           .outputs = 2,
           .rows_in_leaves = true,
           .float_sum = false,
           .less = false};
      break;
    case 7:
      s = {.features = 6,
           .trees = 20,
           .splits = 25,
           .lopsided = 0.9,
           .thresholds = 40,
           .categories = true,
           .category_words = 1};
      break;
    case 8:
      s = {.features = 2,
           .trees = 3,
           .splits = 3000,
           .lopsided = 0.02,
           .thresholds = 4000,
           .float_sum = false,
           .float_input = false,
           .less = false};
      break;
    case 9:
      s = {.features = 4, .trees = 30, .splits = 1, .thresholds = 300};
      break;
    case 10:
      s = {.features = 400,
           .trees = 100,
           .splits = 12,
           .thresholds = 2,
           .float_sum = false,
           .float_input = false,
           .less = false,
           .zero_rules = true};
      break;
    case 11:  // one threshold a feature, as one-hot columns have
      s = {.features = 150, .trees = 60, .splits = 20, .thresholds = 1};
      break;
    case 12:
      s = {.features = 70, .trees = 30, .splits = 40, .lopsided = 0.1, .thresholds = 1, .less = false};
      break;
    case 13:
      s = {.features = 8,
           .trees = 7,
           .splits = 127,
           .lopsided = 0.0,
           .thresholds = 255,
           .float_sum = false,
           .float_input = false};
      break;
    case 14:
      s = {.features = 6, .trees = 9, .splits = 2400, .lopsided = 0.05, .thresholds = 3000};
      break;
    default:
      s = {.features = 9,
           .trees = 290,
           .splits = 1500,
           .lopsided = 0.02,
           .thresholds = 900,
           .outputs = 3,
           .rows_in_leaves = true,
           .float_sum = false,
           .less = false};
      break;
  }
  return s;
}

inline double hard_number(std::mt19937_64& random) {
  static constexpr double special[] = {0.0,
                                       -0.0,
                                       1e-40,
                                       -1e-40,
                                       1e-35,
                                       -1e-35,
                                       1.0000000180025095e-35,
                                       1e-300,
                                       std::numeric_limits<double>::infinity(),
                                       -std::numeric_limits<double>::infinity(),
                                       std::numeric_limits<double>::max(),
                                       -3.4028234663852886e38,
                                       1e39};
  return special[random() % std::size(special)];
}

inline forest_model random_forest(std::mt19937_64& random, const forest_shape& shape) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> chance;
  forest_model m;
  m.features = shape.features;
  m.outputs = shape.outputs;
  m.input = shape.float_input ? precision::float32 : precision::float64;
  m.sum = shape.float_sum ? precision::float32 : precision::float64;
  m.compare = shape.less ? comparison::less : comparison::less_equal;
  m.tiny_is_zero = shape.zero_rules;
  m.codes = shape.zero_rules ? category_rule::truncate : category_rule::negative_is_unknown;
  m.leaf_width = shape.rows_in_leaves ? static_cast<std::uint32_t>(shape.outputs) : 1;
  const auto narrow = [&](double v, bool single) { return single ? static_cast<double>(static_cast<float>(v)) : v; };
  for (std::size_t o = 0; o < m.outputs; ++o) m.base.push_back(o == 0 ? -0.0 : narrow(normal(random), shape.float_sum));

  std::vector<std::vector<double>> thresholds(m.features);
  for (auto& ts : thresholds) {
    for (std::size_t i = 0; i < shape.thresholds; ++i) {
      double t = chance(random) < 0.02 ? hard_number(random) : normal(random);
      if (chance(random) < 0.2) t = std::round(t * 4) / 4;
      if (!ts.empty() && chance(random) < 0.1) t = std::nextafter(ts.back(), 10.0);  // equal as float32
      ts.push_back(narrow(t, shape.float_input && shape.less));
    }
  }
  for (std::size_t i = 0; i < shape.trees; ++i) {
    tree t;
    t.output = shape.rows_in_leaves ? 0 : static_cast<std::uint32_t>(i % m.outputs);
    const std::size_t splits = i == 3 ? 0 : 1 + random() % shape.splits;
    std::vector<std::int32_t*> open;
    t.splits.reserve(splits);
    std::int32_t root = -1;
    for (std::size_t s = 0; s < splits; ++s) {
      const auto id = static_cast<std::int32_t>(t.splits.size());
      std::int32_t* place = &root;
      if (s > 0) {
        const std::size_t at = chance(random) < shape.lopsided ? open.size() - 1
                               : shape.lopsided == 0.0         ? 0
                                                               : random() % open.size();
        place = open[at];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
      }
      *place = id;
      split& n = t.splits.emplace_back();
      n.feature = static_cast<std::uint32_t>(random() % m.features);
      n.default_left = random() % 2 == 0;
      if (shape.categories && n.feature % 3 == 0) {
        category_set set;
        set.left.resize(1 + random() % shape.category_words);
        for (auto& word : set.left) word = static_cast<std::uint32_t>(random());
        set.others_left = random() % 2 == 0;
        n.categories = static_cast<std::int32_t>(t.sets.size());
        t.sets.push_back(std::move(set));
      } else {
        n.threshold = thresholds[n.feature][random() % thresholds[n.feature].size()];
        if (shape.zero_rules) n.missing = static_cast<missing_rule>(random() % 3);
      }
      open.push_back(&n.left);
      open.push_back(&n.right);
    }
    // Leaves in a random order.
    std::vector<std::int32_t> ids(splits + 1);
    for (std::size_t l = 0; l <= splits; ++l) ids[l] = ~static_cast<std::int32_t>(l);
    std::shuffle(ids.begin(), ids.end(), random);
    for (std::size_t l = 0; l < open.size(); ++l) *open[l] = ids[l];
    for (std::size_t l = 0; l < (splits + 1) * m.leaf_width; ++l) {
      t.leaves.push_back(chance(random) < 0.05 ? -0.0 : narrow(normal(random), shape.float_sum));
    }
    m.trees.push_back(std::move(t));
  }
  return m;
}

/// Rows on, just beside and far from thresholds, with NaN, zeros of both signs, infinities and category codes.
inline std::vector<double> hard_rows(std::mt19937_64& random, const forest_model& m, std::size_t rows) {
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> thresholds(m.features);
  for (const tree& t : m.trees) {
    for (const split& s : t.splits) {
      if (s.categories == split::numeric) thresholds[s.feature].push_back(s.threshold);
    }
  }
  std::vector<double> cells;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t f = 0; f < m.features; ++f) {
      const auto& ts = thresholds[f];
      const double t = ts.empty() ? 0.0 : ts[random() % ts.size()];
      switch (random() % 12) {
        case 0:
          cells.push_back(t);
          break;
        case 1:
          cells.push_back(std::nextafter(t, -1e308));
          break;
        case 2:
          cells.push_back(std::nextafter(t, 1e308));
          break;
        case 3:
          cells.push_back(static_cast<double>(std::nextafter(static_cast<float>(t), 1e30F)));
          break;
        case 4:
          cells.push_back(static_cast<double>(std::nextafter(static_cast<float>(t), -1e30F)));
          break;
        case 5:
          cells.push_back(std::numeric_limits<double>::quiet_NaN());
          break;
        case 6:
          cells.push_back(hard_number(random));
          break;
        case 7:
          cells.push_back(static_cast<double>(random() % 110) - 3.0);
          break;
        case 8:
          cells.push_back(static_cast<double>(random() % 100) / 8 - 1);
          break;
        default:
          cells.push_back(normal(random));
          break;
      }
    }
  }
  return cells;
}

}  // namespace tabscore::testing
