// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "../../outputs/task.hpp"
#include "../contributions.hpp"
#include "../pipeline_model.hpp"
#include "../verify.hpp"
#include "program/column_program.hpp"
#include "program/program_faults.hpp"
#include "training_mean.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// How contributions come about: the model that makes the margins, and which feature each of its inputs is made of.
struct pipeline_model::explanation {
  const detail::linear_model* linear = nullptr;
  const detail::additive_model* additive = nullptr;
  const detail::tree_model* trees = nullptr;
  std::vector<std::size_t> output;  ///< of the model, per column that is explained
  double divisor = 1;               ///< of trees that average
  std::optional<explainer> explain;
  std::vector<std::uint32_t> feature_of;  ///< per input, then of the base value

  static result<std::shared_ptr<const explanation>> make(const detail::column_program& p, const model_outputs& given) {
    const auto no = [](const char* why) { return error{errc::unsupported, why}; };
    const bool sums = given.task != task::binary && given.task != task::multiclass;
    const bool of_margins = !p.margins.empty();
    const detail::column_list& columns = of_margins ? p.margins : p.outputs;
    const detail::program_step* const last = p.maker(columns.front());
    auto how = std::make_shared<explanation>();
    if (last != nullptr) how->trees = std::get_if<detail::tree_model>(&last->op);
    if (last != nullptr && (sums || of_margins)) {
      how->linear = std::get_if<detail::linear_model>(&last->op);
      how->additive = std::get_if<detail::additive_model>(&last->op);
    }
    if (how->linear == nullptr && how->additive == nullptr && how->trees == nullptr) {
      return no(
          of_margins || sums
              ? "contributions are of one linear or additive model or one set of trees, and this margin is computed "
                "from others"
              : "contributions are parts of a margin, and this model has none");
    }
    for (const detail::column_id c : columns) {
      if (p.maker(c) != last) return no("contributions are of one model, and the outputs are of several");
      how->output.push_back(c - last->first);
    }
    if (how->trees != nullptr) {
      if (auto wrong = how->set_trees()) return *std::move(wrong);
    }
    for (const detail::column_id c : how->linear != nullptr     ? how->linear->in
                                     : how->additive != nullptr ? how->additive->in
                                                                : how->trees->in) {
      if (p.origin[c] == detail::column_program::several) {
        return no("the model reads a column that is made of several features, which share its contribution");
      }
      how->feature_of.push_back(p.origin[c] < 0 ? static_cast<std::uint32_t>(p.features())
                                                : static_cast<std::uint32_t>(p.origin[c]));
    }
    how->feature_of.push_back(static_cast<std::uint32_t>(p.features()));
    return std::shared_ptr<const explanation>(std::move(how));
  }

  void run(const detail::column_run& r, std::size_t features, double* out) const {
    if (linear != nullptr) return explain_linear(r, features, out);
    if (additive != nullptr) return explain_additive(r, features, out);
    if (trees->trees.model().input == precision::float32) return explain_trees<float>(r, features, out);
    explain_trees<double>(r, features, out);
  }

  void find_bin_reasons(const detail::column_run& r, std::size_t features, std::uint16_t* out) const {
    additive->each_term(r, [&](const detail::additive_model::term& t, const std::uint32_t* cell) {
      if (t.reasons.empty() || feature_of[t.axes.front()] == features) return;
      for (std::size_t i = 0; i < r.rows; ++i) {
        const std::uint16_t found = t.reasons[cell[i]];
        if (found != record_reasons::none) out[i * features + feature_of[t.axes.front()]] = found;
      }
    });
  }

 private:
  /// Predictions are explained by the margins that they are made of.
  std::optional<error> set_trees() {
    const auto no = [](const char* why) { return error{errc::unsupported, why}; };
    const link& last = trees->trees.model().output_link;
    using form = link::function;
    if (trees->predictions && output.size() > 1 && (last.form == form::ascending || last.form == form::steps)) {
      return error{errc::unsupported, std::string(detail::ordered_outputs)};
    }
    if (trees->predictions && last.form == form::two_classes) {
      if (output != std::vector<std::size_t>{1}) return no("contributions are of the second class");
      output = {0};
    }
    if (trees->predictions && last.form == form::most_likely) return no("the trees give a class, not margins");
    if (trees->predictions && last.form == form::identity) divisor = last.divisor;
    auto built = explainer::build(trees->trees);
    if (!built) return built.error();
    explain = *std::move(built);
    return std::nullopt;
  }

  template <class Number>
  void explain_trees(const detail::column_run& r, std::size_t features, double* out) const {
    const std::size_t n = trees->in.size();
    const std::span<Number> rows = r.memory.get<Number>(r.rows * n);
    trees->gather(r, rows.data());
    const std::span<double> raw = r.memory.inner().get<double>(r.rows * explain->width());
    explain->explain(row_major(static_cast<const Number*>(rows.data()), r.rows, n), raw, r.memory.inner().inner());
    for (std::size_t i = 0; i < r.rows; ++i) {
      for (const std::size_t o : output) {
        const std::span<double> to(out, features + 1);
        fold_contributions(raw.subspan(i * explain->width() + o * (n + 1), n + 1), feature_of, to);
        for (double& part : to) part /= divisor;
        out += features + 1;
      }
    }
  }
  void explain_linear(const detail::column_run& r, std::size_t features, double* out) const {
    for (std::size_t i = 0; i < r.rows; ++i) {
      for (const std::size_t o : output) {
        std::fill_n(out, features + 1, 0.0);
        for (std::size_t k = 0; k < linear->in.size(); ++k) {
          out[feature_of[k]] += exact::product(r.column[linear->in[k]][i], linear->coefficients[o][k]);
        }
        out[features] += linear->intercept[o];
        out += features + 1;
      }
    }
  }
  /// The number of a term of several features is theirs in equal shares.
  void explain_additive(const detail::column_run& r, std::size_t features, double* out) const {
    const std::size_t numbers = output.size() * (features + 1);
    std::fill_n(out, r.rows * numbers, 0.0);
    for (std::size_t k = 0; k < output.size(); ++k) {
      for (std::size_t i = 0; i < r.rows; ++i) {
        out[i * numbers + k * (features + 1) + features] = additive->intercept[output[k]];
      }
    }
    additive->each_term(r, [&](const detail::additive_model::term& t, const std::uint32_t* cell) {
      const double share = 1.0 / static_cast<double>((std::max)(t.axes.size(), std::size_t{1}));
      for (std::size_t k = 0; k < output.size(); ++k) {
        for (std::size_t i = 0; i < r.rows; ++i) {
          const double value = t.values[output[k]][cell[i]];
          double* const to = out + i * numbers + k * (features + 1);
          if (t.axes.empty()) to[features] += value;
          for (const std::uint32_t axis : t.axes) to[feature_of[axis]] += value * share;
        }
      }
    });
  }
};

