// SPDX-License-Identifier: MIT
// A program for aarch64.py: the contenders without Python. Checks their numbers, then counts their instructions.
// Usage: aarch64 COUNTER ROWS COLUMNS OUTPUTS FLOATS MODEL KIND=LIBRARY=FILE...
#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>

#include "contenders.cpp"

namespace {

/// What CatBoost exported as C++, row by row.
class exported_catboost final : public with_results<double> {
 public:
  exported_catboost(const data& from, void* library)
      : with_results(from, 1),
        predict_(function_of<predict>(library, "_Z18ApplyCatboostModelRKSt6vectorIfSaIfEE")),
        row_(x.columns) {}
  void score(std::size_t first, std::size_t n) override {
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(narrow(first + i), x.columns, row_.data());
      results[i] = predict_(row_);
    }
  }

 private:
  using predict = double(const std::vector<float>&);
  predict* predict_;
  std::vector<float> row_;
};

/// Calls a C function whose last argument receives a handle.
template <class... Argument>
void* made_by(void* library, const char* function, Argument... arguments) {
  void* handle = nullptr;
  if (function_of<int(Argument..., void**)>(library, function)(arguments..., &handle) != 0) {
    throw std::runtime_error(std::string(function) + " fails");
  }
  return handle;
}

contender* open_peer(std::string_view kind, const data& x, std::size_t outputs, bool floats, const char* path,
                     const char* file) {
  void* const library = opened(path);
  if (kind == "xgboost") {
    void* const booster = made_by<const void*, std::uint64_t>(library, "XGBoosterCreate", nullptr, 0);
    if (function_of<int(void*, const char*)>(library, "XGBoosterLoadModel")(booster, file) != 0 ||
        function_of<int(void*, const char*, const char*)>(library, "XGBoosterSetParam")(booster, "nthread", "1") != 0) {
      throw std::runtime_error("XGBoost does not load");
    }
    return open_xgboost(&x, outputs, path, booster);
  }
  if (kind == "lightgbm") {
    int iterations = 0;
    return open_lightgbm(&x, outputs, path,
                         made_by<const char*, int*>(library, "LGBM_BoosterCreateFromModelfile", file, &iterations));
  }
  if (kind == "treelite") {
    void* const config =
        made_by<const char*>(library, "TreeliteGTILParseConfig", R"({"predict_type":"raw","nthread":1})");
    return open_gtil(&x, outputs, path, made_by<const char*>(library, "TreeliteDeserializeModelFromFile", file), config,
                     floats);
  }
  if (kind == "tl2cgen") return open_tl2cgen(&x, outputs, path, floats);
  return new exported_catboost(x, library);
}

}  // namespace

int main(int, char** argv) try {
  void* const counter = mmap(nullptr, sizeof(std::uint64_t), PROT_READ, MAP_SHARED, open(argv[1], O_RDONLY), 0);
  if (counter == MAP_FAILED) throw std::runtime_error("there is no counter");
  const auto& count = *static_cast<const volatile std::uint64_t*>(counter);
  const std::string bytes = value_of(ts::files::read_file(argv[2]));
  std::vector<float> narrow(bytes.size() / sizeof(float));
  std::memcpy(narrow.data(), bytes.data(), bytes.size());
  const std::vector<double> wide(narrow.begin(), narrow.end());
  const std::size_t columns = std::stoul(argv[3]), rows = narrow.size() / columns, outputs = std::stoul(argv[4]);
  const data x{rows, columns, narrow.data(), wide.data()};
  const std::unique_ptr<contender> ours(open_trees(&x, argv[6], "portable", 1));
  if (ours == nullptr) throw std::runtime_error(failure);
  ours->score(0, rows);

  for (char** peer = argv + 6; *peer != nullptr; ++peer) {
    const bool mine = peer == argv + 6;
    std::string kind = mine ? "tabscore" : *peer, library, file;
    if (!mine) {
      file = kind.substr(kind.rfind('=') + 1);
      library = kind.substr(kind.find('=') + 1, kind.rfind('=') - kind.find('=') - 1);
      kind.resize(kind.find('='));
    }
    const std::unique_ptr<contender> theirs(
        mine ? nullptr : open_peer(kind, x, outputs, *argv[5] == '1', library.c_str(), file.c_str()));
    contender* const c = mine ? ours.get() : theirs.get();
    if (c == nullptr) throw std::runtime_error(kind + ": " + failure);
    c->score(0, rows);
    double apart = 0, apart_as_floats = 0;
    for (std::size_t i = 0; i < rows * outputs; ++i) {
      const double a = c->result(i), b = ours->result(i);
      apart = (std::max)(apart, std::abs(a - b));
      apart_as_floats = (std::max)(apart_as_floats, std::abs(double{static_cast<float>(a)} - static_cast<float>(b)));
    }
    fmt::print("{} apart {}\n", kind, (std::min)(apart, apart_as_floats));
    for (const std::size_t n : {1, 16, 256, 4096}) {
      fmt::print("{} {}", kind, n);
      c->score(0, n);
      for (int pass = 0; pass < 2; ++pass) {
        const std::size_t calls = (std::max)(std::size_t{512} / n, std::size_t{1});
        const std::uint64_t begin = count;
        for (std::size_t i = 0; i < calls; ++i) c->score(i * n, n);
        fmt::print(" {:.1f}", static_cast<double>(count - begin) / static_cast<double>(calls * n));
      }
      fmt::print("\n");
      std::fflush(stdout);
    }
    if (mine) ours->score(0, rows);
  }
} catch (const std::exception& e) {
  fmt::print(stderr, "{}\n", e.what());
  return 1;
}
