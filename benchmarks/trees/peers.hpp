// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#if defined(TABSCORE_BENCH_XGBOOST)
#include <xgboost/c_api.h>
#endif

/// Another library that scores the same model: margins of float32 rows, as many a row as the model has outputs, one
/// thread.
class peer {
 public:
  peer() = default;
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  virtual ~peer() = default;
  virtual void margins(const float* rows, std::size_t n, std::size_t features, float* out) = 0;
};

#if defined(TABSCORE_BENCH_XGBOOST)
class xgboost_peer final : public peer {
 public:
  static std::string name() {
    int major = 0, minor = 0, patch = 0;
    XGBoostVersion(&major, &minor, &patch);
    return fmt::format("XGBoost {}.{}.{}", major, minor, patch);
  }

  explicit xgboost_peer(const std::string& model) {
    check(XGBoosterCreate(nullptr, 0, &booster_));
    check(XGBoosterLoadModel(booster_, model.c_str()));
    check(XGBoosterSetParam(booster_, "nthread", "1"));
  }
  ~xgboost_peer() override { XGBoosterFree(booster_); }

  /// In-place prediction: XGBoost's quickest way for a dense matrix.
  void margins(const float* rows, std::size_t n, std::size_t features, float* out) override {
    const std::string array = fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                                          reinterpret_cast<std::size_t>(rows), n, features);
    static constexpr const char* config =
        R"({"type":1,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* result = nullptr;
    check(XGBoosterPredictFromDense(booster_, array.c_str(), config, nullptr, &shape, &dimensions, &result));
    const std::size_t outputs = dimensions > 1 ? shape[1] : 1;
    std::copy_n(result, n * outputs, out);
  }

 private:
  static void check(int failed) {
    if (failed != 0) throw std::runtime_error(std::string("XGBoost: ") + XGBGetLastError());
  }
  BoosterHandle booster_ = nullptr;
};
#endif

/// A shared library, loaded for good.
inline void* load_library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return library;
}

template <class Function>
Function* function_of(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (found == nullptr) throw std::runtime_error(std::string("a library has no ") + name);
  return reinterpret_cast<Function*>(found);
}

/// ONNX Runtime by its C API: a table of functions whose places are fixed since version 1.
class onnxruntime {
 public:
  explicit onnxruntime(const std::string& library) {
    struct base {
      void* const* (*get_api)(std::uint32_t version);
      const char* (*version)();
    };
    const base* const root = function_of<const base*()>(load_library(library), "OrtGetApiBase")();
    api_ = root->get_api(1);
    version_ = root->version();
    constexpr int errors_only = 3;
    call<int, const char*, void**>(3, errors_only, "benchmark", &environment_);
  }
  std::string name() const { return "ONNX Runtime " + version_; }
  void* environment() const { return environment_; }

  /// Calls entry `place`; all of those used here give a status, null when it worked.
  template <class... Parameter>
  void call(std::size_t place, Parameter... arguments) const {
    void* const status = reinterpret_cast<void* (*)(Parameter...)>(api_[place])(arguments...);
    if (status != nullptr) {
      throw std::runtime_error(std::string("ONNX Runtime: ") +
                               reinterpret_cast<const char* (*)(const void*)>(api_[2])(status));
    }
  }
  void release_value(void* value) const { reinterpret_cast<void (*)(void*)>(api_[96])(value); }

 private:
  void* const* api_;
  std::string version_;
  void* environment_ = nullptr;
};

class onnxruntime_peer final : public peer {
 public:
  onnxruntime_peer(std::shared_ptr<const onnxruntime> runtime, const std::string& model)
      : runtime_(std::move(runtime)) {
    void* options = nullptr;
    runtime_->call<void**>(10, &options);
    runtime_->call<void*, int>(24, options, 1);  // threads within an operator
    runtime_->call<void*, int>(25, options, 1);  // threads between operators
    runtime_->call<void*, const char*, const void*, void**>(7, runtime_->environment(), model.c_str(), options,
                                                            &session_);
    constexpr int arena_allocator = 1, default_memory = 0;
    runtime_->call<int, int, void**>(69, arena_allocator, default_memory, &memory_);
  }

  void margins(const float* rows, std::size_t n, std::size_t features, float* out) override {
    void* input = tensor(const_cast<float*>(rows), n, features);
    void* output = tensor(out, n, 1);
    static constexpr const char* input_name = "x";
    static constexpr const char* output_name = "y";
    runtime_->call<void*, const void*, const char* const*, void* const*, std::size_t, const char* const*, std::size_t,
                   void**>(9, session_, nullptr, &input_name, &input, 1, &output_name, 1, &output);
    runtime_->release_value(input);
    runtime_->release_value(output);
  }

 private:
  void* tensor(float* data, std::size_t rows, std::size_t columns) const {
    constexpr int float_elements = 1;
    const std::array<std::int64_t, 2> shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
    void* value = nullptr;
    runtime_->call<const void*, void*, std::size_t, const std::int64_t*, std::size_t, int, void**>(
        49, memory_, data, rows * columns * sizeof(float), shape.data(), shape.size(), float_elements, &value);
    return value;
  }

