// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../arrow_abi.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// What an exported array or schema owns: a payload, and children. Each child owns its own memory, since a consumer may
/// move one away and release it later than its parent.
template <class Struct, class Payload>
struct arrow_export {
  Payload payload;
  std::array<const void*, 3> buffers{};
  std::vector<Struct> children{};
  std::vector<Struct*> child_pointers{};

  /// Makes an empty *out that owns a payload.
  static arrow_export& into(Struct* out, Payload payload) {
    auto* const owner = new arrow_export{std::move(payload)};
    *out = Struct{};
    out->private_data = owner;
    out->release = [](Struct* released) {
      for (std::int64_t i = 0; i < released->n_children; ++i) {
        if (Struct* const child = released->children[i]; child->release != nullptr) child->release(child);
      }
      delete static_cast<arrow_export*>(released->private_data);
      released->release = nullptr;
    };
    return *owner;
  }
  static arrow_export& parent_into(Struct* out, std::size_t count, Payload payload = {}) {
    arrow_export& owner = into(out, std::move(payload));
    owner.children.resize(count);
    for (Struct& child : owner.children) owner.child_pointers.push_back(&child);
    out->n_children = static_cast<std::int64_t>(count);
    out->children = owner.child_pointers.data();
    return owner;
  }
};

/// Makes *out a column's description.
inline void export_column(ArrowSchema* out, const char* format, std::string_view name, bool nullable) {
  auto& owner = arrow_export<ArrowSchema, std::string>::into(out, std::string(name));
  out->format = format;
  out->name = owner.payload.c_str();
  out->flags = nullable ? ARROW_FLAG_NULLABLE : 0;
}

/// Makes *out a struct's description, whose children the caller describes.
inline arrow_export<ArrowSchema, std::string>& export_struct(ArrowSchema* out, std::string_view name,
                                                             std::size_t children, bool nullable = false) {
  auto& owner = arrow_export<ArrowSchema, std::string>::parent_into(out, children, std::string(name));
  out->format = "+s";
  out->name = owner.payload.c_str();
  out->flags = nullable ? ARROW_FLAG_NULLABLE : 0;
  return owner;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
