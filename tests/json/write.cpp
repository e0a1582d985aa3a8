// SPDX-License-Identifier: MIT
#include <simdjson.h>

#include <tabscore/json/write.hpp>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_literals;

TEST_CASE("predictions are written as a list or as one object", "[json]") {
  const ts::prediction_names names("p \"x\"", "hit");
  ts::text_buffer out;
  names.append_list(out, std::array{0.5, 6.328306117326016e-11, 1.0}, 0.5);
  CHECK(
      out.view() ==
      R"({"predictions":[{"p \"x\"":0.5,"hit":1},{"p \"x\"":6.328306117326016e-11,"hit":0},{"p \"x\"":1.0,"hit":1}]})");
  out.clear();
  names.append_list(out, {}, 0.5);
  CHECK(out.view() == R"({"predictions":[]})");
  out.clear();
  names.append_one(out, 0.25, 0.5);
  CHECK(out.view() == R"({"p \"x\"":0.25,"hit":0})");
  out.clear();
  const std::vector<double> many(1000, 0.125);
  names.append_list(out, many, 0.5);
  CHECK(out.size() == R"({"predictions":[]})"s.size() + 1000 * R"({"p \"x\"":0.125,"hit":0},)"s.size() - 1);
}

TEST_CASE("every fault has words, and limits are written as they were declared", "[json]") {
  const std::array<std::string_view, 2> names{"a", "b"};
  const auto item = [&](ts::fault f, ts::limit bound) {
    const ts::field_error e{3, 1, f, bound};
    return ts::to_json(std::span(&e, 1), names);
  };
  const auto begin = std::string(R"({"detail":[{"loc":["body","records",3,"b"],"msg":"ensure this value )");
  CHECK(item(ts::fault::not_above, 0.5) ==
        begin + R"(is greater than 0.5","type":"value_error.number.not_gt","ctx":{"limit_value":0.5}}]})");
  CHECK(item(ts::fault::above, 1e22) ==
        begin + R"(is less than or equal to 1e+22","type":"value_error.number.not_le","ctx":{"limit_value":1e+22}}]})");
  CHECK(item(ts::fault::not_below, -3) ==
        begin + R"(is less than -3","type":"value_error.number.not_lt","ctx":{"limit_value":-3}}]})");
  CHECK(item(ts::fault::too_long, 64) ==
        begin + R"(has at most 64 characters","type":"value_error.any_str.max_length","ctx":{"limit_value":64}}]})");
  for (int f = 0; f <= static_cast<int>(ts::fault::reserved_name); ++f) {
    CHECK(!ts::dialect::pydantic1::words(static_cast<ts::fault>(f)).message.empty());
    CHECK(!ts::dialect::pydantic1::words(static_cast<ts::fault>(f)).type.empty());
  }
  CHECK(ts::to_json(std::span<const ts::field_error>{}, names) == R"({"detail":[]})");
  ts::text_buffer out;
  ts::append_detail(out, "a \"b\"");
  CHECK(out.view() == R"({"detail":"a \"b\""})");
}

TEST_CASE("the text of errors keeps to its room and says how many are not listed", "[json]") {
  const std::array<std::string_view, 1> names{"student_country"};
  const ts::validation_errors errors(1000, {7, 0, ts::fault::missing, {}});
  ts::text_buffer all, some, none;
  ts::append_errors(all, errors, names);
  CHECK(all.view().find("errors_not_listed") == std::string_view::npos);
  ts::append_errors(some, errors, names, "records", 4096, 5);
  CHECK(some.size() < 4200);
  CHECK(some.view().substr(0, 4000) == all.view().substr(0, 4000));
  CHECK(some.view().find(R"(}],"errors_not_listed":)") != std::string_view::npos);
  ts::append_errors(none, {}, names, "records", SIZE_MAX, 3);
  CHECK(none.view() == R"({"detail":[],"errors_not_listed":3})");
}

TEST_CASE("the quoted body of a syntax error is cut between characters", "[json]") {
  std::string document(5000, '\x01');
  for (int i = 0; i < 1000; ++i) document += "\xC3\xA9";
  const ts::syntax_error e{"Expecting value", 0, 1, 1, document};
  for (const std::size_t room : {0U, 1U, 100U, 1000U, 6001U, 30000U, 31001U, 40000U}) {
    ts::text_buffer out;
    ts::append_syntax_error(out, e, room);
    CHECK(out.size() < room + 300);
    simdjson::dom::parser parser;
    CHECK(parser.parse(std::string(out.view())).error() == simdjson::SUCCESS);
  }
}
