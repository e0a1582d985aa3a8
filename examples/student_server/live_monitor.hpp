// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <tabscore/tabscore.hpp>
#include <utility>

/// A sink that keeps what drift is read from: histograms where the model file has those of its training rows, else only
/// the moments. Set up before the first batch; then no concurrent call causes a data race.
class live_monitor {
 public:
  void compare_with(tabscore::drift_reference reference) { full_.emplace(std::move(reference)); }

  tabscore::totals read() const { return full_ ? full_->read() : plain_.read(); }
  /// nullptr: the model file has no histograms.
  const tabscore::drift_monitor* histograms() const { return full_ ? &*full_ : nullptr; }

  template <std::size_t Width>
  struct partial {
    std::optional<tabscore::drift_monitor::partial<Width>> full;
    std::optional<tabscore::moments::partial<Width>> plain;
  };

  template <tabscore::schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const tabscore::scored<Schema>& block,
               const tabscore::feature_block& x) const noexcept {
    if (full_) {
      full_->observe(part.full ? *part.full : part.full.emplace(), block, x);
    } else {
      plain_.observe(part.plain ? *part.plain : part.plain.emplace(), block, x);
    }
  }
  template <tabscore::schema_type Schema, std::size_t Width>
  void record(const partial<Width>& part, const tabscore::scored<Schema>& batch) noexcept {
    if (full_) {
      full_->record(*part.full, batch);
    } else {
      plain_.record(*part.plain, batch);
    }
  }

 private:
  std::optional<tabscore::drift_monitor> full_;
  tabscore::moments plain_;
};
