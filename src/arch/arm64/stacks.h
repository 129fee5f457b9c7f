// SPDX-License-Identifier: BSD-2-Clause
// The stacks of each PE (layout.h says why there are two).
#ifndef ARCH_STACKS_H
#define ARCH_STACKS_H

#include "layout.h"

#include <pe.h>

struct pe_stack {
    uint8_t guard[STACK_GUARD_BYTES]; // not mapped: an overflow faults
    uint8_t kernel[STACK_KERNEL_BYTES];
    uint8_t panic[STACK_PANIC_BYTES];
};

_Static_assert(sizeof(struct pe_stack) == STACK_BYTES, "head.S computes with it");
_Static_assert(offsetof(struct pe_stack, panic) == STACK_TOP_OFFSET, "the kernel stack's top");

extern struct pe_stack pe_stacks[MAX_PES];
extern struct pe pe_data[MAX_PES];

#endif
