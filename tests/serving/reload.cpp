// SPDX-License-Identifier: MIT
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tabscore/serving/endpoint.hpp>
#include <tabscore/serving/httplib.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/loan_service.hpp"

namespace ts = tabscore;
using support::loans;
using ts::serving::endpoint;

namespace {

const std::string& model = support::loan_model;

std::string get(endpoint<loans>& api, std::string_view path) {
  return std::string(api.handle({.method = "GET", .path = path}).body);
}

/// Waits until the page has the text.
bool waits_for(endpoint<loans>& api, std::string_view path, std::string_view part) {
  for (int i = 0; i < 1500; ++i) {
    if (get(api, path).find(part) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

}  // namespace

TEST_CASE("a held response outlives the model that made it", "[serving]") {
  const support::temporary_folder folder;
  const std::string file = folder.file("model.json");
  std::filesystem::copy_file(model, file);
  endpoint<loans> api({.model = file});
  REQUIRE_FALSE(api.start());
  for (const char* const path : {"/openapi.json", "/model", "/v2/models/loan_default", "/dashboard"}) {
    const auto held = api.handle({.method = "GET", .path = path});
    const std::string before(held.body), loaded = R"("loaded":)";
    const std::string card = get(api, "/model");
    const int count = card[card.find(loaded) + loaded.size()] - '0';
    std::ofstream(file, std::ios::app) << "\n";  // the same model by another name
    api.reload();
    REQUIRE(waits_for(api, "/model", loaded + std::to_string(count + 1)));
    std::this_thread::sleep_for(std::chrono::milliseconds(600));  // the old one is freed
    CHECK(held.body == before);
  }
}

TEST_CASE("settings::notify may call the endpoint", "[serving]") {
  const support::temporary_folder folder;
  const std::string file = folder.file("model.json");
  std::filesystem::copy_file(model, file);
  endpoint<loans>* running = nullptr;
  std::mutex mutex;
  std::vector<std::string> cards;  // as they are at each event
  endpoint<loans> api({.model = file, .notify = [&](std::string_view) {
                         std::string card = get(*running, "/model");
                         running->reload();  // of the file that is served: no event
                         const std::lock_guard lock(mutex);
                         cards.push_back(std::move(card));
                       }});
  running = &api;
  REQUIRE_FALSE(api.start());
  std::ofstream(file, std::ios::app) << "\n";
  api.reload();
  REQUIRE(waits_for(api, "/model", R"("loaded":1)"));
  for (int i = 0; i < 500; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::lock_guard lock(mutex);
    if (!cards.empty()) break;
  }
  const std::lock_guard lock(mutex);
  REQUIRE(cards.size() == 1);
  CHECK(cards[0].find(R"("loaded":1)") != std::string::npos);
}

TEST_CASE("a log that cannot be rotated is an event", "[serving]") {
  const support::temporary_folder folder;
  const std::string log = folder.file("log.jsonl");
  std::vector<std::string> events;
  endpoint<loans> api(
      {.model = model, .prediction_log = log, .notify = [&](std::string_view event) { events.emplace_back(event); }});
  REQUIRE_FALSE(api.start());
  api.rotate_log();
  CHECK(events.empty());
  std::filesystem::rename(log, log + ".old");
  std::filesystem::create_directory(log);
  api.rotate_log();
  REQUIRE(events.size() == 1);
  CHECK(events[0] == "the prediction log cannot be rotated: its file stays in use");
}

TEST_CASE("requests of cpp-httplib become those of an endpoint", "[serving]") {
  struct incoming {
    std::string method = "GET", target = "/predict?ids=1", body = "{}";
    std::multimap<std::string, std::string> headers{};
    std::size_t get_header_value_count(const std::string& name) const { return headers.count(name); }
    std::string get_header_value(const std::string& name, std::size_t at = 0) const {
      auto [it, end] = headers.equal_range(name);
      for (; it != end && at != 0; --at) ++it;
      return it == end ? std::string() : it->second;
    }
  };
  const incoming one{.headers = {{"Accept", "text/html"}, {"X-Request-Id", "a"}, {"traceparent", "b"}}};
  const ts::serving::detail::httplib_request single(one);
  CHECK(single.asked.path == "/predict");
  CHECK(single.asked.query == "ids=1");
  CHECK(single.asked.accept == "text/html");
  CHECK(single.asked.request_id == "a");
  CHECK(single.asked.traceparent == "b");
  CHECK(single.asked.content_encoding.empty());
  const incoming two{.headers = {{"Accept", "text/html"},
                                 {"Accept", "application/problem+json"},
                                 {"Content-Encoding", "identity"},
                                 {"Content-Encoding", "gzip"},
                                 {"X-Request-Id", "a"},
                                 {"X-Request-Id", "b"},
                                 {"traceparent", "c"},
                                 {"traceparent", "d"}}};
  const ts::serving::detail::httplib_request several(two);
  CHECK(several.asked.accept == "text/html,application/problem+json");
  CHECK(several.asked.content_encoding == "identity,gzip");
  CHECK(several.asked.request_id.empty());
  CHECK(several.asked.traceparent.empty());
}
