// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../json/coerce.hpp"
#include "clickhouse.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

struct row_binary_column {
  std::string name, type_name;
  clickhouse_type type;
};

/// The values of one record: where each begins, null for a null; nothing where the bytes end
/// first.
class row_binary_cursor {
 public:
  row_binary_cursor(std::string_view bytes, const std::vector<row_binary_column>& columns)
      : in_(bytes), columns_(columns) {}

  template <class Each>
  bool next(Each&& each) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const clickhouse_type& type = columns_[c].type;
      if (type.nullable) {
        const auto is_null = in_.number<unsigned char>();
        if (in_.out()) return false;
        if (is_null != 0) {
          each(c, std::string_view{});
          continue;
        }
      }
      const std::string_view value =
          type.value == clickhouse_value::text ? in_.text() : std::string_view(in_.take(type.width), type.width);
      if (in_.out()) return false;
      each(c, value);
    }
    return true;
  }
  std::size_t at() const noexcept { return in_.at(); }
  bool malformed() const noexcept { return in_.malformed(); }

 private:
  clickhouse_cursor in_;
  const std::vector<row_binary_column>& columns_;
};

template <schema_type Schema, class Policy>
class row_binary_decoder final : public block_decoder<Schema> {
 public:
  row_binary_decoder(const std::vector<row_binary_column>& columns, const clickhouse_binding<Schema>& binding)
      : columns_(columns), binding_(binding) {}

  std::optional<error> decode(std::string_view block, bool /*keep_source*/, block_records<Schema>& to,
                              const decode_progress<Schema>& /*progress*/) override {
    to.clear();
    constexpr std::size_t run = 4096;  // what is converted stays in the cache
    row_binary_cursor in(block, columns_);
    std::size_t rows = 0;
    values_.resize(columns_.size());  // of the stream that was begun last
    for (auto& column : values_) column.resize(run);
    while (in.at() < block.size()) {
      if (!in.next([&](std::size_t c, std::string_view value) { values_[c][rows] = value; })) {
        return error{errc::structure, in.malformed() ? "RowBinary: a text is of a malformed size"
                                                     : "RowBinary: the stream ends within a record"};
      }
      if (++rows == run) take(rows, to);
    }
    take(rows, to);
    return std::nullopt;
  }

 private:
  void take(std::size_t& rows, block_records<Schema>& to) {
    lent_.begin(rows);
    Schema::for_each([&]<std::size_t At>() {
      const std::size_t c = binding_.column(At);
      if (c == binding_.none) return lent_.template fill_nulls<At>();
      const std::string_view* const values = values_[c].data();
      const clickhouse_value type = columns_[c].type.value;
      const auto valid = [=](std::size_t i) { return values[i].data() != nullptr; };
      if constexpr (Schema::kinds[At] == field_kind::text) {
        const bool fixed = type == clickhouse_value::fixed_text;
        lent_.template fill<At>([=](std::size_t i) { return fixed ? without_zeros(values[i]) : values[i]; }, valid);
      } else {
        visit_number(type, [&](auto number) {
          if constexpr (detail::feeds<typename Schema::template field<At>, decltype(number(nullptr))>()) {
            lent_.template fill<At>([=](std::size_t i) { return number(values[i].data()); }, valid);
          }
        });
      }
    });
    take_records(lent_, to);
    rows = 0;
  }

  const std::vector<row_binary_column>& columns_;
  const clickhouse_binding<Schema>& binding_;
  std::vector<std::vector<std::string_view>> values_;  // by column
  column_importer<Schema> lent_{Policy::numbers};
};

}  // namespace detail

/// Whether the names and types of the columns stand before the records.
enum class row_binary_header { none, names_and_types };

/// ClickHouse's RowBinary format. With names and types the columns are found as those of native_format are; without,
/// they are the schema's: Int64, Float64, Bool and String, Nullable where the field is optional.
template <schema_type Schema, class Policy = coerce::strict>
class row_binary_format final : public record_format<Schema> {
 public:
  /// The header says whether names and types come first.
  explicit row_binary_format(row_binary_header header) : header_(header) {}

