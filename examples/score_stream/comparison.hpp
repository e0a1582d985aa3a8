// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tabscore/outputs/predictions.hpp>
#include <utility>
#include <vector>

#include "log_reader.hpp"

/// What was predicted for a record.
struct verdict {
  std::span<const double> values;  ///< a number a column
  std::uint32_t label = 0;         ///< or the class; 0 where the task has neither
  std::uint32_t decision = 0;      ///< 0 where the service declares none
};

/// What a log and a model agree and disagree on.
class comparison {
 public:
  /// Lists at most `list` differences. The layout must outlive it.
  comparison(const ts::prediction_layout& layout, std::size_t list)
      : layout_(layout), list_(list), columns_(layout.model.columns) {}

  void add(std::uint64_t line, const verdict& then, const verdict& now);
  /// The codes of a record's reasons, where they were logged, as a text.
  void add_reasons(std::uint64_t line, const std::string& then, const std::string& now);
  void unreadable(std::uint64_t line, std::string why);
  bool agrees() const noexcept { return different_ == 0 && other_reasons_ == 0 && unreadable_ == 0; }
  std::string report(const log_reader& log) const;

 private:
  using changes = std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t>;  // then, now
  struct difference {  // of a record: its column that differs most
    std::uint64_t line = 0;
    std::size_t column = 0;
    double then = 0, now = 0;
    std::uint32_t label_then = 0, label_now = 0;
    double distance() const noexcept { return now > then ? now - then : then - now; }
  };
  struct column {
    double then = 0, now = 0, distance = 0;  // sums
    std::uint64_t different = 0;
    difference largest;
  };
  struct band {  // a tenth of the logged probabilities
    std::uint64_t records = 0;
    double then = 0, now = 0;
    std::uint64_t changed = 0;
  };

  std::string column_name(std::size_t k) const;
  std::string label_name(std::uint32_t label) const;
  bool has_labels() const noexcept { return layout_.names.size() > columns_.size() || is_multiclass(); }
  bool is_multiclass() const noexcept { return layout_.model.task == ts::task::multiclass; }
  void append_columns(std::string& to) const;
  template <class Name>
  void append_changes(std::string& to, std::string_view of, const changes& all, Name&& name) const;
  void append_labels(std::string& to) const;
  void append_bands(std::string& to) const;
  void append_list(std::string& to) const;

  const ts::prediction_layout& layout_;
  std::size_t list_;
  std::uint64_t records_ = 0, different_ = 0, unreadable_ = 0;
  std::vector<column> columns_;
  changes labels_;  // then, now
  std::array<band, 10> bands_{};
  std::vector<difference> listed_;
  changes decisions_;  // the same
  std::uint64_t with_reasons_ = 0, other_reasons_ = 0;
  std::vector<std::string> listed_reasons_;  // that differ
  std::vector<std::string> why_unreadable_;
};
