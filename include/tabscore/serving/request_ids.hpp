// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string_view>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

/// The longest accepted request id.
inline constexpr std::size_t most_request_id = 128;

/// Whether a client's request id is accepted: 1 to 128 visible ASCII characters without quotation marks, apostrophes
/// and backslashes.
bool is_request_id(std::string_view text) noexcept;

/// A header traceparent (W3C Trace Context, Level 2).
struct trace_parent {
  std::string_view trace_id;  ///< 32 hexadecimal digits
  std::uint8_t flags = 0;     ///< 1: sampled; 2: the trace id is random. Other bits have no meaning and are 0
};

/// Nothing for an invalid header: the request then begins a trace. Of a version above 00 the parts of version 00.
std::optional<trace_parent> read_traceparent(std::string_view header) noexcept;

/// The ids of the current request: its own and that of its trace, from the request where valid, else random, of 128
/// bits. Not for concurrent use.
class request_ids {
 public:
  request_ids();  ///< its ids are others than those of all other objects and processes but one that fork() made of it

  /// Begins a request with these headers; an empty text: no such header, or several.
  void begin(std::string_view request_id, std::string_view traceparent) noexcept;

  /// Views, valid until the next begin().
  std::string_view request_id() const noexcept { return {members_.data() + id_at, id_size_}; }
  /// 32 hexadecimal digits.
  std::string_view trace_id() const noexcept { return {trace_.data() + 3, 32}; }
  /// The value of the header traceresponse: version, trace id, the id of this request's span, flags.
  std::string_view traceresponse() const noexcept { return {trace_.data(), trace_.size()}; }
  /// For each line of a log: , "request_id": "...", "trace_id": "..."
  std::string_view log_members() const noexcept { return {members_.data(), members_size_}; }

 private:
  static constexpr std::string_view before_id = R"(, "request_id": ")", before_trace = R"(", "trace_id": ")";
  static constexpr std::size_t id_at = before_id.size();

  static std::uint64_t next(std::uint64_t& state) noexcept;
  static char* write_hex(char* to, std::uint64_t number) noexcept;
  char* write_random_id(char* to) noexcept { return write_hex(write_hex(to, next(high_)), next(low_)); }

  std::uint64_t high_, low_;
  std::array<char, before_id.size() + most_request_id + before_trace.size() + 33> members_{};
  std::array<char, 55> trace_{};
  std::size_t id_size_ = 0, members_size_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving {

namespace detail {
/// Whether all are hexadecimal digits in lower case.
inline bool are_hex_digits(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
inline bool is_trace_part(std::string_view text) noexcept {
  return are_hex_digits(text) && text.find_first_not_of('0') != std::string_view::npos;
}
}  // namespace detail

TABSCORE_INLINE bool is_request_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > most_request_id) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\'' && c != '\\'; });
}

TABSCORE_INLINE std::optional<trace_parent> read_traceparent(std::string_view header) noexcept {
  constexpr std::size_t size = 55;  // version 2, trace id 32, parent id 16, flags 2, with dashes between them
  if (header.size() < size || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  const std::string_view version = header.substr(0, 2), flags = header.substr(53, 2);
  if (!detail::are_hex_digits(version) || version == "ff" || !detail::are_hex_digits(flags)) return std::nullopt;
  if (header.size() > size && (version == "00" || header[size] != '-')) return std::nullopt;
  if (!detail::is_trace_part(header.substr(3, 32)) || !detail::is_trace_part(header.substr(36, 16))) {
    return std::nullopt;
  }
  const unsigned low = static_cast<unsigned>(flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10);
  return trace_parent{header.substr(3, 32), static_cast<std::uint8_t>(low & (version == "00" ? 3U : 1U))};
}

TABSCORE_INLINE request_ids::request_ids() {
  std::random_device random;
  const auto word = [&] { return std::uint64_t{random()} << 32U | random(); };
  high_ = word();
  low_ = word();
  begin({}, {});
}

TABSCORE_INLINE void request_ids::begin(std::string_view request_id, std::string_view traceparent) noexcept {
  const auto put = [](char* to, std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
  };
  const std::optional<trace_parent> given = read_traceparent(traceparent);
  char* to = put(trace_.data(), "00-");
  to = given ? put(to, given->trace_id) : write_random_id(to);
  *to++ = '-';
  to = write_hex(to, next(low_) | 1U);  // not zero
  *to++ = '-';
  *to++ = '0';
  *to = static_cast<char>('0' + (given ? given->flags : 2));

  to = put(members_.data(), before_id);
  to = is_request_id(request_id) ? put(to, request_id) : write_random_id(to);
  id_size_ = static_cast<std::size_t>(to - members_.data()) - id_at;
  to = put(put(put(to, before_trace), trace_id()), "\"");
  members_size_ = static_cast<std::size_t>(to - members_.data());
}

/// SplitMix64: two of them, from independent starts, give ids of 128 bits.
TABSCORE_INLINE std::uint64_t request_ids::next(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15U;
  z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
  return z ^ z >> 31U;
}

TABSCORE_INLINE char* request_ids::write_hex(char* to, std::uint64_t number) noexcept {
  for (unsigned shift = 64; shift > 0; shift -= 4) *to++ = "0123456789abcdef"[number >> (shift - 4) & 15U];
  return to;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving
#endif
