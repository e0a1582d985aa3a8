// SPDX-License-Identifier: MIT
#include <tabscore/monitor/distance.hpp>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
template <class Number>
std::vector<Number> line_of(std::istream& in) {
  std::string line;
  std::getline(in, line);
  std::istringstream words(line);
  std::vector<Number> all;
  for (Number n; words >> n;) all.push_back(n);
  return all;
}
bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b)); }
}  // namespace

TEST_CASE("distances are SciPy's and NumPy's on the same counts", "[monitor]") {
  std::ifstream file(TABSCORE_SOURCE_DIR "/tests/monitor/distance_expected.txt");
  std::size_t cases = 0;
  while (file.peek() != std::ifstream::traits_type::eof() && file) {
    const auto positions = line_of<double>(file);
    const auto training = line_of<std::uint64_t>(file);
    const auto live = line_of<std::uint64_t>(file);
    const auto expected = line_of<double>(file);
    REQUIRE(expected.size() == 7);
    INFO("case " << cases++);
    CHECK(near(ts::population_stability_index(training, live), expected[0]));
    CHECK(near(ts::population_stability_noise(training, live), expected[1]));
    CHECK(near(ts::jensen_shannon_distance(training, live), expected[2]));
    CHECK(near(ts::kolmogorov_smirnov_distance(training, live), expected[3]));
    CHECK(near(ts::wasserstein_distance(positions, training, live), expected[4]));
    const ts::chi_square chi = ts::chi_square_of(training, live);
    CHECK(near(chi.statistic, expected[5]));
    CHECK(static_cast<double>(chi.freedom) == expected[6]);
  }
  CHECK(cases == 40);
}

TEST_CASE("the same counts are no distance apart, and nothing is far from no counts at all", "[monitor]") {
  const std::vector<std::uint64_t> a{5, 0, 17, 1}, none(4);
  const std::vector<double> at{0, 1, 2, 3};
  for (const auto& b : {a, none}) {
    CHECK(ts::population_stability_index(a, b) == 0);
    CHECK(ts::jensen_shannon_distance(a, b) == 0);
    CHECK(ts::kolmogorov_smirnov_distance(a, b) == 0);
    CHECK(ts::wasserstein_distance(at, a, b) == 0);
    CHECK(ts::chi_square_of(a, b).statistic == 0);
  }
  CHECK(ts::population_stability_noise(a, none) == 0);
  CHECK(ts::population_stability_noise(a, a) == Approx(4.0 / 23));
}
