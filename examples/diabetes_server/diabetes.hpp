// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/schema/batch.hpp>

namespace ts = tabscore;

/// A patient at the first examination (scikit-learn's diabetes data, in its own units).
using patient = ts::schema<ts::real<"age", ts::ge{0}, ts::le{130}>,  // years
                           ts::real<"sex", ts::ge{1}, ts::le{2}>,    // 1 or 2, as the data has it
                           ts::real<"bmi", ts::gt{0}>,               // kg / m^2
                           ts::real<"bp", ts::gt{0}>,                // mean blood pressure
                           ts::real<"s1">, ts::real<"s2">, ts::real<"s3">, ts::real<"s4">, ts::real<"s5">,
                           ts::real<"s6">>;  // blood serum

/// How far will the disease have progressed a year later? models/train_diabetes.py trains the model; see
/// tabscore/serving/service.hpp.
struct diabetes_progression {
  using record = patient;
  using prediction = ts::regression<"progression">;

  static void add_example(ts::batch<patient>& records) {
    records.push_back(59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0);
  }

  static constexpr std::string_view program = "diabetes_server";
  static constexpr std::string_view title = "Progression of diabetes";
  static constexpr std::string_view summary = "A measure of the disease a year after the first examination, 25 to 346";
};
