// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../../core/result.hpp"
#include "../../../outputs/check_outputs.hpp"
#include "../../../outputs/task.hpp"
#include "../../load_tabscore.hpp"
#include "../../logistic.hpp"
#include "../../model_file.hpp"
#include "../../verify.hpp"
#include "../recognise.hpp"
#include "../training_mean.hpp"
#include "read_baseline.hpp"
#include "read_classes.hpp"
#include "read_program.hpp"
#include "read_raw_checks.hpp"
#include "read_trees.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

inline provenance read_provenance(const json_node& node) {
  provenance origin;
  node.members({"trainer", "exporter", "date", "training_data"}, {"split", "metrics"});
  if (!node.ok()) return origin;
  const json_node trainer = node["trainer"];
  trainer.members({"name", "version"});
  const json_node data = node["training_data"];
  data.members({"file", "sha256", "rows"});
  if (!node.ok()) return origin;
  origin.trainer = trainer["name"].name();
  origin.trainer_version = trainer["version"].name();
  origin.exporter = node["exporter"].name();
  origin.date = node["date"].name();
  origin.data_file = data["file"].name();
  origin.data_sha256 = data["sha256"].text();
  if (origin.data_sha256.size() != 64 ||
      origin.data_sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    data["sha256"].expected("64 hexadecimal digits in lower case");
  }
  origin.data_rows = data["rows"].count();
  if (node.has("split")) {
    const json_node split = node["split"];
    split.members({"training_rows", "holdout_rows", "seed", "stratified"});
    if (!node.ok()) return origin;
    origin.split = {split["training_rows"].count(), split["holdout_rows"].count(), split["seed"].count(),
                    split["stratified"].boolean()};
  }
  if (node.has("metrics")) {
    node["metrics"].each_member(
        [&](std::string_view name, const json_node& value) { origin.metrics.emplace_back(name, value.number()); });
  }
  return origin;
}

/// One step of "steps": an object of one member, {"clip": [0.0, 10.0]}.
inline numeric_step read_step(const json_node& node) {
  numeric_step step;
  std::size_t found = 0;
  const auto two = [](const json_node& pair, auto make) {
    const std::vector<double> numbers = pair.numbers(2);
    return pair.ok() ? numeric_step(make(numbers[0], numbers[1])) : numeric_step();
  };
  node.each_member([&](std::string_view name, const json_node& value) {
    ++found;
    if (name == "impute") {
      step = impute{value.number()};
    } else if (name == "clip") {
      step = two(value, [](double low, double high) { return clip{low, high}; });
    } else if (name == "standardize") {
      step = two(value, [](double mean, double scale) { return standardize{mean, scale}; });
    } else if (name == "rescale") {
      step = two(value, [](double scale, double offset) { return rescale{scale, offset}; });
    } else if (name == "log" || name == "log1p") {
      value.members({});
      step = name == "log" ? numeric_step(logarithm{}) : numeric_step(logarithm1p{});
    } else {
      value.fail(errc::unsupported, "unknown step; known are impute, clip, standardize, rescale, log, log1p");
    }
  });
  if (node.ok() && found != 1) node.fail(errc::structure, fmt::format("expected one step, found {}", found));
  return step;
}

inline void read_class_names(const json_node& node, model_outputs& out) {
  if (node.ok() && !read_classes(node.element(), out)) {
    node.fail(errc::structure, "expected a list of texts, of numbers or of booleans");
  }
}

/// The member "outputs"; without it a model is of two classes. Columns that it does not count are 0.
inline model_outputs read_outputs(const json_node& node) {
  model_outputs out;
  if (!node.has("task")) return node.members({"task"}), out;
  const std::string predicted = node["task"].text();
  if (predicted == "multiclass") {
    node.members({"task", "classes"}, {"probabilities"});
    if (!node.ok()) return out;
    out.task = task::multiclass;
    read_class_names(node["classes"], out);
    out.columns = out.classes.size();
    if (node.has("probabilities")) out.probabilities = node["probabilities"].boolean();
  } else if (predicted == "regression") {
    node.members({"task"}, {"names"});
    out.task = task::regression;
    out.columns = 0;
    if (node.has("names")) {
      node["names"].each([&](const json_node& name) { out.names.push_back(name.name()); });
      out.columns = out.names.size();
    }
  } else if (predicted == "quantiles") {
    node.members({"task", "levels"});
    if (!node.ok()) return out;
    out.task = task::quantiles;
    node["levels"].each([&](const json_node& level) { out.names.push_back(fmt::format("{}", level.number())); });
    out.columns = out.names.size();
  } else if (predicted == "score" || predicted == "anomaly") {
    node.members({"task"});
    out.task = predicted == "score" ? task::score : task::anomaly;
  } else {
    node["task"].fail(errc::unsupported,
                      fmt::format("expected \"multiclass\", \"regression\", \"quantiles\", \"score\" or \"anomaly\", "
                                  "found \"{}\"",
                                  predicted));
  }
  return out;
}

