// SPDX-License-Identifier: MIT
// What the prediction log costs per record: prediction_log [records a batch] [passes] [folder]
// Formatting alone, the log as it is used, its file alone and the kernel appending the same bytes, in turns; medians.
#include <tabscore/files/descriptor.hpp>
#include <tabscore/log/jsonl_log.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <variant>

#include "support/student.hpp"

namespace ts = tabscore;

namespace {

/// Gives probabilities of all 53 bits.
struct random_scorer {
  ts::feature_names names{{"days_on_platform", "minutes_watched", "courses_started", "practice_exams_started",
                           "practice_exams_passed", "minutes_spent_on_exams"},
                          {"student_country"}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> to) const {
    std::mt19937_64 random(static_cast<std::uint64_t>(x.column(1)[0]));
    for (double& p : to) p = static_cast<double>(random() >> 11) * 0x1p-53;
  }
};

}  // namespace

int main(int argc, char** argv) {
  using clock = std::chrono::steady_clock;
  const std::size_t records = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const int passes = argc > 2 ? std::atoi(argv[2]) : 101;
  const std::string folder = argc > 3 ? argv[3] : "prediction_log_benchmark";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);

  std::mt19937_64 random(1);
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
  constexpr std::array countries{"US", "IN", "GB", "EG", "NG"};
  ts::batch<student> batch;
  for (std::size_t i = 0; i < records; ++i) {
    const auto started = below(6);
    batch.push_back(countries[static_cast<std::size_t>(below(5))], below(400), static_cast<double>(below(30000)) / 10,
                    below(4), started, below(6) % (started + 1), static_cast<double>(below(2000)) / 10);
  }
  const ts::pipeline pipe{student{}, ts::rules{}, ts::features{}, random_scorer{}};
  ts::score_buffers buffers;
  const ts::score_outcome outcome = pipe.score(batch.view(), buffers);
  const ts::scored<student> answered{batch.view(), std::get<ts::predictions>(outcome)};
  ts::predictions alone = answered.scores;
  alone.texts = nullptr;
  const ts::scored<student> scored{batch.view(), alone};

  ts::jsonl_settings settings;
  settings.file.sync = ts::durability::none;
  const ts::jsonl_lines lines;
  auto log = ts::jsonl_log::open(folder + "/log.jsonl", settings).value();
  ts::jsonl_settings with_chain = settings;
  with_chain.file.chain.emplace();
  auto chained = ts::jsonl_log::open(folder + "/chained.jsonl", with_chain).value();
  auto file = ts::append_file::open(folder + "/lines.jsonl", settings.file).value();
  const ts::files::unique_fd plain(::open((folder + "/plain").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644));
  ts::text_buffer text;
  const auto format = [&](const ts::scored<student>& what) {
    text.clear();
    lines.append(text, what, std::chrono::system_clock::now());
  };
  format(answered);  // keeps the digits
  format(scored);
  const std::string bytes(text.view());
  const std::size_t line = bytes.size() / records;
  std::string copied(bytes.size(), ' ');

  struct work {
    const char* name;
    std::function<void()> run;
    std::vector<double> ns{};
  };
  std::vector<work> all{
      {"lines formatted", [&] { format(scored); }},
      {"lines formatted, the digits being known from the answer", [&] { format(answered); }},
      {"log: formatted and written", [&] { log.record(answered); }},
      {"log: formatted, chained and written", [&] { chained.record(answered); }},
      {"append_file: the same bytes",
       [&] {
         if (!file->append(bytes)) std::abort();
       }},
      {"the kernel: the same bytes",
       [&] {
         if (::write(plain.get(), bytes.data(), bytes.size()) < 0) std::abort();
       }},
      {"memory: the same bytes copied, line by line",
       [&] {
         for (std::size_t at = 0; at < bytes.size(); at += line) {
           std::memcpy(copied.data() + at, bytes.data() + at, std::min(line, bytes.size() - at));
         }
       }},
  };
  const std::size_t repeats = std::max<std::size_t>(1, 5'000 / records);
  for (int i = 0; i < passes; ++i) {
    for (work& w : all) {
      const auto begin = clock::now();
      for (std::size_t k = 0; k < repeats; ++k) w.run();
      const std::chrono::duration<double, std::nano> t = clock::now() - begin;
      w.ns.push_back(t.count() / static_cast<double>(repeats * records));
    }
    // Before anything reaches the disk.
    for (const char* name : {"/log.jsonl", "/chained.jsonl", "/lines.jsonl", "/plain"})
      std::filesystem::resize_file(folder + name, 0);
    log.file()->tick();
    chained.file()->tick();
    file->tick();
  }
  fmt::print("{} records a batch, {} bytes a line, ns per record:\n", records, line);
  std::vector<double> medians;
  for (work& w : all) {
    std::nth_element(w.ns.begin(), w.ns.begin() + passes / 2, w.ns.end());
    medians.push_back(w.ns[static_cast<std::size_t>(passes / 2)]);
    fmt::print("{:58} {:7.1f}\n", w.name, medians.back());
  }
  fmt::print("append_file takes {:.2f} times what the kernel does; the log's write {:.2f} times\n",
             medians[4] / medians[5], (medians[2] - medians[1]) / medians[5]);
  std::filesystem::remove_all(folder);
  return log.dropped() == 0 ? 0 : 1;
}
