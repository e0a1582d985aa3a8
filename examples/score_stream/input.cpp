// SPDX-License-Identifier: MIT
#include "input.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "stop.hpp"

namespace {

constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

/// Bytes [from, from + to.size()) of a file, or fewer at its end; -1 and errno.
ssize_t read_at(int file, char* to, std::size_t size, std::uint64_t from) {
  for (;;) {
    const ssize_t n = ::pread(file, to, size, static_cast<off_t>(from));
    if (n >= 0 || errno != EINTR) return n;
  }
}

/// Nothing: a pipe, or a standard input of which somebody has read a part.
std::optional<std::uint64_t> size_of(const std::string& path) {
  struct stat s {};
  if ((path == "-" ? ::fstat(0, &s) : ::stat(path.c_str(), &s)) != 0 || !S_ISREG(s.st_mode)) return std::nullopt;
  if (path == "-" && ::lseek(0, 0, SEEK_CUR) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(s.st_size);
}

}  // namespace

input::input(const settings& s, ts::record_framing& format) : settings_(s), format_(format), names_(s.inputs) {
  if (names_.empty()) names_.emplace_back("-");
  if (s.part.count > 1 && (names_.size() != 1 || !size_of(names_[0]) || !format.has_lines())) {
    stop(exit_code::usage, "--part needs one input file, no pipe, of lines");
  }
}

input::~input() { close(); }

void input::close() noexcept {
  if (file_ > 0) ::close(file_);
  file_ = -1;
}

void input::fail(std::string_view what) const {
  stop(exit_code::input_output,
       fmt::format("{}: {}: {}", names_[next_.file], what, std::generic_category().message(errno)));
}

/// Appends to `to` until it has `size` bytes; of a pipe what there is, and at least one more byte if it may wait. True
/// at the end.
bool input::fill(ts::text_buffer& to, std::size_t size, bool may_wait) {
  while (to.size() < size) {
    const std::uint64_t most = std::min<std::uint64_t>(size - to.size(), end_ - read_to_);
    if (most == 0) return true;
    if (!is_file_ && !may_wait) {
      pollfd more{file_, POLLIN, 0};
      if (::poll(&more, 1, 0) <= 0) return false;
    }
    char* const from = to.space(size - to.size() + ts::block_padding);
    const ssize_t n = ::read(file_, from, most);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {  // whoever opened it made it so
      pollfd more{file_, POLLIN, 0};
      ::poll(&more, 1, -1);
      continue;
    }
    if (n < 0) fail("cannot be read");
    if (n == 0) return true;
    to.keep_to(from + n);
    read_to_ += static_cast<std::uint64_t>(n);
    may_wait = false;
  }
  return read_to_ == end_;
}

void input::open() {
  const std::string& name = names_[next_.file];
  file_ = name == "-" ? 0 : ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) fail("cannot be opened");
  is_file_ = size_of(name).has_value();
  read_to_ = 0;
  end_ = no_end;
  rest_.clear();

  std::uint64_t records = 0;
  std::size_t parsed = 0;
  for (;;) {
    const std::size_t before = rest_.size();
    const bool ended = fill(rest_, std::max<std::size_t>(4096, 2 * before));
    // Of a pipe few bytes come at once: those of a line without an end are not parsed again for each few.
    if (!ended && format_.has_lines() && rest_.size() < 2 * parsed && rest_.size() <= settings_.max_record_bytes &&
        rest_.view().find('\n', before) == std::string_view::npos) {
      continue;
    }
    parsed = rest_.size();
    const auto head = format_.begin(rest_.view(), ended);
    if (!head) stop(exit_code::usage, fmt::format("{}: {}", name, head.error().message));
    if (*head != format_.needs_more) {
      records = *head;
      break;
    }
    if (rest_.size() > settings_.max_record_bytes)
      stop(exit_code::usage, fmt::format("{}: no header is that long", name));
  }
  const std::string_view header = rest_.view().substr(0, records);
  if (!begun_) header_ = header;
  if (settings_.keep && header != header_) {
    stop(exit_code::usage, fmt::format("{}: --keep needs the same header in every file", name));
  }
  first_ = records;
  lines_before_ = ts::count_lines(header);
  if (settings_.part.count > 1) {
    const std::uint64_t size = *size_of(name);
    first_ = part_begin(settings_.part.index - 1, records, size);
    end_ = part_begin(settings_.part.index, records, size);
    if (settings_.part.index > 1) lines_before_.reset();
  }
  next_.offset = std::max(next_.offset, first_);
  skip_to(next_.offset);
  begun_ = true;
}

