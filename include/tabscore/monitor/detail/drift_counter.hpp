// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../drift_reference.hpp"
#include "../moments.hpp"
#include "../monitored_outputs.hpp"
#include "../mutex.hpp"
#include "../sharded.hpp"
#include "../sliding_counts.hpp"
#include "../small_batch_buffer.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The counts of a batch that is being scored.
struct drift_counts {
  partial_sums sums;
  std::span<binner::tally> numbers;  // of each feature, then of the predictions
  std::span<std::uint32_t> text;     // max_text_cells; written before they are read, as far as they are used
  std::uint64_t& rows;
};

/// The part of a drift monitor that depends on no schema, compiled once. The caller gives the time.
template <class Mutex>
class drift_counter {
 public:
  using minutes = std::chrono::minutes;
  using integer_columns = std::span<const std::int64_t* const>;

  drift_counter(drift_reference reference, std::uint64_t window_records);
  ~drift_counter();

  const drift_reference& reference() const noexcept { return reference_; }

  /// Counts a block.
  void observe(const drift_counts& part, integer_columns integers, const predictions& scores,
               const feature_block& x) const noexcept;
  /// Adds a batch of blocks.
  void record(const drift_counts& part, std::span<const bool> integer_fields, std::size_t rows,
              const predictions& scores, minutes now) noexcept;
  /// Buffers the rows of a small batch; false where they may not wait.
  bool wait(integer_columns integers, const predictions& scores, const feature_block& x, minutes now) noexcept;
  /// Counts and adds a batch of one block; the memory of `part` is used.
  void record_now(const drift_counts& part, integer_columns integers, std::span<const bool> integer_fields,
                  const predictions& scores, const feature_block& x, minutes now) noexcept;

  exact_totals exact() const;
  std::vector<std::uint64_t> counts(window w, minutes now) const;
  std::pair<exact_totals, std::vector<std::uint64_t>> total() const;
  void merge(const exact_totals& sums, std::span<const std::uint64_t> counts);

 private:
  /// Buffered rows of small batches of one thread.
  struct few_rows {
    small_batch_buffer rows;
    minutes minute{};                      // when they came
    std::uint64_t enough = 0;              // rows that complete a piece of the record window
    std::vector<std::uint32_t> text_cell;  // which cell of its field, field after field
  };

  bool is_binary() const noexcept { return reference_.features.back().kind == monitored_kind::probability; }
  void check([[maybe_unused]] const feature_block& x) const noexcept {
    TABSCORE_ASSERT(x.width == reference_.numeric() && x.text.size() == reference_.text.size(),
                    "a drift monitor was given to a pipeline of other features");
  }
  const monitored& text_feature(std::size_t f) const noexcept { return reference_.features[reference_.numeric() + f]; }
  std::size_t text_cells() const noexcept { return text_feature(reference_.text.size()).first - text_feature(0).first; }

  void count(std::span<binner::tally> into, const feature_block& x, const predictions& scores) const noexcept;
  void add(std::span<const binner::tally> counted, std::uint64_t rows, std::uint64_t* cells) const noexcept;
  void add_outputs(const predictions& p, std::uint64_t* cells) const noexcept;
  template <class Add>
  void in_turn(Add&& add) noexcept;
  bool prepare(few_rows& local, std::size_t features, const predictions& p) noexcept;
  void count(few_rows& from) const noexcept;
  template <class Read>
  auto all_counted(Read&& read) const;
  template <class Use>
  void with_text_copies(Use&& use) const noexcept;
  template <class Use>
  void each_text_cell(const feature_block& x, std::size_t field, Use&& use) const noexcept;

