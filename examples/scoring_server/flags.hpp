// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <tabscore/serving/settings.hpp>
#include <vector>

#include "../http/http_server.hpp"

namespace ts = tabscore;

/// What the command line says.
struct flags {
  http::settings http;
  ts::serving::settings service{.errors = ts::serving::error_style::pydantic1,
                                .prediction_log = "artifacts/prediction_log.jsonl"};
  unsigned log_sync_ms = 1000;
  unsigned log_rotate_s = 0;
  unsigned state_interval_s = 60;
  unsigned label_delay_s = 0;
  std::vector<std::string> challengers;
  std::vector<double> arm_weights;
  unsigned log_keep_days = 0;
  std::string hash_key_file;
  std::string chain_key_file;
  bool verbose = false;
};

/// Reads the command line; the status to exit with, or nothing.
std::optional<int> parse(flags& f, const std::string& description, int argc, char** argv);

/// The settings of the service as the flags say; what is wrong with these, or nothing.
std::optional<std::string> complete(flags& f);
