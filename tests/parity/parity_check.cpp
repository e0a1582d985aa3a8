// SPDX-License-Identifier: MIT
// parity_check DIR...: scores every model of folders in the parity layout (model.json/.ubj/.txt, inputs.csv,
// expected.csv, meta.json), or of folders of such folders, and compares with the trainer's own numbers. model.json is a
// trainer's file or a model file of tabscore.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tabscore/models/load_catboost.hpp"
#include "tabscore/models/load_lightgbm.hpp"
#include "tabscore/models/load_model.hpp"
#include "tabscore/models/load_sklearn.hpp"
#include "tabscore/models/load_xgboost.hpp"

namespace {

namespace fs = std::filesystem;
using tabscore::forest;

struct table {
  std::vector<std::string> header;
  std::vector<double> cells;  // rows x header.size()
  std::size_t rows() const { return header.empty() ? 0 : cells.size() / header.size(); }
};

double parse_cell(std::string_view cell) {
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (code == std::errc::result_out_of_range) value = std::strtod(std::string(cell).c_str(), nullptr);
  return value;
}

/// What an encoder makes of a category: NaN where it is unknown or missing.
double code_of(const tabscore::category_names& names, std::string_view cell) {
  if (names.empty()) return parse_cell(cell);
  const auto at = [](const auto& list, const auto& name) {
    const auto found = std::find(list.begin(), list.end(), name);
    return found == list.end() || name != name ? std::numeric_limits<double>::quiet_NaN()
                                               : static_cast<double>(found - list.begin());
  };
  return names.texts.empty() ? at(names.numbers, parse_cell(cell)) : at(names.texts, cell);
}

/// `names`: texts that stand for codes, one list per column or none. `texts` gets every cell as it is written.
table read_csv(const fs::path& path, const std::vector<tabscore::category_names>& names = {},
               std::vector<std::string>* texts = nullptr) {
  table out;
  std::ifstream file(path);
  std::string line;
  bool first = true;
  while (std::getline(file, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::size_t begin = 0;
    while (begin <= line.size()) {
      const std::size_t end = std::min(line.find(',', begin), line.size());
      const auto cell = std::string_view(line).substr(begin, end - begin);
      if (first) {
        out.header.emplace_back(cell);
      } else {
        const std::size_t column = out.cells.size() % out.header.size();
        if (texts != nullptr) texts->emplace_back(cell);
        out.cells.push_back(column < names.size() ? code_of(names[column], cell) : parse_cell(cell));
      }
      begin = end + 1;
    }
    first = false;
  }
  return out;
}

std::uint64_t ordered(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}
std::uint32_t ordered(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return (bits >> 31) != 0 ? ~bits : bits | (std::uint32_t{1} << 31);
}

template <class Number>
double ulps(Number a, Number b) {
  if (std::bit_cast<std::array<char, sizeof(Number)>>(a) == std::bit_cast<std::array<char, sizeof(Number)>>(b))
    return 0;
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::infinity();
  const auto x = ordered(a);
  const auto y = ordered(b);
  return static_cast<double>(x > y ? x - y : y - x);
}

struct verdict {
  double raw = 0;  // largest difference, ULP (absolute error / bound for linear models of scikit-learn)
  double out = 0;
  bool good = false;
  std::string note;
};

verdict compare(const forest& f, const table& inputs, const table& expected) {
  verdict v;
  const std::size_t rows = inputs.rows();
  const std::size_t outputs = f.outputs();
  const std::size_t width = f.predictions();
  if (inputs.header.size() != f.features() || expected.rows() != rows) {
    v.note = "inputs.csv does not fit the model";
    return v;
  }
  std::size_t raw_columns = 0;
  for (const auto& name : expected.header) raw_columns += name.starts_with("raw_") ? 1U : 0U;
  // scikit-learn's forests have no margin of their own; LightGBM's (which read tiny numbers as zero) have the sum.
  const bool raw_is_average = !f.model().tiny_is_zero && f.model().output_link.divisor != 1;
  if (raw_columns != (raw_is_average ? width : outputs) || expected.header.size() != raw_columns + width) {
    v.note = "expected.csv does not fit the model";
    return v;
  }
  tabscore::scratch memory;
  std::vector<double> margins(rows * outputs);
  std::vector<double> predictions(rows * width);
  const auto x = tabscore::row_major(inputs.cells.data(), rows, inputs.header.size());
  f.margins(x, margins, memory);
  f.predict(x, predictions, memory);
  std::vector<double> one_by_one(margins.size());
  forest::build(f.model(), "model", tabscore::kernel::reference)->margins(x, one_by_one, memory);
  const auto same = [](double a, double b) { return ulps(a, b) == 0; };
  if (!std::equal(margins.begin(), margins.end(), one_by_one.begin(), same)) {
    v.note = "the kernels disagree";
    return v;
  }
  if (raw_is_average) margins = predictions;

  const auto& m = f.model();
  const bool single = m.sum == tabscore::precision::float32;
  const bool linear = m.sum == tabscore::precision::float64 && !m.linear.empty();
  const auto difference = [&](double a, double b) {
    return single ? ulps(static_cast<float>(a), static_cast<float>(b)) : ulps(a, b);
  };
  for (std::size_t row = 0; row < rows; ++row) {
    const double* want = expected.cells.data() + row * expected.header.size();
    for (std::size_t j = 0; j < raw_columns; ++j) {
      const double have = margins[row * raw_columns + j];
      if (linear) {
        double bound = std::fabs(m.base[j]);
        for (std::size_t c = 0; c < m.features; ++c) bound += std::fabs(x(row, c) * m.linear[c * outputs + j]);
        v.raw = std::max(v.raw, std::fabs(have - want[j]) / (4.0 * static_cast<double>(m.features) * 0x1p-53 * bound));
      } else {
        v.raw = std::max(v.raw, difference(have, want[j]));
      }
    }
    for (std::size_t j = 0; j < width; ++j) {
      const double have = predictions[row * width + j];
      v.out = std::max(
          v.out, linear ? std::fabs(have - want[raw_columns + j]) / 1e-12 : difference(have, want[raw_columns + j]));
    }
  }
  v.good = linear ? v.raw <= 1 && v.out <= 1 : v.raw == 0 && v.out <= (single ? 1 : 4);
  if (linear) v.note = "differences as parts of the allowed error";
  return v;
}

/// The raw values of a CatBoost model as a scorer of their own.
struct raw_values {
  explicit raw_values(tabscore::encoded_forest of) : model(std::move(of)) {
    described.task = tabscore::task::regression;
    described.columns = model.margin_columns();
  }
  const tabscore::feature_names& features() const { return model.features(); }
  double threshold() const { return 0; }
  const tabscore::model_outputs& outputs() const { return described; }
  void score(const tabscore::feature_block& x, tabscore::scratch& memory, std::span<double> out) const {
    model.margins(x, memory, out);
  }

  tabscore::encoded_forest model;
  tabscore::model_outputs described;
};

/// A model file: what it gives each row, where NaN is a row that the trainer refuses. An empty text is an absent one.
/// `single`: the trainer's numbers are of single precision.
verdict compare(const tabscore::any_scorer& model, const fs::path& folder, const table& expected, table& inputs,
                bool single) {
  verdict v;
  std::vector<std::string> cells;
  inputs = read_csv(folder / "inputs.csv", {}, &cells);
  const std::size_t rows = inputs.rows(), columns = inputs.header.size(), width = model.features().numeric.size();
  if (inputs.header != model.features().all() || expected.rows() != rows ||
      expected.header.size() != model.outputs().columns) {
    v.note = "inputs.csv or expected.csv does not fit the model";
    return v;
  }
  std::vector<double> numbers(rows * width);
  std::vector<std::string_view> texts(rows * (columns - width));
  std::vector<const std::string_view*> text;
  for (std::size_t c = 0; c < columns; ++c) {
    if (c >= width) text.push_back(texts.data() + (c - width) * rows);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::string& cell = cells[row * columns + c];
      if (c < width) numbers[c * rows + row] = inputs.cells[row * columns + c];
      if (c >= width && !cell.empty()) texts[(c - width) * rows + row] = cell;
    }
  }
  tabscore::scratch memory;
  const std::size_t outputs = model.outputs().columns;
  std::vector<double> numbers_of_rows(rows * outputs);
  model.score({.rows = rows, .width = width, .numeric = numbers.data(), .stride = rows, .text = text}, memory,
              numbers_of_rows);
  v.good = true;
  const bool chances = model.outputs().task == tabscore::task::binary;
  for (std::size_t i = 0; i < rows * outputs; ++i) {
    const double want = expected.cells[i], have = numbers_of_rows[i];
    const bool fault = chances ? !(have >= 0 && have <= 1) : !std::isfinite(have);
    const double bound = (single ? 1e-6 : 1e-12) * (chances ? 1 : 1 + std::fabs(want));
    const double apart = single ? ulps(static_cast<float>(have), static_cast<float>(want)) : ulps(have, want);
    v.out = std::max(v.out, fault && std::isnan(want) ? 0 : apart);
    v.good = v.good && (std::isnan(want) ? fault : std::fabs(have - want) <= bound);
  }
  return v;
}

/// A CatBoost model gives the bits of the trainer's raw values, and of what predict() or predict_proba() gives up to
/// the exp of this C library.
verdict compare(const tabscore::encoded_forest& model, const fs::path& folder, const table& expected, table& inputs) {
  const std::size_t columns = model.margin_columns();
  if (expected.header.size() != 2 * columns) {
    verdict v;
    v.note = "expected.csv does not fit the model";
    return v;
  }
  table raw, out;
  for (std::size_t c = 0; c < 2 * columns; ++c) (c < columns ? raw : out).header.push_back(expected.header[c]);
  for (std::size_t i = 0; i < expected.cells.size(); ++i) {
    (i % (2 * columns) < columns ? raw : out).cells.push_back(expected.cells[i]);
  }
  verdict v = compare(tabscore::any_scorer(model), folder, out, inputs, false);
  if (!v.good) return v;
  const verdict r = compare(tabscore::any_scorer(raw_values(model)), folder, raw, inputs, false);
  v.raw = r.out;
  v.good = r.good && r.out == 0 && v.out <= 1;
  return v;
}

/// The scorer of the file gives the numbers of predict(): of two classes the probability of the second one, and of
/// multi:softmax the softmax instead of the class. Precondition: no category has a name.
std::string scorer_differs(const forest& f, const table& inputs) {
  const auto model = tabscore::make_encoded_forest(f);
  if (!model) return model.error().message;
  if (f.model().output_link.form == tabscore::link::function::most_likely) return {};
  const std::size_t rows = inputs.rows(), width = f.features(), predicted = f.predictions();
  std::vector<double> numbers(rows * width), predictions(rows * predicted);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i % width * rows + i / width] = inputs.cells[i];
  tabscore::scratch memory;
  f.predict(tabscore::row_major(inputs.cells.data(), rows, width), predictions, memory);
  const std::size_t columns = model->outputs().columns;
  std::vector<double> have(rows * columns);
  model->score({rows, width, numbers.data(), rows, {}}, memory, have);
  for (std::size_t i = 0; i < have.size(); ++i) {
    const double want = predictions[(i / columns + 1) * predicted - columns + i % columns];
    if (ulps(have[i], want) != 0) return fmt::format("the scorer gives {}, the forest {}", have[i], want);
  }
  return {};
}

