// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../core/text_buffer.hpp"
#include "../json/dialect.hpp"
#include "../json/error_context.hpp"
#include "../json/write.hpp"
#include "score_json.hpp"

namespace tabscore {

/// What came of a list of records of which only the good ones are predicted.
struct partial_predictions {
  predictions scores;               ///< of the good records, in their order; in the workspace
  std::vector<std::uint32_t> rows;  ///< where each of these stood in the body, ascending
  std::size_t records = 0;          ///< of the body, good and bad
  validation_errors errors;         ///< what is wrong with the others' values, ascending by row
  std::vector<broken_rule> broken;  ///< rules that records with right values break, ascending by row
  std::size_t unlisted = 0;         ///< further errors, beyond decode_limits::max_errors
};

/// Predictions of the good records, or why the body as a whole has none.
using partial_outcome = std::variant<partial_predictions, outcome>;

/// As score_json() with a list of records, but bad records keep the others from nothing: these are predicted, counted
/// and logged as if they had come alone. A body that is no list of records is refused as ever.
template <class Pipeline, schema_type Schema, class Policy>
partial_outcome score_partial(const Pipeline& pipe, simdjson::padded_string_view body, workspace<Schema, Policy>& w) {
  const detail::exclusive::hold hold(w.x.user);
  if (auto wrong = what_is_wrong(w.decoder.good_records(body, w.records), w)) return *std::move(wrong);
  const decode_faults& faults = w.decoder.faults();
  partial_predictions found;
  found.errors = faults.errors;
  found.unlisted = faults.unlisted;
  found.records = w.records.rows() + faults.bad_rows.size();
  found.rows.reserve(w.records.rows());
  for (std::uint32_t row = 0, bad = 0; row < found.records; ++row) {
    if (bad < faults.bad_rows.size() && faults.bad_rows[bad] == row) {
      ++bad;
    } else {
      found.rows.push_back(row);
    }
  }

  std::vector<std::uint8_t> good(w.records.rows(), 1);
  const auto is_listed = [&] {
    const bool room = found.errors.size() + found.broken.size() < w.decoder.limits().max_errors;
    found.unlisted += !room;
    return room;
  };
  const auto add_error = [&](std::uint32_t row, std::uint16_t field, fault what) {
    if (is_listed()) found.errors.push_back({row, field, what, {}});
  };
  const auto remove_bad = [&] {
    w.records.filter(good);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
      if (good[i] != 0) found.rows[kept++] = found.rows[i];
    }
    found.rows.resize(kept);
    good.assign(kept, 1);
  };

  pipe.rules().for_each([&](std::size_t index, const auto& rule) {
    rule.for_each_broken(w.records.view(), [&](std::size_t i) {
      good[i] = 0;
      if (is_listed()) found.broken.push_back({index, found.rows[i], rule.message()});
      return true;
    });
  });
  const auto good_at = [&](std::uint32_t row) -> std::uint8_t& {
    const auto at = std::lower_bound(found.rows.begin(), found.rows.end(), row) - found.rows.begin();
    return good[static_cast<std::size_t>(at)];
  };
  for (const field_error& e : faults.not_finite) {  // of such records too a broken rule is the first thing said
    if (good_at(e.row) != 0) add_error(e.row, e.field, fault::not_finite);
  }
  for (const field_error& e : faults.not_finite) good_at(e.row) = 0;
  remove_bad();

  score_outcome scored = pipe.score(w.records, w.x);
  if (std::holds_alternative<unscorable>(scored)) {
    pipe.for_each_unscorable(w.records, w.x, [&](const unscorable& u) {
      good[u.row] = 0;
      add_error(found.rows[u.row], u.field, u.what);
    });
    remove_bad();
    scored = pipe.score(w.records, w.x);
  }
  const auto by_row = [](const auto& a, const auto& b) { return a.row < b.row; };
  std::stable_sort(found.errors.begin(), found.errors.end(), by_row);
  std::stable_sort(found.broken.begin(), found.broken.end(), by_row);
  if (std::holds_alternative<refused>(scored)) return outcome(refused{});
  found.scores = std::get<predictions>(scored);
  return found;
}

/// The same of a body without padding.
template <class Pipeline, unpadded_body Body, schema_type Schema, class Policy>
partial_outcome score_partial(const Pipeline& pipe, const Body& body, workspace<Schema, Policy>& w) {
  return score_partial(pipe, detail::padded_copy(body, w.body), w);
}

/// Appends {"predictions":[{...},null,...],"errors":[...]}: an entry for each record of the body, null for the bad
/// ones, and what is wrong with these in the words of dialect::pydantic1, a broken rule in its own.
inline void append_partial(text_buffer& out, const partial_predictions& p, const prediction_names& members,
                           error_context context) {
  members.append_open_list(out, p.scores.probability, p.scores.threshold, p.rows, p.records);
  out.append(R"(,"errors":[)");
  context.unlisted = p.unlisted;
  detail::error_items items(out, context);
  auto rule = p.broken.begin();
  const auto add_rules = [&](std::size_t before) {
    for (; rule != p.broken.end() && rule->row < before; ++rule) {
      items.add([&] {
        out.append(R"({"loc":["body",)");
        append_json_text(out, context.list);
        out.append(",");
        out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(rule->row)));
        out.append(R"(],"msg":)");
        append_json_text(out, rule->message);
        out.append(R"(,"type":"value_error.rule"})");
      });
    }
  };
  for (const field_error& e : p.errors) {
    add_rules(e.row);
    items.add([&] { dialect::pydantic1::append_error(out, e, context); });
  }
  add_rules(SIZE_MAX);
  items.close();
}

}  // namespace tabscore
