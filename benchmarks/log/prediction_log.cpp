// SPDX-License-Identifier: MIT
// What the prediction log costs per record: prediction_log [records a batch] [passes] [folder]
// Formatting alone, the log as it is used, and the kernel appending the same bytes, in turns.
#include <tabscore/monitor/jsonl_log.hpp>
#include <tabscore/schema/batch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <random>

#include "support/student.hpp"

namespace ts = tabscore;

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
  std::vector<double> probability(records);
  std::vector<std::uint8_t> label(records);
  for (std::size_t i = 0; i < records; ++i) {
    const auto started = below(6);
    batch.push_back(countries[static_cast<std::size_t>(below(5))], below(400), static_cast<double>(below(30000)) / 10,
                    below(4), started, below(6) % (started + 1), static_cast<double>(below(2000)) / 10);
    probability[i] = static_cast<double>(random() >> 11) * 0x1p-53;
    label[i] = probability[i] >= 0.5;
  }
  const ts::scored<student> scored{batch.view(), {probability, label, 0.5}};

  ts::jsonl_settings settings;
  settings.file.sync = ts::durability::none;
  const ts::jsonl_lines lines;
  auto log = ts::jsonl_log::open(folder + "/log.jsonl", settings).value();
  const ts::detail::unique_fd plain(::open((folder + "/plain").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644));
  ts::text_buffer text;
  lines.append(text, scored, std::chrono::system_clock::now());
  const std::string bytes(text.view());

  std::array<std::vector<double>, 3> ns;
  const auto pass = [&](std::size_t which, auto&& work) {
    const std::size_t repeats = std::max<std::size_t>(1, 20'000 / records);
    const auto begin = clock::now();
    for (std::size_t i = 0; i < repeats; ++i) work();
    const std::chrono::duration<double, std::nano> t = clock::now() - begin;
    ns[which].push_back(t.count() / static_cast<double>(repeats * records));
  };
  for (int i = 0; i < passes; ++i) {
    pass(0, [&] { text.clear(), lines.append(text, scored, std::chrono::system_clock::now()); });
    pass(1, [&] { log.record(scored); });
    pass(2, [&] {
      if (::write(plain.get(), bytes.data(), bytes.size()) < 0) std::abort();
    });
    if (i % 20 == 19) {  // so that neither the disk fills nor the files differ in size
      log.file()->rotate();
      if (::ftruncate(plain.get(), 0) != 0) std::abort();
      for (const auto& old : std::filesystem::directory_iterator(folder)) {
        if (old.path().filename().string().starts_with("log.jsonl.2")) std::filesystem::remove(old);
      }
    }
  }
  std::array<double, 3> median{};
  for (std::size_t k = 0; k < 3; ++k) {
    std::nth_element(ns[k].begin(), ns[k].begin() + passes / 2, ns[k].end());
    median[k] = ns[k][static_cast<std::size_t>(passes / 2)];
  }
  fmt::print(
      "{} records a batch, {} bytes a line, ns per record: formatted {:.1f}; logged {:.1f}; the kernel's append of the "
      "same bytes {:.1f}; writing is {:.2f} times that\n",
      records, bytes.size() / records, median[0], median[1], median[2], (median[1] - median[0]) / median[2]);
  std::filesystem::remove_all(folder);
  return log.dropped() == 0 ? 0 : 1;
}
