// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/siphash.hpp"
#include "../core/write_number.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/task.hpp"
#include "performance.hpp"
#include "sink.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// What became of a label.
enum class label_outcome : std::uint8_t { joined, late, duplicate, contradicting, unknown };

inline constexpr std::string_view name(label_outcome o) noexcept {
  constexpr std::string_view names[]{"joined", "late", "duplicate", "contradicting", "unknown"};
  return names[static_cast<std::size_t>(o)];
}

/// A sink that keeps the last predictions of a model by their ids, until their labels come. The ids are those of the
/// schema's field that is marked as one; of an id that is predicted again the first prediction counts. Predictions lie
/// in flat memory of a fixed size: (4 + numbers of a prediction) * 8 bytes each, and 16 to 32 to find it. With room for
/// none it is off. Thread-safe.
class label_window {
 public:
  static constexpr std::size_t most = std::size_t{1} << 30;

  /// `capacity`: predictions, `most` at most. `delay`: labels that become known later than that are late; 0: none is.
  explicit label_window(model_outputs model = {}, std::size_t capacity = 0, std::chrono::seconds delay = {},
                        const siphash_key& key = {})
      : counts_(std::move(model)), capacity_(capacity), delay_(std::chrono::microseconds(delay).count()), key_(key) {
    TABSCORE_ASSERT(capacity <= most, "a label window of too many predictions");
    if (capacity == 0) return;
    words_.resize(capacity * words());
    slots_.resize(std::bit_ceil(2 * capacity));
  }

  std::size_t capacity() const noexcept { return capacity_; }
  const model_outputs& model() const noexcept { return counts_.model(); }

  template <schema_type Schema>
  void record(const scored<Schema>& batch) noexcept {
    static_assert(Schema::id_at != Schema::npos, "tabscore: labels need a schema with an id: ts::id<...>");
    if (capacity_ == 0) return;
    using field = typename Schema::template field<Schema::id_at>;
    const auto ids = batch.records.template get<Schema::id_at>();
    const predictions& p = batch.scores;
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const std::lock_guard lock(mutex_);
    constexpr std::size_t block = 64;  // their slots are fetched together
    std::array<std::uint64_t, block> hashes;
    for (std::size_t first = 0; first < batch.records.rows(); first += block) {
      const std::size_t rows = (std::min)(block, batch.records.rows() - first);
      for (std::size_t i = 0; i < rows; ++i) {
        hashes[i] = hash_of<field>(ids[first + i]);
        fetch(hashes[i]);
        if (size_ == capacity_) fetch(entry((next_ + i) % capacity_)[0]);
      }
      for (std::size_t i = 0; i < rows; ++i) {
        if (hashes[i] == no_id) continue;
        const std::size_t row = first + i;
        const std::uint32_t predicted = !p.class_at.empty() ? p.class_at[row] : !p.label.empty() ? p.label[row] : 0U;
        keep(hashes[i], now, predicted, p.value.row(row));
      }
    }
  }

