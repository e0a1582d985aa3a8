// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/scratch.hpp"
#include "../../matrix_view.hpp"
#include "../../tree.hpp"
#include "compiled_forest.hpp"
#include "walk.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The fast way of a forest with linear leaves: kernels find the leaves of some trees at a time, then the leaves'
/// values are added tree after tree.
struct leaf_finder {
  static constexpr std::size_t trees_at_a_time = 64;
  static constexpr std::size_t rows_at_a_time = 256;

  std::vector<compiled_forest> parts;  ///< each gives the leaf numbers of the next trees; empty: no fast way

  static leaf_finder make(const forest_model& model, kernel wanted) {
    leaf_finder out;
    const auto linear = [](const tree& t) { return !t.linear.empty(); };
    if (std::none_of(model.trees.begin(), model.trees.end(), linear)) return out;
    for (std::size_t first = 0; first < model.trees.size(); first += trees_at_a_time) {
      forest_model part = numbered(model, first, (std::min)(trees_at_a_time, model.trees.size() - first));
      out.parts.push_back(compiled_forest::make(part, wanted));
      if (out.parts.back().used == kernel::reference) return {};
    }
    return out;
  }

  /// `run(part, x, numbers, memory)` runs a part's kernel.
  template <class Number, class Run>
  void margins(const forest_model& model, matrix_view<Number> x, std::span<double> out, scratch& memory,
               Run run) const {
    const std::span<double> numbers = memory.get<double>((std::min)(rows_at_a_time, x.rows) * trees_at_a_time);
    for (std::size_t begin = 0; begin < x.rows; begin += rows_at_a_time) {
      const auto some = x.middle_rows(begin, (std::min)(rows_at_a_time, x.rows - begin));
      const auto value_of = [&](std::size_t row) {
        return [&, row](std::size_t f) { return read_input(model, static_cast<double>(some(row, f))); };
      };
      const auto margins_of = [&](std::size_t row) {
        return out.subspan((begin + row) * model.outputs, model.outputs);
      };
      for (std::size_t row = 0; row < some.rows; ++row) start_margins(model, value_of(row), margins_of(row));
      const tree* first = model.trees.data();
      for (const compiled_forest& part : parts) {
        run(part, some, numbers.data(), memory.inner());
        for (std::size_t row = 0; row < some.rows; ++row) {
          const std::span<double> sums = margins_of(row);
          for (std::size_t k = 0; k < part.outputs; ++k) {
            const tree& t = first[k];
            const auto leaf = static_cast<std::size_t>(numbers[row * part.outputs + k]);
            const double gives = t.linear.empty() ? t.leaves[leaf] : linear_value(t, leaf, value_of(row));
            sums[t.output] = add(model.sum, sums[t.output], gives);
          }
        }
        first += part.outputs;
      }
    }
  }

 private:
  /// `count` trees from `first` on, each with an output of its own and its leaves' numbers as their values.
  static forest_model numbered(const forest_model& model, std::size_t first, std::size_t count) {
    forest_model part;
    part.features = model.features;
    part.outputs = count;
    part.input = model.input;
    part.compare = model.compare;
    part.codes = model.codes;
    part.tiny_is_zero = model.tiny_is_zero;
    part.base.assign(count, 0.0);
    for (std::size_t k = 0; k < count; ++k) {
      tree& t = part.trees.emplace_back(model.trees[first + k]);
      t.linear.clear();
      t.output = static_cast<std::uint32_t>(k);
      for (std::size_t leaf = 0; leaf < t.leaves.size(); ++leaf) t.leaves[leaf] = static_cast<double>(leaf);
    }
    return part;
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
