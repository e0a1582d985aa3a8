// SPDX-License-Identifier: MIT
#include <simdjson.h>

#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/json/decode.hpp>

#include <bit>
#include <random>
#include <string>
#include <type_traits>

#include "support/body.hpp"
#include "support/catch.hpp"
#include "support/student.hpp"

namespace ts = tabscore;

namespace {

using loan = ts::schema<ts::optional<ts::text<"note", ts::max_length{20}>>, ts::real<"rate", ts::gt{-1}, ts::lt{0.5}>,
                        ts::boolean<"owner">, ts::optional<ts::integer<"children", ts::ge{0}>>,
                        ts::text<"a name of more than sixty-four bytes, which is longer than a piece that is compared">,
                        ts::optional<ts::boolean<"late">>, ts::optional<ts::real<"\u00fc">>>;

class generator {
 public:
  explicit generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <std::size_t N>
  std::string_view any(const std::array<std::string_view, N>& of) {
    return of[below(N)];
  }

  template <class Schema>
  std::string body(bool single) {
    open_ = blanks();
    comma_ = one_in(2) ? "" : " ";
    colon_ = one_in(2) ? ":" : " : ";
    oddities_ = one_in(3) ? 40 : 4000;
    shuffle_ = one_in(3);
    for (std::size_t i = 0; i < Schema::size; ++i) order_[i] = i;
    std::shuffle(order_.begin(), order_.begin() + Schema::size, random_);
    if (single) return record<Schema>();
    std::string out = "{" + open_;
    if (one_in(20)) out += "\"extra\":" + std::string(any(odd)) + ",";
    out += "\"records\"" + colon_ + "[";
    const std::size_t n = 1 + below(one_in(4) ? 40 : 4);
    for (std::size_t i = 0; i < n; ++i) out += (i ? "," + comma_ : open_) + record<Schema>();
    out += open_ + "]";
    if (one_in(20)) out += ",\"extra\":" + std::string(any(odd));
    return out + "}" + (one_in(8) ? "\n " : "");
  }

  std::string mutated(std::string body) {
    for (std::size_t i = below(3); i <= 2 && !body.empty(); ++i) {
      const std::size_t at = below(body.size());
      constexpr std::string_view bytes = "\"\\{}[]:,0123456789.eE+-tfn \n\t\r_\x01\x7f\xc3\xa9\xed\xa0\x80";
      switch (below(5)) {
        case 0:
          body[at] = bytes[below(bytes.size())];
          break;
        case 1:
          body.insert(at, 1, bytes[below(bytes.size())]);
          break;
        case 2:
          body.erase(at, 1 + below(3));
          break;
        case 3:
          body.insert(at, body.substr(below(body.size()), below(40)));
          break;
        default:
          body.insert(at, any(odd));
          break;
      }
    }
    return body;
  }

 private:
  static constexpr std::array<std::string_view, 36> odd{
      "null",
      "true",
      "false",
      "\"\"",
      "\"45\"",
      "\" 4_5 \"",
      "[]",
      "{}",
      "45.0",
      "-0",
      "-0.0",
      "1e400",
      "-1e400",
      "NaN",
      "-5",
      "9223372036854775807",
      "1e5",
      "1E-5",
      "0.1e1",
      "007",
      "1.",
      "\"\\u00e9t\\ud83d\\ude00\"",
      "\"\\ud800x\"",
      "\"\xc3\xa9t\xc3\xa9\"",
      "\"\xed\xa0\x80\"",
      "123456789012345678",
      "1234567890123456789",
      "0.1234567890123456789",
      "12345678.12345678",
      "\"a text that is longer than the thirty-two bytes of a block\"",
      "\"tab\\t\"",
      "\"no key\\\":1\"",
      "\"no key\\\",\\\"rate\\\":1\"",
      "\"\t\"",
      "5e-324",
      "[[1],{\"a\":2}]"};

  std::string blanks() {
    constexpr std::array<std::string_view, 5> some{"", "", " ", "\n    ", "\r\n\t  "};
    return std::string(any(some));
  }

  template <class Schema>
  std::string record() {
    if (shuffle_) std::shuffle(order_.begin(), order_.begin() + Schema::size, random_);
    std::string out = "{" + open_;
    bool first = true;
    const auto member = [&](std::string_view key, std::string_view v) {
      if (!first) out += "," + comma_ + open_;
      first = false;
      out += "\"" + std::string(key) + "\"" + colon_ + std::string(v);
    };
    for (std::size_t i = 0; i < Schema::size; ++i) {
      const std::size_t f = order_[i];
      if (one_in(oddities_)) member("unknown", any(odd));
      if (one_in(oddities_)) member(Schema::names[below(Schema::size)], any(odd));
      if (one_in(oddities_) || (!Schema::required[f] && one_in(20))) continue;
      if (one_in(oddities_)) {
        member(Schema::names[f], any(odd));
      } else {
        member(Schema::names[f], plain(Schema::kinds[f]));
      }
    }
    return out + open_ + "}";
  }

