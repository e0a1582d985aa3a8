// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../core/read_number.hpp"
#include "../../../core/result.hpp"
#include "../load_fault.hpp"
#include "../model_value.hpp"
#include "document.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads what save_model("model.json", format="json") writes.
class catboost_json_reader : load_fault {
 public:
  catboost_json_reader(const model_value& root, std::string_view source) : load_fault(source), root_(root) {}

  result<catboost_document> read() {
    if (read_features() && read_scale() && read_trees() && read_tables() && read_info() && tables_differ())
      return std::move(document_);
    return wrong();
  }

 private:
  using maybe = std::optional<model_value>;

  /// use(element, "place[i]") for each of an array that may be absent; CatBoost before 1.1 writes null for an empty
  /// one.
  template <class Use>
  bool each(const maybe& array, std::string_view place, Use use) {
    if (!array || array->is_null()) return true;
    std::size_t i = 0;
    const bool good =
        array->each([&](const model_value& element) { return use(element, fmt::format("{}[{}]", place, i++)); });
    return good || expect(place, "an array");
  }
  template <class Number>
  static bool fits(double number, Number& out) {
    if constexpr (std::is_integral_v<Number>) {
      // Hashes of 32 bits are written with or without a sign.
      const double least = std::is_signed_v<Number> ? static_cast<double>((std::numeric_limits<Number>::min)()) : 0.0;
      if (!(number >= least && number <= 4294967295.0) || number != std::trunc(number)) return false;
      out = static_cast<Number>(static_cast<std::int64_t>(number));
    } else {
      out = static_cast<Number>(number);
    }
    return true;
  }
  template <class Number>
  bool number(const model_value& object, std::string_view place, std::string_view key, Number& out) {
    const maybe found = object.find(key);
    const auto value = found ? found->number() : std::nullopt;
    return (value && fits(*value, out)) || expect(fmt::format("{}.{}", place, key), "a number in range");
  }
  template <class Number>
  bool numbers(const maybe& array, std::string_view place, std::vector<Number>& out) {
    if (!array || array->is_null()) return true;
    const bool good = array->each_number([&](double value) {
      Number n{};
      if (!fits(value, n)) return false;
      out.push_back(n);
      return true;
    });
    return good || expect(fmt::format("{}[{}]", place, out.size()), "a number in range");
  }
  static std::string text(const model_value& object, std::string_view key) {
    const maybe found = object.find(key);
    return std::string(found ? found->text().value_or("") : "");
  }

  bool read_features() {
    const maybe features = root_.find("features_info");
    if (!features) return expect("features_info", "an object");
    for (const std::string_view other : {"text_features", "embedding_features", "estimated_features"}) {
      if (features->find(other)) {
        return fail(errc::unsupported,
                    fmt::format("the model has {}, which are not supported: train without them", other));
      }
    }
    const auto name = [&](const model_value& f) {
      std::string id = text(f, "feature_id");
      return id.empty() ? text(f, "feature_name") : id;
    };
    const bool good =
        each(features->find("float_features"), "float_features", [&](const model_value& f, const std::string& place) {
          catboost_document::number& n = document_.numbers.emplace_back();
          n.name = name(f);
          const maybe nans = f.find("has_nans");
          n.missing_is_above = nans && nans->number().value_or(0) != 0 && text(f, "nan_value_treatment") == "AsTrue";
          return number(f, place, "feature_index", n.index) && number(f, place, "flat_feature_index", n.flat) &&
                 numbers(f.find("borders"), place + ".borders", n.borders);
        });
    return good &&
           each(features->find("categorical_features"), "categorical_features",
                [&](const model_value& f, const std::string& place) {
                  catboost_document::category& c = document_.categories.emplace_back();
                  c.name = name(f);
                  if (!number(f, place, "feature_index", c.index) || !number(f, place, "flat_feature_index", c.flat)) {
                    return false;
                  }
                  if (!f.find("values")) return true;
                  catboost_document::one_hot& h = document_.one_hots.emplace_back();
                  h.category = c.index;
                  return numbers(f.find("values"), place + ".values", h.values);
                }) &&
           each(features->find("ctrs"), "ctrs", [&](const model_value& f, const std::string& place) {
             catboost_document::ctr& c = document_.ctrs.emplace_back();
             return read_combination(f.find("elements"), place + ".elements", c.base.of) &&
                    read_type(text(f, "ctr_type"), place, c.base.type) &&
                    number(f, place, "target_border_idx", c.target_border) &&
                    number(f, place, "prior_numerator", c.prior) &&
                    number(f, place, "prior_denomerator", c.prior_weight) && number(f, place, "shift", c.shift) &&
                    number(f, place, "scale", c.scale) && numbers(f.find("borders"), place + ".borders", c.borders);
           });
  }

