// SPDX-License-Identifier: MIT
#pragma once

#ifdef TABSCORE_SINGLE_HEADER
#include <tabscore.hpp>
#else
#include <tabscore/models/logistic.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>
#endif

#include <span>

namespace ts = tabscore;

using applicant = ts::schema<ts::text<"country">, ts::integer<"days", ts::ge{0}>, ts::real<"minutes", ts::ge{0}>>;

inline const ts::rules rules{ts::rule(ts::col<"minutes"> <= 1440 * ts::col<"days">, "a day has 1440 minutes")};
inline const ts::features features{ts::feature<"minutes_a_day">(ts::col<"minutes"> / max(ts::col<"days">, 1))};

inline ts::logistic model() {
  return {{{"days", "minutes", "minutes_a_day"}, {"country"}},
          {{{30, 10}, {200, 100}, {8, 4}}, {ts::one_hot({"US", "CA"})}},
          {{0.5, 0.25, -0.125}, {{0.1, -0.1}}, -1.0},
          0.5};
}

// In another translation unit, which includes the same headers: the program links, and both compute the same.
bool same_elsewhere(const ts::batch<applicant>& batch, std::span<const double> probability);
