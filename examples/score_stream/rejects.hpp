// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/tabscore.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// Where a record stands, for a person: its line, or its number where the format has no lines. Both from 1.
struct record_place {
  std::string_view file;
  bool is_line = false;
  std::uint64_t number = 0;
};

inline std::string to_text(const record_place& p) {
  return fmt::format("{}:{}{}", p.file, p.is_line ? "" : "record ", p.number);
}

/// How many lines of a block are before a record: asked for records in their order, so that each line is counted once.
class line_position {
 public:
  explicit line_position(std::string_view block) : at_(block.data()) {}
  std::uint64_t before(std::string_view record) {
    lines_ += ts::count_lines({at_, static_cast<std::size_t>(record.data() - at_)});
    at_ = record.data();
    return lines_;
  }

 private:
  const char* at_;
  std::uint64_t lines_ = 0;
};

/// Appends {"file":"x.csv","line":12,"error":"...","record":"..."}: bytes that are no UTF-8 as "record_hex".
inline void append_reject(ts::text_buffer& out, const record_place& place, const ts::rejected_record& r) {
  out.append("{\"file\":");
  ts::append_json_text(out, place.file);
  out.append(place.is_line ? ",\"line\":" : ",\"number\":");
  out.keep_to(ts::write_integer(out.space(ts::number_text_space), static_cast<std::int64_t>(place.number)));
  out.append(",\"error\":");
  ts::append_json_text(out, r.message);
  if (simdjson::validate_utf8(r.bytes.data(), r.bytes.size())) {
    out.append(",\"record\":");
    ts::append_json_text(out, r.bytes);
  } else {
    out.append(",\"record_hex\":\"");
    char* to = out.space(2 * r.bytes.size());
    for (const char c : r.bytes) {
      constexpr std::string_view digits = "0123456789abcdef";
      *to++ = digits[static_cast<unsigned char>(c) >> 4U];
      *to++ = digits[static_cast<unsigned char>(c) & 15U];
    }
    out.keep_to(to);
    out.append("\"");
  }
  out.append("}\n");
}
