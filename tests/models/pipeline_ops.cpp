// SPDX-License-Identifier: MIT
// Each step of a pipeline against what scikit-learn and NumPy gave for numbers on the edges (ops/write_ops.py).
#include <fmt/format.h>
#include <simdjson.h>

#include <tabscore/models/detail/tabscore/read_program.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace tabscore;

namespace {

double number_of(simdjson::dom::element e) {
  if (e.is_null()) return std::nan("");
  if (e.is_string()) return e.get_string().value() == "inf" ? HUGE_VAL : -HUGE_VAL;
  return e.get_double().value();
}

std::vector<std::vector<double>> columns_of(simdjson::dom::element e) {
  std::vector<std::vector<double>> all;
  for (const simdjson::dom::element column : e.get_array()) {
    for (all.emplace_back(); const simdjson::dom::element x : column.get_array()) all.back().push_back(number_of(x));
  }
  return all;
}

/// Doubles between the two; a zero has one sign.
double ulps(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  if (std::isnan(a) || std::isnan(b)) return HUGE_VAL;
  const auto place = [](double x) {
    const auto bits = std::bit_cast<std::int64_t>(x);
    return bits < 0 ? std::numeric_limits<std::int64_t>::min() - bits : bits;
  };
  return std::fabs(static_cast<double>(place(a)) - static_cast<double>(place(b)));
}

}  // namespace

TEST_CASE("each step gives scikit-learn's numbers, together and alone", "[models]") {
  for (const std::string version : {"1.2.1", "1.9"}) {
    const std::string path = std::string(TABSCORE_SOURCE_DIR) + "/tests/models/ops/sklearn-" + version + ".json";
    simdjson::dom::parser parser;
    const simdjson::dom::element root = parser.load(path);
    for (const simdjson::dom::element test : root["cases"].get_array()) {
      const std::string name(test["name"].get_string().value());
      INFO(version << ": " << name);
      const auto inputs = columns_of(test["inputs"]);
      const auto expected = columns_of(test["expected"]);
      const std::string model = fmt::format(R"({{"steps":[{}],"probability":0}})", simdjson::minify(test["step"]));
      simdjson::dom::parser other;
      detail::json_reading reading{name, std::nullopt};
      const auto program =
          detail::program_reader(detail::json_node(other.parse(model), reading), inputs.size(), 0, 1 << 20).read();
      if (reading.failure) FAIL(reading.failure->message);
      REQUIRE(program->columns == inputs.size() + expected.size());
      const std::size_t rows = inputs[0].size();
      std::vector<double> x;
      for (const auto& column : inputs) x.insert(x.end(), column.begin(), column.end());
      const feature_block block{rows, inputs.size(), x.data(), rows, {}};
      const double bound = test["ulps"].get_double().value();
      scratch memory;
      std::vector<double> out(rows), alone(1);
      double worst = 0;
      for (std::size_t c = 0; c < expected.size(); ++c) {
        const auto id = static_cast<detail::column_id>(inputs.size() + c);
        program->values(block, memory, {id}, out);
        for (std::size_t i = 0; i < rows; ++i) {
          const double apart = ulps(out[i], expected[c][i]);
          worst = std::max(worst, apart);
          if (!(apart <= bound)) {
            FAIL(fmt::format("{} {}: column {}, row {}: x = {}: {} and not {}", version, name, c, i,
                             inputs[c % inputs.size()][i], out[i], expected[c][i]));
          }
          program->values({1, inputs.size(), x.data() + i, rows, {}}, memory, {id}, alone);
          if (std::memcmp(&alone[0], &out[i], sizeof(double)) != 0) FAIL("another number alone");
        }
      }
      if (worst > 0) UNSCOPED_INFO(worst);
    }
  }
}
