// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../expr/rule.hpp"
#include "../json/syntax.hpp"
#include "../outputs/predictions.hpp"
#include "../schema/field_error.hpp"
#include "pipeline.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The shape of a body: {"records": [{...}, ...]}, or one record.
enum class body_shape { records, record };

/// Predictions of the valid records of a list, and the errors of the others.
struct partial_predictions {
  predictions scores;               ///< of the valid records, in their order
  std::vector<std::uint32_t> rows;  ///< their positions in the list, ascending
  std::size_t records = 0;          ///< length of the list
  validation_errors errors;         ///< of fields, and of unscorable records, ascending by row
  std::vector<broken_rule> broken;  ///< rules that records with valid fields break, ascending by row
  std::size_t unlisted = 0;         ///< further errors, beyond decode_limits::max_errors
};

/// The body is valid, as far as can be checked without a pipeline; no pipeline was given.
struct no_model {};

/// The result of scoring a body. Predictions live in the workspace, a syntax error points into the body. The last three
/// come from score_request() only: with on_error::skip, with a null pipeline, and when the model has no contributions.
using outcome = std::variant<predictions, validation_errors, broken_rule, syntax_error, unreadable, refused,
                             partial_predictions, no_model, error>;

/// The error text of `refused`.
inline constexpr std::string_view refused_detail = "The predictions cannot be logged.";
/// The error text of `no_model`.
inline constexpr std::string_view no_model_detail = "Model is not loaded.";

}  // namespace tabscore::inline TABSCORE_ABI
