// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <tabscore/tabscore.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input.hpp"
#include "settings.hpp"

/// What came of a block: the text that goes out, and the records that could not be scored. The views are into the
/// block.
struct scored_block {
  ts::text_buffer text;
  std::vector<ts::rejected_record> rejected;
  std::size_t records = 0;
  std::size_t lines = 0;
};

/// From blocks to what is written of them, for one thread. A wrong record never spoils another: the records around it
/// are scored as if it were not there.
template <class Pipeline>
class block_scorer {
  using record = typename Pipeline::schema_t;

 public:
  block_scorer(const settings& s, const Pipeline& pipe, const ts::record_format<record>& format,
               const ts::prediction_writer& writer)
      : settings_(s), pipe_(pipe), decoder_(format.decoder()), writer_(writer), scorer_(pipe) {}

  ts::result<std::size_t> score(const input_block& from, scored_block& to) {
    const std::string_view block = from.bytes.view();
    to.text.clear();
    typename Pipeline::scoring scoring(pipe_, scorer_.buffers());
    auto add = [&](const ts::columns<record>& so_far) { scoring.add(so_far); };
    if (from.is_too_long) {
      records_.clear();
      records_.lines = 1;
      records_.reject(block.substr(0, block.size() - 1), false,
                      "longer than --max-record-bytes; this is its beginning");
    } else if (const auto failed = decoder_->decode(block, settings_.keep, records_, add)) {
      return *failed;
    }
    to.records = records_.size();
    to.lines = records_.lines;
    scores_ = scorer_.finish(scoring, records_.good, {});
    if (scores_.faults.empty() && records_.rejected.empty()) {
      to.rejected.clear();
      writer_.append(to.text, {scores_.scores, {}, records_.source});
      return to.records;
    }
    // Sources are shown of what is rejected.
    if (!scores_.faults.empty() && !settings_.keep) {
      static_cast<void>(decoder_->decode(block, true, records_, {}));
    }
    write_with_rejected(to);
    return to.records;
  }

 private:
  /// Merges the records that were rejected at decoding and at scoring, and writes as --on-error says.
  void write_with_rejected(scored_block& to) {
    const std::size_t columns = pipe_.layout().model.columns;
    to.rejected.clear();
    out_.clear();
    auto undecoded = records_.rejected.begin();
    auto unscored = scores_.faults.begin();
    for (std::size_t position = 0, row = 0; position < to.records; ++position) {
      const std::string_view source =
          records_.source.empty() || row == records_.source.size() ? std::string_view{} : records_.source[row];
      if (undecoded != records_.rejected.end() && undecoded->position == position) {
        to.rejected.push_back(std::move(*undecoded++));
      } else if (unscored != scores_.faults.end() && unscored->row == row) {
        to.rejected.push_back({position, source, true, std::string((unscored++)->reason)});
        ++row;
      } else {
        out_.add(scores_.scores, row, source);
        ++row;
        continue;
      }
      if (settings_.on_wrong == on_error::fail) break;
      const ts::rejected_record& r = to.rejected.back();
      if (settings_.on_wrong == on_error::null) {
        out_.rejected.push_back({out_.source.size(), r.bytes, r.is_formed, r.message});
        out_.add_missing(columns, r.is_formed ? r.bytes : std::string_view{});
      }
    }
    const auto decisions = std::span<const std::uint8_t>(out_.decision_at)
                               .first(pipe_.layout().decisions.empty() ? 0 : out_.decision_at.size());
    writer_.append(
        to.text,
        {{pipe_.layout(), {out_.values, columns}, out_.label, out_.class_at, scores_.scores.threshold, decisions},
         out_.rejected,
         std::span<const std::string_view>(out_.source).first(settings_.keep ? out_.source.size() : 0)});
  }

  /// What is handed to the writer when there is not simply everything.
  struct selection {
    std::vector<double> values;
    std::vector<std::uint8_t> label;
    std::vector<std::uint32_t> class_at;
    std::vector<std::uint8_t> decision_at;  // of a service that declares decisions
    std::vector<std::string_view> source;
    std::vector<ts::rejected_record> rejected;
    void clear() {
      values.clear();
      label.clear();
      class_at.clear();
      decision_at.clear();
      source.clear();
      rejected.clear();
    }
    void add(const ts::predictions& p, std::size_t row, std::string_view s) {
      const auto numbers = p.value.row(row);
      values.insert(values.end(), numbers.begin(), numbers.end());
      label.push_back(p.label.empty() ? std::uint8_t{0} : p.label[row]);
      class_at.push_back(p.class_at.empty() ? 0 : p.class_at[row]);
      decision_at.push_back(p.decision_at.empty() ? std::uint8_t{0} : p.decision_at[row]);
      source.push_back(s);
    }
    void add_missing(std::size_t columns, std::string_view s) {
      values.insert(values.end(), columns, std::numeric_limits<double>::quiet_NaN());
      label.push_back(0);
      class_at.push_back(0);
      decision_at.push_back(0);
      source.push_back(s);
    }
  };

  const settings& settings_;
  const Pipeline& pipe_;
  std::unique_ptr<ts::block_decoder<record>> decoder_;
  const ts::prediction_writer& writer_;
  ts::block_records<record> records_;
  ts::row_scorer<Pipeline> scorer_;
  ts::row_predictions scores_;
  selection out_;
};
