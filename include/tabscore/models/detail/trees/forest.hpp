// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"
#include "../../../core/result.hpp"
#include "../../../core/scratch.hpp"
#include "../../forest.hpp"
#include "../../kernel.hpp"
#include "../../matrix_view.hpp"
#include "../../tree.hpp"
#include "check_model.hpp"
#include "deep_plan.hpp"
#include "kernels.hpp"
#include "linear_leaves.hpp"
#include "walk.hpp"

namespace tabscore::inline TABSCORE_ABI {

struct forest::state {
  forest_model model;
  detail::compiled_forest compiled;
  detail::leaf_finder linear;  // instead, where leaves are linear
};

TABSCORE_INLINE const forest_model& forest::model() const noexcept { return state_->model; }
TABSCORE_INLINE kernel forest::used_kernel() const noexcept {
  return state_->linear.parts.empty() ? state_->compiled.used : state_->linear.parts.front().used;
}

TABSCORE_INLINE result<forest> forest::build(forest_model model, std::string_view source, kernel wanted) {
  if (const auto wrong = detail::check_model(model)) {
    return error{wrong->code, fmt::format("{}: {}", source, wrong->message)};
  }
  if (!available(wanted)) {
    return error{errc::unsupported, fmt::format("{}: this CPU cannot run the {} kernel", source, name(wanted))};
  }
  state made;
  made.linear = detail::leaf_finder::make(model, wanted);
  made.compiled = detail::compiled_forest::make(model, wanted);
  made.model = std::move(model);
  return forest(std::make_shared<const state>(std::move(made)));
}

namespace detail {

/// What the kernel of a compiled forest gives; not for kernel::reference.
template <class Number>
void run_kernel(const compiled_forest& f, matrix_view<Number> x, double* out, scratch& memory) {
  if (!f.deep.nodes.empty()) {
    const bool single = f.sum == precision::float32;
    return single ? deep_margins<float>(f.deep, f.base, f.leaf_width, x, out, memory)
                  : deep_margins<double>(f.deep, f.base, f.leaf_width, x, out, memory);
  }
  switch (f.used) {
#if defined(__GNUC__)
    case kernel::portable:
      return portable::margins(f, x, out, memory);
#if defined(__x86_64__)
    case kernel::avx2:
      return avx2::margins(f, x, out, memory);
    case kernel::avx512:
      return avx512::margins(f, x, out, memory);
#endif
#endif
    default:
      break;
  }
}

}  // namespace detail

template <class Number>
void forest::margins(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
  TABSCORE_ASSERT(x.columns == features() && out.size() == x.rows * outputs(), "shapes of forest::margins");
  if (model().missing && used_kernel() != kernel::reference) return margins_with_missing(x, out, memory);
  margins_of(x, out, memory);
}

template <class Number>
void forest::margins_with_missing(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
  constexpr std::size_t run = 256;
  const std::span<Number> copy = memory.get<Number>((std::min)(run, x.rows) * x.columns);
  for (std::size_t first = 0; first < x.rows; first += run) {
    const std::size_t rows = (std::min)(run, x.rows - first);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t c = 0; c < x.columns; ++c) {
        copy[row * x.columns + c] =
            static_cast<Number>(detail::read_input(model(), static_cast<double>(x(first + row, c))));
      }
    }
    margins_of(row_major(copy.data(), rows, x.columns), out.subspan(first * outputs(), rows * outputs()),
               memory.inner());
  }
}

template <class Number>
void forest::margins_of(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
  if (!state_->linear.parts.empty()) {
    state_->linear.margins(model(), x, out, memory, detail::run_kernel<Number>);
  } else if (used_kernel() != kernel::reference) {
    detail::run_kernel(state_->compiled, x, out.data(), memory);
  } else {
    for (std::size_t row = 0; row < x.rows; ++row) {
      detail::walk_row(model(), x, row, out.subspan(row * outputs(), outputs()));
    }
  }
  detail::refuse_inputs(model(), x, out);
  const forest_model& m = model();
  for (std::size_t i = 0; !m.offset.empty() && i < out.size(); ++i) {
    out[i] = exact::product(m.scale, out[i]) + m.offset[i % m.outputs];
  }
}

#if defined(TABSCORE_COMPILED)
template void forest::margins(matrix_view<float>, std::span<double>, scratch&) const;
template void forest::margins(matrix_view<double>, std::span<double>, scratch&) const;
#endif

}  // namespace tabscore::inline TABSCORE_ABI
