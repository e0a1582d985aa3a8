// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The cells of a line of a table: between commas, perhaps in quotes, which stand doubled within them. Lines end where
/// the file's do, also within quotes.
class csv_line {
 public:
  /// False: quotes that do not enclose a cell, or a carriage return, which ends no line alone.
  bool split(std::string_view line) {
    cells_.clear();
    std::size_t at = 0;
    for (;;) {
      std::string cell;
      if (at < line.size() && line[at] == '"') {
        for (++at;; ++at) {
          const std::size_t quote = line.find('"', at);
          if (quote == std::string_view::npos) return false;
          cell.append(line.substr(at, quote - at));
          at = quote + 1;
          if (at == line.size() || line[at] != '"') break;
          cell.push_back('"');
        }
        if (at != line.size() && line[at] != ',') return false;
      }
      const std::size_t comma = (std::min)(line.find(',', at), line.size());
      if (line.substr(at, comma - at).find('\r') != std::string_view::npos) return false;
      cells_.push_back(cell.append(line.substr(at, comma - at)));
      if (comma == line.size()) return true;
      at = comma + 1;
    }
  }
  std::size_t size() const noexcept { return cells_.size(); }
  const std::string& operator[](std::size_t i) const { return cells_[i]; }

 private:
  std::vector<std::string> cells_;
};

/// Where a table has ids, labels and, perhaps, times.
class csv_header {
 public:
  static std::optional<csv_header> read(std::string_view line) {
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    csv_header h;
    if (!h.cells_.split(line)) return std::nullopt;
    h.columns_ = h.cells_.size();
    const std::pair<std::string_view, std::optional<std::size_t>*> known[]{
        {"id", &h.id_}, {"label", &h.label_}, {"time", &h.time_}};
    for (std::size_t i = 0; i < h.columns_; ++i) {
      for (const auto& [name, at] : known) {
        if (h.cells_[i] != name) continue;
        if (*at) return std::nullopt;
        *at = i;
      }
    }
    if (!h.id_ || !h.label_) return std::nullopt;
    return h;
  }

  bool split(std::string_view line) { return cells_.split(line) && cells_.size() == columns_; }
  std::string_view id() const { return cells_[*id_]; }
  std::string_view label() const { return cells_[*label_]; }
  std::string_view time() const { return time_ ? std::string_view(cells_[*time_]) : std::string_view(); }

 private:
  csv_line cells_;
  std::size_t columns_ = 0;
  std::optional<std::size_t> id_, label_, time_;
};