  const drift_reference reference_;
  mutable sharded<few_rows, Mutex> small_;
  mutable Mutex mutex_;
  moments_st moments_;
  mutable sliding_counts counts_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

template <class Mutex>
drift_counter<Mutex>::drift_counter(drift_reference reference, std::uint64_t window_records)
    : reference_(std::move(reference)), counts_(reference_.cells(), window_records) {}
template <class Mutex>
drift_counter<Mutex>::~drift_counter() = default;

template <class Mutex>
void drift_counter<Mutex>::observe(const drift_counts& part, integer_columns integers, const predictions& scores,
                                   const feature_block& x) const noexcept {
  moments_.observe(part.sums, integers, x);
  if (reference_.empty()) return;
  check(x);
  if (part.rows == 0) {
    std::fill(part.numbers.begin(), part.numbers.end(), binner::tally{});
    with_text_copies([&](auto copies) { std::fill_n(part.text.begin(), text_cells() * copies, 0U); });
  }
  part.rows += x.rows;
  count(part.numbers, x, scores);
  with_text_copies([&](auto copies) {
    std::uint32_t* cell = part.text.data();
    for (std::size_t f = 0; f < x.text.size(); ++f) {
      each_text_cell(x, f, [&](std::size_t i, std::size_t at) { ++cell[at * copies + i % copies]; });
      cell += (reference_.text[f].size() + 2) * copies;
    }
  });
}

template <class Mutex>
void drift_counter<Mutex>::record(const drift_counts& part, std::span<const bool> integer_fields, std::size_t rows,
                                  const predictions& scores, minutes now) noexcept {
  in_turn([&] {
    moments_.record(part.sums.real, part.sums.integer, integer_fields, rows, scores);
    if (reference_.empty()) return;
    std::uint64_t* const cells = counts_.add(rows, now).data();
    add(part.numbers, part.rows, cells);
    add_outputs(scores, cells);
    std::uint64_t* const texts = cells + text_feature(0).first;
    with_text_copies([&](auto copies) {
      for (std::size_t i = 0; i < text_cells(); ++i) {
        for (std::size_t k = 0; k < copies; ++k) texts[i] += part.text[i * copies + k];
      }
    });
  });
}

template <class Mutex>
bool drift_counter<Mutex>::wait(integer_columns integers, const predictions& scores, const feature_block& x,
                                minutes now) noexcept {
  if (!reference_.empty()) check(x);
  if (!small_batch_buffer::may_wait(integers, scores)) return false;
  small_.local([&](few_rows& local) {
    if (!local.rows.ready() && !prepare(local, x.width, scores)) return;
    if (local.minute != now) count(local);
    local.minute = now;
    for (std::size_t f = 0; f < reference_.text.size(); ++f) {
      std::uint32_t* const to = local.text_cell.data() + f * small_batch_buffer::room + local.rows.rows();
      each_text_cell(x, f, [&](std::size_t i, std::size_t at) { to[i] = static_cast<std::uint32_t>(at); });
    }
    local.rows.put(x, scores);
    if (local.rows.rows() >= local.enough || local.rows.full()) count(local);
  });
  return true;
}

template <class Mutex>
void drift_counter<Mutex>::record_now(const drift_counts& part, integer_columns integers,
                                      std::span<const bool> integer_fields, const predictions& scores,
                                      const feature_block& x, minutes now) noexcept {
  moments_.observe(part.sums, integers, x);
  if (!reference_.empty()) {
    std::fill(part.numbers.begin(), part.numbers.end(), binner::tally{});
    count(part.numbers, x, scores);
  }
  in_turn([&] {
    moments_.record(part.sums.real, part.sums.integer, integer_fields, x.rows, scores);
    if (reference_.empty()) return;
    std::uint64_t* const cells = counts_.add(x.rows, now).data();
    add(part.numbers, x.rows, cells);
    add_outputs(scores, cells);
    for (std::size_t f = 0; f < x.text.size(); ++f) {
      std::uint64_t* const texts = cells + text_feature(f).first;
      each_text_cell(x, f, [&](std::size_t, std::size_t at) { ++texts[at]; });
    }
  });
}

template <class Mutex>
exact_totals drift_counter<Mutex>::exact() const {
  return all_counted([&] { return moments_.exact(); });
}
template <class Mutex>
std::vector<std::uint64_t> drift_counter<Mutex>::counts(window w, minutes now) const {
  return all_counted([&] { return counts_.read(w, now); });
}
template <class Mutex>
std::pair<exact_totals, std::vector<std::uint64_t>> drift_counter<Mutex>::total() const {
  return all_counted([&] { return std::pair(moments_.exact(), counts_.read(window::total, {})); });
}
template <class Mutex>
void drift_counter<Mutex>::merge(const exact_totals& sums, std::span<const std::uint64_t> counts) {
  const std::lock_guard lock(mutex_);
  moments_.merge(sums);
  counts_.merge(counts);
}

template <class Mutex>
void drift_counter<Mutex>::count(std::span<binner::tally> into, const feature_block& x,
                                 const predictions& scores) const noexcept {
  for (std::size_t j = 0; j + 1 < into.size(); ++j) reference_.bins[j].count(x.column(j), x.rows, into[j]);
  if (is_binary()) reference_.bins.back().count(scores.value.data(), x.rows, into.back());
}
template <class Mutex>
void drift_counter<Mutex>::add(std::span<const binner::tally> counted, std::uint64_t rows,
                               std::uint64_t* cells) const noexcept {
  const std::size_t numbers = is_binary() ? counted.size() : counted.size() - 1;
  for (std::size_t j = 0; j < numbers; ++j) {
    reference_.bins[j].add(counted[j], rows, cells + reference_.number(j).first);
  }
}

/// Of other tasks than two classes: under the lock, once a batch.
template <class Mutex>
void drift_counter<Mutex>::add_outputs(const predictions& p, std::uint64_t* cells) const noexcept {
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

/// Calls add() under the lock, after the buffered rows of this thread.
template <class Mutex>
template <class Add>
void drift_counter<Mutex>::in_turn(Add&& add) noexcept {
  small_.local([&](few_rows& local) {
    count(local);
    const std::lock_guard lock(mutex_);
    add();
    local.enough = counts_.room();
  });
}

template <class Mutex>
bool drift_counter<Mutex>::prepare(few_rows& local, std::size_t features, const predictions& p) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!moments_.prepare(features, p)) return false;
  }
  const std::size_t texts = reference_.text.size() * small_batch_buffer::room;
  return unless_out_of_memory([&] { return local.text_cell.resize(texts), true; }) && local.rows.prepare(features);
}

