// SPDX-License-Identifier: MIT
#include <tabscore/formats/csv.hpp>
#include <tabscore/formats/native.hpp>
#include <tabscore/formats/ndjson.hpp>
#include <tabscore/formats/row_binary.hpp>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/outputs/prediction_columns.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

using flower = ts::multiclass<"species", "p">;
using demand = ts::quantiles<"p10", "p90">;
using odd = ts::anomaly<"score", "is_outlier">;

ts::model_outputs classes(std::vector<std::string> names) {
  ts::model_outputs model;
  model.task = ts::task::multiclass;
  model.columns = names.size();
  model.classes = std::move(names);
  return model;
}
ts::model_outputs numbers(ts::task task, std::size_t columns) {
  ts::model_outputs model;
  model.task = task;
  model.columns = columns;
  return model;
}

std::string names_of(const ts::prediction_columns& columns) {
  std::string text;
  for (const ts::prediction_column& c : columns) {
    text += c.name + (c.of == ts::prediction_column::kind::number  ? ":" + std::to_string(c.number)
                      : c.of == ts::prediction_column::kind::label ? ":label"
                                                                   : ":class");
    text += ' ';
  }
  return text;
}

/// Of a record of a, one without a prediction, and one of "b, c".
struct three_classes {
  ts::prediction_layout layout{flower::names, classes({"a", "b, c", "d`e"})};
  std::vector<double> values{0.5, 0.25, 0.25, std::nan(""), std::nan(""), std::nan(""), 0.125, 0.75, 0.125};
  std::vector<std::uint32_t> class_at{0, 0, 1};
  std::vector<ts::rejected_record> rejected{{1, {}, false, "bad"}};
  ts::answers block() const { return {{layout, {values, 3}, {}, class_at, 0.5}, rejected, {}}; }
};
struct two_quantiles {
  ts::prediction_layout layout{demand::names, numbers(ts::task::quantiles, 2)};
  std::vector<double> values{1.5, 3, std::nan(""), std::nan(""), -2, 1e30};
  std::vector<ts::rejected_record> rejected{{1, {}, false, "bad"}};
  ts::answers block() const { return {{layout, {values, 2}, {}, {}, 0.5}, rejected, {}}; }
};

std::string written(ts::prediction_writer&& writer, const ts::answers& block) {
  ts::text_buffer out;
  writer.append_head(out, {});
  writer.append(out, block);
  return std::string(out.view());
}
std::string bytes(double v) {
  ts::text_buffer out;
  ts::detail::append_bytes(out, v);
  return std::string(out.view());
}
std::string text(std::string_view t) {
  ts::text_buffer out;
  ts::detail::append_text(out, t);
  return std::string(out.view());
}
const std::string zero(1, '\0');

}  // namespace

TEST_CASE("a prediction's columns follow from its task", "[formats]") {
  const auto two = ts::prediction_layout(ts::binary<"hit_rate", "hit">::names, {});
  CHECK(names_of(ts::text_columns(two).value()) == "hit_rate:0 hit:label ");
  CHECK(names_of(ts::typed_columns(two).value()) == "probability:0 label:label ");
  const three_classes flowers;
  CHECK(names_of(ts::text_columns(flowers.layout).value()) == "species:class p_a:0 p_b, c:1 p_d`e:2 ");
  CHECK(names_of(ts::typed_columns(flowers.layout).value()) == names_of(ts::text_columns(flowers.layout).value()));
  CHECK(names_of(ts::typed_columns(two_quantiles().layout).value()) == "p10:0 p90:1 ");
  const ts::prediction_layout outliers(odd::names, numbers(ts::task::anomaly, 1));
  CHECK(names_of(ts::typed_columns(outliers).value()) == "score:0 is_outlier:label ");
}

TEST_CASE("columns of the same name are refused", "[formats]") {
  const ts::prediction_layout twice(ts::multiclass<"p_a", "p">::names, classes({"a", "b"}));
  const std::string wrong =
      "the table of predictions would have two columns 'p_a': declare other names for the prediction's members";
  CHECK(ts::text_columns(twice).error().message == wrong);
  CHECK(ts::typed_columns(twice).error().message == wrong);
  const ts::prediction_layout reason(ts::regression<"error">::names, numbers(ts::task::regression, 1));
  CHECK(ts::text_columns(reason));
  CHECK(ts::typed_columns(reason).error().message ==
        "the table of predictions would have two columns 'error': declare other names for the prediction's members");
}

