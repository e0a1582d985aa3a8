// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::detail {

/// The fields of a schema by name: a hash of a few bytes leads to the one name that is then compared.
template <schema_type Schema>
class key_table {
 public:
  /// The field whose name is the `length` bytes at p, or Schema::npos.
  static std::size_t find(const char* p, std::size_t length) noexcept {
    if (length == 0) return Schema::npos;  // read carefully, where it matters
    for (std::size_t i = table.first[slot(p, length, table.factor)]; i != none; i = table.next[i]) {
      if (Schema::names[i].size() != length) continue;
      if (length <= piece::capacity ? pieces[i].matches(p) : Schema::names[i] == std::string_view(p, length)) return i;
    }
    return Schema::npos;
  }

 private:
  static constexpr std::uint16_t none = 0xFFFF;
  static constexpr unsigned bits = std::bit_width(Schema::size) + 2;

  static constexpr std::size_t slot(const char* p, std::size_t length, std::uint32_t factor) noexcept {
    const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(p[i])}; };
    const std::uint32_t some =
        byte(0) ^ byte(length / 2) << 8U ^ byte(length - 1) << 16U ^ static_cast<std::uint32_t>(length) << 24U;
    return (some * factor) >> (32 - bits);
  }

  struct slots {
    std::array<std::uint16_t, std::size_t{1} << bits> first{};
    std::array<std::uint16_t, Schema::size> next{};
    std::uint32_t factor = 0;
    std::size_t shared = 0;  // names that are not the first of their slot
  };
  static constexpr slots make(std::uint32_t factor) noexcept {
    slots s;
    s.factor = factor;
    s.first.fill(none);
    for (std::size_t i = 0; i < Schema::size; ++i) {
      const std::string_view name = Schema::names[i];
      if (name.empty() || name.find_first_of("\"\\") != std::string_view::npos)
        continue;  // cannot be written like that
      auto& first = s.first[slot(name.data(), name.size(), factor)];
      s.shared += first != none;
      s.next[i] = first;
      first = static_cast<std::uint16_t>(i);
    }
    return s;
  }
  static constexpr slots table = [] {
    std::uint32_t factor = 0x9E3779B1U;
    slots best = make(factor);
    for (int i = 0; i < 32 && best.shared > 0; ++i) {
      factor = factor * 1664525U + 1013904223U;
      if (const slots s = make(factor | 1U); s.shared < best.shared) best = s;
    }
    return best;
  }();
  static constexpr std::array<piece, Schema::size> pieces = [] {
    std::array<piece, Schema::size> p;
    for (std::size_t i = 0; i < Schema::size; ++i) {
      if (Schema::names[i].size() <= piece::capacity) p[i] = piece(Schema::names[i]);
    }
    return p;
  }();
};

}  // namespace tabscore::detail
