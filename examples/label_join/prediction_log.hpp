// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tabscore/core/read_timestamp.hpp>
#include <tabscore/core/siphash.hpp>
#include <tabscore/monitor/label.hpp>
#include <tabscore/monitor/performance.hpp>
#include <tabscore/outputs/check_outputs.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ts = tabscore;

/// Texts and their numbers, in the order in which they came.
class numbered_texts {
 public:
  std::uint32_t number(std::string_view text) {
    if (last_ < texts_.size() && texts_[last_] == text) return last_;
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) return last_ = found->second;
    last_ = static_cast<std::uint32_t>(texts_.size());
    texts_.emplace_back(text);
    numbers_.emplace(texts_.back(), last_);
    return last_;
  }
  std::size_t size() const noexcept { return texts_.size(); }
  const std::string& text(std::uint32_t number) const { return texts_[number]; }
  bool contains(std::string_view text) const { return numbers_.find(text) != numbers_.end(); }

 private:
  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint32_t, hash, std::equal_to<>> numbers_;
  std::uint32_t last_ = 0;
};

struct log_settings {
  ts::task task = ts::task::binary;
  std::string id;
  std::vector<std::string> segments;
  std::vector<std::string> members;  ///< of a prediction; none: found in the first line
  std::vector<std::string> levels;   ///< of quantiles; none: of names such as "p10"
  std::size_t max_segment_values = 1000;
};

/// Reads lines of prediction logs into records of words: the id's hash, the time, the model's number below the
/// predicted class, the numbers of the segments' values (JSON texts; two a word), the numbers of the prediction.
class prediction_log {
 public:
  static constexpr std::uint32_t other_value = std::numeric_limits<std::uint32_t>::max();

  prediction_log(log_settings settings, const ts::siphash_key& key) : settings_(std::move(settings)), key_(key) {
    segment_values_.resize(settings_.segments.size());
    members_ = settings_.members;
  }

  /// Known once a line was read.
  const ts::model_outputs& model() const noexcept { return model_; }
  const log_settings& settings() const noexcept { return settings_; }
  const numbered_texts& models() const noexcept { return models_; }  ///< JSON texts; "null": lines that name none
  const numbered_texts& segment_values(std::size_t segment) const { return segment_values_[segment]; }
  std::size_t words() const noexcept { return 3 + segment_words() + model_.columns; }
  std::span<const std::uint64_t> record() const noexcept { return record_; }

