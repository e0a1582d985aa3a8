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
#include "../core/number_texts.hpp"
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
  /// the threshold. With more members in each: see append_one.
  void append_list(text_buffer& out, std::span<const double> probability, double threshold) const {
    append_list(out, probability, threshold, static_cast<number_texts*>(nullptr));
  }
  /// The same, `texts` being the probabilities' where somebody has written them.
  void append_list(text_buffer& out, std::span<const double> probability, double threshold, number_texts* texts) const {
    if (texts != nullptr && texts->empty()) texts = nullptr;
    out.append(begin_);
    constexpr std::size_t block = 256;  // records whose room is asked for at once
    for (std::size_t i = 0; i < probability.size(); i += block) {
      const std::size_t end = std::min(i + block, probability.size());
      char* to = out.space((end - i) * entry_space());
      for (std::size_t row = i; row < end; ++row) {
        to = entry(to, probability[row] >= threshold, [&](char* p) {
          return texts != nullptr ? texts->copy(row, p) : write_real<spelling::json>(p, probability[row]);
        });
        *to++ = ',';
      }
      out.keep_to(to);
    }
    if (!probability.empty()) out.keep_to(out.space(0) - 1);  // the last comma
    out.append("]}");
  }

  template <class More>
  void append_list(text_buffer& out, std::span<const double> probability, double threshold, More&& more) const {
    out.append(begin_);
    for (std::size_t i = 0; i < probability.size(); ++i) {
      if (i != 0) out.append(",");
      append_one(out, probability[i], threshold, [&] { more(i); });
    }
    out.append("]}");
  }

  /// Appends {"p":0.25,"positive":0}.
  void append_one(text_buffer& out, double probability, double threshold) const {
    out.keep_to(entry(out.space(entry_space()), probability >= threshold,
                      [&](char* to) { return write_real<spelling::json>(to, probability); }));
  }
  /// The same with more members: more() appends them to `out`, as "name":value.
  template <class More>
  void append_one(text_buffer& out, double probability, double threshold, More&& more) const {
    append_one(out, probability, threshold);
    out.keep_to(out.space(0) - 1);  // the brace
    out.append(",");
    more();
    out.append("}");
  }

 private:
  std::size_t entry_space() const noexcept {
    return before_probability_.size() + before_positive_.size() + number_text_space + 4;
  }
  template <class Write>
  char* entry(char* to, bool positive, Write&& write_probability) const noexcept {
    to += before_probability_.copy(to, before_probability_.size());
    to = write_probability(to);
    to += before_positive_.copy(to, before_positive_.size());
    *to++ = positive ? '1' : '0';
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

/// Appends "msg":"...","type":"...": the members that say what is wrong with a value, as Dialect words it.
template <class Dialect = dialect::pydantic1>
void append_fault(text_buffer& out, fault what, const limit& bound) {
  const auto append_bound = [&] {
    char* const to = out.space(number_text_space);
    out.keep_to(bound.is_real ? write_real(to, bound.real()) : write_integer(to, bound.integer));
  };
  const auto words = Dialect::words(what);
  out.append(R"("msg":")");
  out.append(words.message);
  if (words.has_limit) append_bound();
  out.append(words.after);
  out.append(R"(","type":")");
  out.append(words.type);
  out.append("\"");
  if (words.has_limit) {
    out.append(R"(,"ctx":{"limit_value":)");
    append_bound();
    out.append("}");
  }
}

/// Appends {"detail":[...]}, one item an error, as Dialect words it. `names` are the schema's, `list` is the member
/// that holds the records.
template <class Dialect = dialect::pydantic1>
void append_errors(text_buffer& out, std::span<const field_error> errors, std::span<const std::string_view> names,
                   std::string_view list = "records") {
  const auto integer = [&](std::uint64_t v) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
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
    out.append("],");
    append_fault<Dialect>(out, e.what, e.bound);
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
