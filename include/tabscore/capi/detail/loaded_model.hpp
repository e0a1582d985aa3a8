// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "../../columnar/arrow_abi.hpp"
#include "../../columnar/arrow_predictions.hpp"
#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../core/result.hpp"
#include "../../models/model_file.hpp"
#include "../../monitor/drift_monitor.hpp"
#include "../../monitor/state.hpp"
#include "../../monitor/state_json.hpp"
#include "../../outputs/prediction_columns.hpp"
#include "../../outputs/task.hpp"
#include "../../pipeline/explain_arrow.hpp"
#include "../../pipeline/score_arrow.hpp"
#include "../../pipeline/service_model.hpp"
#include "../../serving/service.hpp"

namespace tabscore::inline TABSCORE_ABI::capi::detail {

/// The JSON of a model.
std::string describe(const model_file& file, const std::string& sha256, const prediction_columns& columns);

/// A model and what counts its predictions. Threads share it.
template <serving::servable T>
class loaded_model {
  using service = serving::completed<T>;
  using pipeline_type = typename service_model<service>::template pipeline_type<drift_monitor>;
  static constexpr number_rule numbers = service::coercion::numbers;

 public:
  static result<std::unique_ptr<loaded_model>> make(service_model<service> from) {
    std::unique_ptr<loaded_model> made(new loaded_model(std::move(from.reference)));
    auto pipe = from.make_pipeline(sinks<drift_monitor>(made->monitor_));
    if (!pipe) return pipe.error();
    auto columns = typed_columns(pipe->layout());
    if (!columns) return columns.error();
    made->columns_ = *std::move(columns);
    made->pipe_.emplace(*std::move(pipe));
    made->description_ = describe(from.file, from.sha256, made->columns_);
    return made;
  }

  const std::string& description() const noexcept { return description_; }
  void export_schema(ArrowSchema* out) const { arrow_predictions::export_schema(columns_, out); }

  std::optional<error> score(const ArrowSchema& schema, const ArrowArray& records, ArrowArray* out) const {
    auto scorer = arrow_scorer<pipeline_type>::make(*pipe_, schema, numbers);
    return scorer ? scorer->score(records, out) : scorer.error();
  }
  std::optional<error> score(ArrowArrayStream* records, ArrowArrayStream* out) const {
    return score_arrow(*pipe_, records, out, numbers);
  }
  std::optional<error> explain(const ArrowSchema& schema, const ArrowArray& records, ArrowArray* out) const {
    return explain_arrow(*pipe_, schema, records, out, numbers);
  }
  std::optional<error> export_explanation_schema(ArrowSchema* out) const {
    const auto explanations = explanations_of(*pipe_);
    if (!explanations) return explanations.error();
    explanations->export_schema(out);
    return std::nullopt;
  }

  result<std::string> state() const {
    if (monitor_.reference().empty()) {
      return error{errc::unsupported, "monitoring has no state: the model file has no histograms (drift_baseline)"};
    }
    return to_json(state_of(monitor_));
  }

 private:
  explicit loaded_model(drift_reference reference) : monitor_(std::move(reference)) {}

  drift_monitor monitor_;
  std::optional<pipeline_type> pipe_;
  prediction_columns columns_;
  std::string description_;
};

}  // namespace tabscore::inline TABSCORE_ABI::capi::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::capi::detail {

TABSCORE_INLINE std::string describe(const model_file& file, const std::string& sha256,
                                     const prediction_columns& columns) {
  return fmt::format(
      R"({{"name":{},"sha256":{},"date":{},"kind":{},"task":{},"columns":{},"classes":{},"threshold":{}}})",
      json_text(file.name), json_text(sha256), json_text(file.origin.date), json_text(file.kind),
      json_text(name(file.outputs.task)), json_list(columns, [](const auto& column) { return json_text(column.name); }),
      json_list(file.outputs.classes, json_text),
      has_threshold(file.outputs.task) ? fmt::format("{}", file.threshold) : "null");
}

}  // namespace tabscore::inline TABSCORE_ABI::capi::detail
#endif
