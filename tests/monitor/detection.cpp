// SPDX-License-Identifier: MIT
// The faults that the drift monitor is there for, on made-up students and, where they are at hand, on real ones.
#include "support/student_faults.hpp"

#include "support/catch.hpp"

namespace {

void check_detection(const std::vector<student_faults::row>& rows, const ts::logistic& model,
                     const ts::drift_reference& reference, std::size_t trials, std::size_t clean) {
  std::mt19937_64 random(20);
  const auto alarms = [&](const student_faults::fault& f, std::size_t windows) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < windows; ++i) {
      const auto records = student_faults::window(rows, 500, f, random);
      REQUIRE(records.rows() == 500);
      const auto report = ts::report_drift(reference, student_faults::counts_of(model, reference, records));
      REQUIRE(report.records == 500);
      found += report.alarm;
    }
    return found;
  };
  for (const auto& f : student_faults::all()) {
    INFO(f.name);
    CHECK(alarms(f, trials) == trials);
  }
  CHECK(alarms(student_faults::none(), clean) == 0);
}

}  // namespace

TEST_CASE("faults are detected in windows of 500 synthetic records, without false alarms", "[monitor]") {
  const auto file = ts::load_model_file(TABSCORE_SOURCE_DIR "/models/student_logistic.json").value();
  const auto model = ts::make_logistic(file).value();
  auto reference = ts::make_drift_reference(file).value();
  std::mt19937_64 random(1);
  const auto training = student_faults::made_up_rows(14000, 1);
  reference.training = student_faults::counts_of(
      model, reference, student_faults::window(training, training.size(), student_faults::none(), random));
  check_detection(student_faults::made_up_rows(18000, 2), model, reference, 10, 200);
}

TEST_CASE("faults are found in windows of 500 real records, and no alarm is false", "[monitor]") {
  const auto rows = student_faults::read_rows(TABSCORE_SOURCE_DIR "/../shared/data/students.csv");
  if (rows.empty()) {
    WARN("not tried: the data set is not there");
    return;
  }
  const auto file = ts::load_model_file(TABSCORE_SOURCE_DIR "/models/student_logistic.json").value();
  check_detection(rows, ts::make_logistic(file).value(), ts::make_drift_reference(file).value(), 20, 1000);
}