  /// Joins a label, whose numbers are as performance_counts::add takes them. `now`: its time if it has none.
  label_outcome join(std::string_view id, std::optional<std::int64_t> time, std::span<const double> numbers) {
    return join(id, time, numbers, [](std::span<const double>, std::uint32_t) {});
  }
  /// The same; use(numbers of the prediction, predicted class) is called with the prediction of a label that is joined.
  template <class Use>
  label_outcome join(std::string_view id, std::optional<std::int64_t> time, std::span<const double> numbers,
                     Use&& use) {
    const std::uint64_t hash = hash_of(id);
    const std::int64_t known =
        time
            ? *time
            : std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
                  .count();
    const std::uint64_t digest = siphash({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()}, key_);
    const std::lock_guard lock(mutex_);
    if (capacity_ == 0) return label_outcome::unknown;
    const std::size_t slot = find(hash);
    if (slots_[slot] == 0) return label_outcome::unknown;
    std::uint64_t* const e = entry(place(slots_[slot]));
    if ((e[2] & labelled) != 0) return e[3] == digest ? label_outcome::duplicate : label_outcome::contradicting;
    if (delay_ != 0 && known - static_cast<std::int64_t>(e[1]) > delay_) return label_outcome::late;
    values_.resize(counts_.model().columns);
    std::transform(e + 4, e + words(), values_.begin(), [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    if (counts_.add(values_, static_cast<std::uint32_t>(e[2]), numbers)) return label_outcome::unknown;
    use(std::span<const double>(values_), static_cast<std::uint32_t>(e[2]));
    e[2] |= labelled;
    e[3] = digest;
    return label_outcome::joined;
  }

  struct contents {
    performance_counts counts;
    std::size_t kept = 0;        ///< predictions in the window, with and without labels
    std::uint64_t repeated = 0;  ///< predictions whose id was there
  };
  contents read() const {
    const std::lock_guard lock(mutex_);
    return {counts_, size_, repeated_};
  }

 private:
  static constexpr std::uint64_t labelled = std::uint64_t{1} << 63;

  // An entry: hash, time, predicted class and whether it is labelled, digest of the label, the numbers.
  std::size_t words() const noexcept { return 4 + counts_.model().columns; }
  std::uint64_t* entry(std::size_t at) noexcept { return words_.data() + at * words(); }

  static constexpr std::uint64_t no_id = 0;
  std::uint64_t hash_of(std::string_view id) const noexcept { return (std::max)(siphash(id, key_), std::uint64_t{1}); }
  template <class Field>
  std::uint64_t hash_of(const typename Field::stored_type& id) const noexcept {
    if constexpr (Field::kind == field_kind::text) {
      return id.empty() ? no_id : hash_of(std::string_view(id));
    } else {
      char text[number_text_space];
      const char* const end = write_integer(text, static_cast<std::int64_t>(id));
      return hash_of(std::string_view(text, static_cast<std::size_t>(end - text)));
    }
  }

  // A slot: the upper half of a hash, and 1 + the place of its entry. 0: free.
  static constexpr std::uint64_t upper = ~std::uint64_t{0} << 32U;
  static std::size_t place(std::uint64_t slot) noexcept { return static_cast<std::size_t>((slot & ~upper) - 1); }
  std::size_t home(std::uint64_t hash_or_slot) const noexcept {
    return static_cast<std::size_t>(hash_or_slot >> 32U) & (slots_.size() - 1);
  }
  void fetch([[maybe_unused]] std::uint64_t hash) const noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(slots_.data() + home(hash), 1);
#endif
  }
  /// The slot of a hash, or the free one where it belongs.
  std::size_t find(std::uint64_t hash) noexcept {
    std::size_t slot = home(hash);
    while (slots_[slot] != 0 && (((slots_[slot] ^ hash) & upper) != 0 || entry(place(slots_[slot]))[0] != hash)) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slot;
  }
  /// Frees a slot and moves those behind it that would not be found any more (Knuth 6.4, algorithm R).
  void free(std::size_t slot) noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t next = slot;;) {
      next = (next + 1) & mask;
      if (slots_[next] == 0) break;
      const std::size_t at = home(slots_[next]);
      if (((next - at) & mask) < ((next - slot) & mask)) continue;
      slots_[slot] = slots_[next];
      slot = next;
    }
    slots_[slot] = 0;
  }
  void keep(std::uint64_t hash, std::int64_t now, std::uint32_t predicted, std::span<const double> values) noexcept {
    if (values.size() != counts_.model().columns) return;
    std::size_t slot = find(hash);
    if (slots_[slot] != 0) {
      ++repeated_;
      return;
    }
    if (size_ == capacity_) {
      free(find(entry(next_)[0]));
      slot = find(hash);
    } else {
      ++size_;
    }
    std::uint64_t* const e = entry(next_);
    e[0] = hash;
    e[1] = static_cast<std::uint64_t>(now);
    e[2] = predicted;
    e[3] = 0;
    std::transform(values.begin(), values.end(), e + 4, [](double x) { return std::bit_cast<std::uint64_t>(x); });
    slots_[slot] = (hash & upper) | (next_ + 1);
    next_ = next_ + 1 == capacity_ ? 0 : next_ + 1;
  }

  mutable std::mutex mutex_;
  performance_counts counts_;
  std::size_t capacity_;
  std::int64_t delay_;
  siphash_key key_;
  std::vector<std::uint64_t> words_;  // a ring of entries
  std::vector<std::uint64_t> slots_;
  std::vector<double> values_;
  std::size_t size_ = 0, next_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI
