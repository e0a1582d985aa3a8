// SPDX-License-Identifier: MIT
#include <tabscore/pipeline/record_stream.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using ts::stream_format;

namespace {

using item = ts::schema<ts::text<"name">, ts::integer<"count", ts::ge{0}>>;

// The probability is the count in thousandths, so that each record can be told from the others.
struct by_count {
  ts::feature_names names{{"count"}, {}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = x.column(0)[i] / 1000;
  }
};

struct full_disk {  // for the second batch
  std::size_t batches = 0;
  bool admit(const ts::scored<item>&) noexcept { return ++batches != 2; }
  void record(const ts::scored<item>&) noexcept {}
};

struct collected {
  std::vector<double> probability;
  std::vector<std::pair<std::uint64_t, std::string>> wrong;  // first record, what
  std::size_t chunks = 0;
  bool whole = false;
};

struct harness {
  ts::pipeline<item, decltype(ts::rules{ts::rule(ts::col<"count"> < 900, "")}), ts::features<>, by_count> pipe{
      item{}, ts::rules{ts::rule(ts::col<"count"> < 900, "count is below 900")}, ts::features{}, by_count{}};
  ts::workspace<item> w;

  collected run(const std::string& text, stream_format format, std::size_t piece, std::size_t chunk = 200) {
    collected got;
    ts::record_stream stream(pipe, w, format, chunk);
    const auto each = [&](std::uint64_t first, const ts::outcome& o) {
      ++got.chunks;
      if (const auto* p = std::get_if<ts::predictions>(&o)) {
        if (got.wrong.empty()) CHECK(first == got.probability.size());
        got.probability.insert(got.probability.end(), p->probability.begin(), p->probability.end());
      } else if (const auto* e = std::get_if<ts::validation_errors>(&o)) {
        for (const auto& error : *e) got.wrong.emplace_back(first + error.row, "field");
      } else if (const auto* r = std::get_if<ts::broken_rule>(&o)) {
        got.wrong.emplace_back(first + r->row, r->message);
      } else if (const auto* s = std::get_if<ts::syntax_error>(&o)) {
        got.wrong.emplace_back(first, s->message);
      } else {
        got.wrong.emplace_back(first, "unreadable");
      }
      return true;
    };
    bool going = true;
    for (std::size_t at = 0; going && at < text.size(); at += piece) {
      going = stream.feed(std::string_view(text).substr(at, piece), each);
    }
    got.whole = stream.finish(each);
    return got;
  }
};

std::string record(std::size_t count) {
  return R"({"name": "a ]},[{ \" \\ )" + std::to_string(count) + R"(", "count": )" + std::to_string(count) + "}";
}
std::string lines(std::size_t n, const std::string& end = "\n") {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += record(i % 900) + end;
  return text;
}
std::string list(std::size_t n) {
  std::string text = "[";
  for (std::size_t i = 0; i < n; ++i) text += (i ? ", " : " ") + record(i % 900);
  return text + " ]";
}

}  // namespace

TEST_CASE("a stream gives each record its prediction, however its bytes are cut", "[pipeline]") {
  harness h;
  for (const std::size_t n : {1U, 2U, 7U, 100U}) {
    for (const std::size_t piece : {1U, 2U, 3U, 17U, 64U, 100000U}) {
      for (const auto& [text, format] : std::vector<std::pair<std::string, stream_format>>{
               {lines(n), stream_format::lines},
               {lines(n, "\r\n\n  \n"), stream_format::lines},
               {lines(n).substr(0, lines(n).size() - 1), stream_format::lines},
               {list(n), stream_format::array},
               {" {\"records\" :" + list(n) + "\n}\n ", stream_format::array}}) {
        const collected got = h.run(text, format, piece);
        REQUIRE(got.wrong.empty());
        REQUIRE(got.whole);
        REQUIRE(got.probability.size() == n);
        for (std::size_t i = 0; i < n; ++i) REQUIRE(got.probability[i] == static_cast<double>(i % 900) / 1000);
        if (n == 100) CHECK(got.chunks > 10);
      }
    }
  }
}

