// SPDX-License-Identifier: MIT
#include <tabscore/features/one_hot.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "support/catch.hpp"

using tabscore::one_hot;

TEST_CASE("a category's code is its position and any other text is unknown", "[features]") {
  const one_hot field({"US", std::nullopt, "", "a category longer than eight bytes", "U"});
  CHECK(field.size() == 5);
  CHECK(field.code("US") == 0);
  CHECK(field.code("") == 2);
  CHECK(field.code("a category longer than eight bytes") == 3);
  CHECK(field.code("U") == 4);
  for (const char* const text : {"us", "S", "USA", "null", "NaN", "a category longer than eight byteS"}) {
    CHECK(field.code(text) == one_hot::unknown);
  }
  CHECK(field.code(std::string_view("U\0", 2)) == one_hot::unknown);
  CHECK(field.code(std::string_view()) == 1);  // absent, not empty
}

TEST_CASE("an absent text is not the category of empty texts", "[features]") {
  const one_hot field({"a", ""});
  CHECK(field.code("") == 1);
  CHECK(field.code(std::string_view()) == one_hot::unknown);
}

TEST_CASE("a field without categories knows no text", "[features]") {
  CHECK(one_hot().code("") == one_hot::unknown);
  CHECK(one_hot().code("x") == one_hot::unknown);
  CHECK(one_hot(std::vector<std::optional<std::string>>{}).code("x") == one_hot::unknown);
  CHECK(one_hot({std::nullopt}).code("") == one_hot::unknown);
}

TEST_CASE("codes agree with a standard map on random texts of every length", "[features]") {
  std::mt19937 random(7);
  const auto text = [&] {
    // Few letters and exactly sized storage, so that near misses are common and reads past the end are seen.
    std::vector<char> letters(random() % 20);
    for (char& c : letters) c = "ab\0\xff"[random() % 4];
    return letters;
  };
  for (const std::size_t count : {1u, 2u, 3u, 64u, 1000u, 20000u}) {
    std::vector<std::optional<std::string>> categories;
    std::unordered_map<std::string, std::int32_t> expected;
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<char> letters = text();
      const std::string category(letters.begin(), letters.end());
      if (expected.emplace(category, static_cast<std::int32_t>(categories.size())).second) {
        categories.emplace_back(category);
      }
    }
    const one_hot field(categories);
    std::size_t wrong = 0;
    for (const auto& [category, code] : expected) wrong += field.code(category) != code;
    for (int i = 0; i < 20000; ++i) {
      const std::vector<char> letters = text();
      const auto known = expected.find(std::string(letters.begin(), letters.end()));
      const std::string_view wanted = letters.empty() ? "" : std::string_view(letters.data(), letters.size());
      wrong += field.code(wanted) != (known == expected.end() ? -1 : known->second);
    }
    CHECK(wrong == 0);
  }
}
