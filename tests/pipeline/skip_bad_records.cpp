// SPDX-License-Identifier: MIT
#include <simdjson.h>
#include <tabscore/monitor/moments.hpp>
#include <tabscore/pipeline/append_partial.hpp>
#include <tabscore/pipeline/score_json.hpp>

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/student_pipeline.hpp"

namespace ts = tabscore;
using support::student_json;

namespace {

struct fixture {
  ts::logistic model = support::student_model();
  ts::moments seen;
  ts::workspace<student> w;

  auto pipe() {
    return ts::pipeline{student{},
                        ts::rules{support::student_rule, ts::rule(ts::col<"days_on_platform"> < 5000, "too long")},
                        support::student_features, model, ts::sinks{seen}};
  }
};

std::string body(const std::vector<std::string>& records) {
  std::string text = "{\"records\":[";
  for (const auto& r : records) text += (&r == records.data() ? "" : ",") + r;
  return text + "]}";
}

template <class Pipeline>
ts::outcome score_valid(const Pipeline& pipe, const simdjson::padded_string& text, ts::workspace<student>& w) {
  return ts::score_request(&pipe, text, w, {.on_error = ts::on_error::skip});
}

}  // namespace

TEST_CASE("good records are predicted though others are bad, in their places", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  const simdjson::padded_string text(body({student_json(), "7", student_json("1"), student_json("-1"),
                                           student_json("1e400"), student_json("2", "6", 6000), student_json("3")}));
  const auto out = score_valid(pipe, text, f.w);
  REQUIRE(std::holds_alternative<ts::partial_predictions>(out));
  const auto& p = std::get<ts::partial_predictions>(out);
  CHECK(p.records == 7);
  CHECK(p.rows == std::vector<std::uint32_t>{0, 2, 6});
  CHECK(p.errors == ts::validation_errors{{1, ts::field_error::no_field, ts::fault::not_record, {}},
                                          {3, 2, ts::fault::ge, 0},
                                          {4, 2, ts::fault::not_finite, {}}});
  REQUIRE(p.broken.size() == 2);
  CHECK((p.broken[0].row == 5 && p.broken[0].rule == 0));
  CHECK((p.broken[1].row == 5 && p.broken[1].rule == 1));
  CHECK(f.seen.read().samples == 3);

  ts::text_buffer json;
  ts::append_partial(json, p, ts::prediction_names("p", "yes"), ts::context_of<student>());
  const std::string written(json.view());
  CHECK(written.starts_with(R"({"predictions":[{"p":)"));
  CHECK(written.find(R"(},null,{"p":)") != std::string::npos);
  CHECK(written.find(R"(},null,null,null,{"p":)") != std::string::npos);
  CHECK(written.find(R"("errors":[{"code":"not_record","path":"/records/1","message":"must be an object"})") !=
        std::string::npos);
  CHECK(written.ends_with(R"({"code":"rule","path":"/records/5","message":"too long"}]})"));
}

TEST_CASE("each bad record of a long list is null in its place", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  std::vector<std::string> records(3000, "0");
  records.insert(records.end(), {student_json(), "[]", student_json("1")});
  records.resize(9000, "null");
  const simdjson::padded_string text(body(records));
  const auto out = score_valid(pipe, text, f.w);
  const auto& p = std::get<ts::partial_predictions>(out);
  CHECK(p.rows == std::vector<std::uint32_t>{3000, 3002});
  CHECK(p.errors.size() == 8998);
  CHECK(p.errors[2999] == ts::field_error{2999, ts::field_error::no_field, ts::fault::not_record, {}});
  CHECK(p.errors[3001] == ts::field_error{3003, ts::field_error::no_field, ts::fault::null, {}});

  const ts::prediction_names names("p", "yes");
  ts::text_buffer json, expected;
  names.append_open_list(json, p.scores, p.rows, p.records);
  expected.append("{\"predictions\":[");
  for (std::size_t i = 0, good = 0; i < records.size(); ++i) {
    if (i > 0) expected.append(",");
    i == 3000 || i == 3002 ? names.append_one(expected, p.scores, good++) : expected.append("null");
  }
  expected.append("]");
  CHECK((json.view() == expected.view()));
}

