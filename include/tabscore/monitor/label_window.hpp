// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/siphash.hpp"
#include "../core/write_number.hpp"
#include "../files/mapped_file.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/task.hpp"
#include "performance.hpp"
#include "sink.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The outcome of a label.
enum class label_outcome : std::uint8_t { joined, late, duplicate, contradicting, unknown };

/// As JSON spells it.
inline constexpr std::string_view name(label_outcome o) noexcept {
  constexpr std::string_view names[]{"joined", "late", "duplicate", "contradicting", "unknown"};
  return names[static_cast<std::size_t>(o)];
}

/// A sink that keeps the last predictions of a model by their ids until their labels come. The ids are those of the
/// schema's id field; without one no label is joined. Of an id that is predicted again the first prediction in the
/// window counts, and the others occupy space. Predictions lie in flat memory of a fixed size: (4 + numbers of a
/// prediction) * 8 bytes each, and 24 to 40 for the index. A capacity of 0 is off. record() appends; the index is
/// updated when a label or a reader comes. Thread-safe.
///
/// The memory may be a file, which keeps the window and its figures through SIGKILL: answered predictions are there,
/// and the labels of a commit() all or none. After fork() only one of the two processes may use such a window.
class label_window {
 public:
  static constexpr std::size_t most = std::size_t{1} << 30;  ///< predictions that a window may keep

  /// `capacity`: predictions, at most `most`. `delay`: labels that become known later are late; 0: never.
  explicit label_window(model_outputs model = {}, std::size_t capacity = 0, std::chrono::seconds delay = {},
                        const siphash_key& key = {})
      : counts_(std::move(model)),
        capacity_(capacity),
        delay_(std::chrono::microseconds(delay).count()),
        own_(capacity == 0 ? 0 : memory_words(counts_, capacity)),
        memory_(own_) {
    start(key);
  }
  /// The same in a file of open_file().
  label_window(model_outputs model, std::size_t capacity, std::chrono::seconds delay, const siphash_key& key,
               files::mapped_file file)
      : counts_(std::move(model)),
        capacity_(capacity),
        delay_(std::chrono::microseconds(delay).count()),
        file_(std::move(file)),
        memory_(file_.words()) {
    start(key);
  }
  label_window(const label_window&) = delete;
  label_window& operator=(const label_window&) = delete;
  ~label_window() {
    if (file_ && file_.sync()) memory_[closed_at] = 1;
  }

  /// Opens or creates the file of a window of `capacity` predictions of a model. A file that was open when the machine
  /// stopped may have lost data: it starts empty, and `lost` is true.
  static result<files::mapped_file> open_file(const std::string& path, const model_outputs& model, std::size_t capacity,
                                              ::mode_t mode, bool& lost);

  /// Predictions that it keeps.
  std::size_t capacity() const noexcept { return capacity_; }
  /// The outputs of the model.
  const model_outputs& model() const noexcept { return counts_.model(); }