/// Of a program the features have names only: its steps say what becomes of them.
inline void read_features(const json_node& node, model_file& file) {
  const bool is_program = file.kind == "pipeline";
  node.members({"numeric", "text"});
  if (!node.ok()) return;
  node["numeric"].each([&](const json_node& feature) {
    if (is_program) {
      feature.members({"name"});
      if (!feature.ok()) return;
      file.features.numeric.push_back(feature["name"].name());
      file.encoder.numeric.emplace_back();
      return;
    }
    feature.members({"name", "mean", "scale"}, {"steps"});
    if (!feature.ok()) return;
    file.features.numeric.push_back(feature["name"].name());
    const standardize scaler{feature["mean"].number(), feature["scale"].number()};
    if (!(scaler.scale > 0)) feature["scale"].expected("a number greater than 0");
    file.encoder.numeric.push_back(scaler);
    if (!feature.has("steps")) return;
    std::vector<numeric_step> steps;
    feature["steps"].each([&](const json_node& step) { steps.push_back(read_step(step)); });
    file.encoder.before.resize(file.encoder.numeric.size());
    file.encoder.before.back() = std::move(steps);
  });
  node["text"].each([&](const json_node& feature) {
    if (is_program) {
      feature.members({"name"}, {"categories"});
    } else {
      feature.members({"name", "categories"}, {"imputed", "ordinal"});
    }
    if (!feature.ok()) return;
    file.features.text.push_back(feature["name"].name());
    if (!feature.has("categories")) return file.encoder.text.emplace_back(), void();
    std::vector<std::optional<std::string>> categories;
    feature["categories"].each([&](const json_node& category) {
      categories.push_back(category.is_null() ? std::optional<std::string>() : category.text());
    });
    std::vector<std::string_view> texts;
    for (const auto& category : categories) {
      if (category) texts.push_back(*category);
    }
    if (texts.size() + 1 < categories.size()) {
      feature["categories"].fail(errc::structure, "the category null appears twice");
    }
    if (const auto twice = repeated(std::move(texts))) {
      feature["categories"].fail(errc::structure, fmt::format("the category \"{}\" appears twice", *twice));
    }
    std::optional<std::string> imputed;
    if (feature.has("imputed")) {
      imputed = feature["imputed"].text();
      if (std::find(categories.begin(), categories.end(), imputed) == categories.end())
        feature["imputed"].expected("a category");
    }
    if (feature.has("ordinal")) {
      feature["ordinal"].members({"unknown"});
      file.encoder.ordinal.resize(file.encoder.text.size() + 1);
      file.encoder.ordinal.back() = feature["ordinal"]["unknown"].number_or_null();
    }
    if (feature.ok()) file.encoder.text.emplace_back(std::move(categories), imputed);
  });
  std::vector<std::string_view> names(file.features.numeric.begin(), file.features.numeric.end());
  names.insert(names.end(), file.features.text.begin(), file.features.text.end());
  if (names.empty()) node.fail(errc::structure, "expected at least one feature, found none");
  if (const auto twice = repeated(std::move(names))) {
    node.fail(errc::structure, fmt::format("the feature \"{}\" appears twice", *twice));
  }
}

inline logistic_parameters read_logistic(const json_node& node, const encoder& encoder) {
  logistic_parameters learnt;
  node.members({"numeric_coefficients", "text_coefficients", "intercept"});
  if (!node.ok()) return learnt;
  learnt.numeric = node["numeric_coefficients"].numbers(encoder.numeric.size());
  const auto one_per_field = fmt::format("expected {} lists of numbers, one per text field", encoder.text.size());
  node["text_coefficients"].each([&](const json_node& field) {
    const std::size_t f = learnt.text.size();
    if (f == encoder.text.size()) return field.fail(errc::structure, one_per_field);
    learnt.text.push_back(field.numbers(encoder.text_width(f)));
  });
  if (learnt.text.size() < encoder.text.size()) node["text_coefficients"].fail(errc::structure, one_per_field);
  learnt.intercept = node["intercept"].number();
  return learnt;
}

