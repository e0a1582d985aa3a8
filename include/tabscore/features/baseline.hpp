// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tabscore {

/// What the training rows looked like, to compare live traffic with. Plain data.
struct drift_baseline {
  struct feature {
    std::string name;
    double mean = 0;
    double std = 0;  ///< population standard deviation, unscaled units
  };
  std::vector<feature> numeric;       ///< one entry per numeric feature, in model order
  double training_positive_rate = 0;  ///< share of positive labels, 0..1
  std::uint64_t training_sample_size = 0;
};

}  // namespace tabscore
