// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "../core/json_text.hpp"
#include "../core/number_text.hpp"
#include "../core/text_buffer.hpp"
#include "../schema/field_error.hpp"
#include "dialect.hpp"
#include "python_json.hpp"

namespace tabscore {

/// The fixed text of a response with predictions, made once from the names of its members.
class prediction_names {
 public:
  explicit prediction_names(std::string_view probability, std::string_view positive,
                            std::string_view list = "predictions") {
    text_buffer t;
    const auto made = [&](std::string& to) {
      to = t.view();
      t.clear();
    };
    t.append("{");
    append_json_text(t, list);
    t.append(":[");
    made(begin_);
    t.append("{");
    append_json_text(t, probability);
    t.append(":");
    made(before_probability_);
    t.append(",");
    append_json_text(t, positive);
    t.append(":");
    made(before_positive_);
  }

  /// Appends {"predictions":[{"p":0.25,"positive":0},...]}: one entry a record, positive where the probability reaches
  /// the threshold.
  void append_list(text_buffer& out, std::span<const double> probability, double threshold) const {
    out.append(begin_);
    constexpr std::size_t block = 256;  // records whose room is asked for at once
    for (std::size_t i = 0; i < probability.size(); i += block) {
      const auto some = probability.subspan(i, std::min(block, probability.size() - i));
      char* to = out.space(some.size() * entry_space());
      for (const double p : some) {
        to = entry(to, p, threshold);
        *to++ = ',';
      }
      out.keep_to(to);
    }
    if (!probability.empty()) out.keep_to(out.space(0) - 1);  // the last comma
    out.append("]}");
  }

  /// Appends {"predictions":[{"p":0.25,"positive":0},null,...]: one entry for each of `records`, null for those that
  /// are not among `rows`, which are ascending, one for each probability. The closing brace is left to the caller.
  void append_open_list(text_buffer& out, std::span<const double> probability, double threshold,
                        std::span<const std::uint32_t> rows, std::size_t records) const {
    out.append(begin_);
    std::size_t next = 0;
    for (std::size_t row = 0; row < records; ++row) {
      char* to = out.space(entry_space());
      if (row > 0) *to++ = ',';
      if (next < rows.size() && rows[next] == row) {
        to = entry(to, probability[next++], threshold);
      } else {
        to += std::string_view("null").copy(to, 4);
      }
      out.keep_to(to);
    }
    out.append("]");
  }

  /// Appends {"p":0.25,"positive":0}.
  void append_one(text_buffer& out, double probability, double threshold) const {
    out.keep_to(entry(out.space(entry_space()), probability, threshold));
  }

 private:
  std::size_t entry_space() const noexcept {
    return before_probability_.size() + before_positive_.size() + number_text_space + 4;
  }
  char* entry(char* to, double p, double threshold) const noexcept {
    to += before_probability_.copy(to, before_probability_.size());
    to = write_real<spelling::json>(to, p);
    to += before_positive_.copy(to, before_positive_.size());
    *to++ = p >= threshold ? '1' : '0';
    *to++ = '}';
    return to;
  }

  std::string begin_;
  std::string before_probability_;
  std::string before_positive_;
};

/// Appends {"detail":"text"}.
inline void append_detail(text_buffer& out, std::string_view text) {
  out.append(R"({"detail":)");
  append_json_text(out, text);
  out.append("}");
}

/// Appends the item of one error, as Dialect words it.
template <class Dialect = dialect::pydantic1>
void append_error(text_buffer& out, const field_error& e, std::span<const std::string_view> names,
                  std::string_view list = "records") {
  const auto integer = [&](std::uint64_t v) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
  };
  const auto bound = [&](const limit& l) {
    char* const to = out.space(number_text_space);
    out.keep_to(l.is_real ? write_real(to, l.real()) : write_integer(to, l.integer));
  };
  out.append(R"({"loc":["body")");
  if (e.row != field_error::no_row) {
    out.append(",");
    append_json_text(out, list);
    if (e.row != field_error::all_rows) {
      out.append(",");
      integer(e.row);
    }
  }
  if (e.field != field_error::no_field) {
    out.append(",");
    append_json_text(out, names[e.field]);
  }
  const auto words = Dialect::words(e.what);
  out.append(R"(],"msg":")");
  out.append(words.message);
  if (words.has_limit) bound(e.bound);
  out.append(words.after);
  out.append(R"(","type":")");
  out.append(words.type);
  out.append("\"");
  if (words.has_limit) {
    out.append(R"(,"ctx":{"limit_value":)");
    bound(e.bound);
    out.append("}");
  }
  out.append("}");
}

