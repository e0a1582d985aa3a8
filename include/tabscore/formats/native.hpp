// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// Where the parts of a column are in its block, as offsets: the bytes may still move.
struct native_column {
  std::string_view name, type_name;  // valid while the bytes stay
  clickhouse_type type;
  std::size_t nulls = 0, values = 0;
  std::size_t keys = 0, key_count = 0;  // of a LowCardinality column; values are then codes
  std::size_t code_width = 0;
};

/// Finds the end of one block, and on the way its columns. Goes on from where the bytes ended when there are more.
class native_block {
 public:
  enum class state { whole, unfinished, malformed };

  /// `bytes` begin with the block. Of a malformed one why() says what.
  state read(std::string_view bytes);

  /// After read(), until the next one or clear().
  std::size_t size() const noexcept { return at_; }
  std::uint64_t rows() const noexcept { return rows_; }
  const std::vector<native_column>& columns() const noexcept { return columns_; }
  const std::string& why() const noexcept { return why_; }
  void clear() noexcept {
    at_ = walked_ = 0;
    rows_ = walked_rows_ = 0;
    counted_ = false;
    columns_.clear();
  }

 private:
  state malformed(std::string_view column, const std::string& what) {
    why_ =
        "Native: " +
        (column.empty() ? "a block"
                        : "column '" + std::string(column) + "' of a block of " + std::to_string(rows_) + " records") +
        " " + what;
    return state::malformed;
  }

  state read_column(std::string_view bytes);
  state state_of(const clickhouse_cursor& in, const native_column& c) {
    return in.malformed() ? malformed(c.name, "has a text of a malformed size") : state::unfinished;
  }

  /// Skips texts; texts skipped before are not read again.
  bool walk(std::string_view bytes, clickhouse_cursor& in, std::uint64_t count) {
    if (in.out()) return false;
    clickhouse_cursor next(bytes, (std::max)(walked_, in.at()));  // one of its own stays in registers
    walked_rows_ += next.texts(count - walked_rows_, [](std::string_view) {});
    walked_ = next.at();
    in = next;
    return walked_rows_ == count;
  }

  std::size_t at_ = 0;  // where the next column begins, or the size
  std::size_t wanted_ = 0;
  std::uint64_t rows_ = 0;
  bool counted_ = false;
  std::size_t walked_ = 0;  // into the texts of the next column
  std::uint64_t walked_rows_ = 0;
  std::vector<native_column> columns_;
  std::string why_;
};

template <schema_type Schema, class Policy>
class native_decoder final : public block_decoder<Schema> {
 public:
  std::optional<error> decode(std::string_view blocks, bool /*keep_source*/, block_records<Schema>& to,
                              const decode_progress<Schema>& progress) override {
    to.clear();
    while (!blocks.empty()) {
      block_.clear();
      switch (block_.read(blocks)) {
        case native_block::state::whole:
          break;
        case native_block::state::malformed:
          return error{errc::structure, block_.why()};
        case native_block::state::unfinished:
          return error{errc::structure, "Native: the stream ends within a block" + place()};
      }
      if (auto wrong = records(blocks, to, progress)) return wrong;
      blocks.remove_prefix(block_.size());
    }
    return std::nullopt;
  }

 private:
  /// A cursor in the texts of a column, and its dictionary.
  struct texts {
    clickhouse_cursor next{{}};
    std::vector<std::string_view> keys;
  };

  std::string place() const {
    const auto& found = block_.columns();
    std::string text = " of " + std::to_string(block_.rows()) + " records";
    if (!found.empty()) text.append(", behind its column '").append(found.back().name).append("'");
    return text;
  }

  std::optional<error> records(std::string_view bytes, block_records<Schema>& to,
                               const decode_progress<Schema>& progress) {
    if (block_.rows() == 0) return std::nullopt;  // a header
    if (auto wrong = binding_.bind("Native", block_.columns())) return wrong;
    if (auto wrong = open_texts(bytes)) return wrong;
    constexpr std::size_t run = 4096;  // what is converted stays in the cache, and is scored there
    const auto rows = static_cast<std::size_t>(block_.rows());
    to.good.reserve(to.good.rows() + rows);
    for (std::size_t first = 0; first < rows; first += run) {
      lent_.begin((std::min)(run, rows - first));
      Schema::for_each([&]<std::size_t At>() { lend<At>(bytes.data(), first); });
      take_records(lent_, to);
      progress(to.good);
    }
    return std::nullopt;
  }

  std::optional<error> open_texts(std::string_view bytes) {
    for (std::size_t field = 0; field < Schema::size; ++field) {
      const std::size_t c = binding_.column(field);
      if (c == binding_.none || Schema::kinds[field] != field_kind::text) continue;
      const native_column& column = block_.columns()[c];
      texts& t = texts_[field];
      t.next = clickhouse_cursor(bytes, column.type.coded ? column.keys : column.values);
      if (!column.type.coded) continue;
      t.keys.resize(column.key_count);
      for (std::string_view& key : t.keys) key = t.next.text();
      for (std::size_t i = 0; i < block_.rows(); ++i) {
        if (code(bytes.data(), column, i) >= column.key_count) {
          return binding_.refused("Native", column.name,
                                  "has a code outside its dictionary of " + std::to_string(column.key_count));
        }
      }
    }
    return std::nullopt;
  }

