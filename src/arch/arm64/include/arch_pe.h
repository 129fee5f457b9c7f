// SPDX-License-Identifier: BSD-2-Clause
// What a PE knows about itself from system registers.
#ifndef ARCH_PE_H
#define ARCH_PE_H

#include <pe.h>

// TPIDR_EL1 is set once, before any C code of the kernel's upper half. It never changes while a PE
// runs, so the compiler may keep the value: not volatile.
static inline struct pe *pe_self(void) {
    struct pe *pe;
    __asm__("mrs %0, tpidr_el1" : "=r"(pe));
    return pe;
}

// ISR_EL1.I: an IRQ is pending, whether masked or not (Arm manual, "ISR_EL1").
static inline bool pe_interrupt_pending(void) {
    uint64_t pending;
    __asm__ volatile("mrs %0, isr_el1" : "=r"(pending));
    return (pending & UINT64_C(0x80)) != 0;
}

#endif
