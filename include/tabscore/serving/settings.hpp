// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../json/decode.hpp"
#include "../log/jsonl_log.hpp"
#include "../monitor/performance_alarm.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

/// The dialect of errors, dialect::neutral by default. A client that accepts application/problem+json gets problem
/// details in any case; the paths under /v2 answer as the inference protocol does.
enum class error_style { neutral, pydantic1, pydantic2, problem, inference };

/// A model that scores the records of the served one (docs/how-to/compare-models.md).
struct challenger_file {
  std::string model{};  ///< of the same outputs
  double weight = 0;    ///< in an A/B test, the share of records that it answers
};

/// The settings of an endpoint. The defaults serve a model and write no files.
struct settings {
  // Model, policy, bodies and errors.
  std::string model{};        ///< model file, or a trainer's own; empty: predictions are answered 503
  std::string policy{};       ///< the policy file of a service that declares decisions
  bool watch_model = false;   ///< load the files again when one changes; reload() loads them in any case
  bool with_baseline = true;  ///< false: the model's drift baseline is ignored
  decode_limits limits{.max_records = 1'000'000, .max_errors = 1'000};  ///< of a body
  std::size_t max_error_bytes = std::size_t{256} << 10;  ///< of an answer's list of errors; further errors are counted
  error_style errors = error_style::neutral;             ///< the dialect of errors

  // The prediction log and the archive of models (docs/how-to/audit.md).
  std::string prediction_log{};  ///< the file that each prediction is appended to; empty: no log
  jsonl_settings log{};          ///< its model is the SHA-256 unless log_model_hash is false
  bool log_model_hash = true;    ///< each line of the log names the model file's SHA-256 and the library's version
  bool log_request_ids = false;  ///< each line of the log has the request id and the trace id
  std::string archive{};         ///< folder that keeps each served model and policy under its SHA-256; empty: off

  // Labels and performance (docs/how-to/join-labels.md).
  std::size_t label_window = 0;         ///< the last predictions of a model that wait for labels; 0: labels are refused
  std::chrono::seconds label_delay{0};  ///< labels that become known later are late; 0: never
  std::string label_folder{};           ///< keeps predictions and figures across restarts; empty: off
  std::vector<performance_reference> performance_references{};  ///< replace those among the model file's metrics
  performance_alarm_settings performance_alarm{};               ///< of performance figures

  // Challengers and A/B tests (docs/how-to/compare-models.md).
  std::vector<challenger_file> challengers{};  ///< models that score after the answer
  std::string challenger_log{};                ///< a line per record with the scores of all models; empty: no log
  std::size_t challenger_queue = 65536;   ///< records that wait for challengers; further records are not scored by them
  std::vector<std::string> compare_by{};  ///< fields whose values are compared separately: texts, integers or booleans
  std::string ab_field{};                 ///< the field that assigns records to arms; empty: the id
  std::string ab_salt{};                  ///< salt of that hash; empty: "tabscore"

  // Monitoring across restarts (docs/how-to/watch-drift.md).
  std::string state_file{};                 ///< keeps the monitoring counts across restarts; empty: off
  ::mode_t state_mode = 0600;               ///< of a new state file
  std::chrono::seconds state_interval{60};  ///< between two saves of the state file

  // Pages and events.
  std::string swagger_ui{};  ///< folder of the npm package swagger-ui-dist for /docs; empty: the built-in page
  /// Receives one line per event (a reload, say), on any thread. Must not throw; may call the endpoint's members but
  /// start() and stop().
  std::function<void(std::string_view)> notify{};
};

namespace detail {
inline void notify(const settings& config, std::string_view event) {
  if (config.notify) config.notify(event);
}
}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI::serving
