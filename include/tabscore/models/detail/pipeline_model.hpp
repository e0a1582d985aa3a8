// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "../contributions.hpp"
#include "../pipeline_model.hpp"
#include "../verify.hpp"
#include "column_program.hpp"
#include "program_faults.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// How contributions come about: the model that makes the margin, and which feature each of its inputs is made of.
struct pipeline_model::explanation {
  const detail::linear_model* linear = nullptr;
  const detail::tree_model* trees = nullptr;
  std::size_t output = 0;
  std::optional<explainer> explain;
  std::vector<std::uint32_t> feature_of;  ///< per input, then of the base value

  static result<std::shared_ptr<const explanation>> make(const detail::column_program& p) {
    const auto no = [](const char* why) { return error{errc::unsupported, why}; };
    if (!p.margin || *p.margin < p.features())
      return no("contributions are parts of a margin, and this model has none");
    const auto above = std::upper_bound(p.steps.begin(), p.steps.end(), *p.margin,
                                        [](detail::column_id c, const auto& step) { return c < step.first; });
    const detail::program_step& last = *std::prev(above);
    auto how = std::make_shared<explanation>();
    how->output = *p.margin - last.first;
    how->linear = std::get_if<detail::linear_model>(&last.op);
    how->trees = std::get_if<detail::tree_model>(&last.op);
    if (how->linear == nullptr && (how->trees == nullptr || how->trees->predictions)) {
      return no("contributions are of one linear model or one set of trees, and this margin is computed from others");
    }
    for (const detail::column_id c : how->linear != nullptr ? how->linear->in : how->trees->in) {
      if (p.origin[c] == detail::column_program::several) {
        return no("the model reads a column that is made of several features, which share its contribution");
      }
      how->feature_of.push_back(p.origin[c] < 0 ? static_cast<std::uint32_t>(p.features())
                                                : static_cast<std::uint32_t>(p.origin[c]));
    }
    how->feature_of.push_back(static_cast<std::uint32_t>(p.features()));
    if (how->trees != nullptr) {
      auto built = explainer::build(how->trees->trees);
      if (!built) return built.error();
      how->explain = *std::move(built);
    }
    return std::shared_ptr<const explanation>(std::move(how));
  }

  template <class Number>
  void explain_trees(const detail::column_run& r, std::size_t features, double* out) const {
    const std::size_t n = trees->in.size();
    const std::span<Number> rows = r.memory.get<Number>(r.rows * n);
    trees->gather(r, rows.data());
    const std::span<double> raw = r.memory.inner().get<double>(r.rows * explain->width());
    explain->explain(row_major(static_cast<const Number*>(rows.data()), r.rows, n), raw, r.memory.inner().inner());
    for (std::size_t i = 0; i < r.rows; ++i) {
      fold_contributions(raw.subspan(i * explain->width() + output * (n + 1), n + 1), feature_of,
                         std::span(out + i * (features + 1), features + 1));
    }
  }
  void explain_linear(const detail::column_run& r, std::size_t features, double* out) const {
    for (std::size_t i = 0; i < r.rows; ++i, out += features + 1) {
      std::fill_n(out, features + 1, 0.0);
      for (std::size_t k = 0; k < linear->in.size(); ++k) {
        out[feature_of[k]] += exact::product(r.column[linear->in[k]][i], linear->coefficients[output][k]);
      }
      out[features] += linear->intercept[output];
    }
  }
};

TABSCORE_INLINE pipeline_model::pipeline_model(const model_file& file)
    : names_(file.features),
      threshold_(file.threshold),
      program_(std::get<std::shared_ptr<const detail::column_program>>(file.model)),
      explained_(explanation::make(*program_)) {}

TABSCORE_INLINE void pipeline_model::score(const feature_block& x, scratch& memory,
                                           std::span<double> probability) const {
  TABSCORE_ASSERT(x.width == names_.numeric.size() && x.text.size() == names_.text.size(),
                  "the block has other features than the model");
  program_->values(x, memory, program_->probability, probability);
}

TABSCORE_INLINE bool pipeline_model::has_margin() const noexcept { return program_->margin.has_value(); }

TABSCORE_INLINE void pipeline_model::margins(const feature_block& x, scratch& memory, std::span<double> margin) const {
  if (program_->margin) return program_->values(x, memory, *program_->margin, margin);
  std::fill_n(margin.begin(), x.rows, std::numeric_limits<double>::quiet_NaN());
}

TABSCORE_INLINE feature_fault pipeline_model::find_fault(const feature_block& x, std::size_t row,
                                                         scratch& memory) const {
  std::vector<const std::string_view*> text;
  for (const std::string_view* column : x.text) text.push_back(column + row);
  feature_block one{1, x.width, x.numeric + row, x.stride, text};
  return detail::find_fault(*program_, one, memory);
}

TABSCORE_INLINE bool pipeline_model::takes_missing(std::size_t i) const { return detail::takes_missing(*program_, i); }

TABSCORE_INLINE void pipeline_model::contributions(const feature_block& x, scratch& memory,
                                                   std::span<double> out) const {
  TABSCORE_ASSERT(explained_ && out.size() >= x.rows * (names_.size() + 1), "room and an explanation");
  const explanation& how = **explained_;
  program_->each_run(x, memory, [&](const detail::column_run& r) {
    double* const to = out.data() + r.first * (names_.size() + 1);
    if (how.linear != nullptr) return how.explain_linear(r, names_.size(), to);
    if (how.trees->trees.model().input == precision::float32) return how.explain_trees<float>(r, names_.size(), to);
    how.explain_trees<double>(r, names_.size(), to);
  });
}

TABSCORE_INLINE double pipeline_model::margin_bound(const feature_block& x, std::size_t row) const {
  return program_->margin_bound(x, row);
}
TABSCORE_INLINE double pipeline_model::probability_bound() const noexcept { return program_->bound; }

TABSCORE_INLINE result<pipeline_model> make_pipeline_model(const model_file& file) {
  if (!std::holds_alternative<std::shared_ptr<const detail::column_program>>(file.model)) {
    return error{errc::mismatch, file.path + ": kind: expected \"pipeline\", found \"" + file.kind + "\""};
  }
  pipeline_model model(file);
  if (auto e = verify(model, file.checks, file.path)) return *std::move(e);
  return model;
}

}  // namespace tabscore::inline TABSCORE_ABI
