// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

/// The calling thread runs in slices so short that whoever wakes beside it, or it beside others, does not wait for the
/// end of a long one (Linux 6.12 and later). `nice`: 0 to 19, how far others go first.
inline void run_in_short_slices(int nice) {
  const struct {  // sched_attr of sched_setattr(2), for which the C library has no function
    std::uint32_t size = 48, policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice;
    std::uint32_t priority = 0;
    std::uint64_t slice_ns = 100'000, deadline = 0, period = 0;
  } wish{.nice = nice};
  syscall(SYS_sched_setattr, 0, &wish, 0U);
}
