// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "../core/config.hpp"
#include "../core/detail/exclusive.hpp"
#include "../core/detail/number_texts.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../expr/rule.hpp"
#include "../features/features.hpp"
#include "../models/raw_checks.hpp"
#include "../models/scorer.hpp"
#include "../monitor/sink.hpp"
#include "../outputs/decider.hpp"
#include "../outputs/decision_policy.hpp"
#include "../outputs/match.hpp"
#include "../outputs/prediction.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/reasons.hpp"
#include "../schema/columns.hpp"
#include "../schema/field_error.hpp"
#include "../schema/field_table.hpp"
#include "detail/match_features.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A record without a prediction, and the reason: infinities that cancel out, a category that the model does not know,
/// a missing value for which the model has no step.
struct unscorable {
  std::size_t row = 0;                          ///< position in the batch
  std::uint16_t field = field_error::no_field;  ///< of the schema, where one is the reason
  fault what = fault::not_finite;               ///< the reason
};

/// A sink refused the batch, such as a prediction log that cannot be written, with log_failure::refuse.
struct refused {};

/// The outcome of a batch: all records are predicted, or none.
using score_outcome = std::variant<predictions, broken_rule, unscorable, refused>;

/// Working memory of scoring; grows to the largest batch and is then reused. One per thread.
class score_buffers {
 public:
  /// Bytes that it holds.
  std::size_t capacity_bytes() const noexcept {
    return matrix.capacity() + codes.capacity() + model.capacity() + values.capacity() + label.capacity() +
           decision.capacity() + contributions.capacity() + reasons.capacity() + reason_sums.capacity() +
           bin_reasons.capacity() + texts.capacity();
  }
  /// @{
  /// The memory of one stage.
  scratch matrix, codes, model, values, label, decision, contributions, reasons, reason_sums, bin_reasons;
  /// @}
  record_reasons found_reasons;  ///< predictions::reasons
  detail::number_texts texts;    ///< texts of numbers that a log and an answer share
  detail::exclusive user;        ///< one thread at a time
};

/// Options of a request for its batch.
struct batch_options {
  std::size_t reasons = 0;            ///< at most this many of each record; needs pipeline::reasons()
  std::string_view log_members = {};  ///< scored::log_members
};

namespace detail {
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;
template <class T>
inline constexpr bool is_rules = false;
template <class... Rule>
inline constexpr bool is_rules<rules<Rule...>> = true;
template <class T>
inline constexpr bool is_features = false;
template <class... Feature>
inline constexpr bool is_features<features<Feature...>> = true;
template <class T>
inline constexpr bool is_sinks = false;
template <class... Sink>
inline constexpr bool is_sinks<sinks<Sink...>> = true;
}  // namespace detail

/// Scores batches: rules, features, scorer, decisions where the prediction declares some, sinks. Immutable: threads
/// share it, each with its own score_buffers. Refers to its sinks, which must outlive it; owns everything else. Accepts
/// models of the declared prediction only.
template <schema_type Schema, class Rules, class Features, class Model, class Sinks = sinks<>,
          prediction_type Prediction = binary<>>
class pipeline {
  class block_features;

  static_assert(detail::is_rules<std::remove_const_t<Rules>>,
                "tabscore: the argument after the schema is ts::rules{...}");
  static_assert(detail::is_features<std::remove_const_t<Features>>,
                "tabscore: the argument after the rules is ts::features{...}");
  static_assert(!detail::is_result<Model>,
                "tabscore: a pipeline takes a model, not a result that may hold an error: check it and give *model");
  static_assert(detail::is_result<Model> || scorer<Model>,
                "tabscore: a model has features(), threshold() and score(block, scratch, probability), all const");
  static_assert(detail::is_sinks<std::remove_const_t<Sinks>>,
                "tabscore: the argument after the model is ts::sinks{a, b}");
  static_assert(Sinks::template fit<Schema, Features::template width<Schema>>);
  static_assert(Features::template unique_names<Schema>(), "tabscore: two features have the same name");