/// Goes on at `offset`, which is not before what begin() has seen of the records.
void input::skip_to(std::uint64_t offset) {
  if (is_file_) {
    struct stat s {};
    if (::fstat(file_, &s) == 0 && static_cast<std::uint64_t>(s.st_size) < offset) {
      stop(exit_code::input_output, fmt::format("{}: is shorter than it was", names_[next_.file]));
    }
    rest_.clear();
    if (::lseek(file_, static_cast<off_t>(offset), SEEK_SET) < 0) fail("cannot be read");
    read_to_ = offset;
    return;
  }
  while (read_to_ < offset) {
    rest_.clear();
    const std::uint64_t before = read_to_;
    if (fill(rest_, static_cast<std::size_t>(std::min<std::uint64_t>(offset - read_to_, settings_.block_bytes)))) {
      if (read_to_ == before) stop(exit_code::input_output, "the input is shorter than it was");
    }
  }
  const std::uint64_t start = read_to_ - rest_.size();
  ts::text_buffer tail;
  tail.append(rest_.view().substr(static_cast<std::size_t>(offset - start)));
  rest_ = std::move(tail);
}

std::string_view input::header() {
  if (file_ < 0 && next_.file < names_.size()) open();
  return header_;
}

bool input::next(input_block& to, const std::function<void()>& drain) {
  const std::size_t most = settings_.max_record_bytes;
  for (; next_.file < names_.size(); ++next_.file, next_.offset = 0) {
    if (file_ < 0) {
      drain();
      open();
    }
    to.file = next_.file;
    to.is_torn = to.is_too_long = false;
    to.bytes.clear();
    to.bytes.append(rest_.view());
    rest_.clear();
    to.bytes.space(ts::block_padding);
    // Of a pipe nothing is waited for while there are records.
    std::size_t whole = to.bytes.size() == 0 ? 0 : format_.whole(to.bytes.view(), false);
    bool ended = false;
    bool may_wait = to.bytes.size() == 0;  // whoever waits for the answer to a whole record may send no more before
    for (std::size_t wanted = settings_.block_bytes; whole == 0 && !ended && to.bytes.size() < most;
         wanted = 2 * to.bytes.size()) {
      ended = fill(to.bytes, std::min(std::max(wanted, to.bytes.size() + 1), most), may_wait);
      may_wait = true;
      whole = format_.whole(to.bytes.view(), ended);
    }
    to.bytes.space(ts::block_padding);
    if (whole == 0 && !ended) {
      // Of a cell whose quotes have no end the first line is what is wrong.
      const std::size_t feed = format_.has_lines() ? to.bytes.view().find('\n') : std::string_view::npos;
      if (feed == std::string_view::npos) return skip_line(to), true;
      whole = feed + 1;
    }
    if (ended) {
      close();
      if (whole > 0 && format_.has_lines() && to.bytes.view().back() != '\n') {
        to.is_torn = true;
        to.bytes.append("\n");
        to.bytes.space(ts::block_padding);
        ++whole;  // the offset is not looked at any more
      }
    } else {
      rest_.append(to.bytes.view().substr(whole));
    }
    to.bytes.keep_to(to.bytes.view().data() + whole);
    next_.offset += whole;
    if (whole > 0) {
      if (ended) ++next_.file, next_.offset = 0;
      return true;
    }
  }
  return false;
}

/// Passes over the rest of a line that is too long; `to` keeps its beginning.
void input::skip_line(input_block& to) {
  if (!format_.has_lines() || settings_.on_wrong == on_error::fail) {
    stop(exit_code::input_output,
         fmt::format("{}: the record at byte {} is longer than --max-record-bytes", names_[next_.file], next_.offset));
  }
  next_.offset += to.bytes.size();
  ts::text_buffer more;
  for (bool ended = false; !ended;) {
    more.clear();
    ended = fill(more, settings_.block_bytes);
    const std::size_t feed = more.view().find('\n');
    next_.offset += feed == std::string_view::npos ? more.size() : feed + 1;
    if (feed == std::string_view::npos) continue;
    rest_.append(more.view().substr(feed + 1));
    break;
  }
  to.is_too_long = true;
  const std::string_view line = to.bytes.view();
  std::size_t shown = std::min<std::size_t>(line.size(), 1000);
  while (shown < line.size() && shown > 0 && (static_cast<unsigned char>(line[shown]) & 0xC0U) == 0x80U) --shown;
  to.bytes.keep_to(line.data() + shown);
  to.bytes.append("\n");
  to.bytes.space(ts::block_padding);
}

