// SPDX-License-Identifier: MIT
#include <simdjson.h>

#include <tabscore/compat/pydantic1.hpp>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/json/decode.hpp>
#include <tabscore/json/write.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "support/catch.hpp"
#include "support/student.hpp"

namespace ts = tabscore;

namespace {

std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t d = digits.find(c);
    if (d == std::string_view::npos) break;
    bits = bits << 6U | static_cast<std::uint32_t>(d);
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFFU);
  }
  return out;
}

/// What the library makes of a body: nothing when it is accepted, otherwise status and answer.
std::string answer(std::string_view path, const std::string& body) {
  const simdjson::padded_string padded(body);
  ts::decoder<student, ts::coerce::python> decode;
  ts::batch<student> batch;
  const auto status = path == "/predict" ? decode.record(padded, batch) : decode.records(padded, batch);
  switch (status) {
    case ts::decode_status::decoded: {
      const auto started = batch.view().get<"practice_exams_started">();
      const auto passed = batch.view().get<"practice_exams_passed">();
      for (std::size_t i = 0; i < batch.rows(); ++i) {
        if (passed[i] > started[i])
          return R"(422 {"detail":"practice_exams_passed cannot exceed practice_exams_started."})";
      }
      return decode.faults().not_finite.empty()
                 ? "200"
                 : "422 " + ts::to_json<ts::dialect::pydantic1>(decode.faults().not_finite, student::names);
    }
    case ts::decode_status::invalid:
      return "422 " + ts::to_json<ts::dialect::pydantic1>(decode.faults().errors, student::names);
    case ts::decode_status::malformed:
      return "422 " + ts::to_json<ts::dialect::pydantic1>(decode.syntax());
    case ts::decode_status::unreadable: {
      ts::text_buffer out;
      ts::append_detail<ts::dialect::pydantic1>(out, ts::dialect::pydantic1::unreadable_detail);
      return "400 " + std::string(out.view());
    }
  }
  return {};
}

/// Bodies that are refused on purpose where the reference took them (docs/reference/compatibility.md).
bool deviates(std::string_view group, std::string_view body, std::string_view ours) {
  if (group == "pair_list_objects" || group == "reference_500") return true;
  if (ours.find("value_error.number.not_int64") != std::string_view::npos) return true;               // beyond 64 bits
  if (group == "encoding" && body.find('\0') < 2 && body.size() > 1) return ours.starts_with("400");  // UTF-16, UTF-32
  if (group == "encoding" && (body.starts_with("\xFF\xFE") || body.starts_with("\xFE\xFF"))) return true;
  return group == "toplevel" && body == R"(["ab"])";  // an array of pairs
}

}  // namespace

TEST_CASE("bodies are answered as the reference service answered them", "[json]") {
  const std::filesystem::path file =
      std::filesystem::path(TABSCORE_SOURCE_DIR) / "../shared/conformance/http_cases.jsonl";
  std::ifstream in(file);
  if (!in) return;  // the recorded exchanges are not part of the repository
  simdjson::dom::parser parser;
  std::map<std::string, int> compared;
  for (std::string line; std::getline(in, line);) {
    const simdjson::dom::element e = parser.parse(line).value();
    const auto member = [&](const char* name) {
      std::string_view v;
      return e[name].get(v) ? std::string() : std::string(v);
    };
    const std::string path = member("path");
    const std::string group = member("group");
    if (member("method") != "POST" || (path != "/predict" && path != "/batch_predict")) continue;
    if (group == "content_type" || group == "server_specific" || group == "methods") continue;
    if (const auto type = e["request_headers"]["content-type"]; !type.error()) {
      if (std::string_view(type).find("json") == std::string_view::npos) continue;
    }
    std::string body = member("request_body");
    if (body.empty()) body = from_base64(member("request_body_b64"));

    std::string expected = std::to_string(e["status"].get_int64().value());
    if (expected != "200") expected += " " + member("response_body");
    const std::string ours = answer(path, body);
    if (deviates(group, body, ours)) {
      CHECK(ours != "200");
      continue;
    }
    INFO(member("id") << ": " << member("note"));
    CHECK(ours == expected);
    ++compared[group];
  }
  CHECK(compared["json_syntax"] > 100);
  CHECK(compared["wrong_types"] > 100);
}
