// SPDX-License-Identifier: MIT
#include <tabscore/monitor/moments.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "support/catch.hpp"

namespace ts = tabscore;
using ts::col;

namespace {
using loan = ts::schema<ts::text<"purpose">, ts::integer<"age", ts::ge{0}>, ts::real<"amount">, ts::text<"region">>;

// A scorer small enough to check by hand: amount / 2000, plus a tenth for one region; NaN where the amount is NaN.
struct by_hand {
  ts::feature_names names{{"age", "amount", "per_year"}, {"region"}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = x.column(1)[i] / 2000 + (x.text[0][i] == "north" ? 0.1 : 0.0);
  }
};

struct count_sink {
  std::size_t batches = 0, records = 0;
  void record(const auto& batch) noexcept {
    ++batches;
    records += batch.records.rows();
  }
};

const ts::rules rules{ts::rule(!(col<"amount"> > 1000), "amount is at most 1000")};
const ts::features features{ts::feature<"per_year">(col<"amount"> / max(col<"age">, 1))};

ts::batch<loan> records(std::size_t n) {
  ts::batch<loan> b;
  for (std::size_t i = 0; i < n; ++i)
    b.push_back("car", static_cast<int>(i), static_cast<double>(i % 1000), i % 2 ? "north" : "south");
  return b;
}
}  // namespace

TEST_CASE("a batch goes through rules, features, scorer and sinks", "[pipeline]") {
  ts::moments drift;
  count_sink count;
  const ts::pipeline pipe{loan{}, rules, features, by_hand{}, ts::sinks{drift, count}};
  ts::score_buffers buffers;
  for (const std::size_t n : {1U, 7U, 256U, 257U, 1000U}) {
    const auto b = records(n);
    const auto out = pipe.score(b, buffers);
    const auto* p = std::get_if<ts::predictions>(&out);
    REQUIRE(p);
    REQUIRE(p->rows() == n);
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = static_cast<double>(i) / 2000 + (i % 2 ? 0.1 : 0.0);
      REQUIRE(p->probability[i] == expected);
      REQUIRE(p->label[i] == (expected >= 0.5));
    }
  }
  CHECK(count.batches == 5);
  CHECK(count.records == 1 + 7 + 256 + 257 + 1000);
  const ts::totals t = drift.read();
  CHECK(t.samples == count.records);
  REQUIRE(t.sums.size() == 3);
  const auto triangle = [](double n) { return n * (n - 1) / 2; };
  CHECK(t.sums[0] == triangle(1) + triangle(7) + triangle(256) + triangle(257) + triangle(1000));
  CHECK(t.sums[1] == t.sums[0]);
}

TEST_CASE("a broken rule rejects the whole batch without a call of a sink", "[pipeline]") {
  ts::moments drift;
  count_sink count;
  const ts::pipeline pipe{loan{}, rules, features, by_hand{}, ts::sinks{drift, count}};
  auto b = records(600);
  b.data<2>()[599] = 1001;
  ts::score_buffers buffers;
  const auto out = pipe.score(b, buffers);
  REQUIRE(std::holds_alternative<ts::broken_rule>(out));
  CHECK(std::get<ts::broken_rule>(out).row == 599);
  CHECK(std::get<ts::broken_rule>(out).message == "amount is at most 1000");
  CHECK(count.batches == 0);
  CHECK(drift.read() == ts::totals{});
}

TEST_CASE("a record without a probability rejects the whole batch without a call of a sink", "[pipeline]") {
  ts::moments drift;
  const ts::pipeline pipe{loan{}, rules, features, by_hand{}, ts::sinks{drift}};
  auto b = records(600);
  b.data<2>()[400] = std::nan("");
  ts::score_buffers buffers;
  const auto out = pipe.score(b, buffers);
  REQUIRE(std::holds_alternative<ts::unscorable>(out));
  CHECK(std::get<ts::unscorable>(out).row == 400);
  CHECK(drift.read() == ts::totals{});
}

