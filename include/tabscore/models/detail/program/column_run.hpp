// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/scratch.hpp"
#include "../../../features/feature_block.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Columns of a program by number: numeric features, then text features, then what its steps append.
using column_id = std::uint32_t;
using column_list = std::vector<column_id>;

/// The inputs of a step that reads all of them for each column that it appends.
struct all_inputs {
  column_list in;

  static constexpr bool reads_all = true;
  template <class Use>
  void each_input(std::size_t, Use use) const {
    for (const column_id c : in) use(c);
  }
};

/// Some rows of a block while a program runs over them: what its steps read. A step writes its columns one after
/// another, `stride` numbers apart.
struct column_run {
  const feature_block& x;
  std::size_t first;                      ///< row of the block
  std::size_t rows;                       ///< of this run
  std::size_t stride;                     ///< >= rows
  std::span<const double* const> column;  ///< by id; text features have none
  std::uint8_t* faulty;                   ///< by row: not 0 once it can have no probability
  scratch& memory;                        ///< free for a step while it runs

  const std::string_view* text(std::size_t field) const noexcept { return x.text[field] + first; }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
