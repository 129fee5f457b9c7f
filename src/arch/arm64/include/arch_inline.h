// SPDX-License-Identifier: BSD-2-Clause
// The short functions of arch.h.
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#include <arch_pe.h>
#include <sheaf/object.h>

#define ARCH_INSTRUCTION_BYTES 4

static inline struct pe *arch_pe(void) { return pe_self(); }

static inline void arch_context_restart(struct arch_context *context) {
    context->pc -= ARCH_INSTRUCTION_BYTES; // the exception link register is behind the SVC
}

// SPSR_EL1 has them where the ABI has them: "PSTATE fields" N, Z, C, V in bits 31 to 28.
static inline uint64_t arch_context_conditions(const struct arch_context *context) {
    return context->flags & SHEAF_FLAGS;
}

static inline void arch_context_set_conditions(struct arch_context *context, uint64_t conditions) {
    context->flags = (context->flags & ~SHEAF_FLAGS) | (conditions & SHEAF_FLAGS);
}

// src/arch/arm64/fp.S: saves one, restores the other.
void fp_exchange(struct arch_context *from, const struct arch_context *to);
void fp_switch(struct arch_context *from, struct arch_context *to); // src/arch/arm64/fp.c: any case

// Where neither has ever used FP, it traps already; where both have, it is allowed already. Without
// `from` that is not known: what ran last may have been deleted.
static inline void arch_switch(struct arch_context *from, struct arch_context *to) {
    if (likely(from != NULL && to != NULL && from->fp_used == to->fp_used)) {
        if (to->fp_used != 0) {
            fp_exchange(from, to);
        }
    } else {
        fp_switch(from, to);
    }
}

static inline bool arch_interrupt_pending(void) { return pe_interrupt_pending(); }

#endif
