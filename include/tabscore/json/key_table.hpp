// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::detail {

/// The fields of a schema by name: a hash of eight of a key's first bytes leads to the one name that is then compared.
template <schema_type Schema>
class key_table {
 public:
  /// Longer names are not found.
  static constexpr std::size_t longest_name = 40;

  /// The field whose name is at p, its closing quote included, or npos: then the key must be looked at more closely.
  [[gnu::always_inline]] static std::size_t find(const char* p) noexcept {
    const std::size_t i = table.first[slot(load8(p + table.offset), table.factor)];
    return names[i].matches(p) ? i : find_next(p, i);
  }
  /// Bytes of a field's name and its closing quote.
  static std::size_t length(std::size_t field) noexcept { return names[field].size(); }

 private:
  [[gnu::noinline]] static std::size_t find_next(const char* p, std::size_t i) noexcept {
    do i = table.next[i];
    while (i != none && !names[i].matches(p));
    return i == none ? Schema::npos : i;
  }

  static constexpr std::uint16_t none = 0xFFFF;
  static constexpr unsigned bits = std::bit_width(Schema::size) + 2;

  // Names that cannot be found in this way, which is no more than slow: too long ones, and those that need escapes.
  static constexpr bool listed(std::string_view name) noexcept {
    return name.size() <= longest_name && name.find_first_of("\"\\") == std::string_view::npos;
  }

  /// So many bytes can be hashed: the shortest name and its quote.
  static constexpr std::size_t hashed = [] {
    std::size_t n = 16;
    for (const std::string_view name : Schema::names) n = std::min(n, name.size() + 1);
    return n;
  }();
  static constexpr std::size_t slot(std::uint64_t word, std::uint64_t factor) noexcept {
    constexpr std::uint64_t mask = ~std::uint64_t{0} >> (hashed < 8 ? 64 - 8 * hashed : 0);
    return static_cast<std::size_t>((word & mask) * factor >> (64U - bits));
  }
  static constexpr std::uint64_t word_of(std::string_view name, std::size_t offset) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8 && offset + i <= name.size(); ++i) {
      const char c = offset + i < name.size() ? name[offset + i] : '"';
      word |= std::uint64_t{static_cast<unsigned char>(c)} << 8 * i;
    }
    return word;
  }

  struct slots {
    std::array<std::uint16_t, std::size_t{1} << bits> first{};
    std::array<std::uint16_t, Schema::size> next{};
    std::size_t offset = 0;  // of the bytes that are hashed
    std::uint64_t factor = 0;
    std::size_t shared = 0;  // names that are not the first of their slot
  };
  static constexpr slots make(std::size_t offset, std::uint64_t factor) noexcept {
    slots s;
    s.offset = offset;
    s.factor = factor;
    s.first.fill(none);
    s.next.fill(none);
    for (std::size_t i = 0; i < Schema::size; ++i) {
      if (!listed(Schema::names[i])) continue;
      auto& first = s.first[slot(word_of(Schema::names[i], offset), factor)];
      s.shared += first != none;
      s.next[i] = first;
      first = static_cast<std::uint16_t>(i);
    }
    // Where there is none, any will do.
    std::replace(s.first.begin(), s.first.end(), none, std::uint16_t{0});
    return s;
  }
  static constexpr slots table = [] {
    constexpr std::size_t offsets = hashed < 8 ? 1 : hashed - 7;
    std::uint64_t factor = 0xD1B54A32D192ED03U;
    slots best = make(0, factor);
    for (std::size_t i = 1; i < 48 && best.shared > 0; ++i) {
      factor = factor * 6364136223846793005U + 1442695040888963407U;
      if (const slots s = make(i % offsets, factor | 1U); s.shared < best.shared) best = s;
    }
    return best;
  }();
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

}  // namespace tabscore::detail
