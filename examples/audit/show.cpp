// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <tabscore/files/descriptor.hpp>
#include <tabscore/formats/error_text.hpp>
#include <tabscore/json/json_value.hpp>
#include <tabscore/outputs/load_policy.hpp>

#include "../standard_streams.hpp"
#include "log_files.hpp"
#include "settings.hpp"

namespace {

/// The texts of reasons by their codes, and the name of a policy, from the archive.
class archived_policies {
 public:
  explicit archived_policies(std::string folder) : folder_(std::move(folder)) {}

  const ts::decision_policy* find(const std::string& sha256) {
    if (folder_.empty() || sha256.find_first_not_of("0123456789abcdef") != std::string::npos) return nullptr;
    auto [at, is_new] = read_.try_emplace(sha256);
    if (is_new) {
      auto policy = ts::load_policy(folder_ + "/" + sha256);
      if (policy) at->second = *std::move(policy);
      if (!policy) say("tabscore-audit: {}\n", policy.error().message);
    }
    return at->second ? &*at->second : nullptr;
  }

 private:
  std::string folder_;
  std::map<std::string, std::optional<ts::decision_policy>> read_;
};

std::string text_of(ts::json_value value) {
  std::string spare;
  return value.kind() == ts::json_kind::text ? std::string(ts::unescaped(value.raw_text(), spare))
                                             : std::string(value.raw());
}

void print_line(const std::string& line, archived_policies& policies) {
  const ts::decision_policy* policy = nullptr;
  const auto print = [&](std::string_view indent, std::string_view raw, ts::json_value value) {
    std::string spare;
    const std::string_view name = ts::unescaped(raw, spare);
    if (name == "salt" || name == "batch" || name == "follows" || name == "chain") return;
    if (name == "policy") policy = policies.find(text_of(value));
    std::string more;
    if (name == "policy" && policy != nullptr) more = fmt::format(" ({} {})", policy->name, policy->version);
    print_out("{}{}: {}{}\n", indent, name, value.raw(), more);
    if (name != "reasons" || policy == nullptr || !policy->reasons || value.kind() != ts::json_kind::array) return;
    for (auto code = value.first_element(); code; code = code.next_element()) {
      const auto& known = policy->reasons->reasons;
      const auto at = std::find_if(known.begin(), known.end(), [&](const auto& r) { return r.code == text_of(code); });
      if (at != known.end()) print_out("{}  {}: {}\n", indent, at->code, at->text);
    }
  };
  ts::json_value(line.data(), line.data() + line.size())
      .for_each_member([&](std::string_view raw, ts::json_value value) {
        if (value.kind() != ts::json_kind::object) return print("  ", raw, value);
        print_out("  {}:\n", raw);
        value.for_each_member([&](std::string_view name, ts::json_value of) { print("    ", name, of); });
      });
}

/// Prints the lines of labels of the id; what is wrong with a file, or nothing.
std::optional<std::string> print_labels(const audit_settings& s) {
  for (const std::string& file : s.labels) {
    log_lines lines;
    if (auto wrong = lines.open(file)) return wrong;
    std::string line;
    while (lines.next(line)) {
      const std::size_t begin = line.find_first_not_of(" \t\r");
      if (begin == std::string::npos || line[begin] != '{' || !ts::json_fault(line).empty()) continue;
      bool found = false;
      const ts::json_value label(line.data() + begin, line.data() + line.size());
      label.for_each_member([&](std::string_view raw, ts::json_value value) {
        found = found || (raw == "id" && text_of(value) == s.id);
      });
      if (found) print_out("{}, line {}: a label\n  {}\n", file, lines.number(), label.raw());
    }
    if (lines.failed()) return file + ": cannot be read" + ts::files::because_of_errno();
  }
  return std::nullopt;
}

}  // namespace

audit_exit show(const audit_settings& s) {
  archived_policies policies(s.archive);
  const auto failed = for_each_of_id(s, [&](const std::string& file, std::uint64_t number, const std::string& line) {
    const auto read = ts::read_chained_line(line);
    print_out("{}, line {}{}\n", file, number,
              read && read->end ? fmt::format(", the end of batch {}", read->end->batch) : "");
    print_line(line, policies);
  });
  if (failed) return *failed;
  if (const auto wrong = print_labels(s)) return say("tabscore-audit: {}\n", *wrong), audit_exit::input_output;
  return is_output_written("tabscore-audit") ? audit_exit::done : audit_exit::input_output;
}
