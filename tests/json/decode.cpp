// SPDX-License-Identifier: MIT
#include <simdjson.h>
#include <tabscore/compat/pydantic1.hpp>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/json/decode.hpp>
#include <tabscore/json/write.hpp>

#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "support/body.hpp"
#include "support/catch.hpp"
#include "support/student.hpp"

namespace ts = tabscore;
using namespace std::string_literals;

namespace {

using loan = ts::schema<ts::text<"purpose", ts::min_length{2}>, ts::integer<"amount", ts::gt{0}, ts::le{1'000'000}>,
                        ts::real<"rate", ts::gt{0.5}, ts::lt{20}>, ts::boolean<"owner">,
                        ts::optional<ts::integer<"children", ts::ge{0}>>, ts::optional<ts::text<"note">>>;

/// What a body with one field replaced by a JSON value is answered: "" when it is accepted.
template <class Policy = ts::coerce::python>
std::string with(std::string_view field, std::string_view value, ts::batch<loan>* out = nullptr) {
  std::string text = "{\"records\":[{";
  const std::string_view usual[] = {"\"car\"", "5000", "3.25", "true", "2", "\"x\""};
  for (std::size_t i = 0; i < loan::size; ++i) {
    if (i > 0) text += ",";
    text += "\"" + std::string(loan::names[i]) + "\":" + std::string(loan::names[i] == field ? value : usual[i]);
  }
  static std::deque<padded_body> bodies;  // outlive the texts that are decoded from them
  const padded_body& body = bodies.emplace_back(text + "}]}");
  ts::decoder<loan, Policy> decode;
  ts::batch<loan> batch;
  ts::batch<loan>& to = out ? *out : batch;
  const auto status = decode.records(body, to);
  if (status == ts::decode_status::invalid) {
    REQUIRE(decode.faults().errors.size() == 1);
    const std::string json = ts::to_json<ts::dialect::pydantic1>(decode.faults().errors, loan::names);
    const std::size_t begin = json.find("\"msg\":\"") + 7;
    return json.substr(begin, json.find('"', begin) - begin);
  }
  if (status != ts::decode_status::decoded) return "no JSON";
  return decode.faults().not_finite.empty() ? "" : "not finite";
}

template <std::size_t I, class Policy = ts::coerce::python>
auto value(std::string_view json) {
  static ts::batch<loan> batch;  // outlives texts
  REQUIRE(with<Policy>(loan::names[I], json, &batch) == "");
  return batch.view().template get<I>()[0];
}

std::string refused(const std::string& text, bool single = false) {
  ts::decoder<student, ts::coerce::python> decode;
  ts::batch<student> batch;
  const padded_body body(text);
  switch (single ? decode.record(body, batch) : decode.records(body, batch)) {
    case ts::decode_status::decoded:
      return "decoded";
    case ts::decode_status::invalid:
      return ts::to_json<ts::dialect::pydantic1>(decode.faults().errors, student::names);
    case ts::decode_status::malformed:
      return ts::to_json<ts::dialect::pydantic1>(decode.syntax());
    case ts::decode_status::unreadable:
      return decode.why() == ts::unreadable::encoding ? "encoding"
             : decode.why() == ts::unreadable::depth  ? "depth"
                                                      : "digits";
  }
  return {};
}

const std::string one =
    R"({"student_country": "US", "days_on_platform": 100, "minutes_watched": 80.5, "courses_started": 2, )"
    R"("practice_exams_started": 3, "practice_exams_passed": 2, "minutes_spent_on_exams": 25.5})";

}  // namespace

