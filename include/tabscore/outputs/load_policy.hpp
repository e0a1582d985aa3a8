// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "decision_policy.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Larger policy files are refused.
inline constexpr std::size_t max_policy_bytes = std::size_t{4} << 20;

/// Reads a policy; `name` names the bytes in errors. The service's names are checked when a pipeline is made.
result<decision_policy> parse_policy(std::string_view bytes, std::string_view name);
/// The same of a file.
result<decision_policy> load_policy(const std::string& path);
/// The bytes of a policy file, not of a pipe or an endless device.
result<std::string> read_policy_bytes(const std::string& path);

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/decider.hpp"
#include "detail/load_policy.hpp"
#endif
