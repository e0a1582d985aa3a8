// SPDX-License-Identifier: MIT
// trees MODEL_DIR: nanoseconds per row of tabscore's kernels and of the peers that are there, on the models and rows of
// make_models.py. Contenders take turns within each pass; medians over passes. run.py does all of it.
#include <fmt/ranges.h>
#include <malloc.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "peers.hpp"
#include "tabscore/files/read_file.hpp"
#include "tabscore/models/load_lightgbm.hpp"
#include "tabscore/models/load_xgboost.hpp"
#include "tabscore/models/parallel.hpp"

namespace {

namespace fs = std::filesystem;
using tabscore::kernel;

constexpr std::size_t features = 28;

double wall_ns() {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
/// Of all threads: what others on the machine take does not count.
double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

struct contender {
  std::string name;
  std::function<void(std::size_t first, std::size_t n)> score;
};

struct settings {
  fs::path folder;
  std::string json;
  std::string onnxruntime;
  std::string lightgbm;
  int passes = 3;
};

/// Medians of `passes` interleaved passes. A measurement covers enough rows, from changing positions, to last a while.
void measure(const std::string& model, const std::vector<contender>& contenders, std::size_t all_rows,
             const settings& set, std::vector<std::string>& json) {
  for (const std::size_t batch : {1UL, 16UL, 256UL, 4096UL, 100000UL}) {
    std::vector<std::vector<double>> wall(contenders.size()), cpu(contenders.size());
    for (int pass = -1; pass < set.passes; ++pass) {  // the first pass warms up
      for (std::size_t c = 0; c < contenders.size(); ++c) {
        std::size_t done = 0;
        std::size_t first = static_cast<std::size_t>(pass + 1) * 7919 % all_rows;
        const double cpu_begin = cpu_ns();
        const double begin = wall_ns();
        double elapsed = 0;
        do {
          if (first + batch > all_rows) first = 0;
          contenders[c].score(first, batch);
          first += batch;
          done += batch;
          elapsed = wall_ns() - begin;
        } while (elapsed < 2e7);
        if (pass < 0) continue;
        wall[c].push_back(elapsed / static_cast<double>(done));
        cpu[c].push_back((cpu_ns() - cpu_begin) / static_cast<double>(done));
      }
    }
    for (std::size_t c = 0; c < contenders.size(); ++c) {
      json.push_back(fmt::format(
          R"({{"model": "{}", "contender": "{}", "batch": {}, "ns_per_row": {:.1f}, "cpu_ns_per_row": {:.1f}}})", model,
          contenders[c].name, batch, median(wall[c]), median(cpu[c])));
      fmt::print("{:<18}{:>8}  {:<24}{:>12.1f} ns a row, {:>10.1f} of CPU\n", model, batch, contenders[c].name,
                 median(wall[c]), median(cpu[c]));
    }
    std::fflush(stdout);
  }
}

std::size_t heap() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

tabscore::result<tabscore::forest_model> read(const fs::path& path, const std::string& bytes) {
  return path.extension() == ".txt" ? tabscore::read_lightgbm(bytes, path.string())
                                    : tabscore::read_xgboost(bytes, path.string());
}

/// What loading costs, beside simdjson's parsing of the same bytes.
std::string measure_load(const fs::path& path, const std::string& bytes) {
  std::vector<double> parse, load;
  for (int i = 0; i < 9; ++i) {
    double begin = cpu_ns();
    if (path.extension() == ".json") {
      simdjson::dom::parser parser;
      simdjson::dom::element root;
      if (parser.parse(bytes).get(root) == simdjson::SUCCESS) parse.push_back(cpu_ns() - begin);
    }
    begin = cpu_ns();
    const auto f = tabscore::forest::build(read(path, bytes).value(), path.string());
    load.push_back(cpu_ns() - begin);
  }
  const std::size_t before = heap();
  const auto kept = tabscore::forest::build(read(path, bytes).value(), path.string());
  return fmt::format(
      R"({{"model": "{}", "file_bytes": {}, "simdjson_ms": {:.3f}, "load_ms": {:.3f}, "memory_bytes": {}}})",
      path.stem().string(), bytes.size(), median(parse) / 1e6, median(load) / 1e6, heap() - before);
}

/// Identical numbers, or the comparison means nothing; a peer that adds in another order may be a little off.
void compare(const std::string& name, const std::vector<double>& ours, const std::vector<float>& theirs, double bound) {
  double worst = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    worst =
        std::max(worst, std::abs(static_cast<double>(static_cast<float>(ours[i])) - static_cast<double>(theirs[i])));
  }
  if (!(worst <= bound)) throw std::runtime_error(fmt::format("{}: margins are up to {} apart", name, worst));
  fmt::print("{}: margins at most {} apart\n", name, worst);
}

void run(const settings& set) {
  std::vector<float> rows(fs::file_size(set.folder / "rows.f32") / sizeof(float));
  std::ifstream(set.folder / "rows.f32", std::ios::binary)
      .read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(rows.size() * sizeof(float)));
  const std::size_t all_rows = rows.size() / features;
  std::shared_ptr<const onnxruntime> runtime;
  if (!set.onnxruntime.empty()) runtime = std::make_shared<onnxruntime>(set.onnxruntime);