  bool read_type(std::string_view name, std::string_view place, catboost_ctr& out) {
    const auto found = std::find(catboost_ctr_names.begin(), catboost_ctr_names.end(), name);
    if (found == catboost_ctr_names.end()) {
      return fail(errc::unsupported,
                  fmt::format("{}: the CTR type \"{}\" is not known: train with other simple_ctr and combinations_ctr",
                              place, name));
    }
    out = static_cast<catboost_ctr>(found - catboost_ctr_names.begin());
    return true;
  }

  bool read_combination(const maybe& elements, const std::string& place, catboost_combination& of) {
    if (!elements) return expect(place, "an array");
    return each(elements, place, [&](const model_value& e, const std::string& here) {
      const std::string kind = text(e, "combination_element");
      std::int32_t feature = 0;
      if (!number(e, here, kind == "float_feature" ? "float_feature_index" : "cat_feature_index", feature))
        return false;
      if (kind == "cat_feature_value") {
        of.categories.push_back(feature);
      } else if (kind == "float_feature") {
        if (!number(e, here, "border", of.borders.emplace_back(feature, 0.0F).second)) return false;
      } else if (kind == "cat_feature_exact_value") {
        if (!number(e, here, "value", of.values.emplace_back(feature, 0).second)) return false;
      } else {
        return expect(here + ".combination_element", "cat_feature_value, float_feature or cat_feature_exact_value");
      }
      return true;
    });
  }

  /// [scale, [bias, ...]], before 1.0 [scale, bias]; not there in files of 0.2x.
  bool read_scale() {
    const maybe found = root_.find("scale_and_bias");
    if (!found) return true;
    std::size_t i = 0;
    const bool good = found->each([&](const model_value& e) {
      if (i++ == 0) {
        const auto scale = e.number();
        document_.scale = scale.value_or(1);
        return scale.has_value();
      }
      if (e.is_array()) return numbers(e, "scale_and_bias[1]", document_.bias);
      const auto bias = e.number();
      if (bias) document_.bias.push_back(*bias);
      return bias.has_value() && i <= 2;
    });
    return (good && i == 2) || expect("scale_and_bias", "a number and an array of numbers");
  }

  bool read_trees() {
    const maybe symmetric = root_.find("oblivious_trees");
    const maybe others = root_.find("trees");
    if (!symmetric && !others) return expect("oblivious_trees", "an array");
    return each(symmetric, "oblivious_trees",
                [&](const model_value& t, const std::string& place) { return read_symmetric(t, place); }) &&
           each(others, "trees",
                [&](const model_value& t, const std::string& place) { return read_other(t, place); }) &&
           check_dimension();
  }
  bool check_dimension() {
    if (dimension_ == 0) dimension_ = (std::max<std::size_t>)(1, document_.bias.size());
    document_.dimension = dimension_;
    return true;
  }
  bool same_dimension(std::size_t n, const std::string& place) {
    if (dimension_ == 0) dimension_ = n;
    return (n > 0 && n == dimension_) || expect(place, fmt::format("{} numbers a leaf", dimension_));
  }

