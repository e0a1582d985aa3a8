// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../json/dialect.hpp"
#include "../outputs/predictions.hpp"
#include "../pipeline/outcome.hpp"
#include "tensors.hpp"

// The outputs of the Open Inference Protocol, version 2: a tensor for each member of a prediction. Numbers are FP64,
// those of classes [n, classes]; labels are INT64; classes are BYTES, whatever the trainer called them, and so are
// decisions.
namespace tabscore::inline TABSCORE_ABI {

/// Appends the outputs' entries of a model's metadata: {"name","datatype","shape":[-1]},...
void append_output_metadata(text_buffer& out, const prediction_layout& layout);

namespace detail {

/// {"name":"x","datatype":"FP64","shape":[2,3],"data":[
void begin_output(text_buffer& out, std::string_view name, std::string_view datatype,
                  std::initializer_list<std::size_t> shape);

/// The elements of `width` columns, and the end of the output: element(k, j) appends one of the k-th of the records
/// `rows`, which are ascending; the others have `missing`.
template <class Element>
void append_elements(text_buffer& out, std::span<const std::uint32_t> rows, std::size_t records, std::size_t width,
                     std::string_view missing, Element&& element) {
  std::size_t k = 0;
  for (std::size_t row = 0; row < records; ++row) {
    const bool valid = k < rows.size() && rows[k] == row;
    for (std::size_t j = 0; j < width; ++j) {
      if (row + j != 0) out.append(",");
      if (valid) {
        element(k, j);
      } else {
        out.append(missing);
      }
    }
    if (valid) ++k;
  }
  out.append("]}");
}

}  // namespace detail

/// Appends the output of one member: {"name","datatype","shape":[n],"data":[...]}. Precondition: it is one.
void append_output(text_buffer& out, const predictions& p, std::string_view member);

/// The same for a request whose bad records are skipped: these have null (for NaN) as a number, -1 as a label and "" as
/// a class or a decision.
void append_output(text_buffer& out, const partial_predictions& some, std::string_view member);

/// Appends why records were skipped: BYTES, "" for each record with a prediction. `names`: of the schema's fields.
void append_error_output(text_buffer& out, std::string_view name, const partial_predictions& some,
                         std::span<const std::string_view> names);

/// Appends contributions, for each column of the prediction one per feature and the base value last: FP64,
/// [n,features+1], of several columns [n,columns,features+1]. `rows` and `records` as in partial_predictions. Skipped
/// records and infinite contributions are null. Precondition: p.contributions is not empty.
void append_contributions_output(text_buffer& out, std::string_view name, const predictions& p,
                                 std::span<const std::uint32_t> rows, std::size_t records, std::size_t features);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void append_output_metadata(text_buffer& out, const prediction_layout& layout) {
  for (std::size_t i = 0; i < layout.names.size(); ++i) {
    detail::append_json(out, i == 0 ? R"({"name":)" : R"(,{"name":)", detail::quoted{layout.names[i]});
    if (layout.model.task == task::multiclass && i != 0) {
      detail::append_json(out, R"(,"datatype":"FP64","shape":[-1,)", layout.model.columns, "]}");
    } else if (layout.model.task == task::multiclass) {
      out.append(R"(,"datatype":"BYTES","shape":[-1]})");
    } else {
      out.append(i < layout.model.columns ? R"(,"datatype":"FP64","shape":[-1]})"
                                          : R"(,"datatype":"INT64","shape":[-1]})");
    }
  }
  if (layout.decisions.empty()) return;
  detail::append_json(out, R"(,{"name":)", detail::quoted{layout.decisions.name},
                      R"(,"datatype":"BYTES","shape":[-1]})");
}

namespace detail {

TABSCORE_INLINE void begin_output(text_buffer& out, std::string_view name, std::string_view datatype,
                                  std::initializer_list<std::size_t> shape) {
  append_json(out, R"({"name":)", quoted{name}, R"(,"datatype":")", datatype);
  std::string_view before = R"(","shape":[)";
  for (const std::size_t n : shape) append_json(out, std::exchange(before, ","), n);
  out.append(R"(],"data":[)");
}

}  // namespace detail

TABSCORE_INLINE void append_output(text_buffer& out, const predictions& p, std::string_view member) {
  const prediction_layout& layout = *p.layout;
  const auto found = std::find(layout.names.begin(), layout.names.end(), member);
  const auto at = static_cast<std::size_t>(found - layout.names.begin());
  const std::size_t columns = layout.model.columns, rows = p.rows();
  const bool decision = at == layout.names.size();
  if (layout.model.task != task::multiclass && !decision) {
    if (at >= columns) return append_tensor(out, member, p.label);
    if (columns == 1) return append_tensor(out, member, std::span<const double>(p.value));
  }
  std::string_view before;
  const auto number = [&](double v) {
    out.append(before);
    out.keep_to(write_real<spelling::json>(out.space(number_text_space), v));
    before = ",";
  };
  const auto texts = [&](auto text_of) {
    detail::begin_output(out, member, "BYTES", {rows});
    for (std::size_t row = 0; row < rows; ++row) {
      detail::append_json(out, std::exchange(before, ","), detail::quoted{text_of(row)});
    }
  };
  if (decision) {
    texts([&](std::size_t row) { return p.decision_of(row); });
  } else if (layout.model.task != task::multiclass) {  // one of several columns
    detail::begin_output(out, member, "FP64", {rows});
    for (std::size_t row = 0; row < rows; ++row) number(p.value(row, at));
  } else if (at == 0) {
    texts([&](std::size_t row) { return p.class_of(row); });
  } else {
    detail::begin_output(out, member, "FP64", {rows, columns});
    for (const double v : p.value) number(v);
  }
  out.append("]}");
}

TABSCORE_INLINE void append_output(text_buffer& out, const partial_predictions& some, std::string_view member) {
  const predictions& p = some.scores;
  const prediction_layout& layout = *p.layout;
  const auto found = std::find(layout.names.begin(), layout.names.end(), member);
  const auto at = static_cast<std::size_t>(found - layout.names.begin());
  const std::size_t columns = layout.model.columns;
  const auto elements = [&](std::size_t width, std::string_view missing, auto&& element) {
    detail::append_elements(out, some.rows, some.records, width, missing, element);
  };
  if (at == layout.names.size()) {
    detail::begin_output(out, member, "BYTES", {some.records});
    elements(1, R"("")", [&](std::size_t k, std::size_t) { append_json_text(out, p.decision_of(k)); });
  } else if (layout.model.task == task::multiclass && at == 0) {
    detail::begin_output(out, member, "BYTES", {some.records});
    elements(1, R"("")", [&](std::size_t k, std::size_t) { append_json_text(out, p.class_of(k)); });
  } else if (layout.model.task == task::multiclass) {
    detail::begin_output(out, member, "FP64", {some.records, columns});
    elements(columns, "null", [&](std::size_t k, std::size_t j) { detail::append_json(out, p.value(k, j)); });
  } else if (at < columns) {
    detail::begin_output(out, member, "FP64", {some.records});
    elements(1, "null", [&](std::size_t k, std::size_t) { detail::append_json(out, p.value(k, at)); });
  } else {
    detail::begin_output(out, member, "INT64", {some.records});
    elements(1, "-1", [&](std::size_t k, std::size_t) { out.append(p.label[k] != 0 ? "1" : "0"); });
  }
}

TABSCORE_INLINE void append_error_output(text_buffer& out, std::string_view name, const partial_predictions& some,
                                         std::span<const std::string_view> names) {
  text_buffer text;
  const auto separate = [&] {
    if (text.size() != 0) text.append("; ");
  };
  auto error = some.errors.begin();
  auto broken = some.broken.begin();
  detail::begin_output(out, name, "BYTES", {some.records});
  for (std::size_t row = 0, k = 0; row < some.records; ++row) {
    if (row != 0) out.append(",");
    text.clear();
    for (; error != some.errors.end() && error->row == row; ++error) {
      separate();
      if (error->field != field_error::no_field) text.append(names[error->field]), text.append(" ");
      dialect::neutral::append_sentence(text, *error);
    }
    for (; broken != some.broken.end() && broken->row == row; ++broken) {
      separate();
      text.append(broken->message);
    }
    const bool valid = k < some.rows.size() && some.rows[k] == row;
    if (text.size() != 0) {
      append_json_text(out, text.view());
    } else {
      out.append(valid ? R"("")" : R"("is refused: beyond the errors that are listed")");
    }
    if (valid) ++k;
  }
  out.append("]}");
}

TABSCORE_INLINE void append_contributions_output(text_buffer& out, std::string_view name, const predictions& p,
                                                 std::span<const std::uint32_t> rows, std::size_t records,
                                                 std::size_t features) {
  const std::size_t columns = p.layout->model.columns, width = columns * (features + 1);
  if (columns == 1) {
    detail::begin_output(out, name, "FP64", {records, features + 1});
  } else {
    detail::begin_output(out, name, "FP64", {records, columns, features + 1});
  }
  detail::append_elements(out, rows, records, width, "null", [&](std::size_t k, std::size_t j) {
    detail::append_json(out, p.contributions[k * width + j]);
  });
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
