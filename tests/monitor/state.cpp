// SPDX-License-Identifier: MIT
#include <tabscore/monitor/drift_monitor.hpp>
#include <tabscore/monitor/state_file.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace ts = tabscore;
using support::ContainsSubstring;
using ts::col;

namespace {

using record = ts::schema<ts::text<"town">, ts::integer<"n">, ts::real<"x">>;
const ts::features engineered{ts::feature<"ratio">(col<"x"> / max(col<"n">, 1))};

struct constant_share {
  ts::feature_names names{{"n", "x", "ratio"}, {"town"}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = x.column(0)[i] > 50 ? 0.9 : 0.1;
  }
};

ts::drift_reference reference() {
  ts::model_file f;
  f.path = f.name = "made up";
  f.features = {{"n", "x", "ratio"}, {"town"}};
  f.encoder.text.emplace_back(std::vector<std::optional<std::string>>{"A", "a \"quoted\" town", std::nullopt});
  f.baseline = ts::drift_baseline{{{"n", 1, 1}, {"x", 1, 1}, {"ratio", 1, 1}}, 0.5, 100};
  const ts::binned_rows bins{{0, 1, 20, 60}, {40, 50, 10}, 0};
  f.baseline->histograms =
      ts::training_histograms{{bins, bins, bins}, {{{60, 30, 10}, 0}}, {{{0, 0.5, 1}, {50, 50}, 0}}, {}};
  return ts::make_drift_reference(f).value();
}

ts::batch<record> made_up_batch(std::mt19937_64& random) {
  ts::batch<record> b;
  for (std::uint64_t i = 1 + random() % 90; i > 0; --i) {
    const std::uint64_t bits = random();
    double x = static_cast<double>(bits % 100000) / 7;
    if (bits % 50 == 0) x = std::bit_cast<double>(random() & ~(std::uint64_t{1} << 62U));  // of any size
    b.push_back(std::array<std::string_view, 3>{"A", "a \"quoted\" town", "elsewhere"}[bits % 3],
                static_cast<std::int64_t>(bits >> 20U) % 100, x);
  }
  return b;
}

void score(ts::drift_monitor_st& monitor, const ts::batch<record>& b) {
  const ts::pipeline pipe{record{}, ts::rules{}, engineered, constant_share{}, ts::sinks{monitor}};
  ts::score_buffers buffers;
  REQUIRE(std::holds_alternative<ts::predictions>(pipe.score(b, buffers)));
}

}  // namespace

TEST_CASE("a thousand ways to share batches and to merge states give one text", "[monitor]") {
  std::mt19937_64 random(17);
  std::vector<ts::batch<record>> batches;
  for (int i = 0; i < 20; ++i) batches.push_back(made_up_batch(random));
  const ts::drift_reference r = reference();
  std::set<std::string> texts;
  std::hash<std::string> hash;
  std::set<std::size_t> hashes;
  for (int tree = 0; tree < 1000; ++tree) {
    std::deque<ts::drift_monitor_st> replicas;
    for (std::uint64_t i = tree == 0 ? 1 : 1 + random() % 8; i > 0; --i) replicas.emplace_back(r);
    std::shuffle(batches.begin(), batches.end(), random);
    for (const auto& b : batches) score(replicas[random() % replicas.size()], b);
    std::vector<ts::monitor_state> states;
    for (const auto& replica : replicas) states.push_back(ts::state_of(replica));
    while (states.size() > 1) {  // any two that are left, either into the other, by way of their text or not
      std::shuffle(states.begin(), states.end(), random);
      const ts::monitor_state last = std::move(states.back());
      states.pop_back();
      if (random() % 2 == 0) {
        REQUIRE_FALSE(ts::merge(states.back(), ts::parse_monitor_state(ts::to_json(last), "replica").value()));
      } else {
        REQUIRE_FALSE(ts::merge(states.back(), last));
      }
    }
    texts.insert(ts::to_json(states[0]));
    hashes.insert(hash(*texts.rbegin()));
  }
  CHECK(texts.size() == 1);
  CHECK(hashes.size() == 1);
}

