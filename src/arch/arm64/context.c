// SPDX-License-Identifier: BSD-2-Clause
// A context that has not run yet.
#include <arch.h>

// SPSR_EL1: EL0, AArch64, FIQ masked (the kernel has none), all else unmasked, PAN and the
// condition flags clear.
#define FLAGS_USER UINT64_C(0x40)

void arch_context_init(struct arch_context *context) { context->flags = FLAGS_USER; }
