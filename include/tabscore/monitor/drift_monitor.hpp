// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "coarse_clock.hpp"
#include "drift_reference.hpp"
#include "moments.hpp"
#include "monitored_outputs.hpp"
#include "mutex.hpp"
#include "sharded.hpp"
#include "sink.hpp"
#include "sliding_counts.hpp"
#include "small_batch_buffer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A sink that counts for drift reports: the moments, and the counts of every feature's and the predictions'
/// histograms over sliding windows. A reader sees a batch whole or not at all. Small batches are counted many at a
/// time. No concurrent call causes a data race (drift_monitor; drift_monitor_st is for one thread).
template <class Mutex, class Clock = coarse_clock>
class basic_drift_monitor {
  template <std::size_t Width>
  using tallies = std::array<binner::tally, Width + 1>;

 public:
  /// The pipeline's features must be the model's of the reference. Without histograms there it keeps the moments alone.
  explicit basic_drift_monitor(drift_reference reference, std::uint64_t window_records = 2000)
      : reference_(std::move(reference)), counts_(reference_.cells(), window_records) {}

  /// The reference of the comparison.
  const drift_reference& reference() const noexcept { return reference_; }

  /// Counts of a batch that is being scored.
  template <std::size_t Width>
  class partial {
   public:
    partial() noexcept {}  // the arrays are written before they are read, and only as far as they are used

   private:
    friend basic_drift_monitor;
    moments_st::partial<Width> moments_;
    std::uint64_t rows_ = 0;
    tallies<Width> numbers_;
    std::array<std::uint32_t, max_text_cells> text_;
  };

