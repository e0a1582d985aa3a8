// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <functional>
#include <string>

/// --file-mode: what rights new files get.
inline CLI::Option* add_file_mode(CLI::App& app, std::function<void(::mode_t)> set, const std::string& help) {
  const auto read = [set = std::move(set)](const std::string& text) {
    unsigned mode = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, mode, 8);
    if (failed != std::errc{} || stop != end || mode > 0777 || (mode & 0600U) != 0600) {
      throw CLI::ValidationError("--file-mode", "expected three octal digits, the first 6 or 7, as in 640");
    }
    set(mode);
  };
  return app.add_option_function<std::string>("--file-mode", read, help);
}
