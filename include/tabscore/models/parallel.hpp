// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "../core/config.hpp"
#include "../core/scratch.hpp"
#include "forest.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// Runs work(first_row, rows, memory) for pieces of at least a block each, on the caller's threads.
template <class Executor, class Work>
void in_pieces(std::size_t rows, std::size_t tasks, Executor&& executor, Work work) {
  constexpr std::size_t block = 512;
  const std::size_t blocks = (rows + block - 1) / block;
  tasks = std::max<std::size_t>(1, (std::min)(tasks, blocks));
  executor(tasks, [&](std::size_t task) {
    const std::size_t first = blocks * task / tasks * block;
    const std::size_t last = (std::min)(rows, blocks * (task + 1) / tasks * block);
    scratch memory;
    if (first < last) work(first, last - first, memory);
  });
}

}  // namespace detail

/// forest::margins with the rows divided among up to `tasks` tasks. `executor(count, task)` must call task(i) once for
/// each i < count, on whatever threads it likes, and return when all are done. The bits do not depend on the division.
template <class Number, class Executor>
void parallel_margins(const forest& f, matrix_view<Number> x, std::span<double> out, std::size_t tasks,
                      Executor&& executor) {
  const std::size_t width = f.outputs();
  detail::in_pieces(x.rows, tasks, executor, [&](std::size_t first, std::size_t rows, scratch& memory) {
    f.margins(x.middle_rows(first, rows), out.subspan(first * width, rows * width), memory);
  });
}

/// The same for forest::predict.
template <class Number, class Executor>
void parallel_predict(const forest& f, matrix_view<Number> x, std::span<double> out, std::size_t tasks,
                      Executor&& executor) {
  const std::size_t width = f.predictions();
  detail::in_pieces(x.rows, tasks, executor, [&](std::size_t first, std::size_t rows, scratch& memory) {
    f.predict(x.middle_rows(first, rows), out.subspan(first * width, rows * width), memory);
  });
}

}  // namespace tabscore::inline TABSCORE_ABI
