// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "forest.hpp"
#include "matrix_view.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
/// Why quantiles and expectiles of one model, which its trainer orders, have no contributions.
inline constexpr std::string_view ordered_outputs =
    "contributions are of a margin each, and the trainer orders the numbers of a row: train one model for each "
    "quantile or "
    "expectile to have them explained";
}  // namespace detail

/// How much each feature moved a row's margin away from the model's expectation: path-dependent TreeSHAP for trees
/// (Lundberg et al., "Consistent individualized feature attribution for tree ensembles", 2018), weight times value for
/// a linear part. Computed in float64 from the training covers in the model file. Immutable and shareable; what scoring
/// reads is not touched by it.
///
/// The Shapley weights are not summed over subsets but integrated (Owen, "Multilinear extensions of games", 1972): of a
/// leaf that a share z of training rows reaches without knowing a feature, and the row itself does (o = 1) or does not
/// (o = 0), feature k gets value * (o_k - z_k) * integral over t in [0, 1] of the product over the other features of
/// z + t (o - z). That is a polynomial, for which Gauss' rule with half as many points as features is exact; one way
/// down and up a tree serves all its leaves (as in Yu et al., "Linear TreeShap", 2022).
class explainer {
 public:
  /// An error when the model's trees carry no covers, covers that are not finite, or are too deep. `first_of` has one
  /// element per feature, the first feature of its group, or is empty where each is a group of its own; the
  /// contribution of a group is that of its first feature.
  static result<explainer> build(forest f, std::vector<std::uint32_t> first_of = {});

  /// Numbers per row that explain() writes: for each output one per feature, then the expectation (bias).
  std::size_t width() const noexcept { return forest_.outputs() * (forest_.features() + 1); }

  /// `out` is x.rows x outputs x (features + 1), row-major; each output's numbers sum to its margin up to rounding.
  template <class Number>
  void explain(matrix_view<Number> x, std::span<double> out, scratch& memory) const;

 private:
  /// Four points at a time: as many as eight features on a way need.
  using four = std::array<double, 4>;
  struct rule {
    four points{0.5, 0.5, 0.5, 0.5};
    four weights{};
  };

  explainer(forest f, std::vector<double> expected, std::size_t levels, std::vector<std::uint32_t> first_of);

  void make_rules(std::size_t n);
  static double cover(const tree& t, std::int32_t at);
  static double share(const tree& t, const split& s, std::int32_t child);
  static void add_expectation(const forest_model& model, const tree& t, std::vector<double>& expected);

  template <class Value>
  struct visitor;

  forest forest_;
  std::vector<double> expected_;
  std::vector<std::uint32_t> first_of_;
  std::vector<rule> rules_;
};

/// Adds contributions of columns that one field became (one-hot columns, say): `field_of[c]` is column c's field, `out`
/// has one element per field. Contributions add up, so that this loses nothing.
void fold_contributions(std::span<const double> columns, std::span<const std::uint32_t> field_of,
                        std::span<double> out);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "detail/trees/walk.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<explainer> explainer::build(forest f, std::vector<std::uint32_t> first_of) {
  constexpr std::size_t deepest = 512;
  const forest_model& model = f.model();
  std::vector<double> expected = model.base;
  std::size_t levels = 0;
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    const tree& t = model.trees[i];
    if (!t.linear.empty()) {
      return error{errc::unsupported, fmt::format("tree {} has linear leaves (linear_tree): contributions are known "
                                                  "for leaves that are plain values only",
                                                  i)};
    }
    if (!t.splits.empty() && t.leaf_cover.empty()) {
      return error{errc::unsupported, fmt::format("tree {} carries no covers (training weights per node), which "
                                                  "contributions need",
                                                  i)};
    }
    constexpr auto finite = [](double cover) { return std::isfinite(cover); };
    if (!std::all_of(t.split_cover.begin(), t.split_cover.end(), finite) ||
        !std::all_of(t.leaf_cover.begin(), t.leaf_cover.end(), finite)) {
      return error{errc::unsupported, fmt::format("tree {} has covers that are not finite", i)};
    }
    levels = std::max<std::size_t>(levels, detail::height(t));
    if (levels > deepest) {
      return error{errc::unsupported, fmt::format("tree {} has more than {} levels", i, deepest)};
    }
    add_expectation(model, t, expected);
  }
  for (std::size_t o = 0; o < model.offset.size(); ++o) expected[o] = model.scale * expected[o] + model.offset[o];
  return explainer(std::move(f), std::move(expected), levels, std::move(first_of));
}

TABSCORE_INLINE explainer::explainer(forest f, std::vector<double> expected, std::size_t levels,
                                     std::vector<std::uint32_t> first_of)
    : forest_(std::move(f)), expected_(std::move(expected)), first_of_(std::move(first_of)) {
  make_rules(((std::min)(levels, forest_.features()) + 1) / 2);
}

