// SPDX-License-Identifier: MIT
#include <tabscore/compat/inference_errors.hpp>
#include <tabscore/compat/problem_details.hpp>
#include <tabscore/compat/pydantic1.hpp>
#include <tabscore/compat/pydantic2.hpp>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/json/decode.hpp>
#include <tabscore/json/write.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "support/body.hpp"
#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_literals;
using ts::dialect::problem_details;
using ts::dialect::pydantic2;

namespace {

using loan = ts::schema<ts::text<"country", ts::min_length{2}, ts::max_length{3}>, ts::integer<"age", ts::gt{17}>,
                        ts::real<"income", ts::ge{0}, ts::lt{2.5e6}>, ts::boolean<"owner">>;

const std::string good = R"("country":"US","age":20,"income":1,"owner":true)";

/// The only item of the answer, without the brackets.
template <class Dialect, class Policy = ts::coerce::python>
std::string item(std::string_view body, std::size_t max_records = 100) {
  const padded_body padded(body);
  ts::batch<loan> to;
  ts::decoder<loan, Policy> decode("records", {.max_records = max_records});
  REQUIRE(decode.records(padded, to) == ts::decode_status::invalid);
  const std::string all = ts::to_json<Dialect>(decode.faults().errors, ts::context_of<loan>(std::string_view(padded)));
  const std::size_t list = all.find('[');
  REQUIRE(all.ends_with("]}"));
  return all.substr(list + 1, all.size() - list - 3);
}

/// A body with one record that has this member besides good ones.
std::string with(std::string_view member) { return "{\"records\":[{" + good + "," + std::string(member) + "}]}"; }

std::string expected2(std::string_view type, std::string_view field, std::string_view msg, std::string_view input,
                      std::string_view ctx = {}) {
  std::string text = "{\"type\":\"" + std::string(type) + R"(","loc":["body","records",0)";
  if (!field.empty()) text.append(",\"").append(field).append("\"");
  text.append("],\"msg\":\"").append(msg).append("\",\"input\":").append(input);
  if (!ctx.empty()) text.append(",\"ctx\":{").append(ctx).append("}");
  return text.append(",\"url\":\"https://errors.pydantic.dev/2.11/v/").append(type).append("\"}");
}

}  // namespace

TEST_CASE("pydantic 2 words an error by the type of the value", "[json]") {
  CHECK(item<pydantic2>(with(R"("age":"x")")) ==
        expected2("int_parsing", "age", "Input should be a valid integer, unable to parse string as an integer",
                  R"("x")"));
  CHECK(item<pydantic2>(with(R"("age":[ 1, {"a" : "b c"} ])")) ==
        expected2("int_type", "age", "Input should be a valid integer", R"([1,{"a":"b c"}])"));
  CHECK(item<pydantic2>(with(R"("age":null)")) ==
        expected2("int_type", "age", "Input should be a valid integer", "null"));
  CHECK(item<pydantic2>(with(R"("age":NaN)")) ==
        expected2("finite_number", "age", "Input should be a finite number", "null"));
  CHECK(item<pydantic2, ts::coerce::strict>(with(R"("age":45.5)")) ==
        expected2("int_from_float", "age", "Input should be a valid integer, got a number with a fractional part",
                  "45.5"));
  CHECK(item<pydantic2>(with(R"("age":99999999999999999999)")) ==
        expected2("int_parsing_size", "age", "Unable to parse input string as an integer, exceeded maximum size",
                  "99999999999999999999"));
  CHECK(item<pydantic2>(with(R"("income":"1,5")")) ==
        expected2("float_parsing", "income", "Input should be a valid number, unable to parse string as a number",
                  R"("1,5")"));
  CHECK(item<pydantic2>(with(R"("income":{})")) ==
        expected2("float_type", "income", "Input should be a valid number", "{}"));
  CHECK(item<pydantic2>(with(R"("income":null)")) ==
        expected2("float_type", "income", "Input should be a valid number", "null"));
  CHECK(item<pydantic2>(with(R"("country":[])")) ==
        expected2("string_type", "country", "Input should be a valid string", "[]"));
  CHECK(item<pydantic2>(with(R"("country":null)")) ==
        expected2("string_type", "country", "Input should be a valid string", "null"));
  const auto boolean = "Input should be a valid boolean"s;
  CHECK(item<pydantic2>(with(R"("owner":2)")) ==
        expected2("bool_parsing", "owner", boolean + ", unable to interpret input", "2"));
  CHECK(item<pydantic2>(with(R"("owner":"maybe")")) ==
        expected2("bool_parsing", "owner", boolean + ", unable to interpret input", R"("maybe")"));
  CHECK(item<pydantic2>(with(R"("owner":0.5)")) == expected2("bool_type", "owner", boolean, "0.5"));
  CHECK(item<pydantic2>(with(R"("owner":null)")) == expected2("bool_type", "owner", boolean, "null"));
}

