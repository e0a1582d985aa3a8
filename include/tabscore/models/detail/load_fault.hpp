// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "../../core/config.hpp"
#include "../../core/result.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The first fault that a reader of model files finds, in a sentence that begins with the name of the file.
class load_fault {
 public:
  explicit load_fault(std::string_view source) : source_(source) {}

  const std::string& source() const noexcept { return source_; }
  bool failed() const noexcept { return fault_.has_value(); }
  /// Precondition: failed().
  const error& wrong() const noexcept { return *fault_; }

  /// Keeps the fault unless there is one already, and returns false.
  bool fail(errc code, std::string_view sentence) {
    if (!fault_) fault_ = error{code, fmt::format("{}: {}", source_, sentence)};
    return false;
  }
  bool fail(std::string_view sentence) { return fail(errc::structure, sentence); }
  /// Its message names the file already.
  bool fail(error found) {
    if (!fault_) fault_ = std::move(found);
    return false;
  }
  bool expect(std::string_view place, std::string_view what) {
    return fail(fmt::format("{} should be {}", place, what));
  }

 private:
  std::string source_;
  std::optional<error> fault_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
