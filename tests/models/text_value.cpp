// SPDX-License-Identifier: MIT
#include <simdjson.h>

#include "tabscore/models/detail/xgboost/text_value.hpp"

#include <bit>
#include <cstdint>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "tabscore/models/detail/model_value.hpp"

using namespace tabscore;

namespace {

/// The numbers of member "x" as bits; nothing where the document or the array is refused.
using numbers = std::optional<std::vector<std::uint64_t>>;

template <class Value>
numbers numbers_of(const Value& root) {
  std::vector<std::uint64_t> out;
  const auto found = root.find("x");
  const bool good = found && found->each_number([&](double number) {
    out.push_back(std::bit_cast<std::uint64_t>(number));
    return true;
  });
  if (!good) return std::nullopt;
  return out;
}

numbers by_simdjson(std::string_view text) {
  simdjson::dom::parser parser;
  const auto root = detail::parse_json(parser, text, "test");
  return root ? numbers_of(*root) : std::nullopt;
}

numbers by_text(std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());  // a sanitizer sees reads behind it
  detail::text_document document({exact.data(), exact.size()});
  if (!document.parse()) return std::nullopt;
  const numbers found = numbers_of(detail::text_value(document));
  return document.check_rest() ? found : std::nullopt;
}

std::string in_array(std::string_view number) { return "{\"x\":[" + std::string(number) + "]}"; }

}  // namespace

TEST_CASE("numbers of a JSON text are those that simdjson reads", "[models]") {
  for (const std::string_view plain : {"0",
                                       "-0",
                                       "-0.0",
                                       "0.0",
                                       "1",
                                       "7,8,9",
                                       "1234567890123456",
                                       "-9999999999999999",
                                       "1.5E0",
                                       "1E22",
                                       "1e23",
                                       "5E-1",
                                       "1e+5",
                                       "1.1754943E-38",
                                       "1E-45",
                                       "3.4028235E38",
                                       "1E-99",
                                       "0E0",
                                       "-0E5",
                                       "0.000001",
                                       "9007199254740993.0",
                                       "0.1234567890123456",
                                       "12345678,87654321.25",
                                       "1 , 2\n",
                                       " 3",
                                       "1E05"}) {
    INFO(plain);
    const std::string text = in_array(plain);
    CHECK(by_text(text));
    CHECK(by_text(text) == by_simdjson(text));
  }
  std::mt19937_64 random(1);
  std::size_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t digits = random() % 12;
    std::string number = random() % 2 == 0 ? "-" : "";
    number += std::to_string(random() % (random() % 2 == 0 ? 10 : 100'000'000'000));
    if (digits > 0) number += '.';
    for (std::size_t d = 0; d < digits; ++d) number += static_cast<char>('0' + random() % 10);
    if (random() % 2 == 0) number += (random() % 2 == 0 ? "E-" : "e") + std::to_string(random() % 40);
    const std::string text = in_array(number + "," + number);
    const numbers found = by_text(text);
    if (found) ++read;
    INFO(number);
    if (found && found != by_simdjson(text)) FAIL("other bits");
  }
  CHECK(read > 15'000);
}

TEST_CASE("what is not a plain number of a JSON text is left to simdjson", "[models]") {
  std::istringstream others(
      "01 - -01 1. .5 1.E5 1E 1E+ +1 1, ,1 1,,2 0x1 1a 1] 1.2.3 1E5.0 1E5E5 --1 NaN 1,NaN 1,\"2\" 1,[2] 1,true 1,null "
      "1E400 "
      "1E-400 1E999999999999 12345678901234567 1234567890123456789012345 1E100 1E-100 0.1234567890123456789");
  std::vector<std::string> all{"1 2", "1\f", "1\v,2"};
  for (std::string word; others >> word;) all.push_back(word);
  for (const std::string& other : all) {
    const std::string text = in_array(other);
    INFO(text);
    CHECK_FALSE(by_text(text));
  }
}

TEST_CASE("a JSON text that simdjson refuses has no value", "[models]") {
  const std::string good =
      R"( {"a": {"b\"\\\n": [], "c": [true, false], "d": null}, "x": [1, -2.5E-3], "y": ["t", {"z": 1.5}], "é": "ü"} )";
  REQUIRE(by_text(good));
  CHECK(by_text(good) == by_simdjson(good));
  CHECK(by_text(R"({"x": [true, false, "inf", "N"]})") == by_simdjson(R"({"x": [true, false, "inf", "N"]})"));
  CHECK(by_text(R"({"x": [1], "x": [2]})") == by_simdjson(R"({"x": [1], "x": [2]})"));
  CHECK_FALSE(by_text(R"({"x": [1], "unread": [1, 2, 03]})"));
  for (std::size_t n = 0; n + 1 < good.size(); ++n) CHECK_FALSE(by_text(std::string_view(good).substr(0, n)));
  // Any byte replaced by any other: nothing that simdjson refuses, no other numbers.
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[at] = static_cast<char>(c);
      const numbers found = by_text(text);
      if (found && found != by_simdjson(text)) FAIL("byte " << c << " at " << at);
    }
  }
}
