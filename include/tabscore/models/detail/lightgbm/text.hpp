// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/read_number.hpp"
#include "../load_fault.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads the lines of a LightGBM text model: key=value, in a header and one section per tree. A value is words between
/// blanks.
class lightgbm_text : public load_fault {
 public:
  using section = std::map<std::string_view, std::string_view>;

  lightgbm_text(std::string_view text, std::string_view source) : load_fault(source), rest_(text) {}

  bool next_line(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    bytes_ += line.size() + (end == rest_.npos ? 0 : 1);
    return true;
  }

  /// Lines up to a tree or the end of the trees, which is left in place.
  bool read_section(std::string_view place, section& found) {
    while (!rest_.empty()) {
      const std::string_view ahead = peek_line();
      if (ahead.substr(0, 5) == "Tree=" || is_end(ahead)) break;
      std::string_view line;
      next_line(line);
      const std::size_t equals = line.find('=');
      const std::string_view key = line.substr(0, equals);
      const std::string_view value = equals == line.npos ? std::string_view() : line.substr(equals + 1);
      if (!found.emplace(key, value).second && !key.empty()) {
        return fail(fmt::format("{}: {} stands twice", place, key));
      }
    }
    return true;
  }

  bool is_empty() const noexcept { return rest_.empty(); }
  /// No tree follows.
  bool ends_trees() const { return rest_.empty() || is_end(peek_line()); }
  /// Bytes of the lines that were read, as if each ended in one byte.
  std::uint64_t bytes() const noexcept { return bytes_; }

  static std::optional<std::string_view> lookup(const section& s, std::string_view key) {
    const auto at = s.find(key);
    if (at == s.end()) return std::nullopt;
    return at->second;
  }
  /// Takes the next word from the text.
  static bool next_word(std::string_view& text, std::string_view& word) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == text.npos) return false;
    text.remove_prefix(begin);
    const std::size_t end = (std::min)(text.find(' '), text.size());
    word = text.substr(0, end);
    text.remove_prefix(end);
    return true;
  }
  static std::size_t count_words(std::string_view text) {
    std::size_t count = 0;
    for (std::string_view word; next_word(text, word);) ++count;
    return count;
  }

  bool integer(const section& s, std::string_view place, std::string_view key, std::int64_t least, std::int64_t most,
               std::int64_t& out) {
    const auto text = lookup(s, key);
    if (!text) return fail(fmt::format("{}: {} is missing", place, key));
    if (parse_number(*text, out) && out >= least && out <= most) return true;
    return fail(fmt::format("{}: {} should be a whole number from {} to {}", place, key, least, most));
  }
  /// A line of `count` numbers.
  template <class T>
  bool numbers(const section& s, std::string_view place, std::string_view key, std::size_t count, std::vector<T>& out) {
    auto text = lookup(s, key);
    if (!text) return fail(fmt::format("{}: {} is missing", place, key));
    if (count > text->size()) {  // each number takes a byte, so that no count is trusted before an allocation
      return fail(fmt::format("{}: {} should have {} numbers", place, key, count));
    }
    out.reserve(count);
    std::string_view word;
    while (next_word(*text, word)) {
      T value{};
      if (!parse_number(word, value))
        return fail(fmt::format("{}: {}[{}] is not a number in range", place, key, out.size()));
      out.push_back(value);
    }
    return out.size() == count ||
           fail(fmt::format("{}: {} should have {} numbers, not {}", place, key, count, out.size()));
  }

 private:
  /// The line after the last tree: LightGBM 2.0.12 to 2.1.2 wrote the second one.
  static bool is_end(std::string_view line) { return line == "end of trees" || line == "feature importances:"; }
  std::string_view peek_line() const {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    return line.substr(0, line.find('\r'));  // find_first_of would take a byte at a time
  }

  std::string_view rest_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
