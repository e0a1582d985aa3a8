// SPDX-License-Identifier: MIT
#include <signal.h>
#include <simdjson.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tabscore/monitor/label.hpp>
#include <tabscore/monitor/label_window.hpp>
#include <tabscore/schema/batch.hpp>

#include <cstdint>
#include <deque>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace ts = tabscore;
using ts::label_outcome;

namespace {

using order = ts::schema<ts::integer<"age">, ts::id<ts::integer<"order">>>;
using named = ts::schema<ts::optional<ts::id<ts::text<"order">>>, ts::integer<"age">>;

void predict(ts::label_window& window, std::int64_t id, double p) {
  ts::batch<order> b;
  b.push_back(1, id);
  const std::uint8_t label = p >= 0.5;
  window.record(ts::scored<order>{b.view(), ts::predictions({&p, 1}, {&label, 1})});
}
label_outcome join(ts::label_window& window, const std::string& id, double label,
                   std::optional<std::int64_t> time = {}) {
  return window.join(id, time, {&label, 1});
}

std::string read(ts::label_reader& reader, const std::string& json, ts::label& to) {
  const simdjson::padded_string text(json);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  if (parser.iterate(text).get(document) != simdjson::SUCCESS || document.get_object().get(object) != simdjson::SUCCESS)
    return "no object";
  const char* const wrong = reader.read(object, to);
  static std::string id;
  id = to.id;  // the document goes
  to.id = id;
  return wrong != nullptr ? wrong : "";
}

}  // namespace

TEST_CASE("labels join the predictions of the window, each id once", "[monitor]") {
  ts::label_window window({}, 100, std::chrono::hours(1));
  for (int i = 0; i < 250; ++i) predict(window, i, i / 250.0);
  predict(window, 249, 0.01);                               // repeated
  CHECK(join(window, "150", 1) == label_outcome::unknown);  // pushed out
  CHECK(join(window, "151", 1) == label_outcome::joined);
  CHECK(join(window, "151", 1) == label_outcome::duplicate);
  CHECK(join(window, "151", 0) == label_outcome::contradicting);
  CHECK(join(window, "249", 1, INT64_MAX / 2) == label_outcome::late);
  CHECK(join(window, "249", 1, 0) == label_outcome::joined);
  CHECK(join(window, "250", 1) == label_outcome::unknown);
  const auto found = window.read();
  CHECK(found.counts.pairs() == 2);
  CHECK(found.counts.confusion(1, 1) == 2);
  CHECK(found.kept == 100);
  CHECK(found.repeated == 1);
  ts::label_window off;
  predict(off, 1, 0.5);
  CHECK(join(off, "1", 1) == label_outcome::unknown);
}

TEST_CASE("a window finds the predictions of a queue and a map of the same size", "[monitor]") {
  std::mt19937_64 random(11);
  for (const std::size_t capacity : {1U, 2U, 7U, 64U}) {
    ts::label_window window({}, capacity);
    std::deque<std::int64_t> queue;     // -1: an id that was there
    std::map<std::int64_t, bool> kept;  // labelled
    std::size_t behind = 0;             // predictions that are not in the index
    for (int step = 0; step < 20000; ++step) {
      const auto id = static_cast<std::int64_t>(random() % (3 * capacity));
      if (random() % 2 == 0) {
        predict(window, id, 0.25);
        if (++behind == capacity || random() % 2 == 0) {
          window.read();
          behind = 0;
        }
        if (queue.size() == capacity) {
          kept.erase(queue.front());
          queue.pop_front();
        }
        queue.push_back(kept.contains(id) ? -1 : id);
        kept.try_emplace(id, false);
      } else {
        behind = 0;
        const auto found = kept.find(id);
        const auto expected = found == kept.end() ? label_outcome::unknown
                              : found->second     ? label_outcome::duplicate
                                                  : label_outcome::joined;
        REQUIRE(join(window, std::to_string(id), 1) == expected);
        if (found != kept.end()) found->second = true;
      }
    }
  }
}

