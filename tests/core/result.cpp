// SPDX-License-Identifier: MIT
#include <tabscore/core/result.hpp>

#include <memory>

#include "support/catch.hpp"

using tabscore::errc;
using tabscore::result;

TEST_CASE("a result holds a value or an error", "[core]") {
  const result<int> good = 7;
  REQUIRE(good);
  CHECK(*good == 7);
  CHECK(good.value() == 7);

  const result<int> bad = tabscore::error{errc::io, "cannot open 'x'"};
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::io);
  CHECK(bad.error().message == "cannot open 'x'");
#if TABSCORE_EXCEPTIONS
  CHECK_THROWS_WITH(bad.value(), "cannot open 'x'");
#endif
}

TEST_CASE("a result gives up a value that can only be moved", "[core]") {
  result<std::unique_ptr<int>> r = std::make_unique<int>(3);
  const std::unique_ptr<int> p = *std::move(r);
  CHECK(*p == 3);
}
