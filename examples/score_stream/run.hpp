// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <tabscore/tabscore.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "block_scorer.hpp"
#include "checkpoint.hpp"
#include "formats.hpp"
#include "input.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "rejects.hpp"
#include "settings.hpp"
#include "stop.hpp"
#include "turns.hpp"

/// Scores all inputs. Its members are touched by one thread at a time: in take() what reads, in put() what writes, and
/// in a checkpoint, while everything that was taken is put, both.
template <class Pipeline>
class run {
  using clock = std::chrono::steady_clock;

 public:
  /// `monitor`: what the pipeline tells of its batches, if it does.
  run(const settings& s, const Pipeline& pipe, ts::drift_monitor* monitor, const std::string& model)
      : settings_(s),
        pipe_(pipe),
        monitor_(monitor),
        format_(make_format<typename Pipeline::schema_t>(s)),
        writer_(make_writer(s, pipe.layout())),
        identity_(identity_of(s, model)),
        before_(s.resume ? load_checkpoint(s, identity_) : std::nullopt) {}

  ~run() {
    before_stop = [] {};
  }
  run(const run&) = delete;
  run& operator=(const run&) = delete;

  void operator()() {
    if (!format_) stop(exit_code::usage, fmt::format("--from {}: expected one of {}", settings_.from, format_names));
    if (!writer_) stop(exit_code::usage, fmt::format("--to {}: expected one of {}", settings_.to, format_names));
    begin();
    if (!complete_) {
      std::vector<std::jthread> threads;
      try {
        for (unsigned i = 1; i < settings_.threads; ++i) threads.emplace_back([this] { work(); });
      } catch (const std::system_error&) {  // a container's limit of processes, say: fewer do the same
      }
      work();
    }
    finish();
  }

 private:
  void begin() {
    if (monitor_ != nullptr) {
      auto lock = ts::files::lock_file::open(settings_.state_file);
      if (!lock) stop(exit_code::input_output, lock.error().message);
      state_lock_.emplace(*std::move(lock));
    }
    before_stop = [this] { state_lock_.reset(); };
    input_.emplace(settings_, *format_);
    if (before_) {
      complete_ = before_->complete;
      done_ = before_->done;
      file_records_ = before_->file_records;
      file_lines_ = before_->file_lines;
      file_ = before_->input.file;
      input_->start_at(before_->input);
      if (before_->state) {
        if (const auto other = ts::restore(*monitor_, *before_->state)) stop(exit_code::usage, other->message);
      }
    }
    if (complete_) return;
    // Of a file that cannot be read nothing is written; the standard input may keep us waiting.
    const std::string_view header = settings_.keep || !settings_.inputs.empty() ? input_->header() : std::string_view{};
    before_stop = [this] {
      state_lock_.reset();
      if (output_) output_->discard();
      if (rejects_) rejects_->discard();
    };
    output_.emplace(settings_.output, before_ ? before_->output_bytes : 0, settings_.resume, settings_.output_mode);
    if (!settings_.rejects.empty()) {
      rejects_.emplace(settings_.rejects, before_ ? before_->reject_bytes : 0, settings_.resume,
                       settings_.private_mode);
    }
    progress_.emplace(settings_.quiet, input_->total_bytes(), done_);
    writer_->append_head(text_, settings_.keep ? header : std::string_view{});
    if (!before_ && settings_.part.index == 1) output_->write(text_.view());
    next_checkpoint_ = clock::now();
  }

  void work() {
    input_block block;
    scored_block scored;
    block_scorer scorer(settings_, pipe_, *format_, *writer_);
    while (const auto number = turns_.take([&] { return take(block); })) {
      const auto failed = scorer.score(block, scored);
      turns_.put(*number, [&] {
        if (!failed)
          stop(exit_code::input_output, fmt::format("{}: {}", input_->name(block.file), failed.error().message));
        put(block, scored);
      });
    }
  }

  bool take(input_block& block) {
    if (settings_.resume && clock::now() >= next_checkpoint_) {
      turns_.drain();
      save(false);
      next_checkpoint_ = clock::now() + std::chrono::duration_cast<clock::duration>(
                                            std::chrono::duration<double>(settings_.checkpoint_seconds));
    }
    return input_->next(block, [this] { turns_.drain(); });
  }

