// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../core/scratch.hpp"
#include "../../features/feature_block.hpp"
#include "../../models/raw_checks.hpp"
#include "../../models/scorer.hpp"
#include "../../outputs/prediction.hpp"
#include "../../outputs/task.hpp"
#include "../../schema/columns.hpp"
#include "../../schema/field_table.hpp"
#include "../score_buffers.hpp"
#include "../score_outcome.hpp"
#include "block_features.hpp"
#include "match_features.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A model with the features that it is given: the numbers, labels and classes of valid records, block by block.
template <schema_type Schema, class Features, class Model, prediction_type Prediction>
class record_model {
 public:
  using features_of_blocks = block_features<Schema, Features>;
  static constexpr std::size_t width = Features::template width<Schema>;
  static constexpr std::size_t block_rows = features_of_blocks::block_rows;
  static constexpr bool has_label = has_threshold(Prediction::task);
  static constexpr bool has_classes = Prediction::task == task::multiclass;

  /// Precondition: wrong_outputs() finds nothing, and match() will.
  record_model(Features f, Model m)
      : features_(std::move(f)),
        model_(std::move(m)),
        columns_(outputs_of(model_).columns),
        gives_probabilities_(Prediction::task == task::binary || (has_classes && outputs_of(model_).probabilities)) {}

  const Features& features() const noexcept { return features_; }
  const Model& model() const noexcept { return model_; }

  /// Compares the model's features with the pipeline's, by name and by raw rows; returns the difference, if any. Notes
  /// which fields its text features are.
  std::optional<error> match() {
    if (auto wrong = match_names()) return wrong;
    if (auto wrong = check_threshold()) return wrong;
    if (const std::shared_ptr<const raw_checks> raw = model_.features().raw) return replay<Schema>(*raw, features_);
    return std::nullopt;
  }

  /// Numbers a record.
  std::size_t values_a_record() const noexcept {
    if constexpr (Prediction::columns != 0) return Prediction::columns;
    return columns_;
  }

  /// The features of a batch's blocks.
  features_of_blocks features_of(std::size_t rows, score_buffers& buffers) const {
    return features_of_blocks(features_, std::span(text_fields_).first(text_features_), rows, buffers);
  }

  /// Numbers of a block, and the labels or classes of tasks that have some; false when the task does not allow one of
  /// the numbers.
  bool score(const feature_block& x, scratch& memory, std::span<double> values, std::span<std::uint8_t> label,
             std::span<std::uint32_t> class_at) const {
    model_.score(x, memory, values);
    if constexpr (has_label) {
      bool good = true;
      const double threshold = model_.threshold();
      const std::size_t rows = x.rows;  // a store to label may be one to x, as far as the compiler knows
      for (std::size_t i = 0; i < rows; ++i) {
        label[i] = Prediction::task == task::binary ? is_positive(model_, x, i, values[i], threshold, memory)
                                                    : values[i] < threshold;
        good &= Prediction::task == task::binary ? is_probability(values[i]) : is_finite(values[i]);
      }
      return good;
    } else {
      if (first_bad(values) != nullptr) return false;
      if constexpr (has_classes) {
        for (std::size_t i = 0; i < x.rows; ++i) {
          const std::span<const double> numbers = values.subspan(i * values_a_record(), values_a_record());
          class_at[i] = static_cast<std::uint32_t>(class_of_row(model_, x, i, numbers, memory));
        }
      }
      return true;
    }
  }

  /// The first record of a block without a prediction. Precondition: score() did not allow its numbers.
  [[gnu::noinline]] unscorable first_unscorable(const feature_block& x, std::span<const double> values,
                                                scratch& memory) const {
    const double* const bad = first_bad(values);
    const std::size_t row = static_cast<std::size_t>(bad - values.data()) / values_a_record();
    unscorable found = find_fault(x, row, *bad, memory);
    found.row = row;
    return found;
  }

  /// Calls f(unscorable) for each unscorable record, in their order.
  template <class F>
  void for_each_unscorable(const columns<Schema>& records, score_buffers& buffers, F&& f) const {
    const std::size_t columns = values_a_record();
    const std::span<double> all = buffers.values.template get<double>((std::min)(block_rows, records.rows()) * columns);
    for_each_block(records, buffers, [&](std::size_t begin, const feature_block& x) {
      const std::span<double> values = all.first(x.rows * columns);
      model_.score(x, buffers.model, values);
      for (std::size_t i = 0; i < x.rows; ++i) {
        const double* const bad = first_bad(values.subspan(i * columns, columns));
        if (bad == nullptr) continue;
        unscorable found = find_fault(x, i, *bad, buffers.model);
        found.row = begin + i;
        f(found);
      }
    });
  }

