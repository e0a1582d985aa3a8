// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../../core/config.hpp"
#include "../../schema/schema.hpp"
#include "scan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The place of a value in a record.
struct layout_place {
  piece gap;                ///< the bytes before the value; the first place's from the last one of the record before
  bytes16 stop{};           ///< the byte behind the value, many times
  std::uint64_t stop8 = 0;  ///< eight times
  bool number = false;      ///< such values tend to be shorter than eight bytes
};

/// What a layout has for records of any number of fields.
struct layout_frame {
  piece head;               ///< from the beginning of the body to the first value
  bool known_head = false;  ///< head, and all but the first gap
  bool known_wrap = false;  ///< all gaps

  std::size_t least = 0;  ///< bytes from one record's last value to the next one's brace, at least
  std::size_t brace = 0;  ///< bytes from the last value to its brace

  std::uint32_t wait = 0;  ///< records until it is learned again; attempts become rare where they are no use
  std::uint32_t next_wait = 0;
};

/// How a client lays out its records: the order of the fields, and the bytes between their values, which tend to be the
/// same in record after record and body after body. A text's quotes belong to the bytes between.
template <schema_type Schema>
struct record_layout : layout_frame {
  static constexpr auto declared = [] {
    std::array<std::uint16_t, Schema::size> order{};
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint16_t>(i);
    return order;
  }();
  std::array<layout_place, Schema::size> places{};
  std::array<std::uint16_t, Schema::size> fields = declared;    ///< the field of each place
  std::array<std::uint16_t, Schema::size> place_of = declared;  ///< and the place of each field
};

/// A layout and a record that it learns: the values of its fields in their order.
struct layout_lesson {
  layout_frame& frame;
  std::span<layout_place> places;
  std::span<std::uint16_t> fields;
  std::span<std::uint16_t> place_of;
  std::span<const field_kind> kinds;
  std::size_t numbers;  // of the fields
  std::span<const std::uint16_t> read_fields;
  std::span<const extent> values;
};
/// See layout_trace.
void learn_layout(const layout_lesson& to, const char* begin, const char* previous) noexcept;

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
    learn_layout(
        {layout, layout.places, layout.fields, layout.place_of, Schema::kinds, Schema::numeric_count, fields_, values_},
        begin, previous);
  }

 private:
  std::array<std::uint16_t, Schema::size> fields_{};
  std::array<extent, Schema::size> values_{};
  std::size_t count_ = 0;
  bool plain_ = true;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE void learn_layout(const layout_lesson& to, const char* begin, const char* previous) noexcept {
  // Behind a short value (see fast_reader) a gap of this size can be compared without looking where the body ends.
  constexpr std::size_t longest_gap = 48;
  layout_frame& layout = to.frame;
  const std::size_t fields = to.fields.size();
  if (!std::equal(to.fields.begin(), to.fields.end(), to.read_fields.begin())) {
    layout.known_head = layout.known_wrap = false;
  }
  std::copy(to.read_fields.begin(), to.read_fields.end(), to.fields.begin());
  bool fits = true;
  const auto gap = [&](piece& bytes_between, const char* from, const char* until, std::size_t longest) {
    const std::string_view bytes = extent{from, until}.view();
    fits = fits && bytes.size() <= longest;
    if (fits) bytes_between = piece(bytes);
  };
  for (std::size_t i = 0; i < fields; ++i) {
    layout_place& place = to.places[i];
    to.place_of[to.fields[i]] = static_cast<std::uint16_t>(i);
    place.stop = sixteen(*to.values[i].end);
    place.stop8 = load8(place.stop.data());
    place.number = to.kinds[to.fields[i]] != field_kind::text;
    if (i > 0) gap(place.gap, to.values[i - 1].end, to.values[i].begin, longest_gap);
  }
  if (previous == nullptr) {
    gap(layout.head, begin, to.values[0].begin, piece::capacity);
    layout.known_head = true;
  } else {
    gap(to.places[0].gap, previous, to.values[0].begin, longest_gap);
    layout.known_wrap = true;
    // Not there when the record before went on with members of other names; what is known of earlier ones stays then.
    if (const auto brace = std::string_view(previous, longest_gap).find('}'); brace != std::string_view::npos) {
      layout.brace = brace;
      layout.least = brace + to.numbers;
      for (const layout_place& place : to.places) layout.least += place.gap.size();
    }
    layout.wait = layout.next_wait;
    layout.next_wait = layout.next_wait < 32 ? 2 * layout.next_wait + 1 : 63;
  }
  layout.known_head = layout.known_head && fits;
  layout.known_wrap = layout.known_wrap && fits;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
