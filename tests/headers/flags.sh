#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Flags that change scores are refused with a sentence; libc++ compiles; without exceptions value() says why before it
# aborts; a workspace that two threads use at once is found out in debug builds. Usage: flags.sh [compiler ...]
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
compilers=("$@")
[ ${#compilers[@]} -gt 0 ] || for c in g++ clang++; do command -v "$c" >/dev/null && compilers+=("$c"); done
include=(-std=c++20 -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "$*"; bad=1; }

for c in "${compilers[@]}"; do
  refused=(-ffast-math -Ofast -ffinite-math-only)
  case $c in *clang*) ;; *) refused+=(-funsafe-math-optimizations -freciprocal-math -fno-signed-zeros
    "-fassociative-math -fno-signed-zeros -fno-trapping-math" -mfpmath=387) ;; esac
  for flag in "${refused[@]}"; do
    # shellcheck disable=SC2086
    out=$(echo '#include <tabscore/core/config.hpp>' | "$c" "${include[@]}" $flag -fsyntax-only -x c++ - 2>&1) &&
      fail "$c $flag compiles"
    grep -q 'error: .*tabscore: .*change scores' <<<"$out" || fail "$c $flag lacks the sentence: $out"
  done
  echo '#include <tabscore/core/config.hpp>' |
    "$c" "${include[@]}" -O3 -fno-math-errno -fno-trapping-math -fsyntax-only -x c++ - || fail "$c refuses harmless flags"

  cat >"$work/value.cpp" <<'CODE'
#include <tabscore/core/result.hpp>
int main() { return tabscore::result<int>(tabscore::error{tabscore::errc::io, "m.json: it cannot be read"}).value(); }
CODE
  "$c" "${include[@]}" -fno-exceptions "$work/value.cpp" -o "$work/value" || fail "$c: value.cpp"
  out=$( (ulimit -c 0; "$work/value") 2>&1) && fail "$c: value() of an error returns"
  grep -q 'm.json: it cannot be read' <<<"$out" || fail "$c: value() aborts without a word: $out"

  cat >"$work/threads.cpp" <<'CODE'
#include <tabscore/core/detail/exclusive.hpp>
#include <thread>
#include <utility>
int main(int argc, char**) {
  using tabscore::detail::exclusive;
  exclusive user;
  {
    const exclusive::hold outer(user), inner(user);  // one thread may come again
  }
  std::thread([&] { const exclusive::hold later(user); }).join();
  const exclusive::hold mine(user);
  exclusive copy = user;
  std::thread([&] { const exclusive::hold other(copy); }).join();
  if (argc > 1) std::thread([&] { const exclusive::hold other(user); }).join();
}
CODE
  "$c" "${include[@]}" -pthread "$work/threads.cpp" -o "$work/threads" || fail "$c: threads.cpp"
  "$work/threads" || fail "$c: a workspace of one thread is refused"
  out=$( (ulimit -c 0; "$work/threads" two) 2>&1) && fail "$c: a workspace of two threads goes unnoticed"
  grep -q 'used by two threads at once' <<<"$out" || fail "$c: two threads: no sentence: $out"
done

# Translation units whose library is compiled apart and those whose library is not do not link.
printf '#include <tabscore/fwd.hpp>\nint use(const tabscore::append_file* file);\nint main() { return use(nullptr); }\n' >"$work/a.cpp"
printf '#include <tabscore/fwd.hpp>\nint use(const tabscore::append_file*) { return 0; }\n' >"$work/b.cpp"
for c in "${compilers[@]}"; do
  "$c" "${include[@]}" "$work/a.cpp" "$work/b.cpp" -o "$work/alike" || fail "$c: fwd.hpp"
  "$c" "${include[@]}" -DTABSCORE_COMPILED -c "$work/b.cpp" -o "$work/b.o" || fail "$c: fwd.hpp compiled"
  "$c" "${include[@]}" "$work/a.cpp" "$work/b.o" -o "$work/mixed" 2>/dev/null && fail "$c links two kinds of tabscore"
done

# Without floating-point from_chars in the standard library the numbers are the same.
if command -v clang++ >/dev/null && echo '#include <version>' | clang++ -stdlib=libc++ -fsyntax-only -x c++ - 2>/dev/null; then
  echo '#include <tabscore/tabscore.hpp>' |
    clang++ "${include[@]}" -stdlib=libc++ -Wall -Wextra -fsyntax-only -x c++ - || fail "tabscore.hpp with libc++"
  cat >"$work/numbers.cpp" <<'CODE'
#include <tabscore/core/read_number.hpp>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
int main() {
  std::mt19937_64 random(5);
  const auto show = [](const std::string& text) {
    const double v = tabscore::parse_real(text);
    std::printf("%s %016llx", text.c_str(), static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(v)));
    double plain = 7;
    const auto r = tabscore::detail::from_chars(text.data(), text.data() + text.size(), plain);
    std::printf(" %g %d %d\n", plain, int(r.ptr - text.data()), int(r.ec == std::errc{}));
  };
  for (const char* text : {"0", "-0", "-0.0", "1e400", "-1e400", "1e-400", "0e999999999999", "4.9406564584124654e-324",
                           "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308", ".5", "5.",
                           "9007199254740993", "179769313486231580793728971405301e276", "1e", "1e+", "1.5e+3x", "abc", "-",
                           ".", "", " 1", "+1", "0x10", "inf", "-Infinity", "nan", "INFx", "in", "1,5", "00012"}) {
    if (*text != 0) show(text);
  }
  for (int i = 0; i < 20000; ++i) {
    char text[64];
    const int digits = static_cast<int>(random() % 25);
    const std::uint64_t bits = random() & ~(std::uint64_t{1} << 62);
    std::snprintf(text, sizeof text, "%.*e", digits, std::bit_cast<double>(bits));
    show(text);
  }
}
CODE
  clang++ "${include[@]}" -stdlib=libc++ "$work/numbers.cpp" -o "$work/theirs" &&
    g++ "${include[@]}" "$work/numbers.cpp" -o "$work/ours" || fail "numbers.cpp"
  "$work/theirs" >"$work/theirs.txt"; "$work/ours" >"$work/ours.txt"
  diff "$work/theirs.txt" "$work/ours.txt" | head -5 | grep . && bad=1
fi
exit $bad
