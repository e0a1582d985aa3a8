// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

namespace detail {

/// Text that is written often: in whole pieces, without asking for its length.
class stamp {
 public:
  explicit stamp(std::string_view text) : bytes_(text), size_(text.size()) {
    bytes_.resize((size_ + piece - 1) / piece * piece);
  }
  /// Bytes that put() may touch.
  std::size_t space() const noexcept { return bytes_.size(); }
  [[gnu::always_inline]] char* put(char* to) const noexcept {
    const char* const from = bytes_.data();
    for (std::size_t i = 0; i < size_; i += piece) std::memcpy(to + i, from + i, piece);
    return to + size_;
  }

 private:
  static constexpr std::size_t piece = 32;
  std::string bytes_;
  std::size_t size_;
};

}  // namespace detail

/// The fixed text of a response with predictions, made once from the names of its members.
class prediction_names {
 public:
  explicit prediction_names(std::string_view probability, std::string_view positive,
                            std::string_view list = "predictions") {
    const auto json = [](std::string_view before, std::string_view name, std::string_view behind) {
      text_buffer t;
      t.append(before);
      append_json_text(t, name);
      t.append(behind);
      return std::string(t.view());
    };
    begin_ = json("{", list, ":[");
    before_probability_ = detail::stamp(json("{", probability, ":"));
    before_positive_ = detail::stamp(json(",", positive, ":"));
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

  /// Appends {"p":0.25,"positive":0}.
  void append_one(text_buffer& out, double probability, double threshold) const {
    out.keep_to(entry(out.space(entry_space()), probability, threshold));
  }

 private:
  std::size_t entry_space() const noexcept {
    return before_probability_.space() + before_positive_.space() + number_text_space + 4;
  }
  char* entry(char* to, double p, double threshold) const noexcept {
    to = before_probability_.put(to);
    to = before_positive_.put(write_real<spelling::json>(to, p));
    *to++ = p >= threshold ? '1' : '0';
    *to++ = '}';
    return to;
  }

  std::string begin_;
  detail::stamp before_probability_{""};
  detail::stamp before_positive_{""};
};

/// Appends {"detail":"text"}.
inline void append_detail(text_buffer& out, std::string_view text) {
  out.append(R"({"detail":)");
  append_json_text(out, text);
  out.append("}");
}

/// Appends {"detail":[...]}, one item an error, as Dialect words it. `names` are the schema's, `list` is the member
/// that holds the records.
template <class Dialect = dialect::pydantic1>
void append_errors(text_buffer& out, std::span<const field_error> errors, std::span<const std::string_view> names,
                   std::string_view list = "records") {
  const auto integer = [&](std::uint64_t v) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
  };
  const auto bound = [&](const limit& l) {
    char* const to = out.space(number_text_space);
    out.keep_to(l.is_real ? write_real(to, l.real()) : write_integer(to, l.integer));
  };
  std::string_view before = R"({"detail":[)";
  for (const field_error& e : errors) {
    out.append(before);
    before = ",";
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
  out.append(errors.empty() ? R"({"detail":[]})" : "]}");
}

/// Appends {"detail":[...]} with the one item of a body that is no JSON; it quotes the whole body.
template <class Dialect = dialect::pydantic1>
void append_syntax_error(text_buffer& out, const syntax_error& e) {
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
  append_json_text(out, e.document);
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
