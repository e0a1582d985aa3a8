// SPDX-License-Identifier: MIT
#include <tabscore/json/convert.hpp>

#include <bit>
#include <random>
#include <string>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace ts::detail;

namespace {

/// Number-like text, padded as bodies are.
std::string number_like(std::mt19937_64& random) {
  constexpr std::string_view bytes = "00123456789.";
  std::string text;
  const std::size_t size = random() % 11;
  for (std::size_t i = 0; i < size; ++i) text += bytes[random() % (random() % 3 ? 11 : 12)];
  if (size > 2 && random() % 2) text[1 + random() % (size - 1)] = '.';
  if (size > 0 && random() % 16 == 0) text[random() % size] = static_cast<char>(random());
  return text + std::string(64, '"');
}

template <class T>
std::uint64_t bits(T v) {
  return std::bit_cast<std::uint64_t>(v);
}

template <class T, class Short, class Any>
void compare(std::uint64_t seed, Short&& read_short, Any&& read_any) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t count = 1 + random() % 10;
    std::array<std::string, 10> texts;
    value_block block{};
    std::array<T, 10> expected{};
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) {
      texts[i] = number_like(random);
      block.set(i, texts[i].data(), texts[i].size() - 64);
      const extent t = block[i];
      const auto quick = read_short(block.bytes[i], t.size());
      const auto any = read_any(t);
      INFO(t.view());
      // What is short and plain is what the general reader finds; nothing short and plain is missed.
      const bool is_short = t.size() <= 8 && t.view().find_first_of("-eE") == std::string_view::npos;
      REQUIRE((quick.wrong == 0) == (any.wrong == 0 && is_short));
      if (quick.wrong == 0) REQUIRE(bits(quick.value) == bits(any.value));
      expected[i] = quick.value;
      all = all && quick.wrong == 0;
    }
    if (!four_numbers_at_a_time) continue;
    std::array<T, 13> found{};
    REQUIRE((read_short_avx2(block.bytes.data(), block.size.data(), count, found.data()) == 0) == all);
    for (std::size_t i = 0; all && i < count; ++i) REQUIRE(bits(found[i]) == bits(expected[i]));
  }
}

}  // namespace

TEST_CASE("short numbers are read alike one by one, four at a time and in general", "[property]") {
  compare<std::int64_t>(1, read_short_integer, read_integer);
  compare<double>(2, read_short_real, read_real);
}
