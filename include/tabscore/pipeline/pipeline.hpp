// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../expr/rule.hpp"
#include "../features/features.hpp"
#include "../models/predictions.hpp"
#include "../models/scorer.hpp"
#include "../monitor/sink.hpp"
#include "../schema/columns.hpp"

namespace tabscore {

/// A record whose features gave no probability: infinities that cancel out, say.
struct unscorable {
  std::size_t row = 0;
};

/// A sink did not take the batch: a prediction log that cannot be written and was told to refuse then.
struct refused {};

/// What came of a batch: all of it is predicted, or none of it.
using score_outcome = std::variant<predictions, broken_rule, unscorable, refused>;

/// The memory that scoring needs besides the records; grows with the largest batch and is then reused. One per thread.
class score_buffers {
 public:
  std::size_t capacity_bytes() const noexcept {
    return matrix.capacity() + codes.capacity() + model.capacity() + probability.capacity() + label.capacity();
  }
  scratch matrix, codes, model, probability, label;
};

/// The way of a batch: rules, features, scorer, sinks. Immutable: threads share it, each with its own score_buffers.
/// Sinks are referred to and must outlive it; everything else is its own.
template <schema_type Schema, class Rules, class Features, scorer Model, class Sinks = sinks<>>
class pipeline {
 public:
  using schema_t = Schema;
  /// Numeric features of a record.
  static constexpr std::size_t width = Features::template width<Schema>;

  /// As make_pipeline(...).value(): a model that was trained on other features throws (aborts without exceptions).
  pipeline(Schema, Rules r, Features f, Model m, Sinks s = Sinks{})
      : pipeline(checked{}, std::move(r), std::move(f), std::move(m), std::move(s)) {
    match_features().value();
  }

  /// The same with the error as a value: the sentence says which feature the model and the pipeline disagree on.
  static result<pipeline> make(Rules r, Features f, Model m, Sinks s) {
    pipeline p(checked{}, std::move(r), std::move(f), std::move(m), std::move(s));
    if (auto match = p.match_features(); !match) return match.error();
    return p;
  }

  const Rules& rules() const noexcept { return rules_; }
  const Features& features() const noexcept { return features_; }
  const Model& model() const noexcept { return model_; }

  /// Scores all records or none. The records must be valid; rules are checked here, and the sinks told of what was
  /// predicted. The predictions live in the buffers. An empty batch gives empty predictions and tells no sink.
  score_outcome score(const columns<Schema>& records, score_buffers& buffers) const {
    if (const auto broken = rules_.first_broken(records)) return *broken;

    const std::size_t rows = records.rows();
    const std::span<double> probability = buffers.probability.template get<double>(rows);
    const std::span<std::uint8_t> label = buffers.label.template get<std::uint8_t>(rows);
    const predictions scores{probability, label, model_.threshold()};
    if (rows == 0) return scores;

    typename Sinks::template observation<Schema, width> observed(sinks_);
    // Whole blocks of a multiple of eight rows keep the columns of the matrix aligned alike.
    const std::size_t stride = std::min(block_rows, (rows + 7) / 8 * 8);
    const std::span<double> matrix = buffers.matrix.template get<double>(stride * width);
    const std::span<std::int32_t> code = buffers.codes.template get<std::int32_t>(stride * text_features_);
    for (std::size_t begin = 0; begin < rows; begin += block_rows) {
      const std::size_t count = std::min(block_rows, rows - begin);
      const columns<Schema> part = records.slice(begin, count);
      features_.write(part, matrix.data(), stride);
      std::array<const std::string_view*, std::max<std::size_t>(1, Schema::text_count)> text{};
      std::array<text_codes, text.size()> codes{};
      select_texts(part, text);
      for (std::size_t t = 0; t < text_features_; ++t) codes[t].code = code.data() + t * stride;
      const feature_block x{count,
                            width,
                            matrix.data(),
                            stride,
                            std::span(text).first(text_features_),
                            std::span(codes).first(text_features_)};
      const std::span<double> p = probability.subspan(begin, count);
      model_.score(x, buffers.model, p);
      bool numbers = true;
      for (std::size_t i = 0; i < count; ++i) {
        label[begin + i] = p[i] >= scores.threshold;
        numbers &= p[i] == p[i];
      }
      if (!numbers) {
        const auto bad = std::find_if(p.begin(), p.end(), [](double v) { return v != v; });
        return unscorable{begin + static_cast<std::size_t>(bad - p.begin())};
      }
      observed.observe({part, scores.slice(begin, count)}, x);
    }
    if (!observed.admit({records, scores})) return refused{};
    observed.record({records, scores});
    return scores;
  }

 private:
  // Small enough that a block's features stay in the first-level cache between its stages, large enough that what each
  // stage costs per call does not show.
  static constexpr std::size_t block_rows = 256;

  struct checked {};
  pipeline(checked, Rules r, Features f, Model m, Sinks s)
      : rules_(std::move(r)), features_(std::move(f)), model_(std::move(m)), sinks_(std::move(s)) {}

  // Compares the model's features with the pipeline's, and notes which fields its text features are.
  result<std::monostate> match_features() {
    constexpr auto names = Features::template names<Schema>();
    const feature_names& wanted = model_.features();
    for (std::size_t j = 0; j < std::max(width, wanted.numeric.size()); ++j) {
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

  template <std::size_t N>
  void select_texts(const columns<Schema>& part, std::array<const std::string_view*, N>& text) const noexcept {
    Schema::for_each([&]<std::size_t I>() {
      if constexpr (Schema::kinds[I] == field_kind::text) {
        for (std::size_t t = 0; t < text_features_; ++t) {
          if (text_fields_[t] == I) text[t] = part.template get<I>().data();
        }
      }
    });
  }

  Rules rules_;
  Features features_;
  Model model_;
  Sinks sinks_;
  std::array<std::size_t, std::max<std::size_t>(1, Schema::text_count)> text_fields_{};
  std::size_t text_features_ = 0;
};

/// A pipeline whose types are deduced, or why the model does not fit its features.
template <schema_type Schema, class Rules, class Features, scorer Model, class Sinks = sinks<>>
result<pipeline<Schema, Rules, Features, Model, Sinks>> make_pipeline(Schema, Rules r, Features f, Model m,
                                                                      Sinks s = Sinks{}) {
  return pipeline<Schema, Rules, Features, Model, Sinks>::make(std::move(r), std::move(f), std::move(m), std::move(s));
}

}  // namespace tabscore
