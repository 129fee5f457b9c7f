// SPDX-License-Identifier: BSD-2-Clause
// The arch room for host tests of core: contexts without a processor, a clock that tests advance, a
// serial port in memory.
#ifndef ARCH_FAKE_H
#define ARCH_FAKE_H

#include <arch.h>
#include <setjmp.h>

#define FAKE_TIMER_HZ UINT64_C(1000000)

struct fake {
    struct pe pe[MAX_PES];
    // Clock and timer
    uint64_t now, deadline;
    bool timer_set;
    // Interrupts: after each one, so many polls answer no before the next (VMSA_NEVER: none comes)
    uint64_t polls;
    unsigned interrupts;
    // Shared interrupts 32 to 63, of which 33 is the kernel's and 34 has edges only
    uint64_t unmasked, edges, raised; // a bit each
    unsigned deliveries;
    // Serial port
    char output[8192], input[256];
    size_t output_count, output_room, input_count;
    bool listening;
    // What was done
    unsigned switches;
    const struct arch_context *switched_from, *switched_to;
    unsigned dumps;
    char dumped[16];
    char printed[4096]; // what kprintf and panic said
    size_t printed_count;
    // Where the kernel leaves to instead of waiting for ever, powering off, or panicking
    jmp_buf *leave;
    enum fake_exit { FAKE_RUNS, FAKE_IDLE, FAKE_POWER_OFF, FAKE_PANIC } exit;
    uint64_t power_off_status;
};
extern struct fake fake;

void fake_init(void);
void fake_set_interrupts(uint64_t polls); // one after so many polls, and again, and again

// Runs `function(pe)`; how it came back.
enum fake_exit fake_run(void (*function)(struct pe *pe), struct pe *pe);

#endif