inline std::vector<check> read_checks(const json_node& node, const model_file& file, std::size_t margins) {
  const encoder& encoder = file.encoder;
  const model_outputs& given = file.outputs;
  const bool two_classes = given.task == task::binary, classes = given.task == task::multiclass;
  std::vector<check> checks;
  node.each([&](const json_node& row) {
    if (two_classes && margins != 0) {
      row.members({"numeric", "text", "margin", "probability"});
    } else if (two_classes) {
      row.members({"numeric", "text", "probability"});
    } else if (classes) {
      row.members({"numeric", "text", "outputs", "class"}, {"margins"});
    } else {
      row.members({"numeric", "text", "outputs"}, {"margins"});
    }
    if (!row.ok()) return;
    check entry;
    entry.numeric = row["numeric"].numbers_or_null(encoder.numeric.size());
    if (two_classes) {
      if (margins != 0) entry.margins = {row["margin"].number()};
      entry.outputs = {row["probability"].number(0, 1)};
    } else {
      if (row.has("margins")) entry.margins = row["margins"].numbers(margins);
      const bool shares = classes && given.probabilities;
      entry.outputs = shares ? row["outputs"].numbers(given.columns, 0, 1) : row["outputs"].numbers(given.columns);
      if (classes) entry.class_at = static_cast<std::size_t>(row["class"].count());
      if (row.ok() && entry.class_at >= given.columns)
        row["class"].expected(fmt::format("a column below {}", given.columns));
    }
    row["text"].each([&](const json_node& text) {
      entry.text.push_back(text.is_null() ? std::optional<std::string>() : text.text());
    });
    if (entry.text.size() != encoder.text.size()) {
      row["text"].fail(errc::structure,
                       fmt::format("expected {} texts, found {}", encoder.text.size(), entry.text.size()));
    }
    checks.push_back(std::move(entry));
  });
  if (checks.empty()) node.fail(errc::structure, "expected at least one check, found none");
  return checks;
}

inline model_file read_model_file(const json_node& root, std::string_view name, std::size_t bytes) {
  model_file file;
  file.path = name;
  // Another format or version is said to be that, before its members are called unknown.
  if (root.has("format") && root["format"].text() != "tabscore-model") root["format"].expected("\"tabscore-model\"");
  if (root.has("version") && root["version"].count() != 1 && root.ok()) {
    root["version"].fail(errc::unsupported, fmt::format("expected 1, the version that this reader knows, found {}",
                                                        root["version"].count()));
  }
  if (!root.has("outputs")) {
    root.members({"format", "version", "name", "kind", "provenance", "features", "model", "threshold", "checks"},
                 {"classes", "outputs", "raw_checks", "drift_baseline"});
  } else {
    root.members({"format", "version", "name", "kind", "provenance", "outputs", "features", "model", "checks"},
                 {"threshold", "raw_checks", "drift_baseline"});
    if (root.ok()) file.outputs = read_outputs(root["outputs"]);
    if (root.ok() && file.outputs.task == task::anomaly) {
      root.members(
          {"format", "version", "name", "kind", "provenance", "outputs", "features", "model", "checks", "threshold"},
          {"raw_checks", "drift_baseline"});
    }
  }
  if (!root.ok()) return file;
  file.name = root["name"].name();
  file.origin = read_provenance(root["provenance"]);
  if (root.has("classes")) {
    read_class_names(root["classes"], file.outputs);
    if (const auto wrong = check_outputs(file.outputs)) root["classes"].fail(wrong->code, wrong->message);
  }
  const std::string& kind = file.kind = root["kind"].text();
  read_features(root["features"], file);
  if (!root.ok()) return file;
  std::size_t margins = 1;
  if (file.outputs.task != task::binary && kind != "pipeline") {
    root["outputs"].fail(errc::structure, fmt::format("expected kind \"pipeline\" beside it, found \"{}\"", kind));
  } else if (kind == "logistic") {
    file.model = read_logistic(root["model"], file.encoder);
  } else if (is_tree_kind(kind)) {
    forest_model trees = read_trees(root["model"], kind);
    file.rounds = trees.rounds;
    file.model = std::move(trees);
  } else if (kind == "pipeline") {
    const bool two_classes = file.outputs.task == task::binary;
    auto program = program_reader(root["model"], file.features.numeric.size(), file.features.text.size(), bytes,
                                  two_classes ? nullptr : &file.outputs)
                       .read();
    if (program) {
      margins = program->margins.size();
      file.outputs.columns = program->outputs.size();
    }
    file.model = std::move(program);
  } else {
    root["kind"].fail(
        errc::unsupported,
        fmt::format("expected \"logistic\", \"xgboost\", \"lightgbm\", \"sklearn\" or \"pipeline\", found \"{}\"",
                    kind));
  }
  if (root.has("outputs")) {
    if (const auto wrong = check_outputs(file.outputs)) root["outputs"].fail(wrong->code, wrong->message);
    if (file.outputs.task != task::anomaly && root.has("threshold")) {
      root["threshold"].fail(errc::structure,
                             "a threshold is for models of two classes and of anomalies; leave it out");
    }
    if (root.has("threshold")) file.threshold = root["threshold"].number();
  } else {
    file.threshold = root["threshold"].number(0, 1);
  }
  if (root.has("drift_baseline")) file.baseline = read_baseline(root["drift_baseline"], file);
  if (root.has("raw_checks")) file.features.raw = read_raw_checks(root["raw_checks"], file);
  file.checks = read_checks(root["checks"], file, margins);
  return file;
}

}  // namespace detail

