// SPDX-License-Identifier: MIT
// When memory is out, small allocations come from a reserve and large ones fail. Asio's coroutines end the program when
// the operation that they wait for finds no memory, which is a few hundred bytes; a large body or answer that finds
// none is one request that is answered with 500.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

struct alignas(std::max_align_t) block {
  block* next = nullptr;
  std::byte rest[1024 - sizeof(void*)];
};

block reserve[1024];  // 1 MiB that the system need not provide before it is used
block* returned = nullptr;
std::size_t used = 0;
std::atomic_flag busy = ATOMIC_FLAG_INIT;

void* take(std::size_t size) {
  if (size > sizeof(block)) return nullptr;
  while (busy.test_and_set(std::memory_order_acquire)) {
  }
  block* taken = returned;
  if (taken != nullptr) {
    returned = taken->next;
  } else if (used < std::size(reserve)) {
    taken = &reserve[used++];
  }
  busy.clear(std::memory_order_release);
  return taken;
}

bool give_back(void* memory) {
  const std::less<const void*> before;
  if (before(memory, std::begin(reserve)) || !before(memory, std::end(reserve))) return false;
  while (busy.test_and_set(std::memory_order_acquire)) {
  }
  auto* const freed = static_cast<block*>(memory);
  freed->next = returned;
  returned = freed;
  busy.clear(std::memory_order_release);
  return true;
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* const memory = std::malloc(size != 0 ? size : 1)) return memory;
  if (void* const memory = take(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr && !give_back(memory)) std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

#endif