  static std::uint64_t code(const char* bytes, const native_column& column, std::size_t i) noexcept {
    std::uint64_t v = 0;  // little-endian, as all of the format
    std::memcpy(&v, bytes + column.values + i * column.code_width, column.code_width);
    return v;
  }

  template <std::size_t At>
  void lend(const char* bytes, std::size_t first) {
    if (binding_.column(At) == binding_.none) return lent_.template fill_nulls<At>();
    const native_column& column = block_.columns()[binding_.column(At)];
    const char* const nulls = column.type.nullable && !column.type.coded ? bytes + column.nulls + first : nullptr;
    if (nulls == nullptr || std::all_of(nulls, nulls + lent_.rows(), [](char is_null) { return is_null == 0; })) {
      return lend<At>(bytes, first, column, [](std::size_t) { return true; });
    }
    lend<At>(bytes, first, column, [nulls](std::size_t i) { return nulls[i] == 0; });
  }

  template <std::size_t At, class Valid>
  void lend(const char* bytes, std::size_t first, const native_column& column, const Valid& valid) {
    const char* const values = bytes + column.values + first * column.type.width;
    if constexpr (Schema::kinds[At] == field_kind::text) {
      if (column.type.coded) {  // code 0 of a nullable one is the null
        const auto code_of = [&](std::size_t i) { return static_cast<std::size_t>(code(bytes, column, first + i)); };
        lent_.template fill<At>([&](std::size_t i) { return texts_[At].keys[code_of(i)]; },
                                [&](std::size_t i) { return !column.type.nullable || code_of(i) != 0; });
      } else if (column.type.value == clickhouse_value::fixed_text) {
        const std::size_t width = column.type.width;
        lent_.template fill<At>(
            [=](std::size_t i) { return without_zeros(std::string_view(values + i * width, width)); }, valid);
      } else {  // one behind the other, nulls too
        views_.resize(lent_.rows());
        clickhouse_cursor next = texts_[At].next;  // one of its own stays in registers
        next.texts(views_.size(), [to = views_.data()](std::string_view text) mutable { *to++ = text; });
        texts_[At].next = next;
        lent_.template fill<At>([&](std::size_t i) { return views_[i]; }, valid);
      }
    } else {
      visit_number(column.type.value, [&](auto number) {
        if constexpr (detail::feeds<typename Schema::template field<At>, decltype(number(values))>()) {
          constexpr std::size_t width = sizeof(decltype(number(values)));
          lent_.template fill<At>([=](std::size_t i) { return number(values + i * width); }, valid);
        }
      });
    }
  }

  native_block block_;
  clickhouse_binding<Schema> binding_;
  std::array<texts, Schema::size> texts_;
  std::vector<std::string_view> views_;
  column_importer<Schema> lent_{Policy::numbers};
};

}  // namespace detail

/// ClickHouse's Native format: blocks of columns, which are found by their names; other columns are passed over. Types:
/// Int8 to Int64, UInt8 to UInt64, Float32, Float64, Bool, String, FixedString, Nullable of them,
/// LowCardinality(String).
template <schema_type Schema, class Policy = coerce::strict>
class native_format final : public record_format<Schema> {
 public:
  result<std::size_t> begin(std::string_view, bool) override {
    unfinished_.clear();
    return std::size_t{0};
  }
  std::size_t whole(std::string_view bytes, bool last) const override {
    if (last) return bytes.size();  // what is left over is the decoder's to complain of
    std::size_t whole = 0;
    for (;;) {
      switch (unfinished_.read(bytes.substr(whole))) {
        case detail::native_block::state::whole:
          whole += unfinished_.size();
          unfinished_.clear();
          continue;
        case detail::native_block::state::unfinished:
          if (whole > 0) unfinished_.clear();  // its bytes come again
          return whole;
        case detail::native_block::state::malformed:
          unfinished_.clear();
          return bytes.size();
      }
    }
  }
  std::unique_ptr<block_decoder<Schema>> decoder() const override {
    return std::make_unique<detail::native_decoder<Schema, Policy>>();
  }

 private:
  // After 0 the same block comes again with more bytes; the columns found so far are not read twice.
  mutable detail::native_block unfinished_;
};

/// Predictions in ClickHouse's Native format: a block of one column `result`, a Tuple of the prediction's columns (see
/// typed_columns) and error String, the result of an executable function.
class native_writer final : public prediction_writer {
 public:
  /// The columns are those of the predictions.
  explicit native_writer(prediction_columns columns) : columns_(std::move(columns)) {
    type_ = "Tuple(";
    for (const prediction_column& c : columns_) {
      type_.append(detail::clickhouse_name(c.name)).append(" ").append(detail::clickhouse_type_of(c.of)).append(", ");
    }
    type_.append("error String)");
  }