TEST_CASE("pydantic 2 repeats limits: floats of real fields, plurals of lengths", "[json]") {
  CHECK(item<pydantic2>(with(R"("income":-0.5)")) ==
        expected2("greater_than_equal", "income", "Input should be greater than or equal to 0", "-0.5", R"("ge":0.0)"));
  CHECK(item<pydantic2>(with(R"("income":3e6)")) ==
        expected2("less_than", "income", "Input should be less than 2500000", "3e6", R"("lt":2500000.0)"));
  CHECK(item<pydantic2>(with(R"("age":17)")) ==
        expected2("greater_than", "age", "Input should be greater than 17", "17", R"("gt":17)"));
  CHECK(item<pydantic2>(with(R"("country":"\u00e9")")) == expected2("string_too_short", "country",
                                                                    "String should have at least 2 characters",
                                                                    "\"\u00e9\"", R"("min_length":2)"));
  CHECK(item<pydantic2>(with(R"("country":"long")")) == expected2("string_too_long", "country",
                                                                  "String should have at most 3 characters",
                                                                  R"("long")", R"("max_length":3)"));
  const auto message_of = [](ts::limit l) {
    const ts::field_error e{0, 2, ts::fault::le, l};
    const std::string all = ts::to_json<pydantic2>(std::span(&e, 1), ts::context_of<loan>());
    CHECK(all.find("input") == std::string::npos);
    const std::size_t at = all.find("equal to ") + 9;
    return all.substr(at, all.find('"', at) - at);
  };
  CHECK(message_of(0.5) == "0.5");
  CHECK(message_of(-12.75) == "-12.75");
  CHECK(message_of(0.00012) == "0.00012");
  CHECK(message_of(-1.25e-7) == "-0.000000125");
  CHECK(message_of(-3e16) == "-30000000000000000");
  CHECK(message_of(12345678901234567e3) == "12345678901234567000");
  CHECK(message_of(1e22) == "10000000000000000000000");
  CHECK(message_of(-0.0) == "-0");
  const ts::field_error one{0, 0, ts::fault::min_length, 1};
  CHECK(ts::to_json<pydantic2>(std::span(&one, 1), ts::context_of<loan>()).find("at least 1 character\"") !=
        std::string::npos);
}

TEST_CASE("pydantic 2 shows the object that misses a field, and bodies without records", "[json]") {
  CHECK(item<pydantic2>(R"({"records":[ {"country":"US", "age":20,"income":1 } ]})") ==
        expected2("missing", "owner", "Field required", R"({"country":"US","age":20,"income":1})"));
  CHECK(item<pydantic2>(R"({"records":[7]})") ==
        expected2("model_attributes_type", "", "Input should be a valid dictionary or object to extract fields from",
                  "7"));
  CHECK(item<pydantic2>(R"({"records":[null]})") ==
        expected2("model_attributes_type", "", "Input should be a valid dictionary or object to extract fields from",
                  "null"));
  const auto url = [](std::string_view type) {
    return ",\"url\":\"https://errors.pydantic.dev/2.11/v/" + std::string(type) + "\"}";
  };
  CHECK(item<pydantic2>(R"({"a":1})") ==
        R"({"type":"missing","loc":["body","records"],"msg":"Field required","input":{"a":1})" + url("missing"));
  CHECK(item<pydantic2>(R"({"records":7})") ==
        R"({"type":"list_type","loc":["body","records"],"msg":"Input should be a valid list","input":7)" +
            url("list_type"));
  CHECK(item<pydantic2>(R"({"records":null})") ==
        R"({"type":"list_type","loc":["body","records"],"msg":"Input should be a valid list","input":null)" +
            url("list_type"));
  CHECK(
      item<pydantic2>(R"({"records":[]})") ==
      R"({"type":"too_short","loc":["body","records"],"msg":"List should have at least 1 item after validation, not 0",)"
      R"("input":[],"ctx":{"field_type":"List","min_length":1,"actual_length":0})" +
          url("too_short"));
  CHECK(
      item<pydantic2>(R"({"records":[1,2,3]})", 2) ==
      R"({"type":"too_long","loc":["body","records"],"msg":"List should have at most 2 items after validation, not 3",)"
      R"("input":[1,2,3],"ctx":{"field_type":"List","max_length":2,"actual_length":3})" +
          url("too_long"));
  CHECK(item<pydantic2>("") ==
        R"({"type":"missing","loc":["body"],"msg":"Field required","input":null)" + url("missing"));
  CHECK(item<pydantic2>("null") ==
        R"({"type":"missing","loc":["body"],"msg":"Field required","input":null)" + url("missing"));
}

