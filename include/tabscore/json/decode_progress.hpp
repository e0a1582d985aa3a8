// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include "../core/config.hpp"
#include "../schema/columns.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A callback of a decoder, called every few hundred records with all columns decoded so far, so that they can be
/// scored while they are in the cache. It refers to a function of columns<Schema>. The values are valid, but the body
/// may turn out to be wrong. Fewer records than before: the decoder started over, and earlier calls are void.
template <schema_type Schema>
class decode_progress {
 public:
  decode_progress() noexcept = default;
  template <std::invocable<const columns<Schema>&> F>
  // NOLINTNEXTLINE(google-explicit-constructor): a function will do where one is told.
  /// A reference to the callable, which must outlive it.
  decode_progress(F& told) noexcept
      : told_(&told), call_([](void* f, const columns<Schema>& records) { (*static_cast<F*>(f))(records); }) {}

  /// Calls it with the records decoded so far.
  void operator()(const columns<Schema>& records) const {
    if (call_ != nullptr) call_(told_, records);
  }

 private:
  void* told_ = nullptr;
  void (*call_)(void*, const columns<Schema>&) = nullptr;
};

}  // namespace tabscore::inline TABSCORE_ABI