/// The time of the call does not change the counts.
template <class Mutex>
void drift_counter<Mutex>::count(few_rows& from) const noexcept {
  if (from.rows.rows() == 0) return;
  const std::lock_guard lock(mutex_);
  for (std::size_t begin = 0, n = 0; begin < from.rows.rows() && !reference_.empty(); begin += n) {
    // Another thread may have filled the piece meanwhile; one batch beyond its room is counted as if none had waited.
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

template <class Mutex>
template <class Read>
auto drift_counter<Mutex>::all_counted(Read&& read) const {
  return small_.all([&](few_rows& each) { count(each); },
                    [&] {
                      const std::lock_guard lock(mutex_);
                      return read();
                    });
}

/// Each cell of a text is counted in several places in turn, when there is room, so that rows with the same text need
/// not wait for one another.
template <class Mutex>
template <class Use>
void drift_counter<Mutex>::with_text_copies(Use&& use) const noexcept {
  constexpr std::size_t copies = 4;
  if (text_cells() <= max_text_cells / copies) {
    use(std::integral_constant<std::size_t, copies>{});
  } else {
    use(std::integral_constant<std::size_t, 1>{});
  }
}

/// Calls use(row, cell) for each row of a text field.
template <class Mutex>
template <class Use>
void drift_counter<Mutex>::each_text_cell(const feature_block& x, std::size_t field, Use&& use) const noexcept {
  const one_hot& levels = reference_.text[field];
  each_code(x, field, levels, 0, x.rows, [&](std::size_t i, std::int32_t code) {
    const bool missing = x.text[field][i].data() == nullptr;
    use(i, missing ? levels.size() + 1 : code == one_hot::unknown ? levels.size() : static_cast<std::size_t>(code));
  });
}

#if defined(TABSCORE_COMPILED)
template class drift_counter<std::mutex>;
template class drift_counter<no_mutex>;
#endif

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
