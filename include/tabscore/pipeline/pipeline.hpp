// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
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
#include "../outputs/predictions.hpp"
#include "../schema/columns.hpp"
#include "../schema/field_error.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A record without a probability from 0 to 1, and why: infinities that cancel out, a category that the model does not
/// know, a missing value that it has no step for.
struct unscorable {
  std::size_t row = 0;
  std::uint16_t field = field_error::no_field;  ///< of the schema, where one is the reason
  fault what = fault::not_finite;
};

/// A sink did not take the batch: a prediction log that cannot be written and was told to refuse then.
struct refused {};

/// What came of a batch: all of it is predicted, or none of it.
using score_outcome = std::variant<predictions, broken_rule, unscorable, refused>;

/// The memory that scoring needs besides the records; grows with the largest batch and is then reused. One per thread.
class score_buffers {
 public:
  std::size_t capacity_bytes() const noexcept {
    return matrix.capacity() + codes.capacity() + model.capacity() + probability.capacity() + label.capacity() +
           contributions.capacity() + texts.capacity();
  }
  scratch matrix, codes, model, probability, label, contributions;
  detail::number_texts texts;
  detail::exclusive user;  ///< one thread at a time
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

/// The way of a batch: rules, features, scorer, sinks. Immutable: threads share it, each with its own score_buffers.
/// Sinks are referred to and must outlive it; everything else is its own.
template <schema_type Schema, class Rules, class Features, class Model, class Sinks = sinks<>>
class pipeline {
  static_assert(detail::is_rules<std::remove_const_t<Rules>>,
                "tabscore: behind the schema a pipeline takes ts::rules{...}");
  static_assert(detail::is_features<std::remove_const_t<Features>>,
                "tabscore: behind the rules a pipeline takes ts::features{...}");
  static_assert(!detail::is_result<Model>,
                "tabscore: a pipeline takes a model, not a result that may hold an error: check it and give *model");
  static_assert(detail::is_result<Model> || scorer<Model>,
                "tabscore: a model has features(), threshold() and score(block, scratch, probability), all const");
  static_assert(detail::is_sinks<std::remove_const_t<Sinks>>,
                "tabscore: behind the model a pipeline takes ts::sinks{a, b}");
  static_assert(Sinks::template fit<Schema, Features::template width<Schema>>);
  static_assert(Features::template unique_names<Schema>(), "tabscore: two features have the same name");

 public:
  using schema_t = Schema;
  /// Numeric features of a record.
  static constexpr std::size_t width = Features::template width<Schema>;

  /// As make_pipeline(...).value(): a model that was trained on other features throws (aborts without exceptions).
  pipeline(Schema, Rules r, Features f, Model m, Sinks s = Sinks{})
      : pipeline(make(std::move(r), std::move(f), std::move(m), std::move(s)).value()) {}

  /// The same with the error as a value: the sentence says which feature the model and the pipeline disagree on, by
  /// name or, where the model file has raw rows, by value.
  static result<pipeline> make(Rules r, Features f, Model m, Sinks s) {
    pipeline p(checked{}, std::move(r), std::move(f), std::move(m), std::move(s));
    if (auto match = p.match_features(); !match) return match.error();
    if (const double threshold = p.model_.threshold(); !(threshold >= 0 && threshold <= 1)) {
      return error{errc::structure,
                   "the model's threshold is " + std::to_string(threshold) + ", expected a probability from 0 to 1"};
    }
    if (const std::shared_ptr<const raw_checks> raw = p.model_.features().raw) {
      if (auto wrong = replay<Schema>(*raw, p.features_)) return *std::move(wrong);
    }
    return p;
  }

  const Rules& rules() const noexcept { return rules_; }
  const Features& features() const noexcept { return features_; }
  const Model& model() const noexcept { return model_; }

  /// Scores all records or none. The records must be valid; rules are checked here, and the sinks told of what was
  /// predicted. The predictions live in the buffers. An empty batch gives empty predictions and tells no sink.
  score_outcome score(const columns<Schema>& records, score_buffers& buffers) const {
    return scoring(*this, buffers).finish(records);
  }

  /// How much each feature of the model moved each record's margin (log-odds): rows x (model().features().size() + 1),
  /// row after row, the last number of a row the base value; a row's numbers add up to its margin. Usually called after
  /// score(), for the same records; tells no sink. Lives in the buffers until the next call. An error when the model
  /// has no contributions.
  result<std::span<const double>> explain(const columns<Schema>& records,
                                          score_buffers& buffers) const requires explainable<Model> {
    if (const error* const reason = model_.explain_error()) return *reason;
    const std::size_t numbers = model_.features().size() + 1;
    const std::size_t rows = records.rows();
    const detail::exclusive::hold hold(buffers.user);
    const std::span<double> out = buffers.contributions.template get<double>(rows * numbers);
    block_features features(*this, rows, buffers);
    for (std::size_t begin = 0; begin < rows; begin += block_rows) {
      const std::size_t count = (std::min)(block_rows, rows - begin);
      model_.contributions(features.of(records.slice(begin, count)), buffers.model,
                           out.subspan(begin * numbers, count * numbers));
    }
    return std::span<const double>(out);
  }

