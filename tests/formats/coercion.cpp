// SPDX-License-Identifier: MIT
// The same values by every way in: each coercion policy has one rule for all of them.
#include <simdjson.h>
#include <tabscore/columnar/arrow_reader.hpp>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/formats/csv.hpp>
#include <tabscore/formats/native.hpp>
#include <tabscore/formats/ndjson.hpp>
#include <tabscore/formats/row_binary.hpp>
#include <tabscore/json/decode.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/arrow_builder.hpp"
#include "support/catch.hpp"
#include "support/padded_block.hpp"

namespace ts = tabscore;

namespace {
using count = ts::schema<ts::integer<"v">>;
using flag = ts::schema<ts::boolean<"v">>;

// What a value becomes, or nothing where its record is refused.
using became = std::optional<std::int64_t>;

template <class Schema>
became of(const ts::columns<Schema>& good) {
  if (good.rows() == 0) return std::nullopt;
  REQUIRE(good.rows() == 1);
  return static_cast<std::int64_t>(good.template get<0>()[0]);
}
template <class Schema>
became decode(ts::record_format<Schema>& format, const std::string& bytes) {
  const auto head = format.begin(bytes, true);
  REQUIRE(head);
  const padded_block block(bytes.substr(*head));
  ts::block_records<Schema> records;
  REQUIRE(!format.decoder()->decode(block, false, records, {}));
  REQUIRE(records.good.rows() + records.rejected.size() == 1);
  return of(records.good.view());
}

template <class Schema, class Policy>
became by_json(std::string_view text) {
  const simdjson::padded_string body(R"({"v":)" + std::string(text) + "}");
  ts::decoder<Schema, Policy> decoder;
  ts::batch<Schema> records;
  if (decoder.record(body, records) != ts::decode_status::decoded) return std::nullopt;
  return of(records.view());
}
template <class Schema, class Policy>
became by_ndjson(std::string_view text) {
  ts::ndjson_format<Schema, Policy> format;
  return decode<Schema>(format, R"({"v":)" + std::string(text) + "}\n");
}
template <class Schema, class Policy>
became by_csv(std::string_view text) {
  ts::csv_format<Schema, Policy> format;
  return decode<Schema>(format, "v\n" + std::string(text) + "\n");
}
template <class Schema, class Policy, class Number>
became by_native(const char* type, Number value) {
  ts::native_format<Schema, Policy> format;
  ts::text_buffer out;
  ts::detail::append_length(out, 1);
  ts::detail::append_length(out, 1);
  ts::detail::append_text(out, "v");
  ts::detail::append_text(out, type);
  ts::detail::append_bytes(out, value);
  return decode<Schema>(format, std::string(out.view()));
}
template <class Schema, class Policy, class Number>
became by_row_binary(const char* type, Number value) {
  ts::row_binary_format<Schema, Policy> format(ts::row_binary_header::names_and_types);
  ts::text_buffer out;
  ts::detail::append_length(out, 1);
  ts::detail::append_text(out, "v");
  ts::detail::append_text(out, type);
  ts::detail::append_bytes(out, value);
  return decode<Schema>(format, std::string(out.view()));
}
template <class Schema, class Policy, class Number>
became by_arrow(const char* type, Number value) {
  const auto columns = arrow_builder::records({arrow_builder::numbers("v", type, std::vector<Number>{value})});
  const ts::arrow_schema schema = arrow_builder::schema(columns);
  const ts::arrow_array batch = arrow_builder::array(columns);
  const auto reader = ts::arrow_reader<Schema>::make(*schema);
  REQUIRE(reader);
  ts::column_importer<Schema> lent(Policy::numbers);
  REQUIRE(!reader->read(*batch, 0, 1, lent));
  return lent.check().empty() ? of(lent.view()) : std::nullopt;
}

template <class Policy>
void check_number(const char* text, double value, became expected) {
  INFO(text);
  CHECK(by_json<count, Policy>(text) == expected);
  CHECK(by_ndjson<count, Policy>(text) == expected);
  CHECK(by_csv<count, Policy>(text) == expected);
  CHECK(by_native<count, Policy>("Float64", value) == expected);
  CHECK(by_row_binary<count, Policy>("Float64", value) == expected);
  CHECK(by_arrow<count, Policy>("g", value) == expected);
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) != value) return;
  CHECK(by_native<count, Policy>("Float32", single) == expected);
  CHECK(by_row_binary<count, Policy>("Float32", single) == expected);
  CHECK(by_arrow<count, Policy>("f", single) == expected);
}
template <class Policy>
void check_integer(const char* text, std::int64_t value) {
  CHECK(by_json<count, Policy>(text) == value);
  CHECK(by_ndjson<count, Policy>(text) == value);
  CHECK(by_csv<count, Policy>(text) == value);
  CHECK(by_native<count, Policy>("Int64", value) == value);
  CHECK(by_row_binary<count, Policy>("Int64", value) == value);
  CHECK(by_arrow<count, Policy>("l", value) == value);
}
template <class Policy>
void check_flag(const char* text, std::uint8_t value, became expected) {
  INFO(text);
  CHECK(by_json<flag, Policy>(text) == expected);
  CHECK(by_ndjson<flag, Policy>(text) == expected);
  CHECK(by_csv<flag, Policy>(text) == expected);
  CHECK(by_native<flag, Policy>("UInt8", value) == expected);
  CHECK(by_row_binary<flag, Policy>("UInt8", value) == expected);
  CHECK(by_arrow<flag, Policy>("C", value) == expected);
}
}  // namespace

TEST_CASE("a number with a fraction is the same integer by every way in, or refused by every one", "[formats]") {
  struct number {
    const char* text;
    double value;
    became cut;
  };
  for (const auto& [text, value, cut] :
       {number{"45.9", 45.9, 45}, number{"-45.9", -45.9, -45}, number{"-0.5", -0.5, 0}, number{"45.0", 45.0, 45},
        number{"2.5e3", 2500.0, 2500}, number{"1e19", 1e19, std::nullopt}, number{"-1e300", -1e300, std::nullopt}}) {
    check_number<ts::coerce::python>(text, value, cut);
    check_number<ts::coerce::strict>(text, value, std::nullopt);
  }
}

TEST_CASE("integers are integers by every way in and policy", "[formats]") {
  for (const std::int64_t v : {std::int64_t{0}, std::int64_t{45}, std::int64_t{-7}, INT64_MAX, INT64_MIN}) {
    check_integer<ts::coerce::python>(std::to_string(v).c_str(), v);
    check_integer<ts::coerce::strict>(std::to_string(v).c_str(), v);
  }
}

TEST_CASE("the numbers 0 and 1 are booleans for all inputs, or for no input", "[formats]") {
  for (const std::uint8_t v : std::initializer_list<std::uint8_t>{0, 1, 2}) {
    check_flag<ts::coerce::python>(std::to_string(v).c_str(), v, v < 2 ? became(v) : std::nullopt);
    check_flag<ts::coerce::strict>(std::to_string(v).c_str(), v, std::nullopt);
  }
}
