// SPDX-License-Identifier: MIT
// A library for catboost.py: raw values of float32 rows.
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <utility>

#include "tabscore/models/load_catboost.hpp"

namespace {
struct loaded {
  tabscore::forest trees;
  tabscore::scratch memory;
};
}  // namespace

extern "C" {

void* load_model(const char* path) {
  const auto model = tabscore::load_catboost(path);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    return nullptr;
  }
  return std::make_unique<loaded>(loaded{model->trees(), {}}).release();
}
void score_rows(void* model, const float* rows, std::size_t n, double* out) {
  auto& [trees, memory] = *static_cast<loaded*>(model);
  trees.margins(tabscore::row_major(rows, n, trees.features()), std::span(out, n * trees.outputs()), memory);
}
}
