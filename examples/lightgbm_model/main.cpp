// SPDX-License-Identifier: MIT
// A booster in the text format of LightGBM's save_model, here a small one in the program, usually a file for
// load_lightgbm(); and the contributions of its features.
#include <fmt/format.h>
#include <tabscore/models/contributions.hpp>
#include <tabscore/models/load_lightgbm.hpp>

#include <array>
#include <cmath>

#include "../standard_streams.hpp"

namespace ts = tabscore;

constexpr std::string_view loans = R"(tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=burden months
feature_infos=[0:4] [6:120]
tree_sizes=1

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
threshold=0.4 60
decision_type=8 2
left_child=-1 -2
right_child=1 -3
leaf_value=-1.5 0.25 1.25
internal_count=1000 300
leaf_count=700 200 100
is_linear=0
shrinkage=1


end of trees
)";

int main() {
  const auto model = ts::read_lightgbm(loans, "loans");
  const auto trees = model ? ts::forest::build(*model) : model.error();
  const auto why = trees ? ts::explainer::build(*trees) : trees.error();
  if (!why) return fmt::print(stderr, "{}\n", why.error().message), 1;

  const std::array<double, 6> rows{0.2, 48, 0.9, 84, NAN, 24};
  std::array<double, 3> chance{};
  ts::scratch memory;
  trees->predict(ts::row_major(rows.data(), 3, 2), chance, memory);
  std::array<double, 9> parts{};
  why->explain(ts::row_major(rows.data(), 3, 2), parts, memory);
  for (std::size_t i = 0; i < 3; ++i) {
    fmt::print("{:.6f}: burden {:+.4f}, months {:+.4f}, all loans {:+.4f}\n", chance[i], parts[3 * i], parts[3 * i + 1],
               parts[3 * i + 2]);
  }
  return is_output_written("lightgbm_model") ? 0 : 1;
}
