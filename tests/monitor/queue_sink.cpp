// SPDX-License-Identifier: MIT
// The sink that docs/how-to/add-a-sink.md shows, between the lines "sink" below, at work.
#include <tabscore/monitor/sink.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <queue>
#include <string>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace ts = tabscore;

namespace {

struct message {
  std::string country;
  double probability = 0;
};

// sink
struct queue_sink {
  std::mutex& mutex;
  std::queue<message>& queue;  // another thread takes from it
  std::atomic<std::uint64_t> dropped = 0;

  void record(const auto& batch) noexcept try {
    const std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < batch.records.rows(); ++i) {
      if (queue.size() == 1000)
        ++dropped;  // full: scoring goes on
      else
        queue.push({std::string(batch.records.template get<"country">()[i]), batch.scores.probability[i]});
    }
  } catch (...) {
    dropped += batch.records.rows();
  }
};
// sink

using record = ts::schema<ts::text<"country">, ts::real<"x">>;
struct identity {
  ts::feature_names names{{"x"}, {}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    std::copy_n(x.column(0), x.rows, p.begin());
  }
};

}  // namespace

TEST_CASE("a sink feeds a queue and drops records when the queue is full", "[monitor]") {
  std::mutex mutex;
  std::queue<message> queue;
  queue_sink sink{mutex, queue};
  const ts::pipeline pipe{record{}, ts::rules{}, ts::features{}, identity{}, ts::sinks{sink}};
  ts::batch<record> b;
  for (int i = 0; i < 600; ++i) b.push_back(i % 2 == 0 ? "NO" : "FJ", i / 600.0);
  ts::score_buffers buffers;
  REQUIRE(std::holds_alternative<ts::predictions>(pipe.score(b, buffers)));
  REQUIRE(std::holds_alternative<ts::predictions>(pipe.score(b, buffers)));
  CHECK(queue.size() == 1000);
  CHECK(sink.dropped == 200);
  CHECK(queue.front().country == "NO");
  CHECK(queue.back().probability == 399 / 600.0);
}

TEST_CASE("the documentation shows that sink", "[monitor]") {
  const std::string source = support::contents(TABSCORE_SOURCE_DIR "/tests/monitor/queue_sink.cpp");
  const std::string fence = "\n// sink\n";
  const std::size_t begin = source.find(fence) + fence.size();
  const std::string shown = source.substr(begin, source.find(fence, begin) - begin);
  REQUIRE(shown.size() > 100);
  CHECK(support::contents(TABSCORE_SOURCE_DIR "/docs/how-to/add-a-sink.md").find(shown) != std::string::npos);
}
