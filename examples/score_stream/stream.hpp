// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <tabscore/serving/service.hpp>
#include <tabscore/tabscore.hpp>

#include <csignal>
#include <exception>
#include <optional>
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
  auto bytes = ts::read_model_bytes(s.model);
  if (!bytes) stop(exit_code::usage, bytes.error().message);
  auto file = ts::parse_model_file(*bytes, s.model);
  if (!file) stop(exit_code::usage, file.error().message);
  auto model = ts::make_scorer(*file);
  if (!model) stop(exit_code::usage, model.error().message);
  std::optional<ts::decision_policy> policy;
  if (!s.policy.empty()) {
    auto read = ts::load_policy(s.policy);
    if (!read) stop(exit_code::usage, read.error().message);
    policy = *std::move(read);
  } else if (ts::decided_type<typename Service::prediction>) {
    stop(exit_code::usage, "the service declares decisions: it needs a policy file that makes them (--policy)");
  }
  const std::string identity = fmt::format("{:016x}{}", ts::siphash(*bytes, {}), policy ? policy->sha256 : "");
  const auto with = [&](auto sinks, ts::drift_monitor* monitor) {
    auto pipe = ts::make_pipeline(typename Service::record{}, Service::rules, Service::features, *std::move(model),
                                  sinks, typename Service::prediction{}, policy);
    if (!pipe) stop(exit_code::usage, pipe.error().message);
    if (!s.clickhouse_xml.empty()) return print_clickhouse_function(s, *pipe);
    if (policy && !s.replay.empty()) {
      if (const auto wrong = ts::give_reasons(*pipe, *policy)) stop(exit_code::usage, wrong->message);
    }
    if (!s.replay.empty()) return replay(s, *pipe);
    run(s, *pipe, monitor, identity)();
    return exit_code::done;
  };
  if (s.state_file.empty()) return with(ts::sinks{}, nullptr);
  auto reference = ts::make_drift_reference(*file);
  if (!reference) stop(exit_code::usage, "--state-file needs a model file with histograms");
  if constexpr (ts::decided_type<typename Service::prediction>) {
    reference->decisions.assign(Service::prediction::decisions.begin(), Service::prediction::decisions.end());
  }
  ts::drift_monitor monitor(*std::move(reference));
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
