// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/schema/batch.hpp>

namespace ts = tabscore;

/// A loan, on the day that it is asked for. Labels name it by its application.
using loan =
    ts::schema<ts::optional<ts::id<ts::text<"application", ts::min_length{1}>>>, ts::text<"purpose", ts::min_length{1}>,
               ts::optional<ts::text<"sector">>, ts::integer<"months", ts::ge{1}, ts::le{480}>,
               ts::real<"amount", ts::gt{0}>, ts::optional<ts::real<"income", ts::gt{0}>>>;

/// Will it not be paid back, and is it lent? models/train_loan_default.py trains the model, models/loan_policy.json
/// decides; see tabscore/serving/service.hpp.
struct loan_defaults {
  using record = loan;
  static constexpr ts::rules rules{
      ts::rule(ts::col<"amount"> <= 5000 * ts::col<"months">, "an instalment above 5000 is not lent")};
  static constexpr ts::features features{
      ts::feature<"instalment">(ts::col<"amount"> / ts::col<"months">)};  // as the training script has it

  static void add_example(ts::batch<loan>& records) { records.push_back("A-17", "car", "public", 48, 12000.0, 2600.0); }

  static constexpr std::string_view program = "loan_server";
  static constexpr std::string_view title = "Loan defaults";
  static constexpr std::string_view summary = "Which loans will not be paid back";
  using prediction = ts::decided<ts::binary<"probability", "default">, "decision", "approve", "refer", "decline">;
};