 public:
  /// The schema of its records.
  using schema_t = Schema;
  /// The declared prediction.
  using prediction_t = Prediction;
  /// Numeric features of a record.
  static constexpr std::size_t width = Features::template width<Schema>;

  /// As make_pipeline(...).value(): a model that was trained on other features throws (aborts without exceptions).
  pipeline(Schema, Rules r, Features f, Model m, Sinks s = Sinks{}, Prediction = {},
           const std::optional<decision_policy>& policy = std::nullopt)
      : pipeline(make(std::move(r), std::move(f), std::move(m), std::move(s), policy).value()) {}

  /// The same with the error as a value: it names the feature on which model and pipeline disagree, by name or, where
  /// the model file has raw rows, by value. A policy requires a prediction that declares decisions.
  static result<pipeline> make(Rules r, Features f, Model m, Sinks s,
                               const std::optional<decision_policy>& policy = std::nullopt) {
    if (auto wrong = wrong_outputs(outputs_of(m), Prediction::task, Prediction::columns, Prediction::names)) {
      return *std::move(wrong);
    }
    pipeline p(checked{}, std::move(r), std::move(f), std::move(m), std::move(s), policy);
    if (auto wrong = p.bind(policy)) return *std::move(wrong);
    if (auto wrong = p.match_features()) return *std::move(wrong);
    if (auto wrong = p.check_threshold()) return *std::move(wrong);
    if (const std::shared_ptr<const raw_checks> raw = p.model_.features().raw) {
      if (auto wrong = replay<Schema>(*raw, p.features_)) return *std::move(wrong);
    }
    return p;
  }

  /// The same with other sinks.
  pipeline(const pipeline& other, Sinks s)
      : rules_(other.rules_),
        features_(other.features_),
        model_(other.model_),
        sinks_(std::move(s)),
        layout_(other.layout_),
        reasons_(other.reasons_),
        decider_(other.decider_),
        text_fields_(other.text_fields_),
        text_features_(other.text_features_) {}

  /// Checked before the model scores.
  const Rules& rules() const noexcept { return rules_; }
  /// Computed before the model scores.
  const Features& features() const noexcept { return features_; }
  /// The model.
  const Model& model() const noexcept { return model_; }
  /// The names and classes of the predictions; it lives as long as a copy of the pipeline.
  const prediction_layout& layout() const noexcept { return *layout_; }
  /// The finder of reasons, or nullptr.
  const reason_finder* reasons() const noexcept { return reasons_.get(); }
  /// Sets the finder of reasons, for batch_options::reasons; call it before threads share the pipeline.
  /// give_reasons.hpp makes the finder of a policy.
  void give_reasons(reason_finder finder) requires explainable<Model> {
    reasons_ = std::make_shared<const reason_finder>(std::move(finder));
  }

  /// Scores all records or none. The records must be valid; rules are checked here. The sinks receive the predictions,
  /// which live in the buffers. An empty batch gives empty predictions without a call of a sink.
  score_outcome score(const columns<Schema>& records, score_buffers& buffers,
                      const batch_options& options = batch_options()) const {
    return scoring(*this, buffers, options).finish(records);
  }

  /// Contributions of each feature of the model to each record's margins (binary: its log-odds): rows x columns x
  /// (model().features().size() + 1), row-major, the base value of a column last; they add up to the column's margin.
  /// Usually called after score(), for the same records; calls no sink. Lives in the buffers until the next call. An
  /// error when the model has no contributions.
  result<std::span<const double>> explain(const columns<Schema>& records,
                                          score_buffers& buffers) const requires explainable<Model> {
    if (const error* const reason = model_.explain_error()) return *reason;
    const detail::exclusive::hold hold(buffers.user);
    return contributions_of(records, buffers);
  }

