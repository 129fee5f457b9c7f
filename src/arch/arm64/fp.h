// SPDX-License-Identifier: BSD-2-Clause
// FP and SIMD state of threads (fp.c, fp.S).
#ifndef ARCH_FP_H
#define ARCH_FP_H

#include <arch_context.h>

void fp_save(struct arch_context *context);
void fp_restore(const struct arch_context *context);

// The running thread's first FP instruction has trapped: gives it the registers, all zero.
void fp_first_use(struct arch_context *context);

#endif
