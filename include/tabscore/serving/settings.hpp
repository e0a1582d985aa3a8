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

/// How wrong requests are answered, as dialect::neutral by default. A client that asks for application/problem+json
/// gets that in any case, and the paths under /v2 answer as the inference protocol does.
enum class error_style { neutral, pydantic1, pydantic2, problem, inference };

/// A model that scores what the served one has scored (docs/how-to/compare-models.md).
struct challenger_file {
  std::string model{};  ///< of the same outputs
  double weight = 0;    ///< the share of records that it answers itself, in an A/B test
};

/// What an endpoint does. The defaults serve a model file and write no files.
struct settings {
  std::string model{};        ///< the model file; empty: none, and predictions are answered 503
  std::string policy{};       ///< the policy file of a service that declares decisions
  bool watch_model = false;   ///< load the files again whenever one changes; reload() does so in any case
  bool with_baseline = true;  ///< false: the model's drift baseline is ignored
  decode_limits limits{.max_records = 1'000'000, .max_errors = 1'000};  ///< of a body
  std::size_t max_error_bytes = std::size_t{256} << 10;  ///< of an answer's list of errors; the rest is counted
  error_style errors = error_style::neutral;             ///< how errors are worded

  std::string prediction_log{};  ///< the file that each prediction is appended to; empty: none
  jsonl_settings log{};          ///< its names are those of the service unless they are set here
  bool log_model_hash = true;    ///< each line of the log names the model file's SHA-256 and the library's version
  bool log_request_ids = false;  ///< each line of the log has the request id and the trace id
  std::string archive{};         ///< folder that keeps each served model and policy under its SHA-256; empty: none does

  std::size_t label_window = 0;  ///< the last predictions of a model that wait for labels; 0: no labels are taken
  std::chrono::seconds label_delay{0};  ///< labels that become known later are late; 0: none is
  std::string label_folder{};  ///< keeps the predictions and figures of labels across restarts; empty: nothing does
  std::vector<performance_reference> performance_references{};  ///< replace those of the model file's metrics
  performance_alarm_settings performance_alarm{};               ///< for figures that follow from labels

  std::vector<challenger_file> challengers{};  ///< models that score behind the answer
  std::string challenger_log{};                ///< a line a record with the scores of all models; empty: none
  std::size_t challenger_queue = 65536;        ///< records that wait for challengers; more are not scored by them
  std::vector<std::string> compare_by{};       ///< fields whose values are compared apart: texts, integers or booleans
  std::string ab_field{};                      ///< the field that assigns records to arms; empty: the id
  std::string ab_salt{};                       ///< of the hash that does; empty: "tabscore"

  std::string state_file{};                 ///< keeps what monitoring has counted across restarts; empty: nothing does
  ::mode_t state_mode = 0600;               ///< of a new state file
  std::chrono::seconds state_interval{60};  ///< between two saves of the state file

  std::string swagger_ui{};  ///< folder of the npm package swagger-ui-dist for /docs; empty: the built-in page
  std::function<void(std::string_view)> notify{};  ///< gets one line on each event (a reload, say); by any thread
};

namespace detail {
inline void notify(const settings& config, std::string_view event) {
  if (config.notify) config.notify(event);
}
}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI::serving
