// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/number_series.hpp"
#include "../core/detail/repeated_text.hpp"
#include "../core/detail/short_number.hpp"
#include "../core/json_text.hpp"
#include "../core/siphash.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../monitor/sink.hpp"
#include "../version.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// "2026-01-31T12:00:00.123456+00:00", UTC, as Python's isoformat() (which leaves out a fraction of zero), for the
/// years 0 to 9999. `to` has timestamp_space bytes; returns the end.
inline constexpr std::size_t timestamp_space = 40;
char* write_timestamp(char* to, std::chrono::system_clock::time_point now) noexcept;

using repeated_text = basic_repeated_text<16>;

/// Writes a text with its quotes, if it is one of at most 32 printable ASCII characters that stand for themselves;
/// returns its end, otherwise nullptr. `to` has 34 bytes.
inline char* write_plain_text(char* to, std::string_view text) noexcept {
  if (text.size() > 32) return nullptr;
  bool plain = true;
  *to++ = '"';
  for (const char c : text) {
    plain &= plain_bytes<escape::non_ascii>.at[static_cast<unsigned char>(c)];
    *to++ = c;
  }
  *to++ = '"';
  return plain ? to : nullptr;
}

std::string ascii_json_text(std::string_view text);

/// The keyed hash of a value, with quotes.
char* write_hash(char* to, std::string_view value, const siphash_key& key) noexcept;

}  // namespace detail

/// The lines of a prediction log, one per record, written as Python's json.dumps does:
///     {"timestamp_utc": ..., "threshold": ..., "probability": ..., "label": 0|1, "features": {...}, "model": ...}
/// Between the time and the features are the members of the declared prediction, the threshold where the task has one,
/// and with decisions the decision and the SHA-256 of the policy: "decision": ..., "policy": ... The features are the
/// record's fields, as their declarations show them. After them come the codes of requested reasons, "reasons": [...],
/// the request's members (its ids, for example), then "arm" and "model" when not empty, the model with the library's
/// "version". Immutable: threads share it.
class jsonl_lines {
 public:
  /// The model's hash and the arm are written on each line; the key hashes fields.
  explicit jsonl_lines(std::string_view model = {}, const siphash_key& key = {}, std::string_view arm = {});

