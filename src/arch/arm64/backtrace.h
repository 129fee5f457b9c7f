// SPDX-License-Identifier: BSD-2-Clause
// Backtraces along the frame records (Procedure Call Standard, "The frame pointer").
#ifndef ARCH_BACKTRACE_H
#define ARCH_BACKTRACE_H

#include <arch_context.h>
#include <base.h>

struct vspace;

// An address of kernel code, with the function's name where there is one. No newline.
void symbol_print(uint64_t address);

// Of the kernel on this PE: the function at `pc`, then its callers from the frame record at
// `frame`. Reads the PE's own stacks only.
void backtrace_kernel(uint64_t pc, uint64_t frame);

// Of a user thread; addresses only. Reads through the VSpace's tables, under its lock.
void backtrace_user(const struct arch_context *context, struct vspace *vspace);

#endif
