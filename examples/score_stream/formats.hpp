// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/tabscore.hpp>

#include <memory>
#include <string>
#include <utility>

#include "../program_policy.hpp"
#include "input.hpp"
#include "settings.hpp"
#include "stop.hpp"

// The formats by the names that --from and --to give them; null where there is none of that name.

/// What separates the cells of csv or tsv.
inline char separator_of(const std::string& format, const settings& s) { return format == "csv" ? s.separator : '\t'; }

inline constexpr const char* format_names = "ndjson, csv, tsv, native, row-binary, row-binary-with-names-and-types";
template <class Record>
std::unique_ptr<ts::record_format<Record>> make_format(const settings& s) {
  using header = ts::row_binary_header;
  if (s.from == "ndjson") return std::make_unique<ts::ndjson_format<Record, program_policy>>();
  if (s.from == "csv" || s.from == "tsv") {
    return std::make_unique<ts::csv_format<Record, program_policy>>(
        ts::csv_dialect{separator_of(s.from, s), !s.single_line_cells});
  }
  if (s.from == "native") return std::make_unique<ts::native_format<Record, program_policy>>();
  if (s.from == "row-binary") return std::make_unique<ts::row_binary_format<Record, program_policy>>(header::none);
  if (s.from == "row-binary-with-names-and-types") {
    return std::make_unique<ts::row_binary_format<Record, program_policy>>(header::names_and_types);
  }
  return nullptr;
}

inline std::unique_ptr<ts::prediction_writer> make_writer(const settings& s, const ts::prediction_layout& layout) {
  using header = ts::row_binary_header;
  const auto good = [](ts::result<ts::prediction_columns> columns) {
    if (!columns) stop(exit_code::usage, columns.error().message);
    return *std::move(columns);
  };
  const auto typed = [&] { return good(ts::typed_columns(layout)); };
  if (s.to == "native") return std::make_unique<ts::native_writer>(typed());
  if (s.to == "row-binary") return std::make_unique<ts::row_binary_writer>(header::none, typed());
  if (s.to == "row-binary-with-names-and-types") {
    return std::make_unique<ts::row_binary_writer>(header::names_and_types, typed());
  }
  if (s.to == "ndjson") return std::make_unique<ts::ndjson_writer>(layout);
  if (s.to == "csv" || s.to == "tsv") {
    return std::make_unique<ts::csv_writer>(good(ts::text_columns(layout)), separator_of(s.to, s));
  }
  return nullptr;
}
