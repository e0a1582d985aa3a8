// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/expr/expr.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/schema/batch.hpp>
#include <tabscore/schema/schema.hpp>

#include <string>

namespace support {

/// A service of loans, of the model loan_default.json.
struct loans {
  using record =
      tabscore::schema<tabscore::text<"purpose", tabscore::min_length{1}>, tabscore::optional<tabscore::text<"sector">>,
                       tabscore::integer<"months", tabscore::ge{1}, tabscore::le{480}>,
                       tabscore::real<"amount", tabscore::gt{0}>,
                       tabscore::optional<tabscore::real<"income", tabscore::gt{0}>>>;
  static constexpr tabscore::features features{
      tabscore::feature<"instalment">(tabscore::col<"amount"> / tabscore::col<"months">)};
  static void add_example(tabscore::batch<record>& records) { records.push_back("car", "public", 48, 12000.0, 2600.0); }
};

inline const std::string loan_model = TABSCORE_SOURCE_DIR "/models/loan_default.json";

}  // namespace support
