// SPDX-License-Identifier: MIT
#include "log_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <tabscore/files/descriptor.hpp>
#include <tabscore/formats/error_text.hpp>
#include <tabscore/formats/lines.hpp>
#include <tabscore/json/json_value.hpp>
#include <utility>

#include "../standard_streams.hpp"

std::optional<std::string> log_lines::open(const std::string& path) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) return path + ": is a folder, not a file";
  file_.rdbuf()->pubsetbuf(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  file_.open(path, std::ios::binary);
  number_ = 0;
  if (!file_) return path + ": cannot be opened" + ts::files::because_of_errno();
  char first[16];
  file_.read(first, sizeof first);
  if (const char* const why = ts::not_utf8_text({first, static_cast<std::size_t>(file_.gcount())})) {
    return path + ": " + why;
  }
  if (file_.bad()) return path + ": cannot be read" + ts::files::because_of_errno();
  file_.clear();
  if (!file_.seekg(0)) return path + ": is a pipe, which cannot be read twice";
  return std::nullopt;
}

bool log_lines::next(std::string& line) {
  if (!std::getline(file_, line)) return false;
  torn_ = file_.eof();
  ++number_;
  return true;
}

std::optional<std::string> sort_logs(std::vector<std::string>& files) {
  constexpr auto none = std::numeric_limits<std::uint64_t>::max();
  std::erase_if(files, [](const std::string& name) { return name.ends_with(".intent"); });
  std::vector<std::pair<std::uint64_t, std::string>> numbered;
  for (const std::string& name : files) {
    log_lines lines;
    if (auto wrong = lines.open(name)) return wrong;
    std::uint64_t first = none;
    for (std::string line; first == none && lines.next(line);) {
      if (const auto read = ts::read_chained_line(line); read && read->end) first = read->end->batch;
    }
    numbered.emplace_back(first, name);
  }
  std::sort(numbered.begin(), numbered.end());
  for (std::size_t i = 0; i < numbered.size(); ++i) files[i] = numbered[i].second;
  return std::nullopt;
}

bool is_written(const std::string& path) {
  const ts::files::unique_fd intent(::open((path + ".intent").c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  return intent && ::flock(intent.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

bool is_of_id(const audit_settings& s, std::string_view line) {
  using ts::json_kind;
  if (!ts::json_fault(line).empty() || !line.starts_with('{')) return false;
  std::string spare_key, spare;
  const auto is_id = [&](ts::json_value value) {
    if (value.kind() == json_kind::text) return ts::unescaped(value.raw_text(), spare) == s.id;
    return value.kind() == json_kind::integer && value.raw() == s.id;
  };
  bool found = false;
  ts::json_value(line.data(), line.data() + line.size())
      .for_each_member([&](std::string_view raw, ts::json_value value) {
        const std::string_view key = ts::unescaped(raw, spare_key);
        if (key == "request_id" || (!s.id_field.empty() && key == s.id_field)) found = found || is_id(value);
        const bool is_record = key == "features";
        if ((!is_record && key != "override") || value.kind() != json_kind::object) return;
        value.for_each_member([&](std::string_view member, ts::json_value of) {
          std::string spare_name;
          const std::string_view name = ts::unescaped(member, spare_name);
          if (is_record ? !s.id_field.empty() && name == s.id_field : name == "id") found = found || is_id(of);
        });
      });
  return found;
}

std::optional<audit_exit> for_each_of_id(
    const audit_settings& s, const std::function<void(const std::string&, std::uint64_t, const std::string&)>& f) {
  std::vector<std::string> files = s.files;
  const auto fail = [](const std::string& why) { return say("tabscore-audit: {}\n", why), audit_exit::input_output; };
  if (const auto wrong = sort_logs(files)) return fail(*wrong);
  bool found = false;
  for (const std::string& file : files) {
    log_lines lines;
    if (const auto wrong = lines.open(file)) return fail(*wrong);
    std::string line;
    std::uint64_t strange = 0;
    while (lines.next(line)) {
      strange += !line.empty() && !line.starts_with('{');
      // Raw text first: reading JSON takes longer.
      if (line.find(s.id) == std::string::npos && line.find('\\') == std::string::npos) continue;
      if (!is_of_id(s, line)) continue;
      found = true;
      f(file, lines.number(), line);
    }
    if (lines.failed()) return fail(file + ": cannot be read" + ts::files::because_of_errno());
    if (strange > 0) say("tabscore-audit: {}: {} lines are no records, and were not searched\n", file, strange);
  }
  if (!found)
    return fail(fmt::format("no line is of the id {}{}", s.id,
                            s.id_field.empty() ? "; --id names the field of the records that is their id" : ""));
  return std::nullopt;
}
