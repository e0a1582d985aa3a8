// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

inline std::filesystem::path program_folder() {
  std::error_code failed;
  return std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
}

/// models/<name> in the program's folder or the nearest above it that has it.
inline std::string bundled_model(std::string_view name) {
  std::error_code failed;
  for (auto folder = program_folder(); folder.has_relative_path(); folder = folder.parent_path()) {
    const auto model = folder / "models" / name;
    if (std::filesystem::exists(model, failed)) return model.string();
  }
  return "models/" + std::string(name);
}