TABSCORE_INLINE const error* pipeline_model::explain_error() const noexcept {
  return explained_ ? nullptr : &explained_.error();
}

TABSCORE_INLINE pipeline_model::pipeline_model(const model_file& file)
    : names_(file.features),
      outputs_(file.outputs),
      threshold_(file.threshold),
      program_(std::get<std::shared_ptr<const detail::column_program>>(file.model)),
      explained_(explanation::make(*program_, outputs_)) {
  if (explained_ && (*explained_)->linear != nullptr && file.baseline) {
    training_mean_ = detail::terms_at_training_mean(*this, *file.baseline, file.encoder, outputs_.columns);
  }
}

TABSCORE_INLINE void pipeline_model::score(const feature_block& x, scratch& memory, std::span<double> out) const {
  TABSCORE_ASSERT(x.width == names_.numeric.size() && x.text.size() == names_.text.size(),
                  "the block has other features than the model");
  program_->values(x, memory, program_->outputs, out);
}

TABSCORE_INLINE std::size_t pipeline_model::decide_tie(const feature_block& x, std::size_t row, std::size_t first,
                                                       scratch& memory) const {
  if (!program_->class_by_margins) return first;
  std::vector<const std::string_view*> text;
  for (const std::string_view* column : x.text) text.push_back(column + row);
  std::vector<double> margin(margin_columns());
  margins({1, x.width, x.numeric + row, x.stride, text}, memory, margin);
  const auto at = program_->last_of_equals ? std::max_element(margin.rbegin(), margin.rend()).base() - 1
                                           : std::max_element(margin.begin(), margin.end());
  return static_cast<std::size_t>(at - margin.begin());
}

TABSCORE_INLINE std::size_t pipeline_model::margin_columns() const noexcept { return program_->margins.size(); }

TABSCORE_INLINE void pipeline_model::margins(const feature_block& x, scratch& memory, std::span<double> margin) const {
  if (!program_->margins.empty()) program_->values(x, memory, program_->margins, margin);
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
  TABSCORE_ASSERT(explained_ && out.size() >= x.rows * outputs_.columns * (names_.size() + 1),
                  "room and an explanation");
  const explanation& how = **explained_;
  const std::size_t numbers = how.output.size() * (names_.size() + 1);
  program_->each_run(x, memory,
                     [&](const detail::column_run& r) { how.run(r, names_.size(), out.data() + r.first * numbers); });
  detail::centre(out.first(x.rows * numbers), training_mean_, names_.size());
}

TABSCORE_INLINE std::span<const reason> pipeline_model::bin_reasons() const noexcept {
  if (!explained_ || (*explained_)->additive == nullptr) return {};
  return (*explained_)->additive->reasons;
}

TABSCORE_INLINE void pipeline_model::find_bin_reasons(const feature_block& x, scratch& memory,
                                                      std::span<std::uint16_t> out) const {
  const std::size_t features = names_.size();
  TABSCORE_ASSERT(out.size() >= x.rows * features, "room for a position a feature");
  std::fill(out.begin(), out.end(), record_reasons::none);
  if (bin_reasons().empty()) return;
  program_->each_run(x, memory, [&](const detail::column_run& r) {
    (*explained_)->find_bin_reasons(r, features, out.data() + r.first * features);
  });
}

TABSCORE_INLINE bool pipeline_model::explains_against_mean() const noexcept {
  return explained_ && ((*explained_)->trees != nullptr || !training_mean_.empty());
}

TABSCORE_INLINE double pipeline_model::margin_bound(const feature_block& x, std::size_t row, std::size_t column) const {
  return program_->column_bound(x, row, program_->margins[column]);
}
TABSCORE_INLINE double pipeline_model::output_bound(const feature_block& x, std::size_t row, std::size_t column) const {
  const bool chances = outputs_.task == task::binary || (outputs_.task == task::multiclass && outputs_.probabilities);
  const detail::column_id output = program_->outputs[column];
  return chances ? program_->chance_bound(x, row, output) : program_->column_bound(x, row, output);
}

TABSCORE_INLINE result<pipeline_model> make_pipeline_model(const model_file& file) {
  if (!std::holds_alternative<std::shared_ptr<const detail::column_program>>(file.model)) {
    return error{errc::mismatch, file.path + ": kind: expected \"pipeline\", found \"" + file.kind + "\""};
  }
  pipeline_model model(file);
  if (auto e = verify(model, file.checks, file.path)) return *std::move(e);
  return model;
}

}  // namespace tabscore::inline TABSCORE_ABI
