// SPDX-License-Identifier: MIT
// A library for interleaved.py: trees with a kernel, raw values of float32 rows; and any model, predictions of numbers.
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tabscore/models/load_catboost.hpp"
#include "tabscore/models/load_model.hpp"

namespace {
struct loaded_trees {
  tabscore::forest trees;
  tabscore::scratch memory;
};
struct loaded_model {
  tabscore::any_scorer model;
  tabscore::scratch memory;
};

template <class T>
const T* value_of(const tabscore::result<T>& made) {
  if (!made) std::fprintf(stderr, "%s\n", made.error().message.c_str());
  return made ? &*made : nullptr;
}
}  // namespace

extern "C" {

/// Null where the CPU has no such kernel; "best" is the best one.
void* load_trees(const char* path, const char* kernel_name) {
  using tabscore::kernel;
  const auto model = tabscore::load_catboost(path);
  if (value_of(model) == nullptr) return nullptr;
  for (const kernel k : {kernel::best, kernel::avx512, kernel::avx2, kernel::portable}) {
    const std::string_view name = k == kernel::best ? "best" : tabscore::name(k);
    if (name != kernel_name || (k != kernel::best && !tabscore::available(k))) continue;
    const auto trees = tabscore::forest::build(model->trees().model(), path, k);
    return value_of(trees) == nullptr ? nullptr : std::make_unique<loaded_trees>(loaded_trees{*trees, {}}).release();
  }
  return nullptr;
}
void free_trees(void* trees) { delete static_cast<loaded_trees*>(trees); }
void score_trees(void* of, const float* rows, std::size_t n, double* out) {
  auto& [trees, memory] = *static_cast<loaded_trees*>(of);
  trees.margins(tabscore::row_major(rows, n, trees.features()), std::span(out, n * trees.outputs()), memory);
}

void* load_model(const char* path) {
  auto model = tabscore::load_model(path);
  if (value_of(model) == nullptr) return nullptr;
  return std::make_unique<loaded_model>(loaded_model{*std::move(model), {}}).release();
}
/// Numeric features only, column after column.
void score_model(void* of, const double* columns, std::size_t n, double* out) {
  auto& [model, memory] = *static_cast<loaded_model*>(of);
  const std::size_t width = model.features().numeric.size();
  model.score({n, width, columns, n, {}}, memory, std::span(out, n * tabscore::outputs_of(model).columns));
}
}
