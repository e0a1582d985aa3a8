// SPDX-License-Identifier: MIT
// Any bytes as a folder of a served model: a line "== NAME" begins a file, whose contents are the lines below it. A
// model is found in it, or the folder is refused in a sentence that names it. Arguments: files or folders to replay.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <tabscore/models/detail/find_model.hpp>
#include <vector>

#include "require.hpp"

using namespace tabscore;
namespace fs = std::filesystem;

namespace {

/// The names that are written stay in the folder.
bool may_write(const fs::path& name) {
  if (name.empty() || name.is_absolute() || !name.has_filename()) return false;
  for (const fs::path& part : name) {
    if (part == ".." || part.native().size() > 100 || part.native().find('\0') != std::string::npos) return false;
  }
  return true;
}

void write_folder(const fs::path& folder, std::string_view text) {
  std::error_code failed;
  while (!text.empty()) {
    const std::size_t line = text.find('\n');
    const std::size_t end = text.find("\n== ", line == text.npos ? text.size() : line);
    const std::string_view file = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!file.starts_with("== ")) continue;
    const fs::path name(file.substr(3, line == file.npos || line < 3 ? file.npos : line - 3));
    if (!may_write(name)) continue;
    fs::create_directories((folder / name).parent_path(), failed);
    std::ofstream out(folder / name, std::ios::binary);
    if (line < file.size()) out << file.substr(line + 1) << '\n';
  }
}

const fs::path& folder() {
  static const fs::path made = [] {
    std::string name = (fs::temp_directory_path() / "tabscore_fuzz_XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr);
    std::atexit([] { fs::remove_all(folder()); });
    return fs::path(name);
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const std::string_view bytes(exact.data(), exact.size());
  for (const auto& flavor : detail::mlflow_flavors(bytes)) require(flavor.data.size() <= size);
  for (const auto& entry : fs::directory_iterator(folder())) fs::remove_all(entry.path());
  write_folder(folder(), bytes);
  const auto found = detail::find_model(folder().string());
  if (!found) {
    require(found.error().message.starts_with(folder().string()));
    return 0;
  }
  const fs::path inside = fs::path(*found).lexically_relative(folder());
  require(!inside.empty() && *inside.begin() != "..");
  return 0;
}

#include "replay.hpp"
