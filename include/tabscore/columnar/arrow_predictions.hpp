// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../outputs/predictions.hpp"
#include "arrow_abi.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// What an exported array or schema owns: a payload, and up to three children. Each child owns its own memory, since a
/// consumer may move one away and release it later than its parent.
template <class Struct, class Payload>
struct arrow_export {
  Payload payload;
  std::array<const void*, 3> buffers{};
  std::array<Struct, 3> children{};
  std::array<Struct*, 3> child_pointers{&children[0], &children[1], &children[2]};

  /// Makes an empty *out that owns a payload.
  static arrow_export& into(Struct* out, Payload payload) {
    auto* const owner = new arrow_export{std::move(payload)};
    *out = Struct{};
    out->private_data = owner;
    out->release = [](Struct* released) {
      for (std::int64_t i = 0; i < released->n_children; ++i) {
        if (Struct* const child = released->children[i]; child->release != nullptr) child->release(child);
      }
      delete static_cast<arrow_export*>(released->private_data);
      released->release = nullptr;
    };
    return *owner;
  }
  static arrow_export& parent_into(Struct* out) {
    arrow_export& owner = into(out, {});
    out->n_children = 3;
    out->children = owner.child_pointers.data();
    return owner;
  }
};

}  // namespace detail

/// What the columns of exported predictions are called.
struct arrow_prediction_names {
  std::string_view probability = "probability";
  std::string_view label = "label";
  std::string_view error = "error";
};

/// Gathers predictions into Arrow columns: one struct<probability: double, label: uint8, error: large_utf8> a record,
/// whose first two are null where the third is not. What it hands over owns its memory. Not for concurrent use.
class arrow_predictions {
 public:
  std::size_t rows() const noexcept { return probability_.size(); }
  void reserve(std::size_t rows) {
    probability_.reserve(rows);
    label_.reserve(rows);
    error_ends_.reserve(rows + 1);
  }

  void append(const row_predictions& some) {
    const std::size_t first = rows();
    probability_.insert(probability_.end(), some.scores.probability.begin(), some.scores.probability.end());
    label_.insert(label_.end(), some.scores.label.begin(), some.scores.label.end());
    for (const row_fault& f : some.faults) {
      const std::size_t row = first + f.row;
      error_ends_.resize(row + 1, error_ends_.back());
      errors_.append(f.reason);
      error_ends_.push_back(static_cast<std::int64_t>(errors_.size()));
      has_error_.resize(row / 8 + 1);
      has_error_[row / 8] = static_cast<std::uint8_t>(has_error_[row / 8] | 1U << row % 8);
    }
    failed_ += some.faults.size();
    error_ends_.resize(rows() + 1, error_ends_.back());
  }

  /// Hands what was gathered over to *out, which its receiver releases, and starts anew.
  void move_to(ArrowArray* out) {
    struct nothing {};
    const std::size_t n = rows();
    has_error_.resize((n + 7) / 8);
    bitmap predicted = has_error_;
    for (std::uint8_t& bits : predicted) bits = static_cast<std::uint8_t>(~bits);

    auto& records = detail::arrow_export<ArrowArray, nothing>::parent_into(out);
    set(*out, records.buffers, {nullptr}, 1, n, 0);
    const auto column = [&]<class... Payload>(ArrowArray& to, std::size_t nulls, Payload... payload) {
      using owner_type = detail::arrow_export<ArrowArray, std::tuple<Payload...>>;
      auto& owner = owner_type::into(&to, {std::move(payload)...});
      const auto data = [](const auto&... memory) { return std::array<const void*, 3>{memory.data()...}; };
      set(to, owner.buffers, std::apply(data, owner.payload), sizeof...(Payload), n, nulls);
    };
    column(records.children[0], failed_, predicted, std::move(probability_));
    column(records.children[1], failed_, std::move(predicted), std::move(label_));
    column(records.children[2], n - failed_, std::move(has_error_), std::move(error_ends_), std::move(errors_));
    *this = arrow_predictions{};
  }

  /// The schema of such arrays, for *out, which its receiver releases.
  static void export_schema(const arrow_prediction_names& names, ArrowSchema* out) {
    struct nothing {};
    auto& records = detail::arrow_export<ArrowSchema, nothing>::parent_into(out);
    out->format = "+s";
    out->name = "";
    const std::array<std::pair<const char*, std::string_view>, 3> columns{
        {{"g", names.probability}, {"C", names.label}, {"U", names.error}}};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      ArrowSchema& child = records.children[i];
      const auto& owner = detail::arrow_export<ArrowSchema, std::string>::into(&child, std::string(columns[i].second));
      child.format = columns[i].first;
      child.name = owner.payload.c_str();
      child.flags = ARROW_FLAG_NULLABLE;
    }
  }

 private:
  using bitmap = std::vector<std::uint8_t>;

  static void set(ArrowArray& array, std::array<const void*, 3>& buffers, const std::array<const void*, 3>& data,
                  std::size_t count, std::size_t rows, std::size_t nulls) {
    buffers = data;
    array.buffers = buffers.data();
    array.n_buffers = static_cast<std::int64_t>(count);
    array.length = static_cast<std::int64_t>(rows);
    array.null_count = static_cast<std::int64_t>(nulls);
  }

  std::vector<double> probability_;
  std::vector<std::uint8_t> label_;
  std::vector<std::int64_t> error_ends_ = {0};
  std::string errors_;
  bitmap has_error_;  // up to the last record that has one
  std::size_t failed_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI
