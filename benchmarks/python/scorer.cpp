// SPDX-License-Identifier: MIT
// A library for additive.py: predictions of any model, from numbers.
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tabscore/models/load_model.hpp"

namespace {
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
