// SPDX-License-Identifier: MIT
#include <tabscore/formats/csv.hpp>
#include <tabscore/outputs/prediction.hpp>

#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/padded_block.hpp"
#include "support/student.hpp"

namespace ts = tabscore;

namespace {

using purchase =
    ts::schema<ts::text<"shop", ts::min_length{1}>, ts::integer<"count", ts::ge{0}>,
               ts::optional<ts::real<"price", ts::ge{0}>>, ts::boolean<"paid">, ts::optional<ts::text<"note">>>;

/// Reads a whole text, header and all, as a stream is read.
template <class Schema = purchase>
struct reading {
  ts::csv_format<Schema> format;
  std::string begun;
  padded_block block;
  ts::block_records<Schema> records;

  explicit reading(const std::string& text, const ts::csv_dialect& dialect = {}) : format(dialect) {
    const auto head = format.begin(text, true);
    if (!head) {
      begun = head.error().message;
      return;
    }
    block = padded_block(text.substr(*head));
    CHECK_FALSE(format.decoder()->decode(block, true, records, {}));
  }
  template <std::size_t I>
  auto get() const {
    return records.good.view().template get<I>();
  }
};

const std::string header = "shop,count,price,paid,note\n";

}  // namespace

TEST_CASE("cells of CSV become values, by the names of the header", "[formats]") {
  const reading r(
      "\xEF\xBB\xBFnote,\"ignored\",paid,price,count,shop\r\n"
      "hello,?,true,1.5,3,Corner\r\n"
      ",,false,,0,\"The \"\"Best\"\", it's said\"\r\n"
      "\r\n"
      "\"\",\"a\nb\",true,\"2\",\"7\",\"two\r\nlines\"\r\n");
  REQUIRE(r.begun.empty());
  CHECK(r.records.rejected.empty());
  REQUIRE(r.records.good.rows() == 3);
  CHECK(r.records.lines == 6);
  CHECK(r.get<0>()[0] == "Corner");
  CHECK(r.get<0>()[1] == "The \"Best\", it's said");
  CHECK(r.get<0>()[2] == "two\r\nlines");
  CHECK(r.get<1>()[0] == 3);
  CHECK(r.get<1>()[2] == 7);
  CHECK(r.get<2>()[0] == 1.5);
  CHECK(std::isnan(r.get<2>()[1]));
  CHECK(r.get<2>()[2] == 2);
  CHECK(r.get<3>()[0]);
  CHECK_FALSE(r.get<3>()[1]);
  CHECK(r.get<4>()[0] == "hello");
  CHECK(r.get<4>()[1].data() == nullptr);
  CHECK(r.get<4>()[2].data() != nullptr);
  CHECK(r.get<4>()[2].empty());
  CHECK(r.records.source[1] == ",,false,,0,\"The \"\"Best\"\", it's said\"");
}

TEST_CASE("a block of 4 GiB is refused", "[formats]") {
  reading r(header);
  const std::string_view block(header.data(), std::size_t{1} << 32);  // its bytes are not read
  const auto wrong = r.format.decoder()->decode(block, false, r.records, {});
  REQUIRE(wrong);
  CHECK(wrong->message == "CSV: a block has less than 4 GiB");
}

TEST_CASE("tabs separate cells where they are told to", "[formats]") {
  const reading r("shop\tcount\tpaid\na,b\t1\ttrue\n\"c\td\"\t2\tfalse\n", {'\t', true});
  REQUIRE(r.records.good.rows() == 2);
  CHECK(r.get<0>()[0] == "a,b");
  CHECK(r.get<0>()[1] == "c\td");
  CHECK(std::isnan(r.get<2>()[0]));
}

