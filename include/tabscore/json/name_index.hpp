// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The fields of a schema by name, for schemas that are known at run time: a key costs the same however many fields
/// there are.
class name_index {
 public:
  std::size_t size() const noexcept { return names_.size(); }
  /// At least one name; views that must outlive it.
  void fill(std::vector<std::string_view> names);
  /// The position of the field, which may well be `guess` (behind the last one: the first), or size().
  std::size_t find(std::string_view key, std::size_t guess) const noexcept {
    if (guess == size()) guess = 0;
    return is_same(key, names_[guess]) ? guess : find(key);
  }

 private:
  /// Names of the same size tend to differ in the last character.
  static bool is_same(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && (a.empty() || a.back() == b.back()) && a == b;
  }
  std::size_t find(std::string_view key) const noexcept;
  static std::uint32_t hash(std::string_view key) noexcept;

  std::vector<std::string_view> names_;
  std::vector<std::uint16_t> first_;  // of each slot, a power of two; then of each field the next one of its slot
  std::vector<std::uint16_t> next_;
  std::size_t longest_ = 0;  // name
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

/// FNV-1a. Senders of keys cannot slow it down: slots hold only the schema's names.
TABSCORE_INLINE std::uint32_t name_index::hash(std::string_view key) noexcept {
  std::uint32_t h = 0x811C9DC5U;
  for (const char c : key) h = (h ^ static_cast<unsigned char>(c)) * 0x01000193U;
  return h;
}

TABSCORE_INLINE void name_index::fill(std::vector<std::string_view> names) {
  names_ = std::move(names);
  const auto none = static_cast<std::uint16_t>(size());
  first_.assign(2 * std::bit_ceil(size()), none);
  next_.assign(size(), none);
  for (std::size_t i = 0; i < size(); ++i) {
    std::uint16_t& slot = first_[hash(names_[i]) & (first_.size() - 1)];
    next_[i] = slot;
    longest_ = (std::max)(longest_, names_[i].size());
    slot = static_cast<std::uint16_t>(i);
  }
}

TABSCORE_INLINE std::size_t name_index::find(std::string_view key) const noexcept {
  if (key.size() > longest_) return size();
  std::size_t i = first_[hash(key) & (first_.size() - 1)];
  while (i != size() && !is_same(key, names_[i])) i = next_[i];
  return i;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
