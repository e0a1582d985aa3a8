// SPDX-License-Identifier: MIT
// A program with a schema of 300 fields: JSON in, predictions out. The compiler's memory must grow with the fields, not
// with their square.
#include <tabscore/tabscore.hpp>

#include "../support/wide.hpp"

tabscore::outcome answer(const tabscore::any_scorer& model, std::string_view body,
                         tabscore::workspace<wide::record>& memory) {
  const tabscore::pipeline pipe(wide::record{}, tabscore::rules{}, tabscore::features{}, model);
  return tabscore::score_json(pipe, body, memory);
}
