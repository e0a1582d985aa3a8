// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "detail/check_model.hpp"
#include "detail/walk.hpp"
#include "matrix_view.hpp"
#include "tree.hpp"

namespace tabscore {

/// A tree ensemble that gives its trainer's numbers bit for bit. Immutable: copies share it, any number of threads score
/// with it, each with a scratch of its own. A row's result depends on that row alone.
class forest {
 public:
  /// Checks the model; `source` names it in errors.
  static result<forest> build(forest_model model, std::string_view source = "model") {
    if (const auto wrong = detail::check_model(model)) {
      return error{wrong->code, fmt::format("{}: {}", source, wrong->message)};
    }
    return forest(std::make_shared<const forest_model>(std::move(model)));
  }

  const forest_model& model() const noexcept { return *model_; }
  std::size_t features() const noexcept { return model_->features; }
  std::size_t outputs() const noexcept { return model_->outputs; }
  std::size_t predictions() const noexcept { return model_->output_link.width(model_->outputs); }

  /// Margins before the link: `out` is x.rows x outputs(), row-major. x has features() columns.
  template <class Number>
  void margins(matrix_view<Number> x, std::span<double> out, scratch&) const {
    TABSCORE_ASSERT(x.columns == features() && out.size() == x.rows * outputs(), "shapes of forest::margins");
    for (std::size_t row = 0; row < x.rows; ++row) {
      detail::walk_row(*model_, x, row, out.subspan(row * outputs(), outputs()));
    }
  }

  /// What the trainer's predict returns: `out` is x.rows x predictions(), row-major.
  template <class Number>
  void predict(matrix_view<Number> x, std::span<double> out, scratch& memory) const {
    TABSCORE_ASSERT(x.columns == features() && out.size() == x.rows * predictions(), "shapes of forest::predict");
    std::vector<double> row_margins(outputs());
    for (std::size_t row = 0; row < x.rows; ++row) {
      detail::walk_row(*model_, x, row, std::span(row_margins));
      model_->output_link.apply(row_margins, out.subspan(row * predictions(), predictions()));
    }
    (void)memory;
  }

 private:
  explicit forest(std::shared_ptr<const forest_model> model) : model_(std::move(model)) {}

  std::shared_ptr<const forest_model> model_;
};

}  // namespace tabscore
