// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <tabscore/files/read_file.hpp>

/// Reads a key, a regular file of as many bytes; what is wrong with it, or nothing.
template <class Key>
std::optional<std::string> read_key(const std::string& path, Key& key) {
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    return path + ": is not a regular file";  // a pipe that nobody writes to would be waited for
  }
  const auto bytes = tabscore::files::read_file(path, sizeof key + 1);
  if (!bytes) return bytes.error().message;
  if (bytes->size() != sizeof key) return path + ": expected " + std::to_string(sizeof key) + " bytes";
  std::memcpy(key.data(), bytes->data(), sizeof key);
  return std::nullopt;
}
