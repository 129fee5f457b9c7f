// SPDX-License-Identifier: BSD-2-Clause
// Registers of a thread, on the host: what core's ABI names, and a little FP state to be kept.
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include <stdint.h>

struct arch_context {
    uint64_t reg[31];
    uint64_t sp, pc, flags, tls;
    uint64_t fp[4];
};

#endif
