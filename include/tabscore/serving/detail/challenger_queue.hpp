// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/out_of_memory.hpp"
#include "../../monitor/sink.hpp"
#include "../../outputs/predictions.hpp"
#include "../../schema/batch.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Since the start, of all challengers.
struct challenger_totals {
  std::atomic<std::uint64_t> scored = 0, shed = 0, failed = 0;  // batches
  std::atomic<std::uint64_t> logged = 0, not_logged = 0;        // records
};

/// A copy of a scored batch.
template <schema_type Schema>
struct waiting_batch {
  batch<Schema> records;
  std::vector<double> values;
  std::vector<std::uint8_t> label, decision;
  std::vector<std::uint32_t> class_at;
  double threshold = 0;
  const prediction_layout* layout = nullptr;
  std::chrono::system_clock::time_point time;
  std::string log_members;

  void copy(const scored<Schema>& from) {
    const predictions& p = from.scores;
    records.clear();
    records.append(from.records);
    values.assign(p.value.begin(), p.value.end());
    label.assign(p.label.begin(), p.label.end());
    class_at.assign(p.class_at.begin(), p.class_at.end());
    decision.assign(p.decision_at.begin(), p.decision_at.end());
    threshold = p.threshold;
    layout = p.layout;
    time = std::chrono::system_clock::now();
    log_members = from.log_members;
  }
  predictions scores() const {
    return {*layout, {values, layout->model.columns}, label, class_at, threshold, decision};
  }
};

/// Batches on their way to the thread that scores them with the challengers: a ring of places that are filled in place.
/// No call waits: a batch that finds no room, because of its place or of the records before it, is shed. Any threads
/// put, one takes. The places keep their memory, together as much as the records that may wait.
template <schema_type Schema>
class challenger_queue {
 public:
  static constexpr std::size_t places = 1024;

  challenger_queue(std::size_t max_records, challenger_totals& totals)
      : ring_(places), max_records_(max_records), totals_(totals) {
    for (std::size_t i = 0; i < places; ++i) ring_[i].turn = i;
  }

  /// False: it is shed.
  bool put(const scored<Schema>& from) noexcept {
    const std::size_t rows = from.records.rows();
    if (waiting_.fetch_add(rows, std::memory_order_relaxed) + rows > max_records_) return shed(rows);
    std::size_t at = head_.load(std::memory_order_relaxed);
    slot* s = nullptr;
    for (;;) {
      s = &ring_[at % places];
      const std::size_t turn = s->turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) break;
      } else if (turn < at) {
        return shed(rows);
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
    s->rows = rows;
    s->whole = tabscore::detail::unless_out_of_memory([&] { return s->held.copy(from), true; });
    s->turn.store(at + 1, std::memory_order_release);
    return true;
  }

  /// Calls use(batch) with the next batch, nullptr where there was no memory for its copy. False: none waits.
  template <class Use>
  bool take(Use&& use) {
    slot& s = ring_[tail_ % places];
    if (s.turn.load(std::memory_order_acquire) != tail_ + 1) return false;
    use(s.whole ? &s.held : nullptr, s.rows);
    keep_bounded(s);
    waiting_.fetch_sub(s.rows, std::memory_order_relaxed);
    s.turn.store(tail_ + places, std::memory_order_release);
    ++tail_;
    return true;
  }

  std::uint64_t shed_records() const noexcept { return shed_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) slot {
    std::atomic<std::size_t> turn = 0;
    std::size_t rows = 0;
    bool whole = false;
    std::size_t kept = 0;  // records that its memory has room for, as counted in kept_
    waiting_batch<Schema> held;
  };

  bool shed(std::size_t rows) noexcept {
    waiting_.fetch_sub(rows, std::memory_order_relaxed);
    shed_.fetch_add(rows, std::memory_order_relaxed);
    totals_.shed.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void keep_bounded(slot& s) {
    kept_ -= s.kept;
    s.kept = s.held.records.capacity();
    if (kept_ + s.kept > max_records_) {
      s.held = waiting_batch<Schema>();
      s.kept = 0;
    }
    kept_ += s.kept;
  }

  std::vector<slot> ring_;
  const std::size_t max_records_;
  challenger_totals& totals_;
  alignas(64) std::atomic<std::size_t> head_ = 0;
  std::atomic<std::size_t> waiting_ = 0;  // records
  std::atomic<std::uint64_t> shed_ = 0;   // records
  alignas(64) std::size_t tail_ = 0;      // of the thread that takes
  std::size_t kept_ = 0;
};

/// The sink that hands each batch over; off until it has a queue.
template <schema_type Schema>
struct challenger_feed {
  challenger_queue<Schema>* queue = nullptr;

  void record(const scored<Schema>& batch) noexcept {
    if (queue != nullptr) queue->put(batch);
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
