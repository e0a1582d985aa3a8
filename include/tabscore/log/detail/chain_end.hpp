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
  std::uint64_t line = 0;          // where the batch's end stands in its last line
  std::uint64_t end = 0;           // behind its last line
};

/// Bytes [begin, end) of a file; false: they cannot be read.
inline bool read_bytes(int fd, std::uint64_t begin, std::uint64_t end, std::string& bytes) {
  bytes.resize(static_cast<std::size_t>(end - begin));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

/// The last batch that ends in the first `size` bytes, which are read from their end. Nothing: they cannot be read.
inline std::optional<chain_end> find_batch_end(int fd, std::uint64_t size) {
  constexpr std::uint64_t piece = std::uint64_t{1} << 20, overlap = log_chain::end_space;
  std::string bytes;
  for (std::uint64_t end = size; end > 0;) {
    const std::uint64_t begin = end - (std::min)(end, piece);
    if (!read_bytes(fd, begin, (std::min)(end + overlap, size), bytes)) return std::nullopt;
    const std::string_view all = bytes;
    constexpr std::string_view head = R"(, "batch": )";
    for (std::size_t at = all.rfind(head); at != std::string_view::npos;
         at = at == 0 ? at - 1 : all.rfind(head, at - 1)) {
      const std::size_t feed = all.find('\n', at);
      if (feed == std::string_view::npos || all[feed - 1] != '}') continue;
      std::string_view line = all.substr(at, feed - 1 - at);
      if (const auto last = take_batch_end(line)) {
        return chain_end{chain_head{last->batch, last->digest}, begin + at, begin + feed + 1};
      }
    }
    end = begin;
  }
  return chain_end{};
}

/// The last batch of a file. Nothing: the file cannot be read, or, with `foreign` set, the batch is not one of the key.
inline std::optional<chain_end> find_chain_end(const std::string& path, const chain_key& key, bool& foreign) {
  const files::unique_fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) return std::nullopt;
  const auto last = find_batch_end(fd.get(), static_cast<std::uint64_t>(found.st_size));
  if (!last || !last->head) return last;
  const auto before = find_batch_end(fd.get(), last->line);
  std::string batch;
  if (!before || !read_bytes(fd.get(), before->end, last->end, batch)) return std::nullopt;
  chain_checker checker(key, before->head);
  for (std::string_view rest = batch; !rest.empty() && !foreign;) {
    const std::size_t feed = rest.find('\n');
    foreign = checker.add(rest.substr(0, feed)).has_value();
    rest.remove_prefix(feed + 1);
  }
  if (foreign) return std::nullopt;
  return last;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
