// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/feature_block.hpp"
#include "../outputs/reasons.hpp"
#include "../outputs/task.hpp"
#include "feature_fault.hpp"

namespace tabscore::inline TABSCORE_ABI {

struct raw_checks;

/// The features a model was trained on, in its order: numeric ones first, then the text fields that it encodes itself.
struct feature_names {
  std::vector<std::string> numeric;            ///< numeric features, in the order of the columns
  std::vector<std::string> text;               ///< text fields, after them
  std::shared_ptr<const raw_checks> raw = {};  ///< records with the features' values, if the model file has some

  /// Features in all.
  std::size_t size() const noexcept { return numeric.size() + text.size(); }
  /// All of them in that order.
  std::vector<std::string> all() const;
};

/// The error of a model's threshold, if any: for two classes it is a probability, for anomalies any number; other tasks
/// have no threshold.
std::optional<error> wrong_threshold(double threshold, task predicted = task::binary);

/// A model: score() writes outputs().columns numbers per row, row-major; without outputs() the probability of one of
/// two classes. Immutable: threads share it; working memory is the caller's scratch. A row's bits depend on that row
/// alone, not on its neighbours, the batch or the CPU.
template <class Model>
concept scorer = requires(const Model& model, const feature_block& x, scratch& memory, std::span<double> out) {
  { model.features() } -> std::convertible_to<const feature_names&>;
  { model.threshold() } -> std::convertible_to<double>;  // binary: from it on positive; anomaly: below it an outlier
  { model.score(x, memory, out) } -> std::same_as<void>;
};

/// A scorer with a description of its outputs.
template <class Model>
concept describes_outputs = scorer<Model> && requires(const Model& model) {
  { model.outputs() } -> std::convertible_to<const model_outputs&>;
};

/// The outputs of a model: two unnamed classes where it does not describe them.
template <scorer Model>
const model_outputs& outputs_of(const Model& model) noexcept {
  if constexpr (describes_outputs<Model>) {
    return model.outputs();
  } else {
    static const model_outputs two_classes;
    return two_classes;
  }
}

/// A scorer of classes whose trainer decides by other numbers than score() gives (margins, say). decide_tie() gives
/// the class of a row whose two largest numbers are equal up to rounding; `first` is the column of the first one.
/// For two classes it gives 0 or 1 where probability and threshold are equal up to rounding. Other scorers:
/// `first`.
template <class Model>
concept decides_ties = scorer<Model> &&
    requires(const Model& model, const feature_block& x, std::size_t row, std::size_t first, scratch& memory) {
  { model.decide_tie(x, row, first, memory) } -> std::same_as<std::size_t>;
};

/// The column of a row's largest number: the first of equal ones; of numbers equal up to rounding, the model's
/// choice.
template <scorer Model>
std::size_t class_of_row(const Model& model, const feature_block& x, std::size_t row, std::span<const double> numbers,
                         scratch& memory) {
  const auto largest = std::max_element(numbers.begin(), numbers.end());
  const auto first = static_cast<std::size_t>(largest - numbers.begin());
  if constexpr (decides_ties<Model>) {
    const double least = *largest - 8 * std::numeric_limits<double>::epsilon() * std::abs(*largest);
    const auto candidates = std::count_if(numbers.begin(), numbers.end(), [&](double v) { return v >= least; });
    if (candidates > 1) return model.decide_tie(x, row, first, memory);
  }
  return first;
}

/// Whether a row of two classes is positive: from the threshold on; where the two are equal up to rounding, the
/// model's.
template <scorer Model>
bool is_positive(const Model& model, const feature_block& x, std::size_t row, double probability, double threshold,
                 scratch& memory) {
  const bool above = probability >= threshold;
  if constexpr (decides_ties<Model>) {
    if (std::abs(probability - threshold) <= 8 * std::numeric_limits<double>::epsilon() * threshold) {
      return model.decide_tie(x, row, above ? 1 : 0, memory) != 0;
    }
  }
  return above;
}

/// A scorer that can tell how much each of its features moved a row's margins: contributions() writes rows x columns x
/// (features().size() + 1), row after row: one number a feature, then the base value; they sum to the column's margin
/// (binary: log-odds) up to rounding. Precondition: explain_error() == nullptr (otherwise it is the reason). A scorer
/// whose contributions are relative to the mean of its training rows has explains_against_mean().
template <class Model>
concept explainable = scorer<Model> &&
    requires(const Model& model, const feature_block& x, scratch& memory, std::span<double> out) {
  { model.explain_error() } -> std::same_as<const error*>;
  { model.contributions(x, memory, out) } -> std::same_as<void>;
};

/// Whether a scorer's contributions are relative to the mean of its training rows.
template <explainable Model>
bool explains_against_mean(const Model& model) noexcept {
  if constexpr (requires { model.explains_against_mean(); }) return model.explains_against_mean();
  return false;
}

/// An explainable scorer whose bins may have reasons: bin_reasons() has all of them, find_bin_reasons() writes the
/// position of the reason of each row's bin of each feature (rows x features), or record_reasons::none.
template <class Model>
concept gives_bin_reasons = explainable<Model> &&
    requires(const Model& model, const feature_block& x, scratch& memory, std::span<std::uint16_t> out) {
  { model.bin_reasons() } -> std::same_as<std::span<const reason>>;
  { model.find_bin_reasons(x, memory, out) } -> std::same_as<void>;
};

/// The reasons of bins; empty: no reasons.
template <scorer Model>
std::span<const reason> bin_reasons_of([[maybe_unused]] const Model& model) noexcept {
  if constexpr (gives_bin_reasons<Model>) return model.bin_reasons();
  return {};
}

/// A scorer that knows why it gives a row no number, or no probability from 0 to 1, and which features may be missing
/// (NaN, or an absent text): asked when a pipeline is made, and of rows that it could not score.
template <class Model>
concept fault_finder = scorer<Model> &&
    requires(const Model& model, const feature_block& x, std::size_t i, scratch& memory) {
  { model.find_fault(x, i, memory) } -> std::same_as<feature_fault>;  // of row i
  { model.takes_missing(i) } -> std::same_as<bool>;                   // feature i, numeric ones first
};

/// Any scorer behind one virtual call per block, for models chosen at run time. Immutable; copies and threads share it.
class any_scorer {
 public:
  /// Takes the model over; copies share it.
  template <scorer Model>
  requires(!std::same_as<Model, any_scorer>)
      // NOLINTNEXTLINE(google-explicit-constructor): every scorer is an any_scorer.
      any_scorer(Model model) {
    model_outputs described = outputs_of(model);
    self_ = std::make_shared<const held<Model>>(std::move(model), std::move(described));
  }
  /// With the names of classes and outputs that the model itself does not know.
  template <scorer Model>
  any_scorer(Model model, model_outputs described)
      : self_(std::make_shared<const held<Model>>(std::move(model), std::move(described))) {}

