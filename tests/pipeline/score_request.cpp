// SPDX-License-Identifier: MIT
// Every option with every other, and the same records by every way into the scorer.
#include <tabscore/columnar/column_importer.hpp>
#include <tabscore/compat/inference_errors.hpp>
#include <tabscore/compat/problem_details.hpp>
#include <tabscore/compat/pydantic1.hpp>
#include <tabscore/compat/pydantic2.hpp>
#include <tabscore/compat/score_tensors.hpp>
#include <tabscore/formats/csv.hpp>
#include <tabscore/models/logistic.hpp>
#include <tabscore/pipeline/append_partial.hpp>
#include <tabscore/pipeline/row_scorer.hpp>
#include <tabscore/pipeline/score_arrow.hpp>
#include <tabscore/pipeline/score_json.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/arrow_builder.hpp"
#include "support/catch.hpp"
#include "support/padded_block.hpp"

namespace ts = tabscore;
using ts::col;

namespace {

using point = ts::schema<ts::real<"x", ts::ge{-1e301}>, ts::real<"y">, ts::text<"name", ts::min_length{1}>>;

struct counting_sink {
  std::size_t batches = 0, records = 0;
  bool open = true;
  template <class Batch>
  void record(const Batch& batch) noexcept {
    ++batches;
    records += batch.records.rows();
  }
  template <class Batch>
  bool admit(const Batch&) noexcept {
    return open;
  }
};

auto pipeline_of(counting_sink& sink) {
  ts::encoder encoder;
  encoder.numeric.resize(2);
  ts::logistic model({{"x", "y"}, {}}, std::move(encoder), {{1e10, -1e10}, {}, 0}, 0.5);
  return ts::pipeline{
      point{},
      ts::rules{ts::rule(col<"x"> - col<"y"> < 100, "x is too far above y"), ts::rule(col<"y"> > -50, "y is too low")},
      ts::features{}, std::move(model), ts::sinks{sink}};
}

struct sample {
  double x, y;
  std::string name, x_text, y_text, reason;
};
constexpr double inf = std::numeric_limits<double>::infinity();
const std::string short_name = "name: must have at least 1 character";
const std::string not_finite = "must be finite";
const std::vector<sample> samples{
    {1, 2, "a", "1", "2", ""},
    {1, 2, "", "1", "2", short_name},
    {-1e302, 2, "", "-1e302", "2", "x: must be at least -1e+301; " + short_name},
    {200, -60, "b", "200", "-60", "x is too far above y; y is too low"},
    {1, -inf, "c", "1", "-1e999", "y: " + not_finite},
    {1e300, 1e300, "d", "1e300", "1e300", not_finite},
    {-inf, inf, "", "-1e999", "1e999", "x: must be at least -1e+301; y: " + not_finite + "; " + short_name},
    {3, 2.5, "e", "3", "2.5", ""},
};

std::string json(const sample& s) {
  return R"({"x":)" + s.x_text + R"(,"y":)" + s.y_text + R"(,"name":")" + s.name + "\"}";
}
std::string body(const std::vector<sample>& some) {
  std::string text = R"({"records":[)";
  for (const sample& s : some) text.append(&s == some.data() ? "" : ",").append(json(s));
  return text + "]}";
}

/// A prediction or a reason for each record.
struct answers {
  std::vector<double> probability;
  std::vector<std::string> reason;
  explicit answers(std::size_t n) : probability(n, -1), reason(n) {}
  bool operator==(const answers&) const = default;
};

answers read(const ts::row_predictions& p) {
  answers out(p.scores.rows());
  for (std::size_t i = 0; i < out.probability.size(); ++i) {
    if (!std::isnan(p.scores.probability[i])) out.probability[i] = p.scores.probability[i];
  }
  for (const ts::row_fault& f : p.faults) out.reason[f.row] = f.reason;
  return out;
}

answers alone() {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  ts::workspace<point> w;
  answers out(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    out.reason[i] = samples[i].reason;
    const auto one = ts::score_json(pipe, json(samples[i]), w, ts::body_shape::record);
    const auto* p = std::get_if<ts::predictions>(&one);
    REQUIRE((p != nullptr) == samples[i].reason.empty());
    if (p != nullptr) out.probability[i] = p->probability[0];
  }
  return out;
}