TEST_CASE("the input is the last member of the name, as Python reads it, unless it is long", "[json]") {
  CHECK(item<pydantic2>(with(R"("age":"x","\u0061ge":"last\u00e9\ud800 \/")")) ==
        expected2("int_parsing", "age", "Input should be a valid integer, unable to parse string as an integer",
                  "\"last\u00e9\\ud800 /\""));
  CHECK(item<pydantic2>("\xEF\xBB\xBF \n" + with(R"("age":[])")) == item<pydantic2>(with(R"("age":[])")));
  const std::string raw_surrogate = with("\"age\":\"\xED\xA0\x80\"");
  CHECK(item<pydantic2>(raw_surrogate).find(R"("input":"\ud800")") != std::string::npos);
  CHECK(item<pydantic2>(R"({"records":[7],"\u0072ecords":[null]})") == item<pydantic2>(R"({"records":[null]})"));
  CHECK(item<pydantic2>(R"({"records":[7],"records":[8],"records":[null]})") ==
        item<pydantic2>(R"({"records":[null]})"));
  CHECK(item<pydantic2>(R"({"records":[null],"a":"records"})") == item<pydantic2>(R"({"records":[null]})"));
  const std::string long_text(pydantic2::longest_input, 'x');
  CHECK(item<pydantic2>(with("\"age\":\"" + long_text + "\"")).find("input\"") == std::string::npos);
}

TEST_CASE("pydantic 2 finds the value of each error, in whatever order they come", "[json]") {
  const padded_body body(
      R"({"records":[0],"records":[{"age":"a","income":"b","age":"c"},7,{"owner":"d","country":5.5}]})");
  const auto inputs = [&](std::vector<ts::field_error> errors) {
    const std::string all = ts::to_json<pydantic2>(errors, ts::context_of<loan>(std::string_view(body)));
    std::string found;
    for (std::size_t at = 0; (at = all.find("\"input\":", at)) != std::string::npos;) {
      at += 8;
      found += all.substr(at, all.find(R"(,"url")", at) - at) + " ";
    }
    return found;
  };
  using ts::fault;
  CHECK(inputs({{0, 1, fault::not_integer, {}},
                {0, 2, fault::not_real, {}},
                {1, 0xFFFF, fault::not_record, {}},
                {2, 3, fault::not_boolean, {}}}) == R"("c" "b" 7 "d" )");
  CHECK(inputs({{2, 3, fault::not_boolean, {}},
                {0, 2, fault::not_real, {}},
                {1, 0xFFFF, fault::not_record, {}},
                {1, 0xFFFF, fault::not_record, {}},
                {9, 1, fault::not_integer, {}},
                {0, 1, fault::not_integer, {}},
                {0, 3, fault::missing, {}}}) == R"("d" "b" 7 7 "c" {"age":"a","income":"b","age":"c"} )");
}

TEST_CASE("every fault has words in every dialect, with a document that does not fit too", "[json]") {
  for (int f = 0; f < static_cast<int>(ts::fault_count); ++f) {
    const auto what = static_cast<ts::fault>(f);
    CHECK_FALSE(pydantic2::words(what, {}).type.empty());
    CHECK_FALSE(pydantic2::words(what, {}).message.empty());
    CHECK_FALSE(problem_details::words(what).code.empty());
    CHECK_FALSE(problem_details::words(what).message.empty());
    for (const char* document : {"", "{}", "[]", "7", R"({"records":[]})", R"({"records":[[]]})", R"({"records":7})"}) {
      for (const auto row : {std::uint32_t{9}, ts::field_error::no_row, ts::field_error::all_rows}) {
        const ts::field_error e{row, 1, what, 1};
        CHECK(ts::to_json<pydantic2>(std::span(&e, 1), ts::context_of<loan>(document)).ends_with("\"}]}"));
      }
    }
  }
  CHECK(ts::to_json<pydantic2>(std::span<const ts::field_error>{}, ts::context_of<loan>()) == R"({"detail":[]})");
}

