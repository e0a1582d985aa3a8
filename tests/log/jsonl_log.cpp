// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <tabscore/log/jsonl_log.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <thread>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace ts = tabscore;
using support::contents;
using support::temporary_folder;

namespace {
using loan = ts::schema<ts::text<"purpose">, ts::integer<"age">, ts::real<"amount">, ts::boolean<"owner">,
                        ts::optional<ts::integer<"children">>, ts::optional<ts::text<"note \"x\"">>>;

// Every time stamp, of whatever length, becomes TIME.
std::string without_time(std::string text) {
  const std::string key = "\"timestamp_utc\": \"";
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    at += key.size();
    const std::string time = text.substr(at, text.find('"', at) - at);
    REQUIRE(time.size() >= 25);
    REQUIRE(time.substr(time.size() - 6) == "+00:00");
    text.replace(at, time.size(), "TIME");
  }
  return text;
}

struct scored_records {
  ts::batch<loan> records;
  std::vector<double> probability;
  std::vector<std::uint8_t> label;
  ts::scored<loan> view() const { return {records.view(), {probability, label, 0.5}}; }
};

scored_records sample(std::size_t rows) {
  scored_records s;
  for (std::size_t i = 0; i < rows; ++i) {
    s.records.push_back("caf\xC3\xA9", 30, 5.0, true, std::nullopt, std::nullopt);
    s.probability.push_back(0.25);
    s.label.push_back(0);
  }
  return s;
}

using person = ts::schema<ts::integer<"age">>;
struct half {
  ts::feature_names names{{"age"}, {}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = 0.5;
  }
};
struct counting {
  std::size_t records = 0;
  void record(const auto& batch) noexcept { records += batch.records.rows(); }
};
}  // namespace

TEST_CASE("a log line equals the output of Python's json.dumps", "[monitor]") {
  const temporary_folder folder;
  const auto file = folder.path / "made" / "on the way" / "log.jsonl";
  auto log = ts::jsonl_log::open(file.string());
  REQUIRE(log);
  scored_records s;
  s.records.push_back("caf\xC3\xA9 \xF0\x9F\x98\x80\x7F\n", -3, 1e22, true, 2, "a\\b");
  s.records.push_back("US", 45, 320.5, false, std::nullopt, std::nullopt);
  s.probability = {1e-7, 1.0};
  s.label = {0, 1};
  log->record(s.view());
  const std::string text = without_time(contents(file));
  CHECK(text ==
        "{\"timestamp_utc\": \"TIME\", \"threshold\": 0.5, \"probability\": 1e-07, \"label\": 0, \"features\": "
        "{\"purpose\": "
        "\"caf\\u00e9 \\ud83d\\ude00\\u007f\\n\", \"age\": -3, \"amount\": 1e+22, \"owner\": true, \"children\": 2, "
        "\"note \\\"x\\\"\": \"a\\\\b\"}}\n"
        "{\"timestamp_utc\": \"TIME\", \"threshold\": 0.5, \"probability\": 1.0, \"label\": 1, \"features\": "
        "{\"purpose\": \"US\", "
        "\"age\": 45, \"amount\": 320.5, \"owner\": false, \"children\": null, \"note \\\"x\\\"\": null}}\n");
  CHECK(log->written() == 2);
  CHECK(log->dropped() == 0);
}

