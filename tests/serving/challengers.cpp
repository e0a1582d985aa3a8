// SPDX-License-Identifier: MIT
#include <fmt/ranges.h>
#include <simdjson.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <tabscore/serving/detail/challenger_queue.hpp>
#include <tabscore/serving/endpoint.hpp>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace ts = tabscore;
using support::contents;
using ts::serving::endpoint;
using ts::serving::settings;

namespace {

struct loans {
  using record = ts::schema<ts::id<ts::integer<"loan">>, ts::text<"purpose", ts::min_length{1}>,
                            ts::optional<ts::text<"sector">>, ts::integer<"months", ts::ge{1}, ts::le{480}>,
                            ts::real<"amount", ts::gt{0}>, ts::optional<ts::real<"income", ts::gt{0}>>>;
  static constexpr ts::features features{ts::feature<"instalment">(ts::col<"amount"> / ts::col<"months">)};
  static void add_example(ts::batch<record>& records) { records.push_back(1, "car", "public", 48, 12000.0, 2600.0); }
};

const std::string champion = TABSCORE_SOURCE_DIR "/models/loan_default.json";

/// Files of challengers, by what they give for a loan of average months.
struct files : support::temporary_folder {
  /// A model whose log-odds are the months, scaled, and the intercept.
  std::string model(const std::string& name, double intercept, double threshold = 0.4) const {
    std::string text = contents(champion);
    text.resize(text.find("\"model\": {\n"));
    std::ofstream(file(name)) << text
                              << fmt::format(R"("model": {{"numeric_coefficients": [0.75, 0.0, 0.0, 0.0],
 "text_coefficients": [[0.0, 0.0, 0.0, 0.0], [0.0]], "intercept": {}}}, "threshold": {},
 "checks": [{{"numeric": [121.93273092369478, 1000.0, 2000.0, 100.0], "text": ["car", "public"], "margin": {},
 "probability": {}}}]}})",
                                             intercept, threshold, intercept, 1 / (1 + std::exp(-intercept)));
    return file(name);
  }
};

std::string loan(int id, std::mt19937& random) {
  const std::array purposes{"car", "house", "study", "wedding"};
  const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  return fmt::format(R"({{"loan":{},"purpose":"{}",{}"months":{},"amount":{},"income":{}}})", id,
                     purposes[static_cast<std::size_t>(up_to(4))], up_to(3) == 0 ? "" : R"("sector":"trade",)",
                     1 + up_to(300), 500 + up_to(30000), 900 + up_to(5000));
}
std::string list(const std::vector<std::string>& records) {
  return fmt::format(R"({{"records":[{}]}})", fmt::join(records, ","));
}

struct reply {
  unsigned status = 0;
  std::string body, header;
};
template <class Api>
reply ask(Api& api, std::string_view method, std::string_view target, std::string_view body = {}) {
  ts::serving::request asked{.method = method, .body = body};
  asked.set_target(target);
  const auto response = api.handle(asked);
  return {response.status, std::string(response.body), std::string(response.more_headers)};
}