TEST_CASE("of a repeated id the first prediction in the window counts", "[monitor]") {
  ts::label_window window({}, 4);
  for (const int id : {1, 2, 3, 4, 5, 6, 1, 1, 7}) predict(window, id, id == 7 ? 0.75 : 0.25);
  CHECK(join(window, "5", 1) == label_outcome::unknown);
  CHECK(join(window, "6", 1) == label_outcome::joined);
  CHECK(join(window, "1", 1) == label_outcome::joined);
  CHECK(window.read().repeated == 1);
  std::vector<double> all;
  window.for_each(
      [&](std::span<const double> values, std::uint32_t predicted) { all.push_back(values[0] + predicted); });
  CHECK(all == std::vector<double>{0.25, 0.25, 1.75});
}

TEST_CASE("a window in a file outlives its process, and so do the labels of a commit", "[monitor]") {
  const support::temporary_folder folder;
  const std::string path = folder.file("window");
  const ts::model_outputs model;
  bool lost = false;
  const auto open = [&](std::size_t capacity) {
    return ts::label_window::open_file(path, model, capacity, 0600, lost);
  };
  const auto in_a_child = [&](auto&& act) {
    const ::pid_t child = ::fork();
    if (child == 0) {
      auto file = open(50);
      if (!file) ::_exit(1);
      ts::label_window window(model, 50, {}, {1, 2}, std::move(*file));
      act(window);
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  };
  REQUIRE(in_a_child([](ts::label_window& window) {
    for (int i = 0; i < 60; ++i) predict(window, i, i % 2 == 0 ? 0.875 : 0.125);
    predict(window, 59, 0.5);
    for (int i = 20; i < 30; ++i) join(window, std::to_string(i), 1);
    window.commit();
    for (int i = 30; i < 33; ++i) join(window, std::to_string(i), 1);  // not answered
  }));
  for (const bool once_more : {false, true}) {  // also after the end of a program
    auto file = open(50);
    REQUIRE(file);
    ts::label_window window(model, 50, {}, {3, 4}, std::move(*file));
    CHECK_FALSE(lost);
    CHECK(window.read().kept == 50);
    CHECK(window.read().counts.pairs() == (once_more ? 11U : 10U));
    CHECK(window.read().counts.confusion(1, 1) == (once_more ? 6U : 5U));
    CHECK(join(window, "10", 1) == label_outcome::unknown);
    CHECK(join(window, "20", 1) == label_outcome::duplicate);
    CHECK(join(window, "29", 0) == label_outcome::contradicting);
    CHECK(join(window, "30", 1) == (once_more ? label_outcome::duplicate : label_outcome::joined));
    window.commit();
    CHECK_FALSE(open(50));  // this one has it
  }
  const auto other = open(49);
  REQUIRE_FALSE(other);
  CHECK(other.error().message.find("a window of 49 predictions has another size: move it away") != std::string::npos);
  {
    // As if the machine had stopped: another boot, and nobody has closed it.
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const std::uint64_t words[]{1, 2, 0};
    file.seekp(5 * 8);
    file.write(reinterpret_cast<const char*>(words), sizeof words);
  }
  auto file = open(50);
  REQUIRE(file);
  CHECK(lost);
  ts::label_window window(model, 50, {}, {}, std::move(*file));
  CHECK(window.read().kept == 0);
  CHECK(window.read().counts.pairs() == 0);
}

TEST_CASE("records without an id are not kept, and threads may share a window", "[monitor]") {
  ts::label_window window({}, 100000);
  const auto run = [&](int thread) {
    for (int i = 0; i < 2000; ++i) {
      ts::batch<named> b;
      const std::string id = "t" + std::to_string(thread) + "-" + std::to_string(i);
      b.push_back(id, 1);
      b.push_back(std::nullopt, 1);
      const double p[]{0.75, 0.75};
      const std::uint8_t label[]{1, 1};
      window.record(ts::scored<named>{b.view(), ts::predictions(p, label)});
      join(window, id, 1);
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back(run, t);
  for (auto& t : threads) t.join();
  CHECK(window.read().kept == 8000);
  CHECK(window.read().counts.pairs() == 8000);
}

TEST_CASE("labels are read as the task has them", "[monitor]") {
  ts::label to;
  ts::label_reader two{ts::model_outputs()};
  CHECK(read(two, R"({"id":17,"label":1,"time":"2026-01-31T12:00:00+01:00","note":[1,{"a":2}]})", to).empty());
  CHECK(to.id == "17");
  CHECK(to.numbers == std::vector<double>{1});
  CHECK(to.time == std::int64_t{1769857200} * 1'000'000);
  CHECK(read(two, R"({"label":false,"id":"\u0061b","time":null})", to).empty());
  CHECK(to.id == "ab");
  CHECK(to.numbers[0] == 0);
  CHECK_FALSE(to.time);
  CHECK(read(two, R"({"id":"a","label":1.0,"time":12.5})", to).empty());
  CHECK(to.time == 12'500'000);
  const std::string no_id = "the id is not a text or an integer of 64 bits";
  for (const char* const id : {"1.5", "1e3", "\"\"", "null", "true", "[1]", "{}", "-0", "92233720368547758080"}) {
    CHECK(read(two, std::string(R"({"id":)") + id + R"(,"label":1})", to) == no_id);
  }
  for (const char* const label : {"2", "-1", "0.5", "null", "\"1\"", "[1]", "{}", "1e999"}) {
    CHECK(read(two, std::string(R"({"id":1,"label":)") + label + "}", to) == "the label is not 0, 1, false or true");
  }
  for (const char* const time : {"\"today\"", "\"2026-02-30\"", "\"2026-01-01T25:00\"", "true", "1e300", "[]"}) {
    CHECK(read(two, std::string(R"({"id":1,"label":1,"time":)") + time + "}", to).starts_with("the time is not"));
  }
  CHECK(read(two, R"({"id":1,"label":1,"label":0})", to) == "the member \"label\" is duplicated");
  CHECK(read(two, R"({"id":1,"id":2,"label":1})", to) == "the member \"id\" is duplicated");
  CHECK(read(two, R"({"id":1,"time":null,"label":1,"time":5})", to) == "the member \"time\" is duplicated");
  CHECK(read(two, R"({"id":1})", to) == "the member \"label\" is missing");
  CHECK(read(two, R"({"label":1})", to) == "the member \"id\" is missing");

  ts::model_outputs outputs;
  outputs.classes = {"no", "yes"};
  ts::label_reader worded(outputs);
  CHECK(read(worded, R"({"id":1,"label":"yes"})", to).empty());
  CHECK(to.numbers[0] == 1);
  CHECK(read(worded, R"({"id":1,"label":0})", to).empty());
  CHECK(to.numbers[0] == 0);
  outputs.task = ts::task::multiclass;
  outputs.classes = {"1", "2", "5"};
  outputs.columns = 3;
  outputs.classes_are = ts::class_kind::number;
  ts::label_reader several(outputs);
  CHECK(read(several, R"({"id":1,"label":5.0})", to).empty());
  CHECK(to.numbers[0] == 2);
  CHECK(read(several, R"({"id":1,"label":0})", to) == "the label is not one of the model's classes");
  outputs = {};
  outputs.task = ts::task::regression;
  outputs.columns = 2;
  ts::label_reader targets(outputs);
  CHECK(read(targets, R"({"id":1,"label":[1.5,-2]})", to).empty());
  CHECK(to.numbers == std::vector<double>{1.5, -2});
  CHECK_FALSE(read(targets, R"({"id":1,"label":[1.5]})", to).empty());
  CHECK_FALSE(read(targets, R"({"id":1,"label":[1.5,2,3]})", to).empty());
  CHECK_FALSE(read(targets, R"({"id":1,"label":1.5})", to).empty());
}