  /// Appends the lines of a batch, all with the same time.
  template <schema_type Schema>
  void append(text_buffer& out, const scored<Schema>& batch, std::chrono::system_clock::time_point time) const {
    append_part(out, batch, time, 0, SIZE_MAX);
  }
  /// Appends lines until they have `bytes` bytes, or a little more; returns the record after them. `first`: 0, or what
  /// the call before returned.
  template <schema_type Schema>
  std::size_t append_part(text_buffer& out, const scored<Schema>& batch, std::chrono::system_clock::time_point time,
                          std::size_t first, std::size_t bytes) const {
    const std::span<const double> values = batch.scores.value;
    detail::number_texts* texts = batch.scores.texts;
    if (texts != nullptr && texts->empty()) texts->write(detail::number_series<spelling::json>(values));
    if (texts != nullptr && texts->empty()) texts = nullptr;
    detail::number_series<spelling::json> numbers(values.subspan(first * batch.scores.value.columns()));
    const auto number = [&](std::size_t at, char* to) {
      return texts != nullptr ? texts->copy(at, to) : numbers.write_next(to);
    };
    const prediction_texts& members = batch.scores.layout->texts;
    std::size_t room = detail::timestamp_space + 2 * number_text_space + members.space + end_.size() +
                       4 * detail::repeated_text::block + 64;
    Schema::for_each([&]<std::size_t At>() { room += key_space<Schema, At>() + number_text_space; });

    const std::size_t rows = batch.records.rows();
    const std::size_t first_line = out.size();
    std::size_t start_size = 0;  // what stands before the first number or class is the same in all lines
    // Of the next rows' real numbers: found out for many at once, since a division keeps what waits for it waiting.
    constexpr std::size_t block = 64;
    std::array<std::array<std::uint32_t, block>, Schema::size> thousandths;
    std::size_t row = first;
    for (; row < rows; ++row) {
      const std::size_t size = out.size() - first_line;
      if (row % block == 0) {
        if (size >= bytes) break;
        find_thousandths<Schema>(batch.records, row, thousandths);
      }
      if (row == first + block) {  // room for lines of such a length, so that a large text is not copied while it grows
        out.space((std::min)((rows - row) / block * size, bytes) / 16 * 17 + 2 * size + room);
      }
      char* const line = out.space(room);
      char* to = row == first ? write_start(line, time, batch.scores)
                              : detail::repeated_text::copy_blocks(line, out.view().data() + first_line, start_size);
      if (row == first) start_size = static_cast<std::size_t>(to - line);
      to = write_prediction(to, members, batch.scores, row, number);
      Schema::for_each([&]<std::size_t At>() {
        using field = typename Schema::template field<At>;
        if constexpr (field::logged != privacy::unlogged) {
          to = put_key<Schema, At>(to);
          const auto& value = batch.records.template get<At>()[row];
          if constexpr (field::kind == field_kind::text) {
            char* const end = plain_text<field>(to, value);
            if (end != nullptr) {
              to = end;
            } else {
              out.keep_to(to);
              append_text<field>(out, value);
              to = out.space(room);
            }
          } else if (is_open_real<field> && thousandths[At][row % block] != detail::no_thousandths) {
            to = detail::write_thousandths(to, thousandths[At][row % block]);
          } else {
            to = write_number<field>(to, value);
          }
        }
      });
      if (batch.scores.reasons == nullptr && batch.log_members.empty()) {
        out.keep_to(end_.write(to));
      } else {
        out.keep_to(to);
        append_end(out, batch, row);
      }
    }
    return row;
  }

 private:
  /// The end of a line with more than the model: the codes of its reasons, the largest first, and the request's
  /// members.
  template <schema_type Schema>
  void append_end(text_buffer& out, const scored<Schema>& batch, std::size_t row) const {
    out.append("}");
    if (batch.scores.reasons != nullptr) append_reason_codes(out, *batch.scores.reasons, row);
    out.append(batch.log_members);
    out.append(std::string_view(end_text_).substr(1));  // behind the brace of the features
  }
  static void append_reason_codes(text_buffer& out, const record_reasons& reasons, std::size_t row);

  /// The text before a field's value. The compiler knows most of them, and copies them in whole blocks without a loop
  /// (g++ 12 keeps a second copy of texts that are no whole blocks).
  template <schema_type Schema, std::size_t At>
  static constexpr bool first_logged = [] {
    bool first = true;
    Schema::for_each(
        [&]<std::size_t K>() { first = first && (K >= At || Schema::template field<K>::logged == privacy::unlogged); });
    return first;
  }();
  template <schema_type Schema, std::size_t At>
  static constexpr auto plain_key = [] {
    constexpr std::string_view name = Schema::names[At], before = first_logged<Schema, At> ? "\"" : ", \"",
                               after = "\": ";
    constexpr std::size_t size = before.size() + name.size() + after.size();
    constexpr std::size_t block = detail::repeated_text::block;
    std::array<char, (size + block - 1) / block * block> padded{};
    char* to = padded.data();
    for (const std::string_view piece : {before, name, after}) to = std::copy(piece.begin(), piece.end(), to);
    return std::pair(padded, size);
  }();