TEST_CASE("python's integers: numbers cut, digits in text, true and false", "[json]") {
  CHECK(value<1>("45") == 45);
  CHECK(value<1>("45.9") == 45);
  CHECK(value<1>("1e2") == 100);
  CHECK(value<1>("true") == 1);
  CHECK(value<1>("\" 4_5\\n\"") == 45);
  CHECK(value<1>("\"+045\"") == 45);
  CHECK(value<1>("\"\\u00a045\\u2003\"") == 45);
  CHECK(value<4>("-0") == 0);
  CHECK(value<4>("-0.9") == 0);
  CHECK(value<4>("\"" + std::string(400, '0') + "7\"") == 7);
  for (const std::string wrong :
       {"\"45.0\"", "\"1e3\"", "\"\"", "\" \"", "\"0x10\"", "\"1__0\"", "\"_1\"", "\"1_\"", "\"- 5\"", "\"45\\u0000\"",
        "\"\\u0664\\u0665\"", "\"\\u001c5\"", "NaN", "Infinity", "1e400", "[]", "{}", "\"inf\""}) {
    INFO(wrong);
    CHECK(with("amount", wrong) == "value is not a valid integer");
  }
  CHECK(with("amount", "\"" + std::string(4301, '1') + "\"") == "value is not a valid integer");
  CHECK(with("amount", "null") == "none is not an allowed value");
}

TEST_CASE("integers beyond 64 bits break a bound that the nearest one breaks, otherwise they don't fit", "[json]") {
  const std::string misfit = "ensure this value fits into a signed 64-bit integer";
  CHECK(with("children", "9223372036854775808") == misfit);
  CHECK(with("children", "1e19") == misfit);
  CHECK(with("children", "\"99999999999999999999\"") == misfit);
  CHECK(with("children", "-9223372036854775809") == "ensure this value is greater than or equal to 0");
  CHECK(with("children", "-1e300") == "ensure this value is greater than or equal to 0");
  CHECK(with("amount", "9223372036854775808") == "ensure this value is less than or equal to 1000000");
  CHECK(value<4>("9223372036854775807") == 9223372036854775807.0);
}

TEST_CASE("python's floats: every number, true and false, texts that float() takes", "[json]") {
  CHECK(value<2>("3") == 3);
  CHECK(value<2>("true") == 1);
  CHECK(value<2>("\"1_0.5_0\"") == 10.5);
  CHECK(value<2>("\"\\u30005.\"") == 5);
  CHECK(value<2>("\".75E+0_1\"") == 7.5);
  CHECK(value<2>("0.99999999999999999999") == 1);
  for (const std::string wrong : {"\"abc\"", "\"\"", "\".\"", "\"1e\"", "\"1_.5\"", "\"0x1p3\"", "\"infin\"", "[1]"}) {
    INFO(wrong);
    CHECK(with("rate", wrong) == "value is not a valid float");
  }
  CHECK(with("rate", "NaN") == "ensure this value is greater than 0.5");
  CHECK(with("rate", "\"-inf\"") == "ensure this value is greater than 0.5");
  CHECK(with("rate", "20") == "ensure this value is less than 20");
}

TEST_CASE("infinities that keep the bounds are told apart from errors", "[json]") {
  ts::decoder<student, ts::coerce::python> decode;
  ts::batch<student> batch;
  for (const std::string infinite : {"Infinity", "1e400", "\"inf\"", "\" +Infinity \""}) {
    std::string text = one;
    text.replace(text.find("80.5"), 4, infinite);
    REQUIRE(decode.record(padded_body(text), batch) == ts::decode_status::decoded);
    REQUIRE(decode.faults().not_finite.size() == 1);
    CHECK(ts::to_json<ts::dialect::pydantic1>(decode.faults().not_finite, student::names) ==
          R"({"detail":[{"loc":["body","minutes_watched"],"msg":"ensure this value is a finite number",)"
          R"("type":"value_error.number.not_finite_number"}]})");
    CHECK(std::isinf(batch.view().get<"minutes_watched">()[0]));
  }
  REQUIRE(decode.record(padded_body(one), batch) == ts::decode_status::decoded);
  CHECK(decode.faults().not_finite.empty());
  std::string text = one;
  text.replace(text.find("80.5"), 4, std::string(400, '9'));  // an integer that no double can hold is an error at once
  REQUIRE(decode.record(padded_body(text), batch) == ts::decode_status::invalid);
  CHECK(decode.faults().errors.at(0).what == ts::fault::not_finite);
}