TEST_CASE("records that come bit by bit are scored as if they had come at once", "[pipeline]") {
  ts::moments drift, expected_drift;
  count_sink count;
  const ts::pipeline pipe{loan{}, rules, features, by_hand{}, ts::sinks{drift, count}};
  const ts::pipeline whole{loan{}, rules, features, by_hand{}, ts::sinks{expected_drift}};
  const auto b = records(1500);
  const ts::columns<loan> all = b;
  ts::score_buffers x, y;
  const auto expected = std::get<ts::predictions>(whole.score(b, y));
  decltype(pipe)::scoring run(pipe, x);
  for (const std::size_t n : {1U, 300U, 300U, 513U, 1400U}) run.add(all.slice(0, n));

  SECTION("all of them") {
    const auto p = std::get<ts::predictions>(run.finish(b));
    CHECK(p.threshold == expected.threshold);
    CHECK(std::equal(p.probability.begin(), p.probability.end(), expected.probability.begin(),
                     expected.probability.end()));
    CHECK(std::equal(p.label.begin(), p.label.end(), expected.label.begin(), expected.label.end()));
    CHECK(drift.read() == expected_drift.read());
  }
  SECTION("after they started over") {
    static_cast<void>(whole.score(all.slice(500, 900), y));
    run.add(all.slice(500, 300));
    const auto p = std::get<ts::predictions>(run.finish(all.slice(500, 900)));
    REQUIRE(p.rows() == 900);
    CHECK(p.probability[0] == 0.25);
    CHECK(count.records == 900);
    CHECK(drift.read().sums[0] == expected_drift.read().sums[0] - 1500 * 1499 / 2);
  }
  SECTION("abandoned") { run.add(all.slice(0, 0)); }
  CHECK(count.batches == (drift.read().samples == 0 ? 0 : 1));
}

TEST_CASE("a broken rule is reported before an earlier record without a probability", "[pipeline]") {
  const ts::pipeline pipe{loan{}, rules, features, by_hand{}};
  auto b = records(1000);
  b.data<2>()[100] = std::nan("");
  ts::score_buffers buffers;
  CHECK(std::get<ts::unscorable>(pipe.score(b, buffers)).row == 100);
  b.data<2>()[900] = 1001;
  CHECK(std::get<ts::broken_rule>(pipe.score(b, buffers)).row == 900);
}

TEST_CASE("of several broken rules the first one declared is reported", "[pipeline]") {
  const ts::rules two{ts::rule(col<"amount"> < 900, "first"), ts::rule(col<"age"> > 0, "second")};
  const ts::pipeline pipe{loan{}, two, features, by_hand{}};
  ts::score_buffers buffers;
  const auto broken = std::get<ts::broken_rule>(pipe.score(records(1000), buffers));
  CHECK(broken.message == "first");
  CHECK(broken.row == 900);
}

TEST_CASE("an empty batch gives empty predictions without a call of a sink", "[pipeline]") {
  count_sink count;
  const ts::pipeline pipe{loan{}, ts::rules{}, features, by_hand{}, ts::sinks{count}};
  ts::score_buffers buffers;
  const auto out = pipe.score(ts::batch<loan>{}, buffers);
  REQUIRE(std::holds_alternative<ts::predictions>(out));
  CHECK(std::get<ts::predictions>(out).rows() == 0);
  CHECK(count.batches == 0);
}

TEST_CASE("a model trained on other features is refused, and the feature named", "[pipeline]") {
  const auto refusal = [](ts::feature_names names) {
    by_hand model;
    model.names = std::move(names);
    const auto p = ts::make_pipeline(loan{}, rules, features, model);
    return p ? std::string("accepted") : p.error().message;
  };
  CHECK(refusal({{"age", "amount", "per_year"}, {"region"}}) == "accepted");
  CHECK(refusal({{"age", "amount", "per_year"}, {"region", "purpose"}}) == "accepted");
  CHECK(refusal({{"amount", "age", "per_year"}, {}}) ==
        "the model's numeric feature 0 is 'amount', the pipeline's is 'age'");
  CHECK(refusal({{"age", "amount"}, {}}) == "the model's numeric feature 2 is none, the pipeline's is 'per_year'");
  CHECK(refusal({{"age", "amount", "per_year", "more"}, {}}) ==
        "the model's numeric feature 3 is 'more', the pipeline's is none");
  CHECK(refusal({{"age", "amount", "per_year"}, {"age"}}) ==
        "the model's text feature 'age' is not a text field of the schema");
#if TABSCORE_EXCEPTIONS
  by_hand wrong;
  wrong.names.numeric = {"x"};
  CHECK_THROWS_WITH((ts::pipeline{loan{}, rules, features, wrong}),
                    "the model's numeric feature 0 is 'x', the pipeline's is 'age'");
#endif
}

