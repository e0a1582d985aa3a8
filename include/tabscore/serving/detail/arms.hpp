// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/append_json.hpp"
#include "../../core/result.hpp"
#include "../../core/text_buffer.hpp"
#include "../../monitor/prometheus.hpp"
#include "../../monitor/sample_ratio.hpp"
#include "../ab_assignment.hpp"
#include "../settings.hpp"
#include "arm_parts.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using tabscore::detail::append_json;
using tabscore::detail::quoted;

/// "champion", "challenger_1", "challenger_2" ...
inline std::string arm_name(std::size_t arm) {
  return arm == 0 ? std::string("champion") : "challenger_" + std::to_string(arm);
}

/// An A/B test: each record is answered with the model of its arm, whose pipeline also monitors and logs it.
template <class Service>
class arm_router {
  using record = typename Service::record;
  using model_type = served_model<Service>;
  using pipe = pipeline_of<Service>;
  using part = arm_part<record>;

 public:
  static constexpr std::size_t no_arm = SIZE_MAX;

  /// nullptr: no challenger has a weight. Or what is wrong.
  static result<std::unique_ptr<arm_router>> make(model_type& champion, const settings& config,
                                                  const std::vector<std::unique_ptr<model_type>>& challengers) {
    std::vector<double> weights;
    double sum = 0;
    for (const challenger_file& c : config.challengers) {
      if (!(c.weight >= 0 && c.weight <= 1)) return error{errc::mismatch, "a weight of an arm is not from 0 to 1"};
      weights.push_back(c.weight);
      sum += c.weight;
    }
    if (sum > 1) return error{errc::mismatch, "the weights of the arms add up to more than 1"};
    if (sum == 0) return std::unique_ptr<arm_router>();
    std::size_t field = record::id_at;
    if (!config.ab_field.empty()) field = record::index_of(config.ab_field);
    if (field == record::npos || record::kinds[field] == field_kind::real) {
      return error{errc::mismatch,
                   "an A/B test needs a field whose values are assigned: the setting ab_field names a text, integer or "
                   "boolean field, and is not needed where the schema has an id"};
    }
    for (const std::string_view member : members_of<typename Service::prediction>()) {
      if (member == "arm") return error{errc::mismatch, "the prediction has a member 'arm', which an A/B test needs"};
    }
    if constexpr (has_id<Service>) {
      if (record::names[record::id_at] == "arm") {
        return error{errc::mismatch, "the id is called 'arm', a name that an A/B test needs"};
      }
    }
    for (std::size_t i = 0; i < challengers.size(); ++i) {
      if (weights[i] == 0) continue;
      if (challengers[i]->pipe->model().features().all() != champion.pipe->model().features().all()) {
        return error{errc::mismatch, config.challengers[i].model +
                                         ": the model of an arm needs the features of the model, in their order"};
      }
    }
    const std::string salt = config.ab_salt.empty() ? "tabscore" : config.ab_salt;
    return std::unique_ptr<arm_router>(
        new arm_router(champion, challengers, field, ab_assignment(salt, weights), weights, salt));
  }

  std::size_t arm_of(const columns<record>& records, std::size_t row) const {
    const std::size_t arm = assigned(records, row);
    return arm == no_arm ? 0 : arm;
  }
  void append_arm(text_buffer& out, const columns<record>& records, std::size_t row) const {
    out.append(R"("arm":")");
    out.append(names_[arm_of(records, row)]);
    out.append("\"");
  }
  const std::string& name(std::size_t arm) const noexcept { return names_[arm]; }

  /// The headers that name the models which have answered.
  std::string header(const columns<record>& records) const {
    std::vector<bool> used(models_.size());
    used[0] = records.rows() == 0;
    for (std::size_t row = 0; row < records.rows(); ++row) used[arm_of(records, row)] = true;
    std::string hashes;
    for (std::size_t arm = 0; arm < used.size(); ++arm) {
      if (used[arm]) hashes.append(hashes.empty() ? "" : ", ").append(models_[arm]->identity.sha256);
    }
    const std::string& champion = models_[0]->identity.header;
    return "x-model-sha256: " + hashes + champion.substr(champion.find("\r\n"));
  }

