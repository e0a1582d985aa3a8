// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/read_timestamp.hpp"
#include "../core/unescape.hpp"
#include "../outputs/check_outputs.hpp"
#include "../outputs/task.hpp"
#include "performance.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A label: the true outcome of a record. Views are valid until the next one is read.
struct label {
  std::string_view id;                 ///< an integer as its digits: 17 and "17" are the same id
  std::vector<double> numbers;         ///< as performance_counts::add takes them
  std::optional<std::int64_t> time{};  ///< when it became known, in microseconds since 1970
};

/// Reads labels of a model's predictions. Not for concurrent use. A label is
///  - binary, score, anomaly: 0 or 1, false or true, or the name of a class (its number, where classes are numbers)
///  - multiclass: the name (number, truth value) of a class
///  - regression, quantiles: a finite number; of several targets a list of them
class label_reader {
 public:
  /// The model's outputs define the form of a label.
  explicit label_reader(model_outputs model) : model_(std::move(model)) {
    for (const std::string& name : model_.classes) class_numbers_.push_back(detail::number_in(name));
  }

  /// The outputs of the model.
  const model_outputs& model() const noexcept { return model_; }

  /// Reads {"id": ..., "label": ..., "time": ...}; time may be absent or null, other members are ignored. nullptr:
  /// done; otherwise why the label cannot be taken.
  const char* read(simdjson::ondemand::object object, label& to);

  /// The same of texts, as a table of texts has them; an empty time is absent. `label` has one number.
  const char* read(std::string_view id, std::string_view written, std::string_view time, label& to) const;

  /// An id: a text that is not empty or an integer. `spare` keeps a text with half of a surrogate pair. nullptr: done.
  static const char* read_id(simdjson::ondemand::value value, std::string_view& to, std::string& spare) {
    simdjson::ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return not_an_id;
    if (type == simdjson::ondemand::json_type::string) {
      std::string_view raw = trimmed(value.raw_json_token());
      if (value.get_string().get(to) != simdjson::SUCCESS) {  // records may have halves, simdjson takes none
        raw = raw.substr(1, raw.size() - 2);
        if (!has_json_escapes(raw)) return not_an_id;
        to = unescaped(raw, spare);
      }
      return to.empty() ? not_an_id : nullptr;
    }
    if (type != simdjson::ondemand::json_type::number) return not_an_id;
    to = trimmed(value.raw_json_token());
    std::int64_t checked = 0;
    return value.get_int64().get(checked) == simdjson::SUCCESS && to != "-0" ? nullptr : not_an_id;
  }

 private:
  enum class form : std::uint8_t { text, token, table };  ///< a JSON text, another JSON value, anything
  static constexpr const char* not_an_id = "the id is not a text or an integer of 64 bits";
  static constexpr const char* not_a_time = "the time is not like \"2026-01-31T12:00:00Z\" or seconds since 1970";

  static std::string_view trimmed(std::string_view token) noexcept {
    const std::size_t last = token.find_last_not_of(" \t\r\n");
    return token.substr(0, last + 1);
  }
  static std::optional<std::int64_t> time_of(std::string_view text) noexcept {
    if (auto time = read_timestamp(text)) return time;
    const double seconds = detail::number_in(text);
    if (!(std::abs(seconds) <= 1e11)) return std::nullopt;
    return static_cast<std::int64_t>(std::llround(seconds * 1e6));
  }
  static const char* read_time(simdjson::ondemand::value value, std::optional<std::int64_t>& to) {
    simdjson::ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return not_a_time;
    if (type == simdjson::ondemand::json_type::null) return nullptr;
    std::string_view text;
    if (type == simdjson::ondemand::json_type::string) {
      if (value.get_string().get(text) == simdjson::SUCCESS) to = read_timestamp(text);
    } else if (type == simdjson::ondemand::json_type::number) {
      double checked = 0;
      text = trimmed(value.raw_json_token());
      if (value.get_double().get(checked) == simdjson::SUCCESS) to = time_of(text);
    }
    return to ? nullptr : not_a_time;
  }

  const char* read_label(simdjson::ondemand::value value, std::vector<double>& to) const;
  const char* read_one(simdjson::ondemand::value value, simdjson::ondemand::json_type type, double& to) const;

  const char* convert(std::string_view text, form written, double& to) const;

  const char* wrong_label() const noexcept;