TEST_CASE("a line is the same whether or not the answer's digits are at hand", "[monitor]") {
  std::mt19937_64 random(3);
  ts::batch<loan> records;
  std::vector<double> probability;
  std::vector<std::uint8_t> label;
  const std::vector<std::string> purposes{"",
                                          "US",
                                          "Bosnia and Herzegovina",
                                          std::string(32, 'x'),
                                          std::string(33, 'x'),
                                          "\"",
                                          std::string(500, 'y'),
                                          "\xC3\xA9",
                                          "C\xC3\xB4te d'Ivoire"};
  for (int i = 0; i < 300; ++i) {
    const auto amount = static_cast<double>(random() % 1'000'000'000) / static_cast<double>(random() % 4 * 333 + 1);
    records.push_back(purposes[random() % purposes.size()], static_cast<std::int64_t>(random() >> random() % 64),
                      amount, random() % 2 == 0, static_cast<std::int64_t>(random() % 5), std::string_view("note"));
    probability.push_back(static_cast<double>(random() >> 11) * 0x1p-53);
    label.push_back(random() % 2 == 0);
  }
  const ts::jsonl_lines lines;
  ts::detail::number_texts texts;
  ts::text_buffer alone, shared;
  lines.append<loan>(alone, {records.view(), {probability, label, 0.5}}, {});
  lines.append<loan>(shared, {records.view(), {probability, label, 0.5, &texts}}, {});
  CHECK(alone.view() == shared.view());
  CHECK_FALSE(texts.empty());

  // Every line as from the simple functions.
  ts::text_buffer expected;
  const auto number = [&](auto write, auto v) { expected.keep_to(write(expected.space(ts::number_text_space), v)); };
  const auto real = [&](double v) {
    number([](char* to, double x) { return ts::write_real<ts::spelling::json>(to, x); }, v);
  };
  const auto integer = [&](std::int64_t v) {
    number([](char* to, std::int64_t x) { return ts::write_integer(to, x); }, v);
  };
  const auto all = records.view();
  for (std::size_t i = 0; i < all.rows(); ++i) {
    expected.append("{\"timestamp_utc\": \"1970-01-01T00:00:00+00:00\", \"threshold\": 0.5, \"probability\": ");
    real(probability[i]);
    expected.append(", \"label\": ");
    integer(label[i]);
    expected.append(", \"features\": {\"purpose\": ");
    ts::append_json_text<ts::escape::non_ascii>(expected, all.get<0>()[i]);
    expected.append(", \"age\": ");
    integer(all.get<1>()[i]);
    expected.append(", \"amount\": ");
    real(all.get<2>()[i]);
    expected.append(all.get<3>()[i] ? ", \"owner\": true" : ", \"owner\": false");
    expected.append(", \"children\": ");
    integer(static_cast<std::int64_t>(all.get<4>()[i]));
    expected.append(", \"note \\\"x\\\"\": \"note\"}}\n");
  }
  CHECK(alone.view() == expected.view());
}

TEST_CASE("the time stamp is Python's isoformat", "[monitor]") {
  using namespace std::chrono;
  const auto text = [](auto since_1970) {
    char t[ts::detail::timestamp_space];
    return std::string(t, ts::detail::write_timestamp(t, system_clock::time_point(since_1970)));
  };
  CHECK(text(seconds(1'700'000'000)) == "2023-11-14T22:13:20+00:00");
  CHECK(text(seconds(1'700'000'000) + microseconds(45)) == "2023-11-14T22:13:20.000045+00:00");
  CHECK(text(nanoseconds(1'709'251'199'999'999'999)) == "2024-02-29T23:59:59.999999+00:00");
  CHECK(text(seconds(0)) == "1970-01-01T00:00:00+00:00");
}

TEST_CASE("a log is appended to, and one that is off writes nothing", "[monitor]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  const auto s = sample(3);
  ts::jsonl_log::open(file.string()).value().record(s.view());
  const auto once = contents(file);
  ts::jsonl_log::open(file.string()).value().record(s.view());
  CHECK(contents(file).size() >= 2 * once.size() - 60);  // the time stamps may differ in length
  CHECK(contents(file).substr(0, once.size()) == once);
  ts::jsonl_log off;
  off.record(s.view());
  CHECK_FALSE(off.is_on());
  CHECK(off.written() == 0);
}

TEST_CASE("lines that are not whole are not appended", "[monitor]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  for (const bool is_chained : {false, true}) {
    ts::jsonl_settings settings;
    if (is_chained) settings.file.chain = ts::chain_key{};
    auto log = ts::jsonl_log::open(file.string(), settings).value();
    const auto before = contents(file);
    for (const std::string_view lines : {"{\"a\": 1}", "{\"a\": 1}\n{\"b\"", "\n", "{\"a\": 1}\n\n", "[1]\n", "}\n"}) {
      CHECK_FALSE(log.append_lines(lines));
    }
    CHECK(contents(file) == before);
    CHECK(log.append_lines("{\"a\": 1}\n{\"b\": 2}\n"));
    CHECK(contents(file).size() > before.size());
    std::filesystem::remove(file);
  }
}

TEST_CASE("a log that cannot be opened says which and why", "[monitor]") {
  const auto log = ts::jsonl_log::open("/proc/no/such/log.jsonl");
  REQUIRE_FALSE(log);
  CHECK(log.error().code == ts::errc::io);
  CHECK(log.error().message.find("'/proc/no/such/log.jsonl'") != std::string::npos);
}

TEST_CASE("a batch that does not fit on the disk is removed and counted as dropped", "[monitor]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  auto log = ts::jsonl_log::open(file.string()).value();
  const auto s = sample(10);
  log.record(s.view());
  const auto whole = contents(file);

  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small = old;
  small.rlim_cur = whole.size() + 700;  // room for a few lines of the next batch
  setrlimit(RLIMIT_FSIZE, &small);
  log.record(s.view());
  setrlimit(RLIMIT_FSIZE, &old);

  CHECK(contents(file) == whole);
  CHECK(log.written() == 10);
  CHECK(log.dropped() == 10);
  log.record(s.view());
  CHECK(log.written() == 20);
}

TEST_CASE("a large batch is in the log whole or not at all, as the same lines", "[monitor]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  auto log = ts::jsonl_log::open(file.string()).value();
  scored_records s;
  for (int i = 0; i < 20'000; ++i) {
    s.records.push_back(std::string_view("purposes").substr(0, static_cast<std::size_t>(i % 9)), i, i / 7.0, i % 2 == 0,
                        std::nullopt, std::nullopt);
    s.probability.push_back(i / 20'000.0);
    s.label.push_back(i >= 10'000);
  }
  ts::detail::number_texts digits;
  auto batch = s.view();
  batch.scores.texts = &digits;
  ts::text_buffer expected;
  ts::jsonl_lines().append(expected, batch, {});
  REQUIRE(expected.size() > std::size_t{3} << 20);
  CHECK(digits.empty());  // too many

  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{3 << 20, old.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  log.record(batch);
  setrlimit(RLIMIT_FSIZE, &old);
  CHECK(log.dropped() == 20'000);
  CHECK(contents(file).empty());

  log.record(batch);
  CHECK(log.written() == 20'000);
  std::istringstream lines(contents(file)), same(std::string(expected.view()));
  std::string line, other, time;
  const auto behind_time = [](const std::string& text) { return text.substr(text.find(", \"threshold\"")); };
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE((std::getline(lines, line) && std::getline(same, other)));
    REQUIRE(behind_time(line) == behind_time(other));
    if (i == 0) time = line.substr(0, line.find(", \"threshold\""));
    REQUIRE(line.starts_with(time));
  }
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("a log that was told to refuse keeps the batch from all sinks", "[monitor]") {
  const auto policy = GENERATE(ts::log_failure::refuse, ts::log_failure::drop_and_count);
  auto log = ts::jsonl_log::open("/dev/full", {.on_failure = policy}).value();
  counting before, after;
  const ts::pipeline pipe{person{}, ts::rules{}, ts::features{}, half{}, ts::sinks{before, log, after}};
  ts::batch<person> records;
  for (int i = 0; i < 7; ++i) records.push_back(i);
  ts::score_buffers buffers;
  const auto outcome = pipe.score(records, buffers);
  const bool refuses = policy == ts::log_failure::refuse;
  CHECK(std::holds_alternative<ts::refused>(outcome) == refuses);
  CHECK(before.records == (refuses ? 0 : 7));
  CHECK(after.records == (refuses ? 0 : 7));
  CHECK(log.written() == 0);
  CHECK(log.dropped() == 7);

  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  auto good = ts::jsonl_log::open(file.string(), {.on_failure = policy}).value();
  const ts::pipeline works{person{}, ts::rules{}, ts::features{}, half{}, ts::sinks{before, good}};
  CHECK(std::holds_alternative<ts::predictions>(works.score(records, buffers)));
  CHECK(good.written() == 7);
  const std::string text = contents(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 7);
}

TEST_CASE("private fields are hashed, in buckets, or not there", "[monitor]") {
  using patient = ts::schema<ts::unlogged<ts::text<"name">>, ts::hashed<ts::text<"city">>,
                             ts::hashed<ts::integer<"number">>, ts::bucketed<ts::integer<"age">, 10>,
                             ts::bucketed<ts::real<"income">, 2.5>, ts::optional<ts::hashed<ts::text<"email">>>,
                             ts::optional<ts::bucketed<ts::integer<"children">, 2>>, ts::real<"height">>;
  ts::batch<patient> records;
  records.push_back("Ann", "Rome", 17, 39, 7.4, std::nullopt, 3, 1.75);
  records.push_back("Bob", "Rome", 18, -1, -0.1, "b@x", std::nullopt, 1.5);
  records.push_back("Cy", "Oslo", 17, std::numeric_limits<std::int64_t>::min(), 5.0, "", 4, 1.5);
  const std::vector<double> probability{0.5, 0.5, 0.5};
  const std::vector<std::uint8_t> label{1, 1, 1};
  const ts::siphash_key key{1, 2};
  ts::text_buffer out;
  ts::jsonl_lines("f00d", key).append<patient>(out, {records.view(), {probability, label, 0.5}}, {});
  const auto hash = [&](std::string_view text) { return fmt::format("\"{:016x}\"", ts::siphash(text, key)); };
  const std::string begin =
      "{\"timestamp_utc\": \"1970-01-01T00:00:00+00:00\", \"threshold\": 0.5, \"probability\": 0.5, \"label\": 1, "
      "\"features\": {";
  CHECK(out.view() ==
        begin + "\"city\": " + hash("Rome") + ", \"number\": " + hash("17") +
            ", \"age\": 30, \"income\": 5.0, \"email\": null, \"children\": 2, \"height\": 1.75}, \"model\": "
            "\"f00d\", \"version\": \"" +
            std::string(ts::version_text()) + "\"}\n" + begin + "\"city\": " + hash("Rome") +
            ", \"number\": " + hash("18") + ", \"age\": -10, \"income\": -2.5, \"email\": " + hash("b@x") +
            ", \"children\": null, \"height\": 1.5}, \"model\": \"f00d\", \"version\": \"" +
            std::string(ts::version_text()) + "\"}\n" + begin + "\"city\": " + hash("Oslo") +
            ", \"number\": " + hash("17") + ", \"age\": -9223372036854775808, \"income\": 5.0, \"email\": " + hash("") +
            ", \"children\": 4, \"height\": 1.5}, \"model\": \"f00d\", \"version\": \"" +
            std::string(ts::version_text()) + "\"}\n");
}

TEST_CASE("batches of many writers do not mix", "[monitor]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  auto log = ts::jsonl_log::open(file.string()).value();
  std::vector<std::thread> writers;
  for (std::size_t t = 0; t < 4; ++t) {
    writers.emplace_back([&log, t] {
      auto s = sample(t + 2);
      s.probability.assign(s.probability.size(), static_cast<double>(t));
      for (int n = 0; n < 50; ++n) log.record(s.view());
    });
  }
  for (auto& w : writers) w.join();
  std::ifstream in(file);
  std::string line;
  std::size_t lines = 0;
  while (std::getline(in, line)) {
    const std::size_t at = line.find("\"probability\": ") + 15;
    const std::string writer = line.substr(at, 3);
    const std::size_t rows = static_cast<std::size_t>(writer[0] - '0') + 2;
    for (std::size_t k = 1; k < rows; ++k) {
      REQUIRE(std::getline(in, line));
      REQUIRE(line.substr(at - 15).find("\"probability\": " + writer) ==
              line.substr(at - 15).find("\"probability\": "));
    }
    lines += rows;
  }
  CHECK(lines == 50 * (2 + 3 + 4 + 5));
}
