// SPDX-License-Identifier: MIT
// One fuzz target per loader, chosen by TABSCORE_FUZZ_LOADER. With libFuzzer it is a fuzzer; without, a program that
// replays files and folders. What loads is also scored: every kernel must equal the reference walk.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tabscore/models/contributions.hpp"
#include "tabscore/models/load_lightgbm.hpp"
#include "tabscore/models/load_sklearn.hpp"
#include "tabscore/models/load_xgboost.hpp"

namespace {

void check(const tabscore::forest_model& model) {
  using namespace tabscore;
  if (model.features > 4096 || model.outputs > 64) {
    (void)forest::build(model);
    return;
  }
  const std::size_t rows = 3;
  std::vector<double> cells(rows * model.features);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = i % 7 == 0 ? std::nan("") : static_cast<double>(i % 5) - 1.5;
  }
  const auto x = row_major(cells.data(), rows, model.features);
  std::vector<double> expected;
  scratch memory;
  for (const kernel k : {kernel::reference, kernel::portable, kernel::avx2, kernel::avx512}) {
    if (!available(k)) continue;
    const auto f = forest::build(model, "fuzz", k);
    if (!f) return;
    std::vector<double> out(rows * model.outputs);
    f->margins(x, out, memory);
    if (k == kernel::reference) expected = out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (std::isnan(out[i]) != std::isnan(expected[i]) || (!std::isnan(out[i]) && out[i] != expected[i])) std::abort();
    }
    std::vector<double> predictions(rows * f->predictions());
    f->predict(x, predictions, memory);
    if (k == kernel::reference && model.trees.size() < 8) {
      if (const auto e = explainer::build(*f)) {
        std::vector<double> contributions(rows * e->width());
        e->explain(x, contributions, memory);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const std::string_view bytes(exact.data(), exact.size());
  if (const auto model = tabscore::TABSCORE_FUZZ_LOADER(bytes)) check(*model);
  return 0;
}

#include "replay.hpp"
