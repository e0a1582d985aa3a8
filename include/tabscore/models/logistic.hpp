// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/encoder.hpp"
#include "../features/feature_block.hpp"
#include "detail/linear_kernels.hpp"
#include "detail/sigmoid.hpp"
#include "kernel.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The parameters of a logistic regression, aligned with its encoder.
struct logistic_parameters {
  std::vector<double> numeric;            ///< one coefficient per numeric feature
  std::vector<std::vector<double>> text;  ///< per text field, one coefficient per category, or one for its position
  double intercept = 0;                   ///< added to the weighted sum
};

/// Logistic regression over standardised numeric features and one-hot text fields. Immutable, so that threads share
/// one.
class logistic {
 public:
  /// As make(...).value(): parts that do not fit throw (abort without exceptions).
  logistic(feature_names names, tabscore::encoder encoder, const logistic_parameters& learnt, double threshold,
           kernel wanted = kernel::best);

  /// An error unless names, encoder and finite parameters describe the same features, the threshold is a probability
  /// and the CPU has the kernel. All kernels give the same bits.
  static result<logistic> make(feature_names names, tabscore::encoder encoder, const logistic_parameters& learnt,
                               double threshold, kernel wanted = kernel::best);

  /// @{
  /// Compiled once: copying categories and steps is much code.
  logistic(const logistic& other);
  logistic(logistic&& other) noexcept;
  logistic& operator=(const logistic& other);
  logistic& operator=(logistic&& other) noexcept;
  ~logistic();
  /// @}

  /// In the order of the columns.
  const feature_names& features() const noexcept { return names_; }
  /// The label is 1 from here on.
  double threshold() const noexcept { return threshold_; }
  /// From features to the columns of the weights.
  const tabscore::encoder& encoder() const noexcept { return encoder_; }

  /// One probability per row: 1 / (1 + exp(-margin)), with the exp of the C library.
  void score(const feature_block& x, scratch& memory, std::span<double> probability) const {
    margins(x, memory, probability);
    sigmoid_(probability.data(), x.rows);
  }

  /// One log-odds a record.
  static constexpr std::size_t margin_columns() noexcept { return 1; }
  /// One log-odds per row: the numeric terms, the text terms and the intercept, added in that order without fusing.
  void margins(const feature_block& x, scratch& memory, std::span<double> margin) const;

  /// The first number that is NaN, or made infinite, once it is prepared.
  feature_fault find_fault(const feature_block& x, std::size_t row, scratch&) const;
  /// An absent text is one without a category; a number needs a step that imputes it.
  bool takes_missing(std::size_t i) const;

  /// Each feature's own term of the margin, then the intercept: rows x (features + 1), row after row. Added up in that
  /// order they are the margin, bit for bit. A model with a training distribution tells terms against the training
  /// mean, which add up to it but for rounding.
  void contributions(const feature_block& raw, scratch& memory, std::span<double> out) const;
  /// Sets the training mean, the reference of contributions.
  void explain_against(std::vector<double> training_mean) { training_mean_ = std::move(training_mean); }
  /// Linear models always have contributions.
  static const error* explain_error() noexcept { return nullptr; }
  /// The model file has training means; otherwise contributions are told against 0.
  bool explains_against_mean() const noexcept { return !training_mean_.empty(); }

  /// How far apart two correct summations of row i's margin may be: 4 n u (sum |terms| + |intercept|), n encoded
  /// columns. Where a logarithm may differ in its last bit, the size of a term is taken before its scaler subtracts.
  double margin_bound(const feature_block& x, std::size_t i, std::size_t = 0) const noexcept;
  /// How far a probability may be from the trainer's.
  static constexpr double probability_bound() noexcept { return 1e-12; }
  /// How far an output may be from the trainer's.
  static double output_bound(const feature_block&, std::size_t, std::size_t) noexcept { return probability_bound(); }

 private:
  static std::optional<error> wrong(const tabscore::encoder& encoder, const logistic_parameters& learnt);

  /// The trainer refuses what a step makes infinite: the logarithm of 0, say.
  bool made_infinite(std::size_t j, double prepared) const noexcept {
    return std::isinf(prepared) && encoder_.has_steps(j);
  }