TEST_CASE("by default an error has a code, a JSON pointer and a sentence", "[json]") {
  using ts::dialect::neutral;
  CHECK(item<neutral>(with(R"("age":17)")) ==
        R"({"code":"gt","path":"/records/0/age","message":"must be greater than 17","limit":17})");
  CHECK(item<neutral, ts::coerce::strict>(with(R"("age":"18")")) ==
        R"({"code":"not_integer","path":"/records/0/age","message":"must be an integer"})");
  CHECK(item<neutral>(R"({"records":[]})") ==
        R"({"code":"min_items","path":"/records","message":"must have at least 1 record","limit":1})");
  CHECK(item<neutral>("") == R"({"code":"missing","path":"","message":"is required"})");

  const ts::syntax_error syntax{"Expecting value", 7, 2, 3, "a"};
  CHECK(ts::to_json(syntax) == R"-({"errors":[{"code":"malformed","path":"",)-"
                               R"-("message":"Expecting value: line 2 column 3 (char 7)",)-"
                               R"-("position":7,"line":2,"column":3}]})-");
  using odd = ts::schema<ts::integer<"a/b~c d\"%é">>;
  const ts::field_error e{ts::field_error::no_row, 0, ts::fault::missing, {}};
  auto context = ts::context_of<odd>();
  CHECK(ts::to_json(std::span(&e, 1), context) ==
        R"({"errors":[{"code":"missing","path":"/a~1b~0c d\"%é","message":"is required"}]})");
  context.place = "query";
  context.unlisted = 3;
  CHECK(ts::to_json(std::span(&e, 1), context) ==
        R"({"errors":[{"code":"missing","parameter":"a/b~c d\"%é","message":"is required"}],"errors_not_listed":3})");
  ts::text_buffer out;
  neutral::append_broken_rule(out, "a > \"b\"", 12, {});
  CHECK(out.view() == R"({"errors":[{"code":"rule","path":"/records/12","message":"a > \"b\""}]})");
  out.clear();
  ts::append_detail(out, "Model is not loaded.");
  CHECK(out.view() == R"({"errors":[{"message":"Model is not loaded."}]})");
}

