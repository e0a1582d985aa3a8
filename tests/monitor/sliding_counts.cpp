// SPDX-License-Identifier: MIT
#include <tabscore/monitor/sliding_counts.hpp>

#include <cstdint>
#include <random>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using std::chrono::minutes;

TEST_CASE("windows hold the records of their time or number, at their granularity", "[monitor]") {
  std::mt19937_64 random(9);
  for (int round = 0; round < 20; ++round) {
    struct batch {
      std::int64_t minute;
      std::uint64_t records;
    };
    std::vector<batch> all;
    ts::sliding_counts counts(1, 1000);
    std::int64_t now = 1000 + round;
    for (int i = 0; i < 600; ++i) {
      if (random() % 3 == 0) now += static_cast<std::int64_t>(random() % (round % 2 == 0 ? 3 : 40));
      const std::uint64_t records = 1 + random() % 60;
      counts.add(records, minutes(now))[0] += records;
      all.push_back({now, records});
      if (i % 7 != 0) continue;
      const std::int64_t asked = now + static_cast<std::int64_t>(random() % 5 == 0 ? random() % 2000 : 0);
      std::uint64_t total = 0, hour = 0, day = 0, largest = 0;
      for (const batch& b : all) {
        total += b.records;
        largest = std::max(largest, b.records);
        hour += b.minute > asked - 60 ? b.records : 0;
        day += b.minute / 15 > asked / 15 - 96 ? b.records : 0;
      }
      REQUIRE(counts.read(ts::window::total, minutes(asked))[0] == total);
      REQUIRE(counts.read(ts::window::hour, minutes(asked))[0] == hour);
      REQUIRE(counts.read(ts::window::day, minutes(asked))[0] == day);
      const std::uint64_t last = counts.read(ts::window::records, minutes(asked))[0];
      REQUIRE(last >= std::min<std::uint64_t>(total, 1000));
      REQUIRE(last <= 1100 + 12 * largest);
    }
  }
}

TEST_CASE("merged counts are part of the total only", "[monitor]") {
  ts::sliding_counts counts(2, 100);
  const std::vector<std::uint64_t> before{3, 4};
  counts.merge(before);
  CHECK(counts.read(ts::window::total, minutes(5)) == before);
  for (const ts::window w : {ts::window::records, ts::window::hour, ts::window::day}) {
    CHECK(counts.read(w, minutes(5)) == std::vector<std::uint64_t>(2));
  }
}
