// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../core/read_timestamp.hpp"
#include "../../core/text_buffer.hpp"
#include "../../log/jsonl_log.hpp"
#include "../../monitor/label.hpp"
#include "../../outputs/prediction.hpp"
#include "../service.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Decisions of people that take the place of a policy's, as a body of /overrides has them, and as lines of the
/// prediction log.
struct override_batch {
  text_buffer lines;
  std::size_t size = 0;

  /// Reads {"id": ..., "decision": ..., "by": ..., "reason": ..., "time": ...} of a JSON list; time may be absent.
  /// `body`: with the bytes that simdjson needs behind it. `id` writes an id as the log shows it. What is wrong with
  /// one of them, if anything is: then none is to be logged.
  std::optional<std::string> read(std::string_view body, std::size_t most, std::span<const std::string_view> decisions,
                                  std::chrono::system_clock::time_point now,
                                  const std::function<void(text_buffer&, std::string_view)>& id);
};

/// Whether the log has something that an override can name a record by.
template <class Service>
constexpr bool logs_id() {
  if constexpr (has_id<Service>) {
    return Service::record::template field<Service::record::id_at>::logged != privacy::unlogged;
  }
  return true;  // a number of the request, say
}

/// Reads the overrides of a body, and appends them to the log, all or none. The status of the answer, and its text
/// where that is not 200, or else the number of overrides.
template <class Service>
std::pair<unsigned, std::string> log_overrides(jsonl_log& log, std::string_view body, std::size_t most) {
  if constexpr (!decided_type<typename Service::prediction> || !logs_id<Service>()) {
    return {404, "This service accepts no overrides: it needs declared decisions (ts::decided) and a logged id."};
  } else {
    if (!log.is_on())
      return {404, "This service accepts no overrides: they are logged, and the prediction log is off."};
    override_batch batch;
    const auto write_id = [&](text_buffer& out, std::string_view id) {
      if constexpr (has_id<Service>) {
        if constexpr (Service::record::template field<Service::record::id_at>::logged == privacy::hashed) {
          return out.append(log.hash(id));
        }
      }
      append_json_text<escape::non_ascii>(out, id);
    };
    if (auto wrong =
            batch.read(body, most, Service::prediction::decisions, std::chrono::system_clock::now(), write_id)) {
      return {422, *std::move(wrong)};
    }
    if (batch.size != 0 && !log.append_lines(batch.lines.view())) return {503, "The overrides cannot be logged."};
    return {200, std::to_string(batch.size)};
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE std::optional<std::string> override_batch::read(
    std::string_view body, std::size_t most, std::span<const std::string_view> decisions,
    std::chrono::system_clock::time_point now, const std::function<void(text_buffer&, std::string_view)>& id) {
  using simdjson::SUCCESS;
  constexpr std::string_view no_list = "The body is not a JSON list of overrides.";
  constexpr std::array<std::string_view, 5> names{"id", "decision", "by", "reason", "time"};
  std::array<char, tabscore::detail::timestamp_space> time{};
  const std::string_view written(
      time.data(), static_cast<std::size_t>(tabscore::detail::write_timestamp(time.data(), now) - time.data()));
  body = tabscore::detail::without_mark(body);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::array list;
  if (parser.iterate(body.data(), body.size(), body.size() + simdjson::SIMDJSON_PADDING).get(document) != SUCCESS ||
      document.get_array().get(list) != SUCCESS) {
    return std::string(no_list);
  }
  for (auto element : list) {
    const auto wrong = [&](std::string_view why) { return fmt::format("Override {}: {}.", size, why); };
    if (size == most) return fmt::format("The list has more than {} overrides.", most);
    simdjson::ondemand::object object;
    if (element.get_object().get(object) != SUCCESS) return wrong("it is not an object of JSON");
    std::array<std::string, names.size()> texts;
    std::array<bool, names.size()> there{};
    std::optional<std::string> seconds;
    std::string spare;
    for (auto member : object) {
      std::string_view name, text;
      simdjson::ondemand::value value;
      if (member.unescaped_key().get(name) != SUCCESS || member.value().get(value) != SUCCESS) {
        return std::string(no_list);
      }
      const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
      if (at == names.size()) {
        return wrong(fmt::format("\"{}\" is none of its members: these are {}", name, fmt::join(names, ", ")));
      }
      if (std::exchange(there[at], true)) return wrong(fmt::format("\"{}\" is duplicated", name));
      if (at == 0) {
        if (label_reader::read_id(value, text, spare) != nullptr)
          return wrong("the id is not a text or an integer of 64 bits");
      } else if (double number = 0; at == 4 && value.get_double().get(number) == SUCCESS) {
        if (!(std::abs(number) <= 1e11)) return wrong("the time is not a number of seconds since 1970");
        text = value.raw_json_token();
        seconds = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
      } else if (value.get_string().get(text) != SUCCESS || text.empty()) {
        return wrong(fmt::format("\"{}\" is not a text, or an empty one", name));
      }
      texts[at] = text;
    }
    for (std::size_t at = 0; at < 4; ++at) {
      if (!there[at]) return wrong(fmt::format("\"{}\" is missing", names[at]));
    }
    if (std::find(decisions.begin(), decisions.end(), texts[1]) == decisions.end()) {
      return wrong(
          fmt::format("\"{}\" is not a decision of the service; known are {}", texts[1], fmt::join(decisions, ", ")));
    }
    if (there[4] && !seconds && !read_timestamp(texts[4])) {
      return wrong("the time is not like \"2026-01-31T12:00:00Z\" or seconds since 1970");
    }
    lines.append(R"({"timestamp_utc": ")");
    lines.append(written);
    lines.append(R"(", "event": "override", "override": {"id": )");
    id(lines, texts[0]);
    for (std::size_t at = 1; at < names.size(); ++at) {
      if (!there[at]) continue;
      lines.append(", \"");
      lines.append(names[at]);
      lines.append("\": ");
      if (at == 4 && seconds) {
        lines.append(*seconds);
      } else {
        append_json_text<escape::non_ascii>(lines, texts[at]);
      }
    }
    lines.append("}}\n");
    ++size;
  }
  if (document.current_location().error() == SUCCESS) return std::string(no_list);
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
