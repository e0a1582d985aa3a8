// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "../config.hpp"

#if TABSCORE_BODIES && defined(__linux__)
#include <sys/mman.h>

#include <cstdint>
#endif

namespace tabscore::inline TABSCORE_ABI::detail {

/// Asks the system to back large memory with large pages, where it does so on request: fewer page faults and fewer
/// misses of the address cache. Small memory is left alone.
void prefer_large_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE void prefer_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
  constexpr std::size_t page = std::size_t{2} << 20U;
  if (bytes < 2 * page) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
#endif
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