TEST_CASE("a problem names each value with a JSON pointer", "[json]") {
  CHECK(item<problem_details>(with(R"("age":17)")) ==
        R"({"pointer":"#/records/0/age","detail":"must be greater than 17","code":"gt","limit":17})");
  CHECK(item<problem_details>(R"({"records":[]})") ==
        R"({"pointer":"#/records","detail":"must have at least 1 record","code":"min_items","limit":1})");
  CHECK(item<problem_details>("") == R"({"pointer":"#","detail":"is required","code":"missing"})");

  using odd = ts::schema<ts::integer<"a/b~c d\"%é">>;
  const ts::field_error e{ts::field_error::no_row, 0, ts::fault::missing, {}};
  auto context = ts::context_of<odd>();
  CHECK(ts::to_json<problem_details>(std::span(&e, 1), context) ==
        R"({"type":"about:blank","title":"Values break the schema","status":422,"detail":"One value is not as the )"
        R"(schema says.","errors":[{"pointer":"#/a~1b~0c%20d%22%25%C3%A9","detail":"is required","code":"missing"}]})");
  context.type_prefix = "https://example.com/problems#";
  context.instance = "/predict";
  CHECK(ts::to_json<problem_details>(std::span<const ts::field_error>{}, context) ==
        R"({"type":"https://example.com/problems#invalid-values","title":"Values break the schema","status":422,)"
        R"("detail":"0 values are not as the schema says.","instance":"/predict","errors":[]})");
}

TEST_CASE("errors without room are only counted, in every dialect", "[json]") {
  const std::vector<ts::field_error> errors(5, {0, 1, ts::fault::missing, {}});
  auto context = ts::context_of<loan>();
  context.unlisted = 7;
  CHECK(ts::to_json<problem_details>(errors, context).find("12 values are") != std::string::npos);
  CHECK(ts::to_json<problem_details>(errors, context).ends_with("],\"errors_not_listed\":7}"));
  context.most_bytes = 300;
  for (const std::string& all :
       {ts::to_json<ts::dialect::pydantic1>(errors, context), ts::to_json<pydantic2>(errors, context),
        ts::to_json<problem_details>(errors, context)}) {
    INFO(all);
    const std::size_t end = all.find("}],\"errors_not_listed\":");
    REQUIRE(end != std::string::npos);
    CHECK(end < 300 + 160);
    CHECK(std::stoi(all.substr(end + 23)) > 7);
  }
  context.place = "query";
  CHECK(ts::to_json<ts::dialect::pydantic1>(std::span(errors).first(1), context)
            .starts_with(R"({"detail":[{"loc":["query",)"));
  const ts::field_error e{.field = 1, .what = ts::fault::not_integer, .bound = {}};
  context.unlisted = 0;
  CHECK(ts::to_json<problem_details>(std::span(&e, 1), context).find(R"("errors":[{"parameter":"age","detail")") !=
        std::string::npos);
  const std::string document(1000, 'x');
  context.most_bytes = 64;
  CHECK(ts::to_json<ts::dialect::pydantic1>(ts::syntax_error{"Expecting value", 0, 1, 1, document}, context).size() <
        300);
}

TEST_CASE("syntax errors, rules and sentences in each dialect", "[json]") {
  const ts::syntax_error syntax{"Expecting value", 7, 2, 3, "a \"b\""};
  CHECK(ts::to_json<pydantic2>(syntax) ==
        R"-({"detail":[{"type":"json_invalid","loc":["body",7],"msg":"JSON decode error","input":{},)-"
        R"-("ctx":{"error":"Expecting value"}}]})-");
  ts::error_context context{.status = 422, .type_prefix = "/problems#"};
  CHECK(ts::to_json<problem_details>(syntax, context) ==
        R"-({"type":"/problems#invalid-json","title":"The body is not JSON","status":422,)-"
        R"-("detail":"Expecting value: line 2 column 3 (char 7)","position":7,"line":2,"column":3})-");

  ts::text_buffer out;
  problem_details::append_broken_rule(out, "a > \"b\"", 12, context);
  CHECK(out.view() ==
        R"-({"type":"/problems#broken-rule","title":"A rule is broken","status":422,"detail":"a > \"b\"",)-"
        R"-("errors":[{"pointer":"#/records/12","detail":"a > \"b\"","code":"rule"}]})-");
  out.clear();
  pydantic2::append_broken_rule(out, "no", 12, context);
  CHECK(out.view() ==
        R"-({"detail":[{"type":"value_error","loc":["body","records",12],"msg":"Value error, no","ctx":{"error":{}},)-"
        R"-("url":"https://errors.pydantic.dev/2.11/v/value_error"}]})-");
  out.clear();
  context.document = R"({"records": [0, {"a": "b"}]})";
  pydantic2::append_broken_rule(out, "no", 1, context);
  CHECK(out.view() ==
        R"-({"detail":[{"type":"value_error","loc":["body","records",1],"msg":"Value error, no","input":{"a":"b"},)-"
        R"-("ctx":{"error":{}},"url":"https://errors.pydantic.dev/2.11/v/value_error"}]})-");
  out.clear();
  context.document = R"({"a": 1})";
  pydantic2::append_broken_rule(out, "no", ts::field_error::no_row, context);
  CHECK(out.view() == R"-({"detail":[{"type":"value_error","loc":["body"],"msg":"Value error, no","input":{"a":1},)-"
                      R"-("ctx":{"error":{}},"url":"https://errors.pydantic.dev/2.11/v/value_error"}]})-");
  context.document = {};
  out.clear();
  ts::dialect::inference::append_broken_rule(out, "no", 12, context);
  CHECK(out.view() == R"-({"error":"records[12]: no"})-");
  out.clear();
  context.status = 503;
  ts::append_detail<problem_details>(out, "Model is not loaded.", context);
  CHECK(out.view() ==
        R"-({"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Model is not loaded."})-");
  out.clear();
  context.status = 299;
  ts::append_detail<problem_details>(out, "?", context);
  CHECK(out.view() == R"-({"type":"about:blank","status":299,"detail":"?"})-");
}
