// SPDX-License-Identifier: MIT
#include <tabscore/monitor/comparison.hpp>
#include <tabscore/monitor/comparison_json.hpp>
#include <tabscore/monitor/paired_labels.hpp>
#include <tabscore/monitor/sample_ratio.hpp>
#include <tabscore/schema/batch.hpp>
#include <tabscore/schema/schema.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_literals;

namespace {

struct two_classes {
  std::vector<double> p, q;
  std::vector<std::uint8_t> a, b;
  std::vector<std::string> group;

  explicit two_classes(std::size_t n, std::uint32_t seed = 7) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform;
    for (std::size_t i = 0; i < n; ++i) {
      p.push_back(uniform(random));
      q.push_back(std::fmin(1, std::fmax(0, p[i] + (uniform(random) - 0.5) * 0.3)));
      a.push_back(p[i] >= 0.5);
      b.push_back(q[i] >= 0.4);
      group.push_back("\"" + std::to_string(i % 3) + "\"");
    }
  }
  ts::predictions first() const { return {p, a}; }
  ts::predictions second() const { return {q, b, 0.4}; }
};

std::string json(const ts::comparison_counts& counts) {
  ts::text_buffer out;
  ts::append_comparison(out, counts);
  return std::string(out.view());
}

ts::model_outputs outputs(ts::task task, std::size_t columns = 1, std::vector<std::string> names = {},
                          std::vector<std::string> classes = {}, bool probabilities = true) {
  ts::model_outputs model;
  model.task = task;
  model.columns = columns;
  model.names = std::move(names);
  model.classes = std::move(classes);
  model.probabilities = probabilities;
  return model;
}

}  // namespace

TEST_CASE("a comparison equals plain loops, in any division into parts", "[monitor]") {
  const two_classes all(1000);
  const auto& layout = ts::prediction_layout::of_two_classes();
  ts::comparison_counts whole(layout, {"group"}), left(layout, {"group"}), right(layout, {"group"});
  const auto group = [&](std::size_t first) {
    return [&all, first](std::size_t, std::size_t row) -> std::string_view { return all.group[first + row]; };
  };
  whole.add(all.first(), all.second(), group(0));
  right.add(all.first().slice(300, 700), all.second().slice(300, 700), group(300));
  left.add(all.first().slice(0, 300), all.second().slice(0, 300), group(0));
  REQUIRE(right.merge(left));
  CHECK(json(right) == json(whole));

  std::array<std::uint64_t, 4> matrix{}, tenth{}, part{};
  long double sum = 0, squares = 0, absolute = 0;
  double largest = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::size_t at = 2 * std::size_t{all.a[i]} + all.b[i];
    ++matrix[at];
    if (all.p[i] > 0.4 && all.p[i] <= 0.5) ++tenth[at];
    if (i % 3 == 1) ++part[at];
    const double d = all.q[i] - all.p[i];
    sum += d;
    squares += static_cast<long double>(d) * d;
    absolute += std::abs(d);
    largest = std::fmax(largest, std::abs(d));
  }
  const ts::swap_table& swaps = whole.swaps().at(0);
  CHECK(swaps.of == "label");
  CHECK(swaps.all.matrix == std::vector<std::uint64_t>(matrix.begin(), matrix.end()));
  CHECK(swaps.all.changed == matrix[1] + matrix[2]);
  CHECK(swaps.tenths.at(4).matrix == std::vector<std::uint64_t>(tenth.begin(), tenth.end()));
  CHECK(whole.segments().at(1).value == "\"1\"");
  CHECK(swaps.segments.at(1).matrix == std::vector<std::uint64_t>(part.begin(), part.end()));
  const ts::difference_counts& d = whole.differences().at(0);
  CHECK(d.mean(1000) == Approx(static_cast<double>(sum / 1000)).epsilon(1e-15));
  CHECK(d.mean_absolute(1000) == Approx(static_cast<double>(absolute / 1000)).epsilon(1e-15));
  CHECK(d.root_mean_square(1000) == Approx(static_cast<double>(std::sqrt(squares / 1000))).epsilon(1e-15));
  CHECK(d.largest() == largest);
  std::uint64_t found = 0;
  for (std::size_t cell = 0; cell < ts::difference_counts::cells; ++cell) {
    const auto [from, to] = ts::difference_counts::range(cell);
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
      const double x = all.q[i] - all.p[i];
      expected += x < 0 && to < 0 ? x > from && x <= to : x >= 0 || to > 0 ? x >= from && x < to : 0;
    }
    if (cell != ts::difference_counts::cells / 2) CHECK(d.histogram()[cell] == expected);
    found += d.histogram()[cell];
  }
  CHECK(found == 1000);
}