  /// What pipeline::explain() gives.
  std::span<const double> contributions(const columns<Schema>& records, score_buffers& buffers) const {
    const std::size_t numbers = values_a_record() * (model_.features().size() + 1);
    const std::span<double> out = buffers.contributions.template get<double>(records.rows() * numbers);
    for_each_block(records, buffers, [&](std::size_t begin, const feature_block& x) {
      model_.contributions(x, buffers.model, out.subspan(begin * numbers, x.rows * numbers));
    });
    return out;
  }

  /// The reasons of the records' bins, rows x features; empty without reasons of bins.
  std::span<const std::uint16_t> bin_reasons([[maybe_unused]] const columns<Schema>& records,
                                             [[maybe_unused]] score_buffers& buffers) const {
    if constexpr (gives_bin_reasons<Model>) {
      if (model_.bin_reasons().empty()) return {};
      const std::size_t inputs = model_.features().size();
      const std::span<std::uint16_t> out = buffers.bin_reasons.template get<std::uint16_t>(records.rows() * inputs);
      for_each_block(records, buffers, [&](std::size_t begin, const feature_block& x) {
        model_.find_bin_reasons(x, buffers.model, out.subspan(begin * inputs, x.rows * inputs));
      });
      return out;
    }
    return {};
  }

 private:
  static bool is_probability(double p) noexcept { return (p >= 0) & (p <= 1); }
  static bool is_finite(double v) noexcept { return v - v == 0; }

  /// The first number that the task does not allow, or nullptr.
  const double* first_bad(std::span<const double> values) const noexcept {
    const auto find = [&](auto is_good) -> const double* {
      bool good = true;
      for (const double v : values) good &= is_good(v);
      return good ? nullptr : &*std::find_if_not(values.begin(), values.end(), is_good);
    };
    return gives_probabilities_ ? find(is_probability) : find(is_finite);
  }

  /// Calls f(first row, features) for each block.
  template <class F>
  void for_each_block(const columns<Schema>& records, score_buffers& buffers, F&& f) const {
    auto features = features_of(records.rows(), buffers);
    for (std::size_t begin = 0; begin < records.rows(); begin += block_rows) {
      f(begin, features.of(records.slice(begin, (std::min)(block_rows, records.rows() - begin))));
    }
  }

  /// The reason why a row of a block has no prediction; `bad` is the number of the row that shows it.
  unscorable find_fault(const feature_block& x, std::size_t row, double bad, scratch& memory) const {
    unscorable found;
    // A scorer that gives no reason for NaN may have got good values.
    if (gives_probabilities_ && (!fault_finder<Model> || bad == bad)) found.what = fault::not_probability;
    if constexpr (fault_finder<Model>) {
      if (bad == bad) return found;
      const feature_fault reason = model_.find_fault(x, row, memory);
      const std::size_t field = field_of(reason.feature, x, row);
      if (field != Schema::npos) return {0, static_cast<std::uint16_t>(field), reason.what};
    }
    return found;
  }

  /// The field that a model's feature is; of an engineered one the missing field that it is made of.
  std::size_t field_of(std::size_t feature, const feature_block& x, std::size_t row) const {
    if (feature >= width) {
      const std::size_t text = feature - width;
      return text < text_features_ ? text_fields_[text] : Schema::npos;
    }
    std::size_t number = 0;
    for (std::size_t at = 0; at < Schema::size; ++at) {
      if (!Schema::numeric[at]) continue;
      const bool is_it = number == feature;
      const bool is_part = feature >= Schema::numeric_count && x.column(number)[row] != x.column(number)[row] &&
                           features_.mentions(feature - Schema::numeric_count, Schema::names[at]);
      if (is_it || is_part) return at;
      ++number;
    }
    return Schema::npos;
  }

  std::optional<error> match_names() {
    static constexpr auto names = Features::template names<Schema>();
    const feature_names& wanted = model_.features();
    if (auto wrong = wrong_features(wanted, names, field_table<Schema>, text_fields_)) return wrong;
    text_features_ = wanted.text.size();
    if constexpr (fault_finder<Model>) {
      const auto takes_missing = [](const void* model, std::size_t feature) {
        return static_cast<const Model*>(model)->takes_missing(feature);
      };
      return missing_step(field_table<Schema>, width, std::span(text_fields_).first(text_features_), takes_missing,
                          &model_);
    }
    return std::nullopt;
  }

  std::optional<error> check_threshold() const {
    if constexpr (has_label) {
      if (auto e = wrong_threshold(model_.threshold(), Prediction::task)) {
        e->message.replace(0, 3, "the model's");
        return e;
      }
    }
    return std::nullopt;
  }

  Features features_;
  Model model_;
  std::size_t columns_;
  bool gives_probabilities_;
  std::array<std::size_t, std::max<std::size_t>(1, Schema::text_count)> text_fields_{};
  std::size_t text_features_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
