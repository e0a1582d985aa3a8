// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"

namespace tabscore {

/// The categories of one text field in model order: text -> its position, which is its indicator column. A nullopt
/// category (missing during training) keeps its position; no text matches it, but an absent one (a view of nothing) is
/// it. Without such a category an absent text is an empty one. Immutable, so that threads share one; copies share their
/// memory.
class one_hot {
 public:
  static constexpr std::int32_t unknown = -1;

  one_hot() : one_hot(std::vector<std::optional<std::string>>{}) {}
  /// An absent text counts as the category `imputed`, if that is given and known. Precondition: no category twice,
  /// fewer than 2^30 of them.
  explicit one_hot(std::vector<std::optional<std::string>> categories,
                   const std::optional<std::string>& imputed = std::nullopt)
      : table_(std::make_shared<const table>(std::move(categories), imputed)) {}

  /// Position of the category in model order, or `unknown`.
  std::int32_t code(std::string_view text) const noexcept { return table_->code(text); }
  /// The same for n texts.
  void codes(const std::string_view* text, std::size_t n, std::int32_t* to) const noexcept {
    const table& t = *table_;
    for (std::size_t i = 0; i < n; ++i) to[i] = t.code(text[i]);
  }

  std::size_t size() const noexcept { return table_->categories.size(); }
  const std::vector<std::optional<std::string>>& categories() const noexcept { return table_->categories; }
  /// Equal for copies of one another: their codes are the same.
  const void* identity() const noexcept { return table_.get(); }

 private:
  struct slot {
    std::uint64_t key = 0;
    std::uint32_t length = 0;
    std::int32_t code = unknown;
  };

  struct table {
    table(std::vector<std::optional<std::string>> all, const std::optional<std::string>& imputed)
        : categories(std::move(all)) {
      TABSCORE_ASSERT(categories.size() < (std::size_t{1} << 30), "a text field with 2^30 categories or more");
      const std::size_t count = std::bit_ceil(2 * categories.size() + 2);  // at most half full, so probes are short
      slots.resize(count);
      shift = 64 - std::countr_zero(count);
      for (std::size_t i = 0; i < categories.size(); ++i) {
        if (categories[i] == imputed) absent = static_cast<std::int32_t>(i);
        if (!categories[i]) continue;
        const std::string_view text = *categories[i];
        TABSCORE_ASSERT(code(text) == unknown, "a category is listed twice");
        slot entry{key(text), static_cast<std::uint32_t>(text.size()), static_cast<std::int32_t>(i)};
        std::size_t at = home(entry.key, entry.length);
        while (slots[at].code != unknown) at = (at + 1) & (slots.size() - 1);
        slots[at] = entry;
      }
    }

    std::int32_t code(std::string_view text) const noexcept {
      if (text.data() == nullptr && absent != unknown) return absent;
      const std::uint64_t wanted = key(text);
      const auto length = static_cast<std::uint32_t>(text.size());
      for (std::size_t at = home(wanted, length);; at = (at + 1) & (slots.size() - 1)) {
        const slot& s = slots[at];
        if (s.code == unknown) return unknown;
        if (s.key == wanted && s.length == length &&
            (text.size() <= 8 || *categories[static_cast<std::size_t>(s.code)] == text)) {
          return s.code;
        }
      }
    }
    std::size_t home(std::uint64_t k, std::uint32_t length) const noexcept {
      return static_cast<std::size_t>(((k ^ length) * multiplier) >> shift);
    }

    std::vector<std::optional<std::string>> categories;
    std::vector<slot> slots;
    int shift = 63;
    std::int32_t absent = unknown;
  };

  template <class Word>
  static std::uint64_t load(const char* p) noexcept {
    Word w;
    std::memcpy(&w, p, sizeof w);
    return w;
  }

  // Up to 8 bytes: the text itself, one-to-one for a given length. Longer: a hash; the texts are then compared.
  static std::uint64_t key(std::string_view text) noexcept {
    const char* const p = text.data();
    const std::size_t n = text.size();
    if (n > 8) {
      std::uint64_t h = n;
      for (std::size_t i = 0; i + 8 < n; i += 8) h = (std::rotl(h, 29) ^ load<std::uint64_t>(p + i)) * multiplier;
      return (std::rotl(h, 29) ^ load<std::uint64_t>(p + n - 8)) * multiplier;
    }
    if (n >= 4) return load<std::uint32_t>(p) | load<std::uint32_t>(p + n - 4) << 32;
    if (n >= 2) return load<std::uint16_t>(p) | load<std::uint16_t>(p + n - 2) << 16;
    return n == 0 ? 0 : load<unsigned char>(p);
  }
  static constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio (Knuth 6.4)

  std::shared_ptr<const table> table_;
};

}  // namespace tabscore