TEST_CASE("segments of many values share one, and other models do not merge", "[monitor]") {
  const two_classes all(300);
  ts::comparison_counts counts(ts::prediction_layout::of_two_classes(), {"id"});
  std::string value;
  counts.add(all.first(), all.second(),
             [&](std::size_t, std::size_t row) -> std::string_view { return value = std::to_string(row % 150); });
  REQUIRE(counts.segments().size() == 101);
  CHECK(counts.segments().back().value.empty());
  CHECK(counts.swaps()[0].segments.back().records == 100);
  CHECK(json(counts).find(R"({"field":"id","other":true,"records":100,)") != std::string::npos);
  const ts::comparison_counts other(ts::prediction_layout::of_two_classes());
  CHECK_FALSE(counts.merge(other));
}

TEST_CASE("decisions, classes and numbers are compared as they are declared", "[monitor]") {
  static constexpr std::array<std::string_view, 2> names{"kind", "p"}, decisions{"yes", "no"};
  const ts::prediction_layout layout(names, outputs(ts::task::multiclass, 3, {}, {"a", "b", "7"}),
                                     {"verdict", decisions, "hash"});
  const std::vector<double> p{0.5, 0.25, 0.25, 0.1, 0.8, 0.1}, q{0.25, 0.5, 0.25, 0.1, 0.75, 0.15};
  const std::vector<std::uint32_t> a{0, 1}, b{1, 1};
  const std::vector<std::uint8_t> x{0, 1}, y{0, 0};
  ts::comparison_counts counts(layout);
  counts.add({layout, {p, 3}, {}, a, 0, x}, {layout, {q, 3}, {}, b, 0, y},
             [](std::size_t, std::size_t) { return std::string_view(); });
  const std::string text = json(counts);
  CHECK(text.starts_with(R"("swaps":[{"of":"kind","values":["a","b","7"],"records":2,"changed":1,)"
                         R"("matrix":[[0,1,0],[0,1,0],[0,0,0]],"tenths":[{"from":0.0,"to":0.1,"records":0,)"));
  CHECK(text.find(R"({"of":"verdict","values":["yes","no"],"records":2,"changed":1,"matrix":[[1,0],[1,0]],)") !=
        std::string::npos);
  CHECK(text.find(R"("differences":[{"name":"a","mean":-0.125,"mean_absolute":0.125,)") != std::string::npos);

  static constexpr std::array<std::string_view, 1> price{"price"};
  const ts::prediction_layout number(price, outputs(ts::task::regression));
  ts::comparison_counts empty(number);
  CHECK(json(empty) == R"("swaps":[],"differences":[{"name":"price","mean":null,"mean_absolute":null,"rms":null,)"
                       R"("largest":0.0,"histogram":[]}])");
}

TEST_CASE("both models' losses are taken on the same labels", "[monitor]") {
  using order = ts::schema<ts::id<ts::integer<"order">>>;
  const two_classes all(500);
  ts::paired_labels pairs({}, 400, {}, {});
  ts::batch<order> records;
  for (int i = 0; i < 500; ++i) records.push_back(i);
  pairs.record<order>(records.view(), all.first(), all.second());
  long double brier = 0, squares = 0;
  std::uint64_t right_first = 0, right_second = 0, n = 0;
  ts::performance_counts first{ts::model_outputs()}, second{ts::model_outputs()};
  for (std::size_t i = 0; i < 500; i += 2) {
    const double label = i % 4 == 0 ? 1 : 0;
    const auto found = pairs.join(std::to_string(i), {}, {&label, 1});
    CHECK(found == (i < 100 ? ts::label_outcome::unknown : ts::label_outcome::joined));
    if (i < 100) continue;
    CHECK(pairs.join(std::to_string(i), {}, {&label, 1}) == ts::label_outcome::duplicate);
    ++n;
    REQUIRE_FALSE(first.add({&all.p[i], 1}, all.a[i], {&label, 1}));
    REQUIRE_FALSE(second.add({&all.q[i], 1}, all.b[i], {&label, 1}));
    const double d = (all.q[i] - label) * (all.q[i] - label) - (all.p[i] - label) * (all.p[i] - label);
    brier += d;
    squares += static_cast<long double>(d) * d;
    right_first += all.a[i] == label;
    right_second += all.b[i] == label;
  }
  const auto found = pairs.read();
  CHECK(found.first == first);
  CHECK(found.second == second);
  CHECK(found.pairs == n);
  CHECK(found.kept == 400);
  REQUIRE(found.differences.size() == 3);
  CHECK(found.differences[0].figure == "brier");
  const ts::estimate e = ts::estimate_mean(found.differences[0].mean, n);
  const auto count = static_cast<long double>(n);
  CHECK(e.value == Approx(static_cast<double>(brier / count)).epsilon(1e-14));
  const long double variance = (squares - brier * brier / count) / (count - 1);
  CHECK(e.high - e.value ==
        Approx(1.959963984540054 * std::sqrt(static_cast<double>(variance / count))).epsilon(1e-12));
  CHECK(found.differences[2].mean.sum.value() == static_cast<double>(right_second) - static_cast<double>(right_first));
}

