// SPDX-License-Identifier: BSD-2-Clause
// Registers of a thread, as exception entry saves them.
//
// entry.S writes the general part with SP_EL1 pointing at the structure, so SP's alignment rule
// (16 bytes) and the offsets asserted below are part of the format.
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

// Known to entry.S and fp.S.
#define ARCH_CONTEXT_SP 0xf8
#define ARCH_CONTEXT_PC 0x100
#define ARCH_CONTEXT_TLS 0x110
#define ARCH_CONTEXT_FPCR 0x130
#define ARCH_CONTEXT_V 0x140

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct arch_context {
    uint64_t reg[31]; // x0 to x30
    uint64_t sp;      // SP_EL0
    uint64_t pc;
    uint64_t flags; // SPSR_EL1: always EL0t
    uint64_t tls;   // TPIDR_EL0

    uint64_t syndrome;      // ESR_EL1 and FAR_EL1 of the last exception that was not a system
    uint64_t fault_address; // call, for the dump of a thread that nobody handles

    uint64_t fp_used; // 0 until the first FP instruction traps; then v, fpcr, fpsr are alive
    uint64_t fpcr, fpsr;
    _Alignas(16) uint64_t v[64]; // q0 to q31
} __attribute__((aligned(16)));

_Static_assert(offsetof(struct arch_context, sp) == ARCH_CONTEXT_SP, "x30 and SP_EL0 are a pair");
_Static_assert(offsetof(struct arch_context, pc) == ARCH_CONTEXT_PC, "entry.S knows the place");
_Static_assert(offsetof(struct arch_context, flags) == ARCH_CONTEXT_PC + 8, "a pair with pc");
_Static_assert(offsetof(struct arch_context, tls) == ARCH_CONTEXT_TLS, "entry.S knows the place");
_Static_assert(offsetof(struct arch_context, fpcr) == ARCH_CONTEXT_FPCR, "fp.S knows the place");
_Static_assert(offsetof(struct arch_context, fpsr) == ARCH_CONTEXT_FPCR + 8, "a pair with fpcr");
_Static_assert(offsetof(struct arch_context, v) == ARCH_CONTEXT_V, "fp.S knows the place");

#endif // __ASSEMBLER__

#endif
