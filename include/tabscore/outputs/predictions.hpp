// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/number_texts.hpp"
#include "../core/detail/repeated_text.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "reasons.hpp"
#include "task.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The decisions of a service; empty where it declares none.
struct decision_layout {
  std::string_view name;                    ///< of the member
  std::span<const std::string_view> names;  ///< of the decisions, as the service declares them
  std::string policy;                       ///< the SHA-256 of the policy that makes them

  /// There are no decisions.
  bool empty() const noexcept { return names.empty(); }
};

/// The members of predictions as Python's json.dumps writes them, in pieces around the numbers.
struct prediction_texts {
  /// A text that is copied in steps of 16 bytes.
  using piece = detail::basic_repeated_text<16>;

  std::vector<piece> before;      ///< of each column, before its number
  std::vector<piece> class_head;  ///< multiclass: of each class, before the columns
  std::array<piece, 2> end;       ///< after the last number, by label where the task has labels
  std::vector<piece> decision;    ///< after that, of each decision
  std::size_t space = 0;          ///< bytes that the pieces of a record may touch

  prediction_texts() = default;
  /// The texts for a layout.
  prediction_texts(std::span<const std::string_view> names, const model_outputs& model,
                   const decision_layout& decisions);
};

/// The description of predictions: the declared names of their members, and the model's outputs.
struct prediction_layout {
  std::span<const std::string_view> names;  ///< as prediction.hpp declares them
  model_outputs model;                      ///< the task and its columns
  decision_layout decisions;                ///< empty: no decisions are declared
  prediction_texts texts;                   ///< the JSON around the numbers

  /// The names must outlive it. Precondition: wrong_outputs() of match.hpp finds nothing.
  prediction_layout(std::span<const std::string_view> declared, model_outputs outputs, decision_layout decided = {})
      : names(declared), model(std::move(outputs)), decisions(std::move(decided)), texts(names, model, decisions) {}

  /// "probability" and "label" of two unnamed classes.
  static const prediction_layout& of_two_classes() {
    static constexpr std::array<std::string_view, 2> declared{"probability", "label"};
    static const prediction_layout layout(declared, model_outputs());
    return layout;
  }
};

namespace detail {
/// A layout that pipelines share.
std::shared_ptr<const prediction_layout> make_layout(std::span<const std::string_view> names,
                                                     const model_outputs& outputs, decision_layout decisions);
}  // namespace detail

/// Numbers of records, row after row: rows x columns. A view.
class row_values : public std::span<const double> {
 public:
  constexpr row_values() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): one number a record is a column of them.
  /// Row-major numbers.
  constexpr row_values(std::span<const double> numbers, std::size_t columns = 1) noexcept
      : std::span<const double>(numbers), columns_(columns) {}

  /// Numbers a record.
  constexpr std::size_t columns() const noexcept { return columns_; }
  /// Records.
  constexpr std::size_t rows() const noexcept { return size() / columns_; }
  /// No bounds are checked.
  constexpr double operator()(std::size_t row, std::size_t column = 0) const noexcept {
    return (*this)[row * columns_ + column];
  }
  /// The numbers of a record.
  constexpr std::span<const double> row(std::size_t i) const noexcept { return subspan(i * columns_, columns_); }
  /// A view of `count` records from `begin` on.
  constexpr row_values middle_rows(std::size_t begin, std::size_t count) const noexcept {
    return {subspan(begin * columns_, count * columns_), columns_};
  }

 private:
  std::size_t columns_ = 1;
};

/// The predictions of some records, in their order. A view into the buffers of the scoring, valid until their next use;
/// its layout is the pipeline's.
struct predictions {
  row_values value;                     ///< of every task: rows x columns
  row_values probability;               ///< binary and multiclass: the same numbers
  std::span<const std::uint8_t> label;  ///< binary: 1 where probability >= threshold (equal up to rounding: as the
                                        ///< trainer decides); anomaly: 1 for an outlier
  std::span<const std::uint32_t> class_at{};    ///< multiclass: the column of each record's class
  std::span<const std::uint8_t> decision_at{};  ///< of a service that declares decisions: the number of each record's
  double threshold = 0.5;                       ///< binary and anomaly
  detail::number_texts* texts = nullptr;        ///< of the values: empty until they are written; null: not kept
  const prediction_layout* layout = &prediction_layout::of_two_classes();  ///< the description of the columns
  const record_reasons* reasons = nullptr;  ///< of each record, for requests that ask for them
  /// Columns x (features + 1) numbers per record, the base value of each column last; empty: not requested.
  std::span<const double> contributions{};

  predictions() = default;
  /// Of two classes.
  predictions(std::span<const double> numbers, std::span<const std::uint8_t> labels, double positive_from = 0.5,
              detail::number_texts* kept_texts = nullptr) noexcept
      : value(numbers), probability(numbers), label(labels), threshold(positive_from), texts(kept_texts) {}

