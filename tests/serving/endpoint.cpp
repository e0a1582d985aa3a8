// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <simdjson.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tabscore/serving/endpoint.hpp>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/loan_service.hpp"

namespace ts = tabscore;
using namespace std::string_literals;
using support::loans;
using ts::serving::endpoint;
using ts::serving::error_style;
using ts::serving::request;

namespace {

const std::string& model = support::loan_model;
constexpr std::string_view loan = R"({"purpose":"car","sector":"public","months":48,"amount":12000.0,"income":2600.0})";

struct reply {
  unsigned status = 0;
  std::string body;
  std::map<std::string, std::string> headers;
};

reply ask(endpoint<loans>& api, std::string_view method, std::string_view target, std::string_view body = {},
          std::string_view accept = {}) {
  request asked{.method = method, .accept = accept, .request_id = "mine", .body = body};
  asked.set_target(target);
  const auto response = api.handle(asked);
  reply r{response.status, std::string(response.body), {}};
  response.for_each_header(
      [&](std::string_view name, std::string_view value) { r.headers[std::string(name)] = value; });
  return r;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an endpoint without a model says so on every route", "[serving]") {
  endpoint<loans> api;
  REQUIRE_FALSE(api.start());
  CHECK(ask(api, "POST", "/predict", loan).status == 503);
  CHECK(ask(api, "POST", "/predict", "[]").status == 422);  // what is wrong with the body comes first
  CHECK(ask(api, "GET", "/model").status == 503);
  CHECK(contains(ask(api, "GET", "/health").body, R"("ready":false,"predictor_loaded":false)"));
  CHECK(ask(api, "GET", "/metrics").status == 200);
  api.reload();
  api.rotate_log();
  CHECK_FALSE(api.stop());
}

TEST_CASE("start() gives the error of a file that cannot be loaded", "[serving]") {
  const auto failure = [](ts::serving::settings settings) {
    endpoint<loans> api(std::move(settings));
    const auto failed = api.start();
    return failed ? failed->message : "";
  };
  CHECK(contains(failure({.model = "/nowhere/model.json"}), "/nowhere/model.json"));
  CHECK(contains(failure({.model = TABSCORE_SOURCE_DIR "/models/student_logistic.json"}), "model"));
  CHECK(contains(failure({.model = model, .prediction_log = "/proc/nowhere/log"}), "/proc/nowhere/log"));
  CHECK(contains(failure({.state_file = "/tmp/state"}), "state file"));
  CHECK(contains(failure({.model = model, .swagger_ui = "/nowhere"}), "/nowhere"));
}

TEST_CASE("what the HTTP layer refuses is answered in the service's dialect and counted", "[serving]") {
  endpoint<loans> api({.model = model});
  REQUIRE_FALSE(api.start());
  const auto refuse = [](endpoint<loans>& by, std::string_view accept, unsigned status) {
    const auto response = by.refuse({.path = "/predict", .accept = accept, .request_id = "mine"}, status, "Too large.");
    CHECK(response.status == status);
    CHECK(response.request_id == "mine");
    return std::string(response.content_type) + ": " + std::string(response.body);
  };
  CHECK(refuse(api, "", 413) == R"(application/json: {"errors":[{"message":"Too large."}],"request_id":"mine"})");
  CHECK(refuse(api, "application/problem+json", 413).starts_with(R"(application/problem+json: {"type":)"));
  CHECK(api.refuse({}, 503, "Busy.").more_headers == "retry-after: 1\r\n");
  CHECK(contains(std::string(api.refuse({}, 408).body), "The request did not arrive in time."));
  endpoint<loans> pydantic({.errors = error_style::pydantic1});
  CHECK(refuse(pydantic, "", 413) == R"(application/json: {"detail":"Too large."})");
  CHECK(refuse(pydantic, "", 400) == "text/plain; charset=utf-8: Too large.");
  CHECK(contains(ask(api, "GET", "/metrics").body, "tabscore_refused_requests_total{status=\"413\"} 2"));
}

TEST_CASE("a service's model and policy are loaded once, and pipelines of any sinks made of them", "[serving]") {
  using service = ts::serving::completed<loans>;
  const auto loaded = ts::load_service_model<service>(model).value();
  CHECK(loaded.sha256.size() == 64);
  CHECK_FALSE(loaded.reference.empty());
  ts::drift_monitor monitor(loaded.reference);
  const auto plain = loaded.make_pipeline().value();
  const auto watched = loaded.make_pipeline(ts::sinks{monitor}).value();
  ts::batch<loans::record> records;
  loans::add_example(records);
  ts::score_buffers buffers;
  const auto alone = std::get<ts::predictions>(plain.score(records, buffers)).value(0, 0);
  CHECK(std::get<ts::predictions>(watched.score(records, buffers)).value(0, 0) == alone);
  CHECK(monitor.read().samples == 1);

  const std::string policy = TABSCORE_SOURCE_DIR "/models/loan_policy.json";
  const auto undeclared = ts::load_service_model<service>(model, policy).value().make_pipeline();
  CHECK(undeclared.error().message.starts_with(policy + ": the prediction declares no decisions"));
  const std::string wine = TABSCORE_SOURCE_DIR "/models/wine.json";
  const auto other = ts::load_service_model<service>(wine).value().make_pipeline();
  CHECK(other.error().message.starts_with(wine + ": the model's task is multiclass"));
  CHECK(contains(ts::load_service_model<service>("/nowhere/model.json").error().message, "/nowhere/model.json"));
  CHECK(ts::parse_service_model<service>({"{", "bytes"}).error().message.starts_with("bytes"));
}

TEST_CASE("an endpoint serves a trainer's own file", "[serving]") {
  const std::string files = TABSCORE_SOURCE_DIR "/tests/server/trainer_files/";
  endpoint<loans> api({.model = files + "loan.cbm"});
  REQUIRE_FALSE(api.start());
  const reply made = ask(api, "POST", "/predict", loan);
  CHECK(made.status == 200);
  CHECK(made.headers.at("x-model-sha256").size() == 64);
  CHECK(contains(ask(api, "GET", "/model").body, R"({"name":"loan.cbm",)"));
  CHECK(contains(ask(api, "GET", "/model").body, R"("trainer":{"name":"CatBoost","version":""})"));
  CHECK(contains(ask(api, "GET", "/monitoring/drift").body, "baseline_not_loaded"));
  endpoint<loans> with_state({.model = files + "loan.cbm", .state_file = "/tmp/state"});
  CHECK(contains(with_state.start()->message, "a state file needs a model file with histograms"));
}

TEST_CASE("by default coercion is strict and errors are neutral", "[serving]") {
  endpoint<loans> api({.model = model});
  REQUIRE_FALSE(api.start());
  CHECK(ask(api, "POST", "/predict", loan).status == 200);
  const reply wrong = ask(api, "POST", "/predict", R"({"purpose":"car","months":"48","amount":12000.0})");
  CHECK(wrong.status == 422);
  CHECK(wrong.headers.at("content-type") == "application/json");
  CHECK(wrong.body ==
        R"({"errors":[{"code":"not_integer","path":"/months","message":"must be an integer"}],"request_id":"mine"})");
  CHECK(ask(api, "POST", "/predict", "{").body.starts_with(R"({"errors":[{"code":"malformed","path":"","message":")"));
  CHECK(ask(api, "POST", "/predict", "\xFF").body ==
        R"({"errors":[{"message":"The body is not UTF-8."}],"request_id":"mine"})");
  CHECK(ask(api, "GET", "/nothing").body == R"({"errors":[{"message":"Not Found"}],"request_id":"mine"})");
  const std::string metrics = ask(api, "GET", "/metrics").body;
  for (const auto* error : {"not_integer", "malformed", "unreadable"}) {
    CHECK(contains(metrics, fmt::format("tabscore_rejected_records_total{{error=\"{}\",rule=\"\"}} 1\n", error)));
  }
  CHECK_FALSE(contains(metrics, "value_error"));
  CHECK(contains(ask(api, "POST", "/v2/models/loan_default/infer", "{").body, R"({"error":)"));
  CHECK(ask(api, "PUT", "/model").headers.at("allow") == "GET, HEAD");
  CHECK(ask(api, "GET", "/model/").headers.at("location") == "../model");
  CHECK(ask(api, "GET", "/predict?x#\"\r\n").status == 405);

  const reply document = ask(api, "GET", "/openapi.json");
  CHECK_FALSE(contains(document.body, "\"{"));  // every place is filled in
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  REQUIRE(parser.parse(document.body).get(root) == simdjson::SUCCESS);
  simdjson::dom::object content;
  REQUIRE(root.at_pointer("/components/responses/Invalid/content").get(content) == simdjson::SUCCESS);
  CHECK(content.size() == 2);
  CHECK(content.begin().key() == "application/json");
  CHECK_FALSE(contains(document.body, "ydantic"));
  CHECK(contains(document.body, "loan_default"));
}

TEST_CASE("errors are worded as the settings and the request say", "[serving]") {
  endpoint<loans> api({.model = model, .errors = error_style::pydantic2});
  REQUIRE_FALSE(api.start());
  CHECK(contains(ask(api, "POST", "/predict", "{}").body, R"("type":"missing")"));
  CHECK_FALSE(contains(ask(api, "GET", "/openapi.json").body, "\"Errors\""));
  CHECK(ask(api, "POST", "/predict", "{}", "application/problem+json").headers.at("content-type") ==
        "application/problem+json");
}

TEST_CASE("problem details are the only errors of a service that has them", "[serving]") {
  endpoint<loans> api({.model = model, .errors = error_style::problem});
  REQUIRE_FALSE(api.start());
  const reply wrong = ask(api, "POST", "/predict", R"({"purpose":"car","months":"48","amount":12000.0})");
  CHECK(wrong.headers.at("content-type") == "application/problem+json");
  CHECK(contains(wrong.body, R"("pointer":"#/months")"));
  const reply document = ask(api, "GET", "/openapi.json");
  CHECK_FALSE(contains(document.body, "\"{"));  // every place is filled in
  simdjson::dom::parser parser;
  simdjson::dom::object content;
  REQUIRE(parser.parse(document.body).at_pointer("/components/responses/Invalid/content").get(content) ==
          simdjson::SUCCESS);
  CHECK(content.size() == 1);
  CHECK(content.begin().key() == "application/problem+json");
}

TEST_CASE("a body is read whole, with and without padding", "[serving]") {
  endpoint<loans> api({.model = model});
  REQUIRE_FALSE(api.start());
  const std::string body = R"({"records":[)" + std::string(loan) + "," + std::string(loan) + "]}";
  const std::vector<char> exact(body.begin(), body.end());  // exactly sized, so that a sanitizer sees what is beyond
  const reply copied = ask(api, "POST", "/batch_predict", {exact.data(), exact.size()});
  const simdjson::padded_string padded(body);
  const auto session = api.session();
  const auto direct =
      session->handle({.method = "POST", .path = "/batch_predict", .body = std::string_view(padded), .padded = true});
  CHECK(copied.status == 200);
  CHECK(copied.body == direct.body);
  CHECK(session->handle({.method = "POST", .path = "/predict", .content_encoding = "gzip", .body = loan}).status ==
        415);
  CHECK(session->handle({.method = "POST", .path = "/predict", .content_encoding = "Identity", .body = loan}).status ==
        200);
}

TEST_CASE("a request that waits for 100 Continue is refused before its body comes", "[serving]") {
  endpoint<loans> api({.model = model});
  REQUIRE_FALSE(api.start());
  const auto status = [&](std::string_view path, std::string_view coding) {
    return api.handle({.method = "POST", .path = path, .content_encoding = coding, .expects_continue = true}).status;
  };
  CHECK(status("/predict", "") == 100);
  CHECK(status("/predict", "identity") == 100);
  CHECK(status("/predict", "gzip") == 415);
  CHECK(status("/nothing", "") == 404);
  CHECK(status("/health", "") == 405);
  CHECK_FALSE(contains(ask(api, "GET", "/metrics").body, R"(status="100")"));
  CHECK(contains(ask(api, "GET", "/metrics").body, R"(status="415")"));
}

TEST_CASE("responses of handle() keep their own memory", "[serving]") {
  endpoint<loans> api({.model = model});
  REQUIRE_FALSE(api.start());
  const auto first = api.handle({.method = "POST", .path = "/predict", .body = loan});
  const std::string before(first.body);
  const auto second = api.handle({.method = "GET", .path = "/health"});
  CHECK(first.body == before);
  CHECK(second.status == 200);
}

TEST_CASE("hashes of private fields last as long as the log's key", "[serving]") {
  struct private_loans : loans {
    using record = ts::schema<ts::hashed<ts::text<"purpose", ts::min_length{1}>>, ts::optional<ts::text<"sector">>,
                              ts::integer<"months", ts::ge{1}, ts::le{480}>, ts::real<"amount", ts::gt{0}>,
                              ts::optional<ts::real<"income", ts::gt{0}>>>;
    static void add_example(ts::batch<record>& records) { records.push_back("car", "public", 48, 12000.0, 2600.0); }
  };
  const support::temporary_folder folder;
  const std::string file = folder.file("log.jsonl");
  std::string told;
  const auto hash = [&](std::optional<ts::siphash_key> key) {  // of "car", after a start of its own
    std::filesystem::remove(file);
    told.clear();
    ts::serving::settings settings{.model = model, .prediction_log = file};
    settings.log.hash_key = key;
    settings.notify = [&](std::string_view event) { told.append(event).append("\n"); };
    endpoint<private_loans> api(std::move(settings));
    REQUIRE_FALSE(api.start());
    CHECK(api.handle({.method = "POST", .path = "/predict", .body = loan}).status == 200);
    const std::string line = support::contents(file), before = R"("purpose": ")";
    const std::size_t at = line.find(before);
    REQUIRE(at != std::string::npos);
    return line.substr(at + before.size(), 16);
  };
  const ts::siphash_key key{1, 2};
  CHECK(hash(key) == fmt::format("{:016x}", ts::siphash("car", key)));
  CHECK(told.empty());
  const std::string once = hash(std::nullopt);
  CHECK(contains(told, "hashed fields are logged under a random key"));
  CHECK(once != hash(std::nullopt));
  endpoint<loans> open(
      {.model = model, .prediction_log = file, .notify = [&](std::string_view event) { FAIL_CHECK(event); }});
  CHECK_FALSE(open.start());
}

TEST_CASE("threads come and go while models are exchanged, and nothing is lost of the counts", "[serving]") {
  const support::temporary_folder folder;
  const std::string file = folder.file("model.json");
  std::filesystem::copy_file(model, file);
  std::atomic<int> events = 0;
  endpoint<loans> api({.model = file, .notify = [&](std::string_view) { ++events; }});
  REQUIRE_FALSE(api.start());
  const std::string expected = ask(api, "POST", "/predict", loan).body;
  std::ofstream(file, std::ios::app) << "\n";  // the same model by another name
  api.reload();
  std::atomic<int> wrong = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        const auto session = api.session();
        for (int i = 0; i < 50; ++i) wrong += ask(api, "POST", "/predict", loan).body != expected;
        for (int i = 0; i < 50; ++i) {
          wrong += session->handle({.method = "POST", .path = "/predict", .body = loan}).body != expected;
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(contains(ask(api, "GET", "/metrics").body, "\ntabscore_records_total 1601\n"));
  for (int i = 0; i < 300 && !contains(ask(api, "GET", "/model").body, R"("loaded":1)"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  CHECK(contains(ask(api, "GET", "/model").body, R"("loaded":1)"));
  CHECK(events == 1);
  std::ofstream(file) << "{}";
  api.reload();
  for (int i = 0; i < 300 && events < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(contains(ask(api, "GET", "/model").body, R"("refused":1)"));
  CHECK(ask(api, "POST", "/predict", loan).body == expected);
  api.drain();
  CHECK(ask(api, "GET", "/health").status == 503);
}

TEST_CASE("pages, explanations and bad records are answered while models are exchanged", "[serving]") {
  const support::temporary_folder folder;
  const std::string file = folder.file("model.json");
  std::filesystem::copy_file(model, file);
  endpoint<loans> api({.model = file});
  REQUIRE_FALSE(api.start());
  const std::string body = R"({"records":[)" + std::string(loan) + R"(,{"purpose":"","months":0}]})";
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      constexpr std::array pages{"/metrics",
                                 "/openapi.json",
                                 "/monitoring/drift",
                                 "/monitoring/report",
                                 "/monitoring/state",
                                 "/monitoring/history",
                                 "/model",
                                 "/v2"};
      for (std::size_t i = t; !stop; ++i) {
        wrong += ask(api, "POST", "/batch_predict?explain=2&on_error=skip", body).status != 200;
        wrong += ask(api, "GET", pages[i % pages.size()]).status != 200;
      }
    });
  }
  for (int loaded = 1; loaded <= 5; ++loaded) {
    std::ofstream(file, std::ios::app) << "\n";  // the same model by another name
    api.reload();
    const std::string done = R"("loaded":)" + std::to_string(loaded);
    for (int i = 0; i < 300 && !contains(ask(api, "GET", "/model").body, done); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    CHECK(contains(ask(api, "GET", "/model").body, done));
  }
  stop = true;
  threads.clear();
  CHECK(wrong == 0);
}

TEST_CASE("the state outlives an endpoint, and the log names the model", "[serving]") {
  const support::temporary_folder folder;
  const ts::serving::settings settings{
      .model = model, .prediction_log = folder.file("log.jsonl"), .state_file = folder.file("state.json")};
  for (int run = 1; run <= 2; ++run) {
    endpoint<loans> api(settings);
    REQUIRE_FALSE(api.start());
    CHECK(ask(api, "POST", "/predict", loan).status == 200);
    CHECK(contains(ask(api, "GET", "/monitoring/drift").body, "\"samples_observed\":" + std::to_string(run)));
    CHECK(ask(api, "GET", "/monitoring/drift").headers["link"] == "<report>; rel=\"related\"");
    endpoint<loans> other({.model = model, .state_file = settings.state_file});
    CHECK(contains(other.start().value().message, "state.json.lock': another process keeps this file"));
    if (run == 1) continue;  // the destructor saves
    CHECK_FALSE(api.stop());
    CHECK(std::filesystem::remove(settings.state_file));
  }
  CHECK_FALSE(std::filesystem::exists(settings.state_file));  // saved once
  CHECK_FALSE(std::filesystem::exists(settings.state_file + ".lock"));
  const std::string lines = support::contents(folder.file("log.jsonl"));
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  CHECK(contains(lines, "\"model\": \""));
  CHECK(contains(lines, "\"probability\": "));
}

namespace {
struct known_loans : loans {
  using record = ts::schema<ts::id<ts::integer<"loan">>, ts::text<"purpose", ts::min_length{1}>,
                            ts::optional<ts::text<"sector">>, ts::integer<"months", ts::ge{1}, ts::le{480}>,
                            ts::real<"amount", ts::gt{0}>, ts::optional<ts::real<"income", ts::gt{0}>>>;
  static void add_example(ts::batch<record>& records) { records.push_back(1, "car", "public", 48, 12000.0, 2600.0); }
};
}  // namespace

TEST_CASE("labels join the predictions that a service has answered", "[serving]") {
  const support::temporary_folder folder;
  const std::string log = folder.file("log.jsonl");
  endpoint<known_loans> api({.model = model, .prediction_log = log, .label_window = 100});
  REQUIRE_FALSE(api.start());
  const auto ask_it = [&](std::string_view method, std::string_view path, std::string_view body = {}) {
    const auto response = api.handle(request{.method = method, .path = path, .body = body});
    return std::to_string(response.status) + " " + std::string(response.body);
  };
  endpoint<loans> without({.model = model});
  REQUIRE_FALSE(without.start());
  for (int i = 0; i < 120; ++i) {
    const std::string record = R"({"loan":)" + std::to_string(i) + "," + std::string(loan.substr(1));
    CHECK(ask_it("POST", "/predict", record) == "200 " + ask(without, "POST", "/predict", loan).body);
  }
  CHECK(ask_it("POST", "/labels", R"([{"id":30,"label":0},{"id":"31","label":1},{"id":31,"label":1},{"id":31,"label":0},
                                      {"id":5,"label":0}])") ==
        R"(200 {"joined":2,"late":0,"duplicate":1,"contradicting":1,"unknown":1})");
  CHECK(ask_it("POST", "/labels", R"([{"id":40,"label":0},{"id":41,"label":2}])").starts_with("422 "));
  CHECK(
      contains(ask_it("POST", "/labels", R"([{"id":40,"label":0},{"id":41,"label":2}])"), "Label 1: the label is not"));
  CHECK(ask_it("POST", "/labels", R"({"id":40,"label":0})").starts_with("422 "));
  CHECK(ask_it("POST", "/labels", "").starts_with("422 "));
  CHECK(ask_it("POST", "/labels", R"([{"id":40,"label":0}] [])").starts_with("422 "));
  CHECK(ask_it("POST", "/labels", R"([{"id":40,"label":0})").starts_with("422 "));
  CHECK(ask_it("POST", "/labels", "[]") == R"(200 {"joined":0,"late":0,"duplicate":0,"contradicting":0,"unknown":0})");
  const std::string first = R"({"loan":7,)" + std::string(loan.substr(1));
  const auto predicted = [&](std::string_view query, std::string_view path, const std::string& body) {
    const auto response = api.handle(request{.method = "POST", .path = path, .query = query, .body = body});
    return std::to_string(response.status) + " " + std::string(response.body);
  };
  std::string with_id = ask_it("POST", "/predict", first);
  with_id.insert(with_id.size() - 1, R"(,"loan":7)");
  CHECK(predicted("ids=1", "/predict", first) == with_id);
  CHECK(contains(predicted("ids=1&explain=1", "/predict", first), R"("loan":7,"explanation":)"));
  CHECK(contains(predicted("on_error=skip&ids=1", "/batch_predict", R"({"records":[{}, )" + first + "]}"),
                 R"([null,)" + with_id.substr(4) + "]"));
  CHECK(predicted("ids=2", "/predict", first).starts_with("422 "));
  CHECK(ask(without, "POST", "/predict?ids=1", loan).status == 422);
  CHECK(ask(without, "POST", "/predict?ids=0", loan).status == 200);
  const std::string report = ask_it("GET", "/monitoring/performance");
  CHECK(contains(report,
                 R"("window":{"capacity":100,"predictions":100,"repeated":3},"performance":{"task":"binary","n":2,)"));
  const std::string metrics = ask_it("GET", "/metrics");
  CHECK(contains(metrics, "tabscore_labels_total{outcome=\"joined\"} 2\n"));
  CHECK(contains(metrics, "tabscore_performance{figure=\"accuracy\"} 0.5\n"));
  const auto infer = [&](std::string_view query, const std::string& amounts, const std::string& parameters) {
    return predicted(query, "/v2/models/loan_default/infer",
                     R"({"inputs":[{"name":"loan","datatype":"INT64","shape":[3],"data":[7,8,9]},
                         {"name":"purpose","datatype":"BYTES","shape":[3],"data":["car","car","car"]},
                         {"name":"months","datatype":"INT64","shape":[3],"data":[48,48,48]},
                         {"name":"amount","datatype":"FP64","shape":[3],"data":[)" +
                         amounts + "]}]" + parameters + "}");
  };
  CHECK(infer("ids=1", "1,2,3", "").ends_with(R"({"name":"loan","datatype":"INT64","shape":[3],"data":[7,8,9]}]})"));
  CHECK(infer("", "1,0,3", R"(,"parameters":{"ids":true,"on_error":"skip"})")
            .ends_with(R"({"name":"loan","datatype":"INT64","shape":[3],"data":[7,null,9]}]})"));
  CHECK_FALSE(contains(infer("ids=0", "1,2,3", R"(,"parameters":{"ids":false})"), "\"loan\""));
  CHECK(infer("ids=2", "1,2,3", "").starts_with("400 "));
  CHECK(infer("", "1,2,3", R"(,"parameters":{"ids":"yes"})").starts_with("400 "));
  std::ifstream lines(log);
  std::string line;
  std::getline(lines, line);
  CHECK(contains(line, R"("features": {"loan": 0, "purpose": "car")"));

  CHECK(ask(without, "POST", "/labels", "[]").status == 404);
  CHECK(ask(without, "GET", "/monitoring/performance").status == 404);
  CHECK(ask(without, "GET", "/labels").status == 405);
}

TEST_CASE("without labels a service estimates its performance, also without an id", "[serving]") {
  endpoint<loans> api({.model = model, .label_window = 100});
  REQUIRE_FALSE(api.start());
  for (int i = 0; i < 3; ++i) CHECK(ask(api, "POST", "/predict", loan).status == 200);
  const std::string report = ask(api, "GET", "/monitoring/performance").body;
  CHECK(contains(report, R"("estimated":{"predictions":3,"figures":{"accuracy":{"value":0.)"));
  CHECK(contains(report, R"("status":"unknown"},"warning":null},"alarm":false,"references":[{"figure":"roc_auc",)"));
  CHECK(contains(ask(api, "GET", "/metrics").body, "tabscore_expected_performance{figure=\"brier\"} 0."));
  CHECK(ask(api, "POST", "/labels", "[]").status == 404);

  const auto refusal = [](ts::serving::settings wanted) {
    wanted.model = model;
    endpoint<loans> wrong(std::move(wanted));
    const auto failed = wrong.start();
    return failed ? failed->message : std::string();
  };
  CHECK(refusal({.label_folder = "labels"}) == "the setting label_folder needs the setting label_window");
  CHECK(contains(refusal({.performance_references = {{"auc", 0.5}}}),
                 "\"auc\" is not a figure that may have a reference"));
  CHECK(contains(refusal({.performance_alarm = {.tolerance = 1}}), "tolerance is not from 0 to below 1"));
}

TEST_CASE("a model whose labels are worse than its reference is an alarm", "[serving]") {
  const support::temporary_folder folder;
  for (const bool again : {false, true}) {
    endpoint<known_loans> api({.model = model,
                               .label_window = 1000,
                               .label_folder = folder.file("labels"),
                               .performance_references = {{again ? "accuracy_score" : "accuracy", 0.9, "settings"}}});
    REQUIRE_FALSE(api.start());
    std::string labels = "[";
    for (int i = 0; i < 400 && !again; ++i) {
      const std::string record = R"({"loan":)" + std::to_string(i) + "," + std::string(loan.substr(1));
      CHECK(api.handle(request{.method = "POST", .path = "/predict", .body = record}).status == 200);
      labels += (i == 0 ? R"({"id":)" : R"(,{"id":)") + std::to_string(i) + R"(,"label":)" + (i % 2 == 0 ? "1}" : "0}");
    }
    labels += "]";
    CHECK(api.handle(request{.method = "POST", .path = "/labels", .body = labels}).status == 200);
    const auto response = api.handle(request{.method = "GET", .path = "/monitoring/performance"});
    const std::string report(response.body);
    CHECK(contains(report, R"("alarm":true,"references":[{"figure":"accuracy","source":"settings","reference":0.9,)"));
    CHECK(contains(report, R"("status":"fails"},"warning":"The probabilities do not agree)"));
    const auto metrics = api.handle(request{.method = "GET", .path = "/metrics"});
    CHECK(contains(std::string(metrics.body), "tabscore_performance_alarm{figure=\"accuracy\"} 1\n"));
    CHECK(contains(std::string(metrics.body), "tabscore_calibration_failed 1\n"));
  }
}
