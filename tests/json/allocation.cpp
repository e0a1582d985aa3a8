// SPDX-License-Identifier: MIT
#include <tabscore/json/decode.hpp>
#include <tabscore/json/write.hpp>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "support/body.hpp"
#include "support/catch.hpp"
#include "support/student.hpp"

namespace ts = tabscore;

namespace {
std::atomic<std::size_t> allocations{0};
}

// Counts every allocation of this test program, except where a sanitizer does so itself.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  std::abort();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

TEST_CASE("once warm, neither decoding a valid body nor writing its answer allocates", "[json]") {
  std::string text = "{\"records\": [";
  for (int i = 0; i < 500; ++i) {
    if (i > 0) text += ", ";
    text += R"({"student_country": "C\u00f4te d'Ivoire", "days_on_platform": )" + std::to_string(i) +
            R"(, "minutes_watched": 80.123456789012, "courses_started": 2, "practice_exams_started": 3, )"
            R"("practice_exams_passed": 2, "minutes_spent_on_exams": 25})";
  }
  const padded_body body(text + "]}");
  ts::decoder<student> decode;
  ts::batch<student> batch;
  ts::text_buffer out;
  const ts::prediction_names names("p", "positive");
  const std::vector<double> probability(500, 0.1);
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = allocations;
    const bool decoded = decode.records(body, batch) == ts::decode_status::decoded;
    out.clear();
    names.append_list(out, probability, 0.5);
    const std::size_t made = allocations - before;
    REQUIRE(decoded);
    CHECK(batch.view().get<0>()[499] == "C\xC3\xB4te d'Ivoire");
    if (round > 0) CHECK(made == 0);
  }
}
