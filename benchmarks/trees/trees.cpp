// SPDX-License-Identifier: MIT
// trees MODEL_DIR [--json FILE] [--passes N]: nanoseconds per row of tabscore's kernels and of the peers that were
// found at build time, on the models and rows of make_models.py. Contenders take turns within each pass; medians over
// passes.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tabscore/models/load_lightgbm.hpp"
#include "tabscore/models/load_xgboost.hpp"
#include "tabscore/models/parallel.hpp"

#if defined(TABSCORE_BENCH_XGBOOST)
#include <xgboost/c_api.h>
#endif

namespace {

namespace fs = std::filesystem;
using clock_type = std::chrono::steady_clock;
using tabscore::kernel;

constexpr std::size_t features = 28;

double now_ns() { return std::chrono::duration<double, std::nano>(clock_type::now().time_since_epoch()).count(); }

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

/// One way to score rows [first, first + n); gives a checksum so that nothing is optimised away.
struct contender {
  std::string name;
  std::function<double(std::size_t first, std::size_t n)> score;
};

#if defined(TABSCORE_BENCH_XGBOOST)
class xgboost_peer {
 public:
  explicit xgboost_peer(const std::string& path) {
    XGBoosterCreate(nullptr, 0, &booster_);
    XGBoosterLoadModel(booster_, path.c_str());
    XGBoosterSetParam(booster_, "nthread", "1");
  }
  ~xgboost_peer() { XGBoosterFree(booster_); }
  xgboost_peer(const xgboost_peer&) = delete;
  xgboost_peer& operator=(const xgboost_peer&) = delete;

  /// In-place prediction of margins: XGBoost's quickest way for a dense matrix.
  const float* margins(const float* rows, std::size_t n) {
    const std::string array = fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                                          reinterpret_cast<std::size_t>(rows), n, features);
    static constexpr const char* config =
        R"({"type":1,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* result = nullptr;
    if (XGBoosterPredictFromDense(booster_, array.c_str(), config, nullptr, &shape, &dimensions, &result) != 0) {
      fmt::print(stderr, "xgboost: {}\n", XGBGetLastError());
      std::exit(1);
    }
    return result;
  }

 private:
  BoosterHandle booster_ = nullptr;
};
#endif

struct measured {
  std::string model, contender;
  std::size_t batch;
  double ns_per_row;
};

/// Medians of `passes` interleaved passes. A measurement covers enough rows, from changing positions, to last a while.
void measure(const std::string& model, std::vector<contender>& contenders, std::size_t all_rows, int passes,
             std::vector<measured>& out) {
  for (const std::size_t batch : {1UL, 16UL, 256UL, 4096UL, 100000UL}) {
    std::vector<std::vector<double>> times(contenders.size());
    double sink = 0;
    for (int pass = -1; pass < passes; ++pass) {  // the first pass warms up
      for (std::size_t c = 0; c < contenders.size(); ++c) {
        std::size_t done = 0;
        std::size_t first = static_cast<std::size_t>(pass + 1) * 7919 % all_rows;
        const double begin = now_ns();
        double elapsed = 0;
        do {
          if (first + batch > all_rows) first = 0;
          sink += contenders[c].score(first, batch);
          first += batch;
          done += batch;
          elapsed = now_ns() - begin;
        } while (elapsed < 2e7);
        if (pass >= 0) times[c].push_back(elapsed / static_cast<double>(done));
      }
    }
    for (std::size_t c = 0; c < contenders.size(); ++c) {
      out.push_back({model, contenders[c].name, batch, median(times[c])});
    }
    if (sink == 0.123) fmt::print(" ");
  }
}

std::size_t heap() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

}  // namespace

