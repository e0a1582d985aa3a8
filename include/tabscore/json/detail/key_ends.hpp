// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../core/config.hpp"
#include "../../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Where the keys of a record end, and maybe those of the next one: at quotes that a colon follows. (Texts hold such
/// quotes only behind a backslash, so users must check the bytes between.)
template <schema_type Schema>
class key_ends {
  /// Bytes that are searched for a record: its names, and 16 more per field.
  static constexpr std::size_t window = [] {
    std::size_t n = 16 * Schema::size;
    for (const std::string_view name : Schema::names) n += name.size();
    return (n + 63) / 64 * 64;
  }();

 public:
  /// So many bytes of the body must follow; 64 bytes behind it can be read.
  static constexpr std::ptrdiff_t bytes = static_cast<std::ptrdiff_t>(window) - 60;

  [[gnu::always_inline]] explicit key_ends(const char* p) noexcept {
    for (const char* const end = p + window; p < end && count_ < Schema::size; p += 64) add(p);
  }
  std::size_t count() const noexcept { return count_; }
  const char* operator[](std::size_t i) const noexcept { return at_[i]; }

 private:
  [[gnu::always_inline]] void add(const char* p) noexcept {
    static constexpr bytes16 quote = sixteen('"'), colon = sixteen(':');
    std::uint64_t ends = 0;
    for (unsigned i = 0; i < 64; i += 16) ends |= std::uint64_t{equal_both(p + i, quote, p + i + 1, colon)} << i;
    // Whether there is one is not asked of as many as usually are: a processor could not guess it.
    for (std::size_t i = 0; i < usual; ++i) {
      at_[count_] = p + std::countr_zero(ends | std::uint64_t{1} << 63U);
      count_ += ends != 0;
      ends &= ends - 1;
    }
    for (; ends != 0; ends &= ends - 1) at_[count_++] = p + std::countr_zero(ends);
  }

  static constexpr std::size_t usual = 64 * Schema::size / window + 2;  // of 64 bytes

  std::array<const char*, Schema::size + 32> at_;  // 64 bytes have 32 at most
  std::size_t count_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