TEST_CASE("records predicted among bad ones have the bits that they have alone", "[pipeline]") {
  std::mt19937 random(7);
  fixture f, alone;
  const auto pipe = f.pipe();
  const auto single = alone.pipe();
  const std::vector<std::string> bad{"null",
                                     "[1]",
                                     student_json("\"x\""),
                                     student_json("-3"),
                                     student_json("Infinity"),
                                     student_json("1", "9"),
                                     student_json("1", "1", 9999),
                                     "{}",
                                     "\"text\""};
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<std::string> records;
    std::vector<std::uint32_t> good;
    const std::size_t size = 1 + random() % 600;
    for (std::uint32_t i = 0; i < size; ++i) {
      if (random() % 3 == 0) {
        records.push_back(bad[random() % bad.size()]);
      } else {
        good.push_back(i);
        records.push_back(student_json(std::to_string(random() % 1000) + ".25", std::to_string(random() % 6)));
      }
    }
    const simdjson::padded_string text(body(records));
    const auto out = score_valid(pipe, text, f.w);
    const auto& p = std::get<ts::partial_predictions>(out);
    REQUIRE(p.records == size);
    REQUIRE(p.rows == good);
    REQUIRE(p.scores.rows() == good.size());
    for (std::size_t i = 0; i < good.size(); ++i) {
      const simdjson::padded_string one(records[good[i]]);
      const auto expected = ts::score_json(single, one, alone.w, ts::body_shape::record);
      REQUIRE(std::get<ts::predictions>(expected).probability[0] == p.scores.probability[i]);
    }
    REQUIRE(f.seen.read() == alone.seen.read());
  }
}

TEST_CASE("records whose features give no probability are left out, all in one go", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  std::vector<std::string> records;
  for (int i = 0; i < 1000; ++i) records.push_back(i % 4 == 1 ? student_json("1.7e308", "3", 0) : student_json());
  const simdjson::padded_string text(body(records));
  const auto out = score_valid(pipe, text, f.w);
  const auto& p = std::get<ts::partial_predictions>(out);
  // Whether that record is scorable is the model's business: both ways must agree.
  ts::workspace<student> w;
  const simdjson::padded_string one(body({records[1]}));
  const bool scorable = std::holds_alternative<ts::predictions>(ts::score_json(pipe, one, w));
  CHECK(p.rows.size() == (scorable ? 1000 : 750));
  CHECK(p.errors.size() == 1000 - p.rows.size());
}

TEST_CASE("a body that is not a list of records is refused as a whole", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  const auto whole = [&](const std::string& text) {
    const simdjson::padded_string padded(text);
    const auto out = score_valid(pipe, padded, f.w);
    return out.index();
  };
  CHECK(whole("{}") == 1);
  CHECK(whole(R"({"records":7})") == 1);
  CHECK(whole(R"({"records":[]})") == 1);
  CHECK(whole(R"({"records":[)") == 3);
  CHECK(whole("{\"records\":[\"\xFF\"]}") == 4);
  CHECK(f.seen.read() == ts::totals{});
}

TEST_CASE("a list of bad records only gives no prediction and all the errors", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  const simdjson::padded_string text(body({"1", "2", student_json("1", "9")}));
  const auto out = score_valid(pipe, text, f.w);
  const auto& p = std::get<ts::partial_predictions>(out);
  CHECK(p.scores.rows() == 0);
  CHECK(p.errors.size() == 2);
  CHECK(p.broken.size() == 1);
  ts::text_buffer json;
  ts::append_partial(json, p, ts::prediction_names("p", "yes"), ts::context_of<student>());
  CHECK(json.view().starts_with(R"({"predictions":[null,null,null],"errors":[)"));
}

TEST_CASE("errors beyond the limits are counted", "[pipeline]") {
  fixture f;
  f.w.decoder = ts::decoder<student>("records", {.max_records = 50, .max_errors = 5});
  const auto pipe = f.pipe();
  std::vector<std::string> records(40, "1");
  records.push_back(student_json());
  for (int i = 0; i < 3; ++i) records.push_back(student_json("1", "9"));
  const simdjson::padded_string text(body(records));
  const auto out = score_valid(pipe, text, f.w);
  const auto& p = std::get<ts::partial_predictions>(out);
  CHECK(p.errors.size() == 5);
  CHECK(p.broken.empty());
  CHECK(p.unlisted == 38);
  CHECK(p.rows == std::vector<std::uint32_t>{40});
  ts::text_buffer json;
  ts::append_partial(json, p, ts::prediction_names("p", "yes"), {.names = student::names, .most_bytes = 200});
  CHECK(json.view().ends_with(R"(}],"errors_not_listed":41})"));

  records.resize(51, "1");
  const simdjson::padded_string many(body(records));
  const auto refused = score_valid(pipe, many, f.w);
  const auto& errors = std::get<ts::validation_errors>(refused);
  CHECK(errors ==
        ts::validation_errors{{ts::field_error::all_rows, ts::field_error::no_field, ts::fault::max_items, 50}});
}
