// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>
#include <vector>

#include "../core/batched_exact_sum.hpp"
#include "../core/config.hpp"
#include "../core/detail/out_of_memory.hpp"
#include "../core/exact_sum.hpp"
#include "../outputs/prediction.hpp"
#include "monitored_outputs.hpp"
#include "mutex.hpp"
#include "sharded.hpp"
#include "sink.hpp"
#include "small_batch_buffer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Running totals of all scored records, rounded for reading.
struct totals {
  std::uint64_t samples = 0;    ///< records
  std::uint64_t positives = 0;  ///< records with label 1
  std::vector<double> sums;     ///< one per numeric feature, in the pipeline's order; empty before the first batch
  std::vector<std::uint64_t> missing = {};    ///< values of each feature that are not finite, and not in its sum
  std::vector<double> outputs = {};           ///< sums of the predictions' numbers (see monitored_outputs.hpp)
  std::vector<std::uint64_t> classes = {};    ///< records by predicted class; of several classes
  std::vector<std::uint64_t> decisions = {};  ///< records by decision, where a policy makes some

  /// The finite values of feature j.
  std::uint64_t present(std::size_t j) const noexcept { return samples - (j < missing.size() ? missing[j] : 0); }
  /// Their mean; NaN without values.
  double mean(std::size_t j) const noexcept {
    return j < sums.size() ? sums[j] / static_cast<double>(present(j)) : std::numeric_limits<double>::quiet_NaN();
  }

  friend bool operator==(const totals&, const totals&) = default;
};

/// The totals without rounding: integers and exact sums. They depend neither on the order of batches nor on how
/// replicas share them: merging is associative and commutative, bit for bit.
struct exact_totals {
  std::uint64_t samples = 0;                  ///< records
  std::uint64_t positives = 0;                ///< records with label 1
  std::vector<exact_sum> sums;                ///< as totals::sums
  std::vector<exact_sum> outputs = {};        ///< as totals::outputs
  std::vector<std::uint64_t> classes = {};    ///< as totals::classes
  std::vector<std::uint64_t> decisions = {};  ///< as totals::decisions

  /// Precondition: features and outputs are the same, or those of one of the two are empty.
  void merge(const exact_totals& other) {
    samples += other.samples;
    positives += other.positives;
    merge(sums, other.sums);
    merge(outputs, other.outputs);
    merge(classes, other.classes);
    merge(decisions, other.decisions);
  }
  /// The sums as doubles.
  totals rounded() const;

  friend bool operator==(const exact_totals&, const exact_totals&) = default;

  /// Adds sums to sums, which may be empty.
  template <class Sum>
  static void merge(std::vector<Sum>& into, const std::vector<exact_sum>& from) {
    if (into.empty()) into.resize(from.size());
    TABSCORE_ASSERT(from.empty() || into.size() == from.size(), "totals of other features or outputs");
    for (std::size_t j = 0; j < from.size(); ++j) into[j].merge(from[j]);
  }
  /// Adds counts; the shorter list is padded with zeros.
  static void merge(std::vector<std::uint64_t>& into, std::span<const std::uint64_t> from) {
    if (into.size() < from.size()) into.resize(from.size());
    for (std::size_t k = 0; k < from.size(); ++k) into[k] += from[k];
  }
};

namespace detail {

/// The sum of n integers modulo 2^64, as NumPy's: exact while it fits 64 bits.
inline std::uint64_t sum(const std::int64_t* x, std::size_t n) noexcept {
  const std::size_t whole = n / column_step * column_step;
  std::uint64_t total = whole != 0 ? best_column_kernels().sum(x, whole) : 0;
  for (std::size_t i = whole; i < n; ++i) {
    total += static_cast<std::uint64_t>(x[i]);
    asm("" : "+r"(total));  // no vectors for these few: several times the cost
  }
  return total;
}

/// Of each numeric feature that is a field, whether it is summed as integers.
template <schema_type Schema>
inline constexpr auto integer_fields = [] {
  std::array<bool, Schema::numeric_count> are{};
  [[maybe_unused]] std::size_t j = 0;
  Schema::for_each([&]<std::size_t At>() {
    if constexpr (Schema::numeric[At]) {
      are[j++] = std::same_as<typename Schema::template field<At>::stored_type, std::int64_t>;
    }
  });
  return are;
}();

/// The sums of a batch that is being scored, one per feature.
struct partial_sums {
  std::span<batched_exact_sum> real;
  std::span<std::uint64_t> integer;
};

}  // namespace detail

/// A sink that keeps the totals from which means and rates are read. A batch is added under one lock: a reader sees it
/// whole or not at all. Integer fields are summed as 64-bit integers within a batch, and wrap there as NumPy's do; what
/// a batch gives is then added exactly, as is each value of every other feature. No concurrent call causes a data race
/// (moments; moments_st is for one thread).
template <class Mutex>
class basic_moments {
 public:
  basic_moments();
  ~basic_moments();

