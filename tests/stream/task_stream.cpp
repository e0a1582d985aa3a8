// SPDX-License-Identifier: MIT
// score_stream for services of other predictions: task_stream SERVICE FLAGS...
#include <cstdio>
#include <string_view>

#include "../../examples/diabetes_server/diabetes.hpp"
#include "../../examples/loan_server/loan.hpp"
#include "../../examples/score_stream/stream.hpp"
#include "../../examples/wine_server/wine.hpp"

namespace {

struct quantiles : diabetes_progression {
  using prediction = ts::quantiles<"p10", "p50", "p90">;
};
struct targets : diabetes_progression {
  using prediction = ts::outputs<ts::regression<"now">, ts::regression<"later">>;
};
struct score : diabetes_progression {
  using prediction = ts::score<"relevance">;
};
struct anomaly : diabetes_progression {
  using prediction = ts::anomaly<"usual", "is_outlier">;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view service = argc > 1 ? argv[1] : "";
  if (service == "wine") return score_stream<wine_cultivars>(argc - 1, argv + 1, "wine.json");
  if (service == "diabetes") return score_stream<diabetes_progression>(argc - 1, argv + 1, "diabetes.json");
  if (service == "loans")
    return score_stream<loan_defaults>(argc - 1, argv + 1, "loan_default.json", "loan_policy.json");
  if (service == "quantiles") return score_stream<quantiles>(argc - 1, argv + 1, "diabetes.json");
  if (service == "targets") return score_stream<targets>(argc - 1, argv + 1, "diabetes.json");
  if (service == "score") return score_stream<score>(argc - 1, argv + 1, "diabetes.json");
  if (service == "anomaly") return score_stream<anomaly>(argc - 1, argv + 1, "diabetes.json");
  std::fputs("usage: task_stream wine|diabetes|loans|quantiles|targets|score|anomaly FLAGS...\n", stderr);
  return 1;
}
