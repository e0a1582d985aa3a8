// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../drift_reference.hpp"
#include "../monitored_outputs.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE drift_reference::drift_reference() = default;
TABSCORE_INLINE drift_reference::drift_reference(const drift_reference&) = default;
TABSCORE_INLINE drift_reference::drift_reference(drift_reference&&) noexcept = default;
TABSCORE_INLINE drift_reference& drift_reference::operator=(const drift_reference&) = default;
TABSCORE_INLINE drift_reference& drift_reference::operator=(drift_reference&&) noexcept = default;
TABSCORE_INLINE drift_reference::~drift_reference() = default;

TABSCORE_INLINE result<drift_reference> make_drift_reference(const model_file& file) {
  const auto fail = [&](std::string_view what) {
    return error{errc::mismatch, std::string(file.path).append(": drift_baseline: ").append(what)};
  };
  if (!file.baseline || !file.baseline->histograms) return fail("expected histograms, found none");
  const training_histograms& trained = *file.baseline->histograms;
  if (trained.numeric.size() != file.features.numeric.size() || trained.text.size() != file.features.text.size() ||
      file.encoder.text.size() != file.features.text.size()) {
    return fail("expected a histogram of each feature");
  }
  const auto fits = [](const binned_rows& rows) {
    return !binner::wrong(rows.edges) && rows.counts.size() + 1 == rows.edges.size();
  };
  if (!std::all_of(trained.numeric.begin(), trained.numeric.end(), fits) ||
      !std::all_of(trained.outputs.begin(), trained.outputs.end(), fits)) {
    return fail("expected 2 to 21 ascending edges of single precision and a count of each bin");
  }
  const bool binary = file.outputs.task == task::binary;
  const std::size_t outputs = binary ? 1 : summed_outputs(file.outputs);
  if (trained.outputs.size() != outputs) return fail("expected a histogram of each number of a prediction");
  const bool classes = file.outputs.task == task::multiclass;
  if (trained.classes.size() != (classes ? file.outputs.classes.size() : 0))
    return fail("expected a count of each class");
  for (std::size_t f = 0; f < trained.text.size(); ++f) {
    if (trained.text[f].counts.size() != file.encoder.text[f].size()) return fail("expected a count of each category");
  }
  drift_reference r;
  r.model = file.name;
  r.text = file.encoder.text;
  r.baseline = *file.baseline;
  r.outputs = outputs;
  if (classes) r.classes = file.outputs.classes;
  const auto begin = [&](std::string_view name, monitored_kind kind, std::size_t cells) {
    r.features.push_back({std::string(name), kind, r.training.size(), cells});
    r.training.resize(r.training.size() + cells);
    return r.training.end() - static_cast<std::ptrdiff_t>(cells);
  };
  const auto number = [&](std::string_view name, monitored_kind kind, const binned_rows& rows) {
    const binner& bins = r.bins.emplace_back(rows.edges);
    r.edges.push_back(rows.edges);
    auto cell = begin(name, kind, bins.cells());
    *std::copy(rows.counts.begin(), rows.counts.end(), cell + 1) = 0;
    r.training.back() = rows.missing;
  };
  for (std::size_t j = 0; j < trained.numeric.size(); ++j) {
    number(file.features.numeric[j], monitored_kind::numeric, trained.numeric[j]);
  }
  std::size_t text_cells = 0;
  for (std::size_t f = 0; f < r.text.size(); ++f) {
    auto cell = begin(file.features.text[f], monitored_kind::text, r.text[f].size() + 2);
    text_cells += r.text[f].size() + 2;
    for (std::size_t i = 0; i < r.text[f].size(); ++i) {
      (r.text[f].categories()[i] ? *cell++ : (*cell++ = 0, r.training.back())) = trained.text[f].counts[i];
    }
    *(r.training.end() - 2) = trained.text[f].unseen;
    r.training.back() += trained.text[f].missing;
  }
  if (text_cells > max_text_cells) {
    return fail(std::string("expected at most ") + std::to_string(max_text_cells) + " cells of text fields, found " +
                std::to_string(text_cells));
  }
  if (binary) {
    number("probability", monitored_kind::probability, trained.outputs[0]);
    return r;
  }
  const auto unused = [&](std::string name) {  // by a feature
    while (std::any_of(r.features.begin(), r.features.end(), [&](const monitored& m) { return m.name == name; })) {
      name.append("_");
    }
    return name;
  };
  for (std::size_t k = 0; k < outputs; ++k) {
    std::string name = "prediction";
    if (outputs > 1) name.append(" ").append(file.outputs.names.empty() ? std::to_string(k) : file.outputs.names[k]);
    number(unused(std::move(name)), monitored_kind::output, trained.outputs[k]);
  }
  if (classes) {
    const auto cell = begin(unused("class"), monitored_kind::classes, r.classes.size() + 2);
    std::copy(trained.classes.begin(), trained.classes.end(), cell);
  }
  return r;
}

}  // namespace tabscore::inline TABSCORE_ABI
