// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/skip.hpp"
#include "../json/json_value.hpp"
#include "../json/reference.hpp"
#include "../schema/batch.hpp"
#include "../schema/field_table.hpp"
#include "detail/inference_request.hpp"
#include "detail/tensor_values.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// What became of an inference request.
enum class tensor_status {
  decoded,   ///< the batch holds the records
  invalid,   ///< values break the schema: faults().errors
  malformed  ///< no JSON, or not the tensors of the schema: problem() says what
};

/// Decodes inference requests into batches: {"id", "inputs": [{"name", "shape": [n] or [n,1], "datatype", "data"}],
/// "outputs"}. Each field is a tensor of its name, in any order; tensors of optional fields may be absent or hold null.
/// Datatypes: BYTES for text, BOOL, any integer type for integers, and FP64, FP32 (values are rounded to it) or any
/// integer type for real numbers. Coercion is strict, the schema's bounds hold. Keeps its memory; one per thread. Text
/// columns point into the body or the batch.
template <schema_type Schema>
class tensor_decoder {
 public:
  /// Bodies beyond the limits are refused.
  explicit tensor_decoder(decode_limits limits = {}) : limits_(limits) {}
  /// The limits of bodies.
  const decode_limits& limits() const noexcept { return limits_; }

  /// Replaces the content of the batch.
  tensor_status read(std::string_view body, batch<Schema>& to) {
    to.clear();
    return open(body) ? records(to) : tensor_status::malformed;
  }
  /// Reads all but the records; false where the request is malformed. The body must stay until records() has read them.
  bool open(std::string_view body) {
    faults_.clear();
    return request_.read(body);
  }
  /// The records of the request that was opened. `some`: bad ones are left out, and faults() says which and why.
  tensor_status records(batch<Schema>& to, bool some = false) {
    to.clear();
    valid_.clear();
    if (!read_columns(to)) {
      to.clear();
      return tensor_status::malformed;
    }
    auto& errors = faults_.errors;
    if (valid_.empty()) return tensor_status::decoded;
    // They were found tensor by tensor; they are told record by record.
    std::stable_sort(errors.begin(), errors.end(), [](const field_error& a, const field_error& b) {
      return std::tie(a.row, a.field) < std::tie(b.row, b.field);
    });
    if (errors.size() > limits_.max_errors) {
      faults_.unlisted += errors.size() - limits_.max_errors;
      errors.resize(limits_.max_errors);
    }
    if (!some) {
      to.clear();
      return tensor_status::invalid;
    }
    for (std::uint32_t row = 0; row < valid_.size(); ++row) {
      if (valid_[row] == 0) faults_.bad_rows.push_back(row);
    }
    to.filter(valid_);
    return tensor_status::decoded;
  }

  // What the last request said.
  /// The request's `id`, repeated in the response.
  const std::optional<std::string>& id() const noexcept { return request_.id(); }
  /// The selected outputs, each once; empty: all.
  std::span<const std::string> outputs() const noexcept { return request_.outputs(); }
  /// Its parameters ask for predictions of the valid records, the others' errors beside them.
  bool skips() const noexcept { return request_.skips(); }
  /// Its parameters ask for contributions.
  bool explains() const noexcept { return request_.explains(); }
  /// Its parameters ask for the records' ids.
  bool tells_ids() const noexcept { return request_.tells_ids(); }
  /// The errors in fields, when the outcome is invalid.
  const decode_faults& faults() const noexcept { return faults_; }
  /// The reason in a sentence, when the request is malformed.
  const std::string& problem() const noexcept { return request_.problem(); }

 private:
  bool read_columns(batch<Schema>& to) {
    const auto rows = request_.rows(limits_.max_records);
    if (!rows) return false;
    to.reserve(*rows);
    for (std::size_t row = 0; row < *rows; ++row) to.add_row();
    bool good = true;
    Schema::for_each([&]<std::size_t At>() { good = good && read_column<At>(to); });
    return good;
  }

  template <std::size_t At>
  bool read_column(batch<Schema>& to) {
    using field = typename Schema::template field<At>;
    const detail::request_tensor& t = request_.tensor(At);
    auto* const column = to.template data<At>();
    if constexpr (!field::required) {
      if (!t.type) {
        std::fill_n(column, to.rows(), field::absent());
        return true;
      }
    }
    column_errors_ = 0;
    const bool single = t.type->name == "FP32";
    const auto blanks = [&](const char* from) { return detail::skip_blanks(from, request_.end()); };
    std::size_t row = 0;
    for (const char* p = blanks(t.data.begin() + 1); *p != ']'; ++row) {
      if (row == to.rows()) return request_.wrong_length(At);
      const char* behind = detail::read_plain_value<field>(p, request_.end(), t, single, column[row]);
      if (behind == nullptr) {
        json_value v(p, request_.end());
        behind = v.end();
        if ((v.kind() == json_kind::array) != t.nested) return request_.wrong_nesting(At);
        if (t.nested) {
          v = v.first_element();
          if (!v || v.next_element() || v.kind() == json_kind::array) return request_.wrong_nesting(At);
        }
        if (const auto broken = detail::read_value<field>(v, *t.type, column[row], to)) {
          if (valid_.empty()) valid_.assign(to.rows(), 1);
          fail(row, At, *broken);
        }
      }
      p = blanks(behind);
      if (*p == ',') p = blanks(p + 1);
    }
    return row == to.rows() || request_.wrong_length(At);
  }

  void fail(std::size_t row, std::size_t field, const violation& broken) {
    valid_[row] = 0;
    if (column_errors_++ >= limits_.max_errors) {  // those of a column come in the order of its rows
      ++faults_.unlisted;
      return;
    }
    faults_.errors.push_back(
        {static_cast<std::uint32_t>(row), static_cast<std::uint16_t>(field), broken.what, broken.bound});
  }

  decode_limits limits_;
  detail::inference_request request_{field_table<Schema>};
  decode_faults faults_;
  std::size_t column_errors_ = 0;
  std::vector<std::uint8_t> valid_;  // of each record; empty: all are
};

}  // namespace tabscore::inline TABSCORE_ABI