  std::vector<double> out;
  std::vector<float> their_out;
  tabscore::scratch memory;
  std::vector<std::string> loads, results;
  for (const char* name :
       {"100x6.json", "500x8.json", "500x63.json", "500x63_lightgbm.txt", "100x6_5classes.json",
        "100x6_5classes_lightgbm.txt", "300x6_number.json", "300x6_number_lightgbm.txt", "500x8_exact.json"}) {
    const fs::path path = set.folder / name;
    if (!fs::exists(path)) continue;
    const std::string bytes = tabscore::files::read_file(path.string()).value();
    loads.push_back(measure_load(path, bytes));
    fmt::print("{}\n", loads.back());
    const auto margins = [&](const tabscore::forest& f, std::size_t first, std::size_t n) {
      f.margins(tabscore::row_major(rows.data() + first * features, n, features), std::span(out).first(n * f.outputs()),
                memory);
    };
    const auto best = tabscore::forest::build(read(path, bytes).value()).value();
    const std::size_t outputs = best.outputs();
    out.resize(all_rows * outputs);
    their_out.resize(all_rows * outputs);

    std::vector<contender> contenders;
    const auto add_peer = [&](const std::string& peer_name, std::shared_ptr<peer> p, double bound) {
      constexpr std::size_t n = 4096;
      margins(best, 0, n);
      p->margins(rows.data(), n, features, their_out.data());
      compare(path.stem().string() + ", " + peer_name, out, {their_out.data(), their_out.data() + n * outputs}, bound);
      contenders.push_back({peer_name, [&, p](std::size_t first, std::size_t count) {
                              p->margins(rows.data() + first * features, count, features, their_out.data());
                            }});
    };
    const auto beside = [&](const char* extension) {
      return fs::absolute(set.folder / (path.stem().string() + extension)).string();
    };
    const bool of_xgboost = path.extension() == ".json";
#if defined(TABSCORE_BENCH_XGBOOST)
    if (of_xgboost) add_peer(xgboost_peer::name(), std::make_shared<xgboost_peer>(path.string()), 0);
#endif
    if (!of_xgboost && !set.lightgbm.empty()) {
      add_peer("LightGBM", std::make_shared<lightgbm_peer>(set.lightgbm, path.string()), 0);
    }
    if (runtime && fs::exists(beside(".onnx"))) {
      add_peer(runtime->name(), std::make_shared<onnxruntime_peer>(runtime, beside(".onnx")), 1e-4);
    }
    if (fs::exists(beside(".tl2cgen.so"))) {
      add_peer("TL2cgen", std::make_shared<tl2cgen_peer>(beside(".tl2cgen.so")), 1e-4);
    }
    if (fs::exists(beside(".so"))) {
      add_peer("generated C (if/else)", std::make_shared<generated_c_peer>(beside(".so")), 0);
    }
    for (const kernel k : {kernel::avx512, kernel::avx2, kernel::portable}) {
      if (!tabscore::available(k)) continue;
      const auto f = tabscore::forest::build(read(path, bytes).value(), name, k).value();
      contenders.push_back({fmt::format("tabscore {}", tabscore::name(k)),
                            [&, f](std::size_t first, std::size_t n) { margins(f, first, n); }});
    }
    contenders.push_back({"tabscore, 2 threads", [&](std::size_t first, std::size_t n) {
                            tabscore::parallel_margins(
                                best, tabscore::row_major(rows.data() + first * features, n, features),
                                std::span(out).first(n * best.outputs()), 2, [](std::size_t tasks, auto&& task) {
                                  std::vector<std::jthread> others;
                                  for (std::size_t t = 1; t < tasks; ++t) others.emplace_back([&task, t] { task(t); });
                                  task(0);
                                });
                          }});
    measure(path.stem().string(), contenders, all_rows, set, results);
  }
  if (set.json.empty()) return;
  std::ofstream json(set.json);
  json << fmt::format("{{\"passes\": {},\n \"loads\": [\n  {}],\n \"results\": [\n  {}]}}\n", set.passes,
                      fmt::join(loads, ",\n  "), fmt::join(results, ",\n  "));
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("Compares tree ensembles' libraries on the models of make_models.py.");
  app.add_option("folder", set.folder, "what make_models.py wrote")->required()->check(CLI::ExistingDirectory);
  app.add_option("--json", set.json, "write the results to this file");
  app.add_option("--passes", set.passes, "interleaved passes, of which medians are taken")->check(CLI::PositiveNumber);
  app.add_option("--onnxruntime", set.onnxruntime, "libonnxruntime.so")->check(CLI::ExistingFile);
  app.add_option("--lightgbm", set.lightgbm, "lib_lightgbm.so")->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    run(set);
  } catch (const std::exception& e) {
    fmt::print(stderr, "trees: {}\n", e.what());
    return 1;
  }
  return 0;
}
