// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>
#include <type_traits>

namespace tabscore::exact {

/// The value, rounded where it stands: the compiler may not fuse the operation that made it with the one that uses it.
/// g++ contracts a*b + c even in -std=c++20 where the target has FMA, which changes the last bit with the build flags.
/// Costs nothing where the target has no FMA. Works on double, float and Eigen packets.
template <class Value>
requires(!std::is_base_of_v<Eigen::ArrayBase<Value>, Value>) inline Value rounded(Value v) noexcept {
#if defined(__FMA__) || defined(__AVX512F__)
  asm("" : "+v"(v));  // 'v' is any vector register, those of AVX-512 included
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

/// a * b, rounded before it is used.
inline double product(double a, double b) noexcept { return rounded(a * b); }
inline float product(float a, float b) noexcept { return rounded(a * b); }

namespace detail {
struct rounded_op {
  template <class Scalar>
  Scalar operator()(const Scalar& v) const noexcept {
    return rounded(v);
  }
  template <class Packet>
  Packet packetOp(const Packet& v) const noexcept {
    return rounded(v);
  }
};
}  // namespace detail

/// The same for an Eigen array expression of doubles.
template <class Derived>
auto rounded(const Eigen::ArrayBase<Derived>& x) {
  return Eigen::CwiseUnaryOp<detail::rounded_op, const Derived>(x.derived(), {});
}

}  // namespace tabscore::exact

namespace Eigen::internal {
template <>
struct functor_traits<tabscore::exact::detail::rounded_op> {
  enum { Cost = 0, PacketAccess = true };
};
}  // namespace Eigen::internal
