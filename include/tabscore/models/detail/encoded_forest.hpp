// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../outputs/check_outputs.hpp"
#include "../encoded_forest.hpp"

namespace tabscore::inline TABSCORE_ABI {

template <class Use>
void encoded_forest::each_run(const feature_block& x, scratch& memory, Use&& use) const {
  if (trees_.model().input == precision::float32) {
    each_run_of<float>(x, memory, use);
  } else {
    each_run_of<double>(x, memory, use);
  }
}

template <class Number, class Use>
void encoded_forest::each_run_of(const feature_block& x, scratch& memory, Use& use) const {
  constexpr std::size_t run = 256;
  const std::size_t columns = encoder_.width();
  const std::span<Number> encoded = memory.get<Number>((std::min)(run, x.rows) * columns);
  for (std::size_t first = 0; first < x.rows; first += run) {
    const std::size_t rows = (std::min)(run, x.rows - first);
    encoder_.encode(x, first, rows, encoded.data());
    use(row_major(encoded.data(), rows, columns), first, memory.inner());
  }
}

template <class Use>
void encoded_forest::each_output(const feature_block& x, scratch& memory, Use&& use) const {
  each_run(x, memory, [&](const auto& encoded, std::size_t first, scratch& more) {
    const std::span<double> outputs = more.get<double>(encoded.rows * trees_.outputs());
    trees_.margins(encoded, outputs, more.inner());
    use(outputs, first);
  });
}

TABSCORE_INLINE const error* encoded_forest::explain_error() const noexcept {
  return explainer_ ? nullptr : &explainer_.error();
}

TABSCORE_INLINE result<encoded_forest> encoded_forest::make(feature_names names, tabscore::encoder encoder,
                                                            forest trees, double threshold, std::string_view source) {
  return make(std::move(names), std::move(encoder), std::move(trees), model_outputs(), threshold, source);
}

TABSCORE_INLINE result<encoded_forest> encoded_forest::make(feature_names names, tabscore::encoder encoder,
                                                            forest trees, model_outputs predicted, double threshold,
                                                            std::string_view source,
                                                            std::optional<double> positive_above) {
  const auto mismatch = [&](std::string sentence) {
    return error{errc::mismatch, fmt::format("{}: {}", source, sentence)};
  };
  if (auto e = encoder.wrong(names.numeric.size(), names.text.size())) return mismatch(std::move(e->message));
  if (predicted.task == task::binary && !gives_probability(trees.model())) {
    return mismatch("expected trees of two classes: a logistic link, or shares of both");
  }
  if (auto e = check_outputs(predicted)) return mismatch(std::move(e->message));
  if (auto e = wrong_threshold(threshold, predicted.task)) return mismatch(std::move(e->message));
  if (trees.features() != encoder.width()) {
    return mismatch(
        fmt::format("the trees read {} columns, the features are encoded in {}", trees.features(), encoder.width()));
  }
  const bool two = trees.model().output_link.form == link::function::two_classes;
  if (predicted.task != task::binary && (two || predicted.columns != trees.outputs())) {
    return mismatch(fmt::format("the trees give {} numbers a row, a model of the task {} should give {}",
                                trees.predictions(), name(predicted.task), predicted.columns));
  }
  return encoded_forest(std::move(names), std::move(encoder), std::move(trees), std::move(predicted), threshold,
                        positive_above);
}

TABSCORE_INLINE bool encoded_forest::gives_probability(const forest_model& model) noexcept {
  using form = link::function;
  const form f = model.output_link.form;
  const bool binary = !model.predicts || model.predicts->task == task::binary;
  if (model.outputs == 2) return binary && f == form::identity;
  return model.outputs == 1 && (f == form::logistic || f == form::two_classes || (binary && f == form::positive)) &&
         (!model.predicts || model.predicts->task != task::multiclass);
}

TABSCORE_INLINE model_outputs encoded_forest::described(const forest_model& model) {
  if (model.predicts) return *model.predicts;
  model_outputs out;
  if (gives_probability(model)) return out;
  using form = link::function;
  const form f = model.output_link.form;
  const bool classes = f == form::softmax || f == form::most_likely || f == form::one_against_rest;
  out.task = classes ? task::multiclass : task::regression;
  out.columns = model.outputs;
  for (std::size_t k = 0; classes && k < model.outputs; ++k) out.classes.push_back(std::to_string(k));
  if (classes) out.classes_are = class_kind::number;
  return out;
}

TABSCORE_INLINE void encoded_forest::score(const feature_block& x, scratch& memory, std::span<double> out) const {
  if (outputs_.task == task::binary) return score_two_classes(x, memory, out);
  const std::size_t n = outputs_.columns;
  each_output(x, memory, [&](std::span<double> margins, std::size_t first) {
    const std::size_t step = link_.elementwise() ? margins.size() : n;
    for (std::size_t at = 0; at < margins.size(); at += step) {
      link_.apply(margins.subspan(at, step), out.subspan(first * n + at, step));
    }
  });
  refuse_categories(x, n, out);
}

TABSCORE_INLINE std::size_t encoded_forest::decide_tie(const feature_block& x, std::size_t row, std::size_t first,
                                                       scratch& memory) const {
  const bool two = outputs_.task == task::binary;
  if (two ? !positive_above_ : !trees_.model().class_by_margins) return first;
  std::vector<double> margin(trees_.outputs());
  std::vector<const std::string_view*> text;
  for (const std::string_view* column : x.text) text.push_back(column + row);
  each_output({1, x.width, x.numeric + row, x.stride, text}, memory, [&](std::span<double> margins, std::size_t) {
    std::copy(margins.begin(), margins.end(), margin.begin());
  });
  if (two && margin.size() == 2) {  // shares
    trees_.model().output_link.apply(margin, margin);
    return margin[1] - margin[0] > *positive_above_ ? 1 : 0;
  }
  if (two) return margin[0] > *positive_above_ ? 1 : 0;
  return static_cast<std::size_t>(std::max_element(margin.begin(), margin.end()) - margin.begin());
}

TABSCORE_INLINE void encoded_forest::margins(const feature_block& x, scratch& memory, std::span<double> margin) const {
  if (outputs_.task == task::binary && trees_.outputs() == 2) return score(x, memory, margin);
  const double divisor = trees_.model().output_link.form == link::function::identity ? link_.divisor : 1;
  each_output(x, memory, [&](std::span<double> outputs, std::size_t first) {
    for (std::size_t i = 0; i < outputs.size(); ++i) margin[first * margin_columns() + i] = outputs[i] / divisor;
  });
}

TABSCORE_INLINE feature_fault encoded_forest::find_fault(const feature_block& x, std::size_t row, scratch&) const {
  if (encoder_.refuses_unseen) {
    if (const auto unseen = encoder_.unseen(x, row)) return {*unseen, fault::unlisted};
  }
  if (encoder_.lookups) {
    if (const auto refused = encoder_.lookups->refused(x, row)) return {refused->first, refused->second};
  }
  for (std::size_t j = 0; trees_.model().accepts != input_rule::any && j < x.width; ++j) {
    const double value = encoder_.prepared(j, x.column(j)[row]);
    if (std::isinf(value)) return {j, fault::not_finite};
    if (std::isnan(value) && !takes_missing(j)) return {j, fault::model_needs};
  }
  return {};
}

TABSCORE_INLINE bool encoded_forest::takes_missing(std::size_t i) const {
  return i >= names_.numeric.size() || trees_.model().accepts != input_rule::finite ||
         !std::isnan(encoder_.prepared(i, std::numeric_limits<double>::quiet_NaN()));
}

TABSCORE_INLINE void encoded_forest::contributions(const feature_block& x, scratch& memory,
                                                   std::span<double> out) const {
  const std::size_t given = outputs_.columns;
  TABSCORE_ASSERT(explainer_.has_value() && out.size() >= x.rows * given * (names_.size() + 1),
                  "room and an explainer");
  const std::size_t skipped = trees_.outputs() - given;  // of shares of both classes the first
  each_run(x, memory, [&](const auto& encoded, std::size_t first, scratch& more) {
    const std::size_t columns = field_of_.size();
    const std::span<double> raw = more.get<double>(encoded.rows * explainer_->width());
    explainer_->explain(encoded, raw, more.inner());
    for (std::size_t i = 0; i < encoded.rows; ++i) {
      for (std::size_t o = 0; o < given; ++o) {
        const std::span<double> to = out.subspan(((first + i) * given + o) * (names_.size() + 1), names_.size() + 1);
        const std::span<double> parts = raw.subspan(i * explainer_->width() + (o + skipped) * columns, columns);
        for (const shared_column& c : shared_) {
          const double share = std::exchange(parts[c.column], 0.0) / static_cast<double>(c.among.size());
          for (const std::uint32_t column : c.among) parts[column] += share;
        }
        fold_contributions(parts, field_of_, to);
        if (averages()) {
          for (double& part : to) part /= link_.divisor;
        }
      }
    }
  });
}

TABSCORE_INLINE encoded_forest::encoded_forest(feature_names names, tabscore::encoder encoder, forest trees,
                                               model_outputs predicted, double threshold,
                                               std::optional<double> positive_above)
    : names_(std::move(names)),
      encoder_(std::move(encoder)),
      trees_(std::move(trees)),
      outputs_(std::move(predicted)),
      link_(trees_.model().output_link),
      threshold_(threshold),
      positive_above_(positive_above),
      explainer_(explainer::build(trees_, find_fields())) {
  // XGBClassifier's predict_proba: where the booster gives the class only, the softmax of its margins.
  if (link_.form == link::function::most_likely) link_.form = link::function::softmax;
  const bool in_order = link_.form != link::function::ascending && link_.form != link::function::steps;
  if (outputs_.columns > 1 && !in_order) {
    explainer_ = error{errc::unsupported, std::string(detail::ordered_outputs)};
  }
}

TABSCORE_INLINE std::vector<std::uint32_t> encoded_forest::find_fields() {
  field_of_.assign(encoder_.width() + 1, static_cast<std::uint32_t>(names_.size()));  // the last: the base value
  std::size_t next = 0;
  for (std::size_t field = 0; field < names_.size(); ++field) {
    const bool number = field < names_.numeric.size();
    const std::size_t first = encoder_.place.empty() ? next : encoder_.place[field];
    const std::size_t columns = number ? 1 : encoder_.text_width(field - names_.numeric.size());
    std::fill_n(field_of_.begin() + static_cast<std::ptrdiff_t>(first), columns, static_cast<std::uint32_t>(field));
    next += columns;
  }
  if (!encoder_.lookups) return {};
  std::vector<std::uint32_t> first_of(encoder_.width());
  for (std::size_t c = 0; c < first_of.size(); ++c) first_of[c] = static_cast<std::uint32_t>(c);
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  const std::size_t numbers = names_.numeric.size();
  std::vector<std::uint32_t> column_of(names_.size());  // one of each field
  for (std::size_t j = 0; j < numbers; ++j) column_of[j] = static_cast<std::uint32_t>(j);
  for (const category_lookups::source& s : encoder_.lookups->sources) {
    field_of_[next] = static_cast<std::uint32_t>(s.number ? s.field : numbers + s.field);
    if (!s.number) column_of[numbers + s.field] = static_cast<std::uint32_t>(next);
    ++next;
  }
  for (const category_lookups::table& t : encoder_.lookups->tables) {
    const std::vector<std::uint32_t> fields = encoder_.lookups->fields_of(t, numbers);
    const auto [at, fresh] = known.emplace(fields, static_cast<std::uint32_t>(next));
    if (fresh && fields.size() > 1) {
      shared_.push_back({next, {}});
      for (const std::uint32_t field : fields) shared_.back().among.push_back(column_of[field]);
    }
    for (std::uint32_t c = 0; c < t.columns; ++c, ++next) {
      first_of[next] = at->second;
      field_of_[next] = fields.front();
    }
  }
  return first_of;
}

TABSCORE_INLINE void encoded_forest::score_two_classes(const feature_block& x, scratch& memory,
                                                       std::span<double> probability) const {
  each_output(x, memory, [&](std::span<double> outputs, std::size_t first) {
    const link& last = trees_.model().output_link;
    const std::size_t n = trees_.outputs();
    std::array<double, 2> of_classes{};
    for (std::size_t at = 0; at < outputs.size(); at += n) {
      const auto row = std::span(of_classes).first(last.width(n));
      last.apply(outputs.subspan(at, n), row);
      probability[first + at / n] = row.back();
    }
  });
  refuse_categories(x, 1, probability);
}

TABSCORE_INLINE void encoded_forest::refuse_categories(const feature_block& x, std::size_t columns,
                                                       std::span<double> out) const {
  for (std::size_t row = 0; (encoder_.refuses_unseen || encoder_.lookups) && row < x.rows; ++row) {
    const bool refused =
        (encoder_.refuses_unseen && encoder_.unseen(x, row)) || (encoder_.lookups && encoder_.lookups->refused(x, row));
    if (!refused) continue;
    for (double& value : out.subspan(row * columns, columns)) value = std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
