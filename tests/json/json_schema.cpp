// SPDX-License-Identifier: MIT
#include <tabscore/compat/tensor_decoder.hpp>
#include <tabscore/json/json_schema.hpp>
#include <tabscore/schema/batch.hpp>

#include <optional>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
using loan = ts::schema<ts::text<"country", ts::min_length{2}, ts::max_length{3}>, ts::integer<"age", ts::gt{17}>,
                        ts::optional<ts::real<"in\"come", ts::ge{0.5}, ts::lt{2e22}>>, ts::boolean<"owner">,
                        ts::optional<ts::text<"note">>, ts::optional<ts::integer<"score", ts::le{9}>>>;
}  // namespace

TEST_CASE("a schema says its fields, bounds and example as JSON Schema", "[json]") {
  CHECK(ts::json_schema<ts::schema<ts::real<"x">>>() ==
        R"({"type":"object","properties":{"x":{"type":"number","format":"double"}},"required":["x"]})");
  CHECK(ts::json_schema<ts::schema<ts::optional<ts::real<"x">>>>().ends_with(R"("required":[]})"));
  ts::batch<loan> example;
  example.push_back("US", 45, std::nullopt, true, "é", 7);
  CHECK(ts::json_schema<loan>({.description = "a \"loan\"", .example = example.view(), .more_members = R"("x":1)"}) ==
        R"({"type":"object","description":"a \"loan\"","properties":{)"
        R"("country":{"type":"string","minLength":2,"maxLength":3,"examples":["US"]},)"
        R"("age":{"type":"integer","format":"int64","exclusiveMinimum":17,"examples":[45]},)"
        R"("in\"come":{"type":["number","null"],"format":"double","minimum":0.5,"exclusiveMaximum":2e+22,)"
        R"("examples":[null]},"owner":{"type":"boolean","examples":[true]},)"
        R"("note":{"type":["string","null"],"examples":["é"]},)"
        R"("score":{"type":["integer","null"],"format":"int64","maximum":9,"examples":[7]}},)"
        R"("required":["country","age","owner"],)"
        R"("examples":[{"country":"US","age":45,"in\"come":null,"owner":true,"note":"é","score":7}],"x":1})");
}

TEST_CASE("records that are written as tensors are read as they were", "[json]") {
  ts::batch<loan> records;
  records.push_back("US", 45, 0.7, true, "a\nb", std::nullopt);
  records.push_back("DE", INT64_MAX, std::nullopt, false, std::nullopt, -3);
  ts::text_buffer out;
  out.append(R"({"inputs":[)");
  ts::append_tensors(out, records.view());
  out.append("]}");
  ts::tensor_decoder<loan> decode;
  ts::batch<loan> read;
  const auto status = decode.read(out.view(), read);
  INFO(decode.problem());
  REQUIRE(status == ts::tensor_status::decoded);
  REQUIRE(read.rows() == 2);
  for (std::size_t row = 0; row < 2; ++row) {
    ts::text_buffer before, after;
    ts::append_record(before, records.view(), row);
    ts::append_record(after, read.view(), row);
    CHECK(before.view() == after.view());
  }
  out.clear();
  ts::append_tensors(out, ts::columns<ts::schema<ts::real<"x">>>());
  CHECK(out.view() == R"({"name":"x","datatype":"FP64","shape":[0],"data":[]})");
}
