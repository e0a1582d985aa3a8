// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../examples/student_server/student.hpp"

/// Students to watch for drift, real or made up, and what may go wrong with the records of a client.
namespace student_faults {

struct row {
  std::string_view country;  // kept() somewhere that outlives every batch, which only views it
  std::int64_t days = 0;
  double minutes = 0;
  std::int64_t courses = 0, started = 0, passed = 0;
  double exam_minutes = 0;
};

inline std::string_view kept(const std::string& text) {
  static std::set<std::string> texts;
  return *texts.insert(text).first;
}

/// The rows of the public data set, none when the file is not there.
inline std::vector<row> read_rows(const std::string& path) {
  std::vector<row> rows;
  std::ifstream file(path);
  std::string line;
  for (std::getline(file, line); std::getline(file, line);) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream words(line);
    row r;
    std::string country;
    words >> country;
    r.country = kept(country);
    words >> r.days >> r.minutes >> r.courses >> r.started >> r.passed >> r.exam_minutes;
    rows.push_back(r);
  }
  return rows;
}

/// Made-up students of about the same kind.
inline std::vector<row> made_up_rows(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto share = [&] { return static_cast<double>(random() >> 11U) * 0x1p-53; };
  static constexpr std::array<std::string_view, 13> countries{"US", "IN", "EG", "GB", "NG", "CA", "DE",
                                                              "BR", "SG", "ID", "PL", "KE", "XX"};
  std::vector<row> rows(count);
  for (row& r : rows) {
    r.country = countries[static_cast<std::size_t>(share() * share() * static_cast<double>(countries.size()))];
    r.days = static_cast<std::int64_t>(share() * 293);
    r.minutes = std::round(10 * std::exp(6 * share() * share() * share() + 2 * share() - 1.5)) / 10;
    r.courses = share() < 0.87 ? 1 : 2 + static_cast<std::int64_t>(5 * share());
    if (share() < 0.09) {
      r.started = 1 + static_cast<std::int64_t>(20 * share() * share());
      r.passed = static_cast<std::int64_t>(static_cast<double>(r.started) * share());
      r.exam_minutes = std::round(5000 * share()) / 100;
    }
  }
  return rows;
}

/// Fills a window of `count` rows, drawn from the given ones without putting any back, and changes them.
struct fault {
  std::string name;
  std::function<bool(const row&)> drawn;
  std::function<void(row&)> change;
};

inline std::vector<fault> all() {
  const auto any = [](const row&) { return true; };
  return {{"minutes sent as hours", any, [](row& r) { r.minutes /= 60, r.exam_minutes /= 60; }},
          {"all minutes zero", any, [](row& r) { r.minutes = r.exam_minutes = 0; }},
          {"all numerics zero", any,
           [](row& r) { r.days = r.courses = r.started = r.passed = 0, r.minutes = r.exam_minutes = 0; }},
          {"only new users (days < 30)", [](const row& r) { return r.days < 30; }, [](row&) {}},
          {"one country only", any, [](row& r) { r.country = "US"; }},
          {"two columns swapped (the minutes)", any, [](row& r) { std::swap(r.minutes, r.exam_minutes); }},
          {"two columns swapped (days and courses)", any, [](row& r) { std::swap(r.days, r.courses); }}};
}
inline fault none() {
  return {"none (clean)", [](const row&) { return true; }, [](row&) {}};
}

inline ts::batch<student> window(const std::vector<row>& rows, std::size_t count, const fault& f,
                                 std::mt19937_64& random) {
  std::vector<row> drawn;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(drawn), f.drawn);
  ts::batch<student> batch;
  for (std::size_t i = 0; i < count && i < drawn.size(); ++i) {
    std::swap(drawn[i], drawn[i + random() % (drawn.size() - i)]);
    row r = drawn[i];
    f.change(r);
    batch.push_back(r.country, r.days, r.minutes, r.courses, r.started, r.passed, r.exam_minutes);
  }
  return batch;
}

/// What the model's monitor counts in the records.
inline std::vector<std::uint64_t> counts_of(const ts::logistic& model, const ts::drift_reference& reference,
                                            const ts::batch<student>& records) {
  ts::drift_monitor_st monitor(reference);
  const ts::pipeline pipe{student{}, student_columns::rules, student_columns::features, model, ts::sinks{monitor}};
  ts::score_buffers buffers;
  static_cast<void>(pipe.score(records, buffers));
  return monitor.counts(ts::window::total);
}

}  // namespace student_faults
