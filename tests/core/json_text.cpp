// SPDX-License-Identifier: MIT
#include <tabscore/core/json_text.hpp>
#include <tabscore/core/unescape.hpp>

#include <string>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_view_literals;

namespace {
template <ts::escape Escape>
std::string quoted(std::string_view text) {
  ts::text_buffer out;
  ts::append_json_text<Escape>(out, text);
  return std::string(out.view());
}
constexpr auto kept = quoted<ts::escape::needed>;
constexpr auto ascii = quoted<ts::escape::non_ascii>;
}  // namespace

TEST_CASE("a text is escaped as JSON demands, the rest kept", "[core]") {
  CHECK(kept("") == R"("")");
  CHECK(kept("United States") == R"("United States")");
  CHECK(kept("\"\\\n\r\t\b\f\x01\x1f/"sv) == R"("\"\\\n\r\t\b\f\u0001\u001f/")");
  CHECK(kept("\0"sv) == R"("\u0000")");
  CHECK(kept("\x7f \u00c9gypte \u6f22 \ud7ff \U0001F600") == "\"\x7f \u00c9gypte \u6f22 \ud7ff \U0001F600\"");
  CHECK(kept("\xED\xA0\x80|\xED\xBF\xBF") == R"("\ud800|\udfff")");
}

TEST_CASE("a byte is escaped or kept wherever it stands in a long text", "[core]") {
  for (int c = 1; c < 0x80; ++c) {
    const std::string alone(1, static_cast<char>(c));
    for (std::size_t before = 0; before < 17; ++before) {
      const std::string text = std::string(before, 'a') + alone + std::string(20 - before, 'b');
      const auto around = [&](const std::string& quoted_byte) {
        return "\"" + std::string(before, 'a') + quoted_byte.substr(1, quoted_byte.size() - 2) +
               std::string(20 - before, 'b') + "\"";
      };
      CHECK(kept(text) == around(kept(alone)));
      CHECK(ascii(text) == around(ascii(alone)));
    }
  }
  CHECK(kept("Kafr el-Sheikh, \u00c9gypte, \xED\xA0\x80 and more") ==
        "\"Kafr el-Sheikh, \u00c9gypte, \\ud800 and more\"");
}

TEST_CASE("a text is written in ASCII as json.dumps does", "[core]") {
  CHECK(ascii("US\x7f~ ") == R"("US\u007f~ ")");
  CHECK(ascii("\u00c9gypte \u6f22 \ud7ff") == R"("\u00c9gypte \u6f22 \ud7ff")");
  CHECK(ascii("\U0001F600\U0010FFFF") == R"("\ud83d\ude00\udbff\udfff")");
  CHECK(ascii("\xED\xA0\xBD\xED\xB8\x80") == R"("\ud83d\ude00")");
  CHECK(ascii("\n\"") == R"("\n\"")");
}

TEST_CASE("a byte that is not UTF-8 is written as U+FFFD", "[core]") {
  const std::string beyond = "caf\xC3\xA9\xA9\xA9\xA9";  // whose bytes behind the text would make it whole
  CHECK(ascii(std::string_view(beyond).substr(0, 4)) == R"("caf\ufffd")");
  CHECK(ascii("caf\xE9") == R"("caf\ufffd")");
  CHECK(ascii("\xF0\x9F\x98") == R"("\ufffd\ufffd\ufffd")");
  CHECK(ascii("\xE9t\xE9") == R"("\ufffdt\ufffd")");
  CHECK(ascii("\x80\xC0\x80\xC1\xBF\xFF") == R"("\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd")");
  CHECK(ascii("\xE0\x80\x80|\xF4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd|\ufffd\ufffd\ufffd\ufffd")");
  CHECK(kept("\xED\xA0") == "\"\\ufffd\xA0\"");
}

TEST_CASE("a text buffer keeps its memory and its text while it grows", "[core]") {
  ts::text_buffer b;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string piece = std::to_string(i);
    b.append(piece);
    expected += piece;
  }
  CHECK(b.view() == expected);
  const std::size_t capacity = b.capacity();
  b.clear();
  CHECK(b.view().empty());
  CHECK(b.capacity() == capacity);
}

TEST_CASE("a text has the escapes of JSON or others", "[core]") {
  for (const char* const good : {"", "a", R"(\n\"\\/\b\f\r\t)", R"(\ud800\uDC00x\u00eF)", R"(\ud800)"}) {
    CHECK(ts::has_json_escapes(good));
  }
  for (const char* const bad : {R"(\x)", R"(a\)", R"(\u)", R"(\u12)", R"(\u12g4)", R"(\ud800\u123)", R"(\'a)"}) {
    CHECK_FALSE(ts::has_json_escapes(bad));
  }
}
