// SPDX-License-Identifier: MIT
// The dearest bodies of a schema of 300 fields, and the dearest Arrow batches, beside plain ones: CPU time a byte, the
// least of the passes. benchmarks/server/worst.py has those of a server with a small schema.
//   worst [--passes 5] [--only wide|arrow]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <tabscore/serving/endpoint.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "../../tests/support/arrow_builder.hpp"
#include "../../tests/support/wide.hpp"
#include "bodies.hpp"
#include "flags.hpp"
#include "measure.hpp"
#include "student.hpp"

namespace {

using wide::width;

struct wide_service {
  using record = wide::record;
  using prediction = purchase;
  static void add_example(ts::batch<record>& records) {
    [&]<std::size_t... At>(std::index_sequence<At...>) { records.push_back((0.5 + double{At})...); }
    (std::make_index_sequence<width>{});
  }
  static constexpr std::string_view program = "wide", title = "Wide", summary = "A schema of 300 numbers";
};

struct shape {
  std::string name;
  double bytes = 0;  // read and written
  double ns = std::numeric_limits<double>::infinity();
};

void print(std::string_view input, std::vector<shape> all) {
  const double plain = all[0].ns / all[0].bytes;
  std::sort(all.begin() + 1, all.end(), [](auto& a, auto& b) { return a.ns / a.bytes > b.ns / b.bytes; });
  for (const shape& s : all) {
    fmt::print("| {} | `{}` | {:.2f} | {:.1f} |\n", input, s.name, s.ns / s.bytes, s.ns / s.bytes / plain);
  }
}

template <class F>
void time(shape& s, F&& f) {
  const double begin = thread_cpu_ns();
  f();
  s.ns = std::min(s.ns, thread_cpu_ns() - begin);
}

// Bodies of a wide schema.

std::string member(std::size_t at, std::string_view value) { return fmt::format(R"("f{:03}":{})", at, value); }

/// A record of the fields in an order, each with a value.
std::string record(const std::vector<std::size_t>& order, std::string_view value) {
  std::string text;
  for (const std::size_t at : order) text += (text.empty() ? "{" : ",") + member(at, value);
  return text + "}";
}
std::string body(const std::vector<std::string>& turn, std::size_t bytes = 3'000'000) {
  std::string text = R"({"records":[)";
  for (std::size_t i = 0; text.size() < bytes; ++i) (text += turn[i % turn.size()]) += ',';
  text.back() = ']';
  return text + "}";
}

std::vector<std::pair<std::string, std::string>> wide_bodies() {
  std::vector<std::size_t> order(width);
  for (std::size_t i = 0; i < width; ++i) order[i] = i;
  const std::string plain = record(order, "320.5");
  std::vector<std::pair<std::string, std::string>> all{{"plain", body({plain})}};
  const auto add = [&](std::string name, std::vector<std::string> turn) {
    all.emplace_back(std::move(name), body(turn));
  };
  for (const char* value : {"0", "null", "-1", "\"\"", "[]", "{}", "1e5", "\"45\"", "true", "1e400", "-0"}) {
    add(fmt::format("every value {}", value), {record(order, value)});
  }
  add("fields in reverse order", {record({order.rbegin(), order.rend()}, "320.5")});
  add("fields in reverse order, zeros", {record({order.rbegin(), order.rend()}, "0")});
  const auto one_wrong = [](std::string zeros) { return zeros.replace(zeros.find(":0"), 2, ":-1"); };
  add("one value -1", {one_wrong(record(order, "0"))});
  add("one value -1, fields in reverse order", {one_wrong(record({order.rbegin(), order.rend()}, "0"))});
  std::mt19937 random(7);
  std::vector<std::string> shuffled(64);
  for (std::string& s : shuffled) {
    std::shuffle(order.begin(), order.end(), random);
    s = record(order, "0");
  }
  add("fields in 64 orders, zeros", shuffled);
  add("one field", {"{" + member(299, "0") + "}"});
  add("one field, 64 of them in turn", [&] {
    std::vector<std::string> turn;
    for (std::size_t i = 0; i < 64; ++i) turn.push_back("{" + member(order[i], "0") + "}");
    return turn;
  }());
  add("a field 300 times", {record(std::vector<std::size_t>(width, 7), "0")});
  add("no field", {"{}"});
  add("a number for a record", {"0"});
  add("a list for a record", {"[]"});
  add("300 unknown members", {[&] {
        std::string text;
        for (std::size_t i = 0; i < width; ++i) text += (text.empty() ? "{" : ",") + fmt::format(R"("g{:03}":0)", i);
        return text + "}";
      }()});
  add("300 unknown members like f299", {[&] {
        std::string text;
        for (std::size_t i = 0; i < width; ++i) text += std::string(text.empty() ? "{" : ",") + R"("f300":0)";
        return text + "}";
      }()});
  add("keys with escapes", {[&] {
        std::string text;
        for (std::size_t i = 0; i < width; ++i)
          text += (text.empty() ? "{" : ",") + fmt::format(R"("\u0066{:03}":0)", i);
        return text + "}";
      }()});
  return all;
}

bool measure_wide(std::size_t passes) {
  using ts::serving::error_style;
  std::string file = (std::filesystem::temp_directory_path() / "wide-model-XXXXXX").string();
  const int opened = mkstemp(file.data());
  if (opened < 0) return false;
  std::string features, weights, means;
  for (std::size_t i = 0; i < width; ++i) {
    const char* const comma = i == 0 ? "" : ",";
    features += fmt::format(R"({}{{"name":"f{:03}","mean":100,"scale":50}})", comma, i);
    weights += fmt::format("{}{}", comma, 0.01 * static_cast<double>(i % 7) - 0.03);
    means += fmt::format("{}100", comma);
  }
  const std::string model = fmt::format(
      R"({{"format":"tabscore-model","version":1,"name":"wide","kind":"logistic","threshold":0.5,"provenance":{{)"
      R"("trainer":{{"name":"by hand","version":"1"}},"exporter":"none","date":"2026-11-30",)"
      R"("training_data":{{"file":"none","sha256":"{:064}","rows":1}}}},"features":{{"numeric":[{}],"text":[]}},)"
      R"("model":{{"numeric_coefficients":[{}],"text_coefficients":[],"intercept":0.5}},)"
      R"("checks":[{{"numeric":[{}],"text":[],"margin":0.5,"probability":0.6224593312018546}}]}})",
      0, features, weights, means);
  const bool written = write(opened, model.data(), model.size()) == static_cast<ssize_t>(model.size());
  close(opened);
  const auto bodies = wide_bodies();
  for (const auto& [way, style, query] :
       {std::tuple{"300 fields, neutral errors", error_style::neutral, ""},
        std::tuple{"300 fields, pydantic 2", error_style::pydantic2, ""},
        std::tuple{"300 fields, on_error=skip", error_style::neutral, "on_error=skip"},
        std::tuple{"300 fields, skip, pydantic 2", error_style::pydantic2, "on_error=skip"},
        std::tuple{"300 fields, explain=3", error_style::neutral, "explain=3"}}) {
    ts::serving::endpoint<wide_service> api({.model = file, .errors = style});
    const auto failed = api.start();
    if (failed || !written) return fmt::print(stderr, "{}\n", failed ? failed->message : "cannot write"), false;
    std::vector<shape> all;
    for (const auto& [name, text] : bodies) all.push_back({name, static_cast<double>(text.size())});
    const auto session = api.session();
    for (std::size_t pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < bodies.size(); ++i) {
        time(all[i], [&] {
          static_cast<void>(session->handle({.method = "POST",
                                             .path = "/batch_predict",
                                             .query = query,
                                             .content_type = "application/json",
                                             .body = bodies[i].second}));
        });
      }
    }
    print(way, std::move(all));
  }
  std::remove(file.c_str());
  return true;
}

