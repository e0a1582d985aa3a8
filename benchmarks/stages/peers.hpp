// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#define PEER_NLOHMANN 1
#endif
#if __has_include(<rapidjson/document.h>)
#include <rapidjson/document.h>
#define PEER_RAPIDJSON 1
#endif
#ifdef PEER_YYJSON
#include <yyjson.h>
#endif
#include <simdjson.h>

/// The same bodies into the same columns with other JSON libraries, as one would write it with them: find the members
/// by name, convert, no checks of bounds.
namespace peers {

struct columns {
  std::vector<std::string> country;
  std::vector<long> days, courses, started, passed;
  std::vector<double> minutes, exams;

  void clear() {
    country.clear();
    days.clear(), courses.clear(), started.clear(), passed.clear();
    minutes.clear(), exams.clear();
  }
};

inline std::vector<std::pair<std::string, std::function<void()>>> decoders(std::string_view text) {
  const auto c = std::make_shared<columns>();
  std::vector<std::pair<std::string, std::function<void()>>> all;
#ifdef PEER_NLOHMANN
  all.emplace_back("peer decode: nlohmann/json", [text, c] {
    c->clear();
    const auto root = nlohmann::json::parse(text);
    for (const auto& r : root["records"]) {
      c->country.push_back(r["student_country"].get<std::string>());
      c->days.push_back(r["days_on_platform"].get<long>());
      c->minutes.push_back(r["minutes_watched"].get<double>());
      c->courses.push_back(r["courses_started"].get<long>());
      c->started.push_back(r["practice_exams_started"].get<long>());
      c->passed.push_back(r["practice_exams_passed"].get<long>());
      c->exams.push_back(r["minutes_spent_on_exams"].get<double>());
    }
  });
#endif
#ifdef PEER_RAPIDJSON
  all.emplace_back("peer decode: RapidJSON DOM", [text, c] {
    c->clear();
    rapidjson::Document root;
    root.Parse<rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
    for (const auto& r : root["records"].GetArray()) {
      c->country.emplace_back(r["student_country"].GetString(), r["student_country"].GetStringLength());
      c->days.push_back(r["days_on_platform"].GetInt64());
      c->minutes.push_back(r["minutes_watched"].GetDouble());
      c->courses.push_back(r["courses_started"].GetInt64());
      c->started.push_back(r["practice_exams_started"].GetInt64());
      c->passed.push_back(r["practice_exams_passed"].GetInt64());
      c->exams.push_back(r["minutes_spent_on_exams"].GetDouble());
    }
  });
#endif
#ifdef PEER_YYJSON
  all.emplace_back("peer decode: yyjson", [text, c] {
    c->clear();
    yyjson_doc* const doc = yyjson_read(text.data(), text.size(), 0);
    std::size_t i, n;
    yyjson_val* r;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "records"), i, n, r) {
      c->country.emplace_back(yyjson_get_str(yyjson_obj_get(r, "student_country")));
      c->days.push_back(yyjson_get_sint(yyjson_obj_get(r, "days_on_platform")));
      c->minutes.push_back(yyjson_get_num(yyjson_obj_get(r, "minutes_watched")));
      c->courses.push_back(yyjson_get_sint(yyjson_obj_get(r, "courses_started")));
      c->started.push_back(yyjson_get_sint(yyjson_obj_get(r, "practice_exams_started")));
      c->passed.push_back(yyjson_get_sint(yyjson_obj_get(r, "practice_exams_passed")));
      c->exams.push_back(yyjson_get_num(yyjson_obj_get(r, "minutes_spent_on_exams")));
    }
    yyjson_doc_free(doc);
  });
#endif
  all.emplace_back("peer decode: simdjson On-Demand", [padded = std::make_shared<simdjson::padded_string>(text),
                                                       parser = std::make_shared<simdjson::ondemand::parser>(), c] {
    c->clear();
    auto doc = parser->iterate(*padded);
    for (auto item : doc["records"].get_array()) {
      auto r = item.get_object();
      c->country.emplace_back(std::string_view(r["student_country"]));
      c->days.push_back(std::int64_t(r["days_on_platform"]));
      c->minutes.push_back(double(r["minutes_watched"]));
      c->courses.push_back(std::int64_t(r["courses_started"]));
      c->started.push_back(std::int64_t(r["practice_exams_started"]));
      c->passed.push_back(std::int64_t(r["practice_exams_passed"]));
      c->exams.push_back(double(r["minutes_spent_on_exams"]));
    }
  });
  return all;
}

}  // namespace peers
