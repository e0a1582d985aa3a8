// SPDX-License-Identifier: MIT
// Any bytes as CSV: equal to a plain reading of the grammar, wherever they are cut. The first byte says whether cells
// may hold line breaks.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../support/plain_csv.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto difference =
      plain_csv::difference(text + "\n", {"name", "whole", "number", "flag", "note"}, data[0] % 2 == 0);
  if (difference.empty()) return 0;
  std::fprintf(stderr, "%s\n", difference.c_str());
  std::abort();
}

#include "replay.hpp"
