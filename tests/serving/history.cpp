// SPDX-License-Identifier: MIT
#include <tabscore/serving/detail/history.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

std::string json(const ts::serving::detail::monitoring_history& history) {
  ts::text_buffer out;
  history.append_to(out);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("the history has the counts of the task") {
  ts::serving::detail::monitoring_history two(ts::task::binary), number(ts::task::regression), odd(ts::task::anomaly);
  two.add({10, 4, 1, 2, 0.5}, {R"("p")"});
  number.add({10, 0, 0, 0, 0.0}, {R"("a")", R"("b")"});
  number.add({15, 4, 0, 0, 0.5, {}, {1.5, -2.0}}, {R"("a")", R"("b")"});
  odd.add({10, 4, 1, 0, 0.5, {}, {0.25}}, {R"("score")"});
  CHECK(json(two) == R"({"interval_s":5,"time":[10],"records":[4],"positives":[1],"rejected":[2],"drift":[0.5]})");
  CHECK(json(number) == R"({"interval_s":5,"time":[10,15],"records":[0,4],"sums":{"a":[0.0,1.5],"b":[0.0,-2.0]},)"
                        R"("rejected":[0,0],"drift":[0.0,0.5]})");
  CHECK(json(odd) == R"({"interval_s":5,"time":[10],"records":[4],"positives":[1],"sums":{"score":[0.25]},)"
                     R"("rejected":[0],"drift":[0.5]})");
}

TEST_CASE("The history tells the largest classes, and starts over with those of another model") {
  ts::serving::detail::monitoring_history history(ts::task::multiclass);
  CHECK(json(history) == R"({"interval_s":5,"time":[],"records":[],"classes":{},"rejected":[],"drift":[]})");
  const std::vector<std::string> names{R"("a")", R"("b")", R"("c")", R"("d")", R"("e")",
                                       R"("f")", R"("g")", R"("h")", R"("i")", R"("j")"};
  history.add({10, 0, 0, 0, 0.0}, names);
  history.add({15, 55, 0, 0, 0.0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, names);
  CHECK(json(history) ==
        R"({"interval_s":5,"time":[10,15],"records":[0,55],"classes":{"j":[0,10],"i":[0,9],"h":[0,8],"g":[0,7],)"
        R"("f":[0,6],"e":[0,5],"d":[0,4],"c":[0,3]},"rejected":[0,0],"drift":[0.0,0.0]})");
  history.add({20, 3, 0, 0, 0.0, {1, 2}}, {R"("x")", R"("y")"});
  CHECK(json(history) ==
        R"({"interval_s":5,"time":[20],"records":[3],"classes":{"x":[1],"y":[2]},"rejected":[0],"drift":[0.0]})");
}

TEST_CASE("The history of performance has a point for each stretch of labels") {
  ts::serving::detail::performance_history history;
  const auto member = [&] {
    ts::text_buffer out;
    history.append_member(out);
    return std::string(out.view());
  };
  ts::performance_counts counts{ts::model_outputs()}, late{ts::model_outputs()};
  bool begun = false;
  const auto add = [&](double p, double label, int times) {
    for (int i = 0; i < times; ++i) {
      REQUIRE_FALSE(counts.add({&p, 1}, p >= 0.5, {&label, 1}));
      if (begun) REQUIRE_FALSE(late.add({&p, 1}, p >= 0.5, {&label, 1}));
    }
  };
  history.look(100, "a", counts);
  add(0.75, 1, 300);
  history.look(105, "a", counts);
  CHECK(member().empty());  // it waits for more
  history.look(160, "a", counts);
  CHECK(member().starts_with(
      R"(,"performance":{"model":"a","time":[160],"n":[300],"series":[{"figure":"accuracy","value":[1.0],)"));
  const ts::performance_counts early = counts;
  begun = true;
  add(0.75, 0, 750);
  add(0.25, 0, 250);
  history.look(165, "a", counts);
  CHECK(member().starts_with(
      R"(,"performance":{"model":"a","time":[160,165],"n":[300,1000],"series":[{"figure":"accuracy","value":[1.0,0.25],)"));
  CHECK(member().find(R"({"figure":"brier","value":[0.0625,0.4375],)") != std::string::npos);
  CHECK(counts.since(early) == late);
  history.look(225, "a", counts);
  CHECK(member().find("225") == std::string::npos);  // no labels, no point
  history.look(230, "b", ts::performance_counts{ts::model_outputs()});
  CHECK(member().empty());
}

TEST_CASE("The history says where another model's counts begin") {
  ts::serving::detail::monitoring_history history(ts::task::binary);
  for (const std::int64_t time : {10, 15, 20, 25}) {
    history.add({time, 4, 1, 0, 0.5, {}, {}, {}, time < 20 ? "a" : "b"}, {R"("p")"});
  }
  CHECK(json(history).ends_with(R"(,"models":[{"time":10,"model":"a"},{"time":20,"model":"b"}]})"));
}