  /// Sums of a batch that is being scored.
  template <std::size_t Width>
  struct partial {
    partial() noexcept {}                        // one that the compiler makes may clear it all first
    std::array<batched_exact_sum, Width> real;   ///< of columns with fractions
    std::array<std::uint64_t, Width> integer{};  ///< of columns of integers
  };

  /// The sink's hook: adds up a block.
  template <schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const scored<Schema>& block, const feature_block& x) const noexcept {
    observe({part.real, part.integer}, detail::integer_columns(block.records), x);
  }

  /// The sink's hook: adds a batch once all of it is scored.
  template <schema_type Schema, std::size_t Width>
  void record(const partial<Width>& part, const scored<Schema>& batch) noexcept {
    record(part.real, part.integer, detail::integer_fields<Schema>, batch.records.rows(), batch.scores);
  }

  /// observe() and record() of a batch of one block; few rows are summed later, with others.
  template <std::size_t Width, schema_type Schema>
  void record_block(const scored<Schema>& batch, const feature_block& x) noexcept {
    if (wait(detail::integer_columns(batch.records), batch.scores, x)) return;
    partial<Width> part;
    observe(part, batch, x);
    record(part, batch);
  }

  // The same of any schema, compiled once.
  /// Adds up a block.
  void observe(const detail::partial_sums& part, std::span<const std::int64_t* const> integers,
               const feature_block& x) const noexcept;
  /// Adds a batch.
  void record(std::span<const batched_exact_sum> real, std::span<const std::uint64_t> integer,
              std::span<const bool> integer_fields, std::size_t rows, const predictions& scores) noexcept;

  /// Reserves memory for the sums of these features and predictions; false without memory.
  bool prepare(std::size_t features, const predictions& p) noexcept;
  /// Adds them and clears them; the time of the call does not change the result. Precondition: prepare() was true for
  /// their features and predictions.
  void add(small_batch_buffer& rows) const noexcept;

  /// A consistent copy: the sum of whole batches.
  totals read() const { return exact().rounded(); }
  /// Totals without rounding, which merge bit for bit.
  exact_totals exact() const;
  /// Adds the counts of another replica, or of this one before a restart. Precondition: the features are the
  /// same, or one of the two is empty.
  void merge(const exact_totals& other);

 private:
  /// Buffers the rows of a small batch; false where they may not wait.
  bool wait(std::span<const std::int64_t* const> integers, const predictions& scores, const feature_block& x) noexcept;

  // The first batch makes room for the sums; one that finds no memory for them is not counted.
  bool has_room(std::size_t features) noexcept;

  // Under the lock. Of two classes there is nothing more to add.
  bool has_room_for_outputs(const predictions& p) noexcept;
  void add_outputs(const predictions& p) noexcept;

  mutable sharded<small_batch_buffer, Mutex> small_;
  mutable Mutex mutex_;
  mutable std::uint64_t samples_ = 0;
  mutable std::uint64_t positives_ = 0;
  mutable std::vector<batched_exact_sum> sums_;
  mutable std::vector<batched_exact_sum> outputs_;
  std::vector<std::uint64_t> classes_;
  mutable std::size_t decided_ = 0;  // decisions of the service
  mutable std::array<std::uint64_t, max_decisions> decisions_{};
};

/// Thread-safe.
using moments = basic_moments<std::mutex>;
/// For one thread.
using moments_st = basic_moments<no_mutex>;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE totals exact_totals::rounded() const {
  totals t{samples, positives, {}};
  for (const exact_sum& sum : sums) {
    t.sums.push_back(sum.finite_value());
    t.missing.push_back(sum.nans() + sum.infinities() + sum.negative_infinities());
  }
  for (const exact_sum& sum : outputs) t.outputs.push_back(sum.finite_value());
  t.classes = classes;
  t.decisions = decisions;
  return t;
}

template <class Mutex>
basic_moments<Mutex>::basic_moments() = default;
template <class Mutex>
basic_moments<Mutex>::~basic_moments() = default;

template <class Mutex>
void basic_moments<Mutex>::observe(const detail::partial_sums& part, std::span<const std::int64_t* const> integers,
                                   const feature_block& x) const noexcept {
  for (std::size_t j = 0; j < part.real.size(); ++j) {
    if (j < integers.size() && integers[j] != nullptr) {
      part.integer[j] += detail::sum(integers[j], x.rows);
    } else {
      part.real[j].add({x.column(j), x.rows});
    }
  }
}

