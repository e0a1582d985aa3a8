// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../schema/field_error.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The reason why a row has no prediction: the feature and the fault of its value.
struct feature_fault {
  static constexpr std::size_t no_feature = static_cast<std::size_t>(-1);  ///< no feature is to blame

  std::size_t feature = no_feature;  ///< numeric features first, then text features
  fault what = fault::not_finite;    ///< the reason
};

}  // namespace tabscore::inline TABSCORE_ABI
