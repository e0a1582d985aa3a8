// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <map>
#include <string>
#include <tabscore/files/descriptor.hpp>

#include "../standard_streams.hpp"
#include "log_files.hpp"
#include "settings.hpp"

namespace {

std::string text_of(const ts::chain_head& head) {
  std::string text = fmt::format("{}:", head.batch);
  for (const unsigned char byte : head.digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

audit_exit verify(const audit_settings& s) {
  std::vector<std::string> files = s.files;
  const auto fail = [](const std::string& why) { return say("tabscore-audit: {}\n", why), audit_exit::input_output; };
  if (const auto wrong = sort_logs(files)) return fail(*wrong);
  ts::chain_checker checker(*s.key);
  constexpr std::size_t listed = 20;
  std::size_t breaks = 0;
  const auto broken = [&](const std::string& where, const std::string& why) {
    if (++breaks <= listed) print_out("{}: {}\n", where, why);
  };
  std::map<std::uint64_t, ts::chain_digest> published;
  for (const auto& head : s.published) published[head.batch] = head.digest;
  const auto compare = [&](const std::string& where, const ts::chain_head& head) {
    const auto found = published.find(head.batch);
    if (found == published.end()) return;
    if (found->second != head.digest) broken(where, fmt::format("batch {} is not the published one", head.batch));
    published.erase(found);
  };
  for (const std::string& file : files) {
    log_lines lines;
    if (const auto wrong = lines.open(file)) return fail(*wrong);
    const bool is_live = file == files.back() && is_written(file);
    std::uint64_t batches = checker.batches();
    bool is_first = !checker.begin();
    std::string line;
    while (lines.next(line)) {
      if (lines.is_torn() && is_live) break;  // its write goes on
      const std::string where = fmt::format("{}, line {}", file, lines.number());
      if (const auto why = checker.add(line)) broken(where, *why);
      if (checker.batches() == batches) continue;
      batches = checker.batches();
      if (is_first && checker.begin()) compare(where, *checker.begin());
      is_first = false;
      compare(where, *checker.head());
    }
    if (lines.failed()) return fail(file + ": cannot be read" + ts::files::because_of_errno());
    if (const auto why = checker.end_file(); why && !is_live)
      broken(fmt::format("{}, line {}", file, lines.number()), *why);
  }
  for (const auto& [batch, digest] : published) {
    broken(files.empty() ? "the log" : files.back(), fmt::format("the published batch {} is not in the log", batch));
  }
  if (breaks > listed) print_out("and {} breaks more\n", breaks - listed);
  if (checker.batches() == 0 && breaks == 0) broken(files.empty() ? "the log" : files.back(), "there is no batch");
  const std::uint64_t erased = checker.erased();
  print_out("{} files, {} lines, {} batches{}\n", files.size(), checker.lines(), checker.batches(),
            erased > 0 ? fmt::format(", {} lines erased", erased) : "");
  if (checker.begin() && checker.begin()->batch != 0) print_out("begins behind {}\n", text_of(*checker.begin()));
  if (breaks == 0) print_out("the chain holds; its head is {}\n", text_of(*checker.head()));
  if (!is_output_written("tabscore-audit")) return audit_exit::input_output;
  return breaks == 0 ? audit_exit::done : audit_exit::differs;
}
