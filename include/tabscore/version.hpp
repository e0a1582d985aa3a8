// SPDX-License-Identifier: MIT
#pragma once

// The one place of the version; CMake reads these three lines.
#define TABSCORE_VERSION_MAJOR 0
#define TABSCORE_VERSION_MINOR 1
#define TABSCORE_VERSION_PATCH 0

#include <string_view>

#include "core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

#define TABSCORE_TEXT_OF(number) #number
#define TABSCORE_VERSION_OF(major, minor, patch) \
  TABSCORE_TEXT_OF(major) "." TABSCORE_TEXT_OF(minor) "." TABSCORE_TEXT_OF(patch)
/// "major.minor.patch".
constexpr std::string_view version_text() noexcept {
  return TABSCORE_VERSION_OF(TABSCORE_VERSION_MAJOR, TABSCORE_VERSION_MINOR, TABSCORE_VERSION_PATCH);
}
#undef TABSCORE_VERSION_OF
#undef TABSCORE_TEXT_OF

}  // namespace tabscore::inline TABSCORE_ABI