  bool read_symmetric(const model_value& from, const std::string& place) {
    tree& t = document_.trees.emplace_back();
    std::vector<std::uint32_t> levels;
    if (const maybe splits = from.find("splits"); splits && splits->is_array()) {
      const bool good = each(splits, place + ".splits", [&](const model_value& s, const std::string& here) {
        return number(s, here, "split_index", levels.emplace_back());
      });
      if (!good) return false;
    }
    if (!numbers(from.find("leaf_values"), place + ".leaf_values", t.leaves) ||
        !numbers(from.find("leaf_weights"), place + ".leaf_weights", t.leaf_cover)) {
      return false;
    }
    const std::size_t count = levels.size() < 31 ? std::size_t{1} << levels.size() : 0;
    if (count == 0 || t.leaves.empty() || t.leaves.size() % count != 0) {
      return expect(place + ".leaf_values", fmt::format("values of 2^{} leaves", levels.size()));
    }
    if (!t.leaf_cover.empty() && t.leaf_cover.size() != count) {
      return expect(place + ".leaf_weights", fmt::format("{} numbers", count));
    }
    grow_symmetric(levels, t);
    return same_dimension(t.leaves.size() / count, place + ".leaf_values");
  }

  bool read_other(const model_value& root, const std::string& place) {
    tree& t = document_.trees.emplace_back();
    struct open_place {
      model_value from;
      std::size_t parent;
      bool right;
    };
    std::vector<open_place> open{{root, 0, false}};
    for (bool first = true; !open.empty(); first = false) {
      const open_place at = open.back();
      open.pop_back();
      std::int32_t made = 0;
      if (const maybe condition = at.from.find("split")) {
        made = static_cast<std::int32_t>(t.splits.size());
        split& s = t.splits.emplace_back();
        const maybe left = at.from.find("left");
        const maybe right = at.from.find("right");
        if (!left || !right) return expect(place, "a tree whose splits have a left and a right side");
        if (!number(*condition, place + ".split", "split_index", s.feature)) return false;
        open.push_back({*right, static_cast<std::size_t>(made), true});
        open.push_back({*left, static_cast<std::size_t>(made), false});
      } else {
        const maybe value = at.from.find("value");
        const maybe weight = at.from.find("weight");
        const std::size_t before = t.leaves.size();
        if (!value) return expect(place, "a tree whose leaves have a value");
        if (const auto one = value->number()) {
          t.leaves.push_back(*one);
        } else if (!numbers(value, place + ".value", t.leaves)) {
          return false;
        }
        if (!same_dimension(t.leaves.size() - before, place + ".value")) return false;
        if (weight) t.leaf_cover.push_back(weight->number().value_or(0));
        made = ~static_cast<std::int32_t>(before / dimension_);
      }
      if (!first) (at.right ? t.splits[at.parent].right : t.splits[at.parent].left) = made;
    }
    return t.leaf_cover.empty() || t.leaf_cover.size() == t.splits.size() + 1 ||
           expect(place, "a tree whose leaves all have a weight, or none");
  }

  /// By the JSON of the statistics: an array of a hash, as a text, and its counts, again and again.
  bool read_tables() {
    const maybe tables = root_.find("ctr_data");
    if (!tables) return true;
    simdjson::dom::object object;
    if (tables->element().get(object) != simdjson::SUCCESS) return expect("ctr_data", "an object");
    for (const auto& [key, element] : object) {
      const std::string place = fmt::format("ctr_data['{}']", key);
      simdjson::dom::parser parser;
      const auto described = parse_json(parser, key, place);
      if (!described) return fail(described.error().message);
      catboost_ctr_base base;
      catboost_document::ctr_table table;
      if (!read_combination(described->find("identifier"), place, base.of) ||
          !read_type(text(*described, "type"), place, base.type) ||
          !read_table(model_value(element), place, base.type, table)) {
        return false;
      }
      if (!document_.tables.emplace(std::move(base), std::move(table)).second) {
        return expect(place, "of features that no other table has");
      }
    }
    return true;
  }