answers by_json() {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  ts::workspace<point> w;
  const auto outcome = ts::score_request(&pipe, body(samples), w, {.on_error = ts::on_error::skip});
  const auto& p = std::get<ts::partial_predictions>(outcome);
  CHECK((sink.batches == 1 && sink.records == 2 && p.records == samples.size()));
  answers out(samples.size());
  for (std::size_t i = 0; i < p.rows.size(); ++i) out.probability[p.rows[i]] = p.scores.probability[i];
  const auto add = [&](std::size_t row, std::string_view words) {
    out.reason[row].append(out.reason[row].empty() ? "" : "; ").append(words);
  };
  for (const ts::field_error& e : p.errors) add(e.row, ts::describe(std::span(&e, 1), point::names));
  for (const ts::broken_rule& b : p.broken) add(b.row, b.message);
  return out;
}

answers by_rows() {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  std::vector<double> x, y;
  std::vector<std::string_view> names;
  for (const sample& s : samples) x.push_back(s.x), y.push_back(s.y), names.push_back(s.name);
  ts::column_importer<point> records;
  records.begin(samples.size());
  records.lend<0>(x.data());
  records.lend<1>(y.data());
  records.lend<2>(names.data());
  ts::row_scorer<decltype(pipeline_of(sink))> scorer(pipe);
  answers out = read(scorer.score(records.view(), records.check()));
  CHECK((sink.batches == 1 && sink.records == 2));
  return out;
}

answers by_arrow() {
  using build = arrow_builder;
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  std::vector<double> x, y;
  std::vector<std::string> names;
  for (const sample& s : samples) x.push_back(s.x), y.push_back(s.y), names.push_back(s.name);
  const build::node records =
      build::records({build::numbers("x", "g", x), build::numbers("y", "g", y), build::texts("name", names)});
  const ts::arrow_schema schema = build::schema(records);
  const ts::arrow_array batch = build::array(records);
  auto scorer = ts::arrow_scorer<decltype(pipeline_of(sink))>::make(pipe, *schema);
  REQUIRE(scorer);
  ts::arrow_array a;
  REQUIRE(!scorer->score(*batch, a.get()));
  answers out(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto* ends = static_cast<const std::int64_t*>(a->children[2]->buffers[1]);
    out.reason[i] = std::string(static_cast<const char*>(a->children[2]->buffers[2]) + ends[i],
                                static_cast<std::size_t>(ends[i + 1] - ends[i]));
    if (out.reason[i].empty()) out.probability[i] = static_cast<const double*>(a->children[0]->buffers[1])[i];
  }
  return out;
}

answers by_csv() {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  std::string text = "x,y,name\n";
  const std::size_t head = text.size();
  for (const sample& s : samples) text += s.x_text + "," + s.y_text + ",\"" + s.name + "\"\n";
  ts::csv_format<point> format;
  REQUIRE(format.begin(text, true));
  const padded_block block(text.substr(head));
  ts::block_records<point> records;
  ts::row_scorer<decltype(pipeline_of(sink))> scorer(pipe);
  decltype(pipeline_of(sink))::scoring run(pipe, scorer.buffers());
  auto add = [&](const ts::columns<point>& so_far) { run.add(so_far); };
  REQUIRE_FALSE(format.decoder()->decode(block, false, records, add));
  const answers formed = read(scorer.finish(run, records.good, {}));
  answers out(samples.size());
  for (const ts::rejected_record& r : records.rejected) out.reason[r.position] = r.message;
  for (std::size_t i = 0, row = 0; i < samples.size(); ++i) {
    if (!out.reason[i].empty()) continue;
    out.probability[i] = formed.probability[row];
    out.reason[i] = formed.reason[row++];
  }
  CHECK((sink.batches == 1 && sink.records == 2));
  return out;
}

struct laps {
  std::size_t decode = 0, score = 0, discarded = 0;
  void lap(ts::request_stage s) { ++(s == ts::request_stage::decode ? decode : score); }
  void discard(ts::request_stage) { ++discarded; }
};

