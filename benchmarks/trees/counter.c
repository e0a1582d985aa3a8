// SPDX-License-Identifier: MIT
// A plugin of qemu-user: keeps in a file how many instructions the guest has run.
// The declarations are those of QEMU's plugin interface, version 1, for which Debian has no header.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*f)(uint64_t id, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int add, void* to, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);

int qemu_plugin_version = 1;
static void* count;

static void translated(uint64_t id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, 0, count, qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(uint64_t id, const void* info, int argc, char** argv) {
  (void)info;
  if (argc != 1) return 1;
  count = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, open(argv[0] + 6, O_RDWR), 0);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return count == MAP_FAILED;
}