  /// A model that gives no explanations, if there is one.
  const any_scorer& least_explained() const {
    for (const model_type* m : models_) {
      if (m->pipe->model().explain_error() != nullptr) return m->pipe->model();
    }
    return models_[0]->pipe->model();
  }

  /// As pipeline::score(), each record by its arm. Where several arms answer, all records are scored first, then logged
  /// together, and counted when that was done: by a second scoring, since monitors look at features.
  score_outcome score(const columns<record>& records, score_buffers& buffers, const batch_options& options) const {
    std::vector<part> parts = parts_of(records);
    if (parts.size() <= 1) {
      const std::size_t arm = parts.empty() ? 0 : parts[0].arm;
      score_outcome found = models_[arm]->pipe->score(records, buffers, options);
      if (std::holds_alternative<predictions>(found)) count(records);
      return found;
    }
    if (const auto broken = models_[0]->pipe->rules().first_broken(records)) return *broken;
    std::vector<scored<record>> done;
    done.reserve(parts.size());
    std::vector<jsonl_log::part<record>> lines;
    for (part& p : parts) {
      const score_outcome outcome = untold_[p.arm].score(p.records, p.buffers, options);
      if (!std::holds_alternative<predictions>(outcome)) return first_unscorable(parts);
      done.push_back({p.records, std::get<predictions>(outcome), options.log_members});
      lines.push_back({&models_[p.arm]->log, &done.back()});
    }
    if (!jsonl_log::write_together<record>(lines)) return refused{};
    for (part& p : parts) p.found = std::get<predictions>(unlogged_[p.arm].score(p.records, p.buffers, options));
    count(records);
    return merge_parts(parts, models_[0]->pipe->layout(), records.rows(), buffers);
  }

  /// As pipeline::for_each_unscorable().
  template <class F>
  void for_each_unscorable(const columns<record>& records, F&& f) const {
    std::vector<unscorable> all;
    for (part& p : parts_of(records)) {
      models_[p.arm]->pipe->for_each_unscorable(p.records, p.buffers, [&](unscorable u) {
        u.row = p.rows[u.row];
        all.push_back(u);
      });
    }
    std::sort(all.begin(), all.end(), [](const unscorable& a, const unscorable& b) { return a.row < b.row; });
    for (const unscorable& u : all) f(u);
  }

  /// As pipeline::explain(). Precondition: all models explain.
  std::span<const double> explain(const columns<record>& records, score_buffers& buffers) const {
    const pipe& champion = *models_[0]->pipe;
    const std::size_t numbers = champion.layout().model.columns * (champion.model().features().size() + 1);
    const auto out = buffers.contributions.template get<double>(records.rows() * numbers);
    for (part& p : parts_of(records)) {
      const auto some = *models_[p.arm]->pipe->explain(p.records, p.buffers);
      for (std::size_t i = 0; i < p.rows.size(); ++i) {
        std::copy_n(some.data() + i * numbers, numbers, out.data() + p.rows[i] * numbers);
      }
    }
    return out;
  }

  void append_to(text_buffer& out) const {
    const auto [counts, unassigned] = read();
    const sample_ratio ratio = check_sample_ratio(counts, weights_);
    append_json(out, R"({"field":)", quoted{record::names[field_]}, R"(,"salt":)", quoted{salt_});
    for (std::size_t arm = 0; arm < counts.size(); ++arm) {
      append_json(out, arm == 0 ? R"(,"arms":[{"arm":")" : R"(,{"arm":")", names_[arm], R"(","model":)",
                  quoted{models_[arm]->identity.sha256}, R"(,"weight":)", weights_[arm], R"(,"records":)", counts[arm],
                  "}");
    }
    append_json(out, R"(],"unassigned":)", unassigned, R"(,"chi_square":)", ratio.chi_square,
                R"(,"degrees_of_freedom":)", ratio.freedom, R"(,"p":)", ratio.p, R"(,"alarm":)", ratio.alarm(), "}");
  }

  void append_metrics(prometheus_text& text) const {
    const auto [counts, unassigned] = read();
    text.family("tabscore_arm_records_total", "counter", "Answered records by arm of the A/B test.");
    for (std::size_t arm = 0; arm < counts.size(); ++arm) text.sample({{"arm", names_[arm]}}, counts[arm]);
    text.family("tabscore_sample_ratio_alarm", "gauge",
                "1 while the arms' shares of records differ from their weights (chi-square, p < 0.001).");
    text.sample({}, check_sample_ratio(counts, weights_).alarm() ? 1 : 0);
  }

