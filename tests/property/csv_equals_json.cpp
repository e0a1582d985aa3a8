// SPDX-License-Identifier: MIT
// CSV against a plain reading of its grammar, and its values against the JSON that they stand for.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/plain_csv.hpp"

TEST_CASE("any bytes are read as the grammar of CSV says", "[property]") {
  std::mt19937 random(20261123);
  const std::string alphabet = "aaa111,,,,\"\"\"\n\n\r.";
  for (int trial = 0; trial < 4000; ++trial) {
    std::string text;
    const std::size_t size = random() % (trial % 10 == 0 ? 400 : 40);
    for (std::size_t i = 0; i < size; ++i) text += alphabet[random() % alphabet.size()];
    REQUIRE(plain_csv::difference(text + "\n", {"name", "whole", "number", "flag"}, trial % 3 != 0) == "");
  }
}

TEST_CASE("a cell gives the value of its JSON form", "[property]") {
  std::mt19937 random(7);
  const std::vector<std::string> nasty{"",
                                       "0",
                                       "00",
                                       "-0",
                                       "-0.0",
                                       "1",
                                       "45",
                                       "45.9",
                                       "1e3",
                                       "1E-2",
                                       "1e400",
                                       "1_000",
                                       " 7 ",
                                       "+3",
                                       "-1",
                                       "12345678",
                                       "123456789",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "1.5",
                                       ".5",
                                       "5.",
                                       "0.1234567",
                                       "87.25",
                                       "123456.7890123",
                                       "NaN",
                                       "nan",
                                       "Infinity",
                                       "-Infinity",
                                       "inf",
                                       "null",
                                       "true",
                                       "false",
                                       "True",
                                       "yes",
                                       "no",
                                       "1.0",
                                       "x",
                                       "US",
                                       "\xC3\xA9t\xC3\xA9",
                                       "\xC3",
                                       "\xED\xA0\x80",
                                       "a,b",
                                       "a\"b",
                                       "\"",
                                       "a\nb",
                                       "\\",
                                       "\\u0041",
                                       "tab\there",
                                       std::string("nul\0", 4),
                                       "this text is longer than thirty-two characters",
                                       "this text is very much longer than forty characters are"};
  const std::vector<std::string> plain{"US", "12", "3.5", "7", "0.25", "true", "note"};
  std::vector<std::string> header;
  for (const auto name : plain_csv::mixed::names) header.emplace_back(name);
  header.emplace_back("other");
  for (int trial = 0; trial < 600; ++trial) {
    std::shuffle(header.begin(), header.end(), random);
    std::string text;
    const unsigned odd = trial % 4 == 0 ? 2 : 40;
    for (std::size_t rows = random() % 100; rows > 0; --rows) {
      for (std::size_t c = 0; c < header.size(); ++c) {
        const std::size_t f = plain_csv::mixed::index_of(header[c]);
        const std::string value =
            random() % odd == 0 || f == plain_csv::mixed::npos ? nasty[random() % nasty.size()] : plain[f];
        const bool must = value.find_first_of(",\"\n") != std::string::npos || value.ends_with('\r');
        if (c > 0) text += ',';
        if (must || random() % 5 == 0) {
          text += '"';
          for (const char byte : value) text += byte == '"' ? "\"\"" : std::string(1, byte);
          text += '"';
        } else {
          text += value;
        }
      }
      text += trial % 2 == 0 ? "\n" : "\r\n";
    }
    REQUIRE(plain_csv::difference(text, header) == "");
  }
}
