// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Writes why a record got its margin. Made once from the names of the features; not for concurrent use.
class explanation_writer {
 public:
  /// The names are written once, here.
  explicit explanation_writer(std::span<const std::string> features);

  /// Number of features.
  std::size_t features() const noexcept { return before_.size(); }

  /// Appends "explanation":{"base_value":b,"contributions":[{"feature":"x","contribution":0.5},...],"others":r}: the
  /// `most` largest by magnitude, of equal ones the earlier feature first, and the sum of the others, so that all
  /// numbers add up to the margin. `contributions` has one a feature, then the base value.
  void append(text_buffer& out, std::span<const double> contributions, std::size_t most) {
    out.append(R"("explanation":)");
    append_object(out, contributions, most);
  }
  /// The same of a prediction of several numbers, whose names are given as JSON:
  /// "explanations":{"a":{"base_value":...},...}; of one number as above.
  void append(text_buffer& out, std::span<const double> contributions, std::size_t most,
              std::span<const std::string> columns);

 private:
  void append_object(text_buffer& out, std::span<const double> contributions, std::size_t most);

  std::vector<std::string> before_;  // what stands before each feature's number
  std::vector<std::size_t> order_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE explanation_writer::explanation_writer(std::span<const std::string> features)
    : order_(features.size()) {
  for (const std::string& name : features) {
    text_buffer t;
    detail::append_json(t, R"({"feature":)", detail::quoted{name}, R"(,"contribution":)");
    before_.emplace_back(t.view());
  }
}

TABSCORE_INLINE void explanation_writer::append(text_buffer& out, std::span<const double> contributions,
                                                std::size_t most, std::span<const std::string> columns) {
  if (columns.size() == 1) return append(out, contributions, most);
  std::string_view before = R"("explanations":{)";
  for (std::size_t k = 0; k < columns.size(); ++k) {
    detail::append_json(out, std::exchange(before, ","), columns[k], ":");
    append_object(out, contributions.subspan(k * (features() + 1), features() + 1), most);
  }
  out.append("}");
}

TABSCORE_INLINE void explanation_writer::append_object(text_buffer& out, std::span<const double> contributions,
                                                       std::size_t most) {
  TABSCORE_ASSERT(contributions.size() == features() + 1, "a contribution for each feature, and the base value");
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  const auto size = [&](std::size_t f) {  // bits, which order NaN too
    return std::bit_cast<std::uint64_t>(std::abs(contributions[f]));
  };
  std::sort(order_.begin(), order_.end(),
            [&](std::size_t a, std::size_t b) { return size(a) != size(b) ? size(a) > size(b) : a < b; });
  const std::span<const std::size_t> order(order_);
  most = (std::min)(most, order.size());
  detail::append_json(out, R"({"base_value":)", contributions.back());
  std::string_view before = R"(,"contributions":[)";
  for (const std::size_t f : order.first(most)) {
    detail::append_json(out, std::exchange(before, ","), before_[f], contributions[f], "}");
  }
  double others = 0;
  for (const std::size_t f : order.subspan(most)) others += contributions[f];
  detail::append_json(out, most == 0 ? R"(,"contributions":[],"others":)" : R"(],"others":)", others, "}");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
