// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

/// The lines of a file, one after another.
class log_lines {
 public:
  /// What is wrong with the file, or nothing.
  std::optional<std::string> open(const std::string& path);
  /// The next line without its line feed; false at the end, or where it cannot be read.
  bool next(std::string& line);
  std::uint64_t number() const noexcept { return number_; }
  /// The last line has no end.
  bool is_torn() const noexcept { return torn_; }
  bool failed() const noexcept { return file_.bad(); }

 private:
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 20);
  std::ifstream file_;
  std::uint64_t number_ = 0;
  bool torn_ = false;
};

/// Logs in the order of their first batches, those without any behind them; FILE.intent, which a pattern may name too,
/// is left out. What is wrong with one, or nothing.
std::optional<std::string> sort_logs(std::vector<std::string>& files);

/// Whether a server writes to the log now.
bool is_written(const std::string& path);

/// Calls f(file, line number, line) for each line that is a record or an override of the settings' id; the exit status
/// where that fails, or nothing is found.
std::optional<audit_exit> for_each_of_id(
    const audit_settings& s, const std::function<void(const std::string&, std::uint64_t, const std::string&)>& f);

/// Whether a line is a record or an override of the settings' id.
bool is_of_id(const audit_settings& s, std::string_view line);
