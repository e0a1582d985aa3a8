// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/tabscore.hpp>

#include <memory>

#include "settings.hpp"
#include "student.hpp"

/// The formats by the names that --from and --to give them; null where there is none of that name.
inline std::unique_ptr<ts::record_format<student>> make_format(const settings& s) {
  if (s.from == "ndjson") return std::make_unique<ts::ndjson_format<student>>();
  return nullptr;
}
inline constexpr const char* format_names = "ndjson";

inline std::unique_ptr<ts::prediction_writer> make_writer(const settings& s) {
  if (s.to == "ndjson") return std::make_unique<ts::ndjson_writer>(probability_name, label_name);
  return nullptr;
}
inline constexpr const char* writer_names = "ndjson";