TABSCORE_INLINE result<model_file> parse_model_file(std::string_view bytes, std::string_view name) {
  const auto fail = [&](errc code, std::string_view what) {
    return detail::refused_file({code, fmt::format("{}: {}", name, what)}, bytes, name, detail::model_format::tabscore);
  };
  if (bytes.size() > max_model_file_bytes) {
    return fail(errc::unsupported, fmt::format("expected at most {} bytes", max_model_file_bytes));
  }
  if (bytes.empty()) return fail(errc::syntax, "expected a JSON document, found nothing");
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto code = parser.parse(bytes.data(), bytes.size()).get(root)) {
    return fail(errc::syntax,
                fmt::format("expected a JSON document with finite numbers: {}", simdjson::error_message(code)));
  }
  detail::json_reading reading{std::string(name), std::nullopt};
  model_file file = detail::read_model_file(detail::json_node(root, reading), name, bytes.size());
  if (reading.failure) {
    return detail::refused_file(*std::move(reading.failure), bytes, name, detail::model_format::tabscore);
  }
  return file;
}

TABSCORE_INLINE result<std::string> read_model_bytes(const std::string& path) {
  const auto fail = [&](std::string_view what) {
    return error{errc::io, fmt::format("{}: expected a model file: {}", path, what)};
  };
  if (path.empty()) return error{errc::io, "the path of the model file is empty"};
  if (path.find('\0') != path.npos) return error{errc::io, "the path of the model file has a NUL character"};
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return fail("it is a folder; load_model() finds the model in one");
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    return fail("it is not a regular file");  // a pipe that nobody writes to has no end
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(std::generic_category().message(errno));
  std::string bytes;
  std::vector<char> chunk(1 << 16);
  while (bytes.size() <= max_model_file_bytes) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    bytes.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    if (!in) break;
  }
  if (in.bad()) return fail("it cannot be read");
  return bytes;
}

TABSCORE_INLINE result<model_file> load_model_file(const std::string& path) {
  const result<std::string> bytes = read_model_bytes(path);
  if (!bytes) return bytes.error();
  return parse_model_file(*bytes, path);
}

TABSCORE_INLINE result<logistic> make_logistic(const model_file& file) {
  const auto* const learnt = std::get_if<logistic_parameters>(&file.model);
  if (learnt == nullptr) {
    return error{errc::mismatch, fmt::format("{}: kind: expected \"logistic\", found \"{}\"", file.path, file.kind)};
  }
  auto model = logistic::make(file.features, file.encoder, *learnt, file.threshold);
  if (!model) return error{model.error().code, fmt::format("{}: {}", file.path, model.error().message)};
  if (auto e = verify(*model, file.checks, file.path)) return *std::move(e);
  if (file.baseline) {
    model->explain_against(detail::terms_at_training_mean(*model, *file.baseline, file.encoder, 1));
  }
  return model;
}

TABSCORE_INLINE result<logistic> load_logistic(const std::string& path) {
  const result<model_file> file = load_model_file(path);
  if (!file) return file.error();
  return make_logistic(*file);
}

}  // namespace tabscore::inline TABSCORE_ABI
