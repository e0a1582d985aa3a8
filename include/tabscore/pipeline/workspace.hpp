// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string_view>

#include "../core/config.hpp"
#include "../core/scratch.hpp"
#include "../json/decode.hpp"
#include "../json/padded_text.hpp"
#include "../schema/batch.hpp"
#include "pipeline.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The memory of a body from bytes to predictions, reused by the next body. One per thread.
template <schema_type Schema, class Policy = coerce::strict>
struct workspace {
  tabscore::decoder<Schema, Policy> decoder;  ///< with the errors of the last body
  batch<Schema> records;                      ///< of the last body
  score_buffers buffers;                      ///< of the pipeline
  scratch body;                               ///< a copy of the last body without padding
};

/// Bodies without padding: they are copied into the workspace.
template <class Body>
concept unpadded_body =
    std::convertible_to<const Body&, std::string_view> && !std::convertible_to<const Body&, padded_text>;

namespace detail {
inline padded_text padded_copy(std::string_view body, scratch& memory) {
  const std::size_t room = body.size() + padded_text::padding;
  char* const to = memory.get<char>(room).data();
  std::fill(std::copy(body.begin(), body.end(), to), to + room, '\0');
  return padded_text({to, body.size()});
}
}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
