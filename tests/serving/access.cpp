// SPDX-License-Identifier: MIT
#include <tabscore/serving/access.hpp>

#include "support/catch.hpp"

namespace serving = tabscore::serving;

TEST_CASE("a server on loopback answers for the names of loopback only", "[serving]") {
  const serving::access_list hosts = serving::default_hosts(true, "127.0.0.2");
  for (const char* name :
       {"", "localhost", "LocalHost:80", "localhost.", "127.0.0.1:8000", "[::1]", "[::1]:99", "127.0.0.2"}) {
    CAPTURE(name);
    CHECK(serving::answers_for(hosts, name));
  }
  for (const char* name : {"evil.example", "localhost.evil.example", "evil.example:8000", "10.0.0.1", "::1", "*",
                           "localhost:x", "80", ":", "."}) {
    CAPTURE(name);
    CHECK_FALSE(serving::answers_for(hosts, name));
  }
  CHECK(serving::answers_for(serving::default_hosts(false, "0.0.0.0"), "evil.example"));
}

TEST_CASE("listed origins may read answers", "[serving]") {
  const serving::access_list listed{"https://a.example", "http://localhost:3000"};
  CHECK(serving::allowed_origin(listed, "https://a.example") == "https://a.example");
  CHECK(serving::allowed_origin(listed, "https://b.example").empty());
  CHECK(serving::allowed_origin(listed, "*").empty());
  CHECK(serving::allowed_origin({"*"}, "https://b.example") == "*");
  CHECK(serving::allowed_origin({"*"}, "").empty());
  CHECK(serving::allowed_origin({}, "https://a.example").empty());
  CHECK(serving::varies_by_origin(listed));
  CHECK_FALSE(serving::varies_by_origin({"*"}));
  CHECK_FALSE(serving::varies_by_origin({}));
}
