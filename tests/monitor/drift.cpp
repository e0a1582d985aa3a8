// SPDX-License-Identifier: MIT
#include <tabscore/monitor/drift.hpp>

#include <limits>

#include "support/catch.hpp"

namespace ts = tabscore;
using ts::drift_verdict;

namespace {
const ts::drift_baseline baseline{{{"b", 10.0, 2.0}, {"a", 0.0, 0.0}, {"c", 5.0, 1.0}}, 0.25, 1000};

ts::totals observed(std::uint64_t n, std::uint64_t positives, double b, double a, double c) {
  const auto m = static_cast<double>(n);
  return {n, positives, {b * m, a * m, c * m}};
}
}  // namespace

TEST_CASE("without a baseline nothing is said, whatever was seen", "[monitor]") {
  const auto s = ts::assess_drift(observed(100, 50, 0, 0, 0), nullptr);
  CHECK(s.verdict == drift_verdict::no_baseline);
  CHECK(s.samples == 0);
  CHECK_FALSE(s.should_retrain());
}

TEST_CASE("the verdicts follow samples, features and rate in this order", "[monitor]") {
  CHECK(ts::assess_drift({}, &baseline).verdict == drift_verdict::no_samples);
  CHECK(ts::assess_drift({}, &baseline).training_positive_rate == 0.25);
  CHECK(ts::assess_drift(observed(49, 49, 100, 9, 9), &baseline).verdict == drift_verdict::too_few_samples);
  CHECK(ts::assess_drift(observed(49, 49, 100, 9, 9), &baseline).drifted.size() == 3);
  const auto both = ts::assess_drift(observed(50, 50, 16, 0, 8), &baseline);
  CHECK(both.verdict == drift_verdict::feature_drift);
  CHECK(both.should_retrain());
  CHECK(both.drifted == std::vector<std::string_view>{"b", "c"});
  CHECK(both.score == 3.0);
  CHECK(ts::assess_drift(observed(100, 36, 16, 0, 5), &baseline).verdict == drift_verdict::rate_shift);
  CHECK(ts::assess_drift(observed(100, 34, 16, 0, 5), &baseline).verdict == drift_verdict::steady);
  CHECK(ts::assess_drift(observed(100, 15, 10, 0, 5), &baseline).verdict == drift_verdict::rate_shift);
}

TEST_CASE("drifted features come in alphabetical order, a constant feature by the smallest deviation", "[monitor]") {
  const auto s = ts::assess_drift(observed(64, 16, 20, 1e-5, 5), &baseline);
  CHECK(s.drifted == std::vector<std::string_view>{"a", "b"});
  CHECK(s.score == Approx(10.0));
}

TEST_CASE("missing values leave the mean of the others", "[monitor]") {
  auto t = observed(100, 25, 10, 0, 5);
  t.sums[0] = 40 * 16.0;  // of 40 values
  t.sums[2] = 99 * 9.0;
  t.missing = {60, 0, 1};
  const auto s = ts::assess_drift(t, &baseline);
  CHECK(s.score == 4.0);
  CHECK(s.drifted == std::vector<std::string_view>{"b", "c"});
  CHECK(s.verdict == drift_verdict::feature_drift);
  t.missing = {100, 0, 100};  // none there at all: nothing to compare
  t.sums = {0, 0, 0};
  CHECK(ts::assess_drift(t, &baseline).score == 0);
  CHECK(ts::assess_drift(t, &baseline).verdict == drift_verdict::steady);
}

TEST_CASE("a feature without a training mean hides no other", "[monitor]") {
  for (const std::size_t j : {0U, 1U, 2U}) {
    ts::drift_baseline unknown = baseline;
    unknown.numeric[j].mean = std::numeric_limits<double>::quiet_NaN();
    const auto s = ts::assess_drift(observed(64, 16, 30, 20, 25), &unknown);
    CHECK(std::isfinite(s.score));
    CHECK(s.drifted.size() == 2);
    unknown = baseline;
    unknown.numeric[j].std = std::numeric_limits<double>::quiet_NaN();
    CHECK(ts::assess_drift(observed(64, 16, 30, 20, 25), &unknown).drifted.size() == 2);
  }
}

TEST_CASE("a sum that overflowed shows as a score that is not finite", "[monitor]") {
  auto t = observed(64, 16, 10, 0, 5);
  t.sums[2] = std::numeric_limits<double>::infinity();
  CHECK_FALSE(std::isfinite(ts::assess_drift(t, &baseline).score));
  CHECK(ts::assess_drift(t, &baseline).drifted == std::vector<std::string_view>{"c"});
}
