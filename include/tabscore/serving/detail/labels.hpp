// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../core/text_buffer.hpp"
#include "../../monitor/label.hpp"
#include "../../monitor/label_window.hpp"
#include "../../monitor/performance_json.hpp"
#include "../../monitor/performance_report.hpp"
#include "../../monitor/prometheus.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using label_counts = std::array<std::uint64_t, 5>;  ///< by label_outcome
using labelled_models = std::span<const std::shared_ptr<labelled_model>>;

/// The labels of a body of /labels: all are read before one is joined.
class label_batch {
 public:
  explicit label_batch(const model_outputs& model) : reader_(model) {}

  /// `body`: with the bytes that simdjson needs behind it. What is wrong with it, if anything is.
  std::optional<std::string> read(std::string_view body, std::size_t most) {
    constexpr std::string_view no_list = "The body is not a JSON list of labels.";
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    simdjson::ondemand::array list;
    if (parser.iterate(body.data(), body.size(), body.size() + simdjson::SIMDJSON_PADDING).get(document) !=
            simdjson::SUCCESS ||
        document.get_array().get(list) != simdjson::SUCCESS) {
      return std::string(no_list);
    }
    label one;
    for (auto element : list) {
      simdjson::ondemand::object object;
      if (labels_.size() == most) return fmt::format("The list has more than {} labels.", most);
      const auto wrong = element.get_object().get(object) == simdjson::SUCCESS ? reader_.read(object, one)
                                                                               : "the label is not an object of JSON";
      if (wrong != nullptr) return fmt::format("Label {}: {}.", labels_.size(), wrong);
      labels_.push_back({std::string(one.id), one.time, one.numbers});
    }
    if (document.current_location().error() == simdjson::SUCCESS) return std::string(no_list);
    return std::nullopt;
  }

  /// Each label counts once: for the first model that is joined, or else for the current one.
  label_counts join(labelled_models models) const {
    label_counts counts{};
    for (const kept& l : labels_) {
      label_outcome found = label_outcome::unknown;
      for (const auto& model : models) {
        const label_outcome here = model->window.join(l.id, l.time, l.numbers);
        if (found == label_outcome::unknown || here == label_outcome::joined) found = here;
      }
      ++counts[static_cast<std::size_t>(found)];
    }
    return counts;
  }

  /// Calls f(id, time, numbers) for each label.
  template <class F>
  void for_each(F&& f) const {
    for (const kept& l : labels_) f(std::string_view(l.id), l.time, std::span<const double>(l.numbers));
  }

 private:
  struct kept {
    std::string id;
    std::optional<std::int64_t> time;
    std::vector<double> numbers;
  };
  label_reader reader_;
  std::vector<kept> labels_;
};

/// The body of an answer of /labels.
inline void append_outcomes(text_buffer& out, const label_counts& counts) {
  std::string_view before = "{";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out.append(std::exchange(before, ","));
    out.append(fmt::format("\"{}\":{}", name(static_cast<label_outcome>(i)), counts[i]));
  }
  out.append("}");
}

/// The body of /monitoring/performance: the current model first.
inline void append_performances(text_buffer& out, labelled_models models) {
  std::string_view before = R"({"models":[)";
  for (const auto& model : models) {
    const auto found = model->window.read();
    out.append(std::exchange(before, ","));
    out.append(R"({"model":)");
    append_json_text(out, model->sha256);
    out.append(fmt::format(R"(,"window":{{"capacity":{},"predictions":{},"repeated":{}}},"performance":)",
                           model->window.capacity(), found.kept, found.repeated));
    append_performance(out, report_performance(found.counts));
    out.append("}");
  }
  out.append("]}");
}

inline void append_metrics(prometheus_text& text, const std::array<std::atomic<std::uint64_t>, 5>& labels,
                           const labelled_model& model) {
  text.family("tabscore_labels_total", "counter", "Labels taken, by what became of them.");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text.sample({{"outcome", name(static_cast<label_outcome>(i))}}, labels[i].load());
  }
  const auto found = model.window.read();
  text.family("tabscore_labelled_predictions", "gauge", "Predictions of the served model whose labels have come.");
  text.sample({}, found.counts.pairs());
  const performance_report report = report_performance(found.counts);
  text.family("tabscore_performance", "gauge", "What the served model's predictions are worth, by their labels.");
  for (const figure& f : report.figures) {
    if (std::isfinite(f.value.value)) text.sample({{"figure", f.name}}, f.value.value);
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
