// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../outputs/predictions.hpp"
#include "tensors.hpp"

// The outputs of the Open Inference Protocol, version 2: a tensor for each member of a prediction. Numbers are FP64,
// those of classes [n, classes]; labels are INT64; classes are BYTES, whatever the trainer called them, and so are
// decisions.
namespace tabscore::inline TABSCORE_ABI {

/// Appends what the outputs look like in a model's metadata: {"name","datatype","shape":[-1]},...
inline void append_output_metadata(text_buffer& out, const prediction_layout& layout) {
  for (std::size_t i = 0; i < layout.names.size(); ++i) {
    out.append(i == 0 ? R"({"name":)" : R"(,{"name":)");
    append_json_text(out, layout.names[i]);
    if (layout.model.task == task::multiclass) {
      out.append(i == 0 ? R"(,"datatype":"BYTES","shape":[-1]})" : R"(,"datatype":"FP64","shape":[-1,)");
      if (i == 0) continue;
      out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(layout.model.columns)));
      out.append("]}");
    } else {
      out.append(i < layout.model.columns ? R"(,"datatype":"FP64","shape":[-1]})"
                                          : R"(,"datatype":"INT64","shape":[-1]})");
    }
  }
  if (layout.decisions.empty()) return;
  out.append(R"(,{"name":)");
  append_json_text(out, layout.decisions.name);
  out.append(R"(,"datatype":"BYTES","shape":[-1]})");
}

/// Appends the output of one member: {"name","datatype","shape":[n],"data":[...]}. Precondition: it is one.
inline void append_output(text_buffer& out, const predictions& p, std::string_view member) {
  const prediction_layout& layout = *p.layout;
  const auto found = std::find(layout.names.begin(), layout.names.end(), member);
  const auto at = static_cast<std::size_t>(found - layout.names.begin());
  const std::size_t columns = layout.model.columns;
  const auto shape = [&](std::string_view before, std::size_t n, std::string_view behind) {
    out.append(before);
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(n)));
    out.append(behind);
  };
  const bool decision = at == layout.names.size();
  if (layout.model.task != task::multiclass && !decision) {
    if (at >= columns) return append_tensor(out, member, p.label);
    if (columns == 1) return append_tensor(out, member, std::span<const double>(p.value));
  }
  out.append(R"({"name":)");
  append_json_text(out, member);
  std::string_view before;
  const auto number = [&](double v) {
    out.append(before);
    out.keep_to(write_real<spelling::json>(out.space(number_text_space), v));
    before = ",";
  };
  const auto texts = [&](auto text_of) {
    shape(R"(,"datatype":"BYTES","shape":[)", p.rows(), R"(],"data":[)");
    for (std::size_t row = 0; row < p.rows(); ++row) {
      out.append(before);
      append_json_text(out, text_of(row));
      before = ",";
    }
  };
  if (decision) {
    texts([&](std::size_t row) { return p.decision_of(row); });
  } else if (layout.model.task != task::multiclass) {  // one of several columns
    shape(R"(,"datatype":"FP64","shape":[)", p.rows(), R"(],"data":[)");
    for (std::size_t row = 0; row < p.rows(); ++row) number(p.value(row, at));
  } else if (at == 0) {
    texts([&](std::size_t row) { return p.class_of(row); });
  } else {
    shape(R"(,"datatype":"FP64","shape":[)", p.rows(), ",");
    shape("", columns, R"(],"data":[)");
    for (const double v : p.value) number(v);
  }
  out.append("]}");
}

}  // namespace tabscore::inline TABSCORE_ABI