/// meta.json says `"missing": -999.0` where the trainer was told so and the model file does not hold it.
tabscore::load_options options_of(const fs::path& folder) {
  std::ifstream file(folder / "meta.json");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  constexpr std::string_view key = "\"missing\": ";
  const std::size_t at = text.find(key);
  tabscore::load_options options;
  double missing = 0;
  if (at != text.npos &&
      std::from_chars(text.data() + at + key.size(), text.data() + text.size(), missing).ec == std::errc()) {
    options.missing = missing;
  }
  constexpr std::string_view categories = "\"integer_categories\": \"";
  if (const std::size_t from = text.find(categories); from != text.npos) {
    std::istringstream names(
        text.substr(from + categories.size(), text.find('"', from + categories.size()) - from - categories.size()));
    for (std::string name; names >> name;) options.integer_categories.push_back(name);
  }
  return options;
}

std::string head_of(const fs::path& path) {
  std::ifstream file(path);
  std::string head(256, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head;
}

tabscore::result<forest> load(const fs::path& path) {
  const tabscore::load_options options = options_of(path.parent_path());
  if (path.extension() == ".txt") return tabscore::load_lightgbm(path.string());
  if (path.extension() == ".ubj") return tabscore::load_xgboost(path.string(), options);
  const bool sklearn = head_of(path).find("sklearn-export-1") != std::string::npos;
  return sklearn ? tabscore::load_sklearn(path.string()) : tabscore::load_xgboost(path.string(), options);
}

bool check_folder(const fs::path& folder) {
  const table expected = read_csv(folder / "expected.csv");
  bool all = true;
  std::size_t models = 0;
  const bool text = fs::exists(folder / "model.txt");  // LightGBM's dump beside it is no model file
  for (const char* name : {"model.txt", "model.json", "model.ubj", "model.cbm"}) {
    const fs::path path = folder / name;
    if (!fs::exists(path) || (text && path.extension() != ".txt")) continue;
    ++models;
    verdict v;
    table inputs;
    if (head_of(path).find("tabscore-model") != std::string::npos) {
      const auto read = tabscore::load_model_file(path.string());
      const tabscore::result<tabscore::any_scorer> model =
          read ? tabscore::make_scorer(*read) : tabscore::result<tabscore::any_scorer>(read.error());
      if (model) {
        v = compare(*model, folder, expected, inputs, read->origin.trainer == "XGBoost");
      } else {
        v.note = model.error().message;
      }
    } else if (path.extension() == ".cbm" || fs::exists(folder / "model.cbm")) {
      const auto model = tabscore::load_catboost(path.string(), options_of(folder));
      if (model) {
        v = compare(*model, folder, expected, inputs);
      } else {
        v.note = model.error().message;
      }
    } else if (const auto f = load(path)) {
      inputs = read_csv(folder / "inputs.csv", f->model().categories);
      v = compare(*f, inputs, expected);
      const bool named = std::any_of(f->model().categories.begin(), f->model().categories.end(),
                                     [](const auto& names) { return !names.empty(); });
      if (v.good && !named && f->model().nameless.empty()) {
        if (const std::string differs = scorer_differs(*f, inputs); !differs.empty()) v.note = differs, v.good = false;
      }
    } else {
      v.note = f.error().message;
    }
    fmt::print("{:<44} {:>5} rows  raw {:>8.3g}  out {:>8.3g}  {}{}{}\n", (folder.filename() / name).string(),
               inputs.rows(), v.raw, v.out, v.good ? "ok" : "MISMATCH", v.note.empty() ? "" : "  ", v.note);
    all = all && v.good;
  }
  if (models == 0) fmt::print("{}: no model.json, model.ubj, model.txt or model.cbm\n", folder.string());
  return all && models > 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: parity_check DIR...\n");
    return 2;
  }
  bool all = true;
  std::size_t folders = 0;
  for (int i = 1; i < argc; ++i) {
    std::vector<fs::path> found;
    if (fs::exists(fs::path(argv[i]) / "inputs.csv")) {
      found.emplace_back(argv[i]);
    } else if (fs::is_directory(argv[i])) {
      for (const auto& entry : fs::directory_iterator(argv[i])) {
        if (fs::exists(entry.path() / "inputs.csv")) found.push_back(entry.path());
      }
    }
    std::sort(found.begin(), found.end());
    folders += found.size();
    for (const auto& folder : found) all = check_folder(folder) && all;
  }
  fmt::print("{} folders, {}\n", folders, all && folders > 0 ? "all ok" : "NOT all ok");
  return all && folders > 0 ? 0 : 1;
}
