// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../pipeline/pipeline.hpp"
#include "arms.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The way of a request's records: the champion's pipeline, or that of each record's arm. Has what score_request()
/// needs of a pipeline.
template <class Service>
class routed_pipeline {
  using record = typename Service::record;
  using pipe = pipeline_of<Service>;

 public:
  /// `arms`: nullptr where there are none.
  routed_pipeline(const pipe& champion, const arm_router<Service>* arms) noexcept : champion_(champion), arms_(arms) {}

  const auto& rules() const noexcept { return champion_.rules(); }
  const any_scorer& model() const { return arms_ == nullptr ? champion_.model() : arms_->least_explained(); }
  const reason_finder* reasons() const noexcept { return champion_.reasons(); }

  score_outcome score(const columns<record>& records, score_buffers& buffers, const batch_options& options) const {
    return arms_ == nullptr ? champion_.score(records, buffers, options) : arms_->score(records, buffers, options);
  }
  result<std::span<const double>> explain(const columns<record>& records, score_buffers& buffers) const {
    if (arms_ == nullptr) return champion_.explain(records, buffers);
    return arms_->explain(records, buffers);
  }
  template <class F>
  void for_each_unscorable(const columns<record>& records, score_buffers& buffers, F&& f) const {
    if (arms_ == nullptr) return champion_.for_each_unscorable(records, buffers, f);
    arms_->for_each_unscorable(records, f);
  }

  class scoring {
   public:
    scoring(const routed_pipeline& by, score_buffers& buffers, const batch_options& options) noexcept
        : arms_(by.arms_), buffers_(buffers), options_(options), run_(by.champion_, buffers, options) {}
    const auto& rules() const noexcept { return run_.rules(); }
    void add(const columns<record>& records) {
      if (arms_ == nullptr) run_.add(records);
    }
    score_outcome finish(const columns<record>& records) {
      if (arms_ == nullptr) return run_.finish(records);
      return arms_->score(records, buffers_, options_);
    }

   private:
    const arm_router<Service>* arms_;
    score_buffers& buffers_;
    const batch_options options_;
    typename pipe::scoring run_;
  };

 private:
  const pipe& champion_;
  const arm_router<Service>* arms_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