// Arrow batches.

constexpr std::size_t rows = 65'536;
using node = arrow_builder::node;

template <class T>
std::vector<T> same(T value) {
  return std::vector<T>(rows, value);
}
/// The student's columns: a country, and numbers.
node students(node country, const node& number) {
  country.name = student::names[0];
  std::vector<node> columns{std::move(country)};
  for (std::size_t at = 1; at < student::size; ++at) {
    columns.push_back(number);
    columns.back().name = student::names[at];
  }
  return arrow_builder::records(std::move(columns));
}
double bytes_of(const node& n) {
  double sum = 0;
  for (const auto& b : n.buffers) sum += static_cast<double>(b.size());
  for (const node& child : n.children) sum += bytes_of(child);
  return n.dictionary ? sum + bytes_of(*n.dictionary) : sum;
}

std::vector<std::pair<std::string, node>> arrow_batches() {
  const auto numbers = [](auto value, const char* format, std::vector<bool> valid = {}) {
    return arrow_builder::numbers("", format, same(value), std::move(valid));
  };
  const node country = arrow_builder::texts("", same<std::string>("US"));
  const node plain = numbers(std::int64_t{3}, "l");
  std::vector<bool> third(rows);
  for (std::size_t i = 0; i < rows; i += 3) third[i] = true;
  std::vector<std::pair<std::string, node>> all{{"plain", students(country, plain)}};
  const auto add = [&](const char* name, const node& text, const node& number) {
    all.emplace_back(name, students(text, number));
  };
  add("int8 columns", country, numbers(std::int8_t{3}, "c"));
  add("uint16 columns", country, numbers(std::uint16_t{3}, "S"));
  add("int32 columns", country, numbers(std::int32_t{3}, "i"));
  add("uint64 columns", country, numbers(std::uint64_t{3}, "L"));
  add("uint64 columns beyond int64", country, numbers(~std::uint64_t{0}, "L"));
  add("float columns", country, numbers(3.0F, "f"));
  add("double columns", country, numbers(3.0, "g"));
  add("double columns of 3.5", country, numbers(3.5, "g"));
  add("double columns of NaN", country, numbers(std::numeric_limits<double>::quiet_NaN(), "g"));
  add("negative numbers", country, numbers(std::int64_t{-3}, "l"));
  add("nulls alone", country, numbers(std::int64_t{3}, "l", std::vector<bool>(rows)));
  add("two nulls of three", country, numbers(std::int64_t{3}, "l", third));
  add("validity without nulls", country, numbers(std::int64_t{3}, "l", std::vector<bool>(rows, true)));
  add("empty texts", arrow_builder::texts("", same<std::string>("")), plain);
  add("large texts of 64 bytes", arrow_builder::texts<std::int64_t>("", same(std::string(64, 'x'))), plain);
  add("texts of 64 bytes beyond ASCII", arrow_builder::texts("", same(std::string(62, 'x') + "\u00e9")), plain);
  add("text views", arrow_builder::text_views("", same<std::string>("US")), plain);
  add("text views of 64 bytes", arrow_builder::text_views("", same(std::string(64, 'x'))), plain);
  add("dictionary of int8 codes", arrow_builder::coded("", "c", same(std::int8_t{0}), arrow_builder::texts("", {"US"})),
      plain);
  std::vector<std::string> many(rows);
  std::vector<std::int32_t> codes(rows);
  std::mt19937 random(7);
  for (std::size_t i = 0; i < rows; ++i) {
    many[i] = fmt::format("{:08x}", random());
    codes[i] = static_cast<std::int32_t>(random() % rows);
  }
  add("dictionary of 65,536 texts", arrow_builder::coded("", "i", codes, arrow_builder::texts("", many)), plain);
  add("random texts", arrow_builder::texts("", many), plain);
  return all;
}