TEST_CASE("a header that does not fit the schema is refused", "[formats]") {
  CHECK(reading("shop,count\n").begun == "the header has no 'paid'");
  CHECK(reading("").begun == "the header has no 'shop'");
  CHECK(reading("shop,count,paid,shop\n").begun == "the header has 'shop' twice");
  CHECK(reading("shop,\"count,paid\n").begun == "the header has quotes that do not enclose a name");
  CHECK(reading("shop;count;paid\n").begun ==
        "the header has one column and looks separated by ';': set the separator, which is ','");
  CHECK(reading("\"shop\"\t\"count\"\n").begun ==
        "the header has one column and looks separated by a tab: set the separator, which is ','");
  CHECK(reading("shop,count,paid\n", {.separator = '\t'}).begun ==
        "the header has one column and looks separated by ',': set the separator, which is a tab");
  CHECK(reading("count\n").begun == "the header has no 'shop'");
  CHECK(reading("shop,count,paid").begun.empty());
  ts::csv_format<purchase> format;
  CHECK(*format.begin("shop,count,paid", false) == format.needs_more);
}

TEST_CASE("a wrong CSV record does not affect its neighbours", "[formats]") {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"x,1,2,true", "expected 5 cells, found 4"},
      {"x,1,2,true,,", "expected 5 cells, found 6"},
      {"x,-1,2,true,", "count: must be at least 0"},
      {"x,,2,true,", "count: must not be null"},
      {",1,2,true,", "shop: must have at least 1 character"},
      {"x,one,-2,maybe,",
       "count: must be an integer; price: must be at least 0; "
       "paid: must be true or false"},
      {"x,1,Infinity,true,", "price: must be finite"},
      {"x\xC3,1,2,true,", "not UTF-8"},
      {"x\"y,1,2,true,", "quotes that do not enclose a cell"},
      {"\"x\"y,1,2,true,", "quotes that do not enclose a cell"},
      {"\"x\" ,1,2,true,", "quotes that do not enclose a cell"},
      {"\"x,1,2,true,", "quotes that do not enclose a cell"},
      {"\"x\"\r,1,2,true,", "quotes that do not enclose a cell"},
  };
  const std::string quoted = "\"shop\",1,2,true,\n";
  for (std::size_t at = 0; at < 70; ++at) {
    for (const auto& [line, message] : wrong) {
      std::string text = header;
      for (std::size_t i = 0; i < 70; ++i) text += i == at ? line + "\n" : quoted;
      const reading r(text);
      REQUIRE(r.records.rejected.size() == 1);
      CHECK(r.records.rejected[0].position == at);
      CHECK(r.records.rejected[0].bytes == line);
      CHECK(r.records.rejected[0].message == message);
      CHECK(r.records.good.rows() == 69);
    }
  }
}

TEST_CASE("where cells hold no line breaks every line feed ends a record", "[formats]") {
  const std::string text = header + "\"a\nb\",1,2,true,\n\"c\",1,2,true,\n";
  CHECK(reading(text).records.good.rows() == 2);
  const reading r(text, {',', false});
  REQUIRE(r.records.rejected.size() == 2);
  CHECK(r.records.rejected[0].bytes == "\"a");
  CHECK(r.records.rejected[1].bytes == "b\",1,2,true,");
  CHECK(r.records.good.rows() == 1);
  CHECK(r.format.line_feeds_end_records());
  CHECK(r.format.whole("\"a\nb", false) == 3);
}

TEST_CASE("predictions are written as CSV, with the record's cells when they are wanted", "[formats]") {
  using members = ts::binary<"p", "label">;
  ts::csv_writer writer(ts::text_columns(ts::prediction_layout(members::names, {})).value());
  const std::vector<double> probability{0.25, std::numeric_limits<double>::quiet_NaN(), 0.75};
  const std::vector<std::uint8_t> label{0, 0, 1};
  const std::vector<std::string_view> source{"1,x", {}, "3,\"y\nz\""};
  ts::text_buffer out;
  writer.append_head(out, {});
  writer.append(out, {{probability, label, 0.5}, {}, {}});
  CHECK(out.view() == "p,label\n0.25,0\n,\n0.75,1\n");
  out.clear();
  writer.append_head(out, "\xEF\xBB\xBFn,name\r\n");
  writer.append(out, {{probability, label, 0.5}, {}, source});
  CHECK(out.view() == "n,name,p,label\n1,x,0.25,0\n,,,\n3,\"y\nz\",0.75,1\n");
}