  template <schema_type Schema, std::size_t At>
  static constexpr bool is_plain = std::all_of(Schema::names[At].begin(), Schema::names[At].end(), [](char c) {
    return detail::plain_bytes<escape::non_ascii>.at[static_cast<unsigned char>(c)];
  });
  template <schema_type Schema, std::size_t At>
  static const std::string& escaped_key() {
    static const std::string text =
        (first_logged<Schema, At> ? "" : ", ") + detail::ascii_json_text(Schema::names[At]) + ": ";
    return text;
  }
  /// Bytes that put_key() touches at most.
  template <schema_type Schema, std::size_t At>
  static std::size_t key_space() {
    if constexpr (is_plain<Schema, At>) return plain_key<Schema, At>.first.size();
    if constexpr (!is_plain<Schema, At>) return escaped_key<Schema, At>().size();
  }
  template <schema_type Schema, std::size_t At>
  static char* put_key(char* to) {
    if constexpr (is_plain<Schema, At>) {
      const auto& [padded, size] = plain_key<Schema, At>;
      return detail::repeated_text::copy_blocks(to, padded.data(), size);
    } else {
      return put(to, escaped_key<Schema, At>());
    }
  }

  template <class Field>
  static constexpr bool is_open_real = Field::kind == field_kind::real&& Field::logged == privacy::open;

  /// thousandths_of the real numbers of records [first, first + N), up to the last record.
  template <schema_type Schema, std::size_t N>
  static void find_thousandths(const columns<Schema>& records, std::size_t first,
                               std::array<std::array<std::uint32_t, N>, Schema::size>& to) noexcept {
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (is_open_real<typename Schema::template field<At>>) {
        const auto some = records.template get<At>().subspan(first, (std::min)(N, records.rows() - first));
        std::transform(some.begin(), some.end(), to[At].begin(), detail::thousandths_of);
      }
    });
  }

  /// Up to the first number, or the class.
  static char* write_start(char* to, std::chrono::system_clock::time_point time, const predictions& p) noexcept;
  /// From there up to the first feature.
  template <class Number>
  static char* write_prediction(char* to, const prediction_texts& members, const predictions& p, std::size_t row,
                                Number&& number) noexcept {
    const std::size_t columns = p.value.columns();
    if (!p.class_at.empty()) to = members.before[0].write(members.class_head[p.class_at[row]].write(to));
    for (std::size_t k = 0; k < columns; ++k) {
      if (k > 0) to = members.before[k].write(to);
      to = number(row * columns + k, to);
    }
    to = members.end[!p.label.empty() && p.label[row] != 0 ? 1 : 0].write(to);
    return p.decision_at.empty() ? to : members.decision[p.decision_at[row]].write(to);
  }

  /// The common case of append_text, or nullptr.
  template <class Field>
  static char* plain_text(char* to, std::string_view value) noexcept {
    if constexpr (Field::logged != privacy::open) return nullptr;
    return value.data() != nullptr ? detail::write_plain_text(to, value) : nullptr;
  }
  template <class Field>
  void append_text(text_buffer& out, std::string_view value) const {
    if (value.data() == nullptr) {
      out.append("null");
    } else if constexpr (Field::logged == privacy::hashed) {
      out.keep_to(write_hash(out.space(number_text_space), value));
    } else {
      append_json_text<escape::non_ascii>(out, value);
    }
  }

  template <class Field>
  char* write_number(char* to, typename Field::stored_type value) const noexcept {
    if constexpr (!Field::required) {
      if (std::isnan(value)) return put(to, "null");
    }
    if constexpr (Field::logged == privacy::hashed) {
      std::array<char, number_text_space> text{};
      const char* const end = write_open<Field>(text.data(), value);
      return write_hash(to, {text.data(), static_cast<std::size_t>(end - text.data())});
    } else if constexpr (Field::logged == privacy::bucketed) {
      return write_open<Field>(to, bucket<Field>(value));
    } else {
      return write_open<Field>(to, value);
    }
  }
  template <class Field>
  static char* write_open(char* to, typename Field::stored_type value) noexcept {
    if constexpr (Field::kind == field_kind::boolean) {
      return put(to, value != 0 ? "true" : "false");
    } else if constexpr (Field::kind == field_kind::integer) {
      return detail::write_short_integer(to, static_cast<std::int64_t>(value));
    } else {
      return write_real<spelling::json>(to, value);
    }
  }
  template <class Field, class Value>
  static Value bucket(Value value) noexcept {
    if constexpr (std::same_as<Value, std::int64_t>) {
      constexpr std::int64_t width = Field::bucket_width.integer;
      const std::int64_t above = value % width < 0 ? value % width + width : value % width;
      return value < (std::numeric_limits<std::int64_t>::min)() + above ? (std::numeric_limits<std::int64_t>::min)()
                                                                        : value - above;
    } else {
      return std::floor(value / Field::bucket_width.real()) * Field::bucket_width.real();
    }
  }

  static char* put(char* to, std::string_view text) noexcept {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
  }
  char* write_hash(char* to, std::string_view value) const noexcept { return detail::write_hash(to, value, key_); }
  std::string end_text_;
  detail::repeated_text end_;
  siphash_key key_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE char* write_timestamp(char* to, std::chrono::system_clock::time_point now) noexcept {
  using namespace std::chrono;
  const auto day = floor<days>(now);
  const year_month_day date{day};
  const hh_mm_ss time{floor<microseconds>(now - day)};
  const auto two = [&](char before, auto value) {
    const auto v = static_cast<std::size_t>(value);
    *to++ = before;
    std::memcpy(to, digit_pairs.text + 2 * v, 2);
    to += 2;
  };
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::memcpy(to, digit_pairs.text + 2 * (year / 100), 2);
  std::memcpy(to + 2, digit_pairs.text + 2 * (year % 100), 2);
  to += 4;
  two('-', static_cast<unsigned>(date.month()));
  two('-', static_cast<unsigned>(date.day()));
  two('T', time.hours().count());
  two(':', time.minutes().count());
  two(':', time.seconds().count());
  if (auto micros = static_cast<std::uint32_t>(time.subseconds().count()); micros != 0) {
    *to = '.';
    for (int i = 6; i > 0; --i, micros /= 10) to[i] = static_cast<char>('0' + micros % 10);
    to += 7;
  }
  std::memcpy(to, "+00:00", 6);
  return to + 6;
}

