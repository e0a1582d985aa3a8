// SPDX-License-Identifier: MIT
// One fuzz target per loader, chosen by TABSCORE_FUZZ_LOADER. With libFuzzer it is a fuzzer; without, a program that
// replays files and folders. What loads is also used: trees give the same numbers with every kernel, a model scores, a
// monitor's state is written as it was read.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "require.hpp"
#include "tabscore/models/contributions.hpp"
#include "tabscore/models/load_model.hpp"
#include "tabscore/monitor/drift_reference.hpp"
#include "tabscore/monitor/state_json.hpp"
#include "tabscore/outputs/check_outputs.hpp"

namespace {

using namespace tabscore;

[[maybe_unused]] result<model_file> read_tabscore(std::string_view bytes) { return parse_model_file(bytes, "fuzz"); }
[[maybe_unused]] result<monitor_state> read_monitor_state(std::string_view bytes) {
  return parse_monitor_state(bytes, "fuzz");
}

[[maybe_unused]] void use(const forest_model& model) {
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
      require(std::isnan(out[i]) == std::isnan(expected[i]) && (std::isnan(out[i]) || out[i] == expected[i]));
    }
    std::vector<double> predictions(rows * f->predictions());
    f->predict(x, predictions, memory);
    if (k == kernel::reference && model.trees.size() < 8) {
      if (const auto scorer = make_encoded_forest(*f)) require(!check_outputs(scorer->outputs()));
      if (const auto e = explainer::build(*f)) {
        std::vector<double> contributions(rows * e->width());
        e->explain(x, contributions, memory);
      }
    }
  }
}

/// Any kernel gives the same margins, any batch the same numbers.
[[maybe_unused]] void use(const encoded_forest& model) {
  const std::size_t width = model.features().numeric.size();
  if (width > 4096 || model.features().text.size() > 256 || model.trees().features() > 65536) return;
  if (model.trees().outputs() > 64) return;
  if (model.features().text.empty()) use(model.trees().model());
  constexpr std::size_t rows = 9;
  std::vector<double> numbers;
  for (std::size_t i = 0; i < width * rows; ++i) {
    numbers.push_back(i % 7 == 4 ? std::nan("") : static_cast<double>(i % 11) - 1.5);
  }
  const std::vector<std::string_view> cells{"a", "", {}, "bb", "7", "nobody", "ccc", "-12", "a"};
  const std::vector<const std::string_view*> texts(model.features().text.size(), cells.data());
  const feature_block block{rows, width, numbers.data(), rows, texts};
  scratch memory;
  const std::size_t columns = model.outputs().columns;
  std::vector<double> together(rows * columns), alone(columns);
  model.score(block, memory, together);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::vector<const std::string_view*> text(texts.size(), cells.data() + i);
    model.score({1, width, numbers.data() + i, rows, text}, memory, alone);
    for (std::size_t k = 0; k < columns; ++k) {
      require(alone[k] == together[i * columns + k] || (std::isnan(alone[k]) && std::isnan(together[i * columns + k])));
    }
    (void)model.find_fault(block, i, memory);
    if (model.outputs().task == task::multiclass) require(model.decide_tie(block, i, 0, memory) < columns);
  }
  if (model.explain_error() == nullptr && width < 64 && model.trees().model().trees.size() < 64) {
    std::vector<double> contributions(rows * columns * (model.features().size() + 1));
    model.contributions(block, memory, contributions);
  }
}

/// A model file that loads is one that its own checks hold for; what it learnt must be usable without them, too.
[[maybe_unused]] void use(model_file& file) {
  if (file.features.numeric.size() > 4096) return;
  (void)make_drift_reference(file);
  (void)make_scorer(file);
  file.checks.clear();
  const auto model = make_scorer(file);
  if (!model) return;
  constexpr std::size_t rows = 5;
  const std::size_t width = file.features.numeric.size();
  std::vector<double> numbers;
  for (std::size_t i = 0; i < width * rows; ++i) {
    numbers.push_back(i % rows == 4 ? std::nan("") : static_cast<double>(i) - 1.5);
  }
  const std::vector<std::string_view> cells{"US", "", {}, "\"", "US"};
  const std::vector<const std::string_view*> texts(file.features.text.size(), cells.data());
  const feature_block block{rows, width, numbers.data(), rows, texts};
  scratch memory;
  const std::size_t columns = model->outputs().columns;
  std::vector<double> numbers_of_rows(rows * columns), alone(columns);
  model->score(block, memory, numbers_of_rows);
  const std::vector<const std::string_view*> last_text(texts.size(), cells.data() + 4);
  model->score({1, width, numbers.data() + 4, rows, last_text}, memory, alone);
  for (std::size_t k = 0; k < columns; ++k) {
    const double together = numbers_of_rows[4 * columns + k];
    require(std::memcmp(&alone[k], &together, sizeof(double)) == 0 || (std::isnan(alone[k]) && std::isnan(together)));
  }
  for (std::size_t i = 0; i < rows; ++i) {
    (void)model->find_fault(block, i, memory);
    if (model->outputs().task == task::multiclass) require(model->decide_tie(block, i, 0, memory) < columns);
  }
  for (std::size_t f = 0; f < file.features.size() && f < 16; ++f) (void)model->takes_missing(f);
  if (model->explain_error() == nullptr && width < 64) {
    std::vector<double> contributions(rows * columns * (file.features.size() + 1));
    model->contributions(block, memory, contributions);
    std::vector<std::uint16_t> reasons(rows * file.features.size());
    model->find_bin_reasons(block, memory, reasons);
    for (const std::uint16_t r : reasons) require(r == record_reasons::none || r < model->bin_reasons().size());
  }
}

[[maybe_unused]] void use(const monitor_state& state) {
  const std::string text = to_json(state);
  const auto again = parse_monitor_state(text, "fuzz");
  require(again && *again == state && to_json(*again) == text);
  monitor_state twice = state;
  require(!merge(twice, state) && twice.totals.samples == 2 * state.totals.samples);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const std::string_view bytes(exact.data(), exact.size());
  if (auto read = TABSCORE_FUZZ_LOADER(bytes)) use(*read);
  return 0;
}

#include "replay.hpp"