TEST_CASE("a state reads back, survives in a file, and goes on in a new monitor", "[monitor]") {
  std::mt19937_64 random(4);
  ts::drift_monitor_st first(reference()), second(reference()), whole(reference());
  CHECK(ts::to_json(ts::state_of(first)) ==
        ts::to_json(ts::parse_monitor_state(ts::to_json(ts::state_of(first)), "").value()));
  for (int i = 0; i < 10; ++i) {
    const auto b = made_up_batch(random);
    score(i < 5 ? first : second, b);
    score(whole, b);
  }
  const support::temporary_folder folder;
  const std::string path = folder.file("state.json");
  REQUIRE_FALSE(ts::save_monitor_state(ts::state_of(first), path));
  const auto saved = ts::load_monitor_state(path);
  REQUIRE(saved);
  CHECK(*saved == ts::state_of(first));
  CHECK_FALSE(ts::restore(second, *saved));
  CHECK(ts::to_json(ts::state_of(second)) == ts::to_json(ts::state_of(whole)));
  CHECK(second.read() == whole.read());
  std::filesystem::remove(path);
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
  CHECK(ts::load_monitor_state(path).error().message == path + ": cannot be opened");
  const auto failed = ts::save_monitor_state(*saved, "/nonexistent folder/state.json");
  REQUIRE(failed);
  CHECK_THAT(failed->message, ContainsSubstring("/nonexistent folder/state.json: cannot open a file for the state"));
}

TEST_CASE("states of another model, or of other bins, do not merge", "[monitor]") {
  ts::drift_monitor_st monitor(reference());
  ts::monitor_state state = ts::state_of(monitor);
  ts::monitor_state other = state;
  other.model = "another";
  CHECK_THAT(ts::merge(state, other)->message, ContainsSubstring("expected a state of the model \"made up\""));
  auto changed = reference();
  changed.edges[0][1] = 2;
  CHECK(ts::fingerprint(changed) != ts::fingerprint(reference()));
  other = ts::state_of(ts::drift_monitor_st(changed));
  CHECK(ts::merge(state, other)->code == ts::errc::mismatch);
  CHECK(ts::restore(monitor, other)->code == ts::errc::mismatch);
  other = state;
  other.features[0].counts.push_back(0);
  CHECK(ts::merge(state, other)->message == "expected a state of the same features");
  CHECK(state == ts::state_of(monitor));
}

TEST_CASE("a text that is not a state is refused with a sentence", "[monitor]") {
  std::mt19937_64 random(4);
  ts::drift_monitor_st monitor(reference());
  score(monitor, made_up_batch(random));
  const std::string good = ts::to_json(ts::state_of(monitor));
  REQUIRE(ts::parse_monitor_state(good, "s"));
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {  // but for its last line end
    REQUIRE_FALSE(ts::parse_monitor_state(std::string_view(good).substr(0, size), "s"));
  }
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return ts::parse_monitor_state(text.replace(at, from.size(), to), "s").error().message;
  };
  CHECK_THAT(with("tabscore-monitor-state", "tabscore-model"),
             ContainsSubstring("s: format: expected \"tabscore-monitor-state\""));
  CHECK_THAT(with("\"version\": 1", "\"version\": 2"), ContainsSubstring("s: version: expected 1"));
  CHECK_THAT(with("\"version\": 1", "\"more\": 0, \"version\": 2"), ContainsSubstring("s: version: expected 1"));
  CHECK_THAT(with("\"samples\": ", "\"samples\": 1"),
             ContainsSubstring("s: numeric[0].counts: expected counts of all 1"));
  CHECK_THAT(with("\"positives\": ", "\"positives\": 99"),
             ContainsSubstring("s: positives: expected no more than the samples"));
  CHECK_THAT(with("\"sum\": \"0x", "\"sum\": \"0x0"), ContainsSubstring("s: numeric[0].sum: expected an exact sum"));
  CHECK_THAT(with("\"nans\": 0", "\"nans\": -1"),
             ContainsSubstring("s: numeric[0].nans: expected a whole number from 0"));
  CHECK_THAT(with("\"model\"", "\"module\""), ContainsSubstring("s: module: unknown member"));
}
