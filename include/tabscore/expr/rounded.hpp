// SPDX-License-Identifier: MIT
#pragma once

#include "../core/config.hpp"
#include "../core/detail/eigen.hpp"
#include "../core/exact.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

struct rounded_op {
  template <class Scalar>
  Scalar operator()(const Scalar& v) const noexcept {
    return exact::rounded(v);
  }
  template <class Packet>
  Packet packetOp(const Packet& v) const noexcept {
    return exact::rounded(v);
  }
};

}  // namespace detail

/// exact::rounded() of each entry of an Eigen array expression.
template <class Derived>
auto rounded(const Eigen::ArrayBase<Derived>& x) {
  return Eigen::CwiseUnaryOp<detail::rounded_op, const Derived>(x.derived(), {});
}

}  // namespace tabscore::inline TABSCORE_ABI

namespace Eigen::internal {
template <>
struct functor_traits<tabscore::detail::rounded_op> {
  enum { Cost = 0, PacketAccess = true };
};
}  // namespace Eigen::internal
