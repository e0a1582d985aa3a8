// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "support/catch.hpp"

namespace support {

/// The bytes of a file, which must exist.
inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder of the test's own, removed with everything in it.
struct temporary_folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("tabscore_test_" + std::to_string(std::random_device{}()));

  temporary_folder() { std::filesystem::create_directories(path); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path); }

  /// The name of a file in it.
  std::string file(const std::string& name) const { return (path / name).string(); }
};

}  // namespace support
