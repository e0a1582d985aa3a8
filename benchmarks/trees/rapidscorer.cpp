// SPDX-License-Identifier: MIT
// RapidScorer (Ye et al., KDD 2018) as far as the comparison needs it: trees of up to 256 leaves, no missing values.
// One bit a leaf; each distinct threshold is compared once for 32 rows (AVX2) or 64 (AVX-512), in ascending order until
// no row is above; where a row is, the leaves of the node's left subtree are out. The lowest leaf that is left is
// reached. Of a node's bits only the bytes that hold zeros are touched ("epitome"). Trees go in groups that fit the L2
// cache.
#include "rapidscorer.hpp"

#include <immintrin.h>

#include <algorithm>
#include <map>
#include <vector>

namespace {

#if defined(__AVX512BW__)
constexpr std::size_t lanes = 64;
#else
constexpr std::size_t lanes = 32;
#endif
typedef std::uint8_t bytes __attribute__((vector_size(lanes)));

/// 255 for each of `lanes` values above the threshold (or equal to it, where equal ones go right, too).
template <int Compare>
bytes above(const float* x, float threshold) {
#if defined(__AVX512BW__)
  std::uint64_t bits = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    bits |= std::uint64_t{_mm512_cmp_ps_mask(_mm512_loadu_ps(x + 16 * k), _mm512_set1_ps(threshold), Compare)}
            << 16 * k;
  }
  return reinterpret_cast<bytes>(_mm512_movm_epi8(bits));
#else
  const __m256 t = _mm256_set1_ps(threshold);
  const auto eight = [&](std::size_t k) {
    return _mm256_castps_si256(_mm256_cmp_ps(_mm256_loadu_ps(x + 8 * k), t, Compare));
  };
  const __m256i packed =
      _mm256_packs_epi16(_mm256_packs_epi32(eight(0), eight(1)), _mm256_packs_epi32(eight(2), eight(3)));
  return reinterpret_cast<bytes>(_mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
#endif
}
bool any(bytes v) {
#if defined(__AVX512BW__)
  const auto w = reinterpret_cast<__m512i>(v);
  return _mm512_test_epi8_mask(w, w) != 0;
#else
  const auto w = reinterpret_cast<__m256i>(v);
  return _mm256_testz_si256(w, w) == 0;
#endif
}

struct node {
  std::uint32_t first;  // byte of the group that has the first zero
  std::uint16_t bytes;  // that have zeros
  std::uint8_t first_mask, last_mask;
};
struct test {
  float threshold;
  std::uint32_t nodes_end;
};
struct member {
  std::uint32_t first, bytes;  // of the group's
  std::uint32_t output;
  std::size_t first_leaf;
};
struct group {
  std::vector<std::uint32_t> tests_end;  // of each feature
  std::vector<test> tests;
  std::vector<node> nodes;
  std::vector<member> trees;
  std::size_t bytes = 0;
};
struct model {
  std::size_t features, outputs;
  bool less, float_sums;
  std::vector<double> base;
  std::vector<float> leaves32;
  std::vector<double> leaves64;
  std::vector<group> groups;
};

/// Numbers the leaves below `at` from left to right; notes each split's leaves of the left subtree.
struct subtree {
  std::int32_t split;
  std::uint32_t first, last;
};
std::uint32_t number_leaves(const rapid_trees& t, std::size_t base, std::int32_t at, std::uint32_t next,
                            std::vector<std::size_t>& leaf, std::vector<subtree>& splits) {
  if (at < 0) {
    leaf.push_back(static_cast<std::size_t>(~at));
    return next + 1;
  }
  const std::size_t s = base + static_cast<std::size_t>(at);
  const std::uint32_t middle = number_leaves(t, base, t.left[s], next, leaf, splits);
  splits.push_back({at, next, middle - 1});
  return number_leaves(t, base, t.right[s], middle, leaf, splits);
}

void finish(group& g, std::map<std::pair<std::uint32_t, float>, std::vector<node>>& nodes, std::size_t features) {
  g.tests_end.assign(features, 0);
  for (const auto& [at, same] : nodes) {
    g.nodes.insert(g.nodes.end(), same.begin(), same.end());
    g.tests.push_back({at.second, static_cast<std::uint32_t>(g.nodes.size())});
    g.tests_end[at.first] = static_cast<std::uint32_t>(g.tests.size());
  }
  for (std::size_t f = 1; f < features; ++f) g.tests_end[f] = std::max(g.tests_end[f], g.tests_end[f - 1]);
  nodes.clear();
}

template <class Sum, int Compare>
void score(const model& m, const std::vector<Sum>& leaves, const float* rows, std::size_t n, double* out) {
  std::vector<float> columns(m.features * lanes);
  std::size_t most = 0;
  for (const group& g : m.groups) most = std::max(most, g.bytes);
  std::vector<bytes> memory(most);
  bytes* const bits = memory.data();
  std::vector<Sum> sums(m.outputs * lanes);
  for (std::size_t first = 0; first < n; first += lanes) {
    const std::size_t count = std::min(lanes, n - first);
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t f = 0; f < m.features; ++f) columns[f * lanes + r] = rows[(first + r) * m.features + f];
    }
    for (std::size_t o = 0; o < m.outputs; ++o) std::fill_n(&sums[o * lanes], lanes, static_cast<Sum>(m.base[o]));
    for (const group& g : m.groups) {
      std::fill_n(bits, g.bytes, bytes{} - 1);
      std::uint32_t at = 0;
      for (std::size_t f = 0; f < m.features; ++f) {
        for (; at < g.tests_end[f]; ++at) {
          const bytes right = above<Compare>(&columns[f * lanes], g.tests[at].threshold);
          if (!any(right)) break;
          const bytes stay = ~right;
          for (std::uint32_t k = at == 0 ? 0 : g.tests[at - 1].nodes_end; k < g.tests[at].nodes_end; ++k) {
            const node& one = g.nodes[k];
            bits[one.first] &= stay | one.first_mask;
            if (one.bytes == 1) continue;
            for (std::uint32_t b = 1; b + 1U < one.bytes; ++b) bits[one.first + b] &= stay;
            bits[one.first + one.bytes - 1U] &= stay | one.last_mask;
          }
        }
        at = g.tests_end[f];
      }
      for (const member& t : g.trees) {
        bytes byte = bits[t.first], leaf{};
        for (std::uint8_t b = 1; b < t.bytes; ++b) {
          const bytes none = reinterpret_cast<bytes>(byte == 0);
          byte |= none & bits[t.first + b];
          leaf += none & 8;  // as long as no bit was found
        }
        byte &= -byte;
        leaf += (reinterpret_cast<bytes>((byte & 0xAA) != 0) & 1) + (reinterpret_cast<bytes>((byte & 0xCC) != 0) & 2) +
                (reinterpret_cast<bytes>((byte & 0xF0) != 0) & 4);
        const Sum* const values = &leaves[t.first_leaf];
        Sum* const to = &sums[t.output * lanes];
        for (std::size_t r = 0; r < lanes; ++r) to[r] += values[leaf[r]];
      }
    }
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t o = 0; o < m.outputs; ++o) {
        out[(first + r) * m.outputs + o] = static_cast<double>(sums[o * lanes + r]);
      }
    }
  }
}

}  // namespace

