// SPDX-License-Identifier: MIT
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/formats/native.hpp>
#include <tabscore/formats/row_binary.hpp>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

using loan = ts::schema<ts::text<"purpose", ts::min_length{1}>, ts::integer<"months", ts::gt{0}>, ts::real<"amount">,
                        ts::optional<ts::text<"sector">>>;

void columns(ts::text_buffer& out, std::uint64_t rows, std::uint64_t count) {
  ts::detail::append_length(out, count);
  ts::detail::append_length(out, rows);
}
void column(ts::text_buffer& out, const char* name, const char* type) {
  ts::detail::append_text(out, name);
  ts::detail::append_text(out, type);
}

/// A block of three records (the second has no purpose) and a column that nobody asked for.
std::string native_block() {
  ts::text_buffer out;
  columns(out, 3, 5);
  column(out, "sector", "LowCardinality(Nullable(String))");
  for (const std::uint64_t v : {1U, 0x600U, 3U}) ts::detail::append_bytes(out, v);
  for (const char* key : {"", "public", "trade"}) ts::detail::append_text(out, key);
  ts::detail::append_bytes(out, std::uint64_t{3});
  out.append({"\2\0\1", 3});
  column(out, "day", "Date");
  out.append("aabbcc");
  column(out, "purpose", "Nullable(String)");
  out.append({"\0\1\0", 3});
  for (const std::string& v : {std::string("car"), std::string(), std::string(200, 'x')}) {
    ts::detail::append_text(out, v);
  }
  column(out, "months", "Int16");
  for (const std::int16_t v : std::initializer_list<std::int16_t>{12, 24, 36}) ts::detail::append_bytes(out, v);
  column(out, "amount", "Float32");
  for (const float v : {1.5F, 2.5F, 3.5F}) ts::detail::append_bytes(out, v);
  return std::string(out.view());
}

void check_records(const ts::block_records<loan>& records, std::size_t blocks) {
  REQUIRE(records.good.rows() == 2 * blocks);
  REQUIRE(records.rejected.size() == blocks);
  const auto view = records.good.view();
  for (std::size_t b = 0; b < blocks; ++b) {
    CHECK(view.get<"purpose">()[2 * b] == "car");
    CHECK(view.get<"purpose">()[2 * b + 1] == std::string(200, 'x'));
    CHECK(view.get<"months">()[2 * b + 1] == 36);
    CHECK(view.get<"amount">()[2 * b] == 1.5);
    CHECK(view.get<"sector">()[2 * b] == "trade");
    CHECK(view.get<"sector">()[2 * b + 1] == "public");
    CHECK(records.rejected[b].position == 3 * b + 1);
    CHECK(records.rejected[b].message == "purpose: must not be null");
  }
}

