// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../../core/config.hpp"
#include "../../schema/field_table.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The fields of a schema by name, for schemas that are known at run time: a key costs the same however many fields
/// there are. Fields must be the same in all calls.
class name_index {
 public:
  bool empty() const noexcept { return first_.empty(); }
  void fill(std::span<const field_view> fields);
  /// The position of the field, which may well be `guess`, or fields.size().
  std::size_t find(std::string_view key, std::span<const field_view> fields, std::size_t guess) const noexcept {
    return is_same(key, fields[guess].name) ? guess : find(key, fields);
  }

 private:
  /// Names of the same size tend to differ in the last character.
  static bool is_same(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && (a.empty() || a.back() == b.back()) && a == b;
  }
  std::size_t find(std::string_view key, std::span<const field_view> fields) const noexcept;
  static std::uint32_t hash(std::string_view key) noexcept;

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

TABSCORE_INLINE void name_index::fill(std::span<const field_view> fields) {
  const auto none = static_cast<std::uint16_t>(fields.size());
  first_.assign(2 * std::bit_ceil(fields.size()), none);
  next_.assign(fields.size(), none);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::uint16_t& slot = first_[hash(fields[i].name) & (first_.size() - 1)];
    next_[i] = slot;
    longest_ = (std::max)(longest_, fields[i].name.size());
    slot = static_cast<std::uint16_t>(i);
  }
}

TABSCORE_INLINE std::size_t name_index::find(std::string_view key, std::span<const field_view> fields) const noexcept {
  if (key.size() > longest_) return fields.size();
  std::size_t i = first_[hash(key) & (first_.size() - 1)];
  while (i != fields.size() && !is_same(key, fields[i].name)) i = next_[i];
  return i;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