  /// Of any task: uses the labels, classes and threshold that the task has.
  predictions(const prediction_layout& described, row_values numbers, std::span<const std::uint8_t> labels,
              std::span<const std::uint32_t> classes, double limit,
              std::span<const std::uint8_t> decisions = {}) noexcept
      : value(numbers), decision_at(decisions), layout(&described) {
    const task t = described.model.task;
    if (t == task::binary || t == task::multiclass) probability = numbers;
    if (has_threshold(t)) label = labels, threshold = limit;
    if (t == task::multiclass) class_at = classes;
  }

  /// Records.
  std::size_t rows() const noexcept { return value.rows(); }
  /// Whether there are records, of two classes.
  bool are_binary() const noexcept { return !probability.empty() && class_at.empty(); }
  /// The classes' names: of the columns, or of label 0 and 1; empty where the model does not know them.
  std::span<const std::string> class_names() const noexcept { return layout->model.classes; }
  /// The name of a record's class. Precondition: class_names() is not empty.
  std::string_view class_of(std::size_t row) const noexcept {
    return class_names()[class_at.empty() ? std::size_t{label[row]} : std::size_t{class_at[row]}];
  }

  /// The name of a record's decision. Precondition: decision_at is not empty.
  std::string_view decision_of(std::size_t row) const noexcept { return layout->decisions.names[decision_at[row]]; }

  /// The numbers of some of the records, without contributions and reasons.
  predictions slice(std::size_t begin, std::size_t count) const noexcept;
};

/// A record without a prediction, and the reason as a sentence.
struct row_fault {
  std::size_t row = 0;      ///< position in the batch
  std::string_view reason;  ///< for people
};

/// Predictions of records that are accepted one by one. Without a prediction the values are NaN, label and class are 0,
/// and `faults`, in row order, has the reason. A view as well.
struct row_predictions {
  predictions scores;                 ///< of all records
  std::span<const row_fault> faults;  ///< in row order
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {
TABSCORE_INLINE std::shared_ptr<const prediction_layout> make_layout(std::span<const std::string_view> names,
                                                                     const model_outputs& outputs,
                                                                     decision_layout decisions) {
  return std::make_shared<const prediction_layout>(names, outputs, std::move(decisions));
}
}  // namespace detail

TABSCORE_INLINE prediction_texts::prediction_texts(std::span<const std::string_view> names, const model_outputs& model,
                                                   const decision_layout& decisions) {
  const auto member = [](std::string_view before_name, std::string_view name, std::string_view behind) {
    text_buffer t;
    t.append(before_name);
    append_json_text<escape::non_ascii>(t, name);
    t.append(behind);
    return std::string(t.view());
  };
  constexpr std::string_view features = ", \"features\": {";
  const bool classes = model.task == task::multiclass;
  std::size_t longest = 0;  // of the decisions
  for (std::size_t k = 0; k < model.columns; ++k) {
    const std::string_view name = classes ? std::string_view(model.classes[k]) : names[k];
    space += before.emplace_back(member(classes && k == 0 ? "" : ", ", name, ": ")).space();
  }
  for (std::size_t k = 0; classes && k < model.columns; ++k) {
    std::string text = member(", ", names[0], ": ");
    text.append(model.classes_are == class_kind::text ? member("", model.classes[k], "") : model.classes[k]);
    text.append(member(", ", names[1], ": {"));
    space += class_head.emplace_back(text).space();
  }
  for (std::size_t label = 0; label < 2; ++label) {
    std::string text = classes ? "}" : "";
    if (!classes && names.size() > model.columns) {
      text = member(", ", names.back(), ": ").append(label == 0 ? "0" : "1");
    }
    end[label] = piece(decisions.empty() ? text.append(features) : text);
  }
  for (const std::string_view each : decisions.names) {
    std::string text = member(", ", decisions.name, ": ").append(member("", each, ", \"policy\": \""));
    longest =
        (std::max)(longest, decision.emplace_back(text.append(decisions.policy).append("\"").append(features)).space());
  }
  space += end[0].space() + longest + model.columns * number_text_space + 2 * piece::block;
}

TABSCORE_INLINE predictions predictions::slice(std::size_t begin, std::size_t count) const noexcept {
  predictions some = *this;
  some.value = value.middle_rows(begin, count);
  if (!probability.empty()) some.probability = some.value;
  if (!label.empty()) some.label = label.subspan(begin, count);
  if (!class_at.empty()) some.class_at = class_at.subspan(begin, count);
  if (!decision_at.empty()) some.decision_at = decision_at.subspan(begin, count);
  some.texts = nullptr;
  some.contributions = {};
  some.reasons = nullptr;
  return some;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