void* rapid_make(const rapid_trees* from) {
  const rapid_trees& t = *from;
  auto* const m = new model{t.features, t.outputs, t.less, t.float_sums, {t.base, t.base + t.outputs}, {}, {}, {}};
  constexpr std::size_t group_bytes = (std::size_t{1} << 18) / lanes;  // a quarter of an L2 cache
  std::map<std::pair<std::uint32_t, float>, std::vector<node>> nodes;
  std::vector<std::size_t> leaf;
  std::vector<subtree> splits;
  for (std::size_t i = 0; i < t.trees; ++i) {
    const std::size_t first_split = t.first_split[i];
    leaf.clear();
    splits.clear();
    number_leaves(t, first_split, t.first_split[i + 1] > first_split ? 0 : -1, 0, leaf, splits);
    if (leaf.size() > 256) {
      delete m;
      return nullptr;
    }
    const std::size_t size = (leaf.size() + 7) / 8;
    if (m->groups.empty() || m->groups.back().bytes + size > group_bytes) {
      if (!m->groups.empty()) finish(m->groups.back(), nodes, t.features);
      m->groups.emplace_back();
    }
    group& g = m->groups.back();
    g.trees.push_back({static_cast<std::uint32_t>(g.bytes), static_cast<std::uint32_t>(size), t.output[i],
                       std::max(m->leaves32.size(), m->leaves64.size())});
    for (const std::size_t l : leaf) {
      const double value = t.leaves[t.first_leaf[i] + l];
      t.float_sums ? m->leaves32.push_back(static_cast<float>(value)) : m->leaves64.push_back(value);
    }
    for (const subtree& s : splits) {
      const std::size_t at = first_split + static_cast<std::size_t>(s.split);
      node one{
          static_cast<std::uint32_t>(g.bytes + s.first / 8), static_cast<std::uint16_t>(s.last / 8 - s.first / 8 + 1),
          static_cast<std::uint8_t>((1U << s.first % 8) - 1), static_cast<std::uint8_t>(~((2U << s.last % 8) - 1))};
      if (one.bytes == 1) one.first_mask |= one.last_mask;
      nodes[{t.feature[at], t.threshold[at]}].push_back(one);
    }
    g.bytes += size;
  }
  finish(m->groups.back(), nodes, t.features);
  return m;
}

void rapid_score(const void* made, const float* rows, std::size_t n, double* out) {
  const model& m = *static_cast<const model*>(made);
  if (m.float_sums) {
    m.less ? score<float, _CMP_GE_OQ>(m, m.leaves32, rows, n, out)
           : score<float, _CMP_GT_OQ>(m, m.leaves32, rows, n, out);
  } else {
    m.less ? score<double, _CMP_GE_OQ>(m, m.leaves64, rows, n, out)
           : score<double, _CMP_GT_OQ>(m, m.leaves64, rows, n, out);
  }
}