  result<std::size_t> begin(std::string_view bytes, bool last) override {
    detail::clickhouse_cursor in(bytes);
    columns_.clear();
    if (header_ == row_binary_header::none) {
      Schema::for_each([&]<std::size_t At>() { add_field<At>(); });
    } else {
      const std::uint64_t count = in.length();
      if (count > 10'000 || (count == 0 && !bytes.empty() && !in.out())) return malformed();
      for (std::uint64_t c = 0; c < count && !in.out(); ++c) columns_.push_back({std::string(in.text()), {}, {}});
      for (auto& column : columns_) column.type_name = in.text();
      if (in.malformed() || (in.out() && last && !bytes.empty())) return malformed();
      if (in.out() && !last) return this->needs_more;
      if (bytes.empty()) return std::size_t{0};  // no records, nor a header
      for (auto& column : columns_) {
        const auto type = detail::clickhouse_type_of(column.type_name);
        if (!type) {
          return binding_.refused("RowBinary", column.name,
                                  "has the type " + column.type_name + ", which can't be read");
        }
        column.type = *type;
        column.type.coded = false;  // here the values themselves stand in the rows
      }
    }
    if (auto wrong = binding_.bind("RowBinary", columns_)) return *std::move(wrong);
    return in.at();
  }

  std::size_t whole(std::string_view bytes, bool last) const override {
    if (last) return bytes.size();  // what is left over is the decoder's to complain of
    detail::row_binary_cursor in(bytes, columns_);
    std::size_t whole = 0;
    while (in.next([](std::size_t, std::string_view) {})) whole = in.at();
    return in.malformed() ? bytes.size() : whole;
  }
  std::unique_ptr<block_decoder<Schema>> decoder() const override {
    return std::make_unique<detail::row_binary_decoder<Schema, Policy>>(columns_, binding_);
  }

 private:
  static error malformed() { return {errc::structure, "RowBinary: the header is malformed"}; }

  template <std::size_t At>
  void add_field() {
    constexpr std::string_view plain = Schema::kinds[At] == field_kind::integer   ? "Int64"
                                       : Schema::kinds[At] == field_kind::real    ? "Float64"
                                       : Schema::kinds[At] == field_kind::boolean ? "Bool"
                                                                                  : "String";
    detail::row_binary_column column{std::string(Schema::names[At]), std::string(plain),
                                     *detail::clickhouse_type_of(plain)};
    column.type.nullable = !Schema::required[At];
    columns_.push_back(std::move(column));
  }

  row_binary_header header_;
  std::vector<detail::row_binary_column> columns_;
  detail::clickhouse_binding<Schema> binding_;
};

/// Predictions as ClickHouse's RowBinary format: their columns (see typed_columns), then error String.
class row_binary_writer final : public prediction_writer {
 public:
  /// The columns are those of the predictions.
  row_binary_writer(row_binary_header header, prediction_columns columns)
      : header_(header), columns_(std::move(columns)), no_prediction_(columns_.size(), '\1') {}

  void append_head(text_buffer& out, std::string_view) override;
  /// Appends the rows of a block.
  void append(text_buffer& out, const answers& block) const override;

 private:
  static void append_value(text_buffer& out, const prediction_column& c, const predictions& p, std::size_t row);

  row_binary_header header_;
  prediction_columns columns_;
  std::string no_prediction_;  // a NULL a column
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void row_binary_writer::append_head(text_buffer& out, std::string_view) {
  if (header_ == row_binary_header::none) return;
  detail::append_length(out, columns_.size() + 1);
  for (const prediction_column& c : columns_) detail::append_text(out, c.name);
  detail::append_text(out, "error");
  for (const prediction_column& c : columns_) detail::append_text(out, detail::clickhouse_type_of(c.of));
  detail::append_text(out, "String");
}

TABSCORE_INLINE void row_binary_writer::append(text_buffer& out, const answers& block) const {
  auto rejected = block.rejected.begin();
  for (std::size_t i = 0; i < block.scores.rows(); ++i) {
    if (is_missing(block.scores, i)) {
      out.append(no_prediction_);
    } else {
      for (const prediction_column& c : columns_) append_value(out, c, block.scores, i);
    }
    const bool has_reason = rejected != block.rejected.end() && rejected->position == i;
    detail::append_text(out, has_reason ? std::string_view((rejected++)->message) : std::string_view{});
  }
}

TABSCORE_INLINE void row_binary_writer::append_value(text_buffer& out, const prediction_column& c, const predictions& p,
                                                     std::size_t row) {
  out.append({"\0", 1});  // no NULL
  switch (c.of) {
    case prediction_column::kind::number:
      return detail::append_bytes(out, p.value(row, c.number));
    case prediction_column::kind::label:
      return detail::append_bytes(out, p.label[row]);
    case prediction_column::kind::class_name:
    case prediction_column::kind::decision:
      return detail::append_text(out, c.text_of(p, row));
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
