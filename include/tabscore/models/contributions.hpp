// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "detail/block_plan.hpp"
#include "detail/walk.hpp"
#include "forest.hpp"
#include "matrix_view.hpp"

namespace tabscore {

/// How much each feature moved a row's margin away from the model's expectation: path-dependent TreeSHAP for trees
/// (Lundberg et al., "Consistent individualized feature attribution for tree ensembles", 2018, algorithm 2), weight
/// times value for a linear part. Computed in float64 from the training covers in the model file. Immutable and
/// shareable; what scoring reads is not touched by it.
class explainer {
 public:
  /// An error when the model's trees carry no covers or are too deep.
  static result<explainer> build(forest f) {
    constexpr std::uint32_t deepest = 512;
    const forest_model& model = f.model();
    std::vector<double> expected = model.base;
    for (std::size_t i = 0; i < model.trees.size(); ++i) {
      const tree& t = model.trees[i];
      if (!t.splits.empty() && t.leaf_cover.empty()) {
        return error{errc::unsupported, fmt::format("tree {} carries no covers (training weights per node), which "
                                                    "contributions need",
                                                    i)};
      }
      if (detail::height(t) > deepest) {
        return error{errc::unsupported, fmt::format("tree {} has more than {} levels", i, deepest)};
      }
      add_expectation(model, t, expected);
    }
    return explainer(std::move(f), std::move(expected));
  }

  /// Numbers per row that explain() writes: for each output one per feature, then the expectation (bias).
  std::size_t width() const noexcept { return forest_.outputs() * (forest_.features() + 1); }

  /// `out` is x.rows x outputs x (features + 1), row-major; each output's numbers sum to its margin up to rounding.
  template <class Number>
  void explain(matrix_view<Number> x, std::span<double> out) const {
    TABSCORE_ASSERT(x.columns == forest_.features() && out.size() == x.rows * width(), "shapes of explainer::explain");
    const forest_model& model = forest_.model();
    std::vector<element> path;
    for (std::size_t row = 0; row < x.rows; ++row) {
      const auto value = [&](std::size_t f) { return detail::read_input(model, static_cast<double>(x(row, f))); };
      const std::span<double> phi = out.subspan(row * width(), width());
      std::fill(phi.begin(), phi.end(), 0.0);
      for (std::size_t o = 0; o < model.outputs; ++o) phi[o * (model.features + 1) + model.features] = expected_[o];
      for (std::size_t f = 0; f < (model.linear.empty() ? 0 : model.features); ++f) {
        for (std::size_t o = 0; o < model.outputs && !std::isnan(value(f)); ++o) {
          phi[o * (model.features + 1) + f] += value(f) * model.linear[f * model.outputs + o];
        }
      }
      for (const tree& t : model.trees) {
        if (t.splits.empty()) continue;
        const std::size_t levels = detail::height(t) + 2;
        path.resize(levels * (levels + 1) / 2 + levels);
        const visitor<decltype(value)> v{model, t, value, phi};
        v.visit(0, path.data(), 0, 1.0, 1.0, no_feature);
      }
    }
  }

 private:
  static constexpr std::uint32_t no_feature = ~std::uint32_t{0};

  /// A feature on the way from the root: the share of training rows that would come this far without knowing it,
  /// whether the row itself does, and the weight of subsets of that many features.
  struct element {
    std::uint32_t feature;
    double zero, one, weight;
  };

  explainer(forest f, std::vector<double> expected) : forest_(std::move(f)), expected_(std::move(expected)) {}

  static double cover(const tree& t, std::int32_t at) {
    return at >= 0 ? t.split_cover[static_cast<std::size_t>(at)] : t.leaf_cover[static_cast<std::size_t>(~at)];
  }
  /// The share of a split's training rows that went to a child; halves where the file counts none.
  static double share(const tree& t, const split& s, std::int32_t child) {
    const double both = cover(t, s.left) + cover(t, s.right);
    return both > 0 ? cover(t, child) / both : 0.5;
  }

  static void add_expectation(const forest_model& model, const tree& t, std::vector<double>& expected) {
    std::vector<std::pair<std::int32_t, double>> open{{t.splits.empty() ? -1 : 0, 1.0}};
    while (!open.empty()) {
      const auto [at, weight] = open.back();
      open.pop_back();
      if (at < 0) {
        for (std::size_t j = 0; j < model.leaf_width; ++j) {
          expected[t.output + j] += weight * t.leaves[static_cast<std::size_t>(~at) * model.leaf_width + j];
        }
        continue;
      }
      const split& s = t.splits[static_cast<std::size_t>(at)];
      open.emplace_back(s.left, weight * share(t, s, s.left));
      open.emplace_back(s.right, weight * share(t, s, s.right));
    }
  }