/// The answer's predictions, one text each.
std::vector<std::string> entries(const std::string& body) {
  std::vector<std::string> found;
  int depth = 0;
  for (const char c : body.substr(body.find('[') + 1)) {
    if (c == '{' && depth++ == 0) found.emplace_back();
    if (depth > 0) found.back() += c;
    if (c == '}') --depth;
  }
  return found;
}
struct prediction {
  double probability = 0;
  std::int64_t label = 0;
};
prediction number(const std::string& entry) {
  simdjson::dom::parser parser;
  simdjson::dom::object one;
  prediction p;
  REQUIRE(parser.parse(entry).get(one) == simdjson::SUCCESS);
  REQUIRE(one["probability"].get(p.probability) == simdjson::SUCCESS);
  REQUIRE(one["label"].get(p.label) == simdjson::SUCCESS);
  return p;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

template <class Api>
void wait_for(Api& api, std::string_view target, std::string_view part) {
  for (int i = 0; i < 1500 && !contains(ask(api, "GET", target).body, part); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  REQUIRE(contains(ask(api, "GET", target).body, part));
}

}  // namespace

TEST_CASE("challengers score the model's records and are compared with it", "[serving]") {
  const files f;
  const std::array models{champion, f.model("a.json", -0.5), f.model("b.json", 0.25)};
  endpoint<loans> api({.model = champion,
                       .label_window = 1000,
                       .challengers = {{models[1]}, {models[2]}},
                       .challenger_log = f.file("scores.jsonl"),
                       .compare_by = {"purpose"}});
  REQUIRE_FALSE(api.start());
  std::array<std::vector<std::string>, 3> alone;
  std::array<std::string, 3> performance;
  std::mt19937 random(1);
  std::vector<std::vector<std::string>> bodies;
  for (int id = 0; id < 300;) {
    auto& body = bodies.emplace_back();
    for (int n = 1 + static_cast<int>(random() % 40); n > 0 && id < 300; --n) body.push_back(loan(id++, random));
  }
  std::string labels;
  for (int id = 0; id < 300; id += 2) {
    labels += fmt::format(R"({}{{"id":{},"label":{}}})", id == 0 ? "" : ",", id, id / 2 % 2);
  }
  for (std::size_t m = 0; m < 3; ++m) {
    endpoint<loans> one({.model = models[m], .label_window = 1000});
    REQUIRE_FALSE(one.start());
    for (const auto& body : bodies) {
      const reply r = ask(one, "POST", "/batch_predict", list(body));
      for (auto& entry : entries(r.body)) alone[m].push_back(std::move(entry));
      if (m == 0) CHECK(ask(api, "POST", "/batch_predict", list(body)).body == r.body);
    }
    CHECK(contains(ask(one, "POST", "/labels", "[" + labels + "]").body, R"("joined":150,)"));
    const std::string report = ask(one, "GET", "/monitoring/performance").body;
    performance[m] = report.substr(report.find("\"performance\":") + 14);
    performance[m].resize(performance[m].find(",\"estimated\":"));
    CHECK(ask(one, "GET", "/monitoring/compare").status == 404);
  }
  wait_for(api, "/monitoring/compare", R"("compared":300,)");
  CHECK(contains(ask(api, "GET", "/metrics").body, fmt::format("{{outcome=\"scored\"}} {}\n", bodies.size())));
  CHECK(contains(ask(api, "POST", "/labels", "[" + labels + "]").body, R"("joined":150,)"));
  wait_for(api, "/monitoring/compare", R"("pairs":150,)");
  const std::string compare = ask(api, "GET", "/monitoring/compare").body;
  const std::string log = contents(f.file("scores.jsonl"));
  REQUIRE(std::count(log.begin(), log.end(), '\n') == 300);

  simdjson::dom::parser parser;
  simdjson::dom::element root;
  REQUIRE(parser.parse(compare).get(root) == simdjson::SUCCESS);
  for (std::size_t m = 1; m < 3; ++m) {
    std::array<std::uint64_t, 4> matrix{};
    std::map<std::string, std::array<std::uint64_t, 4>> parts;
    long double sum = 0;
    std::mt19937 again(1);
    std::size_t row = 0;
    for (const auto& body : bodies) {
      for (const std::string& record : body) {
        const prediction p = number(alone[0][row]), q = number(alone[m][row]);
        const auto at = static_cast<std::size_t>(2 * p.label + q.label);
        ++matrix[at];
        const std::size_t begin = record.find("\"purpose\":") + 10;
        ++parts[record.substr(begin, record.find(',', begin) - begin)][at];
        sum += q.probability - p.probability;
        ++row;
      }
    }
    const auto text = [](const auto& n) { return fmt::format("[[{},{}],[{},{}]]", n[0], n[1], n[2], n[3]); };
    const std::string all = simdjson::minify(root.at_pointer(fmt::format("/challengers/{}", m - 1)));
    CHECK(contains(all, R"("compared":300,"shed":0,"failed":0)"));
    CHECK(contains(all, fmt::format(R"("values":[0,1],"records":300,"changed":{},"matrix":{})", matrix[1] + matrix[2],
                                    text(matrix))));
    CHECK(parts.size() == 4);
    for (const auto& [purpose, n] : parts) {
      CHECK(contains(all, fmt::format(R"({{"field":"purpose","value":{},"records":{},"changed":{},"matrix":{}}})",
                                      purpose, n[0] + n[1] + n[2] + n[3], n[1] + n[2], text(n))));
    }
    double mean = 0;
    REQUIRE(root.at_pointer(fmt::format("/challengers/{}/differences/0/mean", m - 1)).get(mean) == simdjson::SUCCESS);
    CHECK(mean == Approx(static_cast<double>(sum / 300)).epsilon(1e-14));
    CHECK(contains(compare, "\"pairs\":150,\"champion\":" + performance[0] + ",\"challenger\":" + performance[m] +
                                ",\"differences\":[{\"figure\":\"brier\",\"value\":"));
  }
  std::istringstream lines(log);
  std::string line;
  for (std::size_t row = 0; std::getline(lines, line); ++row) {
    CHECK(contains(line, fmt::format("\",\"id\":{},\"scores\":[{{\"model\":\"", row)));
    for (const auto& model : alone) CHECK(contains(line, "\"," + model[row].substr(1)));
  }
}

TEST_CASE("batches without space are shed, and answers do not change", "[serving]") {
  const files f;
  endpoint<loans> api({.model = champion, .challengers = {{f.model("a.json", -0.5)}}, .challenger_queue = 8});
  endpoint<loans> alone({.model = champion});
  REQUIRE_FALSE(api.start());
  REQUIRE_FALSE(alone.start());
  std::mt19937 random(2);
  std::vector<std::string> records;
  for (int id = 0; id < 9; ++id) records.push_back(loan(id, random));
  CHECK(ask(api, "POST", "/batch_predict", list(records)).body ==
        ask(alone, "POST", "/batch_predict", list(records)).body);
  CHECK(contains(ask(api, "GET", "/monitoring/compare").body, R"("compared":0,"shed":9,"failed":0)"));
  CHECK(contains(ask(api, "GET", "/metrics").body, "tabscore_challenger_batches_total{outcome=\"shed\"} 1\n"));
  records.pop_back();
  CHECK(ask(api, "POST", "/batch_predict", list(records)).status == 200);
  CHECK(ask(api, "POST", "/batch_predict", R"({"records":[{}]})").status == 422);
  wait_for(api, "/monitoring/compare", R"("compared":8,"shed":9,"failed":0)");
}

TEST_CASE("each record is answered by the model of its arm", "[serving]") {
  const files f;
  const std::array models{champion, f.model("a.json", -0.5), f.model("b.json", 0.25)};
  const settings wanted{.model = champion,
                        .prediction_log = f.file("log.jsonl"),
                        .label_window = 1000,
                        .challengers = {{models[1], 0.25}, {models[2], 0.125}}};
  const ts::serving::ab_assignment assignment("tabscore", {0.25, 0.125});
  const auto arm_of = [&](int id) { return assignment.arm_of(std::to_string(id)); };
  std::vector<std::string> records;
  std::mt19937 random(3);
  for (int id = 0; id < 200; ++id) records.push_back(loan(id, random));
  std::array<std::vector<std::string>, 3> alone, explained;
  std::array<std::string, 3> hashes;
  for (std::size_t m = 0; m < 3; ++m) {
    endpoint<loans> one({.model = models[m]});
    REQUIRE_FALSE(one.start());
    const reply r = ask(one, "POST", "/batch_predict", list(records));
    alone[m] = entries(r.body);
    explained[m] = entries(ask(one, "POST", "/batch_predict?explain=2&ids=1", list(records)).body);
    hashes[m] = r.header.substr(r.header.find(": ") + 2, 64);
  }
  const std::array<std::string, 3> names{"champion", "challenger_1", "challenger_2"};
  const auto with_arm = [&](const std::string& entry, std::size_t arm) {
    return entry.substr(0, entry.size() - 1) + ",\"arm\":\"" + names[arm] + "\"}";
  };
  std::array<std::uint64_t, 3> counts{};
  for (int run = 0; run < 2; ++run) {  // also after a restart
    endpoint<loans> api(wanted);
    REQUIRE_FALSE(api.start());
    const reply all = ask(api, "POST", "/batch_predict", list(records));
    const auto found = entries(all.body);
    const auto more = entries(ask(api, "POST", "/batch_predict?explain=2&ids=1", list(records)).body);
    for (int id = 0; id < 200; ++id) {
      const std::size_t arm = arm_of(id), at = static_cast<std::size_t>(id);
      CHECK(found[at] == with_arm(alone[arm][at], arm));
      const std::string& whole = explained[arm][at];
      const std::size_t end = alone[arm][at].size() - 1;
      CHECK(more[at] == whole.substr(0, end) + ",\"arm\":\"" + names[arm] + "\"" + whole.substr(end));
      if (run == 0) {
        ++counts[arm];
        const reply one = ask(api, "POST", "/predict", records[at]);
        CHECK(one.body == found[at]);
        CHECK(one.header == "x-model-sha256: " + hashes[arm] + "\r\n");
      }
    }
    CHECK(all.header == fmt::format("x-model-sha256: {}\r\n", fmt::join(hashes, ", ")));
    if (run == 1) {
      const std::string arms = ask(api, "GET", "/monitoring/compare").body;
      CHECK(contains(arms, R"("arms":{"field":"loan","salt":"tabscore","arms":[{"arm":"champion","model":")" +
                               hashes[0] + fmt::format(R"(","weight":0.625,"records":{}}},)", 2 * counts[0])));
      CHECK(contains(arms, R"("unassigned":0,"chi_square":)"));
      CHECK(contains(arms, R"("alarm":false})"));
      const std::string labels = R"([{"id":0,"label":0},{"id":1,"label":0},{"id":2,"label":1},{"id":3,"label":1},
                                     {"id":4,"label":1},{"id":5,"label":1},{"id":6,"label":1},{"id":7,"label":1}])";
      CHECK(contains(ask(api, "POST", "/labels", labels).body, R"("joined":8,)"));
      const std::string performance = ask(api, "GET", "/monitoring/performance").body;
      for (std::size_t m = 0; m < 3; ++m) {
        std::uint64_t n = 0;
        for (int id = 0; id < 8; ++id) n += arm_of(id) == m;
        const std::size_t begin = performance.find(hashes[m]);
        REQUIRE(begin != std::string::npos);
        const std::string its = performance.substr(begin, performance.find("\"n\":", begin) + 6 - begin);
        CHECK(contains(its, fmt::format("\"n\":{}", n)));
      }
      const std::string skipped =
          ask(api, "POST", "/batch_predict?on_error=skip", list({records[0], "{}", records[1], records[2]})).body;
      CHECK(skipped.starts_with(fmt::format(R"({{"predictions":[{},null,{},{}],)", found[0], found[1], found[2])));
    }
  }
  std::istringstream lines(contents(f.file("log.jsonl")));
  std::string line;
  std::size_t count = 0;
  for (; std::getline(lines, line); ++count) {
    const std::size_t begin = line.find("\"loan\": ") + 8;
    const std::size_t arm = arm_of(std::stoi(line.substr(begin)));
    CHECK(line.ends_with("}, \"arm\": \"" + names[arm] + "\", \"model\": \"" + hashes[arm] + "\", \"version\": \"" +
                         std::string(ts::version_text()) + "\"}"));
  }
  CHECK(count == 200 * 5 + 3);
}

