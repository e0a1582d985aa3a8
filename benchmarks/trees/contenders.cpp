// SPDX-License-Identifier: MIT
// A shared library for run.py: the contenders behind one interface, timed by the CPU clock of the thread. Peers'
// handles come from their Python packages, which are loaded already, and are called by their C APIs here.
#include <dlfcn.h>
#include <fmt/format.h>
#include <malloc.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "rapidscorer.hpp"
#include "tabscore/files/read_file.hpp"
#include "tabscore/models/load_model.hpp"
#include "tabscore/serving/swappable.hpp"

namespace {

namespace ts = tabscore;

double cpu_ns(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// The same rows for everybody, in the precision that each likes best; texts instead of numbers for those who take
/// them.
struct data {
  std::size_t rows, columns;
  const float* narrow;
  const double* wide;
  std::vector<std::vector<std::string_view>> texts = {};  // one a column
};

class contender {
 public:
  explicit contender(const data& x, std::size_t outputs) : x(x), outputs(outputs) {}
  contender(const contender&) = delete;
  contender& operator=(const contender&) = delete;
  virtual ~contender() = default;
  /// Scores rows [first, first + n).
  virtual void score(std::size_t first, std::size_t n) = 0;
  /// Result i of the last score().
  virtual double result(std::size_t i) const = 0;

 protected:
  const float* narrow(std::size_t row) const { return x.narrow + row * x.columns; }
  const double* wide(std::size_t row) const { return x.wide + row * x.columns; }
  const data& x;
  const std::size_t outputs;
};

template <class Number>
class with_results : public contender {
 public:
  with_results(const data& from, std::size_t columns) : contender(from, columns), results(from.rows * columns) {}
  double result(std::size_t i) const override { return static_cast<double>(results[i]); }

 protected:
  std::vector<Number> results;
};

/// Raw values, but those of trees that average: their predictions.
class trees final : public with_results<double> {
 public:
  trees(const data& from, ts::forest f, std::size_t threads)
      : with_results(from, (std::max)(f.predictions(), f.outputs())),
        forest_(std::move(f)),
        threads_(threads),
        averages_(forest_.model().output_link.divisor != 1) {}
  void score(std::size_t first, std::size_t n) override {
    const auto rows = ts::row_major(narrow(first), n, x.columns);
    const std::span<double> out = std::span(results).first(n * forest_.outputs());
    if (averages_) {
      forest_.predict(rows, std::span(results).first(n * forest_.predictions()), memory_);
    } else if (threads_ == 1) {
      forest_.margins(rows, out, memory_);
    } else {
      const std::size_t part = (n + threads_ - 1) / threads_, width = forest_.outputs();
      const auto score = [&](std::size_t begin) {
        const std::size_t count = std::min(part, n - begin);
        ts::scratch memory;
        forest_.margins(rows.middle_rows(begin, count), out.subspan(begin * width, count * width), memory);
      };
      std::vector<std::jthread> others;
      for (std::size_t begin = part; begin < n; begin += part) others.emplace_back(score, begin);
      score(0);
    }
  }

 private:
  ts::forest forest_;
  std::size_t threads_;
  bool averages_;
  ts::scratch memory_;
};

/// From texts to raw values.
class trees_of_texts final : public with_results<double> {
 public:
  trees_of_texts(const data& from, ts::encoded_forest model)
      : with_results(from, model.margin_columns()), model_(std::move(model)), columns_(from.columns) {}
  void score(std::size_t first, std::size_t n) override {
    for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c] = x.texts[c].data() + first;
    model_.margins({n, 0, nullptr, n, columns_}, memory_, std::span(results).first(n * outputs));
  }

 private:
  ts::encoded_forest model_;
  std::vector<const std::string_view*> columns_;
  ts::scratch memory_;
};

void* opened(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return library;
}
template <class Function>
Function* function_of(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (found == nullptr) throw std::runtime_error(std::string("a library has no ") + name);
  return reinterpret_cast<Function*>(found);
}

/// In-place prediction, XGBoost's quickest way for a dense matrix.
class xgboost final : public contender {
 public:
  xgboost(const data& from, std::size_t columns, void* library, void* booster)
      : contender(from, columns),
        predict_(function_of<predict>(library, "XGBoosterPredictFromDense")),
        booster_(booster) {}
  void score(std::size_t first, std::size_t n) override {
    const std::string array = fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                                          reinterpret_cast<std::size_t>(narrow(first)), n, x.columns);
    static constexpr const char* config =
        R"({"type":1,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN})";
    const std::uint64_t* shape = nullptr;
    std::uint64_t dimensions = 0;
    if (predict_(booster_, array.c_str(), config, nullptr, &shape, &dimensions, &result_) != 0) {
      throw std::runtime_error("XGBoost does not predict");
    }
  }
  double result(std::size_t i) const override { return static_cast<double>(result_[i]); }