  model_outputs model_;
  std::vector<double> class_numbers_;
  std::string id_;  // where its text is not in the parser's memory
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE const char* label_reader::read(simdjson::ondemand::object object, label& to) {
  bool has_id = false, has_label = false, has_time = false;
  const char* wrong = nullptr;
  to.time = std::nullopt;
  for (auto member : object) {
    simdjson::ondemand::value value;
    std::string_view key;
    if (member.unescaped_key().get(key) != simdjson::SUCCESS || member.value().get(value) != simdjson::SUCCESS) {
      return "the label is not an object of JSON";
    }
    const char* found = nullptr;
    if (key == "id") {
      found = std::exchange(has_id, true) ? "the member \"id\" is duplicated" : read_id(value, to.id, id_);
    } else if (key == "label") {
      found = std::exchange(has_label, true) ? "the member \"label\" is duplicated" : read_label(value, to.numbers);
    } else if (key == "time") {
      found = std::exchange(has_time, true) ? "the member \"time\" is duplicated" : read_time(value, to.time);
    }
    if (wrong == nullptr) wrong = found;
  }
  if (wrong != nullptr) return wrong;
  if (!has_id) return "the member \"id\" is missing";
  if (!has_label) return "the member \"label\" is missing";
  return nullptr;
}

TABSCORE_INLINE const char* label_reader::read(std::string_view id, std::string_view written, std::string_view time,
                                               label& to) const {
  if (id.empty()) return "the id is empty";
  to.id = id;
  to.time = std::nullopt;
  to.numbers.assign(1, 0);
  if (performance_counts::label_numbers(model_) != 1) return "labels of several targets are read from JSON only";
  if (!time.empty() && !(to.time = time_of(time))) return not_a_time;
  return convert(written, form::table, to.numbers[0]);
}

TABSCORE_INLINE const char* label_reader::read_label(simdjson::ondemand::value value, std::vector<double>& to) const {
  const std::size_t numbers = performance_counts::label_numbers(model_);
  to.assign(numbers, 0);
  simdjson::ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return wrong_label();
  if (type != simdjson::ondemand::json_type::array) return numbers == 1 ? read_one(value, type, to[0]) : wrong_label();
  simdjson::ondemand::array list;
  if (numbers == 1 || value.get_array().get(list) != simdjson::SUCCESS) return wrong_label();
  std::size_t n = 0;
  for (auto element : list) {
    simdjson::ondemand::value one;
    if (n == numbers || element.get(one) != simdjson::SUCCESS || one.type().get(type) != simdjson::SUCCESS) {
      return wrong_label();
    }
    if (const char* wrong = read_one(one, type, to[n++])) return wrong;
  }
  return n == numbers ? nullptr : wrong_label();
}

TABSCORE_INLINE const char* label_reader::read_one(simdjson::ondemand::value value, simdjson::ondemand::json_type type,
                                                   double& to) const {
  std::string_view text;
  if (type == simdjson::ondemand::json_type::string) {
    return value.get_string().get(text) == simdjson::SUCCESS ? convert(text, form::text, to) : wrong_label();
  }
  if (type == simdjson::ondemand::json_type::boolean) {
    bool is_true = false;
    if (value.get_bool().get(is_true) != simdjson::SUCCESS) return wrong_label();
    return convert(is_true ? "true" : "false", form::token, to);
  }
  if (type != simdjson::ondemand::json_type::number) return wrong_label();
  text = trimmed(value.raw_json_token());
  double checked = 0;
  return value.get_double().get(checked) == simdjson::SUCCESS ? convert(text, form::token, to) : wrong_label();
}

TABSCORE_INLINE const char* label_reader::convert(std::string_view text, form written, double& to) const {
  if (model_.task == task::regression || model_.task == task::quantiles) {
    to = written == form::text ? std::nan("") : detail::number_in(text) + 0.0;  // -0 is 0
    return std::isfinite(to) ? nullptr : wrong_label();
  }
  const bool is_true = text == "true" || text == "True", is_false = text == "false" || text == "False";
  const double number = written == form::text ? std::nan("") : detail::number_in(text);
  for (std::size_t i = 0; i < model_.classes.size(); ++i) {
    const std::string& name = model_.classes[i];
    const bool same = model_.classes_are == class_kind::text ? written != form::token && text == name
                      : model_.classes_are == class_kind::number
                          ? number == class_numbers_[i]
                          : written != form::text && (name == "true" ? is_true : is_false);
    if (!same) continue;
    to = static_cast<double>(i);
    return nullptr;
  }
  const bool named_by_numbers = !model_.classes.empty() && model_.classes_are == class_kind::number;
  if (model_.task == task::multiclass || written == form::text || named_by_numbers) return wrong_label();
  if (!is_true && !is_false && number != 0 && number != 1) return wrong_label();
  to = is_true || number == 1 ? 1 : 0;
  return nullptr;
}

TABSCORE_INLINE const char* label_reader::wrong_label() const noexcept {
  switch (model_.task) {
    case task::regression:
      return model_.columns == 1 ? "the label is not a finite number"
                                 : "the label is not a list of one finite number for each target";
    case task::quantiles:
      return "the label is not a finite number";
    case task::multiclass:
      return "the label is not one of the model's classes";
    default:
      return model_.classes.empty() ? "the label is not 0, 1, false or true"
                                    : "the label is not 0, 1, false, true or one of the model's classes";
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
