// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

/// The calling thread wishes for short slices of the processor's time: when it wakes it does not wait for the end of
/// another's longer one, which may be a tick of 4 ms away (Linux 6.12 and later, 100 us and more; others ignore it).
inline void run_in_slices(std::chrono::microseconds length) {
  const struct {  // sched_attr of sched_setattr(2), for which the C library has no function
    std::uint32_t size = 48, policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = getpriority(PRIO_PROCESS, 0);  // as it is
    std::uint32_t priority = 0;
    std::uint64_t slice_ns, deadline = 0, period = 0;
  } wish{.slice_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(length).count())};
  syscall(SYS_sched_setattr, 0, &wish, 0U);
}