  /// The sink's hook: keeps the predictions of a batch.
  template <schema_type Schema>
  void record(const scored<Schema>& batch) noexcept {
    const predictions& p = batch.scores;
    if (capacity_ == 0 || p.value.columns() != model().columns) return;
    const std::uint64_t now = static_cast<std::uint64_t>(time_now());
    constexpr std::size_t block = 64;
    std::array<std::uint64_t, block> hashes;
    for (std::size_t first = 0; first < batch.records.rows(); first += block) {
      const std::size_t rows = (std::min)(block, batch.records.rows() - first);
      if constexpr (Schema::id_at == Schema::npos) {
        hashes.fill(nameless);
      } else {
        using field = typename Schema::template field<Schema::id_at>;
        hash_all<field>(batch.records.template get<Schema::id_at>().subspan(first, rows), hashes);
      }
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < rows; ++i) {
        if (hashes[i] == no_id) continue;
        const std::size_t row = first + i;
        const std::uint32_t predicted = !p.class_at.empty() ? p.class_at[row] : !p.label.empty() ? p.label[row] : 0U;
        append(hashes[i], now, predicted, p.value.row(row));
      }
    }
  }

  /// Joins a label with numbers as in performance_counts::add. Without a time it becomes known now.
  label_outcome join(std::string_view id, std::optional<std::int64_t> time, std::span<const double> numbers) {
    return join(id, time, numbers, [](std::span<const double>, std::uint32_t) {});
  }
  /// The same; use(numbers of the prediction, predicted class) is called with the prediction of a label that is joined.
  template <class Use>
  label_outcome join(std::string_view id, std::optional<std::int64_t> time, std::span<const double> numbers,
                     Use&& use) {
    if (capacity_ == 0) return label_outcome::unknown;
    const std::uint64_t hash = hash_of(id);
    const std::int64_t known = time ? *time : time_now();
    const std::uint64_t digest = siphash({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()}, key_);
    std::unique_lock lock(mutex_);
    index(lock);
    const std::size_t slot = find(hash);
    if (slots_[slot] == 0) return label_outcome::unknown;
    std::uint64_t* const e = entry(place(slots_[slot]));
    if (e[2] >> mark_shift != 0) return e[3] == digest ? label_outcome::duplicate : label_outcome::contradicting;
    if (delay_ != 0 && known - static_cast<std::int64_t>(e[1]) > delay_) return label_outcome::late;
    const auto predicted = static_cast<std::uint32_t>(e[2]);
    copy_values(e);
    if (counts_.add(values_, predicted, numbers)) return label_outcome::unknown;
    use(std::span<const double>(values_), predicted);
    e[3] = digest;
    in_order();
    e[2] |= (memory_[committed_at] + 1) << mark_shift;
    return label_outcome::joined;
  }
  /// Makes the joined labels outlive the process, if the window is in a file: call it before answering
  /// them.
  void commit() {
    if (!file_) return;
    const std::lock_guard lock(mutex_);
    const std::uint64_t next = memory_[committed_at] + 1;
    counts_.save(saved(next));
    in_order();
    memory_[committed_at] = next;
  }

  /// The counts of a window.
  struct contents {
    performance_counts counts;   ///< of pairs of a prediction and its label
    std::size_t kept = 0;        ///< predictions in the window, with and without labels, and the repeated ones
    std::uint64_t repeated = 0;  ///< predictions whose id was there, since the start
  };
  /// A consistent copy.
  contents read() {
    std::unique_lock lock(mutex_);
    index(lock);
    return {counts_, static_cast<std::size_t>((std::min)(written(), std::uint64_t{capacity_})), repeated_};
  }

  /// Calls f(numbers, predicted class) for each prediction in the window, labelled or not, but not for repeated ones.
  template <class F>
  void for_each(F&& f) {
    std::unique_lock lock(mutex_);
    index(lock);
    const std::uint64_t end = written();
    for (std::uint64_t i = oldest(); i < end; ++i) {
      if (i % chunk == 0) {
        breathe(lock);
        i = (std::max)(i, oldest());
      }
      const std::uint64_t* const e = entry(i % capacity_);
      if (e[0] == no_id || e[2] >> mark_shift == repeated) continue;
      copy_values(e);
      f(std::span<const double>(values_), static_cast<std::uint32_t>(e[2] & predicted_bits));
    }
  }

 private:
  // The memory: a head of 16 words, twice the saved counts, and the ring of entries. An entry: hash, time, the
  // predicted class and the commit that its label is of, digest of the label, the numbers.
  static constexpr std::size_t format_at = 0, key_at = 1, written_at = 3, committed_at = 4, boot_at = 5, closed_at = 7,
                               head = 16;
  static constexpr unsigned mark_shift = 24;
  static constexpr std::uint64_t predicted_bits = (std::uint64_t{1} << mark_shift) - 1;
  static constexpr std::uint64_t repeated = ~std::uint64_t{0} >> mark_shift;  // instead of a commit
  static constexpr std::uint64_t no_id = 0, nameless = ~std::uint64_t{0};
  static constexpr std::size_t chunk = 4096;  // entries that others wait for at most

  static std::size_t memory_words(const performance_counts& counts, std::size_t capacity) noexcept {
    return head + 2 * counts.words() + capacity * (4 + counts.model().columns);
  }
  static std::uint64_t format_of(const model_outputs& model, std::size_t capacity);
  static std::array<std::uint64_t, 2> this_boot();

  /// The system keeps a killed process's stores in the order of the program: the compiler has to, too.
  static void in_order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
  static std::int64_t time_now() noexcept {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  void start(const siphash_key& key);

  std::uint64_t written() const noexcept { return capacity_ == 0 ? 0 : memory_[written_at]; }
  std::uint64_t oldest() const noexcept { return written() - (std::min)(written(), std::uint64_t{capacity_}); }
  std::span<std::uint64_t> saved(std::uint64_t commit) noexcept {
    return memory_.subspan(head + commit % 2 * counts_.words(), counts_.words());
  }
  std::size_t words() const noexcept { return 4 + model().columns; }
  std::uint64_t* entry(std::uint64_t at) noexcept { return ring_ + at * words(); }
  void copy_values(const std::uint64_t* e) noexcept {
    std::transform(e + 4, e + words(), values_.begin(), [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
  }

  std::uint64_t hash_of(std::string_view id) const noexcept {
    return std::clamp(siphash(id, key_), no_id + 1, nameless - 1);
  }
  template <class Field, class Ids, std::size_t N>
  void hash_all(const Ids& ids, std::array<std::uint64_t, N>& to) const noexcept {
    if constexpr (Field::kind == field_kind::text) {
      std::transform(ids.begin(), ids.end(), to.begin(),
                     [this](std::string_view id) { return id.empty() ? no_id : hash_of(id); });
    } else {
      // Digits that have just been written are slow to read as words.
      std::array<std::array<char, number_text_space>, N> texts;
      std::array<std::size_t, N> sizes;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        char* const text = texts[i].data();
        sizes[i] = static_cast<std::size_t>(write_integer(text, static_cast<std::int64_t>(ids[i])) - text);
      }
      for (std::size_t i = 0; i < ids.size(); ++i) to[i] = hash_of({texts[i].data(), sizes[i]});
    }
  }

  void append(std::uint64_t hash, std::uint64_t now, std::uint32_t predicted, std::span<const double> values) noexcept {
    std::uint64_t* const e = entry(next_);
    e[0] = no_id;  // a killed process leaves a whole entry or none
    in_order();
    e[1] = now;
    e[2] = predicted & predicted_bits;
    std::transform(values.begin(), values.end(), e + 4, [](double x) { return std::bit_cast<std::uint64_t>(x); });
    in_order();
    e[0] = hash;
    in_order();
    ++memory_[written_at];
    next_ = next_ + 1 == capacity_ ? 0 : next_ + 1;
  }

  // The index: open addressing. A slot: the upper half of a hash, and 1 + the place of its entry. 0: free.
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
  std::size_t find(std::uint64_t hash) const noexcept {
    std::size_t slot = home(hash);
    while (slots_[slot] != 0 && (((slots_[slot] ^ hash) & upper) != 0 || indexed_hash_[place(slots_[slot])] != hash)) {
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
  static void breathe(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    lock.lock();
  }
  /// Puts the predictions that have come since into the index.
  void index(std::unique_lock<std::mutex>& lock);
  void index_one(std::size_t at) noexcept {
    if (indexed_hash_[at] != no_id) free(find(indexed_hash_[at]));
    std::uint64_t* const e = entry(at);
    indexed_hash_[at] = no_id;
    if (e[0] == no_id || e[0] == nameless || e[2] >> mark_shift == repeated) return;
    const std::size_t slot = find(e[0]);
    if (slots_[slot] != 0) {
      ++repeated_;
      e[2] |= repeated << mark_shift;
      return;
    }
    slots_[slot] = (e[0] & upper) | (at + 1);
    indexed_hash_[at] = e[0];
  }

  std::mutex mutex_;
  performance_counts counts_;
  std::size_t capacity_;
  std::int64_t delay_;
  siphash_key key_{};
  files::mapped_file file_;
  std::vector<std::uint64_t> own_;
  std::span<std::uint64_t> memory_;  // of one of them
  std::uint64_t* ring_ = nullptr;
  std::size_t next_ = 0;                     // place of the next entry
  std::vector<std::uint64_t> slots_;         // made when the first label or reader comes
  std::vector<std::uint64_t> indexed_hash_;  // of each place: what is in the index, which may have been overwritten
  std::uint64_t indexed_ = 0;                // predictions that have been put into it
  std::vector<double> values_;
  std::uint64_t repeated_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void label_window::start(const siphash_key& key) {
  TABSCORE_ASSERT(capacity_ <= most, "a label window of too many predictions");
  key_ = key;
  if (capacity_ == 0) return;
  values_.resize(model().columns);
  ring_ = memory_.data() + head + 2 * counts_.words();
  if (!file_) return;
  if (memory_[format_at] == 0) {
    std::fill(memory_.begin(), memory_.end(), 0);
    memory_[key_at] = key[0];
    memory_[key_at + 1] = key[1];
    in_order();
    memory_[format_at] = format_of(model(), capacity_);
  }
  key_ = {memory_[key_at], memory_[key_at + 1]};
  const auto boot = this_boot();
  memory_[boot_at] = boot[0];
  memory_[boot_at + 1] = boot[1];
  memory_[closed_at] = 0;
  counts_.load(saved(memory_[committed_at]));
  next_ = static_cast<std::size_t>(written() % capacity_);
  // What was on its way when the process was killed: an entry that was not counted, and labels that were not answered.
  entry(next_)[0] = no_id;
  for (std::uint64_t at = 0; at < (std::min)(written(), std::uint64_t{capacity_}); ++at) {
    std::uint64_t& mark = entry(at)[2];
    if (mark >> mark_shift != repeated && mark >> mark_shift > memory_[committed_at]) mark &= predicted_bits;
  }
}

TABSCORE_INLINE void label_window::index(std::unique_lock<std::mutex>& lock) {
  if (capacity_ == 0) return;
  if (slots_.empty()) {
    slots_.resize(std::bit_ceil(2 * capacity_));
    indexed_hash_.resize(capacity_);
    indexed_ = oldest();
  }
  while (indexed_ != written()) {
    if (written() - indexed_ > capacity_) {  // nothing of it is there any more
      std::fill(slots_.begin(), slots_.end(), 0);
      std::fill(indexed_hash_.begin(), indexed_hash_.end(), no_id);
      indexed_ = oldest();
    }
    std::size_t at = static_cast<std::size_t>(indexed_ % capacity_);
    const auto count = static_cast<std::size_t>((std::min)(written() - indexed_, std::uint64_t{chunk}));
    constexpr std::size_t ahead = 16;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t later = at + ahead < capacity_ ? at + ahead : at;
      fetch(entry(later)[0]);
      fetch(indexed_hash_[later]);
      index_one(at);
      at = at + 1 == capacity_ ? 0 : at + 1;
    }
    indexed_ += count;
    if (indexed_ != written()) breathe(lock);
  }
}

TABSCORE_INLINE std::uint64_t label_window::format_of(const model_outputs& model, std::size_t capacity) {
  std::string text = "tabscore label window 1";
  const auto add = [&](std::string_view part) { text.append(1, '\0').append(part); };
  for (const std::size_t n : {static_cast<std::size_t>(model.task), model.columns, std::size_t{model.probabilities},
                              static_cast<std::size_t>(model.classes_are), capacity}) {
    add(std::to_string(n));
  }
  for (const std::string& name : model.classes) add(name);
  add("names");
  for (const std::string& name : model.names) add(name);
  return (std::max)(siphash(text, {}), std::uint64_t{1});
}

/// Since when the machine runs, as a number that no other start has; zeros where the system does not say.
TABSCORE_INLINE std::array<std::uint64_t, 2> label_window::this_boot() {
  const files::unique_fd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[36];
  if (!fd || ::read(fd.get(), text, sizeof text) != static_cast<::ssize_t>(sizeof text)) return {};
  const std::string_view id(text, sizeof text);
  return {siphash(id, {}), siphash(id, {1, 1})};
}

TABSCORE_INLINE result<files::mapped_file> label_window::open_file(const std::string& path, const model_outputs& model,
                                                                   std::size_t capacity, ::mode_t mode, bool& lost) {
  lost = false;
  const std::size_t words = memory_words(performance_counts(model), capacity);
  auto file = files::mapped_file::open(path, words, mode, std::chrono::seconds(5));
  if (!file) {
    error e = file.error();
    if (e.code == errc::mismatch) {
      e.message += "; a window of " + std::to_string(capacity) + " predictions has another size: move it away";
    }
    return e;
  }
  const auto memory = file->words();
  if (memory[format_at] == 0) return file;
  if (memory[format_at] != format_of(model, capacity)) {
    return error{errc::mismatch, path + ": is not of a window of so many predictions of this model; move it away"};
  }
  const auto boot = this_boot();
  if (memory[closed_at] != 1 && (memory[boot_at] != boot[0] || memory[boot_at + 1] != boot[1])) {
    lost = true;
    memory[format_at] = 0;
  }
  return file;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
