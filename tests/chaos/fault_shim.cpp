// SPDX-License-Identifier: MIT
// Preloaded into a program, makes its allocations and file operations fail as a file says that is mapped into memory
// (TABSCORE_FAULTS): one `fault` for each of `kind`. Writes to anything but regular files are let through.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

enum kind { allocate, write_file, sync_file, rename_file, open_file, truncate_file, reserve_file, start_thread, kinds };

struct fault {
  std::int64_t countdown;  // the call that brings it to 0 fails; -1: all calls fail; 0: none does
  std::int64_t failed;     // calls that did
  std::int64_t error;      // what errno says then
  std::int64_t live;       // of allocate: blocks that were not given back yet
};

fault* faults() {
  static fault none[kinds]{};
  static fault* mapped = nullptr;
  static bool looked = false;
  if (looked) return mapped;
  looked = true;
  mapped = none;
  const char* const path = std::getenv("TABSCORE_FAULTS");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  void* const memory =
      fd < 0 ? MAP_FAILED : mmap(nullptr, sizeof(fault) * kinds, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) mapped = static_cast<fault*>(memory);
  if (fd >= 0) ::close(fd);
  return mapped;
}

bool fails(kind k) {
  fault& f = faults()[k];
  const std::int64_t left = __atomic_load_n(&f.countdown, __ATOMIC_RELAXED);
  if (left == 0) return false;
  if (left > 0 && __atomic_sub_fetch(&f.countdown, 1, __ATOMIC_RELAXED) != 0) return false;
  __atomic_add_fetch(&f.failed, 1, __ATOMIC_RELAXED);
  errno = static_cast<int>(f.error);
  return true;
}

/// An allocation that fails. Small ones never do: Asio's coroutines end the program when an operation finds no memory.
bool refused(std::size_t size) { return size > 1024 && fails(allocate); }

void count(std::int64_t blocks) { __atomic_add_fetch(&faults()[allocate].live, blocks, __ATOMIC_RELAXED); }

template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

bool is_regular(int fd) {
  struct stat s {};
  return fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
}

void* counted(void* block) {
  if (block != nullptr) count(1);
  return block;
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) { return refused(size) ? nullptr : counted(__libc_malloc(size)); }
void* calloc(std::size_t number, std::size_t size) {
  return refused(number * size) ? nullptr : counted(__libc_calloc(number, size));
}
void* realloc(void* block, std::size_t size) {
  if (refused(size)) return nullptr;
  void* const moved = __libc_realloc(block, size);
  if (block == nullptr && moved != nullptr) count(1);
  return moved;
}
void* memalign(std::size_t alignment, std::size_t size) {
  return refused(size) ? nullptr : counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  void* const made = memalign(alignment, size);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}
void free(void* block) {
  if (block != nullptr) count(-1);
  __libc_free(block);
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  if (faults()[write_file].countdown != 0 && is_regular(fd) && fails(write_file)) {
    const int error = errno;
    if (size > 1) static_cast<void>(real(fd, bytes, size / 2));  // as a disk does: a part of it may be there
    errno = error;
    return -1;
  }
  return real(fd, bytes, size);
}
int fsync(int fd) {
  static auto* const real = next<int(int)>("fsync");
  return fails(sync_file) ? -1 : real(fd);
}
int fdatasync(int fd) {
  static auto* const real = next<int(int)>("fdatasync");
  return fails(sync_file) ? -1 : real(fd);
}
int rename(const char* from, const char* to) {
  static auto* const real = next<int(const char*, const char*)>("rename");
  return fails(rename_file) ? -1 : real(from, to);
}
int ftruncate(int fd, off_t size) {
  static auto* const real = next<int(int, off_t)>("ftruncate");
  return fails(truncate_file) ? -1 : real(fd, size);
}
int pthread_create(pthread_t* made, const pthread_attr_t* how, void* (*run)(void*), void* with) {
  static auto* const real = next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  return fails(start_thread) ? EAGAIN : real(made, how, run, with);
}
int fallocate(int fd, int mode, off_t begin, off_t length) {
  static auto* const real = next<int(int, int, off_t, off_t)>("fallocate");
  return fails(reserve_file) ? -1 : real(fd, mode, begin, length);
}
int open(const char* path, int flags, ...) {
  static auto* const real = next<int(const char*, int, ...)>("open");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(open_file) ? -1 : real(path, flags, mode);
}

}  // extern "C"
