// SPDX-License-Identifier: MIT
// score_rows MODEL: reads rows from standard input, tab-separated (numeric features, then texts, in model order), and
// prints margin and probability of each with 17 digits (a margin of nan: the model has none), or "fault", the feature
// and what is wrong with it. Of other tasks than two classes it prints all outputs, and the class where there are
// several. The text \N is an absent one.
#include <fmt/format.h>
#include <tabscore/models/load_model.hpp>
#include <tabscore/models/verify.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

void print_fault(const tabscore::feature_names& names, const tabscore::feature_fault& found) {
  const std::string name = found.feature < names.size() ? names.all()[found.feature] : std::string("-");
  const char* const what = found.what == tabscore::fault::model_needs ? "missing"
                           : found.what == tabscore::fault::unlisted  ? "unlisted"
                                                                      : "not finite";
  fmt::print("fault\t{}\t{}\n", name, what);
}

template <class Model>
int score_rows(const tabscore::result<Model>& model) {
  if (!model) return fmt::print(stderr, "{}\n", model.error().message), 1;
  const std::size_t width = model->features().numeric.size(), fields = model->features().text.size();
  tabscore::scratch memory;
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == '\t')
        cells.emplace_back();
      else
        cells.back() += c;
    }
    if (cells.size() != width + fields) return 2;
    std::vector<double> numeric;
    for (std::size_t j = 0; j < width; ++j) numeric.push_back(std::strtod(cells[j].c_str(), nullptr));
    std::vector<std::string_view> text(cells.begin() + static_cast<std::ptrdiff_t>(width), cells.end());
    for (std::string_view& value : text) {
      if (value == "\\N") value = {};
    }
    std::vector<const std::string_view*> columns;
    for (const std::string_view& value : text) columns.push_back(&value);
    const tabscore::feature_block x{.rows = 1, .width = width, .numeric = numeric.data(), .stride = 1, .text = columns};
    const tabscore::model_outputs& outputs = tabscore::outputs_of(*model);
    if (outputs.task != tabscore::task::binary) {
      std::vector<double> numbers(outputs.columns);
      model->score(x, memory, numbers);
      if constexpr (requires { model->find_fault(x, 0, memory); }) {
        if (!std::all_of(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); })) {
          print_fault(model->features(), model->find_fault(x, 0, memory));
          continue;
        }
      }
      for (const double number : numbers) fmt::print("{:.17g}\t", number);
      const bool classes = outputs.task == tabscore::task::multiclass;
      fmt::print("{}\n", classes ? tabscore::class_of_row(*model, x, 0, numbers, memory) : std::size_t{0});
      continue;
    }
    double margin[1]{std::nan("")}, probability[1];
    model->margins(x, memory, margin);
    model->score(x, memory, probability);
    if constexpr (requires { model->find_fault(x, 0, memory); }) {
      if (!(probability[0] >= 0 && probability[0] <= 1)) {
        print_fault(model->features(), model->find_fault(x, 0, memory));
        continue;
      }
    }
    fmt::print("{:.17g}\t{:.17g}\n", margin[0], probability[0]);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto file = tabscore::load_model_file(argv[1]);
  if (!file) return fmt::print(stderr, "{}\n", file.error().message), 1;
  if (file->kind == "logistic") return score_rows(tabscore::make_logistic(*file));
  if (file->kind == "pipeline") return score_rows(tabscore::make_pipeline_model(*file));
  return score_rows(tabscore::make_encoded_forest(*file));
}
