// SPDX-License-Identifier: MIT
#pragma once

#include <sys/random.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
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
  for (std::string_view rest = lines; !rest.empty();) {
    const std::size_t feed = rest.find('\n');
    if (feed == std::string_view::npos || feed < 2 || rest[0] != '{' || rest[feed - 1] != '}') return false;
    rest.remove_prefix(feed + 1);
  }
  return state_ && write_parts([lines](text_buffer& text) { return text.append(lines), 0; });
}

TABSCORE_INLINE std::string jsonl_log::hash(std::string_view value) const {
  std::array<char, number_text_space> text{};
  const char* const end = detail::write_hash(text.data(), value, state_ ? state_->key : siphash_key{});
  return {static_cast<const char*>(text.data()), end};
}

TABSCORE_INLINE bool jsonl_log::write_parts(const std::function<std::size_t(text_buffer&)>& append) const noexcept {
  const auto salt = [&](std::size_t half) {
    const std::uint64_t number = state_->salts.fetch_add(1, std::memory_order_relaxed);
    std::array<char, sizeof number> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    return siphash({bytes.data(), bytes.size()}, state_->salt_keys[half]);
  };
  bool done = false;
  state_->buffers.local([&](typename state::texts& text) {
    detail::sha256_stream digest;
    const auto next = [&] {
      text.lines.clear();
      batch_part made{&text.lines, append(text.lines)};
      if (!state_->chain) return made;
      text.chained.clear();
      state_->chain->append_lines(text.chained, text.lines.view(), digest, salt);
      if (made.left == 0) made.digest = digest.finish();
      if (made.left != 0) text.chained.append("}\n");
      made.lines = &text.chained;
      return made;
    };
    done = detail::unless_out_of_memory([&] {
      const batch_part first = next();
      return text.lines.size() == 0 || state_->file->append_parts(first, std::ref(next));
    });
  });
  return done;
}

}  // namespace tabscore::inline TABSCORE_ABI
