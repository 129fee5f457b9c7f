// SPDX-License-Identifier: BSD-2-Clause
// FP and SIMD registers to and from a context. The kernel's C code has none in use.
// CPACR_EL1.FPEN is 0b01 or 0b11: neither traps at EL1.
#include <arch_context.h>

    .arch armv8-a
    .text

// void fp_save(struct arch_context *context)
    .global fp_save
    .type fp_save, %function
fp_save:
    add x1, x0, #ARCH_CONTEXT_V
    mrs x2, fpcr
    mrs x3, fpsr
    stp x2, x3, [x0, #ARCH_CONTEXT_FPCR]
    stp q0, q1, [x1]
    stp q2, q3, [x1, #0x20]
    stp q4, q5, [x1, #0x40]
    stp q6, q7, [x1, #0x60]
    stp q8, q9, [x1, #0x80]
    stp q10, q11, [x1, #0xa0]
    stp q12, q13, [x1, #0xc0]
    stp q14, q15, [x1, #0xe0]
    stp q16, q17, [x1, #0x100]
    stp q18, q19, [x1, #0x120]
    stp q20, q21, [x1, #0x140]
    stp q22, q23, [x1, #0x160]
    stp q24, q25, [x1, #0x180]
    stp q26, q27, [x1, #0x1a0]
    stp q28, q29, [x1, #0x1c0]
    stp q30, q31, [x1, #0x1e0]
    ret

// void fp_restore(const struct arch_context *context)
    .global fp_restore
    .type fp_restore, %function
fp_restore:
    add x1, x0, #ARCH_CONTEXT_V
    ldp x2, x3, [x0, #ARCH_CONTEXT_FPCR]
    msr fpcr, x2
    msr fpsr, x3
    ldp q0, q1, [x1]
    ldp q2, q3, [x1, #0x20]
    ldp q4, q5, [x1, #0x40]
    ldp q6, q7, [x1, #0x60]
    ldp q8, q9, [x1, #0x80]
    ldp q10, q11, [x1, #0xa0]
    ldp q12, q13, [x1, #0xc0]
    ldp q14, q15, [x1, #0xe0]
    ldp q16, q17, [x1, #0x100]
    ldp q18, q19, [x1, #0x120]
    ldp q20, q21, [x1, #0x140]
    ldp q22, q23, [x1, #0x160]
    ldp q24, q25, [x1, #0x180]
    ldp q26, q27, [x1, #0x1a0]
    ldp q28, q29, [x1, #0x1c0]
    ldp q30, q31, [x1, #0x1e0]
    ret
