// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "kernel.hpp"
#include "matrix_view.hpp"
#include "tree.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A tree ensemble with its trainer's numbers, bit for bit. Immutable: copies share it, any number of threads score
/// with it, each with its own scratch. A row's result depends on that row alone.
class forest {
 public:
  /// Checks the model and prepares it for a kernel, by default the best this CPU has; `source` names it in errors.
  /// Models that no fast kernel takes (a linear part, say) run as kernel::reference.
  static result<forest> build(forest_model model, std::string_view source = "model", kernel wanted = kernel::best);

  /// The ensemble that it was made of.
  const forest_model& model() const noexcept;
  /// Numeric columns of a row.
  std::size_t features() const noexcept { return model().features; }
  /// Margins of a row.
  std::size_t outputs() const noexcept { return model().outputs; }
  /// Numbers of a row's prediction.
  std::size_t predictions() const noexcept { return model().output_link.width(outputs()); }
  /// The kernel that the CPU and the trees allow.
  kernel used_kernel() const noexcept;

  /// Margins before the link: `out` is x.rows x outputs(), row-major. x has features() columns.
  template <class Number>
  void margins(matrix_view<Number> x, std::span<double> out, scratch& memory) const;

  /// The trainer's predict(): `out` is x.rows x predictions(), row-major.
  template <class Number>
  void predict(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
    TABSCORE_ASSERT(x.columns == features() && out.size() == x.rows * predictions(), "shapes of forest::predict");
    const std::size_t n = outputs();
    if (predictions() == n) {
      margins(x, out, memory);
      const link& output = model().output_link;
      const std::size_t step = output.elementwise() ? out.size() : n;
      for (std::size_t first = 0; first < out.size(); first += step) {
        output.apply(out.subspan(first, step), out.subspan(first, step));
      }
      return;
    }
    // Where the link changes the width, margins of a few rows at a time need a place of their own.
    std::vector<double> piece(std::min<std::size_t>(x.rows, 512) * n);
    for (std::size_t first = 0; first < x.rows; first += 512) {
      const std::size_t rows = std::min<std::size_t>(512, x.rows - first);
      const std::span<double> m = std::span(piece).first(rows * n);
      margins(x.middle_rows(first, rows), m, memory);
      for (std::size_t row = 0; row < rows; ++row) {
        model().output_link.apply(m.subspan(row * n, n), out.subspan((first + row) * predictions(), predictions()));
      }
    }
  }

 private:
  struct state;
  /// Behind margins(): with the model's own number for missing turned into NaN, and as they are.
  template <class Number>
  void margins_with_missing(matrix_view<Number> x, std::span<double> out, scratch& memory) const;
  template <class Number>
  void margins_of(matrix_view<Number> x, std::span<double> out, scratch& memory) const;

  explicit forest(std::shared_ptr<const state> s) : state_(std::move(s)) {}

  std::shared_ptr<const state> state_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/trees/forest.hpp"
#endif