bool measure_arrow(std::size_t passes) {
  const auto model = ts::make_logistic(ts::load_model_file(TABSCORE_MODELS "/student_logistic.json").value()).value();
  const ts::pipeline pipe(student{}, student_columns::rules, student_columns::features, model, ts::sinks{}, purchase{});
  const auto batches = arrow_batches();
  std::vector<shape> all;
  for (const auto& [name, n] : batches) all.push_back({name, 0});
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const node& n = batches[i].second;
      const auto columns = arrow_builder::schema(n);
      const auto batch = arrow_builder::array(n);
      auto scorer = ts::arrow_scorer<decltype(pipe)>::make(pipe, *columns).value();
      ts::arrow_array out;
      time(all[i], [&] {
        if (const auto wrong = scorer.score(*batch, out.fresh())) fmt::print(stderr, "{}\n", wrong->message);
      });
      // Written: a probability, a class, and a reason's text with its offset.
      const auto& reason = *out->children[out->n_children - 1];
      const auto* const offsets = static_cast<const std::int32_t*>(reason.buffers[1]);
      all[i].bytes = bytes_of(n) + 13.0 * static_cast<double>(rows) + static_cast<double>(offsets[rows]);
    }
  }
  print("Arrow", std::move(all));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  flags of{.passes = 5};
  if (!of.read(argc, argv, "worst [--passes 5] [--only wide|arrow]")) return 2;
  fmt::print("| input | shape | ns a byte | to plain |\n|---|---|---|---|\n");
  const bool wide = of.only == "arrow" || measure_wide(of.passes);
  return wide && (of.only == "wide" || measure_arrow(of.passes)) ? 0 : 1;
}
