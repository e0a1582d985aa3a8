// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../../core/config.hpp"
#include "../../features/feature_block.hpp"
#include "../../schema/columns.hpp"
#include "../score_buffers.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The features of one block of records after the other, in the buffers' matrix.
template <schema_type Schema, class Features>
class block_features {
 public:
  /// Records of a full block: few enough that their fields and features stay in the first caches between the stages,
  /// enough that the cost of a call to each stage is negligible.
  static constexpr std::size_t block_rows = 256;

  /// For the blocks of a batch of `rows` rows. `text_fields`: the fields that are the model's text features.
  block_features(const Features& all, std::span<const std::size_t> text_fields, std::size_t rows,
                 score_buffers& buffers)
      : features_(all),
        text_fields_(text_fields),
        stride_((std::min)(block_rows, (rows + 7) / 8 * 8)),  // a multiple of eight rows aligns all columns alike
        matrix_(buffers.matrix.template get<double>(stride_ * width).data()),
        codes_(buffers.codes.template get<std::int32_t>(stride_ * text_fields.size()).data()) {}

  /// Of a block of at most block_rows records; valid until the next call.
  feature_block of(const columns<Schema>& part) {
    features_.write(part, matrix_, stride_);
    const std::size_t texts = text_fields_.size();
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (Schema::kinds[At] == field_kind::text) {
        for (std::size_t t = 0; t < texts; ++t) {
          if (text_fields_[t] == At) text_[t] = part.template get<At>().data();
        }
      }
    });
    for (std::size_t t = 0; t < texts; ++t) text_codes_[t] = {.code = codes_ + t * stride_};
    return {part.rows(), width, matrix_, stride_, std::span(text_).first(texts), std::span(text_codes_).first(texts)};
  }

 private:
  static constexpr std::size_t width = Features::template width<Schema>;
  static constexpr std::size_t most_texts = std::max<std::size_t>(1, Schema::text_count);

  const Features& features_;
  std::span<const std::size_t> text_fields_;
  std::size_t stride_;
  double* matrix_;
  std::int32_t* codes_;
  std::array<const std::string_view*, most_texts> text_{};
  std::array<text_codes, most_texts> text_codes_{};
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
