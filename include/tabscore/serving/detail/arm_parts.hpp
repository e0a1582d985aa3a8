// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../outputs/predictions.hpp"
#include "../../pipeline/pipeline.hpp"
#include "../../schema/batch.hpp"
#include "../../schema/columns.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The records of one arm among those of a batch, and their predictions.
template <schema_type Schema>
struct arm_part {
  std::size_t arm = 0;
  std::vector<std::uint32_t> rows{};  ///< where they stand in the batch
  batch<Schema> records{};
  score_buffers buffers{};
  predictions found{};
};

/// The records of each arm that has some, the champion's first. `arm_of(row)`: below `arms`.
template <schema_type Schema, class ArmOf>
std::vector<arm_part<Schema>> split_by_arm(const columns<Schema>& records, std::size_t arms, ArmOf&& arm_of) {
  std::vector<std::vector<std::uint32_t>> rows(arms);
  for (std::size_t row = 0; row < records.rows(); ++row) {
    rows[arm_of(row)].push_back(static_cast<std::uint32_t>(row));
  }
  std::vector<arm_part<Schema>> parts;
  for (std::size_t arm = 0; arm < rows.size(); ++arm) {
    if (rows[arm].empty()) continue;
    arm_part<Schema>& p = parts.emplace_back();
    p.arm = arm;
    p.rows = std::move(rows[arm]);
    p.records.reserve(p.rows.size());
    for (std::size_t i = 0; i < p.rows.size(); ++i) p.records.add_row();
    Schema::for_each([&]<std::size_t At>() {
      const auto from = records.template get<At>();
      auto* const to = p.records.template data<At>();
      for (std::size_t i = 0; i < p.rows.size(); ++i) to[i] = from[p.rows[i]];
    });
  }
  return parts;
}

/// The predictions of all parts, in the order of the records.
template <schema_type Schema>
predictions merge_parts(const std::vector<arm_part<Schema>>& parts, const prediction_layout& layout, std::size_t rows,
                        score_buffers& buffers) {
  const std::size_t columns = layout.model.columns;
  const auto values = buffers.values.template get<double>(rows * columns);
  std::span<std::uint8_t> label, decision;
  std::span<std::uint32_t> class_at;
  const predictions& one = parts[0].found;
  if (!one.label.empty()) label = buffers.label.template get<std::uint8_t>(rows);
  if (!one.class_at.empty()) class_at = buffers.label.template get<std::uint32_t>(rows);
  if (!one.decision_at.empty()) decision = buffers.decision.template get<std::uint8_t>(rows);
  std::span<std::uint16_t> reasons;
  const std::size_t most = one.reasons != nullptr ? one.reasons->most : 0;
  if (most != 0) reasons = buffers.reasons.template get<std::uint16_t>(rows * most);
  for (const arm_part<Schema>& p : parts) {
    for (std::size_t i = 0; i < p.rows.size(); ++i) {
      const std::size_t row = p.rows[i];
      std::copy_n(p.found.value.data() + i * columns, columns, values.data() + row * columns);
      if (!label.empty()) label[row] = p.found.label[i];
      if (!class_at.empty()) class_at[row] = p.found.class_at[i];
      if (!decision.empty()) decision[row] = p.found.decision_at[i];
      if (most != 0) std::copy_n(p.found.reasons->at.data() + i * most, most, reasons.data() + row * most);
    }
  }
  predictions all(layout, {values, columns}, label, class_at, one.threshold, decision);
  buffers.texts.clear();
  all.texts = &buffers.texts;
  if (one.reasons != nullptr) {
    buffers.found_reasons = {one.reasons->known, reasons, most};
    all.reasons = &buffers.found_reasons;
  }
  return all;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
