// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/serving/service.hpp>
#include <tabscore/tabscore.hpp>

#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../standard_streams.hpp"
#include "clickhouse_function.hpp"
#include "replay.hpp"
#include "run.hpp"
#include "settings.hpp"
#include "stop.hpp"

namespace detail {

template <class Service>
exit_code stream(const settings& s) {
  auto model = ts::load_service_model<Service>(s.model, s.policy);
  if (!model) stop(exit_code::usage, model.error().message);
  const std::string identity = model->sha256 + (model->policy ? model->policy->sha256 : "");
  const auto with = [&](auto sinks, ts::drift_monitor* monitor) {
    auto pipe = model->make_pipeline(sinks);
    if (!pipe) stop(exit_code::usage, pipe.error().message);
    if (!s.clickhouse_xml.empty()) return print_clickhouse_function(s, *pipe);
    if (s.replay.empty()) {
      run(s, *pipe, monitor, identity)();
      return exit_code::done;
    }
    if (model->policy) {
      if (const auto wrong = ts::give_reasons(*pipe, *model->policy)) stop(exit_code::usage, wrong->message);
    }
    return replay(s, *pipe);
  };
  if (s.state_file.empty()) return with(ts::sinks{}, nullptr);
  if (model->reference.empty()) stop(exit_code::usage, "--state-file needs a model file with histograms");
  ts::drift_monitor monitor(std::move(model->reference));
  return with(ts::sinks{monitor}, &monitor);
}

}  // namespace detail

/// Scores the service's records in files and pipes: records in, predictions out. The service as in
/// tabscore/serving/service.hpp; `model`, `policy`: the bundled files that are the defaults of --model and --policy.
template <ts::serving::servable Type>
int score_stream(int argc, char** argv, std::string_view model, std::string_view policy = {}) {
  using service = ts::serving::completed<Type>;
  hold_standard_streams();
  sigpipe_ends = std::signal(SIGPIPE, SIG_IGN) != SIG_IGN;  // an error of write(), so that no part of a file is left
  std::signal(SIGXFSZ, SIG_IGN);
  const settings s = parse_settings(argc, argv, model, policy);
  if (s.strict || std::is_same_v<typename service::coercion, ts::coerce::strict>) program_policy::be_strict();
  try {
    return static_cast<int>(detail::stream<service>(s));
  } catch (const std::exception& e) {
    stop(exit_code::input_output, e.what());
  }
}
