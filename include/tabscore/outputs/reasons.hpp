// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/shortened.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A reason why a number is worse than the baseline's: a code, a text for the person concerned, and the features that
/// it stands for.
struct reason {
  std::string code;                   ///< for programs
  std::string text;                   ///< for the person concerned
  std::vector<std::string> features;  ///< names of features of the model
};

/// The reasons that a policy file declares (docs/reference/policies.md).
struct reason_table {
  /// Numbers that are worse for the person.
  enum class direction : std::uint8_t { higher, lower };

  direction adverse = direction::higher;  ///< the numbers that are worse for the person
  std::string number;                     ///< whose contributions count: a member of the prediction, or a class
  std::string baseline;                   ///< a record as JSON; empty: the mean of the training rows
  std::vector<reason> reasons;            ///< each feature of the model is in one of them, or in `unreported`
  std::vector<std::string> unreported;    ///< features that are never a reason
  std::vector<std::string> decisions;     ///< decisions whose records get reasons; empty: all
};

/// More reasons in a policy file are refused.
inline constexpr std::size_t max_reason_groups = 10'000;

/// The reasons of a batch's records.
struct record_reasons {
  std::span<const reason> known;      ///< what `at` points into
  std::span<const std::uint16_t> at;  ///< positions in `known`: `most` per record, the unused ones last
  std::size_t most = 0;               ///< reasons of a record

  static constexpr std::uint16_t none = UINT16_MAX;  ///< stands in `at` where a record has fewer reasons

  /// The positions of a record's reasons, the largest first.
  std::span<const std::uint16_t> of(std::size_t row) const noexcept {
    const auto all = at.subspan(row * most, most);
    return all.first(static_cast<std::size_t>(std::find(all.begin(), all.end(), none) - all.begin()));
  }
};

/// Finds the reasons of records in their contributions. Immutable.
class reason_finder {
 public:
  /// `features` are the model's, in its order, `numbers` the columns of its contributions by name. `baseline` has the
  /// contributions of the baseline record to each number, base values left out; empty: those of the mean, which are 0.
  /// `bins` are the reasons of the model's bins: they come before the feature's. An error where a feature, a number or
  /// a decision is unknown, or a feature belongs to no reason or to two.
  static result<reason_finder> make(reason_table table, std::span<const std::string> features,
                                    std::span<const std::string> numbers,
                                    std::span<const std::string_view> decisions = {}, std::vector<double> baseline = {},
                                    std::span<const reason> bins = {});

  /// All reasons that find() may give.
  std::span<const reason> reasons() const noexcept { return reasons_; }

  /// The reasons of records, up to `most` of each. `contributions`: rows x numbers x (features + 1); `decision_at`: the
  /// position of each record's decision among the declared ones, or empty; `bins`: the positions of their bins' reasons
  /// among make()'s, rows x features, or empty. Lives in the memory.
  record_reasons find_all(std::span<const double> contributions, std::span<const std::uint8_t> decision_at,
                          std::size_t rows, std::size_t most, scratch& positions, scratch& sums,
                          std::span<const std::uint16_t> bins = {}) const;

  /// The reasons of one record: up to `to.size()` of them, the largest first, of equal ones the first declared, as
  /// positions in reasons(). Only reasons that make the number worse than the baseline's count. Returns their
  /// number. `contributions`: numbers x (features + 1), as in explain(); `sums`: reasons().size() elements of
  /// working memory.
  std::size_t find(std::span<const double> contributions, std::span<double> sums, std::span<std::uint16_t> to,
                   std::span<const std::uint16_t> bins = {}) const noexcept;

 private:
  static constexpr std::uint16_t none = record_reasons::none;

  std::optional<error> choose_decisions(const reason_table& table, std::span<const std::string_view> declared);
  std::optional<error> choose_number(const reason_table& table, std::span<const std::string> numbers);
  std::optional<error> assign(const reason_table& table, std::span<const std::string> features);

