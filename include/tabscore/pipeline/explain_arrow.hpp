// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../columnar/arrow_explanations.hpp"
#include "../columnar/arrow_reader.hpp"
#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../outputs/prediction_columns.hpp"
#include "../schema/batch.hpp"
#include "detail/score_valid.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The collector of the contributions of a pipeline's predictions; an error for a model without contributions.
template <class Pipeline>
result<arrow_explanations> explanations_of(const Pipeline& pipe) {
  if (const error* const none = pipe.model().explain_error()) return *none;
  const auto columns = typed_columns(pipe.layout());
  if (!columns) return columns.error();
  std::vector<std::string> names;
  for (const prediction_column& c : *columns) {
    if (c.of == prediction_column::kind::number) names.push_back(c.name);
  }
  return arrow_explanations(std::move(names), pipe.model().features().all());
}

/// Contributions to the predictions of a batch's records, of this schema, as Arrow columns (see arrow_explanations);
/// null for a record without a prediction. The sinks are not called. The receiver releases *out, which is unchanged on
/// an error.
template <class Pipeline>
std::optional<error> explain_arrow(const Pipeline& pipe, const ArrowSchema& columns, const ArrowArray& records,
                                   ArrowArray* out, number_rule rule = number_rule::strict) {
  using schema = typename Pipeline::schema_t;
  auto gathered = explanations_of(pipe);
  if (!gathered) return gathered.error();
  const auto reader = arrow_reader<schema>::make(columns);
  if (!reader) return reader.error();
  column_importer<schema> lent(rule);
  score_buffers buffers;
  auto wrong = reader->read_all(records, lent, [&] {
    const validation_errors& wrong_fields = lent.check();
    batch<schema> valid;
    valid.append_views(lent.view());
    partial_predictions found;
    found.rows = detail::positions(valid.rows());
    detail::record_filter filter(pipe, valid, buffers, 0, found);
    filter.remove_invalid(wrong_fields);
    filter.remove_unscorable();
    gathered->append(lent.view().rows(), found.rows, *pipe.explain(valid, buffers));
  });
  if (!wrong) gathered->move_to(out);
  return wrong;
}

}  // namespace tabscore::inline TABSCORE_ABI