template <class Mutex>
void basic_moments<Mutex>::record(std::span<const batched_exact_sum> real, std::span<const std::uint64_t> integer,
                                  std::span<const bool> integer_fields, std::size_t rows,
                                  const predictions& scores) noexcept {
  std::uint64_t positives = 0;
  for (const std::uint8_t label : scores.label) positives += label;

  const std::lock_guard lock(mutex_);
  if (!has_room(real.size())) return;
  samples_ += rows;
  positives_ += positives;
  for (std::size_t j = 0; j < real.size(); ++j) {
    if (j < integer_fields.size() && integer_fields[j]) {
      sums_[j].add_integer(static_cast<std::int64_t>(integer[j]));
    } else {
      sums_[j].merge(real[j]);
    }
  }
  add_outputs(scores);
  decided_ = scores.layout->decisions.names.size();
  for (const std::uint8_t decision : scores.decision_at) ++decisions_[decision];
}

template <class Mutex>
bool basic_moments<Mutex>::wait(std::span<const std::int64_t* const> integers, const predictions& scores,
                                const feature_block& x) noexcept {
  if (!small_batch_buffer::may_wait(integers, scores)) return false;
  small_.local([&](small_batch_buffer& local) {
    if (!local.ready() && !(prepare(x.width, scores) && local.prepare(x.width))) return;
    local.put(x, scores);
    if (local.full()) add(local);
  });
  return true;
}

template <class Mutex>
bool basic_moments<Mutex>::prepare(std::size_t features, const predictions& p) noexcept {
  const std::lock_guard lock(mutex_);
  return has_room(features) && has_room_for_outputs(p);
}

template <class Mutex>
void basic_moments<Mutex>::add(small_batch_buffer& rows) const noexcept {
  if (rows.rows() == 0) return;
  const std::lock_guard lock(mutex_);
  samples_ += rows.rows();
  positives_ += rows.positives();
  for (std::size_t j = 0; j < sums_.size(); ++j) sums_[j].add(rows.column(j));
  if (!outputs_.empty()) outputs_[0].add(rows.column(sums_.size()));
  decided_ = rows.decisions().size();
  for (std::size_t k = 0; k < decided_; ++k) decisions_[k] += rows.decisions()[k];
  rows.clear();
}

template <class Mutex>
exact_totals basic_moments<Mutex>::exact() const {
  return small_.all([&](small_batch_buffer& rows) { add(rows); },
                    [&] {
                      const std::lock_guard lock(mutex_);
                      exact_totals all{samples_, positives_, {}, {}, classes_};
                      for (const batched_exact_sum& each : sums_) all.sums.push_back(each.sum());
                      for (const batched_exact_sum& each : outputs_) all.outputs.push_back(each.sum());
                      all.decisions.assign(decisions_.begin(), decisions_.begin() + decided_);
                      return all;
                    });
}

template <class Mutex>
void basic_moments<Mutex>::merge(const exact_totals& other) {
  const std::lock_guard lock(mutex_);
  samples_ += other.samples;
  positives_ += other.positives;
  exact_totals::merge(sums_, other.sums);
  exact_totals::merge(outputs_, other.outputs);
  exact_totals::merge(classes_, other.classes);
  TABSCORE_ASSERT(other.decisions.size() <= decisions_.size(), "totals of more decisions than a service may have");
  decided_ = (std::max)(decided_, other.decisions.size());
  for (std::size_t k = 0; k < other.decisions.size(); ++k) decisions_[k] += other.decisions[k];
}

template <class Mutex>
bool basic_moments<Mutex>::has_room(std::size_t features) noexcept {
  if (sums_.empty() && !detail::unless_out_of_memory([&] { return sums_.resize(features), true; })) return false;
  TABSCORE_ASSERT(sums_.size() == features, "one moments sink was given to pipelines of different features");
  return true;
}

template <class Mutex>
bool basic_moments<Mutex>::has_room_for_outputs(const predictions& p) noexcept {
  if (p.are_binary()) return true;
  const std::size_t summed = summed_outputs(p.layout->model);
  const std::size_t classes = p.class_at.empty() ? 0 : p.value.columns();
  if (outputs_.empty() && !detail::unless_out_of_memory([&] {
        classes_.resize(classes);
        outputs_.resize(summed);
        return true;
      })) {
    return false;
  }
  TABSCORE_ASSERT(outputs_.size() == summed && classes_.size() == classes,
                  "one moments sink was given to pipelines of different predictions");
  return true;
}

template <class Mutex>
void basic_moments<Mutex>::add_outputs(const predictions& p) noexcept {
  if (p.are_binary() || !has_room_for_outputs(p)) return;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    each_output_run(p, k, [&](std::span<const double> numbers) { outputs_[k].add(numbers); });
  }
  for (const std::uint32_t c : p.class_at) ++classes_[c];
}

#if defined(TABSCORE_COMPILED)
template class basic_moments<std::mutex>;
template class basic_moments<no_mutex>;
#endif

}  // namespace tabscore::inline TABSCORE_ABI
#endif