  /// nullptr: record() is the line's; otherwise why it is none.
  const char* read(std::string_view line) {
    simdjson::ondemand::document document;
    simdjson::ondemand::object all;
    if (parser_.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document) !=
            simdjson::SUCCESS ||
        document.get_object().get(all) != simdjson::SUCCESS) {
      return "is not a JSON object";
    }
    if (!known_) {
      if (const char* wrong = find_members(all)) return wrong;
      if (all.reset().error() != simdjson::SUCCESS) return not_json;
      checks_.emplace(model_);
      no_label_.assign(ts::performance_counts::label_numbers(model_), 0);
      known_ = true;
    }
    return read(all, document);
  }

  /// Whether a line that cannot be read is an event, as an override, or an erased record.
  static bool is_other(std::string_view line) {
    const auto has = [&](std::string_view part) { return line.find(part) != std::string_view::npos; };
    return has(R"(, "event": ")") || has(R"(, "features": {"erased": ")");
  }

 private:
  using value = simdjson::ondemand::value;
  using type = simdjson::ondemand::json_type;
  static constexpr const char* not_json = "is not JSON";
  static constexpr auto ok = simdjson::SUCCESS;

  bool decides() const noexcept {
    return model_.task == ts::task::binary || model_.task == ts::task::anomaly || model_.task == ts::task::multiclass;
  }
  std::size_t segment_words() const noexcept { return (settings_.segments.size() + 1) / 2; }

  const char* read(simdjson::ondemand::object all, simdjson::ondemand::document& document) {
    record_.assign(words(), 0);
    std::size_t segments = 0, values = 0;
    bool has_id = false, has_time = false, has_class = !decides();
    std::uint32_t model = 0, predicted = 0;
    bool has_model = false;
    for (auto member : all) {
      std::string_view key, text;
      value v;
      if (member.unescaped_key().get(key) != ok || member.value().get(v) != ok) return not_json;
      if (key == "timestamp_utc") {
        if (v.get_string().get(text) != ok) return "has no time \"timestamp_utc\"";
        const auto time = ts::read_timestamp(text);
        if (!time) return "has no time \"timestamp_utc\"";
        record_[1] = static_cast<std::uint64_t>(*time);
        has_time = true;
      } else if (key == "model") {
        if (v.get_string().get(text) != ok) return "has a \"model\" that is not a text";
        model = models_.number(text);
        has_model = true;
      } else if (key == "features") {
        simdjson::ondemand::object features;
        if (v.get_object().get(features) != ok) return "has \"features\" that are not an object";
        for (auto feature : features) {
          if (has_id && segments == settings_.segments.size()) break;  // the others are skipped, which is faster
          if (feature.unescaped_key().get(key) != ok || feature.value().get(v) != ok) return not_json;
          if (key == settings_.id) {
            if (!take_id(v)) return no_id;
            has_id = true;
          }
          for (std::size_t i = 0; i < settings_.segments.size(); ++i) {
            if (key != settings_.segments[i]) continue;
            if (!take_segment(v, i)) return not_json;
            ++segments;
            break;
          }
        }
      } else if (key == settings_.id) {
        if (!take_id(v)) return no_id;
        has_id = true;
      } else {
        const auto at = static_cast<std::size_t>(std::find(members_.begin(), members_.end(), key) - members_.begin());
        if (at == members_.size()) continue;
        if (model_.task == ts::task::multiclass) {
          if (at == 0) {
            if (!read_class(v, predicted)) return "has a class that is not one of the probabilities'";
            has_class = true;
          } else if (const char* wrong = read_probabilities(v, values)) {
            return wrong;
          }
        } else if (at < model_.columns) {
          if (!take_number(v, at)) return "has a prediction that is not a number";
          ++values;
        } else {
          std::int64_t label = 0;
          if (v.get_int64().get(label) != ok || label < 0 || label > 1) return "has a label that is not 0 or 1";
          predicted = static_cast<std::uint32_t>(label);
          has_class = true;
        }
      }
    }
    if (document.current_location().error() == ok) return "has more behind the object";
    if (!has_id) return no_id;
    if (!has_time) return "has no time \"timestamp_utc\"";
    if (!has_class || values != model_.columns) return "has no prediction of the task, or not all of it";
    if (segments != settings_.segments.size()) return "has not every field of --segment among its features";
    if (!has_model) model = models_.number({});
    values_.resize(model_.columns);
    std::transform(record_.end() - static_cast<std::ptrdiff_t>(model_.columns), record_.end(), values_.begin(),
                   [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    if (auto wrong = checks_->wrong(values_, predicted, no_label_)) {
      wrong_ = "is wrong: " + wrong->message;
      return wrong_.c_str();
    }
    record_[2] = model | static_cast<std::uint64_t>(predicted) << 32U;
    return nullptr;
  }

  bool take_id(value v) {
    std::string_view text;
    if (ts::label_reader::read_id(v, text, id_) != nullptr) return false;
    record_[0] = ts::siphash(text, key_);
    return true;
  }
  bool take_number(value v, std::size_t column) {
    double number = 0;
    if (v.get_double().get(number) != ok) return false;
    record_[3 + segment_words() + column] = std::bit_cast<std::uint64_t>(number);
    return true;
  }
  /// A value as JSON writes it.
  bool take_segment(value v, std::size_t segment) {
    const std::string_view token = v.raw_json_token();
    if (token.empty() || token[0] == '{' || token[0] == '[') return false;
    const std::string_view text = token.substr(0, token.find_last_not_of(" \t\r") + 1);
    auto& values = segment_values_[segment];
    const std::uint32_t number =
        values.size() < settings_.max_segment_values || values.contains(text) ? values.number(text) : other_value;
    record_[3 + segment / 2] |= static_cast<std::uint64_t>(number) << (segment % 2 * 32);
    return true;
  }
  bool read_class(value v, std::uint32_t& predicted) {
    std::string_view text;
    if (model_.classes_are == ts::class_kind::text) {
      if (v.get_string().get(text) != ok) return false;
    } else {
      text = v.raw_json_token();
      text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
    }
    const auto found = std::find(model_.classes.begin(), model_.classes.end(), text);
    predicted = static_cast<std::uint32_t>(found - model_.classes.begin());
    return found != model_.classes.end();
  }
  const char* read_probabilities(value v, std::size_t& values) {
    simdjson::ondemand::object classes;
    if (v.get_object().get(classes) != ok) return "has probabilities that are not an object";
    for (auto member : classes) {
      std::string_view key;
      if (member.unescaped_key().get(key) != ok || member.value().get(v) != ok) return not_json;
      std::size_t at = values;
      if (at >= model_.columns || model_.classes[at] != key) {  // of another model the order may be another one
        at = static_cast<std::size_t>(std::find(model_.classes.begin(), model_.classes.end(), key) -
                                      model_.classes.begin());
      }
      if (at >= model_.columns) return "has other classes than the first line: join logs of such models apart";
      if (!take_number(v, at)) return "has a probability that is not a number";
      ++values;
    }
    return nullptr;
  }

  /// Finds the members of a prediction in the first line, and what they say of the model.
  const char* find_members(simdjson::ondemand::object all) {
    struct found {
      std::string name;
      type kind{};
      std::vector<std::string> classes;
      bool decision_scores = false;
    };
    std::vector<found> members;
    for (auto member : all) {
      std::string_view key;
      value v;
      found f;
      if (member.unescaped_key().get(key) != ok || member.value().get(v) != ok || v.type().get(f.kind) != ok) {
        return not_json;
      }
      f.name = key;
      if (key == "timestamp_utc" || key == "threshold" || key == "model" || key == "features" || key == settings_.id) {
        continue;
      }
      if (f.kind == type::object) {
        simdjson::ondemand::object classes;
        double sum = 0;
        if (v.get_object().get(classes) != ok) return not_json;
        for (auto c : classes) {
          double number = 0;
          if (c.unescaped_key().get(key) != ok || c.value().get(v) != ok) return not_json;
          if (v.get_double().get(number) != ok) break;
          f.decision_scores |= !(number >= 0 && number <= 1);
          sum += number;
          f.classes.emplace_back(key);
        }
        f.decision_scores |= !(std::abs(sum - 1) < 1e-3);  // of probabilities no later line says that they are scores
      }
      members.push_back(std::move(f));
    }
    const auto named = [&](std::string_view name) {
      return std::find_if(members.begin(), members.end(), [&](const found& f) { return f.name == name; });
    };
    ts::model_outputs model;
    model.task = settings_.task;
    std::vector<std::string> names = settings_.members;
    for (const std::string& name : names) {
      if (named(name) == members.end()) return "has no member of a name that --prediction gives";
    }
    const auto number =
        std::find_if(members.begin(), members.end(), [](const found& f) { return f.kind == type::number; });
    if (names.empty()) {
      if (settings_.task == ts::task::multiclass) {
        const auto classes =
            std::find_if(members.begin(), members.end(), [](const found& f) { return f.classes.size() > 1; });
        if (classes == members.end() || classes == members.begin()) return "has no prediction of several classes";
        names = {(classes - 1)->name, classes->name};
      } else {
        const bool two = settings_.task == ts::task::binary || settings_.task == ts::task::anomaly;
        const std::size_t most = two ? 2 : settings_.task == ts::task::score ? 1 : members.size();
        for (auto at = number; at != members.end() && at->kind == type::number && names.size() < most; ++at) {
          names.push_back(at->name);
        }
        if (names.empty() || (two && names.size() != 2)) return "has no prediction of the task";
      }
    }
    switch (settings_.task) {
      case ts::task::multiclass: {
        if (names.size() != 2)
          return "has not the two members of a prediction of several classes: --prediction class,probabilities";
        const found& classes = *named(names[1]);
        model.classes = classes.classes;
        model.columns = classes.classes.size();
        model.probabilities = !classes.decision_scores;
        const type kind = named(names[0])->kind;
        model.classes_are = kind == type::string    ? ts::class_kind::text
                            : kind == type::boolean ? ts::class_kind::boolean
                                                    : ts::class_kind::number;
        break;
      }
      case ts::task::regression:
      case ts::task::quantiles:
        model.columns = names.size();
        if (settings_.task == ts::task::quantiles) {
          model.names = settings_.levels;
          for (std::size_t i = 0; settings_.levels.empty() && i < names.size(); ++i) {
            model.names.push_back("0." + (names[i].size() == 2 ? "0" + names[i].substr(1) : names[i].substr(1)));
            if (names[i][0] != 'p') return "has quantiles whose names are not like \"p10\": give --levels 0.1,...";
          }
        } else if (names.size() > 1) {
          model.names = names;
        }
        break;
      default:
        if (names.size() != (settings_.task == ts::task::score ? 1U : 2U))
          return "has not the members of the task: see --prediction";
    }
    if (ts::check_outputs(model))
      return "has a prediction that the task cannot have (its classes, or the levels of its quantiles)";
    members_ = std::move(names);
    model_ = std::move(model);
    return nullptr;
  }

  static constexpr const char* no_id =
      "has no id: a text or an integer of the name that --id gives, at the top or among the features";

  log_settings settings_;
  ts::siphash_key key_;
  simdjson::ondemand::parser parser_;
  ts::model_outputs model_;
  std::vector<std::string> members_;
  bool known_ = false;
  numbered_texts models_;
  std::vector<numbered_texts> segment_values_;
  std::vector<std::uint64_t> record_;
  std::optional<ts::performance_counts> checks_;  // what it would refuse
  std::vector<double> values_, no_label_;
  std::string wrong_, id_;
};