  void put(const input_block& block, const scored_block& scored) {
    if (block.file != file_) file_records_ = file_lines_ = 0;
    file_ = block.file;
    output_->write(scored.text.view());
    done_.read += scored.records;
    done_.rejected += scored.rejected.size();
    done_.scored += scored.records - scored.rejected.size();
    done_.bytes += block.bytes.size();
    text_.clear();
    line_position places(block.bytes.view());
    for (const auto& r : scored.rejected) {
      if (!rejects_ && settings_.on_wrong != on_error::fail) break;
      const record_place place = place_of(block, r, places);
      if (rejects_) append_reject(text_, place, r);
      if (text_.size() >= write_at_once) {
        rejects_->write(text_.view());
        text_.clear();
      }
      if (settings_.on_wrong == on_error::fail) {
        if (rejects_) rejects_->write(text_.view());
        progress_->clear();
        if (rejects_) rejects_->sync(), rejects_->commit();
        stop(exit_code::bad_record, fmt::format("{}: {}", to_text(place), r.message));
      }
    }
    if (rejects_) rejects_->write(text_.view());
    file_records_ += scored.records;
    file_lines_ += scored.lines;
    progress_->show(done_);
  }

  record_place place_of(const input_block& block, const ts::rejected_record& r, line_position& lines) {
    const std::string& file = input_->name(block.file);
    if (!format_->has_lines()) return {file, false, file_records_ + r.position + 1};
    return {file, true, input_->lines_before() + file_lines_ + lines.before(r.bytes) + 1};
  }

  /// Only when everything that was taken is put.
  void save(bool complete) {
    output_->sync();
    if (rejects_) rejects_->sync();
    const bool is_within = input_->position().file == file_;  // or else nothing of the next file was put yet
    checkpoint c{identity_,
                 complete,
                 input_->position(),
                 is_within ? file_records_ : 0,
                 is_within ? file_lines_ : 0,
                 output_->size(),
                 rejects_ ? rejects_->size() : 0,
                 done_,
                 std::nullopt};
    if (monitor_ != nullptr) c.state = ts::state_of(*monitor_);
    save_checkpoint(settings_, c);
  }

  /// Everything under its name. Killed anywhere in here, a resumed run comes here again.
  void finish() {
    if (!complete_) {
      progress_->clear();
      if (settings_.resume) {
        save(true);
      } else {
        output_->sync();
        if (rejects_) rejects_->sync();
      }
    }
    before_stop = [this] { state_lock_.reset(); };  // all is there: what cannot get its name stays as FILE.partial
    if (monitor_ != nullptr) {
      if (const auto failed =
              ts::save_monitor_state(ts::state_of(*monitor_), settings_.state_file, settings_.private_mode)) {
        stop(exit_code::input_output, failed->message);
      }
    }
    if (complete_) {
      output::commit_left(settings_.rejects);
      output::commit_left(settings_.output);
    } else {
      if (rejects_) rejects_->commit();
      output_->commit();
    }
    if (settings_.resume) remove_checkpoint(settings_);
    if (!settings_.quiet) {
      say("score_stream: {} records read = {} scored + {} rejected{}\n", done_.read, done_.scored, done_.rejected,
          done_.rejected == 0                    ? ""
          : settings_.on_wrong == on_error::null ? " (answered with null)"
                                                 : " (skipped)");
    }
  }

  static constexpr std::size_t write_at_once = std::size_t{256} << 10;  // bytes of rejects, still in the caches

  const settings& settings_;
  const Pipeline& pipe_;
  ts::drift_monitor* monitor_;
  std::unique_ptr<ts::record_format<typename Pipeline::schema_t>> format_;
  std::unique_ptr<ts::prediction_writer> writer_;
  std::string identity_;
  std::optional<checkpoint> before_;
  bool complete_ = false;  // an earlier run had come to its end, but not all files to their names
  turns turns_;

  std::optional<input> input_;
  clock::time_point next_checkpoint_;

  std::optional<ts::files::lock_file> state_lock_;
  std::optional<output> output_;
  std::optional<output> rejects_;
  std::optional<progress> progress_;
  ts::text_buffer text_;
  counts done_;
  std::size_t file_ = 0;            // the input that was put last
  std::uint64_t file_records_ = 0;  // of it
  std::uint64_t file_lines_ = 0;
};
