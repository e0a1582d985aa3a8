// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Options of a request for its batch.
struct batch_options {
  std::size_t reasons = 0;            ///< at most this many of each record; needs pipeline::reasons()
  std::string_view log_members = {};  ///< scored::log_members
};

}  // namespace tabscore::inline TABSCORE_ABI
