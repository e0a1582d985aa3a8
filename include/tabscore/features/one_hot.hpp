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
#include "../core/result.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The categories of one text field in model order: text -> position, its indicator column. A nullopt
/// category (missing in training) keeps its position; only an absent text (a view without data) matches it.
/// Without such a category an absent text is unknown. Immutable: threads share it, copies share their memory.
class one_hot {
 public:
  static constexpr std::int32_t unknown = -1;  ///< the code of a text that is not a category

  one_hot() : one_hot(std::vector<std::optional<std::string>>{}) {}
  /// As make(...).value(): a duplicated category throws (aborts without exceptions).
  explicit one_hot(std::vector<std::optional<std::string>> categories,
                   const std::optional<std::string>& imputed = std::nullopt)
      : one_hot(make(std::move(categories), imputed).value()) {}

  /// An absent text counts as the category `imputed`, if that is given and known. An error for a duplicated category,
  /// or 2^30 of them.
  static result<one_hot> make(std::vector<std::optional<std::string>> categories,
                              const std::optional<std::string>& imputed = std::nullopt);

  /// Position of the category in model order, or `unknown`.
  std::int32_t code(std::string_view text) const noexcept { return table_->code(text); }
  /// The same for n texts.
  void codes(const std::string_view* text, std::size_t n, std::int32_t* to) const noexcept {
    const table& t = *table_;
    for (std::size_t i = 0; i < n; ++i) to[i] = t.code(text[i]);
  }

  /// Number of categories.
  std::size_t size() const noexcept { return table_->categories.size(); }
  /// In the order of their columns; std::nullopt: an absent value.
  const std::vector<std::optional<std::string>>& categories() const noexcept { return table_->categories; }
  /// Equal for copies of one another: their codes are the same.
  const void* identity() const noexcept { return table_.get(); }

 private:
  struct table;
  explicit one_hot(std::shared_ptr<const table> t) noexcept : table_(std::move(t)) {}

  // Of up to 16 bytes one-to-one. Longer: hashes; the texts are then compared.
  struct key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint64_t length = 0;

    // All at once: the one that differs is unpredictable.
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
  static constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio (Knuth 6.4)

  struct table {
    /// `twice` is the position of a category that is listed twice.
    table(std::vector<std::optional<std::string>> all, const std::optional<std::string>& imputed,
          std::optional<std::size_t>& twice);

    std::int32_t code(std::string_view text) const noexcept {
      if (text.data() == nullptr) return absent;
      const key wanted = key_of(text);
      for (std::size_t at = home(wanted);; at = (at + 1) & (buckets.size() - 1)) {
        const slot& s = buckets[at];
        // Nearly always one of the two, unpredictably: so not one after the other.
        if ((s.code == unknown) | (s.key == wanted)) {
          if (text.size() <= 16 || s.code == unknown || *categories[static_cast<std::size_t>(s.code)] == text) {
            return s.code;
          }
        }
      }
    }
    std::size_t home(const key& k) const noexcept {
      return static_cast<std::size_t>(
          ((k.first ^ k.length) * multiplier ^ std::rotl(k.second * multiplier, 32)) * multiplier >> shift);
    }

    std::vector<std::optional<std::string>> categories;
    std::vector<slot> buckets;
    int shift = 63;
    std::int32_t absent = unknown;
  };

  std::shared_ptr<const table> table_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<one_hot> one_hot::make(std::vector<std::optional<std::string>> categories,
                                              const std::optional<std::string>& imputed) {
  if (categories.size() >= std::size_t{1} << 30) return error{errc::structure, "a text field has 2^30 categories"};
  std::optional<std::size_t> twice;
  one_hot made(std::make_shared<const table>(std::move(categories), imputed, twice));
  if (!twice) return made;
  const auto& category = made.categories()[*twice];
  if (!category) return error{errc::structure, "the missing category is duplicated"};
  return error{errc::structure, std::string("the category \"").append(*category).append("\" is duplicated")};
}

TABSCORE_INLINE one_hot::table::table(std::vector<std::optional<std::string>> all,
                                      const std::optional<std::string>& imputed, std::optional<std::size_t>& twice)
    : categories(std::move(all)) {
  bool has_missing = false;
  const std::size_t count = std::bit_ceil(4 * categories.size() + 2);  // a quarter full: most are found at once
  buckets.resize(count);
  shift = 64 - std::countr_zero(count);
  for (std::size_t i = 0; i < categories.size(); ++i) {
    if (categories[i] == imputed) absent = static_cast<std::int32_t>(i);
    if (!categories[i]) {
      if (std::exchange(has_missing, true)) twice = i;
      continue;
    }
    const std::string_view text = *categories[i];
    if (code(text) != unknown) twice = i;
    const slot entry{key_of(text), static_cast<std::int32_t>(i)};
    std::size_t at = home(entry.key);
    while (buckets[at].code != unknown) at = (at + 1) & (buckets.size() - 1);
    buckets[at] = entry;
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
