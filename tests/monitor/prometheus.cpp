// SPDX-License-Identifier: MIT
#include <tabscore/monitor/prometheus.hpp>

#include <limits>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

TEST_CASE("samples are written as Prometheus reads them", "[monitor]") {
  ts::text_buffer out;
  ts::prometheus_text text(out);
  text.family("a_total", "counter", "Line\nand \\ and \"quotes\".");
  text.sample({}, 18'446'744'073'709U);
  text.sample({{"x", "quote \" slash \\ line\nend"}, {"y", "caf\xC3\xA9"}}, std::uint64_t{2});
  text.family("b", "gauge", "Numbers.");
  for (const double v : {0.1 + 0.2, 1e-7, 1e22, -0.0, 3.0, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    text.sample({}, v);
  }
  CHECK(out.view() ==
        "# HELP a_total Line\\nand \\\\ and \"quotes\".\n# TYPE a_total counter\na_total 18446744073709\n"
        "a_total{x=\"quote \\\" slash \\\\ line\\nend\",y=\"caf\xC3\xA9\"} 2\n"
        "# HELP b Numbers.\n# TYPE b gauge\nb 0.30000000000000004\nb 1e-07\nb 1e+22\nb -0.0\nb 3.0\nb NaN\nb +Inf\n"
        "b -Inf\n");
}

TEST_CASE("a histogram's buckets hold their upper bounds and add up", "[monitor]") {
  static constexpr std::array<std::uint64_t, 3> bounds{1'000, 2'500, 5'000};
  ts::metric_histogram<3> a(bounds), b(bounds);
  for (const std::uint64_t v : {0U, 1'000U, 1'001U, 2'500U, 5'001U}) a.observe(v);
  b.observe(3'000);
  auto counts = a.read();
  counts += b.read();
  CHECK(counts.in == std::array<std::uint64_t, 4>{2, 2, 1, 1});
  ts::text_buffer out;
  ts::prometheus_text text(out);
  text.family("t_seconds", "histogram", "Time.");
  text.histogram({{"stage", "decode"}}, bounds, counts, 1e9);
  CHECK(out.view() ==
        "# HELP t_seconds Time.\n# TYPE t_seconds histogram\nt_seconds_bucket{stage=\"decode\",le=\"1e-06\"} 2\n"
        "t_seconds_bucket{stage=\"decode\",le=\"2.5e-06\"} 4\nt_seconds_bucket{stage=\"decode\",le=\"5e-06\"} 5\n"
        "t_seconds_bucket{stage=\"decode\",le=\"+Inf\"} 6\nt_seconds_sum{stage=\"decode\"} 1.2502e-05\n"
        "t_seconds_count{stage=\"decode\"} 6\n");
}

TEST_CASE("counts of many threads are read while they grow", "[monitor]") {
  std::vector<ts::metric_count> counts(4);
  std::vector<std::thread> threads;
  for (auto& count : counts) {
    threads.emplace_back([&count] {
      for (int i = 0; i < 10'000; ++i) count.add();
    });
  }
  const auto sum = [&] {
    std::uint64_t total = 0;
    for (const auto& count : counts) total += count.value();
    return total;
  };
  std::uint64_t last = 0;
  bool grows = true;
  while (last < 40'000) {
    const std::uint64_t now = sum();
    grows = grows && now >= last;
    last = now;
  }
  for (auto& t : threads) t.join();
  CHECK(grows);
  CHECK(sum() == 40'000);
}
