// SPDX-License-Identifier: MIT
#include <simdjson.h>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/json/write.hpp>
#include <tabscore/monitor/moments.hpp>
#include <tabscore/pipeline/score_json.hpp>

#include <string>

#include "support/catch.hpp"
#include "support/student_pipeline.hpp"

namespace ts = tabscore;
using support::student_json;

namespace {

struct fixture {
  ts::logistic model = support::student_model();
  ts::moments drift;
  ts::workspace<student> w;

  auto pipe() {
    return ts::pipeline{student{}, ts::rules{support::student_rule}, support::student_features, model,
                        ts::sinks{drift}};
  }
};

std::string body(const std::string& records) { return "{\"records\":[" + records + "]}"; }

}  // namespace

TEST_CASE("a body becomes predictions, alone or in a list, with the same bits", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  const simdjson::padded_string one(student_json());
  const auto alone = ts::score_json(pipe, one, f.w, ts::body_shape::record);
  REQUIRE(std::holds_alternative<ts::predictions>(alone));
  const double p = std::get<ts::predictions>(alone).probability[0];
  CHECK(p > 0);
  CHECK(p < 1);

  std::string many = student_json();
  for (int i = 1; i < 1000; ++i) many += "," + student_json();
  const simdjson::padded_string list(body(many));
  const auto all = ts::score_json(pipe, list, f.w);
  REQUIRE(std::holds_alternative<ts::predictions>(all));
  REQUIRE(std::get<ts::predictions>(all).rows() == 1000);
  for (const double q : std::get<ts::predictions>(all).probability) REQUIRE(q == p);
  CHECK(f.drift.read().samples == 1001);
}

TEST_CASE("an error of a body is a value, and no record of it is counted", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  const auto outcome = [&](const std::string& text, ts::body_shape shape = ts::body_shape::records) {
    const simdjson::padded_string padded(text);
    return ts::score_json(pipe, padded, f.w, shape);
  };
  const auto errors = outcome(body(student_json() + "," + student_json("-1")));
  REQUIRE(std::holds_alternative<ts::validation_errors>(errors));
  CHECK(std::get<ts::validation_errors>(errors) == ts::validation_errors{{1, 2, ts::fault::ge, 0}});

  CHECK(std::holds_alternative<ts::syntax_error>(outcome(body(student_json()).substr(0, 30))));
  CHECK(std::holds_alternative<ts::unreadable>(outcome("{\"records\": [\"\xFF\"]}")));

  const auto rule = outcome(body(student_json() + "," + student_json("1", "6")));
  REQUIRE(std::holds_alternative<ts::broken_rule>(rule));
  CHECK(std::get<ts::broken_rule>(rule).row == 1);
  CHECK(f.drift.read() == ts::totals{});
}

TEST_CASE("an infinite value that a policy takes is refused after the rules, and nothing of it is counted",
          "[pipeline]") {
  fixture f;
  ts::workspace<student, ts::coerce::python> w;
  const auto pipe = f.pipe();
  for (const char* infinite : {"1e400", "Infinity", "\"inf\""}) {
    const simdjson::padded_string broken_too(body(student_json(infinite) + "," + student_json("1", "6")));
    CHECK(std::holds_alternative<ts::broken_rule>(ts::score_json(pipe, broken_too, w)));
    const simdjson::padded_string only_infinite(body(student_json() + "," + student_json(infinite)));
    const auto out = ts::score_json(pipe, only_infinite, w);
    REQUIRE(std::holds_alternative<ts::validation_errors>(out));
    CHECK(std::get<ts::validation_errors>(out) == ts::validation_errors{{1, 2, ts::fault::not_finite, {}}});
  }
  const auto strict = ts::score_json(pipe, body(student_json("1e400") + "," + student_json("1", "6")), f.w);
  CHECK(std::get<ts::validation_errors>(strict) == ts::validation_errors{{0, 2, ts::fault::not_finite, {}}});
  CHECK(f.drift.read() == ts::totals{});
}

TEST_CASE("bodies without padding are copied into the workspace", "[pipeline]") {
  fixture f;
  const auto pipe = f.pipe();
  const std::string list = body(student_json());
  const simdjson::padded_string padded(list);
  const double p = std::get<ts::predictions>(ts::score_json(pipe, padded, f.w)).probability[0];
  const auto same = [&](const auto& text) {
    const auto o = ts::score_json(pipe, text, f.w);
    return std::holds_alternative<ts::predictions>(o) && std::get<ts::predictions>(o).probability[0] == p;
  };
  CHECK(same(list));
  CHECK(same(std::string_view(list)));
  CHECK(same(list.c_str()));
  CHECK(same(simdjson::padded_string_view(padded)));
  CHECK(std::holds_alternative<ts::predictions>(ts::score_json(pipe, student_json(), f.w, ts::body_shape::record)));
  // Of a view only its own bytes are read.
  const std::string longer = list + "garbage";
  CHECK(same(std::string_view(longer).substr(0, list.size())));
  CHECK_FALSE(same(longer));
  CHECK(std::holds_alternative<ts::syntax_error>(ts::score_json(pipe, std::string_view(list).substr(0, 40), f.w)));
  CHECK_FALSE(same(std::string_view()));
  CHECK(std::holds_alternative<ts::validation_errors>(ts::score_json(pipe, body(student_json("\"no\"")), f.w)));
  std::string many = student_json();
  for (int i = 1; i < 300; ++i) many += "," + student_json();
  const auto all = ts::score_json(pipe, body(many), f.w);
  REQUIRE(std::holds_alternative<ts::predictions>(all));
  CHECK(std::get<ts::predictions>(all).rows() == 300);
  CHECK(std::get<ts::predictions>(all).probability[299] == p);
}
