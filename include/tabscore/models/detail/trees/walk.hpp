// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "../../../core/config.hpp"
#include "../../matrix_view.hpp"
#include "../../tree.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Where a child has its entry in a list that has one for all leaves, then those of the splits.
inline std::size_t at_or_leaf(std::int32_t child) noexcept {
  return static_cast<std::size_t>((std::max)(child, std::int32_t{-1}) + 1);
}

/// Calls use(at, split) for each split after its children. `order` is memory. Trees from files may be deep: no
/// recursion. Most of them list children after parents.
template <class Use>
void upwards(const tree& t, std::vector<std::int32_t>& order, Use&& use) {
  bool parents_first = true;
  for (std::size_t i = 0; i < t.splits.size(); ++i) {
    parents_first &=
        static_cast<std::uint32_t>(t.splits[i].left) > i && static_cast<std::uint32_t>(t.splits[i].right) > i;
  }
  if (parents_first) {
    for (std::size_t i = t.splits.size(); i-- > 0;) use(i, t.splits[i]);
    return;
  }
  order.assign(1, 0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const split& s = t.splits[static_cast<std::size_t>(order[i])];
    if (s.left >= 0) order.push_back(s.left);
    if (s.right >= 0) order.push_back(s.right);
  }
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    use(static_cast<std::size_t>(*at), t.splits[static_cast<std::size_t>(*at)]);
  }
}

/// Most splits on a way from the root to a leaf.
inline std::uint32_t height(const tree& t) {
  std::vector<std::uint32_t> heights(t.splits.size() + 1);
  std::vector<std::int32_t> order;
  upwards(t, order, [&](std::size_t at, const split& s) {
    heights[at + 1] = 1 + (std::max)(heights[at_or_leaf(s.left)], heights[at_or_leaf(s.right)]);
  });
  return t.splits.empty() ? 0 : heights[1];
}

/// LightGBM's zero: the double of 1e-35f.
inline constexpr double tiny = 1.0000000180025095e-35;

/// The value that a compiler cannot fuse with the next operation, whatever the flags (-ffp-contract, FMA targets).
template <class Number>
inline Number rounded(Number value) noexcept {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  asm("" : "+x"(value));
#elif defined(__GNUC__)
  asm("" : "+g"(value));
#endif
  return value;
}

/// A number in the precision in which the model reads its inputs.
inline double as_input(const forest_model& model, double x) noexcept {
  return model.input == precision::float32 ? static_cast<double>(static_cast<float>(x)) : x;
}

/// A raw input as the model reads it.
inline double read_input(const forest_model& model, double x) noexcept {
  x = as_input(model, x);
  if (model.missing && x == as_input(model, *model.missing)) return std::numeric_limits<double>::quiet_NaN();
  return model.tiny_is_zero && std::fabs(x) <= tiny ? 0.0 : x;
}

inline bool category_goes_left(const category_set& set, category_rule rule, double x) noexcept {
  if (rule == category_rule::truncate ? x <= -1.0 : x < 0.0) return set.others_left;
  if (rule == category_rule::whole && x != std::trunc(x)) return set.others_left;
  return x < 2147483648.0 ? set.contains(static_cast<std::uint64_t>(x)) : set.others_left;
}

/// Where a value, as read_input gives it, goes at a split.
inline bool goes_left(const forest_model& model, const tree& t, const split& s, double x) noexcept {
  if (s.categories != split::numeric) {
    if (std::isnan(x)) return s.default_left;
    return category_goes_left(t.sets[static_cast<std::size_t>(s.categories)], model.codes, x);
  }
  if (std::isnan(x)) {
    if (s.missing != missing_rule::none) return s.default_left;
    x = 0;
  }
  if (s.missing == missing_rule::nan_or_zero && x == 0) return s.default_left;
  return model.compare == comparison::less ? x < s.threshold : x <= s.threshold;
}

/// The leaf of a tree that a row reaches; `value(feature)` gives the row's inputs as read_input does.
template <class Value>
std::size_t find_leaf(const forest_model& model, const tree& t, Value value) noexcept {
  std::int32_t at = t.splits.empty() ? -1 : 0;
  while (at >= 0) {
    const split& s = t.splits[static_cast<std::size_t>(at)];
    at = goes_left(model, t, s, value(s.feature)) ? s.left : s.right;
  }
  return static_cast<std::size_t>(~at);
}

/// a + b in the precision of the model's sum.
inline double add(precision sum, double a, double b) noexcept {
  return sum == precision::float32 ? static_cast<double>(static_cast<float>(a) + static_cast<float>(b)) : a + b;
}

/// The margins of a row before any tree: the base and the linear terms, products rounded before they are added.
template <class Value>
void start_margins(const forest_model& model, Value value, std::span<double> margins) noexcept {
  for (std::size_t o = 0; o < model.outputs; ++o) margins[o] = model.base[o];
  if (model.linear.empty()) return;
  for (std::size_t f = 0; f < model.features; ++f) {
    const double x = value(f);
    if (std::isnan(x)) continue;
    for (std::size_t o = 0; o < model.outputs; ++o) {
      const double w = model.linear[f * model.outputs + o];
      const double term = model.sum == precision::float32
                              ? static_cast<double>(rounded(static_cast<float>(x) * static_cast<float>(w)))
                              : rounded(x * w);
      margins[o] = add(model.sum, margins[o], term);
    }
  }
}

/// Makes the margins of rows NaN whose inputs the trainer refuses.
template <class Number>
void refuse_inputs(const forest_model& model, matrix_view<Number> x, std::span<double> margins) noexcept {
  if (model.accepts == input_rule::any) return;
  for (std::size_t row = 0; row < x.rows; ++row) {
    bool refused = false;
    for (std::size_t f = 0; f < x.columns; ++f) {
      const double value = read_input(model, static_cast<double>(x(row, f)));
      refused |= model.accepts == input_rule::finite ? !std::isfinite(value) : std::isinf(value);
    }
    if (refused) {
      const auto outputs = margins.subspan(row * model.outputs, model.outputs);
      std::fill(outputs.begin(), outputs.end(), std::numeric_limits<double>::quiet_NaN());
    }
  }
}

/// What a leaf of a tree with linear leaves gives.
template <class Value>
double linear_value(const tree& t, std::size_t leaf, Value value) noexcept {
  double sum = t.linear[leaf].constant;
  for (const linear_leaf::term& term : t.linear[leaf].terms) {
    const double x = value(term.feature);
    if (std::isnan(x)) return t.leaves[leaf];
    sum += rounded(term.weight * x);
  }
  return sum;
}

/// One row, one tree at a time: what every kernel must equal bit for bit.
template <class Number>
void walk_row(const forest_model& model, matrix_view<Number> x, std::size_t row, std::span<double> margins) noexcept {
  const auto value = [&](std::size_t feature) { return read_input(model, static_cast<double>(x(row, feature))); };
  start_margins(model, value, margins);
  for (const tree& t : model.trees) {
    const std::size_t at = find_leaf(model, t, value);
    if (!t.linear.empty()) {
      margins[t.output] = add(model.sum, margins[t.output], linear_value(t, at, value));
      continue;
    }
    const double* leaf = t.leaves.data() + at * model.leaf_width;
    for (std::size_t j = 0; j < model.leaf_width; ++j) {
      margins[t.output + j] = add(model.sum, margins[t.output + j], leaf[j]);
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
