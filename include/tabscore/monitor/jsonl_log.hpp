// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../core/json_text.hpp"
#include "../core/number_text.hpp"
#include "../core/result.hpp"
#include "../core/text_buffer.hpp"
#include "mutex.hpp"
#include "sink.hpp"

namespace tabscore {

/// What a prediction log calls the two things that were predicted.
struct jsonl_names {
  std::string probability = "probability";
  std::string label = "label";
};

namespace detail {

/// "2026-01-31T12:00:00.123456+00:00", UTC, as Python's isoformat() (which leaves out a fraction of zero).
inline std::string utc_timestamp(std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  const std::time_t seconds = system_clock::to_time_t(floor<std::chrono::seconds>(now));
  const auto micros = duration_cast<microseconds>(now - floor<std::chrono::seconds>(now)).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (micros != 0) {
    text[n] = '.';
    for (std::size_t k = 6, rest = static_cast<std::size_t>(micros); k > 0; --k, rest /= 10) {
      text[n + k] = static_cast<char>('0' + rest % 10);
    }
    n += 7;
  }
  return std::string(text.data(), n) + "+00:00";
}

}  // namespace detail

/// A sink that appends one JSON line per record, written as Python's json.dumps does:
///     {"timestamp_utc": ..., "threshold": ..., "probability": ..., "label": 0|1, "features": {the record's fields}}
/// A batch is formatted in memory and appended by one write, so that it is in the file whole or not at all; a write
/// that fails part of the way is cut off again and its records are counted as dropped. The system's cache holds what
/// was written until it reaches the disk. Default-constructed it is off. POSIX only.
/// No concurrent call causes a data race (jsonl_log; jsonl_log_st is for one thread).
template <class Mutex>
class basic_jsonl_log {
 public:
  basic_jsonl_log() = default;

  /// Opens (or makes, with its folders) the file to append to.
  static result<basic_jsonl_log> open(const std::string& path, const jsonl_names& names = {}) {
    std::error_code failed;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, failed);
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return error{errc::io, "prediction log '" + path + "': cannot be opened to append (" +
                                 std::generic_category().message(errno) + ")"};
    }
    basic_jsonl_log log;
    log.state_ = std::make_unique<state>(fd, names);
    return log;
  }

  bool is_on() const noexcept { return state_ != nullptr; }
  /// Records whose lines are in the file, and those that could not be written, since it was opened.
  std::uint64_t written() const noexcept { return state_ ? state_->written.load() : 0; }
  std::uint64_t dropped() const noexcept { return state_ ? state_->dropped.load() : 0; }

  template <schema_type Schema>
  void record(const scored<Schema>& batch) noexcept {
    if (!state_) return;
    text_buffer lines = state_->take_buffer();
    format(batch, lines);
    (state_->append(lines.view()) ? state_->written : state_->dropped) += batch.records.rows();
    state_->give_back(std::move(lines));
  }

  /// The lines of a batch, all with the time stamp of now.
  template <schema_type Schema>
  void format(const scored<Schema>& batch, text_buffer& out) const {
    // Everything between two values is the same for all records of the batch: made once, then copied.
    std::array<text_buffer, Schema::size> key;
    for (std::size_t f = 0; f < Schema::size; ++f) {
      if (f > 0) key[f].append(", ");
      append_json_text<escape::non_ascii>(key[f], Schema::names[f]);
      key[f].append(": ");
    }
    text_buffer start, label, features;
    start.append("{\"timestamp_utc\": \"");
    start.append(detail::utc_timestamp(std::chrono::system_clock::now()));
    start.append("\", \"threshold\": ");
    append(start, batch.scores.threshold);
    start.append(", ");
    append_json_text<escape::non_ascii>(start, state_->names.probability);
    start.append(": ");
    label.append(", ");
    append_json_text<escape::non_ascii>(label, state_->names.label);
    label.append(": ");
    features.append(", \"features\": {");

    for (std::size_t row = 0; row < batch.records.rows(); ++row) {
      out.append(start.view());
      append(out, batch.scores.probability[row]);
      out.append(label.view());
      out.append(batch.scores.label[row] ? "1" : "0");
      out.append(features.view());
      Schema::for_each([&]<std::size_t I>() {
        out.append(key[I].view());
        append_value<typename Schema::template field<I>>(out, batch.records.template get<I>()[row]);
      });
      out.append("}}\n");
    }
  }

 private:
  struct state {
    state(int f, jsonl_names n) : fd(f), names(std::move(n)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { ::close(fd); }

    // Buffers outlive the batch they were filled for, so that a warm log allocates nothing.
    text_buffer take_buffer() noexcept {
      const std::lock_guard lock(mutex);
      if (buffers.empty()) return {};
      text_buffer b = std::move(buffers.back());
      buffers.pop_back();
      return b;
    }
    void give_back(text_buffer b) noexcept {
      b.clear();
      const std::lock_guard lock(mutex);
      buffers.push_back(std::move(b));
    }

    bool append(std::string_view lines) noexcept {
      const std::lock_guard lock(writing);
      std::size_t done = 0;
      while (done < lines.size()) {
        const ssize_t n = ::write(fd, lines.data() + done, lines.size() - done);
        if (n >= 0) {
          done += static_cast<std::size_t>(n);
        } else if (errno != EINTR) {
          break;
        }
      }
      if (done == lines.size()) return true;
      if (done > 0) {  // half a batch is worse than none: after an append the offset is the end of what was written
        const off_t end = ::lseek(fd, 0, SEEK_CUR);
        if (end >= static_cast<off_t>(done)) {
          [[maybe_unused]] const int cut = ::ftruncate(fd, end - static_cast<off_t>(done));
        }
      }
      return false;
    }

    int fd;
    jsonl_names names;
    std::atomic<std::uint64_t> written = 0;
    std::atomic<std::uint64_t> dropped = 0;
    Mutex mutex;    // of the buffers
    Mutex writing;  // of the file
    std::vector<text_buffer> buffers;
  };

  static void append(text_buffer& out, double v) {
    out.keep_to(write_real<spelling::json>(out.space(number_text_space), v));
  }

  template <class Field>
  static void append_value(text_buffer& out, const typename Field::stored_type& v) {
    if constexpr (Field::kind == field_kind::text) {
      if (v.data() == nullptr) return out.append("null");
      append_json_text<escape::non_ascii>(out, v);
    } else if constexpr (!Field::required) {
      if (std::isnan(v)) return out.append("null");
      if constexpr (Field::kind == field_kind::boolean) {
        out.append(v != 0 ? "true" : "false");
      } else if constexpr (Field::kind == field_kind::integer) {
        out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
      } else {
        append(out, v);
      }
    } else if constexpr (Field::kind == field_kind::boolean) {
      out.append(v ? "true" : "false");
    } else if constexpr (Field::kind == field_kind::integer) {
      out.keep_to(write_integer(out.space(number_text_space), v));
    } else {
      append(out, v);
    }
  }

  std::unique_ptr<state> state_;
};

using jsonl_log = basic_jsonl_log<std::mutex>;
using jsonl_log_st = basic_jsonl_log<no_mutex>;

}  // namespace tabscore
