// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/sha256.hpp"
#include "../core/siphash.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

/// Assigns values to the arms of an experiment, equal values to the same arm. u is the upper 53 bits of SipHash-2-4 of
/// the value, divided by 2^53; arm 1 is u < weight 1, arm 2 the next part of size weight 2, and so on; the rest is arm
/// 0. The key is the first 16 bytes of SHA-256 of the salt, as two little-endian numbers. Immutable.
class ab_assignment {
 public:
  /// `weights`: of the arms after the first one; they add up to at most 1.
  ab_assignment(std::string_view salt, const std::vector<double>& weights) {
    const auto bytes = tabscore::detail::sha256_bytes(salt);
    for (std::size_t i = 0; i < 16; ++i) key_[i / 8] |= std::uint64_t{bytes[i]} << (i % 8 * 8);
    double sum = 0;
    for (const double w : weights) limits_.push_back(sum += w);
  }

  /// 0: the champion; else the challenger's number. Depends on the value alone.
  std::size_t arm_of(std::string_view value) const noexcept {
    const double u = static_cast<double>(siphash(value, key_) >> 11U) * 0x1p-53;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      if (u < limits_[i]) return i + 1;
    }
    return 0;
  }

 private:
  siphash_key key_{};
  std::vector<double> limits_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving
