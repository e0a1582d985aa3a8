// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../load_fault.hpp"
#include "document.hpp"
#include "flat_buffer.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads a .cbm file: "CBM1", then a FlatBuffer of the model behind its size, then the tables of categories, each a
/// FlatBuffer behind its size, too.
class catboost_binary_reader : load_fault {
 public:
  catboost_binary_reader(std::string_view bytes, std::string_view source) : load_fault(source), rest_(bytes) {}

  result<catboost_document> read() {
    if (read_model()) return std::move(document_);
    return wrong();
  }

 private:
  /// 32 bits, or 64 behind 32 set ones.
  bool take_size(std::string_view what, std::size_t& size) {
    const flat_buffer all(rest_);
    const bool is_short = all.inside(0, 4) && all.get<std::uint32_t>(0) != ~std::uint32_t{0};
    if (!is_short && !all.inside(0, 12)) return fail(fmt::format("the file ends before the size of {}", what));
    const std::uint64_t value = is_short ? all.get<std::uint32_t>(0) : all.get<std::uint64_t>(4);
    rest_.remove_prefix(is_short ? 4 : 12);
    size = static_cast<std::size_t>(value);
    return true;
  }
  bool take_buffer(std::string_view what, std::string_view& bytes) {
    std::size_t size = 0;
    if (!take_size(what, size)) return false;
    if (size > rest_.size()) {
      return fail(fmt::format("{} has {} bytes, but the file ends after {} of them", what, size, rest_.size()));
    }
    bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  bool read_model() {
    rest_.remove_prefix((std::min)(rest_.size(), std::size_t{4}));  // "CBM1"
    std::string_view bytes;
    if (!take_buffer("the model", bytes)) return false;
    flat_buffer buffer(bytes);
    const flat_table core = flat_table::root(buffer);
    const std::string version = core.text(0, "FormatVersion");
    if (!buffer.broken() && version != "FlabuffersModel_v1") {
      return fail(errc::unsupported, fmt::format("FormatVersion \"{}\"; FlabuffersModel_v1 is known", version));
    }
    core.each(2, "InfoMap", [&](const flat_table& entry) {
      std::string key = entry.text(0, "InfoMap.Key");
      document_.info[std::move(key)] = entry.text(1, "InfoMap.Value");
    });
    const std::vector<std::string> parts = core.texts(3, "ModelPartIds");
    const auto trees = core.table(1, "ModelTrees");
    if (trees) {
      if (!read_features(*trees) || !read_trees(buffer, *trees)) return false;
    } else if (!buffer.broken()) {
      return fail("ModelTrees is missing");
    }
    if (buffer.broken()) return fail(buffer.wrong());
    for (const std::string& part : parts) {
      if (part != "static_provider_v1") {
        return fail(errc::unsupported, fmt::format("a model with \"{}\", which text or embedding features need: train "
                                                   "without those",
                                                   part));
      }
      if (!read_tables()) return false;
    }
    return rest_.empty() || fail(fmt::format("{} bytes after the end of the model", rest_.size()));
  }

  bool read_features(const flat_table& trees) {
    for (const auto& [field, what] : {std::pair{12U, "text features"}, std::pair{18U, "embedding features"},
                                      std::pair{13U, "features estimated from texts or embeddings"}}) {
      bool some = false;
      trees.each(field, what, [&](const flat_table&) { some = true; });
      if (some) {
        return fail(errc::unsupported,
                    fmt::format("the model has {}, which are not supported: train without them", what));
      }
    }
    trees.each(5, "FloatFeatures", [&](const flat_table& f) {
      catboost_document::number& n = document_.numbers.emplace_back();
      n.index = f.number<std::int32_t>(1, "Index", -1);
      n.flat = f.number<std::int32_t>(2, "FlatIndex", -1);
      n.borders = f.numbers<float>(3, "Borders");
      n.name = f.text(4, "FeatureId");
      const auto treatment = f.number<std::int8_t>(5, "NanValueTreatment", 0);
      if (treatment < 0 || treatment > 2) fail(fmt::format("NanValueTreatment {} is not known", treatment));
      n.missing_is_above = f.number<std::uint8_t>(0, "HasNans", 0) != 0 && treatment == 2;
    });
    trees.each(4, "CatFeatures", [&](const flat_table& f) {
      document_.categories.push_back(
          {f.number<std::int32_t>(0, "Index", -1), f.number<std::int32_t>(1, "FlatIndex", -1), f.text(2, "FeatureId")});
    });
    trees.each(6, "OneHotFeatures", [&](const flat_table& f) {
      document_.one_hots.push_back(
          {f.number<std::int32_t>(0, "Index", -1), f.numbers<std::int32_t>(1, "OneHotFeatures.Values")});
    });
    trees.each(7, "CtrFeatures", [&](const flat_table& f) {
      catboost_document::ctr& c = document_.ctrs.emplace_back();
      c.borders = f.numbers<float>(1, "CtrFeatures.Borders");
      const auto ctr = f.table(0, "Ctr");
      if (!ctr) {
        fail("a CTR feature without its CTR");
        return;
      }
      read_base(*ctr, c.base);
      c.target_border = ctr->number<std::int32_t>(1, "TargetBorderIdx", 0);
      c.prior = ctr->number<float>(2, "PriorNum", 0);
      c.prior_weight = ctr->number<float>(3, "PriorDenom", 1);
      c.shift = ctr->number<float>(4, "Shift", 0);
      c.scale = ctr->number<float>(5, "Scale", 1);
    });
    return !failed();
  }

  void read_base(const flat_table& from, catboost_ctr_base& base) {
    const auto table = from.table(0, "ModelCtrBase");
    const auto combination = table ? table->table(0, "FeatureCombination") : std::nullopt;
    if (!combination) {
      fail("a CTR without its features");
      return;
    }
    const auto type = table->number<std::int8_t>(1, "CtrType", 0);
    if (type < 0 || static_cast<std::size_t>(type) >= catboost_ctr_names.size()) {
      fail(errc::unsupported,
           fmt::format("CtrType {} is not known: train with other simple_ctr and combinations_ctr", type));
      return;
    }
    base.type = static_cast<catboost_ctr>(type);
    base.classifier = table->number<std::int32_t>(2, "TargetBorderClassifierIdx", 0);
    base.of.categories = combination->numbers<std::int32_t>(0, "FeatureCombination.CatFeatures");
    const auto borders = combination->numbers<std::uint32_t>(1, "FeatureCombination.FloatSplits", 2);
    for (std::size_t i = 0; i + 1 < borders.size(); i += 2) {
      base.of.borders.emplace_back(static_cast<std::int32_t>(borders[i]), std::bit_cast<float>(borders[i + 1]));
    }
    const auto values = combination->numbers<std::int32_t>(2, "FeatureCombination.OneHotSplits", 2);
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) base.of.values.emplace_back(values[i], values[i + 1]);
  }