  /// Calls f(unscorable) for each unscorable record, in their order. Calls no sink.
  template <class F>
  void for_each_unscorable(const columns<Schema>& records, score_buffers& buffers, F&& f) const {
    const detail::exclusive::hold hold(buffers.user);
    const std::size_t rows = records.rows();
    const std::span<double> values =
        buffers.values.template get<double>((std::min)(block_rows, rows) * values_a_record());
    block_features features(*this, rows, buffers);
    for (std::size_t begin = 0; begin < rows; begin += block_rows) {
      const std::size_t count = (std::min)(block_rows, rows - begin);
      const feature_block x = features.of(records.slice(begin, count));
      model_.score(x, buffers.model, values.first(count * values_a_record()));
      for (std::size_t i = 0; i < count; ++i) {
        const double* const bad = first_bad(values.subspan(i * values_a_record(), values_a_record()));
        if (bad == nullptr) continue;
        unscorable found = find_fault(x, i, *bad, buffers.model);
        found.row = begin + i;
        f(found);
      }
    }
  }

  /// A batch in progress, for records that arrive in parts: they are scored while they are in the cache, and no sink is
  /// called before finish(). The pipeline and the buffers must outlive it; they serve one batch at a time.
  class scoring {
   public:
    /// One batch in progress; the buffers are in use until it is finished.
    scoring(const pipeline& pipe, score_buffers& buffers, const batch_options& options = batch_options()) noexcept
        : pipe_(pipe), buffers_(buffers), options_(options), hold_(buffers.user) {}

    /// Of the pipeline.
    const Rules& rules() const noexcept { return pipe_.rules_; }

    /// All records so far, which must be valid. Fewer than before: the batch starts over.
    void add(const columns<Schema>& records) {
      if (records.rows() < scored_) restart();
      if (records.rows() > room_) {
        room_ = std::bit_ceil(records.rows());
        const std::size_t columns = pipe_.values_a_record();
        values_ = buffers_.values.template grow<double>(room_ * columns, scored_ * columns);
        if constexpr (has_classes) class_at_ = buffers_.label.template grow<std::uint32_t>(room_, scored_);
        if constexpr (has_label) label_ = buffers_.label.template grow<std::uint8_t>(room_, scored_);
        if constexpr (has_decisions) decision_ = buffers_.decision.template grow<std::uint8_t>(room_, scored_);
      }
      while (good_ && records.rows() - scored_ >= block_rows) observe(records.slice(scored_, block_rows));
    }

