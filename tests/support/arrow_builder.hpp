// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/columnar/arrow_abi.hpp>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

/// A producer of Arrow structs as another library would be: counts what lives and what was released twice.
struct arrow_builder {
  inline static std::atomic<int> alive = 0;

  struct node {
    std::string format, name;
    std::vector<std::vector<char>> buffers;  // exactly sized
    std::vector<bool> present;
    std::int64_t length = 0, offset = 0, nulls = 0;
    std::vector<node> children{};
    std::shared_ptr<node> dictionary{};
  };

  template <class T>
  static std::vector<char> bytes(const std::vector<T>& values) {
    std::vector<char> all(values.size() * sizeof(T));
    if (!all.empty()) std::memcpy(all.data(), values.data(), all.size());
    return all;
  }
  static std::vector<char> bits(const std::vector<bool>& set) {
    std::vector<char> all((set.size() + 7) / 8);
    for (std::size_t i = 0; i < set.size(); ++i) {
      if (set[i]) all[i / 8] = static_cast<char>(all[i / 8] | 1 << i % 8);
    }
    return all;
  }

  /// A column of numbers; nulls where `valid` (if given) says so.
  template <class T>
  static node numbers(std::string name, std::string format, const std::vector<T>& values,
                      const std::vector<bool>& valid = {}) {
    node n{std::move(format),
           std::move(name),
           {bits(valid), {}},
           {!valid.empty(), true},
           static_cast<std::int64_t>(values.size())};
    if constexpr (std::is_same_v<T, bool>) {
      n.buffers[1] = bits(values);
    } else {
      n.buffers[1] = bytes(values);
    }
    for (const bool v : valid) n.nulls += !v;
    return n;
  }
  template <class Offset = std::int32_t>
  static node texts(std::string name, const std::vector<std::string>& values, const std::vector<bool>& valid = {}) {
    std::vector<Offset> offsets{0};
    std::string all;
    for (const std::string& v : values) {
      all += v;
      offsets.push_back(static_cast<Offset>(all.size()));
    }
    node n{sizeof(Offset) == 4 ? "u" : "U",
           std::move(name),
           {bits(valid), bytes(offsets), std::vector<char>(all.begin(), all.end())},
           {!valid.empty(), true, true},
           static_cast<std::int64_t>(values.size())};
    for (const bool v : valid) n.nulls += !v;
    return n;
  }
  static node text_views(std::string name, const std::vector<std::string>& values) {
    std::vector<char> views, data;
    for (const std::string& v : values) {
      std::int32_t words[4] = {static_cast<std::int32_t>(v.size()), 0, 0, static_cast<std::int32_t>(data.size())};
      std::memcpy(words + 1, v.data(), std::min<std::size_t>(v.size(), v.size() <= 12 ? 12 : 4));
      if (v.size() > 12) data.insert(data.end(), v.begin(), v.end());
      const auto* const begin = reinterpret_cast<const char*>(words);
      views.insert(views.end(), begin, begin + 16);
    }
    const std::vector<std::int64_t> sizes{static_cast<std::int64_t>(data.size())};
    return {"vu",
            std::move(name),
            {{}, views, data, bytes(sizes)},
            {false, true, true, true},
            static_cast<std::int64_t>(values.size())};
  }
  template <class Code>
  static node coded(std::string name, std::string format, const std::vector<Code>& codes, node dictionary,
                    const std::vector<bool>& valid = {}) {
    node n = numbers(std::move(name), std::move(format), codes, valid);
    n.dictionary = std::make_shared<node>(std::move(dictionary));
    return n;
  }
  static node records(std::vector<node> columns) {
    node n{"+s", "", {{}}, {false}, columns.empty() ? 0 : columns[0].length};
    n.children = std::move(columns);
    return n;
  }

  template <class Struct>
  struct owner {
    node kept;
    std::vector<const void*> buffers;
    std::deque<Struct> children;
    std::vector<Struct*> pointers;
    Struct dictionary{};
  };

  template <class Struct>
  static void export_to(const node& n, Struct* out) {
    auto* const memory = new owner<Struct>{n, {}, {}, {}, {}};
    *out = Struct{};
    if constexpr (std::is_same_v<Struct, ArrowSchema>) {
      out->format = memory->kept.format.c_str();
      out->name = memory->kept.name.c_str();
    } else {
      for (std::size_t b = 0; b < n.buffers.size(); ++b) {
        memory->buffers.push_back(n.present[b] ? memory->kept.buffers[b].data() : nullptr);
      }
      out->length = n.length;
      out->offset = n.offset;
      out->null_count = n.nulls;
      out->n_buffers = static_cast<std::int64_t>(memory->buffers.size());
      out->buffers = memory->buffers.data();
    }
    for (const node& child : n.children) {
      export_to(child, &memory->children.emplace_back());
      memory->pointers.push_back(&memory->children.back());
    }
    out->n_children = static_cast<std::int64_t>(memory->pointers.size());
    out->children = memory->pointers.data();
    if (n.dictionary) {
      export_to(*n.dictionary, &memory->dictionary);
      out->dictionary = &memory->dictionary;
    }
    out->private_data = memory;
    out->release = [](Struct* s) {
      auto* const mine = static_cast<owner<Struct>*>(s->private_data);
      for (Struct& child : mine->children) {
        if (child.release != nullptr) child.release(&child);
      }
      if (mine->dictionary.release != nullptr) mine->dictionary.release(&mine->dictionary);
      delete mine;
      --alive;
      s->release = nullptr;
    };
    ++alive;
  }
  static tabscore::arrow_schema schema(const node& n) {
    tabscore::arrow_schema s;
    export_to(n, s.fresh());
    return s;
  }
  static tabscore::arrow_array array(const node& n) {
    tabscore::arrow_array a;
    export_to(n, a.fresh());
    return a;
  }
};