  struct checked {};
  logistic(checked, feature_names names, tabscore::encoder encoder, const logistic_parameters& learnt, double threshold,
           kernel wanted);

  feature_names names_;
  tabscore::encoder encoder_;
  std::vector<std::vector<double>> text_;
  double intercept_;
  double threshold_;
  std::vector<double> training_mean_;  ///< empty: contributions are the terms
  detail::linear_terms terms_;
  detail::linear_kernel add_terms_;
  detail::sigmoid_kernel sigmoid_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
#include "detail/training_mean.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE logistic::logistic(feature_names names, tabscore::encoder encoder, const logistic_parameters& learnt,
                                   double threshold, kernel wanted)
    : logistic(make(std::move(names), std::move(encoder), learnt, threshold, wanted).value()) {}
TABSCORE_INLINE logistic::logistic(const logistic& other) = default;
TABSCORE_INLINE logistic::logistic(logistic&& other) noexcept = default;
TABSCORE_INLINE logistic& logistic::operator=(const logistic& other) = default;
TABSCORE_INLINE logistic& logistic::operator=(logistic&& other) noexcept = default;
TABSCORE_INLINE logistic::~logistic() = default;

TABSCORE_INLINE bool logistic::takes_missing(std::size_t i) const {
  return i >= names_.numeric.size() || !std::isnan(encoder_.prepared(i, std::numeric_limits<double>::quiet_NaN()));
}

TABSCORE_INLINE result<logistic> logistic::make(feature_names names, tabscore::encoder encoder,
                                                const logistic_parameters& learnt, double threshold, kernel wanted) {
  std::vector<std::string> sorted = names.all();
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return error{errc::structure, "two features are called \"" + *twice + "\""};
  }
  if (auto e = encoder.wrong(names.numeric.size(), names.text.size())) return *std::move(e);
  if (auto e = wrong(encoder, learnt)) return *std::move(e);
  if (auto e = wrong_threshold(threshold)) return *std::move(e);
  if (!available(wanted)) {
    return error{errc::unsupported, std::string("this CPU does not support the kernel \"") + name(wanted) + "\""};
  }
  return logistic(checked{}, std::move(names), std::move(encoder), learnt, threshold, wanted);
}

TABSCORE_INLINE void logistic::margins(const feature_block& x, scratch& memory, std::span<double> margin) const {
  TABSCORE_ASSERT(encoder_.fits(x), "the block has other features than the model");
  TABSCORE_ASSERT(margin.size() >= x.rows, "fewer margins than rows");
  if (encoder_.before.empty()) {
    add_terms_(x, terms_, margin.data());
  } else {
    const feature_block ready = encoder_.prepared(x, memory);
    add_terms_(ready, terms_, margin.data());
    for (std::size_t i = 0; i < x.rows; ++i) {
      if (!std::isinf(margin[i])) continue;
      for (std::size_t j = 0; j < x.width; ++j) {
        if (made_infinite(j, ready.column(j)[i])) margin[i] = std::numeric_limits<double>::quiet_NaN();
      }
    }
  }
  for (std::size_t f = 0; f < text_.size(); ++f) {
    const double* const coefficient = text_[f].data() + 1;
    each_code(x, f, encoder_.text[f], 0, x.rows,
              [&](std::size_t i, std::int32_t code) { margin[i] += coefficient[code]; });
  }
  for (double& value : margin.first(x.rows)) value += intercept_;
}

TABSCORE_INLINE feature_fault logistic::find_fault(const feature_block& x, std::size_t row, scratch&) const {
  for (std::size_t j = 0; j < x.width; ++j) {
    const double value = x.column(j)[row];
    const double ready = encoder_.prepared(j, value);
    if (!std::isnan(ready) && !made_infinite(j, ready)) continue;
    return {j, std::isnan(value) ? fault::model_needs : fault::not_finite};
  }
  return {};
}

