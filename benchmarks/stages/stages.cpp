// SPDX-License-Identifier: MIT
#include <simdjson.h>

#include <tabscore/json/decode.hpp>
#include <tabscore/json/write.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "bodies.hpp"

namespace ts = tabscore;

namespace {

using student =
    ts::schema<ts::text<"student_country", ts::min_length{2}, ts::max_length{64}>,
               ts::integer<"days_on_platform", ts::ge{0}>, ts::real<"minutes_watched", ts::ge{0}>,
               ts::integer<"courses_started", ts::ge{0}>, ts::integer<"practice_exams_started", ts::ge{0}>,
               ts::integer<"practice_exams_passed", ts::ge{0}>, ts::real<"minutes_spent_on_exams", ts::ge{0}>>;

struct stage {
  std::string name;
  std::function<void()> run;
  std::size_t bytes;
  std::vector<double> ns;  // per record, one entry a pass
};

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

/// All stages in turn, pass by pass, so that a slow moment of the machine meets each of them.
void measure(std::vector<stage>& stages, std::size_t records, int passes) {
  using clock = std::chrono::steady_clock;
  const std::size_t repeats = std::max<std::size_t>(1, 20'000 / records);
  for (int pass = 0; pass < passes; ++pass) {
    for (stage& s : stages) {
      s.run();
      const auto begin = clock::now();
      for (std::size_t i = 0; i < repeats; ++i) s.run();
      const std::chrono::duration<double, std::nano> t = clock::now() - begin;
      s.ns.push_back(t.count() / static_cast<double>(repeats * records));
    }
  }
}

std::unique_ptr<simdjson::internal::dom_parser_implementation> structural_parser(std::size_t bytes) {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> p;
  if (simdjson::get_active_implementation()->create_dom_parser_implementation(bytes, 8, p)) std::abort();
  return p;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const int passes = argc > 2 ? std::atoi(argv[2]) : 101;
  std::vector<simdjson::padded_string> texts;
  for (const auto& l : bodies::layouts) texts.emplace_back(bodies::request(l, records));

  std::vector<stage> stages;
  ts::batch<student> batch;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& text = texts[i];
    stages.push_back({fmt::format("stage 1, {}", bodies::layouts[i].name),
                      [&text, parser = std::shared_ptr(structural_parser(text.size()))] {
                        if (parser->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                           simdjson::stage1_mode::regular)) {
                          std::abort();
                        }
                      },
                      text.size(),
                      {}});
    stages.push_back({fmt::format("decode,  {}", bodies::layouts[i].name),
                      [&text, &batch, decoder = std::make_shared<ts::decoder<student>>()] {
                        if (decoder->records(text, batch) != ts::decode_status::decoded) std::abort();
                      },
                      text.size(),
                      {}});
  }
  std::vector<double> probability(records);
  std::mt19937_64 random(1);
  for (double& p : probability) p = static_cast<double>(random() >> 11) * 0x1p-53;
  ts::text_buffer out;
  stages.push_back({"response",
                    [&, names = ts::prediction_names("predicted_purchase_probability", "predicted_purchase")] {
                      out.clear();
                      names.append_list(out, probability, 0.5);
                    },
                    0,
                    {}});
  measure(stages, records, passes);

  double floor = 1;
  for (const stage& s : stages) {
    const double ns = median(s.ns);
    if (s.name.starts_with("stage 1")) floor = ns;
    fmt::print("{:30} {:8.1f} ns/record {:6.2f} x stage 1 {:6.1f} GB/s\n", s.name, ns, s.bytes ? ns / floor : 0.0,
               static_cast<double>(s.bytes) / static_cast<double>(records) / ns);
  }
}
