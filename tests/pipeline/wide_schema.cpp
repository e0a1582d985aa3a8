// SPDX-License-Identifier: MIT
// A schema of 300 fields, which derives from schema<...>.
#include <fmt/format.h>
#include <tabscore/pipeline/score_json.hpp>

#include <string>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/wide.hpp"

namespace ts = tabscore;

namespace {

/// The sum of feature j times (j + 1), scaled into a probability.
struct weighted_sum {
  const ts::feature_names& features() const noexcept { return names; }
  double threshold() const noexcept { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> probability) const {
    for (std::size_t i = 0; i < x.rows; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < x.width; ++j) sum += x.column(j)[i] * static_cast<double>(j + 1);
      probability[i] = sum * 0x1p-30;
    }
  }
  ts::feature_names names{std::vector<std::string>(wide::record::names.begin(), wide::record::names.end()), {}};
};

std::string object(bool backwards, std::size_t wrong = wide::width) {
  std::string text = "{";
  for (std::size_t i = 0; i < wide::width; ++i) {
    const std::size_t at = backwards ? wide::width - 1 - i : i;
    text +=
        fmt::format(R"({}"{}":{})", i == 0 ? "" : ",", wide::record::names[at], at == wrong ? -1.0 : 0.5 * double(at));
  }
  return text + "}";
}

}  // namespace

TEST_CASE("a schema of hundreds of fields is scored as any other", "[pipeline]") {
  const ts::pipeline pipe(wide::record{}, ts::rules{}, ts::features{}, weighted_sum{});
  ts::workspace<wide::record> memory;
  double sum = 0;
  for (std::size_t j = 0; j < wide::width; ++j) sum += 0.5 * double(j) * double(j + 1);

  const auto scored =
      ts::score_json(pipe, fmt::format(R"({{"records":[{},{}]}})", object(false), object(true)), memory);
  const auto* const found = std::get_if<ts::predictions>(&scored);
  REQUIRE(found != nullptr);
  REQUIRE(found->rows() == 2);
  CHECK(found->probability[0] == sum * 0x1p-30);
  CHECK(found->probability[1] == sum * 0x1p-30);

  const auto refused =
      ts::score_json(pipe, fmt::format(R"({{"records":[{},{}]}})", object(true), object(false, 299)), memory);
  const auto* const errors = std::get_if<ts::validation_errors>(&refused);
  REQUIRE(errors != nullptr);
  REQUIRE(errors->size() == 1);
  CHECK((*errors)[0].row == 1);
  CHECK((*errors)[0].field == 299);
}

TEST_CASE("columns of a wide schema are slices of the caller's arrays", "[pipeline]") {
  ts::batch<wide::record> all;
  for (int row = 0; row < 40; ++row) {
    all.add_row();
    wide::record::for_each([&]<std::size_t At>() { all.data<At>()[row] = 1000.0 * row + double(At); });
  }
  const ts::columns<wide::record> part = all.view().slice(30, 5);
  CHECK(part.rows() == 5);
  CHECK(part.get<299>()[4] == 34'299.0);
  CHECK(part.get<"f007">()[0] == 30'007.0);
}
