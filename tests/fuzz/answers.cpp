// SPDX-License-Identifier: MIT
// Any bytes as a body: whatever is found wrong with them, every dialect answers in correct JSON; and as an inference
// request: what is decoded is written and decoded again as it was. Arguments: files or folders to replay.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tabscore/compat/inference_errors.hpp>
#include <tabscore/compat/problem_details.hpp>
#include <tabscore/compat/pydantic1.hpp>
#include <tabscore/compat/pydantic2.hpp>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/compat/tensor_decoder.hpp>
#include <tabscore/json/decode.hpp>
#include <tabscore/json/write.hpp>
#include <vector>

#include "require.hpp"

namespace {

using namespace tabscore;

using record = schema<text<"t", min_length{2}, max_length{4}>, integer<"i", ge{0}>, real<"x", lt{9.5}>,
                      optional<boolean<"b">>, optional<text<"o">>>;

void require_json(std::string_view answer) {
  require(simdjson::validate_utf8(answer.data(), answer.size()));
  require(!detail::json_check(answer).run());  // simdjson would refuse escaped surrogates
}

template <class Dialect>
void answer(std::span<const field_error> errors, const syntax_error* syntax, const error_context& context) {
  require_json(syntax != nullptr ? to_json<Dialect>(*syntax, context) : to_json<Dialect>(errors, context));
}

void answer_in_all(std::span<const field_error> errors, const syntax_error* syntax, std::string_view document) {
  auto context = context_of<record>(document);
  for (const std::size_t most : {std::size_t{SIZE_MAX}, std::size_t{200}}) {
    context.most_bytes = most;
    answer<dialect::neutral>(errors, syntax, context);
    answer<dialect::pydantic1>(errors, syntax, context);
    answer<dialect::pydantic2>(errors, syntax, context);
    answer<dialect::problem_details>(errors, syntax, context);
    answer<dialect::inference>(errors, syntax, context);
  }
}

void read_json(std::string_view body) {
  const simdjson::padded_string padded(body);
  decoder<record, coerce::python> decode("records", {.max_records = 5});
  batch<record> to;
  for (const bool one : {false, true}) {
    switch (one ? decode.record(padded, to) : decode.records(padded, to)) {
      case decode_status::decoded:
        answer_in_all(decode.faults().not_finite, nullptr, body);
        break;
      case decode_status::invalid:
        answer_in_all(decode.faults().errors, nullptr, body);
        break;
      case decode_status::malformed:
        answer_in_all({}, &decode.syntax(), body);
        break;
      case decode_status::unreadable:
        break;
    }
  }
}

void read_tensors(std::string_view body) {
  tensor_decoder<record> decode({.max_records = 1000});
  batch<record> to;
  text_buffer out;
  switch (decode.read(body, to)) {
    case tensor_status::malformed:
      append_detail<dialect::inference>(out, decode.problem());
      require_json(out.view());
      break;
    case tensor_status::invalid:
      answer_in_all(decode.faults().errors, nullptr, {});
      break;
    case tensor_status::decoded: {
      const auto written = [&] {
        text_buffer text;
        text.append(R"({"inputs":[)");
        append_tensors(text, to.view());
        text.append("]}");
        return std::string(text.view());
      };
      const std::string first = written();
      require_json(first);
      require(decode.read(first, to) == tensor_status::decoded);
      require(written() == first);
      break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const std::string_view body(exact.data(), exact.size());
  read_json(body);
  read_tensors(body);
  return 0;
}

#include "replay.hpp"