TEST_CASE("predictions of three classes are written in every format", "[formats]") {
  const three_classes some;
  const auto csv = ts::text_columns(some.layout).value();
  CHECK(written(ts::csv_writer(csv), some.block()) ==
        "species,p_a,\"p_b, c\",p_d`e\na,0.5,0.25,0.25\n,,,\n\"b, c\",0.125,0.75,0.125\n");
  CHECK(written(ts::csv_writer(csv, '\t'), some.block()) ==
        "species\tp_a\tp_b, c\tp_d`e\na\t0.5\t0.25\t0.25\n\t\t\t\nb, c\t0.125\t0.75\t0.125\n");
  CHECK(written(ts::ndjson_writer(some.layout), some.block()) ==
        R"({"species":"a","p":{"a":0.5,"b, c":0.25,"d`e":0.25}})"
        "\n"
        R"({"species":null,"p":null})"
        "\n"
        R"({"species":"b, c","p":{"a":0.125,"b, c":0.75,"d`e":0.125}})"
        "\n");

  const auto typed = ts::typed_columns(some.layout).value();
  const std::string number = text("Nullable(Float64)");
  CHECK(written(ts::row_binary_writer(ts::row_binary_header::names_and_types, typed), some.block()) ==
        "\5" + text("species") + text("p_a") + text("p_b, c") + text("p_d`e") + text("error") +
            text("Nullable(String)") + number + number + number + text("String") +  //
            zero + text("a") + zero + bytes(0.5) + zero + bytes(0.25) + zero + bytes(0.25) + text("") + "\1\1\1\1" +
            text("bad") +  //
            zero + text("b, c") + zero + bytes(0.125) + zero + bytes(0.75) + zero + bytes(0.125) + text(""));

  const std::string type =
      "Tuple(species Nullable(String), p_a Nullable(Float64), `p_b, c` Nullable(Float64), "
      "`p_d\\`e` Nullable(Float64), error String)";
  const std::string nulls = zero + "\1" + zero;
  const std::string none = bytes(some.values[3]);
  CHECK(written(ts::native_writer(typed), some.block()) == "\1\3" + text("result") + text(type) +             //
                                                               nulls + text("a") + text("") + text("b, c") +  //
                                                               nulls + bytes(0.5) + none + bytes(0.125) +     //
                                                               nulls + bytes(0.25) + none + bytes(0.75) +     //
                                                               nulls + bytes(0.25) + none + bytes(0.125) + text("") +
                                                               text("bad") + text(""));
}

TEST_CASE("predictions of two quantiles are written in every format", "[formats]") {
  const two_quantiles some;
  CHECK(written(ts::csv_writer(ts::text_columns(some.layout).value()), some.block()) ==
        "p10,p90\n1.5,3.0\n,\n-2.0,1e+30\n");
  CHECK(written(ts::ndjson_writer(some.layout), some.block()) ==
        "{\"p10\":1.5,\"p90\":3.0}\n{\"p10\":null,\"p90\":null}\n{\"p10\":-2.0,\"p90\":1e+30}\n");

  const auto typed = ts::typed_columns(some.layout).value();
  CHECK(written(ts::row_binary_writer(ts::row_binary_header::none, typed), some.block()) ==
        zero + bytes(1.5) + zero + bytes(3) + text("") + "\1\1" + text("bad") + zero + bytes(-2) + zero + bytes(1e30) +
            text(""));
  const std::string nulls = zero + "\1" + zero;
  const std::string none = bytes(some.values[2]);
  CHECK(written(ts::native_writer(typed), some.block()) ==
        "\1\3" + text("result") + text("Tuple(p10 Nullable(Float64), p90 Nullable(Float64), error String)") +  //
            nulls + bytes(1.5) + none + bytes(-2) + nulls + bytes(3) + none + bytes(1e30) +                    //
            text("") + text("bad") + text(""));
}

TEST_CASE("a missing number of one column is not a blank line of CSV", "[formats]") {
  const ts::prediction_layout price(ts::regression<"price">::names, numbers(ts::task::regression, 1));
  const std::vector<double> values{1.5, std::nan("")};
  const ts::answers block{{price, {values, 1}, {}, {}, 0.5}, {}, {}};
  CHECK(written(ts::csv_writer(ts::text_columns(price).value()), block) == "price\n1.5\n\"\"\n");
}