/// Where the first record begins that does not begin before the part does.
std::uint64_t input::part_begin(std::size_t index, std::uint64_t records, std::uint64_t size) const {
  if (index == 0) return records;
  if (index == settings_.part.count) return size;
  const std::uint64_t count = settings_.part.count;
  const std::uint64_t offset = records + (size - records) / count * index + (size - records) % count * index / count;
  if (offset == records) return records;
  if (format_.line_feeds_end_records()) return behind_feed(offset - 1, size);
  // From record to record, which end as next() says, the way to the part.
  const std::size_t most = settings_.max_record_bytes;
  std::uint64_t at = records;
  ts::text_buffer bytes;
  for (std::size_t wanted = std::min(settings_.block_bytes, most); at < offset;) {
    bytes.clear();
    char* const to = bytes.space(wanted + ts::block_padding + 1);
    const ssize_t n = read_at(file_, to, wanted, at);
    if (n < 0) fail("cannot be read");
    bytes.keep_to(to + n);
    const bool ended = n == 0 || at + bytes.size() >= size;
    if (ended && !bytes.view().ends_with('\n')) bytes.append("\n");
    bytes.space(ts::block_padding);
    const std::string_view text = bytes.view();
    const auto whole = [&](std::size_t of) { return format_.whole(text.substr(0, of), false); };
    std::size_t none = std::min<std::size_t>(text.size(), offset - at);  // so many bytes hold no whole record
    if (const std::size_t records_before = whole(none); records_before > 0) {
      at += records_before;
      wanted = std::min(settings_.block_bytes, most);
      continue;
    }
    std::size_t some = text.size();  // so many do
    if (whole(some) == 0) {
      if (!ended && text.size() < most) {
        wanted = std::min(2 * wanted, most);
        continue;
      }
      const std::size_t feed = text.find('\n');
      at = feed == std::string_view::npos ? behind_feed(at + text.size(), size) : at + feed + 1;
      continue;
    }
    while (some - none > 1) {
      const std::size_t half = none + (some - none) / 2;
      (whole(half) > 0 ? some : none) = half;
    }
    at += whole(some);
  }
  return std::min(at, size);
}

/// The place behind the first line feed from `at` on, or the end.
std::uint64_t input::behind_feed(std::uint64_t at, std::uint64_t size) const {
  std::string some(settings_.block_bytes, '\0');
  while (at < size) {
    const ssize_t n = read_at(file_, some.data(), some.size(), at);
    if (n < 0) fail("cannot be read");
    if (n == 0) break;
    const std::string_view text(some.data(), static_cast<std::size_t>(n));
    const std::size_t feed = text.find('\n');
    if (feed != std::string_view::npos) return at + feed + 1;
    at += text.size();
  }
  return size;
}

std::optional<std::uint64_t> input::total_bytes() const {
  std::uint64_t all = 0;
  for (const auto& name : names_) {
    const auto size = size_of(name);
    if (!size) return std::nullopt;
    all += *size;
  }
  return all / settings_.part.count;
}

std::uint64_t input::lines_before() {
  if (lines_before_) return *lines_before_;
  std::uint64_t lines = 0;
  const int file = ::open(names_[0].c_str(), O_RDONLY | O_CLOEXEC);
  std::string some(settings_.block_bytes, '\0');
  for (std::uint64_t at = 0; file >= 0 && at < first_;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(some.size(), first_ - at));
    const ssize_t n = read_at(file, some.data(), wanted, at);
    if (n <= 0) break;
    at += static_cast<std::uint64_t>(n);
    lines += ts::count_lines(std::string_view(some).substr(0, static_cast<std::size_t>(n)));
  }
  if (file >= 0) ::close(file);
  lines_before_ = lines;
  return lines;
}