  /// Calls f(unscorable) for each record that is, in their order. No sink is told.
  template <class F>
  void for_each_unscorable(const columns<Schema>& records, score_buffers& buffers, F&& f) const {
    const detail::exclusive::hold hold(buffers.user);
    const std::size_t rows = records.rows();
    const std::span<double> probability = buffers.probability.template get<double>(rows);
    block_features features(*this, rows, buffers);
    for (std::size_t begin = 0; begin < rows; begin += block_rows) {
      const std::size_t count = (std::min)(block_rows, rows - begin);
      const feature_block x = features.of(records.slice(begin, count));
      model_.score(x, buffers.model, probability.subspan(begin, count));
      for (std::size_t i = 0; i < count; ++i) {
        if (is_probability(probability[begin + i])) continue;
        unscorable found = find_fault(x, i, probability[begin + i], buffers.model);
        found.row = begin + i;
        f(found);
      }
    }
  }

  /// A batch on its way, for records that come bit by bit: they are scored while they are still in the cache, and no
  /// sink hears of them before finish(). The pipeline and the buffers must outlive it, and are one batch's at a time.
  class scoring {
   public:
    scoring(const pipeline& pipe, score_buffers& buffers) noexcept
        : pipe_(pipe), buffers_(buffers), hold_(buffers.user) {}

    const Rules& rules() const noexcept { return pipe_.rules_; }

    /// All records so far, which must be valid. Fewer than before: it begins anew.
    void add(const columns<Schema>& records) {
      if (records.rows() < scored_) restart();
      if (records.rows() > probability_.size()) {
        const std::size_t room = std::bit_ceil(records.rows());
        probability_ = buffers_.probability.template grow<double>(room, scored_);
        label_ = buffers_.label.template grow<std::uint8_t>(room, scored_);
      }
      while (good_ && records.rows() - scored_ >= block_rows) observe(records.slice(scored_, block_rows));
    }