TEST_CASE("python's texts: text as it is, numbers as Python prints them", "[json]") {
  CHECK(value<0>("\"  \"") == "  ");
  CHECK(value<0>("45") == "45");
  CHECK(value<0>("1e22") == "1e+22");
  CHECK(value<0>("4.50") == "4.5");
  CHECK(value<0>("-0.0") == "-0.0");
  CHECK(value<0>("1e400") == "inf");
  CHECK(value<0>("NaN") == "nan");
  CHECK(value<0>("true") == "True");
  CHECK(value<0>("123456789012345678901234567890") == "123456789012345678901234567890");
  CHECK(with("purpose", "-0") == "ensure this value has at least 2 characters");
  CHECK(with("purpose", "[]") == "str type expected");
  CHECK(value<0>(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")") == "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(value<0>(R"("\ude00\ud83d\u0041")") ==
        "\xED\xB8\x80\xED\xA0\xBD"
        "A");
  CHECK(with("purpose", R"("\ud83d\ude00")") == "ensure this value has at least 2 characters");
}

TEST_CASE("python's booleans", "[json]") {
  for (const std::string yes : {"true", "1", "1.0", "\"yes\"", "\"On\"", "\"TRUE\"", "\"t\"", "\"1\""})
    CHECK(value<3>(yes));
  for (const std::string no : {"false", "0", "-0.0", "\"no\"", "\"off\"", "\"F\"", "\"n\"", "\"0\""})
    CHECK(!value<3>(no));
  for (const std::string wrong : {"2", "0.5", "\"\"", "\" true\"", "[]", "\"yess\""}) {
    CHECK(with("owner", wrong) == "value could not be parsed to a boolean");
  }
}

TEST_CASE("optional fields may be null or absent", "[json]") {
  CHECK(std::isnan(value<4>("null")));
  CHECK(value<5>("null").data() == nullptr);
  CHECK(value<5>("\"\"").data() != nullptr);
  ts::decoder<loan, ts::coerce::python> decode;
  ts::batch<loan> batch;
  REQUIRE(decode.record(padded_body(R"({"purpose":"car","amount":1,"rate":1,"owner":false})"), batch) ==
          ts::decode_status::decoded);
  CHECK(std::isnan(batch.view().get<"children">()[0]));
  CHECK(batch.view().get<"note">()[0].data() == nullptr);
}

TEST_CASE("the strict policy converts no type to another", "[json]") {
  using strict = ts::coerce::strict;
  CHECK(value<1, strict>("45") == 45);
  CHECK(value<2, strict>("3") == 3);
  CHECK(with<strict>("amount", "45.0") == "value is not a valid integer");
  CHECK(with<strict>("amount", "\"45\"") == "value is not a valid integer");
  CHECK(with<strict>("amount", "true") == "value is not a valid integer");
  CHECK(with<strict>("rate", "\"4.5\"") == "value is not a valid float");
  CHECK(with<strict>("rate", "true") == "value is not a valid float");
  CHECK(with<strict>("owner", "1") == "value could not be parsed to a boolean");
  CHECK(with<strict>("purpose", "45") == "str type expected");
  ts::decoder<loan, strict> decode;
  ts::batch<loan> batch;
  CHECK(decode.records(padded_body(R"({"records":[[],""]})"), batch) == ts::decode_status::invalid);
  CHECK(decode.faults().errors.at(0).what == ts::fault::not_record);
  CHECK(decode.faults().errors.at(1).what == ts::fault::not_record);
}

