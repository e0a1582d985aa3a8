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
  scratch matrix;                ///< numeric features of a block of records
  scratch codes;                 ///< text features of a block of records
  scratch model;                 ///< of the model while it scores
  scratch values;                ///< predictions::value
  scratch label;                 ///< predictions::label
  scratch decision;              ///< predictions::decision
  scratch contributions;         ///< predictions::contributions
  scratch reasons;               ///< predictions::reasons
  scratch reason_sums;           ///< contributions of a record, by reason
  scratch bin_reasons;           ///< reasons by the bins of the training data
  record_reasons found_reasons;  ///< predictions::reasons
  detail::number_texts texts;    ///< texts of numbers that a log and an answer share
  detail::exclusive user;        ///< one thread at a time
};

}  // namespace tabscore::inline TABSCORE_ABI