TEST_CASE("losses of every task", "[monitor]") {
  using order = ts::schema<ts::id<ts::integer<"order">>>;
  const auto differences = [](const ts::model_outputs& model, std::vector<double> p, std::vector<double> q,
                              std::vector<double> label) {
    static constexpr std::array<std::string_view, 3> names{"x", "y", "z"};
    const ts::prediction_layout layout(names, model);
    const std::vector<std::uint8_t> zero{0}, one{1};
    const std::vector<std::uint32_t> a{0}, b{1};
    ts::paired_labels pairs(model, 10, {}, {});
    ts::batch<order> records;
    records.push_back(1);
    pairs.record<order>(records.view(), {layout, {p, model.columns}, zero, a, 0},
                        {layout, {q, model.columns}, one, b, 0});
    CHECK(pairs.join("1", {}, label) == ts::label_outcome::joined);
    std::map<std::string, double> found;
    for (const auto& d : pairs.read().differences) found[std::string(d.figure) + d.part] = d.mean.sum.value();
    return found;
  };
  using found = std::map<std::string, double>;
  CHECK(differences(outputs(ts::task::regression), {1}, {4}, {2}) == found{{"mae", 1}, {"mse", 3}});
  CHECK(differences(outputs(ts::task::regression, 2, {"u", "v"}), {1, 1}, {4, 1}, {2, 1}) ==
        found{{"maeu", 1}, {"mseu", 3}, {"maev", 0}, {"msev", 0}});
  CHECK(differences(outputs(ts::task::quantiles, 1, {"0.25"}), {1}, {4}, {2}) == found{{"pinball_loss", 1.25}});
  CHECK(differences(outputs(ts::task::anomaly), {1}, {4}, {1}) == found{{"accuracy", 1}});
  CHECK(differences(outputs(ts::task::score), {1}, {4}, {1}).empty());
  CHECK(differences(outputs(ts::task::multiclass, 2, {}, {"a", "b"}, false), {1, 0}, {0, 1}, {1}) ==
        found{{"accuracy", 1}});
  CHECK(differences(outputs(ts::task::multiclass, 2, {}, {"a", "b"}), {0.75, 0.25}, {0.5, 0.5}, {1}).at("log_loss") ==
        Approx(-std::log(0.5) + std::log(0.25)));
}

TEST_CASE("the sample ratio is checked by chi-square", "[monitor]") {
  // scipy.stats.chi2.sf
  CHECK(ts::chi_square_tail(10.8275662, 1) == Approx(0.000999999984155147));
  CHECK(ts::chi_square_tail(5.99146, 2) == Approx(0.05000011367782878));
  CHECK(ts::chi_square_tail(20, 5) == Approx(0.0012497305630313758));
  CHECK(ts::chi_square_tail(30, 10) == Approx(0.0008566412107753006));
  CHECK(ts::chi_square_tail(0, 3) == 1);
  const std::array<double, 3> weights{0.5, 0.25, 0.25};
  const std::array<std::uint64_t, 3> even{500, 250, 250}, odd{600, 200, 200}, none{};
  CHECK(ts::check_sample_ratio(even, weights).p == 1);
  CHECK(ts::check_sample_ratio(odd, weights).chi_square == Approx(40));
  CHECK(ts::check_sample_ratio(odd, weights).freedom == 2);
  CHECK(ts::check_sample_ratio(odd, weights).alarm());
  CHECK_FALSE(ts::check_sample_ratio(none, weights).alarm());
  const std::array<double, 3> off{0.5, 0.5, 0};
  CHECK(ts::check_sample_ratio(odd, off).p == 0);
}