  /// Of the column, as SQL has it.
  const std::string& type() const noexcept { return type_; }

  void append_head(text_buffer&, std::string_view) override {}
  /// Appends a block of ClickHouse's Native format.
  void append(text_buffer& out, const answers& block) const override;

 private:
  static void append_values(text_buffer& out, const prediction_column& c, const predictions& p);

  prediction_columns columns_;
  std::string type_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE native_block::state native_block::read(std::string_view bytes) {
  clickhouse_cursor in(bytes, at_);
  if (!counted_) {
    const std::uint64_t columns = in.length();
    rows_ = in.length();
    if (in.malformed()) return malformed({}, "has a malformed size");
    if (in.out()) return state::unfinished;
    if (columns > 10'000 || rows_ >= field_error::all_rows || (columns == 0 && rows_ > 0)) {
      return malformed({}, "has an impossible size");
    }
    wanted_ = static_cast<std::size_t>(columns);
    counted_ = true;
    at_ = in.at();
  }
  while (columns_.size() < wanted_) {
    const state s = read_column(bytes);
    if (s != state::whole) return s;
  }
  return state::whole;
}

TABSCORE_INLINE native_block::state native_block::read_column(std::string_view bytes) {
  clickhouse_cursor in(bytes, at_);
  native_column c;
  c.name = in.text();
  c.type_name = in.text();
  if (in.malformed()) return malformed({}, "has a column name of a malformed size");
  if (in.out()) return state::unfinished;
  const auto type = clickhouse_type_of(c.type_name);
  if (!type) return malformed(c.name, "has the type " + std::string(c.type_name) + ", which can't be read");
  c.type = *type;
  if (rows_ > 0) {  // an empty column has no bytes at all
    if (c.type.coded) {
      if (in.number<std::uint64_t>() != 1 && !in.out()) return malformed(c.name, "is of an unknown serialization");
      const auto flags = in.number<std::uint64_t>();
      if (!in.out() && ((flags & 0xFF) > 3 || (flags & ~std::uint64_t{0xFF}) != 0x600)) {
        return malformed(c.name, "has a dictionary that is not in the block");
      }
      c.code_width = std::size_t{1} << (flags & 3);
      c.key_count = static_cast<std::size_t>(in.number<std::uint64_t>());
      c.keys = in.at();
      if (!walk(bytes, in, c.key_count)) return state_of(in, c);
      if (in.number<std::uint64_t>() != rows_ && !in.out()) return malformed(c.name, "has another number of values");
      c.values = in.at();
      in.take(rows_, c.code_width);
    } else {
      c.nulls = in.at();
      if (c.type.nullable) in.take(rows_);
      c.values = in.at();
      if (c.type.value != clickhouse_value::text) {
        in.take(rows_, c.type.width);
      } else if (!walk(bytes, in, rows_)) {
        return state_of(in, c);
      }
    }
  }
  if (in.out()) return state_of(in, c);
  columns_.push_back(c);
  at_ = in.at();
  walked_ = 0;
  walked_rows_ = 0;
  return state::whole;
}

}  // namespace detail

TABSCORE_INLINE void native_writer::append(text_buffer& out, const answers& block) const {
  const std::size_t rows = block.scores.rows();
  if (rows == 0) return;
  detail::append_length(out, 1);
  detail::append_length(out, rows);
  detail::append_text(out, "result");
  detail::append_text(out, type_);
  for (const prediction_column& c : columns_) {
    char* const nulls = out.space(rows);
    for (std::size_t i = 0; i < rows; ++i) nulls[i] = is_missing(block.scores, i) ? 1 : 0;
    out.keep_to(nulls + rows);
    append_values(out, c, block.scores);
  }
  const auto put_empty_texts = [&](std::size_t count) {
    char* const to = out.space(count);
    out.keep_to(std::fill_n(to, count, '\0'));
  };
  std::size_t begin = 0;
  for (const rejected_record& r : block.rejected) {
    put_empty_texts(r.position - begin);
    detail::append_text(out, r.message);
    begin = r.position + 1;
  }
  put_empty_texts(rows - begin);
}

TABSCORE_INLINE void native_writer::append_values(text_buffer& out, const prediction_column& c, const predictions& p) {
  const auto put = [&](const auto& values) {
    out.append({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  };
  switch (c.of) {
    case prediction_column::kind::number:
      if (p.value.columns() == 1) return put(p.value);
      for (std::size_t i = 0; i < p.rows(); ++i) detail::append_bytes(out, p.value(i, c.number));
      return;
    case prediction_column::kind::label:
      return put(p.label);
    case prediction_column::kind::class_name:
    case prediction_column::kind::decision:
      for (std::size_t i = 0; i < p.rows(); ++i) {
        detail::append_text(out, is_missing(p, i) ? std::string_view{} : c.text_of(p, i));
      }
      return;
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