TEST_CASE("a chunk with a wrong record is not scored, and the record is numbered in the stream", "[pipeline]") {
  harness h;
  const auto text = [](const std::string& wrong) { return lines(20) + wrong + "\n" + lines(20); };
  using found = std::vector<std::pair<std::uint64_t, std::string>>;
  const auto wrong = [&](const std::string& record) { return h.run(text(record), stream_format::lines, 50).wrong; };
  CHECK(wrong(R"({"name": "x", "count": -1})") == found{{20, "field"}});
  CHECK(wrong("17") == found{{20, "field"}});
  CHECK(wrong(record(950)) == found{{20, "count is below 900"}});
  CHECK(wrong(R"({"name": "x", "count": 1)") == found{{20, "Expecting ',' delimiter"}});
  CHECK(wrong(record(1) + "," + record(2)) == found{{20, "Extra data"}});
  CHECK(wrong("]}") == found{{20, "Expecting value"}});
  CHECK(wrong("{\"name\": \"\xFF\", \"count\": 1}") == found{{20, "unreadable"}});
  const auto got = h.run(text(record(950)), stream_format::lines, 50);
  CHECK(got.whole);  // the lines after the chunk are scored
  CHECK(got.probability.size() < 41);
}

TEST_CASE("the records of an array are numbered behind chunks with errors, and behind a refused batch", "[pipeline]") {
  harness h;
  const std::string bad = R"({"name": "x", "count": -1})";
  std::string text = "{\"records\": [" + record(0);
  for (std::size_t i = 1; i < 60; ++i) text += ", " + (i % 6 == 3 ? bad : i % 6 == 5 ? record(950) : record(i));
  text += "]}";
  std::uint64_t next = 0;
  std::vector<std::uint64_t> wrong;
  const auto count = [&](std::uint64_t first, const ts::outcome& o) {
    CHECK(first == next);
    if (const auto* e = std::get_if<ts::validation_errors>(&o)) {
      for (const auto& error : *e) wrong.push_back(first + error.row);
    }
    return true;
  };
  for (const std::size_t chunk : {1U, 200U, 300U, 100000U}) {
    next = 0;
    wrong.clear();
    ts::record_stream stream(h.pipe, h.w, stream_format::array, chunk);
    for (const char c : text) {
      REQUIRE(stream.feed({&c, 1}, count));
      next = stream.records();
    }
    CHECK(stream.finish(count));
    CHECK(stream.records() == 60);
    CHECK(wrong == std::vector<std::uint64_t>{3, 9, 15, 21, 27, 33, 39, 45, 51, 57});
  }

  full_disk disk;
  const ts::pipeline refusing{item{}, ts::rules{}, ts::features{}, by_count{}, ts::sinks{disk}};
  ts::record_stream stream(refusing, h.w, stream_format::array, 1);
  std::vector<std::size_t> outcomes;
  const auto each = [&](std::uint64_t, const ts::outcome& o) { return outcomes.push_back(o.index()), true; };
  CHECK(stream.feed("[" + record(1) + "," + record(2) + "," + record(3) + "]", each));
  CHECK(stream.finish(each));
  CHECK(outcomes == std::vector<std::size_t>{0, ts::outcome(ts::refused{}).index(), 0});
}