/// Points and weights of Gauss' rule on [0, 1]: Newton's method on the Legendre polynomial of degree n.
TABSCORE_INLINE void explainer::make_rules(std::size_t n) {
  const auto degree = static_cast<double>(n);
  rules_.resize((n + 3) / 4);
  for (std::size_t i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (degree + 0.5));
    double slope = 1;
    for (int round = 0; round < 8; ++round) {  // from this start fewer are enough
      double before = 1, p = x;
      for (double k = 2; k <= degree; ++k) {
        before = std::exchange(p, ((2 * k - 1) * x * p - (k - 1) * before) / k);
      }
      slope = degree * (x * p - before) / (x * x - 1);
      x -= p / slope;
    }
    rules_[i / 4].points[i % 4] = (1 - x) / 2;
    rules_[i / 4].weights[i % 4] = 1 / ((1 - x * x) * slope * slope);
  }
}

TABSCORE_INLINE double explainer::cover(const tree& t, std::int32_t at) {
  return at >= 0 ? t.split_cover[static_cast<std::size_t>(at)] : t.leaf_cover[static_cast<std::size_t>(~at)];
}
/// The share of a split's training rows that went to a child; halves where the file counts none.
TABSCORE_INLINE double explainer::share(const tree& t, const split& s, std::int32_t child) {
  const double both = cover(t, s.left) + cover(t, s.right);
  return both > 0 ? cover(t, child) / both : 0.5;
}

TABSCORE_INLINE void explainer::add_expectation(const forest_model& model, const tree& t,
                                                std::vector<double>& expected) {
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

template <class Value>
struct explainer::visitor {
  const explainer& of;
  const tree& t;
  const Value& value;
  const four& points;
  std::size_t output;  // of a leaf's values
  double scale;        // of the leaves
  double* known;       // z and o of each feature on the way to here; 1 and 1, a factor of 1, for any other
  double* phi;

  /// `way` holds, for each point, its weight times the factors of all features on the way to this node. Gives the sum
  /// over the leaves below of their values times their ways.
  four visit(std::int32_t at, const four& way) const {
    const forest_model& model = of.forest_.model();
    four sum{};
    if (at < 0) {
      const double leaf = scale * t.leaves[static_cast<std::size_t>(~at) * model.leaf_width + output];
      for (std::size_t q = 0; q < 4; ++q) sum[q] = way[q] * leaf;
      return sum;
    }
    const split& s = t.splits[static_cast<std::size_t>(at)];
    const bool left = detail::goes_left(model, t, s, value(s.feature));
    const std::size_t feature = of.first_of_.empty() ? s.feature : of.first_of_[s.feature];
    double* const z_and_o = known + 2 * feature;
    const double z = z_and_o[0];
    const double o = z_and_o[1];
    four without, pull;  // the way without this feature's earlier factor; what its earlier node counts of a leaf
    for (std::size_t q = 0; q < 4; ++q) {
      const double inverse = 1 / (z + points[q] * (o - z));
      without[q] = way[q] * inverse;
      pull[q] = (o - z) * inverse;
    }
    for (const bool side : {true, false}) {
      const std::int32_t child = side ? s.left : s.right;
      const double child_z = z * share(t, s, child);
      const double child_o = side == left ? o : 0.0;
      if (child_z == 0 && child_o == 0) continue;  // unreachable: all factors are 0
      four factor, child_way;
      for (std::size_t q = 0; q < 4; ++q) {
        factor[q] = child_z + points[q] * (child_o - child_z);
        child_way[q] = without[q] * factor[q];
      }
      z_and_o[0] = child_z;
      z_and_o[1] = child_o;
      const four below = visit(child, child_way);
      four moved;
      for (std::size_t q = 0; q < 4; ++q) {
        sum[q] += below[q];
        moved[q] = below[q] * ((child_o - child_z) / factor[q] - pull[q]);
      }
      phi[feature] += (moved[0] + moved[1]) + (moved[2] + moved[3]);
    }
    z_and_o[0] = z;
    z_and_o[1] = o;
    return sum;
  }
};

template <class Number>
void explainer::explain(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
  TABSCORE_ASSERT(x.columns == forest_.features() && out.size() == x.rows * width(), "shapes of explainer::explain");
  const forest_model& model = forest_.model();
  const std::span<double> known = memory.template get<double>(2 * model.features);
  std::fill(known.begin(), known.end(), 1.0);
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
    const double scale = model.offset.empty() ? 1.0 : model.scale;
    for (const tree& t : model.trees) {
      for (std::size_t j = 0; j < (t.splits.empty() ? 0 : model.leaf_width); ++j) {
        double* const mine = phi.data() + (t.output + j) * (model.features + 1);
        for (const rule& r : rules_)
          visitor<decltype(value)>{*this, t, value, r.points, j, scale, known.data(), mine}.visit(0, r.weights);
      }
    }
  }
}

TABSCORE_INLINE void fold_contributions(std::span<const double> columns, std::span<const std::uint32_t> field_of,
                                        std::span<double> out) {
  TABSCORE_ASSERT(columns.size() == field_of.size(), "a field for each column");
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t c = 0; c < columns.size(); ++c) out[field_of[c]] += columns[c];
}

#if defined(TABSCORE_COMPILED)
template void explainer::explain(matrix_view<float> x, std::span<double> out, scratch& memory) const;
template void explainer::explain(matrix_view<double> x, std::span<double> out, scratch& memory) const;
#endif

}  // namespace tabscore::inline TABSCORE_ABI
#endif