  std::string plain(ts::field_kind kind) {
    constexpr std::array<std::string_view, 4> texts{"\"United States\"", "\"US\"", "\"C\xc3\xb4te d'Ivoire\"",
                                                    "\"x\\ny\""};
    switch (kind) {
      case ts::field_kind::integer:
        return std::to_string(below(one_in(5) ? 1'000'000'000'000 : 1000));
      case ts::field_kind::boolean:
        return one_in(2) ? "true" : "false";
      case ts::field_kind::text:
        return std::string(any(texts));
      case ts::field_kind::real:
        break;
    }
    return "0." + std::to_string(below(one_in(4) ? 4'000'000'000'000'000'000 : 400));
  }

  std::mt19937_64 random_;
  std::array<std::size_t, 16> order_{};
  std::string open_, comma_, colon_;
  std::size_t oddities_ = 0;
  bool shuffle_ = false;
};

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return a == b && (a.data() == nullptr) == (b.data() == nullptr);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  } else {
    return a == b;
  }
}

template <class Schema>
bool same(const ts::batch<Schema>& a, const ts::batch<Schema>& b) {
  bool equal = a.rows() == b.rows();
  Schema::for_each([&]<std::size_t I>() {
    for (std::size_t r = 0; equal && r < a.rows(); ++r) {
      equal = same(a.view().template get<I>()[r], b.view().template get<I>()[r]);
    }
  });
  return equal;
}

bool same(const ts::decode_faults& a, const ts::decode_faults& b) {
  return a.errors == b.errors && a.not_finite == b.not_finite;
}

/// Decoders that keep what they learned from body to body, and how the reference path alone answers.
template <class Schema, class Policy>
struct pair {
  ts::decoder<Schema, Policy> optimistic, reference;
  ts::batch<Schema> a, b, c;
  ts::detail::record_layout<Schema> layout[2];
  std::size_t accepted = 0;

  void compare(std::string_view text, std::string_view behind, bool single) {
    if (text.empty()) return;
    const padded_body body(text, behind);
    const padded_body marked("\xEF\xBB\xBF" + std::string(text));  // the fast path gives up at a byte order mark
    const auto run = [&](auto& decoder, const padded_body& p, auto& to) {
      return single ? decoder.record(p, to) : decoder.records(p, to);
    };
    const auto status = run(optimistic, body, a);
    INFO("body: " << text << "\nbehind: " << behind);
    REQUIRE(status == run(reference, marked, b));
    if (status == ts::decode_status::decoded) REQUIRE(same(a, b));
    REQUIRE(same(optimistic.faults(), reference.faults()));
    if (status == ts::decode_status::malformed) {
      REQUIRE(optimistic.syntax().message == reference.syntax().message);
      REQUIRE(optimistic.syntax().position == reference.syntax().position);
    }
    c.clear();
    const simdjson::padded_string_view view = body;
    ts::detail::fast_reader<Schema, Policy> fast(view, c, layout[single]);
    if (single ? fast.record() : fast.records("records", 1'000'000)) {
      ++accepted;
      REQUIRE(status == ts::decode_status::decoded);
      REQUIRE(same(c, b));
    }
  }
};

template <class Schema, class Policy>
void compare_many(std::uint64_t seed, int bodies) {
  generator g(seed);
  pair<Schema, Policy> p;
  for (int i = 0; i < bodies; ++i) {
    const bool single = g.one_in(3);
    const std::string whole = g.body<Schema>(single);
    p.compare(whole, {}, single);
    p.compare(whole, whole, single);
    for (int k = 0; k < 4; ++k) p.compare(g.mutated(whole), whole, single);
    const std::size_t cut = g.below(whole.size());
    p.compare(std::string_view(whole).substr(0, cut), std::string_view(whole).substr(cut), single);
  }
  CHECK(p.accepted > static_cast<std::size_t>(bodies));
}

}  // namespace

TEST_CASE("the fast path stops or equals the reference path, bit for bit", "[property]") {
  compare_many<student, ts::coerce::python>(1, 1500);
  compare_many<student, ts::coerce::strict>(2, 700);
  compare_many<loan, ts::coerce::python>(3, 1500);
  compare_many<loan, ts::coerce::strict>(4, 700);
}

TEST_CASE("a body cut at any byte is refused whatever follows it in memory", "[property]") {
  generator g(5);
  for (const bool single : {false, true}) {
    pair<student, ts::coerce::python> p;
    const std::string whole = g.body<student>(single);
    p.compare(whole, {}, single);
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      p.compare(std::string_view(whole).substr(0, cut), std::string_view(whole).substr(cut), single);
    }
  }
}
