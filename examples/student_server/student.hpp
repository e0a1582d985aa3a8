// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <tabscore/tabscore.hpp>

namespace ts = tabscore;

/// A student on a learning platform.
using student = ts::schema<ts::text<"student_country", ts::min_length{2}, ts::max_length{64}>,
                           ts::integer<"days_on_platform", ts::ge{0}>,        //
                           ts::real<"minutes_watched", ts::ge{0}>,            //
                           ts::integer<"courses_started", ts::ge{0}>,         //
                           ts::integer<"practice_exams_started", ts::ge{0}>,  //
                           ts::integer<"practice_exams_passed", ts::ge{0}>,   //
                           ts::real<"minutes_spent_on_exams", ts::ge{0}>>;

namespace student_columns {
inline constexpr auto days = ts::col<"days_on_platform">;
inline constexpr auto minutes = ts::col<"minutes_watched">;
inline constexpr auto courses = ts::col<"courses_started">;
inline constexpr auto started = ts::col<"practice_exams_started">;
inline constexpr auto passed = ts::col<"practice_exams_passed">;

inline constexpr ts::rules rules{
    ts::rule(passed <= started, "practice_exams_passed cannot exceed practice_exams_started.")};

inline constexpr ts::features features{
    ts::feature<"engagement_score">(0.6 * minutes + 0.3 * days + 10.0 * courses),
    ts::feature<"exam_success_rate">(where(started > 0, passed / (started + 1e-6), 0.0)),
    ts::feature<"learning_consistency">(minutes / max(days, 1))};
}  // namespace student_columns

/// What the answers and the prediction log call a prediction.
using purchase = ts::binary<"predicted_purchase_probability", "predicted_purchase">;
inline constexpr std::string_view probability_name = purchase::names[0];
inline constexpr std::string_view label_name = purchase::names[1];

/// Will a student buy? The rule, the features and the names of the prediction; see tabscore/serving/service.hpp.
struct student_purchases {
  using record = student;
  static constexpr auto rules = student_columns::rules;
  static constexpr auto features = student_columns::features;

  static void add_example(ts::batch<student>& records) { records.push_back("US", 45, 320.5, 3, 5, 3, 87.2); }

  using coercion = ts::coerce::python;            // as the Python service that it stands in for,
  static constexpr bool log_names_model = false;  // whose log lines its own are

  static constexpr std::string_view program = "student_server";
  static constexpr std::string_view title = "Student purchase predictions";
  static constexpr std::string_view summary = "Which students of a learning platform will buy";
  using prediction = purchase;
};
