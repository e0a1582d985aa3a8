// SPDX-License-Identifier: MIT
#include <tabscore/formats/ndjson.hpp>
#include <tabscore/outputs/prediction.hpp>

#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/padded_block.hpp"
#include "support/student.hpp"

namespace ts = tabscore;

namespace {

const std::string good = R"({"student_country":"US","days_on_platform":45,"minutes_watched":320.5,"courses_started":3,)"
                         R"("practice_exams_started":5,"practice_exams_passed":3,"minutes_spent_on_exams":87.2})";

std::string with_country(const std::string& country) {
  std::string record = good;
  return record.replace(record.find("US"), 2, country);
}

struct reading {
  ts::ndjson_format<student> format;
  std::unique_ptr<ts::block_decoder<student>> decoder = format.decoder();
  ts::block_records<student> records;
  padded_block block;

  const ts::block_records<student>& read(const std::string& text) {
    CHECK_FALSE(decoder->decode(block = padded_block(text), true, records, {}));
    return records;
  }
};

}  // namespace

TEST_CASE("lines of JSON become records", "[formats]") {
  reading r;
  for (const std::string end : {"\n", "\r\n", " \t\n", "\n\n", "\n \n"}) {
    {
      std::string text;
      for (int i = 0; i < 100; ++i) text += with_country(std::to_string(1000 + i)) + end;
      const auto& records = r.read(text);
      CHECK(records.rejected.empty());
      REQUIRE(records.good.rows() == 100);
      REQUIRE(records.source.size() == records.good.rows());
      for (std::size_t i = 0; i < 100; ++i) {
        CHECK(records.good.view().get<0>()[i] == std::to_string(1000 + i));
        CHECK(records.good.view().get<1>()[i] == 45);
        CHECK(records.good.view().get<2>()[i] == 320.5);
        CHECK(records.source[i].starts_with("{\"student_country\":\"" + std::to_string(1000 + i)));
      }
    }
  }
}

TEST_CASE("a wrong line costs the lines around it nothing", "[formats]") {
  reading r;
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"{\"student_country\":\"US\"}",
       "days_on_platform: is required; minutes_watched: is required; courses_started: is required; "
       "practice_exams_started: is required; practice_exams_passed: is required; minutes_spent_on_exams: is "
       "required"},
      {"nonsense", "Expecting value: line 1 column 1 (char 0)"},
      {good + good, "Extra data: line 1 column 174 (char 173)"},
      {good.substr(0, 40), "Unterminated string starting at: line 1 column 25 (char 24)"},
      {"[]", ""},
      {with_country("X"), "student_country: must have at least 2 characters"},
      {with_country("\xC3"), "not UTF-8"},
      {with_country("a\tb"), "Invalid control character at: line 1 column 22 (char 21)"},
  };
  for (std::size_t at = 0; at < 70; ++at) {
    for (const auto& [line, message] : wrong) {
      std::string text;
      for (std::size_t i = 0; i < 70; ++i) text += (i == at ? line : with_country(std::to_string(10 + i))) + "\n";
      const auto& records = r.read(text);
      REQUIRE(records.rejected.size() == 1);
      REQUIRE(records.good.rows() == 69);
      CHECK(records.rejected[0].position == at);
      CHECK(records.rejected[0].bytes == line);
      if (!message.empty()) CHECK(records.rejected[0].message == message);
      for (std::size_t i = 0; i < 69; ++i) {
        CHECK(records.good.view().get<0>()[i] == std::to_string(10 + i + (i >= at)));
      }
    }
  }
}

TEST_CASE("a record that is laid over two lines is two wrong lines, whatever stands beside it", "[formats]") {
  reading r;
  const std::size_t comma = good.find(',');
  const std::string halves = good.substr(0, comma + 1) + "\n" + good.substr(comma + 1);
  const auto& records = r.read(good + "," + good + "\n" + halves + "\n" + good + "\n");
  CHECK(records.good.rows() == 1);
  CHECK(records.rejected.size() == 3);
  const auto& text = r.read(with_country("a\nb") + "\n" + good + "\n");
  CHECK(text.good.rows() == 1);
  CHECK(text.rejected.size() == 2);
}

TEST_CASE("blocks of whole lines are cut from a stream", "[formats]") {
  ts::ndjson_format<student> format;
  CHECK(*format.begin("\xEF\xBB", false) == format.needs_more);
  CHECK(*format.begin("\xEF\xBB\xBF{", false) == 3);
  CHECK(*format.begin("{", true) == 0);
  CHECK(format.whole("ab\ncd", false) == 3);
  CHECK(format.whole("ab", false) == 0);
  CHECK(format.whole("ab\ncd", true) == 5);
}

TEST_CASE("predictions are written as lines of JSON, with the record's members when they are wanted", "[formats]") {
  using members = ts::binary<"p", "label">;
  const ts::ndjson_writer writer(ts::prediction_layout(members::names, {}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> probability{0.25, nan, 0.75};
  const std::vector<std::uint8_t> label{0, 0, 1};
  const std::vector<std::string_view> source{R"({"a":"}"} )", {}, "{ }\r"};
  ts::text_buffer out;
  writer.append(out, {{probability, label, 0.5}, {}, {}});
  CHECK(out.view() == "{\"p\":0.25,\"label\":0}\n{\"p\":null,\"label\":null}\n{\"p\":0.75,\"label\":1}\n");
  out.clear();
  writer.append(out, {{probability, label, 0.5}, {}, source});
  CHECK(out.view() == "{\"a\":\"}\",\"p\":0.25,\"label\":0}\n{\"p\":null,\"label\":null}\n{\"p\":0.75,\"label\":1}\n");
}
