// SPDX-License-Identifier: MIT
#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

namespace {

template <class... Args>
void print(std::string& to, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(to), format, std::forward<Args>(args)...);
}

}  // namespace

void comparison::add(std::uint64_t line, const verdict& then, const verdict& now) {
  ++records_;
  ++labels_[{then.label, now.label}];
  difference most{line, 0, then.values[0], now.values[0], then.label, now.label};
  bool same = then.label == now.label && then.decision == now.decision;
  ++decisions_[{then.decision, now.decision}];
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    const double a = then.values[k], b = now.values[k];
    column& c = columns_[k];
    c.then += a;
    c.now += b;
    if (std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b)) continue;
    const difference d{line, k, a, b, then.label, now.label};
    c.distance += d.distance();
    if (c.different++ == 0 || d.distance() > c.largest.distance()) c.largest = d;
    if (same || d.distance() > most.distance()) most = d;
    same = false;
  }
  if (layout_.model.task == ts::task::binary) {
    const double tenth = std::clamp(then.values[0], 0.0, 1.0) * 10;
    band& b = bands_[std::min<std::size_t>(9, static_cast<std::size_t>(tenth))];
    ++b.records;
    b.then += then.values[0];
    b.now += now.values[0];
    b.changed += then.label != now.label;
  }
  if (same) return;
  ++different_;
  if (listed_.size() < list_) listed_.push_back(most);
}

void comparison::add_reasons(std::uint64_t line, const std::string& then, const std::string& now) {
  ++with_reasons_;
  if (then == now) return;
  ++other_reasons_;
  if (listed_reasons_.size() < list_) listed_reasons_.push_back(fmt::format("line {}: {} -> {}", line, then, now));
}

void comparison::unreadable(std::uint64_t line, std::string why) {
  ++unreadable_;
  if (why_unreadable_.size() < list_) why_unreadable_.push_back(fmt::format("line {}: {}", line, why));
}

std::string comparison::report(const log_reader& log) const {
  std::string text;
  print(text, "{} records replayed: {} with the logged bits, {} different\n", records_, records_ - different_,
        different_);
  for (const auto& [name, count] : log.models) print(text, "logged by model {}: {}\n", name, count);
  if (different_ > 0) {
    append_columns(text);
    if (has_labels()) append_labels(text);
    if (!layout_.decisions.empty()) {
      append_changes(text, layout_.decisions.name, decisions_, [&](auto d) { return layout_.decisions.names[d]; });
    }
    if (layout_.model.task == ts::task::binary) append_bands(text);
    append_list(text);
  }
  if (with_reasons_ > 0) print(text, "reasons: {} stay, {} change\n", with_reasons_ - other_reasons_, other_reasons_);
  for (const auto& change : listed_reasons_) print(text, "  {}\n", change);
  if (log.events > 0) print(text, "{} lines are not predictions\n", log.events);
  if (log.erased > 0) print(text, "{} records are erased: they were not replayed\n", log.erased);
  if (unreadable_ > 0) print(text, "{} lines could not be replayed:\n", unreadable_);
  for (const auto& why : why_unreadable_) print(text, "  {}\n", why);
  if (log.torn != 0) print(text, "the last line, {}, is torn: it was not replayed\n", log.torn);
  return text;
}

std::string comparison::column_name(std::size_t k) const {
  return is_multiclass() ? fmt::format("{} of {}", layout_.names[1], layout_.model.classes[k])
                         : std::string(layout_.names[k]);
}

std::string comparison::label_name(std::uint32_t label) const {
  return is_multiclass() ? layout_.model.classes[label] : std::to_string(label);
}

void comparison::append_columns(std::string& to) const {
  std::size_t shown = 0, differing = 0;
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    const column& c = columns_[k];
    if (c.different == 0 || differing++ >= std::max<std::size_t>(list_, 1)) continue;
    ++shown;
    const auto n = static_cast<double>(records_);
    print(to, "{}: largest difference {} (line {}: {} then, {} now), mean {} of {} that differ; mean {} then, {} now\n",
          column_name(k), c.largest.distance(), c.largest.line, c.largest.then, c.largest.now,
          c.distance / static_cast<double>(c.different), c.different, c.then / n, c.now / n);
  }
  if (shown < differing) print(to, "and {} more columns that differ\n", differing - shown);
}

template <class Name>
void comparison::append_changes(std::string& to, std::string_view of, const changes& all, Name&& name) const {
  std::vector<std::pair<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>>> changed;
  std::uint64_t sum = 0;
  for (const auto& [pair, count] : all) {
    if (pair.first == pair.second) continue;
    sum += count;
    changed.emplace_back(count, pair);
  }
  std::stable_sort(changed.begin(), changed.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  print(to, "{}: {} stay, {} change\n", of, records_ - sum, sum);
  for (std::size_t i = 0; i < std::min(changed.size(), std::max<std::size_t>(list_, 2)); ++i) {
    const auto& [count, pair] = changed[i];
    print(to, "  {} -> {}: {}\n", name(pair.first), name(pair.second), count);
  }
}

void comparison::append_labels(std::string& to) const {
  append_changes(to, is_multiclass() ? layout_.names.front() : layout_.names.back(), labels_,
                 [&](std::uint32_t label) { return label_name(label); });
}

void comparison::append_bands(std::string& to) const {
  print(to, "\n{:>13} {:>10} {:>12} {:>12} {:>14}\n", "logged", "records", "mean then", "mean now", "labels change");
  for (std::size_t i = 0; i < bands_.size(); ++i) {
    const band& b = bands_[i];
    if (b.records == 0) continue;
    const auto n = static_cast<double>(b.records);
    print(to, "  0.{} to {}.{} {:>10} {:>12.6f} {:>12.6f} {:>14}\n", i, i == 9 ? 1 : 0, (i + 1) % 10, b.records,
          b.then / n, b.now / n, b.changed);
  }
}

void comparison::append_list(std::string& to) const {
  print(to, "\n{:>10} {:>22} {:>22}\n", "line", "then", "now");
  for (const difference& d : listed_) {
    print(to, "{:>10} {:>22} {:>22}", d.line, d.then, d.now);
    if (columns_.size() > 1) print(to, "  {}", column_name(d.column));
    if (has_labels()) print(to, "  {} -> {}", label_name(d.label_then), label_name(d.label_now));
    to += '\n';
  }
  if (listed_.size() < different_) print(to, "and {} more\n", different_ - listed_.size());
}
