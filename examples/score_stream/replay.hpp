// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/tabscore.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>

#include "comparison.hpp"
#include "input.hpp"
#include "log_reader.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "stop.hpp"

/// Scores the records of a prediction log anew and says on the standard output what differs from what was logged.
/// exit_code::done when nothing does; a torn last line, as a crash may leave it, is told but no difference.
template <class Pipeline>
exit_code replay(const settings& s, const Pipeline& pipe) {
  using record = typename Pipeline::schema_t;
  settings of_log = s;
  of_log.inputs = {s.replay};
  of_log.from = "ndjson";
  of_log.keep = false;
  of_log.part = {};
  of_log.policy = on_error::skip;  // a line that is too long is one that cannot be replayed
  ts::ndjson_format<record> format;
  const auto decoder = format.decoder();
  input lines(of_log, format);
  input_block block;
  ts::block_records<record> records;
  ts::score_buffers buffers;
  comparison compared(pipe.layout(), s.replay_list);
  log_reader log(pipe.layout());
  const std::size_t columns = pipe.layout().model.columns;
  while (lines.next(block, [] {})) {
    log.read(block);
    if (!log.other.empty()) stop(exit_code::usage, log.other);
    for (auto& line : log.unreadable) compared.unreadable(line.line, std::move(line.why));
    if (const auto failed = decoder->decode(log.records.view(), false, records, {})) {
      stop(exit_code::input_output, failed->message);
    }
    auto rejected = records.rejected.begin();
    const auto whole = pipe.score(records.good, buffers);
    const auto* const scores = std::get_if<ts::predictions>(&whole);
    for (std::size_t i = 0, row = 0; i < log.then.size(); ++i) {
      const logged& l = log.then[i];
      if (rejected != records.rejected.end() && rejected->position == i) {
        compared.unreadable(l.line, (rejected++)->message);
        continue;
      }
      // One record alone has the bits that it has among others.
      const std::size_t at = row++;
      const auto alone = scores != nullptr ? whole : pipe.score(records.good.view().slice(at, 1), buffers);
      const auto* const p = std::get_if<ts::predictions>(&alone);
      if (p == nullptr) {
        compared.unreadable(l.line, "the rules or the model refuse the record");
        continue;
      }
      const std::size_t k = scores != nullptr ? at : 0;
      const std::uint32_t label = !p->class_at.empty() ? p->class_at[k] : p->label.empty() ? 0 : p->label[k];
      compared.add(l.line, {std::span(log.values).subspan(i * columns, columns), l.label}, {p->value.row(k), label});
    }
  }
  output standard({}, 0, false, {});
  standard.write(compared.report(log));
  standard.commit();
  return compared.agrees() ? exit_code::done : exit_code::differs;
}
