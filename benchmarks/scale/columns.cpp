// SPDX-License-Identifier: MIT
// What a record costs in process, from columns and from the bytes of files: scale_columns MODEL FILE.csv FILE.ndjson
// [PASSES] [THREADS]. The files hold the same records. Prints lines of JSON: CPU time and wall time per record, medians
// of passes in turn.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "student.hpp"

namespace {

std::string read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) fmt::print(stderr, "{}: nothing there\n", path), std::exit(1);
  return bytes;
}

double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Blocks as the filter cuts them.
std::vector<std::string> blocks_of(const std::string& bytes, ts::record_format<student>& format) {
  std::vector<std::string> blocks;
  std::string_view rest = bytes;
  rest.remove_prefix(*format.begin(rest, true));
  while (!rest.empty()) {
    const std::size_t size = std::min<std::size_t>(rest.size(), std::size_t{256} << 10);
    const std::size_t whole = format.whole(rest.substr(0, size), size == rest.size());
    blocks.emplace_back(rest.substr(0, whole));
    blocks.back().reserve(whole + ts::block_padding);
    rest.remove_prefix(whole);
  }
  return blocks;
}

struct timing {
  std::string name;
  std::vector<double> cpu{}, wall{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return fmt::print(stderr, "scale_columns MODEL FILE.csv FILE.ndjson [PASSES] [THREADS]\n"), 1;
  const int passes = argc > 4 ? std::atoi(argv[4]) : 9;
  const unsigned threads = argc > 5 ? static_cast<unsigned>(std::atoi(argv[5])) : 1;
  const auto file = ts::load_model_file(argv[1]).value();
  const auto pipe =
      ts::make_pipeline(student{}, student_columns::rules, student_columns::features, ts::make_scorer(file).value())
          .value();

  ts::csv_format<student> csv;
  ts::ndjson_format<student> ndjson;
  const std::string csv_bytes = read(argv[2]);
  const std::string ndjson_bytes = read(argv[3]);
  const auto csv_blocks = blocks_of(csv_bytes, csv);
  const auto ndjson_blocks = blocks_of(ndjson_bytes, ndjson);

  // All records as the columns that a caller would have; texts point into the file.
  ts::batch<student> columns;
  {
    const auto decoder = csv.decoder();
    ts::block_records<student> records;
    for (const auto& block : csv_blocks) {
      static_cast<void>(decoder->decode(block, false, records));
      columns.append(records.good.view());
    }
  }
  const std::size_t rows = columns.rows();

  // Work on pieces of the input, dealt out to threads: f(piece, thread's memory).
  struct memory {
    ts::score_buffers buffers;
    ts::block_records<student> records;
    std::unique_ptr<ts::block_decoder<student>> decoder;
    double sum = 0;
  };
  const auto in_threads = [&](std::size_t pieces, ts::record_format<student>& format, const auto& f) {
    const auto work = [&](unsigned t) {
      memory m;
      m.decoder = format.decoder();
      for (std::size_t i = t; i < pieces; i += threads) f(i, m);
    };
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
  };
  constexpr std::size_t piece = 65536;
  std::array<std::pair<timing, std::function<void()>>, 5> all{{
      {{"columns, scored"},
       [&] {
         in_threads((rows + piece - 1) / piece, csv, [&](std::size_t i, memory& m) {
           static_cast<void>(pipe.score(columns.view().slice(i * piece, std::min(piece, rows - i * piece)), m.buffers));
         });
       }},
      {{"CSV, decoded"},
       [&] {
         in_threads(csv_blocks.size(), csv, [&](std::size_t i, memory& m) {
           static_cast<void>(m.decoder->decode(csv_blocks[i], false, m.records));
         });
       }},
      {{"CSV, decoded and scored"},
       [&] {
         in_threads(csv_blocks.size(), csv, [&](std::size_t i, memory& m) {
           static_cast<void>(m.decoder->decode(csv_blocks[i], false, m.records));
           static_cast<void>(pipe.score(m.records.good, m.buffers));
         });
       }},
      {{"NDJSON, decoded"},
       [&] {
         in_threads(ndjson_blocks.size(), ndjson, [&](std::size_t i, memory& m) {
           static_cast<void>(m.decoder->decode(ndjson_blocks[i], false, m.records));
         });
       }},
      {{"NDJSON, decoded and scored"},
       [&] {
         in_threads(ndjson_blocks.size(), ndjson, [&](std::size_t i, memory& m) {
           static_cast<void>(m.decoder->decode(ndjson_blocks[i], false, m.records));
           static_cast<void>(pipe.score(m.records.good, m.buffers));
         });
       }},
  }};
  for (int pass = 0; pass < passes; ++pass) {
    for (auto& [t, work] : all) {
      const double cpu = cpu_now();
      const auto begin = std::chrono::steady_clock::now();
      work();
      t.wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      t.cpu.push_back(cpu_now() - cpu);
    }
  }
  const auto median = [](std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
  };
  for (const auto& [t, work] : all) {
    const auto n = static_cast<double>(rows);
    fmt::print("{{\"what\":\"{}\",\"records\":{},\"threads\":{},\"cpu_ns\":{:.2f},\"wall_ns\":{:.2f}}}\n", t.name, rows,
               threads, median(t.cpu) / n * 1e9, median(t.wall) / n * 1e9);
  }
}
