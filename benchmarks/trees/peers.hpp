// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#if defined(TABSCORE_BENCH_XGBOOST)
#include <xgboost/c_api.h>
#endif

/// Another library that scores the same model: margins of float32 rows, one thread.
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
    std::copy_n(result, n, out);
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

/// ONNX Runtime by its C API: a table of functions whose places are fixed since version 1.
class onnxruntime {
 public:
  explicit onnxruntime(const std::string& library) {
    struct base {
      void* const* (*get_api)(std::uint32_t version);
      const char* (*version)();
    };
    const auto get_base = reinterpret_cast<const base* (*)()>(dlsym(load_library(library), "OrtGetApiBase"));
    if (get_base == nullptr) throw std::runtime_error(library + " is no ONNX Runtime");
    api_ = get_base()->get_api(1);
    version_ = get_base()->version();
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

/// The model as C (see peer_models.py), compiled to a shared library.
class generated_c_peer final : public peer {
 public:
  explicit generated_c_peer(const std::string& library)
      : margins_(reinterpret_cast<function>(dlsym(load_library(library), "margins"))) {
    if (margins_ == nullptr) throw std::runtime_error(library + " has no margins()");
  }
  void margins(const float* rows, std::size_t n, std::size_t, float* out) override { margins_(rows, n, out); }

 private:
  using function = void (*)(const float*, std::size_t, float*);
  function margins_;
};
