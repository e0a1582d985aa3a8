// SPDX-License-Identifier: MIT
// Not run: the program whose compile time docs/reference/configuration.md tells, from JSON to JSON with monitoring and
// a log.
#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/json/write.hpp>
#include <tabscore/log/jsonl_log.hpp>
#include <tabscore/models/load_model.hpp>
#include <tabscore/monitor/drift_monitor.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/pipeline/score_json.hpp>
#include <tabscore/schema/schema.hpp>

#include <cstdio>

namespace ts = tabscore;
using ts::col;

using student =
    ts::schema<ts::text<"student_country", ts::min_length{2}, ts::max_length{64}>,
               ts::integer<"days_on_platform", ts::ge{0}>, ts::real<"minutes_watched", ts::ge{0}>,
               ts::integer<"courses_started", ts::ge{0}>, ts::integer<"practice_exams_started", ts::ge{0}>,
               ts::integer<"practice_exams_passed", ts::ge{0}>, ts::real<"minutes_spent_on_exams", ts::ge{0}>>;

int main(int argc, char** argv) {
  const ts::rules rules{ts::rule(col<"practice_exams_passed"> <= col<"practice_exams_started">, "passed > started")};
  const ts::features features{
      ts::feature<"engagement_score">(0.6 * col<"minutes_watched"> + 0.3 * col<"days_on_platform"> +
                                      10.0 * col<"courses_started">),
      ts::feature<"exam_success_rate">(where(col<"practice_exams_started"> > 0,
                                             col<"practice_exams_passed"> / (col<"practice_exams_started"> + 1e-6),
                                             0.0)),
      ts::feature<"learning_consistency">(col<"minutes_watched"> / max(col<"days_on_platform">, 1))};
  if (argc < 3) return 2;
  const auto file = ts::load_model_file(argv[1]);
  if (!file) return 1;
  const auto model = ts::make_scorer(*file);
  auto log = ts::jsonl_log::open("log.jsonl", {});
  const auto reference = ts::make_drift_reference(*file);
  if (!model || !log || !reference) return 1;
  ts::drift_monitor monitor(*reference);
  const auto pipe = ts::make_pipeline(student{}, rules, features, *model, ts::sinks{monitor, *log});
  if (!pipe) return 1;
  ts::workspace<student> memory;
  const auto outcome = ts::score_json(*pipe, argv[2], memory);
  ts::text_buffer text;
  if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
    ts::prediction_names("probability", "label").append_list(text, *p);
  } else if (const auto* errors = std::get_if<ts::validation_errors>(&outcome)) {
    text.append(ts::to_json(*errors, ts::context_of<student>()));
  }
  std::fwrite(text.view().data(), 1, text.size(), stdout);
}
