// SPDX-License-Identifier: MIT
// Any bytes as a body and as a stream of records: the fast decoder agrees with the reference one, good records are
// those that are good alone, and a stream gives the same however it is cut. Arguments: files or folders to replay.
#include <cstdint>
#include <string>
#include <string_view>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/pipeline/record_stream.hpp>
#include <tabscore/pipeline/score_json.hpp>
#include <variant>
#include <vector>

#include "require.hpp"
#include "support/body.hpp"
#include "support/student_pipeline.hpp"

namespace {

using namespace tabscore;

const std::string plain = "{\"records\":[" + support::student_json() + "]}";

const auto& pipe() {
  static const pipeline p{student{}, rules{support::student_rule}, support::student_features, support::student_model(),
                          sinks{}};
  return p;
}

/// All that can be seen of an outcome, but for where a syntax error's document lies.
std::string text_of(const outcome& o) {
  std::string text = std::to_string(o.index()) + ":";
  const auto add = [&](const auto& value) { text.append(std::to_string(value)).append(" "); };
  const auto* const some = std::get_if<partial_predictions>(&o);
  if (some != nullptr) {
    for (const std::uint32_t row : some->rows) add(row);
    for (const field_error& e : some->errors) add(e.row), add(e.field), add(static_cast<int>(e.what));
    for (const broken_rule& b : some->broken) add(b.row), add(b.rule);
    add(some->records);
  }
  if (const auto* p = some != nullptr ? &some->scores : std::get_if<predictions>(&o)) {
    text.append(reinterpret_cast<const char*>(p->probability.data()), p->probability.size_bytes());
  } else if (const auto* errors = std::get_if<validation_errors>(&o)) {
    for (const field_error& e : *errors) add(e.row), add(e.field), add(static_cast<int>(e.what));
  } else if (const auto* broken = std::get_if<broken_rule>(&o)) {
    add(broken->row), add(broken->rule);
  } else if (const auto* syntax = std::get_if<syntax_error>(&o)) {
    text.append(syntax->message);
    add(syntax->position);
  }
  return text;
}

void fast_and_reference(std::string_view bytes) {
  // Another byte order mark would change what these are.
  if (bytes.empty() || detail::looks_like_utf16_or_32(bytes) || bytes.starts_with("\xEF\xBB\xBF")) return;
  const padded_body body(bytes), taught(plain);
  const padded_body marked("\xEF\xBB\xBF" + std::string(bytes));  // the fast decoder gives up at a byte order mark
  for (const body_shape shape : {body_shape::records, body_shape::record}) {
    workspace<student, coerce::python> fast, reference;
    require(!read_json(taught, fast));  // it knows how records are laid out
    const std::string expected = text_of(score_json(pipe(), marked, reference, shape));
    require(text_of(score_json(pipe(), body, fast, shape)) == expected);
  }
}

void good_alone(std::string_view bytes) {
  const padded_body body(bytes);
  workspace<student, coerce::python> w, strict;
  const outcome some = score_request(&pipe(), body, w, {.on_error = on_error::skip});
  const outcome all = score_json(pipe(), body, strict);
  if (!std::holds_alternative<partial_predictions>(some)) return require(text_of(some) == text_of(all));
  const auto& p = std::get<partial_predictions>(some);
  const bool good = p.rows.size() == p.records;
  require(good == std::holds_alternative<predictions>(all));
  require(p.scores.rows() == p.rows.size() && p.rows.size() <= p.records);
  require(good == (p.errors.empty() && p.broken.empty() && p.unlisted == 0));
  if (good) require(text_of(p.scores) == text_of(all));
}

std::string stream(std::string_view bytes, stream_format format, std::size_t piece, on_error policy) {
  workspace<student, coerce::python> w;
  std::string seen;
  const auto each = [&](std::uint64_t first, const outcome& o) {
    seen.append(std::to_string(first)).append("/").append(text_of(o)).append("\n");
    return true;
  };
  record_stream records(pipe(), w, format, 300, {.on_error = policy});
  bool more = true;
  for (std::size_t at = 0; more && at < bytes.size(); at += piece) more = records.feed(bytes.substr(at, piece), each);
  if (more) records.finish(each);
  return seen;
}

void streams(std::string_view bytes) {
  const std::size_t piece = bytes.empty() ? 1 : 1U + static_cast<unsigned char>(bytes.back()) % 64U;
  for (const stream_format format : {stream_format::lines, stream_format::array}) {
    for (const on_error policy : {on_error::fail, on_error::skip}) {
      const std::string whole = stream(bytes, format, bytes.size() + 1, policy);
      require(stream(bytes, format, piece, policy) == whole);
      require(stream(bytes, format, 1, policy) == whole);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const std::string_view bytes(exact.data(), exact.size());
  fast_and_reference(bytes);
  good_alone(bytes);
  streams(bytes);
  return 0;
}

#include "replay.hpp"
