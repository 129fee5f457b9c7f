// SPDX-License-Identifier: BSD-2-Clause
// The arch room, as core sees it. src/core contains no word of the architecture; it asks here.
//
// struct arch_context (arch_context.h) holds the registers and the FP state of a thread:
//   uint64_t reg[31]; sp, pc, flags (processor state), tls; then the FP state. core uses reg[]
//   by the ABI's numbers (SHEAF_REG_*) and of `flags` only what the two functions below give.
// The kernel runs with interrupts masked; it polls arch_interrupt_pending() at preemption points.
#ifndef ARCH_H
#define ARCH_H

#include <arch_context.h>
#include <base.h>
#include <pe.h>
#include <sheaf/bootinfo.h>

static inline struct pe *arch_pe(void);

// A context that starts in user mode with all registers, FP state and TLS zero.
void arch_context_init(struct arch_context *context); // in zeroed memory
// The context's instruction is the system call that is being executed: run it again.
static inline void arch_context_restart(struct arch_context *context);
// The condition flags, as the ABI has them (SHEAF_FLAGS), and nothing else of the processor state.
static inline uint64_t arch_context_conditions(const struct arch_context *context);
static inline void arch_context_set_conditions(struct arch_context *context, uint64_t conditions);
// Saves the FP state of `from`, restores that of `to`; either may be NULL. A context that has
// never used FP costs nothing: its first FP instruction traps and arch resolves that itself.
static inline void arch_switch(struct arch_context *from, struct arch_context *to);

static inline bool arch_interrupt_pending(void);
// Acknowledges what is pending first and calls core_tick, core_console_input ...
void arch_handle_interrupts(void);
void arch_wait_for_interrupt(void); // returns when one is pending

// Shared interrupts, for user space's drivers. They are masked until they are unmasked.
#define ARCH_INTERRUPTS 1020 // numbers are below
enum arch_interrupt { ARCH_INTERRUPT_FREE, ARCH_INTERRUPT_KERNEL, ARCH_INTERRUPT_NONE };
enum arch_interrupt arch_interrupt_owner(uint64_t interrupt); // NONE: there is none, or not shared
// It is masked. False if it cannot trigger so.
bool arch_interrupt_set_trigger(uint32_t interrupt, bool edge);
void arch_interrupt_mask(uint32_t interrupt);
void arch_interrupt_unmask(uint32_t interrupt);

uint64_t arch_now(void); // ticks of the system counter
uint64_t arch_timer_hz(void);
void arch_timer_set(uint64_t deadline); // one interrupt at or after `deadline`
void arch_timer_stop(void);

void arch_zero(void *start, size_t bytes); // bytes: a multiple of 64, aligned to 64
void arch_copy(void *to, const void *from, size_t bytes);

size_t arch_console_write(const char *bytes, size_t count); // how many the port took at once
size_t arch_console_read(char *bytes, size_t count);
void arch_console_listen(bool on); // interrupt on input; core_console_input is called
_Noreturn void arch_power_off(uint64_t status);

// Prints registers, the last syndrome in words and a backtrace of a user thread that nobody
// handles. Reads the frame records through `vspace`, under its lock; NULL leaves the backtrace out.
struct vspace;
void arch_dump_thread(const char *name, const struct arch_context *context, struct vspace *vspace);

#include <arch_inline.h>

#endif
