// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/detail/number_series.hpp"
#include "../core/detail/number_texts.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../schema/field_error.hpp"
#include "dialect.hpp"
#include "syntax.hpp"

namespace tabscore::inline TABSCORE_ABI {

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
  /// the threshold. `texts` are the probabilities', if somebody has written them. With more members in each: see
  /// append_one.
  void append_list(text_buffer& out, std::span<const double> probability, double threshold,
                   const detail::number_texts* texts = nullptr) const {
    if (texts != nullptr && texts->empty()) texts = nullptr;
    out.append(begin_);
    detail::number_series<spelling::json> numbers(probability);
    constexpr std::size_t block = 256;  // records whose room is asked for at once
    for (std::size_t i = 0; i < probability.size(); i += block) {
      const std::size_t end = (std::min)(i + block, probability.size());
      char* to = out.space((end - i) * entry_space());
      for (std::size_t row = i; row < end; ++row) {
        to = entry(to, probability[row] >= threshold,
                   [&](char* p) { return texts != nullptr ? texts->copy(row, p) : numbers.write_next(p); });
        *to++ = ',';
      }
      out.keep_to(to);
    }
    if (!probability.empty()) out.keep_to(out.space(0) - 1);  // the last comma
    out.append("]}");
  }

  template <std::invocable<std::size_t> More>
  void append_list(text_buffer& out, std::span<const double> probability, double threshold, More&& more) const {
    out.append(begin_);
    for (std::size_t i = 0; i < probability.size(); ++i) {
      if (i != 0) out.append(",");
      append_one(out, probability[i], threshold, [&] { more(i); });
    }
    out.append("]}");
  }

  /// Appends {"predictions":[{"p":0.25,"positive":0},null,...]: one entry for each of `records`, null for those that
  /// are not among `rows`, which are ascending, one for each probability. The closing brace is left to the caller.
  /// more(i), if given, appends further members of the i-th probability's entry.
  template <class More = std::nullptr_t>
  void append_open_list(text_buffer& out, std::span<const double> probability, double threshold,
                        std::span<const std::uint32_t> rows, std::size_t records, More&& more = {}) const {
    out.append(begin_);
    std::size_t next = 0;
    for (std::size_t row = 0; row < records; ++row) {
      if (row > 0) out.append(",");
      if (next < rows.size() && rows[next] == row) {
        if constexpr (std::invocable<More, std::size_t>) {
          append_one(out, probability[next], threshold, [&] { more(next); });
        } else {
          append_one(out, probability[next], threshold);
        }
        ++next;
      } else {
        out.append("null");
      }
    }
    out.append("]");
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
    return before_probability_.space() + before_positive_.space() + number_text_space + 4;
  }
  template <class Write>
  char* entry(char* to, bool positive, Write&& write_probability) const noexcept {
    to = before_probability_.put(to);
    to = before_positive_.put(write_probability(to));
    *to++ = static_cast<char>('0' + positive);
    *to++ = '}';
    return to;
  }

  std::string begin_;
  detail::stamp before_probability_{""};
  detail::stamp before_positive_{""};
};

/// Appends the answer to a body with wrong values, as Dialect words it.
template <error_dialect Dialect = dialect::neutral>
void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context) {
  Dialect::append_errors(out, errors, context);
}
/// The same from the names of the schema's fields, and the member that holds the records.
template <error_dialect Dialect = dialect::neutral>
void append_errors(text_buffer& out, std::span<const field_error> errors, std::span<const std::string_view> names,
                   std::string_view list = "records") {
  Dialect::append_errors(out, errors, {.names = names, .list = list});
}

/// Appends the answer to a body that is no JSON.
template <error_dialect Dialect = dialect::neutral>
void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context& context = {}) {
  Dialect::append_syntax_error(out, e, context);
}

/// Appends the answer to what a sentence says: {"errors":[{"message":"text"}]}.
template <error_dialect Dialect = dialect::neutral>
void append_detail(text_buffer& out, std::string_view text, const error_context& context = {}) {
  Dialect::append_detail(out, text, context);
}

/// The same as a string of its own: for programs that aren't in a hurry.
template <error_dialect Dialect = dialect::neutral>
std::string to_json(std::span<const field_error> errors, const error_context& context) {
  text_buffer out;
  Dialect::append_errors(out, errors, context);
  return std::string(out.view());
}
template <error_dialect Dialect = dialect::neutral>
std::string to_json(std::span<const field_error> errors, std::span<const std::string_view> names,
                    std::string_view list = "records") {
  return to_json<Dialect>(errors, {.names = names, .list = list});
}
template <error_dialect Dialect = dialect::neutral>
std::string to_json(const syntax_error& e, const error_context& context = {}) {
  text_buffer out;
  Dialect::append_syntax_error(out, e, context);
  return std::string(out.view());
}

}  // namespace tabscore::inline TABSCORE_ABI