TEST_CASE("a line with two records, or with a part of one, is the line to blame", "[pipeline]") {
  harness h;
  using found = std::vector<std::pair<std::uint64_t, std::string>>;
  const std::string bad = R"({"name": "x", "count": -1})";
  const std::string two = record(1) + "," + record(2), two_bad = record(1) + "," + bad;
  const std::string open = R"({"name": "x", "count": 1, "more": [{})", close = R"({}]})";
  const std::string open_object = R"({"name": "x", "count": 1, "more": {"a": {})", close_object = R"("b": {}}})";
  // Errors of fields elsewhere in the chunk have the numbers of their lines, or the wrong line is named.
  for (const std::string& double_line : {two, two_bad}) {
    for (const std::string& text : {double_line + "\n" + lines(3) + bad + "\n", bad + "\n" + double_line + "\n"}) {
      const auto got = h.run(text, stream_format::lines, 50, 100000);
      const std::size_t at = text.starts_with(bad) ? 1 : 0;
      CHECK(got.wrong == found{{at, "Extra data"}});
    }
  }
  // As many records as lines, but others.
  for (const auto& [first, second] : {std::pair(open, close), std::pair(open_object, close_object)}) {
    for (const std::string& text :
         {first + "\n" + second + "\n" + two + "\n", two + "\n" + first + "\n" + second + "\n"}) {
      const auto got = h.run(text, stream_format::lines, 50, 100000);
      REQUIRE(got.wrong.size() == 1);
      CHECK(got.wrong[0].first == 0);
      CHECK(got.probability.empty());
    }
  }
  // With skip each line is told of by its own number.
  const std::string all = two + "\n" + open + "\n" + close + "\n" + record(5) + "\n" + bad + "\n" + two_bad + "\n";
  ts::record_stream stream(h.pipe, h.w, stream_format::lines, 100000, {.on_error = ts::on_error::skip});
  std::vector<std::uint64_t> wrong, scored;
  const auto each = [&](std::uint64_t first, const ts::outcome& o) {
    if (const auto* some = std::get_if<ts::partial_predictions>(&o)) {
      for (const auto row : some->rows) scored.push_back(first + row);
      for (const auto& e : some->errors) wrong.push_back(first + e.row);
    } else {
      wrong.push_back(first);
    }
    return true;
  };
  CHECK(stream.feed(all, each));
  CHECK(stream.finish(each));
  CHECK(scored == std::vector<std::uint64_t>{3});
  CHECK(wrong == std::vector<std::uint64_t>{0, 1, 2, 4, 5});
  CHECK(stream.records() == 6);
  // Brackets within texts and nested members are no reason.
  const std::string nested = R"( {"name": "[[{", "count": 7, "more": [[], {"a": "]"}]})";
  CHECK(h.run(nested + "\n" + nested, stream_format::lines, 50).probability == std::vector<double>{0.007, 0.007});
}

TEST_CASE("a broken array stops the stream and says so", "[pipeline]") {
  harness h;
  const auto last = [&](const std::string& text) {
    const auto got = h.run(text, stream_format::array, 7);
    CHECK_FALSE(got.whole);
    return got.wrong.empty() ? std::string("nothing") : got.wrong.back().second;
  };
  CHECK(last("") == "Unterminated list of records");
  CHECK(last("[") == "Unterminated list of records");
  CHECK(last(list(30).substr(0, 900)) == "Unterminated list of records");
  CHECK(last("{\"records\":" + list(3)) == "Unterminated list of records");
  CHECK(last("{\"others\":" + list(3) + "}") == "Expecting a list of records");
  CHECK(last("{\"rec ords\":" + list(3) + "}") == "Expecting a list of records");
  CHECK(last("{\"records \":" + list(3) + "}") == "Expecting a list of records");
  CHECK(last(list(30) + "x") == "Extra data");
  CHECK(last(list(30) + "}") == "Extra data");
  CHECK(last("[" + record(1) + " " + record(2) + "]") == "Expecting ',' delimiter");
  CHECK(last("[" + record(1) + ",," + record(2) + "]") == "Expecting value");
  CHECK(last("[" + record(1) + ",]") == "Expecting value");
}

TEST_CASE("an empty list has too few records, an empty stream has no records", "[pipeline]") {
  harness h;
  CHECK(h.run("[]", stream_format::array, 1).wrong.size() == 1);
  CHECK(h.run("", stream_format::lines, 1).whole);
  CHECK(h.run("\n \n", stream_format::lines, 1).chunks == 0);
}

TEST_CASE("a stream stops when its callback returns false", "[pipeline]") {
  harness h;
  ts::record_stream stream(h.pipe, h.w, stream_format::lines, 100);
  std::size_t chunks = 0;
  const auto once = [&](std::uint64_t, const ts::outcome&) { return ++chunks < 2; };
  CHECK_FALSE(stream.feed(lines(100), once));
  CHECK(chunks == 2);
  CHECK_FALSE(stream.feed(lines(1), once));
  CHECK_FALSE(stream.finish(once));
}

namespace {

/// All that a stream with on_error::skip finds: of each record its probability or what is wrong with it.
std::vector<std::string> skipping(harness& h, const std::string& text, stream_format format, std::size_t piece,
                                  std::size_t chunk) {
  std::vector<std::string> found;
  ts::record_stream stream(h.pipe, h.w, format, chunk, {.on_error = ts::on_error::skip});
  const auto each = [&](std::uint64_t first, const ts::outcome& o) {
    REQUIRE(first == found.size());
    if (const auto* s = std::get_if<ts::syntax_error>(&o)) {
      found.emplace_back(s->message);
    } else if (std::holds_alternative<ts::unreadable>(o)) {
      found.push_back("unreadable");
    } else {
      const auto& p = std::get<ts::partial_predictions>(o);
      found.resize(found.size() + p.records);
      for (std::size_t i = 0; i < p.rows.size(); ++i) {
        found[first + p.rows[i]] = std::to_string(p.scores.probability[i]);
      }
      for (const auto& e : p.errors) found[first + e.row] += "field";
      for (const auto& b : p.broken) found[first + b.row] += b.message;
    }
    return true;
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!stream.feed(std::string_view(text).substr(at, piece), each)) break;
  }
  CHECK(stream.finish(each));
  CHECK(stream.records() == found.size());
  return found;
}

}  // namespace

TEST_CASE("a stream that skips predicts each good record beside the bad ones", "[pipeline]") {
  harness h;
  const std::string field = R"({"name": "x", "count": -1})", rule = record(950), cut = R"({"name": "x", "count": 1)";
  const std::vector<std::string> bad_lines{cut,
                                           record(1) + "," + record(2),
                                           "]}",
                                           "\xEF\xBB\xBF" + record(1),
                                           "{\"name\": \"\xFF\", \"count\": 1}",
                                           "x",
                                           "\"",
                                           "{\"a\":[1"};
  const std::vector<std::string> wrong_of{"Expecting ',' delimiter",
                                          "Extra data",
                                          "Expecting value",
                                          "Expecting value",
                                          "unreadable",
                                          "Expecting value",
                                          "Unterminated string starting at",
                                          "Expecting ',' delimiter"};
  for (const std::size_t chunk : {1U, 60U, 300U, 100000U}) {
    for (const std::size_t piece : {1U, 37U, 100000U}) {
      std::string as_lines, as_list = "[";
      std::vector<std::string> of_lines, of_list;
      for (std::size_t i = 0; i < 60; ++i) {
        const std::string& one = i % 7 == 2 ? field : i % 7 == 5 ? rule : record(i);
        const std::string right = i % 7 == 2   ? "field"
                                  : i % 7 == 5 ? "count is below 900"
                                               : std::to_string(static_cast<double>(i) / 1000);
        as_lines += one + "\n";
        as_list += (i != 0 ? "," : "") + one;
        of_lines.push_back(right);
        of_list.push_back(right);
        if (i % 5 == 4 || i > 50) {
          as_lines += bad_lines[i % bad_lines.size()] + "\n";
          of_lines.push_back(wrong_of[i % wrong_of.size()]);
        }
      }
      CHECK(skipping(h, as_lines, stream_format::lines, piece, chunk) == of_lines);
      CHECK(skipping(h, as_list + "]", stream_format::array, piece, chunk) == of_list);
    }
  }
}

TEST_CASE("a stream that skips stops when its callback returns false, and at a broken array", "[pipeline]") {
  harness h;
  ts::record_stream some(h.pipe, h.w, stream_format::lines, 100000, {.on_error = ts::on_error::skip});
  std::size_t calls = 0;
  CHECK(some.feed(lines(3) + "x\n" + lines(3) + "y\n", [](std::uint64_t, const ts::outcome&) { return true; }));
  CHECK_FALSE(some.finish([&](std::uint64_t, const ts::outcome&) { return ++calls < 2; }));
  CHECK(calls == 2);
  ts::record_stream broken(h.pipe, h.w, stream_format::array, 1, {.on_error = ts::on_error::skip});
  std::string last;
  const auto each = [&](std::uint64_t, const ts::outcome& o) {
    if (const auto* s = std::get_if<ts::syntax_error>(&o)) last = s->message;
    return true;
  };
  CHECK_FALSE(broken.feed("[" + record(1) + ",x," + record(2) + "]", each));
  CHECK(last == "Expecting value");
}

TEST_CASE("a model without contributions explains no stream", "[pipeline]") {
  harness h;
  ts::record_stream stream(h.pipe, h.w, stream_format::lines, 1000, {.explain = true});
  std::string why;
  stream.feed(lines(3), [](std::uint64_t, const ts::outcome&) { return true; });
  stream.finish([&](std::uint64_t, const ts::outcome& o) {
    why = std::get<ts::error>(o).message;
    return true;
  });
  CHECK(why == "the model has no contributions");
}
