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

/// The fields of a schema by name: a hash of a key's first bytes leads to the one name that is then compared.
template <schema_type Schema>
class key_table {
 public:
  /// The field whose name is at p, its closing quote included, or npos: then the key must be looked at more closely.
  [[gnu::always_inline]] static std::size_t find(const char* p) noexcept {
    std::size_t i = table.first[slot(load8(p), load8(p + 8), table.factor)];
    while (i != none && !names[i].matches(p)) i = table.next[i];
    return i == none ? Schema::npos : i;
  }
  /// Bytes of a field's name and its closing quote.
  static std::size_t length(std::size_t field) noexcept { return names[field].size(); }

 private:
  static constexpr std::uint16_t none = 0xFFFF;
  static constexpr unsigned bits = std::bit_width(Schema::size) + 2;

  // Names that cannot be found in this way, which is no more than slow: too long ones, and those that need escapes.
  static constexpr bool listed(std::string_view name) noexcept {
    return name.size() < piece::capacity && name.find_first_of("\"\\") == std::string_view::npos;
  }

  /// So many bytes can be hashed: the shortest name and its quote.
  static constexpr std::size_t hashed = [] {
    std::size_t n = 16;
    for (const std::string_view name : Schema::names) n = std::min(n, name.size() + 1);
    return n;
  }();
  static constexpr std::uint64_t mask(std::size_t bytes) noexcept {
    return bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * bytes) - 1;
  }
  static constexpr std::size_t slot(std::uint64_t low, std::uint64_t high, std::uint64_t factor) noexcept {
    low &= mask(hashed);
    high &= mask(hashed > 8 ? hashed - 8 : 0);
    return static_cast<std::size_t>((low * factor ^ std::rotl(high * factor, 32)) * 0x9E3779B97F4A7C15U >>
                                    (64U - bits));
  }
  static constexpr std::size_t slot(std::string_view name, std::uint64_t factor) noexcept {
    std::array<std::uint64_t, 2> words{};
    for (std::size_t i = 0; i < hashed; ++i) {
      const char c = i < name.size() ? name[i] : '"';
      words[i / 8] |= std::uint64_t{static_cast<unsigned char>(c)} << i % 8 * 8;
    }
    return slot(words[0], words[1], factor);
  }

  struct slots {
    std::array<std::uint16_t, std::size_t{1} << bits> first{};
    std::array<std::uint16_t, Schema::size> next{};
    std::uint64_t factor = 0;
    std::size_t shared = 0;  // names that are not the first of their slot
  };
  static constexpr slots make(std::uint64_t factor) noexcept {
    slots s;
    s.factor = factor;
    s.first.fill(none);
    for (std::size_t i = 0; i < Schema::size; ++i) {
      if (!listed(Schema::names[i])) continue;
      auto& first = s.first[slot(Schema::names[i], factor)];
      s.shared += first != none;
      s.next[i] = first;
      first = static_cast<std::uint16_t>(i);
    }
    return s;
  }
  static constexpr slots table = [] {
    std::uint64_t factor = 0xD1B54A32D192ED03U;
    slots best = make(factor);
    for (int i = 0; i < 32 && best.shared > 0; ++i) {
      factor = factor * 6364136223846793005U + 1442695040888963407U;
      if (const slots s = make(factor | 1U); s.shared < best.shared) best = s;
    }
    return best;
  }();
  static constexpr std::array<piece, Schema::size> names = [] {
    std::array<piece, Schema::size> p;
    for (std::size_t i = 0; i < Schema::size; ++i) {
      const std::string_view name = Schema::names[i];
      if (!listed(name)) continue;
      std::array<char, piece::capacity> text{};
      for (std::size_t k = 0; k < name.size(); ++k) text[k] = name[k];
      text[name.size()] = '"';
      p[i] = piece({text.data(), name.size() + 1});
    }
    return p;
  }();
};

}  // namespace tabscore::detail
