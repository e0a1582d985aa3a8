// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../files/read_file.hpp"

// The model in a folder that MLflow or Spark wrote, or that KServe or Triton serve.
namespace tabscore::inline TABSCORE_ABI::detail {

/// What the file MLmodel says of a flavour: its members are the lines below it that are indented further.
struct mlflow_flavor {
  std::string name;
  std::string data;  ///< the file or folder of the model; empty where there is none
};

/// The flavours of an MLmodel file, which is YAML as MLflow writes it: a member a line.
inline std::vector<mlflow_flavor> mlflow_flavors(std::string_view text) {
  std::vector<mlflow_flavor> found;
  bool inside = false;
  std::size_t depth = 0;  // of the names of flavours
  while (!text.empty()) {
    const std::size_t end = (std::min)(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix((std::min)(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    const std::size_t indent = (std::min)(line.find_first_not_of(' '), line.size());
    line.remove_prefix(indent);
    if (line.empty() || line.front() == '#') continue;
    if (indent == 0) {
      inside = line == "flavors:";
      depth = 0;
      continue;
    }
    if (!inside) continue;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    if (depth == 0) depth = indent;
    if (indent <= depth) {
      found.push_back({std::string(line.substr(0, colon)), {}});
    } else if (line.substr(0, colon) == "data" && found.back().data.empty()) {
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      if (value.size() > 1 && (value.front() == '\'' || value.front() == '"') && value.back() == value.front()) {
        value = value.substr(1, value.size() - 2);
      }
      if (value != "null") found.back().data = value;
    }
  }
  return found;
}

/// The names in a folder, sorted; those of folders end with a slash.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    std::string name = at->path().filename().string();
    std::error_code unknown;
    if (at->is_directory(unknown)) name += '/';
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline error no_model_in(const std::filesystem::path& folder, std::string_view sentence) {
  return {errc::io, fmt::format("{}: {}", folder.string(), sentence)};
}

/// Whether a file of this name may be a model, by the names that MLflow, KServe and Triton give.
inline bool is_model_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return false;
  const std::string_view stem = name.substr(0, dot), kind = name.substr(dot + 1);
  if (kind == "bst" || kind == "ubj" || kind == "xgb" || kind == "lgb" || kind == "cbm" || kind == "cb") return true;
  return (kind == "json" || kind == "txt") && (stem == "model" || stem == "xgboost" || stem == "lightgbm");
}
inline bool is_pickle_name(std::string_view name) {
  return name.ends_with(".pkl") || name.ends_with(".pickle") || name.ends_with(".joblib") || name.ends_with(".skops") ||
         name.ends_with(".statsmodels");
}

/// What to do with a model that only Python reads.
inline constexpr std::string_view python_only =
    "which only Python reads; load it there and save the booster alone (booster.save_model(\"model.json\"), "
    "model.booster_.save_model(\"model.txt\")), or export the model with models/export_sklearn.py, "
    "models/export_additive.py or models/export_statsmodels.py";

inline result<std::filesystem::path> find_mlflow_model(const std::filesystem::path& folder) {
  const auto text = files::read_file((folder / "MLmodel").string(), std::size_t{1} << 20);
  if (!text) return text.error();
  const std::vector<mlflow_flavor> flavors = mlflow_flavors(*text);
  std::vector<std::string> names;
  for (const mlflow_flavor& flavor : flavors) {
    names.push_back(flavor.name);
    if (flavor.name != "xgboost" && flavor.name != "lightgbm" && flavor.name != "catboost") continue;
    const std::filesystem::path data = flavor.data;
    const bool leaves = data.is_absolute() || std::find(data.begin(), data.end(), "..") != data.end();
    if (data.empty() || leaves) {
      return no_model_in(folder / "MLmodel", fmt::format("flavors.{}.data: expected a file of the folder, found \"{}\"",
                                                         flavor.name, flavor.data));
    }
    if (is_pickle_name(flavor.data)) {
      return no_model_in(
          folder, fmt::format("the MLflow model of the flavour {} is {}, {}", flavor.name, flavor.data, python_only));
    }
    return folder / data;
  }
  if (names.empty()) return no_model_in(folder / "MLmodel", "expected the member flavors with at least one flavour");
  return no_model_in(
      folder, fmt::format("this is an MLflow model of the flavours {}, {}", fmt::join(names, ", "), python_only));
}

/// The model file at a path: the file itself, or the one in a folder.
inline result<std::string> find_model(const std::string& path, bool within = false) {
  std::error_code unknown;
  const std::filesystem::path folder(path);
  if (!std::filesystem::is_directory(folder, unknown)) return path;
  if (std::filesystem::exists(folder / "MLmodel", unknown)) {
    const auto data = find_mlflow_model(folder);
    if (!data) return data.error();
    if (!std::filesystem::is_directory(*data, unknown) || within) return data->string();
    return find_model(data->string(), true);
  }
  const std::vector<std::string> names = names_in(folder);
  const auto holds = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  std::vector<std::string> models, pickles, parts;
  std::string newest;  // of Triton's numbered versions
  for (const std::string& name : names) {
    if (is_model_name(name)) models.push_back(name);
    if (is_pickle_name(name)) pickles.push_back(name);
    if (name.starts_with("part-") && name.back() != '/') parts.push_back(name);
    const bool number = name.size() > 1 && name.back() == '/' && name.front() != '0' &&
                        name.find_first_not_of("0123456789") == name.size() - 1;
    if (number && (name.size() > newest.size() || (name.size() == newest.size() && name > newest))) newest = name;
  }
  if (models.empty() && holds("metadata/") && holds("model/") && !within) {
    return find_model((folder / "model").string(), true);
  }
  if (models.empty() && holds("_SUCCESS") && parts.size() == 1) return (folder / parts.front()).string();
  if (models.size() == 1) return (folder / models.front()).string();
  if (models.size() > 1) {
    return no_model_in(folder, fmt::format("the folder holds several models, {}; name one", fmt::join(models, ", ")));
  }
  if (!newest.empty() && !within) return find_model((folder / newest.substr(0, newest.size() - 1)).string(), true);
  if (!pickles.empty()) {
    return no_model_in(folder, fmt::format("the folder holds {}, {}", fmt::join(pickles, ", "), python_only));
  }
  constexpr std::size_t shown = 8;
  const std::size_t count = (std::min)(names.size(), shown);
  const std::string found =
      names.empty()
          ? std::string("nothing")
          : fmt::format("{}{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count), ", "),
                        names.size() > shown ? ", ..." : "");
  return no_model_in(folder, fmt::format("expected a folder with MLmodel, with a model such as model.json, model.bst, "
                                         "model.txt or model.cbm, or with numbered versions of one, found {}",
                                         found));
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