TEST_CASE("any scorer chosen at run time gives the same numbers", "[pipeline]") {
  const ts::pipeline direct{loan{}, rules, features, by_hand{}};
  const ts::pipeline chosen{loan{}, rules, features, ts::any_scorer(by_hand{})};
  ts::score_buffers x, y;
  const auto b = records(300);
  const auto p = std::get<ts::predictions>(direct.score(b, x));
  const auto q = std::get<ts::predictions>(chosen.score(b, y));
  CHECK(std::equal(p.probability.begin(), p.probability.end(), q.probability.begin()));
}

namespace {
// Its margin is amount + 2 * age; the text counts nothing.
struct by_terms : by_hand {
  static const ts::error* explain_error() { return nullptr; }
  void contributions(const ts::feature_block& x, ts::scratch&, std::span<double> out) const {
    for (std::size_t i = 0; i < x.rows; ++i) {
      const std::array row{2 * x.column(0)[i], x.column(1)[i], 0.0, x.text[0][i] == "north" ? 1.0 : 0.0, 7.0};
      std::copy(row.begin(), row.end(), out.begin() + static_cast<std::ptrdiff_t>(5 * i));
    }
  }
};
}  // namespace

TEST_CASE("each record of a batch is explained, in any block, without a call of a sink", "[pipeline]") {
  count_sink count;
  const ts::pipeline pipe{loan{}, rules, features, by_terms{}, ts::sinks{count}};
  ts::score_buffers buffers;
  for (const std::size_t n : {0U, 1U, 256U, 257U, 1000U}) {
    const auto why = pipe.explain(records(n), buffers);
    REQUIRE(why);
    REQUIRE(why->size() == n * 5);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = why->subspan(5 * i, 5);
      const auto number = static_cast<double>(i);
      wrong += row[0] != 2 * number || row[1] != number || row[3] != (i % 2 ? 1.0 : 0.0) || row[4] != 7;
    }
    CHECK(wrong == 0);
  }
  CHECK(count.batches == 0);
}

TEST_CASE("a model that cannot be explained says so", "[pipeline]") {
  const ts::pipeline pipe{loan{}, rules, features, ts::any_scorer(by_hand{}), ts::sinks<>{}};
  ts::score_buffers buffers;
  const auto why = pipe.explain(records(3), buffers);
  REQUIRE_FALSE(why);
  CHECK(why.error().code == ts::errc::unsupported);
}

TEST_CASE("an id is not a feature: predictions and sums are those without it", "[pipeline]") {
  using known = ts::schema<ts::id<ts::integer<"order">>, ts::text<"purpose">, ts::integer<"age", ts::ge{0}>,
                           ts::real<"amount">, ts::text<"region">>;
  STATIC_REQUIRE(known::id_at == 0);
  STATIC_REQUIRE(loan::id_at == loan::npos);
  ts::moments drift, drift_with;
  const ts::pipeline without{loan{}, rules, features, by_hand{}, ts::sinks{drift}};
  const ts::pipeline with{known{}, rules, features, by_hand{}, ts::sinks{drift_with}};
  ts::score_buffers buffers, more_buffers;
  for (const std::size_t n : {1U, 300U}) {
    const auto b = records(n);
    ts::batch<known> named;
    for (std::size_t i = 0; i < n; ++i) {
      named.push_back(std::int64_t{9007199254740993} + static_cast<std::int64_t>(i), b.view().get<"purpose">()[i],
                      b.view().get<"age">()[i], b.view().get<"amount">()[i], b.view().get<"region">()[i]);
    }
    const auto one = without.score(b, buffers);
    const auto other = with.score(named, more_buffers);
    const auto* p = std::get_if<ts::predictions>(&one);
    const auto* q = std::get_if<ts::predictions>(&other);
    REQUIRE(p);
    REQUIRE(q);
    CHECK(std::equal(p->probability.begin(), p->probability.end(), q->probability.begin(), q->probability.end()));
  }
  CHECK(drift.exact() == drift_with.exact());
}