TEST_CASE("errors of the shape of a body name their place", "[json]") {
  const auto at = [](std::string_view loc, std::string_view rest) {
    return R"({"detail":[{"loc":["body")" + std::string(loc) + R"(],"msg":)" + std::string(rest) + "}]}";
  };
  const std::string missing = R"("field required","type":"value_error.missing")";
  const std::string dict = R"("value is not a valid dict","type":"type_error.dict")";
  const std::string null = R"("none is not an allowed value","type":"type_error.none.not_allowed")";
  CHECK(refused("") == at("", missing));
  CHECK(refused(" null ") == at("", missing));
  CHECK(refused("null", true) == at("", missing));
  CHECK(refused("{}") == at(",\"records\"", missing));
  CHECK(refused("[]") == at(",\"records\"", missing));
  CHECK(refused("5") == at("", dict));
  CHECK(refused(R"([["records",[]]])") == at("", dict));
  CHECK(refused(R"({"records":null})") == at(",\"records\"", null));
  CHECK(refused(R"({"records":{}})") == at(",\"records\"", R"("value is not a valid list","type":"type_error.list")"));
  CHECK(refused(R"({"records":[{}],"records":[]})") ==
        at(",\"records\"",
           R"("ensure this value has at least 1 items","type":"value_error.list.min_items","ctx":{"limit_value":1})"));
  CHECK(refused("{\"records\":[" + one + ",null]}") == at(",\"records\",1", null));
  CHECK(refused("{\"records\":[" + one + ",[[\"a\",1]]]}") == at(",\"records\",1", dict));
  CHECK(refused("{\"records\":[" + one.substr(0, one.size() - 1) + R"(, "\u005f_pydantic_self__": 1}]})") ==
        at(",\"records\",0",
           R"("BaseModel.__init__() got multiple values for argument '__pydantic_self__'","type":"type_error")"));
}

TEST_CASE("of duplicate members the last one counts, however it is written", "[json]") {
  ts::decoder<student, ts::coerce::python> decode;
  ts::batch<student> batch;
  const std::string open = one.substr(0, one.size() - 1);
  REQUIRE(decode.record(padded_body(open + R"(, "days_on_platform": 7})"), batch) == ts::decode_status::decoded);
  CHECK(batch.view().get<"days_on_platform">()[0] == 7);
  REQUIRE(decode.record(padded_body(open + R"(, "\u0064ays_on_platform": 8})"), batch) == ts::decode_status::decoded);
  CHECK(batch.view().get<"days_on_platform">()[0] == 8);
  REQUIRE(decode.record(padded_body("{\"days_on_platform\": \"x\", " + one.substr(1)), batch) ==
          ts::decode_status::decoded);
  CHECK(batch.view().get<"days_on_platform">()[0] == 100);
}

TEST_CASE("of several lists of records the last one counts", "[json]") {
  ts::batch<student> batch;
  ts::decoder<student, ts::coerce::python> decode("records", {.max_records = 2});
  const auto read = [&](const std::string& members) { return decode.records(padded_body("{" + members + "}"), batch); };
  const std::string good = "\"records\":[" + one + "]";
  const std::string bad = R"("records":[{},0])", too_many = R"("records":[0,1,2])";
  for (const std::string& first : {bad, too_many, std::string(R"("records":7)")}) {
    REQUIRE(read(first + "," + good) == ts::decode_status::decoded);
    CHECK(batch.rows() == 1);
    CHECK(decode.faults().errors.empty());
    CHECK(decode.faults().bad_rows.empty());
    CHECK(read(good + "," + first) == ts::decode_status::invalid);
    CHECK(batch.rows() == 0);
    CHECK(read(first + R"(,"__pydantic_self__":1)") == ts::decode_status::invalid);
    REQUIRE(decode.faults().errors.size() == 1);
    CHECK(decode.faults().errors[0].what == ts::fault::reserved_name);
  }
}

TEST_CASE("good records stay where bad ones are between them", "[json]") {
  ts::batch<student> batch;
  ts::decoder<student, ts::coerce::python> decode;
  const padded_body body("{\"records\":[{}," + one + ",0," + one + ",null,{\"days_on_platform\":7}]}");
  CHECK(decode.records(body, batch, {}, true) == ts::decode_status::decoded);
  REQUIRE(batch.rows() == 2);
  CHECK(batch.view().get<"days_on_platform">()[1] == 100);
  CHECK(decode.faults().bad_rows == std::vector<std::uint32_t>{0, 2, 4, 5});
}