    /// The whole batch: what pipeline::score() gives. Rules come before what a model makes of their breach.
    score_outcome finish(const columns<Schema>& records) {
      add(records);
      const std::size_t rows = records.rows();
      buffers_.texts.clear();
      const scored<Schema> batch{
          records, {probability_.first(rows), label_.first(rows), pipe_.model_.threshold(), &buffers_.texts}};
      if (rows == 0) return batch.scores;
      bool admitted = true;
      if (good_ && scored_ == 0) {
        block(records, [&](const feature_block& x) {
          admitted = pipe_.sinks_.admit(batch);
          if (admitted) pipe_.sinks_.template record<width>(batch, x);
        });
      } else {
        if (good_ && scored_ < rows) observe(records.slice(scored_, rows - scored_));
        if (good_) {
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
    void restart() noexcept {
      scored_ = 0;
      good_ = true;
      observed_.reset();
    }

    void observe(const columns<Schema>& part) {
      const std::size_t first = scored_;
      block(part, [&](const feature_block& x) {
        if (!observed_) observed_.emplace(pipe_.sinks_);
        const std::size_t rows = part.rows();
        observed_->observe(
            {part, {probability_.subspan(first, rows), label_.subspan(first, rows), pipe_.model_.threshold()}}, x);
      });
    }

    /// Scores the next records, up to block_rows of them, and calls use(features) if they are good.
    template <class Use>
    void block(const columns<Schema>& part, Use&& use) {
      good_ = !pipe_.rules_.first_broken(part);
      if (!good_) return;
      const std::size_t rows = part.rows();
      block_features features(pipe_, rows, buffers_);
      const feature_block x = features.of(part);
      const std::span<double> p = probability_.subspan(scored_, rows);
      const std::span<std::uint8_t> label = label_.subspan(scored_, rows);
      pipe_.model_.score(x, buffers_.model, p);
      const double threshold = pipe_.model_.threshold();
      for (std::size_t i = 0; i < rows; ++i) {
        label[i] = p[i] >= threshold;
        good_ &= is_probability(p[i]);
      }
      if (!good_) {
        const auto bad = std::find_if(p.begin(), p.end(), [](double v) { return !is_probability(v); });
        const auto row = static_cast<std::size_t>(bad - p.begin());
        bad_ = pipe_.find_fault(x, row, *bad, buffers_.model);
        bad_.row = scored_ + row;
        return;
      }
      scored_ += rows;
      use(x);
    }

    const pipeline& pipe_;
    score_buffers& buffers_;
    detail::exclusive::hold hold_;
    std::span<double> probability_;
    std::span<std::uint8_t> label_;
    std::size_t scored_ = 0;
    bool good_ = true;  // all rules kept and all probabilities from 0 to 1, so far
    unscorable bad_;
    std::optional<typename Sinks::template observation<Schema, width>> observed_;
  };

 private:
  // Small enough that a block's records and features stay in the first caches between its stages, large enough that
  // what each stage costs per call does not show.
  static constexpr std::size_t block_rows = 256;

  struct checked {};
  pipeline(checked, Rules r, Features f, Model m, Sinks s)
      : rules_(std::move(r)), features_(std::move(f)), model_(std::move(m)), sinks_(std::move(s)) {}

  static bool is_probability(double p) noexcept { return (p >= 0) & (p <= 1); }

  // Why a row of the block has no probability, in terms of the schema.
  unscorable find_fault(const feature_block& x, std::size_t row, double probability, scratch& memory) const {
    unscorable found;
    // A scorer that gives no reason for NaN may have got good values.
    if (!fault_finder<Model> || probability == probability) found.what = fault::not_probability;
    if constexpr (fault_finder<Model>) {
      if (probability == probability) return found;
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
    std::size_t found = Schema::npos;
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (Schema::kinds[At] != field_kind::text) {
        const bool is_it = number == feature;
        const bool is_part = feature >= Schema::numeric_count && x.column(number)[row] != x.column(number)[row] &&
                             features_.mentions(feature - Schema::numeric_count, Schema::names[At]);
        if (found == Schema::npos && (is_it || is_part)) found = At;
        ++number;
      }
    });
    return found;
  }

  // Compares the model's features with the pipeline's, and notes which fields its text features are.
  result<std::monostate> match_features() {
    constexpr auto names = Features::template names<Schema>();
    const feature_names& wanted = model_.features();
    for (std::size_t j = 0; j < (std::max)(width, wanted.numeric.size()); ++j) {
      const std::string_view ours = j < width ? names[j] : std::string_view{};
      const std::string_view theirs =
          j < wanted.numeric.size() ? std::string_view(wanted.numeric[j]) : std::string_view{};
      if (ours == theirs) continue;
      return mismatch({"the model's numeric feature ", std::to_string(j), " is ", quoted(theirs),
                       ", the pipeline's is ", quoted(ours)});
    }
    if (wanted.text.size() > Schema::text_count) {
      return mismatch({"the model has ", std::to_string(wanted.text.size()), " text features, the schema ",
                       std::to_string(Schema::text_count)});
    }
    for (const std::string& name : wanted.text) {
      const std::size_t i = Schema::index_of(name);
      if (i == Schema::npos || Schema::kinds[i] != field_kind::text) {
        return mismatch({"the model's text feature ", quoted(name), " is no text field of the schema"});
      }
      text_fields_[text_features_++] = i;
    }
    return match_missing();
  }

  // A field that may be absent needs a model that can do without its value.
  result<std::monostate> match_missing() {
    std::optional<error> wrong;
    if constexpr (fault_finder<Model>) {
      const auto require = [&](std::size_t field, std::size_t feature) {
        if (wrong || Schema::required[field] || model_.takes_missing(feature)) return;
        wrong = mismatch({"the field ", quoted(Schema::names[field]),
                          " is optional, and the model has no step for a missing value of it: train it with one "
                          "(a SimpleImputer before it, say), or require the field"});
      };
      std::size_t number = 0;
      Schema::for_each([&]<std::size_t At>() {
        if constexpr (Schema::kinds[At] != field_kind::text) require(At, number++);
      });
      for (std::size_t t = 0; t < text_features_; ++t) require(text_fields_[t], width + t);
    }
    if (wrong) return *std::move(wrong);
    return std::monostate{};
  }

  // Joined piece by piece: g++ 12 takes operator+ of strings for overlapping copies (its bug 105651).
  static error mismatch(std::initializer_list<std::string_view> pieces) {
    error e{errc::mismatch, {}};
    for (const std::string_view piece : pieces) e.message.append(piece);
    return e;
  }
  static std::string quoted(std::string_view name) {
    std::string text = name.empty() ? "none" : "'";
    if (!name.empty()) text.append(name).append("'");
    return text;
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
  std::array<std::size_t, std::max<std::size_t>(1, Schema::text_count)> text_fields_{};
  std::size_t text_features_ = 0;
};

/// A pipeline whose types are deduced, or why the model does not fit its features.
template <schema_type Schema, class Rules, class Features, class Model, class Sinks = sinks<>>
result<pipeline<Schema, Rules, Features, Model, Sinks>> make_pipeline(Schema, Rules r, Features f, Model m,
                                                                      Sinks s = Sinks{}) {
  return pipeline<Schema, Rules, Features, Model, Sinks>::make(std::move(r), std::move(f), std::move(m), std::move(s));
}

}  // namespace tabscore::inline TABSCORE_ABI
