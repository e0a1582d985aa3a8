// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "../core/config.hpp"
#include "../core/scratch.hpp"
#include "forest.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// forest::margins with the rows divided among up to `tasks` tasks. `executor(count, task)` must call task(i) once for
/// each i < count, on whatever threads it likes, and return when all are done. The bits do not depend on the division.
template <class Number, class Executor>
void parallel_margins(const forest& f, matrix_view<Number> x, std::span<double> out, std::size_t tasks,
                      Executor&& executor) {
  constexpr std::size_t block = 512;  // rows that a task has at least
  const std::size_t blocks = (x.rows + block - 1) / block;
  const std::size_t width = f.outputs();
  tasks = std::max<std::size_t>(1, (std::min)(tasks, blocks));
  executor(tasks, [&](std::size_t task) {
    const std::size_t first = blocks * task / tasks * block;
    const std::size_t last = (std::min)(x.rows, blocks * (task + 1) / tasks * block);
    scratch memory;
    if (first >= last) return;
    f.margins(x.middle_rows(first, last - first), out.subspan(first * width, (last - first) * width), memory);
  });
}

}  // namespace tabscore::inline TABSCORE_ABI
