// SPDX-License-Identifier: BSD-2-Clause
// Who owns the FP and SIMD registers.
//
// A thread that has used FP once is saved and restored eagerly at every switch: nearly every
// compiled program uses the registers all the time, so waiting for a trap would only add one. A
// thread that never has pays nothing: its first FP instruction traps (CPACR_EL1.FPEN = 0b01).
//
// No ISB after writing CPACR_EL1: at EL1 neither value traps, and the exception return to EL0 is a
// context synchronisation.
#include "fp.h"

#include <arch.h>

#define CPACR_FPEN_SHIFT 20
#define CPACR_FP_TRAP_EL0 (UINT64_C(1) << CPACR_FPEN_SHIFT)
#define CPACR_FP_ALLOWED (UINT64_C(3) << CPACR_FPEN_SHIFT)

static void fp_allow(bool allowed) {
    uint64_t value = allowed ? CPACR_FP_ALLOWED : CPACR_FP_TRAP_EL0;
    __asm__ volatile("msr cpacr_el1, %0" ::"r"(value) : "memory");
}

void fp_switch(struct arch_context *from, struct arch_context *to) {
    bool was_allowed = from != NULL && from->fp_used != 0;
    bool allowed = to != NULL && to->fp_used != 0;
    if (was_allowed) {
        fp_save(from);
    }
    if (allowed) {
        fp_restore(to);
    }
    // CPACR_EL1 is as the thread that ran had it; of one that was deleted nobody knows.
    if (allowed != was_allowed || from == NULL) {
        fp_allow(allowed);
    }
}

void fp_first_use(struct arch_context *context) {
    context->fp_used = 1;
    fp_restore(context); // zeros, as its memory was: nothing of another thread is left
    fp_allow(true);
}
