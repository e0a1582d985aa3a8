// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../json/record_json.hpp"
#include "../schema/columns.hpp"

// The REST bodies of the Open Inference Protocol, version 2: one tensor per field of a schema.
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// A datatype whose elements are JSON numbers, booleans or strings. Integer types have bounds; those of UINT64 are cut
/// to the range of an integer field.
struct tensor_datatype {
  std::string_view name;
  field_kind kind;
  std::int64_t least = 0, most = 0;
};
inline constexpr tensor_datatype tensor_datatypes[] = {
    {"BYTES", field_kind::text},
    {"BOOL", field_kind::boolean},
    {"FP64", field_kind::real},
    {"FP32", field_kind::real},
    {"INT64", field_kind::integer, INT64_MIN, INT64_MAX},
    {"INT32", field_kind::integer, INT32_MIN, INT32_MAX},
    {"INT16", field_kind::integer, INT16_MIN, INT16_MAX},
    {"INT8", field_kind::integer, INT8_MIN, INT8_MAX},
    {"UINT64", field_kind::integer, 0, INT64_MAX},
    {"UINT32", field_kind::integer, 0, UINT32_MAX},
    {"UINT16", field_kind::integer, 0, UINT16_MAX},
    {"UINT8", field_kind::integer, 0, UINT8_MAX},
};

/// The tensor name of a field.
constexpr std::string_view datatype_of(field_kind kind) noexcept {
  constexpr std::string_view names[] = {"INT64", "FP64", "BOOL", "BYTES"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace detail

/// Appends each field's entry of a model's metadata: {"name","datatype","shape":[-1]},...
template <schema_type Schema>
void append_tensor_metadata(text_buffer& out) {
  for (std::size_t i = 0; i < Schema::size; ++i) {
    detail::append_json(out, i == 0 ? R"({"name":)" : R"(,{"name":)", detail::quoted{Schema::names[i]},
                        R"(,"datatype":")", detail::datatype_of(Schema::kinds[i]), R"(","shape":[-1]})");
  }
}

/// Appends the records as inputs, one tensor a field: {"name","datatype","shape":[n],"data":[...]},...
template <schema_type Schema>
void append_tensors(text_buffer& out, const columns<Schema>& records) {
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    detail::append_json(out, At == 0 ? R"({"name":)" : R"(,{"name":)", detail::quoted{field::name}, R"(,"datatype":")",
                        detail::datatype_of(field::kind), R"(","shape":[)", records.rows(), R"(],"data":)");
    std::string_view before = "[";
    for (const auto& v : records.template get<At>()) {
      out.append(before);
      append_value<field>(out, v);
      before = ",";
    }
    out.append(records.rows() == 0 ? "[]}" : "]}");
  });
}

/// Appends an output: {"name","datatype","shape":[n],"data":[...]}, FP64 of doubles, INT64 of others.
template <class Number>
void append_tensor(text_buffer& out, std::string_view name, std::span<const Number> data) {
  constexpr bool real = std::is_same_v<Number, double>;
  detail::append_json(out, R"({"name":)", detail::quoted{name},
                      real ? R"(,"datatype":"FP64","shape":[)" : R"(,"datatype":"INT64","shape":[)", data.size(),
                      R"(],"data":[)");
  constexpr std::size_t block = 256;  // elements whose room is asked for at once
  for (std::size_t i = 0; i < data.size(); i += block) {
    const auto some = data.subspan(i, (std::min)(block, data.size() - i));
    char* to = out.space(some.size() * (number_text_space + 1));
    for (const Number v : some) {
      if constexpr (real) {
        to = write_real<spelling::json>(to, v);
      } else {
        to = write_integer(to, static_cast<std::int64_t>(v));
      }
      *to++ = ',';
    }
    out.keep_to(to);
  }
  if (!data.empty()) out.keep_to(out.space(0) - 1);  // the last comma
  out.append("]}");
}

}  // namespace tabscore::inline TABSCORE_ABI
