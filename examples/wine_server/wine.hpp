// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/schema/batch.hpp>

namespace ts = tabscore;

/// The chemical analysis of a wine (scikit-learn's wine data).
using wine = ts::schema<ts::real<"alcohol", ts::ge{0}, ts::le{100}>,  //
                        ts::real<"malic_acid", ts::ge{0}>,            //
                        ts::real<"ash", ts::ge{0}>,                   //
                        ts::real<"alcalinity_of_ash", ts::ge{0}>,     //
                        ts::real<"magnesium", ts::ge{0}>,             //
                        ts::real<"total_phenols", ts::ge{0}>,         //
                        ts::real<"flavanoids", ts::ge{0}>,            //
                        ts::real<"nonflavanoid_phenols", ts::ge{0}>,  //
                        ts::real<"proanthocyanins", ts::ge{0}>,       //
                        ts::real<"color_intensity", ts::ge{0}>,       //
                        ts::real<"hue", ts::ge{0}>,                   //
                        ts::real<"od280_od315", ts::ge{0}>,           //
                        ts::real<"proline", ts::ge{0}>>;

/// Which of three cultivars is it? models/train_wine.py trains the model; see tabscore/serving/service.hpp.
struct wine_cultivars {
  using record = wine;
  using prediction = ts::multiclass<"cultivar", "probabilities">;

  static void add_example(ts::batch<wine>& records) {
    records.push_back(13.24, 2.59, 2.87, 21.0, 118.0, 2.8, 2.69, 0.39, 1.82, 4.32, 1.04, 2.93, 735.0);
  }

  static constexpr std::string_view program = "wine_server";
  static constexpr std::string_view title = "Wine cultivars";
  static constexpr std::string_view summary = "Which of three cultivars a wine is made of";
};