TEST_CASE("the arms' parts of a batch are logged and counted together, or not", "[serving]") {
  const files f;
  std::vector<std::string> records;
  std::mt19937 random(5);
  for (int id = 0; id < 200; ++id) records.push_back(loan(id, random));
  std::signal(SIGXFSZ, SIG_IGN);
  ::rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  for (const auto failure : {ts::log_failure::refuse, ts::log_failure::drop_and_count}) {
    const bool refuses = failure == ts::log_failure::refuse;
    const std::string log = f.file(refuses ? "refuses.jsonl" : "drops.jsonl");
    endpoint<loans> api({.model = champion,
                         .prediction_log = log,
                         .log = {.on_failure = failure},
                         .label_window = 1000,
                         .challengers = {{f.model("a.json", -0.5), 0.5}}});
    REQUIRE_FALSE(api.start());
    ::rlimit room = before;
    room.rlim_cur = 36 << 10;  // for the lines of one arm, not of both
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &room) == 0);
    const unsigned status = ask(api, "POST", "/batch_predict", list(records)).status;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(status == (refuses ? 503 : 200));
    CHECK(contents(log).empty());
    const auto counted = [&](int n) {
      return contains(ask(api, "GET", "/metrics").body,
                      fmt::format("tabscore_log_records_total{{outcome=\"written\"}} {}\n", n));
    };
    CHECK(counted(0));
    const std::string label = R"([{"id":0,"label":0},{"id":1,"label":0},{"id":2,"label":1},{"id":3,"label":1}])";
    CHECK(contains(ask(api, "POST", "/labels", label).body, refuses ? R"("unknown":4)" : R"("joined":4)"));
    CHECK(ask(api, "POST", "/batch_predict", list(records)).status == 200);
    CHECK(counted(200));
    const std::string lines = contents(log);
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 200);
    CHECK(lines.size() > std::size_t{36} << 10);
    const std::size_t first = lines.find("\"challenger_1\"");
    CHECK(first > 4096);
    CHECK(first < std::size_t{36} << 10);
  }
}

