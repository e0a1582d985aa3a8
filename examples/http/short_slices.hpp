// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

/// The calling thread wishes for short slices: when it wakes it does not wait for the end of another's long one, which
/// is a tick of 4 ms away (Linux 6.12 and later; others ignore it).
inline void run_in_short_slices() {
  const struct {  // sched_attr of sched_setattr(2), for which the C library has no function
    std::uint32_t size = 48, policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = getpriority(PRIO_PROCESS, 0);  // as it is
    std::uint32_t priority = 0;
    std::uint64_t slice_ns = 100'000, deadline = 0, period = 0;
  } wish;
  syscall(SYS_sched_setattr, 0, &wish, 0U);
}