  /// The sink's hook: counts a block.
  template <schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const scored<Schema>& block, const feature_block& x) const noexcept {
    moments_.observe(part.moments_, block, x);
    if (reference_.empty()) return;
    check(x);
    if (part.rows_ == 0) {
      part.numbers_.fill(binner::tally{});
      with_text_copies([&](auto copies) { std::fill_n(part.text_.begin(), text_cells() * copies, 0U); });
    }
    part.rows_ += x.rows;
    count(part.numbers_, x, block.scores);
    with_text_copies([&](auto copies) {
      std::uint32_t* cell = part.text_.data();
      for (std::size_t f = 0; f < x.text.size(); ++f) {
        each_text_cell(x, f, [&](std::size_t i, std::size_t at) { ++cell[at * copies + i % copies]; });
        cell += (reference_.text[f].size() + 2) * copies;
      }
    });
  }

  /// The sink's hook: adds a batch once all of it is scored.
  template <schema_type Schema, std::size_t Width>
  void record(const partial<Width>& part, const scored<Schema>& batch) noexcept {
    in_turn([&] {
      moments_.record(part.moments_, batch);
      if (reference_.empty()) return;
      std::uint64_t* const cells = counts_.add(batch.records.rows(), this_minute()).data();
      add(part.numbers_, part.rows_, cells);
      add_outputs(batch.scores, cells);
      std::uint64_t* const texts = cells + text_feature(0).first;
      with_text_copies([&](auto copies) {
        for (std::size_t i = 0; i < text_cells(); ++i) {
          for (std::size_t k = 0; k < copies; ++k) texts[i] += part.text_[i * copies + k];
        }
      });
    });
  }

  /// observe() and record() of a batch of one block; few rows are counted later, with others.
  template <std::size_t Width, schema_type Schema>
  void record_block(const scored<Schema>& batch, const feature_block& x) noexcept {
    if (!reference_.empty()) check(x);
    if (!small_batch_buffer::may_wait(batch.records, batch.scores)) return record_now<Width>(batch, x);
    const auto now = this_minute();
    small_.local([&](few_rows& local) {
      if (!local.rows.ready() && !prepare(local, Width, batch.scores)) return;
      if (local.minute != now) count(local);
      local.minute = now;
      for (std::size_t f = 0; f < reference_.text.size(); ++f) {
        std::uint32_t* const to = local.text_cell.data() + f * small_batch_buffer::room + local.rows.rows();
        each_text_cell(x, f, [&](std::size_t i, std::size_t at) { to[i] = static_cast<std::uint32_t>(at); });
      }
      local.rows.put(x, batch.scores);
      if (local.rows.rows() >= local.enough || local.rows.full()) count(local);
    });
  }

  /// Consistent copies: of whole batches.
  totals read() const { return exact().rounded(); }
  /// Totals without rounding, which merge bit for bit.
  exact_totals exact() const {
    return all_counted([&] { return moments_.exact(); });
  }
  /// Counts of each cell of the reference, within a window.
  std::vector<std::uint64_t> counts(window w) const {
    const auto now = this_minute();
    return all_counted([&] { return counts_.read(w, now); });
  }
  /// Both, taken at the same moment.
  std::pair<exact_totals, std::vector<std::uint64_t>> total() const {
    return all_counted([&] { return std::pair(moments_.exact(), counts_.read(window::total, {})); });
  }
  /// Adds the counts of another replica, or of this one before a restart, to the totals. Windows hold only the records
  /// of this sink.
  void merge(const exact_totals& sums, std::span<const std::uint64_t> counts) {
    const std::lock_guard lock(mutex_);
    moments_.merge(sums);
    counts_.merge(counts);
  }

 private:
  static std::chrono::minutes this_minute() noexcept {
    return std::chrono::floor<std::chrono::minutes>(Clock::now().time_since_epoch());
  }
  template <std::size_t Numbers>
  void count(std::array<binner::tally, Numbers>& into, const feature_block& x,
             const predictions& scores) const noexcept {
    for (std::size_t j = 0; j + 1 < Numbers; ++j) reference_.bins[j].count(x.column(j), x.rows, into[j]);
    if (is_binary()) reference_.bins.back().count(scores.value.data(), x.rows, into.back());
  }
  template <std::size_t Numbers>
  void add(const std::array<binner::tally, Numbers>& counted, std::uint64_t rows, std::uint64_t* cells) const noexcept {
    const std::size_t numbers = is_binary() ? Numbers : Numbers - 1;
    for (std::size_t j = 0; j < numbers; ++j)
      reference_.bins[j].add(counted[j], rows, cells + reference_.number(j).first);
  }
  bool is_binary() const noexcept { return reference_.features.back().kind == monitored_kind::probability; }

  /// Of other tasks than two classes: under the lock, once a batch.
  void add_outputs(const predictions& p, std::uint64_t* cells) const noexcept {
    if (is_binary()) return;
    TABSCORE_ASSERT(summed_outputs(p.layout->model) == reference_.outputs,
                    "a drift monitor was given to a pipeline of other predictions");
    for (std::size_t k = 0; k < reference_.outputs; ++k) {
      const std::size_t j = reference_.numeric() + k;
      binner::tally t{};
      each_output_run(p, k, [&](std::span<const double> run) { reference_.bins[j].count(run.data(), run.size(), t); });
      reference_.bins[j].add(t, p.rows(), cells + reference_.number(j).first);
    }
    for (const std::uint32_t c : p.class_at) ++cells[reference_.features.back().first + c];
  }

  /// record_block() of more rows than may wait.
  template <std::size_t Width, schema_type Schema>
  void record_now(const scored<Schema>& batch, const feature_block& x) noexcept {
    moments_st::partial<Width> sums;
    moments_.observe(sums, batch, x);
    tallies<Width> numbers;
    if (!reference_.empty()) {
      numbers.fill(binner::tally{});
      count(numbers, x, batch.scores);
    }
    in_turn([&] {
      moments_.record(sums, batch);
      if (reference_.empty()) return;
      std::uint64_t* const cells = counts_.add(x.rows, this_minute()).data();
      add(numbers, x.rows, cells);
      add_outputs(batch.scores, cells);
      for (std::size_t f = 0; f < x.text.size(); ++f) {
        std::uint64_t* const texts = cells + text_feature(f).first;
        each_text_cell(x, f, [&](std::size_t, std::size_t at) { ++texts[at]; });
      }
    });
  }

  /// Calls add() under the lock, after the buffered rows of this thread.
  template <class Add>
  void in_turn(Add&& add) noexcept {
    small_.local([&](few_rows& local) {
      count(local);
      const std::lock_guard lock(mutex_);
      add();
      local.enough = counts_.room();
    });
  }

  /// Buffered rows of small batches of one thread.
  struct few_rows {
    small_batch_buffer rows;
    std::chrono::minutes minute{};         // when they came
    std::uint64_t enough = 0;              // so many rows end a piece of the record window
    std::vector<std::uint32_t> text_cell;  // which cell of its field, field after field
  };

  bool prepare(few_rows& local, std::size_t features, const predictions& p) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (!moments_.prepare(features, p)) return false;
    }
    const std::size_t texts = reference_.text.size() * small_batch_buffer::room;
    return detail::unless_out_of_memory([&] { return local.text_cell.resize(texts), true; }) &&
           local.rows.prepare(features);
  }

  /// The time of the call does not change the counts.
  void count(few_rows& from) const noexcept {
    if (from.rows.rows() == 0) return;
    const std::lock_guard lock(mutex_);
    for (std::size_t begin = 0, n = 0; begin < from.rows.rows() && !reference_.empty(); begin += n) {
      // Another thread may have filled the piece meanwhile; a batch more than it takes is as if nobody had waited.
      n = from.rows.rows() - begin;
      if (n > counts_.room() + small_batch_buffer::most) n = counts_.room();
      std::uint64_t* const cells = counts_.add(n, from.minute).data();
      for (std::size_t j = 0; j < reference_.bins.size(); ++j) {
        binner::tally t{};
        reference_.bins[j].count(from.rows.column(j).data() + begin, n, t);
        reference_.bins[j].add(t, n, cells + reference_.number(j).first);
      }
      for (std::size_t f = 0; f < reference_.text.size(); ++f) {
        std::uint64_t* const texts = cells + text_feature(f).first;
        const std::uint32_t* const at = from.text_cell.data() + f * small_batch_buffer::room + begin;
        for (std::size_t i = 0; i < n; ++i) ++texts[at[i]];
      }
    }
    from.enough = counts_.room();
    moments_.add(from.rows);
  }

  template <class Read>
  auto all_counted(Read&& read) const {
    return small_.all([&](few_rows& each) { count(each); },
                      [&] {
                        const std::lock_guard lock(mutex_);
                        return read();
                      });
  }

  void check([[maybe_unused]] const feature_block& x) const noexcept {
    TABSCORE_ASSERT(x.width == reference_.numeric() && x.text.size() == reference_.text.size(),
                    "a drift monitor was given to a pipeline of other features");
  }
  const monitored& text_feature(std::size_t f) const noexcept { return reference_.features[reference_.numeric() + f]; }
  std::size_t text_cells() const noexcept { return text_feature(reference_.text.size()).first - text_feature(0).first; }
  /// Each cell of a text is counted in several places in turn, when there is room, so that rows with the same text need
  /// not wait for one another.
  template <class Use>
  void with_text_copies(Use&& use) const noexcept {
    constexpr std::size_t copies = 4;
    if (text_cells() <= max_text_cells / copies) {
      use(std::integral_constant<std::size_t, copies>{});
    } else {
      use(std::integral_constant<std::size_t, 1>{});
    }
  }

  /// Calls use(row, cell) for each row of a text field.
  template <class Use>
  void each_text_cell(const feature_block& x, std::size_t field, Use&& use) const noexcept {
    const one_hot& levels = reference_.text[field];
    each_code(x, field, levels, 0, x.rows, [&](std::size_t i, std::int32_t code) {
      const bool missing = x.text[field][i].data() == nullptr;
      use(i, missing ? levels.size() + 1 : code == one_hot::unknown ? levels.size() : static_cast<std::size_t>(code));
    });
  }

  const drift_reference reference_;
  mutable sharded<few_rows, Mutex> small_;
  mutable Mutex mutex_;
  moments_st moments_;
  mutable sliding_counts counts_;
};

/// Thread-safe.
using drift_monitor = basic_drift_monitor<std::mutex>;
/// For one thread.
using drift_monitor_st = basic_drift_monitor<no_mutex>;

}  // namespace tabscore::inline TABSCORE_ABI
