// SPDX-License-Identifier: MIT
// What a record costs in process, from columns and from the bytes of files: scale_columns MODEL FILE.csv FILE.ndjson
// [PASSES] [THREADS]. The files hold the same records. Prints lines of JSON: CPU time and wall time per record with one
// thread and with THREADS, medians of passes in turn.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "student.hpp"

namespace {

using pipeline = std::remove_cvref_t<decltype(*ts::make_pipeline(
    student{}, student_columns::rules, student_columns::features, std::declval<ts::any_scorer>()))>;

/// The file's bytes, with a block's padding behind them.
std::string read(const char* path) {
  std::string bytes(std::filesystem::file_size(path) + ts::block_padding, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (bytes.empty()) fmt::print(stderr, "{}: nothing there\n", path), std::exit(1);
  return bytes;
}

double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Blocks as the filter cuts them.
std::vector<std::string_view> blocks_of(std::string_view rest, ts::record_format<student>& format) {
  std::vector<std::string_view> blocks;
  rest.remove_prefix(*format.begin(rest, true));
  while (!rest.empty()) {
    const std::size_t size = std::min<std::size_t>(rest.size(), std::size_t{256} << 10);
    const std::size_t whole = format.whole(rest.substr(0, size), size == rest.size());
    blocks.push_back(rest.substr(0, whole));
    rest.remove_prefix(whole);
  }
  return blocks;
}

/// Of one thread.
struct memory {
  memory(const pipeline& pipe, const ts::record_format<student>& format) : decoder(format.decoder()), rows(pipe) {}
  std::unique_ptr<ts::block_decoder<student>> decoder;
  ts::block_records<student> records;
  ts::score_buffers buffers;
  ts::column_importer<student> lent;
  ts::row_scorer<pipeline> rows;
};

struct work {
  std::string name;
  const ts::record_format<student>* format;
  std::size_t pieces;
  std::function<void(std::size_t, memory&)> piece;
  std::vector<double> cpu{}, wall{};
};

void run(work& w, const pipeline& pipe, unsigned threads) {
  std::atomic<std::size_t> next{0};
  const auto some = [&] {
    memory m(pipe, *w.format);
    for (std::size_t i = next++; i < w.pieces; i = next++) w.piece(i, m);
  };
  const double cpu = cpu_now();
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < threads; ++t) others.emplace_back(some);
    some();
  }
  w.wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  w.cpu.push_back(cpu_now() - cpu);
}

/// Columns of another engine: numbers where they lie, texts seen and checked, a reason instead of a prediction where
/// one is wrong.
void score_lent(const ts::columns<student>& some, memory& m) {
  m.lent.begin(some.rows());
  student::for_each([&]<std::size_t I>() {
    const auto values = some.template get<I>();
    if constexpr (student::kinds[I] == ts::field_kind::text) {
      m.lent.template fill<I>([&](std::size_t i) { return values[i]; }, [](std::size_t) { return true; });
    } else {
      m.lent.template lend<I>(values.data());
    }
  });
  const ts::validation_errors& errors = m.lent.check();
  static_cast<void>(m.rows.score(m.lent.view(), errors));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return fmt::print(stderr, "scale_columns MODEL FILE.csv FILE.ndjson [PASSES] [THREADS]\n"), 1;
  const int passes = argc > 4 ? std::atoi(argv[4]) : 9;
  const unsigned threads = argc > 5 ? static_cast<unsigned>(std::atoi(argv[5])) : 2;
  const auto file = ts::load_model_file(argv[1]).value();
  const pipeline pipe =
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
      static_cast<void>(decoder->decode(block, false, records, {}));
      columns.append_views(records.good.view());
    }
  }
  const std::size_t rows = columns.rows();

  const auto slice = [&](std::size_t size) {
    return std::pair((rows + size - 1) / size, [&columns, rows, size](std::size_t i) {
      return columns.view().slice(i * size, std::min(size, rows - i * size));
    });
  };
  const auto batches = slice(65536);
  const auto runs = slice(4096);
  const auto decode = [](const auto& blocks) {
    return
        [&blocks](std::size_t i, memory& m) { static_cast<void>(m.decoder->decode(blocks[i], false, m.records, {})); };
  };
  const auto score = [&](const auto& blocks) {
    return [&pipe, decoded = decode(blocks)](std::size_t i, memory& m) {
      decoded(i, m);
      static_cast<void>(pipe.score(m.records.good, m.buffers));
    };
  };
  std::array<std::pair<unsigned, std::vector<work>>, 2> all;
  for (auto& [used, works] : all) {
    used = &works == &all[0].second ? 1 : threads;
    works = {{"columns, scored", &csv, batches.first,
              [&](std::size_t i, memory& m) { static_cast<void>(pipe.score(batches.second(i), m.buffers)); }},
             {"columns lent, checked and scored", &csv, runs.first,
              [&](std::size_t i, memory& m) { score_lent(runs.second(i), m); }},
             {"CSV, decoded", &csv, csv_blocks.size(), decode(csv_blocks)},
             {"CSV, decoded and scored", &csv, csv_blocks.size(), score(csv_blocks)},
             {"NDJSON, decoded", &ndjson, ndjson_blocks.size(), decode(ndjson_blocks)},
             {"NDJSON, decoded and scored", &ndjson, ndjson_blocks.size(), score(ndjson_blocks)}};
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (auto& [used, works] : all) {
      for (work& w : works) run(w, pipe, used);
    }
  }
  const auto ns = [&](std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2] / static_cast<double>(rows) * 1e9;
  };
  for (const auto& [used, works] : all) {
    for (const work& w : works) {
      fmt::print("{{\"what\":\"{}\",\"records\":{},\"threads\":{},\"cpu_ns\":{:.2f},\"wall_ns\":{:.2f}}}\n", w.name,
                 rows, used, ns(w.cpu), ns(w.wall));
    }
  }
}
