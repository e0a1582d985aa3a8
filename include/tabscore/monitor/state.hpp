// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "drift_reference.hpp"
#include "moments.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The total counts of a monitor: integers and exact sums, so that states of replicas merge, in any order, into the
/// bytes of one process. Plain data.
struct monitor_state {
  /// Counts of a feature or output.
  struct feature {
    std::string name;                   ///< as in the drift reference
    monitored_kind kind{};              ///< what is counted of it
    std::vector<std::uint64_t> counts;  ///< as monitored::cells

    friend bool operator==(const feature&, const feature&) = default;
  };
  std::string model;                        ///< the model's name
  std::string reference;                    ///< fingerprint() of the drift reference: states of others do not merge
  exact_totals totals;                      ///< a sum per numeric feature
  std::vector<feature> features;            ///< in the order of the drift reference
  std::vector<std::string> decisions = {};  ///< whose counts the totals have

  friend bool operator==(const monitor_state&, const monitor_state&) = default;
};

/// 16 hexadecimal digits that change with the model's name and its features, bins, categories, classes,
/// training counts or decisions (FNV-1a, 64 bits: against mix-ups, not against forgery).
std::string fingerprint(const drift_reference& r);

/// The state of a drift monitor: of whole batches.
template <class Monitor>
monitor_state state_of(const Monitor& monitor) {
  const drift_reference& r = monitor.reference();
  auto [totals, counts] = monitor.total();
  totals.sums.resize(r.numeric());  // before the first batch there are none
  const bool binary = r.empty() || r.features.back().kind == monitored_kind::probability;
  totals.outputs.resize(binary ? 0 : r.outputs);
  totals.classes.resize(r.classes.size());
  totals.decisions.resize(r.decisions.size());
  monitor_state state{r.model, fingerprint(r), std::move(totals), {}, r.decisions};
  for (const monitored& m : r.features) {
    const auto cells = m.of(counts);
    state.features.push_back({m.name, m.kind, {cells.begin(), cells.end()}});
  }
  return state;
}

namespace detail {
inline std::optional<error> not_of(const monitor_state& state, std::string_view model, std::string_view reference) {
  if (state.model == model && state.reference == reference) return std::nullopt;
  return error{errc::mismatch, fmt::format("expected a state of the model \"{}\", reference {}, found \"{}\", {}",
                                           model, reference, state.model, state.reference)};
}
}  // namespace detail

/// Adds `from`, or returns the reason why it belongs to another model. Associative and commutative, bit for bit.
[[nodiscard]] std::optional<error> merge(monitor_state& into, const monitor_state& from);

/// Adds a state to the monitor's totals, or returns the reason why it belongs to another model.
template <class Monitor>
[[nodiscard]] std::optional<error> restore(Monitor& monitor, const monitor_state& state) {
  monitor_state all = state_of(monitor);
  all.totals = {0,
                0,
                std::vector<exact_sum>(all.totals.sums.size()),
                std::vector<exact_sum>(all.totals.outputs.size()),
                std::vector<std::uint64_t>(all.totals.classes.size()),
                std::vector<std::uint64_t>(all.totals.decisions.size())};
  for (auto& f : all.features) std::fill(f.counts.begin(), f.counts.end(), 0);
  if (auto other = merge(all, state)) return other;
  std::vector<std::uint64_t> counts;
  for (const auto& f : all.features) counts.insert(counts.end(), f.counts.begin(), f.counts.end());
  monitor.merge(all.totals, counts);
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::string fingerprint(const drift_reference& r) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  const auto byte = [&](unsigned char b) { hash = (hash ^ b) * 0x100000001B3U; };
  const auto number = [&](std::uint64_t n) {
    for (unsigned i = 0; i < 64; i += 8) byte(static_cast<unsigned char>(n >> i & 0xFFU));
  };
  const auto text = [&](std::string_view t) {
    number(t.size());
    for (const char c : t) byte(static_cast<unsigned char>(c));
  };
  text(r.model);
  for (const monitored& m : r.features) {
    text(m.name);
    number(static_cast<std::uint64_t>(m.kind));
    number(m.cells);
  }
  for (const auto& edges : r.edges) {
    for (const double edge : edges) number(std::bit_cast<std::uint64_t>(edge));
  }
  for (const one_hot& field : r.text) {
    for (const auto& category : field.categories()) category ? text(*category) : number(~std::uint64_t{0});
  }
  for (const std::string& name : r.classes) text(name);
  for (const std::uint64_t n : r.training) number(n);
  for (const std::string& name : r.decisions) text(name);
  return fmt::format("{:016x}", hash);
}

TABSCORE_INLINE std::optional<error> merge(monitor_state& into, const monitor_state& from) {
  if (auto other = detail::not_of(from, into.model, into.reference)) return other;
  const auto alike = [](const auto& a, const auto& b) { return a.counts.size() == b.counts.size(); };
  if (into.totals.sums.size() != from.totals.sums.size() || into.totals.outputs.size() != from.totals.outputs.size() ||
      into.totals.classes.size() != from.totals.classes.size() ||
      !std::equal(into.features.begin(), into.features.end(), from.features.begin(), from.features.end(), alike)) {
    return error{errc::mismatch, "expected a state of the same features"};
  }
  if (into.decisions != from.decisions) return error{errc::mismatch, "expected a state of the same decisions"};
  into.totals.merge(from.totals);
  for (std::size_t f = 0; f < into.features.size(); ++f) {
    for (std::size_t i = 0; i < into.features[f].counts.size(); ++i) {
      into.features[f].counts[i] += from.features[f].counts[i];
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
