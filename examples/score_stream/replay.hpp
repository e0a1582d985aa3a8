// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/tabscore.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "comparison.hpp"
#include "input.hpp"
#include "log_reader.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "stop.hpp"

/// Scores the records of a prediction log again and compares.
template <class Pipeline>
class replayer {
  using record = typename Pipeline::schema_t;

 public:
  log_reader log;
  comparison compared;

  /// Lists at most `list` differences. The pipeline must outlive it.
  replayer(const Pipeline& pipe, std::size_t list)
      : log(pipe.layout()), compared(pipe.layout(), list), pipe_(pipe), decoder_(format_.decoder()) {
    if (const auto* const finder = pipe.reasons()) reasons_ = finder->reasons().size();
  }

  ts::ndjson_format<record>& format() { return format_; }

  void add(const input_block& block) {
    log.read(block);
    if (!log.other.empty()) stop(exit_code::usage, log.other);
    for (auto& line : log.unreadable) compared.unreadable(line.line, std::move(line.why));
    if (const auto failed = decoder_->decode(log.records.view(), false, records_, {})) {
      stop(exit_code::input_output, failed->message);
    }
    const bool has_reasons =
        std::any_of(log.then.begin(), log.then.end(), [](const logged& l) { return l.has_reasons; });
    const ts::batch_options asked{.reasons = has_reasons ? reasons_ : 0};
    auto rejected = records_.rejected.begin();
    const auto whole = pipe_.score(records_.good, buffers_, asked);
    const auto* const scores = std::get_if<ts::predictions>(&whole);
    const std::size_t columns = pipe_.layout().model.columns;
    std::span<const std::string> codes = log.codes;
    for (std::size_t i = 0, row = 0; i < log.then.size(); ++i) {
      const logged& l = log.then[i];
      const auto reasons = codes.first(l.reasons);
      codes = codes.subspan(l.reasons);
      if (rejected != records_.rejected.end() && rejected->position == i) {
        compared.unreadable(l.line, (rejected++)->message);
        continue;
      }
      // One record alone has the bits that it has among others.
      const std::size_t at = row++;
      const auto alone = scores != nullptr ? whole : pipe_.score(records_.good.view().slice(at, 1), buffers_, asked);
      const auto* const p = std::get_if<ts::predictions>(&alone);
      if (p == nullptr) {
        compared.unreadable(l.line, "the rules or the model refuse the record");
        continue;
      }
      const std::size_t k = scores != nullptr ? at : 0;
      const std::uint32_t label = !p->class_at.empty() ? p->class_at[k] : p->label.empty() ? 0 : p->label[k];
      const std::uint32_t decision = p->decision_at.empty() ? 0 : p->decision_at[k];
      compared.add(l.line, {std::span(log.values).subspan(i * columns, columns), l.label, l.decision},
                   {p->value.row(k), label, decision});
      if (l.has_reasons) compared.add_reasons(l.line, joined(reasons), reasons_of(*p, k, reasons.size()));
    }
  }

 private:
  static std::string joined(std::span<const std::string> codes) {
    std::string text;
    for (const std::string& code : codes) text.append(text.empty() ? "" : ", ").append(code);
    return text.empty() ? "none" : text;
  }
  /// As many as were logged; where none were, the first.
  static std::string reasons_of(const ts::predictions& p, std::size_t row, std::size_t logged) {
    if (p.reasons == nullptr) return "the policy gives none";
    std::vector<std::string> codes;
    for (const std::uint16_t at : p.reasons->of(row)) {
      if (codes.size() < std::max<std::size_t>(logged, 1)) codes.push_back(p.reasons->known[at].code);
    }
    return joined(codes);
  }

  const Pipeline& pipe_;
  ts::ndjson_format<record> format_;
  decltype(std::declval<ts::ndjson_format<record>&>().decoder()) decoder_;
  ts::block_records<record> records_;
  ts::score_buffers buffers_;
  std::size_t reasons_ = 0;  // that the policy declares
};

/// Says on the standard output what differs from what was logged. exit_code::done when nothing does; a torn last line,
/// as a crash may leave it, is told but no difference.
template <class Pipeline>
exit_code replay(const settings& s, const Pipeline& pipe) {
  settings of_log = s;
  of_log.inputs = {s.replay};
  of_log.from = "ndjson";
  of_log.keep = false;
  of_log.part = {};
  of_log.on_wrong = on_error::skip;  // a line that is too long is one that cannot be replayed
  replayer<Pipeline> all(pipe, s.replay_list);
  input lines(of_log, all.format());
  input_block block;
  while (lines.next(block, [] {})) all.add(block);
  output standard({}, 0, false, {});
  standard.write(all.compared.report(all.log));
  standard.commit();
  return all.compared.agrees() ? exit_code::done : exit_code::differs;
}
