// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/text_buffer.hpp"
#include "../../core/write_number.hpp"
#include "../../json/record_json.hpp"
#include "../../json/write.hpp"
#include "../../log/jsonl_lines.hpp"
#include "../../outputs/predictions.hpp"
#include "../service.hpp"
#include "challenger_queue.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The scores of a batch by one model.
struct challenger_scores {
  std::string_view sha256;              // of the model
  const predictions* scores = nullptr;  // nullptr: it has none
};

/// Writes lines of the challenger log: {"timestamp_utc":...,"id":...,"scores":[{"model":...,"probability":...},...]};
/// without an id that may be shown the record's number in its request.
template <class Service>
class challenger_lines {
  using record = typename Service::record;

 public:
  /// The lines of a batch; valid until the next call. `by`: the champion first.
  std::string_view write(const waiting_batch<record>& waiting, const prediction_names& names,
                         std::span<const challenger_scores> by) {
    lines_.clear();
    for (std::size_t row = 0; row < waiting.records.rows(); ++row) {
      lines_.append(R"({"timestamp_utc":")");
      lines_.keep_to(tabscore::detail::write_timestamp(lines_.space(tabscore::detail::timestamp_space), waiting.time));
      lines_.append("\",");
      append_id(waiting.records.view(), row);
      std::string_view before = R"(,"scores":[)";
      for (const challenger_scores& one : by) {
        lines_.append(std::exchange(before, ","));
        append_scores(one, names, row);
      }
      lines_.append("]");
      lines_.append(waiting.log_members);
      lines_.append("}\n");
    }
    return lines_.view();
  }

 private:
  void append_id([[maybe_unused]] const columns<record>& records, std::size_t row) {
    if constexpr (has_id<Service>) {
      using field = typename record::template field<record::id_at>;
      if constexpr (field::logged == privacy::open) {
        lines_.append(R"("id":)");
        return append_value<field>(lines_, records.template get<record::id_at>()[row]);
      }
    }
    lines_.append(R"("record":)");
    lines_.keep_to(write_integer(lines_.space(number_text_space), static_cast<std::int64_t>(row)));
  }
  void append_scores(const challenger_scores& one, const prediction_names& names, std::size_t row) {
    lines_.append(R"({"model":")");
    lines_.append(one.sha256);
    lines_.append("\",");
    text_.clear();
    if (one.scores != nullptr) {
      names.append_one(text_, *one.scores, row);
    } else {
      text_.append(names.null_entry());
    }
    lines_.append(text_.view().substr(1));
  }

  text_buffer lines_, text_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
