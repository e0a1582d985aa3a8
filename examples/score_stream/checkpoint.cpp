// SPDX-License-Identifier: MIT
#include "checkpoint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>
#include <tabscore/tabscore.hpp>

#include <string_view>

#include "output.hpp"
#include "stop.hpp"

namespace {

std::string path_of(const settings& s) { return s.output + ".checkpoint"; }

void member(ts::text_buffer& to, std::string_view name, std::uint64_t value) {
  to.append(fmt::format(",\"{}\":{}", name, value));
}

}  // namespace

std::string identity_of(const settings& s, const std::string& model) {
  std::string run = fmt::format("{}|{}|{}|{}|{}|{}|{}/{}|{}|{}", s.from, s.to, s.keep, s.single_line_cells,
                                static_cast<int>(s.policy), model, s.part.index, s.part.count, s.rejects, s.state_file);
  for (const auto& name : s.inputs) run += "|" + name;
  return run;
}

/// One line of members, then the monitoring state, if any.
void save_checkpoint(const settings& s, const checkpoint& c) {
  ts::text_buffer text;
  text.append("{\"format\":\"score_stream-checkpoint\",\"version\":1,\"run\":");
  ts::append_json_text(text, c.run);
  text.append(c.complete ? ",\"complete\":true" : ",\"complete\":false");
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
  output file(path_of(s), 0, false);
  file.write(text.view());
  file.sync();
  file.commit();
}

std::optional<checkpoint> load_checkpoint(const settings& s, const std::string& run) {
  const std::string path = path_of(s);
  if (::access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto bytes = ts::detail::read_file(path);
  if (!bytes) stop(exit_code::input_output, bytes.error().message);
  const std::string_view text = *bytes;
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
  } catch (const simdjson::simdjson_error& e) {
    stop(exit_code::usage, fmt::format("{}: no checkpoint: {}", path, e.what()));
  }
  if (c.run != run) {
    stop(exit_code::usage,
         fmt::format("{}: of a run with other inputs, flags or model; remove it to begin anew", path));
  }
  if (feed + 1 < text.size()) {
    const auto state = ts::parse_monitor_state(text.substr(feed + 1), path);
    if (!state) stop(exit_code::usage, state.error().message);
    c.state = *state;
  }
  return c;
}

void remove_checkpoint(const settings& s) { ::unlink(path_of(s).c_str()); }
