// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../features/baseline.hpp"
#include "../features/encoder.hpp"
#include "../outputs/task.hpp"
#include "logistic.hpp"
#include "scorer.hpp"
#include "tree.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
struct column_program;
}

/// The origin of a model: for people and audits, not used to score.
struct provenance {
  /// How the table was split.
  struct data_split {
    std::uint64_t training_rows = 0;  ///< rows that the model was fitted to
    std::uint64_t holdout_rows = 0;   ///< rows that the metrics are of
    std::uint64_t seed = 0;           ///< of the split
    bool stratified = false;          ///< the split kept the shares of the classes
  };
  std::string trainer;                                  ///< such as "xgboost"
  std::string trainer_version;                          ///< as the package reports it
  std::string exporter;                                 ///< name and version of what wrote the file
  std::string date;                                     ///< ISO 8601
  std::string data_file;                                ///< the training table
  std::string data_sha256;                              ///< of the training table's bytes
  std::uint64_t data_rows = 0;                          ///< of the training table
  std::optional<data_split> split;                      ///< nothing: the exporter did not know it
  std::vector<std::pair<std::string, double>> metrics;  ///< names and values on the holdout rows
};

/// One row of the trainer with the trainer's own outputs, replayed when the model is loaded.
struct check {
  std::vector<double> numeric;                   ///< unscaled, aligned with the numeric features; NaN is missing
  std::vector<std::optional<std::string>> text;  ///< aligned with the text fields; nothing: absent
  std::vector<double> margins;  ///< two classes: the log-odds, or the probability of trees that average; may be empty
  std::vector<double> outputs;  ///< two classes: the probability
  std::size_t class_at = 0;     ///< of several classes: the column of the one that the trainer predicts
};

/// A tabscore model file as it was read (docs/reference/model-file.md): consistent in itself, its checks not replayed
/// yet. Of a trainer's own file the members that such a file fills.
struct model_file {
  std::string path;           ///< as given by the caller; errors name it
  std::string name;           ///< for people; empty: none
  std::string kind;           ///< of the model: logistic, xgboost, lightgbm, catboost, sklearn, pipeline
  model_outputs outputs;      ///< the task and its columns
  provenance origin;          ///< for people and audits
  feature_names features;     ///< in the order of the columns
  tabscore::encoder encoder;  ///< aligned with features; of a pipeline the categories that the baseline counts
  /// The model itself, by kind; of a trainer's own file its scorer.
  std::variant<logistic_parameters, forest_model, std::shared_ptr<const detail::column_program>, any_scorer> model;
  round_count rounds;                      ///< of boosted trees
  double threshold = 0;                    ///< of two classes: the label is 1 from here on
  std::optional<drift_baseline> baseline;  ///< nothing: no drift monitoring
  std::vector<check> checks;               ///< at least one; none in a trainer's own file

  // Compiled once: copies and destruction of all the members are much code.
  /// All members empty.
  model_file();
  /// A copy.
  model_file(const model_file&);
  /// Takes the members of another one.
  model_file(model_file&&) noexcept;
  /// A copy.
  model_file& operator=(const model_file&);
  /// Takes the members of another one.
  model_file& operator=(model_file&&) noexcept;
  ~model_file();
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE model_file::model_file() = default;
TABSCORE_INLINE model_file::model_file(const model_file&) = default;
TABSCORE_INLINE model_file::model_file(model_file&&) noexcept = default;
TABSCORE_INLINE model_file& model_file::operator=(const model_file&) = default;
TABSCORE_INLINE model_file& model_file::operator=(model_file&&) noexcept = default;
TABSCORE_INLINE model_file::~model_file() = default;

}  // namespace tabscore::inline TABSCORE_ABI
#endif