int main(int argc, char** argv) {
  fs::path folder;
  std::string json_path;
  int passes = 9;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json" && i + 1 < argc) {
      json_path = argv[++i];
    } else if (argument == "--passes" && i + 1 < argc) {
      passes = std::max(1, std::atoi(argv[++i]));
    } else {
      folder = argument;
    }
  }
  if (folder.empty() || !fs::exists(folder / "rows.f32")) {
    fmt::print(stderr, "usage: trees MODEL_DIR [--json FILE] [--passes N]   (MODEL_DIR: written by make_models.py)\n");
    return 2;
  }
  std::vector<float> rows(fs::file_size(folder / "rows.f32") / sizeof(float));
  std::ifstream(folder / "rows.f32", std::ios::binary)
      .read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(rows.size() * sizeof(float)));
  const std::size_t all_rows = rows.size() / features;

  std::vector<measured> results;
  std::string loads;
  for (const char* name : {"100x6.json", "500x8.json", "500x63.json", "500x63_lightgbm.txt", "500x8_exact.json"}) {
    const fs::path path = folder / name;
    const bool lightgbm = path.extension() == ".txt";
    if (!fs::exists(path)) continue;
    auto bytes = tabscore::detail::read_file(path.string());
    if (!bytes) return 1;
    const auto read = [&] {
      return lightgbm ? tabscore::read_lightgbm(*bytes, name) : tabscore::read_xgboost(*bytes, name);
    };
    // What loading costs, beside simdjson's parsing of the same bytes.
    std::vector<double> parse, load;
    for (int i = 0; i < 5; ++i) {
      if (!lightgbm) {
        const double begin = now_ns();
        simdjson::dom::parser parser;
        simdjson::dom::element root;
        if (parser.parse(*bytes).get(root) == simdjson::SUCCESS) parse.push_back(now_ns() - begin);
      }
      const double begin = now_ns();
      auto model = read();
      if (!model) {
        fmt::print(stderr, "{}\n", model.error().message);
        return 1;
      }
      const auto f = tabscore::forest::build(*std::move(model), name);
      load.push_back(now_ns() - begin);
    }
    const std::size_t before = heap();
    auto kept = tabscore::forest::build(*read(), name);
    loads += fmt::format("{:<22} file {:>8} bytes, simdjson {:>7.2f} ms, load {:>7.2f} ms, memory {:>8} bytes\n", name,
                         bytes->size(), parse.empty() ? 0 : median(parse) / 1e6, median(load) / 1e6, heap() - before);

    std::vector<contender> contenders;
    std::vector<double> out(all_rows);
    tabscore::scratch memory;
#if defined(TABSCORE_BENCH_XGBOOST)
    std::shared_ptr<xgboost_peer> peer;
    if (!lightgbm) {
      peer = std::make_shared<xgboost_peer>(path.string());
      contenders.push_back({"xgboost", [&rows, peer](std::size_t first, std::size_t n) {
                              return static_cast<double>(peer->margins(rows.data() + first * features, n)[n - 1]);
                            }});
    }
#endif
    for (const kernel k : {kernel::avx512, kernel::avx2, kernel::portable, kernel::reference}) {
      if (!tabscore::available(k)) continue;
      const auto f = *tabscore::forest::build(*read(), name, k);
      contenders.push_back({fmt::format("tabscore {}", tabscore::name(k)), [&, f](std::size_t first, std::size_t n) {
                              f.margins(tabscore::row_major(rows.data() + first * features, n, features),
                                        std::span(out).first(n), memory);
                              return out[n - 1];
                            }});
    }
    contenders.push_back({"tabscore, 2 threads", [&, f = *kept](std::size_t first, std::size_t n) {
                            tabscore::parallel_margins(f,
                                                       tabscore::row_major(rows.data() + first * features, n, features),
                                                       std::span(out).first(n), 2, [](std::size_t tasks, auto&& task) {
                                                         std::vector<std::thread> others;
                                                         for (std::size_t t = 1; t < tasks; ++t)
                                                           others.emplace_back([&task, t] { task(t); });
                                                         task(0);
                                                         for (auto& t : others) t.join();
                                                       });
                            return out[n - 1];
                          }});
#if defined(TABSCORE_BENCH_XGBOOST)
    if (peer) {  // identical numbers, or the comparison means nothing
      const std::size_t n = 2000;
      kept->margins(tabscore::row_major(rows.data(), n, features), std::span(out).first(n), memory);
      const float* theirs = peer->margins(rows.data(), n);
      for (std::size_t i = 0; i < n; ++i) {
        if (static_cast<float>(out[i]) != theirs[i]) {
          fmt::print(stderr, "{}: row {} differs from XGBoost\n", name, i);
          return 1;
        }
      }
    }
#endif
    measure(path.stem().string(), contenders, all_rows, passes, results);
  }

  fmt::print("{}\nns per row, medians of {} interleaved passes (xgboost = 1 in brackets)\n", loads, passes);
  fmt::print("{:<18}{:>8}", "model", "batch");
  const std::vector<std::string> names = {"xgboost",           "tabscore avx512",    "tabscore avx2",
                                          "tabscore portable", "tabscore reference", "tabscore, 2 threads"};
  for (const auto& n : names) fmt::print("{:>22}", n);
  fmt::print("\n");
  std::map<std::pair<std::string, std::size_t>, std::map<std::string, double>> cells;
  std::vector<std::pair<std::string, std::size_t>> order;
  for (const auto& m : results) {
    if (!cells.contains({m.model, m.batch})) order.emplace_back(m.model, m.batch);
    cells[{m.model, m.batch}][m.contender] = m.ns_per_row;
  }
  for (const auto& key : order) {
    fmt::print("{:<18}{:>8}", key.first, key.second);
    auto& row = cells[key];
    for (const auto& n : names) {
      if (!row.contains(n)) {
        fmt::print("{:>22}", "-");
      } else if (n == "xgboost" || !row.contains("xgboost")) {
        fmt::print("{:>22.0f}", row[n]);
      } else {
        fmt::print("{:>22}", fmt::format("{:.0f} ({:.1f}x)", row[n], row["xgboost"] / row[n]));
      }
    }
    fmt::print("\n");
  }
  if (!json_path.empty()) {
    std::ofstream json(json_path);
    json << "[\n";
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& m = results[i];
      json << fmt::format(R"(  {{"model": "{}", "contender": "{}", "batch": {}, "ns_per_row": {:.1f}}}{})", m.model,
                          m.contender, m.batch, m.ns_per_row, i + 1 < results.size() ? ",\n" : "\n");
    }
    json << "]\n";
  }
  return 0;
}
