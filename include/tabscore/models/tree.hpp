// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "../outputs/task.hpp"
#include "link.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Precision in which a trainer reads its inputs or adds its leaves.
enum class precision : std::uint8_t { float32, float64 };

/// What sends a value to the right-hand child of a numeric split when it is not left.
enum class comparison : std::uint8_t {
  less,       ///< left when x < threshold (XGBoost)
  less_equal  ///< left when x <= threshold (LightGBM, scikit-learn)
};

/// Which values have no place in a numeric comparison and follow the default side instead.
enum class missing_rule : std::uint8_t {
  nan,          ///< NaN does
  nan_or_zero,  ///< NaN and zero do (LightGBM, zero_as_missing)
  none          ///< nothing does: NaN is read as zero (LightGBM, use_missing=false)
};

/// How a category code is read from a number.
enum class category_rule : std::uint8_t {
  negative_is_unknown,  ///< below zero, even -0.4, is not a category; else truncated
  truncate,             ///< truncated toward zero first, so that -0.4 is category 0 (LightGBM)
  whole                 ///< numbers that are not whole are no category (scikit-learn)
};

/// Inputs for which a trainer has a prediction. Another value makes the margins of its row NaN.
enum class input_rule : std::uint8_t { any, finite_or_missing, finite };

/// The categories of a split that go left, as bits; a code past the end, or negative, goes where `others_left` says.
struct category_set {
  std::vector<std::uint32_t> left;  ///< code c is bit c % 32 of word c / 32
  bool others_left = false;         ///< codes beyond the set go left

  /// The code goes left.
  bool contains(std::uint64_t code) const noexcept {
    return code / 32 < left.size() ? (left[code / 32] >> (code % 32) & 1U) != 0 : others_left;
  }
};

/// One decision. A child >= 0 is a split of the same tree, a negative one is leaf ~child.
struct split {
  static constexpr std::int32_t numeric = -1;  ///< `set` of a split that compares numbers

  std::uint32_t feature = 0;                 ///< position among the columns
  std::int32_t left = -1;                    ///< a node, or ~leaf
  std::int32_t right = -1;                   ///< a node, or ~leaf
  std::int32_t categories = numeric;         ///< index into tree::sets, or numeric
  double threshold = 0;                      ///< of a numeric split, never NaN
  missing_rule missing = missing_rule::nan;  ///< which values count as missing
  bool default_left = false;                 ///< where missing values go
};

/// A linear leaf (LightGBM, linear_tree): the constant plus weight times value, term by term; its plain value when one
/// of those values is NaN.
struct linear_leaf {
  /// A product of a linear leaf.
  struct term {
    std::uint32_t feature;  ///< position among the columns
    double weight;          ///< its coefficient
  };
  double constant = 0;      ///< added to the products; NaN (of infinite training values): its rows have no prediction
  std::vector<term> terms;  ///< in the order in which they are added
};

/// Splits in any order with the root first; no splits means a single leaf.
struct tree {
  std::vector<split> splits;        ///< the root is the first one; empty: a single leaf
  std::vector<double> leaves;       ///< leaf i gives leaves[i * leaf_width + j] to output `output + j`
  std::vector<linear_leaf> linear;  ///< one per leaf; empty when the leaves are plain values
  std::vector<category_set> sets;   ///< of splits by category
  std::uint32_t output = 0;         ///< the margin that the leaves are added to

  // Training weight that reached each split and each leaf: only contributions read it, and it may be empty.
  std::vector<double> split_cover;  ///< training weight of each split, for contributions; may be empty
  std::vector<double> leaf_cover;   ///< training weight of each leaf, for contributions; may be empty
};

/// The categories of a feature as its trainer knew them, the name of code c at position c: texts, or numbers where
/// those were the categories. Both empty: an ordinary number, or codes that the file does not name.
struct category_names {
  std::vector<std::string> texts;  ///< categories that are texts, by code
  std::vector<double> numbers;     ///< categories that are numbers, by code

  /// The column has no categories.
  bool empty() const noexcept { return texts.empty() && numbers.empty(); }
};

/// A trainer's treatment of an untrained category.
enum class unseen_rule : std::uint8_t {
  missing,  ///< it counts as missing (LightGBM)
  fault     ///< the row has no prediction (XGBoost)
};

/// The number of boosting rounds that are scored, of those in the file.
struct round_count {
  std::size_t used = 0;   ///< rounds that are scored
  std::size_t saved = 0;  ///< rounds that the file holds
};

/// A tree ensemble independent of a trainer: the result of every loader, scored by `forest`. A margin is the base, plus
/// the linear terms in feature order, plus the leaves in tree order, each addition rounded to `sum`; then times the
/// scale, plus the offset.
struct forest_model {
  std::size_t features = 0;                ///< numeric columns of a row
  std::size_t outputs = 1;                 ///< margins of a row
  std::vector<std::string> feature_names;  ///< empty when the file has no names
  std::vector<std::string> feature_types;  ///< as the file says them; empty when it does not

  std::vector<category_names> categories;     ///< empty, or one per feature
  std::string nameless;                       ///< why names of categories that the file has are not there; mostly empty
  unseen_rule unseen = unseen_rule::missing;  ///< for categories beyond the training data
  round_count rounds;                         ///< of boosted models

  std::optional<double> missing;                ///< a number that is missing as NaN is, once rounded to `input`
  precision input = precision::float64;         ///< inputs are rounded to this before anything else
  precision sum = precision::float64;           ///< what sums are rounded to
  comparison compare = comparison::less_equal;  ///< how a number is compared with a threshold
  category_rule codes = category_rule::negative_is_unknown;  ///< how a number becomes the code of a category
  bool tiny_is_zero = false;                                 ///< |x| <= 1e-35f is read as 0 (LightGBM)
  input_rule accepts = input_rule::any;                      ///< values that rows may have

  std::vector<double> base;      ///< one per output
  std::vector<double> linear;    ///< weights, features x outputs row-major; empty when there is no linear part
  std::uint32_t leaf_width = 1;  ///< values per leaf: 1, or `outputs` (random forests)
  std::vector<tree> trees;       ///< in the order in which their leaves are added
  double scale = 1;              ///< multiplies the sum
  std::vector<double> offset;    ///< one per output; empty: neither scale nor offset
  link output_link;              ///< from margins to predictions

  std::optional<model_outputs> predicts;  ///< what predict() gives, where the file says it
  bool class_by_margins = false;          ///< of several classes: predict() takes the largest margin
  /// Of two classes: predict() gives the second where the margin (of shares: their difference) is above this number.
  /// Nothing: where its probability is above 1/2.
  std::optional<double> positive_above;
};

}  // namespace tabscore::inline TABSCORE_ABI