 private:
  using predict = int(void*, const char*, const char*, void*, const std::uint64_t**, std::uint64_t*, const float**);
  predict* predict_;
  void* booster_;
  const float* result_ = nullptr;
};

/// LightGBM's prepared call for one row, row by row where that is quicker: up to 16 rows.
class lightgbm final : public with_results<double> {
 public:
  lightgbm(const data& from, std::size_t columns, void* library, void* booster)
      : with_results(from, columns),
        predict_(function_of<predict>(library, "LGBM_BoosterPredictForMat")),
        predict_row_(function_of<predict_row>(library, "LGBM_BoosterPredictForMatSingleRowFast")),
        booster_(booster) {
    check(function_of<int(void*, int, int, int, int, std::int32_t, const char*, void**)>(
        library, "LGBM_BoosterPredictForMatSingleRowFastInit")(
        booster_, raw_score, 0, 0, float64, static_cast<std::int32_t>(x.columns), one_thread, &row_setup_));
  }
  void score(std::size_t first, std::size_t n) override {
    std::int64_t length = 0;
    for (std::size_t i = 0; n <= 16 && i < n; ++i) {
      check(predict_row_(row_setup_, wide(first + i), &length, results.data() + i * outputs));
    }
    if (n > 16) {
      check(predict_(booster_, wide(first), float64, static_cast<std::int32_t>(n), static_cast<std::int32_t>(x.columns),
                     1, raw_score, 0, 0, one_thread, &length, results.data()));
    }
  }

 private:
  using predict = int(void*, const void*, int, std::int32_t, std::int32_t, int, int, int, int, const char*,
                      std::int64_t*, double*);
  using predict_row = int(void*, const void*, std::int64_t*, double*);
  static constexpr int float64 = 1, raw_score = 1;
  static constexpr const char* one_thread = "num_threads=1";
  static void check(int failed) {
    if (failed != 0) throw std::runtime_error("LightGBM does not predict");
  }
  predict* predict_;
  predict_row* predict_row_;
  void* booster_;
  void* row_setup_ = nullptr;
};

/// ONNX Runtime by its C API, a table of functions whose places are fixed since version 1: tensors over our memory.
class onnxruntime final : public with_results<float> {
 public:
  onnxruntime(const data& from, std::size_t columns, void* library, const char* model) : with_results(from, columns) {
    struct base {
      void* const* (*get_api)(std::uint32_t version);
      const char* (*version)();
    };
    api_ = function_of<const base*()>(library, "OrtGetApiBase")()->get_api(1);
    void *environment = nullptr, *options = nullptr;
    call<int, const char*, void**>(3, 3, "benchmark", &environment);
    call<void**>(10, &options);
    call<void*, int>(24, options, 1);  // threads within an operator
    call<void*, int>(25, options, 1);  // threads between operators
    call<void*, const char*, const void*, void**>(7, environment, model, options, &session_);
    constexpr int arena_allocator = 1, default_memory = 0;
    call<int, int, void**>(69, arena_allocator, default_memory, &memory_);
  }
  void score(std::size_t first, std::size_t n) override {
    void* input = tensor(const_cast<float*>(narrow(first)), n, x.columns);
    void* output = tensor(results.data(), n, outputs);
    static constexpr const char* input_name = "x";
    static constexpr const char* output_name = "y";
    call<void*, const void*, const char* const*, void* const*, std::size_t, const char* const*, std::size_t, void**>(
        9, session_, nullptr, &input_name, &input, 1, &output_name, 1, &output);
    for (void* value : {input, output}) reinterpret_cast<void (*)(void*)>(api_[96])(value);
  }