  /// See scorer.
  const feature_names& features() const { return self_->features(); }
  /// See scorer.
  double threshold() const { return self_->threshold(); }
  /// See scorer.
  const model_outputs& outputs() const noexcept { return self_->outputs; }
  /// See scorer.
  void score(const feature_block& x, scratch& memory, std::span<double> out) const { self_->score(x, memory, out); }
  /// See scorer.
  std::size_t decide_tie(const feature_block& x, std::size_t row, std::size_t first, scratch& memory) const {
    return self_->decide_tie(x, row, first, memory);
  }
  /// nullptr: contributions() may be called.
  const error* explain_error() const { return self_->explain_error(); }
  /// See scorer.
  bool explains_against_mean() const noexcept { return self_->explains_against_mean(); }
  /// See scorer. Precondition: explain_error() == nullptr.
  void contributions(const feature_block& x, scratch& memory, std::span<double> out) const {
    self_->contributions(x, memory, out);
  }
  /// Empty: the model has no reasons of bins.
  std::span<const reason> bin_reasons() const noexcept { return self_->bin_reasons(); }
  /// See scorer. Precondition: bin_reasons() is not empty.
  void find_bin_reasons(const feature_block& x, scratch& memory, std::span<std::uint16_t> out) const {
    self_->find_bin_reasons(x, memory, out);
  }
  /// See scorer.
  feature_fault find_fault(const feature_block& x, std::size_t row, scratch& memory) const {
    return self_->find_fault(x, row, memory);
  }
  /// See scorer.
  bool takes_missing(std::size_t i) const { return self_->takes_missing(i); }

