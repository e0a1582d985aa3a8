// SPDX-License-Identifier: MIT
#pragma once

#include "../core/config.hpp"
#include "../core/detail/exclusive.hpp"
#include "../core/detail/number_texts.hpp"
#include "../core/scratch.hpp"
#include "../outputs/reasons.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Working memory of scoring; grows to the largest batch and is then reused. One per thread.
struct score_buffers {
  /// @{
  /// The memory of one stage.
  scratch matrix, codes, model, values, label, decision, contributions, reasons, reason_sums, bin_reasons;
  /// @}
  record_reasons found_reasons;  ///< predictions::reasons
  detail::number_texts texts;    ///< texts of numbers that a log and an answer share
  detail::exclusive user;        ///< one thread at a time
};

}  // namespace tabscore::inline TABSCORE_ABI