TABSCORE_INLINE std::string ascii_json_text(std::string_view text) {
  text_buffer out;
  append_json_text<escape::non_ascii>(out, text);
  return std::string(out.view());
}

TABSCORE_INLINE char* write_hash(char* to, std::string_view value, const siphash_key& key) noexcept {
  const std::uint64_t hash = siphash(value, key);
  *to++ = '"';
  for (unsigned shift = 64; shift > 0; shift -= 4) *to++ = "0123456789abcdef"[hash >> (shift - 4) & 15U];
  *to++ = '"';
  return to;
}

}  // namespace detail

TABSCORE_INLINE jsonl_lines::jsonl_lines(std::string_view model, const siphash_key& key, std::string_view arm)
    : end_text_("}" + (arm.empty() ? "" : ", \"arm\": " + detail::ascii_json_text(arm)) +
                (model.empty() ? ""
                               : ", \"model\": " + detail::ascii_json_text(model) + ", \"version\": \"" +
                                     std::string(version_text()) + "\"") +
                "}\n"),
      end_(end_text_),
      key_(key) {}

TABSCORE_INLINE void jsonl_lines::append_reason_codes(text_buffer& out, const record_reasons& reasons,
                                                      std::size_t row) {
  std::string_view before = ", \"reasons\": [";
  if (reasons.of(row).empty()) out.append(before);
  for (const std::uint16_t at : reasons.of(row)) {
    out.append(before);
    append_json_text<escape::non_ascii>(out, reasons.known[at].code);
    before = ", ";
  }
  out.append("]");
}

TABSCORE_INLINE char* jsonl_lines::write_start(char* to, std::chrono::system_clock::time_point time,
                                               const predictions& p) noexcept {
  to = detail::write_timestamp(put(to, "{\"timestamp_utc\": \""), time);
  *to++ = '"';
  if (!p.label.empty()) to = write_real<spelling::json>(put(to, ", \"threshold\": "), p.threshold);
  return p.class_at.empty() ? p.layout->texts.before[0].write(to) : to;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
