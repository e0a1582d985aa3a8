// SPDX-License-Identifier: MIT
#include <tabscore/compat/pydantic1.hpp>
#include <tabscore/json/explanation.hpp>
#include <tabscore/json/write.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_literals;

TEST_CASE("predictions are written as a list or as one object", "[json]") {
  const ts::prediction_names names("p \"x\"", "hit");
  ts::text_buffer out;
  const auto of = [](std::span<const double> probability) { return ts::predictions(probability, {}, 0.5); };
  const std::array three{0.5, 6.328306117326016e-11, 1.0};
  names.append_list(out, of(three));
  CHECK(
      out.view() ==
      R"({"predictions":[{"p \"x\"":0.5,"hit":1},{"p \"x\"":6.328306117326016e-11,"hit":0},{"p \"x\"":1.0,"hit":1}]})");
  out.clear();
  names.append_list(out, of({}));
  CHECK(out.view() == R"({"predictions":[]})");
  out.clear();
  const std::array quarter{0.25};
  names.append_one(out, of(quarter), 0);
  CHECK(out.view() == R"({"p \"x\"":0.25,"hit":0})");
  out.clear();
  const std::vector<double> many(1000, 0.125);
  names.append_list(out, of(many));
  CHECK(out.size() == R"({"predictions":[]})"s.size() + 1000 * R"({"p \"x\"":0.125,"hit":0},)"s.size() - 1);
}

TEST_CASE("every fault has words, and limits are written as they were declared", "[json]") {
  const std::array<std::string_view, 2> names{"a", "b"};
  const auto item = [&](ts::fault f, ts::limit bound) {
    const ts::field_error e{3, 1, f, bound};
    return ts::to_json<ts::dialect::pydantic1>(std::span(&e, 1), names);
  };
  const auto begin = std::string(R"({"detail":[{"loc":["body","records",3,"b"],"msg":"ensure this value )");
  CHECK(item(ts::fault::gt, 0.5) ==
        begin + R"(is greater than 0.5","type":"value_error.number.not_gt","ctx":{"limit_value":0.5}}]})");
  CHECK(item(ts::fault::le, 1e22) ==
        begin + R"(is less than or equal to 1e+22","type":"value_error.number.not_le","ctx":{"limit_value":1e+22}}]})");
  CHECK(item(ts::fault::lt, -3) ==
        begin + R"(is less than -3","type":"value_error.number.not_lt","ctx":{"limit_value":-3}}]})");
  CHECK(item(ts::fault::max_length, 64) ==
        begin + R"(has at most 64 characters","type":"value_error.any_str.max_length","ctx":{"limit_value":64}}]})");
  for (int f = 0; f < static_cast<int>(ts::fault_count); ++f) {
    CHECK(!ts::dialect::pydantic1::words(static_cast<ts::fault>(f)).message.empty());
    CHECK(!ts::dialect::pydantic1::words(static_cast<ts::fault>(f)).type.empty());
  }
  CHECK(ts::to_json<ts::dialect::pydantic1>(std::span<const ts::field_error>{}, names) == R"({"detail":[]})");
  ts::text_buffer out;
  ts::append_detail<ts::dialect::pydantic1>(out, "a \"b\"");
  CHECK(out.view() == R"({"detail":"a \"b\""})");
}

TEST_CASE("the largest contributions come first, equal ones in the features' order, and nothing is lost", "[json]") {
  const std::vector<std::string> features{"a", "b \"x\"", "c", "d"};
  ts::explanation_writer writer(features);
  const std::vector<double> numbers{0.5, -2.0, 0.5, -0.5, -1.25};
  const auto written = [&](std::size_t most) {
    ts::text_buffer out;
    writer.append(out, numbers, most);
    return std::string(out.view());
  };
  CHECK(written(1) ==
        R"("explanation":{"base_value":-1.25,"contributions":[{"feature":"b \"x\"","contribution":-2.0}],)"
        R"("others":0.5})");
  CHECK(written(3) == R"("explanation":{"base_value":-1.25,"contributions":[{"feature":"b \"x\"","contribution":-2.0},)"
                      R"({"feature":"a","contribution":0.5},{"feature":"c","contribution":0.5}],"others":-0.5})");
  CHECK(written(4) == written(1000));
  CHECK(written(4).find(R"({"feature":"d","contribution":-0.5}],"others":0.0})") != std::string::npos);
  ts::text_buffer out;
  const double inf = std::numeric_limits<double>::infinity();
  writer.append(out, std::array{inf, 1.0, std::nan(""), 0.0, 2.0}, 2);
  CHECK(out.view() == R"("explanation":{"base_value":2.0,"contributions":[{"feature":"c","contribution":null},)"
                      R"({"feature":"a","contribution":null}],"others":1.0})");
}

TEST_CASE("a prediction takes more members", "[json]") {
  const ts::prediction_names names("p", "hit");
  ts::text_buffer out;
  const std::array two{0.5, 0.25};
  const ts::predictions p(two, {}, 0.5);
  names.append_list(out, p, [&](std::size_t i) { out.append(i == 0 ? R"("m":0)" : R"("m":1)"); });
  CHECK(out.view() == R"({"predictions":[{"p":0.5,"hit":1,"m":0},{"p":0.25,"hit":0,"m":1}]})");
  out.clear();
  names.append_list(out, p.slice(0, 0), [](std::size_t) {});
  CHECK(out.view() == R"({"predictions":[]})");
  out.clear();
  names.append_one(out, p, 0, [&] { out.append(R"("m":null)"); });
  CHECK(out.view() == R"({"p":0.5,"hit":1,"m":null})");
}

TEST_CASE("a long list is not copied while it grows", "[json]") {
  const ts::prediction_names names("p", "hit");
  const std::vector<double> many(50'000, 0.125);
  const ts::predictions p(many, {}, 0.5);
  std::vector<std::uint32_t> all(many.size()), others(many.size());  // others: each second one of twice as many
  for (std::uint32_t i = 0; i < 50'000; ++i) all[i] = i, others[i] = 2 * i + 1;
  const auto size_of = [&](auto&& append, std::string_view entry) {
    ts::text_buffer out;
    append(out);
    CHECK(out.capacity() < out.size() / 8 * 9);
    CHECK(out.size() >= many.size() * entry.size());
    return out.size();
  };
  const std::string_view entry = R"({"p":0.125,"hit":0},)", with_null = R"(null,{"p":0.125,"hit":0},)";
  const std::size_t plain = size_of([&](auto& out) { names.append_list(out, p); }, entry);
  CHECK(size_of([&](auto& out) { names.append_open_list(out, p, all, 50'000); }, entry) == plain - 1);
  size_of([&](auto& out) { names.append_open_list(out, p, others, 100'000); }, with_null);
  size_of([&](auto& out) { names.append_list(out, p, [&](std::size_t) { out.append(R"("m":null)"); }); },
          R"({"p":0.125,"hit":0,"m":null},)");
}