TEST_CASE("threads put batches into the queue of one that takes them", "[serving]") {
  using record = ts::schema<ts::id<ts::integer<"n">>, ts::text<"text">>;
  using ts::serving::detail::challenger_queue;
  ts::serving::detail::challenger_totals totals;
  challenger_queue<record> queue(3000, totals);
  std::atomic<std::uint64_t> put = 0, shed = 0;
  constexpr int threads = 3, batches = 2000;
  std::atomic<int> running = threads;
  std::vector<std::jthread> producers;
  for (int t = 0; t < threads; ++t) {
    producers.emplace_back([&, t] {
      for (int i = 0; i < batches; ++i) {
        ts::batch<record> b;
        std::vector<double> p;
        std::string text(static_cast<std::size_t>(i % 50), 'a');
        for (int row = 0; row < 1 + i % 5; ++row) {
          b.push_back(i, std::string_view(text));
          p.push_back(i + t * 1e4);
        }
        const std::vector<std::uint8_t> label(p.size(), static_cast<std::uint8_t>(t));
        ++(queue.put({b.view(), {p, label}}) ? put : shed);
        text.assign(text.size(), 'z');  // the queue has its own
      }
      --running;
    });
  }
  std::uint64_t taken = 0, wrong = 0;
  std::array<double, threads> last{-1, -1, -1};
  const auto take = [&] {
    return queue.take([&](const auto* b, std::size_t rows) {
      ++taken;
      const ts::predictions p = b->scores();
      const auto texts = b->records.view().template get<"text">();
      const auto n = b->records.view().template get<"n">();
      for (std::size_t row = 0; row < rows; ++row) {
        const auto i = static_cast<std::size_t>(n[row]);
        wrong += texts[row] != std::string(i % 50, 'a') || p.value(row) != static_cast<double>(i) + p.label[row] * 1e4;
      }
      wrong += rows != p.rows() || p.value(0) <= last[p.label[0]];
      last[p.label[0]] = p.value(0);
    });
  };
  while (running != 0) take();
  while (take()) {
  }
  CHECK(wrong == 0);
  CHECK(taken == put);
  CHECK(put + shed == threads * batches);
  CHECK(totals.shed == shed);
}

