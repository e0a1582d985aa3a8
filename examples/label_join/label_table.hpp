// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tabscore/core/text_buffer.hpp>
#include <tabscore/files/descriptor.hpp>
#include <tabscore/formats/csv.hpp>
#include <utility>

namespace ts = tabscore;

using label_row = ts::schema<ts::text<"id">, ts::text<"label">, ts::optional<ts::text<"time">>>;

/// Reads the labels of a table of that separator, in which cells may contain line feeds. Calls row(line, id, label,
/// time), or wrong(line, why) of what is no row, until one of them is false. What is wrong with the file, or nothing.
template <class Row, class Wrong>
std::optional<std::string> read_label_table(const std::string& path, char separator, Row&& row, Wrong&& wrong) {
  constexpr std::size_t piece = std::size_t{1} << 20, longest = std::size_t{64} << 20;
  const ts::files::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return path + ": cannot be opened" + ts::files::because_of_errno();
  ts::csv_format<label_row> format({.separator = separator});
  std::unique_ptr<ts::block_decoder<label_row>> decoder;
  ts::block_records<label_row> rows;
  ts::text_buffer bytes;
  std::uint64_t line = 1;
  const auto pass = [&](std::size_t size) {
    ts::text_buffer rest;
    rest.append(bytes.view().substr(size));
    bytes = std::move(rest);
    bytes.space(ts::block_padding);
  };
  for (bool ended = false; !ended;) {
    char* const to = bytes.space(piece + ts::block_padding);
    const ssize_t n = ::read(file.get(), to, piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path + ": cannot be read" + ts::files::because_of_errno();
    bytes.keep_to(to + n);
    ended = n == 0;
    if (!decoder) {
      const auto head = format.begin(bytes.view(), ended);
      if (!head) return path + ": " + head.error().message;
      if (*head == format.needs_more && bytes.size() < longest) continue;
      if (*head == format.needs_more) return path + ": no header is that long";
      line += ts::count_lines(bytes.view().substr(0, *head));
      pass(*head);
      decoder = format.decoder();
    }
    if (ended && bytes.size() > 0 && bytes.view().back() != '\n') bytes.append("\n");
    for (;;) {
      bytes.space(ts::block_padding);
      std::size_t whole = format.whole(bytes.view(), ended);
      if (whole == 0 && bytes.size() >= longest) {  // of quotes without an end the first line is what is wrong
        whole = bytes.view().find('\n') + 1;
        if (whole == 0) return path + ": a line is longer than 64 MiB";
      }
      if (whole == 0) break;
      const std::string_view block = bytes.view().substr(0, whole);
      if (const auto failed = decoder->decode(block, true, rows, {})) return path + ": " + failed->message;
      const char* at = block.data();
      const auto go_to = [&](const char* next) {
        line += ts::count_lines({at, static_cast<std::size_t>(next - at)});
        at = next;
      };
      std::size_t good = 0;
      auto rejected = rows.rejected.begin();
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool is_wrong = rejected != rows.rejected.end() && rejected->position == i;
        go_to((is_wrong ? rejected->bytes : rows.source[good]).data());
        const ts::columns<label_row> cells = rows.good.view();
        if (is_wrong ? !wrong(line, (rejected++)->message)
                     : !row(line, cells.get<0>()[good], cells.get<1>()[good], cells.get<2>()[good])) {
          return std::nullopt;
        }
        if (!is_wrong) ++good;
      }
      go_to(block.data() + block.size());
      pass(whole);
    }
  }
  return std::nullopt;
}
