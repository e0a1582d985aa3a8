// SPDX-License-Identifier: MIT
// SQL with predictions of other services than two classes: task_sql wine|diabetes FLAGS...
#include <cstdio>
#include <string_view>

#include "../../examples/diabetes_server/diabetes.hpp"
#include "../../examples/duckdb/run_sql.hpp"
#include "../../examples/wine_server/wine.hpp"

int main(int argc, char** argv) {
  const std::string_view service = argc > 1 ? argv[1] : "";
  if (service == "wine") return run_sql<wine_cultivars>(argc - 1, argv + 1, "predict_cultivar");
  if (service == "diabetes") return run_sql<diabetes_progression>(argc - 1, argv + 1, "predict_progression");
  std::fputs("usage: task_sql wine|diabetes FLAGS...\n", stderr);
  return 1;
}
