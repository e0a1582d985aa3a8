// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/scratch.hpp"
#include "../features/feature_block.hpp"

namespace tabscore {

/// The features a model was trained on, in its order: numeric ones first, then the text fields that it encodes itself.
struct feature_names {
  std::vector<std::string> numeric;
  std::vector<std::string> text;
};

/// A binary model: gives each row of a block a probability. Immutable, so that threads share one; all working memory is
/// the caller's scratch. A row's bits depend on that row alone, never on its neighbours, the batch or the CPU.
template <class Model>
concept scorer = requires(const Model& model, const feature_block& x, scratch& memory, std::span<double> probability) {
  { model.features() } -> std::convertible_to<const feature_names&>;
  { model.threshold() } -> std::convertible_to<double>;  // positive means: probability >= threshold
  { model.score(x, memory, probability) } -> std::same_as<void>;
};

/// Any scorer behind one virtual call per block: for programs that choose the model at run time. Shares ownership.
class any_scorer {
 public:
  template <scorer Model>
  requires(!std::same_as<Model, any_scorer>)
      // NOLINTNEXTLINE(google-explicit-constructor): every scorer is an any_scorer.
      any_scorer(Model model)
      : self_(std::make_shared<const held<Model>>(std::move(model))) {}

  const feature_names& features() const { return self_->features(); }
  double threshold() const { return self_->threshold(); }
  void score(const feature_block& x, scratch& memory, std::span<double> probability) const {
    self_->score(x, memory, probability);
  }

 private:
  struct base {
    base() = default;
    base(const base&) = delete;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    virtual const feature_names& features() const = 0;
    virtual double threshold() const = 0;
    virtual void score(const feature_block&, scratch&, std::span<double>) const = 0;
  };
  template <scorer Model>
  struct held final : base {
    explicit held(Model m) : model(std::move(m)) {}
    const feature_names& features() const override { return model.features(); }
    double threshold() const override { return model.threshold(); }
    void score(const feature_block& x, scratch& memory, std::span<double> p) const override {
      model.score(x, memory, p);
    }
    Model model;
  };
  std::shared_ptr<const base> self_;
};

}  // namespace tabscore
