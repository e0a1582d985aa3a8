// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../core/config.hpp"
#include "../../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The fields of a schema by name: a hash of eight of a key's first or last bytes leads to the one name that is then
/// compared.
template <schema_type Schema>
class key_table {
 public:
  /// Longer names are not found.
  static constexpr std::size_t longest_name = 40;

  /// The field whose name is at p, its closing quote included, or npos: then the key must be looked at more closely.
  [[gnu::always_inline]] static std::size_t find(const char* p) noexcept {
    return find(from_front, load8(p + from_front.offset) & mask, [p](std::size_t) { return p; });
  }
  /// The same for the name whose closing quote is at p. Looks at bytes_before p at most.
  [[gnu::always_inline]] static std::size_t find_before(const char* p) noexcept {
    return find(from_back, load8(p - from_back.offset) >> (64 - 8 * width),
                [p](std::size_t i) { return p + 1 - length(i); });
  }
  static constexpr std::ptrdiff_t bytes_before = longest_name;
  /// Bytes of a field's name and its closing quote.
  static std::size_t length(std::size_t field) noexcept { return names[field].size(); }

 private:
  struct buckets;
  template <class NameAt>
  [[gnu::always_inline]] static std::size_t find(const buckets& s, std::uint64_t word, NameAt name_at) noexcept {
    std::size_t i = s.first[slot(word, s.factor)];
    while (!names[i].matches(name_at(i))) {
      i = s.next[i];
      if (i == none) return Schema::npos;
    }
    return i;
  }

  static constexpr std::uint16_t none = 0xFFFF;
  static constexpr unsigned bits = std::bit_width(Schema::size) + 2;

  // Names that cannot be found in this way, which is no more than slow: too long ones, and those that need escapes.
  static constexpr bool listed(std::string_view name) noexcept {
    return name.size() <= longest_name && name.find_first_of("\"\\") == std::string_view::npos;
  }

 public:
  /// Whether it has all names: a key that it does not find is then unknown.
  static constexpr bool complete = std::all_of(Schema::names.begin(), Schema::names.end(), listed);

 private:
  /// So many bytes can be hashed: the shortest name and its quote.
  static constexpr std::size_t hashed = [] {
    std::size_t n = 16;
    for (const std::string_view name : Schema::names) n = (std::min)(n, name.size() + 1);
    return n;
  }();
  static constexpr std::size_t width = std::min<std::size_t>(hashed, 8);  // bytes of a word that is hashed
  static constexpr std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * width);
  static constexpr std::size_t slot(std::uint64_t word, std::uint64_t factor) noexcept {
    return static_cast<std::size_t>(word * factor >> (64U - bits));
  }
  /// The bytes from `offset` on of a name between quotes.
  static constexpr std::uint64_t word_of(std::string_view name, std::size_t offset) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t at = offset + i;
      const char c = at > 0 && at <= name.size() ? name[at - 1] : '"';
      word |= std::uint64_t{static_cast<unsigned char>(c)} << 8 * i;
    }
    return word;
  }

  struct buckets {
    std::array<std::uint16_t, std::size_t{1} << bits> first{};
    std::array<std::uint16_t, Schema::size> next{};
    std::size_t offset = 0;  // of the bytes that are hashed
    std::uint64_t factor = 0;
    std::size_t shared = 0;  // names that are not the first of their slot
  };
  /// With the words that begin `offset` bytes behind a name's first, or before its closing quote.
  static constexpr buckets make(bool front, std::size_t offset, std::uint64_t factor) noexcept {
    buckets s;
    s.offset = offset;
    s.factor = factor;
    s.first.fill(none);
    s.next.fill(none);
    for (std::size_t i = 0; i < Schema::size; ++i) {
      const std::string_view name = Schema::names[i];
      if (!listed(name)) continue;
      const std::uint64_t word = word_of(name, front ? offset + 1 : name.size() + 1 - offset + 8 - width);
      auto& first = s.first[slot(word, factor)];
      s.shared += first != none;
      s.next[i] = first;
      first = static_cast<std::uint16_t>(i);
    }
    // Where there is none, any will do.
    std::replace(s.first.begin(), s.first.end(), none, std::uint16_t{0});
    return s;
  }
  static constexpr buckets best(bool front) noexcept {
    constexpr std::size_t offsets = hashed - width + 1;
    std::uint64_t factor = 0xD1B54A32D192ED03U;
    buckets best = make(front, front ? 0 : 8, factor);
    for (std::size_t i = 1; i < 48 && best.shared > 0; ++i) {
      factor = factor * 6364136223846793005U + 1442695040888963407U;
      const std::size_t offset = i % offsets + (front ? 0 : 8);
      if (const buckets s = make(front, offset, factor | 1U); s.shared < best.shared) best = s;
    }
    return best;
  }
  static constexpr buckets from_front = best(true), from_back = best(false);
  static constexpr std::array<piece, Schema::size> names = [] {
    std::array<piece, Schema::size> p;
    for (std::size_t i = 0; i < Schema::size; ++i) {
      const std::string_view name = Schema::names[i];
      if (!listed(name)) {
        p[i] = piece::none();
        continue;
      }
      std::array<char, piece::capacity> text{};
      for (std::size_t k = 0; k < name.size(); ++k) text[k] = name[k];
      text[name.size()] = '"';
      p[i] = piece({text.data(), name.size() + 1});
    }
    return p;
  }();
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
