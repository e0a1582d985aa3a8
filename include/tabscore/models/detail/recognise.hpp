// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "../../core/config.hpp"
#include "../../core/result.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The formats that there is a loader for.
enum class model_format : std::uint8_t { xgboost, lightgbm, sklearn, tabscore, catboost };

/// Which loader reads what, and who writes that.
inline std::string_view loader_of(model_format format) noexcept {
  switch (format) {
    case model_format::xgboost:
      return "load_xgboost reads what XGBoost's booster.save_model(\"model.json\") writes";
    case model_format::lightgbm:
      return "load_lightgbm reads what LightGBM's booster.save_model(\"model.txt\") writes";
    case model_format::sklearn:
      return "load_sklearn reads what models/export_sklearn_trees.py writes";
    case model_format::catboost:
      return "load_catboost reads what CatBoost's model.save_model(\"model.cbm\") writes";
    case model_format::tabscore:
      break;
  }
  return "load_model_file reads what models/export_sklearn.py writes";
}

/// What a file is, for a sentence, and what to do about it.
struct recognised {
  std::string what;
  std::string advice;
  std::optional<model_format> format;  ///< when a loader takes it as it is
};

/// By its first bytes, or by words that only such files have. `wanted` is the loader that it was given to.
inline std::optional<recognised> recognise(std::string_view bytes, model_format wanted) {
  const auto begins = [&](std::string_view prefix) { return bytes.starts_with(prefix); };
  const auto has = [&](std::string_view word) { return bytes.find(word) != bytes.npos; };
  const auto early = [&](std::string_view word) { return bytes.substr(0, 4096).find(word) != bytes.npos; };
  const auto foreign = [&](std::string_view what) {
    return recognised{std::string(what), std::string(loader_of(wanted)), {}};
  };
  const auto step = [&](std::string_view what, std::string_view advice) {
    return recognised{std::string(what), std::string(advice), {}};
  };
  const auto of = [&](std::string_view what, model_format format, std::optional<model_format> read_as_it_is = {}) {
    std::string advice(loader_of(format));
    if (wanted == model_format::tabscore) advice += fmt::format(", {}", loader_of(wanted));
    return recognised{std::string(what), std::move(advice), read_as_it_is};
  };
  const auto own = [&](std::string_view what, model_format format) { return of(what, format, format); };
  using namespace std::string_view_literals;

  if (bytes.empty()) return foreign("an empty file");
  if (begins("\xEF\xBB\xBF"sv) || begins("\xFF\xFE"sv) || begins("\xFE\xFF"sv)) {
    return step("text behind a byte order mark", "save it again as UTF-8 without one");
  }
  struct packed {
    std::string_view magic, name, program;
  };
  static constexpr packed archives[] = {{"\x1F\x8B"sv, "gzip", "gunzip"},
                                        {"BZh"sv, "bzip2", "bunzip2"},
                                        {"\xFD\x37zXZ"sv, "xz", "unxz"},
                                        {"\x28\xB5\x2F\xFD"sv, "zstd", "unzstd"},
                                        {"PK\x03\x04"sv, "zip", "unzip"}};
  for (const packed& p : archives) {
    if (begins(p.magic)) return step(fmt::format("a {} archive", p.name), fmt::format("unpack it with {}", p.program));
  }
  if (begins("version https://git-lfs"sv)) {
    return step("a pointer of Git LFS, not the file itself", "fetch that with git lfs pull");
  }
  const bool binary_pickle = bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 1 && bytes[1] <= 5;
  const bool text_pickle = begins("ccopy_reg\n"sv) || begins("ccopyreg\n"sv);
  const bool packed_pickle = bytes.size() > 1 && bytes[0] == 'x' &&
                             (bytes[1] == '\x01' || bytes[1] == '\x5E' || bytes[1] == '\x9C' || bytes[1] == '\xDA');
  if (binary_pickle || text_pickle || packed_pickle)
    return foreign("a Python pickle (joblib writes them too), which only Python reads");
  if (begins("CBM1"sv)) return own("a CatBoost model", model_format::catboost);
  if (bytes.size() > 4 && bytes[0] == '\x08' && bytes[1] > 0 && bytes[1] < 32 && bytes[2] == '\x12') {
    // Behind the version, field 2: of Core ML a message that begins with its inputs (field 1), of ONNX a name.
    std::size_t at = 3;
    while (at + 1 < (std::min)(bytes.size(), std::size_t{8}) && static_cast<unsigned char>(bytes[at]) >= 0x80) ++at;
    if (bytes[at + 1] == '\x0A') return foreign("a Core ML model, which no loader reads");
  }
  constexpr std::string_view onnx_fields = "\x12\x1A\x22\x28\x32\x3A\x42"sv;
  if (bytes.size() > 2 && bytes[0] == '\x08' && bytes[1] > 0 && bytes[1] < 32 &&
      onnx_fields.find(bytes[2]) != onnx_fields.npos) {
    return foreign("an ONNX model, which no loader reads");
  }
  if (begins("X\n\0\0\0"sv) || begins("RDX"sv)) return foreign("an R object, which only R reads");

  constexpr std::string_view again =
      "load it with XGBoost 3.0 or older and save it again: "
      "xgboost.Booster(model_file=\"old.model\").save_model(\"model.json\")";
  const bool old_binary = begins("binf"sv) || begins("bs64"sv) || early("\x06\0\0\0\0\0\0\0gbtree"sv) ||
                          early("\x08\0\0\0\0\0\0\0gblinear"sv) || early("\x04\0\0\0\0\0\0\0dart"sv);
  const bool old_snapshot = begins("CONFIG-offset:"sv);
  if (old_binary && !old_snapshot) return step("an XGBoost model in the old binary format", again);
  if (old_snapshot || (begins("{"sv) && bytes.substr(0, 32).find("Config") != bytes.npos && has("Model"))) {
    return of("a snapshot of an XGBoost booster in memory (serialize, pickle)", model_format::xgboost);
  }
  if (begins("{L\0\0\0\0\0\0\0\x07learner"sv)) return own("an XGBoost model", model_format::xgboost);
  if (begins("booster["sv)) return of("an XGBoost dump_model, for people", model_format::xgboost);

  const std::size_t start = (std::min)(bytes.find_first_not_of(" \t\r\n"), bytes.size());
  const std::string_view text = bytes.substr(start);
  if (text.starts_with('<')) {
    std::string head(text.substr(0, 512));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (head.find("<pmml") != head.npos) return foreign("a PMML document, which no loader reads");
    if (head.find("<html") != head.npos || head.starts_with("<!doctype html")) {
      return step("a page of HTML", "download the file itself");
    }
    return foreign("an XML document");
  }
  if (begins("tree\n"sv) || begins("tree\r\n"sv)) return own("a LightGBM model", model_format::lightgbm);
  if (!text.starts_with('{') && !text.starts_with('[')) return std::nullopt;
  if (has("\"tabscore-model\"")) return own("a tabscore model file", model_format::tabscore);
  if (has("\"sklearn-export-1\"")) return own("an export of scikit-learn's trees", model_format::sklearn);
  if (has("\"tree_structure\"")) return of("a LightGBM dump_model, for people", model_format::lightgbm);
  if (has("\"oblivious_trees\"") ||
      has("catboost_version_info\""))  // of a sum of models "model0:catboost_version_info"
    return own("a CatBoost model", model_format::catboost);
  if (text.starts_with('[') && has("nodeid")) return of("an XGBoost dump_model, for people", model_format::xgboost);
  if (has("learner_train_param"))
    return of("an XGBoost save_config, parameters without a model", model_format::xgboost);
  if (has("gradient_booster") && has("learner_model_param")) return own("an XGBoost model", model_format::xgboost);
  return std::nullopt;
}

/// The error of a loader that did not take a file: what the file is, where that can be told.
inline error refused_file(error e, std::string_view bytes, std::string_view source, model_format wanted) {
  const auto known = recognise(bytes, wanted);
  if (known && known->format != wanted)
    e.message = fmt::format("{}: this is {}; {}", source, known->what, known->advice);
  return e;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
