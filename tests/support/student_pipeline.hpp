// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/models/load_tabscore.hpp>

#include <string>

#include "student.hpp"

namespace support {

/// The rule, the features and the model of the student service.
inline constexpr auto student_rule = tabscore::rule(
    tabscore::col<"practice_exams_passed"> <= tabscore::col<"practice_exams_started">, "passed cannot exceed started");
inline constexpr auto student_features = [] {
  constexpr auto minutes = tabscore::col<"minutes_watched">;
  constexpr auto days = tabscore::col<"days_on_platform">;
  constexpr auto started = tabscore::col<"practice_exams_started">;
  return tabscore::features{
      tabscore::feature<"engagement_score">(0.6 * minutes + 0.3 * days + 10.0 * tabscore::col<"courses_started">),
      tabscore::feature<"exam_success_rate">(
          where(started > 0, tabscore::col<"practice_exams_passed"> / (started + 1e-6), 0.0)),
      tabscore::feature<"learning_consistency">(minutes / max(days, 1))};
}();
inline tabscore::logistic student_model() {
  return tabscore::load_logistic(TABSCORE_SOURCE_DIR "/models/student_logistic.json").value();
}

/// A record as JSON.
inline std::string student_json(const std::string& minutes = "320.5", const std::string& passed = "3", int days = 45) {
  return R"({"student_country":"US","days_on_platform":)" + std::to_string(days) + R"(,"minutes_watched":)" + minutes +
         R"(,"courses_started":3,"practice_exams_started":5,"practice_exams_passed":)" + passed +
         R"(,"minutes_spent_on_exams":87.2})";
}

}  // namespace support
