// SPDX-License-Identifier: MIT
#include "output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "stop.hpp"

namespace files = tabscore::files;

void output::fail(std::string_view what) {
  if (!file_ && errno == EPIPE) end_as_a_filter_does();
  stop(exit_code::input_output,
       fmt::format("{}: {}{}", file_ ? path_ : "the standard output", what, files::because_of_errno()));
}

output::output(const std::string& path, std::uint64_t keep, bool resumable, ::mode_t mode)
    : path_(path), size_(keep), resumable_(resumable) {
  if (path_.empty()) return;
  auto file = files::replaced_file::open(path_, mode, keep);
  if (!file) stop(exit_code::input_output, file.error().message);
  if (resumable && file->is_direct()) stop(exit_code::usage, path_ + ": --resume needs a regular file");
  file_.emplace(*std::move(file));
}

void output::write(std::string_view bytes) {
  size_ += bytes.size();
  if (!(file_ ? file_->write(bytes) : files::write_all(1, bytes))) fail("cannot be written");
}

void output::sync() {
  if (file_ && !file_->sync()) fail("cannot be forced to the disk");
}

void output::commit() {
  if (file_) {
    if (!file_->commit()) {
      fail(fmt::format("what was written is {}, which cannot get its name", file_->partial()));
    }
    return;
  }
  // A file system may tell of a full disk only now.
  if (::close(1) != 0 && errno != EINTR) fail("cannot be written");
}

void output::discard() noexcept {
  if (file_ && !resumable_) file_->discard();
}

void output::commit_left(const std::string& path) {
  if (!path.empty() && !files::replaced_file::commit_left(path)) {
    stop(exit_code::input_output, path + ": cannot get its name" + files::because_of_errno());
  }
}
