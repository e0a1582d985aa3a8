// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::detail {

/// How a client lays out its records: the order of the fields, and the bytes between their values, which tend to be the
/// same in record after record and body after body. A text's quotes belong to the bytes between.
template <schema_type Schema>
struct record_layout {
  std::array<piece, Schema::size> gaps{};  ///< before each value; gaps[0] from the last one of the record before
  std::array<char, Schema::size> stops{};  ///< the byte behind each value
  std::array<std::uint16_t, Schema::size> order{};  ///< which field each value is of
  piece head;                                       ///< from the beginning of the body to the first value
  bool known_head = false;
  bool known_wrap = false;  ///< gaps[0]

  std::size_t least = 0;  ///< bytes from one record's last value to the next one's brace, at least
  std::size_t brace = 0;  ///< bytes from the last value to its brace

  std::uint32_t wait = 0;  ///< records until it is learned anew; attempts become rare where they are no use
  std::uint32_t next_wait = 0;
};

/// Where the values of the record that is being read are, as far as a layout can tell.
template <schema_type Schema>
class layout_trace {
 public:
  void clear() noexcept {
    count_ = 0;
    plain_ = true;
  }
  void add(std::size_t field, extent value) noexcept {
    if (count_ == Schema::size) return give_up();
    fields_[count_] = static_cast<std::uint16_t>(field);
    values_[count_] = value;
    ++count_;
  }
  /// There is more in the record than the values of its fields, once each.
  void give_up() noexcept { plain_ = false; }

  /// Learns the record: the first of a body, which begins at `begin`, or one behind another, whose last value ended at
  /// `previous`.
  void learn(record_layout<Schema>& layout, const char* begin, const char* previous) const noexcept {
    if (!plain_ || count_ != Schema::size) return;
    if (layout.order != fields_) layout.known_head = layout.known_wrap = false;
    layout.order = fields_;
    bool fits = true;
    const auto gap = [&](piece& to, const char* from, const char* until) {
      const std::string_view bytes = extent{from, until}.view();
      if (bytes.size() > piece::capacity) return false;
      to = piece(bytes);
      return true;
    };
    for (std::size_t i = 0; i < Schema::size; ++i) {
      layout.stops[i] = *values_[i].end;
      if (i > 0) fits = fits && gap(layout.gaps[i], values_[i - 1].end, values_[i].begin);
    }
    if (previous == nullptr) {
      layout.known_head = gap(layout.head, begin, values_[0].begin);
    } else {
      layout.known_wrap = gap(layout.gaps[0], previous, values_[0].begin);
      layout.brace = layout.gaps[0].text().find('}');
      layout.least = layout.brace + Schema::numeric_count;
      for (const piece& g : layout.gaps) layout.least += g.size();
      layout.wait = layout.next_wait;
      layout.next_wait = layout.next_wait < 32 ? 2 * layout.next_wait + 1 : 63;
    }
    layout.known_head = layout.known_head && fits;
    layout.known_wrap = layout.known_wrap && fits;
  }

 private:
  std::array<std::uint16_t, Schema::size> fields_{};
  std::array<extent, Schema::size> values_{};
  std::size_t count_ = 0;
  bool plain_ = true;
};

}  // namespace tabscore::detail
