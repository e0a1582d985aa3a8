// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <ctime>
#include <deque>
#include <mutex>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/text_buffer.hpp"
#include "../../core/write_number.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The dashboard's time series: running counts and the drift score, sampled every few seconds and kept for an hour. No
/// concurrent call causes a data race.
class monitoring_history {
 public:
  static constexpr unsigned interval_s = 5;
  struct moment {
    std::int64_t unix_s = 0;
    std::uint64_t records = 0, positives = 0, rejected = 0;  // since the start
    double drift = 0;                                        // a stability index, or |z| without histograms
  };

  void add(const moment& now) {
    const std::lock_guard lock(mutex_);
    moments_.push_back(now);
    if (moments_.size() > 3600 / interval_s) moments_.pop_front();
  }

  /// {"interval_s":5,"time":[...],"records":[...],...}: one entry per moment in each list.
  void append_to(text_buffer& out) const {
    const std::lock_guard lock(mutex_);
    out.append(R"({"interval_s":)");
    append(out, interval_s);
    append_list(out, R"(,"time":)", [](const moment& m) { return m.unix_s; });
    append_list(out, R"(,"records":)", [](const moment& m) { return m.records; });
    append_list(out, R"(,"positives":)", [](const moment& m) { return m.positives; });
    append_list(out, R"(,"rejected":)", [](const moment& m) { return m.rejected; });
    append_list(out, R"(,"drift":)", [](const moment& m) { return m.drift; });
    out.append("}");
  }

 private:
  template <class F>
  void append_list(text_buffer& out, std::string_view name, F&& value) const {
    out.append(name);
    std::string_view before = "[";
    for (const moment& m : moments_) {
      out.append(before);
      append(out, value(m));
      before = ",";
    }
    out.append(moments_.empty() ? "[]" : "]");
  }
  static void append(text_buffer& out, std::integral auto v) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
  }
  static void append(text_buffer& out, double v) {
    if (!std::isfinite(v)) return out.append("null");
    out.keep_to(write_real(out.space(number_text_space), v));
  }

  mutable std::mutex mutex_;
  std::deque<moment> moments_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