  std::vector<reason> reasons_;
  std::vector<bool> decided_;              // by decision: whether its records get reasons; empty: all do
  std::vector<std::uint16_t> of_feature_;  // the reason that each feature belongs to
  std::vector<std::uint16_t> of_bin_;      // the reason of each bin's reason
  std::vector<double> baseline_;           // the baseline's contributions, one a feature
  std::size_t number_ = 0;
  double sign_ = 1;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {
inline error reason_mismatch(std::string_view first, std::string_view name, std::string_view last) {
  std::string sentence(first);
  sentence.append("\"").append(shortened(name)).append("\"").append(last);
  return error{errc::mismatch, std::move(sentence)};
}
}  // namespace detail

TABSCORE_INLINE result<reason_finder> reason_finder::make(reason_table table, std::span<const std::string> features,
                                                          std::span<const std::string> numbers,
                                                          std::span<const std::string_view> decisions,
                                                          std::vector<double> baseline, std::span<const reason> bins) {
  reason_finder f;
  if (auto wrong = f.choose_decisions(table, decisions)) return *std::move(wrong);
  if (auto wrong = f.choose_number(table, numbers)) return *std::move(wrong);
  if (table.reasons.empty()) {
    for (const std::string& name : features) {
      if (std::find(table.unreported.begin(), table.unreported.end(), name) == table.unreported.end())
        table.reasons.push_back({name, name, {name}});
    }
  }
  if (auto wrong = f.assign(table, features)) return *std::move(wrong);
  if (!baseline.empty()) {
    TABSCORE_ASSERT(baseline.size() == numbers.size() * features.size(), "baseline: numbers x features");
    const auto of_number = std::span<const double>(baseline).subspan(f.number_ * features.size(), features.size());
    f.baseline_.assign(of_number.begin(), of_number.end());
  } else {
    f.baseline_.assign(features.size(), 0.0);
  }
  f.reasons_ = std::move(table.reasons);
  for (const reason& bin : bins) {
    const auto at =
        std::find_if(f.reasons_.begin(), f.reasons_.end(), [&](const reason& r) { return r.code == bin.code; });
    f.of_bin_.push_back(static_cast<std::uint16_t>(at - f.reasons_.begin()));
    if (at == f.reasons_.end()) f.reasons_.push_back(bin);
  }
  f.sign_ = table.adverse == reason_table::direction::higher ? 1.0 : -1.0;
  return f;
}

TABSCORE_INLINE record_reasons reason_finder::find_all(std::span<const double> contributions,
                                                       std::span<const std::uint8_t> decision_at, std::size_t rows,
                                                       std::size_t most, scratch& positions, scratch& sums,
                                                       std::span<const std::uint16_t> bins) const {
  most = (std::min)(most, reasons_.size());
  const std::span<std::uint16_t> at = positions.get<std::uint16_t>(rows * most);
  const std::span<double> some = sums.get<double>(reasons_.size());
  std::fill(at.begin(), at.end(), none);
  const std::size_t width = rows == 0 ? 0 : contributions.size() / rows;
  for (std::size_t i = 0; i < rows; ++i) {
    if (!decided_.empty() && !decision_at.empty() && !decided_[decision_at[i]]) continue;
    const auto of_row = bins.empty() ? bins : bins.subspan(i * of_feature_.size(), of_feature_.size());
    find(contributions.subspan(i * width, width), some, at.subspan(i * most, most), of_row);
  }
  return {reasons_, at, most};
}

TABSCORE_INLINE std::size_t reason_finder::find(std::span<const double> contributions, std::span<double> sums,
                                                std::span<std::uint16_t> to,
                                                std::span<const std::uint16_t> bins) const noexcept {
  const std::size_t features = of_feature_.size();
  TABSCORE_ASSERT(sums.size() >= reasons_.size(), "a sum for each reason");
  std::fill(sums.begin(), sums.end(), 0.0);
  const double* const row = contributions.data() + number_ * (features + 1);
  for (std::size_t k = 0; k < features; ++k) {
    if (of_feature_[k] == none) continue;
    const bool of_bin = !bins.empty() && bins[k] != none;
    sums[of_bin ? of_bin_[bins[k]] : of_feature_[k]] += sign_ * (row[k] - baseline_[k]);
  }
  std::size_t found = 0;
  for (std::size_t r = 0; r < reasons_.size(); ++r) {
    if (!(sums[r] > 0)) continue;
    std::size_t at = found;
    while (at > 0 && sums[to[at - 1]] < sums[r]) --at;
    if (at == to.size()) continue;
    found = (std::min)(found + 1, to.size());
    std::copy_backward(to.begin() + static_cast<std::ptrdiff_t>(at),
                       to.begin() + static_cast<std::ptrdiff_t>(found) - 1,
                       to.begin() + static_cast<std::ptrdiff_t>(found));
    to[at] = static_cast<std::uint16_t>(r);
  }
  return found;
}

TABSCORE_INLINE std::optional<error> reason_finder::choose_decisions(const reason_table& table,
                                                                     std::span<const std::string_view> declared) {
  if (table.decisions.empty()) return std::nullopt;
  decided_.assign(declared.size(), false);
  for (const std::string& name : table.decisions) {
    const auto at = static_cast<std::size_t>(std::find(declared.begin(), declared.end(), name) - declared.begin());
    if (at == declared.size())
      return detail::reason_mismatch("reasons.decisions: ", name, " is not a decision of the service");
    decided_[at] = true;
  }
  return std::nullopt;
}

TABSCORE_INLINE std::optional<error> reason_finder::choose_number(const reason_table& table,
                                                                  std::span<const std::string> numbers) {
  if (table.number.empty() && numbers.size() != 1) {
    return error{errc::mismatch,
                 "reasons.number: the member is missing: the prediction has several numbers, and the reasons are "
                 "of one"};
  }
  if (table.number.empty()) return std::nullopt;
  const auto at = std::find(numbers.begin(), numbers.end(), table.number);
  if (at == numbers.end())
    return detail::reason_mismatch("reasons.number: ", table.number, " is not a number of the prediction");
  number_ = static_cast<std::size_t>(at - numbers.begin());
  return std::nullopt;
}

TABSCORE_INLINE std::optional<error> reason_finder::assign(const reason_table& table,
                                                           std::span<const std::string> features) {
  std::vector<bool> named(features.size());
  of_feature_.assign(features.size(), none);
  std::optional<error> wrong;
  const auto take = [&](std::string_view place, const std::string& name, std::uint16_t reason) {
    const auto at = static_cast<std::size_t>(std::find(features.begin(), features.end(), name) - features.begin());
    if (wrong) return;
    if (at == features.size()) {
      wrong = detail::reason_mismatch(place, name, " is not a feature of the model");
    } else if (named[at]) {
      wrong = detail::reason_mismatch(place, name, " belongs to another reason already");
    } else {
      named[at] = true;
      of_feature_[at] = reason;
    }
  };
  for (std::size_t r = 0; r < table.reasons.size(); ++r) {
    for (const std::string& name : table.reasons[r].features) {
      take("reasons.groups: ", name, static_cast<std::uint16_t>(r));
    }
  }
  for (const std::string& name : table.unreported) take("reasons.unreported: ", name, none);
  for (std::size_t k = 0; k < features.size() && !wrong; ++k) {
    if (!named[k]) {
      wrong = detail::reason_mismatch("reasons.groups: the model's feature ", features[k],
                                      " belongs to no reason: name it in one, or in \"unreported\"");
    }
  }
  return wrong;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
