// SPDX-License-Identifier: MIT
#include <tabscore/core/siphash.hpp>

#include <string>

#include "support/catch.hpp"

TEST_CASE("siphash gives the numbers of its authors", "[core]") {
  // Key 00 01 .. 0f; texts "", "00", "00 01", ...: the vectors published with the reference implementation.
  const tabscore::siphash_key key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::string text;
  CHECK(tabscore::siphash(text, key) == 0x726fdb47dd0e0e31U);
  text.push_back('\0');
  CHECK(tabscore::siphash(text, key) == 0x74f839c593dc67fdU);
  for (char c = 1; c < 8; ++c) text.push_back(c);
  CHECK(tabscore::siphash(text, key) == 0x93f5f5799a932462U);
  for (char c = 8; c < 15; ++c) text.push_back(c);
  CHECK(tabscore::siphash(text, key) == 0xa129ca6149be45e5U);  // the example of the paper
}
