// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../json/dialect.hpp"
#include "../json/error_context.hpp"
#include "../json/write.hpp"
#include "outcome.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends {"predictions":[{...},null,...],"errors":[...]}: an entry for each record of the list, null for a bad
/// record; and the bad records' errors and broken rules in a dialect. For several classes, the `top` most likely ones.
/// more(i), if given, appends further members to the entry of prediction i, its explanation for example.
template <item_dialect Dialect = dialect::neutral, class More = std::nullptr_t>
void append_partial(text_buffer& out, const partial_predictions& p, const prediction_names& members,
                    error_context context, More&& more = {}, std::size_t top = SIZE_MAX) {
  members.append_open_list(out, p.scores, p.rows, p.records, more, top);
  out.append(R"(,"errors":[)");
  context.unlisted = p.unlisted;
  typename Dialect::item_writer writer(context);
  detail::error_items items(out, context);
  auto rule = p.broken.begin();
  const auto add_rules = [&](std::size_t before) {
    for (; rule != p.broken.end() && rule->row < before; ++rule) {
      items.add([&] { writer.append_broken_rule(out, rule->message, static_cast<std::uint32_t>(rule->row)); });
    }
  };
  for (const field_error& e : p.errors) {
    add_rules(e.row);
    items.add([&] { writer.append_error(out, e); });
  }
  add_rules(SIZE_MAX);
  items.close();
}

}  // namespace tabscore::inline TABSCORE_ABI
