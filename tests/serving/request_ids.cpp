// SPDX-License-Identifier: MIT
#include <tabscore/serving/request_ids.hpp>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using tabscore::serving::is_request_id;
using tabscore::serving::read_traceparent;
using tabscore::serving::request_ids;

namespace {
const std::string trace = "0af7651916cd43dd8448eb211c80319c", parent = "b7ad6b7169203331";
const std::string both = trace + "-" + parent;
}  // namespace

TEST_CASE("a header traceparent is read as W3C Trace Context says", "[serving]") {
  const auto flags = [](const std::string& header) {
    const auto found = read_traceparent(header);
    return found && found->trace_id == trace ? int{found->flags} : -1;
  };
  CHECK(flags("00-" + both + "-01") == 1);
  CHECK(flags("00-" + both + "-00") == 0);
  CHECK(flags("00-" + both + "-ff") == 3);
  CHECK(flags("00-" + both + "-0c") == 0);
  CHECK(flags("01-" + both + "-03") == 1);  // of a later version only the sampled bit is known
  CHECK(flags("fe-" + both + "-01-more") == 1);
  for (const std::string& wrong : {std::string(),
                                   both,
                                   "00-" + both,
                                   "00-" + both + "-0",
                                   "00-" + both + "-01-",
                                   "00-" + both + "-01 ",
                                   "ff-" + both + "-01",
                                   "fe-" + both + "-01.more",
                                   "fe-" + both + "-012",
                                   "0-" + both + "-01",
                                   "0g-" + both + "-01",
                                   "0A-" + both + "-01",
                                   "00-" + both + "-0G",
                                   "00-" + both + "-0A",
                                   "00_" + both + "-01",
                                   "00-" + both + "_01",
                                   "00-" + trace + "_" + parent + "-01",
                                   "00-" + std::string(32, '0') + "-" + parent + "-01",
                                   "00-" + trace + "-" + std::string(16, '0') + "-01",
                                   "00-" + trace.substr(1) + "A-" + parent + "-01",
                                   "00-" + trace.substr(1) + "-" + parent + "1-01",
                                   "00-" + trace + "-" + parent.substr(1) + ".-01"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read_traceparent(wrong));
  }
}

TEST_CASE("request ids are visible ASCII that needs no escape in JSON and headers", "[serving]") {
  for (const std::string& good :
       {std::string("a"), std::string("~!#$%&()*+,-./:;<=>?@[]^_`{|}"), std::string(128, 'x')}) {
    CHECK(is_request_id(good));
  }
  for (const std::string& wrong : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("\""),
                                   std::string("'"), std::string("\\"), std::string("\x7F"), std::string("\xC3\xA9"),
                                   std::string("a\r\nb"), std::string("a\0b", 3), std::string("\t")}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_request_id(wrong));
  }
}

TEST_CASE("valid ids of a request are kept, others are made", "[serving]") {
  request_ids ids;
  ids.begin("A-17", "00-" + both + "-01");
  CHECK(ids.request_id() == "A-17");
  CHECK(ids.trace_id() == trace);
  CHECK(ids.traceresponse().starts_with("00-" + trace + "-"));
  CHECK(ids.traceresponse().substr(36, 16) != parent);
  CHECK(ids.traceresponse().ends_with("-01"));
  CHECK(ids.log_members() == R"(, "request_id": "A-17", "trace_id": ")" + trace + "\"");
  ids.begin(std::string(128, 'x'), {});
  CHECK(ids.request_id() == std::string(128, 'x'));
  CHECK(ids.log_members().ends_with("\"" + std::string(ids.trace_id()) + "\""));
  const std::string first(ids.trace_id());
  ids.begin("no id", "00-" + both + "-01x");
  CHECK(ids.request_id().size() == 32);
  CHECK(read_traceparent(ids.traceresponse())->flags == 2);  // a random trace id
  CHECK(ids.trace_id() != first);
}

TEST_CASE("made ids are all different, on several threads too", "[serving]") {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::jthread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&mine] {
      request_ids ids;
      for (int i = 0; i < 5000; ++i) {
        ids.begin({}, {});
        mine.emplace_back(ids.request_id());
        mine.emplace_back(ids.trace_id());
        mine.emplace_back(ids.traceresponse().substr(36, 16));
      }
    });
  }
  threads.clear();
  std::set<std::string> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 60'000);
  CHECK(all.count(std::string(32, '0')) + all.count(std::string(16, '0')) == 0);
}
