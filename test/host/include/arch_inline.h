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

void fake_switch(struct arch_context *from, struct arch_context *to);

static inline void arch_switch(struct arch_context *from, struct arch_context *to) {
    fake_switch(from, to);
}

static inline bool arch_interrupt_pending(void) { return port_preemption_pending(); }

#endif
