// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../models/scorer.hpp"
#include "../../schema/field_table.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Why a model's features are not the pipeline's, whose numeric ones are `numeric`; `text_fields`, which has room for
/// the schema's texts, gets the field of each of the model's text features.
std::optional<error> wrong_features(const feature_names& model, std::span<const std::string_view> numeric,
                                    std::span<const field_view> fields, std::span<std::size_t> text_fields);

/// Why a model cannot do without the value of a field that may be absent. The model's features are the numeric fields,
/// the engineered ones up to `width`, then the fields `text_fields`.
std::optional<error> missing_step(std::span<const field_view> fields, std::size_t width,
                                  std::span<const std::size_t> text_fields,
                                  bool (*takes_missing)(const void* model, std::size_t feature), const void* model);

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

// Joined piece by piece: g++ 12 takes operator+ of strings for overlapping copies (its bug 105651).
inline error mismatch(std::initializer_list<std::string_view> pieces) {
  error e{errc::mismatch, {}};
  for (const std::string_view piece : pieces) e.message.append(piece);
  return e;
}
inline std::string quoted_feature(std::string_view name) {
  std::string text = name.empty() ? "none" : "'";
  if (!name.empty()) text.append(name).append("'");
  return text;
}

TABSCORE_INLINE std::optional<error> wrong_features(const feature_names& model,
                                                    std::span<const std::string_view> numeric,
                                                    std::span<const field_view> fields,
                                                    std::span<std::size_t> text_fields) {
  for (std::size_t j = 0; j < (std::max)(numeric.size(), model.numeric.size()); ++j) {
    const std::string_view ours = j < numeric.size() ? numeric[j] : std::string_view{};
    const std::string_view theirs = j < model.numeric.size() ? std::string_view(model.numeric[j]) : std::string_view{};
    if (ours == theirs) continue;
    return mismatch({"the model's numeric feature ", std::to_string(j), " is ", quoted_feature(theirs),
                     ", the pipeline's is ", quoted_feature(ours)});
  }
  const auto is_text = [](const field_view& f) { return f.kind == field_kind::text; };
  const auto texts = static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), is_text));
  if (model.text.size() > texts) {
    return mismatch(
        {"the model has ", std::to_string(model.text.size()), " text features, the schema ", std::to_string(texts)});
  }
  std::size_t t = 0;
  for (const std::string& name : model.text) {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const field_view& f) { return f.name == name; });
    if (field == fields.end() || !is_text(*field)) {
      return mismatch({"the model's text feature ", quoted_feature(name), " is not a text field of the schema"});
    }
    text_fields[t++] = static_cast<std::size_t>(field - fields.begin());
  }
  return std::nullopt;
}

TABSCORE_INLINE std::optional<error> missing_step(std::span<const field_view> fields, std::size_t width,
                                                  std::span<const std::size_t> text_fields,
                                                  bool (*takes_missing)(const void* model, std::size_t feature),
                                                  const void* model) {
  const auto wrong = [&](const field_view& field, std::size_t feature) -> std::optional<error> {
    if (field.required || takes_missing(model, feature)) return std::nullopt;
    return mismatch({"the field ", quoted_feature(field.name),
                     " is optional, and the model has no step for a missing value of it: train it with one "
                     "(a SimpleImputer before it, say), or require the field"});
  };
  std::size_t number = 0;
  for (const field_view& field : fields) {
    if (!field.is_numeric) continue;
    if (auto e = wrong(field, number++)) return e;
  }
  for (std::size_t t = 0; t < text_fields.size(); ++t) {
    if (auto e = wrong(fields[text_fields[t]], width + t)) return e;
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
