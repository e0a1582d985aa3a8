// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../schema/field_error.hpp"
#include "../schema/schema.hpp"
#include "syntax.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The context of errors for a dialect. All views must outlive the call.
struct error_context {
  std::span<const std::string_view> names = {};  ///< of the schema's fields
  std::string_view list = "records";             ///< the member that holds the records
  std::span<const field_kind> kinds = {};        ///< of the fields
  /// The body that the errors are of, if it is correct JSON: dialects that show wrong values find them there.
  std::string_view document = {};
  std::string_view place = "body";    ///< of the request that is wrong; or "query", whose parameters are the names
  std::size_t most_bytes = SIZE_MAX;  ///< of all errors together; the rest is only counted
  std::size_t unlisted = 0;           ///< further errors that are not among those given
  unsigned status = 422;              ///< of the answer, for dialects that repeat it
  std::string_view instance = {};     ///< target of the request, a URI reference
  std::string_view type_prefix = {};  ///< before the names of problem types, to make URI references of them
  std::string_view request_id = {};   ///< for the member request_id of neutral errors and problem details
};

/// The context of a schema's errors in a body.
template <schema_type Schema>
error_context context_of(std::string_view document = {}) {
  return {.names = Schema::names, .kinds = Schema::kinds, .document = document};
}

namespace detail {

inline void append_limit(text_buffer& out, const limit& l) {
  char* const to = out.space(number_text_space);
  out.keep_to(l.is_real ? write_real(to, l.real()) : write_integer(to, l.integer));
}
/// The members that tell where a body stops being JSON.
inline void append_place(text_buffer& out, const syntax_error& e) {
  append_json(out, R"(,"position":)", e.position, R"(,"line":)", e.line, R"(,"column":)", e.column);
}

/// The items of a list of errors, up to the most bytes of the context.
class error_items {
 public:
  error_items(text_buffer& out, const error_context& context) noexcept
      : out_(out), begin_(out.size()), most_bytes_(context.most_bytes), unlisted_(context.unlisted) {}

  /// append() writes one item; it is taken back when there is no room, and no later one is written.
  template <class F>
  void add(F&& append) {
    if (full_) {
      ++unlisted_;
      return;
    }
    const std::size_t end = out_.size();
    if (end != begin_) out_.append(",");
    append();
    if (out_.size() - begin_ <= most_bytes_) return;
    out_.keep_to(out_.view().data() + end);
    full_ = true;
    ++unlisted_;
  }
  /// Closes the list and the object around it, with "errors_not_listed" when some are not, and "request_id" if given.
  void close(std::string_view request_id = {});

 private:
  text_buffer& out_;
  std::size_t begin_, most_bytes_, unlisted_;
  bool full_ = false;
};

/// Appends the member request_id, if there is one.
void append_request_id(text_buffer& out, std::string_view request_id);

/// "Expecting value: line 1 column 2 (char 1)"
inline std::string syntax_sentence(const syntax_error& e) {
  std::string text(e.message);
  text.append(": line ").append(std::to_string(e.line)).append(" column ").append(std::to_string(e.column));
  return text.append(" (char ").append(std::to_string(e.position)).append(")");
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE void append_request_id(text_buffer& out, std::string_view request_id) {
  if (!request_id.empty()) append_json(out, R"(,"request_id":)", quoted{request_id});
}

TABSCORE_INLINE void error_items::close(std::string_view request_id) {
  out_.append("]");
  if (unlisted_ != 0) append_json(out_, R"(,"errors_not_listed":)", unlisted_);
  append_request_id(out_, request_id);
  out_.append("}");
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
#endif
