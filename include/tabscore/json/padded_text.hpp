// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>

#include "../core/config.hpp"

namespace simdjson {
class padded_string_view;
}

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
template <class Body>
concept padded_by_simdjson = std::same_as<Body, simdjson::padded_string_view> || requires {
  &Body::operator simdjson::padded_string_view;
};

/// View is simdjson's, a parameter because it need not be complete before it is used.
template <class View, class Body>
std::string_view view_of_padded(const Body& body) noexcept {
  const View& view = body;
  return {view.data(), view.size()};
}
}  // namespace detail

/// A text with readable bytes behind it, of any content: a simdjson::padded_string or a view of one (for which a
/// program includes <simdjson.h>).
class padded_text : public std::string_view {
 public:
  /// Bytes behind the text that may be read.
  static constexpr std::size_t padding = 64;

  /// Precondition: `padding` bytes behind the text are readable.
  constexpr explicit padded_text(std::string_view text) noexcept : std::string_view(text) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as simdjson's own view
  /// A view of the body, which must outlive it.
  template <detail::padded_by_simdjson Body>
  padded_text(const Body& body) noexcept
      : std::string_view(detail::view_of_padded<simdjson::padded_string_view>(body)) {}
};

}  // namespace tabscore::inline TABSCORE_ABI