TEST_CASE("settings and models of challengers that do not fit are refused", "[serving]") {
  const files f;
  const std::string other = f.model("a.json", -0.5);
  const auto failure = [&](settings s) {
    s.model = champion;
    endpoint<loans> api(std::move(s));
    const auto failed = api.start();
    return failed ? failed->message : "";
  };
  CHECK(failure({.challengers = {{other}}}).empty());
  CHECK(contains(failure({.challengers = {{"/nowhere/model.json"}}}), "/nowhere/model.json"));
  CHECK(contains(failure({.challengers = {{TABSCORE_SOURCE_DIR "/models/wine.json"}}}), "wine.json: the model's task"));
  CHECK(contains(failure({.challengers = {{TABSCORE_SOURCE_DIR "/models/student_logistic.json"}}}),
                 "student_logistic.json: "));
  CHECK(contains(failure({.challengers = {{other}}, .compare_by = {"amount"}}), "'amount' is not a text"));
  CHECK(contains(failure({.challengers = {{other}}, .compare_by = {"nothing"}}), "'nothing' is not a text"));
  CHECK(contains(failure({.challengers = {{other, 1.5}}}), "not from 0 to 1"));
  CHECK(contains(failure({.challengers = {{other, 0.75}, {other, 0.5}}}), "more than 1"));
  CHECK(contains(failure({.challengers = {{other, 0.5}}, .ab_field = "amount"}), "ab_field"));
  CHECK(contains(failure({.challenger_log = f.file("log")}), "needs challengers"));
}

TEST_CASE("threads predict while challengers are exchanged", "[serving]") {
  const files f;
  const std::string other = f.model("a.json", -0.5);
  endpoint<loans> api({.model = champion,
                       .label_window = 100,
                       .challengers = {{other, 0.5}},
                       .challenger_log = f.file("scores.jsonl"),
                       .compare_by = {"purpose"}});
  REQUIRE_FALSE(api.start());
  std::mt19937 random(4);
  std::vector<std::string> records;
  for (int id = 0; id < 20; ++id) records.push_back(loan(id, random));
  const std::string body = list(records);
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const auto session = api.session();
      while (!stop) {
        wrong += session->handle({.method = "POST", .path = "/batch_predict", .body = body}).status != 200;
        wrong += session->handle({.method = "GET", .path = "/monitoring/compare"}).status != 200;
        wrong += session->handle({.method = "GET", .path = "/metrics"}).status != 200;
        const auto labels = R"([{"id":3,"label":1}])";
        wrong += session->handle({.method = "POST", .path = "/labels", .body = labels}).status != 200;
      }
    });
  }
  for (int loaded = 1; loaded <= 5; ++loaded) {
    f.model("a.json", -0.5 + loaded * 0.125);
    api.reload();
    wait_for(api, "/model", R"("loaded":)" + std::to_string(loaded));
  }
  f.model("a.json", 5, 7);
  api.reload();
  wait_for(api, "/model", R"("refused":1)");
  stop = true;
  threads.clear();
  CHECK(wrong == 0);
}
