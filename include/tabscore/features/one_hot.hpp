// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"

namespace tabscore {

/// The categories of one text field in model order: text -> its position, which is its indicator column. A nullopt
/// category (missing during training) keeps its position but no text matches it. Immutable, so that threads share one.
class one_hot {
 public:
  static constexpr std::int32_t unknown = -1;

  one_hot() = default;
  /// Precondition: no category twice, fewer than 2^30 of them.
  explicit one_hot(std::vector<std::optional<std::string>> categories) : categories_(std::move(categories)) {
    TABSCORE_ASSERT(categories_.size() < (std::size_t{1} << 30), "a text field with 2^30 categories or more");
    const std::size_t count = std::bit_ceil(4 * categories_.size() + 2);  // a quarter full: most are found at once
    slots_.resize(count);
    shift_ = 64 - std::countr_zero(count);
    for (std::size_t i = 0; i < categories_.size(); ++i) {
      if (!categories_[i]) continue;
      const std::string_view text = *categories_[i];
      TABSCORE_ASSERT(code(text) == unknown, "a category is listed twice");
      const slot entry{key_of(text), static_cast<std::int32_t>(i)};
      std::size_t at = home(entry.key);
      while (slots_[at].code != unknown) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = entry;
    }
  }

  /// Position of the category in model order, or `unknown`.
  std::int32_t code(std::string_view text) const noexcept {
    const key wanted = key_of(text);
    for (std::size_t at = home(wanted);; at = (at + 1) & (slots_.size() - 1)) {
      const slot& s = slots_[at];
      if (s.code == unknown) return unknown;
      if (s.key == wanted && (text.size() <= 16 || *categories_[static_cast<std::size_t>(s.code)] == text)) {
        return s.code;
      }
    }
  }

  std::size_t size() const noexcept { return categories_.size(); }
  const std::vector<std::optional<std::string>>& categories() const noexcept { return categories_; }

 private:
  // Of up to 16 bytes one-to-one. Longer: hashes; the texts are then compared.
  struct key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint64_t length = 0;

    // All at once: which of them differs nobody can predict.
    friend bool operator==(const key& a, const key& b) noexcept {
      return ((a.first ^ b.first) | (a.second ^ b.second) | (a.length ^ b.length)) == 0;
    }
  };
  struct slot {
    one_hot::key key;
    std::int32_t code = unknown;
  };

  template <class Word>
  static std::uint64_t load(const char* p) noexcept {
    Word w;
    std::memcpy(&w, p, sizeof w);
    return w;
  }

  static key key_of(std::string_view text) noexcept {
    const char* const p = text.data();
    const std::size_t n = text.size();
    if (n > 16) {
      key k{n, n, n};
      for (std::size_t i = 0; i + 8 < n; i += 8) {
        k.first = (std::rotl(k.first, 29) ^ load<std::uint64_t>(p + i)) * multiplier;
      }
      k.second = load<std::uint64_t>(p + n - 8);
      return k;
    }
    if (n >= 4) {  // the first 4 bytes, the last 4, and between them two times 4 that overlap as need be
      const std::size_t step = n / 8 * 4;
      const char* const last = p + n - 4;
      return {load<std::uint32_t>(p) | load<std::uint32_t>(p + step) << 32U,
              load<std::uint32_t>(last) | load<std::uint32_t>(last - step) << 32U, n};
    }
    if (n >= 2) return {load<std::uint16_t>(p) | load<std::uint16_t>(p + n - 2) << 16U, 0, n};
    return {n == 0 ? 0 : load<unsigned char>(p), 0, n};
  }
  std::size_t home(const key& k) const noexcept {
    return static_cast<std::size_t>(
        ((k.first ^ k.length) * multiplier ^ std::rotl(k.second * multiplier, 32)) * multiplier >> shift_);
  }
  static constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio (Knuth 6.4)

  std::vector<std::optional<std::string>> categories_;
  std::vector<slot> slots_ = std::vector<slot>(2);
  int shift_ = 63;
};

}  // namespace tabscore
