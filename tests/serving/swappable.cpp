// SPDX-License-Identifier: MIT
#include <tabscore/serving/swappable.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace {

/// Knows whether it is whole, and how many there are.
struct model {
  static inline std::atomic<int> alive = 0;
  explicit model(int number) { ++alive, values.fill(number); }
  ~model() { values.fill(-1), --alive; }
  bool whole() const {
    for (const int v : values) {
      if (v != values[0] || v < 0) return false;
    }
    return true;
  }
  std::array<int, 64> values{};
};

using live = tabscore::swappable<model>;

}  // namespace

TEST_CASE("a pinned object stays until it is let go, others go at once", "[service]") {
  {
    live current;
    live::reader reader(current);
    CHECK(!reader.pin());
    current.publish(std::make_unique<model>(1));
    {
      const auto pinned = reader.pin();
      REQUIRE(pinned);
      current.publish(std::make_unique<model>(2));
      current.publish(std::make_unique<model>(3));
      CHECK(model::alive == 2);
      CHECK(pinned->values[0] == 1);
      CHECK(current.collect() == 1);
      live::reader other(current);
      CHECK(other.pin()->values[0] == 3);
    }
    CHECK(current.collect() == 0);
    CHECK(model::alive == 1);
    CHECK(reader.pin()->values[0] == 3);
    const live::reader again(current);  // where the other one was
    CHECK(again.pin()->values[0] == 3);
  }
  CHECK(model::alive == 0);
}

TEST_CASE("threads that read while objects are swapped see each of them whole, and never an older one", "[service]") {
  live current(std::make_unique<model>(0));
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0, backwards = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const live::reader reader(current);
      for (int last = 0; !stop;) {
        const auto pinned = reader.pin();
        torn += !pinned->whole();
        backwards += pinned->values[0] < last;
        last = pinned->values[0];
      }
    });
  }
  for (int i = 1; i <= 20000; ++i) current.publish(std::make_unique<model>(i));
  stop = true;
  threads.clear();
  CHECK(torn == 0);
  CHECK(backwards == 0);
  CHECK(current.collect() == 0);
  CHECK(model::alive == 1);
}
