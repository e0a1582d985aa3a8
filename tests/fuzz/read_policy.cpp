// SPDX-License-Identifier: MIT
// Any bytes as a policy: read, or refused in a sentence that names it; one that fits a service decides for each record
// alone as for all. Arguments: files or folders to replay.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tabscore/outputs/decider.hpp>
#include <tabscore/outputs/load_policy.hpp>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/schema/batch.hpp>
#include <utility>
#include <vector>

#include "require.hpp"

using namespace tabscore;

namespace {

using loan = schema<text<"purpose", min_length{1}>, optional<text<"sector">>, integer<"months", ge{1}>,
                    optional<integer<"age">>, boolean<"known">, optional<boolean<"married">>>;

template <class Prediction>
void use(const decision_policy& policy, model_outputs model) {
  const prediction_layout layout(Prediction::names, std::move(model),
                                 {Prediction::decision, Prediction::decisions, ""});
  const auto made = decider<loan>::make(policy, layout);
  if (!made) return require(made.error().message.starts_with("fuzz: "));
  batch<loan> records;
  records.push_back("car", "public", 12, 30, true, true);
  records.push_back("house", "", 1, 0, false, false);
  records.push_back("x", std::nullopt, 9, std::nullopt, false, std::nullopt);
  const std::size_t columns = layout.model.columns;
  const std::array<double, 9> numbers{0, 0.5, 1, 0.25, 0.25, 0.5, 1, 0, 0};
  std::array<std::uint8_t, 3> together{};
  made->decide(records.view(), {std::span(numbers).first(3 * columns), columns}, together);
  for (std::size_t i = 0; i < together.size(); ++i) {
    std::array<std::uint8_t, 1> alone{};
    made->decide(records.view().slice(i, 1), {std::span(numbers).subspan(i * columns, columns), columns}, alone);
    require(alone[0] == together[i] && alone[0] < Prediction::decisions.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const auto policy = parse_policy({exact.data(), exact.size()}, "fuzz");
  if (!policy) {
    require(policy.error().message.starts_with("fuzz: "));
    return 0;
  }
  require(parse_policy({exact.data(), exact.size()}, "fuzz")->sha256 == policy->sha256);
  const auto model = [](task of, std::vector<std::string> classes) {
    const std::size_t columns = of == task::multiclass ? classes.size() : 1;
    return model_outputs{of, columns, true, std::move(classes), class_kind::text, {}};
  };
  use<decided<binary<>, "decision", "approve", "refer", "decline">>(*policy, model(task::binary, {"no", "yes"}));
  use<decided<multiclass<>, "decision", "approve", "refer", "decline">>(*policy,
                                                                        model(task::multiclass, {"a", "b", "c"}));
  use<decided<regression<>, "decision", "approve", "refer", "decline">>(*policy, model(task::regression, {}));
  return 0;
}

#include "replay.hpp"
