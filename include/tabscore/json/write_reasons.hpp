// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../outputs/reasons.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends "reasons":[{"rank":1,"code":"R01","text":"..."},...] of one record, the largest first.
void append_reasons(text_buffer& out, const record_reasons& reasons, std::size_t row);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void append_reasons(text_buffer& out, const record_reasons& reasons, std::size_t row) {
  out.append(R"("reasons":[)");
  std::size_t rank = 0;
  for (const std::uint16_t at : reasons.of(row)) {
    const reason& r = reasons.known[at];
    out.append(rank == 0 ? "" : ",");
    detail::append_json(out, R"({"rank":)", ++rank, R"(,"code":)", detail::quoted{r.code}, R"(,"text":)",
                        detail::quoted{r.text}, "}");
  }
  out.append("]");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