  static void extend(element* path, std::size_t depth, double zero, double one, std::uint32_t feature) {
    path[depth] = {feature, zero, one, depth == 0 ? 1.0 : 0.0};
    const auto n = static_cast<double>(depth + 1);
    for (std::size_t i = depth; i-- > 0;) {
      path[i + 1].weight += one * path[i].weight * static_cast<double>(i + 1) / n;
      path[i].weight = zero * path[i].weight * static_cast<double>(depth - i) / n;
    }
  }

  static void unwind(element* path, std::size_t depth, std::size_t index) {
    const double one = path[index].one;
    const double zero = path[index].zero;
    const auto n = static_cast<double>(depth + 1);
    double next = path[depth].weight;
    for (std::size_t i = depth; i-- > 0;) {
      if (one != 0) {
        const double before = path[i].weight;
        path[i].weight = next * n / (static_cast<double>(i + 1) * one);
        next = before - path[i].weight * zero * static_cast<double>(depth - i) / n;
      } else {
        path[i].weight = path[i].weight * n / (zero * static_cast<double>(depth - i));
      }
    }
    for (std::size_t i = index; i < depth; ++i) {
      path[i].feature = path[i + 1].feature;
      path[i].zero = path[i + 1].zero;
      path[i].one = path[i + 1].one;
    }
  }

  /// The sum of weights were element `index` unwound.
  static double unwound_sum(const element* path, std::size_t depth, std::size_t index) {
    const double one = path[index].one;
    const double zero = path[index].zero;
    const auto n = static_cast<double>(depth + 1);
    double next = path[depth].weight;
    double total = 0;
    for (std::size_t i = depth; i-- > 0;) {
      if (one != 0) {
        const double weight = next * n / (static_cast<double>(i + 1) * one);
        total += weight;
        next = path[i].weight - weight * zero * static_cast<double>(depth - i) / n;
      } else if (zero != 0) {
        total += path[i].weight / zero / (static_cast<double>(depth - i) / n);
      }
    }
    return total;
  }

  template <class Value>
  struct visitor {
    const forest_model& model;
    const tree& t;
    const Value& value;
    std::span<double> phi;

    /// `parent` holds `depth` elements; this node's copy lies behind it.
    void visit(std::int32_t at, element* parent, std::size_t depth, double zero, double one,
               std::uint32_t feature) const {
      element* path = parent + depth;
      std::copy(parent, parent + depth, path);
      extend(path, depth, zero, one, feature);
      if (at < 0) {
        for (std::size_t i = 1; i <= depth; ++i) {
          const double weight = unwound_sum(path, depth, i) * (path[i].one - path[i].zero);
          for (std::size_t j = 0; j < model.leaf_width; ++j) {
            phi[(t.output + j) * (model.features + 1) + path[i].feature] +=
                weight * t.leaves[static_cast<std::size_t>(~at) * model.leaf_width + j];
          }
        }
        return;
      }
      const split& s = t.splits[static_cast<std::size_t>(at)];
      const bool left = detail::goes_left(model, t, s, value(s.feature));
      const std::int32_t taken = left ? s.left : s.right;
      const std::int32_t other = left ? s.right : s.left;
      double known_zero = 1;
      double known_one = 1;
      for (std::size_t i = 1; i <= depth; ++i) {
        if (path[i].feature != s.feature) continue;
        known_zero = path[i].zero;
        known_one = path[i].one;
        unwind(path, depth, i);
        --depth;
        break;
      }
      visit(taken, path, depth + 1, share(t, s, taken) * known_zero, known_one, s.feature);
      visit(other, path, depth + 1, share(t, s, other) * known_zero, 0.0, s.feature);
    }
  };

  forest forest_;
  std::vector<double> expected_;
};

/// Adds contributions of columns that one field became (one-hot columns, say): `field_of[c]` is column c's field, `out`
/// has one element per field. Contributions add up, so that this loses nothing.
inline void fold_contributions(std::span<const double> columns, std::span<const std::uint32_t> field_of,
                               std::span<double> out) {
  TABSCORE_ASSERT(columns.size() == field_of.size(), "a field for each column");
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t c = 0; c < columns.size(); ++c) out[field_of[c]] += columns[c];
}

}  // namespace tabscore