TEST_CASE("bodies that cannot be read are told apart", "[json]") {
  CHECK(refused("{\"records\": \"\xC9\"}") == "encoding");
  CHECK(refused("{\"records\": \"\xC0\xAF\"}") == "encoding");
  CHECK(refused("{\"records\": \"\xF4\x90\x80\x80\"}") == "encoding");
  CHECK(refused("{\0"s) == "encoding");
  CHECK(refused("\xFF\xFE{\0}\0"s) == "encoding");
  CHECK(refused("\0\0\0{"s) == "encoding");
  CHECK(refused("{\"records\": \"\xED\xA0\x80\xED\xBF\xBF\"}").find("not a valid list") != std::string::npos);
  CHECK(refused("{\"x\":" + std::string(4301, '1') + "}") == "digits");
  CHECK(refused("{\"x\":" + std::string(4300, '1') + "}").find("field required") != std::string::npos);
  for (const std::size_t depth : {std::size_t{10'000}, std::size_t{1'000'000}}) {
    CHECK(refused(std::string(depth, '[')) == "depth");
    CHECK(refused("{\"records\":" + std::string(depth, '[') + std::string(depth, ']') + "}") == "depth");
  }
  CHECK(refused(std::string(900, '[') + std::string(900, ']')).find("valid dict") != std::string::npos);
}

TEST_CASE("broken JSON is described in Python's words", "[json]") {
  const auto error = [](const std::string& text, const char* message, std::size_t pos, std::size_t line,
                        std::size_t column) {
    ts::decoder<student, ts::coerce::python> decode;
    ts::batch<student> batch;
    INFO(text);
    CHECK(decode.records(padded_body(text), batch) == ts::decode_status::malformed);
    const ts::syntax_error& e = decode.syntax();
    CHECK(e.message == message);
    CHECK(e.position == pos);
    CHECK(e.line == line);
    CHECK(e.column == column);
  };
  error(" ", "Expecting value", 1, 1, 2);
  error("\n\n  {\"a\":\n  x}", "Expecting value", 12, 4, 3);
  error("\xEF\xBB\xBF[1,", "Expecting value", 3, 1, 4);
  error("{\"\xC3\xA9\": \"\xF0\x9F\x98\x80\" 1", "Expecting ',' delimiter", 10, 1, 11);
  error("{\"a\":1,}", "Expecting property name enclosed in double quotes", 7, 1, 8);
  error("{\"a\" 1}", "Expecting ':' delimiter", 5, 1, 6);
  error("\"abc", "Unterminated string starting at", 0, 1, 1);
  error("[\"a\tb\"]", "Invalid control character at", 3, 1, 4);
  error("\"\\x41\"", "Invalid \\escape", 1, 1, 2);
  error("\"\\ud83d\\u12\"", "Invalid \\uXXXX escape", 8, 1, 9);
  error("\"\\u1234", "Invalid \\uXXXX escape", 2, 1, 3);
  error("[1.]", "Expecting ',' delimiter", 2, 1, 3);
  error("007", "Extra data", 1, 1, 2);
  error("{} x", "Extra data", 3, 1, 4);
  error("-", "Expecting value", 0, 1, 1);
  CHECK(refused("[1,\"\xED\xA0\x80\"") ==
        R"-({"detail":[{"loc":["body",6],"msg":"Expecting ',' delimiter: line 1 column 7 (char 6)",)-"
        R"("type":"value_error.jsondecode","ctx":{"msg":"Expecting ',' delimiter","doc":"[1,\"\ud800\"","pos":6,)"
        R"("lineno":1,"colno":7}}]})");
}

TEST_CASE("limits bound the records of a body and the errors that are kept", "[json]") {
  ts::batch<student> batch;
  ts::decoder<student, ts::coerce::python> few("records", {.max_records = 2});
  CHECK(few.records(padded_body("{\"records\":[" + one + "," + one + "]}"), batch) == ts::decode_status::decoded);
  CHECK(few.records(padded_body("{\"records\":[" + one + "," + one + "," + one + "]}"), batch) ==
        ts::decode_status::invalid);
  REQUIRE(few.faults().errors.size() == 1);
  CHECK(few.faults().errors[0] ==
        ts::field_error{ts::field_error::all_rows, ts::field_error::no_field, ts::fault::max_items, 2});
  ts::decoder<student, ts::coerce::python> terse("records", {.max_errors = 3});
  CHECK(terse.records(padded_body("{\"records\":[{},{}]}"), batch) == ts::decode_status::invalid);
  CHECK(terse.faults().errors.size() == 3);
  CHECK(terse.faults().unlisted == 11);
  // Of further records without all fields: counted, and what is not finite told in the order of the fields.
  CHECK(terse.records(padded_body(R"({"records":[{},{"minutes_spent_on_exams":1e999,"minutes_watched":1e999}]})"),
                      batch) == ts::decode_status::invalid);
  CHECK(terse.faults().unlisted == 4 + 5);
  REQUIRE(terse.faults().not_finite.size() == 2);
  CHECK(terse.faults().not_finite[0].field == 2);
  CHECK(terse.faults().not_finite[1].field == 6);
}

TEST_CASE("long texts are decoded and quoted whole", "[json]") {
  const std::string filler(10'000'000, 'y');
  CHECK(refused(one.substr(0, one.size() - 1) + ", \"x\": \"" + filler + "\"}", true) == "decoded");
  const std::string broken = refused("[\"" + filler, true);
  CHECK(broken.size() > filler.size());
  CHECK(broken.ends_with(R"(,"pos":1,"lineno":1,"colno":2}}]})"));
}

TEST_CASE("the member that holds the records has the name it is given", "[json]") {
  ts::decoder<student, ts::coerce::python> decode("rows");
  ts::batch<student> batch;
  CHECK(decode.records(padded_body("{\"rows\": [" + one + "]}"), batch) == ts::decode_status::decoded);
  CHECK(decode.records(padded_body("{\"records\": [" + one + "]}"), batch) == ts::decode_status::invalid);
  CHECK(ts::to_json<ts::dialect::pydantic1>(decode.faults().errors, student::names, decode.records_member()) ==
        R"({"detail":[{"loc":["body","rows"],"msg":"field required","type":"value_error.missing"}]})");
}

TEST_CASE("a decoder tells of the records that it has, and starts over where it must", "[json]") {
  const auto item = [](std::size_t i) { return "{\"name\":\"n\",\"count\":" + std::to_string(i) + "}"; };
  using thing = ts::schema<ts::text<"name">, ts::integer<"count">>;
  ts::decoder<thing, ts::coerce::python> decoder;
  ts::batch<thing> records;
  std::vector<std::size_t> told;
  bool right = true;
  auto progress = [&](const ts::columns<thing>& so_far) {
    for (std::size_t i = 0; i < so_far.rows(); ++i) {
      right = right && so_far.get<"count">()[i] == static_cast<std::int64_t>(i) && so_far.get<"name">()[i] == "n";
    }
    told.push_back(so_far.rows());
  };
  const auto decode = [&](const std::string& last) {
    std::string text = "{\"records\":[";
    for (std::size_t i = 0; i < 2000; ++i) text += item(i) + ",";
    told.clear();
    return decoder.records(simdjson::padded_string(text + last + "]}"), records, progress);
  };
  REQUIRE(decode(item(2000)) == ts::decode_status::decoded);
  CHECK(records.rows() == 2001);
  REQUIRE(told.size() >= 4);
  CHECK(std::is_sorted(told.begin(), told.end()));

  REQUIRE(decode(R"({"name":"n","count":"2000"})") == ts::decode_status::decoded);  // a text, taken for an integer
  CHECK(records.rows() == 2001);
  REQUIRE(!told.empty());
  CHECK(told.back() == 0);

  REQUIRE(decode(R"({"name":"n","count":"x"})") == ts::decode_status::invalid);
  CHECK(told.back() == 0);
  CHECK(decoder.faults().errors.size() == 1);
  CHECK(right);
}
