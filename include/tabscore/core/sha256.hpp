// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "config.hpp"
#include "detail/sha256.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The SHA-256 of bytes as 64 hexadecimal digits: what model and policy files are called by.
inline std::string sha256(std::string_view bytes) { return detail::sha256(bytes); }

}  // namespace tabscore::inline TABSCORE_ABI