 private:
  template <class... Parameter>
  void call(std::size_t place, Parameter... arguments) const {
    void* const status = reinterpret_cast<void* (*)(Parameter...)>(api_[place])(arguments...);
    if (status != nullptr) {
      throw std::runtime_error(std::string("ONNX Runtime: ") +
                               reinterpret_cast<const char* (*)(const void*)>(api_[2])(status));
    }
  }
  void* tensor(float* values, std::size_t rows, std::size_t columns) const {
    const std::array<std::int64_t, 2> shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
    constexpr int float_elements = 1;
    void* value = nullptr;
    call<const void*, void*, std::size_t, const std::int64_t*, std::size_t, int, void**>(
        49, memory_, values, rows * columns * sizeof(float), shape.data(), shape.size(), float_elements, &value);
    return value;
  }
  void* const* api_;
  void* session_ = nullptr;
  void* memory_ = nullptr;
};

/// Treelite's General Tree Inference Library, in the model's own precision.
template <class Number>
class gtil final : public with_results<Number> {
 public:
  gtil(const data& from, std::size_t columns, void* library, void* model, void* config)
      : with_results<Number>(from, columns),
        predict_(function_of<predict>(library, "TreeliteGTILPredict")),
        model_(model),
        config_(config) {}
  void score(std::size_t first, std::size_t n) override {
    constexpr bool floats = sizeof(Number) == sizeof(float);
    const void* rows = floats ? static_cast<const void*>(this->narrow(first)) : this->wide(first);
    if (predict_(model_, rows, floats ? "float32" : "float64", n, this->results.data(), config_) != 0) {
      throw std::runtime_error("Treelite does not predict");
    }
  }

 private:
  using predict = int(void*, const void*, const char*, std::uint64_t, void*, void*);
  predict* predict_;
  void* model_;
  void* config_;
};

/// What TL2cgen generated, row by row without its runtime: without missing values our rows are its input.
template <class Number>
class tl2cgen final : public with_results<Number> {
 public:
  tl2cgen(const data& from, std::size_t columns, void* library)
      : with_results<Number>(from, columns), predict_(function_of<predict>(library, "predict")) {}
  void score(std::size_t first, std::size_t n) override {
    for (std::size_t i = first; i < first + n; ++i) {
      const void* row = sizeof(Number) == sizeof(float) ? static_cast<const void*>(this->narrow(i)) : this->wide(i);
      predict_(const_cast<void*>(row), 1, this->results.data() + (i - first) * this->outputs);
    }
  }

 private:
  using predict = void(void*, int, Number*);
  predict* predict_;
};

/// What lleaves compiled.
class lleaves final : public with_results<double> {
 public:
  lleaves(const data& from, std::size_t columns, void* entry)
      : with_results(from, columns), entry_(reinterpret_cast<function*>(entry)) {}
  void score(std::size_t first, std::size_t n) override {
    entry_(wide(first), results.data(), 0, static_cast<std::int32_t>(n));
  }

 private:
  using function = void(const double*, double*, std::int32_t, std::int32_t);
  function* entry_;
};

/// The largest float32 that is not above t: x <= t and x <= floor_float(t) agree for every float32 x.
float floor_float(double t) {
  const auto f = static_cast<float>(t);
  return static_cast<double>(f) > t ? std::nextafter(f, -std::numeric_limits<float>::infinity()) : f;
}

class rapidscorer final : public with_results<double> {
 public:
  rapidscorer(const data& from, void* library, const ts::forest_model& m)
      : with_results(from, m.outputs), score_(function_of<decltype(rapid_score)>(library, "rapid_score")) {
    std::vector<std::size_t> first_split{0}, first_leaf{0};
    std::vector<std::uint32_t> feature, output;
    std::vector<float> threshold;
    std::vector<std::int32_t> left, right;
    std::vector<double> leaves;
    const bool less = m.compare == ts::comparison::less;
    for (const ts::tree& t : m.trees) {
      for (const ts::split& s : t.splits) {
        feature.push_back(s.feature);
        threshold.push_back(less ? static_cast<float>(s.threshold) : floor_float(s.threshold));
        left.push_back(s.left);
        right.push_back(s.right);
      }
      leaves.insert(leaves.end(), t.leaves.begin(), t.leaves.end());
      output.push_back(t.output);
      first_split.push_back(feature.size());
      first_leaf.push_back(leaves.size());
    }
    const rapid_trees given{
        m.features,    m.outputs,          m.trees.size(),    less,           m.sum == ts::precision::float32,
        m.base.data(), first_split.data(), first_leaf.data(), feature.data(), threshold.data(),
        left.data(),   right.data(),       leaves.data(),     output.data()};
    made_ = function_of<decltype(rapid_make)>(library, "rapid_make")(&given);
    if (made_ == nullptr) throw std::runtime_error("RapidScorer takes no trees of more than 256 leaves");
  }
  void score(std::size_t first, std::size_t n) override { score_(made_, narrow(first), n, results.data()); }