  std::shared_ptr<const onnxruntime> runtime_;
  void* session_ = nullptr;
  void* memory_ = nullptr;
};

/// LightGBM by the few functions of its C API (c_api.h) that prediction takes.
class lightgbm_peer final : public peer {
 public:
  lightgbm_peer(const std::string& library, const std::string& model) {
    void* const handle = load_library(library);
    predict_ = function_of<predict>(handle, "LGBM_BoosterPredictForMat");
    predict_row_ = function_of<predict_row>(handle, "LGBM_BoosterPredictForMatSingleRowFast");
    last_error_ = function_of<const char*()>(handle, "LGBM_GetLastError");
    int iterations = 0;
    check(function_of<int(const char*, int*, void**)>(handle, "LGBM_BoosterCreateFromModelfile")(
        model.c_str(), &iterations, &booster_));
    int features = 0;
    check(function_of<int(void*, int*)>(handle, "LGBM_BoosterGetNumFeature")(booster_, &features));
    check(function_of<int(void*, int*)>(handle, "LGBM_BoosterGetNumClasses")(booster_, &outputs_));
    check(function_of<int(void*, int, int, int, int, std::int32_t, const char*, void**)>(
        handle, "LGBM_BoosterPredictForMatSingleRowFastInit")(booster_, raw_score, 0, 0, float32, features, one_thread,
                                                              &row_setup_));
  }

  /// Its own way for one row, and for as few as are quicker one by one.
  void margins(const float* rows, std::size_t n, std::size_t features, float* out) override {
    const auto outputs = static_cast<std::size_t>(outputs_);
    result_.resize(n * outputs);
    std::int64_t length = 0;
    if (n <= 16) {
      for (std::size_t i = 0; i < n; ++i) {
        check(predict_row_(row_setup_, rows + i * features, &length, result_.data() + i * outputs));
      }
    } else {
      check(predict_(booster_, rows, float32, static_cast<std::int32_t>(n), static_cast<std::int32_t>(features), 1,
                     raw_score, 0, 0, one_thread, &length, result_.data()));
    }
    std::transform(result_.begin(), result_.end(), out, [](double margin) { return static_cast<float>(margin); });
  }

 private:
  using predict = int(void*, const void*, int, std::int32_t, std::int32_t, int, int, int, int, const char*,
                      std::int64_t*, double*);
  using predict_row = int(void*, const void*, std::int64_t*, double*);
  static constexpr int float32 = 0, raw_score = 1;
  static constexpr const char* one_thread = "num_threads=1";

  void check(int failed) const {
    if (failed != 0) throw std::runtime_error(std::string("LightGBM: ") + last_error_());
  }
  predict* predict_;
  predict_row* predict_row_;
  const char* (*last_error_)();
  int outputs_ = 1;
  void* booster_ = nullptr;
  void* row_setup_ = nullptr;
  std::vector<double> result_;
};

/// A model that TL2cgen wrote as C, compiled to a shared library: called row by row without TL2cgen's own runtime.
class tl2cgen_peer final : public peer {
 public:
  explicit tl2cgen_peer(const std::string& library) {
    void* const handle = load_library(library);
    predict_ = dlsym(handle, "predict");
    const std::string_view type = function_of<const char*()>(handle, "get_threshold_type")();
    if (predict_ == nullptr || (type != "float32" && type != "float64")) {
      throw std::runtime_error(library + " is no model of TL2cgen");
    }
    wide_ = type == "float64";
  }
  void margins(const float* rows, std::size_t n, std::size_t features, float* out) override {
    if (wide_) {
      each_row<double, std::int64_t>(rows, n, features, out);
    } else {
      each_row<float, std::int32_t>(rows, n, features, out);
    }
  }

 private:
  /// A cell is a number or, where it is missing, -1 in its bits.
  template <class Number, class Bits>
  void each_row(const float* rows, std::size_t n, std::size_t features, float* out) {
    const auto predict = reinterpret_cast<void (*)(void*, int, Number*)>(predict_);
    constexpr Bits missing = -1;
    cells_.resize(features * sizeof(Number));
    for (std::size_t i = 0; i < n; ++i, rows += features) {
      for (std::size_t j = 0; j < features; ++j) {
        const auto number = static_cast<Number>(rows[j]);
        std::memcpy(cells_.data() + j * sizeof(Number), &number, sizeof(Number));
        if (number != number) std::memcpy(cells_.data() + j * sizeof(Number), &missing, sizeof(Number));
      }
      Number sum = 0;
      predict(cells_.data(), 1, &sum);
      out[i] = static_cast<float>(sum);
    }
  }
  void* predict_ = nullptr;
  bool wide_ = false;
  std::vector<unsigned char> cells_;
};

/// The model as C (see peer_models.py), compiled to a shared library.
class generated_c_peer final : public peer {
 public:
  explicit generated_c_peer(const std::string& library)
      : margins_(function_of<function>(load_library(library), "margins")) {}
  void margins(const float* rows, std::size_t n, std::size_t, float* out) override { margins_(rows, n, out); }

 private:
  using function = void(const float*, std::size_t, float*);
  function* margins_;
};
