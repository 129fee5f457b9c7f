// SPDX-License-Identifier: BSD-2-Clause
// FP and SIMD registers to and from a context. The kernel's C code has none in use.
// CPACR_EL1.FPEN is 0b01 or 0b11: neither traps at EL1.
#include <arch_context.h>

    .arch armv8-a
    .text

// x2 and x3 are used.
.macro save context
    mrs x2, fpcr
    mrs x3, fpsr
    stp x2, x3, [\context, #ARCH_CONTEXT_FPCR]
    stp q0, q1, [\context, #ARCH_CONTEXT_V]
    stp q2, q3, [\context, #ARCH_CONTEXT_V + 0x20]
    stp q4, q5, [\context, #ARCH_CONTEXT_V + 0x40]
    stp q6, q7, [\context, #ARCH_CONTEXT_V + 0x60]
    stp q8, q9, [\context, #ARCH_CONTEXT_V + 0x80]
    stp q10, q11, [\context, #ARCH_CONTEXT_V + 0xa0]
    stp q12, q13, [\context, #ARCH_CONTEXT_V + 0xc0]
    stp q14, q15, [\context, #ARCH_CONTEXT_V + 0xe0]
    stp q16, q17, [\context, #ARCH_CONTEXT_V + 0x100]
    stp q18, q19, [\context, #ARCH_CONTEXT_V + 0x120]
    stp q20, q21, [\context, #ARCH_CONTEXT_V + 0x140]
    stp q22, q23, [\context, #ARCH_CONTEXT_V + 0x160]
    stp q24, q25, [\context, #ARCH_CONTEXT_V + 0x180]
    stp q26, q27, [\context, #ARCH_CONTEXT_V + 0x1a0]
    stp q28, q29, [\context, #ARCH_CONTEXT_V + 0x1c0]
    stp q30, q31, [\context, #ARCH_CONTEXT_V + 0x1e0]
.endm

.macro restore context
    ldp x2, x3, [\context, #ARCH_CONTEXT_FPCR]
    msr fpcr, x2
    msr fpsr, x3
    ldp q0, q1, [\context, #ARCH_CONTEXT_V]
    ldp q2, q3, [\context, #ARCH_CONTEXT_V + 0x20]
    ldp q4, q5, [\context, #ARCH_CONTEXT_V + 0x40]
    ldp q6, q7, [\context, #ARCH_CONTEXT_V + 0x60]
    ldp q8, q9, [\context, #ARCH_CONTEXT_V + 0x80]
    ldp q10, q11, [\context, #ARCH_CONTEXT_V + 0xa0]
    ldp q12, q13, [\context, #ARCH_CONTEXT_V + 0xc0]
    ldp q14, q15, [\context, #ARCH_CONTEXT_V + 0xe0]
    ldp q16, q17, [\context, #ARCH_CONTEXT_V + 0x100]
    ldp q18, q19, [\context, #ARCH_CONTEXT_V + 0x120]
    ldp q20, q21, [\context, #ARCH_CONTEXT_V + 0x140]
    ldp q22, q23, [\context, #ARCH_CONTEXT_V + 0x160]
    ldp q24, q25, [\context, #ARCH_CONTEXT_V + 0x180]
    ldp q26, q27, [\context, #ARCH_CONTEXT_V + 0x1a0]
    ldp q28, q29, [\context, #ARCH_CONTEXT_V + 0x1c0]
    ldp q30, q31, [\context, #ARCH_CONTEXT_V + 0x1e0]
.endm

// void fp_save(struct arch_context *context)
    .global fp_save
    .type fp_save, %function
fp_save:
    save x0
    ret

// void fp_restore(const struct arch_context *context)
    .global fp_restore
    .type fp_restore, %function
fp_restore:
    restore x0
    ret

// void fp_exchange(struct arch_context *from, const struct arch_context *to)
    .global fp_exchange
    .type fp_exchange, %function
fp_exchange:
    save x0
    restore x1
    ret