/// In memory of exactly its size, so that a byte too far is seen.
std::optional<ts::error> decode(ts::block_decoder<loan>& decoder, const std::string& bytes,
                                ts::block_records<loan>& to) {
  static std::unique_ptr<char[]> exact;
  exact.reset(new char[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return decoder.decode({exact.get(), bytes.size()}, false, to, {});
}

}  // namespace

TEST_CASE("Native blocks are found and decoded wherever the bytes are cut", "[formats]") {
  ts::native_format<loan> format;
  const auto decoder = format.decoder();
  ts::block_records<loan> records;
  const std::string one = native_block();
  REQUIRE(format.begin(one, false).value() == 0);
  REQUIRE(!decode(*decoder, one + one, records));
  check_records(records, 2);
  for (std::size_t size = 0; size < one.size(); ++size) {
    INFO(size);
    CHECK(format.whole(std::string_view(one).substr(0, size), false) == 0);
    if (size > 0) CHECK(decode(*decoder, one.substr(0, size), records));
  }
  CHECK(format.whole(one, false) == one.size());
  CHECK(format.whole(one + one + one.substr(0, 40), false) == 2 * one.size());
  CHECK(format.whole(one + one.substr(0, 40), true) == one.size() + 40);
}

TEST_CASE("damaged Native blocks are errors or other values, never a crash", "[formats]") {
  ts::native_format<loan> format;
  const auto decoder = format.decoder();
  ts::block_records<loan> records;
  const std::string one = native_block();
  std::mt19937 random(1);
  std::size_t errors = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = one;
    for (unsigned n = 0; n <= random() % 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto wrong = decode(*decoder, damaged, records);
    errors += wrong.has_value();
    if (!wrong) CHECK(records.size() <= damaged.size());
  }
  CHECK(errors > 1000);
}

TEST_CASE("columns of ClickHouse that cannot feed their fields are refused by name", "[formats]") {
  ts::native_format<loan> format;
  const auto decoder = format.decoder();
  ts::block_records<loan> records;
  const auto message = [&](const char* name, const char* type) {
    ts::text_buffer out;
    columns(out, 1, 1);
    column(out, name, type);
    out.append({"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32});
    const auto wrong = decode(*decoder, std::string(out.view()), records);
    return wrong ? wrong->message : "";
  };
  CHECK(message("months", "String") == "Native: column 'months' has the type String, which can't feed the field");
  CHECK(message("purpose", "Int64") == "Native: column 'purpose' has the type Int64, which can't feed the field");
  CHECK(message("x", "Array(String)") ==
        "Native: column 'x' of a block of 1 records has the type Array(String), which can't be read");
  CHECK(message("x", "Int8") == "Native: column 'purpose' is missing");
}

TEST_CASE("RowBinary records are found and decoded wherever the bytes are cut", "[formats]") {
  ts::row_binary_format<loan> format(ts::row_binary_header::names_and_types);
  const auto decoder = format.decoder();
  ts::block_records<loan> records;
  ts::text_buffer out;
  ts::detail::append_length(out, 4);
  for (const char* name : {"amount", "purpose", "months", "sector"}) ts::detail::append_text(out, name);
  for (const char* type : {"Float64", "Nullable(FixedString(4))", "UInt8", "Nullable(String)"}) {
    ts::detail::append_text(out, type);
  }
  const std::size_t head = out.size();
  for (int i = 0; i < 5000; ++i) {
    ts::detail::append_bytes(out, 0.5 * i);
    out.append(i % 7 == 0 ? std::string_view("\1", 1) : std::string_view("\0car\0", 5));
    out.append("\x0C");
    out.append(i % 3 == 0 ? std::string_view("\1", 1) : std::string_view("\0\2ab", 4));
  }
  const std::string bytes(out.view());
  for (std::size_t size = 0; size < head; ++size) {
    CHECK(format.begin(std::string_view(bytes).substr(0, size), false).value() == format.needs_more);
  }
  REQUIRE(format.begin(bytes, false).value() == head);
  REQUIRE(!decode(*decoder, bytes.substr(head), records));
  REQUIRE(records.size() == 5000);
  REQUIRE(records.rejected.size() == 715);
  CHECK(records.rejected[1].position == 7);
  CHECK(records.good.view().get<"purpose">()[0] == "car");
  CHECK(records.good.view().get<"amount">()[5] == 3.0);
  CHECK(records.good.view().get<"sector">()[2].data() == nullptr);
  CHECK(records.good.view().get<"sector">()[3] == "ab");
  const std::string some = bytes.substr(head, 200);
  for (std::size_t size = 1; size < some.size(); ++size) {
    const std::size_t whole = format.whole(std::string_view(some).substr(0, size), false);
    CHECK(whole <= size);
    CHECK(decode(*decoder, some.substr(0, size), records).has_value() == (whole < size));
  }
}

TEST_CASE("numbers of every type of ClickHouse feed the fields", "[formats]") {
  using numbers = ts::schema<ts::integer<"n">, ts::real<"x">, ts::boolean<"b">, ts::text<"t">>;
  ts::native_format<numbers, ts::coerce::python> native;
  const auto decoder = native.decoder();
  ts::block_records<numbers> records;
  const auto read = [&](const char* type, auto value) {
    INFO(type);
    ts::text_buffer out;
    columns(out, 1, 4);
    column(out, "n", type);
    ts::detail::append_bytes(out, value);
    column(out, "x", type);
    ts::detail::append_bytes(out, value);
    column(out, "b", "UInt8");
    out.append("\1");
    column(out, "t", "FixedString(5)");
    out.append({"abc\0\0", 5});
    const std::string bytes(out.view());
    REQUIRE(!decoder->decode(bytes, false, records, {}));
    REQUIRE(records.good.rows() == 1);
    CHECK(records.good.view().template get<"n">()[0] == static_cast<std::int64_t>(value));
    CHECK(records.good.view().template get<"x">()[0] == static_cast<double>(value));
    CHECK(records.good.view().template get<"b">()[0]);
    CHECK(records.good.view().template get<"t">()[0] == "abc");
  };
  read("Int8", std::int8_t{-7});
  read("UInt8", std::uint8_t{200});
  read("Int16", std::int16_t{-300});
  read("UInt16", std::uint16_t{60000});
  read("Int32", std::int32_t{-70000});
  read("UInt32", std::uint32_t{4000000000});
  read("Int64", std::int64_t{1} << 40);
  read("UInt64", std::uint64_t{1} << 40);
  read("Float32", 3.0F);
  read("Float64", -5.0);
}

TEST_CASE("sizes that cannot be are refused before anything is made for them", "[formats]") {
  ts::native_format<loan> native;
  const auto decoder = native.decoder();
  ts::block_records<loan> records;
  const auto refused = [&](std::uint64_t rows, std::uint64_t count) {
    ts::text_buffer out;
    columns(out, rows, count);
    const std::string bytes(out.view());
    CHECK(native.whole(bytes, false) == bytes.size());  // the decoder says what is wrong
    const auto wrong = decode(*decoder, bytes, records);
    return wrong ? wrong->message : "";
  };
  CHECK(refused(1, 0).find("has an impossible size") != std::string::npos);
  CHECK(refused(1, 10'001).find("has an impossible size") != std::string::npos);
  CHECK(refused(std::uint64_t{1} << 62, 1).find("has an impossible size") != std::string::npos);
  const auto wrong = decode(*decoder, std::string(11, '\xFF'), records);  // a number that does not end
  REQUIRE(wrong);
  CHECK(wrong->message.find("has a malformed size") != std::string::npos);

  ts::row_binary_format<loan> rows(ts::row_binary_header::names_and_types);
  CHECK(rows.begin(std::string(11, '\xFF'), false).error().message == "RowBinary: the header is malformed");
  CHECK(rows.begin(std::string("\1\4am", 4), true).error().message == "RowBinary: the header is malformed");
  CHECK(rows.begin("", true).value() == 0);
  ts::text_buffer head;
  ts::detail::append_length(head, 1);
  ts::detail::append_text(head, "amount");
  ts::detail::append_text(head, "Array(Float64)");
  CHECK(rows.begin(head.view(), false).error().message ==
        "RowBinary: column 'amount' has the type Array(Float64), which can't be read");
}

TEST_CASE("RowBinary without a header has the schema's own types", "[formats]") {
  ts::row_binary_format<loan> format(ts::row_binary_header::none);
  ts::text_buffer out;
  ts::detail::append_text(out, "car");
  ts::detail::append_bytes(out, std::int64_t{12});
  ts::detail::append_bytes(out, 1.5);
  out.append({"\1", 1});
  const std::string bytes(out.view());
  REQUIRE(format.begin(bytes, true).value() == 0);
  ts::block_records<loan> records;
  REQUIRE(!decode(*format.decoder(), bytes + bytes, records));
  REQUIRE(records.good.rows() == 2);
  CHECK(records.good.view().get<"months">()[1] == 12);
  CHECK(records.good.view().get<"amount">()[1] == 1.5);
  CHECK(records.good.view().get<"sector">()[1].data() == nullptr);
}

TEST_CASE("predictions are written as columns and rows of ClickHouse", "[formats]") {
  const std::vector<double> probability{0.25, std::nan(""), 0.75};
  const std::vector<std::uint8_t> label{0, 0, 1};
  const std::vector<ts::rejected_record> rejected{{1, {}, false, "months: 0"}};
  const ts::answers block{{probability, label}, rejected};
  const auto columns = ts::typed_columns(ts::prediction_layout::of_two_classes()).value();
  const auto both = [](double a, double b) {
    ts::text_buffer out;
    ts::detail::append_bytes(out, a);
    ts::detail::append_bytes(out, b);
    return std::string(out.view());
  };

  ts::text_buffer rows;
  ts::row_binary_writer by_row(ts::row_binary_header::names_and_types, columns);
  by_row.append_head(rows, {});
  CHECK(rows.view() == "\3\13probability\5label\5error\21Nullable(Float64)\17Nullable(UInt8)\6String");
  rows.clear();
  by_row.append(rows, block);
  CHECK(rows.view() == std::string("\0", 1) + both(0.25, 0).substr(0, 8) + std::string("\0\0\0", 3) + "\1\1" +
                           "\11months: 0" + std::string("\0", 1) + both(0.75, 0).substr(0, 8) +
                           std::string("\0\1\0", 3));
  ts::text_buffer bare;
  ts::row_binary_writer headless(ts::row_binary_header::none, columns);
  headless.append_head(bare, {});
  CHECK(bare.view().empty());

  ts::text_buffer native;
  ts::native_writer by_column(columns);
  by_column.append_head(native, {});
  by_column.append(native, {});
  CHECK(native.view().empty());
  by_column.append(native, block);
  const std::string type = "Tuple(probability Nullable(Float64), label Nullable(UInt8), error String)";
  const std::string_view got = native.view();
  const std::string head = std::string("\1\3\6result") + static_cast<char>(type.size()) + type;
  REQUIRE(got.starts_with(head));
  const std::string_view values = got.substr(head.size());
  REQUIRE(values.size() == 3 + 24 + 3 + 3 + 1 + 10 + 1);
  CHECK(values.substr(0, 3) == std::string_view("\0\1\0", 3));
  CHECK(values.substr(3, 8) == both(0.25, 0).substr(0, 8));
  CHECK(values.substr(27, 3) == std::string_view("\0\1\0", 3));
  CHECK(values.substr(30, 3) == std::string_view("\0\0\1", 3));
  CHECK(values.substr(33) == std::string("\0", 1) + "\11months: 0" + std::string("\0", 1));
}
