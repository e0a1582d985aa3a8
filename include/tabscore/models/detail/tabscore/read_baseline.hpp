// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../../features/baseline.hpp"
#include "../../../outputs/task.hpp"
#include "../../model_file.hpp"

// The member "drift_baseline" of a model file whose features have been read.
namespace tabscore::inline TABSCORE_ABI::detail {

inline std::vector<std::uint64_t> read_counts(const json_node& node, std::size_t count) {
  std::vector<std::uint64_t> all;
  node.each([&](const json_node& n) { all.push_back(n.count()); });
  if (node.ok() && all.size() != count) {
    node.fail(errc::structure, fmt::format("expected {} counts, found {}", count, all.size()));
  }
  return all;
}

inline binned_rows read_bins(const json_node& node) {
  binned_rows rows;
  node["edges"].each([&](const json_node& edge) {
    const double x = edge.number();
    if (static_cast<double>(static_cast<float>(x)) != x) edge.expected("a single precision number");
    if (!rows.edges.empty() && !(x > rows.edges.back())) edge.expected("a number greater than the one before");
    rows.edges.push_back(x);
  });
  if (node.ok() && (rows.edges.size() < 2 || rows.edges.size() > training_histograms::max_bins + 1)) {
    node["edges"].fail(errc::structure, fmt::format("expected 2 to {} edges, found {}",
                                                    training_histograms::max_bins + 1, rows.edges.size()));
  }
  if (node.ok()) rows.counts = read_counts(node["counts"], rows.edges.size() - 1);
  rows.missing = node["missing"].count();
  return rows;
}

/// The histograms of `rows` training rows.
inline training_histograms read_histograms(const json_node& node, const model_file& file, std::uint64_t rows) {
  training_histograms all;
  const model_outputs& given = file.outputs;
  const bool two_classes = given.task == task::binary, classes = given.task == task::multiclass;
  if (two_classes) {
    node.members({"numeric", "text", "probability"});
  } else if (classes) {
    node.members({"numeric", "text", "outputs", "classes"});
  } else {
    node.members({"numeric", "text", "outputs"});
  }
  if (!node.ok()) return all;
  const auto complete = [&](const json_node& n, std::uint64_t counted) {
    if (counted != rows) {
      n.fail(errc::structure,
             fmt::format("expected counts of {} rows as in training_sample_size, found {}", rows, counted));
    }
  };
  const auto named = [&](const json_node& n, const std::vector<std::string>& names, std::size_t at) {
    if (at >= names.size()) n.fail(errc::structure, "expected no entry beyond the features");
    if (n.ok() && n["name"].text() != names[at]) n["name"].expected(fmt::format("\"{}\", as in features", names[at]));
    return n.ok();
  };
  const auto one_each = [&](std::string_view member, std::size_t wanted, std::size_t found) {
    if (node.ok() && found != wanted) {
      node[member].fail(errc::structure, fmt::format("expected {} entries, one per feature, found {}", wanted, found));
    }
  };
  node["numeric"].each([&](const json_node& feature) {
    feature.members({"name", "edges", "counts", "missing"});
    if (!feature.ok() || !named(feature, file.features.numeric, all.numeric.size())) return;
    all.numeric.push_back(read_bins(feature));
    if (feature.ok()) complete(feature["counts"], all.numeric.back().rows());
  });
  one_each("numeric", file.features.numeric.size(), all.numeric.size());
  node["text"].each([&](const json_node& feature) {
    feature.members({"name", "counts", "unseen"}, {"missing"});
    const std::size_t at = all.text.size();
    if (!feature.ok() || !named(feature, file.features.text, at)) return;
    all.text.push_back({read_counts(feature["counts"], file.encoder.text[at].size()), feature["unseen"].count(),
                        feature.has("missing") ? feature["missing"].count() : 0});
    if (feature.ok()) complete(feature["counts"], all.text.back().rows());
  });
  one_each("text", file.features.text.size(), all.text.size());
  if (!node.ok()) return all;
  const auto read_predicted = [&](const json_node& predicted) {
    predicted.members({"edges", "counts", "missing"});
    if (!node.ok()) return;
    all.outputs.push_back(read_bins(predicted));
    if (node.ok()) complete(predicted["counts"], all.outputs.back().rows());
  };
  if (two_classes) {
    read_predicted(node["probability"]);
    return all;
  }
  node["outputs"].each(read_predicted);
  const std::size_t wanted = classes ? 1 : given.columns;
  if (node.ok() && all.outputs.size() != wanted) {
    node["outputs"].fail(errc::structure, fmt::format("expected {} entries, found {}", wanted, all.outputs.size()));
  }
  if (classes && node.ok()) {
    all.classes = read_counts(node["classes"], given.columns);
    std::uint64_t counted = 0;
    for (const std::uint64_t n : all.classes) counted += n;
    if (node.ok()) complete(node["classes"], counted);
  }
  return all;
}

inline drift_baseline read_baseline(const json_node& node, const model_file& file) {
  const std::vector<std::string>& names = file.features.numeric;
  drift_baseline baseline;
  const model_outputs& given = file.outputs;
  if (given.task == task::binary) {
    node.members({"numeric", "training_positive_rate", "training_sample_size"}, {"histograms"});
  } else if (given.task == task::multiclass) {
    node.members({"numeric", "class_rates", "training_sample_size"}, {"histograms"});
  } else {
    node.members({"numeric", "outputs", "training_sample_size"}, {"histograms"});
  }
  if (!node.ok()) return baseline;
  const auto read_feature = [](const json_node& feature) {
    feature.members({"name", "mean", "std"});
    if (!feature.ok()) return drift_baseline::feature();
    drift_baseline::feature entry{feature["name"].text(), feature["mean"].number(), feature["std"].number()};
    if (!(entry.std >= 0)) feature["std"].expected("a number from 0");
    return entry;
  };
  node["numeric"].each([&](const json_node& feature) {
    const std::size_t at = baseline.numeric.size();
    drift_baseline::feature entry = read_feature(feature);
    if (!feature.ok()) return;
    if (at >= names.size()) return feature.fail(errc::structure, "expected no entry beyond the numeric features");
    if (entry.name != names[at]) feature["name"].expected(fmt::format("\"{}\", as in features.numeric", names[at]));
    baseline.numeric.push_back(std::move(entry));
  });
  if (node.ok() && baseline.numeric.size() != names.size()) {
    node["numeric"].fail(errc::structure, fmt::format("expected {} entries, one per numeric feature, found {}",
                                                      names.size(), baseline.numeric.size()));
  }
  if (given.task == task::binary) {
    baseline.training_positive_rate = node["training_positive_rate"].number(0, 1);
  } else if (given.task == task::multiclass) {
    baseline.class_rates = node["class_rates"].numbers(given.columns, 0, 1);
    double sum = 0;
    for (const double rate : baseline.class_rates) sum += rate;
    if (node.ok() && !(std::abs(sum - 1) <= 1e-3)) {  // digits may have been cut off
      node["class_rates"].fail(errc::structure,
                               fmt::format("expected shares that add up to 1, found {} together", sum));
    }
  } else {
    node["outputs"].each([&](const json_node& output) { baseline.outputs.push_back(read_feature(output)); });
    if (node.ok() && baseline.outputs.size() != given.columns) {
      node["outputs"].fail(errc::structure,
                           fmt::format("expected {} entries, one per number that the model gives, found {}",
                                       given.columns, baseline.outputs.size()));
    }
  }
  baseline.training_sample_size = node["training_sample_size"].count();
  if (node.has("histograms")) {
    baseline.histograms = read_histograms(node["histograms"], file, baseline.training_sample_size);
  }
  return baseline;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
