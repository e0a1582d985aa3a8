// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads a FlatBuffer without trusting it: what lies outside of its bytes, or more elements than those could hold,
/// breaks the buffer, whose reads then give nothing; broken() says where.
class flat_buffer {
 public:
  explicit flat_buffer(std::string_view bytes) : bytes_(bytes), left_(16 * bytes.size() + 4096) {}

  bool broken() const noexcept { return !wrong_.empty(); }
  const std::string& wrong() const noexcept { return wrong_; }
  std::size_t break_at(std::string_view field, std::string_view why) {
    if (!broken()) wrong_ = fmt::format("{}: {}", field, why);
    return 0;
  }

  /// Little-endian, at a place that is inside.
  template <class Number>
  Number get(std::size_t at) const noexcept {
    using bits =
        std::conditional_t<sizeof(Number) == 8, std::uint64_t,
                           std::conditional_t<sizeof(Number) == 4, std::uint32_t,
                                              std::conditional_t<sizeof(Number) == 2, std::uint16_t, std::uint8_t>>>;
    bits value = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&value, bytes_.data() + at, sizeof value);
    } else {
      for (std::size_t i = sizeof value; i-- > 0;) {
        value = static_cast<bits>(value << 7 << 1 | static_cast<unsigned char>(bytes_[at + i]));
      }
    }
    return std::bit_cast<Number>(value);
  }
  bool inside(std::size_t at, std::size_t size) const noexcept {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }
  /// Takes `size` bytes from what may still be read.
  bool take(std::size_t size) noexcept {
    if (size > left_) return false;
    left_ -= size;
    return true;
  }
  std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
  std::size_t left_;
  std::string wrong_;
};

/// A table of a FlatBuffer; fields by their number in the schema. One that is not there has its default.
class flat_table {
 public:
  static flat_table root(flat_buffer& buffer) {
    if (!buffer.inside(0, 4)) buffer.break_at("root", "the bytes end before it");
    return flat_table(buffer, buffer.broken() ? 0 : buffer.get<std::uint32_t>(0), "root");
  }

  template <class Number>
  Number number(std::size_t field, std::string_view name, Number otherwise) const {
    const std::size_t at = place(field, sizeof(Number), name);
    return at == 0 ? otherwise : buffer_->get<Number>(at);
  }
  bool has(std::size_t field) const { return place(field, 4, "a field") != 0; }

  std::optional<flat_table> table(std::size_t field, std::string_view name) const {
    const std::size_t at = target(field, name);
    if (at == 0) return std::nullopt;
    return flat_table(*buffer_, at, name);
  }

  std::string text(std::size_t field, std::string_view name) const {
    const std::size_t at = target(field, name);
    return at == 0 ? std::string() : text_at(at, name);
  }

  /// A vector of numbers, or of structs of `Width` equal numbers.
  template <class Number>
  std::vector<Number> numbers(std::size_t field, std::string_view name, std::size_t width = 1) const {
    std::vector<Number> out;
    const std::size_t at = target(field, name);
    const std::size_t count = at == 0 ? 0 : length(at, sizeof(Number) * width, name) * width;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) out.push_back(buffer_->get<Number>(at + 4 + i * sizeof(Number)));
    return out;
  }
  std::string_view bytes(std::size_t field, std::string_view name) const {
    const std::size_t at = target(field, name);
    const std::size_t count = at == 0 ? 0 : length(at, 1, name);
    return count == 0 ? std::string_view() : buffer_->bytes().substr(at + 4, count);
  }

  /// use(table) for each of a vector of tables.
  template <class Use>
  void each(std::size_t field, std::string_view name, Use use) const {
    const std::size_t at = target(field, name);
    const std::size_t count = at == 0 ? 0 : length(at, 4, name);
    for (std::size_t i = 0; i < count && !buffer_->broken(); ++i) {
      const std::size_t from = at + 4 + 4 * i;
      use(flat_table(*buffer_, from + buffer_->get<std::uint32_t>(from), name));
    }
  }
  std::vector<std::string> texts(std::size_t field, std::string_view name) const {
    std::vector<std::string> out;
    const std::size_t at = target(field, name);
    const std::size_t count = at == 0 ? 0 : length(at, 4, name);
    for (std::size_t i = 0; i < count && !buffer_->broken(); ++i) {
      const std::size_t from = at + 4 + 4 * i;
      out.push_back(text_at(from + buffer_->get<std::uint32_t>(from), name));
    }
    return out;
  }

 private:
  flat_table(flat_buffer& buffer, std::size_t at, std::string_view name) : buffer_(&buffer), at_(at) {
    if (buffer.broken()) return;
    if (!buffer.inside(at, 4) || !buffer.take(16)) {
      buffer.break_at(name, "a table outside of the bytes");
      return;
    }
    const auto back = static_cast<std::int64_t>(buffer.get<std::int32_t>(at));
    const std::int64_t fields = static_cast<std::int64_t>(at) - back;
    if (fields < 0 || !buffer.inside(static_cast<std::size_t>(fields), 4)) {
      buffer.break_at(name, "a table whose fields are outside of the bytes");
      return;
    }
    fields_ = static_cast<std::size_t>(fields);
    count_ = buffer.get<std::uint16_t>(fields_);
    if (count_ < 4 || !buffer.inside(fields_, count_)) buffer.break_at(name, "a table whose fields are cut off");
  }

  /// Where a field of `size` bytes is; 0 where it is not there.
  std::size_t place(std::size_t field, std::size_t size, std::string_view name) const {
    const std::size_t entry = 4 + 2 * field;
    if (buffer_->broken() || entry + 2 > count_) return 0;
    const std::size_t offset = buffer_->get<std::uint16_t>(fields_ + entry);
    if (offset == 0) return 0;
    if (!buffer_->inside(at_ + offset, size)) return buffer_->break_at(name, "outside of the bytes");
    return at_ + offset;
  }
  /// What a field points to; 0 where it is not there.
  std::size_t target(std::size_t field, std::string_view name) const {
    const std::size_t at = place(field, 4, name);
    if (at == 0) return 0;
    const std::size_t to = at + buffer_->get<std::uint32_t>(at);
    if (!buffer_->inside(to, 4)) return buffer_->break_at(name, "outside of the bytes");
    return to;
  }
  std::size_t length(std::size_t at, std::size_t size, std::string_view name) const {
    if (!buffer_->inside(at, 4)) return buffer_->break_at(name, "outside of the bytes");
    const std::size_t count = buffer_->get<std::uint32_t>(at);
    if (count > (buffer_->bytes().size() - at - 4) / size) {
      return buffer_->break_at(name, fmt::format("{} elements, and the bytes end before them", count));
    }
    if (!buffer_->take(count * size)) return buffer_->break_at(name, "the same bytes are read too often");
    return count;
  }
  std::string text_at(std::size_t at, std::string_view name) const {
    const std::size_t count = length(at, 1, name);
    return count == 0 ? std::string() : std::string(buffer_->bytes().substr(at + 4, count));
  }

  flat_buffer* buffer_;
  std::size_t at_;
  std::size_t fields_ = 0;
  std::size_t count_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
