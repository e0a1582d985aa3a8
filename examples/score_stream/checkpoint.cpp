// SPDX-License-Identifier: MIT
#include "checkpoint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tabscore/files/descriptor.hpp>
#include <tabscore/files/replaced_file.hpp>
#include <tabscore/tabscore.hpp>

#include <algorithm>
#include <string_view>

#include "stop.hpp"

namespace {

std::string path_of(const settings& s) { return s.output + ".checkpoint"; }

void member(ts::text_buffer& to, std::string_view name, std::uint64_t value) {
  to.append(fmt::format(",\"{}\":{}", name, value));
}

/// Of the input's bytes before the position, the last ones, as a number: who goes on must find them there. Empty where
/// they cannot be looked at again.
std::string seen_before(const settings& s, const input_position& at) {
  if (at.offset == 0 || at.file >= s.inputs.size() || s.inputs[at.file] == "-") return {};
  const ts::files::unique_fd file(::open(s.inputs[at.file].c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct ::stat found {};
  if (!file || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  std::string bytes(std::min<std::uint64_t>(at.offset, 4096), '\0');
  const ssize_t n = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at.offset - bytes.size()));
  return n == static_cast<ssize_t>(bytes.size()) ? fmt::format("{:016x}", ts::siphash(bytes, {})) : "shorter";
}

/// The last line: what shows that the lines before are whole and as they were written.
std::string seal(std::string_view text) { return fmt::format("{{\"check\":\"{:016x}\"}}\n", ts::siphash(text, {})); }

}  // namespace

std::string identity_of(const settings& s, const std::string& model) {
  std::string run = fmt::format("{}{}|{}|{}|{}|{}|{}|{}|{}/{}|{}|{}|{}", s.from, s.separator, s.to, s.keep,
                                s.single_line_cells, s.strict, static_cast<int>(s.on_wrong), model, s.part.index,
                                s.part.count, s.rejects, s.state_file, s.max_record_bytes);
  for (const auto& name : s.inputs) run += "|" + name;
  return run;
}

/// One line of members, the monitoring state, if any, and the seal.
void save_checkpoint(const settings& s, const checkpoint& c) {
  ts::text_buffer text;
  text.append("{\"format\":\"score_stream-checkpoint\",\"version\":2,\"run\":");
  ts::append_json_text(text, c.run);
  text.append(c.complete ? ",\"complete\":true" : ",\"complete\":false");
  text.append(fmt::format(",\"seen\":\"{}\"", seen_before(s, c.input)));
  member(text, "file", c.input.file);
  member(text, "offset", c.input.offset);
  member(text, "file_records", c.file_records);
  member(text, "file_lines", c.file_lines);
  member(text, "output_bytes", c.output_bytes);
  member(text, "reject_bytes", c.reject_bytes);
  member(text, "read", c.done.read);
  member(text, "scored", c.done.scored);
  member(text, "rejected", c.done.rejected);
  member(text, "bytes", c.done.bytes);
  text.append("}\n");
  if (c.state) text.append(ts::to_json(*c.state));
  text.append(seal(text.view()));
  auto file = ts::files::replaced_file::open(path_of(s), s.private_mode, 0, ts::files::links::replace);
  if (!file) stop(exit_code::input_output, file.error().message);
  if (file->write(text.view()) && file->sync() && file->commit()) return;
  const std::string why = ts::files::because_of_errno();
  file->discard();
  stop(exit_code::input_output, path_of(s) + ": cannot be written" + why);
}

std::optional<checkpoint> load_checkpoint(const settings& s, const std::string& run) {
  const std::string path = path_of(s);
  const auto refuse = [&](std::string_view why) {
    stop(exit_code::usage, fmt::format("{}: {}; remove it to start over", path, why));
  };
  struct ::stat found {};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  if (!S_ISREG(found.st_mode)) refuse("is a link or no regular file");
  const auto bytes = ts::files::read_file(path);
  if (!bytes) stop(exit_code::input_output, bytes.error().message);
  std::string_view text = *bytes;
  const std::size_t seal_size = seal({}).size();
  const std::string_view end = text.substr(text.size() - std::min(text.size(), seal_size));
  text.remove_suffix(end.size());
  if (end != seal(text)) refuse("is not whole, or was changed, or is of another version of this program");
  const std::size_t feed = text.find('\n');
  checkpoint c;
  try {
    simdjson::dom::parser parser;
    const simdjson::dom::element e = parser.parse(simdjson::padded_string(text.substr(0, feed)));
    const auto number = [&](const char* name) { return std::uint64_t{e[name]}; };
    c.run = std::string_view(e["run"]);
    c.complete = e["complete"];
    c.input = {static_cast<std::size_t>(number("file")), number("offset")};
    c.file_records = number("file_records");
    c.file_lines = number("file_lines");
    c.output_bytes = number("output_bytes");
    c.reject_bytes = number("reject_bytes");
    c.done = {number("read"), number("scored"), number("rejected"), number("bytes")};
    if (c.run != run) refuse("of a run with other inputs, flags or model");
    if (std::string_view(e["seen"]) != seen_before(s, c.input)) refuse("an input has changed since");
  } catch (const simdjson::simdjson_error& e) {
    refuse(e.what());
  }
  if (c.input.file > std::max<std::size_t>(s.inputs.size(), 1)) refuse("there is no such input");
  if (feed + 1 < text.size()) {
    const auto state = ts::parse_monitor_state(text.substr(feed + 1), path);
    if (!state) stop(exit_code::usage, state.error().message);
    c.state = *state;
  }
  return c;
}

void remove_checkpoint(const settings& s) { ::unlink(path_of(s).c_str()); }