    /// Finishes the batch as pipeline::score() does. A broken rule outranks a non-finite score.
    score_outcome finish(const columns<Schema>& records) {
      add(records);
      const std::size_t rows = records.rows();
      buffers_.texts.clear();
      scored<Schema> batch{records, predictions_of(0, rows), options_.log_members};
      batch.scores.texts = &buffers_.texts;
      if (rows == 0) return batch.scores;
      bool admitted = true;
      if (good_ && scored_ == 0) {
        block_features features(pipe_, rows, buffers_);
        if (const auto x = block(records, features)) {
          if (options_.reasons != 0) find_reasons(batch);
          admitted = pipe_.sinks_.admit(batch);
          if (admitted) pipe_.sinks_.template record<width>(batch, *x);
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
    /// Before the sinks, which may log them. The features of a single block stay as they are.
    [[gnu::noinline]] void find_reasons(scored<Schema>& batch) {
      if constexpr (explainable<Model>) {
        if (pipe_.reasons_ == nullptr) return;
        const std::span<const double> numbers = pipe_.contributions_of(batch.records, buffers_);
        const std::span<const std::uint16_t> bins = pipe_.bin_reasons_of_rows(batch.records, buffers_);
        buffers_.found_reasons =
            pipe_.reasons_->find_all(numbers, batch.scores.decision_at, batch.records.rows(), options_.reasons,
                                     buffers_.reasons, buffers_.reason_sums, bins);
        batch.scores.reasons = &buffers_.found_reasons;
      }
    }

    void restart() noexcept {
      scored_ = 0;
      good_ = true;
      observed_.reset();
    }

    void observe(const columns<Schema>& part) {
      const std::size_t first = scored_;
      block_features features(pipe_, part.rows(), buffers_);
      const auto x = block(part, features);
      if (!x) return;
      if (!observed_) observed_.emplace(pipe_.sinks_);
      observed_->observe({part, predictions_of(first, part.rows())}, *x);
    }

    /// Scores the next records, up to block_rows of them; their features, if they are good.
    std::optional<feature_block> block(const columns<Schema>& part, block_features& features) {
      good_ = !pipe_.rules_.first_broken(part);
      if (!good_) return std::nullopt;
      const std::size_t rows = part.rows();
      const feature_block x = features.of(part);
      const std::size_t columns = pipe_.values_a_record();
      const std::span<double> values = values_.subspan(scored_ * columns, rows * columns);
      pipe_.model_.score(x, buffers_.model, values);
      good_ = decide(x, values);
      if (!good_) {
        const double* const bad = pipe_.first_bad(values);
        const std::size_t row = static_cast<std::size_t>(bad - values.data()) / columns;
        bad_ = pipe_.find_fault(x, row, *bad, buffers_.model);
        bad_.row = scored_ + row;
        return std::nullopt;
      }
      if constexpr (has_decisions) pipe_.decider_.decide(part, {values, columns}, decision_.subspan(scored_, rows));
      scored_ += rows;
      return x;
    }

    /// Labels or classes of the next rows; false when the task does not allow one of their numbers.
    bool decide(const feature_block& x, std::span<const double> values) {
      bool good = true;
      if constexpr (has_label) {
        const std::span<std::uint8_t> label = label_.subspan(scored_, x.rows);
        const double threshold = pipe_.model_.threshold();
        for (std::size_t i = 0; i < x.rows; ++i) {
          label[i] = Prediction::task == task::binary
                         ? is_positive(pipe_.model_, x, i, values[i], threshold, buffers_.model)
                         : values[i] < threshold;
          good &= Prediction::task == task::binary ? is_probability(values[i]) : is_finite(values[i]);
        }
      } else {
        good = pipe_.first_bad(values) == nullptr;
        if constexpr (has_classes) {
          if (good) classify(x, values);
        }
      }
      return good;
    }

    void classify(const feature_block& x, std::span<const double> values) {
      const std::size_t columns = pipe_.values_a_record();
      for (std::size_t i = 0; i < x.rows; ++i) {
        class_at_[scored_ + i] = static_cast<std::uint32_t>(
            class_of_row(pipe_.model_, x, i, values.subspan(i * columns, columns), buffers_.model));
      }
    }

    predictions predictions_of(std::size_t first, std::size_t rows) const noexcept {
      const std::size_t columns = pipe_.values_a_record();
      return {*pipe_.layout_,
              {values_.subspan(first * columns, rows * columns), columns},
              has_label ? label_.subspan(first, rows) : label_,
              has_classes ? class_at_.subspan(first, rows) : class_at_,
              pipe_.model_.threshold(),
              has_decisions ? decision_.subspan(first, rows) : decision_};
    }

    const pipeline& pipe_;
    score_buffers& buffers_;
    const batch_options options_;
    detail::exclusive::hold hold_;
    std::span<double> values_;
    std::span<std::uint8_t> label_;
    std::span<std::uint32_t> class_at_;
    std::span<std::uint8_t> decision_;
    std::size_t room_ = 0;  // records
    std::size_t scored_ = 0;
    bool good_ = true;  // all rules kept and all numbers as the task allows, so far
    unscorable bad_;
    std::optional<typename Sinks::template observation<Schema, width>> observed_;
  };

 private:
  // Small enough that a block's records and features stay in the first caches between its stages, large enough that
  // what each stage costs per call does not show.
  static constexpr std::size_t block_rows = 256;

  static constexpr bool has_label = has_threshold(Prediction::task);
  static constexpr bool has_classes = Prediction::task == task::multiclass;
  static constexpr bool has_decisions = decided_type<Prediction>;

  struct checked {};
  pipeline(checked, Rules r, Features f, Model m, Sinks s, const std::optional<decision_policy>& policy)
      : rules_(std::move(r)),
        features_(std::move(f)),
        model_(std::move(m)),
        sinks_(std::move(s)),
        layout_(std::make_shared<const prediction_layout>(Prediction::names, outputs_of(model_), decisions(policy))) {}

  static decision_layout decisions([[maybe_unused]] const std::optional<decision_policy>& policy) {
    decision_layout declared;
    if constexpr (has_decisions) {
      declared = {Prediction::decision, Prediction::decisions, policy ? policy->sha256 : std::string()};
    }
    return declared;
  }
  /// Makes the decider; returns the error of the policy, if any.
  std::optional<error> bind(const std::optional<decision_policy>& policy) {
    if constexpr (has_decisions) {
      if (!policy || policy->sha256.empty()) {
        return error{errc::mismatch,
                     "the prediction declares decisions, and there is no policy that makes them: give it one of "
                     "load_policy() or parse_policy()"};
      }
      auto bound = decider<Schema>::make(*policy, *layout_);
      if (!bound) return bound.error();
      decider_ = *std::move(bound);
    } else if (policy) {
      return error{errc::mismatch,
                   policy->path + ": the prediction declares no decisions: declare ts::decided<...> for a policy"};
    }
    return std::nullopt;
  }

  /// What explain() gives.
  std::span<const double> contributions_of(const columns<Schema>& records, score_buffers& buffers) const {
    const std::size_t numbers = values_a_record() * (model_.features().size() + 1);
    const std::size_t rows = records.rows();
    const std::span<double> out = buffers.contributions.template get<double>(rows * numbers);
    block_features features(*this, rows, buffers);
    for (std::size_t begin = 0; begin < rows; begin += block_rows) {
      const std::size_t count = (std::min)(block_rows, rows - begin);
      model_.contributions(features.of(records.slice(begin, count)), buffers.model,
                           out.subspan(begin * numbers, count * numbers));
    }
    return out;
  }

  /// The reasons of the records' bins, rows x features; empty without reasons of bins.
  std::span<const std::uint16_t> bin_reasons_of_rows([[maybe_unused]] const columns<Schema>& records,
                                                     [[maybe_unused]] score_buffers& buffers) const {
    if constexpr (gives_bin_reasons<Model>) {
      if (model_.bin_reasons().empty()) return {};
      const std::size_t inputs = model_.features().size();
      const std::size_t rows = records.rows();
      const std::span<std::uint16_t> out = buffers.bin_reasons.template get<std::uint16_t>(rows * inputs);
      block_features features(*this, rows, buffers);
      for (std::size_t begin = 0; begin < rows; begin += block_rows) {
        const std::size_t count = (std::min)(block_rows, rows - begin);
        model_.find_bin_reasons(features.of(records.slice(begin, count)), buffers.model,
                                out.subspan(begin * inputs, count * inputs));
      }
      return out;
    }
    return {};
  }

  /// Numbers a record.
  std::size_t values_a_record() const noexcept {
    if constexpr (Prediction::columns != 0) return Prediction::columns;
    return layout_->model.columns;
  }

  static bool is_probability(double p) noexcept { return (p >= 0) & (p <= 1); }
  static bool is_finite(double v) noexcept { return v - v == 0; }
  bool gives_probabilities() const noexcept {
    return Prediction::task == task::binary || (has_classes && layout_->model.probabilities);
  }
  /// The first number that the task does not allow, or nullptr.
  const double* first_bad(std::span<const double> values) const noexcept {
    const auto find = [&](auto is_good) -> const double* {
      bool good = true;
      for (const double v : values) good &= is_good(v);
      return good ? nullptr : &*std::find_if_not(values.begin(), values.end(), is_good);
    };
    return gives_probabilities() ? find(is_probability) : find(is_finite);
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

  // Why a row of the block has no prediction, in terms of the schema; `value` is the number that shows it.
  unscorable find_fault(const feature_block& x, std::size_t row, double value, scratch& memory) const {
    unscorable found;
    // A scorer that gives no reason for NaN may have got good values.
    if (gives_probabilities() && (!fault_finder<Model> || value == value)) found.what = fault::not_probability;
    if constexpr (fault_finder<Model>) {
      if (value == value) return found;
      const feature_fault reason = model_.find_fault(x, row, memory);
      const std::size_t field = field_of(reason.feature, x, row);
      if (field != Schema::npos) return {0, static_cast<std::uint16_t>(field), reason.what};
    }
    return found;
  }
  // The field that a model's feature is; of an engineered one the missing field that it is made of.
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

  // Compares the model's features with the pipeline's, and notes which fields its text features are.
  std::optional<error> match_features() {
    static constexpr auto names = Features::template names<Schema>();
    const feature_names& wanted = model_.features();
    if (auto wrong = detail::wrong_features(wanted, names, field_table<Schema>, text_fields_)) return wrong;
    text_features_ = wanted.text.size();
    if constexpr (fault_finder<Model>) {
      const auto takes_missing = [](const void* model, std::size_t feature) {
        return static_cast<const Model*>(model)->takes_missing(feature);
      };
      return detail::missing_step(field_table<Schema>, width, std::span(text_fields_).first(text_features_),
                                  takes_missing, &model_);
    }
    return std::nullopt;
  }

  /// The features of one block of records after the other, in the buffers' matrix.
  class block_features {
   public:
    // Whole blocks of a multiple of eight rows keep the columns of the matrix aligned alike.
    block_features(const pipeline& pipe, std::size_t rows, score_buffers& buffers)
        : pipe_(pipe),
          stride_((std::min)(block_rows, (rows + 7) / 8 * 8)),
          matrix_(buffers.matrix.template get<double>(stride_ * width).data()),
          codes_(buffers.codes.template get<std::int32_t>(stride_ * pipe.text_features_).data()) {}

    feature_block of(const columns<Schema>& part) {
      pipe_.features_.write(part, matrix_, stride_);
      Schema::for_each([&]<std::size_t At>() {
        if constexpr (Schema::kinds[At] == field_kind::text) {
          for (std::size_t t = 0; t < pipe_.text_features_; ++t) {
            if (pipe_.text_fields_[t] == At) text_[t] = part.template get<At>().data();
          }
        }
      });
      const std::size_t texts = pipe_.text_features_;
      for (std::size_t t = 0; t < texts; ++t) text_codes_[t] = {.code = codes_ + t * stride_};
      return {part.rows(), width, matrix_, stride_, std::span(text_).first(texts), std::span(text_codes_).first(texts)};
    }

   private:
    const pipeline& pipe_;
    std::size_t stride_;
    double* matrix_;
    std::int32_t* codes_;
    std::array<const std::string_view*, std::max<std::size_t>(1, Schema::text_count)> text_{};
    std::array<text_codes, std::max<std::size_t>(1, Schema::text_count)> text_codes_{};
  };

  Rules rules_;
  Features features_;
  Model model_;
  Sinks sinks_;
  std::shared_ptr<const prediction_layout> layout_;
  struct no_decider {};
  std::shared_ptr<const reason_finder> reasons_;
  [[no_unique_address]] std::conditional_t<has_decisions, decider<Schema>, no_decider> decider_;
  std::array<std::size_t, std::max<std::size_t>(1, Schema::text_count)> text_fields_{};
  std::size_t text_features_ = 0;
};

/// A pipeline with deduced types, or the error of a model that does not fit its features.
template <schema_type Schema, class Rules, class Features, class Model, class Sinks = sinks<>,
          prediction_type Prediction = binary<>>
result<pipeline<Schema, Rules, Features, Model, Sinks, Prediction>> make_pipeline(
    Schema, Rules r, Features f, Model m, Sinks s = Sinks{}, Prediction = {},
    const std::optional<decision_policy>& policy = std::nullopt) {
  return pipeline<Schema, Rules, Features, Model, Sinks, Prediction>::make(std::move(r), std::move(f), std::move(m),
                                                                           std::move(s), policy);
}

}  // namespace tabscore::inline TABSCORE_ABI
