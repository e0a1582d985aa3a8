// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../core/config.hpp"
#include "../../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// How a client lays out its records: the order of the fields, and the bytes between their values, which tend to be the
/// same in record after record and body after body. A text's quotes belong to the bytes between.
template <schema_type Schema>
struct record_layout {
  static constexpr auto declared = [] {
    std::array<std::uint16_t, Schema::size> order{};
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint16_t>(i);
    return order;
  }();
  struct place {
    piece gap;                ///< the bytes before the value; the first place's from the last one of the record before
    bytes16 stop{};           ///< the byte behind the value, many times
    std::uint64_t stop8 = 0;  ///< eight times
    bool number = false;      ///< such values tend to be shorter than eight bytes
  };
  std::array<place, Schema::size> places{};
  std::array<std::uint16_t, Schema::size> fields = declared;    ///< the field of each place
  std::array<std::uint16_t, Schema::size> place_of = declared;  ///< and the place of each field
  piece head;                                                   ///< from the beginning of the body to the first value
  bool known_head = false;                                      ///< head, and all but the first gap
  bool known_wrap = false;                                      ///< all gaps

  std::size_t least = 0;  ///< bytes from one record's last value to the next one's brace, at least
  std::size_t brace = 0;  ///< bytes from the last value to its brace

  std::uint32_t wait = 0;  ///< records until it is learned again; attempts become rare where they are no use
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
    if (layout.fields != fields_) layout.known_head = layout.known_wrap = false;
    layout.fields = fields_;
    bool fits = true;
    const auto gap = [&](piece& to, const char* from, const char* until, std::size_t longest) {
      const std::string_view bytes = extent{from, until}.view();
      fits = fits && bytes.size() <= longest;
      if (fits) to = piece(bytes);
    };
    for (std::size_t i = 0; i < Schema::size; ++i) {
      layout.place_of[fields_[i]] = static_cast<std::uint16_t>(i);
      layout.places[i].stop = sixteen(*values_[i].end);
      layout.places[i].stop8 = load8(layout.places[i].stop.data());
      layout.places[i].number = Schema::kinds[fields_[i]] != field_kind::text;
      if (i > 0) gap(layout.places[i].gap, values_[i - 1].end, values_[i].begin, longest_gap);
    }
    if (previous == nullptr) {
      gap(layout.head, begin, values_[0].begin, piece::capacity);
      layout.known_head = true;
    } else {
      gap(layout.places[0].gap, previous, values_[0].begin, longest_gap);
      layout.known_wrap = true;
      // Not there when the record before went on with members of other names; what is known of earlier ones stays then.
      if (const auto brace = std::string_view(previous, longest_gap).find('}'); brace != std::string_view::npos) {
        layout.brace = brace;
        layout.least = brace + Schema::numeric_count;
        for (const auto& place : layout.places) layout.least += place.gap.size();
      }
      layout.wait = layout.next_wait;
      layout.next_wait = layout.next_wait < 32 ? 2 * layout.next_wait + 1 : 63;
    }
    layout.known_head = layout.known_head && fits;
    layout.known_wrap = layout.known_wrap && fits;
  }

 private:
  // Behind a short value (see fast_reader) a gap of this size can be compared without looking where the body ends.
  static constexpr std::size_t longest_gap = 48;

  std::array<std::uint16_t, Schema::size> fields_{};
  std::array<extent, Schema::size> values_{};
  std::size_t count_ = 0;
  bool plain_ = true;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
