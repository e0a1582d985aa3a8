// SPDX-License-Identifier: MIT
#pragma once

#include <sys/random.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../jsonl_log.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<jsonl_log> jsonl_log::open(const std::string& path, const jsonl_settings& settings) {
  auto file = append_file::open(path, settings.file);
  if (!file) return error{file.error().code, "prediction log " + file.error().message};
  jsonl_log log;
  siphash_key key = settings.hash_key.value_or(siphash_key{});
  const auto random = [](auto& bytes) {
    return ::getrandom(bytes.data(), sizeof bytes, 0) == static_cast<ssize_t>(sizeof bytes);
  };
  if (!settings.hash_key && !random(key)) {
    return error{errc::io, "prediction log '" + path + "': the system has no random key for hashed fields"};
  }
  log.lines_ = jsonl_lines(settings.model, key);
  log.state_ = std::make_shared<state>(key, *std::move(file), settings.on_failure == log_failure::refuse);
  if (settings.file.chain) {
    log.state_->chain.emplace(*settings.file.chain);
    if (!random(log.state_->salt_keys)) {
      return error{errc::io, "prediction log '" + path + "': the system has no random key for the salts of its lines"};
    }
  }
  return log;
}

TABSCORE_INLINE bool jsonl_log::append_lines(std::string_view lines) noexcept {
  return state_ && write_lines([&](text_buffer& text) { text.append(lines); });
}

TABSCORE_INLINE std::string jsonl_log::hash(std::string_view value) const {
  std::array<char, number_text_space> text{};
  const char* const end = detail::write_hash(text.data(), value, state_ ? state_->key : siphash_key{});
  return {static_cast<const char*>(text.data()), end};
}

TABSCORE_INLINE bool jsonl_log::write_chained(std::string_view lines, text_buffer& chained) {
  if (lines.empty()) return true;
  chained.clear();
  const auto salt = [&](std::size_t half) {
    const std::uint64_t number = state_->salts.fetch_add(1, std::memory_order_relaxed);
    std::array<char, sizeof number> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    return siphash({bytes.data(), bytes.size()}, state_->salt_keys[half]);
  };
  const chain_digest digest = state_->chain->append_lines(chained, lines, salt);
  return state_->file->append_batch(chained, digest);
}

}  // namespace tabscore::inline TABSCORE_ABI