 private:
  decltype(rapid_score)* score_;
  void* made_;
};

std::string failure;

template <class Make>
auto guarded(Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::exception& e) {
    failure = e.what();
    return {};
  }
}

template <class T>
T value_of(ts::result<T> made) {
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

bool ends_with(std::string_view path, std::string_view end) {
  return path.size() > end.size() && path.substr(path.size() - end.size()) == end;
}

ts::forest_model read(const std::string& path, const std::string& bytes) {
  if (ends_with(path, ".txt")) return value_of(ts::read_lightgbm(bytes, path));
  if (ends_with(path, ".cbm")) return value_of(ts::read_catboost(bytes, path)).trees().model();
  if (bytes.find("sklearn-export-1") < 4096) return value_of(ts::read_sklearn(bytes, path));
  return value_of(ts::read_xgboost(bytes, path));
}
ts::forest_model read(const std::string& path) { return read(path, value_of(ts::files::read_file(path))); }

ts::kernel kernel_of(std::string_view name) {
  for (const ts::kernel k : {ts::kernel::avx512, ts::kernel::avx2, ts::kernel::portable}) {
    if (ts::name(k) == name) return k;
  }
  return ts::kernel::best;
}

ts::encoded_forest of_texts(const std::string& path) {
  if (ends_with(path, ".cbm")) return value_of(ts::load_catboost(path));
  return value_of(ts::make_encoded_forest(value_of(ts::load_lightgbm(path))));
}

std::size_t heap() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

}  // namespace

