// SPDX-License-Identifier: MIT
#pragma once

#include <sys/random.h>

#include <memory>
#include <string>
#include <utility>

#include "../../core/config.hpp"
#include "../jsonl_log.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<jsonl_log> jsonl_log::open(const std::string& path, const jsonl_settings& settings) {
  auto file = append_file::open(path, settings.file);
  if (!file) return error{file.error().code, "prediction log " + file.error().message};
  jsonl_log log;
  siphash_key key = settings.hash_key.value_or(siphash_key{});
  if (!settings.hash_key && ::getrandom(key.data(), sizeof key, 0) != static_cast<ssize_t>(sizeof key)) {
    return error{errc::io, "prediction log '" + path + "': the system has no random key for hashed fields"};
  }
  log.lines_ = jsonl_lines(settings.model, key);
  log.state_ = std::make_shared<state>(key, *std::move(file), settings.on_failure == log_failure::refuse);
  return log;
}

}  // namespace tabscore::inline TABSCORE_ABI
