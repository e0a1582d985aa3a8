// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../core/scratch.hpp"
#include "../forest.hpp"
#include "../kernel.hpp"
#include "../matrix_view.hpp"
#include "../tree.hpp"
#include "check_model.hpp"
#include "kernels.hpp"
#include "walk.hpp"

namespace tabscore {

struct forest::state {
  forest_model model;
  detail::compiled_forest compiled;
};

TABSCORE_INLINE const forest_model& forest::model() const noexcept { return state_->model; }
TABSCORE_INLINE kernel forest::used_kernel() const noexcept { return state_->compiled.used; }

TABSCORE_INLINE result<forest> forest::build(forest_model model, std::string_view source, kernel wanted) {
  if (const auto wrong = detail::check_model(model)) {
    return error{wrong->code, fmt::format("{}: {}", source, wrong->message)};
  }
  if (!available(wanted)) {
    return error{errc::unsupported, fmt::format("{}: this CPU cannot run the {} kernel", source, name(wanted))};
  }
  auto compiled = detail::compiled_forest::make(model, wanted);
  return forest(std::make_shared<const state>(state{std::move(model), std::move(compiled)}));
}

template <class Number>
void forest::margins(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
  TABSCORE_ASSERT(x.columns == features() && out.size() == x.rows * outputs(), "shapes of forest::margins");
  switch (used_kernel()) {
#if defined(__GNUC__)
    case kernel::portable:
      detail::portable::margins(state_->compiled, x, out.data(), memory);
      break;
#if defined(__x86_64__)
    case kernel::avx2:
      detail::avx2::margins(state_->compiled, x, out.data(), memory);
      break;
    case kernel::avx512:
      detail::avx512::margins(state_->compiled, x, out.data(), memory);
      break;
#endif
#endif
    default:
      for (std::size_t row = 0; row < x.rows; ++row) {
        detail::walk_row(model(), x, row, out.subspan(row * outputs(), outputs()));
      }
  }
  detail::refuse_inputs(model(), x, out);
}

#if defined(TABSCORE_COMPILED)
template void forest::margins(matrix_view<float>, std::span<double>, scratch&) const;
template void forest::margins(matrix_view<double>, std::span<double>, scratch&) const;
#endif

}  // namespace tabscore
