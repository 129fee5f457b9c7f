// SPDX-License-Identifier: BSD-2-Clause
// Backtraces. See backtrace.h.
//
// A frame record is two words: the caller's record, then the address that the function returns to.
// Records of one stack ascend; a chain that does not is broken and ends there.
#include "backtrace.h"

#include "stacks.h"

#include <arch.h>
#include <mmu.h>

#define FRAMES_MAX 32
#define RECORD_BYTES 16

static bool on_own_stack(uint64_t record) {
    uint64_t top = (uint64_t)(uintptr_t)arch_pe()->stack_top;
    return IS_ALIGNED(record, RECORD_BYTES) && record >= top - STACK_KERNEL_BYTES &&
           record <= top + STACK_PANIC_BYTES - RECORD_BYTES;
}

void backtrace_kernel(uint64_t pc, uint64_t frame) {
    kprintf("backtrace\n  ");
    symbol_print(pc);
    kprintf("\n");
    for (unsigned i = 0; i < FRAMES_MAX && on_own_stack(frame); i++) {
        const uint64_t *record = (const uint64_t *)(uintptr_t)frame;
        if (record[1] == 0) {
            break;
        }
        kprintf("  ");
        symbol_print(record[1] - ARCH_INSTRUCTION_BYTES); // the call, not what follows it
        kprintf("\n");
        if (record[0] <= frame) {
            break;
        }
        frame = record[0];
    }
}

void backtrace_user(const struct arch_context *context, struct vspace *vspace) {
    kprintf("backtrace\n  %016lx\n", context->pc);
    uint64_t record = context->reg[29];
    for (unsigned i = 0; i < FRAMES_MAX && record != 0; i++) {
        uint64_t next, address;
        if (!IS_ALIGNED(record, RECORD_BYTES) || !vspace_read_word(vspace, VADDR(record), &next) ||
            !vspace_read_word(vspace, VADDR(record + 8), &address)) {
            kprintf("  (no frame record at %lx)\n", record);
            break;
        }
        if (address == 0) {
            break;
        }
        kprintf("  %016lx\n", address - ARCH_INSTRUCTION_BYTES);
        if (next <= record) {
            break;
        }
        record = next;
    }
}