template <class Dialect>
std::string written(const ts::partial_predictions& p, std::string_view document) {
  ts::text_buffer out;
  const auto more = [&](std::size_t i) {
    out.append(p.scores.contributions.empty() ? R"("plain":)" : R"("explained":)");
    out.append(std::to_string(i));
  };
  ts::append_partial<Dialect>(out, p, ts::prediction_names("p", "yes"), ts::context_of<point>(document), more);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("the same records have the same bits and reasons by every way", "[pipeline]") {
  const answers expected = alone();
  const auto same = [&](const answers& got) {
    CHECK(got.reason == expected.reason);
    CHECK(got.probability == expected.probability);
  };
  same(by_json());
  same(by_rows());
  same(by_arrow());
  same(by_csv());
}

TEST_CASE("every option of a request goes with every other", "[pipeline]") {
  struct body_case {
    std::string text;
    std::size_t fail, skip, none;  // index of the outcome: of all or none, with skip, without a model
  };
  const std::vector<sample> valid{samples[0], samples[7]};
  const std::vector<body_case> bodies{
      {body(valid), 0, 6, 7},
      {body({samples[0], samples[1]}), 1, 6, 1},
      {body({samples[0], samples[3]}), 2, 6, 7},
      {body({samples[0], samples[4]}), 1, 6, 1},
      {body({samples[0], samples[5]}), 1, 6, 7},
      {body({samples[1]}), 1, 6, 1},
      {R"({"records":[)", 3, 3, 3},
      {R"({"records":[]})", 1, 1, 1},
      {R"({"records":7})", 1, 1, 1},
      {"{\"records\":[\"\xFF\"]}", 4, 4, 4},
  };
  for (const body_case& b : bodies) {
    for (const bool model : {true, false}) {
      for (const bool open : {true, false}) {
        for (const auto policy : {ts::on_error::fail, ts::on_error::skip}) {
          for (const bool explain : {false, true}) {
            INFO(b.text << " model " << model << " open " << open << " skip " << (policy == ts::on_error::skip)
                        << " explain " << explain);
            counting_sink sink;
            sink.open = open;
            const auto pipe = pipeline_of(sink);
            ts::workspace<point> w;
            laps seen;
            const auto out =
                ts::score_request(model ? &pipe : nullptr, b.text, w, {.on_error = policy, .explain = explain}, seen);
            std::size_t expected = !model ? b.none : policy == ts::on_error::skip ? b.skip : b.fail;
            const bool scores = expected == 0 || (expected == 6 && b.text != body({samples[1]}));
            if (scores && !open) expected = 5;
            REQUIRE(out.index() == expected);
            CHECK(sink.batches == (scores && open ? 1 : 0));
            CHECK(seen.decode == 1);
            CHECK(seen.score + seen.discarded == (model ? 1 : 0));
            const auto* p = std::get_if<ts::predictions>(&out);
            const auto* some = std::get_if<ts::partial_predictions>(&out);
            if (some != nullptr) p = &some->scores;
            if (p != nullptr) CHECK(p->contributions.size() == (explain ? p->rows() * 3 : 0));
          }
        }
      }
    }
  }
}

TEST_CASE("partial results are worded by every dialect, with explanations or without", "[pipeline]") {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  for (const bool explain : {false, true}) {
    ts::workspace<point> w;
    const std::string document = body({samples[1], samples[0], samples[3]});
    const auto out = ts::score_request(&pipe, document, w, {.on_error = ts::on_error::skip, .explain = explain});
    const auto& p = std::get<ts::partial_predictions>(out);
    const std::string entry = explain ? R"(,"explained":0},null],"errors":[)" : R"(,"plain":0},null],"errors":[)";
    const auto check = [&](const std::string& text, const std::string& errors) {
      CHECK(text.starts_with(R"({"predictions":[null,{"p":)"));
      const std::size_t at = text.find(entry);
      REQUIRE(at != std::string::npos);
      CHECK(text.substr(at + entry.size()) == errors + "]}");
    };
    check(written<ts::dialect::neutral>(p, document),
          R"({"code":"min_length","path":"/records/0/name","message":"must have at least 1 character","limit":1},)"
          R"({"code":"rule","path":"/records/2","message":"x is too far above y"},)"
          R"({"code":"rule","path":"/records/2","message":"y is too low"})");
    check(written<ts::dialect::pydantic1>(p, document),
          R"({"loc":["body","records",0,"name"],"msg":"ensure this value has at least 1 characters",)"
          R"("type":"value_error.any_str.min_length","ctx":{"limit_value":1}},)"
          R"({"loc":["body","records",2],"msg":"x is too far above y","type":"value_error.rule"},)"
          R"({"loc":["body","records",2],"msg":"y is too low","type":"value_error.rule"})");
    check(written<ts::dialect::pydantic2>(p, document),
          R"({"type":"string_too_short","loc":["body","records",0,"name"],)"
          R"("msg":"String should have at least 1 character","input":"","ctx":{"min_length":1},)"
          R"("url":"https://errors.pydantic.dev/2.11/v/string_too_short"},)"
          R"({"type":"value_error","loc":["body","records",2],"msg":"Value error, x is too far above y",)"
          R"("input":{"x":200,"y":-60,"name":"b"},"ctx":{"error":{}},)"
          R"("url":"https://errors.pydantic.dev/2.11/v/value_error"},)"
          R"({"type":"value_error","loc":["body","records",2],"msg":"Value error, y is too low",)"
          R"("input":{"x":200,"y":-60,"name":"b"},"ctx":{"error":{}},)"
          R"("url":"https://errors.pydantic.dev/2.11/v/value_error"})");
    check(written<ts::dialect::problem_details>(p, document),
          R"({"pointer":"#/records/0/name","detail":"must have at least 1 character","code":"min_length","limit":1},)"
          R"({"pointer":"#/records/2","detail":"x is too far above y","code":"rule"},)"
          R"({"pointer":"#/records/2","detail":"y is too low","code":"rule"})");
    check(written<ts::dialect::inference>(p, document),
          R"({"error":"name[0] must have at least 1 character"},{"error":"records[2]: x is too far above y"},)"
          R"({"error":"records[2]: y is too low"})");
  }
}

TEST_CASE("a body that is explained has its own limit of records", "[pipeline]") {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  for (const auto policy : {ts::on_error::fail, ts::on_error::skip}) {
    ts::workspace<point> w;
    const auto out = ts::score_request(&pipe, body({samples[0], samples[7]}), w,
                                       {.on_error = policy, .explain = true, .max_explained = 1});
    CHECK(std::get<ts::validation_errors>(out) ==
          ts::validation_errors{{ts::field_error::all_rows, ts::field_error::no_field, ts::fault::max_items, 1}});
  }
  CHECK(sink.batches == 0);
}

TEST_CASE("an inference request goes the same way", "[pipeline]") {
  counting_sink sink;
  const auto pipe = pipeline_of(sink);
  ts::tensor_decoder<point> decoder;
  ts::batch<point> records;
  ts::score_buffers buffers;
  const std::string_view outputs[] = {"p"};
  const auto text = [](const std::string& y, const std::string& more) {
    return R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1]},)"
           R"({"name":"y","shape":[1],"datatype":"FP64","data":[)" +
           y + R"(]},{"name":"name","shape":[1],"datatype":"BYTES","data":["a"]}])" + more + "}";
  };
  const auto index = [&](const std::string& y, const std::string& more = "", bool model = true) {
    return ts::score_tensors(model ? &pipe : nullptr, text(y, more), decoder, records, buffers, outputs).index();
  };
  CHECK(index("2") == 0);
  CHECK(index("\"2\"") == 1);
  CHECK(index("-60") == 2);
  CHECK(index("2", R"(,"outputs":[{"name":"q"}])") == 8);
  CHECK(index("2]") == 8);
  CHECK(index("2", "", false) == 7);
  CHECK(index("\"2\"", "", false) == 1);
  CHECK(sink.batches == 1);
  // Its parameters ask for more outputs, whose names exist only then.
  const std::string skip = R"(,"parameters":{"on_error":"skip"})";
  CHECK(index("2", skip) == 6);
  CHECK(index("-60", skip) == 6);
  CHECK(index("\"2\"", skip) == 6);
  CHECK(index("2", skip + R"(,"outputs":[{"name":"error"}])") == 6);
  CHECK(index("2", R"(,"outputs":[{"name":"error"}])") == 8);
  CHECK(index("2", skip + R"(,"outputs":[{"name":"contributions"}])") == 8);
  CHECK(index("2", R"(,"parameters":{"explain":1})") == 0);
  const std::string_view taken[] = {"error"};
  const auto clash = ts::score_tensors(&pipe, text("2", skip), decoder, records, buffers, taken);
  CHECK(std::get<ts::error>(clash).message ==
        "The prediction has a member 'error', so that there is no output of this name.");
}