TABSCORE_INLINE void logistic::contributions(const feature_block& raw, scratch& memory, std::span<double> out) const {
  const feature_block x = encoder_.prepared(raw, memory);
  TABSCORE_ASSERT(encoder_.fits(x), "the block has other features than the model");
  TABSCORE_ASSERT(out.size() >= x.rows * (names_.size() + 1), "less room than contributions");
  const auto terms = terms_.all();
  double* to = out.data();
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (std::size_t j = 0; j < terms.size(); ++j) {
      *to++ = terms[j].coefficient * encoder_.numeric[j](x.column(j)[i]);
    }
    for (std::size_t f = 0; f < text_.size(); ++f) {
      *to++ = text_[f][static_cast<std::size_t>(encoder_.text[f].code(x.text[f][i]) + 1)];
    }
    *to++ = intercept_;
  }
  detail::centre(out.first(x.rows * (names_.size() + 1)), training_mean_, names_.size());
}

TABSCORE_INLINE double logistic::margin_bound(const feature_block& x, std::size_t i, std::size_t) const noexcept {
  double size = std::abs(intercept_);
  for (std::size_t j = 0; j < encoder_.numeric.size(); ++j) {
    const double value = encoder_.prepared(j, x.column(j)[i]);
    const standardize& last = encoder_.numeric[j];
    size += std::abs(terms_.all()[j].coefficient *
                     (encoder_.has_steps(j) ? (std::abs(value) + std::abs(last.mean)) / last.scale : last(value)));
  }
  for (std::size_t f = 0; f < text_.size(); ++f) {
    size += std::abs(text_[f][static_cast<std::size_t>(encoder_.text[f].code(x.text[f][i]) + 1)]);
  }
  return 4.0 * static_cast<double>(encoder_.width()) * (std::numeric_limits<double>::epsilon() / 2) * size;
}

TABSCORE_INLINE std::optional<error> logistic::wrong(const tabscore::encoder& encoder,
                                                     const logistic_parameters& learnt) {
  const auto sizes = [](std::string_view what, std::size_t expected, std::size_t found) {
    return error{errc::structure, std::string("a logistic model of ")
                                      .append(what)
                                      .append(" has ")
                                      .append(std::to_string(found))
                                      .append(" coefficients, expected ")
                                      .append(std::to_string(expected))};
  };
  const auto finite = [](const std::vector<double>& all) {
    return std::all_of(all.begin(), all.end(), [](double c) { return std::isfinite(c); });
  };
  if (learnt.numeric.size() != encoder.numeric.size()) {
    return sizes("numeric features", encoder.numeric.size(), learnt.numeric.size());
  }
  if (learnt.text.size() != encoder.text.size()) {
    return sizes("text features", encoder.text.size(), learnt.text.size());
  }
  bool all_finite = finite(learnt.numeric) && std::isfinite(learnt.intercept);
  for (std::size_t f = 0; f < learnt.text.size(); ++f) {
    if (learnt.text[f].size() != encoder.text_width(f)) {
      return sizes("text feature " + std::to_string(f), encoder.text_width(f), learnt.text[f].size());
    }
    all_finite = all_finite && finite(learnt.text[f]);
  }
  if (!all_finite)
    return error{errc::structure, "a logistic model has a coefficient or an intercept that is not finite"};
  return std::nullopt;
}

TABSCORE_INLINE logistic::logistic(checked, feature_names names, tabscore::encoder encoder,
                                   const logistic_parameters& learnt, double threshold, kernel wanted)
    : names_(std::move(names)),
      encoder_(std::move(encoder)),
      intercept_(learnt.intercept),
      threshold_(threshold),
      terms_(encoder_.numeric, learnt.numeric),
      add_terms_(detail::linear_kernel_for(wanted)),
      sigmoid_(detail::sigmoid_kernel_for(wanted)) {
  for (std::size_t f = 0; f < learnt.text.size(); ++f) {
    std::vector<double>& by_code = text_.emplace_back(1, 0.0);  // [0] serves one_hot::unknown, which is -1
    if (encoder_.is_ordinal(f)) {
      const double c = learnt.text[f][0];
      by_code[0] = *encoder_.ordinal[f] * c;
      for (std::size_t k = 0; k < encoder_.text[f].size(); ++k) by_code.push_back(static_cast<double>(k) * c);
    } else {
      by_code.insert(by_code.end(), learnt.text[f].begin(), learnt.text[f].end());
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
