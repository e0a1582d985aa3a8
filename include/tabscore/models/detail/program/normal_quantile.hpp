// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Highest power first; each operation rounded. `Monic`: the coefficient of the highest power is 1 and not listed.
template <bool Monic, std::size_t N>
inline double polynomial(double x, const double (&c)[N]) noexcept {
  double sum = Monic ? x + c[0] : c[0];
  for (std::size_t i = 1; i < N; ++i) sum = exact::product(sum, x) + c[i];
  return sum;
}

/// The x with a share p of the normal distribution below it: the rational approximations of Cephes' ndtri (Moshier,
/// "Methods and programs for mathematical functions", 1989), which SciPy's norm.ppf gives.
inline double normal_quantile(double p) noexcept {
  static constexpr double p0[] = {-5.99633501014107895267E1, 9.80010754185999661536E1, -5.66762857469070293439E1,
                                  1.39312609387279679503E1, -1.23916583867381258016E0};
  static constexpr double q0[] = {1.95448858338141759834E0,  4.67627912898881538453E0, 8.63602421390890590575E1,
                                  -2.25462687854119370527E2, 2.00260212380060660359E2, -8.20372256168333339912E1,
                                  1.59056225126211695515E1,  -1.18331621121330003142E0};
  static constexpr double p1[] = {4.05544892305962419923E0,   3.15251094599893866154E1,   5.71628192246421288162E1,
                                  4.40805073893200834700E1,   1.46849561928858024014E1,   2.18663306850790267539E0,
                                  -1.40256079171354495875E-1, -3.50424626827848203418E-2, -8.57456785154685413611E-4};
  static constexpr double q1[] = {1.57799883256466749731E1,   4.53907635128879210584E1,  4.13172038254672030440E1,
                                  1.50425385692907503408E1,   2.50464946208309415979E0,  -1.42182922854787788574E-1,
                                  -3.80806407691578277194E-2, -9.33259480895457427372E-4};
  static constexpr double p2[] = {3.23774891776946035970E0,  6.91522889068984211695E0,  3.93881025292474443415E0,
                                  1.33303460815807542389E0,  2.01485389549179081538E-1, 1.23716634817820021358E-2,
                                  3.01581553508235416007E-4, 2.65806974686737550832E-6, 6.23974539184983293730E-9};
  static constexpr double q2[] = {6.02427039364742014255E0,  3.67983563856160859403E0,  1.37702099489081330271E0,
                                  2.16236993594496635890E-1, 1.34204006088543189037E-2, 3.28014464682127739104E-4,
                                  2.89247864745380683936E-6, 6.79019408009981274425E-9};
  constexpr double e_to_minus_2 = 0.13533528323661269189;
  if (p == 0) return -std::numeric_limits<double>::infinity();
  if (p == 1) return std::numeric_limits<double>::infinity();
  if (!(p > 0 && p < 1)) return std::numeric_limits<double>::quiet_NaN();
  const bool upper = p > 1.0 - e_to_minus_2;
  double y = upper ? 1.0 - p : p;
  if (y > e_to_minus_2) {
    y -= 0.5;
    const double y2 = exact::product(y, y);
    const double x = y + exact::product(y, exact::product(y2, polynomial<false>(y2, p0)) / polynomial<true>(y2, q0));
    return x * 2.50662827463100050242E0;  // sqrt(2 pi)
  }
  const double x = std::sqrt(-2.0 * std::log(y));
  const double first = x - std::log(x) / x;
  const double z = 1.0 / x;
  const double second = x < 8.0 ? exact::product(z, polynomial<false>(z, p1)) / polynomial<true>(z, q1)
                                : exact::product(z, polynomial<false>(z, p2)) / polynomial<true>(z, q2);
  return upper ? first - second : -(first - second);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
