// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../../files/descriptor.hpp"
#include "../chain.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Where the last batch of a chained log ends.
struct chain_end {
  std::optional<chain_head> head;  // the batch; nothing: the file has none
  std::uint64_t end = 0;           // behind its last line
};

/// Reads a file from its end. Nothing: it cannot be read.
inline std::optional<chain_end> find_chain_end(const std::string& path) {
  const files::unique_fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) return std::nullopt;
  constexpr std::uint64_t piece = std::uint64_t{1} << 20, overlap = log_chain::end_space;
  std::string bytes;
  for (auto end = static_cast<std::uint64_t>(found.st_size); end > 0;) {
    const std::uint64_t begin = end - (std::min)(end, piece);
    bytes.resize(
        static_cast<std::size_t>((std::min)(end - begin + overlap, static_cast<std::uint64_t>(found.st_size) - begin)));
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::pread(fd.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
      if (n <= 0) return std::nullopt;
      done += static_cast<std::size_t>(n);
    }
    const std::string_view all = bytes;
    constexpr std::string_view head = R"(, "batch": )";
    for (std::size_t at = all.rfind(head); at != std::string_view::npos;
         at = at == 0 ? at - 1 : all.rfind(head, at - 1)) {
      const std::size_t feed = all.find('\n', at);
      if (feed == std::string_view::npos || all[feed - 1] != '}') continue;
      std::string_view line = all.substr(at, feed - 1 - at);
      if (const auto last = take_batch_end(line))
        return chain_end{chain_head{last->batch, last->digest}, begin + feed + 1};
    }
    end = begin;
  }
  return chain_end{};
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