 private:
  arm_router(model_type& champion, const std::vector<std::unique_ptr<model_type>>& challengers, std::size_t field,
             ab_assignment assignment, const std::vector<double>& weights, std::string salt)
      : field_(field),
        assignment_(std::move(assignment)),
        salt_(std::move(salt)),
        models_{&champion},
        weights_{1.0},
        counts_(challengers.size() + 2) {
    for (std::size_t i = 0; i < challengers.size(); ++i) {
      models_.push_back(challengers[i].get());
      weights_.push_back(weights[i]);
      weights_[0] -= weights[i];
    }
    weights_[0] = (std::max)(weights_[0], 0.0);
    for (model_type* const m : models_) {
      untold_.emplace_back(*m->pipe, service_sinks<Service>{no_monitor_, no_window_, no_feed_, no_log_});
      unlogged_.emplace_back(*m->pipe, service_sinks<Service>{m->monitor, m->labels[0]->window, m->feed, no_log_});
    }
    for (std::size_t arm = 0; arm < models_.size(); ++arm) names_.push_back(arm_name(arm));
  }

  /// no_arm: the field has no value.
  std::size_t assigned(const columns<record>& records, std::size_t row) const {
    std::size_t arm = no_arm;
    record::for_each([&]<std::size_t At>() {
      using field = typename record::template field<At>;
      if constexpr (field::kind != field_kind::real) {
        if (At != field_) return;
        const auto& value = records.template get<At>()[row];
        if constexpr (field::kind == field_kind::text) {
          if (value.data() != nullptr) arm = assignment_.arm_of(value);
        } else {
          if constexpr (!field::required) {
            if (value != value) return;
          }
          if constexpr (field::kind == field_kind::boolean) {
            arm = assignment_.arm_of(value != 0 ? "true" : "false");
          } else {
            char text[number_text_space];
            const char* const end = write_integer(text, static_cast<std::int64_t>(value));
            arm = assignment_.arm_of({text, static_cast<std::size_t>(end - text)});
          }
        }
      }
    });
    return arm;
  }

  std::vector<part> parts_of(const columns<record>& records) const {
    return split_by_arm(records, models_.size(), [&](std::size_t row) { return arm_of(records, row); });
  }

  /// Precondition: there is one.
  unscorable first_unscorable(std::vector<part>& parts) const {
    unscorable first{.row = SIZE_MAX};
    for (part& p : parts) {
      models_[p.arm]->pipe->for_each_unscorable(p.records, p.buffers, [&](unscorable u) {
        u.row = p.rows[u.row];
        if (u.row < first.row) first = u;
      });
    }
    return first;
  }

  void count(const columns<record>& records) const {
    std::vector<std::uint64_t> more(counts_.size());
    for (std::size_t row = 0; row < records.rows(); ++row) {
      const std::size_t arm = assigned(records, row);
      ++more[arm == no_arm ? more.size() - 1 : arm];
    }
    for (std::size_t i = 0; i < more.size(); ++i) {
      if (more[i] != 0) counts_[i].fetch_add(more[i], std::memory_order_relaxed);
    }
  }
  /// The records of each arm, and those without a value.
  std::pair<std::vector<std::uint64_t>, std::uint64_t> read() const {
    std::vector<std::uint64_t> counts;
    for (std::size_t i = 0; i + 1 < counts_.size(); ++i) counts.push_back(counts_[i].load(std::memory_order_relaxed));
    return {std::move(counts), counts_.back().load(std::memory_order_relaxed)};
  }

  std::size_t field_;
  ab_assignment assignment_;
  std::string salt_;
  std::vector<model_type*> models_;  // by arm
  // Sinks that nobody reads, and the models' pipelines with all of them or with a log that is off.
  drift_monitor no_monitor_{drift_reference()};
  label_window no_window_;
  challenger_feed<record> no_feed_;
  jsonl_log no_log_;
  std::vector<pipe> untold_, unlogged_;
  std::vector<double> weights_;
  std::vector<std::string> names_;
  mutable std::vector<std::atomic<std::uint64_t>> counts_;  // records by arm, and those without a value
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