extern "C" {

const char* last_failure() { return failure.c_str(); }
bool has_kernel(const char* name) { return ts::available(kernel_of(name)); }

data* make_data(std::size_t rows, std::size_t columns, const float* narrow, const double* wide) {
  return new data{rows, columns, narrow, wide};
}
void add_texts(data* to, const std::int64_t* codes, const char* const* words) {
  to->texts.assign(to->columns, std::vector<std::string_view>(to->rows));
  for (std::size_t i = 0; i < to->rows; ++i) {
    for (std::size_t c = 0; c < to->columns; ++c) to->texts[c][i] = words[codes[i * to->columns + c]];
  }
}

contender* open_trees(const data* x, const char* path, const char* kernel, std::size_t threads) {
  return guarded([&]() -> contender* {
    return new trees(*x, value_of(ts::forest::build(read(path), path, kernel_of(kernel))), threads);
  });
}
contender* open_texts(const data* x, const char* path) {
  return guarded([&]() -> contender* { return new trees_of_texts(*x, of_texts(path)); });
}
contender* open_xgboost(const data* x, std::size_t outputs, const char* library, void* booster) {
  return guarded([&]() -> contender* { return new xgboost(*x, outputs, opened(library), booster); });
}
contender* open_lightgbm(const data* x, std::size_t outputs, const char* library, void* booster) {
  return guarded([&]() -> contender* { return new lightgbm(*x, outputs, opened(library), booster); });
}
contender* open_onnxruntime(const data* x, std::size_t outputs, const char* library, const char* model) {
  return guarded([&]() -> contender* { return new onnxruntime(*x, outputs, opened(library), model); });
}
contender* open_gtil(const data* x, std::size_t outputs, const char* library, void* model, void* config, bool floats) {
  return guarded([&]() -> contender* {
    if (floats) return new gtil<float>(*x, outputs, opened(library), model, config);
    return new gtil<double>(*x, outputs, opened(library), model, config);
  });
}
contender* open_tl2cgen(const data* x, std::size_t outputs, const char* library, bool floats) {
  return guarded([&]() -> contender* {
    if (floats) return new tl2cgen<float>(*x, outputs, opened(library));
    return new tl2cgen<double>(*x, outputs, opened(library));
  });
}
contender* open_lleaves(const data* x, std::size_t outputs, void* entry) { return new lleaves(*x, outputs, entry); }
contender* open_rapidscorer(const data* x, const char* library, const char* path) {
  return guarded([&]() -> contender* { return new rapidscorer(*x, opened(library), read(path)); });
}

/// CPU nanoseconds of `repeats` calls of n rows, each from where the one before ended, round and round; below 0:
/// failed. Of several threads the process's.
double run(contender* c, std::size_t all, std::size_t first, std::size_t n, std::size_t repeats, bool threads) {
  const clockid_t clock = threads ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
  try {
    const double begin = cpu_ns(clock);
    for (std::size_t i = 0; i < repeats; ++i, first += n) {
      if (first + n > all) first = 0;
      c->score(first, n);
    }
    return cpu_ns(clock) - begin;
  } catch (const std::exception& e) {
    failure = e.what();
    return -1;
  }
}
void results(const contender* c, double* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = c->result(i);
}
void close_contender(contender* c) { delete c; }

/// CPU milliseconds: simdjson's parse (0: no JSON), the forest of the file's bytes, and load_model(); then bytes of
/// memory.
bool measure_load(const char* path, int passes, double* out) {
  return guarded([&] {
    const std::string bytes = value_of(ts::files::read_file(path));
    std::array<std::vector<double>, 3> times;
    for (int i = 0; i < passes; ++i) {
      double begin = cpu_ns();
      simdjson::dom::parser parser;
      simdjson::dom::element root;
      const bool json =
          !bytes.empty() && bytes[0] == '{' && bytes[1] != 'L' && parser.parse(bytes).get(root) == simdjson::SUCCESS;
      times[0].push_back(json ? cpu_ns() - begin : 0);
      begin = cpu_ns();
      { const ts::forest made = value_of(ts::forest::build(read(path, bytes), path)); }
      times[1].push_back(cpu_ns() - begin);
      begin = cpu_ns();
      { const ts::any_scorer made = value_of(ts::load_model(path)); }
      times[2].push_back(cpu_ns() - begin);
    }
    for (std::size_t k = 0; k < times.size(); ++k) {
      std::nth_element(times[k].begin(), times[k].begin() + passes / 2, times[k].end());
      out[k] = times[k][static_cast<std::size_t>(passes / 2)] / 1e6;
    }
    const std::size_t before = heap();
    const ts::forest kept = value_of(ts::forest::build(read(path, bytes), path));
    out[3] = static_cast<double>(heap() - before);
    return true;
  });
}

/// All cores but one score single rows for `seconds` while one more thread loads a model again and again and, if asked,
/// swaps it in, as the server's reloader does. Writes the CPU and the wall-clock nanoseconds of up to `room` calls
/// each; gives how many calls there were. How: 0 scores only, 1 loads, 2 loads and swaps.
std::size_t measure_swaps(const data* x, const char* path, int how, double seconds, float* cpu, float* wall,
                          std::size_t room, std::size_t* swaps) {
  const std::string bytes = value_of(ts::files::read_file(path));
  const auto loaded = [&] {
    return std::make_unique<const ts::forest>(value_of(ts::forest::build(read(path, bytes), path)));
  };
  ts::swappable<ts::forest> live(loaded());
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> calls = 0;
  const auto score = [&] {
    const ts::swappable<ts::forest>::reader reader(live);
    ts::scratch memory;
    std::vector<double> out(1024);
    const auto now = [] {
      return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
    for (std::size_t row = 0; !stop; row = (row + 1) % x->rows) {
      const double wall_begin = now(), cpu_begin = cpu_ns();
      {
        const auto model = reader.pin();
        model->margins(ts::row_major(x->narrow + row * x->columns, 1, x->columns),
                       std::span(out).first(model->outputs()), memory);
      }
      const double cpu_end = cpu_ns(), wall_end = now();
      const std::size_t at = calls++;
      if (at >= room) break;
      cpu[at] = static_cast<float>(cpu_end - cpu_begin);
      wall[at] = static_cast<float>(wall_end - wall_begin);
    }
  };
  *swaps = 0;
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 1; t < (std::max)(std::thread::hardware_concurrency(), 2U); ++t) threads.emplace_back(score);
    threads.emplace_back([&] {
      while (how > 0 && !stop) {
        auto next = loaded();
        if (how < 2) continue;
        live.publish(std::move(next));
        ++*swaps;
      }
      live.collect();
    });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
  }
  return (std::min)(calls.load(), room);
}
}
