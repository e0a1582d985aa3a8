// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "logistic.hpp"
#include "model_file.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Larger files are refused before they are parsed.
inline constexpr std::size_t max_model_file_bytes = std::size_t{1} << 30;

/// Reads a model file from memory; `name` names it in errors. Strict: see docs/reference/model-file.md. The scorer made
/// from it replays the checks.
result<model_file> parse_model_file(std::string_view bytes, std::string_view name);

/// The bytes of a model file, for parse_model_file() or for hashing.
result<std::string> read_model_bytes(const std::string& path);

/// Both: a model file from its path.
result<model_file> load_model_file(const std::string& path);

/// The scorer of a file of kind "logistic", after it has given the trainer's numbers for the trainer's rows.
result<logistic> make_logistic(const model_file& file);

/// A logistic regression from a model file; a file that disagrees with its own trainer is refused.
result<logistic> load_logistic(const std::string& path);

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/tabscore/load.hpp"
#endif