/// The items of a list of errors, as many as there is room for.
class error_items {
 public:
  /// `most_bytes` is for all items together; `unlisted` errors are known of already that will not be appended.
  explicit error_items(text_buffer& out, std::size_t most_bytes = SIZE_MAX, std::size_t unlisted = 0)
      : out_(out), begin_(out.size()), most_bytes_(most_bytes), unlisted_(unlisted) {}

  /// append() writes one item; it is taken back when the room is exceeded, and no later one is written.
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
  /// Closes the list and the object around it, with "errors_not_listed" when some are not.
  void close() {
    out_.append("]");
    if (unlisted_ != 0) {
      out_.append(R"(,"errors_not_listed":)");
      out_.keep_to(write_integer(out_.space(number_text_space), static_cast<std::int64_t>(unlisted_)));
    }
    out_.append("}");
  }

 private:
  text_buffer& out_;
  std::size_t begin_, most_bytes_, unlisted_;
  bool full_ = false;
};

/// Appends {"detail":[...]}, one item an error, as Dialect words it. `names` are the schema's, `list` is the member
/// that holds the records. Errors beyond `most_bytes` of text, and the `unlisted` ones, are only counted, in a member
/// "errors_not_listed".
template <class Dialect = dialect::pydantic1>
void append_errors(text_buffer& out, std::span<const field_error> errors, std::span<const std::string_view> names,
                   std::string_view list = "records", std::size_t most_bytes = SIZE_MAX, std::size_t unlisted = 0) {
  out.append(R"({"detail":[)");
  error_items items(out, most_bytes, unlisted);
  for (const field_error& e : errors) items.add([&] { append_error<Dialect>(out, e, names, list); });
  items.close();
}

/// Appends {"detail":[...]} with the one item of a body that is no JSON. It quotes the body, of a long one the
/// beginning: the text is about `most_bytes` long at most.
template <class Dialect = dialect::pydantic1>
void append_syntax_error(text_buffer& out, const syntax_error& e, std::size_t most_bytes = SIZE_MAX) {
  const auto integer = [&](std::string_view before, std::size_t v) {
    out.append(before);
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
  };
  text_buffer message;
  append_json_text(message, e.message);
  const std::string_view quoted = message.view();
  integer(R"({"detail":[{"loc":["body",)", e.position);
  out.append(R"(],"msg":)");
  out.append(quoted.substr(0, quoted.size() - 1));
  integer(": line ", e.line);
  integer(" column ", e.column);
  integer(" (char ", e.position);
  out.append(R"-()","type":")-");
  out.append(Dialect::syntax_type);
  out.append(R"(","ctx":{"msg":)");
  out.append(quoted);
  out.append(R"(,"doc":)");
  const std::size_t begin = out.size();
  for (std::size_t size = std::min(e.document.size(), most_bytes);; size /= 2) {
    while (size > 0 && size < e.document.size() && (static_cast<unsigned char>(e.document[size]) & 0xC0U) == 0x80U) {
      --size;  // not within a character
    }
    append_json_text(out, e.document.substr(0, size));
    if (out.size() - begin <= most_bytes || size == 0) break;
    out.keep_to(out.view().data() + begin);
  }
  integer(R"(,"pos":)", e.position);
  integer(R"(,"lineno":)", e.line);
  integer(R"(,"colno":)", e.column);
  out.append("}}]}");
}

/// The same as a string of its own: for programs that aren't in a hurry.
template <class Dialect = dialect::pydantic1>
std::string to_json(std::span<const field_error> errors, std::span<const std::string_view> names,
                    std::string_view list = "records") {
  text_buffer out;
  append_errors<Dialect>(out, errors, names, list);
  return std::string(out.view());
}
template <class Dialect = dialect::pydantic1>
std::string to_json(const syntax_error& e) {
  text_buffer out;
  append_syntax_error<Dialect>(out, e);
  return std::string(out.view());
}

}  // namespace tabscore
