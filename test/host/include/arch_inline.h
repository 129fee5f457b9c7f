// SPDX-License-Identifier: BSD-2-Clause
// The short functions of arch.h on the host.
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#include <port.h>

#define FAKE_INSTRUCTION_BYTES 4

struct pe *fake_pe(void); // test/host/arch_fake.c

static inline struct pe *arch_pe(void) { return fake_pe(); }

static inline void arch_context_restart(struct arch_context *context) {
    context->pc -= FAKE_INSTRUCTION_BYTES; // pc is behind the system call
}

#define FAKE_USER_STATE UINT64_C(0x40) // of `flags`: what no thread may change

static inline uint64_t arch_context_conditions(const struct arch_context *context) {
    return context->flags & ~FAKE_USER_STATE;
}

static inline void arch_context_set_conditions(struct arch_context *context, uint64_t conditions) {
    context->flags = conditions | FAKE_USER_STATE; // core has checked the bits
}

void fake_switch(struct arch_context *from, struct arch_context *to);

static inline void arch_switch(struct arch_context *from, struct arch_context *to) {
    fake_switch(from, to);
}

static inline bool arch_interrupt_pending(void) { return port_preemption_pending(); }

#endif
