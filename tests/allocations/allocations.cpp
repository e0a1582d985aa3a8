// SPDX-License-Identifier: MIT
// Counts every allocation of the program, so it is one of its own: a warm workspace allocates nothing for a batch.
#include <simdjson.h>
#include <tabscore/tabscore.hpp>

#include <atomic>
#include <cstdlib>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/student_pipeline.hpp"

namespace {
std::atomic<std::size_t> allocations = 0;

void* counted(std::nothrow_t, std::size_t size, std::size_t alignment) noexcept {
  ++allocations;
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void* counted(std::size_t size, std::size_t alignment) {
  void* p = counted(std::nothrow, size, alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
// A sanitizer's own would not come to those above.
void* operator new(std::size_t size, const std::nothrow_t& no) noexcept {
  return counted(no, size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size, const std::nothrow_t& no) noexcept {
  return counted(no, size, alignof(std::max_align_t));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace ts = tabscore;

namespace {

enum class keys { declared, other_order, shuffled };

std::string body(std::size_t rows, keys order) {
  const std::string fields[] = {R"("student_country":"C\u00f4te d'Ivoire")",
                                R"("days_on_platform":45)",
                                R"("minutes_watched":80.123456789012)",
                                R"("courses_started":3)",
                                R"("practice_exams_started":5)",
                                R"("practice_exams_passed":3)",
                                R"("minutes_spent_on_exams":87.2)"};
  std::string text = "{\"records\":[";
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t first = order == keys::declared ? 0 : order == keys::other_order ? 3 : i % 7;
    text += i ? ",{" : "{";
    for (std::size_t f = 0; f < 7; ++f) text.append(f ? "," : "").append(fields[(first + f) % 7]);
    text += "}";
  }
  return text + "]}";
}

/// A model's probability shared out among a hundred classes.
struct hundred_classes {
  ts::logistic model;
  ts::model_outputs described{ts::task::multiclass, 100, true, {}, ts::class_kind::number, {}};

  explicit hundred_classes(ts::logistic of) : model(std::move(of)) {
    for (int k = 0; k < 100; ++k) described.classes.push_back(std::to_string(k));
  }
  const ts::feature_names& features() const { return model.features(); }
  const ts::model_outputs& outputs() const { return described; }
  double threshold() const { return 0; }
  void score(const ts::feature_block& x, ts::scratch& memory, std::span<double> out) const {
    const std::span<double> p = memory.get<double>(x.rows);
    model.score(x, memory.inner(), p);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = p[i / 100] / static_cast<double>(1 + i % 100);
  }
};

template <class Prediction, class Model>
void check(Prediction prediction, Model model) {
  ts::moments totals;
  const ts::pipeline pipe{
      student{}, ts::rules{support::student_rule}, support::student_features, model, ts::sinks{totals}, prediction};
  const ts::prediction_names names(pipe.layout());
  ts::workspace<student> w;
  ts::text_buffer answer;
  for (const keys order : {keys::declared, keys::other_order, keys::shuffled}) {
    for (const std::size_t rows : {1U, 3U, 1000U, 20000U}) {
      const simdjson::padded_string text(body(rows, order));
      std::size_t counted = 1;
      for (int round = 0; round < 3; ++round) {
        answer.clear();
        const std::size_t before = allocations;
        const ts::outcome out = ts::score_json(pipe, text, w);
        const auto& p = std::get<ts::predictions>(out);
        names.append_list(answer, p);
        counted = allocations - before;
      }
      CAPTURE(static_cast<int>(order), rows);
      CHECK(counted == 0);
    }
  }
}

}  // namespace

TEST_CASE("a warm workspace allocates nothing, from the body's bytes to the answer's", "[allocations]") {
  const std::size_t before = allocations;
  ::operator delete(::operator new(1));  // which no optimiser may leave out, as it may a pair of expressions
  REQUIRE(allocations > before);         // the counter counts
  const ts::logistic logistic = support::student_model();
  check(ts::binary<>{}, logistic);
  check(ts::binary<>{},
        ts::make_scorer(ts::load_model_file(TABSCORE_SOURCE_DIR "/models/student_gbm.json").value()).value());
  check(ts::multiclass<>{}, hundred_classes(logistic));
}

TEST_CASE("a million records stream through in flat memory", "[allocations]") {
  const ts::pipeline pipe{student{}, ts::rules{}, support::student_features, support::student_model()};
  for (const auto format : {ts::stream_format::lines, ts::stream_format::array}) {
    ts::workspace<student> w;
    ts::record_stream stream(pipe, w, format);
    std::uint64_t scored = 0;
    const auto each = [&](std::uint64_t, const ts::outcome& o) {
      scored += std::get<ts::predictions>(o).rows();
      return true;
    };
    const std::string whole = body(1000, keys::declared);
    std::string thousand;  // records, each followed by its separator
    const std::size_t begin = whole.find('[') + 1;
    for (std::size_t i = begin, end = whole.size() - 2; i < end; ++i) {
      thousand += whole[i];
      if (whole[i] == '}' && i + 1 < end) thousand += format == ts::stream_format::lines ? "\n" : "";
      if (whole[i] == '}' && format == ts::stream_format::lines) ++i;  // the comma
    }
    thousand += format == ts::stream_format::lines ? "\n" : "";
    if (format == ts::stream_format::array) REQUIRE(stream.feed("[", each));
    std::size_t warm = 0;
    for (int k = 0; k < 1000; ++k) {
      if (k == 20) warm = allocations;
      REQUIRE(stream.feed(thousand, each));
      if (format == ts::stream_format::array && k + 1 < 1000) REQUIRE(stream.feed(",", each));
    }
    const std::size_t later = allocations - warm;
    if (format == ts::stream_format::array) REQUIRE(stream.feed("]", each));
    REQUIRE(stream.finish(each));
    CHECK(scored == 1'000'000);
    CHECK(later == 0);
  }
}