  bool read_table(const model_value& from, const std::string& place, catboost_ctr type,
                  catboost_document::ctr_table& table) {
    std::uint32_t stride = 0;
    if (!number(from, place, "counter_denominator", table.denominator) || !number(from, place, "hash_stride", stride)) {
      return false;
    }
    const bool means = type == catboost_ctr::binarized_target_mean || type == catboost_ctr::float_target_mean;
    const bool classed = type == catboost_ctr::borders || type == catboost_ctr::buckets;
    const bool good = means ? stride == 3 : classed ? stride >= 3 && stride <= (1 << 20) : stride == 2;
    if (!good) return expect(place + ".hash_stride", "one more than the counts of a hash");
    table.width = means ? 1 : stride - 1;
    const maybe list = from.find("hash_map");
    std::size_t i = 0;
    bool skipped = false;  // an empty bucket, whose hash is 2^64 - 1
    const bool whole = list && list->each([&](const model_value& e) {
      const std::size_t at = i++ % stride;
      if (at == 0) {
        const auto digits = e.text();
        std::uint64_t hash = 0;
        if (!digits || !parse_number(*digits, hash)) return false;
        skipped = hash == ~std::uint64_t{0};
        if (!skipped) table.hashes.push_back(hash);
        return true;
      }
      const auto value = e.number();
      std::int32_t count = 0;
      if (!value || (!(means && at == 1) && !fits(*value, count))) return false;
      if (skipped) return true;
      if (means && at == 1) {
        table.sums.push_back(static_cast<float>(*value));
      } else {
        table.counts.push_back(count);
      }
      return true;
    });
    return (whole && i % stride == 0) ||
           expect(fmt::format("{}.hash_map[{}]", place, i), "a hash as a text, and its counts");
  }

  /// As the binary format has it: params and class_params as their JSON.
  bool read_info() {
    const maybe info = root_.find("model_info");
    simdjson::dom::object object;
    if (!info || info->element().get(object) != simdjson::SUCCESS) return true;
    for (const auto& [key, value] : object) {
      std::string_view text;
      document_.info[std::string(key)] =
          value.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(value);
    }
    return true;
  }

  /// The JSON calls tables by their features and type only, so that of several targets, or of several ways to split
  /// one, it keeps one table for all.
  bool tables_differ() {
    if (document_.ctrs.empty()) return true;
    const auto mixed = [&] {
      return fail(errc::unsupported,
                  "the JSON keeps one table of categories for several targets, or for several ways to split one: save "
                  "the model as .cbm");
    };
    std::set<std::tuple<catboost_ctr_base, std::int32_t, float, float>> known;
    for (const catboost_document::ctr& c : document_.ctrs) {
      if (!known.emplace(c.base, c.target_border, c.prior, c.prior_weight).second) return mixed();
    }
    const maybe info = root_.find("model_info");
    const maybe params = info ? info->find("params") : std::nullopt;
    const maybe loss = params ? params->find("loss_function") : std::nullopt;
    const std::string name = loss ? text(*loss, "type") : std::string();
    if (name == "SurvivalAft" || name == "MultiLogloss" || name == "MultiCrossEntropy" ||
        name.starts_with("MultiRMSE")) {
      return mixed();
    }
    const maybe settings = params ? params->find("cat_feature_params") : std::nullopt;
    if (!settings) return true;
    std::map<std::string, std::string> splits;
    const auto same = [&](const model_value& described) {
      const maybe split = described.find("target_binarization");
      const std::string way = split ? simdjson::minify(split->element()) : std::string();
      return splits.emplace(text(described, "ctr_type"), way).first->second == way;
    };
    for (const std::string_view key : {"simple_ctrs", "combinations_ctrs"}) {
      const maybe list = settings->find(key);
      if (list && !list->each(same)) return mixed();
    }
    const maybe own = settings->find("per_feature_ctrs");
    simdjson::dom::object features;
    if (!own || own->element().get(features) != simdjson::SUCCESS) return true;
    for (const auto& [feature, list] : features) {
      if (!model_value(list).each(same)) return mixed();
    }
    return true;
  }

  model_value root_;
  catboost_document document_;
  std::size_t dimension_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
