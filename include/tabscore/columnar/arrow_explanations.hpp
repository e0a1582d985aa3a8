// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "arrow_abi.hpp"
#include "detail/arrow_export.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Collects contributions (see pipeline::explain) as Arrow columns: per record a struct of structs, one per number of
/// the prediction, each with a double per feature and "base_value"; null for records without a prediction. The result
/// owns its memory. Not for concurrent use.
class arrow_explanations {
 public:
  /// `numbers` are the names of the prediction's numbers.
  arrow_explanations(std::vector<std::string> numbers, std::vector<std::string> features)
      : numbers_(std::move(numbers)), features_(std::move(features)) {
    features_.emplace_back("base_value");
    columns_.resize(numbers_.size() * features_.size());
  }

  /// The next records: `contributions` has numbers x (features + 1) of each of those at the places `valid`.
  void append(std::size_t records, std::span<const std::uint32_t> valid, std::span<const double> contributions);

  /// Moves the collected columns to *out, which the receiver releases. Call it once.
  void move_to(ArrowArray* out);

  /// The schema of what move_to() gives; the caller releases it.
  void export_schema(ArrowSchema* out) const;

 private:
  std::vector<std::string> numbers_, features_;
  std::vector<std::vector<double>> columns_;  // number after number
  std::vector<std::uint8_t> bits_;            // of validity
  std::size_t rows_ = 0;
  std::size_t nulls_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void arrow_explanations::append(std::size_t records, std::span<const std::uint32_t> valid,
                                                std::span<const double> contributions) {
  const std::size_t first = rows_;
  rows_ += records;
  nulls_ += records - valid.size();
  bits_.resize((rows_ + 7) / 8);
  for (std::vector<double>& column : columns_) column.resize(rows_);
  std::size_t at = 0;
  for (const std::uint32_t i : valid) {
    const std::size_t row = first + i;
    bits_[row / 8] = static_cast<std::uint8_t>(bits_[row / 8] | 1U << row % 8);
    for (std::vector<double>& column : columns_) column[row] = contributions[at++];
  }
}

TABSCORE_INLINE void arrow_explanations::move_to(ArrowArray* out) {
  struct nothing {};
  const auto describe = [&](ArrowArray& array, std::array<const void*, 3>& buffers, const void* bits,
                            std::int64_t buffer_count, std::size_t nulls) {
    buffers[0] = bits;
    array.buffers = buffers.data();
    array.n_buffers = buffer_count;
    array.length = static_cast<std::int64_t>(rows_);
    array.null_count = static_cast<std::int64_t>(nulls);
  };
  auto& records = detail::arrow_export<ArrowArray, nothing>::parent_into(out, numbers_.size());
  describe(*out, records.buffers, nullptr, 1, 0);
  for (std::size_t n = 0; n < numbers_.size(); ++n) {
    using bitmap = std::vector<std::uint8_t>;
    ArrowArray& number = records.children[n];
    auto& owner = detail::arrow_export<ArrowArray, bitmap>::parent_into(&number, features_.size(), bits_);
    describe(number, owner.buffers, owner.payload.data(), 1, nulls_);
    for (std::size_t f = 0; f < features_.size(); ++f) {
      auto& column = owner.children[f];
      auto& values = columns_[n * features_.size() + f];
      auto& memory = detail::arrow_export<ArrowArray, std::vector<double>>::into(&column, std::move(values));
      memory.buffers[1] = memory.payload.data();
      describe(column, memory.buffers, nullptr, 2, 0);
    }
  }
}

TABSCORE_INLINE void arrow_explanations::export_schema(ArrowSchema* out) const {
  auto& records = detail::export_struct(out, "", numbers_.size());
  for (std::size_t n = 0; n < numbers_.size(); ++n) {
    auto& number = detail::export_struct(&records.children[n], numbers_[n], features_.size(), true);
    for (std::size_t f = 0; f < features_.size(); ++f) {
      detail::export_column(&number.children[f], "g", features_[f], false);
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
