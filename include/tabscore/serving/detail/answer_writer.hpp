// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/text_buffer.hpp"
#include "../../json/error_context.hpp"
#include "../request.hpp"
#include "../request_ids.hpp"
#include "../settings.hpp"
#include "negotiation.hpp"
#include "status.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Writes the answer to the request at hand: its body, its ids, and errors in the dialect that its client is answered
/// in. One per thread; an answer's views live until the next request.
template <class Record>
class answer_writer {
 public:
  explicit answer_writer(error_style errors) : errors_(errors) {}

  void begin(const request& asked) {
    out_.clear();
    asked_ = &asked;
    ids_.begin(asked.request_id, asked.traceparent);
    style_ = accepts_problem(asked.accept) ? error_style::problem : errors_;
    if (asked.path == "/v2" || asked.path.starts_with("/v2/")) style_ = error_style::inference;
  }

  text_buffer& body() noexcept { return out_; }
  const request_ids& ids() const noexcept { return ids_; }

  /// The response with the ids of the request.
  response with_ids(response reply) const {
    reply.request_id = ids_.request_id();
    reply.traceresponse = ids_.traceresponse();
    return reply;
  }

  /// The response with the body that write<Dialect>(context) appends.
  template <class Write>
  response error(response reply, Write&& write) {
    auto context = context_of<Record>();
    context.status = reply.status;
    context.type_prefix = problem_types;
    context.request_id = ids_.request_id();
    const auto plain = [](char c) { return c > ' ' && c < 0x7F; };
    if (std::all_of(asked_->path.begin(), asked_->path.end(), plain)) context.instance = asked_->path;
    with_dialect(style_, [&]<class Dialect>() { write.template operator()<Dialect>(context); });
    if (style_ == error_style::problem) reply.content_type = dialect::problem_details::content_type;
    reply.body = out_.view();
    return reply;
  }
  response detail(response reply, std::string_view text) {
    return error(reply,
                 [&]<class Dialect>(const error_context& context) { Dialect::append_detail(out_, text, context); });
  }
  response detail(unsigned status, std::string_view text) { return detail({.status = status}, text); }

  /// The framework of pydantic answers plain text where no route is to blame.
  response failure(unsigned status, std::string_view why) {
    if ((status != 400 && status != 500) || !speaks_pydantic(style_)) return detail(status, why);
    out_.append(why);
    return {.status = status, .content_type = "text/plain; charset=utf-8", .body = out_.view()};
  }
  /// An answer that could not be made.
  response failed() {
    out_.clear();
    return failure(500, refusal_sentence(500));
  }

 private:
  const error_style errors_;                  // the service's
  error_style style_ = error_style::neutral;  // of the answer
  const request* asked_ = nullptr;            // the one at hand
  request_ids ids_;
  text_buffer out_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
