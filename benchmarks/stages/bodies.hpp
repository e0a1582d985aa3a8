// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace bodies {

/// How a generated request is laid out.
struct layout {
  std::string_view name;
  std::string_view before_key;  // after the comma
  std::string_view colon;
  enum { declared, reversed, shuffled } order = declared;
};

inline constexpr std::array layouts{
    layout{"declared order", " ", ": "}, layout{"no blanks", "", ":"}, layout{"one field a line", "\n      ", ": "},
    layout{"reversed order", " ", ": ", layout::reversed}, layout{"shuffled per record", " ", ": ", layout::shuffled}};

/// A request of made-up students, about 190 bytes each.
inline std::string request(const layout& l, std::size_t records) {
  constexpr std::array<std::string_view, 24> countries{
      "United States", "India",  "Egypt",       "United Kingdom", "Canada",   "Germany", "Nigeria",   "Brazil",
      "Australia",     "France", "Netherlands", "Singapore",      "Pakistan", "Spain",   "Mexico",    "Poland",
      "Indonesia",     "Kenya",  "Turkey",      "South Africa",   "Vietnam",  "Italy",   "Argentina", "Japan"};
  std::mt19937 random(42);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::string out = fmt::format("{{{}\"records\"{}[", l.before_key == " " ? "" : l.before_key, l.colon);
  for (std::size_t r = 0; r < records; ++r) {
    const unsigned started = below(3) ? 0 : below(20);
    std::array<std::string, 7> members{
        fmt::format("\"student_country\"{}\"{}\"", l.colon, countries[std::min(below(24), below(24))]),
        fmt::format("\"days_on_platform\"{}{}", l.colon, below(700)),
        fmt::format("\"minutes_watched\"{}{:.1f}", l.colon, below(30000) / 10.0),
        fmt::format("\"courses_started\"{}{}", l.colon, below(12)),
        fmt::format("\"practice_exams_started\"{}{}", l.colon, started),
        fmt::format("\"practice_exams_passed\"{}{}", l.colon, started ? below(started) : 0),
        fmt::format("\"minutes_spent_on_exams\"{}{:.2f}", l.colon, started ? below(20000) / 100.0 : 0.0)};
    if (l.order == layout::reversed) std::reverse(members.begin(), members.end());
    if (l.order == layout::shuffled) std::shuffle(members.begin(), members.end(), random);
    const std::string_view first = l.before_key == " " ? "" : l.before_key;
    out += r == 0 ? "" : ",";
    out += r == 0 ? first : l.before_key;
    out += "{";
    for (std::size_t i = 0; i < members.size(); ++i) {
      out += i == 0 ? "" : ",";
      out += i == 0 ? first : l.before_key;
      out += members[i];
    }
    out += first;
    out += "}";
  }
  return out + "]}";
}

}  // namespace bodies