 private:
  struct base {
    explicit base(model_outputs described) : outputs(std::move(described)) {}
    base(const base&) = delete;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    virtual const feature_names& features() const = 0;
    virtual double threshold() const = 0;
    virtual void score(const feature_block&, scratch&, std::span<double>) const = 0;
    virtual std::size_t decide_tie(const feature_block&, std::size_t, std::size_t, scratch&) const = 0;
    virtual const error* explain_error() const = 0;
    virtual bool explains_against_mean() const noexcept = 0;
    virtual void contributions(const feature_block&, scratch&, std::span<double>) const = 0;
    virtual std::span<const reason> bin_reasons() const noexcept = 0;
    virtual void find_bin_reasons(const feature_block&, scratch&, std::span<std::uint16_t>) const = 0;
    virtual feature_fault find_fault(const feature_block&, std::size_t, scratch&) const = 0;
    virtual bool takes_missing(std::size_t) const = 0;
    const model_outputs outputs;
  };
  template <scorer Model>
  struct held final : base {
    held(Model m, model_outputs described) : base(std::move(described)), model(std::move(m)) {}
    const feature_names& features() const override { return model.features(); }
    double threshold() const override { return model.threshold(); }
    void score(const feature_block& x, scratch& memory, std::span<double> out) const override {
      model.score(x, memory, out);
    }
    std::size_t decide_tie(const feature_block& x, std::size_t row, std::size_t first, scratch& memory) const override {
      if constexpr (decides_ties<Model>) return model.decide_tie(x, row, first, memory);
      return first;
    }
    const error* explain_error() const override {
      static const error none{errc::unsupported, "a model of this kind has no contributions"};
      if constexpr (explainable<Model>) return model.explain_error();
      return &none;
    }
    bool explains_against_mean() const noexcept override {
      if constexpr (explainable<Model>) return tabscore::explains_against_mean(model);
      return false;
    }
    void contributions(const feature_block& x, scratch& memory, std::span<double> out) const override {
      if constexpr (explainable<Model>) model.contributions(x, memory, out);
    }
    std::span<const reason> bin_reasons() const noexcept override { return bin_reasons_of(model); }
    void find_bin_reasons(const feature_block& x, scratch& memory, std::span<std::uint16_t> out) const override {
      std::fill(out.begin(), out.end(), record_reasons::none);
      if constexpr (gives_bin_reasons<Model>) model.find_bin_reasons(x, memory, out);
    }
    feature_fault find_fault(const feature_block& x, std::size_t row, scratch& memory) const override {
      if constexpr (fault_finder<Model>) return model.find_fault(x, row, memory);
      return {};
    }
    bool takes_missing(std::size_t i) const override {
      if constexpr (fault_finder<Model>) return model.takes_missing(i);
      return true;
    }
    Model model;
  };
  std::shared_ptr<const base> self_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::vector<std::string> feature_names::all() const {
  std::vector<std::string> names = numeric;
  names.insert(names.end(), text.begin(), text.end());
  return names;
}

TABSCORE_INLINE std::optional<error> wrong_threshold(double threshold, task predicted) {
  const bool any = threshold - threshold == 0;
  if (predicted == task::binary ? threshold >= 0 && threshold <= 1 : any) return std::nullopt;
  std::string sentence = "the threshold is ";
  sentence.append(std::to_string(threshold)).append(", expected a ");
  sentence.append(predicted == task::binary ? "probability from 0 to 1" : "finite number");
  return error{errc::structure, std::move(sentence)};
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
