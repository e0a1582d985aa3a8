// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <tabscore/files/replaced_file.hpp>
#include <vector>

#include "../standard_streams.hpp"
#include "log_files.hpp"
#include "settings.hpp"

namespace {

/// What stands in a file with lines of the id, once they are erased.
struct rewritten {
  std::string file;
  std::uint64_t lines = 0;    // that were erased
  ts::files::unique_fd lock;  // of FILE.intent: no server begins to write the file meanwhile
  std::optional<ts::files::replaced_file> out;
};

/// Writes FILE.partial; what is wrong, or nothing.
std::optional<std::string> write(const audit_settings& s, rewritten& to) {
  const std::string intent = to.file + ".intent";
  to.lock = ts::files::unique_fd(::open(intent.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!to.lock && errno != ENOENT) return intent + ": cannot be opened" + ts::files::because_of_errno();
  if (to.lock && ::flock(to.lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return to.file + ": a server writes it; let it set the file aside first (SIGHUP)";
  }
  auto out = ts::files::replaced_file::open(to.file, 0600);
  if (!out) return out.error().message;
  if (out->is_direct()) return to.file + ": is not a regular file";
  to.out = *std::move(out);
  const ts::log_chain chain(*s.key);
  log_lines lines;
  if (auto wrong = lines.open(to.file)) return wrong;
  ts::chain_checker checker(*s.key);
  bool of_batch = false;  // the batch at hand has a line that is erased
  std::string line, text;
  const auto flush = [&] {
    const bool done = to.out->write(text);
    text.clear();
    return done;
  };
  bool written = true;
  while (written && lines.next(line)) {
    const std::uint64_t batches = checker.batches();
    const auto broken = checker.add(line);
    if (is_of_id(s, line)) {
      const auto erased = ts::erased_line(chain, line);
      if (!erased)
        return fmt::format("{}, line {}: is not chained, so that it cannot be erased", to.file, lines.number());
      line = *erased;
      ++to.lines;
      of_batch = true;
    }
    if (broken && of_batch) {  // under another key what stands for the object would break the chain for good
      return fmt::format("{}, line {}: {}; the key is another one, or see verify", to.file, lines.number(), *broken);
    }
    if (checker.batches() != batches) of_batch = false;
    text += line;
    if (!lines.is_torn()) text += '\n';
    if (text.size() > (std::size_t{1} << 20U)) written = flush();
  }
  if (lines.failed()) return to.file + ": cannot be read" + ts::files::because_of_errno();
  if (!written || !flush() || !to.out->sync()) return to.file + ": cannot be written" + ts::files::because_of_errno();
  return std::nullopt;
}

}  // namespace

audit_exit erase(const audit_settings& s) {
  std::vector<rewritten> files;
  const auto fail = [&](const std::string& why) {
    for (rewritten& file : files) {
      if (file.out) file.out->discard();
    }
    return say("tabscore-audit: {}; nothing was erased\n", why), audit_exit::input_output;
  };
  std::string last;
  const auto failed = for_each_of_id(s, [&](const std::string& file, std::uint64_t, const std::string&) {
    if (file == last) return;
    files.emplace_back().file = last = file;
  });
  if (failed) return *failed;
  for (rewritten& file : files) {
    if (const auto wrong = write(s, file)) return fail(*wrong);
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].out->commit()) {
      const std::string why = files[i].file + ": cannot be replaced" + ts::files::because_of_errno();
      if (i == 0) return fail(why);
      say("tabscore-audit: {}; the files before it are done: do it again\n", why);
      for (std::size_t k = i; k < files.size(); ++k) files[k].out->discard();
      return audit_exit::input_output;
    }
    print_out("{}: {} lines erased\n", files[i].file, files[i].lines);
  }
  for (const std::string& file : s.files) {
    const auto is_it = [&](const rewritten& one) { return one.file == file; };
    if (std::none_of(files.begin(), files.end(), is_it)) print_out("{}: no line of the id\n", file);
  }
  if (is_output_written("tabscore-audit: the lines are erased, but")) return audit_exit::done;
  return audit_exit::input_output;
}