  bool read_trees(flat_buffer& buffer, const flat_table& trees) {
    const auto dimension = trees.number<std::int32_t>(0, "ApproxDimension", 0);
    const auto splits = trees.numbers<std::int32_t>(1, "TreeSplits");
    const auto sizes = trees.numbers<std::int32_t>(2, "TreeSizes");
    const auto starts = trees.numbers<std::int32_t>(3, "TreeStartOffsets");
    const auto leaves = trees.numbers<double>(8, "LeafValues");
    const auto weights = trees.numbers<double>(9, "LeafWeights");
    const auto steps = trees.numbers<std::uint16_t>(10, "NonSymmetricStepNodes", 2);
    const auto leaf_of = trees.numbers<std::uint32_t>(11, "NonSymmetricNodeIdToLeafId");
    document_.scale = trees.number<double>(14, "Scale", 1);
    const double bias = trees.number<double>(15, "Bias", 0);
    document_.bias = trees.numbers<double>(16, "MultiBias");
    if (buffer.broken()) return fail(buffer.wrong());
    if (dimension < 1 || dimension > (1 << 20)) {
      return fail(fmt::format("ApproxDimension is {}, expected 1 to 2^20", dimension));
    }
    document_.dimension = static_cast<std::size_t>(dimension);
    if (document_.bias.empty() && bias != 0) {
      if (dimension > 1) return fail(fmt::format("one Bias for {} dimensions", dimension));
      document_.bias.push_back(bias);
    }
    if (!starts.empty() && starts.size() != sizes.size()) {
      return fail(fmt::format("{} TreeStartOffsets for {} TreeSizes", starts.size(), sizes.size()));
    }
    std::size_t first = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] < 0 || static_cast<std::size_t>(sizes[i]) > splits.size() - first) {
        return fail(fmt::format("tree {}: TreeSizes says {} of {} TreeSplits", i, sizes[i], splits.size() - first));
      }
      if (!starts.empty() && static_cast<std::size_t>(starts[i]) != first) {
        return fail(fmt::format("tree {}: TreeStartOffsets says {}, expected {}", i, starts[i], first));
      }
      first += static_cast<std::size_t>(sizes[i]);
    }
    if (first != splits.size()) {
      return fail(fmt::format("{} of {} TreeSplits belong to no tree", splits.size() - first, splits.size()));
    }
    document_.trees.reserve(sizes.size());
    return steps.empty() && leaf_of.empty() ? read_symmetric(splits, sizes, leaves, weights)
                                            : read_others(splits, sizes, steps, leaf_of, leaves, weights);
  }

  bool read_symmetric(const std::vector<std::int32_t>& splits, const std::vector<std::int32_t>& sizes,
                      const std::vector<double>& values, const std::vector<double>& weights) {
    const std::size_t width = document_.dimension;
    const bool weighed = !weights.empty();
    if (weighed && weights.size() != values.size() / width) {
      return fail(fmt::format("{} LeafWeights for {} leaves", weights.size(), values.size() / width));
    }
    std::size_t split = 0;
    std::size_t leaf = 0;  // in all trees
    std::vector<std::uint32_t> levels;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto height = static_cast<std::size_t>(sizes[i]);
      const std::size_t count = height < 31 ? std::size_t{1} << height : 0;
      if (count == 0 || count > values.size() / width - leaf) {
        return fail(fmt::format("tree {}: TreeSizes says {}, but LeafValues ends after {} of its leaves", i, height,
                                values.size() / width - leaf));
      }
      levels.clear();
      for (const std::size_t end = split + height; split < end; ++split) {
        levels.push_back(static_cast<std::uint32_t>(splits[split]));
      }
      tree& t = document_.trees.emplace_back();
      grow_symmetric(levels, t);
      const auto part = [](const std::vector<double>& of, std::size_t at, std::size_t n) {
        return std::vector<double>(of.begin() + static_cast<std::ptrdiff_t>(at),
                                   of.begin() + static_cast<std::ptrdiff_t>(at + n));
      };
      t.leaves = part(values, leaf * width, count * width);
      if (weighed) t.leaf_cover = part(weights, leaf, count);
      leaf += count;
    }
    return leaf * width == values.size() ||
           fail(fmt::format("{} of {} LeafValues belong to no tree", values.size() - leaf * width, values.size()));
  }

  /// Trees of any shape: a node's steps lead to its children, one of 0 to the node's own leaf.
  bool read_others(const std::vector<std::int32_t>& splits, const std::vector<std::int32_t>& sizes,
                   const std::vector<std::uint16_t>& steps, const std::vector<std::uint32_t>& leaf_of,
                   const std::vector<double>& values, const std::vector<double>& weights) {
    const std::size_t width = document_.dimension;
    if (steps.size() != 2 * splits.size() || leaf_of.size() != splits.size()) {
      return fail(fmt::format("{} NonSymmetricStepNodes and {} NonSymmetricNodeIdToLeafId for {} TreeSplits",
                              steps.size() / 2, leaf_of.size(), splits.size()));
    }
    std::size_t first = 0;
    std::vector<bool> seen(splits.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::size_t end = first + static_cast<std::size_t>(sizes[i]);
      if (first == end) return fail(fmt::format("tree {} has no nodes", i));
      tree& t = document_.trees.emplace_back();
      const auto add_leaf = [&](std::size_t node) -> std::optional<std::int32_t> {
        const std::size_t at = leaf_of[node];
        if (at % width != 0 || at > values.size() || width > values.size() - at) {
          fail(fmt::format("tree {}: NonSymmetricNodeIdToLeafId[{}] is {} of {} LeafValues", i, node, at,
                           values.size()));
          return std::nullopt;
        }
        if (!weights.empty()) {
          if (at / width >= weights.size()) {
            fail(fmt::format("{} LeafWeights for {} leaves", weights.size(), values.size() / width));
            return std::nullopt;
          }
          t.leaf_cover.push_back(weights[at / width]);
        }
        t.leaves.insert(t.leaves.end(), values.begin() + static_cast<std::ptrdiff_t>(at),
                        values.begin() + static_cast<std::ptrdiff_t>(at + width));
        return ~static_cast<std::int32_t>(t.leaves.size() / width - 1);
      };
      // Children stand behind their parents, so that nothing leads back; a place is an index of a split and a side.
      struct open_place {
        std::size_t node;
        std::size_t parent;
        bool right;
      };
      std::vector<open_place> open{{first, 0, false}};
      while (!open.empty()) {
        const open_place at = open.back();
        open.pop_back();
        if (at.node >= end || seen[at.node]) {
          return fail(fmt::format("tree {}: NonSymmetricStepNodes leads to node {} {}", i, at.node,
                                  at.node >= end ? "of another tree" : "twice"));
        }
        seen[at.node] = true;
        const std::size_t left = steps[2 * at.node];
        const std::size_t right = steps[2 * at.node + 1];
        std::int32_t made = 0;
        if (left == 0 && right == 0) {
          const auto leaf = add_leaf(at.node);
          if (!leaf) return false;
          made = *leaf;
        } else {
          made = static_cast<std::int32_t>(t.splits.size());
          split& s = t.splits.emplace_back();
          s.feature = static_cast<std::uint32_t>(splits[at.node]);
          for (const bool side : {true, false}) {
            const std::size_t step = side ? right : left;
            if (step != 0) {
              open.push_back({at.node + step, static_cast<std::size_t>(made), side});
              continue;
            }
            const auto leaf = add_leaf(at.node);
            if (!leaf) return false;
            (side ? s.right : s.left) = *leaf;
          }
        }
        if (at.node != first) (at.right ? t.splits[at.parent].right : t.splits[at.parent].left) = made;
      }
      first = end;
    }
    return true;
  }

  bool read_tables() {
    std::size_t count = 0;
    if (!take_size("the tables of categories", count)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      std::string_view bytes;
      if (!take_buffer("a table of categories", bytes)) return false;
      flat_buffer buffer(bytes);
      const flat_table root = flat_table::root(buffer);
      catboost_ctr_base base;
      read_base(root, base);
      const std::string_view buckets = root.bytes(1, "IndexHashRaw");
      const std::string_view blob = root.bytes(2, "CTRBlob");
      const auto denominator = root.number<std::int32_t>(3, "CounterDenominator", 0);
      const auto classes = root.number<std::int32_t>(4, "TargetClassesCount", 0);
      if (buffer.broken()) return fail(fmt::format("table {} of categories: {}", i, buffer.wrong()));
      catboost_document::ctr_table table;
      table.denominator = denominator;
      if (failed() || !read_table(base.type, i, buckets, blob, classes, table)) return false;
      if (!document_.tables.emplace(std::move(base), std::move(table)).second) {
        return fail(fmt::format("table {} of categories is of the features of another one", i));
      }
    }
    return true;
  }

  /// Buckets of a hash and an index, 12 bytes each; a hash is in the first free one from its own place on.
  bool read_table(catboost_ctr type, std::size_t number, std::string_view buckets, std::string_view blob,
                  std::int32_t classes, catboost_document::ctr_table& table) {
    const std::string place = fmt::format("table {} of categories", number);
    const bool means = type == catboost_ctr::binarized_target_mean || type == catboost_ctr::float_target_mean;
    const bool classed = type == catboost_ctr::borders || type == catboost_ctr::buckets;
    if (classed && (classes < 2 || classes > (1 << 20))) {
      return fail(fmt::format("{}: TargetClassesCount is {}, expected 2 to 2^20", place, classes));
    }
    table.width = classed ? static_cast<std::size_t>(classes) : 1;
    const std::size_t row = means ? 8 : 4 * table.width;
    const std::size_t rows = blob.size() / row;
    const std::size_t count = buckets.size() / 12;
    if (buckets.size() % 12 != 0 || !std::has_single_bit(count) || blob.size() % row != 0) {
      return fail(
          fmt::format("{}: expected a power of two of buckets of 12 bytes and rows of {}, found {} and {} bytes", place,
                      row, buckets.size(), blob.size()));
    }
    const flat_buffer hashes(buckets);
    const flat_buffer numbers(blob);
    constexpr std::uint64_t empty = ~std::uint64_t{0};
    const auto hash_of = [&](std::size_t bucket) { return hashes.get<std::uint64_t>(12 * bucket); };
    std::size_t start = 0;
    while (start < count && hash_of(start) != empty) ++start;
    if (start == count) return fail(place + ": no bucket is empty");
    std::size_t full = 0;  // buckets in a row before this one
    std::vector<bool> named(rows);
    for (std::size_t i = 1; i <= count; ++i) {
      const std::size_t bucket = (start + i) & (count - 1);
      const std::uint64_t hash = hash_of(bucket);
      if (hash == empty) {
        full = 0;
        continue;
      }
      if (((bucket - static_cast<std::size_t>(hash)) & (count - 1)) > full++) {
        return fail(fmt::format("{}: the hash in bucket {} is not found there", place, bucket));
      }
      const std::size_t at = hashes.get<std::uint32_t>(12 * bucket + 8);
      if (at >= rows || named[at]) {
        return fail(fmt::format("{}: bucket {} names row {} of {}{}", place, bucket, at, rows,
                                at >= rows ? "" : ", as another one does"));
      }
      named[at] = true;
      table.hashes.push_back(hash);
      if (means) table.sums.push_back(numbers.get<float>(at * row));
      const std::size_t counts = at * row + (means ? 4 : 0);
      for (std::size_t c = 0; c < table.width; ++c) table.counts.push_back(numbers.get<std::int32_t>(counts + 4 * c));
    }
    return true;
  }

  std::string_view rest_;
  catboost_document document_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
