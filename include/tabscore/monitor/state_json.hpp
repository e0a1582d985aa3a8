// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/json_node.hpp"
#include "../core/exact_sum_text.hpp"
#include "../core/json_text.hpp"
#include "../core/result.hpp"
#include "../core/text_buffer.hpp"
#include "../outputs/prediction.hpp"
#include "state.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The one JSON text of a state: equal states, equal bytes. Sums are exact (exact_sum_text.hpp).
std::string to_json(const monitor_state& state);

/// Reads a text of to_json; `name` names the bytes in errors.
result<monitor_state> parse_monitor_state(std::string_view bytes, std::string_view name);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::string to_json(const monitor_state& state) {
  text_buffer out;
  const auto text = [&](std::string_view t) { append_json_text(out, t); };
  const auto number = [&](std::uint64_t n) { out.append(fmt::format("{}", n)); };
  const auto counts = [&](const monitor_state::feature& f) {
    out.append(R"("counts": [)");
    for (std::size_t i = 0; i < f.counts.size(); ++i) {
      if (i > 0) out.append(", ");
      number(f.counts[i]);
    }
    out.append("]");
  };
  out.append("{\n \"format\": \"tabscore-monitor-state\",\n \"version\": 1,\n \"model\": ");
  text(state.model);
  out.append(",\n \"reference\": ");
  text(state.reference);
  out.append(",\n \"samples\": ");
  number(state.totals.samples);
  out.append(",\n \"positives\": ");
  number(state.totals.positives);
  const auto list = [&](std::string_view name, monitored_kind kind, std::span<const exact_sum> sums) {
    out.append(",\n ");
    text(name);
    out.append(": [");
    std::string_view before = "\n  {\"name\": ";
    for (const auto& f : state.features) {
      if (f.kind != kind) continue;
      out.append(std::exchange(before, ",\n  {\"name\": "));
      text(f.name);
      out.append(", ");
      if (!sums.empty()) {
        const exact_sum& sum = sums.front();
        sums = sums.subspan(1);
        out.append(fmt::format(R"("sum": "{}", "nans": {}, "infinities": {}, "negative_infinities": {}, )",
                               to_text(sum), sum.nans(), sum.infinities(), sum.negative_infinities()));
      }
      counts(f);
      out.append("}");
    }
    out.append("]");
  };
  std::string_view before = ",\n \"decisions\": [\n  {\"name\": ";
  for (std::size_t k = 0; k < state.decisions.size(); ++k) {
    out.append(std::exchange(before, ",\n  {\"name\": "));
    text(state.decisions[k]);
    out.append(", \"count\": ");
    number(state.totals.decisions[k]);
    out.append("}");
  }
  if (!state.decisions.empty()) out.append("]");
  list("numeric", monitored_kind::numeric, state.totals.sums);
  list("text", monitored_kind::text, {});
  if (!state.totals.outputs.empty()) {
    list("outputs", monitored_kind::output, state.totals.outputs);
    list("classes", monitored_kind::classes, {});
    out.append("\n}\n");
    return std::string(out.view());
  }
  out.append(",\n \"probability\": {");
  for (const auto& f : state.features) {
    if (f.kind == monitored_kind::probability) counts(f);
  }
  out.append("}\n}\n");
  return std::string(out.view());
}

TABSCORE_INLINE result<monitor_state> parse_monitor_state(std::string_view bytes, std::string_view name) {
  if (bytes.empty()) return error{errc::syntax, fmt::format("{}: expected a JSON document, found nothing", name)};
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto code = parser.parse(bytes.data(), bytes.size()).get(document)) {
    return error{errc::syntax, fmt::format("{}: expected a JSON document: {}", name, simdjson::error_message(code))};
  }
  detail::json_reading reading{std::string(name), std::nullopt};
  const detail::json_node root(document, reading);
  monitor_state state;
  // What is of another format or version has other members.
  if (root.has("format") && root["format"].text() != "tabscore-monitor-state") {
    root["format"].expected("\"tabscore-monitor-state\"");
  }
  if (root.has("version") && root["version"].count() != 1) {
    root["version"].expected("1, the version that this reader knows");
  }
  root.members({"format", "version", "model", "reference", "samples", "positives", "numeric", "text"},
               {"probability", "outputs", "classes", "decisions"});
  const bool binary = root.ok() && root.has("probability");
  if (root.ok() && binary == (root.has("outputs") && root.has("classes"))) {
    root.expected("either the counts of a probability, or those of outputs and classes");
  }
  if (!root.ok()) return *std::move(reading.failure);
  state.model = root["model"].text();
  state.reference = root["reference"].text();
  state.totals.samples = root["samples"].count();
  state.totals.positives = root["positives"].count();
  if (root.ok() && state.totals.positives > state.totals.samples)
    root["positives"].expected("no more than the samples");
  const auto counted = [&](const detail::json_node& node, std::string feature, monitored_kind kind) {
    std::vector<std::uint64_t> counts;
    node["counts"].each([&](const detail::json_node& n) { counts.push_back(n.count()); });
    if (std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) != state.totals.samples) {
      node["counts"].expected(fmt::format("counts of all {} samples", state.totals.samples));
    }
    state.features.push_back({std::move(feature), kind, std::move(counts)});
  };
  const auto summed = [&](std::string_view member, monitored_kind kind, std::vector<exact_sum>& sums) {
    root[member].each([&](const detail::json_node& node) {
      node.members({"name", "sum", "nans", "infinities", "negative_infinities", "counts"});
      if (!node.ok()) return;
      const auto sum = parse_exact_sum(node["sum"].text(), node["nans"].count(), node["infinities"].count(),
                                       node["negative_infinities"].count());
      if (!sum) return node["sum"].expected("an exact sum in hexadecimal, such as \"0x3p-1\"");
      sums.push_back(*sum);
      counted(node, node["name"].text(), kind);
    });
  };
  const auto listed = [&](std::string_view member, monitored_kind kind) {
    root[member].each([&](const detail::json_node& node) {
      node.members({"name", "counts"});
      if (node.ok()) counted(node, node["name"].text(), kind);
    });
  };
  summed("numeric", monitored_kind::numeric, state.totals.sums);
  listed("text", monitored_kind::text);
  if (root.ok() && binary) {
    root["probability"].members({"counts"});
    if (root.ok()) counted(root["probability"], "probability", monitored_kind::probability);
  } else if (root.ok()) {
    summed("outputs", monitored_kind::output, state.totals.outputs);
    if (root.ok() && state.totals.outputs.empty()) root["outputs"].expected("at least one entry");
    listed("classes", monitored_kind::classes);
    if (root.ok() && state.features.back().kind == monitored_kind::classes) {
      const auto& cells = state.features.back().counts;
      if (cells.size() < 2) {
        root["classes"].expected("a count of each class, and two that stay 0");
      } else {
        state.totals.classes.assign(cells.begin(), cells.end() - 2);
      }
    }
  }
  if (root.has("decisions")) {
    std::uint64_t decided = 0;
    root["decisions"].each([&](const detail::json_node& node) {
      node.members({"name", "count"});
      if (!node.ok()) return;
      state.decisions.push_back(node["name"].name());
      decided += state.totals.decisions.emplace_back(node["count"].count());
    });
    if (root.ok() && (decided != state.totals.samples || state.decisions.size() > max_decisions)) {
      root["decisions"].expected(
          fmt::format("counts of all {} samples, of at most {} decisions", state.totals.samples, max_decisions));
    }
  }
  if (reading.failure) return *std::move(reading.failure);
  return state;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
