// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "metrics.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Writes metrics in Prometheus' text format (version 0.0.4): family() once per name, then all of its samples.
///     text.family("requests_total", "counter", "Requests answered.");
///     text.sample({{"route", "/predict"}}, 17);
/// Numbers have all their digits (17 at most), whatever the locale.
class prometheus_text {
 public:
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";  ///< of the text format
  /// A label of a sample.
  struct label {
    std::string_view name;   ///< of letters, digits and underscores
    std::string_view value;  ///< escaped when it is written
  };
  /// Of one sample.
  using labels = std::initializer_list<label>;

  /// The buffer must outlive it.
  explicit prometheus_text(text_buffer& out) noexcept : out_(out) {}

  /// The name must live as long as its samples are written.
  void family(std::string_view name, std::string_view type, std::string_view help);

  /// Writes a sample of the family that was begun last.
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number>
  void sample(labels of, Number value) { line("", of, {}, value); }

  /// A histogram's samples; `per` counted units are one of the family's: 1e9 for nanoseconds given as seconds.
  template <std::size_t Bounds>
  void histogram(labels of, const std::array<std::uint64_t, Bounds>& bounds, const histogram_counts<Bounds>& counts,
                 double per) {
    std::uint64_t up_to = 0;
    for (std::size_t i = 0; i <= Bounds; ++i) {
      up_to += counts.in[i];
      std::array<char, number_text_space> text{};
      std::string_view bound = "+Inf";
      if (i < Bounds) {
        const char* const end = write(text.data(), static_cast<double>(bounds[i]) / per);
        bound = {text.data(), static_cast<std::size_t>(end - text.data())};
      }
      line("_bucket", of, {"le", bound}, up_to);
    }
    line("_sum", of, {}, static_cast<double>(counts.sum) / per);
    line("_count", of, {}, up_to);
  }

 private:
  static char* write(char* to, std::integral auto value) noexcept {
    return write_integer(to, static_cast<std::int64_t>(value));
  }
  static char* write(char* to, double value) noexcept {
    if (std::isfinite(value)) return write_real(to, value);
    const std::string_view text = value != value ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    return to + text.copy(to, text.size());
  }

  void line(std::string_view suffix, labels of, const label& last, auto value) {
    out_.append(name_);
    out_.append(suffix);
    std::string_view before = "{";
    const auto put = [&](const label& l) {
      out_.append(before);
      out_.append(l.name);
      out_.append("=\"");
      escape(l.value, true);
      out_.append("\"");
      before = ",";
    };
    for (const label& l : of) put(l);
    if (!last.name.empty()) put(last);
    if (before == ",") out_.append("}");
    out_.append(" ");
    out_.keep_to(write(out_.space(number_text_space), value));
    out_.append("\n");
  }

  void escape(std::string_view text, bool quotes);

  text_buffer& out_;
  std::string_view name_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void prometheus_text::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  for (const std::string_view piece : {std::string_view("# HELP "), name, std::string_view(" ")}) out_.append(piece);
  escape(help, false);
  for (const std::string_view piece : {std::string_view("\n# TYPE "), name, std::string_view(" "), type}) {
    out_.append(piece);
  }
  out_.append("\n");
}

TABSCORE_INLINE void prometheus_text::escape(std::string_view text, bool quotes) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      out_.append("\\\\");
    } else if (text[i] == '\n') {
      out_.append("\\n");
    } else if (text[i] == '"' && quotes) {
      out_.append("\\\"");
    } else {
      out_.append(text.substr(i, 1));
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
