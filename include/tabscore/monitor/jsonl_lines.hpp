// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "../core/json_text.hpp"
#include "../core/number_text.hpp"
#include "../core/siphash.hpp"
#include "../core/text_buffer.hpp"
#include "sink.hpp"

namespace tabscore {

/// What a prediction log calls the two things that were predicted.
struct jsonl_names {
  std::string probability = "probability";
  std::string label = "label";
};

namespace detail {

/// "2026-01-31T12:00:00.123456+00:00", UTC, as Python's isoformat() (which leaves out a fraction of zero).
inline std::string utc_timestamp(std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  const std::time_t seconds = system_clock::to_time_t(floor<std::chrono::seconds>(now));
  const auto micros = duration_cast<microseconds>(now - floor<std::chrono::seconds>(now)).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (micros != 0) {
    text[n] = '.';
    for (std::size_t k = 6, rest = static_cast<std::size_t>(micros); k > 0; --k, rest /= 10) {
      text[n + k] = static_cast<char>('0' + rest % 10);
    }
    n += 7;
  }
  return std::string(text.data(), n) + "+00:00";
}

/// Text that is copied into every line, in whole blocks: faster than a call of memcpy that must look at the size.
class repeated_text {
 public:
  static constexpr std::size_t block = 32;

  repeated_text() = default;
  explicit repeated_text(std::string_view text) : padded_(text), size_(text.size()) {
    padded_.resize((size_ + block - 1) / block * block);
  }
  std::size_t size() const noexcept { return size_; }
  /// Writes up to a block more than its size.
  char* write(char* to) const noexcept {
    for (std::size_t i = 0; i < padded_.size(); i += block) std::memcpy(to + i, padded_.data() + i, block);
    return to + size_;
  }

 private:
  std::string padded_;
  std::size_t size_ = 0;
};

inline std::string json_text(std::string_view text) {
  text_buffer out;
  append_json_text<escape::non_ascii>(out, text);
  return std::string(out.view());
}

}  // namespace detail

/// The lines of a prediction log, one per record, written as Python's json.dumps does:
///     {"timestamp_utc": ..., "threshold": ..., "probability": ..., "label": 0|1, "features": {...}, "model": ...}
/// The features are the record's fields as their declarations let them be shown; "model" is there when it is not empty.
/// Immutable, so that threads share it.
class jsonl_lines {
 public:
  explicit jsonl_lines(const jsonl_names& names = {}, std::string_view model = {}, const siphash_key& key = {})
      : probability_(", " + detail::json_text(names.probability) + ": "),
        after_probability_{label_and_features(names, '0'), label_and_features(names, '1')},
        end_(model.empty() ? "}}\n" : "}, \"model\": " + detail::json_text(model) + "}\n"),
        key_(key) {}

  /// Appends the lines of a batch, all with the same time.
  template <schema_type Schema>
  void append(text_buffer& out, const scored<Schema>& batch, std::chrono::system_clock::time_point time) const {
    std::array<char, number_text_space> threshold{};
    const char* const threshold_end = write_real<spelling::json>(threshold.data(), batch.scores.threshold);
    const auto threshold_size = static_cast<std::size_t>(threshold_end - threshold.data());
    std::string begin = "{\"timestamp_utc\": \"" + detail::utc_timestamp(time) + "\", \"threshold\": ";
    begin.append(threshold.data(), threshold_size).append(probability_);
    const detail::repeated_text start(begin);
    const auto& key = keys<Schema>();

    std::size_t room = start.size() + after_probability_[0].size() + end_.size() + detail::repeated_text::block;
    for (const auto& k : key) room += k.size() + number_text_space;
    for (std::size_t row = 0; row < batch.records.rows(); ++row) {
      char* to = out.space(room + number_text_space);
      to = write_real<spelling::json>(start.write(to), batch.scores.probability[row]);
      to = after_probability_[batch.scores.label[row] ? 1 : 0].write(to);
      Schema::for_each([&]<std::size_t I>() {
        using field = typename Schema::template field<I>;
        if constexpr (field::logged != privacy::unlogged) {
          to = key[I].write(to);
          const auto& value = batch.records.template get<I>()[row];
          if constexpr (field::kind == field_kind::text) {
            out.keep_to(to);
            append_text<field>(out, value);
            to = out.space(room);
          } else {
            to = write_number<field>(to, value);
          }
        }
      });
      out.keep_to(end_.write(to));
    }
  }

 private:
  static detail::repeated_text label_and_features(const jsonl_names& names, char label) {
    return detail::repeated_text(", " + detail::json_text(names.label) + ": " + label + ", \"features\": {");
  }

  /// What stands before each field's value.
  template <schema_type Schema>
  static const auto& keys() {
    static const auto all = [] {
      std::array<detail::repeated_text, Schema::size> key;
      std::string_view comma;
      Schema::for_each([&]<std::size_t I>() {
        if (Schema::template field<I>::logged == privacy::unlogged) return;
        key[I] = detail::repeated_text(std::string(comma) + detail::json_text(Schema::names[I]) + ": ");
        comma = ", ";
      });
      return key;
    }();
    return all;
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
      return write_integer(to, static_cast<std::int64_t>(value));
    } else {
      return write_real<spelling::json>(to, value);
    }
  }
  template <class Field, class Value>
  static Value bucket(Value value) noexcept {
    if constexpr (std::same_as<Value, std::int64_t>) {
      constexpr std::int64_t width = Field::bucket_width.integer;
      const std::int64_t above = value % width < 0 ? value % width + width : value % width;
      return value < std::numeric_limits<std::int64_t>::min() + above ? std::numeric_limits<std::int64_t>::min()
                                                                      : value - above;
    } else {
      return std::floor(value / Field::bucket_width.real()) * Field::bucket_width.real();
    }
  }

  static char* put(char* to, std::string_view text) noexcept {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
  }
  char* write_hash(char* to, std::string_view value) const noexcept {
    const std::uint64_t hash = siphash(value, key_);
    *to++ = '"';
    for (unsigned shift = 64; shift > 0; shift -= 4) *to++ = "0123456789abcdef"[hash >> (shift - 4) & 15U];
    *to++ = '"';
    return to;
  }

  std::string probability_;
  std::array<detail::repeated_text, 2> after_probability_;  // by the label
  detail::repeated_text end_;
  siphash_key key_;
};

}  // namespace tabscore
