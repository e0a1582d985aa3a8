#pragma once

#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/schema/batch.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace ts = tabscore;

/// A record as clients send it. The notes are what the data held; they are suggestions, not constraints:
/// ts::real<"x"> with "observed: ts::ge{0}" may become ts::real<"x", ts::ge{0}>.
using @name@_record = @schema@

struct @name@ {
  using record = @name@_record;
  using prediction = @prediction@;
  // With a policy file the service decides, too (docs/reference/policies.md of tabscore):
  // using prediction = ts::decided<@prediction@, "decision", "approve", "refer", "decline">;
@features@
  /// A record for the documentation, which also warms the model up.
  static void add_example(ts::batch<record>& records) { records.push_back(@example@); }

  static constexpr std::string_view program = "@name@_server";
  static constexpr std::string_view title = "@title@";
  static constexpr std::string_view summary = "Predictions of the model @name@";
};
