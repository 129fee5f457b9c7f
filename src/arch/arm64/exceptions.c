// SPDX-License-Identifier: BSD-2-Clause
// Exceptions: what each is, in the words that core knows.
#include "exceptions.h"

#include "esr.h"
#include "fp.h"
#include "layout.h"
#include "panic.h"
#include "semihost.h"

#include <arch.h>
#include <core.h>
#include <port.h>
#include <sheaf/syscall.h>

_Static_assert(offsetof(struct pe, context) == PE_CONTEXT, "entry.S");
_Static_assert(offsetof(struct pe, stack_top) == PE_STACK_TOP, "entry.S, head.S");
_Static_assert(sizeof(struct kernel_frame) == KERNEL_FRAME_BYTES, "entry.S");
_Static_assert(offsetof(struct kernel_frame, sp) == KERNEL_FRAME_SP, "entry.S");
_Static_assert(offsetof(struct kernel_frame, pc) == KERNEL_FRAME_PC, "entry.S");
_Static_assert(offsetof(struct kernel_frame, syndrome) == KERNEL_FRAME_SYNDROME, "entry.S");
_Static_assert(KERNEL_FRAME_BYTES % 16 == 0, "SP's alignment");

// What an abort wanted to do. A cache maintenance instruction is reported as a write (WnR) although
// what it needs at EL0 is the right to read (Arm manual, "Permission faults and cache
// maintenance").
static uint64_t access_of(uint64_t syndrome) {
    if (ESR_CLASS(syndrome) == ESR_CLASS_INSTRUCTION_ABORT_USER) {
        return SHEAF_ACCESS_EXECUTE;
    }
    bool write = (syndrome & ESR_WRITE) != 0 && (syndrome & ESR_CACHE_MAINTENANCE) == 0;
    return write ? SHEAF_ACCESS_WRITE : SHEAF_ACCESS_READ;
}

void exception_synchronous(struct pe *pe, uint64_t syndrome, uint64_t fault_address) {
    struct arch_context *context = pe->context;
    unsigned class = ESR_CLASS(syndrome);
    bool abort = class == ESR_CLASS_INSTRUCTION_ABORT_USER || class == ESR_CLASS_DATA_ABORT_USER;
    pe->counters[SHEAF_COUNTER_KERNEL_ENTRIES]++;
    if (likely(abort && esr_is_page_fault(syndrome))) {
        context->syndrome = syndrome;
        context->fault_address = fault_address;
        core_page_fault(pe, VADDR(fault_address), access_of(syndrome));
        return;
    }
    if (class == ESR_CLASS_FP) {
        fp_first_use(context);
        return;
    }
    // Another abort is an alignment fault, an external abort, a TLB conflict: no mapping cures it.
    // FAR_EL1 keeps an older value where the class does not set it.
    if (!abort && class != ESR_CLASS_PC_ALIGNMENT) {
        fault_address = 0;
    }
    context->syndrome = syndrome;
    context->fault_address = fault_address;
    core_exception(pe, syndrome, fault_address);
}

void exception_interrupt(struct pe *pe) {
    pe->counters[SHEAF_COUNTER_KERNEL_ENTRIES]++;
    core_interrupt(pe);
}

// An asynchronous external abort. It is not precise, but what user space can provoke (a Device
// frame at an address where nothing answers) must not stop the system, so the thread that ran
// answers.
void exception_serror(struct pe *pe, uint64_t syndrome) {
    pe->counters[SHEAF_COUNTER_KERNEL_ENTRIES]++;
    pe->context->syndrome = syndrome;
    pe->context->fault_address = 0;
    core_exception(pe, syndrome, 0);
}

void exception_of_kernel(struct kernel_frame *frame, unsigned vector) {
    static const char *const kinds[] = {"synchronous exception", "interrupt", "fast interrupt",
                                        "SError"};
    // The one instruction that may fault: HLT, where nobody implements semihosting.
    if (frame->pc == (uint64_t)(uintptr_t)semihost_instruction &&
        ESR_CLASS(frame->syndrome) == ESR_CLASS_UNKNOWN) {
        frame->reg[0] = UINT64_MAX;
        frame->pc += ARCH_INSTRUCTION_BYTES;
        return;
    }
    panic_exception(frame, kinds[vector % ARRAY_SIZE(kinds)]);
}
