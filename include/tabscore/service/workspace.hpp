// SPDX-License-Identifier: MIT
#pragma once

#include "../json/decode.hpp"
#include "../pipeline/pipeline.hpp"
#include "../schema/batch.hpp"

namespace tabscore {

/// All memory that a body needs on its way from bytes to predictions, reused by the next one. One per thread.
template <schema_type Schema, class Policy = coerce::python>
struct workspace {
  tabscore::decoder<Schema, Policy> decoder;
  batch<Schema> records;
  score_buffers x;
};

}  // namespace tabscore
