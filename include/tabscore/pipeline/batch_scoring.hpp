// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../core/config.hpp"
#include "../core/detail/exclusive.hpp"
#include "../features/feature_block.hpp"
#include "../models/scorer.hpp"
#include "../monitor/sink.hpp"
#include "../outputs/prediction.hpp"
#include "../outputs/predictions.hpp"
#include "../schema/columns.hpp"
#include "batch_options.hpp"
#include "score_buffers.hpp"
#include "score_outcome.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A batch in progress, for records that arrive in parts: they are scored while they are in the cache, and no sink is
/// called before finish(). The pipeline and the buffers must outlive it; they serve one batch at a time. Users call it
/// pipeline::scoring.
template <class Pipeline>
class batch_scoring {
  using schema = typename Pipeline::schema_t;
  using records_model = typename Pipeline::records_model;

 public:
  /// One batch in progress; the buffers are in use until it is finished.
  batch_scoring(const Pipeline& pipe, score_buffers& buffers, const batch_options& options = batch_options()) noexcept
      : pipe_(pipe), buffers_(buffers), options_(options), hold_(buffers.user) {}

  /// The pipeline's rules.
  const auto& rules() const noexcept { return pipe_.rules_; }

  /// All records so far, which must be valid. Fewer than before: the batch starts over.
  void add(const columns<schema>& records) {
    if (records.rows() < scored_) restart();
    if (records.rows() > room_) {
      room_ = std::bit_ceil(records.rows());
      const std::size_t columns = pipe_.model_.values_a_record();
      values_ = buffers_.values.template grow<double>(room_ * columns, scored_ * columns);
      if constexpr (has_classes) class_at_ = buffers_.label.template grow<std::uint32_t>(room_, scored_);
      if constexpr (has_label) label_ = buffers_.label.template grow<std::uint8_t>(room_, scored_);
      if constexpr (has_decisions) decision_ = buffers_.decision.template grow<std::uint8_t>(room_, scored_);
    }
    while (good_ && records.rows() - scored_ >= block_rows) observe(records.slice(scored_, block_rows));
  }

  /// Finishes the batch as pipeline::score() does. A broken rule outranks a non-finite score.
  score_outcome finish(const columns<schema>& records) {
    add(records);
    const std::size_t rows = records.rows();
    buffers_.texts.clear();
    scored<schema> batch{records, predictions_of(0, rows), options_.log_members};
    batch.scores.texts = &buffers_.texts;
    if (rows == 0) return batch.scores;
    bool admitted = true;
    if (good_ && scored_ == 0) {
      auto features = pipe_.model_.features_of(rows, buffers_);
      if (const auto x = score_block(records, features)) {
        if (options_.reasons != 0) find_reasons(batch);
        admitted = pipe_.sinks_.admit(batch);
        if (admitted) pipe_.sinks_.template record<Pipeline::width>(batch, *x);
      }
    } else {
      if (good_ && scored_ < rows) observe(records.slice(scored_, rows - scored_));
      if (good_) {
        if (options_.reasons != 0) find_reasons(batch);
        admitted = pipe_.sinks_.admit(batch);
        if (admitted) observed_->record(batch);
      }
    }
    if (!good_) {
      if (const auto broken = pipe_.rules_.first_broken(records)) return *broken;
      return bad_;
    }
    if (!admitted) return refused{};
    return batch.scores;
  }

 private:
  static constexpr std::size_t block_rows = records_model::block_rows;
  static constexpr bool has_label = records_model::has_label;
  static constexpr bool has_classes = records_model::has_classes;
  static constexpr bool has_decisions = decided_type<typename Pipeline::prediction_t>;

  /// Before the sinks, which may log them. The features of a single block stay as they are.
  [[gnu::noinline]] void find_reasons(scored<schema>& batch) {
    if constexpr (explainable<typename Pipeline::model_t>) {
      if (pipe_.reasons_ == nullptr) return;
      const std::span<const double> numbers = pipe_.model_.contributions(batch.records, buffers_);
      const std::span<const std::uint16_t> bins = pipe_.model_.bin_reasons(batch.records, buffers_);
      buffers_.found_reasons = pipe_.reasons_->find_all(numbers, batch.scores.decision_at, batch.records.rows(),
                                                        options_.reasons, buffers_.reasons, buffers_.reason_sums, bins);
      batch.scores.reasons = &buffers_.found_reasons;
    }
  }

  void restart() noexcept {
    scored_ = 0;
    good_ = true;
    observed_.reset();
  }

  void observe(const columns<schema>& part) {
    const std::size_t first = scored_;
    auto features = pipe_.model_.features_of(part.rows(), buffers_);
    const auto x = score_block(part, features);
    if (!x) return;
    if (!observed_) observed_.emplace(pipe_.sinks_);
    observed_->observe({part, predictions_of(first, part.rows())}, *x);
  }

  /// Scores the next records, up to block_rows of them; their features, if they are good. Not inlined: it is the same
  /// for all callers.
  [[gnu::noinline]] std::optional<feature_block> score_block(const columns<schema>& part,
                                                             typename records_model::features_of_blocks& features) {
    good_ = !pipe_.rules_.first_broken(part);
    if (!good_) return std::nullopt;
    const std::size_t rows = part.rows();
    const feature_block x = features.of(part);
    const std::size_t columns = pipe_.model_.values_a_record();
    const std::span<double> values = values_.subspan(scored_ * columns, rows * columns);
    good_ = pipe_.model_.score(x, buffers_.model, values, has_label ? label_.subspan(scored_, rows) : label_,
                               has_classes ? class_at_.subspan(scored_, rows) : class_at_);
    if (!good_) {
      bad_ = pipe_.model_.first_unscorable(x, values, buffers_.model);
      bad_.row += scored_;
      return std::nullopt;
    }
    if constexpr (has_decisions) pipe_.decider_.decide(part, {values, columns}, decision_.subspan(scored_, rows));
    scored_ += rows;
    return x;
  }

  predictions predictions_of(std::size_t first, std::size_t rows) const noexcept {
    const std::size_t columns = pipe_.model_.values_a_record();
    return {*pipe_.layout_,
            {values_.subspan(first * columns, rows * columns), columns},
            has_label ? label_.subspan(first, rows) : label_,
            has_classes ? class_at_.subspan(first, rows) : class_at_,
            pipe_.model_.model().threshold(),
            has_decisions ? decision_.subspan(first, rows) : decision_};
  }

  const Pipeline& pipe_;
  score_buffers& buffers_;
  const batch_options options_;
  detail::exclusive::hold hold_;
  std::span<double> values_;
  std::span<std::uint8_t> label_;
  std::span<std::uint32_t> class_at_;
  std::span<std::uint8_t> decision_;
  std::size_t room_ = 0;  // records
  std::size_t scored_ = 0;
  bool good_ = true;  // no rule is broken and no number is outside of the task
  unscorable bad_;
  std::optional<typename Pipeline::observation> observed_;
};

}  // namespace tabscore::inline TABSCORE_ABI
